/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guards of an open, in the order they run.
 *
 * Owns the way from a judged directory to LMDB's environment.
 * Keeps a refused open without effect on what others have open.
 * Never lets LMDB see a file, a disk or a lock table on which it would crash.
 */
#include "engine/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/entry.h"
#include "engine/fallback.h"
#include "engine/files.h"
#include "engine/gate.h"
#include "engine/immutable.h"
#include "engine/locks.h"
#include "engine/map.h"
#include "engine/reader.h"
#include "engine/readers.h"
#include "engine/registry.h"

#define MAX_READERS 1024
#define MAX_TREES   1024 /* costs pooled transactions 50 kB, and no time */

static bool
wants(const struct lf_environment_options *options, uint32_t flag)
{
    return options->flags & flag;
}

/* The descriptor becomes the environment's. */
static struct lf_environment *
make_environment(const struct lf_directory *directory, int handle)
{
    struct lf_environment *made = lf_alloc(sizeof *made);
    bool has_gate = made && lf_gate_init(&made->gate);
    bool has_fallback =
        made && lf_fallback_init(&made->fallback, directory->path);

    if (!has_gate || !has_fallback || !lf_queue_init(&made->queue)) {
        if (has_fallback)
            lf_fallback_destroy(&made->fallback);
        if (has_gate)
            lf_gate_destroy(&made->gate);
        lf_free(made);
        return NULL;
    }
    pthread_mutex_init(&made->indexes.mutex, NULL);
    pthread_mutex_init(&made->parked.mutex, NULL);
    made->options = *directory->options;
    made->directory = handle;
    made->lock_file = -1;
    made->shares = 1;
    made->generation = lf_registry_generation();
    made->read_only = wants(directory->options, FEATURE_OPEN_READ_ONLY);
    made->is_immutable = wants(directory->options, FEATURE_OPEN_IMMUTABLE);
    made->is_durable = directory->is_durable;
    made->sync = directory->options->sync;
    /* Whoever had the store open before may have ended after a failed sync, and
     * told nobody. */
    atomic_init(&made->is_doubtful, made->sync == FEATURE_SYNC_LAST_TXN);
    made->checked_ms = lf_clock_steady_ms();
    return made;
}

/* The size is set on a fresh handle each time: LMDB's is spent by a failure. */
static int
open_with(struct lf_environment *environment,
          const struct lf_directory *directory, const char *path, uint64_t size)
{
    const struct lf_environment_options *options = directory->options;
    unsigned flags = MDB_NOTLS;
    MDB_envinfo info;
    MDB_env *lmdb;
    int code;

    if (environment->is_immutable)
        flags |= MDB_NOLOCK;
    if (environment->read_only)
        flags |= MDB_RDONLY;
    else if (options->sync == FEATURE_SYNC_LAST_TXN)
        flags |= MDB_NOMETASYNC;
    if (options->unsynced)
        flags |= MDB_NOSYNC;
    code = mdb_env_create(&lmdb);
    if (code)
        return code;
    code = mdb_env_set_maxreaders(
        lmdb, options->max_readers ? options->max_readers : MAX_READERS);
    if (!code)
        code = mdb_env_set_maxdbs(lmdb, MAX_TREES);
    if (!code)
        code = mdb_env_set_mapsize(lmdb, size);
    if (!code)
        code = mdb_env_open(lmdb, path, flags, lf_directory_mode(directory));
    if (!code)
        code = mdb_env_info(lmdb, &info);
    if (code) {
        mdb_env_close(lmdb);
        return code;
    }
    environment->lmdb = lmdb;
    environment->map_size =
        info.me_mapsize; /* more, where the file is larger */
    return 0;
}

static feature_status
open_lmdb(struct lf_environment *environment,
          const struct lf_directory *directory, uint64_t file_size,
          struct feature_error *error)
{
    uint64_t wanted = lf_map_wanted(directory->options->map_size);
    uint64_t floor = lf_map_floor(file_size), size = wanted;
    char path[LF_PATH_SIZE];
    int code;

