/* SPDX-License-Identifier: Apache-2.0 */
/* What is killed, and what has to hold afterwards. */
#ifndef TESTS_CRASH_KILL_VARIANTS_H
#define TESTS_CRASH_KILL_VARIANTS_H

#include "kill_rows.h"

struct variant {
    const char *name;
    void (*victim)(void *rig); /* sets board->done when a long call has ended */
    bool has_writer; /* another child commits meanwhile, and dies too */
    bool has_reader; /* another one reads */
    bool has_keeper; /* one has the store open through all rounds */
    bool has_definitions;
    bool is_long; /* one call: some of the kills should be within it */
    uint32_t ballast;
    void (*prepare)(void *rig); /* before each round, in a child; may be NULL */
    void (*verify)(void *rig);  /* besides the store, in a child; may be NULL */
};

extern const struct variant kill_variants[];

/* Opens the store and compares it with the board; in a child. */
void kill_verify(void *rig);

/* Names that begin so, in a directory; they are removed. */
uint32_t kill_sweep(const char *directory, const char *prefix);

#endif
