/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judgement of an image.
 *
 * Owns the order of the questions: does it open, is all of it there, is it
 * whole, can it be used.
 * Keeps to the public interface, as a program after a power cut does.
 * Never lets a store pass that cannot take thirty more commits.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "disk/story.h"

#define MORE 30

static struct feature_error error;

static bool
fail(struct story_verdict *verdict, enum story_end end, const char *what)
{
    verdict->end = end;
    snprintf(verdict->why, sizeof verdict->why, "%s: %.160s", what,
             error.message);
    return false;
}

static bool
fail_as(struct story_verdict *verdict, enum story_end end)
{
    verdict->end = end; /* the reason is there */
    return false;
}

/* Commits 1 to kept and no more, up to `tried`. */
static bool
check_rows(feature_store *store, uint32_t kept, uint32_t tried,
           struct story_verdict *verdict)
{
    struct ledger ledger = {.last = tried};
    bool lost = false;

    for (uint32_t i = 1; i <= kept; i++)
        ledger.fate[i] = LEDGER_IN;
    return ledger_check(store, &ledger, &lost, verdict->why) ||
           fail_as(verdict, STORY_TORN);
}

static bool
count_commits(feature_store *store, uint32_t *kept,
              struct story_verdict *verdict)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    if (feature_store_stats(store, &stats, &error))
        return fail(verdict, STORY_UNOPENABLE, "stats");
    if (feature_store_apply(store, ledger_definitions, NULL, NULL, &error))
        return fail(verdict, STORY_STUCK, "apply");
    *kept = stats.sequence ? (uint32_t)stats.sequence - 1 : 0;
    return true;
}

/* Before the first acknowledgement there may be no store: then one is made. */
static bool
open_store(const char *path, int32_t sync, bool is_ready, feature_store **store,
           struct story_verdict *verdict)
{
    struct feature_options options = ledger_options(0, sync);
    feature_status status = feature_store_open(path, &options, store, &error);

    if (status == FEATURE_NOT_FOUND && !is_ready) {
        options.flags = FEATURE_OPEN_CREATE;
        status = feature_store_open(path, &options, store, &error);
    }
    return !status || fail(verdict, STORY_UNOPENABLE, "open");
}

static bool
check_promise(const struct story_facts *facts, int32_t sync, uint32_t kept,
              struct story_verdict *verdict)
{
    uint32_t allowed = sync == FEATURE_SYNC_LAST_TXN ? 1 : 0;
    uint32_t back = kept < facts->acknowledged ? facts->acknowledged - kept : 0;

    if (back > verdict->back)
        verdict->back = back;
    if (back <= allowed && kept >= facts->synced && kept <= facts->tried)
        return true;
    snprintf(verdict->why, sizeof verdict->why,
             "commit %u is there; %u was tried, %u acknowledged, %u synced",
             kept, facts->tried, facts->acknowledged, facts->synced);
    return fail_as(verdict, kept > facts->tried ? STORY_TORN : STORY_LOST);
}

static bool
write_more(feature_store *store, uint32_t kept, struct story_verdict *verdict)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    for (uint32_t number = kept + 1; number <= kept + MORE; number++) {
        if (ledger_write(store, number, &commit, &error))
            return fail(verdict, STORY_STUCK, "a further write");
        if (commit.sequence == number + 1)
            continue;
        snprintf(verdict->why, sizeof verdict->why,
                 "commit %u got the sequence %llu", number,
                 (unsigned long long)commit.sequence);
        return fail_as(verdict, STORY_TORN);
    }
    return true;
}

static bool
use_store(feature_store *store, const char *path, int32_t sync,
          const struct story_facts *facts, uint32_t *kept,
          struct story_verdict *verdict)
{
    if (!count_commits(store, kept, verdict) ||
        !check_promise(facts, sync, *kept, verdict) ||
        !check_rows(store, *kept, facts->tried, verdict))
        return false;
    if (!rig_verify(path, verdict->why))
        return fail_as(verdict, STORY_TORN);
    if (!write_more(store, *kept, verdict))
        return false;
    *kept += MORE;
    return check_rows(store, *kept, *kept, verdict);
}

