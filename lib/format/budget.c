/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one protobuf message.
 *
 * Owns the limit on what unpacking may take.
 * Keeps honest messages well within it.
 * Never lets two bytes of a message ask for a struct of a hundred each without
 * end.
 */
#include "format/budget.h"

#include "base/alloc.h"

#define FACTOR 32
#define BASE   4096

static void *
budget_alloc(void *data, size_t size)
{
    struct lf_budget *budget = data;
    void *memory;

    if (size > budget->left)
        return NULL;
    budget->left -= size;
    memory = lf_alloc(size);
    if (!memory)
        budget->no_memory = true;
    return memory;
}

static void
budget_free(void *data, void *memory)
{
    (void)data;
    lf_free(memory);
}

void
lf_budget_init(struct lf_budget *budget, size_t size)
{
    *budget = (struct lf_budget){.left = BASE + FACTOR * size};
    budget->allocator = (ProtobufCAllocator){budget_alloc, budget_free, budget};
}
