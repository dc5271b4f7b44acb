/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verification: a file, a snapshot in it, what was found so far.
 *
 * Functions answer a status only where the verification cannot go on; damage is
 * a finding, after which it does.
 */
#ifndef LF_VERIFY_VERIFY_H
#define LF_VERIFY_VERIFY_H

#include "base/buffer.h"
#include "engine/engine.h"
#include "engine/layout.h"
#include "format/feed.h"
#include "format/block.h"
#include "format/meta.h"
#include "format/row.h"
#include "model/catalog.h"

#define LF_NO_PAGE UINT64_MAX

enum lf_finding {
    LF_FOUND_FILE,    /* the file's size, its meta pages */
    LF_FOUND_PAGE,    /* a page, its nodes, who uses it */
    LF_FOUND_ORDER,   /* the order of keys */
    LF_FOUND_COUNT,   /* what a tree's record says of it */
    LF_FOUND_ROW,     /* a row, or its key */
    LF_FOUND_VIEW,    /* what a view's record says of its rows */
    LF_FOUND_CATALOG, /* definitions */
    LF_FOUND_STORE    /* the store's record, and which trees there are */
};

#define LF_FINDING_KINDS 8

/* Where something was found. */
struct lf_place {
    const char *tree; /* or NULL */
    const char *view; /* its name, or NULL */
    uint64_t page;    /* LF_NO_PAGE: none */
    const uint8_t *key;
    size_t key_size; /* 0: none */
};

/* A root of the snapshot before, by the other meta page. */
struct lf_former_root {
    uint64_t page; /* LF_NO_PAGE: it had none, or is not known */
    bool is_freed; /* by the newest commit */
};

/* What a meta page says. */
struct lf_verify_meta {
    uint8_t bytes[LF_META_SIZE];
    const char *problem; /* NULL: it can be used */
    uint64_t transaction;
};

/* The change records so far. */
struct lf_verify_chain {
    uint64_t records;
    uint64_t bytes; /* with their keys */
    uint8_t end[LF_CHAIN_SIZE];
};

/* What lf_verify_find needs. */
struct lf_verify_finder {
    uint8_t *pages; /* one a level */
    uint64_t numbers[LF_DEPTH_MAX + 1];
    struct lf_buffer value; /* one that spans pages */
    bool is_busy;           /* nothing is found meanwhile */
};

struct lf_verify {
    int file;
    uint64_t file_size;
    uint32_t page_size;
    uint64_t file_pages;  /* whole ones */
    uint64_t last;        /* page of the snapshot */
    uint64_t transaction; /* of the snapshot */
    struct lf_verify_meta metas[2];
    const struct lf_verify_meta *meta; /* the snapshot's */
    uint64_t covered;                  /* pages that the bitmaps have */
    uint64_t *used, *unused;           /* by a tree, by the free list */
    uint64_t used_count, unused_count;
    uint64_t unused_beyond;          /* the end of the file */
    struct lf_former_root former[2]; /* of the free list, the main database */
    uint8_t *frames;                 /* a page for each level of a tree */
    struct lf_buffer value;          /* one that spans pages */
    struct lf_verify_finder finder;

    bool is_json;
    uint64_t limit; /* of findings in the text */
    struct lf_text text;
    uint64_t found[LF_FINDING_KINDS];

    bool has_store;
    struct lf_meta_store store;
    bool has_catalog_tree;
    struct lf_catalog *catalog; /* NULL: not to be had */
    struct lf_arena arena;
    struct lf_buffer records;      /* lf_record, of the catalog */
    struct lf_buffer views;        /* lf_verify_view */
    struct lf_buffer trees;        /* lf_verify_name, by name */
    struct lf_buffer dictionaries; /* lf_verify_dictionary */
    bool has_feed;
    struct lf_meta_feed feed;
    struct lf_buffer segments; /* lf_segment, in order */
    struct lf_verify_chain chain;
    uint64_t rows, tombstones;
};