    LF_TRY(lf_directory_path(directory, "", path, error));
    for (;;) {
        code = open_with(environment, directory, path, size);
        if ((code != ENOMEM && code != EINVAL) || size / 2 < floor)
            break;
        size /= 2;
    }
    environment->map_fallback = size < wanted;
    if (code == EAGAIN)
        return lf_fail(error, FEATURE_UNSUPPORTED, "pid-namespace",
                       "a process with this pid has %s open already, as in "
                       "another PID namespace; containers that share a store "
                       "have to share the PID namespace",
                       directory->path);
    if (code)
        return lf_engine_fail(error, directory->handle, code, "cannot open %s",
                              directory->path);
    return FEATURE_OK;
}

static int
open_main(struct lf_environment *environment)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(environment->lmdb, NULL, MDB_RDONLY, &txn);

    if (code)
        return code;
    code = mdb_dbi_open(txn, NULL, 0, &environment->main);
    if (!code)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* LMDB maps as much as the file needs when it is opened. A writer may have
 * needed more since. */
static feature_status
open_main_of_any_size(struct lf_environment *environment, const char *path,
                      struct feature_error *error)
{
    int code = open_main(environment);

    for (int tries = 0; code == MDB_MAP_RESIZED && tries < 3; tries++) {
        LF_TRY(lf_map_follow(environment, error));
        code = open_main(environment);
    }
    if (code == MDB_READERS_FULL)
        return lf_slots_full(environment, error);
    if (code)
        return lf_engine_fail(error, -1, code, "cannot open %s", path);
    return FEATURE_OK;
}

/* LMDB opened the file that was checked; its page size, its main database. */
static feature_status
inspect(struct lf_environment *environment, const struct stat *data,
        const char *path, struct feature_error *error)
{
    struct stat at;
    MDB_stat main;
    MDB_envinfo info;
    int file, dead, code;

    code = mdb_env_get_fd(environment->lmdb, &file);
    if (!code && fstat(file, &at))
        code = errno;
    if (!code)
        code = mdb_env_stat(environment->lmdb, &main);
    if (!code)
        code = mdb_env_info(environment->lmdb, &info);
    if (!code)
        code = mdb_reader_check(environment->lmdb, &dead);
    if (code)
        return lf_engine_fail(error, -1, code, "cannot open %s", path);
    if (at.st_dev != data->st_dev || at.st_ino != data->st_ino)
        return lf_fail(error, FEATURE_IO, "io",
                       "%s/data.mdb was replaced while it was being opened",
                       path);
    environment->page_size = main.ms_psize;
    LF_TRY(open_main_of_any_size(environment, path, error));
    environment->seal = info.me_last_txnid;
    atomic_store(&environment->file_pages,
                 (uint64_t)at.st_size / main.ms_psize);
    return FEATURE_OK;
}

static feature_status
check_size(struct lf_environment *environment, struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(environment, &reader, error));
    status = lf_reader_check_size(reader, error);
    lf_reader_end(reader);
    return status;
}

static void
warm(const struct lf_environment *environment)
{
    int file;

    if (!mdb_env_get_fd(environment->lmdb, &file))
        posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
}

static feature_status
prepare(struct lf_environment *environment,
        const struct lf_directory *directory, struct stat *data,
        struct feature_error *error)
{
    bool exists, is_alone;
    uint32_t readers = directory->options->max_readers;

