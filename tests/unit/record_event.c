/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of events and of views FROM them.
 *
 * Owns drawn definitions, through text and through records and back, and what
 * a record may not say though its checksum is right.
 * Keeps one rule: what decodes is what a text can have made.
 * Never reads a store.
 */
#include "records.h"
#include "window.h"

/* --- drawn definitions ------------------------------------------------------------ */

static const char *
pick(const char *const *words, size_t count)
{
    return words[draw_below(count)];
}

#define PICK(words) pick(words, sizeof(words) / sizeof *(words))

static void
draw_call(struct lf_text *text, bool *may_group)
{
    static const char *const groups[] = {"COUNT(*)",    "COUNT(raw)",
                                         "SUM(amount)", "SUM(thin)",
                                         "AVG(small)",  "MAX(merchant)"};
    static const char *const columns[] = {"amount", "ratio", "small", "thin"};
    static const char *const lists[] = {"TOP", "BOTTOM", "LAST", "FIRST"};
    static const char *const any[] = {"merchant", "ok", "at", "raw",
                                      "event_timestamp"};

    *may_group = false;
    switch (draw_below(7)) {
    case 0:
        *may_group = true;
        lf_text_add(text, "%s", PICK(groups));
        return;
    case 1:
        lf_text_add(text, "STDDEV%s(%s)", draw_one_in(2) ? "_POP" : "",
                    PICK(columns));
        return;
    case 2:
        lf_text_add(text, "%s(%s, %u)", PICK(lists), PICK(columns),
                    1 + draw_below(1024));
        return;
    case 3:
        lf_text_add(text, "COUNT(DISTINCT %s, %u)", PICK(any),
                    1 + draw_below(1024));
        return;
    case 4:
        lf_text_add(text, "APPROX_COUNT_DISTINCT(%s, %u)", PICK(any),
                    4 + draw_below(13));
        return;
    case 5:
        lf_text_add(text, "APPROX_PERCENTILE(%s, 0.%u, 0.0%u)", PICK(columns),
                    draw_below(1000), 10 + draw_below(90));
        return;
    default:
        lf_text_add(text, "%s(%s)", draw_one_in(2) ? "LAST" : "MIN", PICK(any));
    }
}

static void
draw_term(struct lf_text *text)
{
    static const char *const ops[] = {"=", "<>", "<", "<=", ">", ">="};

    switch (draw_below(6)) {
    case 0:
        lf_text_add(text, "amount %s %d", PICK(ops), (int)draw_below(9) - 4);
        return;
    case 1:
        lf_text_add(text, "merchant IN ('a', '', 'it''s', '%u')",
                    draw_below(100));
        return;
    case 2:
        lf_text_add(text, "ok %s %s", draw_one_in(2) ? "=" : "<>",
                    draw_one_in(2) ? "TRUE" : "FALSE");
        return;
    case 3:
        lf_text_add(text, "thin %s %s0.%u", PICK(ops),
                    draw_one_in(2) ? "-" : "", draw_below(3));
        return;
    case 4:
        lf_text_add(text, "raw %s x'%02x'", PICK(ops), draw_below(256));
        return;
    default:
        lf_text_add(text, "event_timestamp IS %sNULL",
                    draw_one_in(2) ? "NOT " : "");
    }
}

static void
draw_window(struct lf_text *text)
{
    static const char *const windows[] = {"",
                                          " OVER LIFETIME",
                                          " OVER '1 hour'",
                                          " OVER '90 min'",
                                          " OVER '7 days'",
                                          " OVER '35 d' HOP '1 d'",
                                          " OVER TUMBLE '1 day'",
                                          " OVER CUMULATE '7 days'",
                                          " OVER '10 ms' EXACT",
                                          " OVER '10 min' HOP '30 s'",
                                          " OVER '33 us'",
                                          " OVER '70 min' HOP '7 min'"};

    lf_text_add(text, "%s", PICK(windows));
}

