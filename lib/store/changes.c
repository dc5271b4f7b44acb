/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of the change feed.
 *
 * Owns the copies of records that a reader hands out.
 * Keeps them dense: a record follows the one before it or nothing is answered,
 * and no record is answered that a cut of power could take back.
 * Never holds a snapshot between two calls, nor for more than a copy of a
 * megabyte.
 */
#include "store/changes.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"

#define COPY_BYTES   (1u << 20)
#define POLL_US      1000
#define POLL_MOST_US 50000

/* What one snapshot says of the feed. */
static feature_status
read_feed(struct lf_reader *reader, struct lf_meta_feed *feed,
          struct feature_error *error)
{
    const uint8_t *value;
    bool found;
    size_t size;

    LF_TRY(lf_reader_get(reader, LF_META_TREE, LF_FEED_KEY, strlen(LF_FEED_KEY),
                         &found, &value, &size, error));
    if (found && !lf_meta_feed_decode(feed, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of the change feed is damaged");
    if (!found || !(feed->flags & LF_FEED_ON))
        return lf_fail(error, FEATURE_NOT_FOUND, "no-feed",
                       "the store keeps no change feed: apply STORE WITH "
                       "(changes = '3 days')");
    return FEATURE_OK;
}

static feature_status
check_position(const struct lf_meta_feed *feed, uint64_t next,
               struct feature_error *error)
{
    if (next < feed->first)
        return lf_fail(error, FEATURE_GAP, "feed-truncated",
                       "the change feed begins at sequence %llu; %llu is not "
                       "there: take a new snapshot",
                       (unsigned long long)feed->first,
                       (unsigned long long)next);
    if (next > feed->head + 1)
        return lf_fail(error, FEATURE_CONFLICT, "epoch",
                       "the change feed ends at sequence %llu; the reader has "
                       "seen %llu",
                       (unsigned long long)feed->head,
                       (unsigned long long)(next - 1));
    return FEATURE_OK;
}

static feature_status
take_segment(void *context, const uint8_t *key, size_t key_size,
             const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_segment *segment = context;

    if (key_size < strlen(LF_SEGMENT_PREFIX) ||
        memcmp(key, LF_SEGMENT_PREFIX, strlen(LF_SEGMENT_PREFIX)) != 0)
        return LF_ENOUGH;
    if (!lf_segment_decode(segment, key, key_size, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "a record of the change feed is damaged");
    return LF_ENOUGH;
}

/* The tree of a record: closed segments are found by their last sequence. */
feature_status
lf_changes_tree(struct lf_reader *reader, const struct lf_meta_feed *feed,
                uint64_t sequence, char tree[LF_TREE_NAME_SIZE],
                struct feature_error *error)
{
    struct lf_segment segment = {.first = feed->segment};
    char key[LF_FEED_KEY_SIZE];

    if (sequence < feed->segment) {
        lf_segment_key(sequence, key);
        LF_TRY(lf_reader_scan_from(reader, LF_META_TREE, key, strlen(key),
                                   take_segment, &segment, error));
    }
    lf_segment_tree(segment.first, tree);
    return FEATURE_OK;
}

/* A part is the next one of the record under way, or begins the next record. */
static feature_status
check_part(const feature_changes *changes, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    if (key_size != LF_CHANGE_KEY_SIZE ||
        lf_load_big_u64(key) != changes->filled ||
        lf_load_big_u32(key + 8) != changes->part)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change feed lacks part %u of record %llu",
                       changes->part, (unsigned long long)changes->filled);
    if (lf_frame_size(value, size) != size || !size)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "record %llu of the change feed is damaged",
                       (unsigned long long)changes->filled);
    return FEATURE_OK;
}

struct fill {
    feature_changes *changes;
    uint64_t last; /* sequence that may be answered */
    size_t copied;
};

static feature_status
take_part(void *context, const uint8_t *key, size_t key_size,
          const uint8_t *value, size_t size, struct feature_error *error)
{
    struct fill *fill = context;
    feature_changes *changes = fill->changes;
    struct lf_part part;
    bool more;

    if (changes->filled > fill->last || fill->copied >= COPY_BYTES)
        return LF_ENOUGH;
    LF_TRY(check_part(changes, key, key_size, value, size, error));
    LF_TRY(lf_part_open(&part, value, size, error));
    more = part.has_more;
    if (!changes->part)
        changes->time = part.head.commit_time;
    lf_part_free(&part);
    if (!lf_buffer_append(&changes->records, value, size))
        return lf_fail_memory(error);
    fill->copied += size;
    changes->part++;
    if (more)
        return FEATURE_OK;
    return lf_changes_end_record(changes, error);
}

feature_status
lf_changes_end_record(feature_changes *changes, struct feature_error *error)
{
    struct lf_place_of_record place = {.end = changes->records.size,
                                       .sequence = changes->filled,
                                       .time = changes->time};

    if (!lf_buffer_append(&changes->places, &place, sizeof place))
        return lf_fail_memory(error);
    changes->filled++;
    changes->part = 0;
    return FEATURE_OK;
}

/* Copies what one snapshot has, a megabyte or one segment at most. */
static feature_status
fill_from(feature_changes *changes, struct lf_reader *reader, bool *is_end,
          struct feature_error *error)
{
    struct fill fill = {.changes = changes};
    uint8_t from[LF_CHANGE_KEY_SIZE];
    char tree[LF_TREE_NAME_SIZE];
    struct lf_meta_feed feed;

