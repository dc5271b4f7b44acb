/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one protobuf message that somebody else wrote. */
#ifndef LF_FORMAT_BUDGET_H
#define LF_FORMAT_BUDGET_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

struct lf_budget {
    ProtobufCAllocator allocator;
    size_t left;
    bool no_memory; /* an allocation failed, the budget would have done */
};

/* For a message of size bytes. The budget must not move afterwards. */
void lf_budget_init(struct lf_budget *budget, size_t size);

#endif
