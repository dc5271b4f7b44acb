/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), as in RFC 3720 appendix B.4. */
#ifndef LF_BASE_CRC32C_H
#define LF_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues a checksum over size bytes; begin with 0. */
uint32_t lf_crc32c(uint32_t sum, const void *bytes, size_t size);

/* The table code, for machines without the instruction and for its test. */
uint32_t lf_crc32c_table(uint32_t sum, const void *bytes, size_t size);

#endif
