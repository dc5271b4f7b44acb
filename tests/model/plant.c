/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults put into the model on purpose.
 *
 * Owns their names on the command line.
 * Keeps one name for each fault of enum plant.
 * Never changes anything itself: the model asks which one is in.
 */
#include "plant.h"

const char *const plant_names[PLANTS] = {
    [PLANT_NONE] = "none",
    [PLANT_TIE_EARLIER] = "tie-earlier",
    [PLANT_LATE_WINS] = "late-wins",
    [PLANT_TTL_EDGE] = "ttl-edge",
    [PLANT_DROPPED_STAYS] = "dropped-stays",
    [PLANT_DELETE_FORGETS] = "delete-forgets",
    [PLANT_UPSERT_KEEPS] = "upsert-keeps",
    [PLANT_SKEW_EDGE] = "skew-edge",
    [PLANT_AS_OF_EDGE] = "as-of-edge",
    [PLANT_LATE_IS_FREE] = "late-is-free",
    [PLANT_RENAME_LOSES] = "rename-loses",
    [PLANT_OLD_DEFAULT] = "old-default",
    [PLANT_HALF_WRITTEN] = "half-written",
    [PLANT_PAST_TIE] = "past-tie",
    [PLANT_PAST_EDGE] = "past-edge",
    [PLANT_PAST_LATE] = "past-late",
    [PLANT_KNOWN_EDGE] = "known-edge",
};
