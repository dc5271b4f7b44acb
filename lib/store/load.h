/* SPDX-License-Identifier: Apache-2.0 */
/* A load: a whole new version of a view, beside the one that serves. */
#ifndef LF_STORE_LOAD_H
#define LF_STORE_LOAD_H

#include "engine/claim.h"
#include "store/loads.h"
#include "store/sides.h"
#include "store/sorter.h"
#include "store/target.h"

#define LF_LOAD_SLICE \
    (2u << 20)          /* bytes of rows that one commit puts, at most */
#define LF_SLICE_HEAD 8 /* of a row in a slice: two sizes */
#define LF_SORT_PLACE 8 /* of a row in the sorter: where it came from */
#define LF_SORT_TIME  8 /* behind the key of an event that is kept */

enum lf_load_stage {
    LF_LOAD_OPEN,
    LF_LOAD_KNOWN, /* its id was committed before */
    LF_LOAD_OVER
};

/* What a load takes: it stays at what came first. */
enum lf_load_content {
    LF_LOAD_NOTHING, /* so far */
    LF_LOAD_STATES,
    LF_LOAD_EVENTS
};

/* Rows on their way into the staged version. Those that come in order are put a
 * slice at a time; from the first that does not, all go through the sorter. */
struct lf_build {
    struct lf_buffer slice; /* key size u32, row size u32, key, row; in order */
    size_t last;            /* where the last of them begins */
    size_t counted;         /* up to where they are sealed, and in meta */
    uint64_t uncounted;     /* rows behind that */
    struct lf_buffer key;   /* the last one that was taken; empty: none was */
    size_t target;          /* bytes of a slice */
    int64_t held_us;        /* the writer gate, for the last one */
    bool has_put;           /* there are rows in the tree */
    struct lf_sorter *sorter;
    uint64_t sorted_rows;    /* that went into it as they came */
    struct lf_buffer row;    /* encoded */
    struct lf_form form;     /* of a view FROM an event, once it is needed */
    struct lf_sides sides;   /* wide states of the row at hand */
    struct lf_buffer stored; /* that row without them, or with them again */
    struct lf_buffer kept;   /* of a history: entries in order, as a slice */
    struct lf_buffer entry;  /* one of them */
    struct lf_meta_view
        meta; /* of the version, with what is counted, and kept */
    uint64_t bytes;
    uint64_t kept_bytes;
    uint32_t seed;    /* of the rows' checksums */
    int64_t begun_us; /* steady clock; of the pace */
};

struct feature_load {
    feature_store *store;
    const char *name; /* of the view */
    bool is_event;  /* it is FROM one: rows are states, or are made of events */
    uint32_t event; /* its id, */
    const char *event_name;
    enum lf_load_content content; /* of a view FROM an event */
    uint64_t applied, late;       /* events that were folded */
    enum lf_load_stage stage;
    feature_status status; /* why it is over */
    struct feature_error problem;
    struct lf_arena arena;
    uint32_t flags;
    uint32_t wait_ms;
    uint64_t rows_per_second;
    uint64_t bytes_per_second;
    uint64_t memory;
    const char *directory; /* NULL: the store's */
    uint32_t source_count;
    struct feature_source *sources;
    struct lf_claim claim;
    struct lf_load_record record; /* as it will be */
    bool has_record;              /* in the store */
    struct lf_definition definition;
    struct lf_catalog *catalog; /* a copy in which the view is the staged one */
    struct lf_view *view;       /* in it */
    bool is_exact;    /* the cut was the newest commit when the load began */
    uint64_t before;  /* rows ever applied or late by then */
    uint32_t serving; /* version of the view */
    int64_t cut_committed; /* commit time of the cut */
    struct lf_build build;
    uint32_t batches; /* that were appended: the next one's number */
    struct feature_load_report report;
};

/* --- load_build.c ---------------------------------------------------------- */

/* One row, encoded and not sealed; batch and row are for messages. */
feature_status lf_build_add(struct feature_load *load, const uint8_t *key,
                            size_t key_size, const struct lf_buffer *row,
                            uint32_t batch, uint32_t index,
                            struct feature_error *error);

/* How a key lies to the last one that was taken: 1 above it, 0 the same. */
int lf_build_order(const struct lf_build *build, const uint8_t *key,
                   size_t key_size);

/* Takes a row, or an event, for the merge at the end. */
feature_status lf_build_sort(struct feature_load *load, const uint8_t *key,
                             size_t key_size, const struct lf_buffer *row,
                             uint32_t batch, uint32_t index,
                             struct feature_error *error);

/* `order`: a key is below the one before, which was promised not to be. */
feature_status lf_build_fail_order(const struct feature_load *load,
                                   uint32_t batch, uint32_t row,
                                   struct feature_error *error);

