/* SPDX-License-Identifier: Apache-2.0 */
/* States that lie beside their rows, for the rig that lets calls run out of
 * memory: written, read, deleted, loaded, swept, copied, shipped
 * and verified. */
#include <string.h>

#include "memory.h"

#define HOUR INT64_C(3600000000)
#define TEXT 300

static const char definitions[] =
    "CREATE ENTITY card (card_id INT64);"
    "CREATE EVENT payment (card_id INT64, note STRING);"
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 day', "
    "some = LAST(note, 3) OVER '1 day', ever = FIRST(note, 2)) "
    "FOR card FROM payment;";

/* Card 7 has two events in a tile, from whose end on it goes. */
static void
set_events(struct memory_scene *scene, uint32_t rows, int64_t time)
{
    static char notes[3 * TEXT];
    static const int64_t cards[] = {7, 7, 7};
    static int64_t times[3];
    static int32_t ends[4];
    feature_batch *batch;

    for (int i = 0; i < 3; i++) {
        memset(notes + (size_t)i * TEXT, 'a' + i, TEXT);
        times[i] = time + (i == 2 ? 3 * HOUR : i);
        ends[i + 1] = (i + 1) * TEXT;
    }
    MUST(scene, feature_batch_create(scene->store, "payment", NULL,
                                     FEATURE_EVENT, &batch, &scene->error));
    MUST(scene, feature_batch_set(batch, 0, FEATURE_TYPE_INT64, cards, NULL,
                                  NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(batch, 1, FEATURE_TYPE_STRING, notes, ends,
                                  NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(batch, 2, FEATURE_TYPE_TIMESTAMP, times, NULL,
                                  NULL, rows, &scene->error));
    scene->batch = batch;
}

static void
prepare_written(struct memory_scene *scene)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    uint64_t trees;

    memory_open(scene);
    MUST(scene, feature_store_apply(scene->store, definitions, NULL, NULL,
                                    &scene->error));
    MUST(scene,
         feature_store_verify(scene->path, NULL, &report, NULL, &scene->error));
    trees = report.trees;
    set_events(scene, 3, 500);
    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                    &scene->error));
    feature_batch_free(scene->batch);
    scene->batch = NULL;
    MUST(scene,
         feature_store_verify(scene->path, NULL, &report, NULL, &scene->error));
    if (report.trees != trees + 2)
        memory_broken("before the fault: no state lies beside its row");
}

static void
prepare_more(struct memory_scene *scene)
{
    prepare_written(scene);
    set_events(scene, 1, 501);
}

static void
prepare_planned(struct memory_scene *scene)
{
    prepare_written(scene);
    MUST(scene,
         feature_store_apply(scene->store,
                             "CREATE FEATURE VIEW spend (first = FIRST(note, "
                             "3) OVER '1 day') FOR card FROM payment;",
                             NULL, NULL, &scene->error));
    set_events(scene, 1, 501);
}

/* The tile leaves the windows. */
static void
prepare_old(struct memory_scene *scene)
{
    prepare_written(scene);
    set_events(scene, 1, 48 * HOUR);
}

static void
prepare_delete(struct memory_scene *scene)
{
    static const int64_t cards[] = {7}, times[] = {4 * HOUR};

    prepare_written(scene);
    MUST(scene,
         feature_batch_create(scene->store, "spend", NULL, FEATURE_DELETE,
                              &scene->batch, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 0, FEATURE_TYPE_INT64, cards,
                                  NULL, NULL, 1, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 1, FEATURE_TYPE_TIMESTAMP,
                                  times, NULL, NULL, 1, &scene->error));
}

static feature_status
call_write(struct memory_scene *scene)
{
    return feature_store_write(scene->store, &scene->batch, 1, NULL,
                               &scene->out.commit, &scene->error);
}

