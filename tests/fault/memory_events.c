/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, for the rig that lets calls run out of memory: written, taken back,
 * followed, swept, copied and verified.
 */
#include <string.h>

#include "memory.h"

#define RECORD_MAX 65536

static const char definitions[] =
    "STORE WITH (changes = '3 days');"
    "CREATE ENTITY card (card_id INT64);"
    "CREATE EVENT payment (payment_id STRING, card_id INT64, amount FLOAT64)"
    " WITH (dedupe = payment_id);"
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour', "
    "low = MIN(amount) OVER '1 day', some = LAST(payment_id, 3) OVER '1 day', "
    "ids = APPROX_COUNT_DISTINCT(payment_id) OVER '1 day') "
    "FOR card FROM payment WITH (history = '30 days');";

static struct {
    uint8_t bytes[RECORD_MAX];
    size_t size;
} record;

static void
set_events(struct memory_scene *scene, int32_t operation, uint32_t rows)
{
    static const int64_t cards[] = {7, 8, 7}, times[] = {500, 600, 700};
    static const double amounts[] = {2.5, -0.0, 4};
    static const int32_t ends[] = {0, 1, 2, 3};
    feature_batch *batch;

    MUST(scene, feature_batch_create(scene->store, "payment", NULL, operation,
                                     &batch, &scene->error));
    MUST(scene, feature_batch_set(batch, 0, FEATURE_TYPE_STRING, "abc", ends,
                                  NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(batch, 1, FEATURE_TYPE_INT64, cards, NULL,
                                  NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, amounts, NULL,
                                  NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(batch, 3, FEATURE_TYPE_TIMESTAMP, times, NULL,
                                  NULL, rows, &scene->error));
    scene->batch = batch;
}

static void
prepare_events(struct memory_scene *scene)
{
    memory_open(scene);
    MUST(scene, feature_store_apply(scene->store, definitions, NULL, NULL,
                                    &scene->error));
    set_events(scene, FEATURE_EVENT, 3);
}

static feature_status
call_write(struct memory_scene *scene)
{
    return feature_store_write(scene->store, &scene->batch, 1, NULL,
                               &scene->out.commit, &scene->error);
}

static uint64_t written; /* the last commit of write_events */

static void
write_events(struct memory_scene *scene)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL,
                                    &commit, &scene->error));
    written = commit.sequence;
    feature_batch_free(scene->batch);
    scene->batch = NULL;
}

static void
prepare_more(struct memory_scene *scene)
{
    static const int64_t numbers[] = {7, 8, 9};

    prepare_events(scene);
    write_events(scene);
    MUST(scene,
         feature_store_apply(
             scene->store,
             "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour') FOR card "
             "FROM payment; CREATE EVENT payment (ok BOOL);",
             NULL, NULL, &scene->error));
    MUST(scene, feature_batch_create(scene->store, "payment",
                                     "card_id, event_timestamp", FEATURE_EVENT,
                                     &scene->batch, &scene->error));
    for (uint32_t i = 0; i < 2; i++)
        MUST(scene, feature_batch_set(scene->batch, i, FEATURE_TYPE_INT64,
                                      numbers, NULL, NULL, 3, &scene->error));
}

static void
prepare_retract(struct memory_scene *scene)
{
    prepare_events(scene);
    write_events(scene);
    set_events(scene, FEATURE_RETRACT, 1);
}

static feature_status
call_create(struct memory_scene *scene)
{
    return feature_batch_create(scene->store, "payment", NULL, FEATURE_EVENT,
                                &scene->out.batch, &scene->error);
}

static void
undo_create(struct memory_scene *scene)
{
    feature_batch_free(scene->out.batch);
}

static void
prepare_delete(struct memory_scene *scene)
{
    static const int64_t cards[] = {7}, times[] = {650};

    prepare_events(scene);
    write_events(scene);
    MUST(scene,
         feature_batch_create(scene->store, "spend", NULL, FEATURE_DELETE,
                              &scene->batch, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 0, FEATURE_TYPE_INT64, cards,
                                  NULL, NULL, 1, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 1, FEATURE_TYPE_TIMESTAMP,
                                  times, NULL, NULL, 1, &scene->error));
}

/* --- a follower: of the same store, restored, so that both have one history --- */

