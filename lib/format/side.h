/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the tree `tiles/<view>/<version>`: states that lie beside the row of
 * a join key, each under the key and the hash of its bytes. */
#ifndef LF_FORMAT_SIDE_H
#define LF_FORMAT_SIDE_H

#include "format/state_wide.h"

#define LF_SIDE_KEY_MAX   (480 + LF_BESIDE_HASH_SIZE)
#define LF_SIDE_HEAD_SIZE 4 /* the checksum */

/* What all checksums of a view's side values begin with. */
uint32_t lf_side_seed(uint32_t view);

/* Writes the key of a state behind a join key; its size. */
size_t lf_side_key(uint8_t *key, size_t key_size,
                   const struct lf_beside_ref *ref);

/* A value. False: no memory. */
bool lf_side_encode(uint32_t seed, const uint8_t *key, size_t key_size,
                    const uint8_t *bytes, size_t size, struct lf_buffer *value);

/* The bytes of a state in a value under its whole key; the reason where they
 * cannot be its, NULL where nothing is wrong. */
const char *lf_side_open(uint32_t seed, const uint8_t *key, size_t key_size,
                         const uint8_t *value, size_t size,
                         const uint8_t **bytes);

#endif
