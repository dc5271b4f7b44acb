/* SPDX-License-Identifier: Apache-2.0 */
/* feature_store_scan_arrow(): which rows, which columns, in which order. */
#include "arrow_stream.h"

#define TRIPS                                                 \
    "CREATE ENTITY trip (city STRING, id INT64, code BYTES);" \
    "CREATE FEATURE VIEW trips (fare INT64, tags STRING[]) FOR trip;"

#define SIMPLE                   \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, b STRING) FOR e;"

static void
write_trips(struct fixture *f)
{
    define(f, TRIPS);
    upsert(f, "trips", NULL,
           "oslo 5 x01 5 1 [a]\n"
           "oslo -5 x00ff 4 2 null\n"
           "oslo -5 x00 3 3 [b,c]\n"
           "bern 7 '' 2 4 []\n"
           "'' 9 x02 1 null null");
}

/* Rows k = first to last with a = k. */
static void
write_numbers(struct fixture *f, int first, int last)
{
    char *rows = claim((size_t)(last - first + 1) * 40), *at = rows;

    for (int k = first; k <= last; k++)
        at += sprintf(at, "%d @0 %d b%d\n", k, k, k);
    upsert(f, "v", NULL, rows);
    free(rows);
}

static void
rows_come_in_key_order_with_keys_and_timestamps(void **state)
{
    struct fixture *f = *state;
    struct scan scan;
    static char text[1000];

    write_trips(f);
    scan = open_scan(f, "trips(*)", NULL);
    print_schema(&scan.schema, text, sizeof text);
    assert_string_equal(text, "city u, id l, code z, event_timestamp tsu:UTC, "
                              "fare l?, tags +l?(u)");
    expect_rest(&scan, "'' 9 x02 1 null null\n"
                       "bern 7 '' 2 4 []\n"
                       "oslo -5 x00 3 3 [b,c]\n"
                       "oslo -5 x00ff 4 2 null\n"
                       "oslo 5 x01 5 1 [a]");
    close_scan(&scan);
}

static void
columns_are_those_asked_for(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .from = "'oslo', 5"};

    write_trips(f);
    expect_scan(f, "trips:fare", NULL,
                "'' 9 x02 1 null\nbern 7 '' 2 4\noslo -5 x00 3 3\n"
                "oslo -5 x00ff 4 2\noslo 5 x01 5 1");
    define(f, "CREATE FEATURE SERVICE s AS trips(tags AS t, fare);");
    expect_scan(f, "s", &options, "oslo 5 x01 5 [a] 1");
}

static void
aliases_name_columns_and_keys(void **state)
{
    struct fixture *f = *state;
    struct scan scan;
    static char text[1000];

    write_trips(f);
    scan = open_scan(f, "trips(fare AS f) AS x (city AS town)", NULL);
    print_schema(&scan.schema, text, sizeof text);
    assert_string_equal(text, "town u, id l, code z, event_timestamp tsu:UTC, "
                              "x__f l?");
    close_scan(&scan);
}

static void
an_empty_view_has_no_batch(void **state)
{
    struct fixture *f = *state;
    struct scan scan;

    define(f, SIMPLE);
    scan = open_scan(f, "v(*)", NULL);
    for (int i = 0; i < 3; i++)
        assert_null(next_batch(&scan).release);
    close_scan(&scan);
    write_numbers(f, 1, 2);
    erase(f, "v", NULL, "1 @1\n2 @1");
    expect_scan(f, "v(*)", NULL, "");
}

static void
deleted_rows_are_no_rows(void **state)
{
    struct fixture *f = *state;

    define(f, SIMPLE);
    write_numbers(f, 1, 5);
    erase(f, "v", NULL, "1 @1\n3 @1\n5 @1\n8 @1");
    upsert(f, "v", "k, event_timestamp, a", "5 @2 9");
    expect_scan(f, "v(a)", NULL,
                "2 1767268800000000 2\n4 1767268800000000 4\n"
                "5 1767268802000000 9");
}

