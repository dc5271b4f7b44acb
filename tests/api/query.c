/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: references, wildcards, services, roles, names, fingerprints. */
#include "common.h"

#define DEFINITIONS                                                       \
    "CREATE ENTITY account (account_id INT64);"                           \
    "CREATE ENTITY card (account_id INT64, card STRING);"                 \
    "CREATE FEATURE VIEW account_stats (balance FLOAT64, age_days INT32," \
    " name STRING NOT NULL) FOR account;"                                 \
    "CREATE FEATURE VIEW account_flags (vip BOOL DEFAULT false,"          \
    " embedding FLOAT32[3], tags STRING[]) FOR account;"                  \
    "CREATE FEATURE VIEW card_spend (spend INT64) FOR card;"              \
    "CREATE FEATURE SERVICE transfer AS"                                  \
    " card_spend(*),"                                                     \
    " account_stats(balance, age_days AS age) AS payer"                   \
    "   (account_id AS payer_id),"                                        \
    " account_stats(balance) AS payee (account_id AS payee_id);"

static int
begin(void **state)
{
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    define(f, DEFINITIONS);
    upsert(f, "account_stats", NULL, "1 100 0.5 10 ann\n2 200 1.5 20 bob");
    upsert(f, "account_flags", NULL, "1 100 true [1,2,3] [a,b]");
    upsert(f, "card_spend", NULL, "1 x 300 7\n2 y 300 8");
    return 0;
}

#define QUERY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static feature_query *
make_query(struct fixture *f, const char *features)
{
    feature_query *query = NULL;

    must(feature_query_create(f->store, features, NULL, &query, &problem));
    return query;
}

typedef feature_status (*field_of)(const feature_query *, uint32_t,
                                   struct feature_field *,
                                   struct feature_error *);

/* Names of all keys, columns or views, separated by spaces. */
static void
expect_names(const feature_query *query, field_of field_at, uint32_t count,
             const char *expected)
{
    struct feature_field field = {.name = "untouched"};
    char text[512] = "";

    for (uint32_t i = 0; i < count; i++) {
        must(field_at(query, i, &field, &problem));
        strcat(text, i ? " " : "");
        strcat(text, field.name);
    }
    assert_string_equal(text, expected);
    field.name = "untouched";
    must_fail(field_at(query, count, &field, &problem), FEATURE_NOT_FOUND,
              "name");
    assert_string_equal(field.name, "untouched");
}

static void
expect_shape(struct fixture *f, const char *features, const char *keys,
             const char *columns, const char *views)
{
    feature_query *query = make_query(f, features);

    expect_names(query, feature_query_key, feature_query_key_count(query),
                 keys);
    expect_names(query, feature_query_column, feature_query_column_count(query),
                 columns);
    expect_names(query, feature_query_view, feature_query_view_count(query),
                 views);
    feature_query_free(query);
}

static void
names_follow_from_what_is_asked(void **state)
{
    struct fixture *f = *state;

    expect_shape(f, "account_stats:balance", "account_id", "balance",
                 "account_stats");
    expect_shape(f, "account_stats:balance AS b, account_flags:vip",
                 "account_id", "b vip", "account_stats account_flags");
    expect_shape(f, "account_stats(*)", "account_id", "balance age_days name",
                 "account_stats");
    expect_shape(f, "account_stats:*", "account_id", "balance age_days name",
                 "account_stats");
    expect_shape(f, "account_stats(name, balance)", "account_id",
                 "name balance", "account_stats");
    expect_shape(f, "card_spend(*), account_stats:name", "account_id card",
                 "spend name", "card_spend account_stats");
    expect_shape(f, "account_stats(balance), account_stats(name)", "account_id",
                 "balance name", "account_stats");
    expect_shape(f, "transfer", "account_id card payer_id payee_id",
                 "spend payer__balance payer__age payee__balance",
                 "card_spend payer payee");
    expect_shape(f, "transfer, account_flags:vip;",
                 "account_id card payer_id payee_id",
                 "spend payer__balance payer__age payee__balance vip",
                 "card_spend payer payee account_flags");
}

