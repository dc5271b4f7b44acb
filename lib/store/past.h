/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one view as of a time, from a snapshot. */
#ifndef LF_STORE_PAST_H
#define LF_STORE_PAST_H

#include "store/history_cursor.h"

/* A row as of a time: the stored one, another one, or none. */
enum lf_past_kind {
    LF_PAST_STORED,  /* as it lies in the view, with the times of its cells */
    LF_PAST_ROW,     /* the one below; a cell newer than the time is unknown */
    LF_PAST_NONE,    /* there was none */
    LF_PAST_UNKNOWN, /* it is not kept */
};

struct lf_past_row {
    enum lf_past_kind kind;
    uint32_t size;
    const uint8_t *bytes; /* its layout was checked; NULL: at, in past->rows */
    size_t at;
};

/* How one view is read. Zero is unused; kept from read to read. */
struct lf_past {
    bool is_used;               /* its owner's */
    struct lf_catalog *catalog; /* a reference; the form is of it */
    struct lf_form form;
    struct lf_merge merge;
    struct lf_cell *cells;
    struct lf_meta_view meta;
    struct lf_history_cursor cursor;
    bool is_restricted; /* to commits that were known by then: */
    int64_t known_by;
    struct lf_buffer key, run, image;
    const uint8_t *key_of; /* which key is in it, of those of the read */
    struct lf_buffer rows; /* put together, of blocks, or copied by the owner */
};

/* Begins to read a view, which the catalog has, in a snapshot whose newest
 * commit is of that time. known_by is 0 where all commits count. */
feature_status lf_past_begin(struct lf_past *past, struct lf_reader *reader,
                             struct lf_catalog *catalog,
                             const struct lf_view *view, int64_t newest_commit,
                             int64_t known_by, struct feature_error *error);

/*
 * The row of a key as of a time. stored is what the view has now, opened; NULL
 * for none. Cheapest in the order of keys, and of one key from newer to older
 * times. lf_past_bytes tells where a row lies, once the last one was found.
 */
feature_status lf_past_find(struct lf_past *past, const uint8_t *key,
                            size_t key_size, int64_t time,
                            const struct lf_row *stored,
                            struct lf_past_row *found,
                            struct feature_error *error);

static inline const uint8_t *
lf_past_bytes(const struct lf_past *past, const struct lf_past_row *row)
{
    return row->bytes ? row->bytes : past->rows.data + row->at;
}

/* Before the reader ends. The rows that were put together stay. */
void lf_past_end(struct lf_past *past);

void lf_past_free(struct lf_past *past);

#endif
