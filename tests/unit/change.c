/* SPDX-License-Identifier: Apache-2.0 */
/* Change records and the feed's other records, to bytes and back. */
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "draw.h"
#include "format/changes.pb-c.h"
#include "format/feed.h"
#include "support.h"

static const struct lf_change_head head = {.sequence = 7,
                                           .previous = {1, 2, 3},
                                           .commit_time = -5,
                                           .store = {9, 8, 7},
                                           .epoch = 2,
                                           .catalog_version = 4};
static const struct feature_source source = {.name = "orders",
                                             .position = "pos",
                                             .first_offset = 10,
                                             .next_offset = 20,
                                             .partition = 3,
                                             .position_size = 3};

static struct lf_slice
slice(const char *text)
{
    return (struct lf_slice){(const uint8_t *)text, strlen(text)};
}

static struct lf_change
make_change(uint32_t view, int64_t time)
{
    return (struct lf_change){.view = view,
                              .operation = FEATURE_UPSERT,
                              .time = time,
                              .key = slice("key"),
                              .after = slice("after the write"),
                              .before = slice("before")};
}

static void
make_part(struct lf_buffer *part)
{
    struct lf_change change = make_change(1, INT64_MAX);
    uint8_t hash[16];

    assert_true(lf_part_begin(part, &head, &source, 1));
    assert_true(lf_part_add(part, &change, hash));
    change = make_change(UINT32_MAX, INT64_MIN + 1);
    assert_true(lf_part_add(part, &change, hash));
    assert_true(lf_part_end(part, true));
}

static void
expect_change(const struct lf_change *change, const struct lf_change *expected)
{
    assert_int_equal(change->view, expected->view);
    assert_int_equal(change->operation, expected->operation);
    assert_int_equal(change->time, expected->time);
    assert_int_equal(change->key.size, expected->key.size);
    assert_memory_equal(change->key.bytes, expected->key.bytes,
                        expected->key.size);
    assert_int_equal(change->after.size, expected->after.size);
    assert_memory_equal(change->after.bytes, expected->after.bytes,
                        expected->after.size);
    assert_int_equal(change->before.size, expected->before.size);
}

static void
a_part_comes_back_as_it_was(void **state)
{
    struct lf_buffer bytes = {0}, scratch = {0};
    struct lf_change change, expected = make_change(1, INT64_MAX);
    struct lf_part part;

    (void)state;
    make_part(&bytes);
    must(lf_part_open(&part, bytes.data, bytes.size, &problem));
    assert_int_equal(part.head.sequence, 7);
    assert_int_equal(part.head.commit_time, -5);
    assert_int_equal(part.head.epoch, 2);
    assert_int_equal(part.head.catalog_version, 4);
    assert_memory_equal(part.head.previous, head.previous, LF_CHAIN_SIZE);
    assert_memory_equal(part.head.store, head.store, sizeof head.store);
    assert_true(part.has_more);
    assert_int_equal(part.source_count, 1);
    assert_string_equal(part.sources[0].name, "orders");
    assert_int_equal(part.sources[0].next_offset, 20);
    assert_int_equal(part.change_count, 2);
    must(lf_part_change(&part, 0, &scratch, &change, &problem));
    expect_change(&change, &expected);
    expected = make_change(UINT32_MAX, INT64_MIN + 1);
    must(lf_part_change(&part, 1, &scratch, &change, &problem));
    expect_change(&change, &expected);
    lf_part_free(&part);
    lf_buffer_free(&bytes);
    lf_buffer_free(&scratch);
}

/* The library's own bytes and those of protobuf-c are the same message. */
static void
the_bytes_are_those_of_the_published_schema(void **state)
{
    struct lf_buffer bytes = {0};
    Lf__Commit *message;
    uint8_t again[4096];

    (void)state;
    make_part(&bytes);
    message = lf__commit__unpack(NULL, bytes.size - LF_FRAME_SIZE,
                                 bytes.data + LF_FRAME_SIZE);
    assert_non_null(message);
    assert_int_equal(message->sequence, 7);
    assert_int_equal(message->n_changes, 2);
    assert_int_equal(message->changes[0]->operation,
                     LF__CHANGE__OPERATION__UPSERT);
    assert_int_equal(message->changes[1]->event_timestamp, INT64_MIN + 1);
    assert_int_equal(lf__commit__pack(message, again),
                     bytes.size - LF_FRAME_SIZE);
    assert_memory_equal(again, bytes.data + LF_FRAME_SIZE,
                        bytes.size - LF_FRAME_SIZE);
    lf__commit__free_unpacked(message, NULL);
    lf_buffer_free(&bytes);
}

static void
seal(struct lf_buffer *frame)
{
    lf_store_u32(frame->data + 4, (uint32_t)(frame->size - LF_FRAME_SIZE));
    lf_store_u32(frame->data, lf_crc32c(0, frame->data + 4, frame->size - 4));
}

/* With checksums that fit: what is left to refuse is the message. */
static void
hostile_messages_are_refused_or_read_and_nothing_else(void **state)
{
    struct lf_buffer bytes = {0}, scratch = {0};
    uint64_t refused = 0, read = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct lf_change change;
        struct lf_part part;

        make_part(&bytes);
        for (uint64_t n = 1 + draw_below(4); n; n--)
            bytes
                .data[LF_FRAME_SIZE + draw_below(bytes.size - LF_FRAME_SIZE)] ^=
                (uint8_t)(1 + draw_below(255));
        if (!draw_below(4))
            bytes.size -= draw_below(bytes.size - LF_FRAME_SIZE);
        seal(&bytes);
        if (lf_part_open(&part, bytes.data, bytes.size, &problem)) {
            assert_int_equal(problem.status, FEATURE_CORRUPT);
            refused++;
            continue;
        }
        for (uint32_t c = 0; c < part.change_count; c++)
            if (lf_part_change(&part, c, &scratch, &change, &problem))
                refused++;
            else
                read++;
        lf_part_free(&part);
    }
    assert_true(refused > 10000);
    assert_true(read > 1000);
    lf_buffer_free(&bytes);
    lf_buffer_free(&scratch);
}

