/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_merge_tiles().
 *
 * Owns the order of the call: schema, columns, record batches one at a time,
 * then one commit.
 * Keeps the place of an error in the stream, whatever the row became.
 * Never calls the producer within a write transaction, and releases its stream
 * on every way out.
 */
#include <string.h>

#include "base/utf8.h"
#include "exchange/import.h"
#include "format/key.h"
#include "store/offsets.h"
#include "store/tiles_in.h"

/* Where the rows of a record batch begin among all. */
struct begin {
    uint32_t first;
    uint32_t record_batch;
};

/* Columns of the intake: the join keys, then these. */
enum { TIME, TILES, BESIDE_KEYS };

struct merge {
    struct ArrowArrayStream *stream;
    struct lf_tiles_in in;
    struct lf_arena arena;
    struct feature_batch columns;
    struct lf_intake intake;
    int64_t *children; /* per column: which of the stream */
    int64_t child_count;
    uint32_t key_count;
    struct lf_buffer begins;
    lf_tiles_taken taken; /* NULL: all become one commit */
    void *context;
    uint8_t key[LF_KEY_MAX];
};

/* --- the schema --------------------------------------------------------------- */

static feature_status
find_child(const struct ArrowSchema *schema, const char *name, int64_t *child,
           struct feature_error *error)
{
    int64_t found = 0;

    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *other = schema->children[i]->name;

        if (!other || strcmp(other, name) != 0)
            continue;
        *child = i;
        found++;
    }
    if (found == 1)
        return FEATURE_OK;
    if (found)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the tiles have %lld columns \"%s\"", (long long)found,
                       name);
    return lf_fail(error, FEATURE_NOT_FOUND, "name",
                   "the tiles have no column \"%s\"", name);
}

static feature_status
open_column(struct merge *merge, const struct ArrowSchema *schema,
            uint32_t index, const char *name, int32_t code,
            struct feature_error *error)
{
    struct lf_batch_column *column = &merge->columns.columns[index];
    struct lf_source *source = &merge->intake.sources[index];

    LF_TRY(find_child(schema, name, &merge->children[index], error));
    column->name = lf_arena_copy(&merge->arena, name, strlen(name));
    if (!column->name)
        return lf_fail_memory(error);
    column->input.type = (struct lf_type){.code = code, .width = 1};
    LF_TRY(lf_source_parse(source, schema->children[merge->children[index]],
                           &merge->arena, column->name, error));
    return lf_source_accept(source, column, error);
}

static feature_status
open_columns(struct merge *merge, const struct ArrowSchema *schema,
             struct feature_error *error)
{
    const struct lf_tiles_in *in = &merge->in;
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(in->catalog, in->form.view->entity);
    uint32_t keys = entity->key_count, count = keys + BESIDE_KEYS;
    struct lf_arena *arena = &merge->arena;

    merge->columns.columns =
        lf_arena_array(arena, count, sizeof *merge->columns.columns);
    merge->intake.sources =
        lf_arena_array(arena, count, sizeof *merge->intake.sources);
    merge->children = lf_arena_array(arena, count, sizeof *merge->children);
    if (!merge->columns.columns || !merge->intake.sources || !merge->children)
        return lf_fail_memory(error);
    merge->columns.column_count = count;
    merge->intake.batch = &merge->columns;
    merge->key_count = keys;
    merge->child_count = schema->n_children;
    for (uint32_t i = 0; i < keys; i++)
        LF_TRY(open_column(merge, schema, i, entity->keys[i].name,
                           entity->keys[i].code, error));
    LF_TRY(open_column(merge, schema, keys + TIME, LF_EVENT_TIMESTAMP,
                       FEATURE_TYPE_TIMESTAMP, error));
    return open_column(merge, schema, keys + TILES, LF_TILES_COLUMN,
                       FEATURE_TYPE_BYTES, error);
}

static feature_status
open_stream(struct merge *merge, struct feature_error *error)
{
    struct ArrowSchema schema;
    feature_status status;

    LF_TRY(lf_stream_schema(merge->stream, &schema, error));
    status = open_columns(merge, &schema, error);
    schema.release(&schema);
    return status;
}

/* --- rows --------------------------------------------------------------------- */

static const struct lf_input *
input_of(const struct merge *merge, uint32_t column)
{
    return &merge->columns.columns[column].input;
}

