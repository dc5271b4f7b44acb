/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a slot in LMDB's reader table. */
#ifndef LF_ENGINE_READERS_H
#define LF_ENGINE_READERS_H

#include <inttypes.h>

#include "engine/environment.h"

#define LF_SLOT_OWNERS 8

struct lf_slot_owner {
    int pid;
    uint32_t slots;
};

struct lf_slots {
    uint32_t taken;
    uint32_t active; /* those that hold a snapshot */
    int oldest_pid;  /* 0: none is active */
    uint64_t oldest; /* its transaction */
    uint32_t owner_count;
    struct lf_slot_owner owners[LF_SLOT_OWNERS]; /* the first so many */
};

/* Within the gate, save for the sweep and what refuses. */
void lf_slots_read(const struct lf_environment *environment,
                   struct lf_slots *slots);
void lf_slots_note(struct lf_slots *slots, int pid);

/* Frees the slots of dead processes. */
void lf_slots_sweep(struct lf_environment *environment);

/* The failure below, from outside the gate. */
feature_status lf_slots_refuse(struct lf_environment *environment,
                               struct feature_error *error);

/* The failure `readers-full`, with the processes that have the slots. */
feature_status lf_slots_full(const struct lf_environment *environment,
                             struct feature_error *error);

#endif
