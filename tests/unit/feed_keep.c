/* SPDX-License-Identifier: Apache-2.0 */
/* What a change feed keeps, for how long, and what it says when it does not. */
#include <lmdb.h>

#include "feed.h"

static void
at_time(struct fixture *f, int64_t now)
{
    close_store(f);
    f->options.fixed_now = now;
    open_store(f);
}

static void
write_one(struct fixture *f, int key)
{
    char row[64];

    snprintf(row, sizeof row, "%d 100 2.5 [a] 1", key);
    upsert(f, "trips", NULL, row);
}

static struct lf_meta_feed
feed_of(feature_store *store)
{
    struct lf_meta_feed feed = {0};
    struct lf_reader *reader;
    const uint8_t *value;
    size_t size;
    bool found;

    must(lf_reader_begin(store->environment, &reader, &problem));
    must(lf_reader_get(reader, LF_META_TREE, LF_FEED_KEY, strlen(LF_FEED_KEY),
                       &found, &value, &size, &problem));
    if (found)
        assert_true(lf_meta_feed_decode(&feed, value, size));
    lf_reader_end(reader);
    return feed;
}

static void
expect_sound(struct fixture *f, int findings)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *text = NULL;

    must(feature_store_verify(f->path, NULL, &report, &text, &problem));
    if (findings ? !report.findings : report.findings > 0)
        fail_msg("verify says: %s", text);
    feature_free(text);
}

static void
without_the_option_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    feature_changes *changes = NULL;

    define(f, TRIPS);
    write_one(f, 1);
    must_fail(feature_changes_open(f->store, NULL, &changes, &problem),
              FEATURE_NOT_FOUND, "no-feed");
    assert_int_equal(feed_of(f->store).head, 0);
}

static void
a_feed_begins_where_it_is_turned_on(void **state)
{
    struct fixture *f = *state;
    feature_changes *changes = NULL;
    struct records records;

    define(f, TRIPS);
    write_one(f, 1);
    define(f, FEED_ON);
    write_one(f, 2);
    must_fail(feature_changes_open(f->store, NULL, &changes, &problem),
              FEATURE_GAP, "feed-truncated");
    read_records(f->store, 2, &records);
    assert_int_equal(records.count, 2);
    assert_int_equal(records.each[0].sequence, 3);
    free_records(&records);
    define(f, "STORE WITH (changes = 'none');");
    must_fail(feature_changes_open(f->store, NULL, &changes, &problem),
              FEATURE_NOT_FOUND, "no-feed");
    write_one(f, 3);
    define(f, FEED_ON);
    must_fail(feature_changes_open(f->store, NULL, &changes, &problem),
              FEATURE_GAP, "feed-truncated");
    read_records(f->store, 6, &records);
    assert_int_equal(records.count, 1);
    free_records(&records);
    expect_sound(f, 0);
}

/* One commit an hour, kept three days. */
static void
old_segments_go_and_a_reader_is_told(void **state)
{
    struct fixture *f = *state;
    feature_changes *changes = NULL, *slow;
    struct feature_change_record record;
    struct records records;
    struct lf_meta_feed feed;

    define(f, FEED_ON TRIPS);
    slow = open_changes(f->store, 0);
    feature_changes_free(slow);
    for (int hour = 1; hour <= 200; hour++) {
        at_time(f, NOON + hour * HOUR);
        write_one(f, hour);
    }
    feed = feed_of(f->store);
    assert_in_range(feed.first, 201 - 72 - 2 * 6, 201 - 72);
    must_fail(feature_changes_open(f->store, NULL, &changes, &problem),
              FEATURE_GAP, "feed-truncated");
    read_records(f->store, feed.first - 1, &records);
    assert_int_equal(records.count, 202 - feed.first);
    free_records(&records);
    slow = open_changes(f->store, feed.first - 1);
    expect_sound(f, 0);
    /* The rest goes while a reader has read nothing yet. */
    for (int i = 0; i < 40; i++) {
        feature_store *other = f->store;
        struct feature_options later = f->options;

        later.fixed_now = NOON + 400 * DAY + i * HOUR;
        must(feature_store_open(f->path, &later, &f->store, &problem));
        write_one(f, i);
        feature_store_close(f->store);
        f->store = other;
    }
    must_fail(feature_changes_next(slow, &record, &problem), FEATURE_GAP,
              "feed-truncated");
    feature_changes_free(slow);
    expect_sound(f, 0);
}

static void
a_feed_stays_within_its_size(void **state)
{
    struct fixture *f = *state;
    static char row[40000];
    struct lf_meta_feed feed;

    define(f, "STORE WITH (changes_size = '2 MB');" TRIPS);
    for (int i = 0; i < 200; i++) {
        int size = snprintf(row, sizeof row, "%d 100 2.5 [", i);

        memset(row + size, 'x', 30000);
        snprintf(row + size + 30000, 16, "] 1");
        upsert(f, "trips", NULL, row);
        feed = feed_of(f->store);
        assert_in_range(feed.bytes, 0, 2200000);
    }
    assert_in_range(feed.bytes, 1700000, 2200000);
    assert_in_range(feed.first, 120, 160);
    expect_sound(f, 0);
}

