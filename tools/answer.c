/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of feature get: a table, JSON lines or CSV.
 *
 * Owns what is shown of a row: keys, features, and each view's state and age.
 * Keeps null, filled and missing values apart in every form.
 * Never holds more than one row of JSON or CSV.
 */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "moment.h"
#include "number.h"
#include "table.h"
#include "tool.h"
#include "value.h"

/* An answer with everything a row needs at hand. */
struct sheet {
    const struct answer *answer;
    struct feature_column *columns;
    const char **names;
    uint32_t column_count;
    const char **views;
    const uint8_t **states;
    const int64_t **times;
    uint32_t view_count;
    int64_t now;
    uint32_t rows;
    bool has_filled; /* a cell was marked */
};

static void
close_sheet(struct sheet *sheet)
{
    free(sheet->columns);
    free(sheet->names);
    free(sheet->views);
    free(sheet->states);
    free(sheet->times);
}

static bool
open_sheet(struct sheet *sheet, const struct answer *answer)
{
    const feature_query *query = answer->query;
    struct feature_field field;

    memset(sheet, 0, sizeof *sheet);
    sheet->answer = answer;
    sheet->rows = feature_request_row_count(answer->request);
    sheet->now = answer->as_of != INT64_MIN
                     ? answer->as_of
                     : feature_request_now(answer->request);
    sheet->column_count = feature_query_column_count(query);
    sheet->view_count = feature_query_view_count(query);
    sheet->columns = calloc(sheet->column_count + 1u, sizeof *sheet->columns);
    sheet->names = calloc(sheet->column_count + 1u, sizeof *sheet->names);
    sheet->views = calloc(sheet->view_count + 1u, sizeof *sheet->views);
    sheet->states = calloc(sheet->view_count + 1u, sizeof *sheet->states);
    sheet->times = calloc(sheet->view_count + 1u, sizeof *sheet->times);
    if (!sheet->columns || !sheet->names || !sheet->views || !sheet->states ||
        !sheet->times)
        return false;
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        feature_query_column(query, i, &field, NULL);
        sheet->names[i] = field.name;
        feature_request_column(answer->request, i, &sheet->columns[i], NULL);
    }
    for (uint32_t i = 0; i < sheet->view_count; i++) {
        feature_query_view(query, i, &field, NULL);
        sheet->views[i] = field.name;
        sheet->states[i] = feature_request_states(answer->request, i);
        sheet->times[i] = feature_request_timestamps(answer->request, i);
    }
    return true;
}

/* A key as a column of an answer, and the row of it that a row shows. */
static struct feature_column
key_column(const struct answer *answer, uint32_t key, uint32_t *row)
{
    const struct cell_column *from = &answer->keys[key];

    if (answer->key_rows[key] == 1)
        *row = 0;
    return (struct feature_column){.values = from->values,
                                   .offsets = from->offsets,
                                   .validity = from->validity,
                                   .rows = answer->key_rows[key],
                                   .type = from->type,
                                   .width = 1};
}

void
answer_add_age(struct text *text, int64_t microseconds)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    int64_t seconds = microseconds / 1000000;
    int shown = 0;

    if (seconds < 0) {
        text_add(text, "-");
        seconds = -seconds;
    }
    for (size_t i = 0; i < 4 && shown < 2; i++) {
        int64_t count = seconds / units[i].seconds;

        if (!count && (!shown || i < 3) && i < 3)
            continue;
        if (!count && shown)
            break;
        text_add(text, "%s%" PRId64 "%s", shown ? " " : "", count,
                 units[i].unit);
        seconds %= units[i].seconds;
        shown++;
    }
}

/* The age of a row's values; false where no row answered, or the difference is
 * no number. */
static bool
age_of(const struct sheet *sheet, uint32_t view, uint32_t row, int64_t *age)
{
    int64_t time = sheet->times[view][row];

    return time != INT64_MIN && !__builtin_sub_overflow(sheet->now, time, age);
}

void
answer_add_value(struct text *text, const struct feature_column *column,
                 uint32_t row)
{
    size_t first = text->size, size;
    const char *added;

    if (!value_bit(column->validity, row)) {
        text_add(text, "null");
        return;
    }
    value_add(text, column, row);
    if (text->failed || column->type != FEATURE_TYPE_STRING ||
        column->child_offsets)
        return;
    added = text->data + first;
    size = text->size - first;
    if (size && added[0] != ' ' && added[size - 1] != ' ' &&
        added[size - 1] != '*' && (size != 4 || memcmp(added, "null", 4) != 0))
        return;
    text->size = first;
    value_add_json(text, column, row);
}

