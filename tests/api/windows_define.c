/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and windowed views through the API, as far as definitions go.
 *
 * Owns their life in a store: opened again, verified, copied; and the refusals
 * of what cannot be written to them.
 * Keeps every refusal named: nothing windowed is ever answered by a guess.
 * Never tries the grammar; that is tests/unit/define_event.c.
 */
#include "snapshot.h"

#define ALL                                                                    \
    "CREATE ENTITY card (card_id STRING);"                                     \
    "CREATE EVENT payment (payment_id STRING, card_id STRING, merchant "       \
    "STRING, amount INT64) WITH (dedupe = payment_id);"                        \
    "CREATE FEATURE VIEW spend ("                                              \
    "spent_1h = SUM(amount) WHERE amount > 0 OVER '1 hour' DEFAULT 0,"         \
    "by_shop = COUNT(*) BY merchant OVER TUMBLE '1 day',"                      \
    "last = LAST(amount, 5)) FOR card FROM payment WITH (history = '9 days');" \
    "CREATE FEATURE VIEW rows (a INT64) FOR card;"                             \
    "CREATE FEATURE SERVICE s AS spend(*), rows(a);"

static void
expect_same_definitions(struct fixture *a, struct fixture *b)
{
    char *first = NULL, *second = NULL;

    must(feature_store_describe(a->store, NULL, &first, &problem));
    must(feature_store_describe(b->store, NULL, &second, &problem));
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "CREATE EVENT payment ("));
    assert_non_null(strstr(first, "FOR card FROM payment"));
    feature_free(first);
    feature_free(second);
}

static void
expect_sound(const char *path)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    must(feature_store_verify(path, NULL, &report, &findings, &problem));
    assert_string_equal(findings, "");
    feature_free(findings);
}

static void
definitions_come_back_from_a_store_and_its_copies(void **state)
{
    struct fixture *f = *state;
    struct fixture copy;
    char path[PATH_SIZE];
    char *text = NULL;

    define(f, ALL);
    define(f, "DROP FEATURE SERVICE s; DROP FEATURE spend:by_shop;"
              "CREATE EVENT payment (device STRING)");
    must(feature_store_describe(f->store, NULL, &text, &problem));
    open_again(f);
    define(f, text);
    assert_int_equal(stats_of(f).catalog_version, 2);
    feature_free(text);
    take_snapshot(f, "a.snap", NULL);
    copy = restore_copy(f, "a.snap", "copy");
    expect_same_definitions(f, &copy);
    close_store(&copy);
    path_of(f, "copy", path);
    expect_sound(path);
    close_store(f);
    expect_sound(f->path);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    assert_int_equal(stats_of(f).catalog_version, 2);
}

/* Its columns are known, its values are not yet. */
static void
a_query_of_windows_knows_its_columns(void **state)
{
    static const struct {
        const char *name;
        int32_t type;
    } expected[] = {{"spent_1h", FEATURE_TYPE_INT64},
                    {"by_shop", FEATURE_TYPE_INT64},
                    {"by_shop_keys", FEATURE_TYPE_STRING},
                    {"last", FEATURE_TYPE_INT64},
                    {"a", FEATURE_TYPE_INT64}};
    struct fixture *f = *state;
    feature_query *query = NULL;
    struct feature_field field;

    define(f, ALL);
    must(feature_query_create(f->store, "s", NULL, &query, &problem));
    assert_int_equal(feature_query_column_count(query), 5);
    for (uint32_t i = 0; i < 5; i++) {
        field = (struct feature_field){0};
        must(feature_query_column(query, i, &field, &problem));
        assert_string_equal(field.name, expected[i].name);
        assert_int_equal(field.type, expected[i].type);
    }
    feature_query_free(query);
}

static void
what_is_not_computed_yet_is_not_answered(void **state)
{
    struct fixture *f = *state;
    struct reader reader;

    define(f, ALL);
    reader = open_reader(f, "spend(*)", 0, "x");
    must_fail(feature_request_read(reader.request, &problem),
              FEATURE_UNSUPPORTED, "not-yet");
    assert_string_equal(problem.message, "spend is computed FROM an event: "
                                         "reading it is not supported yet");
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(definitions_come_back_from_a_store_and_its_copies),
        TEST(a_query_of_windows_knows_its_columns),
        TEST(what_is_not_computed_yet_is_not_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
