/* SPDX-License-Identifier: Apache-2.0 */
/* What loads leave in the records of a store, and what upkeep makes of it. */
#include "api/rows.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/meta.h"
#include "store/load.h"
#include "store/load_schema.h"
#include "store/loads.h"

#define VIEWS                          \
    "CREATE ENTITY e (k INT64);"       \
    "CREATE FEATURE VIEW v (a INT64) " \
    "FOR e;"

/* A load of view 2 that has neither version nor owner. */
static void
leave_record(feature_store *store)
{
    struct lf_load_record record = {.view = 2,
                                    .state = LF_LOAD_BUILDING,
                                    .version = 2,
                                    .id = {(const uint8_t *)"lost", 4}};
    struct lf_commit commit;

    must(lf_commit_begin(&commit, store, 0, &problem));
    must(lf_loads_number(&commit, &record.number, &problem));
    must(lf_loads_put(&commit, &record, &problem));
    must(lf_commit_finish(&commit, &problem));
}

static int
says(feature_store *store, const char *words)
{
    char *text = NULL;
    int found;

    must(feature_store_loads(store, "v", &text, &problem));
    found = strstr(text, words) != NULL;
    feature_free(text);
    return found;
}

static void
upkeep_ends_a_load_that_has_no_version_any_more(void **state)
{
    struct fixture *f = *state;
    feature_load *load = NULL;

    define(f, VIEWS);
    leave_record(f->store);
    assert_true(says(f->store, "\"interrupted\""));
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    assert_true(says(f->store, "\"aborted\""));
    assert_true(says(f->store, "\"problem\":\"interrupted\""));
    assert_false(says(f->store, "\"state\":\"interrupted\""));
    must(feature_load_begin(f->store, "v", NULL, &load, &problem));
    must(feature_store_maintain(f->store, NULL, NULL, &problem));
    assert_true(says(f->store, "\"building\"")); /* its owner lives */
    must(feature_load_commit(load, NULL, &problem));
    feature_load_free(load);
}

static void
load_row(struct fixture *f, const char *row)
{
    feature_load *load = NULL;
    feature_batch *batch = NULL;

    must(feature_load_begin(f->store, "v", NULL, &load, &problem));
    must(feature_batch_create(f->store, "v", "k, a", FEATURE_UPSERT, &batch,
                              &problem));
    fill_batch(batch, row);
    must(feature_load_append(load, batch, &problem));
    must(feature_load_commit(load, NULL, &problem));
    feature_batch_free(batch);
    feature_load_free(load);
}

/* Whether a rollback to version 2 that is under way would write on. */
static int
may_go_on(feature_store *store)
{
    struct lf_catch catching = {.store = store, .schema = 1};
    struct lf_catalog *catalog = NULL, *made = NULL;
    struct lf_view *view = NULL;
    struct lf_commit commit;
    feature_status status;

    must(lf_commit_begin(&commit, store, 0, &problem));
    must(lf_commit_catalog(&commit, &catalog, &problem));
    must(lf_load_stand_in(catalog, 2, 2, LF_KEPT, &made, &view, &problem));
    catching.catalog = made;
    catching.view = view;
    status = lf_schema_renew(&catching, &commit, &problem);
    if (status)
        assert_string_equal(problem.reason, "no-version");
    lf_commit_abort(&commit);
    lf_catch_free(&catching);
    lf_catalog_release(made);
    lf_catalog_release(catalog);
    return !status;
}

/* As a store does that is too full to drop it at once. */
static void
no_way_leads_back_to_half_a_version(void **state)
{
    struct fixture *f = *state;
    struct lf_buffer versions = {0};
    struct lf_version version;
    struct lf_reader *reader;

    define(f, VIEWS);
    load_row(f, "1 1\n2 1");
    load_row(f, "1 2");
    must(lf_reader_begin(f->store->environment, &reader, &problem));
    must(lf_versions_read(reader, 2, &versions, &problem));
    lf_reader_end(reader);
    assert_int_equal(versions.size, sizeof version);
    memcpy(&version, versions.data, sizeof version);
    lf_buffer_free(&versions);
    assert_int_equal(version.version, 2);
    assert_true(may_go_on(f->store));
    (void)lf_version_halve(f->store, 0, &version); /* all of it: it is short */
    assert_false(may_go_on(f->store));
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_NOT_FOUND, "no-version");
    load_row(f, "1 3");
    must(feature_store_rollback(f->store, "v", NULL, NULL, &problem));
}

static void
the_last_number_lies_as_the_format_says(void **state)
{
    uint8_t bytes[LF_LOADS_NUMBER_SIZE + 1];
    uint64_t number = 0;

    (void)state;
    lf_loads_number_encode(0x0102030405060708, bytes);
    assert_int_equal(LF_LOADS_NUMBER_SIZE, 12);
    assert_int_equal(lf_load_u64(bytes + 4), 0x0102030405060708);
    assert_int_equal(lf_load_u32(bytes),
                     lf_crc32c(lf_crc32c(0, "loads", 5), bytes + 4, 8));
    for (size_t size = 0; size <= sizeof bytes; size++)
        assert_int_equal(lf_loads_number_decode(&number, bytes, size),
                         size == LF_LOADS_NUMBER_SIZE);
    assert_int_equal(number, 0x0102030405060708);
    for (uint32_t bit = 0; bit < 8 * LF_LOADS_NUMBER_SIZE; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(
            lf_loads_number_decode(&number, bytes, LF_LOADS_NUMBER_SIZE));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(lf_loads_number_is_key((const uint8_t *)"loads", 5));
    assert_false(lf_loads_number_is_key((const uint8_t *)"loads/", 6));
}

/* The record of a version that is kept says two things more. */
static void
a_kept_version_lies_as_the_format_says(void **state)
{
    struct lf_meta_view meta = lf_meta_view_empty(), again;
    uint8_t bytes[LF_META_VERSION_SIZE];
    char key[LF_META_KEY_SIZE];

    (void)state;
    meta.left = 77;
    meta.schema = 3;
    lf_meta_version_key(LF_KEPT, 2, 5, key);
    assert_string_equal(key, "version/0000000000000002/0000000000000005");
    assert_int_equal(lf_meta_version_encode(&meta, key, bytes), 156);
    assert_int_equal(lf_load_u64(bytes + 140), 77);
    assert_int_equal(lf_load_u64(bytes + 148), 3);
    assert_true(lf_meta_version_decode(&again, key, bytes, 156));
    assert_memory_equal(&meta, &again, sizeof meta);
    assert_false(lf_meta_version_decode(&again, key, bytes, 140));
    lf_meta_version_key(LF_STAGED, 2, 5, key);
    assert_int_equal(lf_meta_version_encode(&meta, key, bytes), 140);
    assert_true(lf_meta_version_decode(&again, key, bytes, 140));
    assert_int_equal(again.left, 0);
    assert_int_equal(again.schema, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(upkeep_ends_a_load_that_has_no_version_any_more),
        TEST(no_way_leads_back_to_half_a_version),
        TEST(the_last_number_lies_as_the_format_says),
        TEST(a_kept_version_lies_as_the_format_says)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
