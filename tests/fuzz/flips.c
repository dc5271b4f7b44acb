/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flips [ROWS] [SEED]: a snapshot of two views of ROWS rows each. Every byte with
 * one bit flipped, and with all of them, and every shorter file have to be
 * refused. A store restored from the snapshot has the same rows, and gives the
 * same snapshot but for its incarnation. Then a reader without checksums, for
 * whom they are put right over the flipped byte, has to accept some.
 *
 * Owns the store and the judgement of what came back.
 * Keeps a trial to the byte of its number.
 * Never takes another answer than FEATURE_CORRUPT or FEATURE_VERSION for a
 * refusal.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/manifest.h"
#include "libfeature.h"
#include "reseal.h"
#include "rig.h"

#define SEED     20261121
#define ROWS     3
#define CONTROL  40 /* rows at most, and flips of each frame */
#define TEXT_MAX 64

#define DEFINITIONS                                                          \
    "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT64, f FLOAT64,"  \
    " s STRING) FOR e; CREATE FEATURE VIEW u (a INT64, f FLOAT64, s STRING)" \
    " FOR e; CREATE FEATURE SERVICE both AS v(a, s), u(f)"

struct rig {
    char directory[RIG_PATH_SIZE];
    char store[RIG_PATH_SIZE + 16], file[RIG_PATH_SIZE + 16];
    uint32_t rows, size;
    uint64_t seed;
    uint8_t *bytes;            /* of the snapshot */
    _Atomic(uint64_t) *counts; /* refused, accepted, refused otherwise */
};

static void
must(feature_status status, const struct feature_error *error)
{
    if (status)
        rig_give_up("a call", error->message);
}

/* --- the store ------------------------------------------------------------------ */

static feature_store *
open_store(const char *path, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    struct feature_error error;
    feature_store *store;

    must(feature_store_open(path, &options, &store, &error), &error);
    return store;
}

static void *
claim(size_t size)
{
    void *made = calloc(1, size ? size : 1);

    if (!made)
        rig_give_up("memory", "there is none");
    return made;
}

static void
set(feature_batch *batch, uint32_t index, int32_t type, const void *values,
    const int32_t *offsets, uint32_t rows)
{
    struct feature_error error;

    must(feature_batch_set(batch, index, type, values, offsets, NULL, rows,
                           &error),
         &error);
}

/* Rows of no pattern: they stay as large as they are. */
static void
write_rows(const struct rig *rig, feature_store *store, const char *view)
{
    int64_t *keys = claim(8 * rig->rows), *a = claim(8 * rig->rows);
    double *f = claim(8 * rig->rows);
    char *text = claim((size_t)TEXT_MAX * rig->rows);
    int32_t *ends = claim(4 * (rig->rows + 1u));
    struct dice dice = {mix(rig->seed, (uint64_t)view[0])};
    struct feature_error error;
    feature_batch *batch;

    for (uint32_t i = 0; i < rig->rows; i++) {
        keys[i] = i;
        a[i] = (int64_t)dice_draw(&dice);
        f[i] = (double)dice_draw(&dice) / 3;
        ends[i + 1] = ends[i] + (int32_t)dice_below(&dice, TEXT_MAX);
        for (int32_t j = ends[i]; j < ends[i + 1]; j++)
            text[j] = (char)(' ' + dice_below(&dice, 90));
    }
    must(feature_batch_create(store, view, "k, a, f, s", FEATURE_UPSERT, &batch,
                              &error),
         &error);
    set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, rig->rows);
    set(batch, 1, FEATURE_TYPE_INT64, a, NULL, rig->rows);
    set(batch, 2, FEATURE_TYPE_FLOAT64, f, NULL, rig->rows);
    set(batch, 3, FEATURE_TYPE_STRING, text, ends, rig->rows);
    must(feature_store_write(store, &batch, 1, NULL, NULL, &error), &error);
    feature_batch_free(batch);
    free(keys);
    free(a);
    free(f);
    free(text);
    free(ends);
}

static void
read_file(struct rig *rig)
{
    int file = open(rig->file, O_RDONLY | O_CLOEXEC);
    struct stat at;

    if (file < 0 || fstat(file, &at))
        rig_give_up(rig->file, "cannot be read");
    rig->size = (uint32_t)at.st_size;
    rig->bytes = claim(rig->size);
    if (read(file, rig->bytes, rig->size) != (ssize_t)rig->size)
        rig_give_up(rig->file, "cannot be read");
    close(file);
}