static void
draw_feature(struct lf_text *text, char name)
{
    static const char *const by[] = {"small", "amount", "merchant"};
    bool may_group;

    lf_text_add(text, "%c = ", name);
    draw_call(text, &may_group);
    if (may_group && draw_one_in(2))
        lf_text_add(text, " BY %s", PICK(by));
    if (draw_one_in(2)) {
        lf_text_add(text, " WHERE ");
        draw_term(text);
        for (uint32_t i = draw_below(3); i > 0; i--) {
            lf_text_add(text, " AND ");
            draw_term(text);
        }
    }
    draw_window(text);
}

/* Features begin at a name, so that a later text adds others. */
static void
draw_view(struct lf_text *text, char name)
{
    uint32_t count = 1 + draw_below(5);

    lf_text_add(text, "CREATE FEATURE VIEW v (");
    for (uint32_t i = 0; i < count; i++) {
        lf_text_add(text, i ? ", " : "");
        draw_feature(text, (char)(name + (char)i));
    }
    lf_text_add(text, ") FOR shop (shop_id = merchant) FROM payment;");
}

/* Applies a drawn text; a chain that is none is refused. */
static struct lf_catalog *
then_drawn(struct lf_catalog *before, char name, uint32_t *refused)
{
    struct lf_catalog *after = NULL;
    struct feature_error error = {0};
    struct lf_text text = {0};
    char *made;

    draw_view(&text, name);
    made = lf_text_take(&text);
    assert_non_null(made);
    if (lf_define(before, made, &after, NULL, &error)) {
        if (!strstr(error.message, "divide each other")) {
            print_error("%s\n    %s\n", made, error.message);
            fail();
        }
        ++*refused;
    }
    free(made);
    if (!after)
        return before;
    lf_catalog_release(before);
    return after;
}

static void
expect_round_trips(const struct lf_catalog *catalog)
{
    char *text = described(catalog, NULL);
    struct records records = encoded(catalog);
    struct lf_catalog *back = decoded(&records), *fresh = defined(text);

    expect_described(back, NULL, text);
    expect_same_records(back, catalog);
    expect_plan(catalog, text, "");
    expect_plan(back, text, "");
    expect_described(fresh, NULL, text);
    lf_catalog_release(fresh);
    lf_catalog_release(back);
    lf_arena_free(&records.arena);
    free(text);
}

static void
drawn_definitions_come_back_from_text_and_records(void **state)
{
    uint32_t refused = 0;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct lf_catalog *catalog = defined(PAYMENT);

        catalog = then_drawn(catalog, 'a', &refused);
        catalog = then_drawn(catalog, 'k', &refused);
        if (lf_catalog_view(catalog, "v") &&
            lf_catalog_view(catalog, "v")->schema_count > 1 && draw_one_in(2))
            catalog = then(catalog, "DROP FEATURE v:a");
        expect_round_trips(catalog);
        lf_catalog_release(catalog);
    }
    assert_in_range(refused, 1, 3000);
}

/* --- damage ---------------------------------------------------------------------- */

/* 0 store, 1 card, 2 shop, 3 v, 4 payment; v has a retired feature. */
static struct lf_catalog *
make_windows(void)
{
    struct lf_catalog *catalog =
        defined(PAYMENT SPEND("a = SUM(amount) BY merchant WHERE amount IN (1, "
                              "2) AND ok = TRUE OVER "
                              "'1 hour' DEFAULT [7], b = LAST(merchant, 3) "
                              "OVER TUMBLE '1 d', c = "
                              "APPROX_PERCENTILE(ratio, 0.5), d = COUNT(*) "
                              "WHERE thin > 0.5") " WITH "
                                                  "(zone = '+08:00')");

    return then(catalog, "DROP FEATURE v:d");
}

