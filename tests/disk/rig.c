/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children, directories, the shim.
 *
 * Owns the children that look at a store after the cut or the error.
 * Keeps each of them under an alarm.
 * Never lets one leave a core file.
 */
#include "disk/rig.h"

#include <dlfcn.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST_S 20

/* The shim comes before the sanitizer's run time, and that is meant. A crash is
 * told by its signal. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "verify_asan_link_order=0:handle_segv=0:handle_sigbus=0:"
           "handle_abort=0:detect_leaks=0";
}

void
rig_give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    _exit(2);
}

void
rig_preload(char **arguments)
{
    char own[PATH_MAX], path[PATH_MAX + 32];
    ssize_t size;

    if (dlsym(RTLD_DEFAULT, "shim_state"))
        return;
    size = readlink("/proc/self/exe", own, sizeof own - 1);
    if (size <= 0 || getenv("LD_PRELOAD"))
        rig_give_up("shim.so", "cannot be preloaded");
    own[size] = '\0';
    snprintf(path, sizeof path, "%.*s/../shim/shim.so",
             (int)(strrchr(own, '/') - own), own);
    setenv("LD_PRELOAD", path, 1);
    execv(own, arguments);
    rig_give_up(path, "cannot be preloaded");
}

void
rig_directory(char path[RIG_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");

    if (!base || !*base)
        base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    if (snprintf(path, RIG_PATH_SIZE, "%s/disk-XXXXXX", base) >=
            RIG_PATH_SIZE - 32 ||
        !mkdtemp(path))
        rig_give_up(path, "cannot be made");
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
rig_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
}

void
rig_path(char path[RIG_PATH_SIZE], const char *directory, const char *name)
{
    if (snprintf(path, RIG_PATH_SIZE, "%s/%s", directory, name) >=
        RIG_PATH_SIZE)
        rig_give_up(directory, "is too long");
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

int
rig_child(void (*work)(void *context), void *context)
{
    const struct rlimit no_core = {0};
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    if (!child) {
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(LONGEST_S);
        work(context);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        rig_give_up("fork", "failed");
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? -1 : WTERMSIG(status);
    return WEXITSTATUS(status) ? 1000 + WEXITSTATUS(status) : 0;
}

bool
rig_verify(const char *path, char why[200])
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_error error = {0};
    char *findings = NULL;
    bool good;

    if (feature_store_verify(path, NULL, &report, &findings, &error)) {
        snprintf(why, 200, "verify: %.180s", error.message);
        return false;
    }
    good = !report.findings;
    if (!good)
        snprintf(why, 200, "verify: %.180s", findings ? findings : "damage");
    feature_free(findings);
    return good;
}
