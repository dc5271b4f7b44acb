/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that read, for the rig that lets them run out of memory. */
#include "memory.h"

static feature_status
hold(int holds)
{
    return holds ? FEATURE_OK : FEATURE_INVALID;
}

/* --- queries ----------------------------------------------------------------- */

static feature_status
call_create(struct memory_scene *scene)
{
    return feature_query_create(scene->store, "s1, v(s AS other, f AS g)", NULL,
                                &scene->out.query, &scene->error);
}

static void
undo_create(struct memory_scene *scene)
{
    feature_query_free(scene->out.query);
}

static feature_status
call_key_count(struct memory_scene *scene)
{
    return hold(feature_query_key_count(scene->query) == 2);
}

static feature_status
call_column_count(struct memory_scene *scene)
{
    return hold(feature_query_column_count(scene->query) == 3);
}

static feature_status
call_view_count(struct memory_scene *scene)
{
    return hold(feature_query_view_count(scene->query) == 2);
}

static feature_status
call_matrix_width(struct memory_scene *scene)
{
    return hold(feature_query_matrix_width(scene->query) == 4);
}

static feature_status
call_key(struct memory_scene *scene)
{
    return feature_query_key(scene->query, 1, &scene->out.field, &scene->error);
}

static feature_status
call_query_column(struct memory_scene *scene)
{
    return feature_query_column(scene->query, 1, &scene->out.field,
                                &scene->error);
}

static feature_status
call_view(struct memory_scene *scene)
{
    return feature_query_view(scene->query, 1, &scene->out.field,
                              &scene->error);
}

static feature_status
call_fingerprint(struct memory_scene *scene)
{
    return hold(feature_query_fingerprint(scene->query) != 0);
}

static feature_status
call_query_free(struct memory_scene *scene)
{
    feature_query_free(scene->query);
    scene->query = NULL;
    return FEATURE_OK;
}

/* --- requests ---------------------------------------------------------------- */

static feature_status
call_request(struct memory_scene *scene)
{
    return feature_request_create(scene->query, &scene->out.request,
                                  &scene->error);
}

static void
undo_request(struct memory_scene *scene)
{
    feature_request_free(scene->out.request);
}

static feature_status
call_set_key(struct memory_scene *scene)
{
    static int64_t numbers[MEMORY_ROWS];

    return feature_request_set_key(scene->request, 0, FEATURE_TYPE_INT64,
                                   numbers, NULL, NULL, MEMORY_ROWS,
                                   &scene->error);
}

static feature_status
call_set_as_of(struct memory_scene *scene)
{
    static int64_t times[MEMORY_ROWS];

    return feature_request_set_as_of(scene->request, times, MEMORY_ROWS,
                                     &scene->error);
}

/* After a failure the request holds no answer. */
static feature_status
call_read(struct memory_scene *scene)
{
    feature_status status = feature_request_read(scene->request, &scene->error);

    if (feature_request_row_count(scene->request) != (status ? 0u : 3u))
        memory_broken("a failed read left %u rows",
                      feature_request_row_count(scene->request));
    return status;
}

static feature_status
call_read_matrix(struct memory_scene *scene)
{
    return feature_request_read_matrix(scene->request, scene->out.matrix, 4,
                                       &scene->error);
}

static feature_status
call_column(struct memory_scene *scene)
{
    return feature_request_column(scene->request, 1, scene->out.columns,
                                  &scene->error);
}

static feature_status
call_columns(struct memory_scene *scene)
{
    return feature_request_columns(scene->request, scene->out.columns, 3,
                                   &scene->error);
}

static feature_status
call_row_count(struct memory_scene *scene)
{
    return hold(feature_request_row_count(scene->request) == 3);
}

static feature_status
call_states(struct memory_scene *scene)
{
    return hold(feature_request_states(scene->request, 0) != NULL);
}

static feature_status
call_timestamps(struct memory_scene *scene)
{
    return hold(feature_request_timestamps(scene->request, 0) != NULL);
}

