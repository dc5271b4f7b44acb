/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a row: what is before its entries, and the entries.
 *
 * Owns their bytes, newest entry first, told as steps back from the newest ts.
 * Keeps one form for each state: docs/format.md, "Window state".
 * Never reads past the end of a body, nor believes a number in it.
 */
#include "format/state_fold.h"

#include "base/alloc.h"
#include "base/bits.h"

#define FULL_PARTS                                                          \
    (LF_PART_MARKS | LF_PART_COVERED | LF_PART_BARRIER | LF_PART_LIFETIME | \
     LF_PART_EDGES)

/* --- all states ------------------------------------------------------------*/

bool
lf_accs_init(struct lf_accs *accs, const struct lf_tile_plan *plan)
{
    accs->plan = plan;
    accs->events = 0;
    accs->states[0] = plan->state_count;
    accs->states[1] = 0;
    accs->accs = lf_alloc_array(plan->state_count + 1, sizeof *accs->accs);
    for (uint32_t i = 0; accs->accs && i < plan->state_count; i++) {
        if (!lf_acc_init(&accs->accs[i], plan, i))
            return false;
        accs->states[1] += plan->states[i].is_lifetime;
    }
    return accs->accs != NULL;
}

void
lf_accs_free(struct lf_accs *accs)
{
    for (uint32_t i = 0; accs->accs && i < accs->plan->state_count; i++)
        lf_acc_free(&accs->accs[i]);
    lf_free(accs->accs);
    accs->accs = NULL;
}

void
lf_accs_clear(struct lf_accs *accs)
{
    accs->events = 0;
    for (uint32_t i = 0; i < accs->plan->state_count; i++)
        lf_acc_clear(&accs->accs[i]);
}

bool
lf_accs_add_states(struct lf_accs *accs, const uint8_t *bytes, uint32_t size,
                   int64_t base, uint64_t events, bool lifetime, bool before)
{
    const struct lf_tile_plan *plan = accs->plan;
    size_t sizes = lf_sizes_size(accs->states[lifetime]);
    struct lf_bytes_in in = {bytes + sizes, bytes + size}, state;
    uint32_t which = 0;
    uint64_t beside;

    if (size < sizes)
        return false;
    accs->events += events;
    for (uint32_t i = 0; i < plan->state_count; i++)
        if ((!lifetime || plan->states[i].is_lifetime) &&
            (!lf_state_take(bytes, which++, &in, accs, &state, &beside) ||
             (beside && !lf_beside_get(accs->wide, beside, &state)) ||
             !lf_acc_add_bytes(&accs->accs[i], &state, base, events, before)))
            return false;
    return in.at == in.end;
}

void
lf_accs_add_inputs(struct lf_accs *accs, const struct lf_inputs *inputs,
                   bool before)
{
    accs->events++;
    for (uint32_t i = 0; i < accs->plan->state_count; i++)
        lf_acc_add(&accs->accs[i], inputs, before);
}

/* Notes the size of a state whose bytes begin at `begin`; wide ones go beside the
 * row. */
static bool
put_size(struct lf_accs *accs, struct lf_buffer *to, uint8_t *sizes,
         uint32_t which, size_t begin)
{
    size_t size = to->size - begin, place = (size_t)(sizes - to->data), stays;
    uint8_t more[LF_VARINT_MAX];
    size_t more_size;

    if (size < LF_SIZE_MORE) {
        sizes[which / 2] |= (uint8_t)(size << (which % 2 * 4));
        return true;
    }
    if (accs->wide && size >= LF_BESIDE_FROM &&
        !lf_beside_put(accs->wide, to, begin))
        return false;
    stays = to->size - begin;
    more_size = (size_t)(lf_varint_put(more, size - LF_SIZE_MORE) - more);
    if (!lf_buffer_extend(to, more_size))
        return false;
    memmove(to->data + begin + more_size, to->data + begin, stays);
    memcpy(to->data + begin, more, more_size);
    to->data[place + which / 2] |= (uint8_t)(LF_SIZE_MORE << (which % 2 * 4));
    return true;
}

