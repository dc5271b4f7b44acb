/* SPDX-License-Identifier: Apache-2.0 */
/* Values at their edges: texts that are none, floats that are no numbers,
 * the ends of integers and of time, sizes at their limits. */
#include "common.h"

#define DEFINITIONS                                                   \
    "CREATE ENTITY e (k INT64);"                                      \
    "CREATE ENTITY place (p STRING);"                                 \
    "CREATE FEATURE VIEW v (a INT64, s STRING, t STRING[], y BYTES,"  \
    " f FLOAT32, d FLOAT64, ts TIMESTAMP, vf FLOAT32[2]) FOR e"       \
    " WITH (max_skew = 'none');"                                      \
    "CREATE FEATURE VIEW clocked (a INT64) FOR e WITH (ttl = '1 d');" \
    "CREATE FEATURE VIEW w (n INT64) FOR place;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define VALUES(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Writes one text, as a whole or cut in two. */
static feature_status
write_text(struct fixture *f, const char *text, int32_t size, int32_t cut)
{
    feature_batch *batch =
        make_batch(f, FEATURE_PATCH, "v", cut ? "k, t" : "k, s", NULL);
    const int32_t offsets[] = {0, cut ? 2 : size}, cuts[] = {0, cut, size};
    feature_status status;

    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &(int64_t){1}, NULL,
                           NULL, 1, &problem));
    if (cut)
        must(feature_batch_set_list(batch, 1, FEATURE_TYPE_STRING, text,
                                    offsets, cuts, NULL, 1, &problem));
    else
        must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING, text, offsets,
                               NULL, 1, &problem));
    status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
    feature_batch_free(batch);
    return status;
}

static void
a_string_is_utf8(void **state)
{
    static const char *const bad[] = {"\xff",
                                      "\x80",
                                      "a\xc3",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe2\x82",
                                      "\xf0\x9f\x98",
                                      "\xc3\x28"};
    static const char *const good[] = {
        "\xc3\xa9",     "\xe2\x82\xac",     "\xf0\x9f\x98\x80",
        "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\x7f",
        "\x01"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        must_fail(write_text(f, bad[i], (int32_t)strlen(bad[i]), 0),
                  FEATURE_INVALID, "argument");
        assert_int_equal(problem.row, 0);
        assert_int_equal(problem.column, 1);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        must(write_text(f, good[i], (int32_t)strlen(good[i]), 0));
    must(write_text(f, "a\0b", 3, 0));
    assert_int_equal(stats_of(f).rows, 1);
}

static void
a_cut_inside_a_character_is_no_string(void **state)
{
    struct fixture *f = *state;

    must_fail(write_text(f, "\xc3\xa9", 2, 1), FEATURE_INVALID, "argument");
    must_fail(write_text(f, "a\xe2\x82\xac", 4, 2), FEATURE_INVALID,
              "argument");
    must(write_text(f, "\xc3\xa9\xc3\xa9", 4, 2));
    expect_rows(f, "v(t)", "1", "present [\xc3\xa9,\xc3\xa9]");
}

static void
a_string_key_is_utf8_too(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "w", "p, n", NULL);

    must(feature_batch_set(batch, 0, FEATURE_TYPE_STRING, "a\xff",
                           (const int32_t[]){0, 1, 2}, NULL, 2, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64,
                           (const int64_t[]){1, 2}, NULL, NULL, 2, &problem));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(problem.row, 1);
    assert_int_equal(problem.column, 0);
    feature_batch_free(batch);
}

static void
floats_are_stored_as_they_are(void **state)
{
    static const uint32_t singles[] = {0x7fc00001, 0xffc12345, 0x7f800000,
                                       0xff800000, 0x80000000, 0x00000001,
                                       0x7f7fffff, 0x7fa00001};
    static const uint64_t doubles[] = {0x7ff8000000000001, 0xfff8123456789abc,
                                       0x7ff0000000000000, 0xfff0000000000000,
                                       0x8000000000000000, 0x0000000000000001,
                                       0x7fefffffffffffff, 0x7ff4000000000001};
    static const int64_t keys[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(f, d, vf)", 0, NULL);
    feature_batch *batch = make_batch(f, FEATURE_PATCH, "v", "k, f, d", NULL);
    struct feature_column columns[3];

    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, 8,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_FLOAT32, singles, NULL, NULL,
                           8, &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT64, doubles, NULL, NULL,
                           8, &problem));
    write_batch(f, batch);
    feature_batch_free(batch);
    batch = make_batch(f, FEATURE_PATCH, "v", "k, vf", NULL);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, 4,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_FLOAT32, singles, NULL, NULL,
                           4, &problem));
    write_batch(f, batch);
    feature_batch_free(batch);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, 8, &problem));
    must(feature_request_read(reader.request, &problem));
    must(feature_request_columns(reader.request, columns, 3, &problem));
    assert_memory_equal(columns[0].values, singles, sizeof singles);
    assert_memory_equal(columns[1].values, doubles, sizeof doubles);
    assert_memory_equal(columns[2].values, singles, sizeof singles);
    assert_int_equal(columns[0].null_count + columns[1].null_count, 0);
    close_reader(&reader);
}

