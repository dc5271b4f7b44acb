/* SPDX-License-Identifier: Apache-2.0 */
/* A text on its way into the model's catalog. */
#ifndef MODEL_EVOLVE_H
#define MODEL_EVOLVE_H

#include "catalog.h"

struct change {
    struct arena *arena;
    struct catalog *after;
    const struct statement *statements;
    uint32_t count;
    enum plant plant;
    outcomes faults;
    bool changed;
    bool sets_store; /* a STORE WITH was there */
};

void evolve_view(struct change *change, const struct statement *statement);
void create_service(struct change *change, const struct statement *statement);

#endif
