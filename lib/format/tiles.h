/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a windowed view keeps of its events, compiled from its definitions: the
 * states its features are read from, the levels of its tiles and how long each
 * of them is kept. No I/O, no clock. See docs/format.md, "Window state".
 *
 * A plan borrows from the event and the view it was made of, which have to
 * outlive it, and never changes: any thread may use it.
 */
#ifndef LF_FORMAT_TILES_H
#define LF_FORMAT_TILES_H

#include "base/buffer.h"
#include "format/row.h"
#include "model/catalog.h"

#define LF_TILE_NONE UINT32_MAX

/* What went wrong, if anything. Whoever calls knows the key and the view and
 * makes an error of it. */
enum lf_tile_status {
    LF_TILE_OK = 0,
    LF_TILE_MEMORY = 1,
    LF_TILE_CORRUPT = 2, /* bytes that no state has */
    LF_TILE_REFUSED = 3, /* nothing was changed: retract, see there */
    LF_TILE_INVALID = 4  /* the definitions do not fit each other */
};

/* --- the rule of windows ---------------------------------------------------*/

/* The largest point of the grid of hop that is not above x; the grid lies at
 * multiples of hop of local time, zone east of UTC. INT64_MIN where the point
 * is below that. hop is 1 or more. */
int64_t lf_tile_start(int64_t x, int64_t hop, int64_t zone);

/* The last microsecond before the next point of that grid, or INT64_MAX. */
int64_t lf_tile_last(int64_t x, int64_t hop, int64_t zone);

/* tail(t): floor(t - size, hop). */
int64_t lf_tail(int64_t t, int64_t size, int64_t hop, int64_t zone);

/* The events of a window at t are those with *from <= ts < *to. LIFETIME
 * begins at INT64_MIN. Every reader of windows asks here. */
void lf_window_bounds(const struct lf_window *window, int64_t zone, int64_t t,
                      int64_t *from, int64_t *to);

/* --- the plan --------------------------------------------------------------*/

/* How the values of a column are held: widened, never rounded. */
enum lf_tile_class {
    LF_CLASS_NONE = 0, /* of no column */
    LF_CLASS_INT = 1,  /* BOOL, INT32, INT64, TIMESTAMP */
    LF_CLASS_REAL = 2, /* FLOAT32, FLOAT64 */
    LF_CLASS_TEXT = 3  /* STRING, BYTES */
};

/* Kinds of states. Features share those of equal kind, column, condition and
 * parameters: AVG is a COUNT and a SUM, STDDEV a SQUARES besides. */
enum lf_state_kind {
    LF_STATE_COUNT = 1,
    LF_STATE_SUM = 2,     /* 128-bit integer, or an exact sum of doubles */
    LF_STATE_SQUARES = 3, /* 192-bit integer, or an exact sum */
    LF_STATE_MIN = 4,
    LF_STATE_MAX = 5,
    LF_STATE_FIRST = 6,
    LF_STATE_LAST = 7,
    LF_STATE_TOP = 8,
    LF_STATE_BOTTOM = 9,
    LF_STATE_DISTINCT = 10,
    LF_STATE_HLL = 11,
    LF_STATE_DDSKETCH = 12,
    LF_STATE_BY_COUNT = 13,
    LF_STATE_BY_SUM = 14, /* count and sum of each key: SUM and AVG */
    LF_STATE_BY_MIN = 15,
    LF_STATE_BY_MAX = 16
};

/* What all places of the event that are used hold: one a column that an
 * aggregate or a BY names (not those of conditions alone). */
struct lf_tile_input {
    uint32_t column; /* of the event, or LF_TIME_COLUMN */
    int32_t code;    /* feature_type */
    enum lf_tile_class class;
};

struct lf_tile_condition {
    uint32_t term_count;
    const struct lf_term *terms; /* joined by AND */
};

struct lf_tile_state {
    enum lf_state_kind kind;
    uint32_t input;     /* LF_TILE_NONE: COUNT(*) */
    uint32_t by;        /* input of the keys, or LF_TILE_NONE */
    uint32_t condition; /* or LF_TILE_NONE */
    uint32_t k;         /* values, cap, p; 1 for FIRST(x) */
    double error;       /* of LF_STATE_DDSKETCH */
    bool is_lifetime;   /* what leaves the last window is kept of it */
    uint32_t count;     /* of LF_STATE_SUM, _SQUARES: the COUNT beside it */
};

