/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's directory.
 *
 * Owns the rules about who may own, write and mount a store.
 * Keeps everything after the first open relative to one descriptor, so that no
 * renamed path can lead elsewhere in between.
 * Never opens lock.mdb: closing it again would drop the locks of an
 * environment that this process has open.
 *
 * A symbolic link as the last component is followed: `current -> store-7` is
 * common, and whoever planted one can only lead to a directory that passes the
 * checks of owner and mode. Links inside the store are refused.
 */
#include "engine/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"

#define OVERLAYFS 0x794c7630u
#define TMPFS     0x01021994u
#define RAMFS     0x858458f6u

/* From linux/magic.h and the file systems' own sources. */
static const uint32_t remote_file_systems[] = {
    0x6969,      /* NFS */
    0x517b,      /* SMB */
    0xff534d42u, /* CIFS */
    0xfe534d42u, /* SMB2 */
    0x01021997,  /* 9p */
    0x65735546,  /* FUSE */
    0x00c36400,  /* Ceph */
    0x5346414f,  /* AFS */
    0x6b414653,  /* kAFS */
    0x73757245,  /* Coda */
    0x564c,      /* NCP */
    0x7461636f,  /* OCFS2 */
    0x01161970,  /* GFS2 */
    0x0bd00bd0,  /* Lustre */
    0x47504653,  /* GPFS */
    0x19830326,  /* BeeGFS */
    0x786f4256,  /* VirtualBox shared folders */
};

static bool
asks(const struct lf_directory *directory, uint32_t flag)
{
    return directory->options->flags & flag;
}

mode_t
lf_directory_mode(const struct lf_directory *directory)
{
    return directory->options->mode ? directory->options->mode : 0600;
}

/* Who may read a file of the store may search its directory. */
static mode_t
directory_mode(const struct lf_directory *directory)
{
    mode_t mode = lf_directory_mode(directory);

    return 0700 | mode | (mode & 0444) >> 2;
}

/* Files of an image belong to root, who could change this process anyway. */
static bool
is_trusted(const struct lf_directory *directory, uid_t user)
{
    return user == geteuid() ||
           (user == 0 && asks(directory, FEATURE_OPEN_IMMUTABLE));
}

/* ssh's rule. A store that is shared on purpose says so by its mode option. */
static feature_status
judge(const struct lf_directory *directory, const struct stat *at,
      const char *name, struct feature_error *error)
{
    mode_t allowed = directory_mode(directory);

    if (!is_trusted(directory, at->st_uid) && !(allowed & 077))
        return lf_fail(error, FEATURE_UNSUPPORTED, "owner",
                       "%s%s%s belongs to user %u, this process is user %u; a "
                       "store that users share needs the mode option",
                       directory->path, *name ? "/" : "", name,
                       (unsigned)at->st_uid, (unsigned)geteuid());
    if (at->st_mode & 022 & ~allowed)
        return lf_fail(error, FEATURE_UNSUPPORTED, "mode",
                       "%s%s%s can be written by others (mode %04o): chmod "
                       "go-w, or open it with the mode option that it has",
                       directory->path, *name ? "/" : "", name,
                       (unsigned)at->st_mode & 07777);
    return FEATURE_OK;
}

static feature_status
judge_file_system(struct lf_directory *directory, struct feature_error *error)
{
    struct statfs disk;
    uint32_t type;
    size_t i;

    if (fstatfs(directory->handle, &disk))
        return lf_engine_fail(error, -1, errno, "statfs of %s",
                              directory->path);
    type = (uint32_t)disk.f_type;
    for (i = 0; i < sizeof remote_file_systems / sizeof(uint32_t); i++) {
        if (type != remote_file_systems[i])
            continue;
        directory->is_remote = true;
        if (!asks(directory, FEATURE_OPEN_ALLOW_REMOTE))
            return lf_fail(error, FEATURE_UNSUPPORTED, "remote-fs",
                           "%s is on a remote file system (type 0x%x), where "
                           "locks do not hold: use a local disk, or "
                           "FEATURE_OPEN_ALLOW_REMOTE for one process alone",
                           directory->path, type);
    }
    if (type == OVERLAYFS && asks(directory, FEATURE_OPEN_READ_ONLY) &&
        !asks(directory, FEATURE_OPEN_IMMUTABLE))
        return lf_fail(error, FEATURE_UNSUPPORTED, "overlay-stale",
                       "%s is on an overlay file system, where a reader may "
                       "see old data for good: use a volume, or "
                       "FEATURE_OPEN_IMMUTABLE where nobody writes",
                       directory->path);
    directory->is_durable = type != TMPFS && type != RAMFS;
    return FEATURE_OK;
}