static void
add_table_row(struct sheet *sheet, struct table *table, struct text *cell,
              uint32_t row)
{
    const struct answer *answer = sheet->answer;
    int64_t age;

    for (uint32_t i = 0; i < answer->key_count; i++) {
        uint32_t key_row = row;
        struct feature_column key = key_column(answer, i, &key_row);

        text_clear(cell);
        answer_add_value(cell, &key, key_row);
        table_add(table, cell->data, cell->size);
    }
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        text_clear(cell);
        answer_add_value(cell, &sheet->columns[i], row);
        if (value_bit(sheet->columns[i].defaulted, row)) {
            text_add(cell, "*");
            sheet->has_filled = true;
        }
        table_add(table, cell->data, cell->size);
    }
    for (uint32_t i = 0; i < sheet->view_count; i++) {
        const char *state = value_state_name(sheet->states[i][row]);

        table_add(table, state, strlen(state));
        text_clear(cell);
        if (age_of(sheet, i, row, &age))
            answer_add_age(cell, age);
        table_add(table, cell->data, cell->size);
    }
}

static bool
is_number(int32_t type)
{
    return type == FEATURE_TYPE_INT32 || type == FEATURE_TYPE_INT64 ||
           type == FEATURE_TYPE_FLOAT32 || type == FEATURE_TYPE_FLOAT64;
}

static void
add_table_head(const struct sheet *sheet, struct table *table)
{
    const struct answer *answer = sheet->answer;
    uint32_t column = 0;

    for (uint32_t i = 0; i < answer->key_count; i++, column++) {
        table_add(table, answer->keys[i].name, strlen(answer->keys[i].name));
        if (is_number(answer->keys[i].type))
            table_align_right(table, column);
    }
    for (uint32_t i = 0; i < sheet->column_count; i++, column++) {
        table_add(table, sheet->names[i], strlen(sheet->names[i]));
        if (is_number(sheet->columns[i].type) && sheet->columns[i].width == 1 &&
            !sheet->columns[i].offsets)
            table_align_right(table, column);
    }
    for (uint32_t i = 0; i < sheet->view_count; i++) {
        table_add(table, sheet->views[i], strlen(sheet->views[i]));
        table_add(table, "age", 3);
    }
}

static int
print_table(struct sheet *sheet)
{
    const struct answer *answer = sheet->answer;
    struct table table;
    struct text cell = {0};
    int code = TOOL_DONE;

    if (!table_begin(&table, answer->key_count + sheet->column_count +
                                 2 * sheet->view_count) ||
        !text_reserve(&cell, 1)) {
        code = tool_no_memory();
        goto out;
    }
    add_table_head(sheet, &table);
    for (uint32_t row = 0; row < sheet->rows; row++)
        add_table_row(sheet, &table, &cell, row);
    if (cell.failed || !table_print(&table, stdout, tool_has_colours(stdout)))
        code = tool_no_memory();
    else if (sheet->has_filled)
        printf("* filled in: the store has no current value\n");
out:
    table_free(&table);
    text_free(&cell);
    return code;
}

static void
add_json_view(const struct sheet *sheet, struct text *text, uint32_t view,
              uint32_t row)
{
    char digits[NUMBER_SIZE], time[MOMENT_SIZE];
    int64_t age;

    text_add_json(text, sheet->views[view], strlen(sheet->views[view]));
    text_add(text, ":{\"state\":\"%s\"",
             value_state_name(sheet->states[view][row]));
    if (age_of(sheet, view, row, &age)) {
        moment_print(time, sheet->times[view][row]);
        number_print_float64(digits, (double)age / 1e6);
        text_add(text, ",\"event_timestamp\":\"%s\",\"age_seconds\":%s}", time,
                 digits);
    } else {
        text_add(text, ",\"event_timestamp\":null,\"age_seconds\":null}");
    }
}

