/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalog records that are wrong under a right checksum.
 *
 * Owns damage of every kind, drawn and by hand.
 * Keeps one rule: what still decodes holds together, the rest is corrupt.
 * Never reads a store.
 */
#include "records.h"

/* Damage under a right checksum: what still decodes has to hold together. */
static void
try_records(const struct records *records, size_t *accepted)
{
    struct lf_catalog *catalog = NULL, *again;
    struct feature_error error = {0};
    struct records back;
    char *text;

    if (lf_records_decode(records->all, records->count, &catalog, &error)) {
        assert_int_equal(error.status, FEATURE_CORRUPT);
        assert_string_equal(error.reason, "structure");
        return;
    }
    ++*accepted;
    text = described(catalog, NULL);
    expect_plan(catalog, text, "");
    back = encoded(catalog);
    again = decoded(&back);
    expect_described(again, NULL, text);
    lf_arena_free(&back.arena);
    lf_catalog_release(again);
    lf_catalog_release(catalog);
    free(text);
}

static void
damage_under_a_right_checksum_is_refused_or_harmless(void **state)
{
    struct lf_catalog *catalog = make_everything();
    size_t accepted = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct records records = encoded(catalog);
        size_t i = draw_below(records.count), size = records.all[i].size;
        uint8_t bytes[1024];

        assert_true(size + 8 < sizeof bytes);
        memcpy(bytes, records.all[i].bytes, size);
        for (uint32_t n = 1 + draw_below(3); n > 0; n--) {
            size_t at = 4 + draw_below(size - 3);

            if (draw_one_in(8) && size > 5) {
                memmove(bytes + at, bytes + at + 1, sizeof bytes - at - 1);
                size--;
            } else if (draw_one_in(8)) {
                memmove(bytes + at + 1, bytes + at, sizeof bytes - at - 1);
                size++;
            } else {
                bytes[at] = (uint8_t)(bytes[at] + 1 + draw_below(4));
            }
        }
        replace(&records, i, bytes, size);
        try_records(&records, &accepted);
        lf_arena_free(&records.arena);
    }
    assert_true(accepted > 100);
    lf_catalog_release(catalog);
}

