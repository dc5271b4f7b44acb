/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: windows at t, from a row or from events.
 *
 * Owns the one pass from the newest entry to the oldest, in which nested
 * windows share accumulators.
 * Keeps the answer that a fold over the events themselves gives, or says that
 * the row cannot tell it.
 * Never allocates on its way, save where a list or a sketch grows.
 */
#include "format/state_read.h"

#include "format/state_fold.h"

/* What is answered next, if anything. */
static void
look_ahead(struct lf_read *read, struct lf_stream *stream)
{
    bool is_done = stream->next == stream->count;

    stream->from =
        is_done ? INT64_MIN : read->wanted[stream->order[stream->next]].from;
    read->open -= is_done;
}

static void
begin_read(struct lf_read *read, int64_t t)
{
    read->out.size = 0;
    read->failed = false;
    read->reading.is_visible = read->reading.is_unsure = false;
    if (!read->has_time || read->t != t) /* most rows are read at one t */
        lf_read_set_time(read, t);
    for (uint32_t i = 0; i < read->reading.count && read->is_judged; i++)
        read->wanted[i].is_past = read->wanted[i].is_partial = false;
    read->is_judged = read->has_bytes = false;
    read->open = read->stream_count;
    for (uint32_t i = 0; i < read->stream_count; i++) {
        struct lf_stream *stream = &read->streams[i];

        stream->next = 0;
        look_ahead(read, stream);
        for (uint32_t j = 0; j < read->plan->state_count; j++)
            if (stream->steps[j].acc)
                lf_acc_clear(&stream->accs.accs[j]);
    }
}

void
lf_read_next(struct lf_read *read, struct lf_stream *stream)
{
    lf_read_answer(read, stream->order[stream->next++]);
    look_ahead(read, stream);
}

void
lf_read_window(struct lf_read *read, struct lf_stream *stream)
{
    int64_t from = stream->from;

    do
        lf_read_answer(read, stream->order[stream->next++]);
    while (stream->next < stream->count &&
           read->wanted[stream->order[stream->next]].from == from);
    look_ahead(read, stream);
}

static enum lf_tile_status
end_read(struct lf_read *read)
{
    for (uint32_t i = 0; i < read->stream_count; i++) {
        struct lf_stream *stream = &read->streams[i];

        while (stream->next < stream->count)
            lf_read_window(read, stream);
        for (uint32_t j = 0; j < read->plan->state_count; j++)
            if (stream->steps[j].acc)
                read->failed |= stream->accs.accs[j].failed;
    }
    if (read->failed)
        return LF_TILE_MEMORY;
    for (uint32_t i = 0; i < read->reading.count && read->has_bytes; i++)
        if (read->reading.answers[i].kind == LF_ANSWER_VALUE &&
            !read->wanted[i].counted)
            read->reading.answers[i].bytes =
                read->out.data ? read->out.data + read->offsets[i] : NULL;
    return LF_TILE_OK;
}

/* One event, or some whose ts are from ts to last. */
struct piece {
    int64_t ts;
    int64_t last;
    uint64_t count;
    const struct lf_tile_event *event; /* one that is not in a row */
    bool is_latest;                    /* of all commits */
    bool has_inputs;
    const struct lf_entry *entry;
};

static bool
fold_states(const struct lf_read *read, struct lf_stream *stream,
            const uint8_t *bytes, uint32_t size, int64_t base, uint64_t count,
            bool lifetime)
{
    const struct lf_tile_plan *plan = read->plan;
    size_t sizes = lf_sizes_size(read->measure.states[lifetime]);
    struct lf_bytes_in in = {bytes + sizes, bytes + size}, state;
    uint32_t which = 0;
    uint64_t beside;

    if (size < sizes)
        return false;
    for (uint32_t i = 0; i < plan->state_count; i++) {
        if (lifetime && !plan->states[i].is_lifetime)
            continue;
        if (!lf_state_take(bytes, which++, &in, &read->measure, &state,
                           &beside))
            return false;
        if (stream->steps[i].acc &&
            ((beside && !lf_beside_get(read->measure.wide, beside, &state)) ||
             !lf_acc_add_bytes(&stream->accs.accs[i], &state, base, count,
                               true)))
            return false;
    }
    return true;
}

