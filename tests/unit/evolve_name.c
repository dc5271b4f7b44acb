/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evolution: drops, names, and the services that hold on to features.
 *
 * Owns one test for everything that may be in the way of a DROP or a name.
 * Keeps plans and messages word for word.
 * Never looks at rows.
 */
#include "evolution.h"

static void
expect_in_use(const char *before, const char *text, const char *message)
{
    struct lf_catalog *catalog = defined(before);

    expect_refused(catalog, text, FEATURE_CONFLICT, "in-use", message);
    lf_catalog_release(catalog);
}

static void
a_feature_can_be_dropped_and_its_id_never_returns(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64, b INT64, c INT64"));
    uint32_t id = feature(catalog, "b")->id;

    (void)state;
    expect_plan(catalog, VIEW("a INT64, c INT64") "DROP FEATURE v:b",
                "drop feature v:b\n");
    catalog = then(catalog, "DROP FEATURE v:b; DROP FEATURE v:b");
    assert_null(lf_view_feature(&catalog->views[0], "b"));
    assert_int_equal(schemas(catalog), 2);
    catalog = then(catalog, VIEW("b INT64"));
    assert_int_not_equal(feature(catalog, "b")->id, id);
    assert_int_equal(schemas(catalog), 3);
    lf_catalog_release(catalog);
}

static void
what_is_absent_needs_no_drop(void **state)
{
    (void)state;
    expect_change(VIEW("a INT64"),
                  VIEW("a INT64") "DROP FEATURE v:b; DROP FEATURE w:b; DROP "
                                  "FEATURE VIEW w; DROP FEATURE SERVICE s; "
                                  "DROP ENTITY e; DROP EVENT p",
                  "");
}

static void
the_last_feature_stays(void **state)
{
    (void)state;
    expect_conflict(VIEW("a INT64"), "DROP FEATURE v:a",
                    "1:16: a is the last feature of v: drop the feature view");
    expect_conflict(VIEW("a INT64, b INT64"),
                    "DROP FEATURE v:a; DROP FEATURE v:b",
                    "1:34: b is the last feature of v: drop the feature view");
    expect_change(VIEW("a INT64"), VIEW("b INT64") "DROP FEATURE v:a",
                  "add feature v:b INT64\n"
                  "drop feature v:a\n");
}

static void
a_text_does_not_drop_what_it_declares(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64, b INT64"));

    (void)state;
    expect_refused(catalog, VIEW("a INT64") "DROP FEATURE v:a", FEATURE_INVALID,
                   "argument",
                   "4:29: this text declares the feature a and drops it");
    expect_refused(catalog, "DROP FEATURE v:a;\n" VIEW("a INT64"),
                   FEATURE_INVALID, "argument",
                   "4:1: this text declares the feature a and drops it");
    expect_refused(catalog, VIEW("c INT64 RENAMED FROM a") "DROP FEATURE v:a",
                   FEATURE_INVALID, "argument",
                   "4:29: this text declares the feature a and drops it");
    lf_catalog_release(catalog);
}

static void
drops_name_what_still_needs_the_dropped(void **state)
{
    const char *used =
        VIEW("a INT64, b INT64") "CREATE FEATURE SERVICE s AS v(a)";

    (void)state;
    expect_in_use(used, "DROP FEATURE v:a",
                  "1:16: the feature service s still uses v:a");
    expect_in_use(used, "DROP FEATURE VIEW v",
                  "1:19: the feature service s still uses v");
    expect_in_use(used, "DROP ENTITY driver",
                  "1:13: the feature view v still uses driver");
    expect_change(used, DRIVER "DROP FEATURE v:b",
                  "drop feature v:b\n"
                  "kept, not in this text: feature view v\n"
                  "kept, not in this text: feature service s\n");
}

static void
a_text_can_drop_user_and_used_together(void **state)
{
    (void)state;
    expect_change(VIEW("a INT64") "CREATE FEATURE SERVICE s AS v(a)",
                  "DROP ENTITY driver; DROP FEATURE VIEW v; DROP FEATURE v:a; "
                  "DROP FEATURE SERVICE s",
                  "drop feature service s\n"
                  "drop feature view v\n"
                  "drop entity driver\n");
}

