/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's store beside the real one.
 *
 * Owns opening and closing, the clock, and what the two have in common.
 * Keeps both at the same operation: each goes to the model and to the store.
 * Never goes on after a difference.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
complain(struct world *world, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_add(&world->complaint, "%s\n", line);
    return false;
}

static void
print_outcomes(struct text *text, outcomes expected)
{
    const char *before = "";

    for (int32_t i = 0; i <= FEATURE_UNSUPPORTED; i++)
        if (expected & OUTCOME(i)) {
            text_add(text, "%s%s", before, feature_status_name(i));
            before = " or ";
        }
}

bool
expect_status(struct world *world, const char *call, feature_status got,
              const struct feature_error *error, outcomes expected)
{
    struct text names = {0};

    if (got >= 0 && got <= FEATURE_UNSUPPORTED && expected & OUTCOME(got)) {
        if (got && (error->status != got || !*error->message))
            return complain(world, "%s: the error says %d \"%s\" for %s", call,
                            error->status, error->message,
                            feature_status_name(got));
        return true;
    }
    print_outcomes(&names, expected);
    complain(world, "%s: the store answers %s%s%s%s, the model %s", call,
             feature_status_name(got), got ? " (" : "",
             got ? error->message : "", got ? ")" : "", names.data);
    text_free(&names);
    return false;
}

int64_t
next_commit_time(const struct world *world)
{
    if (world->sequence && world->now <= world->commit_time)
        return world->commit_time + 1;
    return world->now;
}

void
take_commit(struct world *world)
{
    world->commit_time = next_commit_time(world);
    world->sequence++;
}

bool
compare_commit(struct world *world, const char *call,
               const struct feature_commit *got,
               const struct feature_commit *expected)
{
    if (got->sequence != expected->sequence || got->time != expected->time)
        return complain(
            world, "%s: commit %llu at %lld, the model has %llu at %lld", call,
            (unsigned long long)got->sequence, (long long)got->time,
            (unsigned long long)expected->sequence, (long long)expected->time);
    if (got->applied != expected->applied || got->late != expected->late ||
        got->duplicate || got->future != expected->future ||
        got->rejected != expected->rejected)
        return complain(
            world,
            "%s: applied, late, duplicate, future, rejected: %llu %llu %llu "
            "%llu %llu, the model has %llu %llu 0 %llu %llu",
            call, (unsigned long long)got->applied,
            (unsigned long long)got->late, (unsigned long long)got->duplicate,
            (unsigned long long)got->future, (unsigned long long)got->rejected,
            (unsigned long long)expected->applied,
            (unsigned long long)expected->late,
            (unsigned long long)expected->future,
            (unsigned long long)expected->rejected);
    return true;
}

bool
open_handle(struct world *world, uint32_t index, int64_t skew)
{
    struct handle *handle = &world->handles[index];
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE |
                                               FEATURE_OPEN_NO_UPKEEP,
                                      .map_size = MAP_SIZE,
                                      .max_row_size = MAX_ROW_SIZE,
                                      .fixed_now = world->clock + skew};
    struct feature_error error = {0};

    *handle = (struct handle){.is_open = true, .skew = skew};
    if (!world->has_store)
        return true;
    return expect_status(
        world, "feature_store_open",
        feature_store_open(world->path, &options, &handle->store, &error),
        &error, OUTCOME_OK);
}

/* A closed store: its children answer `closed`, and may be freed. */
static bool
expect_closed(struct world *world, struct live_query *live)
{
    struct feature_error error = {0};
    feature_status status;

    if (!live->exists || !world->has_store)
        return true;
    status = feature_request_read(live->request, &error);
    if (!expect_status(world, "a read after close", status, &error,
                       OUTCOME(FEATURE_INVALID)))
        return false;
    if (strcmp(error.reason, "closed") != 0)
        return complain(world, "a read after close gives the reason \"%s\"",
                        error.reason);
    return true;
}

