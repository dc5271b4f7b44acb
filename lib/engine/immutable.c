/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores that nobody writes to: baked into an image, or mounted read-only.
 *
 * Owns the question whether somebody has such a store open after all.
 * Keeps the store untouched: no file is made, locked or written.
 * Never proves that nobody writes: that is the promise of whoever opens it so.
 * A reader compares the newest transaction with that of the open, which shows a
 * writer to the same file at the next read.
 */
#include "engine/immutable.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/locks.h"

feature_status
lf_immutable_check(const struct lf_directory *directory,
                   struct feature_error *error)
{
    int file = openat(directory->handle, "open.lock",
                      O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool is_alone;

    if (file < 0)
        return FEATURE_OK; /* an image may leave it out */
    is_alone = lf_owner_is_alone(file);
    close(file);
    if (is_alone)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CONFLICT, "in-use",
                   "another process has %s open the usual way; "
                   "FEATURE_OPEN_IMMUTABLE is for stores that nobody writes, "
                   "so open it read-only",
                   directory->path);
}
