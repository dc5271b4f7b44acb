/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one key of a windowed view: the body of its row, behind the
 * 16-byte header whose event_timestamp is wm, the newest ts applied. The bytes
 * follow from the events alone, in commit order where ts are equal; never from
 * the order of arrival or how writes were cut. See docs/format.md.
 *
 * How the store writes: a `struct lf_state` per plan, used for key after key.
 *
 *     lf_state_begin(state)                              no row, or
 *     lf_state_load(state, body, size, wm)               a row of the same
 *         schema version, or
 *     lf_state_replan(state, old_plan, body, size, wm)   one of an older, or
 *     lf_state_bury(state, tombstone's time)             a tombstone
 *     lf_state_apply(state, events, count, outcomes), lf_state_retract, ...
 *     lf_state_encode(state, buffer), lf_state_wm(state)
 *
 * How it reads: a `struct lf_reading` per plan and list of features; its
 * plan is that of the row's schema version, its features may be newer.
 *
 *     lf_reading_row(reading, body, size, wm, t, extra)
 *     lf_reading_events(reading, events, count, t)       kept events
 *     then reading->answers[i] and reading->is_visible
 */
#ifndef LF_FORMAT_STATE_H
#define LF_FORMAT_STATE_H

#include "format/tiles.h"

/* --- writing ---------------------------------------------------------------*/

struct lf_state;

/* NULL: no memory. The plan has to outlive it. */
struct lf_state *lf_state_make(const struct lf_tile_plan *plan);
void lf_state_free(struct lf_state *state); /* NULL is fine */

/* No row: no event, no barrier. */
void lf_state_begin(struct lf_state *state);

/*
 * Where the view was purged, what a fresh state may lack: an earlier row of the
 * key may have left with events of before the horizon. Features of schema
 * versions above 1 read PARTIAL until their window begins after it. Right after
 * lf_state_begin.
 */
void lf_state_purged(struct lf_state *state, int64_t horizon);

/* The same right after lf_state_replan: a row made after a purge may be of a key
 * that was purged, and its new features lack what went then. */
void lf_state_purged_before(struct lf_state *state, int64_t horizon);

/* A stored row, which may change afterwards. LF_TILE_CORRUPT: state is as after
 * lf_state_begin. */
enum lf_tile_status lf_state_load(struct lf_state *state, const uint8_t *body,
                                  size_t size, int64_t wm);

/*
 * A row of an older schema version, whose plan is old: states that are gone are
 * dropped, new ones begin empty with a mark, tiles go to the finest level of
 * the new plan that holds them whole.
 */
enum lf_tile_status lf_state_replan(struct lf_state *state,
                                    const struct lf_tile_plan *old,
                                    const uint8_t *body, size_t size,
                                    int64_t wm);

/*
 * Deletes all events so far: the barrier is max(ts, wm), or what it was if that
 * is later. Events at or before it are LATE from now on. Also for a stored
 * tombstone, after lf_state_begin. The store writes a tombstone while
 * lf_state_is_buried.
 */
void lf_state_bury(struct lf_state *state, int64_t ts);
bool lf_state_is_buried(const struct lf_state *state);  /* nothing since */
int64_t lf_state_barrier(const struct lf_state *state); /* INT64_MIN: none */

/*
 * Applies events in commit order, with an outcome each: FEATURE_OUTCOME_APPLIED
 * or _LATE (no place for it in any window or lifetime state). Cells have been
 * found valid. The result is that of one event at a time; the cells are not
 * needed afterwards. LF_TILE_MEMORY: the state has to be loaded anew.
 */
enum lf_tile_status lf_state_apply(struct lf_state *state,
                                   const struct lf_tile_event *events,
                                   size_t count, uint8_t *outcomes);

/* Raises wm, never lowers it: for a state that is made again of kept events, of
 * which the newest may be gone. */
void lf_state_set_wm(struct lf_state *state, int64_t wm);

/*
 * Takes one event back. LF_TILE_REFUSED, and nothing has changed: a state that
 * is no group, an event that its tile cannot have held, or a tile of two events
 * (the ts of the other is gone): rebuild the state from kept events. An event
 * outside of all windows is taken from the lifetime state. wm stays.
 */
enum lf_tile_status lf_state_retract(struct lf_state *state,
                                     const struct lf_tile_event *event);

/*
 * state (+) later: as if what happened to later had happened after what happened
 * to state. Both of the same plan; later stays. A delete of later takes all of
 * state and is no earlier than its wm; events of later at or before the barrier
 * of either are late. LF_TILE_REFUSED: they share a tile, or the lifetime state,
 * with others; state has to be loaded anew then.
 */
enum lf_tile_status lf_state_merge(struct lf_state *state,
                                   const struct lf_state *later);

/* Newest ts applied (retracted ones too); INT64_MIN: none yet. */
int64_t lf_state_wm(const struct lf_state *state);

/* Events in it, as far as they are counted: those of the windows, and of the
 * lifetime state where there is one. */
uint64_t lf_state_count(const struct lf_state *state);

/* Whether it says of schema versions by their numbers that features of them lack
 * something. */
bool lf_state_has_marks(const struct lf_state *state);

/* Appends the body of the row. */
enum lf_tile_status lf_state_encode(struct lf_state *state,
                                    struct lf_buffer *body);

/* Whether a body is what lf_state_encode writes, to the byte; state is used and
 * ends as after lf_state_load. */
enum lf_tile_status lf_state_check(struct lf_state *state, const uint8_t *body,
                                   size_t size, int64_t wm);

/* --- reading ---------------------------------------------------------------*/

enum lf_answer_kind {
    LF_ANSWER_VALUE = 1,
    LF_ANSWER_NULL = 2,
    LF_ANSWER_PAST = 3 /* the state cannot tell: kept events, or NO_HISTORY */
};

/* One feature's answer. bytes are a cell as rows store it: an element, a list
 * of elements, or a STRING[]; they stay until the next call. */
struct lf_tile_answer {
    enum lf_answer_kind kind;
    bool is_partial;  /* the value is what is known: PARTIAL */
    bool is_overflow; /* a SUM that does not fit; the kind is NULL */
    const uint8_t *bytes;
    uint32_t size;
    uint64_t word; /* where bytes may lie */
};

struct lf_reading {
    uint32_t count; /* of features */
    struct lf_tile_answer *answers;
    bool is_visible; /* false: the entity is NOT_FOUND at t */
    bool is_unsure;  /* nothing is visible for sure: t cuts a tile, or a feature
                        that came later may lack events */
    bool is_now;     /* set by who reads: t is the clock, behind which a delete
                        may lie that counts */
};

/*
 * features: of the view's current schema, or older ones; those that the plan
 * does not know (it is of an older version) read as empty, PARTIAL where the
 * row may lack events. NULL: no memory.
 */
struct lf_reading *lf_reading_make(const struct lf_tile_plan *plan,
                                   const struct lf_feature *const *features,
                                   uint32_t count);
void lf_reading_free(struct lf_reading *reading); /* NULL is fine */

/*
 * Reads a row at t in one pass. body is NULL and wm INT64_MIN: no row. extra,
 * unless NULL: an event that is not stored and counts as the latest (request
 * mode). Damaged bytes are LF_TILE_CORRUPT or give some answer; they are never
 * followed outside of body.
 */
enum lf_tile_status lf_reading_row(struct lf_reading *reading,
                                   const uint8_t *body, size_t size, int64_t wm,
                                   int64_t t,
                                   const struct lf_tile_event *extra);

/*
 * The same from events themselves, in order of ts and, where equal, of commit:
 * all that the windows at t can reach. Nothing is PARTIAL or PAST.
 */
enum lf_tile_status lf_reading_events(struct lf_reading *reading,
                                      const struct lf_tile_event *events,
                                      size_t count, int64_t t);

/*
 * The same for many t of one list of events, which has to stay: keep folds the
 * events once, each part (count of them from first on) is then
 * read from what runs of them add up to.
 */
enum lf_tile_status lf_reading_keep(struct lf_reading *reading,
                                    const struct lf_tile_event *events,
                                    size_t count);
enum lf_tile_status lf_reading_part(struct lf_reading *reading, size_t first,
                                    size_t count, int64_t t);

#endif
