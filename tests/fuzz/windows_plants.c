/* SPDX-License-Identifier: Apache-2.0 */
/* Faults for tests/fuzz/windows.c to find: link with --wrap of what is here. */
#include "windows_plants.h"

enum windows_plant windows_planted;

void __real_lf_state_set_edge(struct lf_state *state, uint32_t level,
                              int64_t edge);
void __wrap_lf_state_set_edge(struct lf_state *state, uint32_t level,
                              int64_t edge);
enum lf_tile_status __real_lf_state_pull(struct lf_state *state, int64_t until);
enum lf_tile_status __wrap_lf_state_pull(struct lf_state *state, int64_t until);
int64_t __real_lf_tile_newest(const struct lf_tile_plan *plan, uint32_t level,
                              int64_t start, const int64_t *bounds);
int64_t __wrap_lf_tile_newest(const struct lf_tile_plan *plan, uint32_t level,
                              int64_t start, const int64_t *bounds);
int64_t __real_lf_entry_last(const struct lf_tile_plan *plan,
                             const struct lf_entry *entry,
                             const int64_t *bounds, uint32_t count);
int64_t __wrap_lf_entry_last(const struct lf_tile_plan *plan,
                             const struct lf_entry *entry,
                             const int64_t *bounds, uint32_t count);
void __real_lf_state_bury(struct lf_state *state, int64_t ts);
void __wrap_lf_state_bury(struct lf_state *state, int64_t ts);
void __real_lf_window_bounds(const struct lf_window *window, int64_t zone,
                             int64_t t, int64_t *from, int64_t *to);
void __wrap_lf_window_bounds(const struct lf_window *window, int64_t zone,
                             int64_t t, int64_t *from, int64_t *to);
void __real_lf_tile_bounds(const struct lf_tile_plan *plan, int64_t wm,
                           int64_t *bounds);
void __wrap_lf_tile_bounds(const struct lf_tile_plan *plan, int64_t wm,
                           int64_t *bounds);
void __real_lf_acc_add(struct lf_acc *acc, const struct lf_inputs *inputs,
                       bool before);
void __wrap_lf_acc_add(struct lf_acc *acc, const struct lf_inputs *inputs,
                       bool before);

/* No entry is taken up from whose start the older ones' bytes can tell steps. */
enum lf_tile_status
__wrap_lf_state_pull(struct lf_state *state, int64_t until)
{
    if (windows_planted == PLANT_ANCHOR && until > INT64_MIN &&
        until < INT64_MAX)
        until++;
    return __real_lf_state_pull(state, until);
}

/* Where the tile that runs ends now is ignored, by who writes. */
int64_t
__wrap_lf_tile_newest(const struct lf_tile_plan *plan, uint32_t level,
                      int64_t start, const int64_t *bounds)
{
    if (windows_planted == PLANT_RUNNING)
        return lf_tile_last(start, plan->hops[level], plan->zone);
    return __real_lf_tile_newest(plan, level, start, bounds);
}

/* The same, by who reads. */
int64_t
__wrap_lf_entry_last(const struct lf_tile_plan *plan,
                     const struct lf_entry *entry, const int64_t *bounds,
                     uint32_t count)
{
    return __real_lf_entry_last(plan, entry, bounds,
                                windows_planted == PLANT_END ? 0 : count);
}

/* Levels end as the rule has it, whatever tiles of an older plan hold. */
void
__wrap_lf_state_set_edge(struct lf_state *state, uint32_t level, int64_t edge)
{
    if (windows_planted != PLANT_EDGE)
        __real_lf_state_set_edge(state, level, edge);
}

/* An event at the time of a delete is later than it. */
void
__wrap_lf_state_bury(struct lf_state *state, int64_t ts)
{
    if (windows_planted == PLANT_BARRIER && ts > INT64_MIN &&
        lf_state_wm(state) < ts)
        ts--;
    __real_lf_state_bury(state, ts);
}

/* `<` for `<=` at the tail. */
void
__wrap_lf_window_bounds(const struct lf_window *window, int64_t zone, int64_t t,
                        int64_t *from, int64_t *to)
{
    __real_lf_window_bounds(window, zone, t, from, to);
    if (windows_planted == PLANT_TAIL && *from > INT64_MIN && *from < INT64_MAX)
        ++*from;
}

/* `<=` for `<` in the rule of levels: wm - end <= keep is wm - 1 - end < keep. */
void
__wrap_lf_tile_bounds(const struct lf_tile_plan *plan, int64_t wm,
                      int64_t *bounds)
{
    if (windows_planted == PLANT_LEVEL && wm > INT64_MIN)
        wm--;
    __real_lf_tile_bounds(plan, wm, bounds);
}

/* Ties reversed. */
void
__wrap_lf_acc_add(struct lf_acc *acc, const struct lf_inputs *inputs,
                  bool before)
{
    __real_lf_acc_add(acc, inputs,
                      windows_planted == PLANT_TIES ? !before : before);
}
