/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify [COUNT] [SEED] [FIRST]: damaged stores through feature_store_verify(). It
 * never crashes or hangs. What it calls good is used by another process, which
 * reads all rows, writes and reads them again: a damage that is harmful, in that
 * this process gets another answer, an error or a signal, has to be found in 99.5
 * of 100 files. Then a verification that looks at pages alone has to miss more
 * than that, and one that crashes has to show.
 *
 * Owns the store, an older state of its file, and the judgement of harm.
 * Keeps a value a function of its key and generation.
 * Never damages a file so that an older commit is whole in it: nobody can see
 * that (docs/reliability.md).
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "damage.h"
#include "engine/layout.h"
#include "libfeature.h"

#define SEED    20260804
#define PEOPLE  3000
#define PLACES  60
#define WIDE    6000 /* bytes, so that a row spans pages */
#define NARROW  24
#define COMMITS 12
#define USE_S   8 /* the longest use of a store */
#define PERCENT 99.5

#define DEFINITIONS                                       \
    "CREATE ENTITY e (id INT64);"                         \
    "CREATE FEATURE VIEW p (a INT64, s STRING) FOR e;"    \
    "CREATE FEATURE VIEW q (a INT64, s STRING) FOR e;"    \
    "CREATE FEATURE VIEW gone (a INT64, s STRING) FOR e;" \
    "CREATE FEATURE SERVICE both AS p(a), q(s);"

enum mode { MODE_ALL, MODE_PAGES, MODE_CRASH };

struct counts {
    _Atomic(uint64_t) found, harmful, missed, harmless, refused;
    _Atomic(uint64_t) signals; /* of harmful ones: LMDB's, in a write */
};

struct rig {
    char store[RIG_PATH_SIZE];
    struct image image, older;
    uint64_t seed;
    uint32_t first; /* trial */
    enum mode mode;
    struct counts *counts;
};

/* A view's rows, and the generation each has. */
struct rows {
    const char *view;
    uint32_t count;
    uint32_t width; /* of the text */
    uint8_t generations[PEOPLE];
};

static void
must(feature_status status, const struct feature_error *error, const char *what)
{
    if (status)
        rig_give_up(what, error->message);
}

static int64_t
value_of(uint32_t row, uint32_t generation)
{
    return (int64_t)row * 256 + generation;
}

/* Keys that fall all over the tree. */
static int64_t
key_of(uint32_t row)
{
    return (int64_t)mix(row, 77);
}

static feature_store *
open_store(const char *path, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    feature_store *store;

    return feature_store_open(path, &options, &store, NULL) ? NULL : store;
}

/* Every step-th row from a first one on. */
static feature_status
write_rows(feature_store *store, struct rows *rows, uint32_t from,
           uint32_t step, uint32_t generation, struct feature_error *error)
{
    static int64_t keys[PEOPLE], a[PEOPLE];
    static char text[PEOPLE * NARROW + PLACES * WIDE];
    static int32_t ends[PEOPLE + 1];
    feature_batch *batch;
    feature_status status;
    uint32_t count = 0;

    for (uint32_t i = from; i < rows->count; i += step, count++) {
        keys[count] = key_of(i);
        a[count] = value_of(i, generation);
        memset(text + ends[count], 'a' + (int)(generation % 26), rows->width);
        ends[count + 1] = ends[count] + (int32_t)rows->width;
        rows->generations[i] = (uint8_t)generation;
    }
    status = feature_batch_create(store, rows->view, "id, a, s", FEATURE_UPSERT,
                                  &batch, error);
    if (status)
        return status;
    status = feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                               count, error);
    if (!status)
        status = feature_batch_set(batch, 1, FEATURE_TYPE_INT64, a, NULL, NULL,
                                   count, error);
    if (!status)
        status = feature_batch_set(batch, 2, FEATURE_TYPE_STRING, text, ends,
                                   NULL, count, error);
    if (!status)
        status = feature_store_write(store, &batch, 1, NULL, NULL, error);
    feature_batch_free(batch);
    return status;
}

static void
generate(feature_store *store, struct rows *rows, uint32_t step,
         uint32_t generation)
{
    struct feature_error error;

    must(write_rows(store, rows, step - 1, step, generation, &error), &error,
         "feature_store_write");
}

static struct rows people = {.view = "p", .count = PEOPLE, .width = NARROW};
static struct rows places = {.view = "q", .count = PLACES, .width = WIDE};

/* The older state is a few commits behind. The view `gone` fills the free list.
 */
