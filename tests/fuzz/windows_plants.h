/* SPDX-License-Identifier: Apache-2.0 */
/* What can be planted into the kernel of windows. */
#ifndef LF_TESTS_FUZZ_WINDOWS_PLANTS_H
#define LF_TESTS_FUZZ_WINDOWS_PLANTS_H

#include "format/state_parts.h"

enum windows_plant {
    PLANT_NONE,
    PLANT_LEVEL,
    PLANT_TAIL,
    PLANT_TIES,
    PLANT_CUT,     /* in the rig: an event on both sides of a cut */
    PLANT_PARTIAL, /* in the rig: nothing is PARTIAL */
    PLANT_BARRIER, /* an event at the time of a delete stays */
    PLANT_RUNNING, /* a tile that runs takes what is of level 0 */
    PLANT_END,     /* a read believes that a tile that runs is whole */
    PLANT_ANCHOR,  /* too few entries are taken up */
    PLANT_EDGE,    /* tiles of an older plan leave no edges */
    PLANTS
};

extern enum windows_plant windows_planted;

#endif
