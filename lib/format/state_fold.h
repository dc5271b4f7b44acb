/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loop of reads and of merging: states in bytes into accumulators,
 * with a short way for plain numbers. For state*.c alone. */
#ifndef LF_FORMAT_STATE_FOLD_H
#define LF_FORMAT_STATE_FOLD_H

#include "format/limbs.h"
#include "format/state_parts.h"

#define LF_FOLD_ROOM 16 /* bytes behind a state that may be read */

#define LF_FOLD_STATES 16

/* The sizes of up to LF_FOLD_STATES states, 4 bits each, if all are below
 * LF_SIZE_MORE. 8 bytes can be read. */
static inline bool
lf_sizes_load(const uint8_t *at, uint32_t states, uint64_t *sizes)
{
    uint64_t all = lf_load_u64(at) & UINT64_MAX >> (64 - 4 * states);

    *sizes = all;
    return !(all & all >> 1 & all >> 2 & all >> 3 &
             UINT64_C(0x1111111111111111));
}

static inline size_t
lf_sizes_sum(uint64_t sizes)
{
    uint64_t mask = UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t pairs = (sizes & mask) + (sizes >> 4 & mask);

    return (size_t)(pairs * UINT64_C(0x0101010101010101) >> 56);
}

/* A number of at most 8 bytes; as many can be read. */
static inline uint64_t
lf_word_peek(const uint8_t *at, size_t size)
{
    static const uint64_t masks[] = {
        0,
        0xff,
        0xffff,
        0xffffff,
        0xffffffff,
        UINT64_C(0xffffffffff),
        UINT64_C(0xffffffffffff),
        UINT64_C(0xffffffffffffff),
        UINT64_MAX,
    };

    return lf_load_u64(at) & masks[size];
}

/* Of a number that is smaller, or larger; order: how they compare. */
static inline void
lf_fold_integer(struct lf_acc *acc, int64_t number, bool is_least)
{
    int64_t *best = &acc->items[0].value.integer;

    if (!acc->count || (is_least ? number < *best : number > *best))
        *best = number;
    acc->count = 1;
}

static inline void
lf_fold_double(struct lf_acc *acc, double number, bool is_least)
{
    double *best = &acc->items[0].value.real;

    if (!acc->count || (is_least ? number < *best : number > *best))
        *best = number;
    acc->count = 1;
}

/* Whether bits are those of a double as it is stored. */
static inline bool
lf_fold_is_number(uint64_t bits)
{
    return (bits >> 52 & 0x7ff) != 0x7ff && bits != UINT64_C(1) << 63;
}

/* False: no number that has a place in an order. */
static inline bool
lf_fold_bits(struct lf_acc *acc, uint64_t bits, bool is_least)
{
    double number;

    memcpy(&number, &bits, sizeof number);
    if (!lf_fold_is_number(bits))
        return false;
    lf_fold_double(acc, number, is_least);
    return true;
}

/* Folds a state of size bytes, LF_SIZE_MORE - 1 at most. LF_FOLD_ROOM bytes can
 * be read. */
static inline bool
lf_acc_fold(struct lf_acc *acc, enum lf_acc_op op, const uint8_t *at,
            size_t size, int64_t base, uint64_t events, bool before)
{
    struct lf_bytes_in in = {at, at + size};
    uint64_t word;

    if (size <= 8 && op < LF_OP_REAL_SUM) {
        word = lf_word_peek(at, size);
        switch (op) {
        case LF_OP_COUNT:
            acc->count += events - word;
            return word <= events;
        case LF_OP_SUM:
            lf_sum_add(&acc->sum, lf_unzigzag(word));
            return true;
        case LF_OP_LEAST:
            if (size)
                lf_fold_integer(acc, lf_unzigzag(word), true);
            return true;
        case LF_OP_MOST:
            if (size)
                lf_fold_integer(acc, lf_unzigzag(word), false);
            return true;
        case LF_OP_REAL_LEAST:
            return !size || (size == 8 && lf_fold_bits(acc, word, true));
        default:
            return !size || (size == 8 && lf_fold_bits(acc, word, false));
        }
    }
    if (op == LF_OP_REAL_SUM && size &&
        lf_fixed_add_short(&acc->real_sum.limbs, acc->real_sum.limb, at, size))
        return true;
    return lf_acc_add_bytes(acc, &in, base, events, before);
}

/* Adds an event, as lf_acc_add does. */
static inline void
lf_acc_fold_event(struct lf_acc *acc, enum lf_acc_op op,
                  const struct lf_inputs *inputs, bool before)
{
    const struct lf_tile_state *state = acc->state;
    const struct lf_tile_value *value;

    if (op == LF_OP_OTHER) {
        lf_acc_add(acc, inputs, before);
        return;
    }
    if ((state->condition != LF_TILE_NONE &&
         !inputs->holds[state->condition]) ||
        (state->input != LF_TILE_NONE && !inputs->has[state->input]))
        return;
    if (op == LF_OP_COUNT) {
        acc->count++;
        return;
    }
    value = &inputs->values[state->input];
    if (op == LF_OP_SUM)
        lf_sum_add(&acc->sum, value->integer);
    else if (op == LF_OP_REAL_SUM)
        lf_real_sum_add(&acc->real_sum, value->real);
    else if (op == LF_OP_LEAST || op == LF_OP_MOST)
        lf_fold_integer(acc, value->integer, op == LF_OP_LEAST);
    else
        lf_fold_double(acc, value->real, op == LF_OP_REAL_LEAST);
}

#endif
