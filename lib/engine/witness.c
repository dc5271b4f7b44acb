/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The witness: LMDB's own look-up, beside that of the library.
 *
 * Owns a second environment on the same file, read-only and without a lock
 * table, the only one in which readers have handles.
 * Keeps handles by LMDB's rules: opened one at a time, each in a transaction of
 * its own that is committed, closed with the environment only. A transaction
 * that begins later finds the tree anew by its name, so a handle cannot serve
 * a tree that was dropped.
 * Never opens lock.mdb again, which would cost this process its locks, and
 * never lets LMDB look for a name on pages that were not inspected.
 *
 * Why not handles of the first environment: its writers open and close handles
 * in the same table, and mdb_drop closes one at once, under whoever reads by
 * it. Apart, neither side can disturb the other, and the first environment's
 * transactions have no handles to renew.
 */
#include "engine/witness.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "engine/directory.h"
#include "engine/writer.h"

#define HANDLES        512 /* twice the views of a store */
#define FIRST_HANDLE   2 /* after those of the free list and the main database */
#define LEAST_SIZE     (UINT64_C(1) << 20)
#define GRAIN          65536 /* a multiple of every page size */
#define TRIES          100   /* to copy roots between two commits */
#define TRIES_AT_ONCE  10
#define TRIES_FOR_DEAD 40 /* a few milliseconds of waiting later */

struct handle {
    uint64_t hash;
    MDB_dbi handle;
    char name[LF_TREE_NAME_SIZE];
};

struct lf_witness {
    MDB_env *lmdb;
    uint32_t users; /* readers */
    uint32_t count;
    struct handle handles[HANDLES];
};

/* Twice what is in use: LMDB refuses transactions of a file that has outgrown
 * the map, and then there is another witness. */
static uint64_t
map_size(const struct lf_reader *reader)
{
    uint64_t size =
        2 * (reader->pages.last + 1) * reader->environment->page_size;

    if (size < LEAST_SIZE)
        size = LEAST_SIZE;
    return (size + GRAIN - 1) / GRAIN * GRAIN;
}

static bool
is_same_file(const struct lf_environment *environment, MDB_env *lmdb)
{
    struct stat at;
    int file;

    return !mdb_env_get_fd(lmdb, &file) && !fstat(file, &at) &&
           at.st_dev == environment->device && at.st_ino == environment->inode;
}

static int
open_lmdb(const struct lf_reader *reader, const char *path, MDB_env **lmdb)
{
    const unsigned flags = MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NOSUBDIR;
    int code = mdb_env_create(lmdb);

    if (code)
        return code;
    code = mdb_env_set_mapsize(*lmdb, map_size(reader));
    if (!code)
        code = mdb_env_set_maxdbs(*lmdb, HANDLES);
    if (!code)
        code = mdb_env_open(*lmdb, path, flags, 0);
    if (!code && !is_same_file(reader->environment, *lmdb))
        code = ESTALE;
    if (code)
        mdb_env_close(*lmdb);
    return code;
}

static feature_status
create(const struct lf_reader *reader, struct lf_witness **witness,
       struct feature_error *error)
{
    struct lf_environment *environment = reader->environment;
    struct lf_directory directory = {.path = environment->fallback.path,
                                     .handle = environment->directory};
    struct lf_witness *made = lf_alloc(sizeof *made);
    char path[LF_PATH_SIZE];
    feature_status status;
    int code;

    if (!made)
        return lf_fail_memory(error);
    status = lf_directory_path(&directory, "data.mdb", path, error);
    if (status) {
        lf_free(made);
        return status;
    }
    code = open_lmdb(reader, path, &made->lmdb);
    if (code) {
        lf_free(made);
        return lf_engine_fail(error, -1, code,
                              "cannot open data.mdb a second time");
    }
    *witness = made;
    return FEATURE_OK;
}

/* Under the mutex, as all that follows up to the next such line. */
static void
release(struct lf_reader *reader)
{
    struct lf_fallback *fallback = &reader->environment->fallback;
    struct lf_witness *witness = reader->witness;

    if (!witness)
        return;
    mdb_txn_abort(reader->second);
    reader->second = NULL;
    reader->witness = NULL;
    if (--witness->users)
        return;
    if (fallback->witness == witness)
        fallback->witness = NULL;
    mdb_env_close(witness->lmdb);
    lf_free(witness);
}

static feature_status
hold(struct lf_reader *reader, struct feature_error *error)
{
    struct lf_fallback *fallback = &reader->environment->fallback;

    if (reader->witness)
        return FEATURE_OK;
    if (!fallback->witness)
        LF_TRY(create(reader, &fallback->witness, error));
    reader->witness = fallback->witness;
    reader->witness->users++;
    return FEATURE_OK;
}

static int
renew(struct lf_reader *reader)
{
    if (!reader->second)
        return mdb_txn_begin(reader->witness->lmdb, NULL, MDB_RDONLY,
                             &reader->second);
    mdb_txn_reset(reader->second);
    return mdb_txn_renew(reader->second);
}

/* A witness whose map or table has become too small goes with its last user.
 * Handles are those of one witness: whoever has some starts over. */
static void
retire(struct lf_reader *reader)
{
    struct lf_fallback *fallback = &reader->environment->fallback;

    if (fallback->witness == reader->witness)
        fallback->witness = NULL;
    release(reader);
}