/* Takes a row, in full, whose key is not below that. */
feature_status lf_build_take(struct feature_load *load, const uint8_t *key,
                             size_t key_size, const uint8_t *row, size_t size,
                             int order, uint32_t batch, uint32_t index,
                             struct feature_error *error);

/* Puts what was taken into the tree. Where a row can take the place of the last
 * one, that waits, unless this is the end. */
feature_status lf_build_flush(struct feature_load *load, bool is_end,
                              struct feature_error *error);

/* All rows are in the sorter, or in the tree: takes them in order. */
feature_status lf_build_sort_in(struct feature_load *load,
                                struct feature_error *error);

/* All rows are there: puts what is left. */
feature_status lf_build_end(struct feature_load *load,
                            struct feature_error *error);

/* Nothing is in the version, which knows of commits up to the cut. */
void lf_build_clear(struct feature_load *load);
void lf_build_free(struct lf_build *build);

/* One short commit, without a number, of a load whose view is as it was. It may
 * be tried more than once. */
typedef feature_status (*lf_load_work)(struct feature_load *load,
                                       struct lf_commit *commit, void *context,
                                       struct feature_error *error);
feature_status lf_load_commit_slice(struct feature_load *load,
                                    lf_load_work work, void *context,
                                    struct feature_error *error);

/* Writes the record of the staged version. */
feature_status lf_load_put_meta(const struct feature_load *load,
                                struct lf_commit *commit,
                                const struct lf_meta_view *meta,
                                struct feature_error *error);

/* --- load_sides.c ---------------------------------------------------------- */

/* Binds the form of a view FROM an event. */
feature_status lf_build_bind(struct feature_load *load,
                             struct feature_error *error);

/* A row in full as it is stored, which is valid until the next one. count: of the
 * states that then lie beside it. */
feature_status lf_build_slim(struct feature_load *load, const uint8_t *key,
                             size_t key_size, struct lf_slice *row,
                             uint64_t *count, struct feature_error *error);

/* Puts the states of that row. */
feature_status lf_build_put_sides(struct feature_load *load,
                                  struct lf_commit *commit,
                                  struct feature_error *error);

/* A stored row of a version in full again, valid until the next one; between
 * lf_build_reads() and lf_sides_leave(). */
feature_status lf_build_reads(struct feature_load *load,
                              struct lf_reader *reader, uint32_t version,
                              struct feature_error *error);
feature_status lf_build_fill(struct feature_load *load, const uint8_t *key,
                             size_t key_size, struct lf_slice *row,
                             struct feature_error *error);

/* --- load_kept.c ----------------------------------------------------------- */

/* A view FROM an event that keeps history: what is loaded is all that is known of
 * the cut. */
bool lf_load_keeps(const struct feature_load *load);
void lf_load_begin_kept(struct feature_load *load);

/* Keeps an event for the history of the version, if that reaches so far back. Those
 * of a key come newest first, those of one time in the order of the load: the
 * ordinal counts them from 0. */
feature_status lf_load_keep(struct feature_load *load, const uint8_t *key,
                            size_t key_size, const struct lf_row *event,
                            uint32_t ordinal, struct feature_error *error);

/* Puts what waits, within the commit that has it in its record. */
feature_status lf_load_put_kept(struct feature_load *load,
                                struct lf_commit *commit,
                                struct feature_error *error);

/* --- load_history.c -------------------------------------------------------- */

/* After all rows are put, where the view keeps history: makes the version what one
 * commit at the cut would have made of the one that serves. */
feature_status lf_load_write_history(struct feature_load *load,
                                     struct feature_error *error);

/* --- load_options.c -------------------------------------------------------- */

feature_status lf_load_check_options(const struct feature_load_options *options,
                                     struct feature_error *error);
feature_status lf_load_copy_options(struct feature_load *load,
                                    const struct feature_load_options *options,
                                    struct feature_error *error);
feature_status lf_load_finish(struct feature_load *load,
                              struct feature_error *error);

/* --- load_begin.c ---------------------------------------------------------- */

feature_status lf_load_check_id(const char *id, struct feature_error *error);

feature_status lf_load_find_view(const struct lf_catalog *catalog,
                                 const char *name, const struct lf_view **view,
                                 struct feature_error *error);

/* Claims a view, or BUSY `load`, which names who has it. */
feature_status lf_load_claim(feature_store *store, uint32_t view,
                             const char *name, struct lf_claim *claim,
                             struct feature_error *error);

/* A copy of the catalog in which a view is another version of it, and the only
 * one; no event in it has a dedupe. */
feature_status lf_load_stand_in(const struct lf_catalog *catalog, uint32_t view,
                                uint32_t version, enum lf_standing standing,
                                struct lf_catalog **made,
                                struct lf_view **staged,
                                struct feature_error *error);

#endif
