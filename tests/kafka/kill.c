/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumers of Kafka that are killed: kill [ROUNDS [SEED [PLANT]]].
 *
 * First at every point of their way, before and behind each assignment and each
 * commit; then ROUNDS times at random while records go on coming. After each
 * every record that was made is in the store once, in order, or a dead letter.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cluster.h"

#define ROUNDS  25
#define RECORDS 150 /* for the way with the points */
#define EACH    24  /* more in a random round */

struct run {
    struct cluster cluster;
    const char *plant;
    uint64_t dice, points, kills, commits;
};

static struct start
starting(const struct run *run, bool until_end)
{
    return (struct start){
        .options = {"--dead-letter", run->cluster.letters, "--batch", "16",
                    until_end ? "--until-end" : NULL},
        .plant = run->plant,
    };
}

static bool
was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* To the end; false where the consumer fails or a record is not there once. */
static bool
finish(struct run *run)
{
    struct start start = starting(run, true);
    int status = run_consumer(&run->cluster, &start);

    if (status) {
        fprintf(stderr, "the consumer ended with status %#x\n",
                (unsigned)status);
        return false;
    }
    run->commits += (uint64_t)figure(&run->cluster, "commits");
    return is_exact(&run->cluster);
}

/* Dies at one point after the other, until the way has no more. */
static bool
kill_at_points(struct run *run)
{
    struct start start = starting(run, true);
    int status = 0;

    make_records(&run->cluster, RECORDS);
    do {
        start.kill_at++;
        fresh_store(&run->cluster);
        status = run_consumer(&run->cluster, &start);
        if (!was_killed(status) && status) {
            fprintf(stderr, "the consumer ended with status %#x\n",
                    (unsigned)status);
            return false;
        }
        run->points += was_killed(status);
        if (!finish(run)) {
            fprintf(stderr, "after a kill at point %" PRIu32 "\n",
                    start.kill_at);
            return false;
        }
    } while (was_killed(status));
    return true;
}

static bool
kill_at_random(struct run *run, uint64_t rounds)
{
    struct start start = starting(run, false);

    fresh_store(&run->cluster);
    for (uint64_t round = 0; round < rounds; round++) {
        pid_t child;

        make_records(&run->cluster, run->cluster.shared->made + EACH);
        child = start_consumer(&run->cluster, &start);
        sleep_us(5000 + roll_below(&run->dice, 90000));
        if (!kill_child(child)) {
            fprintf(stderr, "the consumer ended by itself\n");
            return false;
        }
        run->kills++;
        if (round % 25 == 24 && !finish(run)) {
            fprintf(stderr, "after round %" PRIu64 "\n", round);
            return false;
        }
    }
    return finish(run);
}

int
main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : ROUNDS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct run run = {.plant = argc > 3 ? argv[3] : NULL, .dice = seed};
    bool good;

    cluster_begin(&run.cluster);
    good = kill_at_points(&run) && kill_at_random(&run, rounds);
    printf("points=%" PRIu64 " kills=%" PRIu64 " records=%" PRIu64
           " commits=%" PRIu64 " violations=%d seed=%" PRIu64 "\n",
           run.points, run.kills, (uint64_t)run.cluster.shared->made,
           run.commits, !good, seed);
    cluster_end(&run.cluster);
    return good ? RIG_GOOD : RIG_VIOLATED;
}
