/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that follow others. */
#include "draw.h"
#include "feed.h"
#include "format/key.h"
#include "store/journal.h"

/* Every kind of change there is, one commit each or more. */
static void
make_history(struct fixture *f)
{
    define(f, FEED_ON TRIPS);
    upsert(f, "trips", NULL, "1 100 2.5 [a,b] 1\n2 100 3.5 null null");
    upsert(f, "trips", NULL, "1 50 9.5 [] 7"); /* late */
    patch(f, "trips", "trip_id, event_timestamp, seats", "1 150 4\n3 90 5");
    erase(f, "trips", "trip_id, event_timestamp", "2 200");
    upsert(f, "trips", NULL,
           "2 150 1 null 1\n5 1 1 [x] 1\n5 3 2 [y] 2\n5 2 3 "
           "[z] 3"); /* one key thrice */
    define(f, "CREATE FEATURE VIEW trips (fare FLOAT64, tags STRING[], seats "
              "INT64, note STRING DEFAULT 'n') FOR trip;");
    patch(f, "trips", "trip_id, event_timestamp, note", "1 10 old\n9 300 new");
    define(f, "DROP FEATURE trips:tags;"
              "CREATE FEATURE VIEW other (a INT64) FOR trip;");
    upsert(f, "other", NULL, "1 1 1\n2 2 2");
    upsert(f, "trips", NULL, "1 400 0.5 8 end");
    define(f, "CREATE EVENT ride (trip_id INT64, fare FLOAT64);"
              "CREATE FEATURE VIEW rides (paid = SUM(fare) OVER '1 day', "
              "rides = COUNT(*)) FOR trip FROM ride;");
    define(f, "DROP FEATURE VIEW other; DROP FEATURE rides:paid;"
              "CREATE EVENT ride (seats INT32);"
              "CREATE FEATURE SERVICE s AS trips(fare, note AS n);");
    upsert(f, "trips", NULL, "77 400 0.5 8 end");
}

static void
a_follower_from_the_first_record_on_is_equal_to_its_leader(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct records records;

    make_history(f);
    read_records(f->store, 0, &records);
    assert_int_equal(records.count, meta_of(f->store).sequence);
    follow_all(replica, &records);
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
}

static void
each_record_leaves_the_follower_where_the_leader_was(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct records records;
    uint64_t seen = 0;

    define(f, FEED_ON TRIPS);
    for (int i = 0; i < 20; i++) {
        char row[64];

        snprintf(row, sizeof row, "%d %d %d.5 [t%d] %d", i % 7, 100 + i % 5, i,
                 i, i);
        upsert(f, "trips", NULL, row);
        read_records(f->store, seen, &records);
        follow_all(replica, &records);
        seen += records.count;
        expect_same(f->store, replica);
        free_records(&records);
    }
    feature_store_close(replica);
}

static void
replaying_any_suffix_is_a_no_op(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct records records, again;

    make_history(f);
    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    for (uint32_t since = 0; since < records.count; since++) {
        read_records(f->store, since, &again);
        assert_int_equal(again.count, records.count - since);
        for (uint32_t i = 0; i < again.count; i++)
            assert_int_equal(follow(replica, &again.each[i]).sequence,
                             records.count);
        free_records(&again);
    }
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
}

static void
a_follower_logs_the_same_records(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    feature_store *second = open_beside(f, "second");
    struct records records, copies;

    make_history(f);
    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    read_records(replica, 0, &copies);
    assert_int_equal(copies.count, records.count);
    for (uint32_t i = 0; i < copies.count; i++) {
        assert_int_equal(copies.each[i].size, records.each[i].size);
        assert_memory_equal(copies.each[i].bytes, records.each[i].bytes,
                            records.each[i].size);
    }
    follow_all(second, &copies);
    expect_same(f->store, second);
    free_records(&copies);
    free_records(&records);
    feature_store_close(replica);
    feature_store_close(second);
}

