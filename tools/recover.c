/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery to a point in time: a snapshot, then change records.
 *
 * Owns the store until it has its name, and where to stop.
 * Keeps to feature_store_follow(): a record that was applied is no change, one
 * that is missing is an error, and so is one of another history.
 * Never ends silently before the point that was asked for.
 */
#include "recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "moment.h"
#include "record.h"
#include "tool.h"

/* A file of records, and the first one in it. */
struct archive {
    char *path;
    uint64_t first;
};

struct run {
    struct recovery *asked;
    const struct feature_progress *progress;
    feature_store *store;
    struct archive *files;
    size_t count;
    uint64_t at; /* sequence of the store */
    int64_t time;
    bool is_reached; /* what comes now lies past the end */
};

int
recover_until(const char *command, const char *text, struct recovery *recovery)
{
    char *end;

    recovery->until = text;
    errno = 0;
    if (text[strspn(text, "0123456789")])
        return tool_read_time(command, "--until", text, &recovery->time);
    recovery->sequence = strtoull(text, &end, 10);
    if (!recovery->sequence || errno)
        return tool_misuse(command, "--until: \"%s\" is no sequence", text);
    return TOOL_DONE;
}

/* --- files -------------------------------------------------------------------- */

static bool
add_file(struct run *run, const char *folder, const char *name)
{
    struct archive *files =
        realloc(run->files, (run->count + 1) * sizeof *files);
    char *path = NULL;

    if (files)
        run->files = files;
    if (!files ||
        asprintf(&path, "%s%s%s", folder, *folder ? "/" : "", name) < 0) {
        tool_no_memory();
        return false;
    }
    run->files[run->count++] = (struct archive){.path = path};
    return true;
}

static bool
list_folder(struct run *run, const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    bool is_good = folder;

    if (!folder && errno == ENOTDIR)
        return add_file(run, "", path);
    if (!folder)
        tool_refuse("cannot read %s: %s", path, strerror(errno));
    while (is_good && (entry = readdir(folder)))
        if (*entry->d_name != '.')
            is_good = add_file(run, path, entry->d_name);
    if (folder)
        closedir(folder);
    return is_good;
}

static FILE *
open_file(const char *path)
{
    FILE *file = fopen(path, "re");

    if (!file)
        tool_refuse("cannot read %s: %s", path, strerror(errno));
    return file;
}

/* 0 of a file without a record: it sorts first, where nothing is missed. */
static bool
read_first(struct archive *archive)
{
    struct record record = {0};
    FILE *file = open_file(archive->path);
    enum record_read read;
    int64_t time;

    if (!file)
        return false;
    read = record_read(file, &record);
    if (read == RECORD_READ && !record_head(&record, &archive->first, &time))
        read = RECORD_FAILED;
    if (read == RECORD_FAILED)
        tool_refuse("%s holds no change records", archive->path);
    record_free(&record);
    fclose(file);
    return read != RECORD_FAILED;
}

static int
compare_files(const void *a, const void *b)
{
    const struct archive *left = a, *right = b;

    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return strcmp(left->path, right->path);
}

static bool
list_files(struct run *run)
{
    if (!list_folder(run, run->asked->changes))
        return false;
    for (size_t i = 0; i < run->count; i++)
        if (!read_first(&run->files[i]))
            return false;
    if (run->count)
        qsort(run->files, run->count, sizeof *run->files, compare_files);
    return true;
}

static void
free_files(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        free(run->files[i].path);
    free(run->files);
}

/* --- records ------------------------------------------------------------------ */

static bool
is_past(const struct run *run, uint64_t sequence, int64_t time)
{
    if (!run->asked->until)
        return false;
    return run->asked->sequence ? sequence > run->asked->sequence
                                : time > run->asked->time;
}

/* Whether no later commit can belong to what was asked for. */
static bool
is_at_end(const struct run *run)
{
    if (!run->asked->until)
        return false;
    return run->asked->sequence ? run->at == run->asked->sequence
                                : run->time == run->asked->time;
}

static bool
apply_record(struct run *run, const struct record *record, const char *path)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_error error;
    uint64_t sequence;
    int64_t time;

    if (!record_head(record, &sequence, &time)) {
        tool_refuse("%s holds something that is no change record", path);
        return false;
    }
    if (sequence > run->at && is_past(run, sequence, time)) {
        /* What lies past the end shows only that it was reached where none
         * between is missing. */
        run->is_reached = sequence == run->at + 1;
        if (!run->is_reached)
            tool_refuse("GAP: records %" PRIu64 " to %" PRIu64 " are missing",
                        run->at + 1, sequence - 1);
        return run->is_reached;
    }
    if (feature_store_follow(run->store, record->bytes, (size_t)record->size,
                             &commit, &error)) {
        fprintf(stderr, "feature: %s, record %" PRIu64 "\n", path, sequence);
        tool_fail(&error);
        return false;
    }
    run->asked->applied += sequence > run->at;
    run->at = commit.sequence;
    run->time = commit.time;
    return true;
}

/* Where writing a file was cut short, a later file has the record again. */
static bool
end_of_file(enum record_read read, const char *path, bool is_last)
{
    if (read == RECORD_HALF && is_last)
        tool_refuse("%s ends within a change record", path);
    else if (read == RECORD_HALF)
        fprintf(stderr, "feature: %s ends within a change record\n", path);
    return read == RECORD_END || (read == RECORD_HALF && !is_last);
}