static void
add_json_row(const struct sheet *sheet, struct text *text, uint32_t row)
{
    const struct answer *answer = sheet->answer;
    const char *comma = "";

    text_add(text, "{\"keys\":{");
    for (uint32_t i = 0; i < answer->key_count; i++) {
        uint32_t key_row = row;
        struct feature_column key = key_column(answer, i, &key_row);

        text_add(text, "%s\"%s\":", i ? "," : "", answer->keys[i].name);
        value_add_json(text, &key, key_row);
    }
    text_add(text, "},\"features\":{");
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        text_add(text, "%s\"%s\":", i ? "," : "", sheet->names[i]);
        value_add_json(text, &sheet->columns[i], row);
    }
    text_add(text, "},\"views\":{");
    for (uint32_t i = 0; i < sheet->view_count; i++) {
        text_add(text, "%s", i ? "," : "");
        add_json_view(sheet, text, i, row);
    }
    text_add(text, "},\"defaulted\":[");
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        if (!value_bit(sheet->columns[i].defaulted, row))
            continue;
        text_add(text, "%s\"%s\"", comma, sheet->names[i]);
        comma = ",";
    }
    text_add(text, "]}\n");
}

static void
add_csv_head(const struct sheet *sheet, struct text *text)
{
    const struct answer *answer = sheet->answer;

    for (uint32_t i = 0; i < answer->key_count; i++)
        text_add(text, "%s,", answer->keys[i].name);
    for (uint32_t i = 0; i < sheet->column_count; i++)
        text_add(text, "%s,", sheet->names[i]);
    for (uint32_t i = 0; i < sheet->view_count; i++)
        text_add(text, "%s__state,%s__event_timestamp,%s__age_seconds,",
                 sheet->views[i], sheet->views[i], sheet->views[i]);
    text_add(text, "defaulted\n");
}

static void
add_csv_value(struct text *text, struct text *cell,
              const struct feature_column *column, uint32_t row)
{
    if (value_bit(column->validity, row)) {
        text_clear(cell);
        value_add(cell, column, row);
        text_add_csv(text, cell->data, cell->size);
        text->failed |= cell->failed;
    }
    text_add(text, ",");
}

static void
add_csv_row(const struct sheet *sheet, struct text *text, struct text *cell,
            uint32_t row)
{
    const struct answer *answer = sheet->answer;
    char digits[NUMBER_SIZE], time[MOMENT_SIZE];
    const char *blank = "";
    int64_t age;

    for (uint32_t i = 0; i < answer->key_count; i++) {
        uint32_t key_row = row;
        struct feature_column key = key_column(answer, i, &key_row);

        add_csv_value(text, cell, &key, key_row);
    }
    for (uint32_t i = 0; i < sheet->column_count; i++)
        add_csv_value(text, cell, &sheet->columns[i], row);
    for (uint32_t i = 0; i < sheet->view_count; i++) {
        text_add(text, "%s,", value_state_name(sheet->states[i][row]));
        time[0] = digits[0] = '\0';
        if (age_of(sheet, i, row, &age)) {
            moment_print(time, sheet->times[i][row]);
            number_print_float64(digits, (double)age / 1e6);
        }
        text_add(text, "%s,%s,", time, digits);
    }
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        if (!value_bit(sheet->columns[i].defaulted, row))
            continue;
        text_add(text, "%s%s", blank, sheet->names[i]);
        blank = " ";
    }
    text_add(text, "\n");
}

static int
print_lines(const struct sheet *sheet, enum answer_form form)
{
    struct text text = {0}, cell = {0};
    bool is_fine = text_reserve(&cell, 1);

    if (form == ANSWER_CSV)
        add_csv_head(sheet, &text);
    for (uint32_t row = 0; is_fine && row < sheet->rows; row++) {
        if (form == ANSWER_CSV)
            add_csv_row(sheet, &text, &cell, row);
        else
            add_json_row(sheet, &text, row);
        is_fine = !text.failed;
        if (is_fine)
            fwrite(text.data, 1, text.size, stdout);
        text_clear(&text);
    }
    if (is_fine && text.size)
        fwrite(text.data, 1, text.size, stdout);
    text_free(&text);
    text_free(&cell);
    return is_fine ? TOOL_DONE : tool_no_memory();
}

int
answer_print(const struct answer *answer, enum answer_form form)
{
    struct sheet sheet;
    int code;

    if (!open_sheet(&sheet, answer))
        code = tool_no_memory();
    else if (form == ANSWER_TABLE)
        code = print_table(&sheet);
    else
        code = print_lines(&sheet, form);
    close_sheet(&sheet);
    return code ? code : tool_finish();
}
