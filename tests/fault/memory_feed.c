/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change feed, followers, sources and reads of history, for the rig that
 * lets calls run out of memory.
 *
 * The store of the case is the follower where a case has one: its leader is
 * restored beside it, goes on, and is closed before the call.
 */
#include <stdio.h>
#include <string.h>

#include "memory.h"

#define RECORD_MAX 262144

static const char feed_on[] = "STORE WITH (changes = '3 days')";

/* A record of a leader, in static memory. */
struct record {
    uint8_t bytes[RECORD_MAX];
    size_t size;
};

static struct record definition, rows;

/* --- sources ------------------------------------------------------------------ */

static struct feature_write_options
from_source(void)
{
    static const struct feature_source source = {.name = "orders",
                                                 .position = "lsn-7",
                                                 .position_size = 5,
                                                 .next_offset = 7};

    return (struct feature_write_options){
        .struct_size = sizeof(struct feature_write_options),
        .sources = &source,
        .source_count = 1};
}

static feature_status
call_write_source(struct memory_scene *scene)
{
    struct feature_write_options options = from_source();

    return feature_store_write(scene->store, &scene->batch, 1, &options,
                               &scene->out.commit, &scene->error);
}

static void
write_batch(struct memory_scene *scene)
{
    struct feature_write_options options = from_source();

    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, &options,
                                    NULL, &scene->error));
}

static void
prepare_source(struct memory_scene *scene)
{
    memory_batch(scene);
    write_batch(scene);
}

static feature_status
call_offset(struct memory_scene *scene)
{
    return feature_store_offset(scene->store, "orders", 0, &scene->out.number,
                                &scene->out.text, &scene->out.count,
                                &scene->error);
}

static void
undo_text(struct memory_scene *scene)
{
    feature_free(scene->out.text);
}

/* --- a feed ------------------------------------------------------------------- */

/* The batch is set; its view keeps history, too. A record takes allocations for
 * each of its rows: a few rows have all kinds of them. */
static void
prepare_logged(struct memory_scene *scene)
{
    scene->rows = 5;
    memory_batch(scene);
    MUST(scene,
         feature_store_apply(scene->store, feed_on, NULL, NULL, &scene->error));
    MUST(scene, feature_store_apply(
                    scene->store,
                    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1) FOR e WITH "
                    "(history = '30 days', changes = 'before_after')",
                    NULL, NULL, &scene->error));
}

static void
prepare_feed(struct memory_scene *scene)
{
    prepare_logged(scene);
    write_batch(scene);
}

static feature_status
open_feed(struct memory_scene *scene, const char *consumer,
          feature_changes **changes)
{
    struct feature_changes_options options = {
        .struct_size = sizeof options,
        .since = 2, /* those of the template, which had no feed */
        .consumer = consumer};

    return feature_changes_open(scene->store, &options, changes, &scene->error);
}

static feature_status
call_open(struct memory_scene *scene)
{
    return open_feed(scene, NULL, &scene->out.changes);
}

static feature_status
call_open_consumer(struct memory_scene *scene)
{
    return open_feed(scene, "index", &scene->out.changes);
}

static void
undo_open(struct memory_scene *scene)
{
    feature_changes_free(scene->out.changes);
}

static void
prepare_changes(struct memory_scene *scene)
{
    prepare_feed(scene);
    MUST(scene, open_feed(scene, "index", &scene->changes));
}

/* The record is the reader's, so it is no answer that may be left. */
static feature_status
call_next(struct memory_scene *scene)
{
    return feature_changes_next(scene->changes, &scene->out.record,
                                &scene->error);
}

static feature_status
call_wait(struct memory_scene *scene)
{
    return feature_changes_wait(scene->changes, 1, &scene->error);
}

static void
read_feed(struct memory_scene *scene, feature_changes *changes,
          struct record *record)
{
    struct feature_change_record read;

    MUST(scene, feature_changes_next(changes, &read, &scene->error));
    if (!read.bytes || read.size > RECORD_MAX)
        memory_broken("before the fault: no record, or a large one");
    memcpy(record->bytes, read.bytes, (size_t)read.size);
    record->size = (size_t)read.size;
}

static void
prepare_end(struct memory_scene *scene)
{
    prepare_changes(scene);
    for (int i = 0; i < 3; i++)
        read_feed(scene, scene->changes, &rows);
}

static feature_status
call_acknowledge(struct memory_scene *scene)
{
    return feature_changes_acknowledge(scene->changes, 4, &scene->error);
}