static void
what_a_text_drops_is_not_there_for_it(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64, b INT64"));

    (void)state;
    expect_refused(catalog,
                   "DROP FEATURE v:a; CREATE FEATURE SERVICE s AS v(a)",
                   FEATURE_NOT_FOUND, "name", "1:49: there is no feature v:a");
    expect_refused(
        catalog, "DROP FEATURE VIEW v; CREATE FEATURE SERVICE s AS v(a)",
        FEATURE_NOT_FOUND, "name", "1:50: there is no feature view v");
    lf_catalog_release(catalog);
}

static void
a_dropped_view_comes_back_under_another_id(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64"));
    uint32_t id = catalog->views[0].id;

    (void)state;
    catalog = then(catalog, "DROP FEATURE VIEW v");
    catalog = then(catalog, VIEW("a INT64"));
    assert_true(catalog->views[0].id > id);
    assert_int_equal(schemas(catalog), 1);
    lf_catalog_release(catalog);
}

static void
an_entity_never_changes(void **state)
{
    const char *pair = "CREATE ENTITY e (a INT64, b STRING)";

    (void)state;
    expect_conflict(pair, "CREATE ENTITY e (a INT64)",
                    "1:15: e has 2 join keys in the store and 1 in this text; "
                    "entities never change");
    expect_conflict(pair, "CREATE ENTITY e (a INT64, b BYTES)",
                    "1:27: e has the join key b STRING in the store and b "
                    "BYTES in this text; entities never change");
    expect_conflict(pair, "CREATE ENTITY e (b STRING, a INT64)",
                    "1:18: e has the join key a INT64 in the store and b "
                    "STRING in this text; entities never change");
}

static void
a_view_keeps_its_entity(void **state)
{
    (void)state;
    expect_conflict(VIEW("a INT64") "CREATE ENTITY rider (rider_id INT64)",
                    "CREATE FEATURE VIEW v (a INT64) FOR rider",
                    "1:37: v is for driver in the store and for rider in this "
                    "text");
}

static void
names_are_of_one_kind(void **state)
{
    const char *all = VIEW("a INT64") "CREATE FEATURE SERVICE s AS v(a)";

    (void)state;
    expect_conflict(all, "CREATE ENTITY v (k INT64)",
                    "1:15: v is already a feature view");
    expect_conflict(all, "CREATE FEATURE VIEW s (a INT64) FOR driver",
                    "1:21: s is already a feature service");
    expect_conflict(all, "CREATE FEATURE SERVICE driver AS v(a)",
                    "1:24: driver is already an entity");
    expect_conflict(all, "DROP ENTITY v",
                    "1:13: v is a feature view, not an entity");
    expect_conflict(all, "DROP FEATURE VIEW s",
                    "1:19: s is a feature service, not a feature view");
}

/* Two views that services can list. */
#define LISTED                               \
    VIEW("a INT64, b INT64")                 \
    "CREATE ENTITY pair (x INT64, y INT64);" \
    "CREATE FEATURE VIEW w (a BOOL) FOR pair;"

static void
a_service_is_a_contract(void **state)
{
    const char *text = "CREATE FEATURE SERVICE s_v1 AS v(*), w(a) AS w";

    struct lf_catalog *catalog = defined(LISTED);

    (void)state;
    catalog = then(catalog, text);
    catalog = then(catalog, "CREATE FEATURE VIEW v (c INT64) FOR driver");
    assert_int_equal(catalog->services[0].items[0].selected_count, 2);
    catalog = then(catalog, text);
    catalog =
        then(catalog, "CREATE FEATURE SERVICE s_v1 AS v:a, v(b), w(a) AS w");
    assert_int_equal(catalog->version, 3);
    expect_refused(catalog, "CREATE FEATURE SERVICE s_v1 AS v(a)",
                   FEATURE_CONFLICT, "definition",
                   "1:24: s_v1 has another list in the store, and a feature "
                   "service never changes: create s_v2");
    catalog = then(catalog, "CREATE FEATURE SERVICE s AS v(a)");
    expect_refused(catalog, "CREATE FEATURE SERVICE s AS v(b)",
                   FEATURE_CONFLICT, "definition",
                   "1:24: s has another list in the store, and a feature "
                   "service never changes: create s_v2");
    expect_refused(catalog, "CREATE FEATURE SERVICE t AS s", FEATURE_NOT_FOUND,
                   "name", "1:29: s is a feature service, not a feature view");
    lf_catalog_release(catalog);
}

