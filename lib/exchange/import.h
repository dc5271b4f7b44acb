/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow arrays on their way into a batch. */
#ifndef LF_EXCHANGE_IMPORT_H
#define LF_EXCHANGE_IMPORT_H

#include "exchange/arrow.h"
#include "store/batch.h"

/* The element types that numbers, indexes and times lie in. */
enum lf_number {
    LF_NUMBER_I8,
    LF_NUMBER_U8,
    LF_NUMBER_I16,
    LF_NUMBER_U16,
    LF_NUMBER_I32,
    LF_NUMBER_U32,
    LF_NUMBER_I64,
    LF_NUMBER_U64,
    LF_NUMBER_F32,
    LF_NUMBER_F64
};

#define LF_NUMBERS (LF_NUMBER_F64 + 1)

/* Converts count numbers, at any alignment, and stops before the first that
 * does not fit; returns how many it converted. */
typedef size_t (*lf_number_convert)(const uint8_t *from, size_t count,
                                    uint8_t *to);

/* The conversion to INT32, INT64, FLOAT32 or FLOAT64; NULL for other codes. An
 * integer fits where its value stays the same, a float into an integer too; a
 * float64 is rounded to float32 unless it would become infinite. */
lf_number_convert lf_number_conversion(enum lf_number from, int32_t code);

/* Microseconds per unit; below 0: units per microsecond. False: it does not
 * fit. What is finer than a microsecond is cut off, towards the past. */
bool lf_to_microseconds(int64_t value, int64_t unit, int64_t *out);

/* Bytes of a number; a number at an index. U64 past INT64_MAX gives -1, which
 * is no index either. */
size_t lf_number_size(enum lf_number number);
int64_t lf_number_index(enum lf_number number, const void *values, size_t at);

enum lf_source_kind {
    LF_SOURCE_NULL,
    LF_SOURCE_BOOL,
    LF_SOURCE_NUMBER,
    LF_SOURCE_TIME,
    LF_SOURCE_TEXT32, /* strings or bytes, by the size of their offsets */
    LF_SOURCE_TEXT64,
    LF_SOURCE_TEXT_VIEW,
    LF_SOURCE_DICTIONARY, /* of texts */
    LF_SOURCE_VECTOR,
    LF_SOURCE_LIST32,
    LF_SOURCE_LIST64
};

/* One column of a stream: what its schema says of it, and where the rows of the
 * array lie that it is bound to. */
struct lf_source {
    enum lf_source_kind kind;
    enum lf_number number;   /* of numbers, times, indexes */
    int64_t unit;            /* of times, as in lf_to_microseconds */
    int64_t width;           /* of a vector */
    const char *name;        /* of the type, for messages */
    struct lf_source *child; /* elements, or the values of a dictionary */

    size_t first;            /* of the bound rows, in the buffers */
    size_t count;            /* bound rows */
    const uint8_t *validity; /* NULL: no nulls */
    const void *values;      /* or offsets, indexes, views */
    const uint8_t *bytes;
    const void *const *blocks; /* of views */
    const void *block_sizes;   /* int64 each */
    size_t block_count;
};

/* Reads the schema of a column into source; its children lie in arena. INVALID
 * where it breaks Arrow's rules, UNSUPPORTED for a type that is not taken; name
 * is the column's, for messages. */
feature_status lf_source_parse(struct lf_source *source,
                               const struct ArrowSchema *schema,
                               struct lf_arena *arena, const char *name,
                               struct feature_error *error);

/* INVALID where values of the source can never become the column's. */
feature_status lf_source_accept(const struct lf_source *source,
                                const struct lf_batch_column *column,
                                struct feature_error *error);

/* Binds a source to rows [first, first + count) of an array, counted from the
 * array's own offset, and checks all that can be checked without reading the
 * values. INVALID `arrow` where the array breaks the rules. */
feature_status lf_source_bind(struct lf_source *source,
                              const struct ArrowArray *array, size_t first,
                              size_t count, const char *name,
                              struct feature_error *error);

/* What every array has to have; name is for messages, NULL for a record batch
 * itself. */
feature_status lf_array_check(const struct ArrowArray *array, int64_t buffers,
                              int64_t children, const char *name,
                              struct feature_error *error);

static inline bool
lf_source_is_null(const struct lf_source *source, size_t row)
{
    return source->kind == LF_SOURCE_NULL ||
           (source->validity &&
            !lf_bit_get(source->validity, source->first + row));
}

/* One text as the source has it. */
enum lf_text_state { LF_TEXT_THERE, LF_TEXT_NULL, LF_TEXT_BROKEN };

struct lf_text_span {
    const uint8_t *bytes;
    size_t size;
};

enum lf_text_state lf_source_text(const struct lf_source *source, size_t row,
                                  struct lf_text_span *span);

/* The elements of a list or vector that is not null. */
size_t lf_source_elements(const struct lf_source *source, size_t row,
                          size_t *first);

