/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in a process of their own, for faults that end the process. */
#ifndef MODEL_ISOLATE_H
#define MODEL_ISOLATE_H

#include "world.h"

#define NOWHERE UINT32_MAX

/* What a run tells. A run that dies has told how far it was. */
struct findings {
    uint32_t at; /* operation at which the sides differ, or NOWHERE */
    uint32_t progress;
    struct counts counts;
    char path[WORLD_PATH_SIZE]; /* of the store */
    char complaint[4096];
};

/* Whether runs get a process of their own: it costs a fork, and leaks in it go
 * unseen. */
extern bool isolates;

/* Does run(context, findings); a signal that ends it is a finding. */
void isolate(void (*run)(void *context, struct findings *findings),
             void *context, struct findings *findings);

/* Does one operation in a run. False: the sides differ. */
bool findings_step(struct findings *findings, struct world *world,
                   const struct operation *operation, uint32_t index);

/* The end of a run of count operations. */
void findings_finish(struct findings *findings, struct world *world,
                     uint32_t count);

#endif
