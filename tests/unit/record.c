/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalog records: to bytes and back.
 *
 * Owns the bytes that lie in stores for good.
 * Keeps one rule: a record decodes to what was encoded, or is corrupt.
 * Never reads a store.
 */
#include "records.h"

static void
a_catalog_comes_back_as_it_was(void **state)
{
    struct lf_catalog *catalog = make_everything(), *back;
    struct records records = encoded(catalog);
    char *text = described(catalog, NULL);

    (void)state;
    assert_int_equal(records.count, 6);
    back = decoded(&records);
    expect_described(back, NULL, text);
    expect_same_records(catalog, back);
    assert_int_equal(back->version, catalog->version);
    assert_int_equal(back->next_id, catalog->next_id);
    assert_int_equal(back->views[0].next_feature,
                     catalog->views[0].next_feature);
    assert_int_equal(back->views[0].schema_count, 3);
    assert_string_equal(back->services[0].written,
                        catalog->services[0].written);
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
    lf_catalog_release(back);
    free(text);
}

static void
keys_are_in_order(void **state)
{
    struct lf_catalog *catalog = make_everything();
    struct records records = encoded(catalog);
    static const uint8_t store[LF_RECORD_KEY_SIZE] = {'c'};

    (void)state;
    assert_memory_equal(records.all[0].key, store, LF_RECORD_KEY_SIZE);
    for (size_t i = 1; i < records.count; i++)
        assert_true(memcmp(records.all[i - 1].key, records.all[i].key,
                           LF_RECORD_KEY_SIZE) < 0);
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

static void
records_decode_in_any_order(void **state)
{
    struct lf_catalog *catalog = make_everything(), *back;
    struct records records = encoded(catalog);

    (void)state;
    for (int i = 0; i < 100; i++) {
        size_t from = draw_below(records.count), to = draw_below(records.count);
        struct lf_record moved = records.all[from];

        records.all[from] = records.all[to];
        records.all[to] = moved;
        back = decoded(&records);
        expect_same_records(catalog, back);
        lf_catalog_release(back);
    }
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

static void
no_records_are_an_empty_catalog(void **state)
{
    struct records none = {0};
    struct lf_catalog *empty = decoded(&none);

    (void)state;
    assert_int_equal(empty->version, 0);
    assert_int_equal(empty->next_id, 1);
    lf_catalog_release(empty);
}

/* These bytes lie in stores: a change here is a change of the format. */
static void
the_bytes_of_records_are_for_good(void **state)
{
    static const uint8_t store[] = {0x08, 0x01, 0x10, 0x04};
    static const uint8_t entity[] = {0x08, 0x01, 0x12, 0x01, 'e',  0x1a,
                                     0x05, 0x0a, 0x01, 'k',  0x10, 0x03};
    static const uint8_t service[] = {
        0x08, 0x03, 0x12, 0x01, 's',  0x1a, 0x04, 'v',  '(',  'a',  ')',
        0x22, 0x09, 0x08, 0x02, 0x1a, 0x05, 0x08, 0x01, 0x12, 0x01, 'a'};
    static const uint8_t view[] = {
        0x08, 0x02, 0x12, 0x01, 'v',  0x18, 0x01, 0x20, 0x01, 0x28, 0x02,
        0x40, 0x80, 0xc0, 0xdd, 0xee, 0xc1, 0x02, 0x4a, 0x0e, 0x08, 0x01,
        0x12, 0x01, 'a',  0x18, 0x01, 0x30, 0x01, 0x3a, 0x03, 0x0a, 0x01,
        0x01, 0x52, 0x08, 0x08, 0x01, 0x1a, 0x04, 0x08, 0x01, 0x10, 0x01};
    static const struct {
        const uint8_t *bytes;
        size_t size;
    } golden[] = {{store, sizeof store},
                  {entity, sizeof entity},
                  {service, sizeof service},
                  {view, sizeof view}};
    struct lf_catalog *catalog = defined(
        "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a BOOL NOT NULL "
        "DEFAULT TRUE) FOR e; CREATE FEATURE SERVICE s AS v(a)");
    struct records records = encoded(catalog);

    (void)state;
    assert_int_equal(records.count, 4);
    for (size_t i = 0; i < records.count; i++) {
        assert_int_equal(records.all[i].size - 4, golden[i].size);
        assert_memory_equal(records.all[i].bytes + 4, golden[i].bytes,
                            golden[i].size);
    }
    assert_int_equal(lf_load_u32(records.all[1].bytes),
                     lf_crc32c(0,
                               "e\0\0\0\1\x08\x01\x12\x01"
                               "e\x1a\x05\x0a\x01k\x10\x03",
                               17));
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

static void
every_truncation_is_refused(void **state)
{
    struct lf_catalog *catalog = make_everything();
    struct records records = encoded(catalog);

    (void)state;
    for (size_t i = 0; i < records.count; i++) {
        struct lf_record whole = records.all[i];

        for (size_t size = 0; size < whole.size; size++) {
            uint8_t *exact = malloc(size ? size : 1);

            assert_non_null(exact);
            memcpy(exact, whole.bytes, size);
            records.all[i].bytes = exact;
            records.all[i].size = size;
            expect_corrupt(&records, size < 4 ? "structure" : "checksum", NULL);
            free(exact);
        }
        records.all[i] = whole;
    }
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

static void
every_flipped_bit_is_refused(void **state)
{
    struct lf_catalog *catalog = make_everything();
    struct records records = encoded(catalog);

    (void)state;
    for (size_t i = 0; i < records.count; i++) {
        struct lf_record whole = records.all[i];
        uint8_t *bytes = malloc(whole.size);

        assert_non_null(bytes);
        memcpy(bytes, whole.bytes, whole.size);
        records.all[i].bytes = bytes;
        for (size_t bit = 0; bit < 8 * whole.size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            expect_corrupt(&records, "checksum", NULL);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * LF_RECORD_KEY_SIZE; bit++) {
            records.all[i].key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            expect_corrupt(&records, NULL, NULL);
            records.all[i].key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(bytes);
        records.all[i] = whole;
    }
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
}

static void
a_definition_over_16_mebibytes_is_not_encoded(void **state)
{
    struct lf_catalog *catalog = defined(
        DRIVER "CREATE FEATURE VIEW v (a BYTES DEFAULT x'') FOR driver");
    struct lf_literal *fallback = &catalog->views[0].features[0].fallback;
    struct lf_arena arena = {0};
    struct lf_record *records = NULL;
    struct feature_error error;
    size_t count = 7;

    (void)state;
    fallback->size = 16 << 20;
    fallback->bytes = lf_arena_alloc(&catalog->arena, fallback->size);
    assert_non_null(fallback->bytes);
    assert_int_equal(
        lf_records_encode(catalog, &arena, &records, &count, &error),
        FEATURE_INVALID);
    assert_null(records);
    assert_int_equal(count, 7);
    lf_arena_free(&arena);
    lf_catalog_release(catalog);
}

static void
all_that_is_allowed_comes_back(void **state)
{
    struct lf_catalog *catalog = defined(DRIVER), *back;
    struct records records;
    struct lf_text text = {0};
    char *taken;

    (void)state;
    lf_text_add(&text, "CREATE FEATURE SERVICE s AS v(*);"
                       "CREATE FEATURE VIEW v (f0 INT64");
    for (int i = 1; i < LF_FEATURES_MAX; i++)
        lf_text_add(&text, ", f%d INT32[2] DEFAULT [1, 2]", i);
    lf_text_add(&text, ") FOR driver");
    taken = lf_text_take(&text);
    catalog = then(catalog, taken);
    free(taken);
    for (int i = 0; i < 200; i++) {
        char change[96];

        snprintf(change, sizeof change,
                 "CREATE FEATURE VIEW w (g%d INT64) FOR driver;"
                 "DROP FEATURE w:g%d",
                 i, i < 2 ? 999 : i - 2);
        catalog = then(catalog, change);
    }
    records = encoded(catalog);
    back = decoded(&records);
    assert_int_equal(back->views[1].schema_count, 200);
    expect_same_records(catalog, back);
    lf_arena_free(&records.arena);
    lf_catalog_release(catalog);
    lf_catalog_release(back);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_catalog_comes_back_as_it_was),
        cmocka_unit_test(keys_are_in_order),
        DRAWN(records_decode_in_any_order),
        cmocka_unit_test(no_records_are_an_empty_catalog),
        cmocka_unit_test(the_bytes_of_records_are_for_good),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(a_definition_over_16_mebibytes_is_not_encoded),
        cmocka_unit_test(all_that_is_allowed_comes_back),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
