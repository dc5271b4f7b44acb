/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of history change no answer: the same writes go to two stores, of which
 * one is kept up and packs its old versions, and the other is left alone.
 */
#define TEXT_SIZE (1 << 18)
#include "arrow_stream.h"
#include <unistd.h>

#define KEYS    4
#define CALLS   220
#define RUNS    6
#define AGE     (900 * DAY)
#define OPTIONS " WITH (max_skew = 'none', history = '900 days');"

struct pair {
    struct fixture *packed, rows;
    uint64_t state;
    uint32_t features;
    int64_t now, reached; /* clock; newest event timestamp */
    uint64_t versions;    /* that were packed */
};

static uint32_t
below(struct pair *pair, uint32_t limit)
{
    pair->state = pair->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(pair->state >> 33) % limit;
}

static const char *const names[] = {"a", "b", "s", "f", "x", "l", "late"};
static const char *const first =
    "CREATE ENTITY e (k INT64);"
    "CREATE FEATURE VIEW v (a INT32, b FLOAT64, s STRING, f BOOL,"
    " x FLOAT32[3], l STRING[]) FOR e" OPTIONS;
static const char *const second =
    "CREATE ENTITY e (k INT64);"
    "CREATE FEATURE VIEW v (a INT64, b FLOAT64, s STRING, f BOOL,"
    " x FLOAT32[3], l STRING[], late INT32 DEFAULT 5) FOR e" OPTIONS;

static void
print_value(struct pair *pair, struct printer *to, uint32_t feature)
{
    uint32_t die = below(pair, 1000);

    if (die % 7 == 0)
        print_to(to, " null");
    else if (feature == 1)
        print_to(to, " %u.%u", die, below(pair, 100000));
    else if (feature == 2 && die % 16 == 0)
        print_to(to, " %0280u", die); /* rows that are not copied anyway */
    else if (feature == 2)
        print_to(to, " text-%u-%.*s", die % 5, (int)(die % 20),
                 "abcdefghijklmnopqrstuvwxyz");
    else if (feature == 3)
        print_to(to, " %s", die % 2 ? "true" : "false");
    else if (feature == 4)
        print_to(to, " [%u.5,2,%u]", die % 3, die);
    else if (feature == 5)
        print_to(to, die % 3 ? " [one,t%u]" : " []", die);
    else
        print_to(to, " %u", die);
}

/* Half of the rows are those of one key; most come in order. */
static void
print_row(struct pair *pair, struct printer *to, const int *own)
{
    int64_t time = pair->reached + 1000 + below(pair, 50);

    if (below(pair, 9) == 0)
        time = pair->reached - (int64_t)below(pair, 400) * 1000;
    if (time > pair->reached)
        pair->reached = time;
    print_to(to, "%u %" PRId64, below(pair, 2) ? 1 : below(pair, KEYS), time);
    for (uint32_t i = 0; i < pair->features; i++)
        if (own[i])
            print_value(pair, to, i);
    print_to(to, "\n");
}

static void
write_some(struct pair *pair)
{
    char columns[64] = "k, event_timestamp";
    struct printer cells = {.text = columns, .size = strlen(columns)};
    static char text[ANSWER_SIZE];
    struct printer to = {.text = text};
    uint32_t die = below(pair, 20), rows = 1 + below(pair, 8);
    int32_t operation = FEATURE_UPSERT;
    int own[8] = {0};

    if (die < 11)
        operation = FEATURE_PATCH;
    else if (die == 19)
        operation = FEATURE_DELETE;
    for (uint32_t i = 0; i < pair->features; i++)
        own[i] = operation == FEATURE_UPSERT || i == die % pair->features ||
                 below(pair, 4) == 0;
    if (operation == FEATURE_DELETE)
        memset(own, 0, sizeof own);
    for (uint32_t i = 0; i < pair->features; i++)
        if (own[i])
            print_to(&cells, ", %s", names[i]);
    for (uint32_t i = 0; i < rows; i++)
        print_row(pair, &to, own);
    write_rows(pair->packed, operation, "v", columns, text);
    write_rows(&pair->rows, operation, "v", columns, text);
}

