/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What history and the change feed cost a write.
 *
 *     times_write write plain|feed|history DIRECTORY ROWS scan|random
 *     times_write raw one|two DIRECTORY ROWS scan|random
 *     times_write visible DIRECTORY COMMITS
 *     times_write chase LEADER FOLLOWER ROWS
 *
 * Owns the writers of bench/times.py. `scan` writes all entities of a new view
 * one after the other, ten times; `random` as many rows to entities as they
 * come, of a view that has a row of each.
 * Keeps beside them what LMDB alone takes for a put a row, and for two, of
 * records of the same sizes: a second record has that price for everybody.
 * Never puts the making of data, or of the first rows, into a time.
 */
#include <inttypes.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "times.h"

#define CHUNK 100000 /* rows of a commit that loads */
#define SMALL 500    /* rows of a commit that is measured */

/* Sizes of what the store keeps of a row of four numbers. */
#define ROW_SIZE     56
#define VERSION_SIZE 72
#define PLACE_SIZE   20 /* behind the key of a version */

static struct times_rows
rows_of(const char *order, size_t count)
{
    if (!strcmp(order, "random"))
        return times_updates((int64_t)count, count);
    return times_history((int64_t)(count / 10), 10);
}

/* Prints seconds and the bytes that are in use afterwards. */
static void
measure_write(const char *kind, const char *directory, size_t count,
              const char *order)
{
    int with_history = !strcmp(kind, "history");
    int with_feed = !strcmp(kind, "feed");
    struct times_rows rows = rows_of(order, count);
    struct feature_stats stats = {.struct_size = sizeof stats};
    feature_store *store = times_store(
        directory, with_history ? " WITH (history = '36500 days')" : "",
        with_feed ? "STORE WITH (changes = '3 days');" : "");
    double begun;

    if (!strcmp(order, "random")) {
        struct times_rows first = times_history((int64_t)count, 1);

        times_write(store, &first, CHUNK);
    }
    begun = times_now();
    times_write(store, &rows, SMALL);
    begun = times_now() - begun;
    times_must(feature_store_stats(store, &stats, &times_error));
    printf("%.6f %" PRIu64 "\n", begun, stats.used_size);
    feature_store_close(store);
}

/* --- LMDB alone ------------------------------------------------------------------ */

static void
must_lmdb(int code)
{
    if (code)
        times_die("times_write: %s", mdb_strerror(code));
}

