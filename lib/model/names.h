/* SPDX-License-Identifier: Apache-2.0 */
/* An index of names, and arrays that grow in an arena. */
#ifndef LF_MODEL_NAMES_H
#define LF_MODEL_NAMES_H

#include "base/buffer.h"

struct lf_names_slot;

/* Names to numbers. Zero is empty; names are borrowed. */
struct lf_names {
    struct lf_names_slot *slots; /* a power of two of them, half empty */
    size_t capacity;
    size_t count;
};

/* Adds a name that is not there yet. False: no memory. */
bool lf_names_add(struct lf_names *names, struct lf_arena *arena,
                  const char *name, uint32_t number);

/* Whether the name is there; number may be NULL. */
bool lf_names_find(const struct lf_names *names, const char *name,
                   uint32_t *number);

/* The array of count items with room for one more, or NULL. It grows at powers
 * of two, so no capacity has to be kept: begin with NULL and 0, and add items
 * in no other way. */
void *lf_list_room(struct lf_arena *arena, void *items, size_t count,
                   size_t size);

/* The array in a new place, with room for more items, or NULL. */
void *lf_list_extend(struct lf_arena *arena, const void *items, size_t count,
                     size_t more, size_t size);

#endif
