/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leader and a follower, each killed at random:
 *
 *     follow_kill [ROUNDS [SEED [early]]]
 *
 * Whatever the leader acknowledged is there, each record of its source counts
 * once, and the follower, once it has caught up, holds the same. Every now and
 * then both are verified, a third store is made of all records from the first
 * one on, a random suffix of them is applied again, a record is left out and the
 * feed is cut off; then new stores begin. `early` plants an acknowledgement before
 * the commit, which has to be found.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "draw.h"
#include "feed.h"

#define ROUNDS       5
#define VERIFY_EACH  10 /* rounds */
#define GENERATION   50 /* rounds, then new stores */
#define TRY_TWICE_IN 20 /* records of a third store */

static long rounds = ROUNDS;
static bool is_early;

/* What was done, for the last line. */
static struct {
    uint64_t kills, commits, caught_up, verified, generations;
    uint64_t rebuilt, replayed, left_out, cut_off;
} tally;

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
        if (is_early)
            told->acknowledged = source.next_offset;
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
    tally.kills++;
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
follow_next(feature_store *replica, const struct feature_change_record *record)
{
    must(feature_store_follow(replica, record->bytes, (size_t)record->size,
                              NULL, &problem));
}

static void
catch_up(struct fixture *f, feature_store *replica)
{
    uint64_t since = meta_of(replica).sequence;
    feature_changes *changes = open_changes(f->store, since);
    struct feature_change_record record;

    for (;;) {
        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        follow_next(replica, &record);
        tally.caught_up++;
    }
    feature_changes_free(changes);
    expect_same(f->store, replica);
}

static void
check_round(struct fixture *f, const char *replica_path,
            const struct told *told, bool is_verified)
{
    feature_store *replica;
    uint64_t next = 0, at;

    assert_int_equal(told->failed, 0);
    if (is_verified) {
        expect_sound(f->path);
        expect_sound(replica_path);
        tally.verified += 2;
    }
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
    catch_up(f, replica);
    feature_store_close(replica);
    close_store(f);
}

/* --- the end of a generation -------------------------------------------------- */

static uint64_t
transaction_of(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};

    must(feature_store_stats(store, &stats, &problem));
    return stats.transaction;
}

/* A record that is not the next one is an error and changes nothing. */
static void
leave_one_out(feature_store *store, feature_changes *changes,
              struct feature_change_record *record)
{
    uint64_t before = transaction_of(store);
    uint64_t sequence = record->sequence;

    must(feature_changes_next(changes, record, &problem));
    if (!record->bytes)
        return;
    assert_int_equal(record->sequence, sequence + 1);
    assert_int_equal(feature_store_follow(store, record->bytes,
                                          (size_t)record->size, NULL, &problem),
                     FEATURE_GAP);
    assert_int_equal(transaction_of(store), before);
    tally.left_out++;
}

/* An empty store and all records are the store. */
static void
rebuild(struct fixture *f, feature_store *store)
{
    feature_changes *changes = open_changes(f->store, 0);
    struct feature_change_record record;

    for (;;) {
        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        follow_next(store, &record);
        tally.rebuilt++;
        if (draw_one_in(TRY_TWICE_IN)) {
            uint64_t at = record.sequence;

            must(feature_changes_next(changes, &record, &problem));
            if (!record.bytes)
                break;
            leave_one_out(store, changes, &record);
            feature_changes_free(changes);
            changes = open_changes(f->store, at);
        }
    }
    feature_changes_free(changes);
    expect_same(f->store, store);
}

/* Any suffix again changes nothing, not even the file's newest transaction. */
static void
replay_suffix(struct fixture *f, feature_store *store)
{
    uint64_t head = meta_of(f->store).sequence, before = transaction_of(store);
    feature_changes *changes = open_changes(f->store, draw_below(head));
    struct feature_change_record record;

    for (;;) {
        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        follow_next(store, &record);
        tally.replayed++;
    }
    feature_changes_free(changes);
    assert_int_equal(transaction_of(store), before);
    expect_same(f->store, store);
}

/* Whoever asks for a record that is gone is told. */
static void
cut_off(struct fixture *f)
{
    struct feature_changes_options options = {
        .struct_size = sizeof options, .since = meta_of(f->store).sequence - 1};
    feature_changes *changes = NULL;

    must(feature_store_apply(f->store, "STORE WITH (changes = 'none')", NULL,
                             NULL, &problem));
    must(feature_store_apply(f->store, FEED_ON, NULL, NULL, &problem));
    assert_int_equal(
        feature_changes_open(f->store, &options, &changes, &problem),
        FEATURE_GAP);
    assert_string_equal(problem.reason, "feed-truncated");
    tally.cut_off++;
}

static void
end_generation(struct fixture *f)
{
    char path[TEST_PATH_SIZE + 32];
    feature_store *third;

    open_store(f);
    third = open_beside(f, "third");
    rebuild(f, third);
    for (int i = 0; i < 3; i++)
        replay_suffix(f, third);
    feature_store_close(third);
    snprintf(path, sizeof path, "%s/third", f->directory);
    expect_sound(path);
    remove_directory(path);
    tally.commits += meta_of(f->store).sequence;
    tally.generations++;
    cut_off(f);
    close_store(f);
}

/* --- rounds ------------------------------------------------------------------- */

static void
begin_generation(struct fixture *f, const char *replica, struct told *told)
{
    remove_directory(f->path);
    remove_directory(replica);
    memset(told, 0, sizeof *told);
    f->options.flags |= FEATURE_OPEN_CREATE;
    open_store(f);
    define(f, FEED_ON TRIPS);
    feature_store_close(open_beside(f, "replica"));
    close_store(f);
}

static void
run_round(struct fixture *f, const char *replica, struct told *told)
{
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
    close_store(f);
    for (long round = 0; round < rounds; round++) {
        bool is_last = round % GENERATION == GENERATION - 1 ||
                       round == rounds - 1;

        if (round % GENERATION == 0)
            begin_generation(f, replica, told);
        run_round(f, replica, told);
        check_round(f, replica, told, is_last || round % VERIFY_EACH == 0);
        told->followed = 0;
        if (is_last)
            end_generation(f);
    }
    assert_int_equal(munmap(told, sizeof *told), 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_at_random_nothing_is_lost_or_done_twice)};
    int failed;

    draw_begin();
    if (argc > 1)
        rounds = strtol(argv[1], NULL, 10);
    if (argc > 2)
        draw_seed = strtoull(argv[2], NULL, 0);
    is_early = argc > 3 && !strcmp(argv[3], "early");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("kills=%llu rounds=%ld commits=%llu caught_up=%llu rebuilt=%llu"
           " replayed=%llu gaps_found=%llu cut_feeds_found=%llu"
           " generations_equal=%llu verified=%llu lost=%d seed=%llu\n",
           (unsigned long long)tally.kills, rounds,
           (unsigned long long)tally.commits,
           (unsigned long long)tally.caught_up,
           (unsigned long long)tally.rebuilt,
           (unsigned long long)tally.replayed,
           (unsigned long long)tally.left_out,
           (unsigned long long)tally.cut_off,
           (unsigned long long)tally.generations,
           (unsigned long long)tally.verified, failed != 0,
           (unsigned long long)draw_seed);
    return failed ? 1 : 0;
}
