/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States that lie beside their rows: nothing that is read, hashed, copied,
 * followed or merged tells that they do.
 */
#include <unistd.h>

#include "wide.h"

static struct payments all;

static struct fixture *
begin(void **state, const char *definitions)
{
    struct fixture *f = *state;

    draw_state = draw_seed;
    draw_payments(&all);
    define(f, definitions);
    return f;
}

static void
keep_up(struct fixture *f)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};

    must(feature_store_maintain(f->store, &options, NULL, &problem));
}

/* As of now, and of times that the state still tells. */
static void
answers_are_those_of_all_events(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    uint64_t trees = count_trees(f);

    pay_all(f, &all, 4000);
    assert_int_equal(count_trees(f), trees + 2); /* rows, and states */
    expect_payments(f, &all, NOON);
    expect_payments(f, &all, NOON - 3 * MINUTE);
    expect_payments(f, &all, NOON - 5 * MINUTE);
    expect_good(f);
    expect_followed(f);
}

static void
any_order_gives_the_same_rows(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW()), *other;
    struct held held;

    pay_all(f, &all, WIDE_MAX);
    held = held_of(f, "spend");
    for (uint32_t rows = 37; rows < 5000; rows = rows * 10 + 3) {
        other = begin_store(WIDE_VIEW());
        shuffle_payments(&all);
        pay_all(other, &all, rows);
        expect_equal_rows(held, held_of(other, "spend"));
        expect_payments(other, &all, NOON);
        expect_good(other);
        end_store(other);
    }
}

/* One at a time, into a tile that is dense and old. */
static void
a_late_event_changes_its_tile_alone(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    struct payment late = {7, 99, NOON - 3 * MINUTE - 1, 5};

    pay_all(f, &all, 5000);
    for (int i = 0; i < 5; i++) {
        late.u++;
        late.ts -= 3 * MINUTE;
        all.list[all.count++] = late;
        pay(f, FEATURE_EVENT, &late, 1);
    }
    expect_payments(f, &all, NOON);
    expect_good(f);
    expect_followed(f);
}

static void
a_delete_takes_the_states_along(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    uint64_t trees;

    pay_all(f, &all, 5000);
    trees = count_trees(f);
    erase(f, "spend", "card_id, event_timestamp", "7 @0\n8 @0");
    expect_good(f); /* which counts what is left */
    expect_rows(f, "spend(n, d, ever)", "7", "not_found 0 0 0");
    assert_int_equal(count_trees(f), trees);
    define(f, "DROP FEATURE VIEW spend;");
    assert_int_equal(count_trees(f), trees - 2);
    expect_good(f);
    expect_followed(f);
}

static void
a_drop_takes_the_states_along(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    uint64_t trees = count_trees(f);

    pay_all(f, &all, WIDE_MAX);
    define(f, "DROP FEATURE VIEW spend;");
    assert_int_equal(count_trees(f), trees);
    expect_good(f);
    expect_followed(f);
}

/* Where nothing is over all time, rows leave. */
static void
a_sweep_takes_the_states_along(void **state)
{
    struct fixture *f =
        begin(state, WIDE_EVENT
              "CREATE FEATURE VIEW spend (d = APPROX_COUNT_DISTINCT(u) OVER '1 "
              "hour' HOP '5 minutes') FOR card FROM payment;");

    pay_all(f, &all, WIDE_MAX);
    expect_good(f);
    move_clock(f, NOON + 2 * DAY);
    keep_up(f);
    assert_int_equal(held_of(f, "spend").rows, 0);
    expect_good(f);
    expect_followed(f);
}

/* The state cannot give an event back: it is made anew of those that are kept. */
static void
an_event_is_taken_back(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW(", history = '30 days'")),
                   *other = begin_store(WIDE_VIEW(", history = '30 days'"));
    struct held held, whole;

    all.count = 2000;
    pay_all(f, &all, 700);
    pay(f, FEATURE_RETRACT, &all.list[--all.count], 1);
    pay(f, FEATURE_RETRACT, &all.list[--all.count], 1);
    pay_all(other, &all, WIDE_MAX);
    held = held_of(f, "spend");
    whole = held_of(other, "spend");
    expect_equal_rows(held, whole);
    end_store(other);
    expect_good(f);
    expect_followed(f);
}

