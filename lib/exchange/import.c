/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of record batches, as rows of a batch.
 *
 * Owns the binding of a stream's columns to those of a batch.
 * Keeps the place of an error in the stream.
 * Never calls the producer: who reads the stream does.
 */
#include "exchange/import.h"

/* The batch, and how each of its columns is filled. */
static feature_status
plan_columns(struct lf_import *import, const char *view, int32_t operation,
             const char *columns, const struct ArrowSchema *schema,
             struct feature_error *error)
{
    struct lf_mapping *mapping = &import->mapping;
    struct lf_intake *intake = &import->intake;
    struct lf_column_list list;

    LF_TRY(lf_mapping_init(mapping, columns, schema, error));
    list = (struct lf_column_list){.count = mapping->count,
                                   .names = mapping->names,
                                   .positions = mapping->positions};
    LF_TRY(lf_batch_create(import->store, view, &list, operation,
                           &intake->batch, error));
    intake->sources = lf_arena_array(&mapping->arena, mapping->count,
                                     sizeof *intake->sources);
    if (!intake->sources)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < mapping->count; i++) {
        LF_TRY(lf_source_parse(&intake->sources[i],
                               schema->children[mapping->children[i]],
                               &mapping->arena, mapping->names[i], error));
        LF_TRY(lf_source_accept(&intake->sources[i], &intake->batch->columns[i],
                                error));
    }
    import->children = schema->n_children;
    return lf_intake_begin(intake, error);
}

feature_status
lf_import_open(struct lf_import *import, const char *view, int32_t operation,
               const char *columns, struct feature_error *error)
{
    struct ArrowSchema schema;
    feature_status status;

    if (import->schema)
        return plan_columns(import, view, operation, columns, import->schema,
                            error);
    LF_TRY(lf_stream_schema(import->stream, &schema, error));
    status = plan_columns(import, view, operation, columns, &schema, error);
    schema.release(&schema);
    return status;
}

feature_status
lf_import_check(struct lf_import *import, const struct ArrowArray *array,
                struct feature_error *error)
{
    struct lf_intake *intake = &import->intake;
    feature_status status =
        lf_array_check(array, 1, import->children, NULL, error);

    if (!status && array->length > INT32_MAX)
        status = lf_fail(error, FEATURE_INVALID, "arrow",
                         "the record batch has %lld rows, more than %d",
                         (long long)array->length, INT32_MAX);
    intake->record_valid = NULL;
    if (!status && array->null_count != 0) {
        intake->record_valid = array->buffers[0];
        if (!intake->record_valid && array->null_count > 0)
            status = lf_fail(error, FEATURE_INVALID, "arrow",
                             "the record batch has nulls and no validity");
    }
    if (!status)
        return FEATURE_OK;
    lf_error_prefix(error, "batch %u, ", intake->record_batch);
    lf_error_place(error, intake->record_batch, -1, 0);
    return status;
}

feature_status
lf_import_slice(struct lf_import *import, const struct ArrowArray *array,
                size_t first, uint32_t count, struct feature_error *error)
{
    struct lf_intake *intake = &import->intake;
    size_t at = (size_t)array->offset + first;

    for (uint32_t i = 0; i < import->mapping.count; i++) {
        feature_status status = lf_source_bind(
            &intake->sources[i], array->children[import->mapping.children[i]],
            at, count, import->mapping.names[i], error);

        if (status) {
            lf_error_prefix(error, "batch %u, ", intake->record_batch);
            lf_error_place(error, intake->record_batch, -1, 0);
            return status;
        }
    }
    intake->record_row = first;
    intake->record_first = at;
    return lf_intake_append(intake, count, error);
}

void
lf_import_free(struct lf_import *import)
{
    feature_batch_free(import->intake.batch);
    lf_mapping_free(&import->mapping);
}
