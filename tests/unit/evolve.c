/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evolution: what a second text may do to what a first one defined.
 *
 * Owns one test for every change that is allowed and every one that is not.
 * Keeps plans and messages word for word.
 * Never looks at rows.
 */
#include "evolution.h"

static void
a_first_text_creates(void **state)
{
    struct lf_catalog *empty = lf_catalog_empty();

    (void)state;
    expect_plan(empty,
                VIEW("a INT64, b STRING") "CREATE FEATURE SERVICE s AS v(*);"
                                          "CREATE FEATURE SERVICE t AS v:a;"
                                          "STORE WITH (max_size = '1 GB')",
                "create entity driver (driver_id INT64)\n"
                "create feature view v (2 features) for driver\n"
                "create feature service s (2 columns)\n"
                "create feature service t (1 column)\n"
                "change store max_size from 'none' to '1 GB'\n");
    lf_catalog_release(empty);
}

static void
the_same_text_again_is_no_change(void **state)
{
    const char *text = VIEW(
        "a INT64 DEFAULT 1, b FLOAT32[2]") "CREATE FEATURE SERVICE s AS v(*); "
                                           "STORE WITH (changes = '1 d')";
    struct lf_catalog *catalog = defined(text), *after = catalog;

    (void)state;
    assert_int_equal(lf_define(catalog, text, &after, NULL, NULL), 0);
    assert_null(after);
    expect_plan(catalog, text, "");
    lf_catalog_release(catalog);
}

static void
the_catalog_before_stays_as_it_was(void **state)
{
    struct lf_catalog *before = defined(VIEW("a INT32 DEFAULT 1"));
    struct lf_catalog *after = NULL;
    char *old = described(before, NULL), *again;

    (void)state;
    assert_int_equal(
        lf_define(before,
                  VIEW("b INT64 RENAMED FROM a, c BOOL") "CREATE FEATURE "
                                                         "SERVICE s AS v(*)",
                  &after, NULL, NULL),
        0);
    again = described(before, NULL);
    assert_string_equal(again, old);
    assert_int_equal(after->version, before->version + 1);
    lf_catalog_release(before);
    free(again);
    again = described(after, NULL);
    assert_non_null(strstr(again, "b INT64"));
    lf_catalog_release(after);
    free(again);
    free(old);
}

static void
what_a_text_leaves_out_is_kept_and_said(void **state)
{
    struct lf_catalog *catalog =
        defined(VIEW("a INT64, b INT64") "CREATE ENTITY other (k STRING); "
                                         "CREATE FEATURE VIEW w (c "
                                         "INT64) FOR other; CREATE FEATURE "
                                         "SERVICE s AS v(a), w(*)");

    (void)state;
    expect_plan(catalog, "",
                "kept, not in this text: entity driver\n"
                "kept, not in this text: entity other\n"
                "kept, not in this text: feature view v\n"
                "kept, not in this text: feature view w\n"
                "kept, not in this text: feature service s\n");
    expect_plan(catalog, "CREATE FEATURE VIEW v (b INT64) FOR driver",
                "kept, not in this text: entity driver\n"
                "kept, not in this text: entity other\n"
                "kept, not in this text: feature v:a\n"
                "kept, not in this text: feature view w\n"
                "kept, not in this text: feature service s\n");
    lf_catalog_release(catalog);
}

static void
a_feature_can_be_added(void **state)
{
    (void)state;
    expect_change(VIEW("a INT64"), VIEW("a INT64, tags STRING[]"),
                  "add feature v:tags STRING[]\n");
    expect_change(VIEW("a INT64"), VIEW("b INT64 NOT NULL DEFAULT 7, a INT64"),
                  "add feature v:b INT64 NOT NULL DEFAULT 7\n");
    expect_conflict(VIEW("a INT64"), VIEW("a INT64, b INT64 NOT NULL"),
                    "3:10: v:b is new and NOT NULL: it needs a DEFAULT, as "
                    "rows may exist");
}

static void
the_three_widenings_are_allowed_in_every_shape(void **state)
{
    (void)state;
    expect_change(VIEW("a INT32, b FLOAT32[2], c INT32[]"),
                  VIEW("a INT64, b FLOAT64[2], c FLOAT64[]"),
                  "widen feature v:a from INT32 to INT64\n"
                  "widen feature v:b from FLOAT32[2] to FLOAT64[2]\n"
                  "widen feature v:c from INT32[] to FLOAT64[]\n");
}

