/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dice, directories, children.
 *
 * Owns the children that run trials.
 * Keeps the number of the trial at hand in shared memory, so that the parent
 * goes on behind the one that ended its child.
 * Never lets a child outlive its alarm.
 */
#include "rig.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plants.h"
#include "support.h"

#define LONGEST_S 10

/* A crash is what is looked for here: the kernel's word for it will do, and
 * takes less time than a report. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_abort=0";
}

uint64_t
mix(uint64_t a, uint64_t b)
{
    uint64_t value = (a ^ b * 0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

uint64_t
dice_draw(struct dice *dice)
{
    dice->state++;
    return mix(dice->state, 0x5eed);
}

uint32_t
dice_below(struct dice *dice, uint32_t limit)
{
    return (uint32_t)((dice_draw(dice) >> 32) * limit >> 32);
}

bool
dice_chance(struct dice *dice, uint32_t percent)
{
    return dice_below(dice, 100) < percent;
}

void
rig_give_up(const char *what, const char *why)
{
    printf("not ok %s: %s\n", what, why);
    fflush(stdout);
    _exit(1);
}

void
rig_directory(char path[RIG_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");

    if (!base || !*base)
        base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    snprintf(path, RIG_PATH_SIZE, "%s/fuzz-XXXXXX", base);
    if (!mkdtemp(path))
        rig_give_up(path, "cannot be made");
}

void
rig_remove(const char *path)
{
    remove_directory(path);
}

void *
rig_share(size_t size)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (made == MAP_FAILED)
        rig_give_up("mmap", "no memory");
    return made;
}

static void
run_child(uint32_t end, void (*trial)(void *context, uint32_t number),
          void *context, _Atomic(uint32_t) *next)
{
    const struct rlimit no_core = {0};
    uint32_t number;

    setrlimit(RLIMIT_CORE, &no_core);
    while ((number = atomic_load(next)) < end) {
        alarm(LONGEST_S);
        trial(context, number);
        atomic_store(next, number + 1);
    }
    _exit(0);
}

uint32_t
rig_run(uint32_t first, uint32_t end,
        void (*trial)(void *context, uint32_t number), void *context,
        uint32_t *hung)
{
    _Atomic(uint32_t) *next = rig_share(sizeof *next);
    uint32_t crashed = 0;

    *hung = 0;
    atomic_store(next, first);
    while (atomic_load(next) < end) {
        pid_t child;
        int status;

        fflush(stdout);
        child = fork();
        if (!child)
            run_child(end, trial, context, next);
        if (child < 0 || waitpid(child, &status, 0) != child)
            rig_give_up("fork", "failed");
        if (WIFEXITED(status) && !WEXITSTATUS(status))
            continue;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
            ++*hung;
        else
            crashed++;
        if (plant == PLANT_NONE)
            printf("# trial %u: %s %d\n", atomic_load(next),
                   WIFEXITED(status) ? "exit" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        atomic_fetch_add(next, 1);
    }
    munmap((void *)next, sizeof *next);
    return crashed;
}
