/* SPDX-License-Identifier: Apache-2.0 */
/* Events, states and complaints of tests/fuzz/windows.c. */
#include "windows_rig.h"

#include <stdarg.h>

struct tally tally;
int64_t windows_barrier = INT64_MIN;
struct world world;
const struct happening *order[EVENTS_MAX + 1];
struct lf_tile_event committed[EVENTS_MAX + 1];

void
wrong(const char *format, ...)
{
    va_list arguments;

    if (tally.wrong++ || windows_planted)
        return;
    fprintf(stderr, "windows: seed %llu: ", (unsigned long long)tally.seed);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void *
must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "windows: no memory\n");
        exit(2);
    }
    return memory;
}

/* --- events ----------------------------------------------------------------*/

static int64_t
draw_base(void)
{
    switch (random_below(12)) {
    case 0:
        return INT64_MAX;
    case 1:
        return INT64_MIN + 1 + random_long(20 * HOUR);
    case 2:
        return random_long(HOUR);
    case 3:
        return -random_long(400 * HOUR);
    default:
        return INT64_C(1767225600000000) + random_long(100 * HOUR);
    }
}

/* One of many in a few of the finest tiles: some of them run, the newest are of
 * level 0. */
static int64_t
draw_dense(int64_t base)
{
    int64_t hop = world.hops[world.hop_count > 1 && world.hops[0] == 1], ts;
    int64_t skew = world.event.max_skew;
    int64_t span = skew == LF_SKEW_NONE ? 16 : 2 * skew + 1;

    if (random_one_in(2) || span > hop)
        span = hop << random_below(6);
    if (__builtin_sub_overflow(base, random_long(span + 1), &ts) ||
        ts == INT64_MIN)
        ts = INT64_MIN + 1;
    return ts;
}

int64_t
draw_ts(int64_t base, uint32_t known)
{
    int64_t hop = world.hops[random_below(world.hop_count)], back, ts;

    if (!known && world.is_aligned)
        return lf_tile_start(base, world.hops[world.hop_count - 1],
                             world.view.zone);
    if (known && random_one_in(6))
        return world.happenings[random_below(known)].ts;
    if (world.is_dense && !random_one_in(16))
        return draw_dense(base);
    switch (random_below(4)) {
    case 0:
        back = random_long(9 * 24 * HOUR);
        break;
    case 1:
        back = random_long(24 * HOUR);
        break;
    case 2:
        back = random_long(world.hops[world.hop_count - 1] * 8);
        break;
    default:
        back = random_long(HOUR);
    }
    if (__builtin_sub_overflow(base, back, &ts) || ts == INT64_MIN)
        ts = INT64_MIN + 1;
    if (random_one_in(4) || world.is_aligned)
        ts = lf_tile_start(ts, hop, world.view.zone);
    return ts == INT64_MIN ? ts + 1 : ts;
}

/* As streams come: in order of time, but for some. */
static void
sort_happenings(uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        int64_t ts = world.happenings[i].ts;
        uint32_t j = i;

        for (; j > 0 && world.happenings[j - 1].ts > ts && !random_one_in(1000);
             j--)
            world.happenings[j].ts = world.happenings[j - 1].ts;
        world.happenings[j].ts = ts;
    }
}

void
draw_events(void)
{
    int64_t base = world.is_aligned ? INT64_C(1767225600000000) : draw_base();
    uint32_t count = 1 + random_below(random_one_in(8) ? EVENTS_MAX : 60);

    world.is_dense = !world.is_aligned && random_one_in(3);
    world.event_count = count;
    for (uint32_t i = 0; i < count; i++)
        world.happenings[i].ts = draw_ts(base, i);
    if (random_one_in(2))
        sort_happenings(count);
    for (uint32_t i = 0; i < count; i++) {
        world_happen(&world, &world.happenings[i], world.happenings[i].ts);
        order[i] = &world.happenings[i];
    }
    for (uint32_t i = 0; i < count; i++)
        committed[i] =
            (struct lf_tile_event){order[i]->ts, COLUMNS, order[i]->cells};
}

/* --- states ----------------------------------------------------------------*/

static uint8_t outcomes[EVENTS_MAX];

void
apply(struct lf_state *state, const struct lf_tile_event *events,
      uint32_t count)
{
    if (lf_state_apply(state, events, count, outcomes))
        wrong("apply failed");
}

/* Events in chunks, with the row written and read again between some. */
void
ingest(struct lf_state *state, const struct lf_tile_event *events,
       uint32_t count, struct lf_buffer *row)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t chunk = 1 + random_below(random_one_in(2) ? 3 : 100);

        if (chunk > count - done)
            chunk = count - done;
        apply(state, events + done, chunk);
        done += chunk;
        if (random_one_in(2) || done == count) {
            int64_t wm = lf_state_wm(state);

            row->size = 0;
            if (lf_state_encode(state, row) ||
                lf_state_load(state, row->data, row->size, wm))
                wrong("a row cannot be written and read");
        }
    }
}
