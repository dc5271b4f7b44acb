/* SPDX-License-Identifier: Apache-2.0 */
/* What may happen to a consumer of Kafka, beside being killed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster.h"
#include "support.h"

#define FAILED (1 << 8) /* as waitpid() has it */
#define LONG   INT64_C(60000000)

struct scene {
    struct cluster cluster;
    struct start to_end;   /* with dead letters */
    struct start for_ever; /* the same, until it is stopped */
};

static int
scene_begin(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    cluster_begin(&s->cluster);
    fresh_store(&s->cluster);
    s->to_end.options[0] = s->for_ever.options[0] = "--dead-letter";
    s->to_end.options[1] = s->for_ever.options[1] = s->cluster.letters;
    s->to_end.options[2] = "--until-end";
    *state = s;
    return 0;
}

static int
scene_end(void **state)
{
    struct scene *s = *state;

    cluster_end(&s->cluster);
    free(s);
    return 0;
}

static void
add_option(struct start *start, const char *option)
{
    for (int i = 0; i < 12; i++)
        if (!start->options[i]) {
            start->options[i] = option;
            return;
        }
    fail_msg("too many options");
}

/* Until the store has the rows and dead letters of all records. */
static void
await_all(struct scene *s)
{
    int64_t limit = steady_us() + LONG;
    uint64_t found = 0;

    while (found < s->cluster.shared->made) {
        struct tally tally = tally_store(&s->cluster);

        found = tally.rows[0] + tally.rows[1] + tally.rows[2] + tally.letters;
        assert_true(steady_us() < limit);
        sleep_us(20000);
    }
}

/* The same of the rows alone, where dead letters are in several files; each is
 * there once, and in order. */
static void
await_rows(struct scene *s)
{
    uint64_t wanted = good_of(s->cluster.shared->made / PARTITIONS);
    int64_t limit = steady_us() + LONG;
    struct tally tally;

    do {
        assert_true(steady_us() < limit);
        sleep_us(20000);
        tally = tally_store(&s->cluster);
        assert_int_equal(tally.lost + tally.twice + tally.wrong, 0);
    } while (tally.rows[0] < wanted || tally.rows[1] < wanted ||
             tally.rows[2] < wanted);
}

/* What waitpid() says of a child that has to end by itself. */
static int
await_end(pid_t child)
{
    int64_t limit = steady_us() + LONG / 3;
    int status = 0;

    while (waitpid(child, &status, WNOHANG) != child) {
        if (steady_us() > limit) {
            (void)kill_child(child);
            fail_msg("the consumer goes on");
        }
        sleep_us(2000);
    }
    return status;
}

static void
end_by(pid_t child, int number)
{
    assert_int_equal(kill(child, number), 0);
    assert_int_equal(await_child(child), number == SIGKILL ? SIGKILL : 0);
}

static void
what_was_written_before_is_a_duplicate(void **state)
{
    struct scene *s = *state;
    uint64_t good = 3 * good_of(200);

    make_records(&s->cluster, 600);
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    assert_int_equal(figure(&s->cluster, "applied"), good);
    assert_int_equal(figure(&s->cluster, "dead"), 600 - good);
    s->to_end.plant = "rewind";
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    assert_int_equal(figure(&s->cluster, "applied"), 0);
    assert_int_equal(figure(&s->cluster, "duplicate"), good);
    assert_true(is_exact(&s->cluster));
}

/* Batches of 70 behind 100 records: the second begins before and ends behind. */
static void
what_was_written_in_part_is_read_again_from_where_the_store_is(void **state)
{
    struct scene *s = *state;
    struct start again = s->to_end;

    make_records(&s->cluster, 300);
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    make_records(&s->cluster, 3000);
    add_option(&again, "--batch");
    add_option(&again, "70");
    add_option(&again, "--linger");
    add_option(&again, "10000");
    add_option(&again, "--partitions");
    add_option(&again, "0");
    again.plant = "rewind";
    assert_int_equal(run_consumer(&s->cluster, &again), 0);
    assert_int_equal(figure(&s->cluster, "duplicate"), good_of(70));
    assert_int_equal(figure(&s->cluster, "fenced"), 1);
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    assert_true(is_exact(&s->cluster));
}

static void
two_consumers_of_one_store_write_each_record_once(void **state)
{
    struct scene *s = *state;
    struct start other = s->to_end;
    char letters[SCRATCH_SIZE + 32];
    pid_t first, second;

    snprintf(letters, sizeof letters, "%s-of-the-other", s->cluster.letters);
    other.options[1] = letters;
    make_records(&s->cluster, 3000);
    first = start_consumer(&s->cluster, &s->to_end);
    second = start_consumer(&s->cluster, &other);
    (void)await_child(first);
    (void)await_child(second);
    /* One of them may have given up; a third goes on behind both. */
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    await_rows(s);
}

