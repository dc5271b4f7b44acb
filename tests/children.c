/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dice, memory, directories and children of rigs.
 *
 * Owns nothing: memory, paths and children are the caller's.
 * Keeps children from outliving their parent.
 * Never follows a symbolic link when it removes.
 */
#include "children.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t
scramble(uint64_t a, uint64_t b)
{
    uint64_t value = (a ^ b * 0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

uint64_t
roll(uint64_t *dice)
{
    return scramble(++*dice, 0x5eed);
}

uint32_t
roll_below(uint64_t *dice, uint32_t limit)
{
    return (uint32_t)((roll(dice) >> 32) * limit >> 32);
}

int64_t
steady_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
sleep_us(int64_t us)
{
    struct timespec span = {.tv_sec = us / 1000000,
                            .tv_nsec = us % 1000000 * 1000};

    while (nanosleep(&span, &span))
        ;
}

void *
share(size_t size)
{
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (made == MAP_FAILED)
        give_up("mmap", "no memory");
    return made;
}

void
make_scratch(char path[SCRATCH_SIZE])
{
    const char *base = getenv("TMPDIR");

    if (!base || !*base)
        base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    snprintf(path, SCRATCH_SIZE, "%s/rig-XXXXXX", base);
    if (!mkdtemp(path))
        give_up(path, "cannot be made");
}

static int
remove_entry(const char *path, const struct stat *status, int kind,
             struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void
remove_scratch(const char *path)
{
    nftw(path, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
}

void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "cannot run: %s: %s\n", what, why);
    fflush(NULL);
    _exit(RIG_NOT_RUN);
}

void
violated(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    fflush(NULL);
    _exit(RIG_VIOLATED);
}

void
fail_call(const char *call, const struct feature_error *error)
{
    fprintf(stderr, "%s: status %d, %.24s: %.200s\n", call, error->status,
            error->reason, error->message);
    fflush(NULL);
    _exit(RIG_VIOLATED);
}

pid_t
start_child(void (*work)(void *context), void *context)
{
    const struct rlimit no_core = {0};
    pid_t parent = getpid(), child;

    fflush(NULL);
    child = fork();
    if (child < 0)
        give_up("fork", "failed");
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(RIG_NOT_RUN);
    setrlimit(RLIMIT_CORE, &no_core);
    work(context);
    fflush(NULL);
    _exit(RIG_GOOD);
}

int
await_child(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child)
        give_up("waitpid", "failed");
    return status;
}

bool
run_to_end(void (*work)(void *context), void *context)
{
    int status = await_child(start_child(work, context));

    if (WIFEXITED(status) && WEXITSTATUS(status) == RIG_NOT_RUN)
        exit(RIG_NOT_RUN);
    return WIFEXITED(status) && !WEXITSTATUS(status);
}

bool
kill_child(pid_t child)
{
    int status;

    kill(child, SIGKILL);
    status = await_child(child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    return WIFEXITED(status) && !WEXITSTATUS(status);
}
