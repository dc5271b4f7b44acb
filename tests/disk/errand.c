/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work, the fault in it, and what goes on in the same process.
 *
 * Owns the record of what was answered, which is all that the judge knows.
 * Keeps going after an error as a program would: it reads, tries once more, and
 * opens the store again only where that is what helps.
 * Never tries anything else once a promise is broken.
 */
#include "disk/errand.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "disk/rig.h"

#define BEFORE 14 /* commits before the fault */
#define DURING 12
#define AFTER  3

static struct feature_error error;

static bool
fail(struct errand *errand, const char *what)
{
    if (!errand->is_bad)
        snprintf(errand->why, sizeof errand->why, "%s: %.160s", what,
                 error.message);
    errand->is_bad = true;
    return false;
}

static feature_status
open_store(struct errand *errand, uint32_t flags, int32_t sync,
           feature_store **store)
{
    struct feature_options options = ledger_options(flags, sync);
    char path[RIG_PATH_SIZE];

    rig_path(path, errand->root, "store");
    *store = NULL;
    return feature_store_open(path, &options, store, &error);
}

/* Whether a call failed, and was honest about it. The disk heals. */
static bool
is_told(struct errand *errand, feature_status status)
{
    if (!status)
        return false;
    errand->calls = fault_off();
    errand->has_struck |= fault_struck();
    errand->is_told = true;
    if (!strcmp(error.reason, "outcome-unknown"))
        errand->is_unknown = true;
    if (!*error.message || !*error.reason)
        fail(errand, "an error that says nothing");
    return true;
}

static void
begin_fault(struct errand *errand)
{
    fault_on(&errand->fault, errand->root);
}

static void
end_fault(struct errand *errand)
{
    uint32_t calls = fault_off();

    errand->calls = calls;
    errand->has_struck |= fault_struck();
}

/* --- commits ------------------------------------------------------------------ */

static bool
check_rows(struct errand *errand, feature_store *store)
{
    char why[200];

    if (ledger_check(store, &errand->ledger, &errand->is_lost, why))
        return true;
    snprintf(error.message, sizeof error.message, "%s", why);
    return fail(errand, "in the same process");
}

static feature_status
write_next(struct errand *errand, feature_store *store)
{
    struct ledger *ledger = &errand->ledger;
    uint8_t *fate = &ledger->fate[++ledger->last];
    feature_status status = ledger_write(store, ledger->last, NULL, &error);

    *fate = status ? LEDGER_OUT : LEDGER_IN;
    if (status && !strcmp(error.reason, "outcome-unknown"))
        *fate = LEDGER_OPEN;
    return status;
}

/* The next write works, or it does in a store that was opened again. */
static bool
go_on(struct errand *errand, feature_store **store, int32_t sync)
{
    if (!write_next(errand, *store))
        return true;
    if (!*error.message)
        return fail(errand, "the next write says nothing");
    errand->needed_reopen = true;
    feature_store_close(*store);
    if (open_store(errand, 0, sync, store))
        return fail(errand, "opening again");
    return !write_next(errand, *store) || fail(errand, "a write after that");
}

/* A failure, then: reads are right, and writes go on. */
static bool
survive(struct errand *errand, feature_store **store, int32_t sync)
{
    return check_rows(errand, *store) && go_on(errand, store, sync) &&
           check_rows(errand, *store);
}

static feature_store *
begin_store(struct errand *errand, int32_t sync)
{
    feature_store *store;
    feature_status status =
        open_store(errand, FEATURE_OPEN_CREATE, sync, &store);

    if (!status)
        status =
            feature_store_apply(store, ledger_definitions, NULL, NULL, &error);
    for (uint32_t i = 0; i < BEFORE && !status; i++)
        status = write_next(errand, store);
    if (status)
        rig_give_up("a store without faults", error.message);
    return store;
}

/* Ends with a sync and, with the last handle, a close. */
static void
end_store(struct errand *errand, feature_store *store)
{
    if (!store)
        return;
    for (uint32_t i = 0; i < AFTER && !errand->is_bad; i++)
        if (write_next(errand, store))
            fail(errand, "a write at the end");
    if (!errand->is_bad && feature_store_sync(store, &error))
        fail(errand, "the sync at the end");
    if (!errand->is_bad)
        check_rows(errand, store);
    feature_store_close(store);
}

