/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of data sets: built through the public API, copied as files. */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include "dataset.h"
#include "harness.h"

/* Columns of one batch: key, event timestamp, features, vector. */
struct columns {
    const struct dataset *data;
    uint32_t view;
    uint32_t room;
    uint32_t rows;
    int64_t *numbers;
    char *text;
    int32_t *offsets;
    int64_t *times;
    void *features[FEATURES_MAX];
};

struct columns *columns_make(const struct dataset *data, uint32_t room);
void columns_fill(struct columns *columns, uint32_t view, const uint64_t *ids,
                  uint32_t rows, int64_t time);
void columns_set(const struct columns *columns, feature_batch *batch);
void columns_free(struct columns *columns);

/* Opens the store in a directory, with more flags than none. */
feature_store *store_open(const char *path, uint32_t flags);

/* Makes a store with all rows of the data set, loaded in key order. */
void store_build(const struct dataset *data, const char *path);

/* One commit of one batch, none of whose rows may be late or refused. */
void store_write(feature_store *store, feature_batch *batch);
feature_batch *store_batch(feature_store *store, uint32_t view);

/* "<directory>/<name><suffix>" into path. */
void store_path(char path[PATH_SIZE], const char *directory, const char *name,
                const char *suffix);

void store_remove(const char *path);    /* a directory and its files */
void store_directory(const char *path); /* makes an empty one */

/* Copies data.mdb into a fresh directory. Nobody has the store open. */
void store_copy(const char *from, const char *to);

/* Drops a store's pages from the page cache. Nobody has it open. */
void store_chill(const char *path);

/* Drops them, then reads the file from end to end, as after a restart. How
 * pages lie in memory is worth up to a third of a read: files that are compared
 * have to come into it the same way. */
void store_heat(const char *path);

uint64_t store_file_size(const char *path);

#endif
