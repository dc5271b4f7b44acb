/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shrinking: the smallest trace that still shows a difference.
 *
 * Owns the search: operations in chunks, then one by one, then their parts.
 * Keeps a deletion only if what is left still differs somewhere.
 * Never minds whether it is the same difference: a smaller one is welcome.
 */
#include "trace.h"

#include <string.h>

#define REPLAYS_MAX 4000

struct search {
    struct trace *trace;
    uint32_t replays;
};

/* Whether the sides still differ; what comes after that is not needed. */
static bool
still_differs(struct search *search)
{
    struct trace *trace = search->trace;
    struct findings findings;
    uint32_t at;

    if (search->replays++ > REPLAYS_MAX)
        return false;
    trace_replay(trace, &findings);
    at = findings.at;
    for (uint32_t i = at; at != NOWHERE && i + 1 < trace->count; i++)
        trace->kept[i + 1] = false;
    return at != NOWHERE;
}

/* Sets count flags, from the first one that is not value on; remembers which in
 * places. Returns how many there were. */
static uint32_t
set_flags(bool *flags, uint32_t size, bool value, uint32_t *first,
          uint32_t count, uint32_t *places)
{
    uint32_t done = 0;

    for (; *first < size && done < count; ++*first)
        if (flags[*first] != value) {
            flags[*first] = value;
            places[done++] = *first;
        }
    return done;
}

/* Tries to turn flags to value, chunk by chunk. Whether any could be. */
static bool
turn_chunks(struct search *search, bool *flags, uint32_t size, bool value,
            uint32_t chunk, uint32_t *places)
{
    uint32_t first = 0, done;
    bool turned = false;

    while ((done = set_flags(flags, size, value, &first, chunk, places))) {
        if (still_differs(search)) {
            turned = true;
            continue;
        }
        while (done)
            flags[places[--done]] = !value;
    }
    return turned;
}

static bool
turn(struct search *search, bool *flags, uint32_t size, bool value,
     uint32_t chunk)
{
    struct arena arena = {0};
    uint32_t *places = arena_array(&arena, size, sizeof *places);
    bool turned = false;

    for (; chunk; chunk /= 2)
        turned |= turn_chunks(search, flags, size, value, chunk, places);
    arena_free(&arena);
    return turned;
}

static bool
drop_parts(struct search *search)
{
    struct trace *trace = search->trace;
    bool turned = false;

    for (uint32_t i = 0; i < trace->count; i++)
        if (trace->kept[i] && trace->parts[i])
            turned |= turn(search, trace->dropped[i], trace->parts[i], true,
                           (trace->parts[i] + 1) / 2);
    return turned;
}

void
trace_shrink(struct trace *trace, uint32_t at)
{
    struct search search = {.trace = trace};
    bool more = true;

    for (uint32_t i = at + 1; i < trace->count; i++)
        trace->kept[i] = false;
    turn(&search, trace->kept, trace->count, false, (at + 1) / 2);
    while (more) {
        more = drop_parts(&search);
        more |= turn(&search, trace->kept, trace->count, false, 2);
    }
}