static void
make_snapshot(struct rig *rig)
{
    struct feature_error error;
    feature_store *store;

    snprintf(rig->store, sizeof rig->store, "%s/store", rig->directory);
    snprintf(rig->file, sizeof rig->file, "%s/a.snap", rig->directory);
    store = open_store(rig->store, FEATURE_OPEN_CREATE);
    must(feature_store_apply(store, DEFINITIONS, NULL, NULL, &error), &error);
    write_rows(rig, store, "v");
    write_rows(rig, store, "u");
    must(feature_store_snapshot(store, rig->file, NULL, NULL, NULL, &error),
         &error);
    feature_store_close(store);
    read_file(rig);
}

/* --- flips ---------------------------------------------------------------------- */

/* Of another name in each child. */
static const char *
own_file(const struct rig *rig)
{
    static char name[RIG_PATH_SIZE + 32];

    snprintf(name, sizeof name, "%s/%d.snap", rig->directory, (int)getpid());
    return name;
}

static void
judge(const struct rig *rig, const char *file)
{
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    feature_status status =
        feature_store_restore(file, NULL, &options, NULL, NULL, NULL);
    bool is_refused = status == FEATURE_CORRUPT || status == FEATURE_VERSION;

    atomic_fetch_add(&rig->counts[is_refused ? 0 : status ? 2 : 1], 1);
}

static void
try_file(const struct rig *rig, uint32_t size)
{
    const char *name = own_file(rig);
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || write(file, rig->bytes, size) != (ssize_t)size)
        rig_give_up(name, "cannot be written");
    close(file);
    judge(rig, name);
}

static void
try_byte(void *context, uint32_t number)
{
    struct rig *rig = context;
    uint8_t bit = (uint8_t)(1u << mix(rig->seed, number) % 8);

    rig->bytes[number] ^= bit;
    try_file(rig, rig->size);
    rig->bytes[number] ^= (uint8_t)(bit ^ 0xff);
    try_file(rig, rig->size);
    rig->bytes[number] ^= 0xff;
    try_file(rig, number);
}

/* The checksums and sums of the file are right again. */
static void
try_unchecked(void *context, uint32_t number)
{
    const struct rig *rig = context;
    struct dice dice = {mix(rig->seed, number)};
    const char *name = own_file(rig);
    static struct parts parts;
    uint32_t i;

    parts_read(&parts, rig->file);
    i = dice_below(&dice, parts.count);
    if (parts.heads[i].size)
        parts.stored[i][dice_below(&dice, parts.heads[i].size)] ^=
            (uint8_t)(1u << dice_below(&dice, 8));
    parts_write(&parts, name, false);
    parts_free(&parts);
    judge(rig, name);
}

/* --- what comes back ------------------------------------------------------------ */

static bool
same_frames(const struct parts *a, const struct parts *b)
{
    bool same = a->count == b->count && a->trailer.rows == b->trailer.rows;

    for (uint32_t i = 0; same && i < a->count; i++) {
        const struct lf_frame *left = &a->heads[i], *right = &b->heads[i];

        same = !strcmp(left->name, right->name) && left->view == right->view &&
               left->items == right->items &&
               (!strcmp(left->name, LF_FRAME_MANIFEST) ||
                (left->size == right->size &&
                 !memcmp(a->stored[i], b->stored[i], left->size)));
    }
    return same;
}

/* Counts and content hashes, as the manifests have them. */
static bool
same_views(const struct parts *a, const struct parts *b)
{
    struct lf_manifest left, right;
    struct lf_arena arena = {0};
    struct feature_error error;
    bool same;

    must(lf_manifest_decode(a->stored[0], a->heads[0].size, &arena, &left,
                            &error),
         &error);
    must(lf_manifest_decode(b->stored[0], b->heads[0].size, &arena, &right,
                            &error),
         &error);
    same = left.view_count == 2 && right.view_count == 2 &&
           left.meta.sequence == right.meta.sequence;
    for (uint32_t i = 0; same && i < 2; i++)
        same =
            left.views[i].meta.content.low == right.views[i].meta.content.low &&
            left.views[i].meta.content.high ==
                right.views[i].meta.content.high &&
            left.views[i].meta.row_entries == right.views[i].meta.row_entries;
    lf_arena_free(&arena);
    return same;
}

