/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical text: what describe prints is what apply reads.
 *
 * Owns examples of every statement, and catalogs drawn at random.
 * Keeps the round trip: applied back nothing changes, applied to an empty
 * catalog the same text comes out.
 * Never compares ids: they are not in the text.
 */
#include "model.h"

static void
an_empty_catalog_is_an_empty_text(void **state)
{
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    expect_described(empty, NULL, "");
    lf_catalog_release(empty);
}

static const char *const everything =
    "CREATE ENTITY driver (driver_id INT64);\n"
    "CREATE ENTITY pair (a STRING, b BYTES);\n"
    "\n"
    "CREATE FEATURE VIEW driver_stats (\n"
    "    conv_rate       FLOAT32 DEFAULT 0.1,\n"
    "    acc_rate        FLOAT64 NOT NULL DEFAULT -1e+300,\n"
    "    avg_daily_trips INT64 NOT NULL,\n"
    "    embedding       FLOAT32[3] DEFAULT ['NaN', -0, '-Infinity'],\n"
    "    seen            TIMESTAMP DEFAULT '2024-01-31T12:00:00.25Z',\n"
    "    never           TIMESTAMP DEFAULT -9223372036854775808,\n"
    "    note            STRING DEFAULT 'it''s\n-- fine; \xc3\xa4',\n"
    "    blob            BYTES DEFAULT x'00ff',\n"
    "    good            BOOL DEFAULT FALSE,\n"
    "    counts          INT32[] DEFAULT [],\n"
    "    tags            STRING[] DEFAULT ['', 'a''b', 'c']\n"
    ") FOR driver WITH (ttl = '2 hours', history = '90 days', max_skew = "
    "'none', keep_versions = 3, check = 'rows >= 1000; row_ratio BETWEEN 0.5 "
    "AND 2; age <= 2 days; nulls(acc_rate) = 0; nulls(tags) < 0.05; "
    "min(avg_daily_trips) > -9223372036854775808; max(conv_rate) <= 1e+30; "
    "distinct(driver_id) <> 3; distinct(note) >= 2; psi(good) <= 0.2; "
    "max(seen) < 1700000000000000');\n"
    "\n"
    "CREATE FEATURE VIEW other (\n"
    "    x INT64\n"
    ") FOR pair WITH (keep_versions = 0);\n"
    "\n"
    "CREATE FEATURE SERVICE transfer_v1 AS\n"
    "    driver_stats(conv_rate, avg_daily_trips AS trips),\n"
    "    other(x) AS payer (a AS payer_a, b AS payer_b),\n"
    "    other(x) AS payee;\n"
    "\n"
    "STORE WITH (changes = '3 days', max_size = '200 GB');\n";

static void
canonical_text_stays_as_it_is(void **state)
{
    struct lf_catalog *catalog = defined(everything);

    (void)state;
    expect_described(catalog, NULL, everything);
    expect_plan(catalog, everything, "");
    lf_catalog_release(catalog);
}

static void
one_name_prints_one_statement(void **state)
{
    struct lf_catalog *catalog = defined(everything);

    (void)state;
    expect_described(catalog, "pair",
                     "CREATE ENTITY pair (a STRING, b BYTES);\n");
    expect_described(catalog, "other",
                     "CREATE FEATURE VIEW other (\n    x INT64\n) FOR pair "
                     "WITH (keep_versions = 0);\n");
    expect_described(catalog, "transfer_v1",
                     "CREATE FEATURE SERVICE transfer_v1 AS\n"
                     "    driver_stats(conv_rate, avg_daily_trips AS trips),\n"
                     "    other(x) AS payer (a AS payer_a, b AS payer_b),\n"
                     "    other(x) AS payee;\n");
    lf_catalog_release(catalog);
}

static void
an_unknown_name_is_answered_with_the_nearest(void **state)
{
    struct lf_catalog *catalog = defined(everything);
    struct feature_error error;
    struct lf_text text = {0};

    (void)state;
    assert_int_equal(lf_describe(catalog, "drivr", &text, &error),
                     FEATURE_NOT_FOUND);
    assert_string_equal(error.message,
                        "nothing is named \"drivr\"; did you mean driver?");
    assert_string_equal(error.reason, "name");
    assert_int_equal(lf_describe(catalog, "\n", &text, &error),
                     FEATURE_NOT_FOUND);
    assert_string_equal(error.message, "nothing is named \"\\x0a\"");
    assert_int_equal(text.bytes.size, 0);
    lf_catalog_release(catalog);
}

static void
a_copy_is_the_same_and_needs_no_original(void **state)
{
    struct lf_catalog *catalog = defined(everything);
    struct lf_catalog *copy = lf_catalog_copy(catalog);

    (void)state;
    assert_non_null(copy);
    assert_int_equal(copy->version, catalog->version);
    assert_ptr_equal(lf_catalog_hold(catalog), catalog);
    lf_catalog_release(catalog);
    lf_catalog_release(catalog);
    expect_described(copy, NULL, everything);
    lf_catalog_release(copy);
}