/* --- answers ----------------------------------------------------------------- */

static const char *
list(struct fixture *f, int64_t key, int64_t known_by,
     const struct feature_history_options *options)
{
    struct feature_query_options with = {.struct_size = sizeof with,
                                         .known_by = known_by};
    struct feature_column column = {
        .values = &key, .rows = 1, .type = FEATURE_TYPE_INT64};
    struct scan scan = {0};
    const char *text;
    feature_query *query;

    must(feature_query_create(f->store, "v(*)", &with, &query, &problem));
    must(feature_query_history(query, &column, 1, options, NULL, &scan.stream,
                               &problem));
    feature_query_free(query);
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    text = rest_of(&scan, 1);
    close_scan(&scan);
    return text;
}

static int64_t
draw_time(struct pair *pair)
{
    int64_t span = pair->reached - NOON + 2000;

    return NOON - 1000 +
           (int64_t)((uint64_t)below(pair, 1u << 30) * (uint64_t)span >> 30);
}

static void
compare_lists(struct pair *pair, int64_t known_by)
{
    static char expected[TEXT_SIZE];
    struct feature_history_options options = {.struct_size = sizeof options};
    const char *text;

    if (below(pair, 2))
        options.chunk_rows = 1 + below(pair, 90);
    if (below(pair, 3) == 0)
        options.last = 1 + below(pair, 120);
    if (below(pair, 3) == 0)
        options.until = draw_time(pair);
    if (below(pair, 3) == 0)
        options.since = draw_time(pair);
    for (int64_t key = 0; key < KEYS; key++) {
        strcpy(expected, list(&pair->rows, key, known_by, &options));
        text = list(pair->packed, key, known_by, &options);
        if (strcmp(text, expected) != 0)
            fail_msg("key %" PRId64 " has\n%s\nexpected\n%s", key, text,
                     expected);
    }
}

#define LABELS 16

static void
answer(struct fixture *f, int64_t known_by, const int64_t *keys,
       const int64_t *times, char *text)
{
    struct feature_query_options with = {.struct_size = sizeof with,
                                         .known_by = known_by,
                                         .fill = FEATURE_FILL_NULLS};
    struct reader reader = {0};

    must(
        feature_query_create(f->store, "v(*)", &with, &reader.query, &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, LABELS, &problem));
    must(feature_request_set_as_of(reader.request, times, LABELS, &problem));
    must(feature_request_read(reader.request, &problem));
    print_answer(reader.request, text);
    close_reader(&reader);
}

static void
compare_past(struct pair *pair, int64_t known_by)
{
    static char text[ANSWER_SIZE], expected[ANSWER_SIZE];
    int64_t keys[LABELS], times[LABELS];

    for (uint32_t i = 0; i < LABELS; i++) {
        keys[i] = below(pair, 2) ? 1 : below(pair, KEYS);
        times[i] = draw_time(pair);
    }
    answer(&pair->rows, known_by, keys, times, expected);
    answer(pair->packed, known_by, keys, times, text);
    assert_string_equal(text, expected);
}

static void
compare_content(struct pair *pair)
{
    char *texts[2];

    must(feature_store_content(pair->packed->store, &texts[0], &problem));
    must(feature_store_content(pair->rows.store, &texts[1], &problem));
    for (int i = 0; i < 2; i++)
        memset(texts[i] + strlen("store\t"), '-', 32); /* uuid */
    assert_string_equal(texts[0], texts[1]);
    feature_free(texts[0]);
    feature_free(texts[1]);
}

static void
compare(struct pair *pair)
{
    int64_t known_by = 0;

    if (below(pair, 2))
        known_by =
            NOON + (int64_t)below(pair, (uint32_t)(pair->now - NOON + 1));
    compare_lists(pair, known_by);
    for (int i = 0; i < 3; i++)
        compare_past(pair, known_by);
    compare_content(pair);
}

/* --- runs -------------------------------------------------------------------- */

