/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans: what runs of events add up to, for lists that are read at many t.
 *
 * Owns blocks of 16 events, of 16 such blocks and so on, each with the states of
 * its events, as those of a tile.
 * Keeps the answer of a fold over the events themselves: a read takes a block
 * where all of it counts, and else what it is made of.
 * Never sums up what no feature of the reading is read from.
 */
#include <string.h>

#include "format/state_fold.h"
#include "format/state_read.h"

void
lf_spans_free(struct lf_spans *spans)
{
    for (uint32_t i = 0; i < LF_SPAN_LEVELS; i++)
        lf_buffer_free(&spans->levels[i]);
    lf_buffer_free(&spans->bytes);
    lf_buffer_free(&spans->room);
}

static bool
is_wanted(const struct lf_read *read, uint32_t state)
{
    for (uint32_t i = 0; i < read->stream_count; i++)
        if (read->streams[i].steps[state].acc)
            return true;
    return false;
}

static void
clear(struct lf_read *read)
{
    for (uint32_t i = 0; i < read->plan->state_count; i++)
        if (is_wanted(read, i))
            lf_acc_clear(&read->measure.accs[i]);
}

static void
add_event(struct lf_read *read, const struct lf_tile_event *event)
{
    lf_inputs_of_event(&read->inputs, read->plan, event);
    for (uint32_t i = 0; i < read->plan->state_count; i++)
        if (is_wanted(read, i))
            lf_acc_add(&read->measure.accs[i], &read->inputs, true);
}

static bool
add_block(struct lf_read *read, const struct lf_span *block, uint64_t events)
{
    const uint8_t *bytes = read->spans.bytes.data + block->at;
    size_t sizes = lf_sizes_size(read->plan->state_count);
    struct lf_bytes_in in = {bytes + sizes, bytes + block->size}, state;
    uint64_t beside;

    for (uint32_t i = 0; i < read->plan->state_count; i++)
        if (!lf_state_take(bytes, i, &in, &read->measure, &state, &beside) ||
            (is_wanted(read, i) &&
             !lf_acc_add_bytes(&read->measure.accs[i], &state, block->first,
                               events, true)))
            return false;
    return true;
}

/* What was added since clear() becomes a block. Texts of it lie among the blocks,
 * which are moved where they have to grow. */
static bool
put_block(struct lf_read *read, uint32_t level, int64_t first, int64_t last,
          uint64_t events)
{
    struct lf_spans *spans = &read->spans;
    struct lf_span block = {
        .first = first, .last = last, .at = spans->bytes.size};

    read->measure.events = events;
    spans->room.size = 0;
    if (!lf_accs_put(&read->measure, first, false, &spans->room) ||
        spans->room.size > UINT32_MAX ||
        !lf_buffer_append(&spans->bytes, spans->room.data, spans->room.size))
        return false;
    block.size = (uint32_t)spans->room.size;
    return lf_buffer_append(&spans->levels[level], &block, sizeof block);
}

/* Blocks of events; those that are left over are read one by one. */
static bool
sum_events(struct lf_read *read)
{
    const struct lf_tile_event *events = read->spans.events;

    for (size_t i = 0; i + LF_SPAN <= read->spans.count; i += LF_SPAN) {
        clear(read);
        for (size_t j = LF_SPAN; j-- > 0;)
            add_event(read, &events[i + j]);
        if (!put_block(read, 0, events[i].ts, events[i + LF_SPAN - 1].ts,
                       LF_SPAN))
            return false;
    }
    return true;
}

static bool
sum_blocks(struct lf_read *read, uint32_t level, uint64_t events)
{
    struct lf_spans *spans = &read->spans;
    size_t count = lf_spans_count(spans, level - 1);

    for (size_t i = 0; i + LF_SPAN <= count; i += LF_SPAN) {
        const struct lf_span *part = lf_spans_at(spans, level - 1, i);

        clear(read);
        for (size_t j = LF_SPAN; j-- > 0;)
            if (!add_block(read, &part[j], events / LF_SPAN))
                return false;
        if (!put_block(read, level, part[0].first, part[LF_SPAN - 1].last,
                       events))
            return false;
    }
    return true;
}

static enum lf_tile_status
keep(struct lf_read *read, const struct lf_tile_event *events, size_t count)
{
    struct lf_spans *spans = &read->spans;
    uint64_t size = LF_SPAN;
    uint8_t *room;

    spans->events = events;
    spans->count = count;
    spans->bytes.size = 0;
    for (uint32_t i = 0; i < LF_SPAN_LEVELS; i++)
        spans->levels[i].size = 0;
    if (!sum_events(read))
        return LF_TILE_MEMORY;
    for (uint32_t i = 1; i < LF_SPAN_LEVELS; i++) {
        size *= LF_SPAN;
        if (!sum_blocks(read, i, size))
            return LF_TILE_MEMORY;
    }
    room = lf_buffer_extend(&spans->bytes, LF_FOLD_ROOM);
    if (!room)
        return LF_TILE_MEMORY;
    memset(room, 0, LF_FOLD_ROOM);
    return LF_TILE_OK;
}

/* Blocks are in full: nothing lies beside them. */
enum lf_tile_status
lf_reading_keep(struct lf_reading *reading, const struct lf_tile_event *events,
                size_t count)
{
    struct lf_read *read = (struct lf_read *)reading;
    struct lf_beside *wide = read->measure.wide;
    enum lf_tile_status status;

    read->measure.wide = NULL;
    status = keep(read, events, count);
    read->measure.wide = wide;
    return status;
}

/* --- reading ---------------------------------------------------------------*/

bool
lf_span_look(struct lf_read *read, const struct lf_span *block, int64_t t)
{
    bool is_clear = !read->plan->has_lifetime || block->last < t;

    if (read->reading.is_visible)
        return true;
    read->reading.is_visible = read->plan->has_lifetime && block->last < t;
    for (uint32_t i = 0; i < read->visible_count && !read->reading.is_visible;
         i++) {
        int64_t from = read->bounds[2 * i], to = read->bounds[2 * i + 1];

        read->reading.is_visible = block->first >= from && block->last < to;
        is_clear &= block->last < from || block->first >= to;
    }
    return read->reading.is_visible || is_clear;
}

enum lf_tile_status
lf_reading_part(struct lf_reading *reading, size_t first, size_t count,
                int64_t t)
{
    struct lf_read *read = (struct lf_read *)reading;
    struct lf_beside *wide = read->measure.wide;
    enum lf_tile_status status;

    read->measure.wide = NULL;
    status = lf_read_part(read, first, count, t);
    read->measure.wide = wide;
    return status;
}
