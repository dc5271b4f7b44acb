/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions of stored elements into answered ones, a block at a time. */
#ifndef LF_FORMAT_CONVERT_H
#define LF_FORMAT_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Converts count values of width elements each: value i lies at from[i] +
 * offset and goes to to + i * stride. False: a value does not fit, and what was
 * written so far is worthless.
 */
typedef bool (*lf_convert)(const uint8_t *const *from, uint32_t count,
                           uint32_t offset, uint32_t width, uint8_t *to,
                           size_t stride);

/*
 * The exact conversion between element types (feature_type): equal types, those
 * that widen, and back, where a value that would not come back the same does
 * not fit. NULL: there is none. BOOL gives bytes.
 */
lf_convert lf_convert_exact(int32_t from, int32_t to);

/* The cast of a number or BOOL to float; NULL: not a number. */
lf_convert lf_convert_float(int32_t from);

#endif
