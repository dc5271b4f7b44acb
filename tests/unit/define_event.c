/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and views FROM them: what parses, what it means, what is refused.
 *
 * Owns the table of aggregates, the choice of hops, and one text for every
 * mistake in them.
 * Keeps messages word for word: they are what people read.
 * Never needs what a store held before; that is evolve_event.c.
 */
#include "window.h"

#include "base/bytes.h"

static void
an_event_is_what_its_text_says(void **state)
{
    struct lf_catalog *catalog = defined(
        "create event Payment (id string, n Int32) with (MAX_SKEW = 'none');"
        "CREATE EVENT click (id BYTES) WITH (dedupe = id, dedupe_for = '2d');"
        "CREATE EVENT plain (x BOOL)");
    const struct lf_event *event = lf_catalog_event(catalog, "click");

    (void)state;
    expect_described(catalog, NULL,
                     "CREATE EVENT Payment (id STRING, n INT32) WITH (max_skew "
                     "= 'none');\n\n"
                     "CREATE EVENT click (id BYTES) WITH (dedupe = id, "
                     "dedupe_for = '2 days');\n\n"
                     "CREATE EVENT plain (x BOOL);\n");
    expect_described(catalog, "plain", "CREATE EVENT plain (x BOOL);\n");
    assert_int_equal(event->max_skew, 5000000);
    assert_int_equal(event->dedupe, 0);
    assert_int_equal(event->dedupe_for, INT64_C(172800000000));
    assert_ptr_equal(lf_catalog_event_by_id(catalog, event->id), event);
    assert_int_equal(lf_event_column(event, "id"), 0);
    assert_int_equal(lf_event_column(event, "event_timestamp"), LF_TIME_COLUMN);
    assert_int_equal(lf_event_column(event, "x"), LF_NO_COLUMN);
    event = lf_catalog_event(catalog, "plain");
    assert_int_equal(event->dedupe, LF_NO_COLUMN);
    assert_int_equal(event->dedupe_for, 0);
    lf_catalog_release(catalog);
}

static void
mistakes_in_an_event_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        {"CREATE EVENT e", "1:15: expected \"(\", found the end of the text"},
        {"CREATE EVENT e ()",
         "1:17: expected the name of a column, found \")\""},
        {"CREATE EVENT e (a INT64[])",
         "1:19: a column of an event is one value, not INT64[]"},
        {"CREATE EVENT e (a FLOAT32[4])",
         "1:19: a column of an event is one value, not FLOAT32[4]"},
        {"CREATE EVENT e (_a INT64)",
         "1:17: names that begin with \"_\" are reserved"},
        {"CREATE EVENT e (event_timestamp TIMESTAMP)",
         "1:17: every event has an event_timestamp: it is no column"},
        {"CREATE EVENT e (a INT64, a BOOL)",
         "1:26: the column a is here twice"},
        {"CREATE EVENT e (a INT64) WITH (dedupe_for = '1 hour')",
         "1:32: dedupe_for says how long ids are remembered: write dedupe = "
         "column too"},
        {"CREATE EVENT e (a INT64) WITH (dedupe = a, dedupe_for = 'none')",
         "1:44: ids that are not remembered cannot be told apart: dedupe_for "
         "is a duration"},
        {"CREATE EVENT e (a INT64) WITH (dedupe = event_timestamp)",
         "1:41: event_timestamp tells no two events apart: dedupe is by a "
         "column"},
        {"CREATE EVENT e (a INT64) WITH (ttl = '1h')",
         "1:32: expected max_skew, dedupe or dedupe_for, found \"ttl\""},
        {"CREATE EVENT e (a INT64) WITH (dedupe = 'a')",
         "1:41: expected the name of a column, found \"'a'\""},
        {"CREATE EVENT e (a INT64); CREATE ENTITY e (a INT64)",
         "1:41: this text creates e twice"},
    };
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    EXPECT_MISTAKES(mistakes);
    expect_refused(empty, "CREATE EVENT e (amount INT64) WITH (dedupe = amout)",
                   FEATURE_NOT_FOUND, "name",
                   "1:46: e has no column amout; did you mean amount?");
    lf_catalog_release(empty);
}