bool
lf_accs_put(struct lf_accs *accs, int64_t base, bool lifetime,
            struct lf_buffer *to)
{
    const struct lf_tile_plan *plan = accs->plan;
    size_t sizes = lf_sizes_size(accs->states[lifetime]), at = to->size;
    uint32_t which = 0;

    if (sizes && !lf_buffer_extend(to, sizes))
        return false;
    if (sizes)
        memset(to->data + at, 0, sizes);
    for (uint32_t i = 0; i < plan->state_count; i++) {
        struct lf_acc *acc = &accs->accs[i];
        size_t begin = to->size;

        if (lifetime && !plan->states[i].is_lifetime)
            continue;
        if (acc->failed || !lf_acc_encode(acc, base, accs->events, to) ||
            (to->size > begin &&
             !put_size(accs, to, to->data + at, which, begin)))
            return false;
        which++;
    }
    return true;
}

/* Moves past as many states; false: damage. */
static bool
skip_states(const struct lf_accs *accs, uint32_t count, struct lf_bytes_in *in)
{
    const uint8_t *sizes = in->at;
    struct lf_bytes_in state;
    uint64_t packed, beside;

    if (count - 1 < LF_FOLD_STATES && in->end - in->at >= 8 &&
        lf_sizes_load(in->at, count, &packed)) {
        size_t size = lf_sizes_size(count) + lf_sizes_sum(packed);

        in->at += size;
        return size <= (size_t)(in->end - sizes);
    }
    if ((size_t)(in->end - in->at) < lf_sizes_size(count))
        return false;
    in->at += lf_sizes_size(count);
    for (uint32_t i = 0; i < count; i++)
        if (!lf_state_take(sizes, i, in, accs, &state, &beside))
            return false;
    return true;
}

static bool
skip_inputs(const struct lf_tile_plan *plan, struct lf_bytes_in *in)
{
    uint32_t conditions = plan->condition_count;
    size_t size = lf_bits_size(conditions + plan->input_count);
    const uint8_t *bits = in->at;
    struct lf_tile_value value;

    if ((size_t)(in->end - in->at) < size)
        return false;
    in->at += size;
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (lf_bit_get(bits, conditions + i) &&
            plan->inputs[i].column != LF_TIME_COLUMN &&
            !lf_value_get(&plan->inputs[i], &value, in))
            return false;
    return true;
}

/* --- before the entries ----------------------------------------------------*/

bool
lf_time_get(struct lf_bytes_in *in, int64_t wm, int64_t *time)
{
    uint64_t value;

    if (!lf_in_varint(in, &value))
        return false;
    *time = (int64_t)((uint64_t)wm - (uint64_t)lf_unzigzag(value));
    return true;
}

bool
lf_time_put(struct lf_buffer *to, int64_t wm, int64_t time)
{
    return lf_put_varint(to,
                         lf_zigzag((int64_t)((uint64_t)wm - (uint64_t)time)));
}

static bool
get_marks(struct lf_body *body, int64_t wm)
{
    uint64_t count = 0, version = 0;

    if (!lf_in_varint(&body->in, &count) || count == 0 ||
        count > LF_MARKS_MAX || !lf_in_varint(&body->in, &version) ||
        version > body->plan->version)
        return false;
    body->base = (uint16_t)version;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t step = 0;

        if (!lf_in_varint(&body->in, &step) || step == 0 ||
            step > body->plan->version - version)
            return false;
        version += step;
        body->marks[i].version = (uint16_t)version;
        if (!lf_time_get(&body->in, wm, &body->marks[i].wm))
            return false;
    }
    body->mark_count = (uint32_t)count;
    return true;
}

static bool
get_lifetime(struct lf_body *body, const struct lf_accs *accs)
{
    if (!lf_in_varint(&body->in, &body->lifetime_count) ||
        body->lifetime_count == 0)
        return false;
    body->lifetime = body->in.at;
    if (!skip_states(accs, accs->states[1], &body->in))
        return false;
    body->lifetime_size = (uint32_t)(body->in.at - body->lifetime);
    return true;
}

