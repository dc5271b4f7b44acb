/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several readers at once: threads of one process, and processes.
 *
 * Owns the threads and the worker processes.
 * Keeps both methods on the same cores: reader i runs on core i.
 * Never counts the time before the last reader is ready.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "speed.h"

#define BATCH   100
#define THREADS 16
#define WORKERS 2

/* Readers of one method that run together. */
struct team {
    unsigned count;
    struct reader *readers[THREADS];
    struct workload workloads[THREADS];
    uint64_t begun[THREADS], ended[THREADS];
    pthread_barrier_t barrier;
};

struct seat {
    struct team *team;
    unsigned index;
    pthread_t thread;
};

static void *
run_seat(void *context)
{
    struct seat *seat = context;
    struct team *team = seat->team;
    unsigned i = seat->index;

    if (team->count <= 2)
        bench_pin(i);
    else
        bench_unpin();
    workload_fill(&team->workloads[i]);
    workload_run(&team->workloads[i], team->readers[i]); /* warms */
    workload_fill(&team->workloads[i]);
    pthread_barrier_wait(&team->barrier);
    team->begun[i] = bench_clock();
    workload_run(&team->workloads[i], team->readers[i]);
    team->ended[i] = bench_clock();
    return NULL;
}

/* Wall time a row, all threads together. */
static double
team_run(void *context)
{
    struct team *team = context;
    struct seat seats[THREADS];
    uint64_t begun = UINT64_MAX, ended = 0;

    pthread_barrier_init(&team->barrier, NULL, team->count);
    for (unsigned i = 0; i < team->count; i++) {
        seats[i] = (struct seat){.team = team, .index = i};
        if (pthread_create(&seats[i].thread, NULL, run_seat, &seats[i]))
            bench_fail("no thread");
    }
    for (unsigned i = 0; i < team->count; i++) {
        pthread_join(seats[i].thread, NULL);
        begun = team->begun[i] < begun ? team->begun[i] : begun;
        ended = team->ended[i] > ended ? team->ended[i] : ended;
    }
    pthread_barrier_destroy(&team->barrier);
    return (double)(ended - begun) / (double)team->count / SAMPLE;
}

static void
team_make(struct team *team, struct bed *bed, unsigned count, bool raw)
{
    team->count = count;
    for (unsigned i = 0; i < count; i++) {
        team->readers[i] = raw ? reader_raw(bed->raw, 1, false)
                               : reader_libfeature(&bed->data, bed->store, 1);
        workload_init(&team->workloads[i], &bed->data, UNIFORM, BATCH, SAMPLE,
                      200 + i);
    }
}

static void
team_free(struct team *team)
{
    for (unsigned i = 0; i < team->count; i++) {
        reader_close(team->readers[i]);
        workload_free(&team->workloads[i]);
    }
    free(team);
}

static void
run_threads(struct bed *bed)
{
    static const char *const names[] = {
        "raw mdb_get, 1 thread",   "raw mdb_get, 2 threads",
        "raw mdb_get, 16 threads", "libfeature, 1 thread",
        "libfeature, 2 threads",   "libfeature, 16 threads"};
    static const unsigned counts[] = {1, 2, THREADS};
    struct contest contest = {.name = "reader threads, batch 100, wall time",
                              .unit = "ns/row",
                              .place = report_place(settings.reads)};
    struct team *teams[6];

    for (unsigned i = 0; i < 6; i++) {
        teams[i] = bench_alloc(1, sizeof *teams[i]);
        team_make(teams[i], bed, counts[i % 3], i < 3);
        contest_add(&contest, names[i], team_run, teams[i]);
    }
    contest_run(&contest);
    report_ratio("readers2_vs_mdb_get_scaling",
                 contest_ratio(&contest, names[3], names[4]) /
                     contest_ratio(&contest, names[0], names[1]));
    for (unsigned i = 0; i < 6; i++)
        team_free(teams[i]);
}

/* A reader process, and the pipes to tell it what to do. */
struct worker {
    pid_t process;
    FILE *orders, *answers;
};

struct crew {
    struct worker *workers;
    unsigned count;
};

