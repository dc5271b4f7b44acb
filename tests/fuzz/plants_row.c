/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows whose checksum is always right.
 *
 * Owns what stands in for lf_row_checksum in these programs.
 * Keeps the library's own wherever the fault is not in.
 * Never touches the library: a release has no trace of this.
 */
#include "format/row.h"
#include "plants.h"

bool plant_checksum;

typedef uint32_t(checksum_function)(uint32_t seed, const void *key,
                                    size_t key_size, const uint8_t *row,
                                    size_t size);

checksum_function __real_lf_row_checksum, __wrap_lf_row_checksum;

uint32_t
__wrap_lf_row_checksum(uint32_t seed, const void *key, size_t key_size,
                       const uint8_t *row, size_t size)
{
    if (plant_checksum)
        return lf_load_u32(row);
    return __real_lf_row_checksum(seed, key, key_size, row, size);
}
