/* SPDX-License-Identifier: Apache-2.0 */
/* Widened types, cells carried from schema to schema, and batches that were
 * made before a change. */
#include "common.h"

#define ENTITY         "CREATE ENTITY e (k INT64);"
#define VIEW(features) "CREATE FEATURE VIEW v (" features ") FOR e;"

struct widening {
    const char *from;
    const char *to;
    const char *old_value;
    const char *fits; /* written as the wide type, still a narrow one */
    const char *wide; /* too wide for the old queries */
};

static const struct widening widenings[] = {
    {"INT32", "INT64", "-2147483648", "2147483647", "2147483648"},
    {"INT32", "INT64", "7", "-2147483648", "-2147483649"},
    {"INT32", "FLOAT64", "-7", "2147483647", "2147483648"},
    {"INT32", "FLOAT64", "8", "-2147483648", "0.5"},
    {"INT32", "FLOAT64", "9", "0", "nan"},
    {"FLOAT32", "FLOAT64", "0.5", "-16777216", "16777217"},
    {"FLOAT32", "FLOAT64", "nan", "inf", "1.0000000000000002"},
    {"FLOAT32", "FLOAT64", "-inf", "nan", "1.0000000000000001e+300"},
};

static const char *const shapes[][4] = {
    /* of the type, before and after the values */
    {"", "", ""},
    {"[2]", "[3,", "]"},
    {"[]", "[3,4,", "]"},
};

static void
describe_view(char *text, size_t size, const char *type, const char *shape)
{
    snprintf(text, size, ENTITY VIEW("a %s%s"), type, shape);
}

static void
print_row(char *text, size_t size, const char *before, const char *const *shape,
          const char *value)
{
    snprintf(text, size, "%s%s%s%s", before, shape[1], value, shape[2]);
}

/* Only the row of a wide value fails an old query. */
static void
check_widening(struct fixture *f, const struct widening *at,
               const char *const *shape)
{
    struct reader old, new;
    char text[128], both[256];

    describe_view(text, sizeof text, at->from, shape[0]);
    define(f, text);
    print_row(text, sizeof text, "1 100 ", shape, at->old_value);
    upsert(f, "v", NULL, text);
    old = open_reader(f, "v:a", 0, "1\n2");
    describe_view(text, sizeof text, at->to, shape[0]);
    define(f, text);
    new = open_reader(f, "v:a", 0, "1\n2");
    print_row(text, sizeof text, "2 100 ", shape, at->fits);
    upsert(f, "v", NULL, text);
    print_row(both, sizeof both, "present ", shape, at->old_value);
    strcat(both, "\npresent ");
    print_row(both + strlen(both), 64, "", shape, at->fits);
    expect_read(&old, both);
    expect_read(&new, both);
    print_row(text, sizeof text, "2 100 ", shape, at->wide);
    upsert(f, "v", NULL, text);
    must_fail(feature_request_read(old.request, &problem), FEATURE_CONFLICT,
              "schema-changed");
    assert_int_equal(problem.row, 1);
    assert_int_equal(feature_request_row_count(old.request), 0);
    set_keys(&old, "1");
    print_row(both, sizeof both, "present ", shape, at->old_value);
    expect_read(&old, both);
    strcat(both, "\npresent ");
    print_row(both + strlen(both), 64, "", shape, at->wide);
    expect_read(&new, both);
    close_reader(&old);
    close_reader(&new);
}

static void
widened_values_read_through_old_queries_while_they_fit(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof widenings / sizeof *widenings; i++)
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
            check_widening(f, &widenings[i], shapes[j]);
            start_again(f);
        }
}

static void
a_null_always_fits_and_a_default_has_to(void **state)
{
    struct fixture *f = *state;
    struct reader old;

    define(f, ENTITY VIEW("a INT32 DEFAULT 3, b INT32"));
    upsert(f, "v", NULL, "1 100 5 6");
    old = open_reader(f, "v(*)", 0, "1\n2");
    define(f, VIEW("a INT64 DEFAULT 4, b FLOAT64"));
    patch(f, "v", "k, event_timestamp, b", "1 101 null");
    expect_read(&old, "present 5 null\nnot_found 4* null");
    define(f, VIEW("a INT64 DEFAULT 5000000000"));
    must_fail(feature_request_read(old.request, &problem), FEATURE_CONFLICT,
              "schema-changed");
    set_keys(&old, "1");
    expect_read(&old, "present 5 null");
    close_reader(&old);
}