static void
a_missing_record_is_a_gap(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct records records;

    make_history(f);
    read_records(f->store, 0, &records);
    for (uint32_t i = 0; i + 1 < records.count; i++) {
        if (i + 2 < records.count)
            must_fail(feature_store_follow(replica, records.each[i + 2].bytes,
                                           records.each[i + 2].size, NULL,
                                           &problem),
                      FEATURE_GAP, "gap");
        follow(replica, &records.each[i]);
    }
    free_records(&records);
    feature_store_close(replica);
}

static void
a_follower_refuses_other_writes_until_it_is_promoted(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct fixture other = {.store = replica};
    struct records records;
    feature_batch *batch;
    uint64_t epoch = 0;

    make_history(f);
    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    batch = make_batch(&other, FEATURE_UPSERT, "trips", NULL, "1 900 1 1 x");
    must_fail(feature_store_write(replica, &batch, 1, NULL, NULL, &problem),
              FEATURE_CONFLICT, "follower");
    must_fail(feature_store_apply(replica, "CREATE ENTITY e (k INT64);", NULL,
                                  NULL, &problem),
              FEATURE_CONFLICT, "follower");
    expect_same(f->store, replica);
    must(feature_store_promote(replica, &epoch, &problem));
    assert_int_equal(epoch, 2);
    must(feature_store_promote(replica, &epoch, &problem));
    assert_int_equal(epoch, 2);
    must(feature_store_write(replica, &batch, 1, NULL, NULL, &problem));
    feature_batch_free(batch);
    free_records(&records);
    feature_store_close(replica);
}

/* After a promotion the old leader and the new one go different ways. */
static void
a_fork_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    feature_store *third = open_beside(f, "third");
    struct fixture other = {.store = replica};
    struct records common, old, new;
    uint64_t head;

    make_history(f);
    head = meta_of(f->store).sequence;
    read_records(f->store, 0, &common);
    follow_all(replica, &common);
    follow_all(third, &common);
    must(feature_store_promote(replica, NULL, &problem));
    upsert(f, "trips", NULL, "1 900 1 1 old");
    upsert(f, "trips", NULL, "1 901 1 1 old");
    upsert(&other, "trips", NULL, "1 900 1 1 new");
    upsert(&other, "trips", NULL, "1 901 1 1 new");
    read_records(f->store, head, &old);
    read_records(replica, head, &new);
    /* The old leader's, for the new one. */
    must_fail(feature_store_follow(replica, old.each[0].bytes, old.each[0].size,
                                   NULL, &problem),
              FEATURE_CONFLICT, "epoch");
    /* The third goes with the new one, and not back. */
    follow(third, &new.each[0]);
    must_fail(feature_store_follow(third, old.each[1].bytes, old.each[1].size,
                                   NULL, &problem),
              FEATURE_CONFLICT, "epoch");
    follow(third, &new.each[1]);
    expect_same(replica, third);
    /* Nor does the old leader follow: it has a record of its own there. */
    must_fail(feature_store_follow(f->store, new.each[0].bytes,
                                   new.each[0].size, NULL, &problem),
              FEATURE_CONFLICT, "epoch");
    free_records(&common);
    free_records(&old);
    free_records(&new);
    feature_store_close(replica);
    feature_store_close(third);
}

/* The same number and epoch, another past: the chain alone tells. */
static void
a_broken_chain_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    feature_store *left = open_beside(f, "left");
    feature_store *right = open_beside(f, "right");
    struct fixture a = {.store = left}, b = {.store = right};
    struct records common, others;

    make_history(f);
    read_records(f->store, 0, &common);
    follow_all(left, &common);
    follow_all(right, &common);
    must(feature_store_promote(left, NULL, &problem));
    must(feature_store_promote(right, NULL, &problem));
    upsert(&a, "trips", NULL, "1 900 1 1 a");
    upsert(&b, "trips", NULL, "1 900 1 1 b");
    upsert(&b, "trips", NULL, "1 901 1 1 b");
    read_records(right, common.count + 1, &others);
    must_fail(feature_store_follow(left, others.each[0].bytes,
                                   others.each[0].size, NULL, &problem),
              FEATURE_CONFLICT, "epoch");
    free_records(&common);
    free_records(&others);
    feature_store_close(left);
    feature_store_close(right);
}