/* As of a time at which the tile counts. */
static void
prepare_read(struct memory_scene *scene)
{
    static const int64_t cards[] = {7}, as_of[] = {4 * HOUR};
    struct feature_query_options options = {.struct_size = sizeof options};

    prepare_written(scene);
    MUST(scene, feature_query_create(scene->store, "spend(*)", &options,
                                     &scene->query, &scene->error));
    MUST(scene,
         feature_request_create(scene->query, &scene->request, &scene->error));
    MUST(scene, feature_request_set_key(scene->request, 0, FEATURE_TYPE_INT64,
                                        cards, NULL, NULL, 1, &scene->error));
    MUST(scene,
         feature_request_set_as_of(scene->request, as_of, 1, &scene->error));
}

static feature_status
call_read(struct memory_scene *scene)
{
    return feature_request_read(scene->request, &scene->error);
}

static feature_status
call_tiles(struct memory_scene *scene)
{
    struct feature_scan_options options = {.struct_size = sizeof options};
    feature_status status = feature_store_tiles_arrow(
        scene->store, "spend", &options, &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, 1);
}

static feature_status
call_maintain(struct memory_scene *scene)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL,
                                               .max_rows = 1};

    return feature_store_maintain(scene->store, &options, NULL, &scene->error);
}

static feature_status
call_snapshot(struct memory_scene *scene)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = 1};

    return feature_store_snapshot(scene->store, scene->file, &options, NULL,
                                  &scene->out.copied, &scene->error);
}

static void
prepare_closed(struct memory_scene *scene)
{
    prepare_written(scene);
    feature_store_close(scene->store);
    scene->store = NULL;
}

static feature_status
call_compact(struct memory_scene *scene)
{
    return feature_store_compact(scene->path, NULL, NULL, &scene->out.copied,
                                 &scene->error);
}

static feature_status
call_verify(struct memory_scene *scene)
{
    return feature_store_verify(scene->path, NULL, &scene->out.verified,
                                &scene->out.text, &scene->error);
}

static void
undo_verify(struct memory_scene *scene)
{
    feature_free(scene->out.text);
}

/* A load that fails is over, so that a try is all of one; its events are in two
 * batches, and of one key. */
static feature_status
call_load(struct memory_scene *scene)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .memory = 1};
    feature_load *load = NULL;
    feature_status status = feature_load_begin(scene->store, "spend", &options,
                                               &load, &scene->error);

    if (!status)
        status = feature_load_append(load, scene->batch, &scene->error);
    if (!status)
        status = feature_load_append(load, scene->batch, &scene->error);
    if (!status)
        status = feature_load_commit(load, NULL, &scene->error);
    feature_load_free(load);
    return status;
}

static void
prepare_load(struct memory_scene *scene)
{
    prepare_written(scene);
    set_events(scene, 3, 500);
}

const struct memory_case memory_wide_cases[] = {
    {"feature_load_commit", "of events, to wide states", prepare_load,
     call_load, NULL, LEAVES_STEPS},
    {"feature_store_write", "an event into wide states", prepare_more,
     call_write, NULL, LEAVES_NOTHING},
    {"feature_store_write", "wide states, planned anew", prepare_planned,
     call_write, NULL, LEAVES_NOTHING},
    {"feature_store_write", "wide states that leave", prepare_old, call_write,
     NULL, LEAVES_NOTHING},
    {"feature_store_write", "wide states deleted", prepare_delete, call_write,
     NULL, LEAVES_NOTHING},
    {"feature_request_read", "wide states", prepare_read, call_read, NULL,
     LEAVES_NOTHING},
    {"feature_store_tiles_arrow", "wide states", prepare_written, call_tiles,
     NULL, LEAVES_NOTHING},
    {"feature_store_maintain", "wide states", prepare_written, call_maintain,
     NULL, LEAVES_STEPS},
    {"feature_store_snapshot", "wide states", prepare_written, call_snapshot,
     NULL, LEAVES_NOTHING},
    {"feature_store_compact", "wide states", prepare_closed, call_compact, NULL,
     LEAVES_LOCKS},
    {"feature_store_verify", "wide states", prepare_written, call_verify,
     undo_verify, LEAVES_NOTHING},
    {0}};