static void
a_patch_carries_old_cells_into_the_new_schema(void **state)
{
    struct fixture *f = *state;

    define(f, ENTITY VIEW("n INT32, x FLOAT32, i INT32, vec INT32[2],"
                          "list FLOAT32[], s STRING, tags STRING[], b BOOL,"
                          "gone INT64, t INT64"));
    upsert(f, "v", NULL, "1 100 -7 0.5 9 [1,-2] [0.5,1] text [a,''] true 1 1");
    patch(f, "v", "k, event_timestamp, s", "1 200 later");
    define(f, VIEW("n INT64, x FLOAT64, i FLOAT64, vec FLOAT64[2],"
                   "list FLOAT64[], new INT32 DEFAULT 3"));
    define(f, "DROP FEATURE v:gone");
    patch(f, "v", "k, event_timestamp, t", "1 150 2");
    expect_rows(f, "v(n, x, i, vec, list, s, tags, b, t, new)", "1",
                "present -7 0.5 9 [1,-2] [0.5,1] later [a,''] true 2 3*");
    /* Every cell kept its own time. */
    patch(f, "v", "k, event_timestamp, n, s, t", "1 149 1 late 1");
    expect_rows(f, "v(n, s, t)", "1", "present 1 later 2");
    patch(f, "v", "k, event_timestamp, x, s", "1 99 1 late");
    expect_rows(f, "v(x, s)", "1", "present 0.5 later");
}

#define VERSIONS 40

static void
rows_of_forty_versions_are_patched_in_one_batch(void **state)
{
    struct fixture *f = *state;
    char text[96], rows[1024] = "", keys[512] = "", expected[4096] = "";

    define(f, ENTITY VIEW("x INT64"));
    for (int i = 0; i < VERSIONS; i++) {
        snprintf(text, sizeof text, VIEW("a%d INT32"), i);
        define(f, text);
        snprintf(text, sizeof text, "k, event_timestamp, a%d", i);
        snprintf(rows, sizeof rows, "%d 100 %d", i, i);
        patch(f, "v", text, rows);
    }
    rows[0] = '\0';
    for (int i = 0; i < VERSIONS; i++) {
        snprintf(text, sizeof text, "%s%d", i ? "\n" : "", i);
        strcat(keys, text);
        snprintf(text, sizeof text, "%s%d 100 %d", i ? "\n" : "", i, 2 * i);
        strcat(rows, text);
        snprintf(text, sizeof text, "%spresent %d %s", i ? "\n" : "", 2 * i,
                 i == 31 ? "31" : "null");
        strcat(expected, text);
    }
    patch(f, "v", "k, event_timestamp, x", rows);
    expect_rows(f, "v(x, a31)", keys, expected);
}

static void
a_batch_from_before_a_change_writes_what_it_meant(void **state)
{
    struct fixture *f = *state;
    feature_batch *one, *two;

    define(f, ENTITY VIEW("n INT32, list FLOAT32[], s STRING"));
    one = make_batch(f, FEATURE_UPSERT, "v", NULL,
                     "1 100 5 [0.5,1] a\n2 100 null [] b\n3 100 6 null c");
    two = make_batch(f, FEATURE_PATCH, "v", "k, event_timestamp, n", "1 101 9");
    define(f, VIEW("count FLOAT64 RENAMED FROM n, list FLOAT64[],"
                   "new INT32 DEFAULT 1"));
    write_batch(f, one);
    expect_rows(f, "v(count, list, s, new)", "1\n2\n3",
                "present 5 [0.5,1] a 1*\n"
                "present null [] b 1*\n"
                "present 6 null c 1*");
    patch(f, "v", "k, event_timestamp, new", "1 101 7");
    write_batch(f, two);
    expect_rows(f, "v(count, list, s, new)", "1", "present 9 [0.5,1] a 7");
    feature_batch_free(one);
    /* It takes the narrow type again, and the wide one now. */
    fill_batch(two, "1 102 0.5");
    must(feature_batch_set(two, 2, FEATURE_TYPE_INT32, &(int32_t){-3}, NULL,
                           NULL, 1, &problem));
    write_batch(f, two);
    expect_rows(f, "v(count)", "1", "present -3");
    feature_batch_free(two);
}

static void
a_batch_of_something_dropped_is_refused(void **state)
{
    struct fixture *f = *state;
    feature_batch *column, *other;

    define(f, ENTITY VIEW("a INT64, b INT64"));
    column = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 100 5 6");
    other =
        make_batch(f, FEATURE_PATCH, "v", "k, event_timestamp, a", "1 100 7");
    define(f, "DROP FEATURE v:b");
    must_fail(feature_store_write(f->store, &column, 1, NULL, NULL, &problem),
              FEATURE_CONFLICT, "schema-changed");
    define(f, VIEW("b INT64"));
    must_fail(feature_store_write(f->store, &column, 1, NULL, NULL, &problem),
              FEATURE_CONFLICT, "schema-changed");
    assert_null(feature_batch_outcomes(column));
    write_batch(f, other);
    expect_rows(f, "v(*)", "1", "present 7 null");
    define(f, "DROP FEATURE VIEW v");
    define(f, VIEW("a INT64"));
    must_fail(feature_store_write(f->store, &other, 1, NULL, NULL, &problem),
              FEATURE_CONFLICT, "schema-changed");
    expect_rows(f, "v(*)", "1", "not_found null");
    feature_batch_free(column);
    feature_batch_free(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(widened_values_read_through_old_queries_while_they_fit),
        TEST(a_null_always_fits_and_a_default_has_to),
        TEST(a_patch_carries_old_cells_into_the_new_schema),
        TEST(rows_of_forty_versions_are_patched_in_one_batch),
        TEST(a_batch_from_before_a_change_writes_what_it_meant),
        TEST(a_batch_of_something_dropped_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
