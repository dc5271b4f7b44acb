/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data.mdb and lock.mdb before LMDB sees them.
 *
 * Owns the creation of a store and the checks that come before mdb_env_open.
 * Keeps a cut during creation harmless: data.mdb appears whole, by rename.
 * Never leaves a descriptor of lock.mdb open: closing one after LMDB opened the
 * file would drop LMDB's locks.
 */
#include "engine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/layout.h"

#define NEW_NAME "new.mdb"

static feature_status
build(const struct lf_directory *directory, struct feature_error *error)
{
    char path[LF_PATH_SIZE];
    MDB_env *lmdb;
    int code;

    LF_TRY(lf_directory_path(directory, NEW_NAME, path, error));
    code = mdb_env_create(&lmdb);
    if (code)
        return lf_engine_fail(error, -1, code, "mdb_env_create");
    code = mdb_env_set_mapsize(lmdb, 1 << 20);
    if (!code)
        code = mdb_env_open(lmdb, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS,
                            lf_directory_mode(directory));
    mdb_env_close(lmdb);
    if (code)
        return lf_engine_fail(error, directory->handle, code,
                              "cannot create a store in %s", directory->path);
    return FEATURE_OK;
}

/* LMDB writes both meta pages but does not sync them. */
static int
sync_new(const struct lf_directory *directory)
{
    int code = 0;
    int file =
        openat(directory->handle, NEW_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (file < 0)
        return errno;
    if (fchmod(file, lf_directory_mode(directory)) || fsync(file))
        code = errno;
    close(file);
    return code;
}

feature_status
lf_files_create(const struct lf_directory *directory,
                struct feature_error *error)
{
    int handle = directory->handle;
    feature_status status;
    int code;

    /* What an earlier cut left. The open lock is held, so nobody uses it. */
    if (unlinkat(handle, NEW_NAME, 0) && errno != ENOENT)
        return lf_directory_refused(directory, errno, NEW_NAME, error);
    status = build(directory, error);
    if (status) {
        unlinkat(handle, NEW_NAME, 0);
        return status;
    }
    code = sync_new(directory);
    if (!code && renameat(handle, NEW_NAME, handle, "data.mdb"))
        code = errno;
    if (!code)
        return FEATURE_OK;
    unlinkat(handle, NEW_NAME, 0);
    return lf_engine_fail(error, handle, code, "cannot create a store in %s",
                          directory->path);
}

/* LMDB never syncs a directory. A parent that cannot be read cannot be synced
 * either; then it was not this process that made the store's directory. */
feature_status
lf_files_sync(const struct lf_directory *directory, struct feature_error *error)
{
    int parent, code = 0;

    if (fsync(directory->handle))
        return lf_engine_fail(error, directory->handle, errno, "sync of %s",
                              directory->path);
    parent =
        openat(directory->handle, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return FEATURE_OK;
    if (fsync(parent))
        code = errno;
    close(parent);
    if (code)
        return lf_engine_fail(error, directory->handle, code,
                              "sync of the parent of %s", directory->path);
    return FEATURE_OK;
}

/* Header and slots have 64 bytes each, the header two of them [MDB_txninfo]. */
static off_t
lock_size(int file, uint32_t max_readers)
{
    off_t wanted = 128 + 64 * (off_t)max_readers;
    struct stat at;

    if (!fstat(file, &at) && at.st_size > wanted)
        return at.st_size;
    return wanted;
}

static int
write_zeros(int file, off_t size)
{
    static const uint8_t zeros[4096];
    off_t at;

    for (at = 0; at < size; at += (off_t)sizeof zeros) {
        if (pwrite(file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros)
            return errno ? errno : ENOSPC;
    }
    return 0;
}

/*
 * LMDB makes lock.mdb sparse and writes it through a mapping: on a full disk
 * that is SIGBUS inside mdb_env_open. With KEEP_SIZE it still sees a file of no
 * bytes and initialises it.
 */
static int
reserve(int file, uint32_t max_readers, bool is_alone)
{
    off_t size = lock_size(file, max_readers);
    int code = 0;

    while (fallocate(file, FALLOC_FL_KEEP_SIZE, 0, size)) {
        code = errno;
        if (code != EINTR)
            break;
        code = 0;
    }
    if (code != EOPNOTSUPP && code != ENOSYS)
        return code;
    return is_alone ? write_zeros(file, size) : 0;
}

feature_status
lf_files_reserve_lock(const struct lf_directory *directory,
                      uint32_t max_readers, bool is_alone,
                      struct feature_error *error)
{
    mode_t mode = lf_directory_mode(directory);
    int code = 0;
    int file = openat(directory->handle, "lock.mdb",
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode);

    if (file < 0)
        return lf_directory_refused(directory, errno, "lock.mdb", error);
    if (is_alone && fchmod(file, mode))
        code = errno == EPERM ? 0 : errno; /* another user's, by mode option */
    if (!code)
        code = reserve(file, max_readers, is_alone);
    close(file);
    if (code)
        return lf_directory_refused(directory, code, "lock.mdb", error);
    return FEATURE_OK;
}

static feature_status
check_meta(const uint8_t *meta, const char *path, struct feature_error *error)
{
    uint32_t version = lf_load_u32(meta + LF_META_VERSION);
    uint32_t page = lf_load_u32(meta + LF_META_FREE);

    /* LMDB 1.0 has longer page headers. */
    if (lf_load_u32(meta + LF_META_MAGIC + 8) == LF_META_MAGIC_VALUE)
        return lf_fail(error, FEATURE_VERSION, "lmdb-version",
                       "%s/data.mdb was written by LMDB 1.0 or later, this is "
                       "LMDB 0.9; move data by a snapshot, not by its file",
                       path);
    if (lf_load_u32(meta + LF_META_MAGIC) != LF_META_MAGIC_VALUE)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "%s/data.mdb is not a libfeature store", path);
    if (version != LF_META_VERSION_VALUE)
        return lf_fail(error, FEATURE_VERSION, "lmdb-version",
                       "%s/data.mdb has LMDB data version %u, this library "
                       "reads version 1",
                       path, version);
    if (page < 512 || page > 32768 || (page & (page - 1)))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "%s/data.mdb claims pages of %u bytes", path, page);
    return FEATURE_OK;
}

/* The two meta pages of one file agree on everything that is not counted. */
static feature_status
check_file(int file, const char *path, off_t size, struct feature_error *error)
{
    uint8_t meta[2][LF_META_SIZE] = {{0}};
    uint32_t page;
    ssize_t got;

    got = pread(file, meta[0], LF_META_SIZE, 0);
    if (got < 0)
        return lf_engine_fail(error, -1, errno, "read of %s/data.mdb", path);
    LF_TRY(check_meta(meta[0], path, error));
    page = lf_load_u32(meta[0] + LF_META_FREE);
    if (size < 2 * (off_t)page)
        return lf_fail(error, FEATURE_CORRUPT, "truncated",
                       "%s/data.mdb ends within its first two pages", path);
    if (pread(file, meta[1], LF_META_SIZE, page) < 0)
        return lf_engine_fail(error, -1, errno, "read of %s/data.mdb", path);
    LF_TRY(check_meta(meta[1], path, error));
    if (page != lf_load_u32(meta[1] + LF_META_FREE))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the two meta pages of %s/data.mdb disagree", path);
    return FEATURE_OK;
}

feature_status
lf_files_check_data(const struct lf_directory *directory, struct stat *data,
                    struct feature_error *error)
{
    bool writable = !(directory->options->flags & FEATURE_OPEN_READ_ONLY);
    feature_status status;
    int file;

    /* On an overlay, opening for writing makes the copy whose inode counts. */
    file = openat(directory->handle, "data.mdb",
                  (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return lf_directory_refused(directory, errno, "data.mdb", error);
    if (fstat(file, data))
        status = lf_engine_fail(error, -1, errno, "stat of %s/data.mdb",
                                directory->path);
    else
        status = check_file(file, directory->path, data->st_size, error);
    close(file);
    return status;
}