static struct feature_maintain_report
pack(struct pair *pair)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};
    struct feature_maintain_report report = {.struct_size = sizeof report};

    must(feature_store_maintain(pair->packed->store, &options, &report,
                                &problem));
    pair->versions += report.versions_packed;
    return report;
}

static void
set_clock(struct pair *pair, int64_t now)
{
    pair->now = now;
    move_clock(pair->packed, now);
    move_clock(&pair->rows, now);
}

static void
expect_good(struct fixture *f)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    close_store(f);
    must(feature_store_verify(f->path, NULL, &report, &findings, &problem));
    if (report.findings)
        fail_msg("%s", findings);
    feature_free(findings);
    open_store(f);
}

static void
begin_pair(struct pair *pair, struct fixture *f, uint64_t seed)
{
    *pair = (struct pair){.packed = f, .rows = *f, .state = seed};
    f->options.fixed_now = NOON;
    f->options.flags &= ~(uint32_t)FEATURE_OPEN_NO_UPKEEP;
    start_again(f);
    pair->rows.options = f->options;
    pair->rows.options.flags |= FEATURE_OPEN_NO_UPKEEP;
    pair->rows.store = NULL;
    assert_true(snprintf(pair->rows.path, sizeof pair->rows.path, "%s/rows",
                         f->directory) < (int)sizeof pair->rows.path);
    remove_directory(pair->rows.path);
    open_store(&pair->rows);
    pair->now = pair->reached = NOON;
    pair->features = 6;
    define(f, first);
    define(&pair->rows, first);
}

static void
blocks_change_no_answer(void **state)
{
    static struct pair pair;

    for (uint64_t run = 0; run < RUNS; run++) {
        uint32_t evolve_at;

        begin_pair(&pair, *state, 99 + run);
        evolve_at = CALLS / 4 + below(&pair, CALLS / 2);
        for (uint32_t i = 0; i < CALLS; i++) {
            if (i == evolve_at) {
                pair.features = 7;
                define(pair.packed, second);
                define(&pair.rows, second);
            }
            write_some(&pair);
            if (below(&pair, 12) == 0)
                set_clock(&pair, pair.now + 1 + below(&pair, 1000));
            if (below(&pair, 10) == 0)
                assert_int_equal(pack(&pair).commits, 0);
            if (below(&pair, 12) == 0)
                compare(&pair);
        }
        compare(&pair);
        expect_good(pair.packed);
        assert_in_range(pair.versions, 4 * 64, UINT64_MAX);
        close_store(&pair.rows);
    }
}

/* --- copies ------------------------------------------------------------------ */

static void
fill(struct pair *pair, struct fixture *f, uint64_t seed)
{
    begin_pair(pair, f, seed);
    for (uint32_t i = 0; i < CALLS; i++)
        write_some(pair);
    assert_in_range(pack(pair).versions_packed, 4 * 64, UINT64_MAX);
}

/* A snapshot has versions alone, whoever packed them; a compaction keeps the
 * blocks. */
static void
copies_have_the_same_versions(void **state)
{
    static struct pair pair;
    struct fixture *f = *state;
    char file[TEST_PATH_SIZE + 8];

    fill(&pair, f, 7);
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    expect_good(f);
    compare(&pair);
    assert_int_equal(pack(&pair).versions_packed, 0);
    snprintf(file, sizeof file, "%s.snap", f->path);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    close_store(f);
    remove_directory(f->path);
    must(feature_store_restore(file, f->path, NULL, NULL, NULL, &problem));
    unlink(file);
    expect_good(f);
    compare(&pair);
    assert_in_range(pack(&pair).versions_packed, 4 * 64, UINT64_MAX);
    compare(&pair);
    close_store(&pair.rows);
}

/* --- late versions and retention --------------------------------------------- */

static uint64_t
pages(struct fixture *f)
{
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    return stats_of(f).used_size;
}

