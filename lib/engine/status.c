/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What LMDB and the system answer, in the words of the library.
 *
 * Owns the one table from LMDB codes and errno values to status and reason.
 * Keeps every code answered: one that it does not know is FEATURE_IO `io`.
 * Never lets an LMDB number out: the message carries its text instead.
 */
#include "engine/environment.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/error.h"

struct answer {
    int code;
    feature_status status;
    const char *reason;
};

static const struct answer answers[] = {
    {MDB_KEYEXIST, FEATURE_IO, "internal"},
    {MDB_NOTFOUND, FEATURE_IO, "internal"},
    {MDB_PAGE_NOTFOUND, FEATURE_CORRUPT, "structure"},
    {MDB_CORRUPTED, FEATURE_CORRUPT, "structure"},
    {MDB_PANIC, FEATURE_IO, "outcome-unknown"},
    {MDB_VERSION_MISMATCH, FEATURE_VERSION, "lmdb-version"},
    {MDB_INVALID, FEATURE_VERSION, "format"},
    {MDB_MAP_FULL, FEATURE_FULL, "map-full"},
    {MDB_DBS_FULL, FEATURE_FULL, "handles-full"},
    {MDB_READERS_FULL, FEATURE_FULL, "readers-full"},
    {MDB_TLS_FULL, FEATURE_IO, "internal"},
    {MDB_TXN_FULL, FEATURE_FULL, "write-too-large"},
    {MDB_CURSOR_FULL, FEATURE_CORRUPT, "structure"},
    {MDB_PAGE_FULL, FEATURE_CORRUPT, "structure"},
    {MDB_MAP_RESIZED, FEATURE_FULL, "map-full"},
    {MDB_INCOMPATIBLE, FEATURE_VERSION, "format"},
    {MDB_BAD_RSLOT, FEATURE_IO, "internal"},
    {MDB_BAD_TXN, FEATURE_IO, "internal"},
    {MDB_BAD_VALSIZE, FEATURE_INVALID, "key-size"},
    {MDB_BAD_DBI, FEATURE_IO, "internal"},
    /* LMDB tells living readers apart by locks on bytes of their pids. */
    {EAGAIN, FEATURE_UNSUPPORTED, "pid-namespace"},
    {ENOMEM, FEATURE_NO_MEMORY, "memory"},
    {ENOSPC, FEATURE_FULL, "disk-full"},
    {EDQUOT, FEATURE_FULL, "disk-full"},
    {EFBIG, FEATURE_FULL, "disk-full"},
    {EACCES, FEATURE_IO, "permission"},
    {EPERM, FEATURE_IO, "permission"},
    {EROFS, FEATURE_IO, "permission"},
};

/* LMDB reports a short write as EIO, and a short write is how a disk fills. */
static bool
is_full(int directory)
{
    struct statvfs disk;

    return directory >= 0 && !fstatvfs(directory, &disk) &&
           disk.f_bavail * disk.f_frsize < 65536;
}

static struct answer
find(int code, int directory)
{
    size_t i;

    if (code == EIO && is_full(directory))
        code = ENOSPC;
    for (i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (answers[i].code == code)
            return answers[i];
    }
    return (struct answer){code, FEATURE_IO, "io"};
}

feature_status
lf_engine_fail(struct feature_error *error, int directory, int code,
               const char *format, ...)
{
    struct answer answer = find(code, directory);
    char doing[160];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(doing, sizeof doing, format, arguments);
    va_end(arguments);
    if (code > 0)
        return lf_fail_os(error, answer.status, answer.reason, answer.code,
                          "%s", doing);
    return lf_fail(error, answer.status, answer.reason, "%s: %s", doing,
                   mdb_strerror(code));
}
