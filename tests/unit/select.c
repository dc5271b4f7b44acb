/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selections: what the text of a query asks for.
 *
 * Owns one test for every form of an item and every clash of names.
 * Keeps keys, views and columns in the order of the text.
 * Never reads a row.
 */
#include "model.h"

#define CATALOG                                                              \
    DRIVER "CREATE ENTITY account (account_id INT64);"                       \
           "CREATE ENTITY trip (driver_id STRING, place BYTES);"             \
           "CREATE FEATURE VIEW stats (conv FLOAT32 NOT NULL, trips INT64) " \
           "FOR driver;"                                                     \
           "CREATE FEATURE VIEW acc (balance INT64, age INT32) FOR account;" \
           "CREATE FEATURE VIEW route (km FLOAT64, vec FLOAT32[4]) FOR "     \
           "trip;"                                                           \
           "CREATE FEATURE SERVICE transfer AS"                              \
           "    acc(balance, age AS years) AS payer (account_id AS a),"      \
           "    acc(balance) AS payee (account_id AS b), stats(*);"

static int
set_up(void **state)
{
    *state = defined(CATALOG);
    return 0;
}

static int
tear_down(void **state)
{
    lf_catalog_release(*state);
    return 0;
}

static struct lf_selection *
selected(const struct lf_catalog *catalog, const char *text)
{
    struct lf_selection *selection = NULL;
    struct feature_error error = {0};

    if (lf_select(catalog, text, &selection, &error)) {
        print_error("%s\n    %s\n", text, error.message);
        fail();
    }
    return selection;
}

/* "keys; views; columns" of a selection, columns with the number of a view. */
static void
expect_selected(const struct lf_catalog *catalog, const char *text,
                const char *expected)
{
    struct lf_selection *made = selected(catalog, text);
    struct lf_text shown = {0};
    char *taken;

    for (uint32_t i = 0; i < made->key_count; i++)
        lf_text_add(&shown, "%s ", made->keys[i].name);
    lf_text_add(&shown, ";");
    for (uint32_t i = 0; i < made->view_count; i++) {
        lf_text_add(&shown, " %s", made->views[i].name);
        for (uint32_t j = 0; j < made->views[i].key_count; j++)
            lf_text_add(&shown, "/%u", made->views[i].keys[j]);
    }
    lf_text_add(&shown, " ;");
    for (uint32_t i = 0; i < made->column_count; i++)
        lf_text_add(&shown, " %s:%u", made->columns[i].name,
                    made->columns[i].view);
    taken = lf_text_take(&shown);
    assert_string_equal(taken, expected);
    free(taken);
    lf_selection_free(made);
}

static void
expect_no_selection(const struct lf_catalog *catalog, const char *text,
                    feature_status status, const char *reason,
                    const char *message)
{
    struct lf_selection *untouched = (struct lf_selection *)&text;
    struct lf_selection *made = untouched;
    struct feature_error error = {0};

    if (!lf_select(catalog, text, &made, &error)) {
        print_error("not refused: %s\n", text);
        fail();
    }
    assert_string_equal(error.message, message);
    assert_string_equal(error.reason, reason);
    assert_int_equal(error.status, status);
    assert_ptr_equal(made, untouched);
}

static void
every_form_of_an_item_selects(void **state)
{
    expect_selected(*state, "stats:conv", "driver_id ; stats/0 ; conv:0");
    expect_selected(*state, "stats(trips, conv)",
                    "driver_id ; stats/0 ; trips:0 conv:0");
    expect_selected(*state, "stats(*)", "driver_id ; stats/0 ; conv:0 trips:0");
    expect_selected(*state, "stats:*", "driver_id ; stats/0 ; conv:0 trips:0");
    expect_selected(*state, "stats:conv AS c, stats(trips AS t)",
                    "driver_id ; stats/0 ; c:0 t:0");
    expect_selected(*state, "stats(*) AS s (driver_id AS d)",
                    "d ; s/0 ; s__conv:0 s__trips:0");
    expect_selected(*state, "stats(conv) (driver_id AS d);",
                    "d ; stats/0 ; conv:0");
    expect_selected(*state, "-- all\n stats ( * )\n",
                    "driver_id ; stats/0 ; conv:0 trips:0");
}

static void
a_service_selects_what_it_lists(void **state)
{
    const char *columns =
        "a b driver_id ; payer/0 payee/1 stats/2 ; payer__balance:0 "
        "payer__years:0 payee__balance:1 conv:2 trips:2";

    expect_selected(*state, "transfer", columns);
    expect_selected(*state, "acc:age, transfer",
                    "account_id a b driver_id ; acc/0 payer/1 payee/2 stats/3 "
                    "; age:0 payer__balance:1 payer__years:1 payee__balance:2 "
                    "conv:3 trips:3");
}

