/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Temporary directories.
 *
 * Owns nothing: a path is the caller's.
 * Keeps everything below TMPDIR, which the runner puts on tmpfs and removes.
 * Never follows a symbolic link when it removes.
 */
#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void
test_directory(char path[TEST_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");
    int size = snprintf(path, TEST_PATH_SIZE, "%s/store-XXXXXX",
                        base && *base ? base : "/tmp");

    assert_in_range(size, 1, TEST_PATH_SIZE - 1);
    assert_non_null(mkdtemp(path));
}

static int
remove_entry(const char *path, const struct stat *status, int kind,
             struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* A test may have made a directory read-only: it is opened up on the way in. */
static int
open_up(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (kind == FTW_D || kind == FTW_DNR)
        (void)chmod(path, 0700);
    return 0;
}

void
remove_directory(const char *path)
{
    nftw(path, open_up, 16, FTW_PHYS);
    nftw(path, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
}
