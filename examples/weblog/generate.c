/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a site that does not exist, the same for the same seed.
 *
 * Lines come in the order in which they arrive: most within a second of their
 * view, some up to ten seconds later, one in a hundred up to four minutes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weblog.h"

#define START INT64_C(1767268800000000) /* 2026-01-01T12:00:00Z */

static const struct {
    const char *name;
    unsigned weight; /* of 100 */
    double load_ms;  /* in the middle */
} pages[] = {{"/", 34, 120},    {"/search", 22, 310}, {"/product", 20, 180},
             {"/cart", 10, 90}, {"/account", 7, 140}, {"/checkout", 4, 420},
             {"/help", 2, 75},  {"/status", 1, 8}};

struct arrival {
    int64_t time; /* of arrival */
    struct line line;
};

/* The earliest arrival is the first. */
struct heap {
    struct arrival *at;
    size_t count, room;
};

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A number from 0 to 1, and the next one after it. */
static double
draw(uint64_t *state)
{
    *state = mix(*state);
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void
swap(struct heap *heap, size_t a, size_t b)
{
    struct arrival kept = heap->at[a];

    heap->at[a] = heap->at[b];
    heap->at[b] = kept;
}

static bool
push(struct heap *heap, const struct arrival *arrival)
{
    size_t i = heap->count;

    if (heap->count == heap->room) {
        size_t room = heap->room ? 2 * heap->room : 1024;
        struct arrival *at = realloc(heap->at, room * sizeof *at);

        if (!at)
            return false;
        heap->at = at;
        heap->room = room;
    }
    heap->at[heap->count++] = *arrival;
    for (; i && heap->at[i].time < heap->at[(i - 1) / 2].time; i = (i - 1) / 2)
        swap(heap, i, (i - 1) / 2);
    return true;
}

static struct arrival
pop(struct heap *heap)
{
    struct arrival first = heap->at[0];
    size_t i = 0;

    heap->at[0] = heap->at[--heap->count];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < heap->count &&
                heap->at[child].time < heap->at[least].time)
                least = child;
        if (least == i)
            return first;
        swap(heap, i, least);
        i = least;
    }
}

static int64_t
draw_delay(uint64_t *state)
{
    double kind = draw(state), share = draw(state);

    if (kind < 0.9)
        return (int64_t)(share * (double)SECOND);
    if (kind < 0.99)
        return (int64_t)(share * 10 * (double)SECOND);
    return (int64_t)(share * 4 * (double)MINUTE);
}

/* View i. Few visitors are frequent; load times have a long tail. */
static struct arrival
make_view(const struct generator *settings, int64_t i)
{
    uint64_t state = mix((uint64_t)settings->seed) + (uint64_t)i;
    unsigned which = (unsigned)(draw(&state) * 100);
    double share = draw(&state), load, normal;
    struct arrival arrival;
    unsigned page = 0;

    while (which >= pages[page].weight)
        which -= pages[page++].weight;
    /* Box and Muller. */
    normal = sqrt(-2 * log(1 - draw(&state)));
    normal *= cos(6.283185307179586 * draw(&state));
    load = pages[page].load_ms * exp(0.6 * normal);
    arrival.line.time = START + i * SECOND / settings->rate;
    arrival.line.load_ms = round(10 * load) / 10;
    snprintf(arrival.line.page, NAME_SIZE, "%s", pages[page].name);
    snprintf(arrival.line.visitor, NAME_SIZE, "u%04d",
             (int)(share * share * 20 * (double)settings->rate));
    arrival.time = arrival.line.time + draw_delay(&state);
    return arrival;
}

static void
wait_until(const struct generator *settings, int64_t time)
{
    static struct timespec begun;
    struct timespec until;
    double seconds;

    if (settings->speed <= 0)
        return;
    if (!begun.tv_sec)
        clock_gettime(CLOCK_MONOTONIC, &begun);
    seconds = (double)(time - START) / (double)SECOND / settings->speed;
    seconds += (double)begun.tv_nsec / 1e9;
    until.tv_sec = begun.tv_sec + (time_t)seconds;
    until.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void
emit(const struct generator *settings, struct heap *heap, FILE *out)
{
    struct arrival arrival = pop(heap);

    wait_until(settings, arrival.time);
    line_print(out, &arrival.line);
    if (settings->speed > 0)
        fflush(out);
}

int
generate(const struct generator *settings, FILE *out)
{
    int64_t count = settings->rate * 60 * settings->minutes;
    struct heap heap = {0};

    for (int64_t i = 0; i < count; i++) {
        struct arrival arrival = make_view(settings, i);

        /* Whatever comes later arrives later than its own time. */
        while (heap.count && heap.at[0].time < arrival.line.time)
            emit(settings, &heap, out);
        if (!push(&heap, &arrival)) {
            fprintf(stderr, "weblog: no memory\n");
            free(heap.at);
            return 1;
        }
    }
    while (heap.count)
        emit(settings, &heap, out);
    free(heap.at);
    if (fflush(out) || ferror(out)) {
        perror("weblog");
        return 1;
    }
    return 0;
}
