/* SPDX-License-Identifier: Apache-2.0 */
/* What the peers share: the rows they are loaded with. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "reader.h"
#include "report.h"

#define PEER_SKIPPED "not installed, skipped (make deps-bench installs it)"

/* The rows of a data set's first view in key order, encoded. */
struct feed {
    const struct dataset *data;
    uint64_t *order;
    uint64_t at; /* rows given so far */
    uint64_t id; /* of the row at hand */
    uint8_t key[KEY_MAX];
    size_t key_size;
    uint8_t row[ROW_MAX];
    size_t row_size;
};

struct feed feed_begin(const struct dataset *data);
bool feed_next(struct feed *feed);
void feed_end(struct feed *feed);

#endif