static void
fill_decides_as_in_a_read(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = {.struct_size = sizeof options};

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64 DEFAULT 7, b INT64,"
              " c INT64 NOT NULL DEFAULT 3) FOR e WITH (ttl = '1 hour');");
    upsert(f, "v", "k, event_timestamp, a, b, c",
           "1 @0 1 1 1\n2 @-7200 2 2 2\n3 @0 null null 4");
    patch(f, "v", "k, event_timestamp, b", "2 @0 5");
    expect_scan(f, "v(*)", &options,
                "1 1767268800000000 1 1 1\n2 1767268800000000 7 5 3\n"
                "3 1767268800000000 7 null 4");
    options.fill = FEATURE_FILL_NULLS;
    expect_scan(f, "v(*)", &options,
                "1 1767268800000000 1 1 1\n2 1767268800000000 null 5 null\n"
                "3 1767268800000000 null null 4");
    options.fill = FEATURE_FILL_STALE;
    expect_scan(f, "v(*)", &options,
                "1 1767268800000000 1 1 1\n2 1767268800000000 2 5 2\n"
                "3 1767268800000000 7 null 4");
}

static void
a_range_is_of_keys_and_of_their_beginnings(void **state)
{
    static const struct {
        const char *from, *to, *expected;
    } cases[] = {
        {"'oslo'", NULL, "oslo -5 3\noslo -5 2\noslo 5 1"},
        {NULL, "'oslo'", "'' 9 null\nbern 7 4"},
        {"'oslo', -5", "'oslo', -4", "oslo -5 3\noslo -5 2"},
        {"'oslo', -5, x'00ff'", NULL, "oslo -5 2\noslo 5 1"},
        {"'oslo', -5, x'00'", "'oslo',-5,x'00ff'", "oslo -5 3"},
        {"'oslo', -5, x'0001'", NULL, "oslo -5 2\noslo 5 1"},
        {"'a'", "'c'", "bern 7 4"},
        {"''", "'', 9, x'02'", ""},
        {"''", "'', 10", "'' 9 null"},
        {"'p'", NULL, ""},
        {"'oslo'", "'bern'", ""},
        {"'oslo'", "'oslo'", ""},
        {" 'oslo' , 5 -- five\n", NULL, "oslo 5 1"},
    };
    struct fixture *f = *state;

    write_trips(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct feature_scan_options options = {.struct_size = sizeof options,
                                               .chunk_rows = 2,
                                               .from = cases[i].from,
                                               .to = cases[i].to};
        struct scan scan = open_scan(f, "trips(fare)", &options);
        struct ArrowArray batch;
        char text[1000] = "";

        while ((batch = next_batch(&scan)).release) {
            for (int64_t row = 0; row < batch.length; row++) {
                for (int c = 0; c < 5; c += 1 + (c == 1) * 2) {
                    strcat(text, c ? " " : *text ? "\n" : "");
                    print_item(scan.schema.children[c], batch.children[c], row,
                               text, sizeof text);
                }
            }
            batch.release(&batch);
        }
        if (strcmp(text, cases[i].expected) != 0)
            fail_msg("case %zu: %s", i, text);
        close_scan(&scan);
    }
}

static void
bad_bounds_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text, *message;
        uint32_t line, column;
    } cases[] = {
        {"", "from: ", 1, 1},
        {"5", "a string such as 'text'", 1, 1},
        {"'a', 'b'", "a whole number", 1, 6},
        {"'a',\n 1.5", "a whole number", 2, 2},
        {"'a', 9223372036854775808", "does not fit INT64", 1, 6},
        {"'a', NULL", "id is never null", 1, 6},
        {"'a', 1, x'0g'", "", 1, 9},
        {"'a', 1, x'00', 2", "3 join keys, not more", 1, 16},
        {"'a' 1", "\",\" or the end of the text", 1, 5},
        {"'a',", "a whole number", 1, 5},
        {"'\xff'", "", 1, 2},
    };
    struct fixture *f = *state;

    write_trips(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct feature_scan_options options = {.struct_size = sizeof options,
                                               .from = cases[i].text};
        struct ArrowArrayStream stream = {0};

        must_fail(feature_store_scan_arrow(f->store, "trips(*)", &options,
                                           &stream, &problem),
                  FEATURE_INVALID, NULL);
        if (!strstr(problem.message, cases[i].message) ||
            strncmp(problem.message, "from: ", 6) ||
            problem.line != cases[i].line || problem.column != cases[i].column)
            fail_msg("case %zu: %u:%u: %s", i, problem.line, problem.column,
                     problem.message);
        assert_null(stream.release);
        options.to = options.from;
        options.from = NULL;
        must_fail(feature_store_scan_arrow(f->store, "trips(*)", &options,
                                           &stream, &problem),
                  FEATURE_INVALID, NULL);
        assert_memory_equal(problem.message, "to: ", 4);
    }
}

