/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded keys of many rows, and the rows in the order of them. */
#ifndef LF_STORE_KEY_ORDER_H
#define LF_STORE_KEY_ORDER_H

#include <stdbool.h>

#include "base/bytes.h"

/* Keys side by side: that of row i lies between ends i and i + 1, u64 each. */
struct lf_row_keys {
    const uint8_t *bytes;
    const uint8_t *ends;
};

static inline const uint8_t *
lf_row_key(const struct lf_row_keys *keys, uint32_t row, size_t *size)
{
    uint64_t begin = lf_load_u64(keys->ends + 8 * (size_t)row);

    *size = (size_t)(lf_load_u64(keys->ends + 8 * (size_t)row + 8) - begin);
    return keys->bytes + begin;
}

/* As the engine orders keys. */
int lf_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b,
                   size_t b_size);

/* Sorts count row numbers (u32) by key; those of equal keys by number. False:
 * no memory. */
bool lf_row_keys_sort(const struct lf_row_keys *keys, uint8_t *rows,
                      uint32_t count);

#endif
