/* SPDX-License-Identifier: Apache-2.0 */
/* Labels in the order of a history: by key, then from newer to older times. */
#ifndef LF_STORE_ASOF_ORDER_H
#define LF_STORE_ASOF_ORDER_H

#include "base/buffer.h"
#include "engine/engine.h"

struct lf_label {
    uint64_t prefix; /* eight bytes of the key; what they are is the sort's */
    int64_t time;
    uint32_t row;
    uint32_t job; /* its key is that of jobs[job] */
};

/* Sorts labels whose jobs have keys, none of which begins another: by the key's
 * bytes, then newest first, then as they were. room is scratch. False: no memory. */
bool lf_labels_order(struct lf_label *labels, uint32_t count,
                     const struct lf_job *jobs, struct lf_buffer *room);

#endif
