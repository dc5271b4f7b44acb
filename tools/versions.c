/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of rows: a table, JSON lines or CSV.
 *
 * Owns what is shown of a version: keys, times, commit, operation, features.
 * Keeps a null that was written apart from a feature that was not.
 * Never holds more than one row of JSON or CSV, and one batch of the stream.
 */
#include "versions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "table.h"
#include "tool.h"
#include "value.h"

#define OWN_COLUMNS \
    5 /* event_timestamp, _sequence ... between keys, features */

/* A batch with everything a row needs at hand. */
struct sheet {
    uint32_t key_count, feature_count;
    struct feature_field *fields;   /* of keys, then of features */
    struct feature_column *columns; /* of keys, then of features */
    const int64_t *times, *sequences, *commit_times;
    const uint8_t *has_sequence; /* bits */
    const int32_t *operations;
    const int32_t *ends;    /* of the bits in written */
    const uint8_t *written; /* bit i: feature i */
    uint8_t *ones;          /* bits: validity where an array has none */
    struct text text, cell;
    struct table table;
};

static const char *
operation_name(int32_t operation)
{
    switch (operation) {
    case FEATURE_UPSERT:
        return "upsert";
    case FEATURE_PATCH:
        return "patch";
    case FEATURE_DELETE:
        return "delete";
    case FEATURE_EVENT:
        return "event";
    case FEATURE_RETRACT:
        return "retract";
    default:
        return "base";
    }
}

/* --- columns ----------------------------------------------------------------- */

static bool
open_sheet(struct sheet *sheet, const feature_query *query)
{
    size_t count;

    *sheet = (struct sheet){.key_count = feature_query_key_count(query),
                            .feature_count = feature_query_column_count(query)};
    count = (size_t)sheet->key_count + sheet->feature_count;
    sheet->fields = calloc(count + 1, sizeof *sheet->fields);
    sheet->columns = calloc(count + 1, sizeof *sheet->columns);
    if (!sheet->fields || !sheet->columns || !text_reserve(&sheet->cell, 1) ||
        !table_begin(&sheet->table, (uint32_t)count + OWN_COLUMNS - 1))
        return false;
    for (uint32_t i = 0; i < sheet->key_count; i++)
        feature_query_key(query, i, &sheet->fields[i], NULL);
    for (uint32_t i = 0; i < sheet->feature_count; i++)
        feature_query_column(query, i, &sheet->fields[sheet->key_count + i],
                             NULL);
    return true;
}

static void
close_sheet(struct sheet *sheet)
{
    table_free(&sheet->table);
    text_free(&sheet->text);
    text_free(&sheet->cell);
    free(sheet->fields);
    free(sheet->columns);
    free(sheet->ones);
}

static bool
is_text(int32_t type)
{
    return type == FEATURE_TYPE_STRING || type == FEATURE_TYPE_BYTES;
}

/* An Arrow array as a column of an answer. */
static struct feature_column
column_of(const struct sheet *sheet, const struct feature_field *field,
          const struct ArrowArray *array)
{
    const struct ArrowArray *child =
        array->n_children ? array->children[0] : NULL;
    struct feature_column column = {
        .validity = array->null_count ? array->buffers[0] : sheet->ones,
        .rows = (uint32_t)array->length,
        .type = field->type,
        .width = field->width};

    if (child && field->width == 1)
        column.offsets = array->buffers[1];
    if (child && is_text(field->type)) {
        column.child_offsets = child->buffers[1];
        column.values = child->buffers[2];
    } else if (child) {
        column.values = child->buffers[1];
    } else if (is_text(field->type)) {
        column.offsets = array->buffers[1];
        column.values = array->buffers[2];
    } else {
        column.values = array->buffers[1];
    }
    return column;
}