    LF_TRY(read_feed(reader, &feed, error));
    LF_TRY(check_position(&feed, changes->filled, error));
    fill.last = feed.served;
    *is_end = changes->filled > fill.last;
    if (*is_end)
        return FEATURE_OK;
    LF_TRY(lf_changes_tree(reader, &feed, changes->filled, tree, error));
    lf_change_key(changes->filled, changes->part, from);
    LF_TRY(lf_reader_scan_from(reader, tree, from, sizeof from, take_part,
                               &fill, error));
    if (!fill.copied)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change feed lacks record %llu",
                       (unsigned long long)changes->filled);
    return FEATURE_OK;
}

static feature_status
fill_once(feature_changes *changes, bool *is_end, struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(changes->store->environment, &reader, error));
    status = fill_from(changes, reader, is_end, error);
    lf_reader_end(reader);
    return status;
}

/* Until there is a whole record, or no more. */
static feature_status
fill(feature_changes *changes, bool *is_end, struct feature_error *error)
{
    feature_status status = FEATURE_OK;

    changes->records.size = 0;
    changes->places.size = 0;
    changes->answered = 0;
    changes->filled = changes->next;
    changes->part = 0;
    *is_end = false;
    while (!status && !*is_end && !changes->places.size)
        status = fill_once(changes, is_end, error);
    /* What was copied before the failure is whole; the next call meets it. */
    return changes->places.size ? FEATURE_OK : status;
}

static void
answer(feature_changes *changes, struct feature_change_record *record)
{
    const struct lf_place_of_record *places =
        (const struct lf_place_of_record *)changes->places.data;
    size_t index = changes->answered++;
    size_t begin = index ? places[index - 1].end : 0;

    changes->next = places[index].sequence + 1;
    *record =
        (struct feature_change_record){.bytes = changes->records.data + begin,
                                       .size = places[index].end - begin,
                                       .sequence = places[index].sequence,
                                       .time = places[index].time};
}

static bool
has_record(const feature_changes *changes)
{
    return changes->answered <
           changes->places.size / sizeof(struct lf_place_of_record);
}

feature_status
feature_changes_next(feature_changes *changes,
                     struct feature_change_record *record,
                     struct feature_error *error)
{
    feature_status status = FEATURE_OK;
    bool is_end = false;

    if (!changes || !record)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "changes and record are needed");
    LF_TRY(lf_store_enter(changes->store, error));
    if (!has_record(changes))
        status = fill(changes, &is_end, error);
    lf_store_leave(changes->store);
    if (status)
        return status;
    if (has_record(changes))
        answer(changes, record);
    else
        *record = (struct feature_change_record){0};
    return FEATURE_OK;
}

feature_status
lf_changes_served(feature_changes *changes, uint64_t *sequence,
                  struct feature_error *error)
{
    struct lf_meta_feed feed = {0};
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_store_enter(changes->store, error));
    status = lf_reader_begin(changes->store->environment, &reader, error);
    if (!status) {
        status = read_feed(reader, &feed, error);
        if (!status)
            status = check_position(&feed, changes->next, error);
        lf_reader_end(reader);
    }
    lf_store_leave(changes->store);
    if (!status)
        *sequence = feed.served;
    return status;
}

static feature_status
is_ready(feature_changes *changes, bool *ready, struct feature_error *error)
{
    uint64_t served;

    LF_TRY(lf_changes_served(changes, &served, error));
    *ready = changes->next <= served;
    return FEATURE_OK;
}

void
lf_changes_rewind(feature_changes *changes, uint64_t sequence)
{
    changes->next = sequence;
    changes->records.size = 0;
    changes->places.size = 0;
    changes->answered = 0;
}

/* Other processes write too, and LMDB tells nobody: so it asks, less and less
 * often. */
feature_status
feature_changes_wait(feature_changes *changes, uint32_t timeout_ms,
                     struct feature_error *error)
{
    int64_t end = lf_clock_steady_us() + (int64_t)timeout_ms * 1000;
    int64_t pause = POLL_US;
    bool ready = false;

    if (!changes)
        return lf_fail(error, FEATURE_INVALID, "argument", "changes is needed");
    while (!has_record(changes)) {
        int64_t left;
        struct timespec time = {0};

        LF_TRY(is_ready(changes, &ready, error));
        left = end - lf_clock_steady_us();
        if (ready || left <= 0)
            break;
        if (pause > left)
            pause = left;
        time.tv_nsec = (long)pause * 1000;
        nanosleep(&time, NULL);
        pause = pause * 2 < POLL_MOST_US ? pause * 2 : POLL_MOST_US;
    }
    return FEATURE_OK;
}

void
feature_changes_free(feature_changes *changes)
{
    if (!changes)
        return;
    lf_buffer_free(&changes->records);
    lf_buffer_free(&changes->places);
    lf_store_release(changes->store);
    lf_free(changes);
}

/* Where a reader begins. */
feature_status
lf_changes_check(feature_changes *changes, struct feature_error *error)
{
    bool ready;

    return is_ready(changes, &ready, error);
}
