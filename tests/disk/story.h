/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads that are recorded, and what has to be true after a cut of one. */
#ifndef TESTS_DISK_STORY_H
#define TESTS_DISK_STORY_H

#include "disk/dice.h"
#include "disk/rig.h"
#include "disk/tape.h"

/* What a store has promised when the power goes. */
struct story_facts {
    bool is_ready;     /* opened and defined, and acknowledged */
    uint32_t ready_at; /* the event that says so */
    uint32_t tried, acknowledged;
    uint32_t synced;    /* by feature_store_sync, or by a compaction */
    uint32_t snapshot;  /* the commit that the acknowledged one is of */
    uint32_t snapshots; /* acknowledged */
    bool is_restored;   /* from the last of them */
};

enum story_end {
    STORY_GOOD,
    STORY_LOST,       /* what was acknowledged */
    STORY_TORN,       /* rows of a part of a commit, or damage */
    STORY_UNOPENABLE, /* no store, snapshot or copy where one has to be */
    STORY_STUCK,      /* it cannot be written to or used any more */
    STORY_CRASHED,
    STORY_HUNG,
    STORY_ENDS
};

extern const char *const story_end_names[STORY_ENDS];

struct story_verdict {
    int end;
    uint32_t back; /* commits, from the last acknowledged one */
    char why[200];
};

/* Records 40 to 240 commits; all that can be done with a store and few commits
 * between; or commits where one sync in six fails. */
void story_writes(const char *root, int32_t sync, struct dice *dice);
void story_faulty(const char *root, int32_t sync, struct dice *dice);
void story_life(const char *root, int32_t sync, struct dice *dice);

struct story_facts story_facts_at(const struct tape *tape, uint32_t cut);

/* Judges what is below root. Ends at the first thing that is wrong. */
void story_judge(const char *root, int32_t sync, bool is_life,
                 const struct story_facts *facts,
                 struct story_verdict *verdict);

#endif