/* The same for short states of a tile, behind which the row goes on. */
static bool
fold_tile(const struct lf_read *read, struct lf_stream *stream,
          const struct piece *piece)
{
    const struct lf_entry *entry = piece->entry;
    uint32_t states = read->plan->state_count;
    const uint8_t *at = entry->bytes + lf_sizes_size(states);
    bool is_sound = true;
    uint64_t sizes;

    if (states - 1 >= LF_FOLD_STATES ||
        read->end - (entry->bytes + entry->size) < LF_FOLD_ROOM ||
        !lf_sizes_load(entry->bytes, states, &sizes))
        return fold_states(read, stream, entry->bytes, entry->size, piece->ts,
                           piece->count, false);
    for (const struct lf_step *step = stream->steps, *end = step + states;
         step < end; step++, sizes >>= 4) {
        size_t size = sizes & 15;

        if (step->acc)
            is_sound &= lf_acc_fold(step->acc, step->op, at, size, piece->ts,
                                    piece->count, true);
        at += size;
    }
    return is_sound;
}

static bool
load_inputs(struct lf_read *read, struct piece *piece)
{
    struct lf_bytes_in in;

    if (piece->has_inputs)
        return true;
    piece->has_inputs = true;
    if (piece->event) {
        lf_inputs_of_event(&read->inputs, read->plan, piece->event);
        return true;
    }
    in = (struct lf_bytes_in){piece->entry->bytes,
                              piece->entry->bytes + piece->entry->size};
    read->inputs.ts = piece->ts;
    return lf_inputs_get(&read->inputs, read->plan, &in);
}

static bool
fold_piece(struct lf_read *read, struct lf_stream *stream, struct piece *piece)
{
    if (piece->count > 1)
        return fold_tile(read, stream, piece);
    if (!load_inputs(read, piece))
        return false;
    for (uint32_t i = 0; i < read->plan->state_count; i++)
        if (stream->steps[i].acc)
            lf_acc_fold_event(stream->steps[i].acc, stream->steps[i].op,
                              &read->inputs, !piece->is_latest);
    return true;
}

/* What cuts through a piece cannot be told; where the feature lacks events
 * anyway, those of the piece are among them. */
static void
answer_cut(struct lf_read *read, struct lf_stream *stream)
{
    struct lf_wanted *wanted = &read->wanted[stream->order[stream->next]];

    wanted->is_past |= !wanted->is_partial;
    read->is_judged = true;
    lf_read_next(read, stream);
}

/* Answers what lies after a piece. */
static void
leave(struct lf_read *read, struct lf_stream *stream, const struct piece *piece)
{
    while (stream->from > piece->ts) {
        if (stream->from <= piece->last && piece->ts < stream->to)
            answer_cut(read, stream);
        else
            lf_read_next(read, stream);
    }
}

static bool
pass_stream(struct lf_read *read, struct lf_stream *stream, struct piece *piece)
{
    if (stream->from > piece->ts)
        leave(read, stream, piece);
    if (stream->next == stream->count || piece->ts >= stream->to)
        return true;
    if (piece->last < stream->to)
        return fold_piece(read, stream, piece);
    read->is_judged = true;
    while (stream->next < stream->count) {
        read->wanted[stream->order[stream->next]].is_past = true;
        lf_read_next(read, stream);
    }
    return true;
}

/* A window has all of a piece, or some of its events, or none. */
static bool
has_all(const struct piece *piece, int64_t from, int64_t to, bool *has_some)
{
    *has_some |= piece->last >= from && piece->ts < to;
    return piece->ts >= from && piece->last < to;
}

/* t may cut a tile: which of its events are before t, nobody knows. */
static void
see(struct lf_read *read, const struct piece *piece, int64_t t)
{
    bool has_some = false;

    if (read->plan->shows_lifetime)
        read->reading.is_visible = has_all(piece, INT64_MIN, t, &has_some);
    for (uint32_t i = 0; i < read->visible_count; i++)
        read->reading.is_visible |= has_all(piece, read->bounds[2 * i],
                                            read->bounds[2 * i + 1], &has_some);
    read->reading.is_unsure |= has_some && !read->reading.is_visible;
}