static void
every_other_change_of_type_names_both_sides(void **state)
{
    static const char *const types[] = {
        "BOOL",    "INT32",    "INT64",     "FLOAT32",  "FLOAT64",
        "STRING",  "BYTES",    "TIMESTAMP", "INT32[2]", "INT32[3]",
        "INT32[]", "STRING[]", "FLOAT32[2]"};
    static const char *const widenings[] = {"INT32 INT64", "INT32 FLOAT64",
                                            "FLOAT32 FLOAT64"};
    const size_t count = sizeof types / sizeof *types;
    char before[128], text[128], message[128], pair[64];

    (void)state;
    for (size_t i = 0; i < count * count; i++) {
        const char *from = types[i / count], *to = types[i % count];
        bool is_allowed = from == to;

        snprintf(pair, sizeof pair, "%s %s", from, to);
        for (size_t j = 0; j < 3; j++)
            is_allowed |= !strcmp(pair, widenings[j]);
        if (is_allowed)
            continue;
        snprintf(before, sizeof before,
                 DRIVER "CREATE FEATURE VIEW v (a %s) FOR driver", from);
        snprintf(text, sizeof text, "CREATE FEATURE VIEW v (a %s) FOR driver",
                 to);
        snprintf(message, sizeof message,
                 "1:24: v:a is %s in the store and %s in this text", from, to);
        expect_conflict(before, text, message);
    }
}

static void
a_feature_can_be_renamed_and_keeps_its_id(void **state)
{
    const char *text = VIEW("b INT64 RENAMED FROM a");
    struct lf_catalog *catalog = defined(VIEW("a INT64, z BOOL"));
    uint32_t id = feature(catalog, "a")->id;

    (void)state;
    expect_plan(catalog, text,
                "rename feature v:a to b\n"
                "kept, not in this text: feature v:z\n");
    catalog = then(catalog, text);
    assert_int_equal(feature(catalog, "b")->id, id);
    assert_int_equal(schemas(catalog), 1);
    expect_plan(catalog, text, "kept, not in this text: feature v:z\n");
    lf_catalog_release(catalog);
}

static void
a_rename_without_its_old_name_is_an_addition(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64, b INT64"));

    (void)state;
    expect_plan(catalog, VIEW("b INT64 RENAMED FROM a"),
                "kept, not in this text: feature v:a\n");
    lf_catalog_release(catalog);
    expect_change(VIEW("a INT64"), VIEW("a INT64, b BOOL RENAMED FROM gone"),
                  "add feature v:b BOOL\n");
}

static void
rename_and_widening_go_together(void **state)
{
    (void)state;
    expect_change(VIEW("a INT32 NOT NULL DEFAULT 1"),
                  VIEW("b INT64 DEFAULT 2 RENAMED FROM a"),
                  "rename feature v:a to b\n"
                  "widen feature v:b from INT32 to INT64\n"
                  "relax NOT NULL of v:b\n"
                  "change DEFAULT of v:b from 1 to 2\n");
    expect_conflict(VIEW("a INT64"), VIEW("b STRING RENAMED FROM a"),
                    "3:1: v:b is INT64 in the store and STRING in this text");
}

static void
not_null_can_be_relaxed_and_never_comes_back(void **state)
{
    (void)state;
    expect_change(VIEW("a INT64 NOT NULL"), VIEW("a INT64"),
                  "relax NOT NULL of v:a\n");
    expect_conflict(VIEW("a INT64 DEFAULT 1"),
                    VIEW("a INT64 NOT NULL DEFAULT 1"),
                    "3:1: v:a is nullable in the store and NOT NULL in this "
                    "text");
}

static void
a_default_can_change_come_and_go(void **state)
{
    (void)state;
    expect_change(VIEW("a INT64 DEFAULT 0"), VIEW("a INT64 DEFAULT 1"),
                  "change DEFAULT of v:a from 0 to 1\n");
    expect_change(VIEW("a STRING"), VIEW("a STRING DEFAULT 'x\n''y'"),
                  "change DEFAULT of v:a from none to 'x\\x0a''y'\n");
    expect_change(VIEW("a FLOAT32 DEFAULT 0.1"), VIEW("a FLOAT32"),
                  "change DEFAULT of v:a from 0.1 to none\n");
    expect_change(VIEW("a FLOAT32 DEFAULT 0.1"), VIEW("a FLOAT64 DEFAULT 0.1"),
                  "widen feature v:a from FLOAT32 to FLOAT64\n");
}