static void
columns_know_their_feature(void **state)
{
    struct lf_selection *made =
        selected(*state, "route(vec AS v) (driver_id AS d), stats:conv");

    assert_string_equal(made->columns[0].name, "v");
    assert_int_equal(made->columns[0].type.width, 4);
    assert_int_equal(made->columns[0].feature, 2);
    assert_false(made->columns[0].not_null);
    assert_true(made->columns[1].not_null);
    assert_int_equal(made->columns[1].type.code, FEATURE_TYPE_FLOAT32);
    lf_selection_free(made);
}

static void
keys_are_united_by_name(void **state)
{
    expect_selected(*state, "acc(age) (account_id AS driver_id), stats:conv",
                    "driver_id ; acc/0 stats/0 ; age:0 conv:1");
    expect_selected(*state, "route(km) (driver_id AS place, place AS d)",
                    "place d ; route/0/1 ; km:0");
    expect_no_selection(*state, "stats:conv, route:km", FEATURE_CONFLICT,
                        "definition",
                        "1:13: the join key driver_id is INT64 for stats and "
                        "STRING for route");
    expect_no_selection(*state, "route(km) AS r (driver_id AS place)",
                        FEATURE_CONFLICT, "definition",
                        "1:1: two join keys of r are named place");
}

static void
items_of_one_role_share_a_look_up(void **state)
{
    expect_selected(*state, "stats:trips, acc:age, stats:conv",
                    "driver_id account_id ; stats/0 acc/1 ; trips:0 age:1 "
                    "conv:0");
    expect_selected(
        *state,
        "acc(age) AS p (account_id AS x), acc(balance) AS p "
        "(account_id AS x), acc(balance AS b) AS p (account_id AS y), "
        "acc(age)",
        "x y account_id ; p/0 p/1 acc/2 ; p__age:0 p__balance:0 "
        "p__b:1 age:2");
}

static void
an_alias_is_a_role_of_its_own(void **state)
{
    expect_selected(*state, "acc(age), acc(age) AS acc",
                    "account_id ; acc/0 acc/0 ; age:0 acc__age:1");
}

static void
two_columns_of_one_name_ask_for_an_alias(void **state)
{
    expect_no_selection(*state, "acc(age), stats(conv AS age)",
                        FEATURE_CONFLICT, "definition",
                        "1:17: acc:age and stats:conv would both be the column "
                        "age; give one an alias with AS");
    expect_no_selection(*state, "stats(*), stats:trips", FEATURE_CONFLICT,
                        "definition",
                        "1:17: stats:trips and stats:trips would both be the "
                        "column trips; give one an alias with AS");
    expect_no_selection(*state, "transfer,\ntransfer", FEATURE_CONFLICT,
                        "definition",
                        "2:1: acc:balance and acc:balance would both be the "
                        "column payer__balance; give one an alias with AS");
}

static void
a_view_alone_is_answered_with_the_form_to_use(void **state)
{
    expect_no_selection(*state, "stats", FEATURE_INVALID, "argument",
                        "1:1: stats is a feature view; write stats(*) for all "
                        "its features");
}

static void
an_unknown_name_is_answered_with_the_nearest(void **state)
{
    expect_no_selection(
        *state, "stats:conw", FEATURE_NOT_FOUND, "name",
        "1:7: there is no feature stats:conw; did you mean conv?");
    expect_no_selection(
        *state, "stast:conv", FEATURE_NOT_FOUND, "name",
        "1:1: there is no feature view stast; did you mean stats?");
    expect_no_selection(
        *state, "trnasfer", FEATURE_NOT_FOUND, "name",
        "1:1: there is no feature service trnasfer; did you mean transfer?");
    expect_no_selection(*state, "nothing_like_it", FEATURE_NOT_FOUND, "name",
                        "1:1: there is no feature service nothing_like_it");
    expect_no_selection(*state, "transfer(*)", FEATURE_NOT_FOUND, "name",
                        "1:1: transfer is a feature service, not a feature "
                        "view");
    expect_no_selection(*state, "driver:x", FEATURE_NOT_FOUND, "name",
                        "1:1: driver is an entity, not a feature view");
    expect_no_selection(*state, "acc(age) (accountid AS x)", FEATURE_NOT_FOUND,
                        "name",
                        "1:11: acc has no join key accountid; did you mean "
                        "account_id?");
}

static void
bad_syntax_is_refused_where_it_is(void **state)
{
    static const char *const mistakes[][2] = {
        {"", "1:1: expected the name of a feature view or a service, found the "
             "end of the text"},
        {"stats:", "1:7: expected a feature or \"*\", found the end of the "
                   "text"},
        {"stats(conv", "1:11: expected \",\" or \")\", found the end of the "
                       "text"},
        {"stats:conv acc:age",
         "1:12: expected \",\" or the end of the text, found \"acc\""},
        {"stats:conv,", "1:12: expected the name of a feature view or a "
                        "service, found the end of the text"},
        {"stats:conv; x", "1:13: expected \",\" or the end of the text, found "
                          "\"x\""},
        {"stats:conv AS 5", "1:15: expected a name, found \"5\""},
        {"stats:conv AS event_timestamp",
         "1:15: the name event_timestamp is reserved"},
        {"stats:_x", "1:7: names that begin with \"_\" are reserved"},
        {"\xff", "1:1: the byte \"\\xff\" is not UTF-8"},
        {"stats(\n 'a')", "2:2: expected a feature or \"*\", found \"'a'\""},
    };

    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        expect_no_selection(*state, mistakes[i][0], FEATURE_INVALID, "argument",
                            mistakes[i][1]);
}

