/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leader and a follower, each killed at random: follow_kill [ROUNDS [SEED]].
 *
 * Whatever the leader acknowledged is there, each record of its source counts
 * once, and the follower, once it has caught up, holds the same.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "draw.h"
#include "feed.h"

#define ROUNDS 5

static long rounds = ROUNDS;

/* What the children tell, beyond their end. */
struct told {
    _Atomic(uint64_t) acknowledged; /* offsets of the leader's source */
    _Atomic(uint64_t) followed;
    _Atomic(int) failed;
};

/* Ingests from where the store says; no assertion of the parent's may run. */
static void
lead(const char *path, const struct feature_options *options, struct told *told)
{
    struct feature_source source = {.name = "orders"};
    struct feature_write_options write = {
        .struct_size = sizeof write, .sources = &source, .source_count = 1};
    feature_store *store = NULL;
    feature_batch *batch = NULL;

    if (feature_store_open(path, options, &store, NULL) ||
        feature_batch_create(store, "trips", "trip_id, event_timestamp, fare",
                             FEATURE_UPSERT, &batch, NULL)) {
        told->failed = 1;
        return;
    }
    (void)feature_store_offset(store, "orders", 0, &source.next_offset, NULL,
                               NULL, NULL);
    for (;;) {
        int64_t keys[50], times[50];
        double fares[50];

        source.first_offset = source.next_offset++;
        for (int64_t i = 0; i < 50; i++) {
            keys[i] = (int64_t)source.first_offset * 50 + i;
            times[i] = 100;
            fares[i] = (double)keys[i];
        }
        if (feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                              50, NULL) ||
            feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL,
                              NULL, 50, NULL) ||
            feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, fares, NULL, NULL,
                              50, NULL) ||
            feature_store_write(store, &batch, 1, &write, NULL, NULL)) {
            told->failed = 2;
            return;
        }
        told->acknowledged = source.next_offset;
    }
}

static void
tail(const char *path, const char *leader,
     const struct feature_options *options, struct told *told)
{
    struct feature_changes_options from = {.struct_size = sizeof from};
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_change_record record;
    feature_store *store = NULL, *source = NULL;
    feature_changes *changes = NULL;

    if (feature_store_open(path, options, &store, NULL) ||
        feature_store_open(leader, options, &source, NULL) ||
        feature_store_stats(store, &stats, NULL)) {
        told->failed = 3;
        return;
    }
    from.since = stats.sequence;
    if (feature_changes_open(source, &from, &changes, NULL)) {
        told->failed = 4;
        return;
    }
    for (;;) {
        if (feature_changes_next(changes, &record, NULL) ||
            (record.bytes &&
             feature_store_follow(store, record.bytes, (size_t)record.size,
                                  NULL, NULL)) ||
            (!record.bytes && feature_changes_wait(changes, 50, NULL))) {
            told->failed = 5;
            return;
        }
        if (record.bytes)
            told->followed = record.sequence;
    }
}

static pid_t
start(struct fixture *f, const char *replica, bool is_leader, struct told *told)
{
    pid_t child = fork();

    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (is_leader)
        lead(f->path, &f->options, told);
    else
        tail(replica, f->path, &f->options, told);
    _exit(told->failed);
}

static void
pause_ms(uint32_t most)
{
    struct timespec time = {0, (long)draw_below(most * 1000) * 1000};

    nanosleep(&time, NULL);
}

static void
end(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
expect_sound(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *text = NULL;

    must(feature_store_verify(path, NULL, &report, &text, &problem));
    if (report.findings)
        fail_msg("%s: %s", path, text);
    feature_free(text);
}

static void
check_round(struct fixture *f, const char *replica_path,
            const struct told *told)
{
    feature_store *replica;
    uint64_t next = 0, at;

    assert_int_equal(told->failed, 0);
    expect_sound(f->path);
    expect_sound(replica_path);
    open_store(f);
    replica = open_beside(f, "replica");
    (void)feature_store_offset(f->store, "orders", 0, &next, NULL, NULL, NULL);
    assert_true(next >= told->acknowledged);
    assert_true(next <= told->acknowledged + 1);
    assert_int_equal(view_of(f->store, 2).applied, next * 50);
    assert_int_equal(view_of(f->store, 2).row_entries, next * 50);
    at = meta_of(replica).sequence;
    assert_true(at >= told->followed);
    assert_true(at <= meta_of(f->store).sequence);
    while (meta_of(replica).sequence < meta_of(f->store).sequence) {
        feature_changes *changes =
            open_changes(f->store, meta_of(replica).sequence);
        struct feature_change_record record;

        must(feature_changes_next(changes, &record, &problem));
        must(feature_store_follow(replica, record.bytes, (size_t)record.size,
                                  NULL, &problem));
        feature_changes_free(changes);
    }
    expect_same(f->store, replica);
    feature_store_close(replica);
    close_store(f);
}

static void
killed_at_random_nothing_is_lost_or_done_twice(void **state)
{
    struct fixture *f = *state;
    char replica[TEST_PATH_SIZE + 32];
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(told != MAP_FAILED);
    draw_state = draw_seed;
    snprintf(replica, sizeof replica, "%s/replica", f->directory);
    define(f, FEED_ON TRIPS);
    f->options.flags |= FEATURE_OPEN_CREATE;
    feature_store_close(open_beside(f, "replica"));
    close_store(f);
    for (long round = 0; round < rounds; round++) {
        pid_t leader = start(f, replica, true, told);
        pid_t follower = start(f, replica, false, told);

        for (uint32_t i = draw_below(3); i; i--) {
            pause_ms(30);
            end(follower);
            follower = start(f, replica, false, told);
        }
        pause_ms(60);
        if (draw_one_in(2)) {
            end(leader);
            pause_ms(20);
            end(follower);
        } else {
            end(follower);
            pause_ms(20);
            end(leader);
        }
        check_round(f, replica, told);
        told->followed = 0;
    }
    print_message("rounds=%ld acknowledged=%llu\n", rounds,
                  (unsigned long long)told->acknowledged);
    assert_int_equal(munmap(told, sizeof *told), 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_at_random_nothing_is_lost_or_done_twice)};

    draw_begin();
    if (argc > 1)
        rounds = strtol(argv[1], NULL, 10);
    if (argc > 2)
        draw_seed = strtoull(argv[2], NULL, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