bool
lf_body_open(struct lf_body *body, const struct lf_accs *accs,
             const uint8_t *bytes, size_t size, int64_t wm)
{
    uint64_t parts = 0;

    body->plan = accs->plan;
    body->base = accs->plan->version;
    body->mark_count = 0;
    body->covered = INT64_MIN;
    body->barrier = INT64_MIN;
    body->has_edges = false;
    body->edges[0] = lf_tile_bound(body->plan, 0, wm);
    body->lifetime_count = 0;
    body->lifetime = NULL;
    body->lifetime_size = 0;
    body->last = wm;
    body->last_level = LF_TILE_NONE;
    body->is_damaged = false;
    body->in = (struct lf_bytes_in){bytes, bytes + size};
    if (size > LF_ROW_SIZE_LIMIT || !lf_in_varint(&body->in, &parts))
        return false;
    if (accs->wide && parts & LF_PART_WIDE) {
        accs->wide->is_used = true;
        parts -= LF_PART_WIDE;
    }
    if (parts & ~(uint64_t)FULL_PARTS)
        return false;
    return (!(parts & LF_PART_MARKS) || get_marks(body, wm)) &&
           (!(parts & LF_PART_COVERED) ||
            lf_time_get(&body->in, wm, &body->covered)) &&
           (!(parts & LF_PART_BARRIER) ||
            lf_time_get(&body->in, wm, &body->barrier)) &&
           (!(parts & LF_PART_LIFETIME) || get_lifetime(body, accs)) &&
           (!(parts & LF_PART_EDGES) || lf_edges_get(body, wm));
}

bool
lf_body_put(const struct lf_body *body, int64_t wm, struct lf_buffer *to)
{
    uint64_t parts = (body->mark_count ? LF_PART_MARKS : 0) |
                     (body->covered > INT64_MIN ? LF_PART_COVERED : 0) |
                     (body->barrier > INT64_MIN ? LF_PART_BARRIER : 0) |
                     (body->lifetime_count ? LF_PART_LIFETIME : 0) |
                     (body->has_edges ? LF_PART_EDGES : 0);
    uint16_t version = body->base;

    if (!lf_put_varint(to, parts) ||
        (body->mark_count &&
         (!lf_put_varint(to, body->mark_count) || !lf_put_varint(to, version))))
        return false;
    for (uint32_t i = 0; i < body->mark_count; i++) {
        const struct lf_mark *mark = &body->marks[i];

        if (!lf_put_varint(to, (uint64_t)(mark->version - version)) ||
            !lf_time_put(to, wm, mark->wm))
            return false;
        version = mark->version;
    }
    return (body->covered == INT64_MIN || lf_time_put(to, wm, body->covered)) &&
           (body->barrier == INT64_MIN || lf_time_put(to, wm, body->barrier)) &&
           (!body->lifetime_count ||
            (lf_put_varint(to, body->lifetime_count) &&
             (!body->lifetime_size ||
              lf_buffer_append(to, body->lifetime, body->lifetime_size)))) &&
           (!body->has_edges || lf_edges_put(body, wm, to));
}

int64_t
lf_body_mark(const struct lf_body *body, uint16_t since)
{
    if (since <= body->base)
        return INT64_MIN;
    for (uint32_t i = 0; i < body->mark_count; i++)
        if (body->marks[i].version >= since)
            return body->marks[i].wm;
    return INT64_MIN;
}

/* --- entries ---------------------------------------------------------------*/

__extension__ typedef unsigned __int128 wide;

#define HEAD_MAX 24 /* bytes of an entry before its states */

static bool
get_head(struct lf_bytes_in *in, wide *head)
{
    uint64_t word;
    wide sum = 0;

    if (in->at < in->end && *in->at < 128) {
        *head = *in->at++;
        return true;
    }
    if (in->end - in->at >= 8 && lf_varint_peek(&in->at, &word)) {
        *head = word;
        return true;
    }
    for (unsigned shift = 0; in->at < in->end && shift < 84; shift += 7) {
        uint8_t byte = *in->at++;

        sum |= (wide)(byte & 127) << shift;
        if (byte < 128) {
            *head = sum;
            return true;
        }
    }
    return false;
}

static uint8_t *
put_head(uint8_t *to, wide head)
{
    for (; head >= 128; head >>= 7)
        *to++ = (uint8_t)(head | 128);
    *to++ = (uint8_t)head;
    return to;
}

