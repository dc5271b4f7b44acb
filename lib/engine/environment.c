/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment's life in this process: opened once, shared, closed.
 *
 * Owns the shares, and the answers about an environment as a whole.
 * Keeps the open lock around every open and close: LMDB 0.9.26 to 0.9.31
 * destroy a shared mutex when two processes do these at once.
 * Never opens a lock table twice in one process, nor calls LMDB for an
 * environment that was inherited by fork.
 */
#include "engine/environment.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/entry.h"
#include "engine/fallback.h"
#include "engine/gate.h"
#include "engine/index.h"
#include "engine/locks.h"
#include "engine/opening.h"
#include "engine/reader.h"
#include "engine/recovery.h"
#include "engine/registry.h"
#include "format/libraries.h"

#define CLOSE_WAIT_MS 10000

static feature_status
check_version(struct feature_error *error)
{
    int major, minor, patch;

    mdb_version(&major, &minor, &patch);
    if (major != 0 || minor != 9 || patch < 24)
        return lf_fail(
            error, FEATURE_VERSION, "lmdb-version",
            "this process has LMDB %d.%d.%d, libfeature needs 0.9.24 "
            "or a later 0.9",
            major, minor, patch);
    return lf_libraries_check(error);
}

static feature_status
check_options(const char *path, const struct lf_environment_options *options,
              struct feature_error *error)
{
    LF_TRY(check_version(error));
    if (!path || !*path)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the path of a store is needed");
    if (options->mode && (options->mode & ~0066u) != 0600)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "mode %04o is not 0600 with read and write for others",
                       options->mode);
    if (options->max_readers > 65536)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "max_readers is %u, the most is 65536",
                       options->max_readers);
    return FEATURE_OK;
}

static bool
may_create(const struct lf_environment_options *options)
{
    return (options->flags & FEATURE_OPEN_CREATE) &&
           !(options->flags & FEATURE_OPEN_READ_ONLY);
}

static feature_status
check_share(struct lf_environment *found, const struct lf_directory *directory,
            struct feature_error *error)
{
    const struct lf_environment_options *options = directory->options;

    LF_TRY(lf_environment_recover_within(found, options->wait_ms, error));
    if (found->is_exclusive)
        return lf_fail(error, FEATURE_BUSY, "in-use", "%s is being compacted",
                       directory->path);
    if (found->is_immutable && !(options->flags & FEATURE_OPEN_IMMUTABLE))
        return lf_fail(error, FEATURE_CONFLICT, "in-use",
                       "this process has %s open as immutable; close that "
                       "first",
                       directory->path);
    if (options->flags & FEATURE_OPEN_READ_ONLY)
        return FEATURE_OK;
    if (found->read_only)
        return lf_fail(error, FEATURE_CONFLICT, "in-use",
                       "this process has %s open read-only; close that first",
                       directory->path);
    if (found->sync == FEATURE_SYNC_LAST_TXN &&
        options->sync != FEATURE_SYNC_LAST_TXN)
        return lf_fail(error, FEATURE_CONFLICT, "in-use",
                       "this process has %s open with a weaker sync level",
                       directory->path);
    return FEATURE_OK;
}

/* Another share of an environment that is open in this process. */
static feature_status
share(struct lf_environment *found, const struct lf_directory *directory,
      struct lf_environment **environment, bool *created,
      struct feature_error *error)
{
    feature_status status;

    LF_TRY(check_share(found, directory, error));
    if (found->is_immutable) {
        found->shares++;
        *created = false;
        *environment = found;
        return FEATURE_OK;
    }
    LF_TRY(lf_open_lock(found->lock_file, directory->options->wait_ms, error));
    status = lf_environment_settle(found, directory, created, error);
    if (status || !*created)
        lf_open_unlock(found->lock_file);
    if (status)
        return status;
    found->shares++;
    *environment = found;
    return FEATURE_OK;
}

/* Shares what is open in this process, or opens. again: another thread has made
 * the store and not written to it yet. */
static feature_status
attempt(const struct lf_directory *directory,
        struct lf_environment **environment, bool *created, bool *again,
        struct feature_error *error)
{
    struct lf_environment *found;
    struct stat data;
    bool exists;

    LF_TRY(lf_directory_look(directory, &exists, &data, error));
    found = exists ? lf_registry_find(data.st_dev, data.st_ino) : NULL;
    *again = found && atomic_load(&found->is_fresh);
    if (*again)
        return lf_fail(error, FEATURE_BUSY, "open-lock",
                       "%s is being created by another thread",
                       directory->path);
    if (found)
        return share(found, directory, environment, created, error);
    if (!exists && !may_create(directory->options))
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "there is no store in %s", directory->path);
    return lf_environment_make(directory, environment, created, error);
}

static feature_status
open_in(const struct lf_directory *directory,
        struct lf_environment **environment, bool *created,
        struct feature_error *error)
{
    int64_t deadline = lf_clock_steady_ms() + directory->options->wait_ms;
    struct timespec pause = {.tv_nsec = 1000000};
    feature_status status;
    bool again = false;

    for (;;) {
        LF_TRY(lf_registry_enter(error));
        status = attempt(directory, environment, created, &again, error);
        lf_registry_leave();
        if (!again || lf_clock_steady_ms() >= deadline)
            return status;
        nanosleep(&pause, NULL);
        again = false;
    }
}

feature_status
lf_environment_open(const char *path,
                    const struct lf_environment_options *options,
                    struct lf_environment **environment, bool *created,
                    struct feature_error *error)
{
    struct lf_environment *opened = NULL;
    struct lf_directory directory;
    bool is_made = false;
    feature_status status;