static void
a_renamed_feature_keeps_its_column_in_a_service(void **state)
{
    struct lf_catalog *catalog =
        defined(LISTED "CREATE FEATURE SERVICE s AS v(a, b)");

    (void)state;
    catalog = then(catalog,
                   "CREATE FEATURE VIEW v (c INT64 RENAMED FROM b) FOR driver");
    expect_described(catalog, "s",
                     "CREATE FEATURE SERVICE s AS\n    v(a, c AS b);\n");
    catalog = then(catalog, "CREATE FEATURE SERVICE s AS v(a, b)");
    catalog = then(catalog, "CREATE FEATURE SERVICE s AS v(a, c AS b)");
    assert_int_equal(catalog->version, 2);
    lf_catalog_release(catalog);
}

static void
a_bad_list_is_refused_where_it_is_bad(void **state)
{
    static const struct {
        const char *list;
        feature_status status;
        const char *reason;
        const char *message;
    } lists[] = {
        {"x(*)", FEATURE_NOT_FOUND, "name", "1:29: there is no feature view x"},
        {"v(a), driver(*)", FEATURE_NOT_FOUND, "name",
         "1:35: driver is an entity, not a feature view"},
        {"v(a, aa)", FEATURE_NOT_FOUND, "name",
         "1:34: there is no feature v:aa; did you mean a?"},
        {"v(a) (drivr_id AS x)", FEATURE_NOT_FOUND, "name",
         "1:35: v has no join key drivr_id; did you mean driver_id?"},
        {"w(*) (x AS z, x AS y)", FEATURE_INVALID, "argument",
         "1:43: the join key x is renamed twice"},
        {"w(*) (x AS y)", FEATURE_CONFLICT, "definition",
         "1:29: two join keys of w are named y"},
        {"v", FEATURE_INVALID, "argument",
         "1:29: a feature service lists features of views; write v(*)"},
        {"x", FEATURE_NOT_FOUND, "name", "1:29: there is no feature view x"},
        {"driver", FEATURE_NOT_FOUND, "name",
         "1:29: driver is an entity, not a feature view"},
        {"v(*), w(*)", FEATURE_CONFLICT, "definition",
         "1:37: v:a and w:a would both be the column a; give one an alias with "
         "AS"},
        {"v(a, b AS a)", FEATURE_CONFLICT, "definition",
         "1:34: v:a and v:b would both be the column a; give one an alias with "
         "AS"},
        {"v(* AS x)", FEATURE_INVALID, "argument",
         "1:33: expected \",\" or \")\", found \"AS\""},
        {"v(a) AS event_timestamp", FEATURE_INVALID, "argument",
         "1:37: the name event_timestamp is reserved"},
        {"v()", FEATURE_INVALID, "argument",
         "1:31: expected a feature or \"*\", found \")\""},
        {"v(a),", FEATURE_INVALID, "argument",
         "1:34: expected the name of a feature view or a service, found the "
         "end of the text"},
        {"v(a) (driver_id)", FEATURE_INVALID, "argument",
         "1:44: expected AS, found \")\""},
    };
    struct lf_catalog *catalog = defined(LISTED);
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        snprintf(text, sizeof text, "CREATE FEATURE SERVICE s AS %s",
                 lists[i].list);
        expect_refused(catalog, text, lists[i].status, lists[i].reason,
                       lists[i].message);
    }
    lf_catalog_release(catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feature_can_be_dropped_and_its_id_never_returns),
        cmocka_unit_test(what_is_absent_needs_no_drop),
        cmocka_unit_test(the_last_feature_stays),
        cmocka_unit_test(a_text_does_not_drop_what_it_declares),
        cmocka_unit_test(drops_name_what_still_needs_the_dropped),
        cmocka_unit_test(a_text_can_drop_user_and_used_together),
        cmocka_unit_test(what_a_text_drops_is_not_there_for_it),
        cmocka_unit_test(a_dropped_view_comes_back_under_another_id),
        cmocka_unit_test(an_entity_never_changes),
        cmocka_unit_test(a_view_keeps_its_entity),
        cmocka_unit_test(names_are_of_one_kind),
        cmocka_unit_test(a_service_is_a_contract),
        cmocka_unit_test(a_renamed_feature_keeps_its_column_in_a_service),
        cmocka_unit_test(a_bad_list_is_refused_where_it_is_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
