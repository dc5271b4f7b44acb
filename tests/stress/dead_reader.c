/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dead_reader COMMITS [dead|stopped]: a process is killed while it holds a snapshot;
 * another one goes on writing. The file may grow until the writer looks for dead
 * readers, which it does every 1,000 commits, and no further. `stopped` plants a
 * reader that lives: nobody may take its snapshot away, so the file grows on.
 *
 * Owns two children, a reader and a writer.
 * Keeps what a commit costs to what the file grew by while nothing was given back.
 * Never asks for the time.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

#define BETWEEN  1000 /* commits from one look at the readers to the next */
#define MEASURED 400
#define LEAST    (3 * BETWEEN)

struct scene {
    char path[SCRATCH_SIZE + 16];
    _Atomic(uint32_t) is_held;
    _Atomic(uint32_t) must_write;
    _Atomic(uint32_t) is_written;
    uint64_t commits;
    uint64_t before;   /* bytes of the file when the reader died */
    uint64_t measured; /* after MEASURED commits */
    uint64_t after;
    uint64_t lag; /* of the oldest reader, at the end */
};

static void
hold(void *context)
{
    struct scene *scene = context;
    feature_store *store = ledger_open(scene->path, FEATURE_OPEN_READ_ONLY);

    (void)ledger_scan_begin(store);
    atomic_store(&scene->is_held, 1);
    for (;;)
        sleep_us(1000000);
}

static struct feature_stats
stats_of(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    well(feature_store_stats(store, &stats, E));
    return stats;
}

static void
write_on(void *context)
{
    struct scene *scene = context;
    feature_store *store = ledger_open(scene->path, 0);
    struct ledger_writer writer;
    uint64_t dice = 1;

    ledger_writer_open(&writer, store, 0);
    for (uint64_t i = 0; i < BETWEEN; i++) /* the file takes its usual size */
        ledger_transfer(&writer, &dice);
    atomic_store(&scene->is_written, 1);
    while (!atomic_load(&scene->must_write))
        sleep_us(200);
    scene->before = stats_of(store).file_size;
    for (uint64_t i = 0; i < scene->commits; i++) {
        ledger_transfer(&writer, &dice);
        if (i + 1 == MEASURED)
            scene->measured = stats_of(store).file_size;
    }
    scene->after = stats_of(store).file_size;
    scene->lag = stats_of(store).oldest_reader_lag;
    ledger_writer_close(&writer);
    feature_store_close(store);
}

static void
create(void *context)
{
    ledger_create(((struct scene *)context)->path);
}

static void
await(_Atomic(uint32_t) *sign)
{
    for (int i = 0; !atomic_load(sign); i++) {
        if (i == 100000)
            give_up("a child", "does not get on");
        sleep_us(200);
    }
}

static int
judge(const struct scene *scene, bool is_planted)
{
    uint64_t growth = scene->after - scene->before;
    uint64_t each = (scene->measured - scene->before) / MEASURED;
    /* The look may come in the middle of the file's next step. */
    uint64_t bound = (BETWEEN + BETWEEN / 4) * each;
    bool is_bad = growth > bound || scene->lag;

    printf("commits=%" PRIu64 " commits_between_checks=%d bytes_each=%" PRIu64
           " growth=%" PRIu64 " bound=%" PRIu64 " readers_behind=%d\n",
           scene->commits, BETWEEN, each, growth, bound, scene->lag != 0);
    if (!each)
        give_up("the file", "did not grow at all: nothing was held");
    if (is_bad && !is_planted)
        fprintf(stderr, "the file grew by %" PRIu64 " bytes\n", growth);
    return is_bad ? RIG_VIOLATED : RIG_GOOD;
}

int
main(int count, char **arguments)
{
    struct scene *scene = share(sizeof *scene);
    bool is_planted = count > 2 && !strcmp(arguments[2], "stopped");
    char directory[SCRATCH_SIZE];
    pid_t reader, writer;

    if (count < 2 || strtoull(arguments[1], NULL, 10) < LEAST)
        give_up("usage", "dead_reader COMMITS [dead|stopped], 3000 at least");
    scene->commits = strtoull(arguments[1], NULL, 10);
    make_scratch(directory);
    snprintf(scene->path, sizeof scene->path, "%s/store", directory);
    if (await_child(start_child(create, scene)))
        give_up(scene->path, "cannot be created");
    writer = start_child(write_on, scene);
    await(&scene->is_written);
    reader = start_child(hold, scene);
    await(&scene->is_held);
    if (is_planted)
        kill(reader, SIGSTOP);
    else
        (void)kill_child(reader);
    atomic_store(&scene->must_write, 1);
    if (await_child(writer))
        give_up("the writer", "failed");
    if (is_planted)
        (void)kill_child(reader);
    remove_scratch(directory);
    return judge(scene, is_planted);
}
