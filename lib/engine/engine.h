/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: one LMDB environment per store file and process, its locks, its
 * transactions, and look-ups in it. No LMDB type, rule or number leaves it.
 */
#ifndef LF_ENGINE_ENGINE_H
#define LF_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libfeature.h"

#define LF_KEY_MAX        480 /* bytes of an encoded join key */
#define LF_TREE_NAME_SIZE 48  /* of a named database, with its NUL */

struct lf_environment; /* shared by all handles of a process on one file */
struct lf_reader;      /* a read transaction from the pool */
struct lf_writer;      /* the write transaction; one at a time */
struct lf_tree;        /* a named database within a writer */

struct lf_environment_options {
    uint32_t flags; /* feature_open_flag */
    int32_t sync;   /* feature_sync, of the first opener of the process */
    uint32_t mode;  /* 0: 0600 */
    uint64_t map_size;
    uint32_t max_readers;
    uint32_t wait_ms; /* for the open lock */
    bool unsynced;    /* commits are not durable before lf_environment_sync: for
                         a store that is being made and has no name yet */
};

struct lf_environment_info {
    uint64_t file_size;
    uint64_t map_size;
    uint64_t used_size;
    uint64_t transaction;
    uint32_t readers; /* slots taken now */
    uint32_t max_readers;
    uint32_t active_readers; /* those that hold a snapshot */
    int32_t oldest_pid;      /* of the one with the oldest; 0: none */
    uint64_t oldest_lag;     /* transactions since then */
    uint64_t writers;        /* of this process, that came to the gate */
    uint64_t writers_waited;
    uint64_t writers_gave_up;
    uint64_t writers_us; /* that all of them waited */
    bool is_immutable;
    uint32_t lmdb_version; /* major x 10000 + minor x 100 + patch */
    bool is_durable;
    bool map_fallback;
    uint64_t fallback_reads; /* look-ups of this process off the descent */
};

/*
 * Opens, or shares, the environment of the store in directory path. created
 * tells that a new, empty one was made (and no other process can have written
 * to it before the caller's first writer).
 */
feature_status lf_environment_open(const char *path,
                                   const struct lf_environment_options *options,
                                   struct lf_environment **environment,
                                   bool *created, struct feature_error *error);

/* Drops one share; the last one closes. NULL is fine. In a forked child it
 * frees memory only. */
void lf_environment_close(struct lf_environment *environment);

/* The same for an open that was refused after all: the last one removes what it
 * made. NULL is fine. */
void lf_environment_withdraw(struct lf_environment *environment);

/* FEATURE_INVALID `forked` in a child of the process that opened it. No system
 * call. */
feature_status lf_environment_check(const struct lf_environment *environment,
                                    struct feature_error *error);

/*
 * Opens the environment again where LMDB gave it up; does nothing where it did
 * not. Waits for running readers of this process, and wait_ms at most for the
 * open lock. The caller has no transaction. Parked readers lose their
 * snapshots.
 */
feature_status lf_environment_recover(struct lf_environment *environment,
                                      uint32_t wait_ms,
                                      struct feature_error *error);

/* The last commit of this process failed: until another one succeeds, what the
 * disk holds of the newest snapshots is not known. */
bool lf_environment_is_doubtful(const struct lf_environment *environment);

/* Whether a commit that returned survives a cut of power; otherwise all but the
 * last one do. */
bool lf_environment_is_synced(const struct lf_environment *environment);

/* Doubles the map; wanted bytes at most. FULL `map-full` where it has that size
 * already. */
feature_status lf_environment_grow(struct lf_environment *environment,
                                   uint64_t wanted,
                                   struct feature_error *error);

/* Bytes of data the map may hold from now on; waits for running readers and
 * writers of this process. Never below what is in use. */
feature_status lf_environment_limit(struct lf_environment *environment,
                                    uint64_t map_size,
                                    struct feature_error *error);

/*
 * Keeps everybody else from opening the store until it is closed; BUSY `in-use`
 * where somebody has it open, in this process or another. mode, where it is 0,
 * becomes that of the store's files.
 */
feature_status lf_environment_exclude(struct lf_environment *environment,
                                      uint32_t *mode,
                                      struct feature_error *error);