/* A feature more, and one less: states change their places in a tile, not their
 * bytes. */
static void
definitions_grow(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    struct payment more = {7, 5, NOON - 1, 4};

    pay_all(f, &all, 5000);
    define(f, "CREATE FEATURE VIEW spend (a = MAX(price) OVER '5 minutes' HOP "
              "'1 minute', q = APPROX_PERCENTILE(price, 0.9) OVER '5 minutes' "
              "HOP '1 minute') FOR card FROM payment;");
    expect_payments(f, &all, NOON);
    all.list[all.count++] = more;
    pay(f, FEATURE_EVENT, &more, 1);
    expect_payments(f, &all, NOON);
    expect_good(f);
    define(f, "DROP FEATURE spend:d;");
    more.ts--;
    pay(f, FEATURE_EVENT, &more, 1);
    more.card = 8;
    pay(f, FEATURE_EVENT, &more, 1);
    expect_good(f);
    expect_followed(f);
}

/* The other store answers, and goes on, as this one. */
static void
expect_same(struct fixture *f, const char *path)
{
    struct payment more = {8, 1, NOON, 1};
    char *ours = NULL, *theirs = NULL;
    feature_store *mine = f->store;
    struct feature_options options = f->options;

    options.struct_size = sizeof options;
    must(feature_store_content(f->store, &ours, &problem));
    must(feature_store_open(path, &options, &f->store, &problem));
    must(feature_store_content(f->store, &theirs, &problem));
    assert_string_equal(ours, theirs);
    expect_payments(f, &all, NOON);
    pay(f, FEATURE_EVENT, &more, 1);
    feature_store_close(f->store);
    f->store = mine;
    feature_free(ours);
    feature_free(theirs);
}

static void
a_snapshot_has_the_states(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    struct feature_verify_report report = {.struct_size = sizeof report};
    char directory[TEST_PATH_SIZE], file[TEST_PATH_SIZE + 16],
        path[TEST_PATH_SIZE + 16], *text;

    pay_all(f, &all, 5000);
    erase(f, "spend", "card_id, event_timestamp", "9 @0");
    test_directory(directory);
    snprintf(file, sizeof file, "%s/copy", directory);
    snprintf(path, sizeof path, "%s/store", directory);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, path, NULL, NULL, NULL, &problem));
    expect_same(f, path);
    must(feature_store_verify(path, NULL, &report, &text, &problem));
    assert_string_equal(text, "");
    feature_free(text);
    remove_directory(path);
    unlink(file);
    remove_directory(directory);
}

static void
compact_keeps_the_states(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    char *before = NULL, *after = NULL;

    pay_all(f, &all, 5000);
    must(feature_store_content(f->store, &before, &problem));
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    must(feature_store_content(f->store, &after, &problem));
    assert_string_equal(before, after);
    feature_free(before);
    feature_free(after);
    expect_payments(f, &all, NOON);
    expect_good(f);
}

/* Sketches of the same tile meet, some of them equal. */
static void
tiles_merge(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    struct fixture *earlier = begin_store(WIDE_VIEW());
    struct fixture *whole = begin_store(WIDE_VIEW());
    uint32_t half = all.count / 2;
    struct held held;

    shuffle_payments(&all);
    pay_all(whole, &all, WIDE_MAX);
    pay(earlier, FEATURE_EVENT, all.list, half);
    pay(f, FEATURE_EVENT, all.list + half, all.count - half);
    ship(earlier, f, "spend");
    held = held_of(f, "spend");
    expect_equal_rows(held, held_of(whole, "spend"));
    expect_payments(f, &all, NOON);
    expect_good(f);
    expect_followed(f);
    end_store(earlier);
    end_store(whole);
}