/* A named database. */
struct lf_verify_name {
    char name[LF_TREE_NAME_SIZE];
    uint8_t record[LF_RECORD_SIZE];
};

/* The record of a view, or of a version of it that does not serve. */
struct lf_verify_view {
    uint32_t id;
    uint32_t version; /* of one that does not serve */
    enum lf_standing standing;
    bool has_tree;
    bool has_history;
    bool has_tiles;
    struct lf_meta_view meta;
};

/* The dictionary of a view's history: a record that holds. */
struct lf_verify_dictionary {
    uint32_t view;
    const uint8_t *record;
    size_t size;
};

/* An entry of a leaf. */
struct lf_entry {
    struct lf_place place;
    uint32_t flags;
    uint32_t size;
    const uint8_t *bytes; /* in the page; NULL: in an overflow run */
    uint64_t run;         /* its first page */
};

typedef feature_status (*lf_verify_visit)(struct lf_verify *verify,
                                          void *context,
                                          const struct lf_entry *entry,
                                          struct feature_error *error);

/* --- findings.c ------------------------------------------------------------ */

void lf_found(struct lf_verify *verify, enum lf_finding kind,
              const struct lf_place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

uint64_t lf_found_count(const struct lf_verify *verify);

/* Ends the text: how many findings are not in it. */
void lf_found_end(struct lf_verify *verify);

/* --- source.c -------------------------------------------------------------- */

/* Opens data.mdb in a directory; nothing but reading. */
feature_status lf_verify_open(struct lf_verify *verify, const char *path,
                              struct feature_error *error);

/* Reads the meta pages and chooses: that of a transaction (0: the newest).
 * Where the one asked for is gone, LF_AGAIN; where no page can be used, OK and
 * verify->meta is NULL. */
feature_status lf_verify_metas(struct lf_verify *verify, uint64_t transaction,
                               struct feature_error *error);

/* Says what is wrong with the two pages together. */
void lf_verify_judge_metas(struct lf_verify *verify);

/* Whether the newest transaction is still the one that was chosen. */
bool lf_verify_is_unchanged(struct lf_verify *verify);

/* Room for the pages of the chosen snapshot. */
feature_status lf_verify_prepare(struct lf_verify *verify,
                                 struct feature_error *error);

/* Bytes of the file; false: a finding was made. */
bool lf_verify_read(struct lf_verify *verify, const struct lf_place *place,
                    uint64_t offset, void *to, size_t size);

void lf_verify_close(struct lf_verify *verify);

/* --- claims.c -------------------------------------------------------------- */

/* A page is claimed by a tree; false: it cannot be its, a finding was made. */
bool lf_verify_claim(struct lf_verify *verify, const struct lf_place *place,
                     uint64_t page);

/* The free list, whose record is that of the meta page. */
feature_status lf_verify_free_list(struct lf_verify *verify,
                                   struct feature_error *error);

/* Compares the claims with the number of pages. Returns how many are lost. */
uint64_t lf_verify_claims_end(struct lf_verify *verify);

/* --- tree.c ---------------------------------------------------------------- */

/* Walks a tree, and compares it with its record. */
feature_status lf_verify_tree(struct lf_verify *verify, const char *name,
                              const char *view, const uint8_t *record,
                              lf_verify_visit visit, void *context,
                              struct feature_error *error);

/* Of an entry of any tree: those of the change feed may be the largest. */
#define LF_VALUE_SIZE_LIMIT (LF_FRAME_SIZE + LF_CHANGE_SIZE_LIMIT)

/* The value of an entry, at most that many bytes, until the next call;
 * NULL bytes: a finding was made. */
feature_status lf_verify_value(struct lf_verify *verify,
                               const struct lf_entry *entry,
                               const uint8_t **bytes,
                               struct feature_error *error);

/* --- find.c ---------------------------------------------------------------- */

/* The value of a key of a tree with that record, until the next call; NULL in
 * *bytes: it is not there, or cannot be read. No finding is made. */
feature_status lf_verify_find(struct lf_verify *verify, const uint8_t *record,
                              const uint8_t *key, size_t key_size,
                              const uint8_t **bytes, size_t *size,
                              struct feature_error *error);
void lf_verify_find_end(struct lf_verify *verify);

/* --- page.c ---------------------------------------------------------------- */

struct lf_verify_node {
    const uint8_t *key;
    const uint8_t *data;
    uint32_t key_size;
    uint32_t size;
    uint64_t child;
    uint32_t flags;
};

/* Checks a page's header and the space of its nodes. False: nothing in it can
 * be used; a finding was made. */
bool lf_verify_page(struct lf_verify *verify, const struct lf_place *place,
                    const uint8_t *page, uint32_t kind, uint32_t *count);

/* One node; false: it leaves the page, a finding was made. */
bool lf_verify_node(struct lf_verify *verify, const struct lf_place *place,
                    const uint8_t *page, uint32_t index,
                    struct lf_verify_node *node);

/* --- records.c ------------------------------------------------------------- */

/* Reads the names of the trees, the records of the store and its views, and the
 * catalog. */
feature_status lf_verify_records(struct lf_verify *verify,
                                 struct feature_error *error);

/* The tree of a name, or NULL. */
const struct lf_verify_name *lf_verify_tree_of(const struct lf_verify *verify,
                                               const char *name);

/* The record of a version of a view, or NULL; and the view as that version, which
 * is no view where the catalog has none, or no such tree is to be. */
struct lf_verify_view *lf_verify_version_of(struct lf_verify *verify,
                                            uint32_t id, uint32_t version,
                                            struct lf_view *view);

/* --- rows.c ---------------------------------------------------------------- */

/* Walks the trees that are neither `meta` nor `catalog`, and compares the views'
 * records with them. */
feature_status lf_verify_rows(struct lf_verify *verify,
                              struct feature_error *error);

/* --- feed.c ---------------------------------------------------------------- */

/* Whether a key of `meta` is of the change feed; and its record. */
bool lf_verify_is_feed(const struct lf_place *place);
feature_status lf_verify_feed_record(struct lf_verify *verify,
                                     const struct lf_place *place,
                                     const uint8_t *bytes, size_t size,
                                     struct feature_error *error);

/* Walks a tree that is one of the feed or of the source offsets; in order of
 * their names. */
feature_status lf_verify_feed_tree(struct lf_verify *verify,
                                   const struct lf_verify_name *tree,
                                   bool *is_taken, struct feature_error *error);

/* Compares the feed's record with its trees. */
void lf_verify_feed_end(struct lf_verify *verify);

/* --- loads.c --------------------------------------------------------------- */

/* Walks the tree of the records of loads. */
feature_status lf_verify_loads_tree(struct lf_verify *verify,
                                    const struct lf_verify_name *tree,
                                    bool *is_taken,
                                    struct feature_error *error);

/* --- events.c -------------------------------------------------------------- */

/* Walks a tree that is one of the ids of an event. */
feature_status lf_verify_events_tree(struct lf_verify *verify,
                                     const struct lf_verify_name *tree,
                                     bool *is_taken,
                                     struct feature_error *error);

/* --- history.c ------------------------------------------------------------- */

/* Walks the history of a version of the view with an id. */
feature_status lf_verify_history(struct lf_verify *verify,
                                 const struct lf_verify_name *tree, uint32_t id,
                                 uint32_t version, struct feature_error *error);

/* Compares the dictionaries with the catalog. */
void lf_verify_dictionaries(struct lf_verify *verify);

/* --- tiles.c --------------------------------------------------------------- */

/* Walks the states that lie beside the rows of the view with an id. */
feature_status lf_verify_tiles(struct lf_verify *verify,
                               const struct lf_verify_name *tree, uint32_t id,
                               uint32_t version, struct feature_error *error);

/* --- key.c ----------------------------------------------------------------- */

/* What is wrong with the bytes of a join key, or NULL. */
const char *lf_verify_key(const struct lf_entity *entity, const uint8_t *key,
                          size_t size);

#endif