static void
a_default_of_not_null_cannot_go(void **state)
{
    (void)state;
    expect_conflict(VIEW("a INT64 NOT NULL DEFAULT 1"),
                    VIEW("a INT64 NOT NULL"),
                    "3:1: v:a is NOT NULL and rows may rely on its DEFAULT, "
                    "which is not in this text");
    expect_change(VIEW("a INT64 NOT NULL DEFAULT 1"), VIEW("a INT64"),
                  "relax NOT NULL of v:a\n"
                  "change DEFAULT of v:a from 1 to none\n");
}

static void
options_change_where_a_text_has_them_and_stay_where_not(void **state)
{
    const char *view = DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver";
    struct lf_catalog *catalog = defined(view);

    (void)state;
    catalog = then(catalog, "CREATE FEATURE VIEW v (a INT64) FOR driver WITH "
                            "(ttl = '2 hours', history = '1 d')");
    expect_plan(catalog, view, "");
    expect_plan(catalog,
                DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver WITH (ttl = "
                       "'3 hours', history = 'none', max_skew = 'none')",
                "change ttl of v from '2 hours' to '3 hours'\n"
                "change history of v from '1 day' to 'none' (drops the history "
                "there is)\n"
                "change max_skew of v from '1 day' to 'none'\n");
    expect_plan(catalog,
                DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver WITH "
                       "(history = '2 d')",
                "change history of v from '1 day' to '2 days'\n");
    expect_plan(catalog,
                DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver WITH "
                       "(keep_versions = 8)",
                "change keep_versions of v from 1 to 8\n");
    assert_int_equal(schemas(catalog), 1);
    lf_catalog_release(catalog);
    expect_plan(catalog = defined(view),
                DRIVER "CREATE FEATURE VIEW v (a INT64) FOR driver WITH "
                       "(history = '2 d')",
                "change history of v from 'none' to '2 days' (history begins "
                "with this change: earlier times answer NO_HISTORY)\n");
    lf_catalog_release(catalog);
}

static void
one_apply_adds_at_most_one_schema_version(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT32, b INT64, c INT64"));
    const struct lf_schema *schema;

    (void)state;
    catalog =
        then(catalog, VIEW("a INT64, d BOOL, e BOOL") "DROP FEATURE v:b;");
    assert_int_equal(schemas(catalog), 2);
    schema = lf_view_schema(&catalog->views[0], 1);
    assert_int_equal(schema->count, 3);
    assert_int_equal(schema->fields[0].type.code, FEATURE_TYPE_INT32);
    schema = lf_view_current_schema(&catalog->views[0]);
    assert_int_equal(schema->version, 2);
    assert_int_equal(schema->count, 4);
    assert_int_equal(schema->fields[0].type.code, FEATURE_TYPE_INT64);
    for (uint32_t i = 1; i < schema->count; i++)
        assert_true(schema->fields[i].feature > schema->fields[i - 1].feature);
    lf_catalog_release(catalog);
}

static void
only_a_change_of_layout_adds_a_schema_version(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64 NOT NULL DEFAULT 1"));

    (void)state;
    catalog = then(catalog, VIEW("b INT64 DEFAULT 2 RENAMED FROM a"));
    catalog = then(catalog, "CREATE FEATURE VIEW v (b INT64) FOR driver WITH "
                            "(ttl = '1 h', history = '1 d', max_skew = '1 h')");
    assert_int_equal(catalog->version, 3);
    assert_int_equal(schemas(catalog), 1);
    catalog = then(catalog, VIEW("c INT64"));
    assert_int_equal(schemas(catalog), 2);
    lf_catalog_release(catalog);
}

static void
new_features_come_after_the_old_ones(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("b INT64, a INT64"));

    (void)state;
    catalog = then(catalog, VIEW("c INT64, a INT64, b INT64"));
    expect_described(catalog, "v",
                     "CREATE FEATURE VIEW v (\n"
                     "    b INT64,\n"
                     "    a INT64,\n"
                     "    c INT64\n"
                     ") FOR driver;\n");
    lf_catalog_release(catalog);
}

static void
two_texts_in_turn_lose_nothing_and_settle(void **state)
{
    const char *old = VIEW("a INT64, b INT64");
    const char *new =
        VIEW("a INT64, c INT64 RENAMED FROM b, d BOOL") "CREATE FEATURE "
                                                        "SERVICE s AS v(a, c);";
    struct lf_catalog *catalog = defined(old);
    uint32_t a = feature(catalog, "a")->id, b = feature(catalog, "b")->id;
    uint64_t version;

    (void)state;
    catalog = then(then(catalog, new), old);
    assert_int_equal(feature(catalog, "c")->id, b);
    version = catalog->version;
    for (int i = 0; i < 10; i++)
        catalog = then(then(catalog, new), old);
    assert_int_equal(catalog->version, version);
    assert_int_equal(feature(catalog, "a")->id, a);
    assert_int_equal(feature(catalog, "c")->id, b);
    assert_non_null(feature(catalog, "d"));
    assert_non_null(lf_catalog_service(catalog, "s"));
    lf_catalog_release(catalog);
}

