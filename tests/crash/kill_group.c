/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_group COUNT [SEED] [none|early|torn]: kills a process COUNT times with
 * SIGKILL while four of its threads write, whose calls share commits and syncs,
 * and has another one look at what is left. Of no thread an acknowledged call may
 * be missing, and none may be there in part.
 *
 * Owns the threads of the writer; the parent itself opens no store.
 * Keeps what was promised, thread by thread, in memory that outlives the child.
 * Never depends on when a kill comes: only the figures do.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "children.h"

#define SEED         20261121
#define THREADS      4
#define VERIFY_EVERY 25
#define LEAST_US     2000
#define SPREAD_US    9000
#define LONGEST_S    20
#define DEFINITIONS                             \
    "CREATE ENTITY e (k INT64);"                \
    "CREATE FEATURE VIEW left (n INT64) FOR e;" \
    "CREATE FEATURE VIEW right (n INT64) FOR e;"

enum plant { PLANT_NONE, PLANT_EARLY, PLANT_TORN };

/* Of each thread, the number of its last call. */
struct board {
    _Atomic(uint64_t) started[THREADS];
    _Atomic(uint64_t) acknowledged[THREADS];
    _Atomic(uint64_t) durable[THREADS]; /* that the verifier found */
    _Atomic(uint64_t) sequence;         /* of the store: calls that wrote */
    _Atomic(uint64_t) transactions;     /* of LMDB: fewer, where they share */
    _Atomic(uint64_t) lost, torn, beyond, findings;
};

struct rig {
    struct board *board;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16];
    enum plant plant;
    bool verifies;
    uint64_t dice;
};

struct writer {
    struct rig *rig;
    feature_store *store;
    uint32_t thread;
};

static feature_store *
open_store(const struct rig *rig, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    feature_store *store;

    well(feature_store_open(rig->path, &options, &store, E));
    return store;
}

/* --- writing --------------------------------------------------------------------- */

static void
set_row(feature_batch *batch, int64_t key, int64_t number)
{
    well(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &key, NULL, NULL, 1,
                           E));
    well(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, &number, NULL,
                           NULL, 1, E));
    well(feature_batch_set(batch, 2, FEATURE_TYPE_INT64, &number, NULL, NULL, 1,
                           E));
}

/* A call of a thread writes its number to its key of both views. */
static void *
write_on(void *context)
{
    const struct writer *writer = context;
    const struct rig *rig = writer->rig;
    struct board *board = rig->board;
    uint32_t thread = writer->thread;
    uint64_t number = atomic_load(&board->durable[thread]);
    feature_batch *batches[2];
    bool is_torn = rig->plant == PLANT_TORN;

    well(feature_batch_create(writer->store, "left", NULL, FEATURE_UPSERT,
                              &batches[0], E));
    well(feature_batch_create(writer->store, "right", NULL, FEATURE_UPSERT,
                              &batches[1], E));
    for (;;) {
        atomic_store(&board->started[thread], ++number);
        if (rig->plant == PLANT_EARLY)
            atomic_store(&board->acknowledged[thread], number);
        for (int i = 0; i < 2; i++)
            set_row(batches[i], thread, (int64_t)number);
        well(feature_store_write(writer->store, batches, is_torn ? 1 : 2, NULL,
                                 NULL, E));
        if (is_torn)
            well(feature_store_write(writer->store, batches + 1, 1, NULL, NULL,
                                     E));
        atomic_store(&board->acknowledged[thread], number);
    }
    return NULL;
}

static void
write_all(void *context)
{
    struct rig *rig = context;
    feature_store *store = open_store(rig, 0);
    struct writer writers[THREADS];
    pthread_t threads[THREADS];

    for (uint32_t i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.rig = rig, .store = store, .thread = i};
        if (pthread_create(&threads[i], NULL, write_on, &writers[i]))
            give_up("pthread_create", "no thread");
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void
create(void *context)
{
    const struct rig *rig = context;
    feature_store *store = open_store(rig, FEATURE_OPEN_CREATE);

    well(feature_store_apply(store, DEFINITIONS, NULL, NULL, E));
    feature_store_close(store);
}

/* --- looking --------------------------------------------------------------------- */

static void
read_numbers(feature_store *store, struct feature_column columns[2])
{
    static const int64_t keys[THREADS] = {0, 1, 2, 3};
    feature_request *request;
    feature_query *query;

    well(feature_query_create(store, "left(n AS l), right(n AS r)", NULL,
                              &query, E));
    well(feature_request_create(query, &request, E));
    well(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                 NULL, THREADS, E));
    well(feature_request_read(request, E));
    well(feature_request_columns(request, columns, 2, E));
}

