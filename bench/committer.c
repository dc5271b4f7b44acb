/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that commits.
 *
 * Owns its batch; writes rows of the first view with the values they have
 * already, at ever later times, so that readers can go on checking.
 * Keeps committing from resume to pause, one durable commit after the other.
 * Never stops in the middle of a commit.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "speed.h"

struct committer {
    const struct dataset *data;
    feature_store *store;
    uint32_t rows;
    pthread_t thread;
    atomic_bool is_running;
    atomic_bool is_over;
    atomic_bool is_idle;
    _Atomic(uint64_t) commits;
};

static void
commit_once(struct committer *at, struct columns *columns, feature_batch *batch,
            struct random *random, uint64_t *ids)
{
    for (uint32_t i = 0; i < at->rows; i++)
        ids[i] = random_below(random, at->data->rows);
    columns_fill(columns, 0, ids, at->rows,
                 FIRST_TIME + 1000 + (int64_t)at->commits);
    columns_set(columns, batch);
    store_write(at->store, batch);
    at->commits++;
}

static void *
run(void *context)
{
    struct committer *at = context;
    struct columns *columns = columns_make(at->data, at->rows);
    uint64_t *ids = bench_alloc(at->rows, sizeof *ids);
    feature_batch *batch = store_batch(at->store, 0);
    struct random random = {600};

    bench_pin(1);
    while (!at->is_over) {
        if (at->is_running) {
            at->is_idle = false;
            commit_once(at, columns, batch, &random, ids);
            continue;
        }
        at->is_idle = true;
        usleep(200);
    }
    feature_batch_free(batch);
    columns_free(columns);
    free(ids);
    return NULL;
}

struct committer *
committer_start(const struct dataset *data, feature_store *store, uint32_t rows)
{
    struct committer *made = bench_alloc(1, sizeof *made);

    made->data = data;
    made->store = store;
    made->rows = rows;
    made->is_idle = true;
    if (pthread_create(&made->thread, NULL, run, made))
        bench_fail("no thread");
    return made;
}

void
committer_resume(struct committer *committer)
{
    uint64_t before = committer->commits;

    committer->is_running = true;
    while (committer->commits == before)
        usleep(100);
}

void
committer_pause(struct committer *committer)
{
    committer->is_running = false;
    while (!committer->is_idle)
        usleep(100);
}

uint64_t
committer_stop(struct committer *committer)
{
    uint64_t commits;

    committer_pause(committer);
    committer->is_over = true;
    pthread_join(committer->thread, NULL);
    commits = committer->commits;
    free(committer);
    return commits;
}