/* A feature of the plan's schema version, and where it is read. */
struct lf_tile_feature {
    const struct lf_feature *feature;
    uint16_t since;     /* first schema version that names it */
    bool is_retired;    /* dropped since: no event is visible in it */
    uint32_t states[3]; /* count, sum, squares; the others: [0] alone */
};

struct lf_tile_plan {
    struct lf_arena arena;
    const struct lf_event *event;
    const struct lf_view *view;
    uint16_t version; /* of the schema */
    int64_t zone;
    int64_t skew;  /* 0 for 'none' */
    int64_t slack; /* the view's, but not below skew */

    /* Levels 0 (the microsecond) to level_count - 1. */
    uint32_t level_count;
    int64_t *hops;
    int64_t *keeps;
    int64_t grain;       /* grid of where level 0 ends: it divides hops[1] */
    int64_t longest;     /* Wmax */
    uint32_t level_bits; /* of an entry's head */

    uint32_t input_count;
    struct lf_tile_input *inputs;
    uint32_t condition_count;
    struct lf_tile_condition *conditions;
    uint32_t state_count;
    struct lf_tile_state *states;
    uint32_t feature_count;
    struct lf_tile_feature *features; /* in order of feature id */
    bool has_lifetime;                /* a feature over all time */
    bool shows_lifetime;              /* one that the view still has */
    bool is_group;                    /* every state can take back an event */
};

/*
 * The plan of one schema version of a view FROM event; its features are those
 * that the version names, also retired ones. LF_TILE_INVALID: a version, a
 * feature or a column that is not there.
 */
enum lf_tile_status lf_tile_plan_make(struct lf_tile_plan **plan,
                                      const struct lf_event *event,
                                      const struct lf_view *view,
                                      uint16_t version);
void lf_tile_plan_free(struct lf_tile_plan *plan); /* NULL is fine */

/* Whether a state can take back an event. */
bool lf_tile_is_group(const struct lf_tile_state *state);

/* Whether two lists of as many terms are the same condition. */
bool lf_terms_equal(const struct lf_term *a, const struct lf_term *b,
                    uint32_t count);

/* The place of a feature in plan->features, or LF_TILE_NONE. */
uint32_t lf_tile_feature(const struct lf_tile_plan *plan, uint32_t id);

/*
 * Where level i ends at wm: events below it are at a coarser level, those below
 * that of the last level are outside of every window. This is the rule
 * wm - end(tile of level i + 1) < keep(i), solved for ts; it falls with i. Level
 * 0 ends at a grain of time, no tile of level 1: one of those may be running.
 */
int64_t lf_tile_bound(const struct lf_tile_plan *plan, uint32_t level,
                      int64_t wm);

/*
 * The last microsecond that a tile of a level can hold: its end, or where a finer
 * level begins if the tile is running. start: any time that it holds.
 */
int64_t lf_tile_newest(const struct lf_tile_plan *plan, uint32_t level,
                       int64_t start, const int64_t *bounds);

/* Bounds of all levels at wm. */
void lf_tile_bounds(const struct lf_tile_plan *plan, int64_t wm,
                    int64_t *bounds);

/*
 * Nothing of the events up to wm can be seen in any window at clock or later,
 * and no feature lasts for ever: the row may go.
 */
bool lf_tile_is_over(const struct lf_tile_plan *plan, int64_t wm,
                     int64_t clock);

/* --- events ----------------------------------------------------------------*/

/* An event: its cells, one a column of the event as of its batch (columns that
 * were added later may be missing: they are null), as rows store them: fixed
 * ones little-endian, the bytes of the others. */
struct lf_tile_event {
    int64_t ts;
    uint32_t cell_count;
    const struct lf_cell *cells;
};

/* Whether a cell may enter any state: no NaN, no infinity, the size of its
 * type. Who takes events in asks once and refuses the event else. */
bool lf_tile_cell_is_valid(int32_t code, const struct lf_cell *cell);

/* -0.0 to 0.0 in place, for who stores the event itself. */
void lf_tile_cell_normalize(int32_t code, uint8_t *bytes);

/* Whether the event fulfils a condition; unknown is false. */
bool lf_tile_holds(const struct lf_tile_plan *plan, uint32_t condition,
                   const struct lf_tile_event *event);

#endif