static void
a_record_of_another_store_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    feature_store *stranger = open_beside(f, "stranger");
    struct fixture other = {.store = stranger};
    struct records records;

    make_history(f);
    define(&other, FEED_ON TRIPS);
    read_records(f->store, 0, &records);
    for (uint32_t i = 0; i < records.count; i++)
        must_fail(feature_store_follow(stranger, records.each[i].bytes,
                                       records.each[i].size, NULL, &problem),
                  FEATURE_CONFLICT, "epoch");
    free_records(&records);
    feature_store_close(stranger);
}

/* Every byte of a record, changed, and every length of it. */
static void
a_damaged_record_changes_nothing(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct records records;

    define(f, FEED_ON TRIPS);
    upsert(f, "trips", NULL, "1 100 2.5 [a,b] 1");
    read_records(f->store, 0, &records);
    follow(replica, &records.each[0]);
    for (size_t i = 0; i < records.each[1].size; i++) {
        records.each[1].bytes[i] ^= 0x10;
        must_fail(feature_store_follow(replica, records.each[1].bytes,
                                       records.each[1].size, NULL, &problem),
                  FEATURE_CORRUPT, NULL);
        records.each[1].bytes[i] ^= 0x10;
        must_fail(feature_store_follow(replica, records.each[1].bytes, i, NULL,
                                       &problem),
                  FEATURE_CORRUPT, NULL);
    }
    assert_int_equal(meta_of(replica).sequence, 1);
    follow(replica, &records.each[1]);
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
}

/* A commit of several parts, and a row that is larger than a part. */
static void
a_large_commit_comes_in_parts_and_is_applied_as_one(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    static char rows[1 << 20];
    struct records records;
    size_t size = 0;
    uint32_t parts = 0;

    define(f, FEED_ON TRIPS);
    for (int i = 0; i < 9000; i++)
        size += (size_t)snprintf(rows + size, sizeof rows - size,
                                 "%d 100 2.5 [some-text-%d] 1\n", i, i);
    upsert(f, "trips", NULL, rows);
    size = (size_t)snprintf(rows, sizeof rows, "1 200 1 [");
    memset(rows + size, 'x', 400000);
    snprintf(rows + size + 400000, 64, "] 1\n2 200 1 [y] 1");
    upsert(f, "trips", NULL, rows);
    read_records(f->store, 0, &records);
    assert_int_equal(records.count, 3);
    for (size_t at = 0; at < records.each[1].size; parts++) {
        size_t part = lf_frame_size(records.each[1].bytes + at,
                                    records.each[1].size - at);

        assert_in_range(part, 1, LF_CHANGE_PART_SIZE);
        at += part;
    }
    assert_in_range(parts, 3, 9);
    follow_all(replica, &records);
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
}

/* Bytes of a real change, some of them others. */
static struct lf_slice
spoil(struct lf_slice slice, uint8_t copy[256])
{
    assert_in_range(slice.size, 0, 200);
    memcpy(copy, slice.bytes, slice.size);
    if (slice.size && draw_one_in(2))
        copy[draw_below(slice.size)] ^= (uint8_t)(1 + draw_below(255));
    if (draw_one_in(4))
        slice.size = draw_below(slice.size + 8);
    slice.bytes = copy;
    return slice;
}