static void
damage_under_a_right_checksum_is_refused_or_harmless(void **state)
{
    struct lf_catalog *catalog = make_windows();
    size_t accepted = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct records records = encoded(catalog);
        size_t i = 3 + draw_below(2), size = records.all[i].size;
        struct lf_catalog *made = NULL;
        struct feature_error error = {0};
        uint8_t bytes[1024];

        assert_true(size < sizeof bytes);
        memcpy(bytes, records.all[i].bytes, size);
        for (uint32_t n = 1 + draw_below(3); n > 0; n--) {
            size_t at = 4 + draw_below(size - 4);

            bytes[at] = (uint8_t)(bytes[at] + 1 + draw_below(4));
        }
        replace(&records, i, bytes, size);
        if (lf_records_decode(records.all, records.count, &made, &error)) {
            assert_int_equal(error.status, FEATURE_CORRUPT);
        } else {
            expect_round_trips(made);
            lf_catalog_release(made);
            accepted++;
        }
        lf_arena_free(&records.arena);
    }
    assert_true(accepted > 100);
    lf_catalog_release(catalog);
}

static struct lf_feature *
change_feature(struct lf_catalog *catalog, const char *name)
{
    struct lf_view *view = &catalog->views[0];

    for (uint32_t i = 0; i < view->feature_count; i++)
        if (!strcmp(view->features[i].name, name))
            return &view->features[i];
    fail();
    return NULL;
}

/* One change behind the back of the language, and what it is called. */
#define DAMAGES(DAMAGE)                                                        \
    DAMAGE("event_timestamp column",                                           \
           catalog->events[0].columns[3].name = "event_timestamp",             \
           "is reserved")                                                      \
    DAMAGE("column twice",                                                     \
           catalog->events[0].columns[3].name =                                \
               catalog->events[0].columns[0].name,                             \
           "a column is there twice")                                          \
    DAMAGE("column type", catalog->events[0].columns[3].code = 9,              \
           "no such type")                                                     \
    DAMAGE("no columns", catalog->events[0].column_count = 0, "1 to 256")      \
    DAMAGE("skew", catalog->events[0].max_skew = 0, "a duration")              \
    DAMAGE("dedupe place", catalog->events[0].dedupe = 10, "dedupe is not")    \
    DAMAGE("dedupe of time", catalog->events[0].dedupe = LF_TIME_COLUMN,       \
           "dedupe is not")                                                    \
    DAMAGE("dedupe_for", catalog->events[0].dedupe_for = 0, "a duration")      \
    DAMAGE("no dedupe", catalog->events[0].dedupe = LF_NO_COLUMN,              \
           "ids of no column")                                                 \
    DAMAGE("event name", catalog->events[0].name = "v", "the name v")          \
    DAMAGE("no event", catalog->events[0].id = 99, "a wrong id")               \
    DAMAGE("event id", catalog->views[0].event = 1, "event is not there")      \
    DAMAGE("key column", catalog->views[0].key_columns[0] = 10,                \
           "a key column")                                                     \
    DAMAGE("key type", catalog->views[0].key_columns[0] = 3, "a key column")   \
    DAMAGE("slack", catalog->views[0].slack = -1, "slack or zone")             \
    DAMAGE("zone", catalog->views[0].zone = 1, "slack or zone")                \
    DAMAGE("zone too far", catalog->views[0].zone = LF_ZONE_MAX + 60000000,    \
           "slack or zone")                                                    \
    DAMAGE("ttl", catalog->views[0].ttl = 1, "has ttl")                        \
    DAMAGE("retired twice",                                                    \
           catalog->views[0].retired[0].id = catalog->views[0].features[0].id, \
           "defined twice")                                                    \
    DAMAGE("retired id", catalog->views[0].retired[0].id = 99,                 \
           "no definition")                                                    \
    DAMAGE("retired of no schema", catalog->views[0].schemas[0].count--,       \
           "no schema names")                                                  \
    DAMAGE("no retired", catalog->views[0].retired_count = 0, "no definition") \
    DAMAGE("not null", b->not_null = true, "NOT NULL")                         \
    DAMAGE("no aggregate", b->aggregate = NULL, "no aggregate")                \
    DAMAGE("kind", b->aggregate->kind = 15, "an aggregate is none")            \
    DAMAGE("kind 0", b->aggregate->kind = 0, "an aggregate is none")           \
    DAMAGE("column", b->aggregate->column = 10, "an aggregate is none")        \
    DAMAGE("no column", b->aggregate->column = LF_NO_COLUMN,                   \
           "an aggregate is none")                                             \
    DAMAGE("k", b->aggregate->k = 1025, "an aggregate is none")                \
    DAMAGE("window", b->aggregate->window.kind = 5, "an aggregate is none")    \
    DAMAGE("size", b->aggregate->window.size = 0, "an aggregate is none")      \
    DAMAGE("hop", b->aggregate->window.hop = 7, "an aggregate is none")        \
    DAMAGE("type", b->aggregate->column = 3, "type of its aggregate")          \
    DAMAGE("quantile", b->aggregate->quantile = 0.5, "an aggregate is none")   \
    DAMAGE("cap without BY", b->aggregate->by_cap = 1, "an aggregate is none") \
    DAMAGE("BY of LAST", (b->aggregate->by = 2, b->aggregate->by_cap = 1),     \
           "an aggregate is none")                                             \
    DAMAGE("error", c->aggregate->error = 0.5, "an aggregate is none")         \
    DAMAGE("chain",                                                            \
           (b->aggregate->window.size = b->aggregate->window.hop = 90000000),  \
           "form no chain")                                                    \
    DAMAGE("cap of BY", a->aggregate->by_cap = 9, "from its neighbour")        \
    DAMAGE("pair", a->name = "z", "has no neighbour")                          \
    DAMAGE("operator", a->aggregate->terms[0].op = 10, "no such operator")     \
    DAMAGE("order", a->aggregate->terms[0].column = 9, "an aggregate is none") \
    DAMAGE("literal order",                                                    \
           a->aggregate->terms[0].literals[1] =                                \
               a->aggregate->terms[0].literals[0],                             \
           "an aggregate is none")                                             \
    DAMAGE("literal size", a->aggregate->terms[0].literals[1].size = 7,        \
           "an aggregate is none")                                             \
    DAMAGE("literal count", a->aggregate->terms[1].literal_count = 0,          \
           "an aggregate is none")

