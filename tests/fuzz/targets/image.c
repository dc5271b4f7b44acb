/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole data.mdb: a small store's, with pieces overwritten as the input says:
 * page u8, offset u16, size u8, bytes; again and again. First the descent and
 * the walks over it in memory that ends where the file does, then
 * feature_store_verify on a file of it.
 *
 * Property: what verify calls good can be walked to the end, with as many rows
 * as it counted.
 */
#include "target.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "engine/descent.h"
#include "engine/page.h"

#define TREES 8
#define ROWS  240

static struct {
    char store[240];
    uint8_t *base, *fenced; /* the second ends where its memory does */
    size_t size;
    uint32_t page_size;
} image;

static void
must(feature_status status)
{
    expect(!status, "a store is made");
}

static void
write_rows(feature_store *store, const char *view, uint32_t width)
{
    static int64_t keys[ROWS], times[ROWS];
    static int32_t ends[ROWS + 1];
    static char text[ROWS * 400];
    struct feature_error error;
    feature_batch *batch;

    for (uint32_t i = 0; i < ROWS; i++) {
        keys[i] = (int64_t)i * 77;
        times[i] = i + 1;
        ends[i + 1] = ends[i] + (int32_t)(i % width);
    }
    memset(text, 'x', sizeof text);
    must(feature_batch_create(store, view, "k, event_timestamp, s",
                              FEATURE_UPSERT, &batch, &error));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, ROWS,
                           &error));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           ROWS, &error));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_STRING, text, ends, NULL,
                           ROWS, &error));
    must(feature_store_write(store, &batch, 1, NULL, NULL, &error));
    feature_batch_free(batch);
}

static void
name_data(char name[260])
{
    snprintf(name, 260, "%s/data.mdb", image.store);
}

static void
read_image(void)
{
    char name[260];
    struct stat at;
    uint8_t *map;
    int file;

    name_data(name);
    file = open(name, O_RDONLY | O_CLOEXEC);
    expect(file >= 0 && !fstat(file, &at), "the store's file");
    image.size = (size_t)at.st_size;
    image.base = malloc(image.size);
    expect(image.base &&
               read(file, image.base, image.size) == (ssize_t)image.size,
           "the store's bytes");
    close(file);
    image.page_size = lf_load_u32(image.base + LF_META_FREE);
    map = mmap(NULL, image.size + image.page_size, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(map != MAP_FAILED &&
               !mprotect(map, image.size, PROT_READ | PROT_WRITE),
           "memory");
    image.fenced = map;
}

static void
make_image(void)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .map_size = 1u << 24,
                                      .fixed_now = 1000000};
    struct feature_error error;
    feature_store *store;

    snprintf(image.store, sizeof image.store, "%s/image", target_directory());
    must(feature_store_open(image.store, &options, &store, &error));
    must(feature_store_apply(
        store,
        "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (s STRING) FOR e;"
        "CREATE FEATURE VIEW w (s STRING) FOR e;",
        NULL, NULL, &error));
    write_rows(store, "v", 20);
    write_rows(store, "w", 400);
    write_rows(store, "v", 30);
    feature_store_close(store);
    read_image();
}

/* --- the code that reads pages ------------------------------------------------ */

struct walk {
    struct lf_pages pages;
    struct lf_root roots[TREES];
    uint32_t trees;
    uint64_t rows;
    bool is_rows;
};

static void
touch(const uint8_t *bytes, size_t size)
{
    static volatile uint8_t sink;
    uint8_t sum = sink;

    while (size--)
        sum ^= *bytes++;
    sink = sum;
}

static feature_status
take_tree(void *context, const uint8_t *key, size_t key_size,
          const uint8_t *value, size_t size, struct feature_error *error)
{
    struct walk *walk = context;
    struct lf_root *root = &walk->roots[walk->trees];

    (void)error;
    touch(key, key_size);
    touch(value, size);
    if (walk->trees < TREES && size == LF_RECORD_SIZE && key_size > 5 &&
        !memcmp(key, "rows/", 5) && !lf_root_read(value, root, NULL) &&
        !root->flags)
        walk->trees++;
    return FEATURE_OK;
}

