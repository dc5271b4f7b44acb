/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumers that die, beside a cluster that does not.
 *
 * Owns the directory and the process of the cluster.
 * Keeps librdkafka out of this process.
 * Never waits longer than a minute for anybody.
 */
#include "cluster.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"

#define WAIT_US INT64_C(60000000)

static void
await_count(const _Atomic(uint64_t) *made, uint64_t wanted)
{
    int64_t limit = steady_us() + WAIT_US;

    while (atomic_load(made) < wanted) {
        if (steady_us() > limit)
            give_up("the cluster", "makes no records");
        sleep_us(200);
    }
}

void
cluster_begin(struct cluster *cluster)
{
    *cluster = (struct cluster){.shared = share(sizeof *cluster->shared)};
    make_scratch(cluster->directory);
    snprintf(cluster->letters, sizeof cluster->letters, "%s/letters",
             cluster->directory);
    snprintf(cluster->said, sizeof cluster->said, "%s/said",
             cluster->directory);
    cluster->broker = start_child(be_broker, cluster->shared);
}

void
cluster_end(struct cluster *cluster)
{
    (void)kill_child(cluster->broker);
    remove_scratch(cluster->directory);
}

void
fresh_store(struct cluster *cluster)
{
    static const char definitions[] =
        "STORE WITH (changes = '30 days');"
        "CREATE ENTITY record (part INT64, number INT64);"
        "CREATE FEATURE VIEW records (amount INT64, note STRING) FOR record;";
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE};
    feature_store *store = NULL;

    if (cluster->store_number)
        remove_scratch(cluster->store);
    snprintf(cluster->store, sizeof cluster->store, "%s/store-%" PRIu32,
             cluster->directory, ++cluster->store_number);
    unlink(cluster->letters);
    well(feature_store_open(cluster->store, &options, &store, E));
    well(feature_store_apply(store, definitions, NULL, NULL, E));
    feature_store_close(store);
}

void
make_records(struct cluster *cluster, uint64_t count)
{
    cluster->shared->wanted = count;
    await_count(&cluster->shared->made, count);
}

/* The mock cluster keeps 5 MiB of a partition. */
void
truncate_partition(struct cluster *cluster)
{
    int64_t limit = steady_us() + WAIT_US;

    cluster->shared->flood_wanted += 120;
    while (cluster->shared->flood_made < cluster->shared->flood_wanted &&
           steady_us() < limit)
        sleep_us(1000);
    sleep_us(300000); /* until they are delivered, too */
}

/* --- consumers --------------------------------------------------------------- */

struct work {
    struct cluster *cluster;
    const struct start *start;
};

/* The consumer is beside this program. */
static void
find_program(char path[SCRATCH_SIZE])
{
    ssize_t size = readlink("/proc/self/exe", path, SCRATCH_SIZE - 16);

    if (size < 0)
        give_up("/proc/self/exe", "cannot be read");
    path[size] = '\0';
    strcpy(strrchr(path, '/'), "/consumer");
}

static void
set_environment(const struct start *start)
{
    char number[16];

    unsetenv("KAFKA_KILL_AT");
    unsetenv("KAFKA_PLANT");
    snprintf(number, sizeof number, "%" PRIu32, start->kill_at);
    if (start->kill_at)
        setenv("KAFKA_KILL_AT", number, 1);
    if (start->plant)
        setenv("KAFKA_PLANT", start->plant, 1);
}

static void
exec_consumer(void *context)
{
    const struct work *work = context;
    char program[SCRATCH_SIZE];
    const char *arguments[64] = {"kafka-ingest",
                                 "--store",
                                 work->cluster->store,
                                 "--view",
                                 "records",
                                 "--topic",
                                 TOPIC,
                                 "--brokers",
                                 work->cluster->shared->brokers,
                                 "--set",
                                 "fetch.wait.max.ms=10",
                                 "--set",
                                 "fetch.error.backoff.ms=5",
                                 "--set",
                                 "log_level=2",
                                 "--linger",
                                 "2"};
    int count = 17;
    int said = open(work->cluster->said, O_WRONLY | O_CREAT | O_APPEND, 0600);

    for (int i = 0; i < 12 && work->start->options[i]; i++)
        arguments[count++] = work->start->options[i];
    set_environment(work->start);
    find_program(program);
    dup2(said, 1);
    dup2(said, 2);
    execv(program, (char **)(uintptr_t)arguments);
    _exit(RIG_NOT_RUN);
}

pid_t
start_consumer(struct cluster *cluster, const struct start *start)
{
    struct work work = {cluster, start};

    return start_child(exec_consumer, &work);
}

int
run_consumer(struct cluster *cluster, const struct start *start)
{
    unlink(cluster->said);
    return await_child(start_consumer(cluster, start));
}

/* All that was said since the last run_consumer(). */
static char *
read_said(const struct cluster *cluster)
{
    static char text[65536];
    FILE *file = fopen(cluster->said, "r");
    size_t size = 0;

    if (file) {
        size = fread(text, 1, sizeof text - 1, file);
        fclose(file);
    }
    text[size] = '\0';
    return text;
}

int64_t
figure(const struct cluster *cluster, const char *name)
{
    const char *at = read_said(cluster), *found = NULL;
    char wanted[32];

    snprintf(wanted, sizeof wanted, "%s=", name);
    while ((at = strstr(at, wanted)) != NULL) {
        at += strlen(wanted);
        found = at;
    }
    return found ? strtoll(found, NULL, 10) : -1;
}

bool
has_said(const struct cluster *cluster, const char *text)
{
    return strstr(read_said(cluster), text) != NULL;
}
