/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots beside a writer, and back.
 *
 * Owns a copy of the base point's store for each round, and the thread that
 * takes the snapshot.
 * Keeps the writer's stretch alone as long as a snapshot takes, half of it right
 * before the one beside it and half right behind; and every commit's latency.
 * Never measures growth where an earlier snapshot has left free pages.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "speed.h"

#define ROUNDS      5
#define ROWS        100 /* of a commit */
#define WARM        200 /* commits after which the free list goes round */
#define COMMITS_MAX 1000000

/* What the writer saw, in all rounds. */
struct stretch {
    const char *name;
    double *latencies; /* microseconds */
    size_t count;
    double growth[ROUNDS]; /* bytes of the file */
    double commits[ROUNDS], seconds[ROUNDS];
};

struct scene {
    const struct dataset *data;
    char path[PATH_SIZE], file[PATH_SIZE], copy[PATH_SIZE];
    feature_store *store;
    struct columns *columns;
    feature_batch *batch;
    struct random random;
    int64_t time;
    unsigned round;
    struct stretch alone, beside;
    double idle[ROUNDS], busy[ROUNDS], restored[ROUNDS], verified[ROUNDS];
    double lag[ROUNDS], bytes, size;
};

struct shot {
    struct scene *scene;
    struct feature_snapshot_report report;
    double seconds;
    atomic_bool is_over;
};

static unsigned
round_count(void)
{
    return (unsigned)bench_choose(ROUNDS, 2);
}

static double
seconds_since(uint64_t begun)
{
    return (double)(bench_clock() - begun) / 1e9;
}

static void *
shoot(void *context)
{
    struct shot *shot = context;
    struct feature_error error;
    uint64_t begun = bench_clock();

    bench_must(feature_store_snapshot(shot->scene->store, shot->scene->file,
                                      NULL, NULL, &shot->report, &error),
               &error);
    shot->seconds = seconds_since(begun);
    shot->is_over = true;
    return NULL;
}

/* One durable commit of random rows of the first view; microseconds. */
static double
commit_once(struct scene *scene)
{
    uint64_t ids[ROWS], begun;

    for (unsigned i = 0; i < ROWS; i++)
        ids[i] = random_below(&scene->random, scene->data->rows);
    columns_fill(scene->columns, 0, ids, ROWS, FIRST_TIME + ++scene->time);
    columns_set(scene->columns, scene->batch);
    begun = bench_clock();
    store_write(scene->store, scene->batch);
    return (double)(bench_clock() - begun) / 1000;
}

/* Commits until the shot is over or, without one, the time is. */
static void
write_stretch(struct scene *scene, struct stretch *stretch,
              const struct shot *shot, double limit)
{
    uint64_t size = store_file_size(scene->path), begun = bench_clock();
    size_t before = stretch->count;

    do {
        if (stretch->count == COMMITS_MAX)
            bench_fail("more commits than there is room for");
        stretch->latencies[stretch->count++] = commit_once(scene);
    } while (shot ? !shot->is_over : seconds_since(begun) < limit);
    stretch->seconds[scene->round] += seconds_since(begun);
    stretch->commits[scene->round] += (double)(stretch->count - before);
    stretch->growth[scene->round] +=
        (double)(store_file_size(scene->path) - size);
}

static void
measure_writer(struct scene *scene)
{
    struct shot idle = {.scene = scene,
                        .report = {.struct_size = sizeof idle.report}};
    struct shot busy = idle;
    pthread_t thread;

    shoot(&idle);
    for (unsigned i = 0; i < WARM; i++)
        commit_once(scene);
    write_stretch(scene, &scene->alone, NULL, idle.seconds / 2);
    if (pthread_create(&thread, NULL, shoot, &busy))
        bench_fail("no thread");
    write_stretch(scene, &scene->beside, &busy, 0);
    pthread_join(thread, NULL);
    write_stretch(scene, &scene->alone, NULL, idle.seconds / 2);
    scene->idle[scene->round] = (double)idle.report.bytes / idle.seconds / 1e6;
    scene->busy[scene->round] = (double)busy.report.bytes / busy.seconds / 1e6;
    scene->lag[scene->round] = (double)busy.report.lag;
    scene->bytes = (double)idle.report.bytes;
    scene->size = (double)idle.report.size;
}

