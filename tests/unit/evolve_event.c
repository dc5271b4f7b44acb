/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and views FROM them, changed by one text after another.
 *
 * Owns what may change, what is a conflict, and what each plan says.
 * Keeps definitions of dropped features as long as a schema names them.
 * Never judges the grammar; that is define_event.c.
 */
#include "window.h"

static void
expect_conflict(const char *before, const char *text, const char *reason,
                const char *message)
{
    struct lf_catalog *catalog = defined(before);

    expect_refused(catalog, text, FEATURE_CONFLICT, reason, message);
    lf_catalog_release(catalog);
}

static void
expect_change(const char *before, const char *text, const char *lines)
{
    struct lf_catalog *catalog = defined(before);

    expect_plan(catalog, text, lines);
    catalog = then(catalog, text);
    lf_catalog_release(catalog);
}

static void
an_event_takes_new_columns_at_its_end(void **state)
{
    const char *text = "CREATE EVENT e (c BOOL, b STRING, a INT64)";
    struct lf_catalog *catalog = defined("CREATE EVENT e (a INT64)");

    (void)state;
    expect_plan(catalog, text, "add column e:c BOOL\nadd column e:b STRING\n");
    catalog = then(catalog, text);
    assert_int_equal(catalog->version, 2);
    expect_described(catalog, "e",
                     "CREATE EVENT e (a INT64, c BOOL, b STRING);\n");
    catalog = then(catalog, text);
    assert_int_equal(catalog->version, 2);
    expect_plan(catalog, "CREATE EVENT e (a INT64) WITH (max_skew = '5 s')",
                "kept, not in this text: column e:c\n"
                "kept, not in this text: column e:b\n");
    expect_plan(catalog, "", "kept, not in this text: event e\n");
    lf_catalog_release(catalog);
    expect_change("", "CREATE EVENT e (a INT64, b BYTES)",
                  "create event e (a INT64, b BYTES)\n");
}

static void
an_event_changes_in_no_other_way(void **state)
{
    const char *dedupe = "CREATE EVENT e (a INT64, b INT64) WITH (dedupe = a)";

    (void)state;
    expect_conflict("CREATE EVENT e (a INT64)", "CREATE EVENT e (a INT32)",
                    "definition",
                    "1:17: e:a is INT64 in the store and INT32 in this text");
    expect_conflict("CREATE EVENT e (a INT64)",
                    "CREATE EVENT e (a INT64) WITH (max_skew = '1 h')",
                    "definition",
                    "1:32: max_skew of e is '5 seconds' in the store and '1 "
                    "hour' in this text: it never changes");
    expect_conflict("CREATE EVENT e (a INT64)",
                    "CREATE EVENT e (a INT64) WITH (dedupe = a)", "definition",
                    "1:41: dedupe of e is 'none' in the store and a in this "
                    "text: it never changes");
    expect_conflict(dedupe, "CREATE EVENT e (a INT64) WITH (dedupe = b)",
                    "definition",
                    "1:41: dedupe of e is a in the store and b in this text: "
                    "it never changes");
    expect_conflict(dedupe,
                    "CREATE EVENT e (a INT64) WITH (dedupe = a, dedupe_for = "
                    "'2 hours')",
                    "definition",
                    "1:44: dedupe_for of e is '1 hour' in the store and '2 "
                    "hours' in this text: it never changes");
    expect_change(dedupe, "CREATE EVENT e (a INT64) WITH (dedupe = a)",
                  "kept, not in this text: column e:b\n");
}

static void
names_are_shared_and_users_are_named(void **state)
{
    const char *all = PAYMENT SPEND("f = COUNT(*)");

    (void)state;
    expect_conflict(all, "DROP EVENT payment", "in-use",
                    "1:12: the feature view v still uses payment");
    expect_conflict(all, "DROP ENTITY payment", "definition",
                    "1:13: payment is an event, not an entity");
    expect_conflict(all, "CREATE EVENT card (a INT64)", "definition",
                    "1:14: card is already an entity");
    expect_conflict(all, "CREATE ENTITY payment (a INT64)", "definition",
                    "1:15: payment is already an event");
    expect_change(all, "DROP EVENT payment; DROP FEATURE VIEW v",
                  "drop feature view v\ndrop event payment\n"
                  "kept, not in this text: entity card\n"
                  "kept, not in this text: entity shop\n");
    expect_change(DRIVER, "DROP EVENT gone",
                  "kept, not in this text: entity driver\n");
}

