/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that are limited, forked, other users', or many. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.h"

#define NOBODY 65534

static void
set_limit(int limit, rlim_t value)
{
    struct rlimit both = {value, value};

    if (setrlimit((__rlimit_resource_t)limit, &both))
        place_skip("cannot set a limit");
}

static void
become_nobody(struct place *place)
{
    if (geteuid())
        place_skip("not root: cannot become another user");
    chmod(place->directory, 0755);
    if (chdir(place->directory) || setgroups(0, NULL) || setgid(NOBODY) ||
        setuid(NOBODY))
        place_skip("cannot become another user");
}

/* --- limits ------------------------------------------------------------------ */

static void
little_address_space(struct place *place)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    feature_store *store = NULL;

    place_leave(place->store);
    set_limit(RLIMIT_AS, (rlim_t)4 << 30);
    WORKS(place_open(place->store, 0, &store));
    WORKS(feature_store_stats(store, &stats, &place_error));
    if (!(stats.flags & FEATURE_STATS_MAP_FALLBACK))
        place_broken("a whole map in 4 GiB");
    WORKS(place_read(store));
    WORKS(place_write(store, 0, 10, 20));
    feature_store_close(store);
}

static void
few_descriptors(struct place *place)
{
    feature_status status = FEATURE_IO;

    place_leave(place->store);
    for (rlim_t count = 3; count < 20 && status; count++) {
        struct rlimit limit = {count, 1024};

        setrlimit(RLIMIT_NOFILE, &limit);
        status = place_use(place->store, 0);
        if (status)
            NAMED(status, FEATURE_IO, "io");
    }
    WORKS(status);
    place_sound(place->store);
}

/* SIGXFSZ ends a process by default, which is not the library's to change: a
 * host that sets such a limit ignores the signal, as here. */
static void
small_files(struct place *place)
{
    feature_store *store = place_make(place->store);
    struct rlimit limit = {300000, RLIM_INFINITY};
    feature_status status = FEATURE_OK;

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int64_t i = 1; i < 20 && !status; i++)
        status = place_write(store, i * 1000, i * 1000 + 64, 4000);
    NAMED(status, FEATURE_IO, "io");
    WORKS(place_read(store));
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    WORKS(place_write(store, 0, 10, 20));
    feature_store_close(store);
    place_sound(place->store);
}

static void
use_as_nobody(struct place *place)
{
    feature_store *store = NULL;

    become_nobody(place);
    set_limit(RLIMIT_NPROC, 0);
    WORKS(place_open("store", 0, &store));
    EITHER(feature_store_snapshot(store, "store/a.snap", NULL, NULL, NULL,
                                  &place_error));
    WORKS(place_read(store));
    feature_store_close(store);
}

static void
no_threads(struct place *place)
{
    place_leave(place->store);
    if (chown(place->store, NOBODY, NOBODY) ||
        chown(place_path(place, "store/data.mdb"), NOBODY, NOBODY))
        place_skip("not root: cannot become another user");
    unlink(place_path(place, "store/lock.mdb"));
    unlink(place_path(place, "store/open.lock"));
    place_child(use_as_nobody, place);
}

static void *
use_in_thread(void *context)
{
    struct place *place = context;

    place_leave(place->store);
    WORKS(place_use(place->store, 0));
    place_sound(place->store);
    return NULL;
}

static void
small_stack(struct place *place)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    if (pthread_create(&thread, &attributes, use_in_thread, place))
        place_broken("no thread");
    pthread_join(thread, NULL);
}

static void
umasks(struct place *place)
{
    umask(0077);
    place_leave(place->store);
    WORKS(place_use(place->store, 0));
    umask(0777); /* takes the owner's own permissions; root needs none */
    EITHER(place_use(place_path(place, "other"), FEATURE_OPEN_CREATE));
}

/* --- other users ------------------------------------------------------------- */

static void
open_closed_directory(struct place *place)
{
    become_nobody(place);
    NAMED(place_use("store", 0), FEATURE_IO, "permission");
    NAMED(place_use("store", FEATURE_OPEN_CREATE), FEATURE_IO, "permission");
}

static void
open_anothers(struct place *place)
{
    become_nobody(place);
    NAMED(place_use("store", 0), FEATURE_UNSUPPORTED, "owner");
    NAMED(place_use("store", FEATURE_OPEN_READ_ONLY), FEATURE_UNSUPPORTED,
          "owner");
    NAMED(place_use("new", FEATURE_OPEN_CREATE), FEATURE_IO, "permission");
}

static void
another_user(struct place *place)
{
    place_leave(place->store);
    place_child(open_closed_directory, place);
    chmod(place->store, 0755);
    place_child(open_anothers, place);
}

/* --- copies, forks, namespaces ----------------------------------------------- */

