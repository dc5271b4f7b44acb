/* SPDX-License-Identifier: Apache-2.0 */
/* Faults put into the model on purpose: each has to be found. */
#ifndef MODEL_PLANT_H
#define MODEL_PLANT_H

enum plant {
    PLANT_NONE,
    PLANT_TIE_EARLIER,    /* equal timestamps: the earlier commit wins */
    PLANT_LATE_WINS,      /* a late cell overwrites */
    PLANT_TTL_EDGE,       /* a cell as old as the ttl is outside */
    PLANT_DROPPED_STAYS,  /* a name that comes back has its old values */
    PLANT_DELETE_FORGETS, /* a tombstone lets older writes pass */
    PLANT_UPSERT_KEEPS,   /* an UPSERT leaves features it does not have */
    PLANT_SKEW_EDGE,      /* a row at clock + max_skew is FUTURE */
    PLANT_AS_OF_EDGE,     /* a cell at the as-of time is not known yet */
    PLANT_LATE_IS_FREE,   /* a call of late rows takes no sequence number */
    PLANT_RENAME_LOSES,   /* a renamed feature has no values */
    PLANT_OLD_DEFAULT,    /* a changed DEFAULT has no effect */
    PLANT_HALF_WRITTEN,   /* what a failed call wrote first stays */
    PLANT_PAST_TIE,       /* as of a time, the earlier commit wins a tie */
    PLANT_PAST_EDGE,      /* a version at the as-of time is not known yet */
    PLANT_PAST_LATE,      /* late versions do not enter history */
    PLANT_KNOWN_EDGE,     /* what was committed at known_by is not known */
    PLANTS
};

extern const char *const plant_names[PLANTS];

#endif