static void
read_record(struct memory_scene *scene, uint64_t since)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = since};
    struct feature_change_record read;
    feature_changes *changes;

    MUST(scene,
         feature_changes_open(scene->store, &options, &changes, &scene->error));
    MUST(scene, feature_changes_next(changes, &read, &scene->error));
    if (!read.bytes || read.size > RECORD_MAX)
        memory_broken("before the fault: no record, or a large one");
    memcpy(record.bytes, read.bytes, (size_t)read.size);
    record.size = (size_t)read.size;
    feature_changes_free(changes);
}

static void
follow(struct memory_scene *scene)
{
    MUST(scene, feature_store_follow(scene->store, record.bytes, record.size,
                                     NULL, &scene->error));
}

static void
prepare_follower(struct memory_scene *scene)
{
    feature_store *leader;

    MUST(scene, feature_store_restore(scene->snapshot, scene->copy, NULL, NULL,
                                      NULL, &scene->error));
    prepare_events(scene);
    write_events(scene);
    leader = scene->store;
    read_record(scene, 2);
    MUST(scene,
         feature_store_open(scene->copy, NULL, &scene->store, &scene->error));
    follow(scene);
    feature_store_close(scene->store);
    scene->store = leader;
    read_record(scene, 3);
    feature_store_close(leader);
    memcpy(scene->path, scene->copy, sizeof scene->path);
    memory_open(scene);
}

static feature_status
call_follow(struct memory_scene *scene)
{
    return feature_store_follow(scene->store, record.bytes, record.size,
                                &scene->out.commit, &scene->error);
}

/* --- upkeep, copies ----------------------------------------------------------- */

static void
prepare_written(struct memory_scene *scene)
{
    prepare_events(scene);
    write_events(scene);
}

static feature_status
call_maintain(struct memory_scene *scene)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL,
                                               .max_rows = 1};

    return feature_store_maintain(scene->store, &options, NULL, &scene->error);
}

/* The record of the newest commit is that of the events. */
static feature_status
call_changes(struct memory_scene *scene)
{
    struct feature_changes_arrow_options options = {
        .struct_size = sizeof options, .since = written - 1, .chunk_rows = 2};
    feature_status status =
        feature_store_changes_arrow(scene->store, "payment(*)", &options, NULL,
                                    &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, 3);
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
undo_verify(struct memory_scene *scene)
{
    feature_free(scene->out.text);
}

/* For long enough, that is. */
static void
prepare_kept(struct memory_scene *scene)
{
    prepare_events(scene);
    MUST(scene,
         feature_store_apply(
             scene->store,
             "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour') FOR card "
             "FROM payment WITH (history = '36500 days');",
             NULL, NULL, &scene->error));
    feature_batch_free(scene->batch);
    set_events(scene, FEATURE_EVENT, 3);
}

/* With something to catch up with; what is loaded is sorted in memory. */
static feature_status
call_load(struct memory_scene *scene)
{
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "spend", NULL, &load, &scene->error);

    if (!status)
        status = feature_load_append(load, scene->batch, &scene->error);
    if (!status)
        status = feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                     &scene->error);
    if (!status)
        status = feature_load_commit(load, NULL, &scene->error);
    feature_load_free(load);
    return status;
}

const struct memory_case memory_event_cases[] = {
    {"feature_batch_create", "of an event", prepare_events, call_create,
     undo_create, LEAVES_NOTHING},
    {"feature_store_write", "events", prepare_events, call_write, NULL,
     LEAVES_NOTHING},
    {"feature_store_write", "events, planned anew", prepare_more, call_write,
     NULL, LEAVES_NOTHING},
    {"feature_store_write", "events taken back", prepare_retract, call_write,
     NULL, LEAVES_NOTHING},
    {"feature_store_write", "a windowed row deleted", prepare_delete,
     call_write, NULL, LEAVES_NOTHING},
    {"feature_store_follow", "events", prepare_follower, call_follow, NULL,
     LEAVES_NOTHING},
    {"feature_load_commit", "events that are kept", prepare_kept, call_load,
     NULL, LEAVES_STEPS},
    {"feature_store_maintain", "events", prepare_written, call_maintain, NULL,
     LEAVES_STEPS},
    {"feature_store_changes_arrow", "of an event", prepare_written,
     call_changes, NULL, LEAVES_NOTHING},
    {"feature_store_snapshot", "events", prepare_written, call_snapshot, NULL,
     LEAVES_NOTHING},
    {"feature_store_verify", "events", prepare_written, call_verify,
     undo_verify, LEAVES_NOTHING},
    {0}};