/* Takes up a piece; pieces come newest first. *is_done: older ones can change
 * nothing. False: damage. */
static bool
pass(struct lf_read *read, struct piece *piece, int64_t t, bool *is_done)
{
    struct lf_reading *reading = &read->reading;

    if (!reading->is_visible)
        see(read, piece, t);
    for (uint32_t i = 0; i < read->stream_count; i++)
        if (!pass_stream(read, &read->streams[i], piece))
            return false;
    *is_done = reading->is_visible && read->open == 0;
    return true;
}

static bool
pass_event(struct lf_read *read, const struct lf_tile_event *event,
           bool is_latest, int64_t t, bool *is_done)
{
    struct piece piece = {.ts = event->ts,
                          .last = event->ts,
                          .count = 1,
                          .event = event,
                          .is_latest = is_latest};

    return pass(read, &piece, t, is_done);
}

/* Whether a window of the plan, asked for or not, reaches what went before its
 * feature came. */
static bool
may_lack(const struct lf_read *read, const struct lf_body *body, int64_t t)
{
    const struct lf_tile_plan *plan = read->plan;

    for (uint32_t i = 0; body->mark_count && i < plan->feature_count; i++) {
        const struct lf_tile_feature *feature = &plan->features[i];
        int64_t mark = lf_body_mark(body, feature->since), from, to;

        lf_window_bounds(&feature->feature->aggregate->window, plan->zone, t,
                         &from, &to);
        if (!feature->is_retired && mark > INT64_MIN && from <= mark)
            return true;
    }
    return false;
}

static enum lf_tile_status
read_body(struct lf_read *read, struct lf_body *body, int64_t wm, int64_t t,
          const struct lf_tile_event *extra)
{
    uint32_t ends = body->has_edges ? read->plan->level_count - 1 : 1;
    struct lf_entry entry;
    bool is_done = false;

    if (extra && body->barrier > INT64_MIN && extra->ts <= body->barrier)
        extra = NULL; /* as one that is late */
    while (!is_done) {
        struct piece piece;

        if (read->has_runs && !extra) {
            if (!lf_read_run(read, body))
                return LF_TILE_CORRUPT;
            if (read->reading.is_visible && read->open == 0)
                break;
        }
        if (!lf_body_next(body, &read->measure, &entry))
            break;
        piece = (struct piece){
            .ts = entry.start,
            .last = lf_entry_last(read->plan, &entry, body->edges, ends),
            .count = entry.count,
            .entry = &entry};
        if (piece.last > wm)
            piece.last = wm;
        if (extra && extra->ts >= piece.last) {
            if (!pass_event(read, extra, true, t, &is_done))
                return LF_TILE_CORRUPT;
            extra = NULL;
        }
        if (!pass(read, &piece, t, &is_done))
            return LF_TILE_CORRUPT;
    }
    if (body->is_damaged)
        return LF_TILE_CORRUPT;
    if (extra && !pass_event(read, extra, true, t, &is_done))
        return LF_TILE_CORRUPT;
    return LF_TILE_OK;
}

/* What left the windows is the oldest of all. */
static enum lf_tile_status
read_lifetime(struct lf_read *read, const struct lf_body *body)
{
    for (uint32_t i = 0; body->lifetime_count && i < read->stream_count; i++) {
        struct lf_stream *stream = &read->streams[i];

        if (stream->tumble)
            continue;
        while (stream->next < stream->count &&
               read->wanted[stream->order[stream->next]]
                       .feature->aggregate->window.kind != LF_LIFETIME)
            lf_read_next(read, stream);
        if (stream->next < stream->count &&
            !fold_states(read, stream, body->lifetime, body->lifetime_size, 0,
                         body->lifetime_count, true))
            return LF_TILE_CORRUPT;
    }
    return LF_TILE_OK;
}

