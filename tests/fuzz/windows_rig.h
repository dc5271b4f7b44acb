/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of tests/fuzz/windows.c share. */
#ifndef LF_TESTS_FUZZ_WINDOWS_RIG_H
#define LF_TESTS_FUZZ_WINDOWS_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include "windows.h"
#include "windows_plants.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

struct tally {
    uint64_t reads; /* answers that were compared */
    uint64_t told;  /* of them: not left to kept events */
    uint64_t rows, permutations, cuts, replans, retracts, damaged;
    uint64_t deletes, merged, refused, partials, failures;
    uint64_t wrong;
    uint64_t seed; /* of the round */
};

extern struct tally tally;
extern int64_t windows_barrier; /* reads up to it are not promised */
extern struct world world;
extern const struct happening *order[EVENTS_MAX + 1]; /* of commit */
extern struct lf_tile_event committed[EVENTS_MAX + 1];

void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *must(void *memory);

void draw_events(void);
int64_t draw_ts(int64_t base, uint32_t known);
int64_t draw_t(const struct lf_tile_plan *plan, int64_t wm);
uint32_t count_features(uint32_t version);
bool is_in_first(uint32_t id); /* whether version 1 has a feature */
void list_features(uint32_t version, const struct lf_feature **features);

void apply(struct lf_state *state, const struct lf_tile_event *events,
           uint32_t count);
/* Events in chunks, with the row written and read again between some. */
void ingest(struct lf_state *state, const struct lf_tile_event *events,
            uint32_t count, struct lf_buffer *row);

/* Reads a row of a schema version at many t. */
void read_all(const struct lf_tile_plan *plan, const struct lf_buffer *row,
              int64_t wm, uint32_t version, uint32_t times);
/* With one event more that is not stored. */
void read_extra(const struct lf_tile_plan *plan, const struct lf_buffer *row,
                int64_t wm);
/* Levels and counts of a row by the letter of the rule. */
void expect_levels(const struct lf_buffer *row, const struct lf_tile_plan *plan,
                   int64_t wm);

/* Properties: any order, any cut, any bytes, any plan, any event back. */
void try_order(const struct lf_tile_plan *plan, const struct lf_buffer *row);
void try_cut(const struct lf_tile_plan *plan, const struct lf_buffer *row);
void try_damage(const struct lf_tile_plan *plan, struct lf_buffer *row,
                int64_t wm);
void try_replan(const struct lf_tile_plan *plan);
void try_retract(const struct lf_tile_plan *plan, struct lf_buffer *row);

/* Deletes among the events; PARTIAL after a purge, and after a new plan whose
 * new features lack events up to mark. */
void try_deletes(const struct lf_tile_plan *plan);
void try_purge(void);
void expect_partial(const struct lf_tile_plan *next,
                    const struct lf_buffer *row, int64_t wm, int64_t mark);

/* Each allocation fails once. */
void try_memory(const struct lf_tile_plan *plan, const struct lf_buffer *row,
                int64_t wm);

#endif
