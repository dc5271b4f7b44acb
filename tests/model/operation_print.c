/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces for people.
 *
 * Owns how an operation looks in a trace.
 * Keeps to what the operation says, so that a test can be written from it.
 * Never shows a model's or a store's answer.
 */
#include "operation.h"

#include <inttypes.h>
#include <string.h>

#include "world.h"

#define SHOWN_MAX 60 /* bytes of a value */

/* T is the clock at the beginning. */
static void
print_time(struct text *text, int64_t time)
{
    int64_t since = time - CLOCK_BEGIN;

    if (time < 0 || time > 2 * CLOCK_BEGIN)
        text_add(text, "%" PRId64, time);
    else if (since % SECOND)
        text_add(text, "T%+.6f", (double)since / 1e6);
    else
        text_add(text, "T%+" PRId64, since / SECOND);
}

static void
print_cell(struct text *text, const struct column_data *column, uint32_t row)
{
    struct value value;
    struct text cell = {0};
    int64_t time;

    if (row >= column->rows) {
        text_add(text, "-");
        return;
    }
    value = column->values[row];
    if (!value.is_null && !strcmp(column->name, "event_timestamp")) {
        memcpy(&time, value.bytes, sizeof time);
        print_time(text, time);
        return;
    }
    value_print(&cell, column->type, value);
    if (cell.size > SHOWN_MAX)
        text_add(text, "%.*s... (%u bytes)", SHOWN_MAX / 2, cell.data,
                 value.size);
    else
        text_add(text, "%s", cell.data);
    text_free(&cell);
}

static void
print_batch(struct text *text, const struct batch_spec *batch)
{
    static const char *const names[] = {"?", "UPSERT", "PATCH", "DELETE"};
    uint32_t rows = 0;

    text_add(text, "  %s %s%s", names[batch->operation], batch->view,
             batch->lists_columns ? " (" : " (NULL: ");
    for (uint32_t i = 0; i < batch->column_count; i++) {
        text_add(text, "%s%s ", i ? ", " : "", batch->columns[i].name);
        type_print(text, batch->columns[i].type);
        if (batch->columns[i].rows > rows)
            rows = batch->columns[i].rows;
    }
    text_add(text, ")\n");
    for (uint32_t i = 0; i < rows; i++) {
        text_add(text, "    (");
        for (uint32_t j = 0; j < batch->column_count; j++) {
            text_add(text, j ? ", " : "");
            print_cell(text, &batch->columns[j], i);
        }
        text_add(text, ")\n");
    }
}

static void
print_write(struct text *text, const struct operation *operation)
{
    text_add(text, "write%s\n", operation->skip_invalid ? " SKIP_INVALID" : "");
    for (uint32_t i = 0; i < operation->count; i++)
        if (operation->entries[i].from_slot)
            text_add(text, "  batch in slot %u\n", operation->entries[i].slot);
        else
            print_batch(text, &operation->entries[i].batch);
}

static void
print_query(struct text *text, const struct query_spec *query)
{
    static const char *const fills[] = {"defaults", "nulls", "stale"};

    items_print(text, query->items, query->count);
    text_add(text, " (fill %s%s", fills[query->fill],
             query->is_matrix ? ", matrix" : "");
    if (query->known_by)
        text_add(text, ", known by %" PRId64, query->known_by);
    text_add(text, ")\n");
}

static void
print_read(struct text *text, const struct read_spec *read)
{
    text_add(text, read->clears ? "  cleared first\n" : "");
    for (uint32_t i = 0; i < read->key_count; i++) {
        if (!read->sets_key[i])
            continue;
        text_add(text, "  key %u ", i);
        type_print(text, read->keys[i].type);
        for (uint32_t j = 0; j < read->keys[i].rows; j++) {
            text_add(text, j ? ", " : ": ");
            print_cell(text, &read->keys[i], j);
        }
        text_add(text, "\n");
    }
    if (read->times_action == TIMES_KEEP)
        return;
    text_add(text, "  as of");
    for (uint32_t i = 0; i < read->time_rows; i++) {
        text_add(text, i ? ", " : " ");
        print_time(text, read->times[i]);
    }
    text_add(text, read->times_action == TIMES_CLEAR ? " now\n" : "\n");
}

static void
print_apply(struct text *text, const struct operation *operation)
{
    struct text lines = {0};
    char *at, *rest;

    text_add(text, "apply%s%s\n", operation->is_planned ? ", planned" : "",
             operation->expect == EXPECT_WRONG   ? ", expecting a wrong version"
             : operation->expect == EXPECT_RIGHT ? ", expecting the version"
                                                 : "");
    statements_print(&lines, operation->statements, operation->count,
                     operation->style);
    for (at = strtok_r(lines.data, "\n", &rest); at;
         at = strtok_r(NULL, "\n", &rest))
        text_add(text, "  %s\n", at);
    text_free(&lines);
}

void
operation_print(struct text *text, const struct operation *operation)
{
    if (operation->is_elsewhere)
        text_add(text, "another process: ");
    if (operation->handle)
        text_add(text, "handle 2: ");
    switch (operation->kind) {
    case OP_APPLY:
        print_apply(text, operation);
        return;
    case OP_DESCRIBE:
        text_add(text, "describe %s\n",
                 operation->name ? operation->name : "everything");
        return;
    case OP_MAKE_BATCH:
        text_add(text, "make a batch in slot %u\n", operation->slot);
        print_batch(text, &operation->batch);
        return;
    case OP_WRITE:
        print_write(text, operation);
        return;
    case OP_MAKE_QUERY:
        text_add(text, "make a query in slot %u: ", operation->slot);
        print_query(text, &operation->query);
        return;
    case OP_READ:
        text_add(text, "read%s ", operation->read.as_matrix ? " a matrix" : "");
        if (operation->has_query)
            print_query(text, &operation->query);
        else
            text_add(text, "with the query in slot %u\n", operation->slot);
        print_read(text, &operation->read);
        return;
    case OP_STATS:
        text_add(text, "stats\n");
        return;
    case OP_REOPEN:
        text_add(text, "close, open at ");
        print_time(text, operation->now);
        text_add(text, "\n");
        return;
    case OP_SECOND_HANDLE:
        text_add(text, "open a second handle at ");
        print_time(text, operation->now);
        text_add(text, ", or close it\n");
        return;
    case OPERATION_KINDS:
        return;
    }
}
