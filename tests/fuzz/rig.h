/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder share: dice, directories, children. */
#ifndef TESTS_FUZZ_RIG_H
#define TESTS_FUZZ_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIG_PATH_SIZE 256

/* Random numbers that a run repeats (splitmix64). */
struct dice {
    uint64_t state;
};

uint64_t dice_draw(struct dice *dice);
uint32_t dice_below(struct dice *dice, uint32_t limit); /* limit > 0 */
bool dice_chance(struct dice *dice, uint32_t percent);
uint64_t mix(uint64_t a, uint64_t b);

/* A fresh directory below TMPDIR, or tmpfs; exits where there is none. */
void rig_directory(char path[RIG_PATH_SIZE]);
void rig_remove(const char *path);

/* Prints "what: why" and exits with status 1. */
void rig_give_up(const char *what, const char *why) __attribute__((noreturn));

/* Memory that a child shares with its parent; zeroed. */
void *rig_share(size_t size);

/* Runs trials [first, end) in children, each of which does as many as it can:
 * `trial` returns after one. A crash, or one that takes longer than ten
 * seconds, costs that trial. Returns how many crashed; *hung counts the
 * others. */
uint32_t rig_run(uint32_t first, uint32_t end,
                 void (*trial)(void *context, uint32_t number), void *context,
                 uint32_t *hung);

#endif
