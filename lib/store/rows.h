/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one view within a write transaction. */
#ifndef LF_STORE_ROWS_H
#define LF_STORE_ROWS_H

#include "store/commit.h"
#include "store/form.h"
#include "store/sides.h"

struct lf_rows {
    struct lf_form *form;
    struct lf_commit *commit;
    struct lf_tree *tree;
    struct lf_tree *history;  /* NULL: the view keeps none */
    struct lf_meta_view meta; /* the view's record, as it will be */
    struct lf_sides *sides;   /* NULL: a view of rows */
    uint32_t seed;            /* of the rows' checksums */
    bool append;              /* the next key is past the last one */
};

/* A row as it lies there. */
struct lf_stored {
    bool found;
    struct lf_row row;                    /* checked */
    const struct lf_migration *migration; /* to the current layout; NULL: of a
                                             view FROM an event */
};

/* Everything in rows is the transaction's: there is nothing to free. */
feature_status lf_rows_begin(struct lf_rows *rows, struct lf_form *form,
                             struct lf_commit *commit,
                             struct feature_error *error);

/* Fetches and checks a row; its bytes stay until the next change. CORRUPT for
 * one that fails its checks: the message begins with "its stored row". */
feature_status lf_rows_find(struct lf_rows *rows, const uint8_t *key,
                            size_t key_size, struct lf_stored *stored,
                            struct feature_error *error);

/* Seals an encoded row and puts it in place of the stored one. */
feature_status lf_rows_put(struct lf_rows *rows, const uint8_t *key,
                           size_t key_size, const struct lf_stored *stored,
                           struct lf_buffer *row, struct feature_error *error);

/* Removes a stored row or tombstone for good, and tells the journal. */
feature_status lf_rows_expire(struct lf_rows *rows, const uint8_t *key,
                              size_t key_size, const struct lf_stored *stored,
                              struct feature_error *error);

/* The key in `meta` of the record of a view, or of a version of it. */
void lf_rows_record_key(const struct lf_view *view, char key[LF_META_KEY_SIZE]);

/* A view's record: an empty one where nothing was written to it. */
feature_status lf_rows_read_meta(struct lf_commit *commit,
                                 const struct lf_view *view,
                                 struct lf_meta_view *meta, bool *found,
                                 struct feature_error *error);

/* Writes a view's record as it is. */
feature_status lf_rows_put_meta(struct lf_commit *commit,
                                const struct lf_view *view,
                                const struct lf_meta_view *meta,
                                struct feature_error *error);

/* Writes a view's record, as one that this commit touched. */
feature_status lf_rows_write_meta(struct lf_commit *commit,
                                  const struct lf_view *view,
                                  struct lf_meta_view *meta,
                                  struct feature_error *error);
feature_status lf_rows_end(struct lf_rows *rows, struct feature_error *error);

#endif
