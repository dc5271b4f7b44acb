/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that are killed, and what each has to leave behind.
 *
 * Owns what children do: they alone open the store.
 * Keeps what was promised on the board, so that it outlives whoever promised it.
 * Never judges by an exit status alone: the files are read.
 */
#include "kill_variants.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST_S     20
#define LONG_BALLAST  1500
#define COMPACT_EVERY 12 /* commits between two compactions */

/* --- the store ------------------------------------------------------------------- */

static void
verify_pages(const struct rig *rig, const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings;

    well(feature_store_verify(path, NULL, &report, &findings, E));
    if (report.findings)
        fprintf(stderr, "%s", findings);
    feature_free(findings);
    atomic_fetch_add(&rig->board->findings, report.findings);
}

/* The commit that the store is at; counts it where it is not whole. */
static uint64_t
look(const struct rig *rig, struct kill_reader *reader)
{
    uint64_t number;

    if (kill_reader_check(rig, reader, &number) &&
        (!rig->has_definitions ||
         kill_definitions_check(rig, reader->store, number)))
        return number;
    atomic_fetch_add(&rig->board->torn, 1);
    return number;
}

/*
 * Reads, begins to write, and reads again: a process that was killed after it had
 * written its commit, and before it had told others, is not believed until the next
 * writer takes over its lock. Such a commit was not acknowledged; it may come to
 * light then, whole.
 */
void
kill_verify(void *context)
{
    struct rig *rig = context;
    struct board *board = rig->board;
    uint64_t acknowledged = atomic_load(&board->acknowledged), first, number;
    struct kill_reader reader;

    alarm(LONGEST_S);
    kill_reader_open(&reader, rig->path);
    first = look(rig, &reader);
    kill_settle(reader.store);
    number = look(rig, &reader);
    kill_reader_close(&reader);
    atomic_fetch_add(&board->surfaced, number > first);
    if (first < acknowledged || number < first) {
        fprintf(stderr,
                "commit %" PRIu64 " was acknowledged, the store has %" PRIu64
                ", then %" PRIu64 "\n",
                acknowledged, first, number);
        atomic_fetch_add(&board->lost, 1);
    }
    if (number > atomic_load(&board->started))
        atomic_fetch_add(&board->beyond, 1);
    atomic_store(&board->durable, number);
    if (rig->verifies)
        verify_pages(rig, rig->path);
}

/* A store made of a snapshot: whole, and of one commit. */
static uint64_t
verify_copy(struct rig *rig)
{
    struct kill_reader reader;
    uint64_t number;

    kill_reader_open(&reader, rig->copy);
    if (!kill_reader_check(rig, &reader, &number))
        atomic_fetch_add(&rig->board->broken, 1);
    kill_reader_close(&reader);
    if (rig->verifies)
        verify_pages(rig, rig->copy);
    atomic_fetch_add(&rig->board->restored, 1);
    remove_scratch(rig->copy);
    return number;
}

/* --- commits, applies -------------------------------------------------------------- */

static void
write_on(void *context)
{
    struct rig *rig = context;

    kill_write(rig, kill_open(rig->path, 0), UINT64_MAX);
}

/* --- planted: a file that gets its name before its bytes ----------------------------- */

static void
copy_slowly(const char *from, const char *to)
{
    char bytes[4096];
    int in = open(from, O_RDONLY), out;
    ssize_t size;

    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0)
        give_up(to, "cannot be copied");
    while ((size = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)size) != size)
            give_up(to, "cannot be written");
    close(in);
    close(out);
}

static void
below(const char *directory, const char *name, char path[SCRATCH_SIZE + 64])
{
    snprintf(path, SCRATCH_SIZE + 64, "%s/%s", directory, name);
}

/* --- snapshots ----------------------------------------------------------------------- */

static void
take_snapshots(void *context)
{
    struct rig *rig = context;
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = 1};
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    feature_store *store = kill_open(rig->path, 0);
    char hidden[SCRATCH_SIZE + 64];

    below(rig->directory, "hidden", hidden);
    for (;;) {
        bool is_planted = rig->plant == PLANT_COPY;

        atomic_store(&rig->board->within, 1);
        well(feature_store_snapshot(store, is_planted ? hidden : rig->file,
                                    &options, NULL, &report, E));
        if (is_planted)
            copy_slowly(hidden, rig->file);
        atomic_store(&rig->board->within, 0);
        atomic_store(&rig->board->snapshot, report.sequence);
        atomic_fetch_add(&rig->board->done, 1);
    }
}

