/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distinct values, up to a cap.
 *
 * Owns their order and their bytes.
 * Keeps equal sets equal bytes, whatever came first, how often, and by which
 * merges.
 * Never holds more values than the cap.
 */
#include "format/distinct.h"

#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"

#define WORD 8

/* One value: all of its bytes, and those that count. */
struct value {
    const uint8_t *from, *text, *end;
};

void
lf_distinct_init(struct lf_distinct *set, bool is_text, uint32_t cap)
{
    *set = (struct lf_distinct){.is_text = is_text, .cap = cap};
}

void
lf_distinct_clear(struct lf_distinct *set)
{
    set->count = 0;
    set->values.size = 0;
}

void
lf_distinct_free(struct lf_distinct *set)
{
    lf_buffer_free(&set->values);
    set->count = 0;
}

static void
become_full(struct lf_distinct *set)
{
    set->count = set->cap + 1;
    set->values.size = 0;
}

/* False: no value at its begin. */
static bool
value_at(bool is_text, const uint8_t *from, const uint8_t *end,
         struct value *value)
{
    uint64_t size = WORD;

    value->from = value->text = from;
    if (is_text) {
        value->text = lf_varint_get(from, end, &size);
        if (!value->text)
            return false;
    }
    if (size > (uint64_t)(end - value->text))
        return false;
    value->end = value->text + size;
    return true;
}

static int
compare(bool is_text, const struct value *a, const struct value *b)
{
    size_t size_a = (size_t)(a->end - a->text);
    size_t size_b = (size_t)(b->end - b->text);
    int order;

    if (!is_text) {
        uint64_t left = lf_load_u64(a->text), right = lf_load_u64(b->text);

        return (left > right) - (left < right);
    }
    order = memcmp(a->text, b->text, size_a < size_b ? size_a : size_b);
    return order ? order : (size_a > size_b) - (size_a < size_b);
}

/* Makes room for size bytes at a place. */
static uint8_t *
open_gap(struct lf_buffer *values, size_t at, size_t size)
{
    size_t rest = values->size - at;

    if (!lf_buffer_extend(values, size))
        return NULL;
    memmove(values->data + at + size, values->data + at, rest);
    return values->data + at;
}

/* A place for a new value; NULL also where the set is full now: *done. */
static uint8_t *
insert(struct lf_distinct *set, size_t at, size_t size, bool *done)
{
    uint8_t *to;

    *done = set->count == set->cap;
    if (*done) {
        become_full(set);
        return NULL;
    }
    to = open_gap(&set->values, at, size);
    if (to)
        set->count++;
    return to;
}

bool
lf_distinct_add_word(struct lf_distinct *set, uint64_t word)
{
    uint32_t low = 0, high = set->count;
    uint8_t *to;
    bool done;

    if (lf_distinct_is_full(set))
        return true;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t there = lf_load_u64(set->values.data + WORD * (size_t)middle);

        if (there == word)
            return true;
        if (there < word)
            low = middle + 1;
        else
            high = middle;
    }
    to = insert(set, WORD * (size_t)low, WORD, &done);
    if (to)
        lf_store_u64(to, word);
    return to || done;
}

bool
lf_distinct_add_text(struct lf_distinct *set, const void *text, size_t size)
{
    const uint8_t *at = set->values.data, *end;
    struct value mine = {text, text, (const uint8_t *)text + size}, there;
    uint8_t head[LF_VARINT_MAX], *to;
    size_t head_size = (size_t)(lf_varint_put(head, size) - head);
    bool done;

    if (lf_distinct_is_full(set))
        return true;
    end = set->values.size ? at + set->values.size : at;
    while (at != end && value_at(true, at, end, &there)) {
        int order = compare(true, &there, &mine);

        if (!order)
            return true;
        if (order > 0)
            break;
        at = there.end;
    }
    to = insert(set, set->values.size - (size_t)(end - at), head_size + size,
                &done);
    if (to) {
        memcpy(to, head, head_size);
        if (size)
            memcpy(to + head_size, text, size);
    }
    return to || done;
}