static const char *const types[] = {
    "BOOL",       "INT32",      "INT64",     "FLOAT32",  "FLOAT64",
    "STRING",     "BYTES",      "TIMESTAMP", "INT32[2]", "INT64[3]",
    "FLOAT32[4]", "FLOAT64[2]", "INT32[]",   "INT64[]",  "FLOAT32[]",
    "FLOAT64[]",  "STRING[]"};

static void
draw_string(struct lf_text *text)
{
    static const char *const parts[] = {"a",  "''",       "\n", "--", ";",
                                        " x", "\xc3\xa4", "%s", "(",  "\\"};

    lf_text_add(text, "'");
    for (uint32_t i = draw_below(5); i > 0; i--)
        lf_text_add(text, "%s", parts[draw_below(10)]);
    lf_text_add(text, "'");
}

static void
draw_float(struct lf_text *text)
{
    static const char *const specials[] = {"'NaN'", "'Infinity'", "-0", "1e-30",
                                           "3.4e38"};

    if (draw_one_in(3))
        lf_text_add(text, "%s", specials[draw_below(5)]);
    else
        lf_text_add(text, "%.*g", (int)draw_below(18),
                    (double)(int64_t)draw() / 1e15);
}

/* One value, or one element, of a type. */
static void
draw_scalar(struct lf_text *text, const char *type)
{
    if (!strncmp(type, "BOOL", 4))
        lf_text_add(text, draw_one_in(2) ? "TRUE" : "FALSE");
    else if (!strncmp(type, "INT32", 5))
        lf_text_add(text, "%d", (int)(int32_t)draw());
    else if (!strncmp(type, "FLOAT", 5))
        draw_float(text);
    else if (!strncmp(type, "STRING", 6))
        draw_string(text);
    else if (!strncmp(type, "BYTES", 5))
        lf_text_add(text, "x'%04x'", draw_below(65536));
    else
        lf_text_add(text, "%lld",
                    (long long)((int64_t)draw() >> draw_below(64)));
}

static void
draw_value(struct lf_text *text, const char *type)
{
    const char *shape = strchr(type, '[');
    uint32_t count = draw_below(4);

    if (!shape) {
        draw_scalar(text, type);
        return;
    }
    if (shape[1] != ']')
        count = (uint32_t)(shape[1] - '0');
    lf_text_add(text, "[");
    for (uint32_t i = 0; i < count; i++) {
        lf_text_add(text, i ? ", " : "");
        draw_scalar(text, type);
    }
    lf_text_add(text, "]");
}

static void
draw_view(struct lf_text *text, int view)
{
    uint32_t count = 1 + draw_below(8);

    lf_text_add(text, "CREATE FEATURE VIEW view%d (", view);
    for (uint32_t i = 0; i < count; i++) {
        const char *type = types[draw_below(17)];

        lf_text_add(text, "%sf%u %s%s", i ? ", " : "", i, type,
                    draw_one_in(3) ? " NOT NULL" : "");
        if (draw_one_in(2)) {
            lf_text_add(text, " DEFAULT ");
            draw_value(text, type);
        }
    }
    lf_text_add(text, ") FOR entity%u", draw_below(2));
    if (draw_one_in(2))
        lf_text_add(text, " WITH (ttl = '%u %s', max_skew = '%u s')",
                    1 + draw_below(100), draw_one_in(2) ? "min" : "days",
                    1 + draw_below(100000));
    lf_text_add(text, ";");
}

/* Two entities, up to three views, a service of each. */
static char *
draw_definitions(void)
{
    struct lf_text text = {0};
    int views = 1 + (int)draw_below(3);
    char *taken;

    lf_text_add(&text, "CREATE ENTITY entity1 (b STRING, c BYTES);"
                       "CREATE ENTITY entity0 (k INT64);");
    for (int i = 0; i < views; i++) {
        draw_view(&text, i);
        lf_text_add(&text,
                    "CREATE FEATURE SERVICE service%d AS view%d(*), "
                    "view%d(f0 AS g) AS x%d;",
                    i, i, i, i);
    }
    taken = lf_text_take(&text);
    assert_non_null(taken);
    return taken;
}

static void
whatever_is_defined_describes_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        char *text = draw_definitions(), *canonical;
        struct lf_catalog *catalog = defined(text), *again;

        canonical = described(catalog, NULL);
        expect_plan(catalog, canonical, "");
        again = defined(canonical);
        expect_described(again, NULL, canonical);
        expect_plan(again, text, "");
        lf_catalog_release(catalog);
        lf_catalog_release(again);
        free(canonical);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_catalog_is_an_empty_text),
        cmocka_unit_test(canonical_text_stays_as_it_is),
        cmocka_unit_test(one_name_prints_one_statement),
        cmocka_unit_test(an_unknown_name_is_answered_with_the_nearest),
        cmocka_unit_test(a_copy_is_the_same_and_needs_no_original),
        DRAWN(whatever_is_defined_describes_itself),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
