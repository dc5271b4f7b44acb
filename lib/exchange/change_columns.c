/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes of a view as columns to export.
 *
 * Owns their names, and the columns that tell what a change is.
 * Keeps those apart from features, whose names never begin with an underscore
 * nor have a full stop within.
 * Never looks into a row.
 */
#include "exchange/change_columns.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

#define BEFORE     "before."
#define META_COUNT 7 /* columns that tell what a change is */

static const char *
operation_name(int32_t operation)
{
    switch (operation) {
    case FEATURE_UPSERT:
        return "UPSERT";
    case FEATURE_PATCH:
        return "PATCH";
    case FEATURE_DELETE:
        return "DELETE";
    case FEATURE_EVENT:
        return "EVENT";
    case FEATURE_RETRACT:
        return "RETRACT";
    case LF_CHANGE_EXPIRE:
        return "EXPIRE";
    default:
        return "UNKNOWN";
    }
}

/* --- fields --------------------------------------------------------------------- */

static void
add_field(struct lf_change_columns *columns, const char *name,
          struct lf_type type, bool is_nullable)
{
    columns->fields[columns->count++] = (struct lf_out_field){
        .name = name, .type = type, .is_nullable = is_nullable};
}

static void
add_one(struct lf_change_columns *columns, const char *name, int32_t code,
        bool is_nullable)
{
    add_field(columns, name, (struct lf_type){.code = code, .width = 1},
              is_nullable);
}

static void
add_keys(struct lf_change_columns *columns,
         const struct lf_selection *selection)
{
    const struct lf_selection_view *view = &selection->views[0];

    for (uint32_t i = 0; i < view->key_count; i++)
        add_one(columns, selection->keys[view->keys[i]].name,
                selection->keys[view->keys[i]].code, false);
}

static void
add_meta(struct lf_change_columns *columns)
{
    add_one(columns, "_op", FEATURE_TYPE_STRING, false);
    add_one(columns, "_seq", FEATURE_TYPE_INT64, false);
    add_one(columns, "_ordinal", FEATURE_TYPE_INT64, false);
    add_one(columns, "_commit_time", FEATURE_TYPE_TIMESTAMP, false);
    add_one(columns, "_event_timestamp", FEATURE_TYPE_TIMESTAMP, true);
    add_one(columns, "_late", FEATURE_TYPE_BOOL, true);
    add_field(columns, "_written",
              (struct lf_type){
                  .code = FEATURE_TYPE_STRING, .width = 1, .is_list = true},
              true);
}

static bool
add_before(struct lf_change_columns *columns,
           const struct lf_selection *selection)
{
    for (uint32_t i = 0; i < selection->column_count; i++) {
        size_t size = strlen(selection->columns[i].name) + sizeof BEFORE;
        char *name = lf_arena_alloc(&columns->arena, size);

        if (!name)
            return false;
        snprintf(name, size, BEFORE "%s", selection->columns[i].name);
        add_field(columns, name, selection->columns[i].type, true);
    }
    add_one(columns, BEFORE "_event_timestamp", FEATURE_TYPE_TIMESTAMP, true);
    return true;
}

feature_status
lf_change_columns_begin(struct lf_change_columns *columns,
                        struct lf_change_rows *rows,
                        struct feature_error *error)
{
    const struct lf_selection *selection = rows->query->selection;
    size_t most = (size_t)LF_KEYS_MAX + META_COUNT + 1 +
                  2 * (size_t)selection->column_count;

    columns->rows = rows;
    columns->fields =
        lf_arena_array(&columns->arena, most, sizeof *columns->fields);
    columns->columns =
        lf_arena_array(&columns->arena, most, sizeof *columns->columns);
    if (!columns->fields || !columns->columns)
        return lf_fail_memory(error);
    add_keys(columns, selection);
    for (uint32_t i = 0; i < selection->column_count; i++)
        add_field(columns, selection->columns[i].name,
                  selection->columns[i].type, true);
    add_meta(columns);
    if (rows->before && !add_before(columns, selection))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* --- columns -------------------------------------------------------------------- */

static bool
reserve(struct lf_change_columns *columns, uint32_t rows)
{
    struct lf_buffer *const wide[] = {
        &columns->sequences, &columns->ordinals,     &columns->commit_times,
        &columns->times,     &columns->times_before, &columns->name_ends};
    struct lf_buffer *const bits[] = {&columns->late, &columns->late_known,
                                      &columns->timed, &columns->timed_before};

    columns->names.size = 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (!lf_buffer_reserve(wide[i], 8 * ((size_t)rows + 1)))
            return false;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        if (!lf_buffer_reserve(bits[i], lf_bits_size(rows) + 1))
            return false;
        memset(bits[i]->data, 0, lf_bits_size(rows) + 1);
    }
    lf_store_u32(columns->name_ends.data, 0);
    return true;
}