/* The type of each aggregate of the table. */
static void
aggregates_have_the_types_of_the_table(void **state)
{
    static const struct {
        const char *aggregate;
        const char *type;
    } table[] = {
        {"COUNT(*)", "INT64"},
        {"count ( raw )", "INT64"},
        {"COUNT(event_timestamp)", "INT64"},
        {"SUM(amount)", "INT64"},
        {"SUM(small)", "INT64"},
        {"SUM(ratio)", "FLOAT64"},
        {"SUM(thin)", "FLOAT64"},
        {"AVG(small)", "FLOAT64"},
        {"STDDEV(thin)", "FLOAT64"},
        {"stddev_pop(amount)", "FLOAT64"},
        {"MIN(small)", "INT32"},
        {"MAX(thin)", "FLOAT32"},
        {"MAX(merchant)", "STRING"},
        {"MIN(raw)", "BYTES"},
        {"MAX(ok)", "BOOL"},
        {"MIN(at)", "TIMESTAMP"},
        {"MAX(event_timestamp)", "TIMESTAMP"},
        {"FIRST(merchant)", "STRING"},
        {"LAST(event_timestamp)", "TIMESTAMP"},
        {"LAST(ok)", "BOOL"},
        {"LAST(amount, 5)", "INT64[]"},
        {"LAST(amount, 1)", "INT64[]"},
        {"FIRST(merchant, 1024)", "STRING[]"},
        {"TOP(thin, 3)", "FLOAT32[]"},
        {"BOTTOM(merchant, 3)", "STRING[]"},
        {"COUNT(DISTINCT raw)", "INT64"},
        {"COUNT(DISTINCT merchant, 100)", "INT64"},
        {"APPROX_COUNT_DISTINCT(ok, 14)", "INT64"},
        {"APPROX_PERCENTILE(amount, 0.99)", "FLOAT64"},
        {"APPROX_PERCENTILE(ratio, 1, 0.02)", "FLOAT64"},
        {"SUM(amount) BY merchant", "INT64[]"},
        {"AVG(amount) BY small LIMIT 3", "FLOAT64[]"},
        {"COUNT(*) BY amount", "INT64[]"},
        {"MAX(merchant) BY amount", "STRING[]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[1024], type[LF_TYPE_NAME_SIZE];
        struct lf_catalog *catalog;

        snprintf(text, sizeof text,
                 PAYMENT "CREATE FEATURE VIEW v (f = %s) FOR card FROM payment",
                 table[i].aggregate);
        catalog = defined(text);
        assert_string_equal(lf_type_name(type, feature_of(catalog, "f")->type),
                            table[i].type);
        lf_catalog_release(catalog);
    }
}

static void
a_hop_is_at_most_a_fiftieth_and_divides(void **state)
{
    static const struct {
        int64_t size, hop;
    } table[] = {
        {1, 1},
        {7000, 1},
        {50000, 1000},
        {49000, 1},
        {INT64_C(60000000), 1000000},       /* 1 minute: 1 second */
        {INT64_C(3600000000), 60000000},    /* 1 hour: 1 minute */
        {INT64_C(86400000000), 1200000000}, /* 1 day: 20 minutes */
        {INT64_C(604800000000), INT64_C(10800000000)},
        {INT64_C(2592000000000), INT64_C(43200000000)},
        {INT64_C(4320000000000), INT64_C(86400000000)},
        {INT64_C(86400000001), 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(lf_window_hop(table[i].size), table[i].hop);
}

static void
a_view_is_described_with_every_default(void **state)
{
    struct lf_catalog *catalog = defined(
        "CREATE FEATURE VIEW v (a = SUM(amount) over '1 hour' DEFAULT 0,"
        " exact = COUNT(*) OVER '10 minutes' exact,"
        " b = COUNT(*) WHERE merchant <> 'it''s' AND amount >= -5 and amount "
        "IN (3, 1, 3, 2) AND ok is not null OVER TUMBLE '1 day',"
        " by = SUM(amount) OVER cumulate '1 d' BY merchant,"
        " d = COUNT(DISTINCT merchant), h = APPROX_COUNT_DISTINCT(ok) OVER "
        "LIFETIME, p = APPROX_PERCENTILE(ratio, 0.5) OVER '2 h' HOP '1 h',"
        " distinct = LAST(at) WHERE event_timestamp > 0"
        ") FOR shop (shop_id = merchant) FROM payment WITH (zone = '-03:30',"
        " slack = '1 day', history = '9 days', changes = "
        "'before_after');" PAYMENT);

    (void)state;
    expect_described(
        catalog, "v",
        "CREATE FEATURE VIEW v (\n"
        "    a        = SUM(amount) OVER '1 hour' HOP '1 minute' DEFAULT 0,\n"
        "    exact    = COUNT(*) OVER '10 minutes' EXACT,\n"
        "    b        = COUNT(*) WHERE merchant <> 'it''s' AND amount >= -5 "
        "AND amount IN (1, 2, 3) AND ok IS NOT NULL OVER TUMBLE '1 day',\n"
        "    by       = SUM(amount) BY merchant LIMIT 64 OVER CUMULATE '1 "
        "day',\n"
        "    d        = COUNT(DISTINCT merchant, 256) OVER LIFETIME,\n"
        "    h        = APPROX_COUNT_DISTINCT(ok, 12) OVER LIFETIME,\n"
        "    p        = APPROX_PERCENTILE(ratio, 0.5, 0.01) OVER '2 hours' HOP "
        "'1 hour',\n"
        "    distinct = LAST(at) WHERE event_timestamp > "
        "'1970-01-01T00:00:00Z' OVER LIFETIME\n"
        ") FOR shop (shop_id = merchant) FROM payment WITH (history = '9 "
        "days', slack = '1 day', zone = '-03:30', changes = "
        "'before_after');\n");
    assert_int_equal(lf_catalog_view(catalog, "v")->feature_count, 9);
    assert_int_equal(lf_catalog_view(catalog, "v")->zone,
                     INT64_C(-12600000000));
    lf_catalog_release(catalog);
}

/* COUNT(distinct) is of a column of that name. */
static void
words_of_aggregates_may_be_names(void **state)
{
    struct lf_catalog *catalog = defined(
        "CREATE ENTITY over (by INT64);"
        "CREATE EVENT event (by INT64, distinct INT64, in INT64, and BOOL);"
        "CREATE FEATURE VIEW v (sum = SUM(by), over = COUNT(distinct) WHERE in "
        "IN (1) AND and = TRUE, where = COUNT(DISTINCT distinct), "
        "having = MAX(in) BY by LIMIT 2) FOR "
        "over FROM event");

    (void)state;
    lf_catalog_release(catalog);
}

static void
equal_conditions_are_equal_values(void **state)
{
    struct lf_catalog *catalog = defined(PAYMENT SPEND(
        "a = COUNT(*) WHERE ok = TRUE AND amount IN (2, 1) AND ratio = -0.0,"
        "b = COUNT(*) WHERE ratio = 0 AND amount IN (1, 2, 1) AND ok = TRUE "
        "AND ok = TRUE,"
        "c = COUNT(*) WHERE ratio = 0 AND amount IN (1, 2) AND ok = FALSE"));
    const struct lf_aggregate *a = feature_of(catalog, "a")->aggregate;

    (void)state;
    assert_int_equal(a->term_count, 3);
    assert_int_equal(a->terms[0].literal_count, 2);
    assert_true(lf_aggregate_equal(a, feature_of(catalog, "b")->aggregate));
    assert_false(lf_aggregate_equal(a, feature_of(catalog, "c")->aggregate));
    lf_catalog_release(catalog);
}

static void
misfits_of_an_aggregate_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        {PAYMENT SPEND("f = SUM(merchant)"),
         "3:9: SUM takes numbers, and merchant is STRING"},
        {PAYMENT SPEND("f = SUM(ok)"),
         "3:9: SUM takes numbers, and ok is BOOL: write COUNT(*) WHERE ok = "
         "TRUE"},
        {PAYMENT SPEND("f = STDDEV(event_timestamp)"),
         "3:12: STDDEV takes numbers, and event_timestamp is TIMESTAMP"},
        {PAYMENT SPEND("f = LAST(ok, 2)"),
         "3:10: LAST gives a list, which holds numbers or STRING, and ok is "
         "BOOL"},
        {PAYMENT SPEND("f = TOP(raw, 2)"),
         "3:9: TOP gives a list, which holds numbers or STRING, and raw is "
         "BYTES"},
        {PAYMENT SPEND("f = MAX(at) BY merchant"),
         "3:9: MAX with BY gives a list, which holds numbers or STRING, and at "
         "is TIMESTAMP"},
        {PAYMENT SPEND("f = SUM(amount) BY ok"),
         "3:20: BY groups by INT32, INT64 or STRING, and ok is BOOL"},
        {PAYMENT SPEND("f = LAST(amount) BY merchant"),
         "3:18: BY goes with COUNT, SUM, AVG, MIN and MAX"},
        {PAYMENT SPEND("f = SUM(amount) BY merchant LIMIT 0"),
         "3:35: the LIMIT of BY is 1 to 1024"},
        {PAYMENT SPEND("f = SUM(amount) NOT NULL"),
         "3:17: a window may be empty, so f cannot be NOT NULL; it may have a "
         "DEFAULT"},
        {PAYMENT SPEND("f = SUM(*)"),
         "3:9: SUM is of a column; COUNT alone takes *"},
        {PAYMENT SPEND("f = COUNT()"),
         "3:11: expected \"*\" or the name of a column, found \")\""},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
mistakes_in_an_aggregate_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        {PAYMENT SPEND("f = SUM(amount, 3)"),
         "3:15: expected \")\", found \",\""},
        {PAYMENT SPEND("f = TOP(amount)"),
         "3:15: TOP needs to know how many: write TOP(column, 3)"},
        {PAYMENT SPEND("f = LAST(amount, 1025)"),
         "3:18: the k of LAST is 1 to 1024"},
        {PAYMENT SPEND("f = LAST(amount, 1.5)"),
         "3:18: expected a whole number, found \"1.5\""},
        {PAYMENT SPEND("f = COUNT(DISTINCT amount, 2000)"),
         "3:28: the cap of COUNT is 1 to 1024"},
        {PAYMENT SPEND("f = APPROX_COUNT_DISTINCT(amount, 3)"),
         "3:35: the p of APPROX_COUNT_DISTINCT is 4 to 16"},
        {PAYMENT SPEND("f = APPROX_PERCENTILE(amount)"),
         "3:29: APPROX_PERCENTILE needs to know which: write "
         "APPROX_PERCENTILE(column, 0.99)"},
        {PAYMENT SPEND("f = APPROX_PERCENTILE(amount, 99)"),
         "3:31: the quantile of APPROX_PERCENTILE is 0 to 1"},
        {PAYMENT SPEND("f = APPROX_PERCENTILE(amount, 0.5, 0.5)"),
         "3:36: the error of APPROX_PERCENTILE is 0.001 to 0.1"},
        {PAYMENT SPEND("f = MEDIAN(amount)"),
         "3:5: unknown aggregate \"MEDIAN\"; did you mean "
         "APPROX_PERCENTILE(column, 0.5)?"},
        {PAYMENT SPEND("f = SUMM(amount)"),
         "3:5: expected an aggregate such as SUM(column) or COUNT(*), found "
         "\"SUMM\"; did you mean SUM?"},
        {PAYMENT SPEND("f = 5"),
         "3:5: expected an aggregate such as SUM(column) or COUNT(*), found "
         "\"5\""},
        {PAYMENT SPEND("f = COUNT(*) OVER '1 day' OVER '1 day'"),
         "3:27: OVER is here twice"},
        {PAYMENT SPEND("f = COUNT(*) HOP '1 day'"),
         "3:14: expected BY, WHERE, OVER, DEFAULT, RENAMED FROM, \",\" or "
         "\")\", found \"HOP\""},
        {PAYMENT SPEND("f = COUNT(*) DEFAULT 'x'"),
         "3:22: expected a whole number, found \"'x'\""},
        {PAYMENT SPEND("f = LAST(amount, 2) DEFAULT [1, 'x']"),
         "3:33: expected a whole number, found \"'x'\""},
        {PAYMENT SPEND("f = COUNT(*) BY amount, f_keys = COUNT(*)"),
         "3:25: the feature f_keys is here twice"},
        {PAYMENT SPEND("card_id = COUNT(*)"),
         "3:1: card_id is a join key of card and cannot be a feature"},
        {PAYMENT SPEND(
             "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffff"
             "ffff = COUNT(*) BY amount"),
         "3:1: the column of keys would be aaaaaaaaaabbbbbbbbbbccccccccccdddddd"
         "ddddeeeeeeeeeeffffffffff_keys: names have at most 64 bytes"},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
mistakes_in_a_window_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        {PAYMENT SPEND("f = COUNT(*) OVER '1 month'"),
         "3:19: months and years differ in length: write days"},
        {PAYMENT SPEND("f = COUNT(*) OVER 'none'"),
         "3:19: expected a duration such as '2 hours' or '90 days'"},
        {PAYMENT SPEND("f = COUNT(*) OVER 1 day"),
         "3:19: expected a duration such as '1 hour', TUMBLE, CUMULATE or "
         "LIFETIME, found \"1\""},
        {PAYMENT SPEND("f = COUNT(*) OVER '36526 days'"),
         "3:19: a window is at most '36525 days'; LIFETIME has no end"},
        {PAYMENT SPEND("f = COUNT(*) OVER '1 hour' HOP '7 minutes'"),
         "3:32: HOP '7 minutes' does not divide '1 hour'"},
        {PAYMENT SPEND("f = COUNT(*) OVER '1 hour' HOP '2 hours'"),
         "3:32: HOP '2 hours' does not divide '1 hour'"},
        {PAYMENT SPEND("f = COUNT(*) OVER TUMBLE CUMULATE '1 hour'"),
         "3:26: expected a duration such as '1 day', found \"CUMULATE\""},
        {PAYMENT SPEND("f = COUNT(*) OVER '70 minutes' HOP '7 minutes',\n"
                       "g = COUNT(*) OVER '1 day'"),
         "4:19: hops of one view divide each other, and f has '7 minutes', g "
         "'20 minutes'"},
        {PAYMENT SPEND("f = COUNT(*) OVER TUMBLE '7 days',\n"
                       "g = COUNT(*) OVER CUMULATE '10 days'"),
         "4:19: hops of one view divide each other, and f has '7 days', g '10 "
         "days'"},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

static void
mistakes_in_a_condition_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        {PAYMENT SPEND("f = COUNT(*) WHERE amount = 'x'"),
         "3:29: expected a whole number, found \"'x'\""},
        {PAYMENT SPEND("f = COUNT(*) WHERE small = 3000000000"),
         "3:28: 3000000000 does not fit INT32"},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount = NULL"),
         "3:29: nothing equals NULL: write IS NULL or IS NOT NULL"},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount IN (1, NULL)"),
         "3:34: nothing equals NULL: write IS NULL or IS NOT NULL"},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount IN ()"),
         "3:31: expected a value, found \")\""},
        {PAYMENT SPEND("f = COUNT(*) WHERE ratio < 'NaN'"),
         "3:28: no event holds NaN or an infinity"},
        {PAYMENT SPEND("f = COUNT(*) WHERE ok > FALSE"),
         "3:23: ok is BOOL: compare it by = or <>"},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount != 1"),
         "3:27: unexpected \"!\": not equal is <>"},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount LIKE 1"),
         "3:27: expected =, <>, <, <=, >, >=, IN or IS, found \"LIKE\""},
        {PAYMENT SPEND("f = COUNT(*) WHERE ok = TRUE OR ok = FALSE"),
         "3:30: there is no OR: write IN, or a feature for each"},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount = [1]"),
         "3:29: expected a whole number, found \"[\""},
        {PAYMENT SPEND("f = COUNT(*) WHERE amount IS 1"),
         "3:30: expected NULL, found \"1\""},
    };

    (void)state;
    EXPECT_MISTAKES(mistakes);
}

