/* SPDX-License-Identifier: Apache-2.0 */
/* A place among the versions of keys, whether they lie in rows or in blocks. */
#ifndef LF_STORE_HISTORY_CURSOR_H
#define LF_STORE_HISTORY_CURSOR_H

#include "format/block.h"
#include "store/rows.h"

/* A version, or the first entry of another key. The key stays until the next
 * move; NULL: there is none. */
struct lf_version_at {
    const uint8_t *key; /* whole */
    size_t key_size;
    const uint8_t *value; /* as it lies there, maybe a block */
    size_t size;
    const struct lf_history_entry *unpacked; /* NULL: the value is its own */
};

/*
 * Of a snapshot or of a write transaction. Zero is unused; kept from use to use.
 * What entries of blocks have for rows stays until the next seek.
 */
struct lf_history_cursor {
    uint32_t view, seed;
    struct lf_reader *reader; /* or NULL, and: */
    struct lf_commit *commit;
    struct lf_tree *tree;
    struct lf_cursor *cursor;
    bool is_dictionary_known; /* the press has that of the view */
    struct lf_press *press;   /* made for the first block */
    struct room *rooms;       /* blocks, unpacked */
    uint32_t room_count, used;
    struct lf_versions_block *block; /* that of the version at hand, or NULL */
    uint32_t index;                  /* in it */
    struct lf_version_at raw;
    struct lf_buffer value;
    size_t key_size; /* of the join key of the last seek */
    uint8_t key[LF_HISTORY_KEY_MAX];
};

/* Over the history of a view in a snapshot; close it before the reader ends. */
feature_status lf_history_open_read(struct lf_history_cursor *cursor,
                                    struct lf_reader *reader,
                                    const struct lf_view *view,
                                    struct feature_error *error);
/* In a write transaction, where changes to the tree void what was read of it but
 * for blocks; begin anew after any. */
void lf_history_open_write(struct lf_history_cursor *cursor,
                           const struct lf_rows *rows);
void lf_history_close(struct lf_history_cursor *cursor);
void lf_history_free_cursor(struct lf_history_cursor *cursor);

/* The first version whose whole key is not below the given; then the next one;
 * the one before, in a write transaction alone. Where it is one of another join
 * key, it is no more than its place. CORRUPT: a block is damaged. */
feature_status lf_history_seek(struct lf_history_cursor *cursor,
                               const void *key, size_t key_size,
                               struct lf_version_at *at,
                               struct feature_error *error);
feature_status lf_history_next(struct lf_history_cursor *cursor,
                               struct lf_version_at *at,
                               struct feature_error *error);
feature_status lf_history_back(struct lf_history_cursor *cursor,
                               struct lf_version_at *at,
                               struct feature_error *error);

/* What was read before the version at hand is not needed any more. */
void lf_history_let_go(struct lf_history_cursor *cursor);

/* Whether the key sought lies among the versions of a block. */
static inline bool
lf_history_is_within(const struct lf_history_cursor *cursor)
{
    return cursor->block && cursor->index;
}

/* Opens a version; its rows are not yet checked against their layouts. NULL, or
 * a reason word as of lf_history_open. */
static inline const char *
lf_history_take(const struct lf_history_cursor *cursor,
                const struct lf_version_at *at, struct lf_history_entry *entry)
{
    if (!at->unpacked)
        return lf_history_open(entry, cursor->seed, at->key, at->key_size,
                               at->value, at->size);
    *entry = *at->unpacked;
    return NULL;
}

/* --- history_block.c ------------------------------------------------------- */

/* The dictionary of a view, as a press is to use it; of a record that is not
 * there, none. */
feature_status lf_dictionary_load(struct lf_press *press, uint32_t view,
                                  const uint8_t *record, size_t size,
                                  struct feature_error *error);

/* Unpacks the block at a place. CORRUPT: it is damaged, or its dictionary is not
 * there. */
feature_status lf_history_unpack(struct lf_history_cursor *cursor,
                                 const struct lf_version_at *at,
                                 struct lf_versions_block *block,
                                 struct feature_error *error);

/* Opens a version, with its rows checked against their layouts. */
feature_status lf_history_read(const struct lf_history_cursor *cursor,
                               struct lf_form *form,
                               const struct lf_version_at *at,
                               struct lf_history_entry *entry,
                               struct feature_error *error);

/* Where the version at hand lies in a block, puts the versions of the block in
 * its place. The cursor then lies nowhere; what was read stays. */
feature_status lf_history_break(struct lf_history_cursor *cursor,
                                struct feature_error *error);

#endif