static feature_status
take_row(void *context, const uint8_t *key, size_t key_size,
         const uint8_t *value, size_t size, struct feature_error *error)
{
    struct walk *walk = context;

    (void)error;
    touch(key, key_size);
    touch(value, size);
    walk->rows++;
    return FEATURE_OK;
}

static void
look_up(struct walk *walk)
{
    struct lf_job jobs[32];
    uint8_t keys[32][8];
    struct lf_inspected inspected = {0};
    struct lf_node node;
    bool found;

    if (!walk->trees)
        return;
    for (uint32_t i = 0; i < 32; i++) {
        lf_store_big_u64(keys[i], (uint64_t)(i * 8 * 77) ^ 1ull << 63);
        jobs[i] = (struct lf_job){
            .key = keys[i], .key_size = 8, .tree = i % walk->trees};
    }
    if (!lf_descend(&walk->pages, walk->roots, 0, walk->trees, jobs, 32, NULL))
        for (uint32_t i = 0; i < 32; i++)
            if (jobs[i].value)
                touch(jobs[i].value, jobs[i].size);
    for (uint32_t i = 0; i < 4; i++) {
        lf_tree_inspect(&walk->pages, &walk->roots[jobs[i].tree], keys[i], 8,
                        &inspected, &found, &node, NULL);
        lf_tree_sample(&walk->pages, &walk->roots[jobs[i].tree], i % 3, 3, i,
                       &inspected, &node, NULL);
    }
}

/* Returns whether all of it could be walked. */
static bool
walk_image(struct walk *walk)
{
    static struct lf_environment environment;
    const uint8_t *meta = image.fenced;
    struct lf_root main;
    bool good = true;

    if (lf_load_u64(meta + image.page_size + LF_META_TRANSACTION) >
        lf_load_u64(meta + LF_META_TRANSACTION))
        meta += image.page_size;
    walk->pages =
        (struct lf_pages){.environment = &environment,
                          .base = image.fenced,
                          .page_size = image.page_size,
                          .last = lf_load_u64(meta + LF_META_LAST_PAGE),
                          .limit = image.size / image.page_size};
    if (lf_root_read(meta + LF_META_MAIN, &main, NULL) || main.flags ||
        lf_tree_walk(&walk->pages, &main, take_tree, walk, NULL))
        good = false;
    for (uint32_t i = 0; i < walk->trees; i++)
        if (lf_tree_walk(&walk->pages, &walk->roots[i], take_row, walk, NULL))
            good = false;
    look_up(walk);
    return good;
}

/* --- the input ---------------------------------------------------------------- */

static void
overwrite(struct input *input)
{
    uint32_t pages = (uint32_t)(image.size / image.page_size);

    memcpy(image.fenced, image.base, image.size);
    while (left_of(input) > 4) {
        size_t at = (size_t)(take_u8(input) % pages) * image.page_size;
        size_t size;

        at += take_u16(input) % image.page_size;
        size = 1 + take_u8(input) % 32;
        for (; size && at < image.size && left_of(input); size--)
            image.fenced[at++] = take_u8(input);
    }
}

static void
put_file(void)
{
    char name[260];
    int file;

    name_data(name);
    file = open(name, O_WRONLY | O_CLOEXEC);
    expect(file >= 0 &&
               pwrite(file, image.fenced, image.size, 0) == (ssize_t)image.size,
           "a file is written");
    close(file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct input input = {bytes, bytes + size};
    struct feature_error error = {0};
    struct walk walk = {.rows = 0};
    feature_status status;
    bool good;

    if (!image.size)
        make_image();
    overwrite(&input);
    good = walk_image(&walk);
    put_file();
    status = feature_store_verify(image.store, NULL, &report, NULL, &error);
    if (status)
        expect_named(status, &error);
    expect(!size || size > 4 || (!status && !report.findings),
           "what nobody touched is good");
    if (!status && !report.findings)
        expect(good && walk.rows == report.rows + report.tombstones,
               "what is good can be walked");
    return 0;
}
