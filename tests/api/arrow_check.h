/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A validator of what crosses the Arrow C interfaces, and batches as text.
 *
 * Debian packages no Arrow library, so this one knows the published rules by
 * itself.
 */
#ifndef TESTS_API_ARROW_CHECK_H
#define TESTS_API_ARROW_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "arrow_abi.h"

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
