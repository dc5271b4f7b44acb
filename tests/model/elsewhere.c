/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of another process.
 *
 * Owns the fork in the middle of a run: the child opens the store again, does
 * one operation, and knows all that the model knows.
 * Keeps the parent's model in step: it does the same operation without a store.
 * Never lets the child use what it inherited, save to see it refused.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_SIZE 4096

/* What the child has to say: a text, empty where nothing differed. */
static char *
report_of_child(void)
{
    static char *shared;

    if (shared)
        return shared;
    shared = mmap(NULL, REPORT_SIZE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return shared;
}

static bool
expect_forked(struct world *world, feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error = {0};

    if (!expect_status(world, "an inherited store",
                       feature_store_stats(store, &stats, &error), &error,
                       OUTCOME(FEATURE_INVALID)))
        return false;
    if (strcmp(error.reason, "forked") != 0)
        return complain(world, "an inherited store gives the reason \"%s\"",
                        error.reason);
    return true;
}

static bool
run_in_child(struct world *world, const struct operation *operation)
{
    struct handle *handle = &world->handles[operation->handle];
    feature_store *inherited = handle->store;
    bool same = expect_forked(world, inherited) &&
                open_handle(world, operation->handle, handle->skew);

    if (!same)
        return false;
    same = world_run_here(world, operation);
    feature_store_close(handle->store);
    feature_store_close(inherited);
    return same;
}

static void
begin_child(struct world *world, const struct operation *operation,
            char *report)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (!run_in_child(world, operation))
            snprintf(report, REPORT_SIZE, "in another process: %s",
                     world->complaint.data);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        perror("fork");
        exit(2);
    }
    if (status)
        snprintf(report, REPORT_SIZE, "the other process ended with %s %d",
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

bool
run_elsewhere(struct world *world, const struct operation *operation)
{
    struct handle kept = world->handles[operation->handle];
    bool had_store = world->has_store;
    char *report = report_of_child();

    *report = '\0';
    if (had_store)
        begin_child(world, operation, report);
    world->has_store = false;
    (void)world_run_here(world, operation);
    world->has_store = had_store;
    world->handles[operation->handle] = kept;
    return !*report || complain(world, "%s", report);
}