static void
a_view_stays_what_it_is_computed_from(void **state)
{
    const char *before = PAYMENT
        "CREATE EVENT other (card_id STRING, amount INT64);"
        "CREATE FEATURE VIEW rows (a INT64) FOR card;" SPEND("f = COUNT(*)");

    (void)state;
    expect_conflict(before, "CREATE FEATURE VIEW v (f INT64) FOR card",
                    "definition",
                    "1:21: v is FROM payment in the store and of rows in this "
                    "text");
    expect_conflict(before,
                    "CREATE FEATURE VIEW rows (a = COUNT(*)) FOR card FROM "
                    "payment",
                    "definition",
                    "1:55: rows is of rows in the store and FROM payment in "
                    "this text");
    expect_conflict(before,
                    "CREATE FEATURE VIEW v (f = COUNT(*)) FOR card FROM other",
                    "definition",
                    "1:52: v is FROM payment in the store and FROM other in "
                    "this text");
    expect_conflict(before,
                    "CREATE FEATURE VIEW v (f = COUNT(*)) FOR card (card_id = "
                    "merchant) FROM payment",
                    "definition",
                    "1:42: the join key card_id of v is the column card_id in "
                    "the store and merchant in this text");
    expect_conflict(before, SPEND("f = COUNT(*)") " WITH (slack = '1 h')",
                    "definition",
                    "4:31: slack of v is '10 minutes' in the store and '1 "
                    "hour' in this text: it never changes");
    expect_conflict(before, SPEND("f = COUNT(*)") " WITH (zone = '+08:00')",
                    "definition",
                    "4:31: zone of v is 'UTC' in the store and '+08:00' in "
                    "this text: it never changes");
}

static void
an_aggregate_never_changes(void **state)
{
    static const char *const others[] = {
        "MAX(amount) OVER '1 h'",
        "SUM(small) OVER '1 h'",
        "SUM(amount) OVER '2 h' HOP '1 min'",
        "SUM(amount) OVER '1 h' HOP '2 min'",
        "SUM(amount) OVER TUMBLE '1 h'",
        "SUM(amount)",
        "SUM(amount) WHERE amount > 1 OVER '1 h'",
        "SUM(amount) BY merchant OVER '1 h'",
    };
    struct lf_catalog *catalog =
        defined(PAYMENT SPEND("f = SUM(amount) OVER '1 h'"));

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct feature_error error = {0};
        struct lf_catalog *after = NULL;
        char text[256];

        snprintf(text, sizeof text, SPEND("f = %s"), others[i]);
        assert_int_equal(lf_define(catalog, text, &after, NULL, &error),
                         FEATURE_CONFLICT);
        assert_non_null(strstr(error.message, "in the store and"));
    }
    expect_refused(catalog, SPEND("f = MAX(amount)"), FEATURE_CONFLICT,
                   "definition",
                   "3:1: v:f is SUM(amount) OVER '1 hour' HOP '1 minute' in "
                   "the store and MAX(amount) OVER LIFETIME in this text");
    expect_plan(catalog, SPEND("f = SUM(amount) OVER '60 min' HOP '60 s'"),
                "kept, not in this text: entity card\n"
                "kept, not in this text: entity shop\n"
                "kept, not in this text: event payment\n");
    lf_catalog_release(catalog);
}

#define KEPT                                \
    "kept, not in this text: entity card\n" \
    "kept, not in this text: entity shop\n" \
    "kept, not in this text: event payment\n"

static void
features_come_and_are_renamed(void **state)
{
    const char *before = PAYMENT SPEND("f = SUM(amount) OVER '1 h'");

    (void)state;
    expect_change(
        before,
        SPEND("f = SUM(amount) OVER '1 h', g = COUNT(*) OVER '1 day', h = "
              "MAX(at), t = COUNT(*) OVER TUMBLE '1 day', c = COUNT(*) OVER "
              "CUMULATE '1 day', e = COUNT(*) OVER '2 min' EXACT"),
        "add feature v:g INT64 = COUNT(*) OVER '1 day' HOP '20 minutes' (rows "
        "that exist read PARTIAL until '1460 minutes' of events came)\n"
        "add feature v:h TIMESTAMP = MAX(at) OVER LIFETIME (rows that exist "
        "read PARTIAL: its window has no beginning)\n"
        "add feature v:t INT64 = COUNT(*) OVER TUMBLE '1 day' (rows that exist "
        "read PARTIAL until '2 days' of events came)\n"
        "add feature v:c INT64 = COUNT(*) OVER CUMULATE '1 day' (rows that "
        "exist read PARTIAL until '1 day' of events came)\n"
        "add feature v:e INT64 = COUNT(*) OVER '2 minutes' EXACT (rows that "
        "exist read PARTIAL until '2 minutes' of events came)\n" KEPT);
    expect_change(before,
                  SPEND("g = SUM(amount) OVER '1 h' DEFAULT 5 RENAMED FROM f"),
                  "rename feature v:f to g\n"
                  "change DEFAULT of v:g from none to 5\n" KEPT);
    expect_conflict(before, SPEND("g = COUNT(*) RENAMED FROM f"), "definition",
                    "3:1: v:g is SUM(amount) OVER '1 hour' HOP '1 minute' in "
                    "the store and COUNT(*) OVER LIFETIME in this text");
    expect_change(before,
                  SPEND("f = SUM(amount) OVER '1 h'") " WITH (history = '9 d')",
                  "change history of v from 'none' to '9 days' (history begins "
                  "with this change: earlier times answer NO_HISTORY)\n" KEPT);
    expect_change("", PAYMENT SPEND("f = COUNT(*) BY amount"),
                  "create entity card (card_id STRING)\n"
                  "create entity shop (shop_id STRING)\n"
                  "create event payment (payment_id STRING, card_id STRING, "
                  "merchant STRING, amount INT64, ratio FLOAT64, small INT32, "
                  "thin FLOAT32, ok BOOL, at TIMESTAMP, raw BYTES)\n"
                  "create feature view v (2 features) for card from payment\n");
}