/* A nullable time as row i; false, and zero, where it is none. */
static bool
put_time(struct lf_buffer *times, struct lf_buffer *timed, uint32_t i,
         int64_t time)
{
    bool is_set = time != LF_TIME_UNSET;

    lf_store_i64(times->data + 8 * (size_t)i, is_set ? time : 0);
    if (is_set)
        lf_bit_set(timed->data, i);
    return is_set;
}

static bool
put_change(struct lf_change_columns *columns, uint32_t i)
{
    const struct lf_change_taken *taken =
        &lf_change_rows_taken(columns->rows)[i];
    const char *name = operation_name(taken->operation);

    if (!lf_buffer_append(&columns->names, name, strlen(name)))
        return false;
    lf_store_u32(columns->name_ends.data + 4 * ((size_t)i + 1),
                 (uint32_t)columns->names.size);
    lf_store_u64(columns->sequences.data + 8 * (size_t)i, taken->sequence);
    lf_store_u64(columns->ordinals.data + 8 * (size_t)i, taken->ordinal);
    lf_store_i64(columns->commit_times.data + 8 * (size_t)i,
                 taken->commit_time);
    if (taken->late >= 0)
        lf_bit_set(columns->late_known.data, i);
    if (taken->late > 0)
        lf_bit_set(columns->late.data, i);
    return true;
}

static struct lf_out_column *
put_meta(struct lf_change_columns *columns, struct lf_out_column *to)
{
    const struct lf_change_rows *rows = columns->rows;
    const struct lf_change_taken *taken = lf_change_rows_taken(rows);
    uint32_t timeless = 0, unknown = 0;

    for (uint32_t i = 0; i < rows->rows; i++) {
        timeless +=
            !put_time(&columns->times, &columns->timed, i, taken[i].time);
        unknown += taken[i].late < 0;
    }
    *to++ = (struct lf_out_column){.values = columns->names.data,
                                   .offsets = columns->name_ends.data};
    *to++ = (struct lf_out_column){.values = columns->sequences.data};
    *to++ = (struct lf_out_column){.values = columns->ordinals.data};
    *to++ = (struct lf_out_column){.values = columns->commit_times.data};
    *to++ = (struct lf_out_column){.values = columns->times.data,
                                   .validity = columns->timed.data,
                                   .null_count = timeless};
    *to++ = (struct lf_out_column){.values = columns->late.data,
                                   .validity = columns->late_known.data,
                                   .null_count = unknown};
    *to++ = (struct lf_out_column){.values = rows->written.values.data,
                                   .offsets = rows->written.offsets.data,
                                   .child_offsets =
                                       rows->written.child_offsets.data,
                                   .validity = rows->written.validity.data,
                                   .null_count = rows->written.null_count};
    return to;
}

static struct lf_out_column *
put_answers(const struct lf_change_rows *rows, const struct lf_answer *answers,
            uint32_t count, struct lf_out_column *to)
{
    for (uint32_t i = 0; i < count; i++)
        *to++ = (struct lf_out_column){
            .values = answers[i].values.data,
            .offsets = answers[i].offsets.data,
            .child_offsets = answers[i].child_offsets.data,
            .validity = answers[i].validity.data,
            .null_count = answers == rows->keys ? 0 : answers[i].null_count};
    return to;
}

/* Rows before, and their times: null where there was none, or none was kept. */
static void
put_before(struct lf_change_columns *columns, struct lf_out_column *to)
{
    const struct lf_change_rows *rows = columns->rows;
    const uint8_t *times = rows->before->timestamps.data;
    uint32_t timeless = 0;

    for (uint32_t i = 0; i < rows->rows; i++)
        timeless += !put_time(&columns->times_before, &columns->timed_before, i,
                              lf_load_i64(times + 8 * (size_t)i));
    to = put_answers(rows, rows->before->answers,
                     rows->query->selection->column_count, to);
    *to = (struct lf_out_column){.values = columns->times_before.data,
                                 .validity = columns->timed_before.data,
                                 .null_count = timeless};
}

feature_status
lf_change_columns_take(struct lf_change_columns *columns,
                       struct feature_error *error)
{
    const struct lf_change_rows *rows = columns->rows;
    const struct lf_selection *selection = rows->query->selection;
    struct lf_out_column *to = columns->columns;

    if (!reserve(columns, rows->rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < rows->rows; i++)
        if (!put_change(columns, i))
            return lf_fail_memory(error);
    to = put_answers(rows, rows->keys, selection->views[0].key_count, to);
    to = put_answers(rows, rows->after->answers, selection->column_count, to);
    to = put_meta(columns, to);
    if (rows->before)
        put_before(columns, to);
    return FEATURE_OK;
}

void
lf_change_columns_end(struct lf_change_columns *columns)
{
    struct lf_buffer *const all[] = {
        &columns->names,        &columns->name_ends,    &columns->late,
        &columns->timed,        &columns->late_known,   &columns->sequences,
        &columns->ordinals,     &columns->commit_times, &columns->times,
        &columns->times_before, &columns->timed_before};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        lf_buffer_free(all[i]);
    lf_arena_free(&columns->arena);
}
