/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a store.
 *
 * Owns the taking of the open lock, and the removal of what a refused open has
 * made.
 * Keeps one open.lock: whoever got its lock looks whether the name still leads
 * to the file that was locked, and begins anew where it does not. Hence the file
 * may be removed by a holder of its lock, if nobody has the store open.
 * Never removes a file that was there before, or that another process uses.
 */
#include "engine/entry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "engine/locks.h"
#include "engine/registry.h"

/* Whether the locked file is the one others will find. */
static bool
is_current(const struct lf_environment *environment)
{
    struct stat mine, found;

    return !fstat(environment->lock_file, &mine) &&
           !fstatat(environment->directory, "open.lock", &found,
                    AT_SYMLINK_NOFOLLOW) &&
           mine.st_dev == found.st_dev && mine.st_ino == found.st_ino;
}

/* From here on nobody else opens or closes the store. */
static feature_status
take(struct lf_environment *environment, const struct lf_directory *directory,
     struct feature_error *error)
{
    int64_t deadline = lf_clock_steady_ms() + directory->options->wait_ms;

    for (;;) {
        int64_t left = deadline - lf_clock_steady_ms();
        int code =
            lf_registry_open_lock(environment, lf_directory_mode(directory));

        if (code)
            return lf_directory_refused(directory, code, "open.lock", error);
        LF_TRY(lf_open_lock(environment->lock_file,
                            left > 0 ? (uint32_t)left : 0, error));
        if (is_current(environment))
            return FEATURE_OK;
        lf_registry_close_lock(environment);
        environment->made = 0;
    }
}

feature_status
lf_entry_lock(struct lf_environment *environment,
              const struct lf_directory *directory, struct feature_error *error)
{
    struct stat at;

    LF_TRY(take(environment, directory, error));
    environment->has_entered = true;
    /* umask may have taken bits that the mode option wants. */
    if (!fstat(environment->lock_file, &at) && !at.st_size)
        fchmod(environment->lock_file, lf_directory_mode(directory));
    return lf_owner_claim(environment->lock_file, directory->handle, error);
}

void
lf_entry_undo(const struct lf_environment *environment)
{
    if (!environment->has_entered || !lf_owner_is_alone(environment->lock_file))
        return;
    if (environment->made & LF_MADE_TABLE)
        unlinkat(environment->directory, "lock.mdb", 0);
    if (environment->made & LF_MADE_DATA)
        unlinkat(environment->directory, "data.mdb", 0);
    if (environment->made & LF_MADE_LOCK)
        unlinkat(environment->directory, "open.lock", 0);
}
