/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots back into stores.
 *
 * Owns the new store until it has its name.
 * Keeps the name free until every byte of the snapshot was checked and every
 * byte of the store is on the disk and was read back from its file.
 * Never replaces anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "store/copy_file.h"
#include "store/rebuild.h"
#include "verify/made.h"

/* Where the store goes: its parent, its name, and its name until then. */
struct place {
    int directory;
    char name[NAME_MAX + 1];
    char temporary[PATH_MAX];
    const char *last; /* of the temporary path */
};

static feature_status
refuse_existing(const struct place *place, struct feature_error *error)
{
    struct stat at;

    if (!fstatat(place->directory, place->name, &at, AT_SYMLINK_NOFOLLOW))
        return lf_fail(error, FEATURE_CONFLICT, "in-use",
                       "%.100s is there already; a snapshot is restored to a "
                       "new name",
                       place->name);
    if (errno != ENOENT)
        return lf_file_fail(error, errno, "stat of", place->name);
    return FEATURE_OK;
}

static feature_status
choose_place(struct place *place, const char *path, struct feature_error *error)
{
    char suffix[LF_TEMPORARY_SIZE];
    size_t size = strlen(path);
    const char *slash;

    LF_TRY(lf_path_open(path, &place->directory, place->name, error));
    LF_TRY(refuse_existing(place, error));
    LF_TRY(lf_temporary_suffix(suffix, error));
    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size + sizeof suffix > sizeof place->temporary)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the path of the store is too long");
    snprintf(place->temporary, sizeof place->temporary, "%.*s%s", (int)size,
             path, suffix);
    slash = strrchr(place->temporary, '/');
    place->last = slash ? slash + 1 : place->temporary;
    return FEATURE_OK;
}

/* A directory that came meanwhile stays: it is not empty, or the kernel says
 * so. */
static feature_status
give_name(const struct place *place, struct feature_error *error)
{
    int code = 0;

    if (renameat2(place->directory, place->last, place->directory, place->name,
                  RENAME_NOREPLACE))
        code = errno;
    if (code == EINVAL || code == ENOSYS) {
        LF_TRY(refuse_existing(place, error));
        code = renameat(place->directory, place->last, place->directory,
                        place->name)
                   ? errno
                   : 0;
    }
    if (code == EEXIST || code == ENOTEMPTY)
        return lf_fail(error, FEATURE_CONFLICT, "in-use",
                       "%.100s was made by somebody else meanwhile",
                       place->name);
    if (code)
        return lf_file_fail(error, code, "cannot name", place->name);
    return FEATURE_OK;
}

/* A restored store goes its own way from here on: another incarnation of the
 * same store, at the same commit. */
static feature_status
build(struct lf_intake *intake, struct lf_copy *copy,
      struct lf_rebuild *rebuild, struct place *place, uint64_t *size,
      struct feature_error *error)
{
    struct lf_meta_store meta;

    LF_TRY(lf_copy_file(copy, intake, error));
    meta = copy->manifest.meta;
    if (!lf_random(&meta.incarnation, sizeof meta.incarnation))
        return lf_fail_os(error, FEATURE_IO, "io", errno,
                          "cannot make an identity for the store");
    LF_TRY(lf_rebuild_finish(rebuild, &meta, size, error));
    LF_TRY(lf_verify_made(rebuild->path, error));
    LF_TRY(lf_copy_tell(copy, error));
    LF_TRY(give_name(place, error));
    rebuild->is_made = false;
    if (fsync(place->directory))
        return lf_file_fail_name(error, errno, place->name);
    return FEATURE_OK;
}

static feature_status
restore_to(struct lf_intake *intake, struct lf_copy *copy, const char *path,
           const struct feature_restore_options *options, uint64_t *size,
           struct feature_error *error)
{
    struct feature_options open = {.mode = options->mode,
                                   .map_size = options->map_size};
    struct place place = {.directory = -1};
    struct lf_rebuild *rebuild = copy->to;
    feature_status status;

    if (options->flags & FEATURE_RESTORE_ALLOW_REMOTE)
        open.flags |= FEATURE_OPEN_ALLOW_REMOTE;
    status = choose_place(&place, path, error);
    if (!status)
        status = lf_rebuild_begin(rebuild, place.temporary, &open, error);
    if (!status)
        status = build(intake, copy, rebuild, &place, size, error);
    lf_rebuild_end(rebuild);
    if (place.directory >= 0)
        close(place.directory);
    return status;
}

static feature_status
check_options(const char *path, const struct feature_restore_options *options,
              struct feature_error *error)
{
    uint32_t known = FEATURE_RESTORE_VERIFY_ONLY | FEATURE_RESTORE_ALLOW_REMOTE;
    bool verify_only = options->flags & FEATURE_RESTORE_VERIFY_ONLY;

    if (options->flags & ~known)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the restore options' flags",
                       options->flags & ~known);
    if (verify_only ? path != NULL : !path || !*path)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       verify_only ? "FEATURE_RESTORE_VERIFY_ONLY takes no path"
                                   : "the path of the new store is needed");
    return FEATURE_OK;
}

feature_status
feature_store_restore(const char *file, const char *path,
                      const struct feature_restore_options *options,
                      struct feature_progress *progress,
                      struct feature_snapshot_report *report,
                      struct feature_error *error)
{
    struct lf_rebuild rebuild = {0};
    struct lf_copy copy = {.sink = path ? &lf_to_store : NULL,
                           .to = &rebuild,
                           .progress = progress};
    struct feature_snapshot_report ours = {0};
    struct feature_restore_options asked;
    struct lf_intake intake;
    feature_status status;

    if (!file || !*file)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the snapshot's file is needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_restore_options", error));
    LF_TRY(check_options(path, &asked, error));
    if (report)
        LF_TRY(lf_report_check(report, "feature_snapshot_report", error));
    status = lf_intake_open(&intake, file, error);
    if (!status && path)
        status = restore_to(&intake, &copy, path, &asked, &ours.size, error);
    else if (!status)
        status = lf_copy_file(&copy, &intake, error);
    if (!status && report) {
        lf_copy_report(&copy, &ours);
        ours.source_size = intake.size;
        lf_report_write(report, &ours, sizeof ours);
    }
    lf_intake_close(&intake);
    lf_copy_free(&copy);
    return status;
}
