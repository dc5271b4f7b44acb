/* SPDX-License-Identifier: Apache-2.0 */
/* Faults for tests/fuzz/windows.c to find: link with --wrap of what is here. */
#include "windows_plants.h"

enum windows_plant windows_planted;

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

/* `<` for `<=` at the tail. */
void
__wrap_lf_window_bounds(const struct lf_window *window, int64_t zone, int64_t t,
                        int64_t *from, int64_t *to)
{
    __real_lf_window_bounds(window, zone, t, from, to);
    if (windows_planted == PLANT_TAIL && *from > INT64_MIN)
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
