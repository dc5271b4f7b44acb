/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The labels of a join, as they come.
 *
 * Owns the producer's stream, its record batches until each was answered, and
 * the pieces of them that are asked for together.
 * Keeps the order of rows, and every record batch whole until the last piece of
 * it has gone.
 * Never asks the producer for more than one call of the consumer needs.
 */
#include "exchange/labels.h"

#include <string.h>

#include "base/alloc.h"

#define PIECES_MAX 4096 /* taken together, whatever rows they have */

static struct lf_label_piece *
pieces_of(const struct lf_buffer *buffer)
{
    return (struct lf_label_piece *)buffer->data;
}

static feature_status
fail_batch(uint32_t record_batch, feature_status status,
           struct feature_error *error)
{
    lf_error_prefix(error, "batch %u, ", record_batch);
    lf_error_place(error, record_batch, -1, 0);
    return status;
}

/* A column that is carried along is checked as far as it is touched. */
static feature_status
check_column(const struct lf_labels *labels, const struct ArrowArray *record,
             int64_t child, struct feature_error *error)
{
    const struct ArrowSchema *schema = labels->schema->schema.children[child];
    const struct ArrowArray *column = record->children[child];
    const char *name = schema->name ? schema->name : "";
    int64_t end;

    LF_TRY(lf_array_check_tree(column, schema, name, error));
    if (column->length < 0 || column->offset < 0 ||
        __builtin_add_overflow(column->length, column->offset, &end) ||
        column->length < record->offset + record->length)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "column \"%s\" of the stream has %lld values where %lld "
                       "are needed",
                       name, (long long)column->length,
                       (long long)(record->offset + record->length));
    return FEATURE_OK;
}

static feature_status
check_record(const struct lf_labels *labels, const struct ArrowArray *record,
             struct feature_error *error)
{
    LF_TRY(lf_array_check(record, 1, labels->schema->schema.n_children, NULL,
                          error));
    if (record->length > INT32_MAX)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the record batch has %lld rows, more than %d",
                       (long long)record->length, INT32_MAX);
    if (record->null_count > 0 && !record->buffers[0])
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the record batch has nulls and no validity");
    for (int64_t i = 0; i < record->n_children; i++)
        LF_TRY(check_column(labels, record, i, error));
    return FEATURE_OK;
}

/* The next record batch, to wait; is_over at the end. */
static feature_status
pull(struct lf_labels *labels, struct feature_error *error)
{
    struct lf_label_piece piece = {.record_batch = labels->next};
    struct ArrowArray record;
    feature_status status;

    status = lf_stream_next(&labels->stream, labels->next, &record, error);
    labels->is_over = status || !record.release;
    if (labels->is_over)
        return status;
    labels->next++;
    status = check_record(labels, &record, error);
    if (status) {
        labels->is_over = true;
        record.release(&record);
        return fail_batch(piece.record_batch, status, error);
    }
    piece.count = (uint32_t)record.length;
    piece.from = lf_array_hold(&record);
    if (piece.from && lf_buffer_append(&labels->waiting, &piece, sizeof piece))
        return FEATURE_OK;
    lf_array_let_go(piece.from);
    labels->is_over = true;
    return lf_fail_memory(error);
}

static void
bind_validity(struct lf_intake *intake, const struct ArrowArray *record)
{
    intake->record_valid = record->null_count ? record->buffers[0] : NULL;
}

/* What a label must not have: no time, a time that is no whole microsecond, a
 * text that is not UTF-8. */
static feature_status
check_rows(struct lf_labels *labels, const struct lf_label_piece *piece,
           uint32_t row, struct feature_error *error)
{
    const uint32_t at = labels->columns.column_count - 1;

    for (uint32_t i = 0; i < at; i++)
        LF_TRY(
            lf_label_check_texts(&labels->intake, i, row, piece->count, error));
    return lf_label_check_times(&labels->intake, at, row, piece->count, error);
}

/* Reads the keys and times of a piece. */
static feature_status
read_piece(struct lf_labels *labels, const struct lf_label_piece *piece,
           struct feature_error *error)
{
    const struct ArrowArray *record = &piece->from->array;
    struct lf_intake *intake = &labels->intake;
    size_t at = (size_t)record->offset + piece->first;
    uint32_t row = intake->rows;

