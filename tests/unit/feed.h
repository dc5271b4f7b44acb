/* SPDX-License-Identifier: Apache-2.0 */
/* A leader, a follower, and whether they are equal. */
#ifndef TESTS_UNIT_FEED_H
#define TESTS_UNIT_FEED_H

#include "api/rows.h"
#include "store/changes.h"

#define FEED_ON "STORE WITH (changes = '3 days');"
#define TRIPS                                                               \
    "CREATE ENTITY trip (trip_id INT64);"                                   \
    "CREATE FEATURE VIEW trips (fare FLOAT64, tags STRING[], seats INT32) " \
    "FOR "                                                                  \
    "trip;"

/* One record, in memory of its own. */
struct record {
    uint8_t *bytes;
    size_t size;
    uint64_t sequence;
};

struct records {
    struct record each[512];
    uint32_t count;
};

static inline feature_changes *
open_changes(feature_store *store, uint64_t since)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = since};
    feature_changes *changes = NULL;

    must(feature_changes_open(store, &options, &changes, &problem));
    return changes;
}

static inline void
read_records(feature_store *store, uint64_t since, struct records *records)
{
    feature_changes *changes = open_changes(store, since);
    struct feature_change_record record;

    for (records->count = 0;; records->count++) {
        struct record *to = &records->each[records->count];

        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        assert_in_range(records->count, 0, 511);
        to->bytes = malloc(record.size);
        assert_non_null(to->bytes);
        memcpy(to->bytes, record.bytes, record.size);
        to->size = record.size;
        to->sequence = record.sequence;
    }
    feature_changes_free(changes);
}

static inline void
free_records(struct records *records)
{
    while (records->count)
        free(records->each[--records->count].bytes);
}

static inline struct lf_meta_store
meta_of(feature_store *store)
{
    struct lf_meta_store meta;
    struct lf_reader *reader;

    must(lf_reader_begin(store->environment, &reader, &problem));
    must(lf_store_read_meta(reader, &meta, &problem));
    lf_reader_end(reader);
    return meta;
}

static inline struct lf_meta_view
view_of(feature_store *store, uint32_t view)
{
    struct lf_meta_view meta;
    struct lf_reader *reader;

    must(lf_reader_begin(store->environment, &reader, &problem));
    must(lf_store_read_view(reader, view, &meta, &problem));
    lf_reader_end(reader);
    return meta;
}

static inline void
expect_same_view(feature_store *left, feature_store *right, uint32_t view)
{
    struct lf_meta_view a = view_of(left, view), b = view_of(right, view);

    if (memcmp(&a, &b, sizeof a))
        fail_msg("view %u differs: content %llx and %llx, rows %llu and %llu",
                 view, (unsigned long long)a.content.low,
                 (unsigned long long)b.content.low,
                 (unsigned long long)a.row_entries,
                 (unsigned long long)b.row_entries);
}

/* Everything but the writers' tokens and the incarnation. */
static inline void
expect_same(feature_store *left, feature_store *right)
{
    struct lf_meta_store a = meta_of(left), b = meta_of(right);
    char *text[2];

    assert_memory_equal(a.uuid, b.uuid, sizeof a.uuid);
    assert_int_equal(a.epoch, b.epoch);
    assert_int_equal(a.sequence, b.sequence);
    assert_int_equal(a.commit_time, b.commit_time);
    assert_int_equal(a.catalog_version, b.catalog_version);
    must(feature_store_describe(left, NULL, &text[0], &problem));
    must(feature_store_describe(right, NULL, &text[1], &problem));
    assert_string_equal(text[0], text[1]);
    feature_free(text[0]);
    feature_free(text[1]);
    for (uint32_t view = 1; view < 40; view++)
        expect_same_view(left, right, view);
}

static inline struct feature_commit
follow(feature_store *store, const struct record *record)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(feature_store_follow(store, record->bytes, record->size, &commit,
                              &problem));
    return commit;
}

static inline void
follow_all(feature_store *store, const struct records *records)
{
    for (uint32_t i = 0; i < records->count; i++)
        follow(store, &records->each[i]);
}

/* A store beside the fixture's, open, whose clock is an hour late. */
static inline feature_store *
open_beside(struct fixture *f, const char *name)
{
    struct feature_options options = f->options;
    char path[TEST_PATH_SIZE + 32];
    feature_store *store = NULL;

    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    options.flags |= FEATURE_OPEN_CREATE;
    options.fixed_now -= HOUR;
    must(feature_store_open(path, &options, &store, &problem));
    return store;
}

/* A record whose checksums, hashes and chain fit, and whose change is one that
 * no leader makes. */
static inline feature_status
follow_forged(feature_store *store, const struct lf_change *change)
{
    struct lf_meta_store meta = meta_of(store);
    struct lf_change_head head = {.sequence = meta.sequence + 1,
                                  .commit_time = meta.commit_time + 1,
                                  .epoch = meta.epoch,
                                  .catalog_version = meta.catalog_version +
                                                     (change->operation == 6)};
    struct lf_buffer part = {0};
    struct lf_commit commit;
    feature_status status;
    uint8_t hash[16];

    must(lf_commit_begin(&commit, store, 0, &problem));
    memcpy(head.previous, commit.feed.meta.chain, LF_CHAIN_SIZE);
    lf_commit_abort(&commit);
    memcpy(head.store, meta.uuid, sizeof head.store);
    assert_true(lf_part_begin(&part, &head, NULL, 0));
    assert_true(lf_part_add(&part, change, hash));
    assert_true(lf_part_end(&part, false));
    status = feature_store_follow(store, part.data, part.size, NULL, &problem);
    lf_buffer_free(&part);
    return status;
}

#endif
