/* SPDX-License-Identifier: Apache-2.0 */
/* One column as a caller brings it, copied into the shape rows are made of. */
#ifndef LF_STORE_INPUT_H
#define LF_STORE_INPUT_H

#include "base/bits.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "model/type.h"

/* Values as the row format stores cells: elements of fixed types side by side
 * (BOOL a byte), variable cells one after the other with u64 ends. */
struct lf_input {
    struct lf_type type;
    bool is_set;
    bool has_nulls;
    uint32_t rows;
    struct lf_buffer values;
    struct lf_buffer ends;     /* rows + 1 u64, variable types only */
    struct lf_buffer validity; /* bits; unused without nulls */
};

/* The caller's arrays, as feature_batch_set() and its kin take them. */
struct lf_arrays {
    int32_t type;
    const void *values;
    const int32_t *offsets;
    const int32_t *child_offsets;
    const uint8_t *validity;
    uint32_t rows;
    bool is_list;
};

/* Whether lf_input_set would accept the arrays; changes nothing. */
feature_status lf_input_check(const struct lf_input *input, const char *name,
                              const struct lf_arrays *arrays,
                              struct feature_error *error);

/* Copies arrays into input, whose type is set; name is for messages. On failure
 * input is as it was. */
feature_status lf_input_set(struct lf_input *input, const char *name,
                            const struct lf_arrays *arrays,
                            struct feature_error *error);

/* Turns the values into a type the present one widens to. */
feature_status lf_input_widen(struct lf_input *input, struct lf_type type,
                              struct feature_error *error);

void lf_input_clear(struct lf_input *input);
void lf_input_free(struct lf_input *input);

static inline bool
lf_input_is_null(const struct lf_input *input, uint32_t row)
{
    return input->has_nulls && !lf_bit_get(input->validity.data, row);
}

/* The bytes of a cell that is not null. */
static inline const uint8_t *
lf_input_cell(const struct lf_input *input, uint32_t row, size_t *size)
{
    const uint8_t *ends = input->ends.data;
    uint64_t begin;

    if (!lf_type_is_variable(input->type)) {
        *size = lf_type_fixed_size(input->type);
        return input->values.data + *size * row;
    }
    begin = lf_load_u64(ends + 8 * (size_t)row);
    *size = (size_t)(lf_load_u64(ends + 8 * (size_t)row + 8) - begin);
    return input->values.data + begin;
}

#endif