static void
what_no_text_can_say_is_refused(void **state)
{
    int count = 0;

    (void)state;
#define DAMAGE(what, change, problem)                        \
    {                                                        \
        struct lf_catalog *catalog = make_windows();         \
        struct lf_feature *a = change_feature(catalog, "a"); \
        struct lf_feature *b = change_feature(catalog, "b"); \
        struct lf_feature *c = change_feature(catalog, "c"); \
        struct records records;                              \
                                                             \
        (void)a, (void)b, (void)c;                           \
        change;                                              \
        records = encoded(catalog);                          \
        expect_corrupt(&records, "structure", problem);      \
        lf_arena_free(&records.arena);                       \
        lf_catalog_release(catalog);                         \
        count++;                                             \
    }
    DAMAGES(DAMAGE)
#undef DAMAGE
    assert_true(count > 40);
}

static void
a_copy_stands_alone(void **state)
{
    struct lf_catalog *catalog = make_windows();
    struct lf_catalog *copy = lf_catalog_copy(catalog);
    char *text = described(catalog, NULL);

    (void)state;
    assert_non_null(copy);
    expect_same_records(copy, catalog);
    lf_catalog_release(catalog);
    expect_described(copy, NULL, text);
    expect_round_trips(copy);
    lf_catalog_release(copy);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(drawn_definitions_come_back_from_text_and_records),
        DRAWN(damage_under_a_right_checksum_is_refused_or_harmless),
        cmocka_unit_test(what_no_text_can_say_is_refused),
        cmocka_unit_test(a_copy_stands_alone),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