/* The tile of a level that a time lies in, which is begun by it where it is the
 * start of a tile of that level. */
static int64_t
grid_point(const struct lf_tile_plan *plan, uint32_t level, uint32_t of,
           int64_t time)
{
    return of == level ? time
                       : lf_tile_start(time, plan->hops[level], plan->zone);
}

/* The tile so many hops before that of last; one that begins below int64 begins
 * at its end. */
static bool
step_back(const struct lf_body *body, uint32_t level, uint64_t step,
          int64_t *start)
{
    const struct lf_tile_plan *plan = body->plan;
    int64_t hop = plan->hops[level];
    int64_t from = grid_point(plan, level, body->last_level, body->last);
    uint64_t room = (uint64_t)from - (uint64_t)INT64_MIN, back;

    if (__builtin_mul_overflow(step, (uint64_t)hop, &back) ||
        (back > room && back - room >= (uint64_t)hop))
        return false;
    *start = back > room ? INT64_MIN : (int64_t)((uint64_t)from - back);
    return true;
}

static bool
read_head(struct lf_body *body, struct lf_entry *entry)
{
    const struct lf_tile_plan *plan = body->plan;
    uint64_t step;
    wide head;

    if (!get_head(&body->in, &head) ||
        head >> plan->level_bits > (wide)UINT64_MAX)
        return false;
    entry->level = (uint32_t)head & ((1u << plan->level_bits) - 1);
    step = (uint64_t)(head >> plan->level_bits);
    if (entry->level > plan->level_count)
        return false;
    if (entry->level < plan->level_count)
        return step_back(body, entry->level, step, &entry->start);
    if (step > (uint64_t)body->last - (uint64_t)INT64_MIN)
        return false;
    entry->start = (int64_t)((uint64_t)body->last - step);
    return true;
}

static bool
read_entry(struct lf_body *body, const struct lf_accs *accs,
           struct lf_entry *entry)
{
    struct lf_bytes_in *in = &body->in;
    uint64_t count = 1;

    if (!read_head(body, entry))
        return false;
    body->last = entry->start;
    body->last_level = entry->level;
    if (entry->level == body->plan->level_count) {
        entry->count = 1;
        entry->bytes = in->at;
        if (!skip_inputs(body->plan, in))
            return false;
    } else {
        if (!lf_in_varint(in, &count) || count > INT64_MAX)
            return false;
        entry->count = count + 2;
        entry->bytes = in->at;
        if (!skip_states(accs, accs->states[0], in))
            return false;
    }
    entry->size = (uint32_t)(in->at - entry->bytes);
    return true;
}

bool
lf_body_next(struct lf_body *body, const struct lf_accs *accs,
             struct lf_entry *entry)
{
    if (body->in.at == body->in.end)
        return false;
    body->is_damaged = !read_entry(body, accs, entry);
    return !body->is_damaged;
}

bool
lf_entry_put(const struct lf_tile_plan *plan, const struct lf_entry *entry,
             const struct lf_entry *last, struct lf_buffer *to)
{
    bool is_single = entry->level == plan->level_count;
    uint8_t *at;
    uint64_t step, hop;

    if (to->capacity - to->size < HEAD_MAX + entry->size &&
        !lf_buffer_reserve(to, 2 * to->size + HEAD_MAX + entry->size))
        return false;
    if (is_single) {
        step = (uint64_t)last->start - (uint64_t)entry->start;
    } else {
        hop = (uint64_t)plan->hops[entry->level];
        step =
            (uint64_t)grid_point(plan, entry->level, last->level, last->start) -
            (uint64_t)entry->start;
        step = step / hop + (step % hop != 0);
    }
    at = to->data + to->size;
    if (step >> (63 - plan->level_bits))
        at = put_head(at, (wide)step << plan->level_bits | entry->level);
    else
        at = lf_varint_put(at, step << plan->level_bits | entry->level);
    if (!is_single)
        at = lf_varint_put(at, entry->count - 2);
    if (entry->size)
        memcpy(at, entry->bytes, entry->size);
    to->size = (size_t)(at - to->data) + entry->size;
    return true;
}