    LF_TRY(lf_directory_look(directory, &exists, data, error));
    if (!exists && environment->read_only)
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "there is no store in %s", directory->path);
    if (!exists) {
        LF_TRY(lf_files_create(directory, error));
        environment->made |= LF_MADE_DATA;
    }
    LF_TRY(lf_files_check_data(directory, data, error));
    if (!environment->is_immutable) {
        is_alone = lf_owner_is_alone(environment->lock_file);
        if (directory->is_remote && !is_alone)
            return lf_fail(error, FEATURE_UNSUPPORTED, "remote-fs",
                           "%s is on a remote file system and open in another "
                           "process; there one process has to be alone",
                           directory->path);
        if (faccessat(directory->handle, "lock.mdb", F_OK, AT_SYMLINK_NOFOLLOW))
            environment->made |= LF_MADE_TABLE;
        LF_TRY(lf_files_reserve_lock(directory, readers ? readers : MAX_READERS,
                                     is_alone, error));
    }
    environment->device = data->st_dev;
    environment->inode = data->st_ino;
    return FEATURE_OK;
}

/*
 * A store without any tree was created and not written to yet. Whoever may
 * create takes it over and keeps the open lock until its first writer has
 * ended, so that no other process meets it half made. For others there is no
 * store.
 */
feature_status
lf_environment_settle(struct lf_environment *environment,
                      const struct lf_directory *directory, bool *created,
                      struct feature_error *error)
{
    MDB_stat main;

    *created = false;
    if (!mdb_env_stat(environment->lmdb, &main) && main.ms_entries)
        return FEATURE_OK;
    if (!wants(directory->options, FEATURE_OPEN_CREATE) ||
        wants(directory->options, FEATURE_OPEN_READ_ONLY))
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "there is no store in %s", directory->path);
    LF_TRY(lf_files_sync(directory, error));
    atomic_store(&environment->is_fresh, true);
    *created = true;
    return FEATURE_OK;
}

static feature_status
run_guards(struct lf_environment *environment,
           const struct lf_directory *directory, bool *created,
           struct feature_error *error)
{
    struct stat data;

    if (environment->is_immutable)
        LF_TRY(lf_immutable_check(directory, error));
    else
        LF_TRY(lf_entry_lock(environment, directory, error));
    LF_TRY(prepare(environment, directory, &data, error));
    LF_TRY(open_lmdb(environment, directory, (uint64_t)data.st_size, error));
    LF_TRY(inspect(environment, &data, directory->path, error));
    LF_TRY(check_size(environment, error));
    return lf_environment_settle(environment, directory, created, error);
}

feature_status
lf_environment_begin_again(struct lf_environment *environment,
                           struct feature_error *error)
{
    struct lf_directory directory = {.path = environment->fallback.path,
                                     .handle = environment->directory,
                                     .options = &environment->options};
    dev_t device = environment->device;
    ino_t inode = environment->inode;
    struct stat data;
    bool exists;

    LF_TRY(lf_directory_look(&directory, &exists, &data, error));
    if (!exists || data.st_dev != device || data.st_ino != inode)
        return lf_fail(error, FEATURE_IO, "io",
                       "%s/data.mdb was replaced while it was open; close the "
                       "store in this process and open it again",
                       directory.path);
    environment->options.map_size = environment->map_size;
    LF_TRY(prepare(environment, &directory, &data, error));
    LF_TRY(open_lmdb(environment, &directory, (uint64_t)data.st_size, error));
    return inspect(environment, &data, directory.path, error);
}

feature_status
lf_environment_make(const struct lf_directory *directory,
                    struct lf_environment **environment, bool *created,
                    struct feature_error *error)
{
    int handle = fcntl(directory->handle, F_DUPFD_CLOEXEC, 0);
    struct lf_environment *made;
    feature_status status;

    if (handle < 0)
        return lf_engine_fail(error, -1, errno, "cannot open directory %s",
                              directory->path);
    made = make_environment(directory, handle);
    if (!made) {
        close(handle);
        return lf_fail_memory(error);
    }
    lf_registry_add(made);
    status = run_guards(made, directory, created, error);
    if (status) {
        lf_environment_end(made);
        lf_entry_undo(made);
        lf_environment_shut(made);
        return status;
    }
    if (!*created)
        lf_open_unlock(made->lock_file);
    if (wants(directory->options, FEATURE_OPEN_WARM))
        warm(made);
    *environment = made;
    return FEATURE_OK;
}