/* Everything of all rows, as a read answers it. */
static void
read_rows(const struct rig *rig, const char *path, struct lf_sha256 *sum)
{
    int64_t *keys = claim(8 * rig->rows);
    feature_store *store = open_store(path, 0);
    struct feature_column columns[6];
    struct feature_error error;
    feature_request *request;
    feature_query *query;

    for (uint32_t i = 0; i < rig->rows; i++)
        keys[i] = i;
    must(feature_query_create(store, "v(*), u(*) AS u", NULL, &query, &error) ||
             feature_request_create(query, &request, &error) ||
             feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                     NULL, rig->rows, &error) ||
             feature_request_read(request, &error) ||
             feature_request_columns(request, columns, 6, &error),
         &error);
    for (uint32_t i = 0; i < 6; i++) {
        size_t size = 8 * (size_t)rig->rows;

        if (columns[i].offsets) {
            size = (size_t)columns[i].offsets[rig->rows];
            lf_sha256_add(sum, columns[i].offsets, 4 * (rig->rows + 1u));
        }
        lf_sha256_add(sum, columns[i].values, size);
        lf_sha256_add(sum, columns[i].validity, rig->rows / 8);
    }
    feature_request_free(request);
    feature_query_free(query);
    feature_store_close(store);
    free(keys);
}

static bool
same_rows(const struct rig *rig, const char *path)
{
    uint8_t left[LF_SHA256_SIZE], right[LF_SHA256_SIZE];
    struct lf_sha256 sum;

    lf_sha256_begin(&sum);
    read_rows(rig, rig->store, &sum);
    lf_sha256_end(&sum, left);
    lf_sha256_begin(&sum);
    read_rows(rig, path, &sum);
    lf_sha256_end(&sum, right);
    return !memcmp(left, right, sizeof left);
}

static bool
comes_back(const struct rig *rig)
{
    char path[RIG_PATH_SIZE + 16], file[RIG_PATH_SIZE + 16];
    static struct parts before, after;
    struct feature_error error;
    feature_store *store;
    bool same;

    snprintf(path, sizeof path, "%s/restored", rig->directory);
    snprintf(file, sizeof file, "%s/b.snap", rig->directory);
    must(feature_store_restore(rig->file, path, NULL, NULL, NULL, &error),
         &error);
    store = open_store(path, 0);
    must(feature_store_snapshot(store, file, NULL, NULL, NULL, &error), &error);
    feature_store_close(store);
    parts_read(&before, rig->file);
    parts_read(&after, file);
    same = same_frames(&before, &after) && same_views(&before, &after) &&
           same_rows(rig, path);
    parts_free(&before);
    parts_free(&after);
    return same;
}

int
main(int argc, char **argv)
{
    struct rig rig = {.rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10)
                                       : ROWS,
                      .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    uint32_t crashed, hung, unused;
    bool good, failed;

    rig.counts = rig_share(3 * sizeof *rig.counts);
    rig_directory(rig.directory);
    make_snapshot(&rig);
    crashed = rig_run(0, rig.size, try_byte, &rig, &hung);
    good = !crashed && !hung && rig.counts[0] == 3 * (uint64_t)rig.size;
    failed = !good;
    printf("%sok %" PRIu32 " bytes, %" PRIu64 " damaged files: %" PRIu64
           " refused, %" PRIu64 " accepted, %" PRIu64
           " failed otherwise, %u crashes, %u hangs, seed %" PRIu64 "\n",
           good ? "" : "not ", rig.size, 3 * (uint64_t)rig.size,
           (uint64_t)rig.counts[0], (uint64_t)rig.counts[1],
           (uint64_t)rig.counts[2], crashed, hung, rig.seed);
    good = comes_back(&rig);
    failed |= !good;
    printf("%sok %" PRIu32 " rows came back as they were\n", good ? "" : "not ",
           2 * rig.rows);
    memset((void *)rig.counts, 0, 3 * sizeof *rig.counts);
    rig_run(0, CONTROL * 5, try_unchecked, &rig, &unused);
    failed |= !rig.counts[1];
    printf("%sok a reader without checksums accepts %" PRIu64 " of %d\n",
           rig.counts[1] ? "" : "not ", (uint64_t)rig.counts[1], CONTROL * 5);
    rig_remove(rig.directory);
    free(rig.bytes);
    return failed;
}
