/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts whose sum never changes, and stamps that count the transfers.
 *
 * Two writers have half of the keys each. A transfer moves an amount between two
 * of a writer's accounts and stamps all of its keys, in one commit over two views.
 * So in every snapshot: both halves add up to what they began with, all stamps of
 * a writer are one number, and it is the number of its newest account.
 */
#ifndef TESTS_STRESS_LEDGER_H
#define TESTS_STRESS_LEDGER_H

#include "children.h"

#define LEDGER_WRITERS 2
#define LEDGER_HALF    8 /* keys of a writer */
#define LEDGER_KEYS    (LEDGER_WRITERS * LEDGER_HALF)
#define LEDGER_MAP     (UINT64_C(1) << 20) /* it has to grow */

struct ledger_writer {
    feature_store *store;
    feature_batch *accounts;
    feature_batch *stamps;
    int64_t balances[LEDGER_HALF];
    int64_t number;
    uint32_t half;
    uint64_t sequence; /* of the last commit */
};

/* One that reads: the numbers it saw last, which never go back. */
struct ledger_reader {
    feature_store *store;
    feature_query *queries[2];
    feature_request *requests[2];
    bool is_split; /* planted: two requests are taken for one snapshot */
    uint64_t commit;
    int64_t numbers[LEDGER_WRITERS];
};

/* A scan of one snapshot, between its first batch and its last. */
struct ledger_scan;

feature_store *ledger_open(const char *path, uint32_t flags);
void ledger_create(const char *path);

void ledger_writer_open(struct ledger_writer *writer, feature_store *store,
                        uint32_t half);
void ledger_transfer(struct ledger_writer *writer, uint64_t *dice);
void ledger_writer_close(struct ledger_writer *writer);

void ledger_reader_open(struct ledger_reader *reader, feature_store *store,
                        bool is_split);
/* False, with a line on standard error, where the snapshot is of no one commit. */
bool ledger_read(struct ledger_reader *reader);
void ledger_reader_close(struct ledger_reader *reader);

struct ledger_scan *ledger_scan_begin(feature_store *store);
bool ledger_scan_end(struct ledger_scan *scan);

#endif