static void
a_feature_with_by_and_its_keys_go_together(void **state)
{
    struct lf_catalog *catalog = defined(
        PAYMENT SPEND("a = SUM(amount) BY small OVER '1 h' DEFAULT [1], b = "
                      "COUNT(*) OVER LIFETIME"));
    const struct lf_feature *keys = feature_of(catalog, "a_keys");
    uint32_t id = keys->id;

    (void)state;
    assert_true(keys->aggregate->is_keys);
    assert_false(keys->fallback.is_set);
    assert_int_equal(keys->type.code, FEATURE_TYPE_INT64);
    assert_true(keys->type.is_list);
    expect_refused(catalog, "DROP FEATURE v:a_keys", FEATURE_CONFLICT,
                   "definition",
                   "1:16: a_keys are the keys of a: drop that, they go with "
                   "it");
    catalog = then(catalog, SPEND("c = SUM(amount) BY small OVER '1 h' RENAMED "
                                  "FROM a"));
    assert_int_equal(feature_of(catalog, "c_keys")->id, id);
    assert_null(lf_view_feature(lf_catalog_view(catalog, "v"), "a_keys"));
    expect_plan(catalog, "CREATE FEATURE SERVICE s AS v(*)",
                "create feature service s (3 columns)\n" KEPT
                "kept, not in this text: feature view v\n");
    catalog = then(catalog, "CREATE FEATURE SERVICE s AS v(c_keys)");
    expect_refused(catalog, "DROP FEATURE v:c", FEATURE_CONFLICT, "in-use",
                   "1:16: the feature service s still uses v:c_keys");
    catalog = then(catalog, "DROP FEATURE SERVICE s; DROP FEATURE v:c");
    assert_int_equal(lf_catalog_view(catalog, "v")->feature_count, 1);
    assert_int_equal(lf_catalog_view(catalog, "v")->retired_count, 2);
    expect_refused(catalog, "DROP FEATURE v:b", FEATURE_CONFLICT, "definition",
                   "1:16: b is the last feature of v: drop the feature view");
    lf_catalog_release(catalog);
    catalog = defined(PAYMENT SPEND("a = COUNT(*) BY small"));
    expect_refused(catalog, "DROP FEATURE v:a", FEATURE_CONFLICT, "definition",
                   "1:16: a is the last feature of v: drop the feature view");
    lf_catalog_release(catalog);
}

static void
what_old_schemas_name_keeps_its_definition(void **state)
{
    struct lf_catalog *catalog =
        defined(PAYMENT SPEND("a = COUNT(*) OVER '70 min' HOP '7 min', b = "
                              "SUM(amount)"));
    const struct lf_feature *gone;
    const struct lf_view *view;
    uint32_t id = feature_of(catalog, "a")->id;

    (void)state;
    /* In one text the chain is judged as it is at its end. */
    catalog = then(
        catalog,
        SPEND(
            "c = COUNT(*) OVER '1 day', b = SUM(amount)") ";DROP FEATURE v:a");
    view = lf_catalog_view(catalog, "v");
    gone = lf_view_definition(view, id);
    assert_null(lf_view_feature_by_id(view, id));
    assert_non_null(gone);
    assert_int_equal(gone->aggregate->window.hop, 420000000);
    assert_int_equal(lf_feature_since(view, id), 1);
    assert_int_equal(lf_feature_since(view, feature_of(catalog, "c")->id), 2);
    assert_int_equal(lf_feature_since(view, 99), 0);
    catalog = then(catalog, SPEND("b = SUM(amount), a = COUNT(*)"));
    assert_int_not_equal(feature_of(catalog, "a")->id, id);
    assert_int_equal(lf_feature_since(lf_catalog_view(catalog, "v"),
                                      feature_of(catalog, "a")->id),
                     3);
    expect_refused(catalog,
                   SPEND("b = SUM(amount),\nd = COUNT(*) OVER '70 "
                         "min' HOP '7 min'"),
                   FEATURE_INVALID, "argument",
                   "4:19: hops of one view divide each other, and d has '7 "
                   "minutes', c '20 minutes'");
    lf_catalog_release(catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_takes_new_columns_at_its_end),
        cmocka_unit_test(an_event_changes_in_no_other_way),
        cmocka_unit_test(names_are_shared_and_users_are_named),
        cmocka_unit_test(a_view_stays_what_it_is_computed_from),
        cmocka_unit_test(an_aggregate_never_changes),
        cmocka_unit_test(features_come_and_are_renamed),
        cmocka_unit_test(a_feature_with_by_and_its_keys_go_together),
        cmocka_unit_test(what_old_schemas_name_keeps_its_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