static feature_changes *
open_consumer(feature_store *store, const char *name, uint64_t since,
              uint64_t claim_ms)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = since,
                                              .consumer = name,
                                              .claim_ms = claim_ms};
    feature_changes *changes = NULL;

    must(feature_changes_open(store, &options, &changes, &problem));
    return changes;
}

static void
a_consumer_holds_what_he_has_not_got_until_his_claim_expires(void **state)
{
    struct fixture *f = *state;
    struct feature_changes_options resume = {.struct_size = sizeof resume,
                                             .flags = FEATURE_CHANGES_RESUME,
                                             .consumer = "replica-1"};
    struct feature_change_record record;
    feature_changes *changes, *again = NULL;

    define(f, FEED_ON TRIPS);
    changes = open_consumer(f->store, "replica-1", 0, 10 * DAY / 1000);
    must(feature_changes_next(changes, &record, &problem));
    must_fail(feature_changes_acknowledge(changes, 2, &problem),
              FEATURE_INVALID, "argument");
    must(feature_changes_acknowledge(changes, 1, &problem));
    feature_changes_free(changes);
    for (int day = 1; day <= 9; day++) {
        at_time(f, NOON + day * DAY);
        write_one(f, day);
    }
    assert_in_range(feed_of(f->store).first, 1, 2);
    must(feature_changes_open(f->store, &resume, &again, &problem));
    must(feature_changes_next(again, &record, &problem));
    assert_int_equal(record.sequence, 2);
    feature_changes_free(again);
    resume.consumer = "nobody";
    must_fail(feature_changes_open(f->store, &resume, &again, &problem),
              FEATURE_NOT_FOUND, "name");
    /* Opening renewed it for seven days. */
    for (int day = 16; day <= 40; day++) {
        at_time(f, NOON + day * DAY);
        write_one(f, day);
    }
    assert_in_range(feed_of(f->store).first, 25, 34);
    expect_sound(f, 0);
}

static void
under_last_txn_the_last_transaction_is_not_served(void **state)
{
    struct fixture *f = *state;
    struct records records;

    close_store(f);
    f->options.sync = FEATURE_SYNC_LAST_TXN;
    open_store(f);
    define(f, FEED_ON TRIPS);
    read_records(f->store, 0, &records);
    assert_int_equal(records.count, 0);
    for (int i = 1; i < 5; i++) {
        write_one(f, i);
        read_records(f->store, 0, &records);
        assert_int_equal(records.count, i);
        free_records(&records);
    }
}

static void
a_snapshot_bootstraps_a_follower(void **state)
{
    struct fixture *f = *state;
    char file[TEST_PATH_SIZE + 32], path[TEST_PATH_SIZE + 32];
    struct feature_source source = {.name = "orders", .next_offset = 7};
    struct feature_write_options options = {
        .struct_size = sizeof options, .sources = &source, .source_count = 1};
    feature_changes *claim;
    struct records records;
    feature_store *replica;
    uint64_t next = 0;

    snprintf(file, sizeof file, "%s/snapshot", f->directory);
    snprintf(path, sizeof path, "%s/replica", f->directory);
    define(f, TRIPS);
    write_one(f, 1);
    define(f, FEED_ON);
    write_one(f, 2);
    must(feature_store_write(f->store, NULL, 0, &options, NULL, &problem));
    claim = open_consumer(f->store, "c", 3, 0);
    feature_changes_free(claim);
    must(feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem));
    must(feature_store_restore(file, path, NULL, NULL, NULL, &problem));
    replica = open_beside(f, "replica");
    expect_same(f->store, replica);
    must(feature_store_offset(replica, "orders", 0, &next, NULL, NULL,
                              &problem));
    assert_int_equal(next, 7);
    write_one(f, 3);
    read_records(f->store, meta_of(replica).sequence, &records);
    assert_int_equal(records.count, 1);
    follow_all(replica, &records);
    expect_same(f->store, replica);
    free_records(&records);
    feature_store_close(replica);
    snprintf(f->path, sizeof f->path, "%.200s/replica", f->directory);
    expect_sound(f, 0);
}

