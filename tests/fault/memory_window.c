/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that read windows, for the rig that lets them run out of memory. */
#include "memory.h"

#define EVENT_COLUMNS "k, p, event_timestamp, x, s"
#define HOUR          INT64_C(3600000000)
#define EVENTS        96u /* enough of one key that labels share their work */

/* Columns of events of the first key and of others. */
static void
set_events(struct memory_scene *scene, uint32_t rows)
{
    static int64_t keys[EVENTS], times[EVENTS], numbers[EVENTS];
    static int32_t offsets[EVENTS + 1];
    static char bytes[EVENTS];

    for (uint32_t i = 0; i < EVENTS; i++) {
        keys[i] = i % 4 ? 0 : 919;
        times[i] = INT64_C(1767268800) * 1000000 - i * HOUR / 8;
        numbers[i] = i;
        offsets[i + 1] = (int32_t)i + 1;
        bytes[i] = 'y';
    }
    MUST(scene,
         feature_batch_create(scene->store, "pay", EVENT_COLUMNS, FEATURE_EVENT,
                              &scene->batch, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 0, FEATURE_TYPE_INT64, keys,
                                  NULL, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 1, FEATURE_TYPE_STRING, bytes,
                                  offsets, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 2, FEATURE_TYPE_TIMESTAMP,
                                  times, NULL, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 3, FEATURE_TYPE_INT64, numbers,
                                  NULL, NULL, rows, &scene->error));
    MUST(scene, feature_batch_set(scene->batch, 4, FEATURE_TYPE_STRING, bytes,
                                  offsets, NULL, rows, &scene->error));
}

/* Events that are stored, and a request of three keys. */
static void
prepare_request(struct memory_scene *scene)
{
    static const int64_t numbers[] = {0, 919, 838};
    static const int32_t offsets[] = {0, 1, 2, 3};

    memory_open(scene);
    set_events(scene, EVENTS);
    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                    &scene->error));
    feature_batch_free(scene->batch);
    scene->batch = NULL;
    set_events(scene, 3);
    MUST(scene, feature_query_create(scene->store, "w(*)", NULL, &scene->query,
                                     &scene->error));
    MUST(scene,
         feature_request_create(scene->query, &scene->request, &scene->error));
    MUST(scene, feature_request_set_key(scene->request, 0, FEATURE_TYPE_INT64,
                                        numbers, NULL, NULL, 3, &scene->error));
    MUST(scene,
         feature_request_set_key(scene->request, 1, FEATURE_TYPE_STRING, "yyy",
                                 offsets, NULL, 3, &scene->error));
}

/* At a time that kept events alone can answer. */
static void
prepare_past(struct memory_scene *scene)
{
    int64_t time = INT64_C(1767268800) * 1000000 - 2 * HOUR;

    prepare_request(scene);
    MUST(scene,
         feature_request_set_as_of(scene->request, &time, 1, &scene->error));
}

static void
prepare_scored(struct memory_scene *scene)
{
    prepare_past(scene);
    MUST(scene, feature_request_set_events(scene->request, scene->batch,
                                           &scene->error));
}

static void
prepare_answer(struct memory_scene *scene)
{
    prepare_request(scene);
    MUST(scene, feature_request_read(scene->request, &scene->error));
}

static feature_status
call_set_events(struct memory_scene *scene)
{
    return feature_request_set_events(scene->request, scene->batch,
                                      &scene->error);
}

static feature_status
call_read(struct memory_scene *scene)
{
    feature_status status = feature_request_read(scene->request, &scene->error);
    const uint8_t *states = feature_request_states(scene->request, 0);

    if (status ? states != NULL : states[0] != FEATURE_STATE_PRESENT)
        memory_broken("a read left states that are not of it");
    return status;
}

static feature_status
call_window(struct memory_scene *scene)
{
    int64_t from = 0, to = 0;
    feature_status status =
        feature_request_window(scene->request, 0, 0, &from, &to, &scene->error);

    if (!status && to - from != HOUR)
        memory_broken("a window of an hour is another one");
    return status;
}

static feature_status
call_scan(struct memory_scene *scene)
{
    feature_status status = feature_store_scan_arrow(
        scene->store, "w(*)", NULL, &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, 2);
}

/* A row for each time of both keys. */
static feature_status
call_history(struct memory_scene *scene)
{
    static const int64_t keys[] = {0, 919, 838};
    const struct feature_column columns[] = {
        {.type = FEATURE_TYPE_INT64, .rows = 3, .values = keys},
        {.type = FEATURE_TYPE_STRING,
         .rows = 1,
         .values = "y",
         .offsets = (const int32_t[]){0, 1}}};
    const struct feature_history_options options = {
        .struct_size = sizeof options, .chunk_rows = 80};
    feature_status status =
        feature_query_history(scene->query, columns, 2, &options, NULL,
                              &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, EVENTS);
}

const struct memory_case memory_window_cases[] = {
    {"feature_request_set_events", NULL, prepare_request, call_set_events, NULL,
     LEAVES_NOTHING},
    {"feature_request_window", NULL, prepare_answer, call_window, NULL,
     LEAVES_NOTHING},
    {"feature_request_read", "windows", prepare_request, call_read, NULL,
     LEAVES_NOTHING},
    {"feature_request_read", "past windows", prepare_past, call_read, NULL,
     LEAVES_NOTHING},
    {"feature_request_read", "scored events", prepare_scored, call_read, NULL,
     LEAVES_NOTHING},
    {"feature_store_scan_arrow", "windows", prepare_request, call_scan, NULL,
     LEAVES_NOTHING},
    {"feature_query_history", "windows", prepare_request, call_history, NULL,
     LEAVES_NOTHING},
    {0}};