/* The file is a whole snapshot, and none older than was told done. */
static void
verify_snapshot(void *context)
{
    struct rig *rig = context;
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_error error;
    struct kill_reader reader;
    feature_status status;
    uint64_t number;

    alarm(LONGEST_S);
    if (access(rig->file, F_OK)) {
        if (atomic_load(&rig->board->snapshot))
            atomic_fetch_add(&rig->board->broken, 1);
        return;
    }
    status = feature_store_restore(rig->file, rig->copy, NULL, NULL, &report,
                                   &error);
    if (status) {
        fprintf(stderr, "the snapshot: %.200s\n", error.message);
        atomic_fetch_add(&rig->board->broken, 1);
        return;
    }
    number = verify_copy(rig);
    kill_reader_open(&reader, rig->path);
    (void)kill_reader_check(rig, &reader, &number);
    if (report.sequence < atomic_load(&rig->board->snapshot) ||
        report.sequence > feature_request_commit(reader.request)) {
        fprintf(stderr, "the snapshot is of commit %" PRIu64 "\n",
                report.sequence);
        atomic_fetch_add(&rig->board->broken, 1);
    }
    kill_reader_close(&reader);
}

/* --- restores ------------------------------------------------------------------------ */

static void
take_one_snapshot(void *context)
{
    struct rig *rig = context;
    feature_store *store;

    if (!access(rig->file, F_OK))
        return;
    store = kill_open(rig->path, 0);
    kill_write(rig, store, 3 * KILL_KEYS);
    well(feature_store_snapshot(store, rig->file, NULL, NULL, NULL, E));
    feature_store_close(store);
}

static void
restore(void *context)
{
    struct rig *rig = context;
    char hidden[SCRATCH_SIZE + 64], from[SCRATCH_SIZE + 128],
        to[SCRATCH_SIZE + 128];

    below(rig->directory, "hidden", hidden);
    atomic_store(&rig->board->within, 1);
    if (rig->plant == PLANT_COPY) {
        well(feature_store_restore(rig->file, hidden, NULL, NULL, NULL, E));
        mkdir(rig->copy, 0700);
        snprintf(from, sizeof from, "%s/data.mdb", hidden);
        snprintf(to, sizeof to, "%s/data.mdb", rig->copy);
        copy_slowly(from, to);
    } else {
        well(feature_store_restore(rig->file, rig->copy, NULL, NULL, NULL, E));
    }
    atomic_store(&rig->board->within, 0);
    atomic_store(&rig->board->done, 1);
}

/* There is no store of that name, or a whole one. */
static void
verify_restored(void *context)
{
    struct rig *rig = context;

    alarm(LONGEST_S);
    if (access(rig->copy, F_OK)) {
        if (atomic_load(&rig->board->done))
            atomic_fetch_add(&rig->board->broken, 1);
        return;
    }
    if (verify_copy(rig) != atomic_load(&rig->board->durable))
        atomic_fetch_add(&rig->board->broken, 1);
}

/* --- compactions --------------------------------------------------------------------- */

static void
write_some(void *context)
{
    struct rig *rig = context;
    feature_store *store = kill_open(rig->path, 0);

    kill_write(rig, store, COMPACT_EVERY);
    feature_store_close(store);
}

static void
compact(void *context)
{
    struct rig *rig = context;
    char data[SCRATCH_SIZE + 64], hidden[SCRATCH_SIZE + 64];

    atomic_store(&rig->board->within, 1);
    if (rig->plant == PLANT_COPY) { /* what the store was, in its own place */
        below(rig->path, "data.mdb", data);
        below(rig->directory, "hidden", hidden);
        copy_slowly(data, hidden);
        copy_slowly(hidden, data);
    } else {
        well(feature_store_compact(rig->path, NULL, NULL, NULL, E));
    }
    atomic_store(&rig->board->within, 0);
    atomic_store(&rig->board->done, 1);
}

/* --- all of them ----------------------------------------------------------------------- */

uint32_t
kill_sweep(const char *directory, const char *prefix)
{
    DIR *names = opendir(directory);
    char path[SCRATCH_SIZE * 2 + 16];
    struct dirent *entry;
    uint32_t count = 0;

    if (!names)
        give_up(directory, "cannot be listed");
    while ((entry = readdir(names)))
        if (!strncmp(entry->d_name, prefix, strlen(prefix))) {
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
            remove_scratch(path);
            count++;
        }
    closedir(names);
    return count;
}

const struct variant kill_variants[] = {
    {.name = "alone", .victim = write_on, .has_reader = true},
    {.name = "keeper", .victim = write_on, .has_keeper = true},
    {.name = "apply",
     .victim = write_on,
     .has_reader = true,
     .has_definitions = true},
    {.name = "snapshot",
     .victim = take_snapshots,
     .has_writer = true,
     .is_long = true,
     .ballast = LONG_BALLAST,
     .verify = verify_snapshot},
    {.name = "restore",
     .victim = restore,
     .is_long = true,
     .ballast = LONG_BALLAST,
     .prepare = take_one_snapshot,
     .verify = verify_restored},
    {.name = "compact",
     .victim = compact,
     .is_long = true,
     .ballast = LONG_BALLAST,
     .prepare = write_some},
    {0},
};
