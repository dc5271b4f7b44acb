/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a store holds, on its way from a store or a snapshot file into a
 * file, a new store, or nowhere: one path, on which all of it is checked.
 */
#ifndef LF_STORE_COPY_H
#define LF_STORE_COPY_H

#include "format/manifest.h"
#include "format/record.h"
#include "format/row.h"
#include "store/dedupe.h"
#include "store/history_check.h"
#include "store/sides.h"
#include "store/store.h"

#define LF_CATALOG_TREE "catalog"

/* Where a copy goes. Trees come one after the other, keys in order. */
struct lf_sink {
    feature_status (*begin)(void *to, const struct lf_manifest *manifest,
                            struct feature_error *error);
    /* view NULL: the catalog. */
    feature_status (*tree)(void *to, const struct lf_view *view,
                           bool is_history, struct feature_error *error);
    /* The ids of an event that were seen; after all views. */
    feature_status (*ids)(void *to, const struct lf_event *event,
                          struct feature_error *error);
    /* The records of loads; the last. */
    feature_status (*loads)(void *to, struct feature_error *error);
    feature_status (*put)(void *to, const uint8_t *key, size_t key_size,
                          const uint8_t *value, size_t size,
                          struct feature_error *error);
    /* A value of the side tree of the view whose rows are put, in order of key,
     * before the row that refers to it. NULL: rows travel in full. */
    feature_status (*side)(void *to, const uint8_t *key, size_t key_size,
                           const uint8_t *value, size_t size,
                           struct feature_error *error);
};

struct lf_copy {
    const struct lf_sink *sink; /* NULL: only check */
    void *to;
    struct feature_progress *progress; /* or NULL */
    bool keeps_feed;   /* the manifest has the segments of the change feed */
    bool keeps_blocks; /* of histories, as they lie in the store */
    const struct lf_dictionary_copy *dictionaries; /* of views */
    uint32_t dictionary_count;
    struct lf_buffer entry; /* out of a block */
    struct lf_arena arena;
    struct lf_manifest manifest;
    struct lf_buffer records; /* lf_record, of the catalog */
    struct lf_catalog *catalog;
    uint32_t view; /* index in the manifest of the one at hand, or the next */
    const struct lf_view *definition; /* of it; NULL: between two */
    const struct lf_entity *entity;
    struct lf_layout *layouts; /* one a schema version; made when first used */
    struct lf_arena layout_arena;
    uint32_t seed;
    struct lf_hash128 content; /* of the rows so far */
    uint64_t view_rows;
    uint64_t view_tombstones;
    uint64_t view_tiles; /* states beside the rows */
    uint8_t last[LF_DEDUPE_KEY_MAX];
    size_t last_size;
    const struct lf_event *event; /* whose ids are at hand */
    bool is_history; /* of the view at hand: its rows are all there */
    struct lf_history_check check;
    struct lf_window_check windows; /* rows of a view FROM an event */
    struct lf_sides sides;          /* the states beside them */
    struct lf_buffer full, slim;    /* a row, in these forms */
    uint64_t rows;                  /* of all views */
    uint64_t bytes;                 /* of their keys and rows */
};

/* A record of meta: of the dictionary of a view. */
struct lf_dictionary_copy {
    char key[LF_DICTIONARY_KEY_SIZE];
    const uint8_t *record;
    size_t size;
};

/* The manifest's views lie in copy->arena. */
feature_status lf_copy_begin(struct lf_copy *copy, struct feature_error *error);
feature_status lf_copy_record(struct lf_copy *copy, const uint8_t *key,
                              size_t key_size, const uint8_t *value,
                              size_t size, struct feature_error *error);
feature_status lf_copy_catalog(struct lf_copy *copy,
                               struct feature_error *error);

/* A stored row of the view at hand in full, if states lie beside it; what is
 * wrong with a row is left to lf_copy_row. */
feature_status lf_copy_fill(struct lf_copy *copy, const uint8_t *key,
                            size_t key_size, const uint8_t **row, size_t *size,
                            struct feature_error *error);

/* The next view of the manifest, its rows in order of key, its end. Rows are in
 * full. */
feature_status lf_copy_view(struct lf_copy *copy, struct feature_error *error);
feature_status lf_copy_row(struct lf_copy *copy, const uint8_t *key,
                           size_t key_size, const uint8_t *row, size_t size,
                           struct feature_error *error);

/* The history of the view at hand, after its rows, and its entries. */
feature_status lf_copy_history(struct lf_copy *copy,
                               struct feature_error *error);
feature_status lf_copy_blocks(struct lf_copy *copy, /* there may be such */
                              struct feature_error *error);
feature_status lf_copy_version(struct lf_copy *copy, const uint8_t *key,
                               size_t key_size, const uint8_t *value,
                               size_t size, struct feature_error *error);
feature_status lf_copy_view_end(struct lf_copy *copy,
                                struct feature_error *error);

/* The ids of an event, in the order of events' ids, and its entries. */
feature_status lf_copy_ids(struct lf_copy *copy, uint32_t event,
                           struct feature_error *error);
feature_status lf_copy_id(struct lf_copy *copy, const uint8_t *key,
                          size_t key_size, const uint8_t *value, size_t size,
                          struct feature_error *error);

/* The records of loads, and each of them: those that were committed are taken
 * along (copy_loads.c). */
feature_status lf_copy_loads(struct lf_copy *copy, struct feature_error *error);
feature_status lf_copy_load(struct lf_copy *copy, const uint8_t *key,
                            size_t key_size, const uint8_t *value, size_t size,
                            struct feature_error *error);

/* --- within a copy ------------------------------------------------------------ */

/* Whether a key is past the last one, as LMDB orders them. */
bool lf_copy_is_after(const struct lf_copy *copy, const uint8_t *key,
                      size_t size);
/* Whether it is the parts of the entity at hand, and no byte more. */
bool lf_copy_is_key(const struct lf_copy *copy, const uint8_t *key,
                    size_t size);
/* The rows of a view are all there. */
feature_status lf_copy_rows_end(struct lf_copy *copy,
                                struct feature_error *error);

/* Tells the caller's progress, and BUSY `cancelled` where he wants no more. */
feature_status lf_copy_tell(const struct lf_copy *copy,
                            struct feature_error *error);

void lf_copy_free(struct lf_copy *copy);

/* All of one snapshot of a store. The reader is parked before and after, and
 * while nothing is read; it is the caller's to drop. */
feature_status lf_copy_store(struct lf_copy *copy, struct lf_reader *reader,
                             struct feature_error *error);

/* The entries of a tree of any kind, unchecked. */
typedef feature_status (*lf_copy_entry)(struct lf_copy *copy,
                                        const uint8_t *key, size_t key_size,
                                        const uint8_t *value, size_t size,
                                        struct feature_error *error);
feature_status lf_copy_raw(struct lf_copy *copy, struct lf_reader *reader,
                           const char *tree, lf_copy_entry put,
                           struct feature_error *error);

/* Every word of the report but its sizes and its lag. */
void lf_copy_report(const struct lf_copy *copy,
                    struct feature_snapshot_report *report);

#endif
