/* SPDX-License-Identifier: Apache-2.0 */
/* Claims: what one holder at a time does over many transactions. */
#ifndef LF_ENGINE_CLAIM_H
#define LF_ENGINE_CLAIM_H

#include "base/error.h"
#include "engine/engine.h"

/* A number of the store that is its holder's until it is let go, or his process
 * ends. Zero holds nothing; it must not move while it holds. */
struct lf_claim {
    struct lf_claim *next; /* of the process's */
    int file;              /* -1: lost to a fork */
    bool is_held;
};

/* LF_AGAIN where somebody holds the number, in this process or another. */
feature_status lf_claim_take(struct lf_environment *environment,
                             uint32_t number, struct lf_claim *claim,
                             struct feature_error *error);
void lf_claim_drop(struct lf_claim *claim);

/* Whether anybody holds it right now. */
bool lf_claim_is_taken(const struct lf_environment *environment,
                       uint32_t number);

#endif
