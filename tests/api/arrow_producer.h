/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A producer of Arrow streams, honest or not:
 *
 *     const struct column k = {"k", "l", 2, PIECES({0}, VALUES(int64_t, 7, 8))};
 *     struct producer p = {.batches = {RECORD(2, &k)}};
 *     struct ArrowArrayStream stream;
 *
 *     produce(&p, &stream);
 *
 * Every buffer is copied into memory of exactly its size, so that the address
 * sanitizer sees a read past it; everything made is counted until released.
 */
#ifndef TESTS_API_ARROW_PRODUCER_H
#define TESTS_API_ARROW_PRODUCER_H

#include <errno.h>

#include "arrow_abi.h"
#include "common.h"

#define PIECES_MAX   6
#define CHILDREN_MAX 12
#define BATCHES_MAX  12

struct piece {
    const void *bytes; /* NULL: so is the buffer */
    size_t size;
};

struct column {
    const char *name, *format;
    int64_t length;
    struct piece pieces[PIECES_MAX];
    int64_t offset;
    int64_t nulls;  /* null_count as told; HIDDEN: -1 */
    int64_t blocks; /* of a view, without the piece of their sizes */
    const struct column *children[CHILDREN_MAX];
    const struct column *dictionary;
    /* lies */
    int64_t more_buffers, more_children;
    int is_released;
};

#define HIDDEN      INT64_MIN
#define PIECES(...) .pieces = {__VA_ARGS__}
#define VALUES(type, ...)                                                \
    {                                                                    \
        (const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}) \
    }
#define TEXT(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
#define BITS(...) VALUES(uint8_t, __VA_ARGS__)
#define RECORD(rows, ...)                                           \
    &(const struct column)                                          \
    {                                                               \
        .name = "", .format = "+s", .length = (rows), .children = { \
            __VA_ARGS__                                             \
        }                                                           \
    }

struct producer {
    const struct column *batches[BATCHES_MAX]; /* the first gives the schema */
    const struct column *schema;               /* or this does */
    int fail_schema;                           /* an errno */
    int fail_at;                               /* batch, from 1 */
    int fail_code;
    const char *reason;
    int keeps_release; /* of the stream, after it was called */
    int (*before)(struct producer *, int batch); /* runs first in get_next */
    void *context;
    /* what happened */
    int schemas, nexts, releases;
    int live; /* schemas and arrays that are not released */
};

static inline int64_t
children_of(const struct column *column)
{
    int64_t count = 0;

    while (count < CHILDREN_MAX && column->children[count])
        count++;
    return count;
}

static inline int64_t
buffers_of(const struct column *column)
{
    const char *format = column->format;

    if (column->dictionary)
        return 2;
    if (!strcmp(format, "n"))
        return 0;
    if (!strncmp(format, "+s", 2) || !strncmp(format, "+w", 2))
        return 1;
    if (strchr("uUzZ", *format))
        return 3;
    return *format == 'v' ? 3 + column->blocks : 2;
}

/* --- schemas ---------------------------------------------------------------- */

static inline void
release_schema(struct ArrowSchema *schema)
{
    struct producer *producer = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    if (schema->dictionary) {
        schema->dictionary->release(schema->dictionary);
        free(schema->dictionary);
    }
    free(schema->children);
    free((void *)(uintptr_t)schema->format);
    free((void *)(uintptr_t)schema->name);
    producer->live--;
    memset(schema, 0xa5, sizeof *schema); /* nobody looks again */
    schema->release = NULL;
}

static inline void
make_schema(struct producer *producer, const struct column *column,
            struct ArrowSchema *schema)
{
    *schema = (struct ArrowSchema){.format = strdup(column->format),
                                   .name = strdup(column->name),
                                   .flags = ARROW_FLAG_NULLABLE,
                                   .n_children = children_of(column),
                                   .release = release_schema,
                                   .private_data = producer};
    producer->live++;
    schema->children =
        claim(sizeof(*schema->children) * (size_t)schema->n_children);
    for (int64_t i = 0; i < schema->n_children; i++) {
        schema->children[i] = claim(sizeof **schema->children);
        make_schema(producer, column->children[i], schema->children[i]);
    }
    if (column->dictionary) {
        schema->dictionary = claim(sizeof *schema->dictionary);
        make_schema(producer, column->dictionary, schema->dictionary);
    }
}

/* --- arrays ----------------------------------------------------------------- */

struct made_array {
    struct producer *producer;
    const struct column *column;
    void *owned[PIECES_MAX];
    const void *buffers[PIECES_MAX];
};

static inline void
release_array(struct ArrowArray *array)
{
    struct made_array *made = array->private_data;

    for (int64_t i = 0; i < children_of(made->column); i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
        else
            made->producer->live--;
        free(array->children[i]);
    }
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    else if (array->dictionary)
        made->producer->live--;
    free(array->dictionary);
    for (int i = 0; i < PIECES_MAX; i++)
        free(made->owned[i]);
    free(array->children);
    made->producer->live--;
    free(made);
    memset(array, 0xa5, sizeof *array);
    array->release = NULL;
}

