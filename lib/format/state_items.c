/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of several values: FIRST, LAST, TOP, BOTTOM, MIN, MAX and those BY key.
 *
 * Owns their order, their merging and their bytes.
 * Keeps the best first, and of BY the smallest key; equal sets of events give
 * equal lists, whatever the order they came in, save for commits of equal ts.
 * Never copies a text: its bytes outlive the accumulator's use.
 */
#include "format/state_parts.h"

#include "base/utf8.h"

/* What a list is held to: an item's value, or of BY its key. */
static const struct lf_tile_input *
input_of(const struct lf_acc *acc)
{
    return lf_state_is_by(acc->state->kind) ? acc->by : acc->input;
}

static bool
has_ts(const struct lf_acc *acc)
{
    return acc->state->kind == LF_STATE_FIRST ||
           acc->state->kind == LF_STATE_LAST;
}

/* Negative: a comes first. */
static int
compare(const struct lf_acc *acc, const struct lf_item *a,
        const struct lf_item *b)
{
    enum lf_state_kind kind = acc->state->kind;
    int order;

    if (has_ts(acc))
        order = (a->ts > b->ts) - (a->ts < b->ts);
    else
        order = lf_value_compare(input_of(acc)->class, &a->value, &b->value);
    return kind == LF_STATE_LAST || kind == LF_STATE_TOP || kind == LF_STATE_MAX
               ? -order
               : order;
}

/* Whether new items come before those of equal ts. */
static bool
leads(const struct lf_acc *acc, bool before)
{
    return acc->state->kind == LF_STATE_LAST ? !before : before;
}