static void
a_member_of_a_group_goes_on_where_another_one_was(void **state)
{
    struct scene *s = *state;
    struct start other;
    char letters[SCRATCH_SIZE + 32];
    int64_t limit = steady_us() + LONG;
    uint64_t dice = 1;
    pid_t first, second;

    add_option(&s->for_ever, "--group");
    add_option(&s->for_ever, "crew");
    add_option(&s->for_ever, "--set");
    add_option(&s->for_ever, "session.timeout.ms=4000");
    add_option(&s->for_ever, "--set");
    add_option(&s->for_ever, "heartbeat.interval.ms=100");
    other = s->for_ever;
    snprintf(letters, sizeof letters, "%s-of-the-other", s->cluster.letters);
    other.options[1] = letters;
    unlink(s->cluster.said);
    make_records(&s->cluster, 90);
    first = start_consumer(&s->cluster, &s->for_ever);
    await_all(s);
    second = start_consumer(&s->cluster, &other);
    while (!has_said(&s->cluster, "1 partitions from the group") ||
           !has_said(&s->cluster, "2 partitions from the group")) {
        assert_true(steady_us() < limit);
        make_records(&s->cluster, s->cluster.shared->made + 3);
        sleep_us(20000);
    }
    make_records(&s->cluster, s->cluster.shared->made + 300);
    sleep_us(roll_below(&dice, 50000));
    end_by(first, SIGKILL);
    make_records(&s->cluster,
                 s->cluster.shared->made + 303 - s->cluster.shared->made % 3);
    await_rows(s);
    end_by(second, SIGTERM);
}

/* Of partition 0, whose first 20 records were read. */
static void
truncation_is_an_error_until_the_loss_is_accepted(void **state)
{
    struct scene *s = *state;
    struct tally before, after;

    make_records(&s->cluster, 60);
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    truncate_partition(&s->cluster);
    before = tally_store(&s->cluster);
    add_option(&s->to_end, "--set");
    add_option(&s->to_end, "auto.offset.reset=latest"); /* changes nothing */
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), FAILED);
    assert_true(has_said(&s->cluster,
                         "records, partition 0: truncated: the store goes on "
                         "at offset 20, the first available is "));
    after = tally_store(&s->cluster);
    assert_memory_equal(&before, &after, sizeof before);

    add_option(&s->to_end, "--accept-loss");
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    assert_true(has_said(&s->cluster, "jumped from offset 20 to "));
    assert_true(figure(&s->cluster, "lost") > 0);
    assert_true(figure(&s->cluster, "applied") > 0);
    after = tally_store(&s->cluster);
    assert_true(after.lost > 0);
    assert_int_equal(after.twice + after.wrong, 0);
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    assert_int_equal(figure(&s->cluster, "lost"), 0);
}

static void
truncation_below_a_running_consumer_stops_it(void **state)
{
    struct scene *s = *state;
    pid_t child;

    unlink(s->cluster.said);
    make_records(&s->cluster, 60);
    child = start_consumer(&s->cluster, &s->for_ever);
    await_all(s);
    assert_int_equal(kill(child, SIGSTOP), 0);
    truncate_partition(&s->cluster);
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(await_end(child), FAILED);
    assert_true(has_said(&s->cluster, "partition 0: truncated: the store"));
}

/* A bad record is the 37th of each partition. */
static void
without_dead_letters_a_bad_record_is_the_end(void **state)
{
    struct scene *s = *state;
    struct start strict = {.options = {"--until-end", "--partitions", "1"}};

    make_records(&s->cluster, 300);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_consumer(&s->cluster, &strict), FAILED);
        assert_true(has_said(&s->cluster,
                             "records, partition 1, offset 36: not a JSON"));
        assert_int_equal(figure(&s->cluster, "applied"), i ? 0 : 36);
    }
    assert_int_equal(tally_store(&s->cluster).rows[1], 36);
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), 0);
    assert_true(is_exact(&s->cluster));
}

static void
a_consumer_that_is_asked_to_stop_ends_well(void **state)
{
    struct scene *s = *state;
    pid_t child;

    unlink(s->cluster.said);
    make_records(&s->cluster, 300);
    child = start_consumer(&s->cluster, &s->for_ever);
    await_all(s);
    end_by(child, SIGTERM);
    assert_true(has_said(&s->cluster, "lag: partition 0 is at 100 of 100: 0"));
    assert_true(is_exact(&s->cluster));
}

static void
a_partition_that_is_not_there_is_an_error(void **state)
{
    struct scene *s = *state;

    make_records(&s->cluster, 3);
    add_option(&s->to_end, "--partitions");
    add_option(&s->to_end, "0,7");
    assert_int_equal(run_consumer(&s->cluster, &s->to_end), FAILED);
    assert_true(has_said(&s->cluster, "partition 7"));
}

#define SCENE(name) \
    cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(what_was_written_before_is_a_duplicate),
        SCENE(what_was_written_in_part_is_read_again_from_where_the_store_is),
        SCENE(two_consumers_of_one_store_write_each_record_once),
        SCENE(a_member_of_a_group_goes_on_where_another_one_was),
        SCENE(truncation_is_an_error_until_the_loss_is_accepted),
        SCENE(truncation_below_a_running_consumer_stops_it),
        SCENE(without_dead_letters_a_bad_record_is_the_end),
        SCENE(a_consumer_that_is_asked_to_stop_ends_well),
        SCENE(a_partition_that_is_not_there_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