static void
refuse(struct fixture *f, const char *features,
       const struct feature_scan_options *options, feature_status status,
       const char *reason)
{
    struct ArrowArrayStream stream = {0};

    must_fail(feature_store_scan_arrow(f->store, features, options, &stream,
                                       &problem),
              status, reason);
    assert_null(stream.release);
}

static void
bad_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct feature_scan_options base = {.struct_size = sizeof base};
    struct feature_scan_options options = base;
    struct ArrowArrayStream stream = {0};

    define(f, SIMPLE "CREATE FEATURE VIEW w (a INT64) FOR e;");
    refuse(f, NULL, NULL, FEATURE_INVALID, "argument");
    refuse(f, "v(", NULL, FEATURE_INVALID, "argument");
    refuse(f, "v(nothing)", NULL, FEATURE_NOT_FOUND, NULL);
    refuse(f, "nothing(*)", NULL, FEATURE_NOT_FOUND, NULL);
    refuse(f, "v(*), w(a AS c)", NULL, FEATURE_INVALID, "argument");
    refuse(f, "v(*), v(a) AS x (k AS l)", NULL, FEATURE_INVALID, "argument");
    refuse(f, "v(a AS k)", NULL, FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "k"));
    refuse(f, "v(a) AS x (k AS event_timestamp)", NULL, FEATURE_INVALID, NULL);
    options.flags = 2;
    refuse(f, "v(*)", &options, FEATURE_INVALID, "argument");
    options = base;
    options.fill = 3;
    refuse(f, "v(*)", &options, FEATURE_INVALID, "argument");
    options = base;
    options.reserved = 1;
    refuse(f, "v(*)", &options, FEATURE_INVALID, "argument");
    options = base;
    options.struct_size = 3;
    refuse(f, "v(*)", &options, FEATURE_VERSION, "struct-size");
    must_fail(feature_store_scan_arrow(NULL, "v(*)", NULL, &stream, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_store_scan_arrow(f->store, "v(*)", NULL, NULL, NULL),
              FEATURE_INVALID, NULL);
}

static void
a_chunk_has_at_most_the_rows_asked_for(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = {.struct_size = sizeof options};

    define(f, SIMPLE);
    write_numbers(f, 1, 100);
    for (uint32_t rows = 1; rows <= 101; rows += rows < 5 ? 1 : 24) {
        struct ArrowArray batch;
        struct scan scan;
        int64_t next = 1;

        options.chunk_rows = rows;
        scan = open_scan(f, "v(a)", &options);
        while ((batch = next_batch(&scan)).release) {
            const int64_t *keys = batch.children[0]->buffers[1];

            assert_int_equal(batch.length,
                             101 - next < rows ? 101 - next : rows);
            for (int64_t i = 0; i < batch.length; i++)
                assert_int_equal(keys[i], next++);
            batch.release(&batch);
        }
        assert_int_equal(next, 101);
        close_scan(&scan);
    }
}

/* 16 MiB end a chunk, whether they are stored or the DEFAULT's. */
static void
a_chunk_ends_early_where_its_rows_are_large(void **state)
{
    enum { SIZE = 1000000, ROWS = 40 };
    struct fixture *f = *state;
    char *text = claim(SIZE + 200);
    struct scan scan;
    struct ArrowArray batch;
    int64_t rows = 0;

    memset(text, 'x', SIZE);
    define(f, SIMPLE);
    for (int k = 0; k < ROWS; k++) {
        char key[16];

        memcpy(text, key, (size_t)sprintf(key, "%d ", 10 + k));
        upsert(f, "v", "k, b", text);
    }
    scan = open_scan(f, "v(b)", NULL);
    while ((batch = next_batch(&scan)).release) {
        assert_true(batch.length <= 17);
        assert_true(batch.length >= 16 || rows + batch.length == ROWS);
        rows += batch.length;
        batch.release(&batch);
    }
    assert_int_equal(rows, ROWS);
    close_scan(&scan);
    free(text);
}

