/* SPDX-License-Identifier: Apache-2.0 */
/* Records whose checksums, hashes and chain fit, and that no leader makes. */
#include "feed.h"

static void
expect_same_change(feature_store *replica, struct lf_change change,
                   int32_t operation, feature_status expected)
{
    uint64_t before = meta_of(replica).sequence;

    change.operation = operation;
    assert_int_equal(follow_forged(replica, &change), expected);
    if (expected)
        assert_string_equal(problem.reason, "structure");
    assert_int_equal(meta_of(replica).sequence, before + !expected);
}

/* A PATCH as an UPSERT has cells that were not written; a whole row, as it lies
 * in the view, has cells of several times. */
static void
cells_of_another_time_than_their_change_are_refused(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct lf_buffer scratch = {0};
    struct lf_change upserted, patched, whole;
    struct records records;
    struct lf_part parts[3];

    define(f, FEED_ON TRIPS "CREATE FEATURE VIEW kept (a INT64, b INT64)"
                            " FOR trip WITH (changes = 'before_after');");
    upsert(f, "kept", NULL, "1 100 5 6");
    patch(f, "kept", "trip_id, event_timestamp, a", "1 150 7");
    erase(f, "kept", "trip_id, event_timestamp", "1 200");
    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    for (uint32_t i = 0; i < 3; i++) {
        const struct record *from = &records.each[i + 1];

        must(lf_part_open(&parts[i], from->bytes, from->size, &problem));
    }
    must(lf_part_change(&parts[0], 0, &scratch, &upserted, &problem));
    must(lf_part_change(&parts[1], 0, &scratch, &patched, &problem));
    must(lf_part_change(&parts[2], 0, &scratch, &whole, &problem));
    whole.after = whole.before;
    whole.before = (struct lf_slice){0};
    whole.time = 150;

    expect_same_change(replica, patched, FEATURE_UPSERT, FEATURE_CORRUPT);
    expect_same_change(replica, whole, FEATURE_UPSERT, FEATURE_CORRUPT);
    expect_same_change(replica, whole, FEATURE_PATCH, FEATURE_CORRUPT);
    expect_same_change(replica, patched, FEATURE_PATCH, FEATURE_OK);
    expect_same_change(replica, upserted, FEATURE_UPSERT, FEATURE_OK);
    expect_same_change(replica, upserted, FEATURE_PATCH, FEATURE_OK);
    for (uint32_t i = 0; i < 3; i++)
        lf_part_free(&parts[i]);
    lf_buffer_free(&scratch);
    free_records(&records);
    feature_store_close(replica);
}

/* A record of two parts, of which the second says another sequence. */
static void
make_record(struct lf_buffer *record, uint64_t second)
{
    struct lf_change_head head = {.sequence = 7, .commit_time = 9, .epoch = 1};
    struct lf_change change = {.view = 9,
                               .operation = FEATURE_DELETE,
                               .key = {(const uint8_t *)"key", 3}};
    struct lf_buffer part = {0};
    uint8_t hash[16];

    record->size = 0;
    assert_true(lf_part_begin(&part, &head, NULL, 0));
    assert_true(lf_part_add(&part, &change, hash));
    assert_true(lf_part_end(&part, true));
    assert_true(lf_buffer_append(record, part.data, part.size));
    assert_true(lf_part_begin_next(&part, second, 1));
    assert_true(lf_part_add(&part, &change, hash));
    assert_true(lf_part_end(&part, false));
    assert_true(lf_buffer_append(record, part.data, part.size));
    lf_buffer_free(&part);
}

static void
parts_of_two_records_are_no_record(void **state)
{
    struct fixture *f = *state;
    struct lf_buffer record = {0};
    feature_changes *changes;
    char *text = NULL;

    define(f, FEED_ON TRIPS);
    changes = open_changes(f->store, 0);
    make_record(&record, 7);
    must(feature_changes_json(changes, record.data, record.size, &text,
                              &problem));
    feature_free(text);
    make_record(&record, 8);
    must_fail(feature_changes_json(changes, record.data, record.size, &text,
                                   &problem),
              FEATURE_CORRUPT, "structure");
    make_record(&record, 7);
    assert_true(lf_buffer_append(&record, "", 1));
    must_fail(feature_changes_json(changes, record.data, record.size, &text,
                                   &problem),
              FEATURE_CORRUPT, "structure");
    lf_buffer_free(&record);
    feature_changes_free(changes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cells_of_another_time_than_their_change_are_refused),
        TEST(parts_of_two_records_are_no_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