static void
compaction_keeps_the_feed(void **state)
{
    struct fixture *f = *state;
    struct records before, after;

    define(f, FEED_ON TRIPS);
    for (int hour = 1; hour <= 30; hour++) {
        at_time(f, NOON + hour * HOUR);
        write_one(f, hour);
    }
    read_records(f->store, 0, &before);
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    expect_sound(f, 0);
    open_store(f);
    read_records(f->store, 0, &after);
    assert_int_equal(after.count, before.count);
    for (uint32_t i = 0; i < after.count; i++) {
        assert_int_equal(after.each[i].size, before.each[i].size);
        assert_memory_equal(after.each[i].bytes, before.each[i].bytes,
                            after.each[i].size);
    }
    write_one(f, 99);
    expect_sound(f, 0);
    free_records(&before);
    free_records(&after);
}

/* Changes one entry of a tree behind the library's back. */
static void
damage(struct fixture *f, const char *tree, int which, bool remove)
{
    MDB_val key, data;
    uint8_t copy[4096];
    MDB_env *lmdb;
    MDB_txn *txn;
    MDB_dbi handle;
    MDB_cursor *cursor;

    close_store(f);
    assert_int_equal(mdb_env_create(&lmdb), 0);
    mdb_env_set_maxdbs(lmdb, 8);
    mdb_env_set_mapsize(lmdb, 1 << 30);
    assert_int_equal(mdb_env_open(lmdb, f->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(lmdb, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, tree, 0, &handle), 0);
    assert_int_equal(mdb_cursor_open(txn, handle, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &data, MDB_FIRST), 0);
    while (which--)
        assert_int_equal(mdb_cursor_get(cursor, &key, &data, MDB_NEXT), 0);
    if (remove) {
        assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    } else {
        assert_in_range(data.mv_size, 1, sizeof copy);
        memcpy(copy, data.mv_data, data.mv_size);
        copy[data.mv_size / 2] ^= 1;
        data.mv_data = copy;
        assert_int_equal(mdb_cursor_put(cursor, &key, &data, MDB_CURRENT), 0);
    }
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(lmdb);
    open_store(f);
}

static void
damage_of_the_feed_is_found_and_never_served(void **state)
{
    struct fixture *f = *state;
    struct feature_change_record record;
    feature_changes *changes;

    for (int remove = 0; remove < 2; remove++) {
        close_store(f);
        remove_directory(f->path);
        f->options.flags |= FEATURE_OPEN_CREATE;
        open_store(f);
        define(f, FEED_ON TRIPS);
        for (int i = 0; i < 5; i++)
            write_one(f, i);
        expect_sound(f, 0);
        damage(f, "changes/0000000000000001", 2, remove);
        expect_sound(f, 1);
        changes = open_changes(f->store, 0);
        must(feature_changes_next(changes, &record, &problem));
        must(feature_changes_next(changes, &record, &problem));
        assert_int_equal(record.sequence, 2);
        must_fail(feature_changes_next(changes, &record, &problem),
                  FEATURE_CORRUPT, NULL);
        feature_changes_free(changes);
    }
}

static void
damaged_positions_are_found(void **state)
{
    struct fixture *f = *state;
    struct feature_source source = {.name = "orders", .next_offset = 7};
    struct feature_write_options options = {
        .struct_size = sizeof options, .sources = &source, .source_count = 1};
    uint64_t next;

    must(feature_store_write(f->store, NULL, 0, &options, NULL, &problem));
    expect_sound(f, 0);
    damage(f, LF_OFFSETS_TREE, 0, false);
    expect_sound(f, 1);
    must_fail(feature_store_offset(f->store, "orders", 0, &next, NULL, NULL,
                                   &problem),
              FEATURE_CORRUPT, "checksum");
    must_fail(feature_store_write(f->store, NULL, 0, &options, NULL, &problem),
              FEATURE_CORRUPT, "checksum");
}

/* A record of the feed whose checksum fits, and that lies. */
static void
a_chain_that_ends_elsewhere_is_found(void **state)
{
    struct fixture *f = *state;
    struct lf_meta_feed feed;
    struct lf_commit commit;

    define(f, FEED_ON TRIPS);
    write_one(f, 1);
    feed = feed_of(f->store);
    must(lf_commit_begin(&commit, f->store, 0, &problem));
    assert_memory_equal(commit.feed.meta.chain, feed.chain, LF_CHAIN_SIZE);
    commit.feed.meta.chain[0] ^= 1;
    commit.feed.is_changed = true;
    must(lf_commit_finish(&commit, &problem));
    expect_sound(f, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_the_option_nothing_is_kept),
        TEST(a_feed_begins_where_it_is_turned_on),
        TEST(old_segments_go_and_a_reader_is_told),
        TEST(a_feed_stays_within_its_size),
        TEST(a_consumer_holds_what_he_has_not_got_until_his_claim_expires),
        TEST(under_last_txn_the_last_transaction_is_not_served),
        TEST(a_snapshot_bootstraps_a_follower),
        TEST(compaction_keeps_the_feed),
        TEST(damage_of_the_feed_is_found_and_never_served),
        TEST(damaged_positions_are_found),
        TEST(a_chain_that_ends_elsewhere_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
