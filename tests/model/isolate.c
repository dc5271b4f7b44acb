/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a process of their own.
 *
 * Owns the fork, and the memory that parent and child share.
 * Keeps a crash in the child what it is: a difference at the operation that
 * was under way.
 * Never forks with a store open.
 */
#include "isolate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

bool isolates;

static struct findings *
share(void)
{
    struct findings *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (made == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return made;
}

static void
begin(struct findings *findings)
{
    memset(findings, 0, sizeof *findings);
    findings->at = NOWHERE;
}

/* The child's standard error would repeat itself while a trace shrinks. */
static void
run_child(void (*run)(void *, struct findings *), void *context,
          struct findings *findings)
{
    if (!freopen("/dev/null", "w", stderr))
        _exit(2);
    run(context, findings);
    _exit(0);
}

void
isolate(void (*run)(void *context, struct findings *findings), void *context,
        struct findings *findings)
{
    struct findings *shared;
    int status = 0;
    pid_t child;

    begin(findings);
    if (!isolates) {
        run(context, findings);
        return;
    }
    shared = share();
    begin(shared);
    child = fork();
    if (child == 0)
        run_child(run, context, shared);
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        perror("fork");
        exit(2);
    }
    memcpy(findings, shared, sizeof *findings);
    munmap(shared, sizeof *shared);
    if (!status)
        return;
    findings->at = findings->progress;
    world_remove(findings->path);
    snprintf(findings->complaint, sizeof findings->complaint,
             "the process ended with %s %d\n",
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void
take(struct findings *findings, const struct world *world, uint32_t at)
{
    findings->at = at;
    snprintf(findings->complaint, sizeof findings->complaint, "%s",
             world->complaint.data);
}

bool
findings_step(struct findings *findings, struct world *world,
              const struct operation *operation, uint32_t index)
{
    findings->progress = index;
    memcpy(findings->path, world->path, sizeof findings->path);
    if (world_run(world, operation))
        return true;
    take(findings, world, index);
    return false;
}

void
findings_finish(struct findings *findings, struct world *world, uint32_t count)
{
    if (findings->at == NOWHERE && !world_finish(world))
        take(findings, world, count - 1);
    findings->counts = world->counts;
    world_end(world);
}