#define F "f = COUNT(*)"

static void
mistakes_in_a_view_are_named(void **state)
{
    static const struct mistake mistakes[] = {
        {PAYMENT "\nCREATE FEATURE VIEW v (a = COUNT(*)) FOR card",
         "2:24: an aggregate is of an event: write FROM and its name behind "
         "FOR"},
        {PAYMENT SPEND(F ", b INT64"),
         "3:15: the features of a view FROM an event are aggregates, as in "
         "spent = SUM(amount)"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a INT64) FOR card (card_id = a)",
         "2:43: join keys are taken from an event: write FROM and its name"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a INT64) FOR card WITH (slack = "
                 "'1h')",
         "2:48: slack is of a feature view FROM an event"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a INT64) FOR card WITH (zone = "
                 "'UTC')",
         "2:48: zone is of a feature view FROM an event"},
        {PAYMENT SPEND(F) " WITH (ttl = '1 day')",
         "4:31: a feature view FROM an event has no ttl: its windows are its "
         "age limits"},
        {PAYMENT SPEND(F) " WITH (max_skew = '1 day')",
         "4:31: max_skew is the event's: write it in CREATE EVENT"},
        {PAYMENT SPEND(F) " WITH (slack = '90000 days')",
         "4:31: slack is at most '36525 days'"},
        {PAYMENT SPEND(F) " WITH (zone = 'Asia/Shanghai')",
         "4:38: expected an offset such as '+08:00', or 'UTC': a zone with "
         "daylight saving has days of several lengths"},
        {PAYMENT SPEND(F) " WITH (zone = '+14:01')",
         "4:38: an offset is at most 14 hours"},
        {PAYMENT SPEND(F) " FROM payment", "4:25: FROM is here twice"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a = COUNT(*)) FOR shop FROM payment",
         "2:52: payment has no column shop_id: say which is the join key, FOR "
         "entity (shop_id = column)"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a = COUNT(*)) FOR shop (shop_id = "
                 "amount) FROM payment",
         "2:58: the join key shop_id is STRING and the column amount is INT64"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a = COUNT(*)) FOR shop (shop = "
                 "merchant) FROM payment",
         "2:48: shop is no join key of shop"},
        {PAYMENT "\nCREATE FEATURE VIEW v (a = COUNT(*)) FOR shop (shop_id = "
                 "merchant, shop_id = raw) FROM payment",
         "2:68: the join key shop_id is here twice"},
    };
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    EXPECT_MISTAKES(mistakes);
    expect_refused(empty,
                   PAYMENT "\nCREATE FEATURE VIEW v (a = COUNT(*)) FOR card "
                           "FROM paymnt",
                   FEATURE_NOT_FOUND, "name",
                   "2:52: there is no event paymnt; did you mean payment?");
    expect_refused(empty, PAYMENT SPEND("f = SUM(amout)"), FEATURE_NOT_FOUND,
                   "name",
                   "3:9: payment has no column amout; did you mean amount?");
    expect_refused(empty, PAYMENT SPEND("f = COUNT(*) WHERE kind = 1"),
                   FEATURE_NOT_FOUND, "name",
                   "3:20: payment has no column kind");
    lf_catalog_release(empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_what_its_text_says),
        cmocka_unit_test(mistakes_in_an_event_are_named),
        cmocka_unit_test(aggregates_have_the_types_of_the_table),
        cmocka_unit_test(a_hop_is_at_most_a_fiftieth_and_divides),
        cmocka_unit_test(a_view_is_described_with_every_default),
        cmocka_unit_test(words_of_aggregates_may_be_names),
        cmocka_unit_test(equal_conditions_are_equal_values),
        cmocka_unit_test(misfits_of_an_aggregate_are_named),
        cmocka_unit_test(mistakes_in_an_aggregate_are_named),
        cmocka_unit_test(mistakes_in_a_window_are_named),
        cmocka_unit_test(mistakes_in_a_condition_are_named),
        cmocka_unit_test(mistakes_in_a_view_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