static feature_status
call_json(struct memory_scene *scene)
{
    return feature_changes_json(scene->changes, rows.bytes, rows.size,
                                &scene->out.text, &scene->error);
}

static feature_status
call_free(struct memory_scene *scene)
{
    feature_changes_free(scene->changes);
    scene->changes = NULL;
    return FEATURE_OK;
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
call_metrics(struct memory_scene *scene)
{
    return feature_store_metrics(scene->store, &scene->out.text, &scene->error);
}

/* --- followers ---------------------------------------------------------------- */

static void
read_leader(struct memory_scene *scene)
{
    feature_changes *changes;

    MUST(scene, open_feed(scene, NULL, &changes));
    read_feed(scene, changes, &definition);
    read_feed(scene, changes, &rows); /* the history of a view */
    read_feed(scene, changes, &rows);
    feature_changes_free(changes);
}

/* The store of the case opens as the one that was restored beside it did. */
static void
prepare_leader(struct memory_scene *scene)
{
    char path[MEMORY_PATH];

    MUST(scene, feature_store_restore(scene->snapshot, scene->copy, NULL, NULL,
                                      NULL, &scene->error));
    memcpy(path, scene->path, sizeof path);
    memcpy(scene->path, scene->copy, sizeof path);
    prepare_feed(scene);
    read_leader(scene);
    memory_close(scene);
    memcpy(scene->path, path, sizeof path);
}

static feature_status
follow(struct memory_scene *scene, const struct record *record)
{
    return feature_store_follow(scene->store, record->bytes, record->size,
                                &scene->out.commit, &scene->error);
}

static void
prepare_follower(struct memory_scene *scene)
{
    prepare_leader(scene);
    memory_open(scene);
}

static feature_status
call_follow_definition(struct memory_scene *scene)
{
    return follow(scene, &definition);
}

static void
prepare_following(struct memory_scene *scene)
{
    feature_store *leader;
    feature_changes *changes;
    struct feature_change_record read;

    prepare_follower(scene);
    MUST(scene, feature_store_open(scene->copy, NULL, &leader, &scene->error));
    scene->beside = scene->store;
    scene->store = leader;
    MUST(scene, open_feed(scene, NULL, &changes));
    scene->store = scene->beside;
    scene->beside = NULL;
    for (int i = 0; i < 2; i++) {
        MUST(scene, feature_changes_next(changes, &read, &scene->error));
        MUST(scene,
             feature_store_follow(scene->store, read.bytes, (size_t)read.size,
                                  NULL, &scene->error));
    }
    feature_changes_free(changes);
    feature_store_close(leader);
}

static feature_status
call_follow(struct memory_scene *scene)
{
    return follow(scene, &rows);
}

static void
prepare_followed(struct memory_scene *scene)
{
    prepare_following(scene);
    MUST(scene, feature_store_follow(scene->store, rows.bytes, rows.size, NULL,
                                     &scene->error));
}

static feature_status
call_promote(struct memory_scene *scene)
{
    return feature_store_promote(scene->store, &scene->out.number,
                                 &scene->error);
}

/* --- reads of history --------------------------------------------------------- */

static void
prepare_past(struct memory_scene *scene)
{
    static const int64_t keys[] = {0, 919, 838}, times[] = {500, 700, 2000};
    static const int32_t offsets[] = {0, 1, 2, 3};

    prepare_feed(scene);
    MUST(scene, feature_query_create(scene->store, "v(a, s, t)", NULL,
                                     &scene->query, &scene->error));
    MUST(scene,
         feature_request_create(scene->query, &scene->request, &scene->error));
    MUST(scene, feature_request_set_key(scene->request, 0, FEATURE_TYPE_INT64,
                                        keys, NULL, NULL, 3, &scene->error));
    MUST(scene,
         feature_request_set_key(scene->request, 1, FEATURE_TYPE_STRING, "yyy",
                                 offsets, NULL, 3, &scene->error));
    MUST(scene,
         feature_request_set_as_of(scene->request, times, 3, &scene->error));
}

static feature_status
call_read_past(struct memory_scene *scene)
{
    feature_status status = feature_request_read(scene->request, &scene->error);

    if (feature_request_row_count(scene->request) != (status ? 0u : 3u))
        memory_broken("a failed read left %u rows",
                      feature_request_row_count(scene->request));
    return status;
}

static void
prepare_join(struct memory_scene *scene)
{
    prepare_feed(scene);
    MUST(scene, feature_query_create(scene->store, "v(a AS x, s, t)", NULL,
                                     &scene->query, &scene->error));
}

/* Both batches of labels; what the call made is used up within it. */
static feature_status
call_join(struct memory_scene *scene)
{
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .chunk_rows = 100};
    struct ArrowArrayStream labels;
    feature_status status;

    memory_produce(&labels);
    status = feature_query_join_arrow(scene->query, &labels, &options,
                                      &scene->out.stream, &scene->error);
    if (labels.release)
        memory_broken("the labels were not released");
    return status ? status : memory_drain(scene, 2 * MEMORY_ROWS);
}