static void
make_store(struct rig *rig)
{
    struct rows gone = {.view = "gone", .count = 40, .width = WIDE};
    struct feature_error error;
    feature_store *store;

    rig_directory(rig->store);
    store = open_store(rig->store, FEATURE_OPEN_CREATE);
    if (!store)
        rig_give_up("feature_store_open", "failed");
    must(feature_store_apply(store, DEFINITIONS, NULL, NULL, &error), &error,
         "feature_store_apply");
    generate(store, &people, 1, 1);
    generate(store, &places, 1, 1);
    generate(store, &gone, 1, 1);
    must(feature_store_apply(store, "DROP FEATURE VIEW gone;", NULL, NULL,
                             &error),
         &error, "feature_store_apply");
    generate(store, &people, 9, 2);
    rig->older = image_read(rig->store);
    generate(store, &places, 4, 3);
    generate(store, &people, 7, 4);
    generate(store, &people, 50, 5);
    feature_store_close(store);
    rig->image = image_read(rig->store);
}

/* --- damage ------------------------------------------------------------------- */

/* A write that was lost: a page as it was some commits ago. */
static void
put_stale_page(const struct rig *rig, struct image *image, struct dice *dice)
{
    uint32_t pages = (uint32_t)(rig->older.size / image->page_size);
    size_t at = 2 + dice_below(dice, pages - 2);

    memcpy(image->bytes + at * image->page_size,
           rig->older.bytes + at * image->page_size, image->page_size);
}

/* Bits of the newest meta page; one of its parts would be a commit's rollback
 * if it hit nothing else, so the other page is not touched. */
static void
damage_meta(struct image *image, struct dice *dice)
{
    uint8_t *meta = image->bytes + dice_below(dice, 2) * image->page_size;
    uint32_t times = 1 + dice_below(dice, 3);

    for (uint32_t i = 0; i < times; i++)
        meta[dice_below(dice, LF_META_SIZE)] ^=
            (uint8_t)(1u << dice_below(dice, 8));
}

static void
damage(const struct rig *rig, struct image *image, struct dice *dice)
{
    uint32_t kind = dice_below(dice, 100);

    if (kind < 70)
        image_damage(image, dice);
    else if (kind < 85)
        put_stale_page(rig, image, dice);
    else if (kind < 95)
        damage_meta(image, dice);
    else
        image->size = (size_t)dice_below(dice, (uint32_t)image->size);
}

static void
put_file(const struct rig *rig, const struct image *image)
{
    char path[RIG_PATH_SIZE + 16];
    int file;

    snprintf(path, sizeof path, "%s/data.mdb", rig->store);
    file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file < 0 ||
        pwrite(file, image->bytes, image->size, 0) != (ssize_t)image->size)
        rig_give_up(path, "cannot be written");
    close(file);
}

/* --- use ------------------------------------------------------------------------ */

static bool
is_row(const struct rows *rows, uint32_t row,
       const struct feature_column columns[2])
{
    const int32_t *ends = columns[1].offsets + row;
    const char *text = (const char *)columns[1].values + ends[0];
    uint32_t generation = rows->generations[row];

    if (!(columns[0].validity[row / 8] >> row % 8 & 1) ||
        ((const int64_t *)columns[0].values)[row] !=
            value_of(row, generation) ||
        (uint32_t)(ends[1] - ends[0]) != rows->width)
        return false;
    for (uint32_t i = 0; i < rows->width; i++)
        if (text[i] != (char)('a' + (int)(generation % 26)))
            return false;
    return true;
}

static bool
reads_well(feature_store *store, const struct rows *rows)
{
    char features[16];
    int64_t keys[PEOPLE];
    feature_request *request;
    feature_query *query;
    struct feature_column columns[2];

    for (uint32_t i = 0; i < rows->count; i++)
        keys[i] = key_of(i);
    snprintf(features, sizeof features, "%s(a, s)", rows->view);
    if (feature_query_create(store, features, NULL, &query, NULL) ||
        feature_request_create(query, &request, NULL) ||
        feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                NULL, rows->count, NULL) ||
        feature_request_read(request, NULL) ||
        feature_request_columns(request, columns, 2, NULL))
        return false;
    for (uint32_t i = 0; i < rows->count; i++)
        if (!is_row(rows, i, columns))
            return false;
    feature_request_free(request);
    feature_query_free(query);
    return true;
}

static bool
is_whole(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    char *text;

    if (feature_store_describe(store, NULL, &text, NULL))
        return false;
    feature_free(text);
    return !feature_store_stats(store, &stats, NULL) && stats.views == 2 &&
           stats.services == 1 && stats.rows == PEOPLE + PLACES &&
           reads_well(store, &people) && reads_well(store, &places);
}

/* In a process of its own: 0 for a store that behaves. */
static int
use(const struct rig *rig)
{
    feature_store *store = open_store(rig->store, 0);

    if (!store || !is_whole(store))
        return 1;
    for (uint32_t i = 0; i < COMMITS; i++)
        if (write_rows(store, i % 3 ? &people : &places, i, 11, 10 + i, NULL))
            return 1;
    if (!is_whole(store))
        return 1;
    feature_store_close(store);
    return 0;
}

