/* SPDX-License-Identifier: Apache-2.0 */
/* What each process of the stress does, until it is told to stop. */
#ifndef TESTS_STRESS_ROLES_H
#define TESTS_STRESS_ROLES_H

#include <stdatomic.h>

#include "ledger.h"

/* What all processes share. */
struct stage {
    _Atomic(uint32_t) must_stop;
    _Atomic(uint32_t) hold;    /* number of the scene that readers shall hold */
    _Atomic(uint32_t) holding; /* readers that have a snapshot open for it */
    _Atomic(uint32_t) let_go;  /* number of the scene that is over */
    _Atomic(uint64_t) commits[LEDGER_WRITERS];
    _Atomic(uint64_t) snapshots;
    _Atomic(uint64_t) violations;
    _Atomic(uint64_t) opens;
    _Atomic(uint64_t) scans;
    _Atomic(uint64_t) applies;
    _Atomic(uint64_t) adopted; /* maps that readers found changed */
    _Atomic(uint64_t) doubled; /* maps, from what they began with */
};

struct actor {
    struct stage *stage;
    const char *path;
    uint64_t dice;
    uint32_t half;
    bool is_split; /* planted */
};

void play_writer(void *actor);
void play_reader(void *actor);  /* holds a snapshot when it is told to */
void play_victim(void *actor);  /* reads and scans; stopped, or killed */
void play_opener(void *actor);  /* opens, reads, closes */
void play_grower(void *actor);  /* fills the map */
void play_definer(void *actor); /* changes the definitions */
void play_judge(void *actor);   /* once all others have ended */

#endif