/* The place of the first item that is not before this one. */
static uint32_t
find(const struct lf_acc *acc, const struct lf_item *item)
{
    uint32_t low = 0, high = (uint32_t)acc->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare(acc, &acc->items[middle], item) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
insert(struct lf_acc *acc, const struct lf_item *item, bool lead)
{
    uint32_t count = (uint32_t)acc->count, at = find(acc, item);

    while (!lead && at < count && compare(acc, &acc->items[at], item) == 0)
        at++;
    if (at == acc->state->k)
        return;
    if (count == acc->state->k)
        count--;
    memmove(&acc->items[at + 1], &acc->items[at],
            (count - at) * sizeof *acc->items);
    acc->items[at] = *item;
    acc->count = count + 1;
}

/* --- BY --------------------------------------------------------------------*/

static bool
is_full(const struct lf_acc *acc)
{
    return acc->count > acc->state->k;
}

/* The item of a key, made where there is none; NULL: too many keys. */
static struct lf_item *
item_of(struct lf_acc *acc, const struct lf_tile_value *key, bool *is_new)
{
    struct lf_item item = {.value = *key, .place = (uint32_t)acc->count};
    uint32_t at;

    if (is_full(acc))
        return NULL;
    at = find(acc, &item);
    *is_new = at == acc->count || compare(acc, &acc->items[at], &item) != 0;
    if (!*is_new)
        return &acc->items[at];
    if (acc->count == acc->state->k) {
        acc->count++;
        return NULL;
    }
    memmove(&acc->items[at + 1], &acc->items[at],
            (acc->count - at) * sizeof *acc->items);
    acc->items[at] = item;
    acc->count++;
    if (acc->reals)
        lf_real_sum_clear(&acc->reals[item.place]);
    return &acc->items[at];
}

static void
keep_most(struct lf_acc *acc, struct lf_item *item, bool is_new,
          const struct lf_tile_value *value)
{
    int order =
        is_new ? 0 : lf_value_compare(acc->input->class, value, &item->most);

    if (is_new || (acc->state->kind == LF_STATE_BY_MIN ? order < 0 : order > 0))
        item->most = *value;
}

static void
add_by(struct lf_acc *acc, const struct lf_inputs *inputs)
{
    const struct lf_tile_value *value = NULL;
    struct lf_item *item;
    bool is_new;

    item = item_of(acc, &inputs->values[acc->state->by], &is_new);
    if (!item)
        return;
    item->count++;
    if (acc->input)
        value = &inputs->values[acc->state->input];
    if (acc->state->kind == LF_STATE_BY_COUNT)
        return;
    if (acc->state->kind != LF_STATE_BY_SUM)
        keep_most(acc, item, is_new, value);
    else if (acc->reals)
        lf_real_sum_add(&acc->reals[item->place], value->real);
    else
        lf_sum_add(&item->sum, value->integer);
}

static size_t
sum_size(const struct lf_acc *acc, struct lf_item *item, struct lf_bytes_in *in)
{
    size_t room = (size_t)(in->end - in->at);

    return acc->reals
               ? lf_real_sum_merge_bytes(&acc->reals[item->place], in->at, room)
               : lf_sum_merge_bytes(&item->sum, in->at, room);
}

/* What follows a key. item may be one that nobody keeps. */
static bool
add_by_rest(struct lf_acc *acc, struct lf_item *item, bool is_new,
            struct lf_bytes_in *in)
{
    struct lf_tile_value value;
    uint64_t count = 0;
    size_t size;

    if (acc->state->kind == LF_STATE_BY_MIN ||
        acc->state->kind == LF_STATE_BY_MAX) {
        if (!lf_value_get(acc->input, &value, in))
            return false;
        keep_most(acc, item, is_new, &value);
        return true;
    }
    if (!lf_in_varint(in, &count) || count == 0 ||
        __builtin_add_overflow(item->count, count, &item->count))
        return false;
    if (acc->state->kind == LF_STATE_BY_COUNT)
        return true;
    size = sum_size(acc, item, in);
    in->at += size;
    return size > 0;
}

static bool
add_by_bytes(struct lf_acc *acc, struct lf_bytes_in *in)
{
    struct lf_item last = {0}, none;
    uint64_t count;

    if (!lf_in_varint(in, &count) || count > acc->state->k + 1u || !count)
        return false;
    if (count > acc->state->k) {
        acc->count = count;
        return true;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct lf_item key = {0}, *item;
        bool is_new = true;

        if (!lf_value_get(acc->by, &key.value, in) ||
            (i > 0 && compare(acc, &last, &key) >= 0))
            return false;
        last = key;
        item = item_of(acc, &key.value, &is_new);
        none = (struct lf_item){.place = acc->state->k};
        if (!item && acc->reals)
            lf_real_sum_clear(&acc->reals[none.place]);
        if (!add_by_rest(acc, item ? item : &none, item ? is_new : true, in))
            return false;
    }
    return true;
}

static void
remove_item(struct lf_acc *acc, struct lf_item *item)
{
    uint32_t place = item->place;
    size_t at = (size_t)(item - acc->items);

    acc->count--;
    memmove(item, item + 1, (acc->count - at) * sizeof *item);
    for (uint64_t i = 0; acc->reals && i < acc->count; i++)
        if (acc->items[i].place == acc->count) {
            acc->reals[place] = acc->reals[acc->count];
            acc->items[i].place = place;
        }
}

bool
lf_items_subtract(struct lf_acc *acc, const struct lf_inputs *inputs)
{
    struct lf_item key = {.value = inputs->values[acc->state->by]};
    struct lf_item *item;
    uint32_t at;

    if (is_full(acc))
        return false;
    at = find(acc, &key);
    item = &acc->items[at];
    if (at == acc->count || compare(acc, item, &key) != 0 || !item->count)
        return false;
    item->count--;
    if (acc->reals)
        lf_real_sum_subtract(&acc->reals[item->place],
                             inputs->values[acc->state->input].real);
    else if (acc->input)
        lf_sum_subtract(&item->sum, inputs->values[acc->state->input].integer);
    if (item->count == 0)
        remove_item(acc, item);
    return true;
}

/* --- lists -----------------------------------------------------------------*/

void
lf_items_add(struct lf_acc *acc, const struct lf_inputs *inputs, bool before)
{
    struct lf_item item = {.ts = inputs->ts};

    if (lf_state_is_by(acc->state->kind)) {
        add_by(acc, inputs);
        return;
    }
    item.value = inputs->values[acc->state->input];
    insert(acc, &item, leads(acc, before));
}

/* Reads a list, best first, into items; 0: no such list. */
static uint64_t
get_list(const struct lf_acc *acc, struct lf_item *items,
         struct lf_bytes_in *in, int64_t base)
{
    uint64_t count = 1, step;

    if (acc->state->k > 1 && !lf_in_varint(in, &count))
        return 0;
    if (count > acc->state->k)
        return 0;
    for (uint64_t i = 0; i < count; i++) {
        if (has_ts(acc)) {
            if (!lf_in_varint(in, &step))
                return 0;
            base = (int64_t)((uint64_t)base + (uint64_t)lf_unzigzag(step));
            items[i].ts = base;
        }
        if (!lf_value_get(acc->input, &items[i].value, in) ||
            (i > 0 && compare(acc, &items[i - 1], &items[i]) > 0))
            return 0;
    }
    return count;
}

static void
merge_lists(struct lf_acc *acc, const struct lf_item *added, uint64_t count,
            bool lead)
{
    struct lf_item *merged = acc->spare;
    uint64_t i = 0, j = 0, out = 0;

    while (out < acc->state->k && (i < acc->count || j < count)) {
        int order = i == acc->count ? 1
                    : j == count    ? -1
                                    : compare(acc, &acc->items[i], &added[j]);

        if (order < 0 || (order == 0 && !lead))
            merged[out++] = acc->items[i++];
        else
            merged[out++] = added[j++];
    }
    memcpy(acc->items, merged, out * sizeof *merged);
    acc->count = out;
}

/* The one item of MIN and MAX. */
static bool
add_extreme(struct lf_acc *acc, struct lf_bytes_in *in)
{
    struct lf_tile_value value = {.size = 0}, *best = &acc->items[0].value;
    int order = -1;

    if (acc->input->class == LF_CLASS_INT) {
        size_t size = (size_t)(in->end - in->at);

        if (size > 8 || (size > 1 && in->end[-1] == 0))
            return false;
        value.integer = lf_unzigzag(lf_word_load(in->at, size));
        in->at = in->end;
    } else if (!lf_value_get(acc->input, &value, in)) {
        return false;
    }
    if (acc->count)
        order = lf_value_compare(acc->input->class, &value, best);
    if (acc->count && acc->state->kind == LF_STATE_MAX)
        order = -order;
    if (order < 0)
        *best = value;
    acc->count = 1;
    return true;
}

bool
lf_items_add_bytes(struct lf_acc *acc, struct lf_bytes_in *in, int64_t base,
                   bool before)
{
    struct lf_item *added = acc->spare + acc->state->k;
    uint64_t count;

    if (acc->state->kind == LF_STATE_MIN || acc->state->kind == LF_STATE_MAX)
        return add_extreme(acc, in);

    if (lf_state_is_by(acc->state->kind))
        return add_by_bytes(acc, in);
    count = get_list(acc, added, in, base);
    if (count == 1)
        insert(acc, added, leads(acc, before));
    else if (count)
        merge_lists(acc, added, count, leads(acc, before));
    return count > 0;
}

static bool
put_by_item(const struct lf_acc *acc, const struct lf_item *item,
            struct lf_buffer *to)
{
    uint8_t bytes[LF_REAL_SIZE_MAX];
    size_t size;

    if (!lf_value_put(acc->by, &item->value, to))
        return false;
    if (acc->state->kind == LF_STATE_BY_MIN ||
        acc->state->kind == LF_STATE_BY_MAX)
        return lf_value_put(acc->input, &item->most, to);
    if (!lf_put_varint(to, item->count))
        return false;
    if (acc->state->kind == LF_STATE_BY_COUNT)
        return true;
    size = acc->reals ? lf_real_sum_encode(&acc->reals[item->place], bytes)
                      : lf_sum_encode(&item->sum, bytes);
    return lf_buffer_append(to, bytes, size);
}

/* An integer's zigzag, lowest bytes first: as few as it needs, one at least. */
static bool
put_extreme(const struct lf_acc *acc, struct lf_buffer *to)
{
    uint8_t bytes[8];
    size_t size = sizeof bytes;

    lf_store_u64(bytes, lf_zigzag(acc->items[0].value.integer));
    while (size > 1 && !bytes[size - 1])
        size--;
    return lf_buffer_append(to, bytes, size);
}

bool
lf_items_encode(const struct lf_acc *acc, int64_t base, struct lf_buffer *to)
{
    bool is_by = lf_state_is_by(acc->state->kind);

    if ((acc->state->kind == LF_STATE_MIN ||
         acc->state->kind == LF_STATE_MAX) &&
        acc->input->class == LF_CLASS_INT)
        return put_extreme(acc, to);
    if ((is_by || acc->state->k > 1) && !lf_put_varint(to, acc->count))
        return false;
    if (is_by && is_full(acc))
        return true;
    for (uint64_t i = 0; i < acc->count; i++) {
        const struct lf_item *item = &acc->items[i];

        if (is_by) {
            if (!put_by_item(acc, item, to))
                return false;
            continue;
        }
        if (has_ts(acc) &&
            !lf_put_varint(
                to, lf_zigzag((int64_t)((uint64_t)item->ts - (uint64_t)base))))
            return false;
        base = item->ts;
        if (!lf_value_put(acc->input, &item->value, to))
            return false;
    }
    return true;
}

static bool
is_text(const struct lf_tile_input *input, const struct lf_tile_value *value)
{
    return !input || input->code != FEATURE_TYPE_STRING ||
           lf_utf8_valid(value->text, value->size);
}

bool
lf_items_are_text(const struct lf_acc *acc)
{
    enum lf_state_kind kind = acc->state->kind;
    bool has_most = kind == LF_STATE_BY_MIN || kind == LF_STATE_BY_MAX;

    if (!lf_state_has_items(kind) || (lf_state_is_by(kind) && is_full(acc)))
        return true;
    for (uint64_t i = 0; i < acc->count; i++)
        if (!is_text(input_of(acc), &acc->items[i].value) ||
            (has_most && !is_text(acc->input, &acc->items[i].most)))
            return false;
    return true;
}
