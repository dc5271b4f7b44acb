/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A validator of what crosses the Arrow C interfaces, and batches as text.
 *
 * Debian packages no Arrow library, so this one knows the published rules by
 * itself. The structs are the specification's, with its guards.
 */
#ifndef TESTS_API_ARROW_CHECK_H
#define TESTS_API_ARROW_CHECK_H

#include <stddef.h>
#include <stdint.h>

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

/* Each fails the test at the first broken rule. Beyond Arrow's: buffers are at
 * addresses of 64 bytes and zero up to the next, values under a null are zero,
 * and offset is 0. */
void check_schema(const struct ArrowSchema *schema);
void check_array(const struct ArrowSchema *schema,
                 const struct ArrowArray *array);

/* "driver_id l, rate f?, tags +l?(u)": what a struct is made of. */
void print_schema(const struct ArrowSchema *schema, char *text, size_t size);

/* Appends rows of a struct array, one a line, one word a cell, to text. */
void print_rows(const struct ArrowSchema *schema,
                const struct ArrowArray *array, char *text, size_t size);

/* One cell of a column, likewise. */
void print_item(const struct ArrowSchema *schema,
                const struct ArrowArray *array, int64_t row, char *text,
                size_t size);

#endif