    LF_TRY(check_options(path, options, error));
    LF_TRY(lf_directory_open(path, options, &directory, error));
    status = open_in(&directory, &opened, &is_made, error);
    close(directory.handle);
    if (status && directory.is_new)
        rmdir(path); /* another process may have put something there */
    if (status)
        return status;
    if (directory.is_new)
        opened->made |= LF_MADE_DIRECTORY;
    *environment = opened;
    *created = is_made;
    return FEATURE_OK;
}

static void
free_environment(struct lf_environment *environment)
{
    lf_fallback_destroy(&environment->fallback);
    lf_queue_destroy(&environment->queue);
    lf_gate_destroy(&environment->gate);
    lf_indexes_free(environment);
    pthread_mutex_destroy(&environment->indexes.mutex);
    pthread_mutex_destroy(&environment->parked.mutex);
    lf_free(environment);
}

void
lf_environment_end(struct lf_environment *environment)
{
    if (!environment->lmdb)
        return;
    lf_readers_free(environment);
    mdb_env_close(environment->lmdb);
    environment->lmdb = NULL;
}

void
lf_environment_shut(struct lf_environment *environment)
{
    lf_environment_end(environment);
    lf_registry_remove(environment);
    lf_open_unlock(environment->lock_file);
    lf_registry_close_lock(environment); /* the pid's byte goes last */
    close(environment->directory);
    free_environment(environment);
}

/* In a forked child. No condition or mutex is destroyed: that would wait for
 * threads which the child does not have. */
static void
drop_inherited(struct lf_environment *environment)
{
    if (--environment->shares)
        return;
    close(environment->directory); /* this process's copy */
    lf_free(environment->fallback.path);
    lf_readers_abandon(environment);
    lf_indexes_free(environment);
    lf_free(environment);
}

/* A file of no tree was never written to; the open lock, which is held, keeps
 * others from doing so. */
static void
undo(struct lf_environment *environment)
{
    MDB_stat main;
    bool is_bare = !mdb_env_stat(environment->lmdb, &main) && !main.ms_entries;

    if (!is_bare)
        environment->made &= ~(uint32_t)LF_MADE_DATA;
    lf_environment_end(environment);
    lf_entry_undo(environment);
    if (is_bare && environment->made & LF_MADE_DIRECTORY)
        rmdir(environment->fallback.path); /* unless others use it */
}

static void
drop(struct lf_environment *environment, bool is_refused)
{
    bool is_locked = atomic_load(&environment->is_fresh);

    if (--environment->shares)
        return;
    if (!is_locked && environment->lock_file >= 0)
        is_locked = !lf_open_lock(environment->lock_file, CLOSE_WAIT_MS, NULL);
    if (is_refused && is_locked)
        undo(environment);
    lf_environment_shut(environment);
}

void
lf_environment_close(struct lf_environment *environment)
{
    if (!environment)
        return;
    if (environment->generation != lf_registry_generation()) {
        drop_inherited(environment);
        return;
    }
    if (lf_registry_enter(NULL))
        return;
    drop(environment, false);
    lf_registry_leave();
}

void
lf_environment_withdraw(struct lf_environment *environment)
{
    if (!environment || lf_registry_enter(NULL))
        return;
    drop(environment, true);
    lf_registry_leave();
}

feature_status
lf_environment_check_process(const struct lf_environment *environment,
                             struct feature_error *error)
{
    if (environment->generation != lf_registry_generation())
        return lf_fail(error, FEATURE_INVALID, "forked",
                       "the store was opened before a fork; open it again in "
                       "the child");
    return FEATURE_OK;
}

feature_status
lf_environment_check(const struct lf_environment *environment,
                     struct feature_error *error)
{
    int failure;

    LF_TRY(lf_environment_check_process(environment, error));
    failure = atomic_load_explicit(&environment->failure, memory_order_relaxed);
    switch ((enum lf_failure)failure) {
    case LF_FAILURE_NONE:
        return FEATURE_OK;
    case LF_FAILURE_OUTCOME:
        return lf_fail(error, FEATURE_IO, "outcome-unknown",
                       "a commit failed while it was being made; open the "
                       "store again and look");
    case LF_FAILURE_MAP:
        return lf_fail(error, FEATURE_IO, "io",
                       "the store is no longer mapped; the next call opens it "
                       "again");
    }
    return FEATURE_OK;
}

bool
lf_environment_is_synced(const struct lf_environment *environment)
{
    return environment->sync == FEATURE_SYNC_FULL;
}

void
lf_environment_here(const struct lf_environment *environment,
                    char path[LF_HERE_SIZE])
{
    snprintf(path, LF_HERE_SIZE, "/proc/self/fd/%d", environment->directory);
}

feature_status
lf_environment_sync(struct lf_environment *environment,
                    struct feature_error *error)
{
    feature_status status;
    uint32_t slot;
    int code = 0;

    LF_TRY(lf_environment_check(environment, error));
    if (environment->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    slot = lf_gate_enter(&environment->gate);
    status = lf_environment_check(environment, error);
    if (!status)
        code = mdb_env_sync(environment->lmdb, 1);
    lf_gate_leave(&environment->gate, slot);
    if (status)
        return status;
    if (!code)
        return FEATURE_OK;
    atomic_store(&environment->is_doubtful, true);
    return lf_engine_fail(error, environment->directory, code,
                          "sync of the store");
}
