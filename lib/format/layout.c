/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row layouts.
 *
 * Owns where the values of a schema version lie in its rows.
 * Keeps the order fixed for good: scalars before vectors before variable
 * values, wide elements before narrow ones, then by type, then by feature id.
 * Never depends on anything but the schema version itself.
 */
#include "format/row.h"

#include <stdlib.h>

static int
area(const struct lf_slot *slot)
{
    if (lf_type_is_variable(slot->type))
        return 2;
    return slot->type.width > 1 ? 1 : 0;
}

static int
compare(const void *left, const void *right)
{
    const struct lf_slot *a = left, *b = right;
    size_t wide_a = lf_type_element_size(a->type.code);
    size_t wide_b = lf_type_element_size(b->type.code);

    if (area(a) != area(b))
        return area(a) - area(b);
    if (area(a) < 2 && wide_a != wide_b)
        return wide_a > wide_b ? -1 : 1;
    if (area(a) < 2 && a->type.code != b->type.code)
        return a->type.code - b->type.code;
    return a->feature < b->feature ? -1 : a->feature > b->feature;
}

static void
place(struct lf_layout *layout)
{
    uint32_t at = LF_ROW_HEADER_SIZE + (layout->count + 63) / 64 * 8;

    for (uint32_t i = 0; i < layout->count; i++) {
        struct lf_slot *slot = &layout->slots[i];

        if (area(slot) == 2) {
            slot->offset = layout->variable_count++;
            continue;
        }
        slot->size = (uint32_t)lf_type_fixed_size(slot->type);
        slot->offset = at;
        at += slot->size;
    }
    layout->ends_offset = at;
    layout->data_offset = at + 4 * layout->variable_count;
}

bool
lf_layout_init(struct lf_layout *layout, const struct lf_schema *schema,
               struct lf_arena *arena)
{
    struct lf_slot *slots = lf_arena_array(arena, schema->count, sizeof *slots);

    if (!slots)
        return false;
    for (uint32_t i = 0; i < schema->count; i++) {
        slots[i].feature = schema->fields[i].feature;
        slots[i].type = schema->fields[i].type;
    }
    qsort(slots, schema->count, sizeof *slots, compare);
    *layout = (struct lf_layout){
        .version = schema->version, .count = schema->count, .slots = slots};
    place(layout);
    return true;
}

uint32_t
lf_layout_slot(const struct lf_layout *layout, uint32_t feature)
{
    for (uint32_t i = 0; i < layout->count; i++)
        if (layout->slots[i].feature == feature)
            return i;
    return LF_NO_SLOT;
}