static void
defaults_count_towards_the_size_of_a_chunk(void **state)
{
    enum { SIZE = 1000000 };
    static const char head[] = "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW "
                               "v (a INT64, b STRING DEFAULT '";
    struct fixture *f = *state;
    char *text = claim(SIZE + 200);
    struct scan scan;
    struct ArrowArray batch;
    int64_t rows = 0;

    memset(text, 'x', SIZE);
    memcpy(text, head, sizeof head - 1);
    strcpy(text + SIZE, "') FOR e;");
    define(f, text);
    free(text);
    upsert(f, "v", "k, event_timestamp, a",
           "1 1 1\n2 1 1\n3 1 1\n4 1 1\n5 1 1\n6 1 1\n7 1 1\n8 1 1\n9 1 1\n"
           "10 1 1\n11 1 1\n12 1 1\n13 1 1\n14 1 1\n15 1 1\n16 1 1\n17 1 1\n"
           "18 1 1\n19 1 1\n20 1 1");
    scan = open_scan(f, "v(b)", NULL);
    while ((batch = next_batch(&scan)).release) {
        assert_in_range(batch.length, 3, 17);
        rows += batch.length;
        batch.release(&batch);
    }
    assert_int_equal(rows, 20);
    close_scan(&scan);
}

/* The same cells by both ways: half of the rows were patched, some are past
 * their ttl, some of an older schema version. */
static void
a_scan_answers_what_reads_answer(void **state)
{
    struct fixture *f = *state;
    static char rows[40000];

    define(f, "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT32,"
              " b STRING DEFAULT 'd', c FLOAT32[2]) FOR e"
              " WITH (ttl = '1 hour');");
    for (int k = 0, at = 0; k < 300; k++)
        at += sprintf(rows + at, "%d @%d %d s%d [%d,2]\n", k * 37 % 600,
                      -(k % 7) * 900, k, k, k);
    upsert(f, "v", NULL, rows);
    define(f, "CREATE FEATURE VIEW v (a INT64, d BOOL, e STRING[]) FOR e;");
    for (int k = 0, at = 0; k < 300; k++)
        at += sprintf(rows + at, "%d @%d %s [x%d]\n", k * 11 % 600,
                      -(k % 5) * 1000, k % 3 ? "true" : "null", k);
    patch(f, "v", "k, event_timestamp, d, e", rows);
    for (int32_t fill = 0; fill <= FEATURE_FILL_STALE; fill++) {
        struct feature_scan_options options = {
            .struct_size = sizeof options, .fill = fill, .chunk_rows = 61};
        struct reader reader = open_reader(f, "v(*)", fill, NULL);
        struct scan scan = open_scan(f, "v(*)", &options);
        struct ArrowArray batch;

        while ((batch = next_batch(&scan)).release) {
            const int64_t *ids = batch.children[0]->buffers[1];
            const int64_t *times = batch.children[1]->buffers[1];
            struct ArrowSchema schema;
            struct ArrowArray array;

            must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                         ids, NULL, NULL,
                                         (uint32_t)batch.length, &problem));
            must(feature_request_read(reader.request, &problem));
            must(feature_request_export_arrow(reader.request, 0, &schema,
                                              &array, &problem));
            for (int64_t i = 0; i < batch.length; i++)
                assert_int_equal(
                    feature_request_timestamps(reader.request, 0)[i], times[i]);
            for (int64_t c = 0; c < array.n_children; c++) {
                char got[TEXT_SIZE / 4] = "", want[TEXT_SIZE / 4] = "";

                for (int64_t i = 0; i < batch.length; i++) {
                    print_item(schema.children[c], array.children[c], i, want,
                               sizeof want);
                    print_item(scan.schema.children[c + 2],
                               batch.children[c + 2], i, got, sizeof got);
                }
                assert_string_equal(got, want);
            }
            array.release(&array);
            schema.release(&schema);
            batch.release(&batch);
        }
        close_reader(&reader);
        close_scan(&scan);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_come_in_key_order_with_keys_and_timestamps),
        TEST(columns_are_those_asked_for),
        TEST(aliases_name_columns_and_keys),
        TEST(an_empty_view_has_no_batch),
        TEST(deleted_rows_are_no_rows),
        TEST(fill_decides_as_in_a_read),
        TEST(a_range_is_of_keys_and_of_their_beginnings),
        TEST(bad_bounds_are_refused_with_their_place),
        TEST(bad_arguments_are_refused),
        TEST(a_chunk_has_at_most_the_rows_asked_for),
        TEST(a_chunk_ends_early_where_its_rows_are_large),
        TEST(defaults_count_towards_the_size_of_a_chunk),
        TEST(a_scan_answers_what_reads_answer),
    };

    return cmocka_run_group_tests_name("arrow_scan", tests, NULL, NULL);
}