static feature_status
make(struct lf_directory *directory, struct feature_error *error)
{
    mode_t mode = directory_mode(directory);

    if (mkdir(directory->path, mode)) {
        if (errno == EEXIST)
            return FEATURE_OK;
        if (errno == ENOENT || errno == ENOTDIR)
            return lf_fail_os(error, FEATURE_NOT_FOUND, "no-store", errno,
                              "cannot make %s: only the last directory of a "
                              "path is made",
                              directory->path);
        return lf_engine_fail(error, -1, errno, "cannot make directory %s",
                              directory->path);
    }
    directory->is_new = true;
    return FEATURE_OK;
}

static feature_status
open_handle(struct lf_directory *directory, struct feature_error *error)
{
    const char *path = directory->path;

    directory->handle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->handle >= 0)
        return FEATURE_OK;
    if (errno == ENOENT)
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "there is no directory %s", path);
    if (errno == ENOTDIR)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s is not a directory; a store is one", path);
    return lf_engine_fail(error, -1, errno, "cannot open directory %s", path);
}

feature_status
lf_directory_open(const char *path,
                  const struct lf_environment_options *options,
                  struct lf_directory *directory, struct feature_error *error)
{
    struct stat at;
    feature_status status;

    *directory =
        (struct lf_directory){.path = path, .handle = -1, .options = options};
    if (asks(directory, FEATURE_OPEN_CREATE) &&
        !asks(directory, FEATURE_OPEN_READ_ONLY))
        LF_TRY(make(directory, error));
    LF_TRY(open_handle(directory, error));
    /* umask may have taken bits that the mode option wants. */
    if ((directory->is_new &&
         fchmod(directory->handle, directory_mode(directory))) ||
        fstat(directory->handle, &at))
        status = lf_engine_fail(error, -1, errno, "stat of %s", path);
    else
        status = judge(directory, &at, "", error);
    if (!status)
        status = judge_file_system(directory, error);
    if (status) {
        close(directory->handle);
        directory->handle = -1;
        if (directory->is_new)
            rmdir(path);
    }
    return status;
}

static feature_status
judge_file(const struct lf_directory *directory, const char *name, bool *exists,
           struct stat *at, struct feature_error *error)
{
    *exists = false;
    if (fstatat(directory->handle, name, at, AT_SYMLINK_NOFOLLOW)) {
        if (errno == ENOENT)
            return FEATURE_OK;
        return lf_engine_fail(error, -1, errno, "stat of %s/%s",
                              directory->path, name);
    }
    if (!S_ISREG(at->st_mode))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s/%s is not a regular file", directory->path, name);
    *exists = true;
    return judge(directory, at, name, error);
}

feature_status
lf_directory_look(const struct lf_directory *directory, bool *exists,
                  struct stat *data, struct feature_error *error)
{
    struct stat other;
    bool is_there;

    LF_TRY(judge_file(directory, "open.lock", &is_there, &other, error));
    LF_TRY(judge_file(directory, "lock.mdb", &is_there, &other, error));
    LF_TRY(judge_file(directory, "data.mdb", &is_there, data, error));
    *exists = is_there && data->st_size > 0;
    return FEATURE_OK;
}

feature_status
lf_directory_path(const struct lf_directory *directory, const char *name,
                  char path[LF_PATH_SIZE], struct feature_error *error)
{
    struct stat here, there;
    int size;

    snprintf(path, LF_PATH_SIZE, "/proc/self/fd/%d", directory->handle);
    if (stat(path, &there) || fstat(directory->handle, &here) ||
        here.st_dev != there.st_dev || here.st_ino != there.st_ino)
        snprintf(path, LF_PATH_SIZE, "%s", directory->path); /* no /proc */
    size = (int)strnlen(path, LF_PATH_SIZE);
    /* LMDB appends "/data.mdb" itself. */
    if ((size_t)size + sizeof "/data.mdb" + strlen(name) >= LF_PATH_SIZE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the path of the store is too long");
    snprintf(path + size, LF_PATH_SIZE - (size_t)size, "%s%s", *name ? "/" : "",
             name);
    return FEATURE_OK;
}

feature_status
lf_directory_refused(const struct lf_directory *directory, int code,
                     const char *name, struct feature_error *error)
{
    if (code == ELOOP)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%s/%s is a symbolic link", directory->path, name);
    if (code == EROFS && asks(directory, FEATURE_OPEN_READ_ONLY))
        return lf_fail(error, FEATURE_UNSUPPORTED, "read-only-mount",
                       "%s is mounted read-only, so readers cannot register: "
                       "mount it writable, or use FEATURE_OPEN_IMMUTABLE where "
                       "nobody writes",
                       directory->path);
    return lf_engine_fail(error, directory->handle, code, "cannot write %s/%s",
                          directory->path, name);
}
