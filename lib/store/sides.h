/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wide states of a view's rows, where they lie: in the tree
 * `tiles/<view>/<version>` of a snapshot or of a write transaction.
 */
#ifndef LF_STORE_SIDES_H
#define LF_STORE_SIDES_H

#include "base/error.h"
#include "engine/engine.h"
#include "format/side.h"
#include "store/form.h"

/* Never moved once its states or readings use it. */
struct lf_sides {
    struct lf_beside beside; /* of the key at hand */
    char tree[LF_TREE_NAME_SIZE];
    const char *view; /* its name */
    uint32_t seed;
    struct lf_reader *reader; /* one of the two, or neither: nothing is there */
    struct lf_writer *writer;
    struct lf_cursor *cursor; /* of the reader, once it was needed */
    struct lf_tree *in_writer;
    uint8_t key[LF_SIDE_KEY_MAX];
    size_t key_size;
    struct lf_beside_set old;
    struct lf_buffer value;
    feature_status status; /* why a fetch failed, and what to say of it */
    struct feature_error problem;
};

/* view has to outlive it. */
void lf_sides_init(struct lf_sides *sides, const struct lf_view *view);
void lf_sides_free(struct lf_sides *sides); /* a zeroed one too */

/* Where the values are: until the transaction ends. */
void lf_sides_in_writer(struct lf_sides *sides, struct lf_writer *writer);
void lf_sides_in_reader(struct lf_sides *sides, struct lf_reader *reader);
void lf_sides_leave(struct lf_sides *sides);

/* The join key at hand; what was made for the one before is forgotten. */
void lf_sides_begin(struct lf_sides *sides, const uint8_t *key,
                    size_t key_size);

/* Why a state could not be used, if it was for the sake of a value: the failure
 * as it was noted, once. FEATURE_OK: for another reason. */
feature_status lf_sides_failure(struct lf_sides *sides,
                                struct feature_error *error);

/* A stored row beside which states lie, in full; its checksum is left for the
 * caller to make. */
feature_status lf_sides_inflate(struct lf_sides *sides, struct lf_form *form,
                                const struct lf_row *row, struct lf_buffer *to,
                                struct feature_error *error);

/* How many bytes it would have. */
feature_status lf_sides_measure(struct lf_sides *sides, struct lf_form *form,
                                const struct lf_row *row, uint64_t *size,
                                struct feature_error *error);

/* A row in full, as it is stored; its checksum is left out. What lies beside it
 * is then in sides->beside.made. */
feature_status lf_sides_deflate(struct lf_sides *sides, struct lf_form *form,
                                const struct lf_row *row, struct lf_buffer *to,
                                struct feature_error *error);

/*
 * Writes what the row of the key at hand came to refer to, and removes what it
 * refers to no more. row: as it is stored, or NULL. next: the row that takes its place, encoded last by a state of this
 * key, or NULL. *entries: of the tree.
 */
feature_status lf_sides_put(struct lf_sides *sides, struct lf_form *form,
                            const struct lf_row *row, const struct lf_row *next,
                            uint64_t *entries, struct feature_error *error);

/* Appends what a new row of the key at hand refers to, encoded: two sizes (u32), a
 * key and a value each. The row was encoded last by a state of the key, or
 * deflated. *count: how many. */
feature_status lf_sides_collect(struct lf_sides *sides, struct lf_form *form,
                                const struct lf_row *row, struct lf_buffer *to,
                                uint64_t *count, struct feature_error *error);

/* Whether states lie beside a stored row. */
static inline bool
lf_sides_has(const struct lf_row *row)
{
    return row->flags & LF_ROW_WINDOW &&
           lf_beside_is_slim(row->bytes + LF_ROW_HEADER_SIZE,
                             row->size - LF_ROW_HEADER_SIZE);
}

#endif
