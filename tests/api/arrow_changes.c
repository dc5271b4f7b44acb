/* SPDX-License-Identifier: Apache-2.0 */
/* feature_store_changes_arrow(): which changes, which columns, from where. */
#include "arrow_stream.h"

#define VIEWS                                              \
    "STORE WITH (changes = '3 days');"                     \
    "CREATE ENTITY e (k INT64, s STRING);"                 \
    "CREATE FEATURE VIEW v (a INT32, tags STRING[]) FOR e" \
    "  WITH (changes = 'before_after', ttl = '1 hour');"   \
    "CREATE FEATURE VIEW w (b INT64 DEFAULT 7, c BOOL) FOR e;"

static uint64_t reached;

static struct scan
open_changes(struct fixture *f, const char *features,
             const struct feature_changes_arrow_options *options)
{
    struct scan scan = {0};

    must(feature_store_changes_arrow(f->store, features, options, &reached,
                                     &scan.stream, &problem));
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    check_schema(&scan.schema);
    return scan;
}

static void
expect_changes_at(struct fixture *f, const char *features, uint32_t flags,
                  uint64_t since, uint64_t until, const char *expected,
                  const char *file, int line)
{
    const struct feature_changes_arrow_options options = {.struct_size =
                                                              sizeof options,
                                                          .flags = flags,
                                                          .since = since,
                                                          .until = until};
    struct scan scan = open_changes(f, features, &options);

    expect_rest_at(&scan, expected, file, line);
    close_scan(&scan);
}

#define expect_changes(f, features, flags, since, until, expected)            \
    expect_changes_at((f), (features), (flags), (since), (until), (expected), \
                      __FILE__, __LINE__)

/* Commits 2 to 5. */
static void
write_some(struct fixture *f)
{
    define(f, VIEWS);
    upsert(f, "v", NULL, "1 x 100 5 [p,q]\n2 y 100 6 null");
    patch(f, "v", "k, s, event_timestamp, a", "1 x 200 null");
    upsert(f, "w", NULL, "1 x 300 null true");
    erase(f, "v", "k, s, event_timestamp", "2 y 400");
}

static void
changes_come_in_the_order_of_commits_with_what_they_are(void **state)
{
    struct fixture *f = *state;
    struct scan scan;
    static char text[2000];

    write_some(f);
    scan = open_changes(f, "v(*)", NULL);
    assert_int_equal(reached, 5);
    print_schema(&scan.schema, text, sizeof text);
    assert_string_equal(
        text, "k l, s u, a i?, tags +l?(u), _op u, _seq l, _ordinal l, "
              "_commit_time tsu:UTC, _event_timestamp tsu:UTC?, _late b?, "
              "_written +l?(u)");
    snprintf(text, sizeof text,
             "1 x 5 [p,q] UPSERT 2 0 %" PRId64 " 100 null null\n"
             "2 y 6 null UPSERT 2 1 %" PRId64 " 100 null null\n"
             "1 x null null PATCH 3 0 %" PRId64 " 200 false [a]\n"
             "2 y null null DELETE 5 0 %" PRId64 " 400 false null",
             NOON + 1, NOON + 1, NOON + 2, NOON + 4);
    expect_rest(&scan, text);
    close_scan(&scan);
}

/* The time of commit n, where each is a microsecond after the one before. */
static const char *
with_times(const char *format)
{
    static char text[8][2000];
    static unsigned turn;
    char *to = text[turn++ % 8], *begin = to;

    for (; *format; format++) {
        if (*format == '#')
            to += sprintf(to, "%" PRId64, NOON + (*++format - '1'));
        else
            *to++ = *format;
    }
    *to = '\0';
    return begin;
}

static void
a_range_ends_with_until_and_begins_after_since(void **state)
{
    struct fixture *f = *state;

    write_some(f);
    expect_changes(f, "v(a)", 0, 2, 4,
                   with_times("1 x null PATCH 3 0 #3 200 false [a]"));
    assert_int_equal(reached, 4);
    expect_changes(f, "w(*)", 0, 3, 0,
                   with_times("1 x null true UPSERT 4 0 #4 300 null null"));
    expect_changes(f, "w(*)", 0, 5, 5, "");
    assert_int_equal(reached, 5);
    expect_changes(f, "v:tags", 0, 2, 3,
                   with_times("1 x null PATCH 3 0 #3 200 false []"));
}