static void
a_selection_outlives_its_catalog(void **state)
{
    struct lf_catalog *catalog = defined(CATALOG);
    struct lf_selection *made = selected(catalog, "transfer, route(*)"
                                                  "(driver_id AS x)");

    (void)state;
    lf_catalog_release(catalog);
    assert_string_equal(made->keys[3].name, "x");
    assert_string_equal(made->columns[0].name, "payer__balance");
    assert_string_equal(made->views[3].name, "route");
    lf_selection_free(made);
}

static void
a_query_has_at_most_65536_columns(void **state)
{
    struct lf_catalog *catalog = defined(DRIVER);
    struct lf_selection *made;
    struct lf_text text = {0};
    char *taken;

    (void)state;
    lf_text_add(&text, "CREATE FEATURE VIEW v (f0 INT64");
    for (int i = 1; i < LF_FEATURES_MAX; i++)
        lf_text_add(&text, ", f%d INT64", i);
    lf_text_add(&text, ") FOR driver");
    taken = lf_text_take(&text);
    catalog = then(catalog, taken);
    free(taken);
    for (int i = 0; i < 16; i++)
        lf_text_add(&text, "%sv(*) AS a%d", i ? ", " : "", i);
    taken = lf_text_take(&text);
    made = selected(catalog, taken);
    assert_int_equal(made->column_count, 65536);
    assert_string_equal(made->columns[65535].name, "a15__f4095");
    lf_selection_free(made);
    lf_text_add(&text, "%s, v:f0", taken);
    free(taken);
    taken = lf_text_take(&text);
    expect_no_selection(catalog, taken, FEATURE_INVALID, "argument",
                        "1:201: a list has at most 65536 columns");
    free(taken);
    lf_catalog_release(catalog);
}

static void
a_list_of_names_gives_names_and_places(void **state)
{
    const char **names = NULL;
    uint32_t *positions = NULL, count = 0;
    struct lf_arena arena = {0};

    (void)state;
    assert_int_equal(lf_name_list(&arena, " driver_id,event_timestamp ,  b",
                                  &names, &positions, &count, NULL),
                     FEATURE_OK);
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "driver_id");
    assert_string_equal(names[1], "event_timestamp");
    assert_string_equal(names[2], "b");
    assert_int_equal(positions[0], 2);
    assert_int_equal(positions[1], 12);
    assert_int_equal(positions[2], 31);
    lf_arena_free(&arena);
}

static void
a_bad_list_of_names_is_refused(void **state)
{
    static const char *const mistakes[][2] = {
        {"", "1:1: expected the name of a column, found the end of the text"},
        {"a,", "1:3: expected the name of a column, found the end of the text"},
        {"a b", "1:3: expected \",\" or the end of the text, found \"b\""},
        {"a, b, a", "1:7: the column a is here twice"},
        {"*", "1:1: expected the name of a column, found \"*\""},
    };
    uint32_t *positions = NULL, count = 7;
    struct feature_error error;
    struct lf_arena arena = {0};
    const char **names = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        assert_int_equal(lf_name_list(&arena, mistakes[i][0], &names,
                                      &positions, &count, &error),
                         FEATURE_INVALID);
        assert_string_equal(error.message, mistakes[i][1]);
        assert_null(names);
        assert_int_equal(count, 7);
    }
    lf_arena_free(&arena);
}

#define SELECT_TEST(name) \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SELECT_TEST(every_form_of_an_item_selects),
        SELECT_TEST(a_service_selects_what_it_lists),
        SELECT_TEST(columns_know_their_feature),
        SELECT_TEST(keys_are_united_by_name),
        SELECT_TEST(items_of_one_role_share_a_look_up),
        SELECT_TEST(an_alias_is_a_role_of_its_own),
        SELECT_TEST(two_columns_of_one_name_ask_for_an_alias),
        SELECT_TEST(a_view_alone_is_answered_with_the_form_to_use),
        SELECT_TEST(an_unknown_name_is_answered_with_the_nearest),
        SELECT_TEST(bad_syntax_is_refused_where_it_is),
        SELECT_TEST(a_selection_outlives_its_catalog),
        SELECT_TEST(a_query_has_at_most_65536_columns),
        SELECT_TEST(a_list_of_names_gives_names_and_places),
        SELECT_TEST(a_bad_list_of_names_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