static void
store_big(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* One commit: the row, and with two the version, whose time is complemented. */
static void
put_rows(MDB_env *environment, const struct times_rows *rows, int is_two)
{
    MDB_cursor *cursors[2];
    MDB_txn *txn;

    must_lmdb(mdb_txn_begin(environment, NULL, 0, &txn));
    for (int i = 0; i < 2; i++) {
        MDB_dbi handle;

        must_lmdb(
            mdb_dbi_open(txn, i ? "version" : "row", MDB_CREATE, &handle));
        must_lmdb(mdb_cursor_open(txn, handle, &cursors[i]));
    }
    for (size_t i = 0; i < rows->count; i++) {
        uint8_t name[8 + PLACE_SIZE] = {0}, bytes[VERSION_SIZE] = {0};
        MDB_val key = {8, name}, value = {ROW_SIZE, bytes};

        store_big(name, (uint64_t)rows->keys[i]);
        store_big(name + 8, ~(uint64_t)rows->times[i]);
        must_lmdb(mdb_cursor_put(cursors[0], &key, &value, 0));
        key.mv_size = sizeof name;
        value.mv_size = sizeof bytes;
        if (is_two)
            must_lmdb(mdb_cursor_put(cursors[1], &key, &value, 0));
    }
    mdb_cursor_close(cursors[0]);
    mdb_cursor_close(cursors[1]);
    must_lmdb(mdb_txn_commit(txn));
}

static void
put_chunks(MDB_env *environment, const struct times_rows *rows, int is_two,
           size_t chunk)
{
    for (size_t at = 0; at < rows->count; at += chunk) {
        size_t left = rows->count - at;
        struct times_rows part =
            times_slice(rows, at, left < chunk ? left : chunk);

        put_rows(environment, &part, is_two);
    }
}

/* Prints seconds. */
static void
measure_raw(const char *kind, const char *directory, size_t count,
            const char *order)
{
    struct times_rows rows = rows_of(order, count);
    int is_two = !strcmp(kind, "two");
    MDB_env *environment;
    double begun;

    mkdir(directory, 0700);
    must_lmdb(mdb_env_create(&environment));
    must_lmdb(mdb_env_set_maxdbs(environment, 2));
    must_lmdb(mdb_env_set_mapsize(environment, (size_t)8 << 30));
    must_lmdb(mdb_env_open(environment, directory, 0, 0600));
    if (!strcmp(order, "random")) {
        struct times_rows first = times_history((int64_t)count, 1);

        put_chunks(environment, &first, is_two, CHUNK);
    }
    begun = times_now();
    put_chunks(environment, &rows, is_two, SMALL);
    printf("%.6f\n", times_now() - begun);
    mdb_env_close(environment);
}

/* --- from commit to visible ---------------------------------------------------- */

struct seen {
    _Atomic uint64_t sequence;
    _Atomic uint64_t at; /* bits of a double */
};

static void
watch(const char *path, struct seen *seen)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    const int64_t key = 0;
    feature_request *request;
    feature_store *store;
    feature_query *query;

    times_must(feature_store_open(path, &options, &store, &times_error));
    times_must(feature_query_create(store, "v(a)", NULL, &query, &times_error));
    times_must(feature_request_create(query, &request, &times_error));
    times_must(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, &key,
                                       NULL, NULL, 1, &times_error));
    for (;;) {
        uint64_t sequence, bits;
        double now;

        times_must(feature_request_read(request, &times_error));
        now = times_now();
        sequence = feature_request_commit(request);
        if (sequence == seen->sequence)
            continue;
        memcpy(&bits, &now, sizeof bits);
        seen->at = bits;
        seen->sequence = sequence;
    }
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Prints median and 99th percentile in microseconds. */
static void
measure_visible(const char *directory, size_t commits)
{
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec pause = {.tv_nsec = 2000000};
    struct times_rows rows = times_history(1, (int64_t)commits);
    double *delays = times_room(commits * sizeof *delays);
    feature_store *store = times_store(directory, "", "");
    pid_t child;

    feature_store_close(store);
    fflush(stdout);
    child = fork();
    if (!child)
        watch(directory, seen);
    store = times_store(directory, "", "");
    while (!seen->sequence)
        nanosleep(&pause, NULL);
    for (size_t i = 0; i < commits; i++) {
        uint64_t before = seen->sequence, bits;
        struct times_rows one = times_slice(&rows, i, 1);
        double done, at;

        times_write(store, &one, 1);
        done = times_now();
        while (seen->sequence == before)
            ;
        bits = seen->at;
        memcpy(&at, &bits, sizeof at);
        delays[i] = at > done ? at - done : 0;
        nanosleep(&pause, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    qsort(delays, commits, sizeof *delays, by_value);
    printf("%.3f %.3f\n", 1e6 * delays[commits / 2],
           1e6 * delays[commits * 99 / 100]);
    feature_store_close(store);
}

/* --- a follower ------------------------------------------------------------------ */

static uint64_t
sequence_of(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    times_must(feature_store_stats(store, &stats, &times_error));
    return stats.sequence;
}

/* Writes at full speed while somebody keeps the follower after the leader. Prints
 * seconds to write, seconds until the follower has it all, and by how many
 * commits it lay behind, in the middle and at most. */
static void
chase(const char *leader_path, const char *follower_path, size_t count)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    struct times_rows rows = times_updates((int64_t)count, count);
    size_t commits = (count + SMALL - 1) / SMALL;
    double *behind = times_room(commits * sizeof *behind), begun, written;
    feature_store *leader = times_store(leader_path, "", ""), *follower;

    times_must(
        feature_store_open(follower_path, &options, &follower, &times_error));
    begun = times_now();
    for (size_t i = 0; i < commits; i++) {
        size_t at = i * SMALL, left = count - at;
        struct times_rows part =
            times_slice(&rows, at, left < SMALL ? left : SMALL);

        times_write(leader, &part, SMALL);
        behind[i] = (double)(sequence_of(leader) - sequence_of(follower));
    }
    written = times_now();
    while (sequence_of(follower) < sequence_of(leader))
        usleep(200);
    printf("%.6f %.6f ", written - begun, times_now() - begun);
    qsort(behind, commits, sizeof *behind, by_value);
    printf("%.0f %.0f\n", behind[commits / 2], behind[commits - 1]);
    feature_store_close(follower);
    feature_store_close(leader);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "write") && argc == 6)
        measure_write(argv[2], argv[3], (size_t)atoll(argv[4]), argv[5]);
    else if (!strcmp(what, "raw") && argc == 6)
        measure_raw(argv[2], argv[3], (size_t)atoll(argv[4]), argv[5]);
    else if (!strcmp(what, "visible") && argc == 4)
        measure_visible(argv[2], (size_t)atoll(argv[3]));
    else if (!strcmp(what, "chase") && argc == 5)
        chase(argv[2], argv[3], (size_t)atoll(argv[4]));
    else
        times_die("usage: see the top of bench/times_write.c");
    return 0;
}
