/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in the order of their keys.
 *
 * Owns the sort of a batch, for the locality of its writes.
 * Keeps rows of one key in the order they were given.
 * Never moves a key: only the numbers of rows.
 */
#include "store/key_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int
word_order(const uint8_t *a, const uint8_t *b)
{
    uint64_t left = lf_load_big_u64(a), right = lf_load_big_u64(b);

    return (left > right) - (left < right);
}

int
lf_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order;

    if (a_size == b_size && a_size >= 8 && a_size <= 16) { /* numbers mostly */
        order = word_order(a, b);
        return order ? order : word_order(a + a_size - 8, b + b_size - 8);
    }
    order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    if (order)
        return order;
    return a_size < b_size ? -1 : a_size > b_size;
}

/* The first eight bytes decide nearly every comparison. */
struct sort_item {
    uint64_t head;
    uint32_t row;
    uint32_t reserved;
};

static uint64_t
key_head(const uint8_t *key, size_t size)
{
    uint8_t head[8] = {0};

    if (size >= 8)
        return lf_load_big_u64(key);
    if (size)
        memcpy(head, key, size);
    return lf_load_big_u64(head);
}

static int
compare_items(const void *left, const void *right, void *context)
{
    const struct sort_item *a = left, *b = right;
    const uint8_t *a_key, *b_key;
    size_t a_size, b_size;
    int order;

    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    a_key = lf_row_key(context, a->row, &a_size);
    b_key = lf_row_key(context, b->row, &b_size);
    order = lf_key_compare(a_key, a_size, b_key, b_size);
    if (order)
        return order;
    return a->row < b->row ? -1 : a->row > b->row;
}

bool
lf_row_keys_sort(const struct lf_row_keys *keys, uint8_t *rows, uint32_t count)
{
    struct sort_item *items = lf_alloc_array((size_t)count + 1, sizeof *items);
    struct lf_row_keys context = *keys;

    if (!items)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = lf_load_u32(rows + 4 * (size_t)i);
        size_t size;
        const uint8_t *key = lf_row_key(keys, row, &size);

        items[i] = (struct sort_item){.head = key_head(key, size), .row = row};
    }
    qsort_r(items, count, sizeof *items, compare_items, &context);
    for (uint32_t i = 0; i < count; i++)
        lf_store_u32(rows + 4 * (size_t)i, items[i].row);
    lf_free(items);
    return true;
}
