/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_request_export_arrow().
 *
 * Owns which columns an exported read has, and their names, for joins too.
 * Keeps the schema independent of the data: every feature may be null, since
 * any key may be without a row.
 * Never gives out a schema without its array.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exchange/answer_out.h"
#include "exchange/stream.h"

#define STATE_SUFFIX     "__state"
#define TIMESTAMP_SUFFIX "__event_timestamp"
#define SUFFIX_SIZE      sizeof TIMESTAMP_SUFFIX

static void
add_columns(struct lf_out_answer *answer)
{
    const struct lf_selection *selection = answer->request->query->selection;

    lf_stream_features(answer->fields, selection);
    lf_stream_answers(answer->columns, answer->request->answers,
                      selection->column_count);
    answer->count = selection->column_count;
}

/* Names a column of a view; a name that is taken would hide one of the two. */
static feature_status
add_name(struct lf_out_answer *answer, uint32_t view, const char *suffix,
         struct feature_error *error)
{
    const char *of = answer->request->query->selection->views[view].name;
    size_t size = strlen(of) + SUFFIX_SIZE;
    char *name = lf_arena_alloc(&answer->arena, size);

    if (!name)
        return lf_fail_memory(error);
    snprintf(name, size, "%s%s", of, suffix);
    for (uint32_t i = 0; i < answer->count; i++)
        if (!strcmp(answer->fields[i].name, name))
            return lf_fail(error, FEATURE_INVALID, "argument",
                           "two columns would be named %s: give the view "
                           "another alias",
                           name);
    answer->fields[answer->count].name = name;
    return FEATURE_OK;
}

/* States are bytes here, and int32 where they are exported. */
static feature_status
add_states(struct lf_out_answer *answer, uint32_t view,
           struct feature_error *error)
{
    uint32_t rows = answer->request->rows;
    const uint8_t *states = feature_request_states(answer->request, view);
    int32_t *wide = lf_arena_array(&answer->arena, rows, sizeof *wide);

    LF_TRY(add_name(answer, view, STATE_SUFFIX, error));
    if (!wide)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < rows; i++)
        wide[i] = states[i];
    answer->fields[answer->count].type =
        (struct lf_type){.code = FEATURE_TYPE_INT32, .width = 1};
    answer->columns[answer->count++] = (struct lf_out_column){.values = wide};
    return FEATURE_OK;
}

/* INT64_MIN says that no row answered: null here. */
static feature_status
add_timestamps(struct lf_out_answer *answer, uint32_t view,
               struct feature_error *error)
{
    uint32_t rows = answer->request->rows, null_count = 0;
    const int64_t *from = feature_request_timestamps(answer->request, view);
    int64_t *times = lf_arena_array(&answer->arena, rows, sizeof *times);
    uint8_t *validity = lf_arena_alloc(&answer->arena, lf_bits_size(rows));

    LF_TRY(add_name(answer, view, TIMESTAMP_SUFFIX, error));
    if (!times || !validity)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < rows; i++) {
        if (from[i] == LF_TIME_UNSET) {
            null_count++;
            continue;
        }
        times[i] = from[i];
        lf_bit_set(validity, i);
    }
    answer->fields[answer->count].type =
        (struct lf_type){.code = FEATURE_TYPE_TIMESTAMP, .width = 1};
    answer->fields[answer->count].is_nullable = true;
    answer->columns[answer->count++] = (struct lf_out_column){
        .values = times, .validity = validity, .null_count = null_count};
    return FEATURE_OK;
}

feature_status
lf_out_answer(struct lf_out_answer *answer, uint32_t flags,
              struct feature_error *error)
{
    const struct lf_selection *selection = answer->request->query->selection;
    size_t most = (size_t)selection->column_count + 2 * selection->view_count;

    answer->fields =
        lf_arena_array(&answer->arena, most, sizeof *answer->fields);
    answer->columns =
        lf_arena_array(&answer->arena, most, sizeof *answer->columns);
    if (!answer->fields || !answer->columns)
        return lf_fail_memory(error);
    add_columns(answer);
    for (uint32_t i = 0; i < selection->view_count; i++) {
        if (flags & FEATURE_EXPORT_STATES)
            LF_TRY(add_states(answer, i, error));
        if (flags & FEATURE_EXPORT_TIMESTAMPS)
            LF_TRY(add_timestamps(answer, i, error));
    }
    return FEATURE_OK;
}

feature_status
lf_out_check_flags(uint32_t flags, struct feature_error *error)
{
    const uint32_t known = FEATURE_EXPORT_STATES | FEATURE_EXPORT_TIMESTAMPS;

    if (flags & ~known)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the flags", flags & ~known);
    return FEATURE_OK;
}

static feature_status export(const struct lf_out_answer *answer,
                             struct ArrowSchema *schema,
                             struct ArrowArray *array,
                             struct feature_error *error)
{
    struct ArrowSchema made;

    if (!lf_schema_export(answer->fields, answer->count,
                          answer->request->query->fingerprint, &made))
        return lf_fail_memory(error);
    if (!lf_array_export(answer->fields, answer->columns, answer->count,
                         answer->request->rows, array)) {
        made.release(&made);
        return lf_fail_memory(error);
    }
    *schema = made;
    return FEATURE_OK;
}

feature_status
feature_request_export_arrow(const feature_request *request, uint32_t flags,
                             struct ArrowSchema *schema,
                             struct ArrowArray *array,
                             struct feature_error *error)
{
    struct lf_out_answer answer = {.request = request};
    feature_status status;

    if (!request || !schema || !array)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "request, schema and array are needed");
    LF_TRY(lf_out_check_flags(flags, error));
    if (!request->has_columns)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the request holds no columns: call "
                       "feature_request_read first");
    status = lf_out_answer(&answer, flags, error);
    if (!status)
        status = export(&answer, schema, array, error);
    lf_arena_free(&answer.arena);
    return status;
}
