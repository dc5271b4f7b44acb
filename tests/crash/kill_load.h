/* SPDX-License-Identifier: Apache-2.0 */
/* What the rig of loads writes, and what it promises about versions. */
#ifndef TESTS_CRASH_KILL_LOAD_H
#define TESTS_CRASH_KILL_LOAD_H

#include <stdatomic.h>
#include <string.h>

#include "children.h"

#define KEYS      480 /* that a load may have */
#define STREAMED  160 /* the first of them are written besides */
#define PIECE     96  /* rows of one append */
#define BEGINNING INT64_C(1700000000000000)
#define ROLLBACK  3 /* every third call */
#define KEPT      3 /* versions */

enum plant { PLANT_NONE, PLANT_EARLY, PLANT_MIX, PLANT_LOSE };

/* The loads of the versions there are: the one that serves, then the others from
 * the one that was replaced last on. 0: what was there before all loads. */
struct order {
    uint64_t loads[1 + KEPT];
    uint32_t count;
};

struct board {
    struct order orders[2]; /* after call n: n % 2 */
    _Atomic(uint64_t) call; /* of the loader, that was begun last */
    _Atomic(uint64_t) told; /* that was acknowledged */
    _Atomic(uint64_t) row;  /* of the writer */
    _Atomic(uint64_t) row_told;
    _Atomic(uint64_t) durable; /* row that the feed had in the last round */
    _Atomic(uint64_t) read;    /* sequence up to which the feed was looked at */
    _Atomic(uint64_t) loads, rollbacks, older, again, discarded;
    _Atomic(uint64_t) lost, torn, beyond, unknown, findings;
};

struct rig {
    struct board *board;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16];
    bool has_history;
    bool verifies;
    enum plant plant;
    uint32_t spread;
    uint64_t dice;
};

/* What there is when a load serves. */
static inline struct order
after_load(const struct order *before, uint64_t load)
{
    struct order after = {.loads = {load}, .count = before->count + 1};

    if (after.count > 1 + KEPT)
        after.count = 1 + KEPT;
    memcpy(after.loads + 1, before->loads,
           (after.count - 1) * sizeof *after.loads);
    return after;
}

/* What there is when the one at a place serves. */
static inline struct order
after_rollback(const struct order *before, uint32_t at)
{
    struct order after = *before;

    memcpy(after.loads + 1, before->loads, at * sizeof *after.loads);
    after.loads[0] = before->loads[at];
    return after;
}

/* --- what is written -------------------------------------------------------------- */

static inline bool /* each load lacks an eighth of the keys */
is_in_load(uint64_t load, uint64_t key)
{
    return scramble(load, key) % 8 != 0;
}

static inline void
set_rows(feature_batch *batch, const int64_t *keys, const int64_t *versions,
         const int64_t *streamed, const int64_t *times, uint32_t rows)
{
    well(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, rows,
                           E));
    well(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, versions, NULL, NULL,
                           rows, E));
    well(feature_batch_set(batch, 2, FEATURE_TYPE_INT64, streamed, NULL, NULL,
                           rows, E));
    if (times)
        well(feature_batch_set(batch, 3, FEATURE_TYPE_TIMESTAMP, times, NULL,
                               NULL, rows, E));
}

/* Keys [from, from + PIECE) of a load, every other load from the last to the first. */
static inline void
fill_piece(feature_batch *batch, uint64_t load, uint64_t from)
{
    int64_t keys[PIECE], versions[PIECE], zeros[PIECE] = {0}, times[PIECE];
    uint32_t rows = 0;

    for (uint64_t i = from; i < from + PIECE; i++) {
        uint64_t key = load % 2 ? i : KEYS - 1 - i;

        if (!is_in_load(load, key))
            continue;
        keys[rows] = (int64_t)key;
        versions[rows] = (int64_t)load;
        times[rows] = BEGINNING + (int64_t)load;
        rows++;
    }
    set_rows(batch, keys, versions, zeros, times, rows);
}

#endif