/* Three keys: of each the row that was there when history began, and a version. */
static feature_status
call_history(struct memory_scene *scene)
{
    static const int64_t keys[] = {0, 919, 838};
    static const int32_t offsets[] = {0, 1, 2, 3};
    const struct feature_column columns[] = {
        {.type = FEATURE_TYPE_INT64, .rows = 3, .values = keys},
        {.type = FEATURE_TYPE_STRING,
         .rows = 3,
         .values = "yyy",
         .offsets = offsets}};
    feature_status status =
        feature_query_history(scene->query, columns, 2, NULL, NULL,
                              &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, 6);
}

static feature_status
call_changes(struct memory_scene *scene)
{
    struct feature_changes_arrow_options options = {
        .struct_size = sizeof options,
        .flags = FEATURE_CHANGES_BEFORE,
        .since = 2,
        .chunk_rows = 2};
    feature_status status =
        feature_store_changes_arrow(scene->store, "v(a, s, t)", &options, NULL,
                                    &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, 5);
}

/* What was written in 1970 is past every retention by now. One step: those before
 * one that fails are made. */
static feature_status
call_maintain(struct memory_scene *scene)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL,
                                               .max_rows = 1};

    return feature_store_maintain(scene->store, &options, NULL, &scene->error);
}

const struct memory_case memory_feed_cases[] = {
    {"feature_store_write", "with a source", memory_batch, call_write_source,
     NULL, LEAVES_NOTHING},
    {"feature_store_write", "with feed and history", prepare_logged,
     call_write_source, NULL, LEAVES_NOTHING},
    {"feature_store_offset", NULL, prepare_source, call_offset, undo_text,
     LEAVES_NOTHING},
    {"feature_store_snapshot", "with feed and history", prepare_feed,
     call_snapshot, NULL, LEAVES_NOTHING},
    {"feature_store_metrics", "with feed and history", prepare_changes,
     call_metrics, undo_text, LEAVES_NOTHING},
    {"feature_store_follow", "definitions", prepare_follower,
     call_follow_definition, NULL, LEAVES_NOTHING},
    {"feature_store_follow", "rows", prepare_following, call_follow, NULL,
     LEAVES_NOTHING},
    {"feature_store_follow", "again", prepare_followed, call_follow, NULL,
     LEAVES_NOTHING},
    {"feature_store_promote", NULL, prepare_followed, call_promote, NULL,
     LEAVES_NOTHING},
    {"feature_changes_open", NULL, prepare_feed, call_open, undo_open,
     LEAVES_NOTHING},
    {"feature_changes_open", "a consumer", prepare_feed, call_open_consumer,
     undo_open, LEAVES_NOTHING},
    {"feature_changes_next", NULL, prepare_changes, call_next, NULL,
     LEAVES_NOTHING},
    {"feature_changes_next", "at the end", prepare_end, call_next, NULL,
     LEAVES_NOTHING},
    {"feature_changes_wait", NULL, prepare_changes, call_wait, NULL,
     LEAVES_NOTHING},
    {"feature_changes_wait", "at the end", prepare_end, call_wait, NULL,
     LEAVES_NOTHING},
    {"feature_changes_acknowledge", NULL, prepare_end, call_acknowledge, NULL,
     LEAVES_NOTHING},
    {"feature_changes_json", NULL, prepare_end, call_json, undo_text,
     LEAVES_NOTHING},
    {"feature_changes_free", NULL, prepare_changes, call_free, NULL,
     LEAVES_NOTHING},
    {"feature_request_read", "as of, from history", prepare_past,
     call_read_past, NULL, LEAVES_NOTHING},
    {"feature_query_history", NULL, prepare_past, call_history, NULL,
     LEAVES_NOTHING},
    {"feature_store_changes_arrow", NULL, prepare_feed, call_changes, NULL,
     LEAVES_NOTHING},
    {"feature_store_maintain", NULL, prepare_feed, call_maintain, NULL,
     LEAVES_NOTHING},
    {"feature_query_join_arrow", NULL, prepare_join, call_join, NULL,
     LEAVES_NOTHING},
    {0}};
