/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs of a sorter, in one file.
 *
 * Owns the file, which has no name from the first moment where the file system
 * allows it, and from the second elsewhere: it ends with the process.
 * Keeps runs in the order in which their records came in.
 * Never follows what somebody put at the name that it has for a moment, and keeps
 * no bytes that were read for the last time where they can be given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/output.h"
#include "store/sorter_runs.h"

#define BLOCK UINT64_C(4096)

/* --- the file --------------------------------------------------------------------- */

/* Where files without a name are unknown. */
static feature_status
open_named(struct lf_runs *runs, struct feature_error *error)
{
    char suffix[LF_TEMPORARY_SIZE], path[PATH_MAX];

    LF_TRY(lf_temporary_suffix(suffix, error));
    if (snprintf(path, sizeof path, "%s/%s", runs->directory, suffix) >=
        (int)sizeof path)
        return lf_file_fail(error, ENAMETOOLONG, "cannot make a file in",
                            runs->directory);
    runs->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
    if (runs->file < 0)
        return lf_file_fail(error, errno, "cannot make", path);
    if (unlink(path)) {
        feature_status status =
            lf_file_fail(error, errno, "cannot remove", path);

        close(runs->file);
        runs->file = -1;
        return status;
    }
    return FEATURE_OK;
}

static feature_status
open_file(struct lf_runs *runs, struct feature_error *error)
{
    runs->file = open(runs->directory, O_TMPFILE | O_RDWR | O_CLOEXEC,
                      S_IRUSR | S_IWUSR);
    if (runs->file >= 0)
        return FEATURE_OK;
    /* A kernel that does not know the flag opens a directory for writing. */
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return open_named(runs, error);
    return lf_file_fail(error, errno, "cannot make a file in", runs->directory);
}

feature_status
lf_runs_append(struct lf_runs *runs, const uint8_t *bytes, size_t size,
               struct feature_error *error)
{
    if (runs->file < 0)
        LF_TRY(open_file(runs, error));
    while (size) {
        ssize_t put = pwrite(runs->file, bytes, size, (off_t)runs->size);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return lf_file_fail(error, put ? errno : ENOSPC,
                                "write of sorted runs in", runs->directory);
        bytes += put;
        size -= (size_t)put;
        runs->size += (uint64_t)put;
    }
    return FEATURE_OK;
}

feature_status
lf_runs_read(const struct lf_runs *runs, uint64_t at, uint8_t *bytes,
             size_t size, struct feature_error *error)
{
    while (size) {
        ssize_t got = pread(runs->file, bytes, size, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return lf_file_fail(error, got ? errno : EIO,
                                "read of sorted runs in", runs->directory);
        bytes += got;
        size -= (size_t)got;
        at += (uint64_t)got;
    }
    return FEATURE_OK;
}

void
lf_runs_forget(struct lf_runs *runs, uint64_t from, uint64_t to)
{
    from = (from + BLOCK - 1) / BLOCK * BLOCK;
    to = to / BLOCK * BLOCK;
    if (from >= to || runs->keeps)
        return;
    if (fallocate(runs->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  (off_t)from, (off_t)(to - from)))
        runs->keeps = true; /* all is given back at the end */
}

/* --- runs --------------------------------------------------------------------------- */

feature_status
lf_runs_close(struct lf_runs *runs, uint64_t begin, const uint8_t *first,
              size_t first_size, const uint8_t *last, size_t last_size,
              struct feature_error *error)
{
    size_t count = lf_runs_count(runs);
    struct lf_run *before = count ? lf_runs_list(runs) + count - 1 : NULL;
    struct lf_run run = {.at = begin, .size = runs->size - begin};

    if (before &&
        lf_key_order(runs->last, runs->last_size, first, first_size) <= 0)
        before->size += run.size;
    else if (!lf_buffer_append(&runs->list, &run, sizeof run))
        return lf_fail_memory(error);
    memcpy(runs->last, last, last_size);
    runs->last_size = last_size;
    return FEATURE_OK;
}

void
lf_runs_free(struct lf_runs *runs)
{
    if (runs->file >= 0)
        close(runs->file);
    lf_free(runs->directory);
    lf_buffer_free(&runs->list);
}
