/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of memory, in every public call, at every allocation in turn: once, and
 * from there on for good.
 *
 *     allocations [--map lib/libfeature.map] [--stride N] [--only CALL]
 *                 [--plant NAME]
 *
 * Each try is a child with a store of its own. The call answers NO_MEMORY
 * `memory` or succeeds; after a failure nothing has changed (what the call would
 * have answered into, the names in the directory, the store's newest
 * transaction), the store is sound, the same call succeeds, and when all is
 * closed no block and no descriptor is left. The map's symbols are compared with
 * the cases, so that a new call without one is a violation.
 *
 * Allocations are those of the whole process: LMDB, zstd, protobuf-c and the C
 * library included. --plant puts a fault beside one call; the rig has to end
 * with 1.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "support.h"

enum mode { COUNT, ONCE, FOR_GOOD };

/* What a child leaves its parent. */
struct report {
    uint64_t allocations;
    feature_status status;
    int is_done;
    char text[MEMORY_TEXT];
};

static struct report *report;
static char directory[256];
static const char *plant;
static uint64_t calls, tries, no_memory, succeeded, crashes, leaks, violations;

/* --- what a child finds around it -------------------------------------------- */

static uint64_t names;
static int without_locks;

static int
add_name(const char *path, const struct stat *at, int kind, struct FTW *walk)
{
    uint64_t sum = 14695981039346656037u;

    if (without_locks &&
        (strstr(path, "/lock.mdb") || strstr(path, "/open.lock")))
        return 0;

    (void)at;
    (void)kind;
    (void)walk;
    for (; *path; path++)
        sum = (sum ^ (uint8_t)*path) * 1099511628211u;
    names += sum;
    return 0;
}

static uint64_t
sum_names(void)
{
    names = 0;
    nftw(directory, add_name, 8, FTW_PHYS);
    return names;
}

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
remove_below(const char *name)
{
    char path[MEMORY_PATH];

    snprintf(path, sizeof path, "%s%s%s", directory, *name ? "/" : "", name);
    nftw(path, remove_entry, 8, FTW_PHYS | FTW_DEPTH);
}