static void
a_view_has_at_most_4096_features(void **state)
{
    struct lf_catalog *empty = lf_catalog_empty();
    struct lf_text text = {0};
    char *taken;

    (void)state;
    lf_text_add(&text, DRIVER "CREATE FEATURE VIEW v (f0 INT64");
    for (int i = 1; i < LF_FEATURES_MAX; i++)
        lf_text_add(&text, ", f%d INT64", i);
    lf_text_add(&text, ") FOR driver");
    taken = lf_text_take(&text);
    empty = then(empty, taken);
    free(taken);
    expect_refused(empty, "CREATE FEATURE VIEW v (g INT64) FOR driver",
                   FEATURE_CONFLICT, "definition",
                   "1:21: v would have 4097 features; 4096 is the most");
    empty = then(empty, "CREATE FEATURE VIEW v (g INT64) FOR driver;"
                        "DROP FEATURE v:f7");
    assert_int_equal(empty->views[0].feature_count, LF_FEATURES_MAX);
    lf_catalog_release(empty);
}

static void
a_store_has_at_most_256_views(void **state)
{
    struct lf_catalog *catalog = defined(DRIVER);
    char text[96];

    (void)state;
    for (int i = 0; i < LF_VIEWS_MAX; i++) {
        snprintf(text, sizeof text,
                 "CREATE FEATURE VIEW v%d (a INT64) FOR driver", i);
        catalog = then(catalog, text);
    }
    expect_refused(catalog, "CREATE FEATURE VIEW w (a INT64) FOR driver",
                   FEATURE_CONFLICT, "definition",
                   "1:21: a store has at most 256 feature views");
    lf_catalog_release(catalog);
}

static void
schema_versions_run_out_in_order(void **state)
{
    struct lf_catalog *catalog = defined(VIEW("a INT64"));
    struct lf_view *view = &catalog->views[0];

    (void)state;
    view->schemas =
        lf_arena_array(&catalog->arena, LF_SCHEMAS_MAX, sizeof *view->schemas);
    assert_non_null(view->schemas);
    view->schema_count = LF_SCHEMAS_MAX - 1;
    catalog = then(catalog, VIEW("b INT64"));
    assert_int_equal(lf_view_current_schema(&catalog->views[0])->version,
                     LF_SCHEMAS_MAX);
    expect_refused(
        catalog, VIEW("c INT64"), FEATURE_CONFLICT, "definition",
        "3:1: the schema versions of v are used up: create a new feature "
        "view");
    lf_catalog_release(catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_text_creates),
        cmocka_unit_test(the_same_text_again_is_no_change),
        cmocka_unit_test(the_catalog_before_stays_as_it_was),
        cmocka_unit_test(what_a_text_leaves_out_is_kept_and_said),
        cmocka_unit_test(a_feature_can_be_added),
        cmocka_unit_test(the_three_widenings_are_allowed_in_every_shape),
        cmocka_unit_test(every_other_change_of_type_names_both_sides),
        cmocka_unit_test(a_feature_can_be_renamed_and_keeps_its_id),
        cmocka_unit_test(a_rename_without_its_old_name_is_an_addition),
        cmocka_unit_test(rename_and_widening_go_together),
        cmocka_unit_test(not_null_can_be_relaxed_and_never_comes_back),
        cmocka_unit_test(a_default_can_change_come_and_go),
        cmocka_unit_test(a_default_of_not_null_cannot_go),
        cmocka_unit_test(
            options_change_where_a_text_has_them_and_stay_where_not),
        cmocka_unit_test(one_apply_adds_at_most_one_schema_version),
        cmocka_unit_test(only_a_change_of_layout_adds_a_schema_version),
        cmocka_unit_test(new_features_come_after_the_old_ones),
        cmocka_unit_test(two_texts_in_turn_lose_nothing_and_settle),
        cmocka_unit_test(a_view_has_at_most_4096_features),
        cmocka_unit_test(a_store_has_at_most_256_views),
        cmocka_unit_test(schema_versions_run_out_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