static void
before_is_the_row_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct scan scan;
    const struct feature_changes_arrow_options options = {
        .struct_size = sizeof options, .flags = FEATURE_CHANGES_BEFORE};
    static char text[1000];

    write_some(f);
    upsert(f, "v", NULL, "2 y 500 9 [z]");
    scan = open_changes(f, "v(a)", &options);
    print_schema(&scan.schema, text, sizeof text);
    assert_non_null(strstr(
        text, "_written +l?(u), before.a i?, before._event_timestamp tsu"));
    expect_rest(&scan,
                with_times("1 x 5 UPSERT 2 0 #2 100 null null null null\n"
                           "2 y 6 UPSERT 2 1 #2 100 null null null null\n"
                           "1 x null PATCH 3 0 #3 200 false [a] 5 100\n"
                           "2 y null DELETE 5 0 #5 400 false null 6 100\n"
                           "2 y 9 UPSERT 6 0 #6 500 false null null null"));
    close_scan(&scan);
}

static void
a_late_write_is_told_where_the_row_before_is_kept(void **state)
{
    struct fixture *f = *state;

    write_some(f);
    upsert(f, "v", NULL, "1 x 50 1 null");
    expect_changes(f, "v(a)", 0, 5, 0,
                   with_times("1 x 1 UPSERT 6 0 #6 50 true null"));
    /* `a` is of 200, `tags` of 100. */
    patch(f, "v", "k, s, event_timestamp, a", "1 x 150 1");
    patch(f, "v", "k, s, event_timestamp, tags", "1 x 150 []");
    erase(f, "v", "k, s, event_timestamp", "1 x 149\n2 y 399\n2 y 400");
    upsert(f, "w", NULL, "1 x 50 1 null");
    expect_changes(f, "v(a)", 0, 6, 0,
                   with_times("1 x 1 PATCH 7 0 #7 150 true [a]\n"
                              "1 x null PATCH 8 0 #8 150 false []\n"
                              "1 x null DELETE 9 0 #9 149 true null\n"
                              "2 y null DELETE 9 1 #9 399 true null\n"
                              "2 y null DELETE 9 2 #9 400 null null"));
    expect_changes(f, "w(b)", 0, 9, 0,
                   "1 x 1 UPSERT 10 0 1767268800000009 50 "
                   "null null");
    /* As old as the cell is in time. */
    patch(f, "v", "k, s, event_timestamp, tags", "1 x 150 [z]");
    expect_changes(f, "v(tags)", 0, 10, 0,
                   "1 x [z] PATCH 11 0 1767268800000010 150 false [tags]");
}

/* The oldest of a ttl is written all the same, and no DEFAULT is filled in. */
static void
values_are_those_that_were_written(void **state)
{
    struct fixture *f = *state;

    define(f, VIEWS);
    upsert(f, "w", NULL, "1 x 0 null null");
    close_store(f);
    f->options.fixed_now = NOON + DAY;
    open_store(f);
    expect_changes(f, "w(b)", 0, 1, 0,
                   with_times("1 x null UPSERT 2 0 #2 0 null null"));
    upsert(f, "v", NULL, "1 x 0 3 null");
    expect_changes(f, "v(a)", 0, 2, 0,
                   "1 x 3 UPSERT 3 0 1767355200000000 0 "
                   "null null");
}

static void
columns_are_of_the_newest_definitions_and_widen(void **state)
{
    struct fixture *f = *state;
    struct scan scan;

    write_some(f);
    define(f, "CREATE FEATURE VIEW v (a INT64, more FLOAT64 DEFAULT 1) FOR e"
              "  WITH (changes = 'before_after', ttl = '1 hour');"
              "DROP FEATURE v:tags;");
    upsert(f, "v", "k, s, event_timestamp, a, more", "3 z 500 5000000000 1.5");
    scan = open_changes(
        f, "v(*)",
        &(struct feature_changes_arrow_options){
            .struct_size = sizeof(struct feature_changes_arrow_options),
            .since = 1});
    /* What comes after the call is not of it. */
    upsert(f, "v", "k, s, event_timestamp, a, more", "4 z 500 1 1");
    define(f, "DROP FEATURE v:more;");
    expect_rest(&scan, with_times("1 x 5 null UPSERT 2 0 #2 100 null null\n"
                                  "2 y 6 null UPSERT 2 1 #2 100 null null\n"
                                  "1 x null null PATCH 3 0 #3 200 false [a]\n"
                                  "2 y null null DELETE 5 0 #5 400 false null\n"
                                  "3 z 5000000000 1.5 UPSERT 7 0 #7 500 null "
                                  "null"));
    close_scan(&scan);
}