static int
count_descriptors(void)
{
    int count = 0;

    for (int i = 0; i < 64; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

/* --- one try ----------------------------------------------------------------- */

static void
copy_file(const char *from, const char *to)
{
    char bytes[65536];
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t size;

    if (source < 0 || target < 0)
        memory_broken("cannot copy %s", from);
    while ((size = read(source, bytes, sizeof bytes)) > 0)
        if (write(target, bytes, (size_t)size) != size)
            memory_broken("cannot copy %s", from);
    close(source);
    close(target);
}

static void
set_paths(struct memory_scene *scene, const char *store)
{
    memset(scene, 0, sizeof *scene);
    snprintf(scene->path, MEMORY_PATH, "%s/%s", directory, store);
    snprintf(scene->file, MEMORY_PATH, "%s/scene/new.snap", directory);
    snprintf(scene->copy, MEMORY_PATH, "%s/scene/copy", directory);
    snprintf(scene->snapshot, MEMORY_PATH, "%s/a.snap", directory);
}

static void
set_out(struct memory_scene *scene)
{
    struct memory_out *out = &scene->out;

    memset(out, 0x5a, sizeof *out);
    out->commit.struct_size = sizeof out->commit;
    out->stats.struct_size = sizeof out->stats;
    out->verified.struct_size = sizeof out->verified;
    out->copied.struct_size = sizeof out->copied;
    out->schema.release = NULL;
    out->array.release = NULL;
    out->stream.release = NULL;
    memcpy(&scene->before, out, sizeof *out);
    scene->error = (struct feature_error){0};
}

static uint64_t
verify(const char *path, const char *when)
{
    struct feature_verify_report found = {.struct_size = sizeof found};
    struct feature_error error = {0};
    char *lines = NULL;

    if (feature_store_verify(path, NULL, &found, &lines, &error))
        memory_broken("%s verify: %.24s: %.200s", when, error.reason,
                      error.message);
    if (found.findings)
        memory_broken("%s the store has %d findings: %.200s", when,
                      (int)found.findings, lines);
    feature_free(lines);
    return found.transaction;
}

/* Faults beside a call, which the rig has to find. */
static feature_status
planted(struct memory_scene *scene, feature_status status)
{
    volatile char *volatile block;

    if (!plant)
        return status;
    if (!strcmp(plant, "unchecked")) {
        block = malloc(24);
        *block = 1;
        free((void *)(uintptr_t)block);
    } else if (!strcmp(plant, "leak") && status) {
        allocation_fail(-1);
        block = malloc(24);
    } else if (!strcmp(plant, "status") && status) {
        return FEATURE_IO;
    } else if (!strcmp(plant, "answer") && status) {
        scene->out.text = NULL;
    } else if (!strcmp(plant, "change") && status) {
        allocation_fail(-1);
        MUST(scene,
             feature_store_apply(scene->store, "CREATE ENTITY x (k INT64)",
                                 NULL, NULL, &scene->error));
        strcpy(scene->error.reason, "memory");
    }
    return status;
}

static feature_status
make_call(const struct memory_case *at, struct memory_scene *scene,
          enum mode mode, int64_t n)
{
    uint64_t before = allocation_count();
    feature_status status;

    if (mode == ONCE)
        allocation_fail(n);
    if (mode == FOR_GOOD)
        allocation_fail_from(n);
    status = planted(scene, at->call(scene));
    allocation_fail(-1);
    report->allocations = allocation_count() - before;
    report->status = status;
    return status;
}

static void
check_failure(const struct memory_case *at, struct memory_scene *scene,
              uint64_t transaction, uint64_t names_before)
{
    if (report->status != FEATURE_NO_MEMORY ||
        strcmp(scene->error.reason, "memory"))
        memory_broken("status %d, %.24s: %.200s", report->status,
                      scene->error.reason, scene->error.message);
    if (memcmp(&scene->out, &scene->before, sizeof scene->out))
        memory_broken("an out parameter was touched");
    if (sum_names() != names_before && at->may_leave == LEAVES_STORE)
        verify(scene->copy, "what was left is no store:");
    else if (sum_names() != names_before)
        memory_broken("files were left behind, or are gone");
    if (verify(scene->path, "afterwards,") != transaction &&
        at->may_leave != LEAVES_STEPS)
        memory_broken("the store has changed");
    set_out(scene);
    if (at->call(scene))
        memory_broken("the next try: %.24s: %.200s", scene->error.reason,
                      scene->error.message);
}

/* feature_store_verify() leaves the lock files that other calls begin with. */
static void
begin_again(struct memory_scene *scene)
{
    char path[MEMORY_PATH + 16];

    if (scene->store)
        return;
    snprintf(path, sizeof path, "%s/lock.mdb", scene->path);
    unlink(path);
    snprintf(path, sizeof path, "%s/open.lock", scene->path);
    unlink(path);
}

static void
try_call(const struct memory_case *at, struct memory_scene *scene,
         enum mode mode, int64_t n)
{
    int64_t live = allocation_live();
    int descriptors = count_descriptors();
    uint64_t transaction, names_before;

    without_locks = at->may_leave == LEAVES_LOCKS;
    at->prepare(scene);
    transaction = verify(scene->path, "before,");
    begin_again(scene);
    set_out(scene);
    names_before = sum_names();
    if (make_call(at, scene, mode, n))
        check_failure(at, scene, transaction, names_before);
    if (at->undo)
        at->undo(scene);
    memory_close(scene);
    verify(scene->path, "in the end,");
    if (allocation_live() != live || count_descriptors() != descriptors)
        memory_broken("leak: %d blocks, %d descriptors",
                      (int)(allocation_live() - live),
                      count_descriptors() - descriptors);
}

static void
be_child(const struct memory_case *at, enum mode mode, int64_t n)
{
    static struct memory_scene scene;
    char from[MEMORY_PATH], to[MEMORY_PATH + 16];

    memory_text = report->text;
    alarm(60);
    set_paths(&scene, "scene/store");
    snprintf(from, sizeof from, "%s/template/data.mdb", directory);
    snprintf(to, sizeof to, "%s/scene", directory);
    mkdir(to, 0700);
    mkdir(scene.path, 0700);
    snprintf(to, sizeof to, "%s/data.mdb", scene.path);
    copy_file(from, to);
    try_call(at, &scene, mode, n);
    report->is_done = 1;
    _exit(0);
}

/* --- all of them ------------------------------------------------------------- */

static void
judge(const struct memory_case *at, enum mode mode, int64_t n, int ended)
{
    static const char *const modes[] = {"counted", "once", "for good"};
    int is_crash = WIFSIGNALED(ended);

    if (report->is_done) {
        no_memory += mode != COUNT && report->status == FEATURE_NO_MEMORY;
        succeeded += mode != COUNT && !report->status;
        return;
    }
    if (is_crash)
        snprintf(report->text, sizeof report->text, "signal %d",
                 WTERMSIG(ended));
    crashes += (uint64_t)is_crash;
    leaks += !strncmp(report->text, "leak", 4);
    violations++;
    fprintf(stderr, "%s%s%s: allocation %d %s: %s\n", at->function,
            at->variant ? ", " : "", at->variant ? at->variant : "", (int)n,
            modes[mode], report->text);
}

static uint64_t
fork_try(const struct memory_case *at, enum mode mode, int64_t n)
{
    int ended;
    pid_t child;

    memset(report, 0, sizeof *report);
    tries += mode != COUNT;
    child = fork();
    if (child < 0)
        _exit(2);
    if (!child)
        be_child(at, mode, n);
    waitpid(child, &ended, 0);
    judge(at, mode, n, ended);
    remove_below("scene");
    return report->allocations;
}

static uint64_t
try_each(const struct memory_case *at, int64_t stride)
{
    int64_t count = (int64_t)fork_try(at, COUNT, 0);

    for (int64_t n = 0; n < count && violations < 20; n += stride)
        for (enum mode mode = ONCE; mode <= FOR_GOOD; mode++)
            fork_try(at, mode, n);
    return (uint64_t)count;
}

/* --- cases and symbols ------------------------------------------------------- */

static const struct memory_case *const tables[] = {
    memory_store_cases, memory_row_cases,    memory_read_cases,
    memory_feed_cases,  memory_sketch_cases, memory_block_cases,
    memory_event_cases, memory_tile_cases,   memory_window_cases,
    memory_wide_cases,  memory_load_cases};

static int
has_case(const char *function)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct memory_case *at = tables[i]; at->function; at++)
            if (!strcmp(at->function, function))
                return 1;
    return 0;
}

