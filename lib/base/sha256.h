/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, as FIPS 180-4 defines it. */
#ifndef LF_BASE_SHA256_H
#define LF_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define LF_SHA256_SIZE 32

struct lf_sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    uint8_t block[64];
    void (*mix)(uint32_t state[8], const uint8_t *block);
};

void lf_sha256_begin(struct lf_sha256 *sum);

/* The same without instructions made for it, for machines that have none and
 * for their test. */
void lf_sha256_begin_plain(struct lf_sha256 *sum);

void lf_sha256_add(struct lf_sha256 *sum, const void *bytes, size_t size);
void lf_sha256_end(struct lf_sha256 *sum, uint8_t digest[LF_SHA256_SIZE]);

#endif