/* Closes an environment that was excluded, and moves data.mdb of the directory
 * path, which nobody has open, to the place of its own. */
feature_status lf_environment_replace(struct lf_environment *environment,
                                      const char *path,
                                      struct feature_error *error);

feature_status lf_environment_sync(struct lf_environment *environment,
                                   struct feature_error *error);

/* A path of the store's directory that holds while the environment is open,
 * whatever becomes of its name. */
#define LF_HERE_SIZE 32
void lf_environment_here(const struct lf_environment *environment,
                         char path[LF_HERE_SIZE]);

feature_status lf_environment_info(struct lf_environment *environment,
                                   struct lf_environment_info *info,
                                   struct feature_error *error);

/*
 * Read transactions. Pooled: begin renews one. No reader outlives the API call
 * that began it, unless it is parked. Values are borrowed until lf_reader_end.
 */
feature_status lf_reader_begin(struct lf_environment *environment,
                               struct lf_reader **reader,
                               struct feature_error *error);
void lf_reader_end(struct lf_reader *reader); /* NULL is fine */

/* LMDB's id of the snapshot: equal ids, equal contents. */
uint64_t lf_reader_transaction(const struct lf_reader *reader);

/* One value by tree name and key. A missing tree or key is found = false, not
 * an error. */
feature_status lf_reader_get(struct lf_reader *reader, const char *tree,
                             const void *key, size_t key_size, bool *found,
                             const uint8_t **value, size_t *size,
                             struct feature_error *error);

/*
 * A parked reader keeps its snapshot between two API calls, and nothing else: a
 * change of the map goes on without it, and pointers into the map are void.
 * Resumed, it is as before, maybe on another thread; a failure leaves it
 * parked. lf_reader_drop ends a parked one, lf_reader_abandon frees the memory
 * of one that a forked child inherited.
 */
void lf_reader_park(struct lf_reader *reader);
feature_status lf_reader_resume(struct lf_reader *reader,
                                struct feature_error *error);
void lf_reader_drop(struct lf_reader *reader);
void lf_reader_abandon(struct lf_reader *reader);

/* Counts forks: another number means another process. */
uint32_t lf_process_generation(void);

/* How many entries a tree has by its own record; 0 where it is missing. */
feature_status lf_reader_entries(struct lf_reader *reader, const char *tree,
                                 uint64_t *entries,
                                 struct feature_error *error);

/* Pages of the file that hold nothing in the reader's snapshot. */
feature_status lf_reader_free_pages(struct lf_reader *reader, uint64_t *count,
                                    struct feature_error *error);
uint32_t lf_reader_page_size(const struct lf_reader *reader);

/* Calls visit for each (key, value) of a tree in key order, until it fails. */
typedef feature_status (*lf_visit)(void *context, const uint8_t *key,
                                   size_t key_size, const uint8_t *value,
                                   size_t size, struct feature_error *error);
feature_status lf_reader_scan(struct lf_reader *reader, const char *tree,
                              lf_visit visit, void *context,
                              struct feature_error *error);

/* The same, from the first key on that is not below the given one, or until
 * visit answers LF_ENOUGH, which is no failure. */
#define LF_ENOUGH ((feature_status)-2)
feature_status lf_reader_scan_from(struct lf_reader *reader, const char *tree,
                                   const void *from, size_t from_size,
                                   lf_visit visit, void *context,
                                   struct feature_error *error);

/*
 * A place in one tree of a reader: to be opened, moved and closed within the
 * reader's life, and not over a park. A missing tree is an empty one. Many seeks
 * in the order of their keys cost least. The key of an entry is NULL at the end.
 */
struct lf_cursor;
struct lf_cursor_entry {
    const uint8_t *key;
    const uint8_t *value; /* both borrowed until the reader ends */
    uint32_t key_size;
    uint32_t size;
};
feature_status lf_cursor_open(struct lf_reader *reader, const char *tree,
                              struct lf_cursor **cursor,
                              struct feature_error *error);
void lf_cursor_close(struct lf_cursor *cursor); /* NULL is fine */

/* The first entry whose key is not below the given one. */
feature_status lf_cursor_seek(struct lf_cursor *cursor, const void *key,
                              size_t key_size, struct lf_cursor_entry *entry,
                              struct feature_error *error);
