/* SPDX-License-Identifier: Apache-2.0 */
/* Faults put into the descent on purpose, by the linker's --wrap. */
#ifndef TESTS_FUZZ_PLANTS_H
#define TESTS_FUZZ_PLANTS_H

#include <stdbool.h>

enum plant {
    PLANT_NONE,
    PLANT_COMPARE, /* keys are compared up to their twelfth byte */
    PLANT_LOST,    /* the last key of a full group finds nothing */
    PLANT_GHOST,   /* a missing key finds what the one before it found */
    PLANT_SIZE,    /* long values lose a byte */
    PLANT_BOUNDS,  /* no page and no node is checked */
    PLANTS
};

extern const char *const plant_names[PLANTS];

/* The one that is in. */
extern enum plant plant;

/* Every row has the checksum it says. */
extern bool plant_checksum;

#endif