static void
run_writes(struct errand *errand, int32_t sync)
{
    feature_store *store = begin_store(errand, sync);

    begin_fault(errand);
    for (uint32_t i = 0; i < DURING && !errand->is_bad; i++) {
        feature_status status = write_next(errand, store);

        if (status && errand->fault.lasts > 1 && !errand->is_told) {
            errand->is_told = true;
            status = write_next(errand, store); /* once more while it lasts */
        }
        if (is_told(errand, status))
            survive(errand, &store, sync);
        if (errand->is_bad || i % 4 != 3)
            continue;
        if (is_told(errand, feature_store_sync(store, &error)))
            survive(errand, &store, sync);
    }
    end_fault(errand);
    end_store(errand, store);
}

static void
run_full(struct errand *errand)
{
    run_writes(errand, FEATURE_SYNC_FULL);
}

static void
run_last_txn(struct errand *errand)
{
    run_writes(errand, FEATURE_SYNC_LAST_TXN);
}

/* --- definitions -------------------------------------------------------------- */

/* A store that could not be made, or opened, can be made at the next try. */
static void
run_create(struct errand *errand)
{
    feature_store *store;

    begin_fault(errand);
    if (is_told(errand, open_store(errand, FEATURE_OPEN_CREATE, 0, &store)) &&
        open_store(errand, FEATURE_OPEN_CREATE, 0, &store)) {
        fail(errand, "a second creation");
        return;
    }
    if (is_told(errand, feature_store_apply(store, ledger_definitions, NULL,
                                            NULL, &error)) &&
        feature_store_apply(store, ledger_definitions, NULL, NULL, &error))
        fail(errand, "a second apply");
    if (!errand->is_bad && is_told(errand, write_next(errand, store)))
        survive(errand, &store, 0);
    end_fault(errand);
    end_store(errand, store);
}

static void
run_open(struct errand *errand)
{
    feature_store *store = begin_store(errand, 0);

    feature_store_close(store);
    begin_fault(errand);
    if (is_told(errand, open_store(errand, 0, 0, &store)) &&
        open_store(errand, 0, 0, &store)) {
        fail(errand, "a second open");
        return;
    }
    end_fault(errand);
    check_rows(errand, store);
    end_store(errand, store);
}

static void
run_apply(struct errand *errand)
{
    static const char more[] =
        "CREATE FEATURE VIEW c (x INT64, y FLOAT64) FOR e;"
        "CREATE FEATURE SERVICE s AS a(number), c(x)";
    feature_store *store = begin_store(errand, 0);

    begin_fault(errand);
    if (is_told(errand, feature_store_apply(store, more, NULL, NULL, &error)) &&
        check_rows(errand, store) &&
        feature_store_apply(store, more, NULL, NULL, &error))
        fail(errand, "a second apply");
    end_fault(errand);
    end_store(errand, store);
}

/* --- copies ------------------------------------------------------------------- */

static feature_status
take_snapshot(struct errand *errand, feature_store *store)
{
    char file[RIG_PATH_SIZE];

    rig_path(file, errand->root, "a.snap");
    return feature_store_snapshot(store, file, NULL, NULL, NULL, &error);
}

/* The file is the old one, or the new one; after OK the new one. */
static void
run_snapshot(struct errand *errand)
{
    feature_store *store = begin_store(errand, 0);

    if (take_snapshot(errand, store) || write_next(errand, store))
        rig_give_up("a snapshot without faults", error.message);
    errand->has_snapshot = true;
    errand->snapshot_least = errand->ledger.last - 1;
    errand->snapshot_most = errand->ledger.last;
    begin_fault(errand);
    if (!is_told(errand, take_snapshot(errand, store)))
        errand->snapshot_least = errand->snapshot_most;
    end_fault(errand);
    check_rows(errand, store);
    end_store(errand, store);
}