feature_status lf_cursor_next(struct lf_cursor *cursor,
                              struct lf_cursor_entry *entry,
                              struct feature_error *error);

/* The batched look-up: one job a key, all jobs of one call together, in any
 * number of trees. */
struct lf_job {
    const uint8_t *key;
    uint32_t key_size;
    uint32_t tree;        /* index into the call's trees */
    uint32_t size;        /* out: bytes of the value */
    uint32_t twin;        /* the caller's; the look-up leaves it alone */
    const uint8_t *value; /* out: NULL where there is none */
};

/* Not a status of the library: this snapshot cannot be looked up. The caller
 * forgets all it has of it, ends the reader and begins another. */
#define LF_AGAIN ((feature_status)-1)

feature_status lf_reader_lookup(struct lf_reader *reader,
                                const char *const *trees, size_t tree_count,
                                struct lf_job *jobs, size_t count,
                                struct feature_error *error);

/* Lets writers of other processes in that wait at the gate: for those who take one
 * transaction after the other, between two of them. Some milliseconds at most. */
void lf_writer_yield(const struct lf_environment *environment);

/*
 * The write transaction. begin takes the writer gate, waiting wait_ms at most
 * (BUSY `writer-gate`), then LMDB's. It is bound to the calling thread and ends
 * in commit or abort, both of which free it, before that thread's call returns.
 */
feature_status lf_writer_begin(struct lf_environment *environment,
                               uint32_t wait_ms, struct lf_writer **writer,
                               struct feature_error *error);

/* After a failure nothing was committed, save under FEATURE_IO
 * `outcome-unknown`. */
feature_status lf_writer_commit(struct lf_writer *writer,
                                struct feature_error *error);
void lf_writer_abort(struct lf_writer *writer); /* NULL is fine */

/* A named database, valid until the writer ends. create: make it where it is
 * missing; otherwise *tree is NULL then. */
feature_status lf_writer_tree(struct lf_writer *writer, const char *name,
                              bool create, struct lf_tree **tree,
                              struct feature_error *error);

/* Removes a tree and its contents; no error where it is missing. */
feature_status lf_writer_drop(struct lf_writer *writer, const char *name,
                              struct feature_error *error);

/* The value under a key, borrowed until the next change. */
feature_status lf_tree_get(struct lf_tree *tree, const void *key,
                           size_t key_size, bool *found, const uint8_t **value,
                           size_t *size, struct feature_error *error);

/* The last key of a tree; found = false where it is empty. */
feature_status lf_tree_last(struct lf_tree *tree, bool *found,
                            const uint8_t **key, size_t *key_size,
                            struct feature_error *error);

/* Where lf_tree_move goes. From the end, LF_STEP_BACK goes to the last entry. */
enum lf_step { LF_STEP_SEEK, LF_STEP_NEXT, LF_STEP_BACK };

/* An entry, borrowed until the next change; key NULL: there is none. A seek goes
 * to the first one whose key is not below the given; from there, and from where
 * a value was put, next and back go one further or less far. */
struct lf_tree_entry {
    const uint8_t *key;
    const uint8_t *value;
    size_t key_size;
    size_t size;
};
feature_status lf_tree_move(struct lf_tree *tree, enum lf_step step,
                            const void *key, size_t key_size,
                            struct lf_tree_entry *entry,
                            struct feature_error *error);

/* Stores a value. append: the key is known to be past the last one. */
feature_status lf_tree_put(struct lf_tree *tree, const void *key,
                           size_t key_size, const void *value, size_t size,
                           bool append, struct feature_error *error);

/* Removes a key; no error where it is missing. */
feature_status lf_tree_delete(struct lf_tree *tree, const void *key,
                              size_t key_size, struct feature_error *error);

feature_status lf_tree_scan(struct lf_tree *tree, lf_visit visit, void *context,
                            struct feature_error *error);

/* The same, from the first key on that is not below the given one, or until
 * visit answers LF_ENOUGH. It must not change the tree. */
feature_status lf_tree_scan_from(struct lf_tree *tree, const void *from,
                                 size_t from_size, lf_visit visit,
                                 void *context, struct feature_error *error);

#endif
