/* SPDX-License-Identifier: Apache-2.0 */
/* Raw LMDB for writing: the same bytes, without the library. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "dataset.h"
#include "harness.h"

/* Keys and rows as the library would store them, made before the clock
 * starts. */
struct encoded {
    size_t rows, key_size, row_size;
    uint8_t *keys;
    uint8_t *bytes;
};

struct encoded *encoded_make(const struct dataset *data, size_t room);
void encoded_fill(struct encoded *encoded, const struct dataset *data,
                  uint32_t view_id, const uint64_t *ids, size_t rows,
                  int64_t time);
void encoded_free(struct encoded *encoded);

/* An environment to write to, and its first tree of rows: made where the
 * directory is empty. Synchronous, as a store is. */
struct raw_writer;
struct raw_writer *raw_writer_open(const char *path, uint64_t map_size);
void raw_writer_close(struct raw_writer *writer);

/* One commit each. The upsert looks the old row up, as a read-modify-write
 * has to, and puts the new one in its place where it is newer. */
void raw_writer_append(struct raw_writer *writer,
                       const struct encoded *encoded);
void raw_writer_upsert(struct raw_writer *writer,
                       const struct encoded *encoded);

#endif
