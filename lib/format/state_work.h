/* SPDX-License-Identifier: Apache-2.0 */
/* The state under way, for those parts of state*.c that change it. */
#ifndef LF_FORMAT_STATE_WORK_H
#define LF_FORMAT_STATE_WORK_H

#include "format/state_parts.h"

#define LF_TILE_TRY(call)                     \
    do {                                      \
        enum lf_tile_status lf_try_ = (call); \
        if (lf_try_)                          \
            return lf_try_;                   \
    } while (0)

/* Bytes that stay until the next key. */
struct lf_pool {
    struct lf_pool_chunk *first;
    struct lf_pool_chunk *at;
};

struct lf_entries {
    struct lf_entry *items;
    size_t count;
    size_t room;
};

struct lf_state {
    const struct lf_tile_plan *plan;
    int64_t wm;
    int64_t *bounds; /* of the levels at wm */
    struct lf_body body;
    bool is_settled;
    bool is_tidy; /* old is as the level rule had it at tidy_bounds */
    int64_t *tidy_bounds;
    struct lf_entries
        old; /* settled ones, oldest first; before them: body.in */
    struct lf_entries added; /* later commits, in any order */
    struct lf_entries made;
    struct lf_accs accs;
    struct lf_inputs inputs;
    struct lf_buffer scratch;
    struct lf_buffer other;
    struct lf_pool pool;
    struct lf_state *previous; /* of an older plan, for lf_state_replan */
};

/* A copy of bytes, or NULL. */
uint8_t *lf_pool_copy(struct lf_pool *pool, const uint8_t *bytes, size_t size);
/* One more entry, or NULL. */
struct lf_entry *lf_entries_add(struct lf_entries *entries);

/* The last microsecond that an entry can hold. */
static inline int64_t
lf_state_last(const struct lf_state *state, const struct lf_entry *entry)
{
    return lf_entry_last(state->plan, entry, state->bounds,
                         state->plan->level_count - 1);
}

/* Where levels end at wm. */
void lf_state_set_bounds(struct lf_state *state);

/* Tiles of an older plan, coarser than a level, hold events up to edge, which is
 * on the grid of that level: raises it, never lowers it. */
void lf_state_set_edge(struct lf_state *state, uint32_t level, int64_t edge);

/* Leaves out edges to which the rule has come: one of wm alone. */
void lf_state_forget_edges(struct lf_state *state);

/* Takes up stored entries, newest first, until two of them begin at or before a
 * time; INT64_MIN: all. Older ones stay bytes, as which they are written again. */
enum lf_tile_status lf_state_pull(struct lf_state *state, int64_t until);

/* Entries as the level rule has them at wm: old and added become old. */
enum lf_tile_status lf_state_settle(struct lf_state *state);

#endif