static inline void *
copy_piece(const struct piece *piece)
{
    void *copy;

    if (!piece->bytes)
        return NULL;
    copy = malloc(piece->size ? piece->size : 1);
    assert_non_null(copy);
    memcpy(copy, piece->bytes, piece->size);
    return copy;
}

static inline void
make_array(struct producer *producer, const struct column *column,
           struct ArrowArray *array)
{
    struct made_array *made = claim(sizeof *made);
    int64_t children = children_of(column);

    *made = (struct made_array){.producer = producer, .column = column};
    *array = (struct ArrowArray){
        .length = column->length,
        .null_count = column->nulls == HIDDEN ? -1 : column->nulls,
        .offset = column->offset,
        .n_buffers = buffers_of(column) + column->more_buffers,
        .n_children = children + column->more_children,
        .buffers = made->buffers,
        .release = release_array,
        .private_data = made};
    producer->live++;
    for (int i = 0; i < PIECES_MAX; i++)
        made->buffers[i] = made->owned[i] = copy_piece(&column->pieces[i]);
    array->children = claim(sizeof(*array->children) * (size_t)children);
    for (int64_t i = 0; i < children; i++) {
        array->children[i] = claim(sizeof **array->children);
        make_array(producer, column->children[i], array->children[i]);
        if (column->children[i]->is_released) {
            array->children[i]->release(array->children[i]);
            producer->live++;
        }
    }
    if (column->dictionary) {
        array->dictionary = claim(sizeof *array->dictionary);
        make_array(producer, column->dictionary, array->dictionary);
    }
}

/* --- the stream ------------------------------------------------------------- */

static inline int
stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct producer *producer = stream->private_data;

    producer->schemas++;
    if (producer->fail_schema) {
        memset(out, 0x5a, sizeof *out); /* not to be looked at */
        return producer->fail_schema;
    }
    make_schema(producer,
                producer->schema ? producer->schema : producer->batches[0],
                out);
    return 0;
}

static inline int
stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct producer *producer = stream->private_data;
    int at = producer->nexts++, code;

    code = producer->before ? producer->before(producer, at) : 0;
    if (!code && producer->fail_at == at + 1)
        code = producer->fail_code ? producer->fail_code : EIO;
    if (code) {
        memset(out, 0x5a, sizeof *out);
        return code;
    }
    memset(out, 0, sizeof *out);
    if (at < BATCHES_MAX && producer->batches[at])
        make_array(producer, producer->batches[at], out);
    return 0;
}

static inline const char *
stream_error(struct ArrowArrayStream *stream)
{
    return ((struct producer *)stream->private_data)->reason;
}

static inline void
stream_release(struct ArrowArrayStream *stream)
{
    struct producer *producer = stream->private_data;

    producer->releases++;
    if (!producer->keeps_release)
        stream->release = NULL;
}

static inline void
produce(struct producer *producer, struct ArrowArrayStream *stream)
{
    producer->schemas = producer->nexts = producer->releases = producer->live =
        0;
    *stream = (struct ArrowArrayStream){.get_schema = stream_schema,
                                        .get_next = stream_next,
                                        .get_last_error = stream_error,
                                        .release = stream_release,
                                        .private_data = producer};
}

/* --- calls ------------------------------------------------------------------ */

/* What no answer may leave behind. */
static inline void
expect_released(const struct producer *producer,
                const struct ArrowArrayStream *stream)
{
    assert_int_equal(producer->releases, 1);
    assert_int_equal(producer->live, 0);
    assert_null(stream->release);
    assert_true(producer->schemas <= 1);
}

static inline feature_status
import(struct fixture *f, const char *view, int32_t operation,
       struct producer *producer, const struct feature_arrow_options *options,
       struct feature_commit *commit)
{
    struct ArrowArrayStream stream;
    feature_status status;

    produce(producer, &stream);
    status = feature_store_write_arrow(f->store, view, operation, &stream,
                                       options, commit, &problem);
    expect_released(producer, &stream);
    return status;
}

static inline struct feature_commit
must_import(struct fixture *f, const char *view, int32_t operation,
            struct producer *producer, const char *columns)
{
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .columns = columns};
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(import(f, view, operation, producer, &options, &commit));
    return commit;
}

/* The error's place and a part of its sentence. */
static inline void
expect_problem(uint32_t batch, int64_t row, const char *part)
{
    if (!strstr(problem.message, part) || problem.batch != batch ||
        problem.row != row)
        fail_msg("batch %u, row %lld: %s\n(expected %u, %lld: %s)",
                 problem.batch, (long long)problem.row, problem.message, batch,
                 (long long)row, part);
}

#endif
