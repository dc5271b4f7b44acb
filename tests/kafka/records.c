/* SPDX-License-Identifier: Apache-2.0 */
/* Records of JSON text: what is a row, what is refused, and why. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/kafka-ingest/rows.h"
#include "../../examples/kafka-ingest/value.h"
#include "children.h"
#include "support.h"

#define KEYS "{\"k\":\"a\",\"event_timestamp\":\"2013-07-01T21:03:00Z\","

static const char view[] =
    "CREATE ENTITY thing (k STRING);"
    "CREATE FEATURE VIEW things (i INT32, f FLOAT32, b BOOL) FOR thing;"
    "CREATE FEATURE VIEW vectors (v FLOAT32[2]) FOR thing;";

static feature_batch *
batch_of(struct fixture *f, const char *name)
{
    feature_batch *batch = NULL;

    define(f, view);
    must(feature_batch_create(f->store, name, NULL, FEATURE_UPSERT, &batch,
                              &problem));
    return batch;
}

/* Memory of the very size, so that a sanitizer sees a byte too many. */
static bool
add(struct rows *rows, const char *text, size_t size, char *reason)
{
    char *copy = malloc(size + !size);
    bool good;

    memcpy(copy, text, size);
    good = rows_add(rows, copy, size, reason);
    free(copy);
    return good;
}

static void
good_records_are_rows(void **state)
{
    static const char *const good[] = {
        KEYS "\"i\":-7,\"f\":1.5e3,\"b\":true}",
        " { \"b\" : null ,\n\"f\":-0,\"i\":2147483647,\"k\":\"\\u00e9\\ud83d"
        "\\ude00\\n\",\"event_timestamp\":5 } \n",
        "{\"\\u006b\":\"b\",\"event_timestamp\":\"0001-01-01T00:00:00.25Z\","
        "\"i\":null,\"f\":null,\"b\":false}",
    };
    struct fixture *f = *state;
    char reason[REASON_SIZE] = "";
    struct rows rows;
    struct feature_commit commit = {.struct_size = sizeof commit};

    assert_true(rows_begin(&rows, batch_of(f, "things"), 8, reason));
    for (int i = 0; i < 3; i++)
        if (!add(&rows, good[i], strlen(good[i]), reason))
            fail_msg("%s: %s", good[i], reason);
    must(rows_set(&rows, &problem));
    must(
        feature_store_write(f->store, &rows.batch, 1, NULL, &commit, &problem));
    assert_int_equal(commit.applied, 3);
    assert_int_equal(((int32_t *)rows.columns[2].values)[1], INT32_MAX);
    assert_int_equal(rows.columns[4].values[0], 1);   /* true, null, false */
    assert_int_equal(rows.columns[4].validity[0], 5); /* the second is null */
    assert_memory_equal(rows.columns[0].values, "a\u00e9\U0001f600\nb", 9);
    rows_end(&rows);
}