enum lf_tile_status
lf_reading_row(struct lf_reading *reading, const uint8_t *bytes, size_t size,
               int64_t wm, int64_t t, const struct lf_tile_event *extra)
{
    struct lf_read *read = (struct lf_read *)reading;
    enum lf_tile_status status;
    struct lf_body body;
    bool is_done;

    begin_read(read, t);
    if (!bytes) {
        if (extra && !pass_event(read, extra, true, t, &is_done))
            return LF_TILE_CORRUPT;
        return end_read(read);
    }
    if (!lf_body_open(&body, &read->measure, bytes, size, wm))
        return LF_TILE_CORRUPT;
    read->end = bytes + size;
    lf_read_judge(read, &body, wm, t);
    status = read_body(read, &body, wm, t, extra);
    if (!status)
        status = read_lifetime(read, &body);
    reading->is_visible |= body.lifetime_count && read->plan->shows_lifetime;
    reading->is_unsure = !reading->is_visible &&
                         (reading->is_unsure || may_lack(read, &body, t));
    return status ? status : end_read(read);
}

enum lf_tile_status
lf_reading_events(struct lf_reading *reading,
                  const struct lf_tile_event *events, size_t count, int64_t t)
{
    struct lf_read *read = (struct lf_read *)reading;
    bool is_done = false;

    begin_read(read, t);
    while (count > 0 && !is_done)
        if (!pass_event(read, &events[--count], false, t, &is_done))
            return LF_TILE_CORRUPT;
    return end_read(read);
}

/* --- parts of events that were kept ----------------------------------------*/

/* Whether each stream wants all of a block or nothing of it. */
static bool
is_whole(struct lf_read *read, const struct lf_span *block)
{
    for (uint32_t i = 0; i < read->stream_count; i++) {
        struct lf_stream *stream = &read->streams[i];

        while (stream->next < stream->count && stream->from > block->last)
            lf_read_next(read, stream);
        if (stream->next < stream->count && block->first < stream->to &&
            (block->first < stream->from || block->last >= stream->to))
            return false;
    }
    return true;
}

static bool
fold_span(struct lf_read *read, const struct lf_span *block, uint64_t count)
{
    const struct lf_entry entry = {.start = block->first,
                                   .count = count,
                                   .bytes = read->spans.bytes.data + block->at,
                                   .size = block->size};
    const struct piece piece = {.ts = block->first,
                                .last = block->last,
                                .count = count,
                                .entry = &entry};

    for (uint32_t i = 0; i < read->stream_count; i++) {
        struct lf_stream *stream = &read->streams[i];

        if (stream->next < stream->count && block->first < stream->to &&
            !fold_tile(read, stream, &piece))
            return false;
    }
    return true;
}

/* Takes the largest block that ends before event `end`, and begins at first or
 * later: how many events; 0: the event alone has to be looked at. */
static size_t
pass_block(struct lf_read *read, size_t first, size_t end, int64_t t,
           bool *is_sound)
{
    const struct lf_span *best = NULL;
    size_t size = 1, found = 0;

    for (uint32_t i = 0; i < LF_SPAN_LEVELS; i++) {
        const struct lf_span *block;

        size *= LF_SPAN;
        if (end % size || end - first < size ||
            end / size > lf_spans_count(&read->spans, i))
            break;
        block = lf_spans_at(&read->spans, i, end / size - 1);
        if (!is_whole(read, block) || !lf_span_look(read, block, t))
            break;
        best = block;
        found = size;
    }
    *is_sound = !best || fold_span(read, best, found);
    return found;
}

enum lf_tile_status
lf_read_part(struct lf_read *read, size_t first, size_t count, int64_t t)
{
    struct lf_reading *reading = &read->reading;
    const struct lf_spans *spans = &read->spans;
    size_t end = first + count, size;
    bool is_done = false, is_sound;

    begin_read(read, t);
    read->end = spans->bytes.data + spans->bytes.size;
    while (end > first && !is_done) {
        size = pass_block(read, first, end, t, &is_sound);
        if (size)
            is_done = reading->is_visible && read->open == 0;
        else
            is_sound =
                pass_event(read, &spans->events[end - 1], false, t, &is_done);
        if (!is_sound)
            return LF_TILE_CORRUPT;
        end -= size ? size : 1;
    }
    return end_read(read);
}
