/* SPDX-License-Identifier: Apache-2.0 */
/* A read transaction and what its snapshot may touch. */
#ifndef LF_ENGINE_READER_H
#define LF_ENGINE_READER_H

#include "engine/page.h"

struct lf_reader {
    struct lf_environment *environment;
    MDB_txn *txn;
    uint64_t transaction;
    struct lf_pages pages;
    struct lf_root main; /* of the main database: names of trees */
    struct lf_root free; /* of the free list */
    uint32_t slot;       /* of the gate */
};

/* Ends and frees the idle readers of an environment. */
void lf_readers_free(struct lf_environment *environment);

/* Refuses a file whose used pages reach past its end. */
feature_status lf_reader_check_size(struct lf_reader *reader,
                                    struct feature_error *error);

#endif