static void
fields_describe_keys_columns_and_views(void **state)
{
    struct fixture *f = *state;
    feature_query *query =
        make_query(f, "account_stats(name), account_flags(embedding, tags), "
                      "card_spend(*)");
    struct feature_field field;

    must(feature_query_key(query, 1, &field, &problem));
    assert_string_equal(field.name, "card");
    assert_int_equal(field.type, FEATURE_TYPE_STRING);
    assert_int_equal(field.width, 1);
    assert_int_equal(field.role, FEATURE_ROLE_JOIN_KEY);
    assert_int_equal(field.flags, FEATURE_FIELD_NOT_NULL);
    must(feature_query_column(query, 0, &field, &problem));
    assert_int_equal(field.flags, FEATURE_FIELD_NOT_NULL);
    assert_int_equal(field.role, FEATURE_ROLE_FEATURE);
    assert_int_equal(field.view, 0);
    must(feature_query_column(query, 1, &field, &problem));
    assert_int_equal(field.type, FEATURE_TYPE_FLOAT32);
    assert_int_equal(field.width, 3);
    assert_int_equal(field.flags, 0);
    assert_int_equal(field.view, 1);
    must(feature_query_column(query, 2, &field, &problem));
    assert_int_equal(field.type, FEATURE_TYPE_STRING);
    assert_int_equal(field.flags, FEATURE_FIELD_LIST);
    must(feature_query_view(query, 2, &field, &problem));
    assert_string_equal(field.name, "card_spend");
    assert_int_equal(field.role, FEATURE_ROLE_VIEW);
    assert_int_equal(field.type, 0);
    assert_int_equal(field.width, 0);
    assert_int_equal(field.reserved, 0);
    feature_query_free(query);
}

static void
one_request_reads_views_of_several_entities(void **state)
{
    struct fixture *f = *state;

    expect_rows(f, "account_stats(name), card_spend(*), account_flags(*)",
                "1 x\n2 x\n2 y\n3 z",
                "present,present,present ann 7 true [1,2,3] [a,b]\n"
                "present,not_found,not_found bob null false* null null\n"
                "present,present,not_found bob 8 false* null null\n"
                "not_found,not_found,not_found null null false* null null");
}

static void
one_view_is_read_in_two_roles(void **state)
{
    struct fixture *f = *state;

    expect_rows(f, "transfer", "1 x 1 2\n2 y 2 2\n1 y 2 1",
                "present,present,present 7 0.5 10 1.5\n"
                "present,present,present 8 1.5 20 1.5\n"
                "not_found,present,present null 1.5 20 0.5");
    /* A role may share its key with another view. */
    expect_rows(f,
                "account_stats(name) AS a (account_id AS x),"
                "account_stats(name) AS b (account_id AS y),"
                "account_flags(vip) AS c (account_id AS y)",
                "2 1", "present,present,present bob ann true");
}

static void
a_renamed_key_can_be_swapped(void **state)
{
    struct fixture *f = *state;

    define(f, "CREATE ENTITY pair (a INT64, b INT64);"
              "CREATE FEATURE VIEW p (n INT64) FOR pair");
    upsert(f, "p", NULL, "1 2 100 12\n2 1 100 21");
    expect_rows(f, "p(n), p(n) AS other (a AS b, b AS a)", "1 2\n2 1",
                "present,present 12 21\npresent,present 21 12");
}

struct refusal {
    const char *features;
    feature_status status;
    const char *reason;
    uint32_t column;
    const char *says;
};

static const struct refusal refusals[] = {
    {"", 1, "argument", 1, "feature"},
    {"account_stats", 1, "argument", 1, "account_stats(*)"},
    {"account_stats:balance,", 1, "argument", 23, "expected"},
    {"account_stats:(balance)", 1, "argument", 15, "expected"},
    {"account_stats(balance", 1, "argument", 22, "expected"},
    {"account_stats(balance) AS", 1, "argument", 26, "a name"},
    {"account_stats:balanse", 2, "name", 15, "balance"},
    {"acount_stats:balance", 2, "name", 1, "account_stats"},
    {"transfers", 2, "name", 1, "transfer"},
    {"account:balance", 2, "name", 1, "entity"},
    {"account_stats(balance) AS a (account AS b)", 2, "name", 30, "join key"},
    {"account_stats(*), account_stats:name", 3, "definition", 33, "name"},
    {"account_stats:balance, card_spend:spend AS balance", 3, "definition", 35,
     "alias"},
    {"card_spend(*) AS c (card AS account_id)", 3, "definition", 1,
     "account_id"},
    {"account_stats(name), card_spend(*) AS c (card AS account_id,"
     " account_id AS other)",
     3, "definition", 22, "account_id"},
};

static void
what_cannot_be_asked_says_where_and_why(void **state)
{
    struct fixture *f = *state;
    feature_query *query = NULL;

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *at = &refusals[i];

        must_fail(feature_query_create(f->store, at->features, NULL, &query,
                                       &problem),
                  at->status, at->reason);
        if (problem.line != 1 || problem.column != at->column ||
            !strstr(problem.message, at->says))
            fail_msg("%s\n    gives %u:%u %s", at->features, problem.line,
                     problem.column, problem.message);
        assert_null(query);
    }
}