static bool
judge_store(const char *path, int32_t sync, const struct story_facts *facts,
            uint32_t *kept, struct story_verdict *verdict)
{
    feature_store *store = NULL;
    bool good;

    if (!open_store(path, sync, facts->is_ready, &store, verdict))
        return false;
    good = use_store(store, path, sync, facts, kept, verdict);
    feature_store_close(store);
    if (!good)
        return false;
    return rig_verify(path, verdict->why) || fail_as(verdict, STORY_TORN);
}

/* A store that holds exactly these commits. */
static bool
judge_copy(const char *path, uint32_t wanted, struct story_verdict *verdict)
{
    struct story_facts facts = {.is_ready = true, .acknowledged = wanted};
    uint32_t kept;

    facts.tried = wanted;
    return judge_store(path, FEATURE_SYNC_FULL, &facts, &kept, verdict);
}

/* There or not; if there, whole and no older than the one acknowledged. */
static bool
judge_snapshot(const char *file, const char *copy,
               const struct story_facts *facts, struct story_verdict *verdict)
{
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    feature_status status =
        feature_store_restore(file, copy, NULL, NULL, &report, &error);

    if (status == FEATURE_NOT_FOUND && !facts->snapshots)
        return true;
    if (status)
        return fail(verdict, STORY_UNOPENABLE, "the snapshot");
    if (report.sequence < facts->snapshot + 1) {
        verdict->end = STORY_LOST;
        snprintf(verdict->why, sizeof verdict->why,
                 "the snapshot is of sequence %llu, that of commit %u was "
                 "acknowledged",
                 (unsigned long long)report.sequence, facts->snapshot);
        return false;
    }
    return judge_copy(copy, (uint32_t)report.sequence - 1, verdict);
}

/* The commit of the copy is the one at which the snapshot was taken that was
 * restored: the acknowledged one. */
static bool
judge_restored(const char *path, const struct story_facts *facts,
               struct story_verdict *verdict)
{
    struct stat at;

    if (stat(path, &at)) {
        snprintf(error.message, sizeof error.message, "it is not there");
        return !facts->is_restored ||
               fail(verdict, STORY_UNOPENABLE, "the restored store");
    }
    return judge_copy(path, facts->snapshot, verdict);
}

/* What was cut short is done once more. */
static bool
do_again(const char *path, const char *file, uint32_t kept,
         struct story_verdict *verdict)
{
    struct feature_options options = ledger_options(0, 0);
    feature_store *store = NULL;
    feature_status status;

    if (feature_store_compact(path, &options, NULL, NULL, &error))
        return fail(verdict, STORY_STUCK, "a further compaction");
    if (!judge_copy(path, kept, verdict))
        return false;
    status = feature_store_open(path, &options, &store, &error);
    if (!status)
        status = feature_store_snapshot(store, file, NULL, NULL, NULL, &error);
    feature_store_close(store);
    return !status || fail(verdict, STORY_STUCK, "a further snapshot");
}

void
story_judge(const char *root, int32_t sync, bool is_life,
            const struct story_facts *facts, struct story_verdict *verdict)
{
    char path[RIG_PATH_SIZE], file[RIG_PATH_SIZE], copy[RIG_PATH_SIZE],
        fresh[RIG_PATH_SIZE];
    uint32_t kept = 0;

    rig_path(path, root, "store");
    rig_path(file, root, "a.snap");
    rig_path(copy, root, "copy");
    rig_path(fresh, root, "fresh");
    *verdict = (struct story_verdict){.end = STORY_GOOD};
    if (!judge_store(path, sync, facts, &kept, verdict) || !is_life)
        return;
    if (judge_snapshot(file, fresh, facts, verdict) &&
        judge_restored(copy, facts, verdict))
        do_again(path, file, kept, verdict);
}