static bool
take_batch(struct sheet *sheet, const struct ArrowArray *batch)
{
    struct ArrowArray *const *own = batch->children + sheet->key_count;
    struct ArrowArray *const *features = own + OWN_COLUMNS;
    size_t size = (size_t)batch->length / 8 + 1;
    uint8_t *ones = realloc(sheet->ones, size);

    if (!ones)
        return false;
    sheet->ones = memset(ones, 0xff, size);
    for (uint32_t i = 0; i < sheet->key_count; i++)
        sheet->columns[i] =
            column_of(sheet, &sheet->fields[i], batch->children[i]);
    for (uint32_t i = 0; i < sheet->feature_count; i++)
        sheet->columns[sheet->key_count + i] =
            column_of(sheet, &sheet->fields[sheet->key_count + i], features[i]);
    sheet->times = own[0]->buffers[1];
    sheet->has_sequence = own[1]->null_count ? own[1]->buffers[0] : ones;
    sheet->sequences = own[1]->buffers[1];
    sheet->commit_times = own[2]->buffers[1];
    sheet->operations = own[3]->buffers[1];
    sheet->ends = own[4]->buffers[1];
    sheet->written = own[4]->buffers[2];
    return true;
}

static bool
is_written(const struct sheet *sheet, uint32_t feature, uint32_t row)
{
    return value_bit(sheet->written + sheet->ends[row], feature);
}

/* --- forms ------------------------------------------------------------------- */

static void
add_table_text(struct sheet *sheet, const char *text)
{
    table_add(&sheet->table, text, strlen(text));
}

static void
add_table_time(struct sheet *sheet, int64_t time)
{
    char printed[MOMENT_SIZE];

    moment_print(printed, time);
    add_table_text(sheet, printed);
}

static void
add_table_head(struct sheet *sheet)
{
    for (uint32_t i = 0; i < sheet->key_count; i++)
        add_table_text(sheet, sheet->fields[i].name);
    add_table_text(sheet, "event_timestamp");
    add_table_text(sheet, "commit");
    add_table_text(sheet, "commit_time");
    add_table_text(sheet, "operation");
    for (uint32_t i = 0; i < sheet->feature_count; i++)
        add_table_text(sheet, sheet->fields[sheet->key_count + i].name);
}

static void
add_table_row(struct sheet *sheet, uint32_t row)
{
    struct text *cell = &sheet->cell;

    for (uint32_t i = 0; i < sheet->key_count; i++) {
        text_clear(cell);
        answer_add_value(cell, &sheet->columns[i], row);
        table_add(&sheet->table, cell->data, cell->size);
    }
    add_table_time(sheet, sheet->times[row]);
    text_clear(cell);
    if (value_bit(sheet->has_sequence, row))
        text_add(cell, "%" PRId64, sheet->sequences[row]);
    table_add(&sheet->table, cell->data, cell->size);
    add_table_time(sheet, sheet->commit_times[row]);
    add_table_text(sheet, operation_name(sheet->operations[row]));
    for (uint32_t i = 0; i < sheet->feature_count; i++) {
        text_clear(cell);
        if (is_written(sheet, i, row))
            answer_add_value(cell, &sheet->columns[sheet->key_count + i], row);
        table_add(&sheet->table, cell->data, cell->size);
    }
}

static void
add_json_row(struct sheet *sheet, uint32_t row)
{
    struct text *text = &sheet->text;
    char time[MOMENT_SIZE], commit_time[MOMENT_SIZE];
    const char *comma = "";

    text_add(text, "{\"keys\":{");
    for (uint32_t i = 0; i < sheet->key_count; i++) {
        text_add(text, "%s\"%s\":", i ? "," : "", sheet->fields[i].name);
        value_add_json(text, &sheet->columns[i], row);
    }
    moment_print(time, sheet->times[row]);
    moment_print(commit_time, sheet->commit_times[row]);
    text_add(text, "},\"event_timestamp\":\"%s\",\"sequence\":", time);
    if (value_bit(sheet->has_sequence, row))
        text_add(text, "%" PRId64, sheet->sequences[row]);
    else
        text_add(text, "null");
    text_add(text, ",\"commit_time\":\"%s\",\"operation\":\"%s\"", commit_time,
             operation_name(sheet->operations[row]));
    text_add(text, ",\"features\":{");
    for (uint32_t i = 0; i < sheet->feature_count; i++) {
        if (!is_written(sheet, i, row))
            continue;
        text_add(text, "%s\"%s\":", comma,
                 sheet->fields[sheet->key_count + i].name);
        value_add_json(text, &sheet->columns[sheet->key_count + i], row);
        comma = ",";
    }
    text_add(text, "}}\n");
}

static void
add_csv_value(struct sheet *sheet, uint32_t index, uint32_t row)
{
    const struct feature_column *column = &sheet->columns[index];

    if (value_bit(column->validity, row)) {
        text_clear(&sheet->cell);
        value_add(&sheet->cell, column, row);
        text_add_csv(&sheet->text, sheet->cell.data, sheet->cell.size);
    }
    text_add(&sheet->text, ",");
}