static void
integers_reach_their_ends(void **state)
{
    struct fixture *f = *state;

    upsert(f, "v", "k, a, ts",
           "-9223372036854775808 9223372036854775807 -9223372036854775808\n"
           "9223372036854775807 -9223372036854775808 9223372036854775807\n"
           "0 0 0");
    expect_rows(f, "v(a, ts)",
                "9223372036854775807\n-9223372036854775808\n0\n-1",
                "present -9223372036854775808 9223372036854775807\n"
                "present 9223372036854775807 -9223372036854775808\n"
                "present 0 0\nnot_found null null");
}

static void
event_time_reaches_its_ends_but_for_the_first(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch =
        make_batch(f, FEATURE_UPSERT, "v", "k, event_timestamp, a",
                   "1 -9223372036854775808 5");

    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "INT64_MIN"));
    assert_int_equal(problem.column, 1);
    feature_batch_free(batch);
    upsert(f, "v", "k, event_timestamp, a",
           "1 -9223372036854775807 5\n2 9223372036854775807 6");
    expect_rows(f, "v(a)", "1\n2", "present 5\npresent 6");
    assert_int_equal(
        upsert(f, "v", "k, event_timestamp, a", "2 9223372036854775806 7").late,
        1);
    assert_int_equal(erase(f, "v", NULL, "2 9223372036854775807").applied, 1);
    assert_int_equal(erase(f, "v", NULL, "3 -9223372036854775807").applied, 1);
}

static void
a_wrong_unit_does_not_poison_a_key(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;
    char rows[256];

    /* Nanoseconds are far ahead; seconds and milliseconds are in 1970. */
    snprintf(rows, sizeof rows,
             "1 %" PRId64 " 1\n1 %" PRId64 " 2\n1 %" PRId64 " 3\n"
             "1 %" PRId64 " 4\n1 %" PRId64 " 5",
             NOON * 1000, NOON / SECOND, NOON / 1000, NOON, NOON / 1000);
    batch = make_batch(f, FEATURE_UPSERT, "clocked", NULL, rows);
    write_batch(f, batch);
    expect_outcomes(batch, "FAAAL");
    expect_rows(f, "clocked(a)", "1", "present 4");
    feature_batch_free(batch);
}

static feature_status
write_long(struct fixture *f, int32_t size)
{
    feature_batch *batch = make_batch(f, FEATURE_PATCH, "v", "k, s", NULL);
    char *text = claim((size_t)size);
    const int32_t offsets[] = {0, size};
    feature_status status;

    memset(text, 'x', (size_t)size);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &(int64_t){1}, NULL,
                           NULL, 1, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING, text, offsets, NULL,
                           1, &problem));
    status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
    feature_batch_free(batch);
    free(text);
    return status;
}

static void
a_text_over_the_row_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct feature_column column;

    must(write_long(f, (1 << 20) - 200));
    must_fail(write_long(f, 1 << 20), FEATURE_INVALID, "row-size");
    must_fail(write_long(f, 70 << 20), FEATURE_INVALID, "row-size");
    assert_int_equal(problem.row, 0);
    reader = open_reader(f, "v(s)", 0, "1");
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &column, &problem));
    assert_int_equal(column.offsets[1], (1 << 20) - 200);
    close_reader(&reader);
    close_store(f);
    f->options.max_row_size = 64u << 20;
    open_store(f);
    must(write_long(f, 3 << 20));
}

/* --- definition texts ------------------------------------------------------- */

#define LONG_TEXT (64 << 10)

static void
a_definition_text_of_64_kib_is_taken(void **state)
{
    struct fixture *f = *state;
    char *text = claim((2 << 20) + 1);
    int size = snprintf(text, LONG_TEXT, "CREATE FEATURE VIEW big (");
    char *described = NULL;

    for (int i = 0; size < LONG_TEXT; i++)
        size += snprintf(text + size, 64, "%s\n  feature_%06d FLOAT64",
                         i ? "," : "", i);
    strcat(text, ") FOR e");
    define(f, text);
    must(feature_store_describe(f->store, "big", &described, &problem));
    assert_true(strlen(described) > LONG_TEXT);
    define(f, described);
    assert_int_equal(stats_of(f).sequence, 2);
    feature_free(described);
    expect_rows(f, "big:feature_000000, big(feature_002000)", "1",
                "not_found null null");
    /* Past 1 MiB even comments are too much. */
    memset(text, '-', 2 << 20);
    text[2 << 20] = '\0';
    must_fail(feature_store_apply(f->store, text, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    text[1 << 20] = '\0';
    define(f, text);
    free(text);
}

static void
names_have_64_bytes_at_most(void **state)
{
    struct fixture *f = *state;
    char name[80], text[160];

    memset(name, 'n', sizeof name);
    name[64] = '\0';
    snprintf(text, sizeof text, "CREATE ENTITY %s (k INT64)", name);
    define(f, text);
    name[64] = 'n';
    name[65] = '\0';
    snprintf(text, sizeof text, "CREATE ENTITY %s (k INT64)", name);
    must_fail(feature_store_apply(f->store, text, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(problem.column, 15);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        VALUES(a_string_is_utf8),
        VALUES(a_cut_inside_a_character_is_no_string),
        VALUES(a_string_key_is_utf8_too),
        VALUES(floats_are_stored_as_they_are),
        VALUES(integers_reach_their_ends),
        VALUES(event_time_reaches_its_ends_but_for_the_first),
        VALUES(a_wrong_unit_does_not_poison_a_key),
        VALUES(a_text_over_the_row_limit_is_refused),
        VALUES(a_definition_text_of_64_kib_is_taken),
        VALUES(names_have_64_bytes_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