static bool
is_harmful(struct rig *rig)
{
    pid_t child = fork();
    int status;

    if (!child) {
        int nowhere = open("/dev/null", O_WRONLY);

        dup2(nowhere, STDERR_FILENO);
        alarm(USE_S);
        _exit(use(rig));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        rig_give_up("fork", "failed");
    if (!WIFEXITED(status))
        atomic_fetch_add(&rig->counts->signals, 1);
    return !WIFEXITED(status) || WEXITSTATUS(status);
}

/* --- trials --------------------------------------------------------------------- */

/* A store that verify refuses to judge is none that opens: found. */
static bool
is_found(struct rig *rig)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    feature_status status;

    if (rig->mode == MODE_CRASH)
        abort();
    status = feature_store_verify(rig->store, NULL, &report, NULL, NULL);
    if (status) {
        atomic_fetch_add(&rig->counts->refused, 1);
        return true;
    }
    if (rig->mode == MODE_PAGES)
        return report.file_findings || report.page_findings;
    return report.findings;
}

static void
run_trial(void *context, uint32_t number)
{
    struct rig *rig = context;
    struct counts *counts = rig->counts;
    struct dice dice = {.state = mix(rig->seed, number)};
    struct image image = rig->image;
    bool found, harmful;

    image.bytes = malloc(image.size);
    if (!image.bytes)
        rig_give_up("a trial", "no memory");
    memcpy(image.bytes, rig->image.bytes, image.size);
    damage(rig, &image, &dice);
    put_file(rig, &image);
    free(image.bytes);
    found = is_found(rig);
    harmful = is_harmful(rig);
    if (found)
        atomic_fetch_add(&counts->found, 1);
    if (harmful)
        atomic_fetch_add(&counts->harmful, 1);
    if (harmful && !found) {
        atomic_fetch_add(&counts->missed, 1);
        if (rig->mode == MODE_ALL)
            printf("# trial %u: harmful, and not found\n", number);
        fflush(stdout);
    }
    if (found && !harmful)
        atomic_fetch_add(&counts->harmless, 1);
}

/* The share of harmful files that were found, in percent. */
static double
share(const struct counts *counts)
{
    double harmful = (double)counts->harmful;

    return harmful > 0 ? 100 * (harmful - (double)counts->missed) / harmful
                       : 100;
}

static bool
is_good(struct rig *rig)
{
    bool found;

    put_file(rig, &rig->image);
    found = is_found(rig);
    return !found && !is_harmful(rig);
}

/* Runs one mode; returns whether all went as it should without a plant. */
static bool
run(struct rig *rig, enum mode mode, uint32_t count, uint32_t *crashed,
    uint32_t *hung)
{
    memset((void *)rig->counts, 0, sizeof *rig->counts);
    rig->mode = mode;
    *crashed = rig_run(rig->first, rig->first + count, run_trial, rig, hung);
    return !*crashed && !*hung && share(rig->counts) >= PERCENT &&
           rig->counts->harmful;
}

int
main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 400;
    struct rig rig = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    uint32_t crashed, hung;
    bool good, failed;

    rig.first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    rig.counts = rig_share(sizeof *rig.counts);
    make_store(&rig);
    good = is_good(&rig);
    failed = !good;
    printf("%sok the store is good as it was made, and can be used\n",
           good ? "" : "not ");
    good = run(&rig, MODE_ALL, count, &crashed, &hung);
    failed |= !good;
    printf("%sok %u damaged stores of %zu pages: %u crashes, %u hangs of "
           "verify; %llu harmful (%llu by a signal), of which %llu missed "
           "(%.2f %% "
           "found); %llu "
           "found that did no harm yet, %llu refused, seed %llu\n",
           good ? "" : "not ", count, rig.image.size / rig.image.page_size,
           crashed, hung, (unsigned long long)rig.counts->harmful,
           (unsigned long long)rig.counts->signals,
           (unsigned long long)rig.counts->missed, share(rig.counts),
           (unsigned long long)rig.counts->harmless,
           (unsigned long long)rig.counts->refused,
           (unsigned long long)rig.seed);
    good = !run(&rig, MODE_PAGES, 100, &crashed, &hung) && !crashed && !hung;
    failed |= !good;
    printf("%sok a verification of pages alone misses some: %.2f %% found\n",
           good ? "" : "not ", share(rig.counts));
    run(&rig, MODE_CRASH, 1, &crashed, &hung);
    failed |= crashed != 1;
    printf("%sok a crash of verify shows\n", crashed == 1 ? "" : "not ");
    free(rig.image.bytes);
    free(rig.older.bytes);
    rig_remove(rig.store);
    return failed;
}