static void
second_copy(struct place *place)
{
    feature_status (*open_copy)(const char *, const struct feature_options *,
                                feature_store **, struct feature_error *);
    feature_store *store = place_make(place->store), *second = NULL;
    void *copy, *function;
    Dl_info own;

    if (!dladdr(feature_status_name(0), &own))
        place_broken("where the library is");
    copy = dlmopen(LM_ID_NEWLM, own.dli_fname, RTLD_NOW | RTLD_LOCAL);
    if (!copy)
        place_skip("no second copy can be loaded");
    function = dlsym(copy, "feature_store_open");
    memcpy(&open_copy, &function, sizeof open_copy);
    NAMED(open_copy(place->store, NULL, &second, &place_error),
          FEATURE_UNSUPPORTED, "second-copy");
    WORKS(place_read(store));
    feature_store_close(store);
    WORKS(open_copy(place->store, NULL, &second, &place_error));
    NAMED(place_use(place->store, 0), FEATURE_UNSUPPORTED, "second-copy");
}

static feature_store *inherited;

static void
use_inherited(struct place *place)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    NAMED(place_read(inherited), FEATURE_INVALID, "forked");
    NAMED(place_write(inherited, 0, 1, 1), FEATURE_INVALID, "forked");
    NAMED(feature_store_stats(inherited, &stats, &place_error), FEATURE_INVALID,
          "forked");
    NAMED(feature_store_sync(inherited, &place_error), FEATURE_INVALID,
          "forked");
    feature_store_close(inherited);
    WORKS(place_use(place->store, 0));
}

static void
forked(struct place *place)
{
    inherited = place_make(place->store);
    place_child(use_inherited, place);
    WORKS(place_read(inherited));
    WORKS(place_write(inherited, 0, 10, 20));
    feature_store_close(inherited);
    place_sound(place->store);
}

static void
use_elsewhere(struct place *place)
{
    NAMED(place_use(place->store, 0), FEATURE_UNSUPPORTED, "pid-namespace");
    NAMED(place_use(place->store, FEATURE_OPEN_READ_ONLY), FEATURE_UNSUPPORTED,
          "pid-namespace");
}

/* stat of /proc/self/ns/pid is of the reader's namespace by the mount's: so the
 * child has a /proc of its own. */
static void
enter_with_proc(struct place *place)
{
    place_mount("proc", "/proc", "proc", 0, NULL);
    use_elsewhere(place);
}

static void
pid_namespace(struct place *place)
{
    feature_store *store = place_make(place->store);

    if (unshare(CLONE_NEWPID))
        place_skip("cannot make a PID namespace");
    place_child(enter_with_proc, place);
    WORKS(place_read(store));
    feature_store_close(store);
}

static void
held_open_lock(struct place *place)
{
    int file;

    place_leave(place->store);
    file = open(place_path(place, "store/open.lock"), O_RDWR | O_CLOEXEC);
    if (flock(file, LOCK_EX))
        place_broken("no lock");
    NAMED(place_use(place->store, 0), FEATURE_BUSY, "open-lock");
    close(file);
    WORKS(place_use(place->store, 0));
}

/* --- many -------------------------------------------------------------------- */

static int storm_of;

static void
storm_one(struct place *place)
{
    for (int i = 0; i < place->rounds; i++) {
        feature_store *store = NULL;

        WORKS(place_open(place->store, 0, &store));
        WORKS(place_write(store, storm_of, storm_of + 1, 20));
        feature_store_close(store);
    }
}

static void
storm(struct place *place)
{
    pid_t children[3];
    int ended, failed = 0;

    place_leave(place->store);
    for (int i = 0; i < 3; i++) {
        storm_of = 100 + i;
        children[i] = fork();
        if (!children[i]) {
            storm_one(place);
            _exit(0);
        }
    }
    for (int i = 0; i < 3; i++) {
        waitpid(children[i], &ended, 0);
        failed |= ended;
    }
    if (failed)
        place_broken("%.300s", *place_report->text ? place_report->text
                                                   : "a signal in a child");
    WORKS(place_use(place->store, 0));
    place_sound(place->store);
}

const struct place_case place_process_cases[] = {
    {"4 GiB of address space", little_address_space, 0},
    {"few descriptors", few_descriptors, 0},
    {"small files", small_files, 0},
    {"no threads", no_threads, 0},
    {"128 KiB of stack", small_stack, 0},
    {"umask 0077 and 0777", umasks, 0},
    {"another user", another_user, 0},
    {"second copy of the library", second_copy, 0},
    {"fork", forked, 0},
    {"another PID namespace", pid_namespace, 1},
    {"open lock held", held_open_lock, 0},
    {"opened and closed by three processes", storm, 0},
    {0}};
