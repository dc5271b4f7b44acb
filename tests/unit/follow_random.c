/* SPDX-License-Identifier: Apache-2.0 */
/* Random writes and definitions on a leader; its follower is compared with it
 * again and again. FEATURE_TEST_STEPS sets how many. */
#include "draw.h"
#include "feed.h"

#define STEPS 1500

static const char *const definitions[] = {
    TRIPS,
    "CREATE FEATURE VIEW trips (fare FLOAT64, tags STRING[], seats INT64) FOR "
    "trip;",
    "CREATE FEATURE VIEW more (a INT32, b STRING DEFAULT 'x') FOR trip WITH "
    "(changes = 'before_after');",
    "CREATE FEATURE VIEW more (a INT64, b STRING) FOR trip;",
    "DROP FEATURE more:b;",
    "DROP FEATURE VIEW more;",
    "CREATE FEATURE VIEW more (a INT32, c FLOAT32) FOR trip WITH (changes = "
    "'none');",
    "CREATE FEATURE VIEW trips (fare FLOAT64, tags STRING[], seats INT64, note "
    "BYTES) FOR trip;",
    "CREATE FEATURE SERVICE s AS trips(fare);",
    "DROP FEATURE SERVICE s;",
};

#define DEFINITIONS (sizeof definitions / sizeof *definitions)

/* A definition that the store may refuse: then nothing has changed. */
static void
step_define(struct fixture *f)
{
    (void)feature_store_apply(f->store, definitions[draw_below(DEFINITIONS)],
                              NULL, NULL, &problem);
}

static void
step_rows(struct fixture *f)
{
    static char text[1 << 16];
    uint32_t rows = draw_one_in(20) ? 200 : 1 + draw_below(6);
    uint32_t kind = draw_below(4);
    size_t size = 0;

    for (uint32_t i = 0; i < rows; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%u %u",
                                 draw_below(40), 100 + draw_below(60));
        if (kind < 2)
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     " %u.5 [t%u] null", draw_below(100),
                                     draw_below(9));
        else if (kind == 2)
            size += (size_t)snprintf(text + size, sizeof text - size, " %u",
                                     draw_below(100));
        size += (size_t)snprintf(text + size, sizeof text - size, "\n");
    }
    if (kind < 2)
        upsert(f, "trips", "trip_id, event_timestamp, fare, tags, seats", text);
    else if (kind == 2)
        patch(f, "trips", "trip_id, event_timestamp, fare", text);
    else
        erase(f, "trips", "trip_id, event_timestamp", text);
}

/* Two views in one call, where there are two. */
static void
step_both(struct fixture *f)
{
    feature_batch *batches[2] = {NULL, NULL};
    char text[64];

    snprintf(text, sizeof text, "%u %u %u", draw_below(40),
             100 + draw_below(60), draw_below(9));
    if (feature_batch_create(f->store, "more", "trip_id, event_timestamp, a",
                             FEATURE_PATCH, &batches[1], &problem))
        return;
    fill_batch(batches[1], text);
    batches[0] = make_batch(f, FEATURE_PATCH, "trips",
                            "trip_id, event_timestamp, fare", text);
    must(feature_store_write(f->store, batches, 2, NULL, NULL, &problem));
    feature_batch_free(batches[0]);
    feature_batch_free(batches[1]);
}

static void
step_source(struct fixture *f)
{
    uint64_t first = draw_below(30);
    struct feature_source source = {.name = "orders",
                                    .first_offset = first,
                                    .next_offset = first + draw_below(5),
                                    .partition = draw_below(3),
                                    .position = "xyz",
                                    .position_size = draw_below(4)};
    struct feature_write_options options = {
        .struct_size = sizeof options, .sources = &source, .source_count = 1};

    (void)feature_store_write(f->store, NULL, 0, &options, NULL, &problem);
}

static void
expect_same_offsets(feature_store *left, feature_store *right)
{
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t a = 0, b = 0;
        uint32_t a_size = 0, b_size = 0;
        char *x = NULL, *y = NULL;

        assert_int_equal(
            feature_store_offset(left, "orders", i, &a, &x, &a_size, NULL),
            feature_store_offset(right, "orders", i, &b, &y, &b_size, NULL));
        assert_int_equal(a, b);
        assert_int_equal(a_size, b_size);
        if (x && y)
            assert_memory_equal(x, y, a_size);
        feature_free(x);
        feature_free(y);
    }
}

static void
catch_up(struct fixture *f, feature_store *replica)
{
    struct records records;

    /* Some records a second time. */
    uint64_t at = meta_of(replica).sequence;
    uint64_t back = at ? draw_below(at < 5 ? at : 5) : 0;

    read_records(f->store, at - back, &records);
    follow_all(replica, &records);
    free_records(&records);
    expect_same(f->store, replica);
    expect_same_offsets(f->store, replica);
}

/* Gone, and back from a snapshot. */
static feature_store *
bootstrap(struct fixture *f, feature_store *replica)
{
    char file[TEST_PATH_SIZE + 32], path[TEST_PATH_SIZE + 32];

    snprintf(file, sizeof file, "%s/snapshot", f->directory);
    snprintf(path, sizeof path, "%s/replica", f->directory);
    feature_store_close(replica);
    remove_directory(path);
    remove(file);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, path, NULL, NULL, NULL, &problem));
    return open_beside(f, "replica");
}

static void
a_follower_is_equal_whenever_it_has_caught_up(void **state)
{
    struct fixture *f = *state;
    const char *wanted = getenv("FEATURE_TEST_STEPS");
    long steps = wanted && *wanted ? strtol(wanted, NULL, 10) : STEPS;
    feature_store *replica;

    draw_state = draw_seed;
    close_store(f);
    f->options.fixed_now = NOON;
    open_store(f);
    replica = open_beside(f, "replica");
    define(f, FEED_ON TRIPS);
    for (long i = 0; i < steps; i++) {
        uint32_t what = draw_below(40);

        if (what < 3)
            step_define(f);
        else if (what < 6)
            step_both(f);
        else if (what < 9)
            step_source(f);
        else
            step_rows(f);
        if (draw_one_in(20) || i % 300 == 299)
            catch_up(f, replica);
        if (draw_one_in(300))
            replica = bootstrap(f, replica);
    }
    catch_up(f, replica);
    feature_store_close(replica);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_follower_is_equal_whenever_it_has_caught_up)};

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