static void
add_csv_head(struct sheet *sheet)
{
    struct text *text = &sheet->text;

    for (uint32_t i = 0; i < sheet->key_count; i++)
        text_add(text, "%s,", sheet->fields[i].name);
    text_add(text, "event_timestamp,_sequence,_commit_time,_operation,");
    for (uint32_t i = 0; i < sheet->feature_count; i++)
        text_add(text, "%s,", sheet->fields[sheet->key_count + i].name);
    text_add(text, "_written\n");
}

static void
add_csv_row(struct sheet *sheet, uint32_t row)
{
    struct text *text = &sheet->text;
    char time[MOMENT_SIZE];
    const char *blank = "";

    for (uint32_t i = 0; i < sheet->key_count; i++)
        add_csv_value(sheet, i, row);
    moment_print(time, sheet->times[row]);
    text_add(text, "%s,", time);
    if (value_bit(sheet->has_sequence, row))
        text_add(text, "%" PRId64, sheet->sequences[row]);
    moment_print(time, sheet->commit_times[row]);
    text_add(text, ",%s,%s,", time, operation_name(sheet->operations[row]));
    for (uint32_t i = 0; i < sheet->feature_count; i++)
        add_csv_value(sheet, sheet->key_count + i, row);
    for (uint32_t i = 0; i < sheet->feature_count; i++) {
        if (!is_written(sheet, i, row))
            continue;
        text_add(text, "%s%s", blank, sheet->fields[sheet->key_count + i].name);
        blank = " ";
    }
    text_add(text, "\n");
}

/* --- all of them ------------------------------------------------------------- */

static bool
print_batch(struct sheet *sheet, const struct ArrowArray *batch,
            enum answer_form form)
{
    if (!take_batch(sheet, batch))
        return false;
    for (uint32_t row = 0; row < (uint32_t)batch->length; row++) {
        if (form == ANSWER_TABLE)
            add_table_row(sheet, row);
        else if (form == ANSWER_JSON)
            add_json_row(sheet, row);
        else
            add_csv_row(sheet, row);
        if (sheet->text.failed || sheet->cell.failed)
            return false;
        fwrite(sheet->text.data, 1, sheet->text.size, stdout);
        text_clear(&sheet->text);
    }
    return true;
}

static int
print_batches(struct sheet *sheet, struct ArrowArrayStream *stream,
              enum answer_form form)
{
    struct ArrowArray batch;
    bool is_fine = true;

    while (is_fine) {
        memset(&batch, 0, sizeof batch);
        if (stream->get_next(stream, &batch))
            return tool_refuse("%s", stream->get_last_error(stream));
        if (!batch.release)
            return TOOL_DONE;
        is_fine = print_batch(sheet, &batch, form);
        batch.release(&batch);
    }
    return tool_no_memory();
}

static void
print_reach(const struct feature_history_report *report)
{
    char time[MOMENT_SIZE];

    if (report->since == INT64_MIN)
        return;
    moment_print(time, report->since);
    printf("history is kept since %s", time);
    if (report->horizon != INT64_MIN) {
        moment_print(time, report->horizon);
        printf("; versions before %s were dropped", time);
    }
    printf("\n");
}

int
versions_print(struct ArrowArrayStream *stream, const feature_query *query,
               const struct feature_history_report *report,
               enum answer_form form)
{
    struct sheet sheet;
    int code = TOOL_DONE;

    if (!open_sheet(&sheet, query) || !text_reserve(&sheet.text, 1)) {
        close_sheet(&sheet);
        return tool_no_memory();
    }
    if (form == ANSWER_TABLE)
        add_table_head(&sheet);
    else if (form == ANSWER_CSV)
        add_csv_head(&sheet);
    code = print_batches(&sheet, stream, form);
    if (!code && form == ANSWER_TABLE) {
        if (table_print(&sheet.table, stdout, tool_has_colours(stdout)))
            print_reach(report);
        else
            code = tool_no_memory();
    } else if (!code && sheet.text.size) {
        fwrite(sheet.text.data, 1, sheet.text.size, stdout);
    }
    close_sheet(&sheet);
    return code ? code : tool_finish();
}
