/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random windowed views, their events, and what plain arrays say of them: the
 * oracle of tests/fuzz/windows.c shares no code with what it judges.
 */
#ifndef LF_TESTS_FUZZ_WINDOWS_H
#define LF_TESTS_FUZZ_WINDOWS_H

#include "format/state.h"
#include "format/state_parts.h"

__extension__ typedef __int128 wide_int;

enum { COLUMNS = 6, FEATURES_MAX = 24, EVENTS_MAX = 700 };
enum column { AMOUNT, PRICE, SHOP, FLAG, SMALL, RATIO };

struct happening {
    int64_t ts;
    bool has[COLUMNS];
    int64_t integer; /* AMOUNT, SMALL */
    double price;    /* RATIO is a half of it */
    bool flag;
    char shop[8];
    uint8_t bytes[COLUMNS][8];
    struct lf_cell cells[COLUMNS];
};

struct world {
    struct lf_event event;
    struct lf_event_column columns[COLUMNS];
    struct lf_view view;
    struct lf_feature features[FEATURES_MAX];
    struct lf_aggregate aggregates[FEATURES_MAX];
    struct lf_term terms[FEATURES_MAX];
    struct lf_literal literals[FEATURES_MAX];
    uint8_t literal_bytes[FEATURES_MAX][8];
    struct lf_schema schemas[2];
    struct lf_schema_field fields[2][FEATURES_MAX];
    const struct lf_feature *asked[FEATURES_MAX];
    int64_t hops[4];
    uint32_t hop_count;
    bool is_aligned; /* all ts lie on hops, all times are multiples of them */
    bool is_dense;   /* most ts lie within few of the finest hops */
    uint32_t event_count;
    struct happening happenings[EVENTS_MAX];
    struct lf_tile_event events[EVENTS_MAX]; /* in order of commit */
};

uint64_t random_draw(void);
uint32_t random_below(uint64_t limit);
int64_t random_long(int64_t limit);
bool random_one_in(uint32_t count);
void random_seed(uint64_t seed);

/* groups: only what can be taken back. */
void world_make(struct world *world, bool groups);

/* Counts, sums, least and largest of one integer, which reads add up at once. */
void world_make_lone(struct world *world);
void world_happen(struct world *world, struct happening *happening, int64_t ts);

/* What an answer has to be, from events in order of commit; false: it is not. */
bool arrays_agrees(const struct world *world, const struct lf_feature *feature,
                   const struct happening *const *happenings, uint32_t count,
                   int64_t t, const struct lf_tile_answer *answer);
void arrays_bounds(const struct world *world, const struct lf_window *window,
                   int64_t t, wide_int *from, wide_int *to);
bool arrays_visible(const struct world *world, uint32_t version,
                    const struct happening *const *happenings, uint32_t count,
                    int64_t t);
/* Whether a state of plan has to be able to answer at t. */
bool arrays_promises(const struct lf_tile_plan *plan, int64_t wm, int64_t t);
/* The level of an event at wm by the letter of the rule; level_count: out. */
uint32_t arrays_level(const struct lf_tile_plan *plan, int64_t wm, int64_t ts);

#endif
