/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store's file put in the place of another.
 *
 * Owns the exclusive open of a store, and the one rename that swaps its file.
 * Keeps everybody else out from the moment nobody else was in: the open lock is
 * held without a break until the new file has the name.
 * Never swaps the file under an environment: this process's is closed first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/locks.h"
#include "engine/opening.h"
#include "engine/reader.h"
#include "engine/registry.h"

#define WAIT_MS 1000

static feature_status
in_use(struct feature_error *error)
{
    return lf_fail(error, FEATURE_BUSY, "in-use",
                   "the store is open elsewhere; this needs it alone");
}

static feature_status
exclude(struct lf_environment *environment, struct feature_error *error)
{
    feature_status status;

    if (environment->shares > 1 || environment->is_exclusive)
        return in_use(error);
    status = lf_open_lock(environment->lock_file, WAIT_MS, error);
    if (status == FEATURE_BUSY)
        return in_use(error);
    LF_TRY(status);
    if (!lf_owner_is_alone(environment->lock_file)) {
        lf_open_unlock(environment->lock_file);
        return in_use(error);
    }
    environment->is_exclusive = true;
    return FEATURE_OK;
}

feature_status
lf_environment_exclude(struct lf_environment *environment, uint32_t *mode,
                       struct feature_error *error)
{
    struct stat data;
    feature_status status;

    LF_TRY(lf_environment_check(environment, error));
    LF_TRY(lf_registry_enter(error));
    status = exclude(environment, error);
    lf_registry_leave();
    LF_TRY(status);
    if (!*mode && !fstatat(environment->directory, "data.mdb", &data, 0))
        *mode = data.st_mode & 0777u;
    return FEATURE_OK;
}

static feature_status
put_in_place(const struct lf_environment *environment, const char *path,
             struct feature_error *error)
{
    int from = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = 0;

    if (from < 0)
        return lf_engine_fail(error, -1, errno, "cannot open %s", path);
    if (renameat(from, "data.mdb", environment->directory, "data.mdb"))
        code = errno;
    close(from);
    if (code)
        return lf_engine_fail(error, environment->directory, code,
                              "cannot put the new file in place");
    if (fsync(environment->directory))
        return lf_fail_os(error, FEATURE_IO, "outcome-unknown", errno,
                          "the new file is in place, but a loss of power may "
                          "bring the old one back: sync of the directory");
    return FEATURE_OK;
}

feature_status
lf_environment_replace(struct lf_environment *environment, const char *path,
                       struct feature_error *error)
{
    feature_status status = lf_registry_enter(error);

    if (status) {
        lf_environment_close(environment);
        return status;
    }
    lf_readers_free(environment);
    mdb_env_close(environment->lmdb);
    environment->lmdb = NULL;
    status = put_in_place(environment, path, error);
    lf_environment_shut(environment);
    lf_registry_leave();
    return status;
}