static void
run_restore(struct errand *errand)
{
    feature_store *store = begin_store(errand, 0);
    char file[RIG_PATH_SIZE], copy[RIG_PATH_SIZE];
    feature_status status;
    struct stat at;

    if (take_snapshot(errand, store))
        rig_give_up("a snapshot without faults", error.message);
    feature_store_close(store);
    rig_path(file, errand->root, "a.snap");
    rig_path(copy, errand->root, "copy");
    begin_fault(errand);
    status = feature_store_restore(file, copy, NULL, NULL, NULL, &error);
    /* Where the sync of its directory failed, it has its name already. */
    if (is_told(errand, status)) {
        bool is_named = !stat(copy, &at);

        if (errand->is_unknown && !is_named)
            fail(errand, "a restore that is not there has an outcome");
        if (!is_named &&
            feature_store_restore(file, copy, NULL, NULL, NULL, &error))
            fail(errand, "a second restore");
    }
    end_fault(errand);
    errand->has_copy = true;
}

static void
run_compact(struct errand *errand)
{
    struct feature_options options = ledger_options(0, 0);
    feature_store *store = begin_store(errand, 0);
    char path[RIG_PATH_SIZE], data[RIG_PATH_SIZE];
    struct stat before = {0}, after = {0};

    feature_store_close(store);
    rig_path(path, errand->root, "store");
    rig_path(data, errand->root, "store/data.mdb");
    stat(data, &before);
    begin_fault(errand);
    if (is_told(errand,
                feature_store_compact(path, &options, NULL, NULL, &error))) {
        stat(data, &after);
        if (errand->is_unknown && before.st_ino == after.st_ino)
            fail(errand, "a compaction of the old file has an outcome");
        if (open_store(errand, 0, 0, &store)) {
            fail(errand, "open");
            return;
        }
        check_rows(errand, store);
        feature_store_close(store);
        if (feature_store_compact(path, &options, NULL, NULL, &error))
            fail(errand, "a second compaction");
    }
    end_fault(errand);
}

const struct errand_kind errands[] = {
    {"full", run_full},       {"last_txn", run_last_txn},
    {"create", run_create},   {"open", run_open},
    {"apply", run_apply},     {"snapshot", run_snapshot},
    {"restore", run_restore}, {"compact", run_compact},
};
const unsigned errand_count = sizeof errands / sizeof *errands;

/* --- afterwards --------------------------------------------------------------- */

static bool
judge_store(struct errand *errand, const char *name)
{
    struct feature_options options = ledger_options(0, 0);
    struct ledger ledger = errand->ledger;
    char path[RIG_PATH_SIZE], why[200] = "";
    feature_store *store;
    bool good;

    rig_path(path, errand->root, name);
    if (feature_store_open(path, &options, &store, &error))
        return fail(errand, "open in another process");
    good = ledger_check(store, &ledger, &errand->is_lost, why) &&
           rig_verify(path, why);
    for (uint32_t i = 0; i < AFTER && good; i++) {
        ledger.fate[++ledger.last] = LEDGER_IN;
        good = !ledger_write(store, ledger.last, NULL, &error);
        if (!good)
            snprintf(why, sizeof why, "%.199s", error.message);
    }
    good = good && ledger_check(store, &ledger, &errand->is_lost, why);
    feature_store_close(store);
    good = good && rig_verify(path, why);
    snprintf(error.message, sizeof error.message, "%.199s", why);
    return good || fail(errand, "in another process");
}

static bool
judge_snapshot(struct errand *errand)
{
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    char file[RIG_PATH_SIZE];

    rig_path(file, errand->root, "a.snap");
    if (feature_store_restore(file, NULL, &options, NULL, &report, &error))
        return fail(errand, "the snapshot");
    if (report.sequence >= errand->snapshot_least + 1 &&
        report.sequence <= errand->snapshot_most + 1)
        return true;
    snprintf(error.message, sizeof error.message, "it is of sequence %llu",
             (unsigned long long)report.sequence);
    return fail(errand, "the snapshot");
}

void
errand_judge(struct errand *errand)
{
    if (!judge_store(errand, "store"))
        return;
    if (errand->has_snapshot)
        judge_snapshot(errand);
    if (errand->has_copy)
        judge_store(errand, "copy");
}