static feature_status
call_commit(struct memory_scene *scene)
{
    return hold(feature_request_commit(scene->request) == 2);
}

static feature_status
call_now(struct memory_scene *scene)
{
    return hold(feature_request_now(scene->request) != 0);
}

static feature_status
call_export(struct memory_scene *scene)
{
    return feature_request_export_arrow(
        scene->request, FEATURE_EXPORT_STATES | FEATURE_EXPORT_TIMESTAMPS,
        &scene->out.schema, &scene->out.array, &scene->error);
}

static void
undo_export(struct memory_scene *scene)
{
    scene->out.schema.release(&scene->out.schema);
    scene->out.array.release(&scene->out.array);
}

static feature_status
call_clear(struct memory_scene *scene)
{
    feature_request_clear(scene->request);
    return FEATURE_OK;
}

static feature_status
call_free(struct memory_scene *scene)
{
    feature_request_free(scene->request);
    scene->request = NULL;
    return FEATURE_OK;
}

const struct memory_case memory_read_cases[] = {
    {"feature_query_create", NULL, memory_open, call_create, undo_create,
     LEAVES_NOTHING},
    {"feature_query_key_count", NULL, memory_query, call_key_count, NULL,
     LEAVES_NOTHING},
    {"feature_query_column_count", NULL, memory_query, call_column_count, NULL,
     LEAVES_NOTHING},
    {"feature_query_view_count", NULL, memory_query, call_view_count, NULL,
     LEAVES_NOTHING},
    {"feature_query_matrix_width", NULL, memory_query, call_matrix_width, NULL,
     LEAVES_NOTHING},
    {"feature_query_key", NULL, memory_query, call_key, NULL, LEAVES_NOTHING},
    {"feature_query_column", NULL, memory_query, call_query_column, NULL,
     LEAVES_NOTHING},
    {"feature_query_view", NULL, memory_query, call_view, NULL, LEAVES_NOTHING},
    {"feature_query_fingerprint", NULL, memory_query, call_fingerprint, NULL,
     LEAVES_NOTHING},
    {"feature_query_free", NULL, memory_query, call_query_free, NULL,
     LEAVES_NOTHING},
    {"feature_request_create", NULL, memory_query, call_request, undo_request,
     LEAVES_NOTHING},
    {"feature_request_set_key", NULL, memory_request, call_set_key, NULL,
     LEAVES_NOTHING},
    {"feature_request_set_as_of", NULL, memory_request, call_set_as_of, NULL,
     LEAVES_NOTHING},
    {"feature_request_read", NULL, memory_request, call_read, NULL,
     LEAVES_NOTHING},
    {"feature_request_read_matrix", NULL, memory_request, call_read_matrix,
     NULL, LEAVES_NOTHING},
    {"feature_request_column", NULL, memory_answer, call_column, NULL,
     LEAVES_NOTHING},
    {"feature_request_columns", NULL, memory_answer, call_columns, NULL,
     LEAVES_NOTHING},
    {"feature_request_row_count", NULL, memory_answer, call_row_count, NULL,
     LEAVES_NOTHING},
    {"feature_request_states", NULL, memory_answer, call_states, NULL,
     LEAVES_NOTHING},
    {"feature_request_timestamps", NULL, memory_answer, call_timestamps, NULL,
     LEAVES_NOTHING},
    {"feature_request_commit", NULL, memory_answer, call_commit, NULL,
     LEAVES_NOTHING},
    {"feature_request_now", NULL, memory_answer, call_now, NULL,
     LEAVES_NOTHING},
    {"feature_request_export_arrow", NULL, memory_answer, call_export,
     undo_export, LEAVES_NOTHING},
    {"feature_request_clear", NULL, memory_answer, call_clear, NULL,
     LEAVES_NOTHING},
    {"feature_request_free", NULL, memory_answer, call_free, NULL,
     LEAVES_NOTHING},
    {0}};