/* Rows that are taken from a stream into a batch, and those refused. */
struct lf_intake {
    feature_batch *batch;
    struct lf_source *sources; /* one per column of the batch */
    bool skip_invalid;
    uint32_t rows; /* in the batch so far */

    /* Of the slice at work: */
    uint32_t record_batch;       /* its index in the stream */
    size_t record_row;           /* of the slice's first row */
    const uint8_t *record_valid; /* of the rows themselves; NULL: all */
    size_t record_first;         /* the slice's first bit there */
    uint32_t refused_row;        /* lowest row of it that was refused */
    struct feature_error refused;
};

#define LF_NO_COLUMN UINT32_MAX

/* Makes the batch empty and its columns set, for the first rows. */
feature_status lf_intake_begin(struct lf_intake *intake,
                               struct feature_error *error);

/* Appends a slice of count rows of the bound sources. A row that cannot be
 * taken fails as INVALID, the first of them, or is marked in the batch with
 * skip_invalid. After a failure the batch is worth nothing. */
feature_status lf_intake_append(struct lf_intake *intake, uint32_t count,
                                struct feature_error *error);

/* Refuses a row of the slice: what is wrong with it, in that column. */
void lf_intake_refuse(struct lf_intake *intake, uint32_t column, size_t row,
                      const char *reason, const char *what);

/* Fails for the whole stream, at a row of the slice; lf_intake_broken where it
 * breaks Arrow's rules. */
feature_status lf_intake_fail(const struct lf_intake *intake, uint32_t column,
                              size_t row, const char *reason, const char *what,
                              struct feature_error *error);
feature_status lf_intake_broken(const struct lf_intake *intake, uint32_t column,
                                size_t row, const char *what,
                                struct feature_error *error);

/* Appends the bound rows of a column's source to its input. */
feature_status lf_column_append(struct lf_intake *intake, uint32_t column,
                                struct feature_error *error);

/* The same for columns of texts and of lists of them; input has its validity
 * already. */
feature_status lf_text_append(struct lf_intake *intake, uint32_t column,
                              struct feature_error *error);

/* Marks a row of the slice null, after its validity was appended. */
void lf_column_set_null(struct lf_intake *intake, uint32_t column, size_t row);

/* Which column of the stream goes into which of the batch. */
struct lf_mapping {
    struct lf_arena arena;
    uint32_t count;
    const char **names;  /* of the view's columns */
    uint32_t *positions; /* of the names in the text: bytes, from 1 */
    int64_t *children;   /* of the stream's struct */
};

/* Reads `column, column = name, column = 'any name'`, or takes all columns of
 * the stream where text is NULL. The schema is a struct's, and checked. */
feature_status lf_mapping_init(struct lf_mapping *mapping, const char *text,
                               const struct ArrowSchema *schema,
                               struct feature_error *error);
void lf_mapping_free(struct lf_mapping *mapping);

/* Asks a stream for its schema, which has to be a struct's; the caller releases
 * it. */
feature_status lf_stream_schema(struct ArrowArrayStream *stream,
                                struct ArrowSchema *schema,
                                struct feature_error *error);

/* Asks it for record batch index; at the end, release is NULL. */
feature_status lf_stream_next(struct ArrowArrayStream *stream, uint32_t index,
                              struct ArrowArray *array,
                              struct feature_error *error);

/* Releases it, once, and marks it so. */
void lf_stream_release(struct ArrowArrayStream *stream);

/* States of a view FROM an event, a record batch at a time: they are in `in`, which
 * is cleared afterwards. schema: of the stream. */
struct lf_tiles_in;
typedef feature_status (*lf_tiles_taken)(void *context, struct lf_tiles_in *in,
                                         uint32_t record_batch,
                                         struct feature_error *error);
feature_status lf_tiles_read(feature_store *store, const char *view,
                             struct ArrowArrayStream *stream,
                             const struct ArrowSchema *schema,
                             lf_tiles_taken taken, void *context,
                             struct feature_error *error);

/* A stream on its way into batches; zeroed, save for store, stream and schema. */
struct lf_import {
    feature_store *store;
    struct ArrowArrayStream *stream;
    const struct ArrowSchema *schema; /* NULL: the stream is asked for it */
    struct lf_mapping mapping;
    int64_t children; /* columns of the stream, used or not */
    struct lf_intake intake;
};

/* Makes the batch and binds its columns to those of the stream. */
feature_status lf_import_open(struct lf_import *import, const char *view,
                              int32_t operation, const char *columns,
                              struct feature_error *error);

/* What every record batch has to be; it is the next one. */
feature_status lf_import_check(struct lf_import *import,
                               const struct ArrowArray *array,
                               struct feature_error *error);

/* Gathers rows [first, first + count) of it. */
feature_status lf_import_slice(struct lf_import *import,
                               const struct ArrowArray *array, size_t first,
                               uint32_t count, struct feature_error *error);
void lf_import_free(struct lf_import *import);

#endif
