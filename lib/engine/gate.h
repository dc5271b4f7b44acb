/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions on one side, a change of the map on the other. */
#ifndef LF_ENGINE_GATE_H
#define LF_ENGINE_GATE_H

#include "engine/environment.h"

bool lf_gate_init(struct lf_gate *gate);
void lf_gate_destroy(struct lf_gate *gate);

/* Lets a transaction in, waiting while the map changes. Returns the slot it
 * counts in, to leave by. */
uint32_t lf_gate_enter(struct lf_gate *gate);
void lf_gate_leave(struct lf_gate *gate, uint32_t slot);

/* Waits until no transaction runs and keeps new ones out until open. BUSY
 * `scan-open` where one does not end in time. */
feature_status lf_gate_close(struct lf_gate *gate, struct feature_error *error);
void lf_gate_open(struct lf_gate *gate);

#endif