    for (uint32_t i = 0; i < labels->columns.column_count; i++) {
        feature_status status = lf_source_bind(
            &intake->sources[i], record->children[labels->children[i]], at,
            piece->count, labels->columns.columns[i].name, error);

        if (status)
            return fail_batch(piece->record_batch, status, error);
    }
    intake->record_batch = piece->record_batch;
    intake->record_row = piece->first;
    intake->record_first = at;
    bind_validity(intake, record);
    LF_TRY(lf_intake_append(intake, piece->count, error));
    return check_rows(labels, piece, row, error);
}

/* Takes the first of those that wait, or limit rows of it. */
static feature_status
take_piece(struct lf_labels *labels, uint32_t limit,
           struct feature_error *error)
{
    struct lf_label_piece *first = pieces_of(&labels->waiting);
    struct lf_label_piece piece = *first;

    if (piece.count > limit)
        piece.count = limit;
    LF_TRY(read_piece(labels, &piece, error));
    if (!lf_buffer_append(&labels->taken, &piece, sizeof piece))
        return lf_fail_memory(error);
    if (piece.count < first->count) {
        lf_array_share(piece.from);
        first->first += piece.count;
        first->count -= piece.count;
        return FEATURE_OK;
    }
    labels->waiting.size -= sizeof piece;
    memmove(first, first + 1, labels->waiting.size);
    return FEATURE_OK;
}

static void
drop_pieces(struct lf_buffer *buffer)
{
    for (size_t i = 0; i < buffer->size / sizeof(struct lf_label_piece); i++)
        lf_array_let_go(pieces_of(buffer)[i].from);
    buffer->size = 0;
}

static feature_status
fill(struct lf_labels *labels, uint32_t limit, struct feature_error *error)
{
    while (labels->intake.rows < limit &&
           lf_labels_pieces(labels) < PIECES_MAX) {
        if (!labels->waiting.size && !labels->is_over)
            LF_TRY(pull(labels, error));
        if (!labels->waiting.size)
            break;
        LF_TRY(take_piece(labels, limit - labels->intake.rows, error));
    }
    return FEATURE_OK;
}

feature_status
lf_labels_take(struct lf_labels *labels, uint32_t limit,
               struct feature_error *error)
{
    feature_status status;

    drop_pieces(&labels->taken);
    LF_TRY(lf_intake_begin(&labels->intake, error));
    status = fill(labels, limit, error);
    if (status)
        drop_pieces(&labels->taken);
    return status;
}

static void
swap(struct lf_buffer *a, struct lf_buffer *b)
{
    struct lf_buffer other = *a;

    *a = *b;
    *b = other;
}

void
lf_labels_set(struct lf_labels *labels, feature_request *request)
{
    const uint32_t keys = labels->columns.column_count - 1;

    for (uint32_t i = 0; i < keys; i++) {
        struct lf_input other = request->keys[i];

        request->keys[i] = labels->columns.columns[i].input;
        labels->columns.columns[i].input = other;
    }
    swap(&request->as_of, &labels->columns.columns[keys].input.values);
    request->as_of_rows = labels->intake.rows;
}

feature_status
lf_labels_untake(struct lf_labels *labels, struct feature_error *error)
{
    size_t size = labels->taken.size;

    if (!lf_buffer_extend(&labels->waiting, size))
        return lf_fail_memory(error);
    memmove(labels->waiting.data + size, labels->waiting.data,
            labels->waiting.size - size);
    memcpy(labels->waiting.data, labels->taken.data, size);
    labels->taken.size = 0;
    return FEATURE_OK;
}

void
lf_labels_place(const struct lf_labels *labels, struct feature_error *error)
{
    int64_t row = error->row;

    for (uint32_t i = 0; row >= 0 && i < lf_labels_pieces(labels); i++) {
        const struct lf_label_piece *piece = lf_labels_piece(labels, i);

        if (row >= piece->count) {
            row -= piece->count;
            continue;
        }
        lf_error_prefix(error, "batch %u, row %lld: ", piece->record_batch,
                        (long long)piece->first + row);
        lf_error_place(error, piece->record_batch, (int64_t)piece->first + row,
                       error->column);
        return;
    }
}

void
lf_labels_close(struct lf_labels *labels)
{
    drop_pieces(&labels->waiting);
    drop_pieces(&labels->taken);
    lf_buffer_free(&labels->waiting);
    lf_buffer_free(&labels->taken);
    for (uint32_t i = 0; i < labels->columns.column_count; i++)
        lf_input_free(&labels->columns.columns[i].input);
    lf_buffer_free(&labels->columns.refused);
    lf_schema_let_go(labels->schema);
    lf_arena_free(&labels->arena);
    lf_stream_release(&labels->stream);
}