static void
records_that_do_not_fit_together_are_refused(void **state)
{
    struct lf_catalog *catalog = make_everything();
    struct records records = encoded(catalog), other;
    struct lf_record kept;

    (void)state;
    /* 0 store, 1 driver, 2 pair, 3 s, 4 v, 5 w */
    for (size_t i = 0; i < 6; i++) {
        if (i == 3)
            continue;
        kept = records.all[i];
        records.all[i] = records.all[5];
        records.count = 5;
        if (i == 0)
            expect_corrupt(&records, "structure", "store is not there");
        else if (i < 3)
            expect_corrupt(&records, "structure", "entity is not there");
        else
            expect_corrupt(&records, "structure", "view of it is not there");
        records.all[i] = kept;
        records.count = 6;
    }
    kept = records.all[3];
    records.all[3] = records.all[4];
    expect_corrupt(&records, "structure", "twice");
    records.all[3] = kept;
    other = encoded(catalog);
    other.all[1].key[4] = 2;
    replace(&other, 1, records.all[1].bytes, records.all[1].size);
    records.all[2] = other.all[1];
    expect_corrupt(&records, "structure", "a wrong id");
    lf_arena_free(&other.arena);
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

/* Changes a catalog behind the back of the language and encodes it. */
static void
expect_refused_when(void (*change)(struct lf_catalog *), const char *message)
{
    struct lf_catalog *catalog = make_everything();
    struct records records;

    change(catalog);
    records = encoded(catalog);
    expect_corrupt(&records, "structure", message);
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

static void
name_an_entity_like_a_view(struct lf_catalog *catalog)
{
    catalog->entities[0].name = "v";
}

static void
give_an_entity_the_id_of_a_view(struct lf_catalog *catalog)
{
    catalog->views[1].id = catalog->entities[0].id;
    catalog->service_count = 0;
}

static void
go_past_the_next_id(struct lf_catalog *catalog)
{
    catalog->next_id = catalog->services[0].id;
}

static void
name_a_feature_badly(struct lf_catalog *catalog)
{
    catalog->views[0].features[0].name = "no name";
}

static void
name_a_feature_like_a_key(struct lf_catalog *catalog)
{
    catalog->views[0].features[0].name = "driver_id";
}

static void
repeat_a_feature(struct lf_catalog *catalog)
{
    catalog->views[0].features[0].name = catalog->views[0].features[1].name;
}

static void
repeat_a_feature_id(struct lf_catalog *catalog)
{
    catalog->views[0].features[1].id = catalog->views[0].features[0].id;
}

static void
take_an_impossible_type(struct lf_catalog *catalog)
{
    catalog->views[0].features[0].type.code = 9;
}

static void
take_an_impossible_list(struct lf_catalog *catalog)
{
    catalog->views[1].features[0].type.is_list = true;
}

static void
name_a_feature_event_timestamp(struct lf_catalog *catalog)
{
    catalog->views[0].features[0].name = "event_timestamp";
}

static void
cut_a_default(struct lf_catalog *catalog)
{
    struct lf_view *view = &catalog->views[0];

    for (uint32_t i = 0; i < view->feature_count; i++)
        if (view->features[i].fallback.is_set)
            view->features[i].fallback.size--;
}

static void
narrow_a_schema(struct lf_catalog *catalog)
{
    catalog->views[0].schemas[1].fields[0].type.code = FEATURE_TYPE_STRING;
}

static void
bring_a_feature_back(struct lf_catalog *catalog)
{
    struct lf_schema *schemas = catalog->views[0].schemas;

    schemas[2].fields =
        lf_arena_array(&catalog->arena, 4, sizeof *schemas[2].fields);
    assert_non_null(schemas[2].fields);
    memcpy(schemas[2].fields, schemas[1].fields, 3 * sizeof *schemas[2].fields);
    schemas[2].fields[3] = schemas[0].fields[3];
    schemas[2].count = 4;
}

static void
skip_a_version(struct lf_catalog *catalog)
{
    catalog->views[0].schemas[2].version = 4;
}

static void
forget_the_next_feature(struct lf_catalog *catalog)
{
    catalog->views[0].next_feature = 2;
}

static void
take_a_negative_ttl(struct lf_catalog *catalog)
{
    catalog->views[0].ttl = -1;
}

static void
keep_too_many_versions(struct lf_catalog *catalog)
{
    catalog->views[0].keep_versions = LF_KEEP_MAX + 1;
}

static void
rule_what_is_not_there(struct lf_catalog *catalog)
{
    catalog->views[1].rules[2].feature = 99;
}

static void
rule_by_an_impossible_figure(struct lf_catalog *catalog)
{
    catalog->views[1].rules[0].figure = (enum lf_figure)9;
}

static void
rule_by_an_impossible_operator(struct lf_catalog *catalog)
{
    catalog->views[1].rules[0].op = (enum lf_rule_op)8;
}

static void
write_a_whole_bound_as_real(struct lf_catalog *catalog)
{
    catalog->views[1].rules[0].low =
        (struct lf_amount){.is_real = true, .real = 4};
}

static void
take_the_least_of_bytes(struct lf_catalog *catalog)
{
    catalog->views[1].rules[2].figure = LF_LEAST;
}

static void
rule_a_join_key_that_is_not_there(struct lf_catalog *catalog)
{
    catalog->views[1].rules[3].key = 3;
}

static void
select_what_is_not_there(struct lf_catalog *catalog)
{
    catalog->services[0].items[0].selected[0].feature = 99;
}

static void
make_columns_clash(struct lf_catalog *catalog)
{
    struct lf_selected *selected = catalog->services[0].items[0].selected;

    selected[1].as = selected[0].as;
}

static void
rename_what_is_no_key(struct lf_catalog *catalog)
{
    catalog->services[0].items[1].renamed[0].key = "x";
}

static void
what_no_text_can_say_is_refused(void **state)
{
    (void)state;
    expect_refused_when(name_an_entity_like_a_view, "the name v");
    expect_refused_when(give_an_entity_the_id_of_a_view, "have the id");
    expect_refused_when(go_past_the_next_id, "a wrong id");
    expect_refused_when(name_a_feature_badly, "a name is none");
    expect_refused_when(name_a_feature_like_a_key, "like a join key");
    expect_refused_when(name_a_feature_event_timestamp, "is reserved");
    expect_refused_when(repeat_a_feature, "a feature is there twice");
    expect_refused_when(repeat_a_feature_id, "not in the schema");
    expect_refused_when(take_an_impossible_type, "no such type");
    expect_refused_when(take_an_impossible_list, "no such list");
    expect_refused_when(cut_a_default, "no value of its type");
    expect_refused_when(narrow_a_schema, "changed its type");
    expect_refused_when(bring_a_feature_back, "came back");
    expect_refused_when(skip_a_version, "a gap");
    expect_refused_when(forget_the_next_feature, "id is out of range");
    expect_refused_when(take_a_negative_ttl, "a duration");
    expect_refused_when(keep_too_many_versions, "keep_versions");
    expect_refused_when(rule_what_is_not_there, "a feature of it");
    expect_refused_when(rule_by_an_impossible_figure, "no such figure");
    expect_refused_when(rule_by_an_impossible_operator, "no such operator");
    expect_refused_when(write_a_whole_bound_as_real, "not in its form");
    expect_refused_when(take_the_least_of_bytes, "are one number");
    expect_refused_when(rule_a_join_key_that_is_not_there, "no join key");
    expect_refused_when(select_what_is_not_there, "a feature of it");
    expect_refused_when(make_columns_clash, "clash");
    expect_refused_when(rename_what_is_no_key, "a join key of it");
}

/* Two bytes a message: a hundred times their size in memory. */
static void
a_record_cannot_ask_for_more_memory_than_it_is_worth(void **state)
{
    struct lf_catalog *catalog = make_everything();
    struct records records = encoded(catalog);
    const size_t size = 1 << 20;
    uint8_t *bytes = malloc(size);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 4; i < size; i += 2) {
        bytes[i] = 9 << 3 | 2; /* an empty feature */
        bytes[i + 1] = 0;
    }
    replace(&records, 4, bytes, size);
    expect_corrupt(&records, "structure", "no message");
    free(bytes);
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(damage_under_a_right_checksum_is_refused_or_harmless),
        cmocka_unit_test(records_that_do_not_fit_together_are_refused),
        cmocka_unit_test(what_no_text_can_say_is_refused),
        cmocka_unit_test(a_record_cannot_ask_for_more_memory_than_it_is_worth),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
