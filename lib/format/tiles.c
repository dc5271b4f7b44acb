/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule of windows and of levels.
 *
 * Owns the grid of hops, the bounds of a window and of the levels of tiles.
 * Keeps every answer right at the ends of int64: a point beyond them is the end.
 * Never asks what time it is: t and wm are arguments.
 */
#include "format/tiles.h"

/* How far x lies above the grid point at or below it. */
static int64_t
rest_of(int64_t x, int64_t hop, int64_t zone)
{
    int64_t rest = x % hop, shift = zone % hop;

    if (rest < 0)
        rest += hop;
    if (shift < 0)
        shift += hop;
    return rest >= hop - shift ? rest - (hop - shift) : rest + shift;
}

static int64_t
minus(int64_t a, int64_t b)
{
    int64_t result;

    if (__builtin_sub_overflow(a, b, &result))
        return b > 0 ? INT64_MIN : INT64_MAX;
    return result;
}

int64_t
lf_tile_start(int64_t x, int64_t hop, int64_t zone)
{
    return minus(x, rest_of(x, hop, zone));
}

int64_t
lf_tile_last(int64_t x, int64_t hop, int64_t zone)
{
    int64_t last;

    if (__builtin_add_overflow(x, hop - 1 - rest_of(x, hop, zone), &last))
        return INT64_MAX;
    return last;
}

int64_t
lf_tail(int64_t t, int64_t size, int64_t hop, int64_t zone)
{
    return lf_tile_start(minus(t, size), hop, zone);
}

void
lf_window_bounds(const struct lf_window *window, int64_t zone, int64_t t,
                 int64_t *from, int64_t *to)
{
    *to = t;
    switch (window->kind) {
    case LF_SLIDING:
        *from = lf_tail(t, window->size, window->hop, zone);
        break;
    case LF_TUMBLE:
        *to = lf_tail(t, 0, window->size, zone);
        *from = minus(*to, window->size);
        break;
    case LF_CUMULATE:
        *from = lf_tail(t, 0, window->size, zone);
        break;
    default:
        *from = INT64_MIN;
    }
}

int64_t
lf_tile_bound(const struct lf_tile_plan *plan, uint32_t level, int64_t wm)
{
    uint32_t parent = level + 1 < plan->level_count ? level + 1 : level;

    return lf_tail(wm, plan->keeps[level],
                   level == 0 ? plan->grain : plan->hops[parent], plan->zone);
}

int64_t
lf_tile_newest(const struct lf_tile_plan *plan, uint32_t level, int64_t start,
               const int64_t *bounds)
{
    int64_t last = lf_tile_last(start, plan->hops[level], plan->zone);

    for (uint32_t i = 0; i < level; i++)
        if (start < bounds[i] && bounds[i] <= last)
            last = bounds[i] - 1;
    return last;
}

void
lf_tile_bounds(const struct lf_tile_plan *plan, int64_t wm, int64_t *bounds)
{
    for (uint32_t i = 0; i < plan->level_count; i++)
        bounds[i] = lf_tile_bound(plan, i, wm);
}

bool
lf_tile_is_over(const struct lf_tile_plan *plan, int64_t wm, int64_t clock)
{
    if (plan->has_lifetime)
        return false;
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        int64_t from, to;

        lf_window_bounds(&plan->features[i].feature->aggregate->window,
                         plan->zone, clock, &from, &to);
        if (wm >= from)
            return false;
    }
    return true;
}