static bool
apply_file(struct run *run, const char *path, bool is_last)
{
    struct record record = {0};
    FILE *file = open_file(path);
    enum record_read read = RECORD_READ;
    bool is_good = file;

    while (is_good && !run->is_reached && !(run->is_reached = is_at_end(run))) {
        read = record_read(file, &record);
        if (read != RECORD_READ)
            break;
        is_good = apply_record(run, &record, path);
        if (__atomic_load_n(&run->progress->cancel, __ATOMIC_RELAXED)) {
            tool_refuse("interrupted");
            is_good = false;
        }
    }
    if (is_good && read != RECORD_READ)
        is_good = end_of_file(read, path, is_last);
    record_free(&record);
    if (file)
        fclose(file);
    return is_good;
}

static bool
check_begin(const struct run *run)
{
    if (!is_past(run, run->at, run->time))
        return true;
    tool_refuse("the snapshot is of commit %" PRIu64 ", which is after %s",
                run->at, run->asked->until);
    return false;
}

static bool
check_end(const struct run *run)
{
    if (!run->asked->until || run->is_reached || is_at_end(run))
        return true;
    tool_refuse("the change records end at commit %" PRIu64
                ", and %s may be later: without --until all of them are "
                "applied",
                run->at, run->asked->until);
    return false;
}

static bool
apply_all(struct run *run)
{
    if (!check_begin(run))
        return false;
    for (size_t i = 0; i < run->count && !run->is_reached; i++)
        if (!apply_file(run, run->files[i].path, i + 1 == run->count))
            return false;
    return check_end(run);
}

/* --- the store ---------------------------------------------------------------- */

static bool
verify(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_error error;
    char *findings = NULL;

    if (feature_store_verify(path, NULL, &report, &findings, &error)) {
        tool_fail(&error);
        return false;
    }
    if (report.findings)
        tool_refuse("the store was spoiled on its way to the disk: %s",
                    findings);
    feature_free(findings);
    return !report.findings;
}

static bool
fill_report(struct run *run, struct feature_snapshot_report *report)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error;

    if (feature_store_stats(run->store, &stats, &error)) {
        tool_fail(&error);
        return false;
    }
    report->sequence = stats.sequence;
    report->time = stats.commit_time;
    report->catalog_version = stats.catalog_version;
    report->views = stats.views;
    report->rows = stats.rows + stats.tombstones;
    report->size = stats.file_size;
    return true;
}

static bool
go_on(struct run *run, const char *path,
      const struct feature_restore_options *how,
      struct feature_snapshot_report *report)
{
    uint32_t remote = how->flags & FEATURE_RESTORE_ALLOW_REMOTE
                          ? FEATURE_OPEN_ALLOW_REMOTE
                          : 0;
    bool is_good;

    run->at = report->sequence;
    run->time = report->time;
    run->store = tool_open_store(path, remote, 0);
    if (!run->store)
        return false;
    is_good = apply_all(run) && fill_report(run, report);
    feature_store_close(run->store);
    return is_good && verify(path);
}

static void
remove_store(const char *path)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "open.lock"};
    char name[PATH_MAX + 16];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%s/%s", path, files[i]);
        unlink(name);
    }
    rmdir(path);
}

static int
is_there(const char *path)
{
    struct stat at;

    return !lstat(path, &at);
}

/* The name is durable when its directory is. */
static bool
give_name(const char *temporary, const char *path)
{
    char parent[PATH_MAX];
    char *slash;
    int code, folder;

    snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    code = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
    if (code && (errno == EINVAL || errno == ENOSYS) && !is_there(path))
        code = rename(temporary, path);
    folder = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!code)
        code = folder < 0 ? -1 : fsync(folder);
    if (code)
        tool_refuse("cannot name %s: %s", path, strerror(errno));
    if (folder >= 0)
        close(folder);
    return !code;
}

static int
choose_name(const char *store, char temporary[PATH_MAX])
{
    size_t size = strlen(store);

    while (size > 1 && store[size - 1] == '/')
        size--;
    if (is_there(store))
        return tool_refuse("%s is there already; a snapshot is restored to a "
                           "new name",
                           store);
    if (size > PATH_MAX - 32)
        return tool_refuse("the path of the store is too long");
    snprintf(temporary, PATH_MAX, "%.*s.tmp-%ld", (int)size, store,
             (long)getpid());
    return TOOL_DONE;
}

int
recover(const char *snapshot, const char *store,
        const struct feature_restore_options *options,
        struct feature_progress *progress, struct recovery *recovery,
        struct feature_snapshot_report *report)
{
    struct run run = {.asked = recovery, .progress = progress};
    char temporary[PATH_MAX];
    struct feature_error error;
    int code = choose_name(store, temporary);

    if (!code)
        code = list_files(&run) ? TOOL_DONE : TOOL_REFUSED;
    if (!code && feature_store_restore(snapshot, temporary, options, progress,
                                       report, &error))
        code = tool_fail(&error);
    else if (!code && (!go_on(&run, temporary, options, report) ||
                       !give_name(temporary, store))) {
        remove_store(temporary);
        code = TOOL_REFUSED;
    }
    free_files(&run);
    return code;
}