static uint64_t
fingerprint(struct fixture *f, const char *features, uint32_t flags)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = flags};
    feature_query *query = NULL;
    uint64_t number;

    must(feature_query_create(f->store, features, &options, &query, &problem));
    number = feature_query_fingerprint(query);
    feature_query_free(query);
    return number;
}

static void
a_fingerprint_stands_for_keys_and_columns(void **state)
{
    static const char *const different[] = {
        "account_stats(balance, age_days)",
        "account_stats(age_days, balance)",
        "account_stats(balance AS b, age_days)",
        "account_stats(balance)",
        "account_stats(balance, age_days) AS a",
        "account_stats(balance, age_days) AS a (account_id AS other)",
        "account_flags(embedding)",
        "account_stats(*)",
        "transfer",
    };
    enum { COUNT = sizeof different / sizeof *different };
    struct fixture *f = *state;
    uint64_t prints[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        prints[i] = fingerprint(f, different[i], 0);
        assert_int_not_equal(prints[i], 0);
        for (size_t j = 0; j < i; j++)
            assert_true(prints[i] != prints[j]);
    }
    /* Other words for the same, and other definitions beside it. */
    assert_true(prints[0] == fingerprint(f,
                                         "account_stats:balance,"
                                         " account_stats : age_days",
                                         0));
    assert_true(prints[0] ==
                fingerprint(f, different[0], FEATURE_QUERY_MATRIX));
    define(f, "CREATE FEATURE VIEW account_stats (balance FLOAT64 DEFAULT 1,"
              " more INT32) FOR account WITH (ttl = '1 day')");
    assert_true(prints[0] == fingerprint(f, different[0], 0));
    define(f, "CREATE FEATURE VIEW account_stats (age_days INT64) FOR account");
    assert_true(prints[0] != fingerprint(f, different[0], 0));
    close_store(f);
    remove_directory(f->path);
    open_store(f);
    define(f, "CREATE ENTITY x (a INT64); CREATE ENTITY account (account_id"
              " INT64); CREATE FEATURE VIEW other (age_days INT32, balance"
              " FLOAT64) FOR account");
    assert_true(prints[0] == fingerprint(f, "other(balance, age_days)", 0));
}

static void
a_fingerprint_is_the_same_on_every_machine(void **state)
{
    struct fixture *f = *state;

    /* MurmurHash3_x64_128, its low half, over names, types, widths and shapes.
     * It stands beside models, so no release may change it. */
    assert_true(fingerprint(f, "transfer", 0) == UINT64_C(0xb8ca39e62d16cac1));
}

static void
a_request_tells_which_commit_and_clock_it_read(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "account_stats:name", 0, "1");
    struct feature_column column;

    assert_int_equal(feature_request_commit(reader.request), 0);
    assert_int_equal(feature_request_now(reader.request), 0);
    assert_null(feature_request_states(reader.request, 0));
    assert_null(feature_request_timestamps(reader.request, 0));
    assert_int_equal(feature_request_row_count(reader.request), 0);
    must(feature_request_read(reader.request, &problem));
    assert_int_equal(feature_request_commit(reader.request), 4);
    assert_true(feature_request_now(reader.request) == NOON);
    assert_int_equal(feature_request_row_count(reader.request), 1);
    assert_null(feature_request_states(reader.request, 1));
    assert_null(feature_request_timestamps(reader.request, 1));
    upsert(f, "card_spend", NULL, "1 x 301 8");
    must(feature_request_read(reader.request, &problem));
    assert_int_equal(feature_request_commit(reader.request), 5);
    feature_request_clear(reader.request);
    assert_int_equal(feature_request_commit(reader.request), 0);
    assert_null(feature_request_states(reader.request, 0));
    must_fail(feature_request_column(reader.request, 0, &column, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_read(reader.request, &problem), FEATURE_INVALID,
              "argument");
    set_keys(&reader, "2");
    expect_read(&reader, "present bob");
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        QUERY(names_follow_from_what_is_asked),
        QUERY(fields_describe_keys_columns_and_views),
        QUERY(one_request_reads_views_of_several_entities),
        QUERY(one_view_is_read_in_two_roles),
        QUERY(a_renamed_key_can_be_swapped),
        QUERY(what_cannot_be_asked_says_where_and_why),
        QUERY(a_fingerprint_stands_for_keys_and_columns),
        QUERY(a_fingerprint_is_the_same_on_every_machine),
        QUERY(a_request_tells_which_commit_and_clock_it_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
