/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs behind bench/windows.py share. */
#ifndef BENCH_WINDOWS_H
#define BENCH_WINDOWS_H

#include <lmdb.h>

#include "times.h"

#define WINDOWS_FIRST INT64_C(1700000000000000) /* on the grid of no hop */
#define WINDOWS_SPAN  INT64_C(691200000000) /* 8 days: one over the longest */
#define WINDOWS_BATCH 1000                  /* events of a commit */
#define WINDOWS_COUNT 3
#define WINDOWS_CELLS 12        /* SUM, COUNT, MIN, MAX of each window */
#define WINDOWS_NULL  INT64_MIN /* of a cell in an answer */
#define WINDOWS_ROWS  100       /* entities of a read */
#define WINDOWS_NOW   (WINDOWS_FIRST + WINDOWS_SPAN + 12345678)

struct windows_events {
    size_t count;
    int64_t *keys, *times, *amounts;
};

extern const char windows_features[]; /* of the view spend, in order */

/*
 * Events [first, first + count) of a stream that has `rate` of them in the span:
 * some keys are frequent (the frequency is the inverse of the rank), one event
 * in a hundred is up to ten minutes late.
 */
struct windows_events windows_events(int64_t entities, size_t rate,
                                     size_t first, size_t count);
void windows_events_free(struct windows_events *events);

/* Where each window begins at WINDOWS_NOW: floor(now - W, h). */
void windows_begin(int64_t from[WINDOWS_COUNT]);

/* A store with the event payment and the view spend. */
feature_store *windows_store(const char *path, int64_t now);

/* In commits of so many events. */
void windows_write(feature_store *store, const struct windows_events *events,
                   size_t chunk);

/* --- LMDB alone: the tree of rows of a store that nobody has open ------------- */

struct windows_tree {
    MDB_env *environment;
    MDB_dbi rows;
};

void windows_must(int code); /* of LMDB, or the program ends */
struct windows_tree windows_tree_open(const char *path, int is_read_only);
void windows_tree_close(struct windows_tree *tree);
void windows_key(int64_t key, uint8_t bytes[8]); /* as the store has it */

#endif
