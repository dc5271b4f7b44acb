/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workloads.
 *
 * Owns the remarks between the calls: what was begun, what was answered.
 * Keeps commit number n at sequence n + 1; the definitions are the first.
 * Never goes on after a failure, save where syncs are made to fail: there a call
 * is repeated until it succeeds, as nothing has changed until then.
 */
#include "disk/story.h"

#include <stdio.h>

enum remark {
    REMARK_READY = 1,
    REMARK_TRIED,
    REMARK_ACKNOWLEDGED,
    REMARK_SYNCED,
    REMARK_SNAPSHOT,
    REMARK_RESTORED
};

const char *const story_end_names[STORY_ENDS] = {
    "good",  "acknowledged_lost", "torn", "unopenable",
    "stuck", "crashed",           "hung"};

static struct feature_error error;

static void
must(feature_status status, const char *what)
{
    if (status)
        rig_give_up(what, error.message);
}

struct writer {
    char path[RIG_PATH_SIZE], file[RIG_PATH_SIZE], copy[RIG_PATH_SIZE];
    struct feature_options options;
    feature_store *store;
    uint32_t number, failures;
    bool is_faulty;
};

static void
begin(struct writer *writer, const char *root, int32_t sync)
{
    rig_path(writer->path, root, "store");
    rig_path(writer->file, root, "a.snap");
    rig_path(writer->copy, root, "copy");
    writer->options = ledger_options(FEATURE_OPEN_CREATE, sync);
    writer->number = writer->failures = 0;
    writer->is_faulty = false;
    must(feature_store_open(writer->path, &writer->options, &writer->store,
                            &error),
         "open");
    must(feature_store_apply(writer->store, ledger_definitions, NULL, NULL,
                             &error),
         "apply");
    /* With LAST_TXN a cut may take the last commit: here the definitions. */
    if (sync == FEATURE_SYNC_LAST_TXN)
        must(feature_store_sync(writer->store, &error), "sync");
    tape_remark(REMARK_READY, 0);
}

/* As a program does that ends at an error and is started again: what the handle
 * knew of the failure is gone. A sync may fail within the open, too. */
static void
reopen(struct writer *writer)
{
    feature_status status;

    feature_store_close(writer->store);
    do {
        status = feature_store_open(writer->path, &writer->options,
                                    &writer->store, &error);
        if (status && status != FEATURE_IO)
            rig_give_up("open again", error.message);
    } while (status);
}

/* Whether to try again; after every other failure in a store opened anew. */
static bool
has_failed(struct writer *writer, feature_status status, const char *what)
{
    if (!status)
        return false;
    if (!writer->is_faulty || status != FEATURE_IO)
        rig_give_up(what, error.message);
    if (writer->failures++ % 2)
        reopen(writer);
    return true;
}

static void
sync_all(struct writer *writer)
{
    while (
        has_failed(writer, feature_store_sync(writer->store, &error), "sync"))
        ;
    tape_remark(REMARK_SYNCED, writer->number);
}

static void
write_some(struct writer *writer, uint32_t count, struct dice *dice)
{
    for (uint32_t i = 0; i < count; i++) {
        tape_remark(REMARK_TRIED, ++writer->number);
        while (has_failed(
            writer, ledger_write(writer->store, writer->number, NULL, &error),
            "write"))
            ;
        tape_remark(REMARK_ACKNOWLEDGED, writer->number);
        if (!dice_below(dice, 25))
            sync_all(writer);
    }
}

void
story_writes(const char *root, int32_t sync, struct dice *dice)
{
    struct writer writer;

    begin(&writer, root, sync);
    write_some(&writer, 40 + dice_below(dice, 200), dice);
    feature_store_close(writer.store);
}

void
story_faulty(const char *root, int32_t sync, struct dice *dice)
{
    struct writer writer;

    begin(&writer, root, sync);
    writer.is_faulty = true;
    tape_fail_syncs(17, dice_draw(dice));
    write_some(&writer, 40 + dice_below(dice, 100), dice);
    feature_store_close(writer.store);
}

static void
take_snapshot(struct writer *writer)
{
    must(feature_store_snapshot(writer->store, writer->file, NULL, NULL, NULL,
                                &error),
         "snapshot");
    tape_remark(REMARK_SNAPSHOT, writer->number);
}

void
story_life(const char *root, int32_t sync, struct dice *dice)
{
    struct feature_options options = ledger_options(0, 0);
    struct writer writer;

    begin(&writer, root, sync);
    write_some(&writer, 1 + dice_below(dice, 10), dice);
    take_snapshot(&writer);
    write_some(&writer, 1 + dice_below(dice, 5), dice);
    take_snapshot(&writer);
    must(feature_store_restore(writer.file, writer.copy, NULL, NULL, NULL,
                               &error),
         "restore");
    tape_remark(REMARK_RESTORED, writer.number);
    write_some(&writer, 1 + dice_below(dice, 5), dice);
    feature_store_close(writer.store);
    must(feature_store_compact(writer.path, &options, NULL, NULL, &error),
         "compact");
    tape_remark(REMARK_SYNCED, writer.number);
    must(
        feature_store_open(writer.path, &writer.options, &writer.store, &error),
        "open");
    write_some(&writer, 1 + dice_below(dice, 5), dice);
    feature_store_close(writer.store);
}

static void
note(struct story_facts *facts, enum remark remark, uint32_t value)
{
    switch (remark) {
    case REMARK_READY:
        facts->is_ready = true;
        break;
    case REMARK_TRIED:
        facts->tried = value;
        break;
    case REMARK_ACKNOWLEDGED:
        facts->acknowledged = value;
        break;
    case REMARK_SYNCED:
        facts->synced = value;
        break;
    case REMARK_SNAPSHOT:
        facts->snapshots++;
        facts->snapshot = value;
        break;
    case REMARK_RESTORED:
        facts->is_restored = true;
        break;
    }
}

struct story_facts
story_facts_at(const struct tape *tape, uint32_t cut)
{
    struct story_facts facts = {0};

    for (uint32_t i = 0; i < cut && i < tape->count; i++) {
        if (tape->events[i].kind != TAPE_REMARK)
            continue;
        note(&facts, (enum remark)tape->events[i].offset,
             tape->events[i].object);
        if (tape->events[i].offset == REMARK_READY)
            facts.ready_at = i;
    }
    return facts;
}
