/* SPDX-License-Identifier: Apache-2.0 */
/* Types of features and join keys. */
#ifndef LF_MODEL_TYPE_H
#define LF_MODEL_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libfeature.h"

/* T: width 1. T[n]: width n >= 2. T[]: is_list, width 1. */
struct lf_type {
    int32_t code; /* feature_type */
    uint32_t width;
    bool is_list;
};

/* Bytes of one element as stored and in columns; 1 for BOOL (a byte, 0 or 1,
 * in rows and defaults); 0 for STRING and BYTES. */
static inline size_t
lf_type_element_size(int32_t code)
{
    static const uint8_t sizes[] = {
        [FEATURE_TYPE_BOOL] = 1,    [FEATURE_TYPE_INT32] = 4,
        [FEATURE_TYPE_INT64] = 8,   [FEATURE_TYPE_FLOAT32] = 4,
        [FEATURE_TYPE_FLOAT64] = 8, [FEATURE_TYPE_TIMESTAMP] = 8};

    return (uint32_t)code < sizeof sizes ? sizes[code] : 0;
}

/* Whether a value has no fixed size in a row: STRING, BYTES and lists. */
static inline bool
lf_type_is_variable(struct lf_type type)
{
    return type.is_list || lf_type_element_size(type.code) == 0;
}

/* Bytes in a row's fixed area; 0 for variable types. */
static inline size_t
lf_type_fixed_size(struct lf_type type)
{
    return type.is_list ? 0 : lf_type_element_size(type.code) * type.width;
}

bool lf_type_equal(struct lf_type a, struct lf_type b);

/* Whether evolution may turn a stored feature of type from into type to:
 * INT32 to INT64, FLOAT32 to FLOAT64, INT32 to FLOAT64, at any equal shape. */
bool lf_type_widens(struct lf_type from, struct lf_type to);

/* Whether bytes have the form of a stored STRING[]: u32 count, count ends that
 * never fall, the strings, and nothing else. Says nothing of UTF-8. */
bool lf_type_is_string_list(const uint8_t *bytes, size_t size);

/* "INT64", "FLOAT32[16]", "STRING[]". */
#define LF_TYPE_NAME_SIZE 24
const char *lf_type_name(char buffer[LF_TYPE_NAME_SIZE], struct lf_type type);

/* "INT64"; "UNKNOWN" for a number that is no type. */
const char *lf_type_code_name(int32_t code);

#endif
