/* SPDX-License-Identifier: Apache-2.0 */
/* One contestant of the reads of bench/windows.py. */
#ifndef BENCH_WINDOWS_READ_H
#define BENCH_WINDOWS_READ_H

#include <stdlib.h>

#include "windows.h"

/* What all of them are given. */
struct windows_task {
    const char *store; /* made by windows_write warm */
    const char *place; /* an own directory, which does not exist yet */
    int64_t entities;
    size_t rate; /* events of the span */
    int64_t from[WINDOWS_COUNT];
};

/* A contestant answers WINDOWS_ROWS entities at a time: WINDOWS_CELLS numbers
 * each, in the order of windows_features. Without cells it does the same work
 * and keeps the answer to itself. */
struct windows_reader {
    void *state;
    void (*read)(void *state, const int64_t *keys, int64_t *cells);
    void (*close)(void *state);
};

/* Loads; without read: not built with it. */
struct windows_reader windows_sqlite(const struct windows_task *task);
struct windows_reader windows_redis(const struct windows_task *task,
                                    int is_lua);

/* Of one window of one entity, as a fold begins: SUM, COUNT, MIN, MAX. */
static inline void
windows_clear(int64_t *cells)
{
    for (int i = 0; i < WINDOWS_CELLS; i++)
        cells[i] = i % 4 == 1 ? 0 : WINDOWS_NULL;
}

/* An event that is in the window whose cells these are. */
static inline void
windows_add(int64_t *cells, int64_t amount)
{
    cells[0] = (cells[1] ? cells[0] : 0) + amount;
    cells[2] = cells[1] && cells[2] < amount ? cells[2] : amount;
    cells[3] = cells[1] && cells[3] > amount ? cells[3] : amount;
    cells[1]++;
}

#endif
