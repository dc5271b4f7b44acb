/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index of names, and arrays that grow in an arena.
 *
 * Owns the hashing of names: open addressing, at most half full.
 * Keeps look-ups short however many names a text brings.
 * Never copies or frees a name.
 */
#include "model/names.h"

#include <string.h>

#include "base/hash.h"

#define FIRST_CAPACITY 16
#define FIRST_ROOM     4

struct lf_names_slot {
    const char *name; /* NULL: free */
    uint32_t number;
};

static struct lf_names_slot *
find_slot(struct lf_names_slot *slots, size_t capacity, const char *name)
{
    size_t at = lf_hash128(0, name, strlen(name)).low & (capacity - 1);

    while (slots[at].name && strcmp(slots[at].name, name))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool
grow(struct lf_names *names, struct lf_arena *arena)
{
    size_t capacity = names->capacity ? 2 * names->capacity : FIRST_CAPACITY;
    struct lf_names_slot *slots;

    slots = lf_arena_array(arena, capacity, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].name)
            *find_slot(slots, capacity, names->slots[i].name) = names->slots[i];
    names->slots = slots;
    names->capacity = capacity;
    return true;
}

bool
lf_names_add(struct lf_names *names, struct lf_arena *arena, const char *name,
             uint32_t number)
{
    struct lf_names_slot *slot;

    if (2 * (names->count + 1) > names->capacity && !grow(names, arena))
        return false;
    slot = find_slot(names->slots, names->capacity, name);
    slot->name = name;
    slot->number = number;
    names->count++;
    return true;
}

bool
lf_names_find(const struct lf_names *names, const char *name, uint32_t *number)
{
    const struct lf_names_slot *slot;

    if (!names->count)
        return false;
    slot = find_slot(names->slots, names->capacity, name);
    if (slot->name && number)
        *number = slot->number;
    return slot->name != NULL;
}

void *
lf_list_room(struct lf_arena *arena, void *items, size_t count, size_t size)
{
    if (count && (count < FIRST_ROOM || (count & (count - 1))))
        return items;
    return lf_list_extend(arena, items, count, count ? count : FIRST_ROOM,
                          size);
}

void *
lf_list_extend(struct lf_arena *arena, const void *items, size_t count,
               size_t more, size_t size)
{
    void *made = lf_arena_array(arena, count + more, size);

    if (made && count)
        memcpy(made, items, count * size);
    return made;
}
