/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store beside the list of all events.
 *
 * Owns opening and closing, the clock, and how a difference is told.
 * Keeps an operation a function of its seed and of what is there.
 * Never goes on after a difference.
 */
#include "event_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAP_SIZE (UINT64_C(256) << 20)

const char *const event_operation_names[EVENT_OPERATIONS] = {
    "writes",  "retracts", "deletes", "reads",  "scored reads",
    "scans",   "joins",    "clocks",  "upkeep", "applies",
    "reopens", "follows",  "copies",  "merges", "loads"};

/* --- telling ----------------------------------------------------------------- */

bool
differ(struct event_world *world, const char *format, ...)
{
    char line[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_add(&world->complaint, "%s\n", line);
    return false;
}

void
say(struct event_world *world, const char *format, ...)
{
    va_list arguments;

    if (!world->is_loud)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
}

bool
expect_good(struct event_world *world, const char *call, feature_status status,
            const struct feature_error *error)
{
    return !status ||
           differ(world, "%s: %s (%s): %s", call, feature_status_name(status),
                  error->reason, error->message);
}

/* --- stores ------------------------------------------------------------------ */

bool
event_open(struct event_world *world, const char *path, feature_store **store)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE |
                                               FEATURE_OPEN_NO_UPKEEP,
                                      .map_size = MAP_SIZE,
                                      .fixed_now = world->now};
    struct feature_error error = {0};

    return expect_good(world, "feature_store_open",
                       feature_store_open(path, &options, store, &error),
                       &error);
}

void
event_close(struct event_world *world)
{
    for (uint32_t i = 0; i < 2; i++) {
        feature_store_close(world->stores[i]);
        world->stores[i] = NULL;
    }
}

/* The first handle, or another one of the same store. */
feature_store *
any_store(struct event_world *world)
{
    uint32_t which = dice_chance(&world->dice, 25);

    if (world->stores[which] ||
        !event_open(world, world->path, &world->stores[which]))
        return world->stores[which ? which : 0];
    return world->stores[which];
}

bool
learn_commit_time(struct event_world *world)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error = {0};
    feature_status status =
        feature_store_stats(world->stores[0], &stats, &error);

    world->commit_time = stats.commit_time;
    return expect_good(world, "feature_store_stats", status, &error);
}

struct view *
any_view(struct event_world *world)
{
    uint32_t from = dice_below(&world->dice, SLOTS);

    for (uint32_t i = 0; i < SLOTS; i++)
        if (world->views[(from + i) % SLOTS].serial)
            return &world->views[(from + i) % SLOTS];
    return NULL;
}

bool
same_content(struct event_world *world, feature_store *other, const char *what)
{
    char *ours = NULL, *theirs = NULL;
    struct feature_error error = {0};
    feature_status status =
        feature_store_content(world->stores[0], &ours, &error);
    bool same;

    if (!status)
        status = feature_store_content(other, &theirs, &error);
    same = expect_good(world, "feature_store_content", status, &error);
    if (same && strcmp(ours, theirs) != 0)
        same = differ(world, "%s holds\n%sinstead of\n%s", what, theirs, ours);
    feature_free(ours);
    feature_free(theirs);
    return same;
}

bool
expect_whole(struct event_world *world, const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_error error = {0};
    char *findings = NULL;
    bool same = true;

    if (feature_store_verify(path, NULL, &report, &findings, &error))
        return differ(world, "verify: %s", error.message);
    if (report.findings || report.lost_pages)
        same = differ(world, "verify: %s", findings);
    feature_free(findings);
    return same;
}

static bool
run_reopen(struct event_world *world)
{
    say(world, "reopen at %lld\n", (long long)world->now);
    if (!expect_whole(world, world->path))
        return false;
    event_close(world);
    feature_store_close(world->follower);
    world->follower = NULL;
    return event_open(world, world->path, &world->stores[0]);
}

static bool
run_clock(struct event_world *world)
{
    static const int64_t steps[] = {1,       SECOND,     20 * SECOND, MINUTE,
                                    HOUR,    3 * HOUR,   12 * HOUR,   DAY,
                                    2 * DAY, 1234567890, 61 * MINUTE, SECOND};
    int64_t now = world->now + steps[dice_below(&world->dice, 12)];

    if (now > CLOCK_BEGIN + CLOCK_DAYS * DAY)
        return true;
    world->now = now;
    say(world, "clock %lld\n", (long long)now);
    event_close(world);
    return event_open(world, world->path, &world->stores[0]);
}

/* --- a world ----------------------------------------------------------------- */

static void
fail_begin(const char *what)
{
    perror(what);
    exit(2);
}

void
event_world_begin(struct event_world *world, uint64_t seed,
                  enum event_plant plant, bool is_loud)
{
    const char *base = getenv("TMPDIR");

    if (!base || !*base)
        base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    *world = (struct event_world){.plant = plant,
                                  .is_loud = is_loud,
                                  .now = CLOCK_BEGIN,
                                  .dice = {seed},
                                  .next_serial = 1};
    snprintf(world->base, PATH_SIZE, "%s/events-XXXXXX", base);
    if (!mkdtemp(world->base))
        fail_begin("mkdtemp");
    snprintf(world->path, PATH_SIZE, "%.200s/store", world->base);
    snprintf(world->other, PATH_SIZE, "%.200s/follower", world->base);
    snprintf(world->file, PATH_SIZE, "%.200s/snapshot", world->base);
    world->now += (int64_t)(dice_next(&world->dice) % (uint64_t)DAY);
    if (!event_open(world, world->path, &world->stores[0]) ||
        !run_beginning(world)) {
        fprintf(stderr, "%s", world->complaint.data);
        exit(2);
    }
    for (int i = 0; i < 3; i++)
        (void)run_event_apply(world);
}

static void
remove_files(const char *base, const char *name)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock"};
    char path[PATH_SIZE + 64];

    for (uint32_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", base, name, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/%s", base, name);
    rmdir(path);
    unlink(path);
}

void
event_world_end(struct event_world *world)
{
    event_close(world);
    feature_store_close(world->follower);
    remove_files(world->base, "store");
    remove_files(world->base, "follower");
    remove_files(world->base, "store-tiles");
    remove_files(world->base, "snapshot");
    rmdir(world->base);
    text_free(&world->complaint);
    arena_free(&world->scratch);
}

static bool
run(struct event_world *world, enum event_operation operation)
{
    switch (operation) {
    case EVENT_WRITE:
        return run_event_write(world);
    case EVENT_RETRACT:
        return run_event_retract(world);
    case EVENT_DELETE:
        return run_event_delete(world);
    case EVENT_READ:
        return run_event_read(world, false);
    case EVENT_SCORE:
        return run_event_read(world, true);
    case EVENT_SCAN:
        return run_event_scan(world);
    case EVENT_JOIN:
        return run_event_join(world);
    case EVENT_CLOCK:
        return run_clock(world);
    case EVENT_MAINTAIN:
        return run_event_maintain(world);
    case EVENT_APPLY:
        return run_event_apply(world);
    case EVENT_REOPEN:
        return run_reopen(world);
    case EVENT_FOLLOW:
        return run_event_follow(world);
    case EVENT_COPY:
        return run_event_copy(world);
    case EVENT_MERGE:
        return run_event_merge(world);
    case EVENT_LOAD:
        return run_event_load(world);
    case EVENT_OPERATIONS:
        break;
    }
    return true;
}

bool
event_world_run(struct event_world *world, enum event_operation operation,
                uint64_t seed)
{
    world->dice.state = seed;
    arena_reset(&world->scratch);
    return run(world, operation) && !world->complaint.size;
}