/* Every symbol of the map has a case. */
static void
compare_with_map(const char *path)
{
    char line[256], name[256];
    FILE *map = fopen(path, "r");

    if (!map) {
        fprintf(stderr, "no %s\n", path);
        exit(2);
    }
    while (fgets(line, sizeof line, map)) {
        if (sscanf(line, " feature_%200[a-z_]", name) != 1)
            continue;
        memmove(name + 8, name, strlen(name) + 1);
        memcpy(name, "feature_", 8);
        calls++;
        if (!has_case(name)) {
            fprintf(stderr, "%s has no case in tests/fault\n", name);
            violations++;
        }
    }
    fclose(map);
}

static void
make_template(void)
{
    struct memory_scene *scene = calloc(1, sizeof *scene);
    const char *base = getenv("TMPDIR");

    report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(directory, sizeof directory, "%s/memory-XXXXXX",
             base && *base ? base : "/dev/shm");
    if (!scene || report == MAP_FAILED || !mkdtemp(directory))
        exit(2);
    set_paths(scene, "template");
    memory_make(scene);
    free(scene);
}

static uint64_t
run(int64_t stride, const char *only)
{
    uint64_t allocations = 0;

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct memory_case *at = tables[i]; at->function; at++)
            if (!only || !strcmp(only, at->function))
                allocations += try_each(at, stride);
    return allocations;
}

int
main(int count, char **words)
{
    const char *map = "lib/libfeature.map", *only = NULL;
    int64_t stride = 1;
    uint64_t allocations;

    for (int i = 1; i < count; i++) {
        if (!strcmp(words[i], "--map") && i + 1 < count)
            map = words[++i];
        else if (!strcmp(words[i], "--stride") && i + 1 < count)
            stride = atoi(words[++i]);
        else if (!strcmp(words[i], "--only") && i + 1 < count)
            only = words[++i];
        else if (!strcmp(words[i], "--plant") && i + 1 < count)
            plant = words[++i];
        else
            return 2;
    }
    if (!allocation_fail(-1) || stride < 1)
        return 77; /* a sanitizer has the allocations */
    compare_with_map(map);
    make_template();
    allocations = run(stride, only);
    remove_below("");
    printf("calls=%d tries=%d allocations=%d no_memory=%d succeeded=%d crash=%d"
           " leak=%d wrong=%d\n",
           (int)calls, (int)tries, (int)allocations, (int)no_memory,
           (int)succeeded, (int)crashes, (int)leaks,
           (int)(violations - crashes - leaks));
    return violations ? 1 : 0;
}
