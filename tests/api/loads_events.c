/* SPDX-License-Identifier: Apache-2.0 */
/* Loads of views FROM an event: states, and the events since. */
#include "tiles.h"

#define SPEND                                                        \
    "STORE WITH (changes = '3 days');"                               \
    "CREATE ENTITY card (card_id INT64);"                            \
    "CREATE EVENT payment (id STRING, card_id INT64, amount INT64) " \
    "WITH (dedupe = id, dedupe_for = '7 days');"                     \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour', "        \
    "spent = SUM(amount) OVER '7 days', ever = COUNT(*), "           \
    "shops = APPROX_COUNT_DISTINCT(amount) OVER LIFETIME) "          \
    "FOR card FROM payment;"                                         \
    "CREATE FEATURE VIEW other (n = COUNT(*)) FOR card FROM payment;"

#define COLUMNS "id, card_id, event_timestamp, amount"

static feature_load *
begin_states(struct fixture *f, uint32_t flags, uint64_t cut)
{
    struct feature_load_options options = {
        .struct_size = sizeof options, .flags = flags, .cut = cut};
    feature_load *load = NULL;

    must(feature_load_begin(f->store, "spend", &options, &load, &problem));
    return load;
}

static void
append_states(feature_load *load, struct fixture *from)
{
    struct ArrowArrayStream stream = tiles_of(from, "spend");

    must(feature_load_append_arrow(load, &stream, NULL, &problem));
    assert_null(stream.release);
}

static struct feature_load_report
commit_states(feature_load *load)
{
    struct feature_load_report report = {.struct_size = sizeof report};

    must(feature_load_commit(load, &report, &problem));
    feature_load_free(load);
    return report;
}

/* The same bytes as a store that took all events, and no event counted twice. */
static void
states_and_the_events_since_are_all_events(void **state)
{
    struct fixture *f = *state, *batch = begin_store(SPEND);
    struct held whole, other;
    feature_load *load;
    uint64_t cut;

    define(f, SPEND);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nb 2 @-90 7\nc 1 @-80 9", "AAA");
    expect_events(batch, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nb 2 @-90 7\nc 1 @-80 9", "AAA");
    cut = stats_of(f).sequence;
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "d 1 @-70 1\ne 3 @-60 2", "AA");
    load = begin_states(f, 0, cut);
    append_states(load, batch);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "f 2 @-50 4\na 1 @-100 5", "AD");
    erase(f, "spend", "card_id, event_timestamp", "3 @-40");
    whole = held_of(f, "spend");
    other = held_of(f, "other");
    assert_int_equal(commit_states(load).caught_up, 4);
    assert_string_equal(held_of(f, "spend").hash, whole.hash);
    assert_int_equal(held_of(f, "spend").rows, whole.rows);
    assert_int_equal(held_of(f, "spend").tombstones, whole.tombstones);
    assert_string_equal(held_of(f, "other").hash, other.hash);
    expect_good(f);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "d 1 @-70 1\ng 1 @-10 3", "DA");
    expect_rows(f, "spend(n, spent, ever)", "1\n2",
                "present 4 18 4\npresent 2 11 2");
    end_store(batch);
}

static void
a_rollback_has_the_events_since(void **state)
{
    struct fixture *f = *state, *batch = begin_store(SPEND);
    struct feature_load_report report = {.struct_size = sizeof report};
    struct held whole;
    feature_load *load;

    define(f, SPEND);
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nb 2 @-90 7", "AA");
    load = begin_states(f, 0, 0);
    append_states(load, batch); /* none */
    commit_states(load);
    expect_rows(f, "spend(ever)", "1\n2", "not_found 0\nnot_found 0");
    expect_events(f, FEATURE_EVENT, "payment", COLUMNS, "c 1 @-80 9", "A");
    expect_rows(f, "spend(ever)", "1", "present 1");
    must(feature_store_rollback(f->store, "spend", NULL, &report, &problem));
    assert_int_equal(report.caught_up, 1);
    expect_rows(f, "spend(ever)", "1\n2", "present 2\npresent 1");
    expect_good(f);
    expect_events(batch, FEATURE_EVENT, "payment", COLUMNS,
                  "a 1 @-100 5\nb 2 @-90 7", "AA");
    expect_events(batch, FEATURE_EVENT, "payment", COLUMNS, "c 1 @-80 9", "A");
    whole = held_of(batch, "spend");
    assert_string_equal(held_of(f, "spend").hash, whole.hash);
    end_store(batch);
}

static void
two_states_of_one_key_are_refused(void **state)
{
    static const uint32_t flags[] = {0, FEATURE_LOAD_SORTED};
    struct fixture *f = *state, *batch = begin_store(SPEND);
    struct fixture *more = begin_store(SPEND);
    struct ArrowArrayStream stream;
    feature_load *load;

    define(f, SPEND);
    expect_events(batch, FEATURE_EVENT, "payment", COLUMNS, "a 2 @-100 5", "A");
    expect_events(more, FEATURE_EVENT, "payment", COLUMNS,
                  "b 1 @-100 5\nc 2 @-100 5", "AA");
    load = begin_states(f, 0, 0);
    append_states(load, batch);
    append_states(load, more);
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "duplicate-key");
    feature_load_free(load);
    for (int i = 0; i < 2; i++) {
        load = begin_states(f, flags[i], 0);
        append_states(load, batch);
        stream = tiles_of(batch, "spend");
        must_fail(feature_load_append_arrow(load, &stream, NULL, &problem),
                  FEATURE_CONFLICT, "duplicate-key");
        feature_load_free(load);
    }
    load = begin_states(f, FEATURE_LOAD_LAST_WINS, 0);
    append_states(load, batch);
    append_states(load, batch);
    assert_int_equal(commit_states(load).rows, 1);
    expect_good(f);
    end_store(more);
    end_store(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(states_and_the_events_since_are_all_events),
        TEST(a_rollback_has_the_events_since),
        TEST(two_states_of_one_key_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