/* Two bytes a change would be a struct of a hundred each. */
static void
a_message_cannot_ask_for_more_memory_than_its_size_allows(void **state)
{
    struct lf_buffer bytes = {0};
    struct lf_part part;

    (void)state;
    assert_true(lf_part_begin(&bytes, &head, NULL, 0));
    for (int i = 0; i < 100000; i++) {
        static const uint8_t empty[] = {8 << 3 | 2, 0};

        assert_true(lf_buffer_append(&bytes, empty, sizeof empty));
    }
    seal(&bytes);
    must_fail(lf_part_open(&part, bytes.data, bytes.size, &problem),
              FEATURE_CORRUPT, "structure");
    lf_buffer_free(&bytes);
}

static void
a_blank_payload_is_read_only_where_it_says_it_was_erased(void **state)
{
    struct lf_buffer bytes = {0}, scratch = {0};
    struct lf_change change = make_change(1, 5);
    struct lf_part part;
    uint8_t hash[16];

    (void)state;
    for (int erased = 0; erased < 2; erased++) {
        Lf__Change blank = LF__CHANGE__INIT;
        uint8_t packed[64];
        size_t size;
        uint8_t tag[2] = {8 << 3 | 2, 0};

        assert_true(lf_part_begin(&scratch, &head, NULL, 0));
        assert_true(lf_part_add(&scratch, &change, hash));
        blank.view = 1;
        blank.operation = LF__CHANGE__OPERATION__UPSERT;
        blank.event_timestamp = 5;
        blank.payload_hash.data = hash;
        blank.payload_hash.len = sizeof hash;
        blank.erased = erased;
        size = lf__change__pack(&blank, packed);
        tag[1] = (uint8_t)size;
        assert_true(lf_part_begin(&bytes, &head, NULL, 0));
        assert_true(lf_buffer_append(&bytes, tag, sizeof tag));
        assert_true(lf_buffer_append(&bytes, packed, size));
        seal(&bytes);
        must(lf_part_open(&part, bytes.data, bytes.size, &problem));
        if (erased)
            must(lf_part_change(&part, 0, &scratch, &change, &problem));
        else
            must_fail(lf_part_change(&part, 0, &scratch, &change, &problem),
                      FEATURE_CORRUPT, "structure");
        lf_part_free(&part);
        change = make_change(1, 5);
    }
    lf_buffer_free(&bytes);
    lf_buffer_free(&scratch);
}

static void
records_of_meta_come_back_and_damage_shows(void **state)
{
    struct lf_meta_feed feed = {.flags = LF_FEED_ON,
                                .first = 3,
                                .head = 9,
                                .served = 8,
                                .chain = {5},
                                .bytes = 1000,
                                .segment = 4,
                                .segment_bytes = 600,
                                .segment_time = -1,
                                .oldest_last = 3,
                                .oldest_time = 11,
                                .head_time = 12};
    struct lf_segment segment = {3, 8, -4, 77}, again;
    struct lf_meta_feed read;
    uint8_t bytes[LF_META_FEED_SIZE], small[LF_SEGMENT_SIZE];
    char key[LF_FEED_KEY_SIZE];

    (void)state;
    memset(&read, 0, sizeof read);
    lf_meta_feed_encode(&feed, bytes);
    assert_true(lf_meta_feed_decode(&read, bytes, sizeof bytes));
    assert_memory_equal(&read, &feed, sizeof feed);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 4;
        assert_false(lf_meta_feed_decode(&read, bytes, sizeof bytes));
        bytes[i] ^= 4;
    }
    lf_segment_key(8, key);
    lf_segment_encode(&segment, small);
    assert_true(lf_segment_decode(&again, (uint8_t *)key, strlen(key), small,
                                  sizeof small));
    assert_memory_equal(&again, &segment, sizeof segment);
    lf_segment_key(9, key);
    assert_false(lf_segment_decode(&again, (uint8_t *)key, strlen(key), small,
                                   sizeof small));
}

static void
names_of_consumers_are_words(void **state)
{
    char key[LF_FEED_KEY_SIZE], name[80] = "";

    (void)state;
    assert_true(lf_consumer_key("replica-1.a_B", key));
    assert_string_equal(key, "consumer/replica-1.a_B");
    assert_false(lf_consumer_key("", key));
    assert_false(lf_consumer_key("a/b", key));
    assert_false(lf_consumer_key("a b", key));
    memset(name, 'a', 64);
    assert_true(lf_consumer_key(name, key));
    name[64] = 'a';
    assert_false(lf_consumer_key(name, key));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_comes_back_as_it_was),
        cmocka_unit_test(the_bytes_are_those_of_the_published_schema),
        DRAWN(hostile_messages_are_refused_or_read_and_nothing_else),
        cmocka_unit_test(
            a_message_cannot_ask_for_more_memory_than_its_size_allows),
        cmocka_unit_test(
            a_blank_payload_is_read_only_where_it_says_it_was_erased),
        cmocka_unit_test(records_of_meta_come_back_and_damage_shows),
        cmocka_unit_test(names_of_consumers_are_words),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
