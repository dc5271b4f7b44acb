/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step write: batches, their rows and what became of them.
 *
 * Owns the batches of one call.
 * Keeps every row's outcome with the line that expects it.
 * Never goes on with a batch that could not be made.
 */
#include "steps.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES 8
#define COLUMNS 32

struct written {
    feature_batch *handle;
    const struct line *columns;
    const struct line *rows; /* the first of count lines */
    size_t count;
    size_t first; /* word of the first column */
};

static const char *const operations[] = {"",      "upsert",  "patch", "delete",
                                         "event", "retract", NULL};

/* The column list for the library: names, with commas; NULL for `*`. */
static char *
column_list(const struct written *written)
{
    char *list = vectors_claim(strlen(written->columns->rest) * 2 + 2);
    struct cell_type type;

    if (written->first == 2)
        return NULL;
    for (size_t i = 1; i < written->columns->count; i++) {
        strcat(list, i > 1 ? ", " : "");
        strcat(list, cell_column(written->columns, written->columns->words[i],
                                 &type));
    }
    return list;
}

/* What `*` stands for has to be what the line says. */
static void
check_columns(const struct written *written)
{
    const struct line *line = written->columns;
    struct feature_field field;
    struct cell_type type;
    uint32_t i = 0;

    for (; !feature_batch_column(written->handle, i, &field, NULL); i++) {
        if (i + written->first >= line->count)
            fail_at(line, "there is a column %s", field.name);
        if (strcmp(cell_column(line, line->words[i + written->first], &type),
                   field.name))
            fail_at(line, "column %u is %s", i, field.name);
    }
    expect_number(line, "the number of columns", i,
                  (int64_t)(line->count - written->first));
}

static feature_status
set_column(const struct written *written, uint32_t index)
{
    const char *word = written->columns->words[written->first + index];
    struct feature_column column;
    struct cell_type type;
    struct cells cells;
    feature_status status;
    size_t size = 0;

    cell_column(written->columns, word, &type);
    for (size_t i = 0; i < written->count; i++)
        size += strlen(written->rows[i].rest);
    cells_begin(&cells, type, written->count, size);
    for (size_t i = 0; i < written->count; i++) {
        if (written->rows[i].count <= index + 1)
            fail_at(&written->rows[i], "a value is missing");
        cells_add(&cells, &written->rows[i], written->rows[i].words[index + 1]);
    }
    column = cells_view(&cells);
    status = type.is_list
                 ? feature_batch_set_list(written->handle, index, type.code,
                                          column.values, column.offsets,
                                          column.child_offsets, column.validity,
                                          column.rows, &step_error)
                 : feature_batch_set(written->handle, index, type.code,
                                     column.values, column.offsets,
                                     column.validity, column.rows, &step_error);
    cells_free(&cells);
    return status;
}

/* Reads one batch of the block, makes and fills it. */
static feature_status
make_batch(struct fixture *f, struct reader *reader, const struct line *line,
           struct written *written)
{
    int32_t operation = word_index(line, line->words[2], operations);
    feature_status status;
    uint32_t i = 0;

    written->columns = need_line(reader, "columns", 2);
    written->first = strcmp(written->columns->words[1], "*") ? 1 : 2;
    written->rows = reader->block->lines + reader->next;
    while (take_line(reader, "row"))
        written->count++;
    status =
        feature_batch_create(f->store, line->words[1], column_list(written),
                             operation, &written->handle, &step_error);
    if (!status)
        check_columns(written);
    for (; !status && i + written->first < written->columns->count; i++)
        status = set_column(written, i);
    return status;
}

static void
expect_outcomes(const struct written *written)
{
    static const char *const names[] = {
        "", "applied", "late", "duplicate", "future", "rejected", NULL};
    const uint8_t *outcomes = feature_batch_outcomes(written->handle);
    size_t equals = written->columns->count - written->first + 1;

    for (uint32_t i = 0; i < written->count; i++) {
        const struct line *line = &written->rows[i];
        struct feature_error why;
        feature_status status;

        if (line->count < equals + 2 || strcmp(line->words[equals], "="))
            fail_at(line, "a row has its values, = and an outcome");
        expect_number(line, "outcome", outcomes[i],
                      word_index(line, line->words[equals + 1], names));
        status = feature_batch_problem(written->handle, i, &why);
        if (outcomes[i] != FEATURE_OUTCOME_REJECTED) {
            expect_number(line, "problem", status, FEATURE_OK);
            continue;
        }
        if (line->count != equals + 4 ||
            status != word_status(line, line->words[equals + 2]) ||
            strcmp(why.reason, line->words[equals + 3]))
            fail_at(line, "rejected: %s %s", feature_status_name(status),
                    why.reason);
    }
}

static void
expect_commit(const struct line *line, const struct feature_commit *commit)
{
    const uint64_t counts[] = {commit->applied, commit->late, commit->duplicate,
                               commit->future, commit->rejected};
    static const char *const names[] = {"applied", "late", "duplicate",
                                        "future", "rejected"};

    if (line->count != 8)
        fail_at(line, "ok SEQUENCE TIME and five counts");
    expect_number(line, "sequence", (int64_t)commit->sequence,
                  word_number(line, 1));
    expect_number(line, "time", commit->time, cell_time(line, line->words[2]));
    for (size_t i = 0; i < 5; i++)
        expect_number(line, names[i], (int64_t)counts[i],
                      word_number(line, i + 3));
}

void
step_write(struct fixture *f, struct reader *reader)
{
    struct feature_write_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct written written[BATCHES] = {{0}};
    feature_batch *handles[BATCHES];
    feature_status status = FEATURE_OK;
    const struct line *line;
    size_t count = 0;

    if (take_line(reader, "skip_invalid"))
        options.flags = FEATURE_WRITE_SKIP_INVALID;
    while (!status && count < BATCHES && (line = take_line(reader, "batch"))) {
        status = make_batch(f, reader, line, &written[count]);
        handles[count] = written[count].handle;
        count++;
    }
    if (!status)
        status = feature_store_write(f->store, handles, count, &options,
                                     &commit, &step_error);
    line = expect_status(reader, status);
    if (line) {
        expect_commit(line, &commit);
        for (size_t i = 0; i < count; i++)
            expect_outcomes(&written[i]);
    }
    for (size_t i = 0; i < count; i++)
        feature_batch_free(written[i].handle);
}