static void
bad_records_are_refused_and_leave_nothing(void **state)
{
    static const char *const bad[][2] = {
        {"", "not a JSON object"},
        {"null", "not a JSON object"},
        {"{", "a name is expected"},
        {"{}", "k is missing"},
        {KEYS "\"i\":1,\"f\":1,\"b\":true", "a comma or }"},
        {KEYS "\"i\":1,\"f\":1,\"b\":true}}", "more after"},
        {KEYS "\"i\":1,\"f\":1,\"b\":true,}", "a name is expected"},
        {KEYS "\"i\":1,\"f\":1}", "b is missing"},
        {KEYS "\"i\":1,\"i\":1,\"f\":1,\"b\":true}", "i is there twice"},
        {KEYS "\"i\":1,\"f\":1,\"b\":true,\"z\":1}", "named \"z\""},
        {KEYS "\"i\":2147483648,\"f\":1,\"b\":true}", "i is not a number"},
        {KEYS "\"i\":1.0,\"f\":1,\"b\":true}", "i is not a number"},
        {KEYS "\"i\":\"1\",\"f\":1,\"b\":true}", "i is a text"},
        {KEYS "\"i\":01,\"f\":1,\"b\":true}", "i is not a text"},
        {KEYS "\"i\":+1,\"f\":1,\"b\":true}", "i is not a text"},
        {KEYS "\"i\":[1],\"f\":1,\"b\":true}", "i is not a text"},
        {KEYS "\"i\":1,\"f\":1e39,\"b\":true}", "f is not a number"},
        {KEYS "\"i\":1,\"f\":1e999,\"b\":true}", "f is not a number"},
        {KEYS "\"i\":1,\"f\":NaN,\"b\":true}", "f is not a text"},
        {KEYS "\"i\":1,\"f\":.5,\"b\":true}", "f is not a text"},
        {KEYS "\"i\":1,\"f\":1,\"b\":1}", "b is not true"},
        {KEYS "\"i\":1,\"f\":1,\"b\":True}", "b is not a text"},
        {"{\"k\":1,", "k is not a text"},
        {"{\"k\":\"\\ud800\",", "k is not a JSON text"},
        {"{\"k\":\"\\x\",", "k is not a JSON text"},
        {"{\"k\":\"a\nb\",", "k is not a JSON text"},
        {"{\"k\":\"a", "k is not a JSON text"},
        {"{\"k\" \"a\"", "a colon"},
    };
    struct fixture *f = *state;
    char reason[REASON_SIZE];
    struct rows rows;

    assert_true(rows_begin(&rows, batch_of(f, "things"), 8, reason));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (add(&rows, bad[i][0], strlen(bad[i][0]), reason))
            fail_msg("%s: taken", bad[i][0]);
        if (!strstr(reason, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], reason);
        assert_int_equal(rows.count, 0);
        for (uint32_t c = 0; c < rows.column_count; c++) {
            assert_int_equal(rows.columns[c].used, 0);
            assert_int_equal(rows.columns[c].validity[0], 0);
        }
    }
    assert_false(rows_add(&rows, NULL, 0, reason));
    assert_string_equal(reason, "the record has no value");
    rows_end(&rows);
}

static void
a_view_with_vectors_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    char reason[REASON_SIZE] = "";
    struct rows rows;

    assert_false(rows_begin(&rows, batch_of(f, "vectors"), 8, reason));
    assert_non_null(strstr(reason, "column v: vectors"));
    rows_end(&rows);
}

static void
times_are_read_in_one_form(void **state)
{
    static const char *const bad[] = {
        "2013-02-29T00:00:00Z",      "2013-07-01 21:03:00Z",
        "2013-07-01T24:00:00Z",      "2013-07-01T21:03:60Z",
        "2013-07-01T21:03:00",       "2013-7-01T21:03:00ZZ",
        "2013-07-01T21:03:00.Z",     "0000-01-01T00:00:00Z",
        "2013-07-01T21:03:0xZ",      "2013-07-01T21:03:00.1234567Z",
        "2013-07-01T21:03:00+08:00",
    };
    int64_t time = 0;

    (void)state;
    assert_true(read_time("1970-01-01T00:00:00Z", 20, &time));
    assert_int_equal(time, 0);
    assert_true(read_time("2012-02-29T23:59:59.000001Z", 27, &time));
    assert_int_equal(time, INT64_C(1330559999000001));
    assert_true(read_time("1969-12-31T23:59:59.5Z", 22, &time));
    assert_int_equal(time, -500000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_time(bad[i], strlen(bad[i]), &time))
            fail_msg("%s: taken", bad[i]);
}

/* Changed bytes are a row or refused; with a sanitizer, nothing worse. */
static void
any_bytes_are_read_without_harm(void **state)
{
    static const char good[] = KEYS "\"i\":-7,\"f\":1.5e3,\"b\":true}";
    struct fixture *f = *state;
    char text[sizeof good], reason[REASON_SIZE];
    uint64_t dice = 1;
    uint32_t taken = 0;
    struct rows rows;

    assert_true(rows_begin(&rows, batch_of(f, "things"), 8, reason));
    for (int i = 0; i < 20000; i++) {
        uint32_t size = (uint32_t)sizeof good - 1;

        memcpy(text, good, size);
        for (uint32_t n = roll_below(&dice, 4); n > 0; n--)
            text[roll_below(&dice, size)] = roll_below(&dice, 2)
                                                ? (char)roll_below(&dice, 256)
                                                : good[roll_below(&dice, size)];
        if (roll_below(&dice, 4) == 0)
            size = roll_below(&dice, size);
        taken += add(&rows, text, size, reason);
        if (rows.count == rows.most)
            rows_clear(&rows);
    }
    assert_in_range(taken, 1000, 15000);
    rows_end(&rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_records_are_rows),
        TEST(bad_records_are_refused_and_leave_nothing),
        TEST(a_view_with_vectors_is_refused_at_once),
        cmocka_unit_test(times_are_read_in_one_form),
        TEST(any_bytes_are_read_without_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
