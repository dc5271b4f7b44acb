/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an environment, for the engine's own files. */
#ifndef LF_ENGINE_ENVIRONMENT_H
#define LF_ENGINE_ENVIRONMENT_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "engine/engine.h"

#if MDB_VERSION_MAJOR >= 1
#error "libfeature needs LMDB 0.9: the data format of 1.0 is another one"
#endif
#if MDB_VERSION_PATCH < 24
#error "libfeature needs LMDB 0.9.24 or later"
#endif
#if UINTPTR_MAX < UINT64_MAX
#error "libfeature needs a 64-bit machine"
#endif

#define LF_SLOTS   64   /* of the gate, and so of idle readers */
#define LF_CHECKED 1024 /* more than there are trees */

/* Why LMDB's environment has to be opened again (recovery.c). */
enum lf_failure {
    LF_FAILURE_NONE = 0,
    LF_FAILURE_OUTCOME, /* LMDB could not write its meta page */
    LF_FAILURE_MAP      /* LMDB lost its mapping */
};

/* Files of a store that were not there before. */
enum lf_made {
    LF_MADE_LOCK = 1,
    LF_MADE_DATA = 2,
    LF_MADE_TABLE = 4,
    LF_MADE_DIRECTORY = 8
};

/* A line of cache apart, so that threads do not share one. */
struct lf_slot {
    _Atomic(uint32_t) running;
    uint32_t reserved;
    _Atomic(struct lf_reader *) idle;
    uint8_t apart[48];
};

/* Transactions come in, a remap waits until all have gone (gate.c). */
struct lf_gate {
    struct lf_slot slots[LF_SLOTS];
    atomic_bool is_closed;
    pthread_mutex_t mutex; /* of the one who remaps */
};

/* Writers of this process, one after the other. */
struct lf_queue {
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    struct lf_queued *first; /* of those that wait, in the order they came */
    bool is_taken;
};

/* Look-ups by mdb_get (fallback.c), and which trees need none (selfcheck.c). */
struct lf_fallback {
    pthread_mutex_t mutex; /* of the witness, its handles and its users */
    struct lf_witness *witness;
    char *path;        /* of the store, as it was given */
    bool is_forced;    /* for all trees */
    atomic_bool joins; /* readers begin with the witness's transaction */
    _Atomic(uint64_t) reads;
    _Atomic(uint64_t) checked[LF_CHECKED]; /* marks of trees; 0: none */
    _Atomic(uint32_t) forgotten;           /* times that all were cleared */
};

#define LF_INDEXES 64

/* Readers that keep a snapshot between two calls (park.c). */
struct lf_parked {
    pthread_mutex_t mutex;
    struct lf_reader *first;
};

/* What the writers of this process waited for the writer gate. */
struct lf_waits {
    _Atomic(uint64_t) writers;      /* that came */
    _Atomic(uint64_t) waited;       /* and found another one there */
    _Atomic(uint64_t) gave_up;      /* at their deadline */
    _Atomic(uint64_t) microseconds; /* all of them together */
};

/* Short cuts into trees of the newest snapshots (index.c). */
struct lf_indexes {
    pthread_mutex_t mutex; /* of the slots; builders hold it meanwhile */
    struct lf_index *slots[LF_INDEXES];
};

struct lf_environment {
    struct lf_gate gate;
    struct lf_queue queue;

    struct lf_environment *next; /* of the registry */
    dev_t device;                /* of data.mdb */
    ino_t inode;
    uint32_t shares;
    uint32_t generation;

    MDB_env *lmdb;
    MDB_dbi main;     /* the main database: names of trees, and their records */
    int directory;    /* the store, open for the life of the environment */
    int lock_file;    /* open.lock */
    bool has_entered; /* took the open lock when it was opened */
    uint32_t made;    /* LF_MADE_..., by this open */
    int32_t sync;
    uint32_t page_size;
    uint64_t map_size;
    bool read_only;
    bool is_durable;
    bool is_immutable; /* no locks: nobody may write */
    bool map_fallback;
    bool is_exclusive; /* nobody may share it (replace.c) */
    atomic_bool
        is_fresh; /* created; the open lock waits for the first writer */

    _Atomic(int) failure;     /* lf_failure */
    atomic_bool has_failed;   /* at any time: worth another try */
    atomic_bool is_doubtful;  /* a sync may have failed: the next is whole */
    uint64_t seal;            /* the only snapshot of an immutable store */
    _Atomic(uint32_t) remaps; /* counts changes of the map */
    _Atomic(const uint8_t *) base; /* of the map; NULL: not found yet */
    _Atomic(uint64_t) file_pages;  /* the file has at least that many */
    uint32_t commits;              /* since dead readers were looked for */
    int64_t checked_ms;            /* when they were */
    MDB_dbi highest;               /* handle that was ever open */

    struct lf_environment_options options; /* of the first opener */
    struct lf_fallback fallback;
    struct lf_indexes indexes;
    struct lf_parked parked;
    struct lf_waits waits;
};

/* FEATURE_INVALID `forked` only. A running transaction asks no more than that:
 * what failed is closed once it has ended. */
feature_status lf_environment_check_process(
    const struct lf_environment *environment, struct feature_error *error);

static inline void
lf_environment_failed(struct lf_environment *environment,
                      enum lf_failure failure)
{
    atomic_store(&environment->has_failed, true);
    atomic_store(&environment->failure, failure);
}

/* The answers to failures of LMDB and of the system (status.c). code is an
 * LMDB code or an errno value; directory, or -1, says which disk may be full.
 */
feature_status lf_engine_fail(struct feature_error *error, int directory,
                              int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
