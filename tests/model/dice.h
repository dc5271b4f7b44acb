/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers that a seed repeats. */
#ifndef MODEL_DICE_H
#define MODEL_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

uint64_t dice_next(struct dice *dice);

/* From 0 to below count, which is at least 1. */
uint32_t dice_below(struct dice *dice, uint32_t count);

/* From low to high, both included. */
int32_t dice_between(struct dice *dice, int32_t low, int32_t high);

bool dice_chance(struct dice *dice, uint32_t percent);

/* An index, as likely as its weight. */
uint32_t dice_weighted(struct dice *dice, const uint32_t *weights,
                       uint32_t count);

/* A seed nobody chose. */
uint64_t dice_seed(void);

#endif
