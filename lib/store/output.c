/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that appears whole.
 *
 * Owns the temporary file beside the name that it will get.
 * Keeps the name free, or what had it before, until every byte is on the disk.
 * Never follows a link at the temporary name, nor writes where something is.
 */
#include "store/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"

/* Bytes from push to push: less and the disk seeks, more and the sync of
 * somebody's commit waits for our file. */
#define PUSH (4u << 20)

feature_status
lf_file_fail(struct feature_error *error, int code, const char *doing,
             const char *path)
{
    char name[LF_QUOTE_SIZE];

    lf_quote(name, path, strlen(path));
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return lf_fail_os(error, FEATURE_FULL, "disk-full", code, "%s %s",
                          doing, name);
    case EACCES:
    case EPERM:
    case EROFS:
        return lf_fail_os(error, FEATURE_IO, "permission", code, "%s %s", doing,
                          name);
    case ENOENT:
    case ENOTDIR:
        return lf_fail_os(error, FEATURE_NOT_FOUND, "no-file", code, "%s %s",
                          doing, name);
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return lf_fail_os(error, FEATURE_INVALID, "argument", code, "%s %s",
                          doing, name);
    case ENOMEM:
        return lf_fail_memory(error);
    default:
        return lf_fail_os(error, FEATURE_IO, "io", code, "%s %s", doing, name);
    }
}

feature_status
lf_file_fail_name(struct feature_error *error, int code, const char *path)
{
    char name[LF_QUOTE_SIZE];

    lf_quote(name, path, strlen(path));
    return lf_fail_os(error, FEATURE_IO, "outcome-unknown", code,
                      "%s is there and whole, but a loss of power may take the "
                      "name away: sync of its directory",
                      name);
}

feature_status
lf_path_open(const char *path, int *directory, char name[NAME_MAX + 1],
             struct feature_error *error)
{
    size_t end = strlen(path), begin;
    char parent[PATH_MAX];

    while (end > 1 && path[end - 1] == '/')
        end--;
    begin = end;
    while (begin && path[begin - 1] != '/')
        begin--;
    if (end == begin || end - begin > NAME_MAX - LF_TEMPORARY_SIZE ||
        begin >= sizeof parent || !strncmp(path + begin, "..", end - begin))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the path does not end in a name of a file");
    memcpy(name, path + begin, end - begin);
    name[end - begin] = '\0';
    memcpy(parent, path, begin);
    parent[begin] = '\0';
    *directory = open(begin ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*directory < 0)
        return lf_file_fail(error, errno, "cannot open the directory of", path);
    return FEATURE_OK;
}

feature_status
lf_temporary_suffix(char suffix[LF_TEMPORARY_SIZE], struct feature_error *error)
{
    uint64_t number;

    if (!lf_random(&number, sizeof number))
        return lf_fail_os(error, FEATURE_IO, "io", errno,
                          "cannot make a temporary name");
    snprintf(suffix, LF_TEMPORARY_SIZE, ".tmp-%016llx",
             (unsigned long long)number);
    return FEATURE_OK;
}

/* A name that a directory or a device has would not become the file's. */
static feature_status
check_name(const struct lf_output *output, struct feature_error *error)
{
    struct stat at;

    if (fstatat(output->directory, output->name, &at, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT
                   ? FEATURE_OK
                   : lf_file_fail(error, errno, "stat of", output->name);
    if (!S_ISREG(at.st_mode))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%.100s is there and is not a regular file",
                       output->name);
    return FEATURE_OK;
}

feature_status
lf_output_create(struct lf_output *output, const char *path, mode_t mode,
                 struct feature_error *error)
{
    char suffix[LF_TEMPORARY_SIZE];

    *output = (struct lf_output){.directory = -1, .file = -1};
    lf_sha256_begin(&output->sum);
    LF_TRY(lf_path_open(path, &output->directory, output->name, error));
    LF_TRY(check_name(output, error));
    LF_TRY(lf_temporary_suffix(suffix, error));
    snprintf(output->temporary, sizeof output->temporary, "%.*s%s",
             NAME_MAX - LF_TEMPORARY_SIZE, output->name, suffix);
    output->file =
        openat(output->directory, output->temporary,
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (output->file < 0)
        return lf_file_fail(error, errno, "cannot make", output->temporary);
    /* umask may have taken bits that the mode option wants. */
    if (fchmod(output->file, mode))
        return lf_file_fail(error, errno, "cannot make", output->temporary);
    return FEATURE_OK;
}

/* Asks the kernel to write what has come in, and does not wait: else all of it
 * is written at once by the first sync of anybody. */
static void
push(struct lf_output *output)
{
    if (output->size - output->pushed < PUSH)
        return;
    (void)sync_file_range(output->file, (off_t)output->pushed,
                          (off_t)(output->size - output->pushed),
                          SYNC_FILE_RANGE_WRITE);
    output->pushed = output->size;
}

feature_status
lf_output_write(struct lf_output *output, const void *bytes, size_t size,
                struct feature_error *error)
{
    const uint8_t *at = bytes;

    lf_sha256_add(&output->sum, bytes, size);
    while (size) {
        ssize_t put = write(output->file, at, size);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return lf_file_fail(error, put ? errno : ENOSPC, "write of",
                                output->temporary);
        at += put;
        size -= (size_t)put;
        output->size += (uint64_t)put;
    }
    push(output);
    return FEATURE_OK;
}

feature_status
lf_output_finish(struct lf_output *output, struct feature_error *error)
{
    if (fsync(output->file))
        return lf_file_fail(error, errno, "sync of", output->temporary);
    if (renameat(output->directory, output->temporary, output->directory,
                 output->name))
        return lf_file_fail(error, errno, "cannot name", output->name);
    output->temporary[0] = '\0';
    if (fsync(output->directory))
        return lf_file_fail_name(error, errno, output->name);
    return FEATURE_OK;
}

void
lf_output_end(struct lf_output *output)
{
    if (output->file >= 0) {
        close(output->file);
        if (output->temporary[0])
            unlinkat(output->directory, output->temporary, 0);
    }
    if (output->directory >= 0)
        close(output->directory);
    output->file = output->directory = -1;
}