static feature_status
check_row(const struct merge *merge, uint32_t row, struct feature_error *error)
{
    for (uint32_t i = 0; i < merge->columns.column_count; i++) {
        const struct lf_input *input = input_of(merge, i);
        const uint8_t *bytes;
        size_t size;

        if (lf_input_is_null(input, row))
            return lf_intake_fail(&merge->intake, i, row, "argument",
                                  "the value is null", error);
        bytes = lf_input_cell(input, row, &size);
        if (input->type.code == FEATURE_TYPE_STRING && size &&
            !lf_utf8_valid(bytes, size))
            return lf_intake_fail(&merge->intake, i, row, "argument",
                                  "the text is not UTF-8", error);
    }
    return FEATURE_OK;
}

/* Bytes of the row's key; above LF_KEY_MAX: it is none. */
static size_t
put_key(struct merge *merge, uint32_t row)
{
    uint8_t *to = merge->key;
    size_t size = 0;

    for (uint32_t i = 0; i < merge->key_count; i++) {
        const struct lf_input *input = input_of(merge, i);
        size_t length;
        const uint8_t *cell = lf_input_cell(input, row, &length);
        bool is_number = input->type.code == FEATURE_TYPE_INT64;

        size += is_number ? LF_KEY_INT64_SIZE : lf_key_bytes_size(cell, length);
        if (size > LF_KEY_MAX)
            break;
        if (is_number) {
            lf_key_put_int64(to, lf_load_i64(cell));
            to += LF_KEY_INT64_SIZE;
        } else {
            to = lf_key_put_bytes(to, cell, length);
        }
    }
    return size;
}

static feature_status
place(const struct merge *merge, uint32_t row, feature_status status,
      struct feature_error *error)
{
    const struct lf_intake *intake = &merge->intake;
    long long at = (long long)intake->record_row + row;

    if (status != FEATURE_INVALID && status != FEATURE_CONFLICT)
        return status;
    lf_error_prefix(error, "batch %u, row %lld: ", intake->record_batch, at);
    lf_error_place(error, intake->record_batch, at, 0);
    return status;
}

static feature_status
add_row(struct merge *merge, uint32_t row, struct feature_error *error)
{
    const struct lf_input *times = input_of(merge, merge->key_count + TIME);
    const struct lf_input *tiles = input_of(merge, merge->key_count + TILES);
    size_t key_size, size;
    const uint8_t *bytes;

    LF_TRY(check_row(merge, row, error));
    key_size = put_key(merge, row);
    if (key_size > LF_KEY_MAX)
        return lf_intake_fail(&merge->intake, 0, row, "key-size",
                              "the key is too long", error);
    bytes = lf_input_cell(tiles, row, &size);
    return place(
        merge, row,
        lf_tiles_in_add(&merge->in, merge->key, key_size,
                        lf_load_i64(times->values.data + 8 * (size_t)row),
                        bytes, size, error),
        error);
}

static feature_status
fail_batch(const struct merge *merge, feature_status status,
           struct feature_error *error)
{
    lf_error_prefix(error, "batch %u, ", merge->intake.record_batch);
    lf_error_place(error, merge->intake.record_batch, -1, 0);
    return status;
}

static feature_status
check_record(struct merge *merge, const struct ArrowArray *array,
             struct feature_error *error)
{
    LF_TRY(lf_array_check(array, 1, merge->child_count, NULL, error));
    if (array->length > INT32_MAX)
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the record batch has %lld rows, more than %d",
                       (long long)array->length, INT32_MAX);
    merge->intake.record_valid = array->null_count ? array->buffers[0] : NULL;
    if (array->null_count > 0 && !array->buffers[0])
        return lf_fail(error, FEATURE_INVALID, "arrow",
                       "the record batch has nulls and no validity");
    for (uint32_t i = 0; i < merge->columns.column_count; i++)
        LF_TRY(lf_source_bind(&merge->intake.sources[i],
                              array->children[merge->children[i]],
                              (size_t)array->offset, (size_t)array->length,
                              merge->columns.columns[i].name, error));
    return FEATURE_OK;
}

static feature_status
take_record(struct merge *merge, const struct ArrowArray *array,
            struct feature_error *error)
{
    struct lf_intake *intake = &merge->intake;
    struct begin begin = {merge->in.count, intake->record_batch};
    feature_status status = check_record(merge, array, error);

