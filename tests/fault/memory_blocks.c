/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of history, for the rig that lets calls run out of memory: made, read,
 * listed, copied, verified and broken up by a late version.
 */
#include "memory.h"

#define VERSIONS 100
#define LATE     30 /* within the block */

static const char *const columns = "k, p, event_timestamp, a";

/* Versions of one key, from a time on. */
static void
make_batch(struct memory_scene *scene, int64_t first, uint32_t rows)
{
    static int64_t keys[VERSIONS], times[VERSIONS], values[VERSIONS];
    static int32_t offsets[VERSIONS + 1];
    static char names[VERSIONS];

    for (uint32_t i = 0; i < rows; i++) {
        keys[i] = 7;
        names[i] = 'y';
        offsets[i + 1] = (int32_t)i + 1;
        times[i] = first + 10 * (int64_t)i;
        values[i] = i;
    }
    MUST(scene,
         feature_batch_create(scene->store, "old", columns, FEATURE_PATCH,
                              &scene->batch, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 0, FEATURE_TYPE_INT64, keys,
                                  NULL, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 1, FEATURE_TYPE_STRING, names,
                                  offsets, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 2, FEATURE_TYPE_TIMESTAMP,
                                  times, NULL, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 3, FEATURE_TYPE_INT64, values,
                                  NULL, NULL, rows, &scene->error));
}

static feature_status
maintain(struct memory_scene *scene, uint32_t flags, uint64_t max_rows,
         uint64_t *packed)
{
    struct feature_maintain_options options = {
        .struct_size = sizeof options, .flags = flags, .max_rows = max_rows};
    struct feature_maintain_report report = {.struct_size = sizeof report};
    feature_status status =
        feature_store_maintain(scene->store, &options, &report, &scene->error);

    *packed = report.versions_packed;
    return status;
}

/* Of the views that were there before, upkeep is done. */
static void
prepare_rows(struct memory_scene *scene)
{
    uint64_t packed;

    memory_open(scene);
    MUST(scene, maintain(scene, FEATURE_MAINTAIN_ALL, 0, &packed));
    MUST(scene,
         feature_store_apply(scene->store,
                             "CREATE FEATURE VIEW old (a INT64, b INT64) FOR e"
                             " WITH (history = '36500 days')",
                             NULL, NULL, &scene->error));
    make_batch(scene, 1000, VERSIONS);
    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                    &scene->error));
    feature_batch_free(scene->batch);
    scene->batch = NULL;
}

/* One step, that over the history: those before one that fails are made. */
static feature_status
call_maintain(struct memory_scene *scene)
{
    uint64_t packed;
    feature_status status = maintain(scene, 0, 1, &packed);

    if (!status && packed != 64)
        memory_broken("%u versions packed", (unsigned)packed);
    return status;
}

static void
prepare_blocks(struct memory_scene *scene)
{
    uint64_t packed;

    prepare_rows(scene);
    MUST(scene, maintain(scene, FEATURE_MAINTAIN_ALL, 0, &packed));
    if (packed != 64)
        memory_broken("%u versions packed", (unsigned)packed);
}

static void
prepare_read(struct memory_scene *scene)
{
    static const int64_t key = 7, time = 1000 + 10 * LATE;
    static const int32_t offsets[] = {0, 1};

    prepare_blocks(scene);
    MUST(scene, feature_query_create(scene->store, "old(a, b)", NULL,
                                     &scene->query, &scene->error));
    MUST(scene,
         feature_request_create(scene->query, &scene->request, &scene->error));
    MUST(scene, feature_request_set_key(scene->request, 0, FEATURE_TYPE_INT64,
                                        &key, NULL, NULL, 1, &scene->error));
    MUST(scene, feature_request_set_key(scene->request, 1, FEATURE_TYPE_STRING,
                                        "y", offsets, NULL, 1, &scene->error));
    MUST(scene,
         feature_request_set_as_of(scene->request, &time, 1, &scene->error));
}

static feature_status
call_read(struct memory_scene *scene)
{
    return feature_request_read(scene->request, &scene->error);
}

static feature_status
call_history(struct memory_scene *scene)
{
    static const int64_t key = 7;
    static const int32_t offsets[] = {0, 1};
    const struct feature_column keys[] = {
        {.type = FEATURE_TYPE_INT64, .rows = 1, .values = &key},
        {.type = FEATURE_TYPE_STRING,
         .rows = 1,
         .values = "y",
         .offsets = offsets}};
    feature_status status = feature_query_history(
        scene->query, keys, 2, NULL, NULL, &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, VERSIONS);
}

static void
prepare_late(struct memory_scene *scene)
{
    prepare_blocks(scene);
    make_batch(scene, 1005 + 10 * LATE, 1);
}

static feature_status
call_write(struct memory_scene *scene)
{
    return feature_store_write(scene->store, &scene->batch, 1, NULL,
                               &scene->out.commit, &scene->error);
}

static feature_status
call_snapshot(struct memory_scene *scene)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = 1};

    return feature_store_snapshot(scene->store, scene->file, &options, NULL,
                                  &scene->out.copied, &scene->error);
}

static feature_status
call_verify(struct memory_scene *scene)
{
    return feature_store_verify(scene->path, NULL, &scene->out.verified,
                                &scene->out.text, &scene->error);
}

static void
undo_text(struct memory_scene *scene)
{
    feature_free(scene->out.text);
}

const struct memory_case memory_block_cases[] = {
    {"feature_store_maintain", "that packs", prepare_rows, call_maintain, NULL,
     LEAVES_NOTHING},
    {"feature_request_read", "as of, from a block", prepare_read, call_read,
     NULL, LEAVES_NOTHING},
    {"feature_query_history", "of a block", prepare_read, call_history, NULL,
     LEAVES_NOTHING},
    {"feature_store_write", "late, into a block", prepare_late, call_write,
     NULL, LEAVES_NOTHING},
    {"feature_store_snapshot", "of a block", prepare_blocks, call_snapshot,
     NULL, LEAVES_NOTHING},
    {"feature_store_verify", "of a block", prepare_blocks, call_verify,
     undo_text, LEAVES_NOTHING},
    {0}};