static void
measure_back(struct scene *scene)
{
    struct feature_verify_report found = {.struct_size = sizeof found};
    struct feature_error error;
    uint64_t begun = bench_clock();

    bench_must(feature_store_restore(scene->file, scene->copy, NULL, NULL, NULL,
                                     &error),
               &error);
    scene->restored[scene->round] = seconds_since(begun);
    begun = bench_clock();
    bench_must(feature_store_verify(scene->copy, NULL, &found, NULL, &error),
               &error);
    scene->verified[scene->round] = seconds_since(begun);
    if (found.findings)
        bench_fail("the restored store is damaged");
    store_remove(scene->copy);
    unlink(scene->file);
}

static void
report_of(const struct stretch *stretch, const char *what, double value,
          const char *unit)
{
    char name[100] = "";

    bench_append(name, sizeof name, "%s, %s", what, stretch->name);
    report_fact(name, value, unit);
}

static void
report_stretch(struct stretch *stretch)
{
    double *latencies = stretch->latencies;
    size_t count = stretch->count;
    unsigned rounds = round_count();
    double rate[ROUNDS];

    for (unsigned i = 0; i < rounds; i++)
        rate[i] = stretch->commits[i] / stretch->seconds[i];
    report_of(stretch, "commits of 100 rows", (double)count, "commits");
    report_of(stretch, "commit, p50", percentile_of(latencies, count, 0.5),
              "us");
    report_of(stretch, "commit, p99", percentile_of(latencies, count, 0.99),
              "us");
    report_of(stretch, "commit, slowest", most_of(latencies, count), "us");
    report_of(stretch, "commits a second", median_of(rate, rounds),
              "commits/s");
    report_of(stretch, "growth of the file",
              median_of(stretch->growth, rounds) / 1e6, "MB");
    free(latencies);
}

static void
report(struct scene *scene)
{
    unsigned rounds = round_count();

    report_text("snapshots",
                "%s; %u rounds, medians; default level and "
                "workers",
                report_place(settings.disk), rounds);
    report_fact("keys and rows of the snapshot", scene->bytes / 1e6, "MB");
    report_fact("file of the snapshot", scene->size / 1e6, "MB");
    report_fact("snapshot, nobody writes", median_of(scene->idle, rounds),
                "MB/s of keys and rows");
    report_fact("snapshot, a writer commits", median_of(scene->busy, rounds),
                "MB/s of keys and rows");
    report_fact("commits during a snapshot", median_of(scene->lag, rounds),
                "commits");
    report_stretch(&scene->alone);
    report_stretch(&scene->beside);
    report_fact("restore, its verification in it",
                median_of(scene->restored, rounds), "s");
    report_fact("verification alone", median_of(scene->verified, rounds), "s");
}

void
part_snapshot(struct bed *bed)
{
    struct scene scene = {.data = &bed->data, .random = {800}};

    scene.alone.name = "no snapshot";
    scene.beside.name = "during a snapshot";
    scene.alone.latencies = bench_alloc(COMMITS_MAX, sizeof(double));
    scene.beside.latencies = bench_alloc(COMMITS_MAX, sizeof(double));
    store_path(scene.path, settings.disk, "snapshot", "");
    store_path(scene.copy, settings.disk, "snapshot", "-restored");
    store_path(scene.file, settings.disk, "snapshot", ".file");
    bench_unpin();
    for (scene.round = 0; scene.round < round_count(); scene.round++) {
        store_copy(bed->raw_path, scene.path);
        store_heat(scene.path);
        sync(); /* what was copied would be in the commits' way */
        scene.store = store_open(scene.path, 0);
        scene.columns = columns_make(&bed->data, ROWS);
        scene.batch = store_batch(scene.store, 0);
        measure_writer(&scene);
        measure_back(&scene);
        feature_batch_free(scene.batch);
        columns_free(scene.columns);
        feature_store_close(scene.store);
        store_remove(scene.path);
    }
    bench_pin(0);
    report(&scene);
}