static void
batches_have_at_most_chunk_rows_and_any_size_gives_the_same(void **state)
{
    struct fixture *f = *state;
    static char whole[TEXT_SIZE];
    char rows[4000], *at = rows;

    write_some(f);
    for (int i = 0; i < 100; i++)
        at += sprintf(at, "%d z %d %d [t%d]\n", i, i, i, i);
    upsert(f, "v", NULL, rows);
    patch(f, "v", "k, s, event_timestamp, a", "1 x 700 1\n2 y 700 2");
    for (uint32_t chunk = 0; chunk < 8; chunk++) {
        struct feature_changes_arrow_options options = {
            .struct_size = sizeof options, .chunk_rows = chunk};
        struct scan scan = open_changes(f, "v(*)", &options);
        struct ArrowArray batch;
        static char text[TEXT_SIZE];

        text[0] = '\0';
        while ((batch = next_batch(&scan)).release) {
            if (chunk)
                assert_true(batch.length <= chunk);
            print_rows(&scan.schema, &batch, text, sizeof text);
            batch.release(&batch);
        }
        close_scan(&scan);
        if (!chunk)
            strcpy(whole, text);
        assert_string_equal(text, whole);
    }
    assert_non_null(strstr(whole, "99 z 99 [t99] UPSERT 6 99 "));
}

/* Wherever memory ends, the same batch can be asked for again. */
static void
a_failed_batch_may_be_asked_for_again(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_arrow_options options = {
        .struct_size = sizeof options,
        .flags = FEATURE_CHANGES_BEFORE,
        .chunk_rows = 2};
    static char text[TEXT_SIZE];
    int64_t failures = 0;
    struct scan scan;

    if (!allocation_fail(-1))
        skip();
    write_some(f);
    upsert(f, "v", NULL, "1 x 600 7 [r]\n2 y 600 8 [s,t]\n3 z 1 1 null");
    scan = open_changes(f, "v(*)", &options);
    for (int64_t after = 0;; after++) {
        struct ArrowArray batch = {0};
        int code;

        allocation_fail(after);
        code = scan.stream.get_next(&scan.stream, &batch);
        allocation_fail(-1);
        if (code) {
            assert_int_equal(code, ENOMEM);
            assert_null(batch.release);
            failures++;
            continue;
        }
        if (!batch.release)
            break;
        check_array(&scan.schema, &batch);
        print_rows(&scan.schema, &batch, text, sizeof text);
        batch.release(&batch);
        after = -1;
    }
    assert_true(failures > 20);
    close_scan(&scan);
    expect_changes(f, "v(*)", FEATURE_CHANGES_BEFORE, 0, 0, text);
}

static void
a_call_without_memory_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    const struct feature_changes_arrow_options options = {
        .struct_size = sizeof options, .flags = FEATURE_CHANGES_BEFORE};
    struct ArrowArrayStream stream = {0};
    feature_status status = FEATURE_NO_MEMORY;
    int64_t live, after;

    if (!allocation_fail(-1))
        skip();
    write_some(f);
    expect_changes(f, "v(a)", 0, 2, 4,
                   with_times("1 x null PATCH 3 0 #3 200 false [a]"));
    live = allocation_live();
    for (after = 0; status; after++) {
        allocation_fail(after);
        status = feature_store_changes_arrow(f->store, "v(*)", &options, NULL,
                                             &stream, &problem);
        allocation_fail(-1);
        if (status) {
            assert_int_equal(status, FEATURE_NO_MEMORY);
            assert_null(stream.release);
            assert_int_equal(allocation_live(), live);
        }
    }
    assert_true(after > 10);
    stream.release(&stream);
    assert_int_equal(allocation_live(), live);
}

