/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which columns of the labels are read, and what their rows must not have.
 *
 * Owns the way from the query's keys to columns of the stream, and the rules of
 * a label's values.
 * Keeps every other column out of it: any name, any type.
 * Never takes a time that would be rounded: another moment, another answer.
 */
#include <string.h>

#include "base/utf8.h"
#include "exchange/labels.h"
#include "model/suggest.h"

static const char *
name_of(const struct ArrowSchema *schema, int64_t child)
{
    const char *name = schema->children[child]->name;

    return name ? name : "";
}

static feature_status
find_child(const struct ArrowSchema *schema, const char *name, int64_t *child,
           struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];
    struct lf_suggestion near;
    int64_t found = 0;

    lf_quote(quoted, name, strlen(name));
    lf_suggestion_begin(&near, name);
    for (int64_t i = 0; i < schema->n_children; i++) {
        lf_suggestion_offer(&near, name_of(schema, i));
        if (strcmp(name_of(schema, i), name) != 0)
            continue;
        *child = i;
        found++;
    }
    if (found == 1)
        return FEATURE_OK;
    if (found)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the labels have %lld columns \"%s\"", (long long)found,
                       quoted);
    return lf_fail(error, FEATURE_NOT_FOUND, "name",
                   "the labels have no column \"%s\"%s%s%s", quoted,
                   near.found ? ", did you mean \"" : "",
                   near.found ? near.found : "", near.found ? "\"?" : "");
}

static feature_status
open_column(struct lf_labels *labels, uint32_t index, const char *name,
            int32_t code, struct feature_error *error)
{
    const struct ArrowSchema *schema = &labels->schema->schema;
    struct lf_batch_column *column = &labels->columns.columns[index];
    struct lf_source *source = &labels->intake.sources[index];

    LF_TRY(find_child(schema, name, &labels->children[index], error));
    column->name = lf_arena_copy(&labels->arena, name, strlen(name));
    if (!column->name)
        return lf_fail_memory(error);
    column->input.type = (struct lf_type){.code = code, .width = 1};
    LF_TRY(lf_source_parse(source, schema->children[labels->children[index]],
                           &labels->arena, column->name, error));
    return lf_source_accept(source, column, error);
}

static feature_status
open_columns(struct lf_labels *labels, const feature_query *query,
             const char *time, struct feature_error *error)
{
    const struct lf_selection *selection = query->selection;
    uint32_t count = selection->key_count + 1;
    struct lf_arena *arena = &labels->arena;

    labels->columns.columns =
        lf_arena_array(arena, count, sizeof *labels->columns.columns);
    labels->intake.sources =
        lf_arena_array(arena, count, sizeof *labels->intake.sources);
    labels->children = lf_arena_array(arena, count, sizeof *labels->children);
    if (!labels->columns.columns || !labels->intake.sources ||
        !labels->children)
        return lf_fail_memory(error);
    labels->columns.column_count = count;
    labels->intake.batch = &labels->columns;
    for (uint32_t i = 0; i < selection->key_count; i++)
        LF_TRY(open_column(labels, i, selection->keys[i].name,
                           selection->keys[i].code, error));
    return open_column(labels, count - 1, time, FEATURE_TYPE_TIMESTAMP, error);
}

feature_status
lf_labels_open(struct lf_labels *labels, struct ArrowArrayStream *stream,
               const feature_query *query, const char *time,
               struct feature_error *error)
{
    struct ArrowSchema schema;

    labels->stream = *stream;
    stream->release = NULL;
    LF_TRY(lf_stream_schema(&labels->stream, &schema, error));
    labels->schema = lf_schema_hold(&schema);
    if (!labels->schema)
        return lf_fail_memory(error);
    for (int64_t i = 0; i < labels->schema->schema.n_children; i++)
        LF_TRY(lf_schema_check_tree(labels->schema->schema.children[i],
                                    name_of(&labels->schema->schema, i),
                                    error));
    return open_columns(labels, query, time, error);
}

feature_status
lf_label_check_texts(const struct lf_intake *intake, uint32_t column,
                     uint32_t row, uint32_t count, struct feature_error *error)
{
    const struct lf_input *input = &intake->batch->columns[column].input;

    if (input->type.code != FEATURE_TYPE_STRING)
        return FEATURE_OK;
    for (uint32_t i = 0; i < count; i++) {
        size_t size;
        const uint8_t *text = lf_input_cell(input, row + i, &size);

        if (size && !lf_utf8_valid(text, size))
            return lf_intake_fail(intake, column, i, "argument",
                                  "the text is not UTF-8", error);
    }
    return FEATURE_OK;
}

static bool
is_exact(const struct lf_source *source, size_t row)
{
    const uint8_t *values = source->values;

    return source->kind != LF_SOURCE_TIME || source->unit >= 0 ||
           lf_load_i64(values + 8 * (source->first + row)) % -source->unit == 0;
}

feature_status
lf_label_check_times(const struct lf_intake *intake, uint32_t column,
                     uint32_t row, uint32_t count, struct feature_error *error)
{
    const struct lf_input *input = &intake->batch->columns[column].input;
    const struct lf_source *source = &intake->sources[column];

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *time = input->values.data + 8 * (size_t)(row + i);
        const char *wrong = NULL;

        if (lf_input_is_null(input, row + i))
            wrong = "the time is null";
        else if (!is_exact(source, i))
            wrong = "the time is not a whole number of microseconds";
        else if (lf_load_i64(time) == INT64_MIN)
            wrong = "the time is INT64_MIN";
        if (wrong)
            return lf_intake_fail(intake, column, i, "argument", wrong, error);
    }
    return FEATURE_OK;
}