/* One late version breaks up the one block it falls into, and no other. */
static void
late_versions_break_up_a_block(void **state)
{
    static struct pair pair;
    struct fixture *f = *state;
    char row[64];

    begin_pair(&pair, f, 1);
    for (int i = 0; i < 16 + 3 * 64; i++) {
        snprintf(row, sizeof row, "1 @%d %d", i * 10, i);
        upsert(f, "v", "k, event_timestamp, a", row);
        upsert(&pair.rows, "v", "k, event_timestamp, a", row);
    }
    pair.reached = NOON + (16 + 3 * 64) * 10 * SECOND;
    assert_int_equal(pack(&pair).versions_packed, 3 * 64);
    compare(&pair);
    patch(f, "v", "k, event_timestamp, b", "1 @905 2.5");
    patch(&pair.rows, "v", "k, event_timestamp, b", "1 @905 2.5");
    compare(&pair);
    assert_int_equal(pack(&pair).versions_packed, 64);
    compare(&pair);
    expect_good(f);
    close_store(&pair.rows);
}

/* The other store was not packed when its oldest versions leave. What it has
 * after that the oracle of history_oracle.c knows. */
static void
retention_drops_the_same_versions(void **state)
{
    static struct pair pair;
    struct fixture *f = *state;
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};
    struct feature_maintain_report report = {.struct_size = sizeof report};
    struct feature_maintain_report packed;
    uint64_t dropped = 0;

    fill(&pair, f, 3);
    for (int i = 1; i <= 8; i++) {
        int64_t now = NOON + AGE + (pair.reached - NOON) / 8 * i;

        set_clock(&pair, now);
        packed = pack(&pair);
        must(feature_store_maintain(pair.rows.store, &options, &report,
                                    &problem));
        assert_int_equal(packed.versions_dropped, report.versions_dropped);
        assert_int_equal(packed.commits, report.commits);
        dropped += report.versions_dropped;
        compare(&pair);
        expect_good(f);
    }
    assert_in_range(dropped, 4 * 64, UINT64_MAX);
    close_store(&pair.rows);
}

#define LONG (16 + 66 * 64) /* versions, more than leave in one commit */

/* What leaves of one key in one commit ends within a block. */
static void
a_long_history_leaves_in_parts(void **state)
{
    static struct pair pair;
    static char text[424 * 40];
    struct fixture *f = *state;
    struct feature_maintain_report report;

    begin_pair(&pair, f, 1);
    for (int i = 0; i < LONG;) {
        size_t size = 0;

        do {
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     "1 @%d %d\n", i, i % 100);
        } while (++i % 424);
        upsert(f, "v", "k, event_timestamp, a", text);
    }
    assert_int_equal(pack(&pair).versions_packed, 66 * 64);
    set_clock(&pair, NOON + AGE + LONG * SECOND);
    report = pack(&pair);
    assert_int_equal(report.versions_dropped, LONG - 1);
    assert_int_equal(report.commits, 2);
    expect_good(f);
    close_store(&pair.rows);
}

/* --- sizes ------------------------------------------------------------------- */

/* Enough for a dictionary. Half the room is a promise for values as plain as
 * these. */
static void
blocks_are_smaller(void **state)
{
    static struct pair pair;
    struct fixture *f = *state;
    static char text[96 * 80];
    uint64_t before, after;

    begin_pair(&pair, f, 1);
    for (int i = 0; i < 160; i++) {
        struct printer to = {.text = text};

        for (int key = 0; key < 64; key++)
            print_to(&to, "%d @%d %d %d.25 word-%d-of-some true [1,2,3] []\n",
                     key, i * 60, i + key, i, (i * key) % 7);
        upsert(f, "v", NULL, text);
    }
    before = pages(f);
    assert_int_equal(pack(&pair).versions_packed, 64 * 128);
    after = pages(f);
    assert_in_range(after, 1, before / 2);
    expect_good(f);
    close_store(&pair.rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocks_change_no_answer),
        TEST(copies_have_the_same_versions),
        TEST(late_versions_break_up_a_block),
        TEST(retention_drops_the_same_versions),
        TEST(a_long_history_leaves_in_parts),
        TEST(blocks_are_smaller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
