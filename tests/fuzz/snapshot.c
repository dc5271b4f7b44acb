/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot [COUNT] [SEED] [FIRST]: damaged snapshots with right checksums, and
 * with wrong ones. Whatever is in them, a check ends with an answer; a file that
 * is accepted makes a store that opens and gives the same snapshot again.
 *
 * Owns one snapshot of a small store with all that a store can hold.
 * Keeps a trial to its number and the seed.
 * Never lets a child outlive its alarm.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/bytes.h"
#include "libfeature.h"
#include "reseal.h"
#include "rig.h"

#define SEED 20261121

#define DEFINITIONS                                                         \
    "CREATE ENTITY e (k INT64, p STRING); CREATE FEATURE VIEW v (b BOOL, i" \
    " INT32, s STRING, w FLOAT32[3], l INT64[], t STRING[]) FOR e;"         \
    "CREATE FEATURE VIEW u (a INT64 DEFAULT 7) FOR e WITH (ttl = '1 day');" \
    "CREATE FEATURE SERVICE s1 AS v(*), u(a AS c);"

struct rig {
    char directory[RIG_PATH_SIZE];
    char file[RIG_PATH_SIZE + 16];
    uint64_t seed;
    _Atomic(uint64_t) *counts; /* accepted, refused */
};

static void
must(feature_status status, const struct feature_error *error)
{
    if (status)
        rig_give_up("a call", error->message);
}

static void
write_rows(feature_store *store, const char *view, const char *columns,
           int32_t operation, const int64_t *times)
{
    static const int64_t keys[] = {1, 2, 3, 4};
    static const int32_t offsets[] = {0, 1, 1, 2, 4};
    struct feature_error error;
    feature_batch *batch;

    must(feature_batch_create(store, view, columns, operation, &batch, &error),
         &error);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, 4,
                           &error),
         &error);
    must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING, "abcd", offsets, NULL,
                           4, &error),
         &error);
    must(feature_batch_set(batch, 2, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           4, &error),
         &error);
    if (operation == FEATURE_PATCH)
        must(feature_batch_set(batch, 3, FEATURE_TYPE_STRING, "wxyz", offsets,
                               NULL, 4, &error),
             &error);
    must(feature_store_write(store, &batch, 1, NULL, NULL, &error), &error);
    feature_batch_free(batch);
}

static void
make_snapshot(const struct rig *rig)
{
    static const int64_t early[] = {10, 20, 30, 40}, late[] = {15, 5, 35, 0};
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = 1000000};
    struct feature_error error;
    char path[RIG_PATH_SIZE + 16];
    feature_store *store;

    snprintf(path, sizeof path, "%s/store", rig->directory);
    must(feature_store_open(path, &options, &store, &error), &error);
    must(feature_store_apply(store, DEFINITIONS, NULL, NULL, &error), &error);
    write_rows(store, "v", "k, p, event_timestamp", FEATURE_UPSERT, early);
    write_rows(store, "v", "k, p, event_timestamp, s", FEATURE_PATCH, late);
    write_rows(store, "u", "k, p, event_timestamp", FEATURE_DELETE, early);
    must(feature_store_apply(store, "CREATE FEATURE VIEW v (z INT64) FOR e",
                             NULL, NULL, &error),
         &error);
    write_rows(store, "v", "k, p, event_timestamp, s", FEATURE_PATCH, early);
    must(feature_store_snapshot(store, rig->file, NULL, NULL, NULL, &error),
         &error);
    feature_store_close(store);
}

/* --- damage -------------------------------------------------------------------- */

static void
damage_bytes(struct dice *dice, uint8_t *bytes, uint32_t *size)
{
    uint32_t at = dice_below(dice, *size + 1);

    switch (dice_below(dice, 5)) {
    case 0:
        bytes[at] = (uint8_t)dice_draw(dice);
        break;
    case 1:
        bytes[at] ^= (uint8_t)(1u << dice_below(dice, 8));
        break;
    case 2: /* a number that is too large */
        lf_store_u32(bytes + at, UINT32_MAX >> dice_below(dice, 32));
        break;
    case 3:
        memmove(bytes + at + 1, bytes + at, *size - at);
        ++*size;
        break;
    case 4:
        if (at < *size) {
            memmove(bytes + at, bytes + at + 1, *size - at);
            --*size;
        }
        break;
    }
}

static void
damage_head(struct dice *dice, struct lf_frame *frame)
{
    static const char *const names[] = {"rows", "catalog", "manifest", "other"};

    switch (dice_below(dice, 4)) {
    case 0:
        frame->view = dice_below(dice, 8);
        break;
    case 1:
        frame->items += dice_below(dice, 3) - 1;
        break;
    case 2:
        frame->flags ^= 1u << dice_below(dice, 3);
        break;
    case 3:
        memset(frame->name, 0, sizeof frame->name);
        memcpy(frame->name, names[dice_below(dice, 4)], 4);
        break;
    }
}

