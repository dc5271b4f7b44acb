/* SPDX-License-Identifier: Apache-2.0 */
/* How far the upkeep of a view has come: meta/upkeep/<view>. */
#ifndef LF_FORMAT_UPKEEP_H
#define LF_FORMAT_UPKEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_UPKEEP_PREFIX   "upkeep/"
#define LF_UPKEEP_KEY_SIZE 24 /* with its NUL */
#define LF_UPKEEP_HEAD     48
#define LF_UPKEEP_PLACE    480 /* bytes of a join key */
#define LF_UPKEEP_SIZE_MAX (LF_UPKEEP_HEAD + 2 * LF_UPKEEP_PLACE)

/* The passes over a view: its rows that expire, its history that is too old. */
enum lf_pass_kind { LF_PASS_ROWS, LF_PASS_HISTORY, LF_PASSES };

struct lf_pass {
    int64_t begun; /* clock; INT64_MIN: none is under way */
    int64_t done;  /* clock at which the last one began; INT64_MIN: none */
    uint32_t size; /* of the join key up to which it has come */
    uint8_t place[LF_UPKEEP_PLACE];
};

struct lf_upkeep {
    struct lf_pass passes[LF_PASSES];
};

/* No pass was ever made. */
void lf_upkeep_clear(struct lf_upkeep *upkeep);

void lf_upkeep_key(uint32_t view, char key[LF_UPKEEP_KEY_SIZE]);

/* The bytes' size. The checksum covers the key too. */
size_t lf_upkeep_encode(const struct lf_upkeep *upkeep, uint32_t view,
                        uint8_t to[LF_UPKEEP_SIZE_MAX]);

/* False: damaged bytes. */
bool lf_upkeep_decode(struct lf_upkeep *upkeep, uint32_t view,
                      const uint8_t *bytes, size_t size);

#endif
