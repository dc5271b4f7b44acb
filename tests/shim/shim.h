/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program does to the files below one directory, told before it is done.
 *
 * shim.so is preloaded: the calls of every library in the process go through it.
 * The program finds it by dlsym("shim_state") and sets a hook, which does each
 * call by shim_pass(), does it in another way, or fails it.
 */
#ifndef TESTS_SHIM_SHIM_H
#define TESTS_SHIM_SHIM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A pwrite() to this descriptor is a remark to the hook and goes nowhere. */
#define SHIM_REMARK_HANDLE (-2)

enum shim_kind {
    SHIM_CREATE, /* an open that makes its file, or empties it */
    SHIM_MKDIR,
    SHIM_WRITE,
    SHIM_SIZE, /* ftruncate, or an fallocate that changes the size */
    SHIM_SYNC, /* of a file or a directory */
    SHIM_RENAME,
    SHIM_UNLINK, /* rmdir too */
    SHIM_REMARK
};

/* A name in a directory. */
struct shim_place {
    int directory; /* descriptor, O_PATH */
    uint64_t inode;
    char name[NAME_MAX + 1];
};

struct shim_call {
    enum shim_kind kind;
    int handle;     /* of the file: WRITE, SIZE, SYNC */
    uint64_t inode; /* of that */
    int flags;      /* that it was or is being opened with */
    bool moves;     /* a write at the file's own position, which then moves */
    const struct iovec *parts;
    int count;
    off_t offset; /* of a write */
    size_t size;  /* of it, or the new size */
    struct shim_place at, to;
    long number; /* of the system call, and what it takes */
    long arguments[6];
};

/* Answers as a system call does: -1 with errno set. Calls that it makes itself
 * are not told. May be called from several threads. */
typedef long shim_hook(struct shim_call *call);

struct shim {
    shim_hook *hook;
    char root[256]; /* the real path of the directory */
    long (*pass)(struct shim_call *call);
};

struct shim *shim_state(void);

#endif