/* Unites with count values that are in order. */
static bool
unite(struct lf_distinct *set, uint32_t count, const uint8_t *at,
      const uint8_t *end)
{
    const uint8_t *own = set->values.data;
    const uint8_t *own_end = set->values.size ? own + set->values.size : own;
    struct lf_buffer made = {0};
    struct value a, b;
    uint32_t total = 0;
    size_t room = set->values.size + (size_t)(end - at);

    if (lf_distinct_is_full(set) || !count)
        return true;
    if (count > set->cap) {
        become_full(set);
        return true;
    }
    if (!lf_buffer_reserve(&made, room))
        return false;
    while (own != own_end || at != end) {
        bool has_a = own != own_end && value_at(set->is_text, own, own_end, &a);
        bool has_b = at != end && value_at(set->is_text, at, end, &b);
        int order = !has_a ? 1 : !has_b ? -1 : compare(set->is_text, &a, &b);
        const struct value *next = order <= 0 ? &a : &b;

        if (!has_a && !has_b)
            break;
        lf_buffer_append(&made, next->from, (size_t)(next->end - next->from));
        total++;
        own = order <= 0 ? a.end : own;
        at = order >= 0 ? b.end : at;
    }
    lf_buffer_free(&set->values);
    set->values = made;
    set->count = total;
    if (total > set->cap)
        become_full(set);
    return true;
}

bool
lf_distinct_merge(struct lf_distinct *set, const struct lf_distinct *other)
{
    const uint8_t *from = other->values.data;

    return unite(set, other->count, from,
                 other->values.size ? from + other->values.size : from);
}

bool
lf_distinct_encode(const struct lf_distinct *set, struct lf_buffer *to)
{
    uint8_t head[LF_VARINT_MAX];
    size_t was = to->size;

    if (!lf_buffer_append(to, head,
                          (size_t)(lf_varint_put(head, set->count) - head)))
        return false;
    if (lf_buffer_append(to, set->values.data, set->values.size))
        return true;
    to->size = was;
    return false;
}

/* Behind the values, or NULL. */
static const uint8_t *
walk(bool is_text, uint64_t count, bool in_order, const uint8_t *at,
     const uint8_t *end)
{
    struct value last = {0}, value;

    for (uint64_t i = 0; i < count; i++) {
        if (!value_at(is_text, at, end, &value) ||
            (in_order && i && compare(is_text, &last, &value) >= 0))
            return NULL;
        last = value;
        at = value.end;
    }
    return at;
}

static size_t
measure(bool is_text, uint32_t cap, bool in_order, const uint8_t *from,
        size_t size, uint32_t *count)
{
    const uint8_t *end = from + size, *at;
    uint64_t values;

    at = lf_varint_get(from, end, &values);
    if (!at || values > (uint64_t)cap + 1)
        return 0;
    *count = (uint32_t)values;
    if (values > cap)
        return (size_t)(at - from);
    if (!is_text && !in_order) {
        if (values > (size_t)(end - at) / WORD)
            return 0;
        return (size_t)(at - from) + values * WORD;
    }
    at = walk(is_text, values, in_order, at, end);
    return at ? (size_t)(at - from) : 0;
}

size_t
lf_distinct_check(bool is_text, uint32_t cap, const uint8_t *from, size_t size)
{
    uint32_t count;

    return measure(is_text, cap, true, from, size, &count);
}

size_t
lf_distinct_measure(bool is_text, uint32_t cap, const uint8_t *from,
                    size_t size, uint32_t *count)
{
    return measure(is_text, cap, false, from, size, count);
}

bool
lf_distinct_merge_bytes(struct lf_distinct *set, const uint8_t *from,
                        size_t size)
{
    const uint8_t *end = from + size;
    uint64_t count = 0;
    const uint8_t *at = lf_varint_get(from, end, &count);

    if (!at || count > set->cap)
        end = at;
    return unite(set, (uint32_t)count, at, end);
}