static void
a_range_that_is_not_kept_is_a_gap(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_arrow_options options = {
        .struct_size = sizeof options, .since = 1};
    struct ArrowArrayStream stream;
    struct scan scan;

    define(f, "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT64) "
              "FOR e;");
    must_fail(feature_store_changes_arrow(f->store, "v(*)", NULL, NULL, &stream,
                                          &problem),
              FEATURE_NOT_FOUND, "no-feed");
    upsert(f, "v", NULL, "1 1 1");
    define(f, "STORE WITH (changes = '1 hour');");
    upsert(f, "v", NULL, "1 2 2");
    must_fail(feature_store_changes_arrow(f->store, "v(*)", NULL, NULL, &stream,
                                          &problem),
              FEATURE_GAP, "feed-truncated");
    options.since = 2;
    scan = open_changes(f, "v(*)", &options);
    close_store(f);
    expect_error(&scan, EINVAL, "closed");
    close_scan(&scan);
}

static void
retention_that_is_faster_fails_the_stream(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_arrow_options options = {
        .struct_size = sizeof options, .since = 1};
    struct scan scan;

    define(f, "STORE WITH (changes = '1 hour');"
              "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64) FOR e;");
    upsert(f, "v", NULL, "1 1 1");
    close_store(f);
    f->options.fixed_now = NOON + DAY;
    open_store(f);
    scan = open_changes(f, "v(*)", &options);
    upsert(f, "v", NULL, "1 2 2");
    upsert(f, "v", NULL, "1 3 3");
    expect_error(&scan, EINVAL, "feed-truncated");
    close_scan(&scan);
}

static void
wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_arrow_options options = {.struct_size =
                                                        sizeof options};
    struct ArrowArrayStream stream;
    feature_store *store = f->store;

    write_some(f);
    must_fail(feature_store_changes_arrow(NULL, "v(*)", NULL, NULL, &stream,
                                          &problem),
              FEATURE_INVALID, "argument");
    must_fail(
        feature_store_changes_arrow(store, NULL, NULL, NULL, &stream, &problem),
        FEATURE_INVALID, "argument");
    must_fail(
        feature_store_changes_arrow(store, "v(*)", NULL, NULL, NULL, &problem),
        FEATURE_INVALID, "argument");
    must_fail(feature_store_changes_arrow(store, "none(*)", NULL, NULL, &stream,
                                          &problem),
              FEATURE_NOT_FOUND, NULL);
    must_fail(feature_store_changes_arrow(store, "v(*), w(*)", NULL, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "argument");
    options.flags = 2;
    must_fail(feature_store_changes_arrow(store, "v(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "argument");
    options.flags = 0;
    options.reserved = 1;
    must_fail(feature_store_changes_arrow(store, "v(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "argument");
    options.reserved = 0;
    options.since = 3;
    options.until = 2;
    must_fail(feature_store_changes_arrow(store, "v(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "argument");
    options.until = 6;
    must_fail(feature_store_changes_arrow(store, "v(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_CONFLICT, "epoch");
    options.since = 6;
    must_fail(feature_store_changes_arrow(store, "v(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_CONFLICT, "epoch");
    options.struct_size = 4;
    must_fail(feature_store_changes_arrow(store, "v(*)", &options, NULL,
                                          &stream, &problem),
              FEATURE_VERSION, "struct-size");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_come_in_the_order_of_commits_with_what_they_are),
        TEST(a_range_ends_with_until_and_begins_after_since),
        TEST(before_is_the_row_as_it_was),
        TEST(a_late_write_is_told_where_the_row_before_is_kept),
        TEST(values_are_those_that_were_written),
        TEST(columns_are_of_the_newest_definitions_and_widen),
        TEST(batches_have_at_most_chunk_rows_and_any_size_gives_the_same),
        TEST(a_failed_batch_may_be_asked_for_again),
        TEST(a_call_without_memory_leaves_nothing),
        TEST(a_range_that_is_not_kept_is_a_gap),
        TEST(retention_that_is_faster_fails_the_stream),
        TEST(wrong_arguments_are_refused)};

    return cmocka_run_group_tests_name("arrow_changes", tests, NULL, NULL);
}