static void
worker_start(struct worker *worker, const struct bed *bed, bool raw,
             unsigned core)
{
    int orders[2], answers[2];
    char rows[32], where[8];

    snprintf(rows, sizeof rows, "%llu", (unsigned long long)bed->data.rows);
    snprintf(where, sizeof where, "%u", core);
    if (pipe2(orders, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
        bench_fail("no pipe");
    fflush(stdout);
    worker->process = fork();
    if (!worker->process) {
        dup2(orders[0], STDIN_FILENO);
        dup2(answers[1], STDOUT_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execl(settings.self, settings.self, "--worker", raw ? "raw" : "store",
              raw ? bed->raw_path : bed->store_path, rows, where, (char *)NULL);
        _exit(127);
    }
    close(orders[0]);
    close(answers[1]);
    worker->orders = fdopen(orders[1], "w");
    worker->answers = fdopen(answers[0], "r");
}

static double
ask(struct worker *worker)
{
    char line[64];

    if (!fgets(line, sizeof line, worker->answers))
        bench_fail("a reader process has gone");
    return strtod(line, NULL);
}

static void
tell(struct worker *worker, char order)
{
    putc(order, worker->orders);
    fflush(worker->orders);
}

static void
worker_stop(struct worker *worker)
{
    fclose(worker->orders);
    fclose(worker->answers);
    waitpid(worker->process, NULL, 0);
}

/* Time a row of all together: the inverse of the sum of their rates. */
static double
crew_run(void *context)
{
    struct crew *crew = context;
    double rate = 0;

    for (unsigned i = 0; i < crew->count; i++) {
        tell(&crew->workers[i], 'f');
        ask(&crew->workers[i]);
    }
    for (unsigned i = 0; i < crew->count; i++)
        tell(&crew->workers[i], 'g');
    for (unsigned i = 0; i < crew->count; i++)
        rate += 1 / ask(&crew->workers[i]);
    return 1 / rate;
}

static void
run_processes(struct bed *bed)
{
    struct contest contest = {.name = "reader processes, batch 100",
                              .unit = "ns/row",
                              .place = report_place(settings.reads)};
    struct worker raw[WORKERS], ours[WORKERS];
    struct crew crews[4] = {
        {raw, 1}, {raw, WORKERS}, {ours, 1}, {ours, WORKERS}};

    for (unsigned i = 0; i < WORKERS; i++) {
        worker_start(&raw[i], bed, true, i);
        worker_start(&ours[i], bed, false, i);
    }
    contest_add(&contest, "raw mdb_get, 1 process", crew_run, &crews[0]);
    contest_add(&contest, "raw mdb_get, 2 processes", crew_run, &crews[1]);
    contest_add(&contest, "libfeature, 1 process", crew_run, &crews[2]);
    contest_add(&contest, "libfeature, 2 processes", crew_run, &crews[3]);
    contest_run(&contest);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_stop(&raw[i]);
        worker_stop(&ours[i]);
    }
}

int
worker_main(int count, char **arguments)
{
    struct bed bed = {0};
    struct reader *reader;
    struct workload workload;
    int order;

    if (count != 4)
        return 2;
    bed.data = base_data("worker", strtoull(arguments[2], NULL, 10));
    bench_pin((unsigned)atoi(arguments[3]));
    if (!strcmp(arguments[0], "raw")) {
        bed.raw = raw_open(&bed.data, arguments[1]);
        reader = reader_raw(bed.raw, 1, false);
    } else {
        bed.store = store_open(arguments[1], 0);
        reader = reader_libfeature(&bed.data, bed.store, 1);
    }
    reader_check(reader, &bed.data, 1);
    workload_init(&workload, &bed.data, UNIFORM, BATCH, 3 * SAMPLE,
                  (uint64_t)getpid());
    while ((order = getchar()) != EOF) {
        double value = 0;

        if (order == 'f')
            workload_fill(&workload);
        else
            value = workload_run(&workload, reader);
        printf("%f\n", value);
        fflush(stdout);
    }
    reader_close(reader);
    bed_close(&bed);
    workload_free(&workload);
    return 0;
}

void
part_readers(struct bed *base)
{
    run_threads(base);
    run_processes(base);
    bench_pin(0);
}