static bool
close_handle(struct world *world, uint32_t index)
{
    struct handle *handle = &world->handles[index];
    bool same = true;

    if (world->has_store)
        feature_store_close(handle->store);
    *handle = (struct handle){0};
    for (uint32_t i = 0; i < QUERY_SLOTS; i++) {
        struct live_query *live = &world->queries[i];

        if (live->handle != index)
            continue;
        same = same && expect_closed(world, live);
        feature_request_free(live->request);
        feature_query_free(live->query);
        *live = (struct live_query){0};
    }
    for (uint32_t i = 0; i < BATCH_SLOTS; i++)
        if (world->batches[i].handle == index) {
            feature_batch_free(world->batches[i].batch);
            world->batches[i] = (struct live_batch){0};
        }
    return same;
}

/* Whatever was written, and however: the file is whole, its records are true. */
static bool
expect_whole(struct world *world)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_error error;
    char *findings = NULL;
    bool same = true;

    if (!world->has_store)
        return true;
    if (feature_store_verify(world->path, NULL, &report, &findings, &error))
        return complain(world, "verify: %s", error.message);
    if (report.findings || report.lost_pages)
        same = complain(world, "verify: %llu pages lost; %s",
                        (unsigned long long)report.lost_pages, findings);
    feature_free(findings);
    return same;
}

bool
run_reopen(struct world *world, const struct operation *operation)
{
    bool second = world->handles[1].is_open;
    int64_t skew = world->handles[1].skew;

    if (!expect_whole(world) || (second && !close_handle(world, 1)))
        return false;
    if (!close_handle(world, 0))
        return false;
    world->clock = operation->now;
    return open_handle(world, 0, 0) && (!second || open_handle(world, 1, skew));
}

bool
run_second_handle(struct world *world, const struct operation *operation)
{
    if (world->handles[1].is_open)
        return close_handle(world, 1);
    return open_handle(world, 1, operation->now - world->clock);
}

static void
make_directory(char path[WORLD_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");
    int size;

    if (!base || !*base)
        base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    size = snprintf(path, WORLD_PATH_SIZE, "%s/model-XXXXXX", base);
    if (size >= WORLD_PATH_SIZE || !mkdtemp(path)) {
        perror("mkdtemp");
        exit(2);
    }
}

/* A store's directory holds files only. */
void
world_remove(const char *path)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock"};
    char file[WORLD_PATH_SIZE + 16];

    for (uint32_t i = 0; i < COUNT(names); i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        unlink(file);
    }
    rmdir(path);
}

void
world_begin(struct world *world, bool has_store, enum plant plant)
{
    *world = (struct world){.clock = CLOCK_BEGIN,
                            .now = CLOCK_BEGIN,
                            .plant = plant,
                            .has_store = has_store,
                            .catalog = {.next_id = 1}};
    if (has_store)
        make_directory(world->path);
    if (!open_handle(world, 0, 0)) {
        fprintf(stderr, "%s", world->complaint.data);
        exit(2);
    }
}

void
world_end(struct world *world)
{
    world->has_store = world->has_store && world->handles[0].store;
    for (uint32_t i = 0; i < HANDLES; i++)
        if (world->handles[i].is_open)
            (void)close_handle(world, i);
    if (world->path[0])
        world_remove(world->path);
    text_free(&world->complaint);
    arena_free(&world->arena);
    arena_free(&world->scratch);
}

bool
world_run_here(struct world *world, const struct operation *operation)
{
    switch (operation->kind) {
    case OP_APPLY:
        return run_apply(world, operation);
    case OP_DESCRIBE:
        return run_describe(world, operation);
    case OP_MAKE_BATCH:
        return run_make_batch(world, operation);
    case OP_WRITE:
        return run_write(world, operation);
    case OP_MAKE_QUERY:
        return run_make_query(world, operation);
    case OP_READ:
        return run_read(world, operation);
    case OP_STATS:
        return run_stats(world, operation);
    case OP_REOPEN:
        return run_reopen(world, operation);
    case OP_SECOND_HANDLE:
        return run_second_handle(world, operation);
    case OPERATION_KINDS:
        break;
    }
    return true;
}

bool
world_run(struct world *world, const struct operation *operation)
{
    const struct handle *handle = &world->handles[operation->handle];

    world->counts.operations[operation->kind]++;
    world->counts.elsewhere += operation->is_elsewhere;
    arena_reset(&world->scratch);
    if (!handle->is_open)
        return true;
    world->now = world->clock + handle->skew;
    if (operation->is_elsewhere)
        return run_elsewhere(world, operation);
    return world_run_here(world, operation);
}
