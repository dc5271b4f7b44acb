/* SPDX-License-Identifier: Apache-2.0 */
/* The open store, and what its modules share. */
#ifndef LF_STORE_STORE_H
#define LF_STORE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "engine/engine.h"
#include "format/meta.h"
#include "model/catalog.h"
#include "store/counts.h"

struct lf_hold;
struct lf_write;

struct feature_store {
    atomic_uint references; /* the handle and its children */
    atomic_uint users;      /* calls that use the environment right now */
    atomic_bool closed;
    bool is_inherited; /* closed by a child of the process that opened it */
    _Atomic(int64_t) hold_due; /* when a held snapshot is too old (hold.c) */
    struct lf_environment *environment;
    bool read_only;
    bool leaves_upkeep; /* FEATURE_OPEN_NO_UPKEEP */
    uint32_t write_wait_ms;
    uint64_t max_row_size;
    int64_t fixed_now;
    uint32_t generation;        /* of the process that opened it */
    uint64_t token;             /* who we are in meta/store's list of commits */
    pthread_mutex_t lock;       /* of the two below */
    struct lf_catalog *catalog; /* the newest this handle has seen */
    uint64_t limit;             /* max_size the environment was told */
    pthread_mutex_t write_lock; /* of the five below */
    pthread_cond_t written;
    struct lf_write *queue;    /* write calls that wait for a leader */
    uint32_t group_calls;      /* in the last group */
    int64_t group_us;          /* it took that long */
    bool is_writing;           /* a leader is at work */
    _Atomic(uint64_t) replays; /* write calls that were written before */
    pthread_mutex_t hold_lock; /* of the list below */
    struct lf_hold *holds;     /* snapshots that scans hold (hold.c) */
    atomic_uint hold_count;
    pthread_mutex_t count_lock;    /* of the three below */
    struct lf_counts *counts;      /* of the requests there are (counts.c) */
    struct lf_count_sums counted;  /* by those that were freed */
    struct lf_buffer event_counts; /* struct lf_event_counts */
};

/* A child's reference on the store, or INVALID `closed`. */
feature_status lf_store_hold(feature_store *store, feature_store **held,
                             struct feature_error *error);
void lf_store_release(feature_store *store); /* NULL is fine */

/* Brackets every call that uses the environment: INVALID `closed` or `forked`
 * from enter; leave only after an enter that succeeded. */
feature_status lf_store_enter(feature_store *store,
                              struct feature_error *error);
void lf_store_leave(feature_store *store);

int64_t lf_store_now(const feature_store *store);

/* The store's record in a snapshot, checked. */
feature_status lf_store_read_meta(struct lf_reader *reader,
                                  struct lf_meta_store *meta,
                                  struct feature_error *error);

/* The catalog of a snapshot whose record is meta; one reference for the
 * caller. */
feature_status lf_store_read_catalog(feature_store *store,
                                     struct lf_reader *reader,
                                     const struct lf_meta_store *meta,
                                     struct lf_catalog **catalog,
                                     struct feature_error *error);

/* The record of a view; an empty one where nothing was written to it. */
feature_status lf_store_read_view(struct lf_reader *reader, uint32_t view,
                                  struct lf_meta_view *meta,
                                  struct feature_error *error);

/* Whether this library can serve the store, and each view has the rows that its
 * record counts: a page of rows that vanished as a whole shows only there. */
feature_status lf_store_check(feature_store *store,
                              struct feature_error *error);

/* The newest catalog there is, from a snapshot of its own. */
feature_status lf_store_catalog(feature_store *store,
                                struct lf_catalog **catalog,
                                struct feature_error *error);

/* Tells the environment the catalog's max_size, where that is news. */
feature_status lf_store_apply_limit(feature_store *store,
                                    const struct lf_catalog *catalog,
                                    struct feature_error *error);

/* Makes a catalog the handle's newest, where it is. */
void lf_store_publish(feature_store *store, struct lf_catalog *catalog);

/*
 * Options and reports begin with struct_size. Copies what the caller's version
 * has of ours into ours; NULL gives zeros. VERSION `struct-size` for a size
 * that is impossible or an unknown tail that is not zero.
 */
feature_status lf_options_read(void *ours, size_t size, const void *theirs,
                               const char *name, struct feature_error *error);

/* Copies our report into theirs, as far as its struct_size reaches, and zeroes
 * the rest of it. lf_report_check goes first. */
feature_status lf_report_check(const void *theirs, const char *name,
                               struct feature_error *error);
void lf_report_write(void *theirs, const void *ours, size_t size);

/* rows/<view>/<version> */
void lf_rows_tree(const struct lf_view *view, char name[LF_TREE_NAME_SIZE]);
void lf_tiles_tree(const struct lf_view *view, char name[LF_TREE_NAME_SIZE]);

#endif