    if (status)
        return fail_batch(merge, status, error);
    if (!lf_buffer_append(&merge->begins, &begin, sizeof begin))
        return lf_fail_memory(error);
    LF_TRY(lf_intake_begin(intake, error));
    intake->record_row = 0;
    intake->record_first = (size_t)array->offset;
    LF_TRY(lf_intake_append(intake, (uint32_t)array->length, error));
    for (uint32_t i = 0; i < intake->rows; i++)
        LF_TRY(add_row(merge, i, error));
    if (!merge->taken)
        return FEATURE_OK;
    status =
        merge->taken(merge->context, &merge->in, intake->record_batch, error);
    lf_tiles_in_clear(&merge->in);
    merge->begins.size = 0;
    return status;
}

static feature_status
take_records(struct merge *merge, struct feature_error *error)
{
    struct ArrowArray array;
    feature_status status;

    for (;; merge->intake.record_batch++) {
        LF_TRY(lf_stream_next(merge->stream, merge->intake.record_batch, &array,
                              error));
        if (!array.release)
            return FEATURE_OK;
        status = take_record(merge, &array, error);
        array.release(&array);
        if (status)
            return status;
    }
}

/* --- the call ----------------------------------------------------------------- */

/* The error of a row of all, as one of the stream. */
static void
name_place(struct merge *merge, struct feature_error *error)
{
    const struct begin *begins = (const struct begin *)merge->begins.data;
    size_t at = merge->begins.size / sizeof *begins;
    int64_t row;

    if (!error || error->row < 0 || !at)
        return;
    while (at > 1 && begins[at - 1].first > error->row)
        at--;
    row = error->row - begins[at - 1].first;
    lf_error_prefix(error, "batch %u, row %lld: ", begins[at - 1].record_batch,
                    (long long)row);
    lf_error_place(error, begins[at - 1].record_batch, row, 0);
}

static void
free_merge(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->columns.column_count; i++)
        lf_input_free(&merge->columns.columns[i].input);
    lf_buffer_free(&merge->columns.refused);
    lf_buffer_free(&merge->begins);
    lf_tiles_in_free(&merge->in);
    lf_arena_free(&merge->arena);
}

feature_status
lf_tiles_read(feature_store *store, const char *view,
              struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
              lf_tiles_taken taken, void *context, struct feature_error *error)
{
    struct merge merge = {.stream = stream, .taken = taken, .context = context};
    feature_status status = lf_tiles_in_begin(&merge.in, store, view, error);

    if (!status)
        status = open_columns(&merge, schema, error);
    if (!status)
        status = take_records(&merge, error);
    free_merge(&merge);
    return status;
}

static feature_status
run_merge(struct merge *merge, feature_store *store, const char *view,
          struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_tiles_in_begin(&merge->in, store, view, error));
    LF_TRY(open_stream(merge, error));
    LF_TRY(take_records(merge, error));
    status = lf_tiles_in_commit(&merge->in, error);
    if (status)
        name_place(merge, error);
    return status;
}

static feature_status
read_options(struct lf_tiles_in *in,
             const struct feature_write_options *options,
             struct feature_error *error)
{
    struct feature_write_options asked;

    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_write_options", error));
    if (asked.flags)
        return lf_fail(
            error, FEATURE_INVALID, "argument",
            "unknown bits 0x%x in the flags: tiles are merged all or "
            "none",
            asked.flags);
    in->sources = asked.sources;
    in->source_count = asked.source_count;
    in->wait_ms = asked.wait_ms;
    return lf_sources_check(asked.sources, asked.source_count, error);
}

feature_status
feature_store_merge_tiles(feature_store *store, const char *view,
                          struct ArrowArrayStream *stream,
                          const struct feature_write_options *options,
                          struct feature_commit *commit,
                          struct feature_error *error)
{
    struct merge merge = {.stream = stream};
    feature_status status;

    if (!stream || !stream->release)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a stream is needed that is not released yet");
    status = store && view ? read_options(&merge.in, options, error)
                           : lf_fail(error, FEATURE_INVALID, "argument",
                                     "store and view are needed");
    if (!status && commit)
        status = lf_report_check(commit, "feature_commit", error);
    if (!status)
        status = run_merge(&merge, store, view, error);
    if (!status && commit)
        lf_report_write(commit, &merge.in.report, sizeof merge.in.report);
    free_merge(&merge);
    lf_stream_release(stream);
    return status;
}