static void
damage(struct dice *dice, struct parts *parts)
{
    uint32_t i = dice_below(dice, parts->count), from;

    switch (dice_below(dice, 8)) {
    case 0:
        damage_head(dice, &parts->heads[i]);
        break;
    case 1:
        if (parts->count > 1)
            parts_remove(parts, i);
        break;
    case 2:
        from = dice_below(dice, parts->count);
        *parts_insert(parts, i, "x") = parts->heads[from];
        parts->heads[i] = parts->heads[from + (from >= i)];
        memcpy(parts->stored[i], parts->stored[from + (from >= i)],
               parts->heads[i].stored);
        break;
    default:
        damage_bytes(dice, parts->stored[i], &parts->heads[i].size);
        parts->heads[i].stored = parts->heads[i].size;
        break;
    }
}

/* Flips a byte of the file, of which no part is without a checksum. */
static void
damage_file(struct dice *dice, const char *path)
{
    FILE *file = fopen(path, "r+b");
    uint8_t byte;
    long at;

    if (!file || fseek(file, 0, SEEK_END))
        rig_give_up("a snapshot", "cannot be changed");
    at = (long)dice_below(dice, (uint32_t)ftell(file));
    if (fseek(file, at, SEEK_SET) || fread(&byte, 1, 1, file) != 1)
        rig_give_up("a snapshot", "cannot be read");
    byte ^= (uint8_t)(1u << dice_below(dice, 8));
    fseek(file, at, SEEK_SET);
    fwrite(&byte, 1, 1, file);
    fclose(file);
}

/* --- trials -------------------------------------------------------------------- */

/* What was accepted has to be a store like any other. */
static void
use_store(const char *file, const char *path)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .map_size = 1u << 28};
    struct feature_error error;
    feature_store *store;
    char *text;

    must(feature_store_restore(file, path, NULL, NULL, NULL, &error), &error);
    must(feature_store_open(path, &options, &store, &error), &error);
    must(feature_store_describe(store, NULL, &text, &error), &error);
    feature_free(text);
    must(feature_store_snapshot(store, file, NULL, NULL, NULL, &error), &error);
    feature_store_close(store);
    rig_remove(path);
}

static void
try_one(void *context, uint32_t number)
{
    const struct rig *rig = context;
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    struct dice dice = {mix(rig->seed, number)};
    bool is_sealed = !dice_chance(&dice, 20);
    struct feature_error error = {0};
    char file[RIG_PATH_SIZE + 32], path[RIG_PATH_SIZE + 32];
    struct parts parts;
    feature_status status;

    snprintf(file, sizeof file, "%s/%d.snap", rig->directory, (int)getpid());
    snprintf(path, sizeof path, "%s/%d.store", rig->directory, (int)getpid());
    parts_read(&parts, rig->file);
    for (uint32_t n = is_sealed ? 1 + dice_below(&dice, 2) : 0; n; n--)
        damage(&dice, &parts);
    parts_write(&parts, file, false);
    parts_free(&parts);
    if (!is_sealed)
        damage_file(&dice, file);
    status = feature_store_restore(file, NULL, &options, NULL, NULL, &error);
    atomic_fetch_add(&rig->counts[status ? 1 : 0], 1);
    if (!status && !is_sealed)
        rig_give_up("a flipped bit", "was accepted");
    if (status && status != FEATURE_CORRUPT && status != FEATURE_VERSION)
        rig_give_up("a damaged snapshot", error.message);
    if (status && !error.message[0])
        rig_give_up("a refusal", "without a message");
    if (!status)
        use_store(file, path);
}

int
main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 3000;
    uint32_t first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    struct rig rig = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    uint32_t crashed, hung = 0;

    rig.counts = rig_share(2 * sizeof *rig.counts);
    rig_directory(rig.directory);
    snprintf(rig.file, sizeof rig.file, "%s/a.snap", rig.directory);
    make_snapshot(&rig);
    crashed = rig_run(first, first + count, try_one, &rig, &hung);
    rig_remove(rig.directory);
    printf("%s snapshot: %" PRIu32 " damaged snapshots, seed %" PRIu64
           ": %" PRIu64 " accepted, %" PRIu64 " refused, %" PRIu32
           " crashed, %" PRIu32 " hung\n",
           crashed || hung ? "not ok" : "ok", count, rig.seed,
           atomic_load(&rig.counts[0]), atomic_load(&rig.counts[1]), crashed,
           hung);
    return crashed || hung || !atomic_load(&rig.counts[0]) ||
           !atomic_load(&rig.counts[1]);
}