static void
judge(struct board *board, uint32_t thread, uint64_t left, uint64_t right)
{
    uint64_t told = atomic_load(&board->acknowledged[thread]);

    if (left != right)
        atomic_fetch_add(&board->torn, 1);
    if (left < told || right < told)
        atomic_fetch_add(&board->lost, 1);
    if (left > atomic_load(&board->started[thread]))
        atomic_fetch_add(&board->beyond, 1);
    if (left != right || left < told)
        fprintf(stderr,
                "thread %" PRIu32 ": %" PRIu64 " was acknowledged, the store "
                "has %" PRIu64 " and %" PRIu64 "\n",
                thread, told, left, right);
    atomic_store(&board->durable[thread], left);
    atomic_store(&board->started[thread], left);
    atomic_store(&board->acknowledged[thread], left);
}

static void
look(void *context)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct rig *rig = context;
    struct board *board = rig->board;
    struct feature_column columns[2];
    feature_store *store;

    alarm(LONGEST_S);
    store = open_store(rig, 0);
    /* A commit that was in flight comes to light when another one is begun. */
    well(feature_store_apply(store, DEFINITIONS, NULL, NULL, E));
    read_numbers(store, columns);
    for (uint32_t i = 0; i < THREADS; i++)
        judge(board, i, ((const uint64_t *)columns[0].values)[i],
              ((const uint64_t *)columns[1].values)[i]);
    well(feature_store_stats(store, &stats, E));
    atomic_store(&board->sequence, stats.sequence);
    atomic_store(&board->transactions, stats.transaction);
    if (!rig->verifies)
        return;
    well(feature_store_verify(rig->path, NULL, &report, NULL, E));
    atomic_fetch_add(&board->findings, report.findings);
}

/* --- rounds ---------------------------------------------------------------------- */

static bool
is_violated(const struct board *board, uint64_t crashes)
{
    return board->lost || board->torn || board->beyond || board->findings ||
           crashes;
}

static uint64_t
shared(const struct board *board)
{
    return board->sequence > board->transactions
               ? board->sequence - board->transactions
               : 0;
}

static int
run(struct rig *rig, uint64_t count, uint64_t seed)
{
    struct board *board = rig->board;
    uint64_t kills = 0, crashes = 0;

    if (await_child(start_child(create, rig)))
        give_up(rig->path, "cannot be created");
    while (kills < count && !is_violated(board, crashes)) {
        pid_t child = start_child(write_all, rig);

        sleep_us(LEAST_US + roll_below(&rig->dice, SPREAD_US));
        crashes += !kill_child(child);
        rig->verifies = kills++ % VERIFY_EVERY == 0;
        crashes += await_child(start_child(look, rig)) != 0;
    }
    printf("kills=%" PRIu64 " calls=%" PRIu64 " that_shared_a_commit=%" PRIu64
           " acknowledged_lost=%" PRIu64 " torn=%" PRIu64
           " beyond_started=%" PRIu64 " verify_findings=%" PRIu64
           " crashes=%" PRIu64 " seed=%" PRIu64 "\n",
           kills, board->sequence, shared(board), board->lost, board->torn,
           board->beyond, board->findings, crashes, seed);
    if (is_violated(board, crashes))
        return RIG_VIOLATED;
    if (board->sequence >= kills && shared(board) >= kills / 10)
        return RIG_GOOD;
    fprintf(stderr, "too few of the calls shared a commit\n");
    return RIG_NOT_RUN;
}

int
main(int count, char **arguments)
{
    struct rig rig = {.board = share(sizeof *rig.board)};
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : SEED;
    int status;

    if (count < 2)
        give_up("usage", "kill_group COUNT [SEED] [none|early|torn]");
    if (count > 3)
        rig.plant = !strcmp(arguments[3], "early")  ? PLANT_EARLY
                    : !strcmp(arguments[3], "torn") ? PLANT_TORN
                                                    : PLANT_NONE;
    make_scratch(rig.directory);
    snprintf(rig.path, sizeof rig.path, "%s/store", rig.directory);
    rig.dice = seed;
    status = run(&rig, strtoull(arguments[1], NULL, 10), seed);
    remove_scratch(rig.directory);
    return status;
}
