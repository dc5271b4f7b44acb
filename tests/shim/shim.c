/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that change files, wrapped (see shim.h).
 *
 * Owns the one way to the kernel of every library in the process.
 * Keeps what is outside the root, and what the hook does itself, as it is.
 * Never looks at mappings: LMDB writes by pwrite alone, save its lock table,
 * which no promise depends on.
 */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static struct shim shim;
static _Thread_local bool is_inside;

/* --- judging a call -------------------------------------------------------- */

static long
pass(struct shim_call *call)
{
    const long *a = call->arguments;

    return syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

EXPORT struct shim *
shim_state(void)
{
    shim.pass = pass;
    return &shim;
}

static bool
is_watching(void)
{
    return shim.hook && !is_inside;
}

/* Whether a descriptor is of something below the root, or of the root. */
static bool
is_below(int handle)
{
    size_t size = strlen(shim.root);
    char link[48], path[PATH_MAX];
    ssize_t got;

    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    got = readlink(link, path, sizeof path - 1);
    if (got < (ssize_t)size)
        return false;
    path[got] = '\0';
    return !strncmp(path, shim.root, size) &&
           (path[size] == '/' || !path[size]);
}

static long
tell(struct shim_call *call)
{
    long result;

    is_inside = true;
    result = shim.hook(call);
    is_inside = false;
    return result;
}

/* For calls on a descriptor. */
static long
tell_of(struct shim_call *call, int handle)
{
    struct stat at;

    if (!is_watching() || !is_below(handle) || fstat(handle, &at))
        return pass(call);
    call->handle = handle;
    call->inode = at.st_ino;
    call->flags = fcntl(handle, F_GETFL);
    return tell(call);
}

/* Opens the directory of a path; its name is what follows. */
static bool
find(struct shim_place *place, int directory, const char *path)
{
    const char *slash = strrchr(path, '/');
    char head[PATH_MAX] = ".";
    struct stat at;

    place->directory = -1;
    if (slash && (size_t)(slash - path) + 2 < sizeof head)
        snprintf(head, sizeof head, "%.*s", (int)(slash - path) + 1, path);
    snprintf(place->name, sizeof place->name, "%s", slash ? slash + 1 : path);
    place->directory = (int)syscall(SYS_openat, directory, head,
                                    O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (place->directory < 0 || !is_below(place->directory) ||
        fstat(place->directory, &at))
        return false;
    place->inode = at.st_ino;
    return true;
}

static void
lose(struct shim_place *place)
{
    if (place->directory >= 0)
        syscall(SYS_close, place->directory);
}

/* For calls on a name. */
static long
tell_at(struct shim_call *call, int directory, const char *path)
{
    long result;
    int code;

    if (!is_watching())
        return pass(call);
    result = find(&call->at, directory, path) ? tell(call) : pass(call);
    code = errno;
    lose(&call->at);
    errno = code;
    return result;
}

/* --- files ------------------------------------------------------------------ */

static bool
is_there(int directory, const char *path)
{
    struct stat at;

    return !fstatat(directory, path, &at, AT_SYMLINK_NOFOLLOW);
}

static int
open_file(int directory, const char *path, int flags, mode_t mode)
{
    struct shim_call call = {
        .kind = SHIM_CREATE,
        .flags = flags,
        .number = SYS_openat,
        .arguments = {directory, (long)path, flags, (long)mode}};

    if (is_watching() && ((flags & O_TRUNC) ||
                          ((flags & O_CREAT) && !is_there(directory, path))))
        return (int)tell_at(&call, directory, path);
    return (int)pass(&call);
}

#define TAKE_MODE(flags)                   \
    mode_t mode = 0;                       \
    va_list more;                          \
    if ((flags) & (O_CREAT | 020000000)) { \
        va_start(more, flags);             \
        mode = va_arg(more, mode_t);       \
        va_end(more);                      \
    }

EXPORT int
open(const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_file(AT_FDCWD, path, flags, mode);
}

EXPORT int
open64(const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_file(AT_FDCWD, path, flags, mode);
}

EXPORT int
openat(int directory, const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_file(directory, path, flags, mode);
}

EXPORT int
openat64(int directory, const char *path, int flags, ...)
{
    TAKE_MODE(flags)
    return open_file(directory, path, flags, mode);
}

/* What _FORTIFY_SOURCE makes of the two where no mode is given. */
int __open_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);

EXPORT int
__open_2(const char *path, int flags)
{
    return open_file(AT_FDCWD, path, flags, 0);
}

EXPORT int
__openat_2(int directory, const char *path, int flags)
{
    return open_file(directory, path, flags, 0);
}

EXPORT int
creat(const char *path, mode_t mode)
{
    return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* --- bytes ------------------------------------------------------------------ */

static ssize_t
put(struct shim_call *call, int handle, const struct iovec *parts, int count,
    off_t offset)
{
    call->kind = SHIM_WRITE;
    call->parts = parts;
    call->count = count;
    call->moves = offset < 0;
    call->offset =
        offset < 0 && is_watching() ? lseek(handle, 0, SEEK_CUR) : offset;
    for (int i = 0; i < count; i++)
        call->size += parts[i].iov_len;
    return tell_of(call, handle);
}

EXPORT ssize_t
write(int handle, const void *bytes, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct shim_call call = {.number = SYS_write,
                             .arguments = {handle, (long)bytes, (long)size}};

    return put(&call, handle, &part, 1, -1);
}

EXPORT ssize_t
pwrite(int handle, const void *bytes, size_t size, off_t offset)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct shim_call call = {
        .number = SYS_pwrite64,
        .arguments = {handle, (long)bytes, (long)size, offset}};

    if (handle == SHIM_REMARK_HANDLE && is_watching()) {
        call.kind = SHIM_REMARK;
        call.parts = &part;
        call.count = 1;
        call.size = size;
        call.offset = offset;
        return tell(&call);
    }
    return put(&call, handle, &part, 1, offset);
}

EXPORT ssize_t
pwrite64(int handle, const void *bytes, size_t size, off_t offset)
{
    return pwrite(handle, bytes, size, offset);
}

EXPORT ssize_t
writev(int handle, const struct iovec *parts, int count)
{
    struct shim_call call = {.number = SYS_writev,
                             .arguments = {handle, (long)parts, count}};

    return put(&call, handle, parts, count, -1);
}

EXPORT ssize_t
pwritev(int handle, const struct iovec *parts, int count, off_t offset)
{
    struct shim_call call = {.number = SYS_pwritev,
                             .arguments = {handle, (long)parts, count, offset}};

    return put(&call, handle, parts, count, offset);
}

EXPORT ssize_t
pwritev64(int handle, const struct iovec *parts, int count, off_t offset)
{
    return pwritev(handle, parts, count, offset);
}

static int
set_size(struct shim_call *call, int handle, off_t size)
{
    call->kind = SHIM_SIZE;
    call->size = (size_t)size;
    return (int)tell_of(call, handle);
}

EXPORT int
ftruncate(int handle, off_t size)
{
    struct shim_call call = {.number = SYS_ftruncate,
                             .arguments = {handle, size}};

    return set_size(&call, handle, size);
}

EXPORT int
ftruncate64(int handle, off_t size)
{
    return ftruncate(handle, size);
}

EXPORT int
fallocate(int handle, int mode, off_t offset, off_t size)
{
    struct shim_call call = {.number = SYS_fallocate,
                             .arguments = {handle, mode, offset, size}};
    struct stat at;

    /* FALLOC_FL_KEEP_SIZE and its like change nothing that can be read. */
    if (mode || !is_watching() || fstat(handle, &at) ||
        at.st_size >= offset + size)
        return (int)pass(&call);
    return set_size(&call, handle, offset + size);
}

EXPORT int
fallocate64(int handle, int mode, off_t offset, off_t size)
{
    return fallocate(handle, mode, offset, size);
}

EXPORT int
fsync(int handle)
{
    struct shim_call call = {
        .kind = SHIM_SYNC, .number = SYS_fsync, .arguments = {handle}};

    return (int)tell_of(&call, handle);
}

EXPORT int
fdatasync(int handle)
{
    struct shim_call call = {
        .kind = SHIM_SYNC, .number = SYS_fdatasync, .arguments = {handle}};

    return (int)tell_of(&call, handle);
}

/* --- names ------------------------------------------------------------------ */

EXPORT int
renameat2(int directory, const char *path, int to_directory, const char *to,
          unsigned flags)
{
    struct shim_call call = {
        .kind = SHIM_RENAME,
        .flags = (int)flags,
        .number = SYS_renameat2,
        .arguments = {directory, (long)path, to_directory, (long)to, flags}};
    int result, code;

    if (!is_watching())
        return (int)pass(&call);
    result = find(&call.to, to_directory, to)
                 ? (int)tell_at(&call, directory, path)
                 : (int)pass(&call);
    code = errno;
    lose(&call.to);
    errno = code;
    return result;
}

EXPORT int
renameat(int directory, const char *path, int to_directory, const char *to)
{
    return renameat2(directory, path, to_directory, to, 0);
}

EXPORT int
rename(const char *path, const char *to)
{
    return renameat2(AT_FDCWD, path, AT_FDCWD, to, 0);
}

EXPORT int
unlinkat(int directory, const char *path, int flags)
{
    struct shim_call call = {.kind = SHIM_UNLINK,
                             .flags = flags,
                             .number = SYS_unlinkat,
                             .arguments = {directory, (long)path, flags}};

    return (int)tell_at(&call, directory, path);
}

EXPORT int
unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int
rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int
mkdirat(int directory, const char *path, mode_t mode)
{
    struct shim_call call = {.kind = SHIM_MKDIR,
                             .number = SYS_mkdirat,
                             .arguments = {directory, (long)path, (long)mode}};

    return (int)tell_at(&call, directory, path);
}

EXPORT int
mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}
