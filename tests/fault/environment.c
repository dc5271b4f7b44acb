/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad environments: each gets a named error, or works; never a signal or a hang.
 *
 *     environment [--rounds N] [--only CASE] [--plant GUARD]
 *
 * Each case is a process with an alarm. Mounts are in a namespace of its own, so
 * that none outlives it; where that cannot be had the case is not run.
 *
 * A guard is switched off by a stand-in for what it asks the system: then its
 * case has to fail, and the rig to end with 1. Two cases ask for a stand-in
 * themselves, since there is no network file system here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.h"

static const char *plant;
static int is_remote; /* every directory is on NFS */
static unsigned cases, signals, hangs, failures, skipped;
static uint64_t named, worked;

/* --- stand-ins, which the library meets before the C library ------------------ */

static int
is_off(const char *guard)
{
    return plant && !strcmp(plant, guard);
}

static void *
original(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    return found;
}

/* next: the function that would be called without this program. */
#define FIND(name)                 \
    __typeof__(&name) next;        \
    void *found = original(#name); \
                                   \
    memcpy(&next, &found, sizeof next)

int
fstatfs(int file, struct statfs *disk)
{
    FIND(fstatfs);
    int code = next(file, disk);

    if (is_remote)
        disk->f_type = 0x6969; /* NFS */
    if (is_off("file-system"))
        disk->f_type = 0xef53; /* ext4 */
    return code;
}

static void
beautify(struct stat *at)
{
    if (is_off("owner-and-mode")) {
        at->st_uid = geteuid();
        at->st_mode &= ~(mode_t)022;
    }
    if (is_off("links") && !S_ISREG(at->st_mode))
        at->st_mode = S_IFREG | 0600;
    if (is_off("size") && S_ISREG(at->st_mode) &&
        at->st_size % 4096 == 0) /* data.mdb */
        at->st_size += 64 << 20;
}

int
fstat(int file, struct stat *at)
{
    FIND(fstat);
    int code = next(file, at);

    if (!code)
        beautify(at);
    return code;
}

int
fstatat(int directory, const char *restrict name, struct stat *restrict at,
        int flags)
{
    FIND(fstatat);
    int code = next(directory, name, at, flags);

    if (!code)
        beautify(at);
    return code;
}

int
fcntl(int file, int command, ...)
{
    FIND(fcntl);
    va_list arguments;
    void *pointer;

    va_start(arguments, command);
    pointer = va_arg(arguments, void *);
    va_end(arguments);
    if (is_off("locks") && (command == F_OFD_SETLK || command == F_OFD_GETLK)) {
        ((struct flock *)pointer)->l_type = F_UNLCK;
        return 0;
    }
    return next(file, command, pointer);
}

int
flock(int file, int operation)
{
    FIND(flock);

    return is_off("open-lock") ? 0 : next(file, operation);
}

int
fallocate(int file, int mode, off_t at, off_t size)
{
    FIND(fallocate);

    return is_off("reserve") ? 0 : next(file, mode, at, size);
}

int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);

int
__register_atfork(void (*before)(void), void (*parent)(void),
                  void (*child)(void), void *library)
{
    FIND(__register_atfork);

    return is_off("fork") ? 0 : next(before, parent, child, library);
}

/* --- a network file system ---------------------------------------------------- */

static void
remote(struct place *place)
{
    is_remote = 1;
    NAMED(place_use(place->store, FEATURE_OPEN_CREATE), FEATURE_UNSUPPORTED,
          "remote-fs");
    is_remote = 0;
    place_leave(place->store);
    is_remote = 1;
    NAMED(place_use(place->store, 0), FEATURE_UNSUPPORTED, "remote-fs");
    WORKS(place_use(place->store, FEATURE_OPEN_ALLOW_REMOTE));
}

static void
use_beside(struct place *place)
{
    NAMED(place_use(place->store, FEATURE_OPEN_ALLOW_REMOTE),
          FEATURE_UNSUPPORTED, "remote-fs");
}

static void
remote_by_two(struct place *place)
{
    feature_store *store = NULL;

    place_leave(place->store);
    is_remote = 1;
    WORKS(place_open(place->store, FEATURE_OPEN_ALLOW_REMOTE, &store));
    place_child(use_beside, place);
    WORKS(place_read(store));
    feature_store_close(store);
}

static const struct place_case remote_cases[] = {
    {"network file system", remote, 0},
    {"network file system, two processes", remote_by_two, 0},
    {0}};

/* --- all of them ------------------------------------------------------------- */

static int
remove_entry(const char *path, const struct stat *at, int kind,
             struct FTW *walk)
{
    (void)at;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void
be_child(const struct place_case *at, struct place *place)
{
    alarm(at->needs_mounts ? 30 : 20 + (unsigned)place->rounds / 20);
    if (at->needs_mounts && (unshare(CLONE_NEWNS) ||
                             mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
        place_skip("no mount namespace: not root");
    at->run(place);
    place_report->is_done = 1;
    _exit(0);
}

static void
judge(const struct place_case *at, int ended)
{
    const char *text = place_report->text;

    cases++;
    named += place_report->named;
    worked += place_report->worked;
    if (place_report->is_skipped) {
        skipped++;
        printf("not-run\t%s: %s\n", at->name, text);
        return;
    }
    if (place_report->is_done)
        return;
    failures++;
    if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGALRM)
        hangs++;
    else
        signals += WIFSIGNALED(ended) != 0;
    if (WIFSIGNALED(ended))
        fprintf(stderr, "%s: signal %d\n", at->name, WTERMSIG(ended));
    else
        fprintf(stderr, "%s: %s\n", at->name, text);
}

static void
run_case(const struct place_case *at, const char *base, int rounds)
{
    struct place place = {.rounds = rounds};
    int ended;
    pid_t child;

    memset(place_report, 0, sizeof *place_report);
    snprintf(place.directory, sizeof place.directory, "%s/environment-XXXXXX",
             base);
    if (!mkdtemp(place.directory))
        exit(2);
    snprintf(place.store, sizeof place.store, "%.*s/store",
             (int)sizeof place.store - 10, place.directory);
    fflush(stdout);
    child = fork();
    if (child < 0)
        exit(2);
    if (!child)
        be_child(at, &place);
    waitpid(child, &ended, 0);
    judge(at, ended);
    nftw(place.directory, remove_entry, 8, FTW_PHYS | FTW_DEPTH | FTW_MOUNT);
}

int
main(int count, char **words)
{
    static const struct place_case *const tables[] = {
        place_disk_cases, place_load_cases, place_process_cases,
        place_file_cases, remote_cases};
    const char *base = getenv("TMPDIR"), *only = NULL;
    int rounds = 100;

    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(words[i], "--only"))
            only = words[i + 1];
        else if (!strcmp(words[i], "--rounds"))
            rounds = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--plant"))
            plant = words[i + 1];
        else
            return 2;
    }
    place_report = mmap(NULL, sizeof *place_report, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place_report == MAP_FAILED)
        return 2;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct place_case *at = tables[i]; at->name; at++)
            if (!only || !strcmp(only, at->name))
                run_case(at, base && *base ? base : "/dev/shm", rounds);
    printf("cases=%u named_errors=%d worked=%d signals=%u hangs=%u wrong=%u "
           "not_run=%u\n",
           cases, (int)named, (int)worked, signals, hangs,
           failures - signals - hangs, skipped);
    return failures ? 1 : 0;
}