/* Into an empty store: the row comes as it was. */
static void
tiles_travel(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    struct fixture *other = begin_store(WIDE_VIEW());
    struct held held;

    pay_all(f, &all, WIDE_MAX);
    ship(f, other, "spend");
    held = held_of(f, "spend");
    expect_equal_rows(held, held_of(other, "spend"));
    expect_payments(other, &all, NOON);
    expect_good(other);
    expect_followed(other);
    end_store(other);
}

static void
a_scan_reads_the_states(void **state)
{
    struct fixture *f = begin(state, WIDE_VIEW());
    struct feature_scan_options options = {.struct_size = sizeof options};
    struct ArrowArrayStream stream = {0};
    struct ArrowArray array = {0};
    struct sketches right;
    uint64_t distinct;

    pay_all(f, &all, 5000);
    must(feature_store_scan_arrow(f->store, "spend(d)", &options, &stream,
                                  &problem));
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_int_equal(array.length, 2);
    right = sketch_payments(&all, 7, NOON);
    must(feature_sketch_estimate(right.distinct, &distinct, &problem));
    assert_int_equal(
        ((const int64_t *)array.children[array.n_children - 1]->buffers[1])[0],
        distinct);
    feature_sketch_free(right.distinct);
    feature_sketch_free(right.quantiles);
    feature_sketch_free(right.ever);
    array.release(&array);
    stream.release(&stream);
}

/* A view of many sketches, of 48 KiB each where they are dense. */
static void
define_sketches(struct fixture *f, int count)
{
    char text[4096];
    size_t size = (size_t)snprintf(text, sizeof text,
                                   WIDE_EVENT "CREATE FEATURE VIEW spend (");

    for (int i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "%sd%d = APPROX_COUNT_DISTINCT(u, 16) WHERE "
                                 "price > %d OVER '1 day' HOP '1 minute'",
                                 i ? ", " : "", i, i);
    snprintf(text + size, sizeof text - size, ") FOR card FROM payment;");
    define(f, text);
}

/* The row itself stays small; its limit is that of what would have to travel. */
static void
a_row_in_full_has_a_limit(void **state)
{
    struct fixture *f = *state;
    static struct payment tile[1200];
    struct held held = {0};
    feature_batch *batch;
    feature_status status = FEATURE_OK;
    int64_t tiles = 0;

    define_sketches(f, 24);
    tile[0] = (struct payment){7, 1, NOON, 99};
    pay(f, FEATURE_EVENT, tile, 1);
    must(feature_batch_create(f->store, "payment", NULL, FEATURE_EVENT, &batch,
                              &problem));
    for (; !status && tiles < 70; tiles++) {
        for (int64_t i = 0; i < 1200; i++)
            tile[i] = (struct payment){7, 1200 * tiles + i,
                                       NOON - (tiles + 1) * MINUTE + i, 99};
        if (tiles)
            held = held_of(f, "spend");
        set_payments(batch, tile, 1200);
        status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
    }
    assert_int_equal(status, FEATURE_INVALID);
    assert_string_equal(problem.reason, "row-size");
    assert_non_null(strstr(problem.message, "63 MiB"));
    assert_true(problem.row > 900); /* where the last of them got dense */
    assert_in_range(tiles, 52, 58);
    assert_string_equal(held.hash, held_of(f, "spend").hash);
    feature_batch_free(batch);
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_are_those_of_all_events),
        TEST(any_order_gives_the_same_rows),
        TEST(a_late_event_changes_its_tile_alone),
        TEST(a_delete_takes_the_states_along),
        TEST(a_drop_takes_the_states_along),
        TEST(a_sweep_takes_the_states_along),
        TEST(an_event_is_taken_back),
        TEST(definitions_grow),
        TEST(a_snapshot_has_the_states),
        TEST(compact_keeps_the_states),
        TEST(tiles_merge),
        TEST(tiles_travel),
        TEST(a_scan_reads_the_states),
        TEST(a_row_in_full_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