static feature_status
begin(struct lf_reader *reader, struct feature_error *error)
{
    int code;

    LF_TRY(hold(reader, error));
    reader->has_joined = false;
    code = renew(reader);
    if (!code) {
        reader->handles = FIRST_HANDLE + reader->witness->count;
        return FEATURE_OK;
    }
    if (code == MDB_MAP_RESIZED) {
        retire(reader);
        return LF_AGAIN;
    }
    release(reader);
    return lf_engine_fail(error, -1, code, "cannot read by LMDB");
}

/* LMDB looks for the name itself, on pages that were inspected just before, in
 * the same snapshot. The snapshot's roots have to be copied whole for that. */
static feature_status
inspect_name(struct lf_reader *reader, const char *name, bool *found,
             struct feature_error *error)
{
    struct lf_inspected inspected = {.count = 0};
    struct lf_reader view;
    int tries;

    for (tries = 0; tries < TRIES; tries++) {
        LF_TRY(begin(reader, error));
        if (lf_reader_view(reader, mdb_txn_id(reader->second), &view))
            return lf_tree_inspect(&view.pages, &view.main, name, strlen(name),
                                   &inspected, found, NULL, error);
    }
    return LF_AGAIN;
}

static feature_status
open_handle(struct lf_reader *reader, const char *name, uint64_t hash,
            MDB_dbi *handle, struct feature_error *error)
{
    struct lf_witness *witness;
    bool found;
    int code;

    LF_TRY(inspect_name(reader, name, &found, error));
    if (!found)
        return LF_AGAIN;
    witness = reader->witness;
    code = mdb_dbi_open(reader->second, name, 0, handle);
    if (code)
        mdb_txn_abort(reader->second);
    else
        code = mdb_txn_commit(reader->second);
    reader->second = NULL;
    if (code == MDB_DBS_FULL) {
        retire(reader);
        return LF_AGAIN;
    }
    if (code)
        return lf_engine_fail(error, -1, code, "cannot open a tree by LMDB");
    witness->handles[witness->count].hash = hash;
    witness->handles[witness->count].handle = *handle;
    memcpy(witness->handles[witness->count].name, name, strlen(name) + 1);
    witness->count++;
    return FEATURE_OK;
}

static feature_status
find_handle(struct lf_reader *reader, const char *name, MDB_dbi *handle,
            struct feature_error *error)
{
    uint64_t hash = lf_hash128(0, name, strlen(name)).low;
    const struct handle *handles;

    if (strlen(name) >= LF_TREE_NAME_SIZE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a tree's name has 1 to %d bytes",
                       LF_TREE_NAME_SIZE - 1);
    LF_TRY(hold(reader, error));
    handles = reader->witness->handles;
    for (uint32_t i = 0; i < reader->witness->count; i++)
        if (handles[i].hash == hash && !strcmp(handles[i].name, name)) {
            *handle = handles[i].handle;
            return FEATURE_OK;
        }
    return open_handle(reader, name, hash, handle, error);
}

/* On the reader's own snapshot. Its roots are still there: they were copied
 * whole. */
static feature_status
join(struct lf_reader *reader, struct feature_error *error)
{
    struct lf_reader view;

    LF_TRY(begin(reader, error));
    if (mdb_txn_id(reader->second) != reader->transaction ||
        !lf_reader_view(reader, reader->transaction, &view))
        return LF_AGAIN;
    reader->has_joined = true;
    return FEATURE_OK;
}

/* A transaction has the handles that were there before it. */
static feature_status
use_handle(struct lf_reader *reader, const char *name, bool joined,
           MDB_dbi *handle, struct feature_error *error)
{
    LF_TRY(find_handle(reader, name, handle, error));
    if (!joined)
        return begin(reader, error);
    if (reader->second && *handle < reader->handles)
        return FEATURE_OK;
    return join(reader, error);
}

/* From here on the mutex is free. */
feature_status
lf_witness_join(struct lf_reader *reader, struct feature_error *error)
{
    struct lf_fallback *fallback = &reader->environment->fallback;
    feature_status status;

    if (!reader->pages.base)
        return FEATURE_OK; /* an empty store */
    pthread_mutex_lock(&fallback->mutex);
    status = join(reader, error);
    pthread_mutex_unlock(&fallback->mutex);
    return status;
}

feature_status
lf_witness_handle(struct lf_reader *reader, const char *name, MDB_dbi *handle,
                  struct feature_error *error)
{
    struct lf_fallback *fallback = &reader->environment->fallback;
    feature_status status;

    pthread_mutex_lock(&fallback->mutex);
    status = use_handle(reader, name, reader->has_joined, handle, error);
    pthread_mutex_unlock(&fallback->mutex);
    return status;
}

void
lf_witness_retire(struct lf_reader *reader)
{
    struct lf_fallback *fallback = &reader->environment->fallback;

    pthread_mutex_lock(&fallback->mutex);
    retire(reader);
    pthread_mutex_unlock(&fallback->mutex);
}

void
lf_witness_end(struct lf_reader *reader, bool is_kept)
{
    struct lf_fallback *fallback = &reader->environment->fallback;

    reader->has_joined = false;
    if (is_kept) {
        mdb_txn_reset(reader->second);
        return;
    }
    pthread_mutex_lock(&fallback->mutex);
    release(reader);
    pthread_mutex_unlock(&fallback->mutex);
}

/* LMDB tells others of a commit once its meta page is synced. Where the writer died
 * in between, others are told when somebody takes its mutex over, and that is what a
 * write transaction begins with. */
void
lf_witness_wait(struct lf_environment *environment, int tries)
{
    const struct timespec pause = {.tv_nsec = 50000};

    if (tries == TRIES_FOR_DEAD)
        lf_writer_take_over(environment);
    if (tries > TRIES_AT_ONCE)
        nanosleep(&pause, NULL);
}