static void
forged_changes_are_refused_or_applied_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct lf_buffer scratch = {0};
    struct records records;
    uint32_t refused = 0, applied = 0;

    draw_state = draw_seed;
    define(f, FEED_ON TRIPS);
    upsert(f, "trips", NULL, "1 100 2.5 [a,b] 1");
    patch(f, "trips", "trip_id, event_timestamp, tags", "1 150 [x,yz]");
    erase(f, "trips", "trip_id, event_timestamp", "2 200");
    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    for (int i = 0; i < 4000; i++) {
        const struct record *from = &records.each[draw_below(records.count)];
        struct lf_change change;
        struct lf_part part;
        uint8_t key[256] = {0}, after[256] = {0};
        feature_status status;

        must(lf_part_open(&part, from->bytes, from->size, &problem));
        must(lf_part_change(&part, draw_below(part.change_count), &scratch,
                            &change, &problem));
        change.key = spoil(change.key, key);
        change.after = spoil(change.after, after);
        if (draw_one_in(10))
            change.operation = (int32_t)draw_below(10);
        if (draw_one_in(10))
            change.view = draw_below(4);
        if (draw_one_in(10))
            change.time = INT64_MIN;
        status = follow_forged(replica, &change);
        lf_part_free(&part);
        if (status) {
            assert_true(status == FEATURE_CORRUPT || /* GAP: a load */
                        status == FEATURE_UNSUPPORTED || status == FEATURE_GAP);
            refused++;
        } else {
            applied++;
        }
    }
    assert_in_range(refused, 1000, 3900);
    assert_int_equal(meta_of(replica).sequence, records.count + applied);
    lf_buffer_free(&scratch);
    free_records(&records);
    feature_store_close(replica);
}

/* What upkeep does to a row that is too old. */
static void
expire(feature_store *store, int64_t trip)
{
    struct lf_catalog *catalog = NULL;
    struct lf_form form = {0};
    struct lf_commit commit;
    struct lf_stored stored;
    struct lf_rows rows;
    uint8_t key[8];

    lf_key_put_int64(key, trip);
    must(lf_commit_begin(&commit, store, 0, &problem));
    must(lf_commit_catalog(&commit, &catalog, &problem));
    must(lf_form_bind(&form, catalog, lf_catalog_view(catalog, "trips"),
                      &problem));
    lf_commit_number(&commit);
    must(lf_feed_begin(&commit, catalog, NULL, 0, &problem));
    must(lf_rows_begin(&rows, &form, &commit, &problem));
    must(lf_rows_find(&rows, key, sizeof key, &stored, &problem));
    assert_true(stored.found);
    must(lf_rows_expire(&rows, key, sizeof key, &stored, &problem));
    must(lf_rows_end(&rows, &problem));
    must(lf_feed_end(&commit, &problem));
    must(lf_commit_finish(&commit, &problem));
    lf_form_free(&form);
    lf_catalog_release(catalog);
}

static void
rows_and_tombstones_that_expire_leave_the_follower_too(void **state)
{
    struct fixture *f = *state;
    feature_store *replica = open_beside(f, "replica");
    struct records records;

    define(f, FEED_ON TRIPS);
    upsert(f, "trips", NULL, "1 100 1 null 1\n2 100 2 null 2\n3 100 3 null 3");
    erase(f, "trips", "trip_id, event_timestamp", "2 200");
    expire(f->store, 1);
    expire(f->store, 2);
    read_records(f->store, 0, &records);
    follow_all(replica, &records);
    assert_int_equal(view_of(replica, 2).row_entries, 1);
    assert_int_equal(view_of(replica, 2).tombstones, 0);
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_follower_from_the_first_record_on_is_equal_to_its_leader),
        TEST(each_record_leaves_the_follower_where_the_leader_was),
        TEST(replaying_any_suffix_is_a_no_op),
        TEST(a_follower_logs_the_same_records),
        TEST(a_missing_record_is_a_gap),
        TEST(a_follower_refuses_other_writes_until_it_is_promoted),
        TEST(a_fork_is_a_conflict),
        TEST(a_broken_chain_is_a_conflict),
        TEST(a_record_of_another_store_is_a_conflict),
        TEST(a_damaged_record_changes_nothing),
        TEST(forged_changes_are_refused_or_applied_and_nothing_else),
        TEST(rows_and_tombstones_that_expire_leave_the_follower_too),
        TEST(a_large_commit_comes_in_parts_and_is_applied_as_one),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
