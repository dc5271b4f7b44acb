/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of history: their order, their bytes, and bytes that are none. */
#include "sample.h"

#include "base/crc32c.h"
#include "format/history.h"

#define VIEW 12
#define KEY  "a key"

struct whole_key {
    uint8_t bytes[sizeof KEY + LF_HISTORY_PLACE_SIZE];
};

static struct whole_key
key_at(int64_t time, uint64_t sequence, uint32_t ordinal)
{
    struct lf_history_place place = {time, sequence, ordinal};
    struct whole_key key;

    memcpy(key.bytes, KEY, sizeof KEY);
    lf_history_put_place(key.bytes + sizeof KEY, &place);
    return key;
}

static int64_t
draw_edge(void)
{
    static const int64_t edges[] = {
        INT64_MIN, INT64_MIN + 1, -256,          -1,       0, 1, 255,
        256,       NOON,          INT64_MAX - 1, INT64_MAX};

    return edges[draw_below(sizeof edges / sizeof *edges)];
}

static int
newer_place(const struct lf_history_place *a, const struct lf_history_place *b)
{
    if (a->time != b->time)
        return a->time > b->time ? -1 : 1;
    if (a->sequence != b->sequence)
        return a->sequence > b->sequence ? -1 : 1;
    return (a->ordinal < b->ordinal) - (a->ordinal > b->ordinal);
}

static int
sign(int number)
{
    return (number > 0) - (number < 0);
}

static void
places_sort_newest_first(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct lf_history_place places[2];
        uint8_t bytes[2][LF_HISTORY_PLACE_SIZE];

        for (int j = 0; j < 2; j++) {
            places[j] = (struct lf_history_place){
                draw_edge(), (uint64_t)draw_edge(), (uint32_t)draw_edge()};
            lf_history_put_place(bytes[j], &places[j]);
            {
                struct lf_history_place again = lf_history_get_place(bytes[j]);

                assert_int_equal(newer_place(&again, &places[j]), 0);
            }
        }
        assert_int_equal(sign(memcmp(bytes[0], bytes[1], sizeof *bytes)),
                         newer_place(&places[0], &places[1]));
    }
}

static void
an_entry_lies_as_the_format_says(void **state)
{
    struct whole_key key = key_at(NOON, 0x0102, 3);
    struct lf_history_entry entry = {.operation = FEATURE_DELETE,
                                     .commit_time = 0x1122334455667788,
                                     .image_time = 0x2233445566778899};
    struct lf_buffer row = {0}, value = {0};
    uint8_t head[9] = {'h', VIEW};
    uint32_t sum;

    (void)state;
    assert_memory_equal(key.bytes + sizeof KEY + 8,
                        "\xff\xff\xff\xff\xff\xff\xfe\xfd\xff\xff\xff\xfc", 12);
    assert_true(lf_row_encode_tombstone(5, NOON, &row));
    assert_true(lf_history_encode(&entry, lf_history_seed(VIEW), key.bytes,
                                  sizeof key, row.data, row.size, NULL,
                                  &value));
    assert_int_equal(value.size, 16 + 16);
    assert_memory_equal(value.data + 4,
                        "\1\3\0\0\x88\x77\x66\x55\x44\x33\x22\x11", 12);
    assert_memory_equal(value.data + 16, row.data, row.size);
    sum = lf_crc32c(lf_crc32c(0, head, sizeof head), key.bytes, sizeof key);
    assert_int_equal(lf_load_u32(value.data),
                     lf_crc32c(sum, value.data + 4, value.size - 4));
    assert_true(lf_history_encode(&entry, lf_history_seed(VIEW), key.bytes,
                                  sizeof key, row.data, row.size, &row,
                                  &value));
    assert_int_equal(value.size, 16 + 16 + 2 * 16);
    assert_memory_equal(value.data + 4, "\1\3\1\0", 4);
    assert_memory_equal(value.data + 16,
                        "\x10\0\0\0\0\0\0\0\x99\x88\x77\x66\x55\x44\x33\x22",
                        16);
    lf_buffer_free(&row);
    lf_buffer_free(&value);
}

/* A random entry; the image is empty for none. */
struct drawn {
    struct sample sample;
    struct whole_key key;
    struct lf_history_entry entry;
    struct lf_buffer row, image, value;
};

static void
draw_entry(struct drawn *drawn, bool has_image)
{
    int32_t operation = 1 + (int32_t)draw_below(3);

    sample_draw(&drawn->sample, draw_below(4), 1 + draw_below(2));
    assert_true(
        lf_row_encode(&drawn->sample.layout, drawn->sample.slots, &drawn->row));
    assert_true(lf_buffer_reserve(&drawn->image, drawn->row.size));
    drawn->image.size = drawn->row.size;
    memcpy(drawn->image.data, drawn->row.data, drawn->row.size);
    if (operation == FEATURE_DELETE)
        assert_true(lf_row_encode_tombstone(1, NOON, &drawn->row));
    drawn->key =
        key_at(lf_load_i64(drawn->row.data + 8), draw_below(99), draw_below(9));
    drawn->entry = (struct lf_history_entry){
        .operation = operation, .commit_time = NOON, .image_time = NOON + 1};
    /* A row's checksum does not go along. */
    lf_store_u32(drawn->row.data, 4711);
    assert_true(lf_history_encode(
        &drawn->entry, lf_history_seed(VIEW), drawn->key.bytes,
        sizeof drawn->key, drawn->row.data, drawn->row.size,
        has_image ? &drawn->image : NULL, &drawn->value));
}

static void
end_drawn(struct drawn *drawn)
{
    sample_end(&drawn->sample);
    lf_buffer_free(&drawn->row);
    lf_buffer_free(&drawn->image);
    lf_buffer_free(&drawn->value);
}

static const char *
open_exact(struct lf_history_entry *entry, const struct drawn *drawn,
           size_t size, uint8_t **exact)
{
    *exact = malloc(size + 1);
    memcpy(*exact, drawn->value.data, size);
    *exact = realloc(*exact, size ? size : 1);
    return lf_history_open(entry, lf_history_seed(VIEW), drawn->key.bytes,
                           sizeof drawn->key, *exact, size);
}

static void
an_entry_opens_to_what_was_encoded(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct drawn drawn = {0};
        struct lf_history_entry entry;
        uint8_t *exact;

        sample_begin(&drawn.sample, 1, 1 + draw_below(9));
        draw_entry(&drawn, i % 2);
        assert_null(open_exact(&entry, &drawn, drawn.value.size, &exact));
        assert_int_equal(entry.operation, drawn.entry.operation);
        assert_int_equal(entry.commit_time, NOON);
        assert_int_equal(entry.has_image, i % 2);
        assert_int_equal(entry.row.size, drawn.row.size);
        assert_memory_equal(entry.row.bytes + 4, drawn.row.data + 4,
                            drawn.row.size - 4);
        if (i % 2) {
            assert_int_equal(entry.image_time, NOON + 1);
            assert_int_equal(entry.image.size, drawn.image.size);
            assert_memory_equal(entry.image.bytes, drawn.image.data,
                                drawn.image.size);
        }
        free(exact);
        end_drawn(&drawn);
    }
}

static void
every_flipped_bit_and_every_cut_is_found(void **state)
{
    struct lf_history_entry entry;
    struct drawn drawn = {0};
    uint8_t *exact;

    (void)state;
    sample_begin(&drawn.sample, 1, 5);
    draw_entry(&drawn, true);
    for (size_t size = 0; size < drawn.value.size; size++) {
        assert_non_null(open_exact(&entry, &drawn, size, &exact));
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * drawn.value.size; bit++) {
        drawn.value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_string_equal(
            open_exact(&entry, &drawn, drawn.value.size, &exact), "checksum");
        drawn.value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * sizeof drawn.key; bit++) {
        drawn.key.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_string_equal(
            open_exact(&entry, &drawn, drawn.value.size, &exact), "checksum");
        drawn.key.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        free(exact);
    }
    end_drawn(&drawn);
}

static void
reseal(struct drawn *drawn)
{
    lf_store_u32(drawn->value.data,
                 lf_row_checksum(lf_history_seed(VIEW), drawn->key.bytes,
                                 sizeof drawn->key, drawn->value.data,
                                 drawn->value.size));
}

/* What a checksum cannot find: bytes that were sealed wrong. */
static void
wrong_bytes_with_a_right_checksum_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct lf_history_entry entry;
        struct drawn drawn = {0};
        uint8_t *exact;
        size_t most;

        sample_begin(&drawn.sample, 1, 1 + draw_below(4));
        draw_entry(&drawn, draw_one_in(2));
        most = drawn.value.size < 40 ? drawn.value.size : 40;
        drawn.value.data[4 + draw_below((uint32_t)most - 4)] ^=
            (uint8_t)(1 + draw_below(255));
        if (draw_one_in(4))
            drawn.value.size -= draw_below((uint32_t)drawn.value.size - 16);
        reseal(&drawn);
        /* Whatever it says, what it opens lies within its bytes. */
        if (!open_exact(&entry, &drawn, drawn.value.size, &exact)) {
            assert_true(entry.row.bytes >= exact);
            assert_true(entry.row.bytes + entry.row.size <=
                        exact + drawn.value.size);
            if (entry.has_image)
                assert_true(entry.image.bytes + entry.image.size ==
                            exact + drawn.value.size);
        }
        free(exact);
        end_drawn(&drawn);
    }
}

/* Puts a value at an offset of a sealed entry and expects "structure". */
static void
expect_refused(struct drawn *drawn, size_t offset, uint8_t value)
{
    struct lf_history_entry entry;
    uint8_t before = drawn->value.data[offset], *exact;

    drawn->value.data[offset] = value;
    reseal(drawn);
    assert_string_equal(open_exact(&entry, drawn, drawn->value.size, &exact),
                        "structure");
    free(exact);
    drawn->value.data[offset] = before;
    reseal(drawn);
}

static void
each_field_has_to_be_one_that_is_known(void **state)
{
    struct lf_history_entry entry;
    struct drawn drawn = {0};
    uint8_t *exact;

    (void)state;
    sample_begin(&drawn.sample, 1, 3);
    do {
        draw_entry(&drawn, true);
    } while (drawn.entry.operation == FEATURE_DELETE);
    assert_null(open_exact(&entry, &drawn, drawn.value.size, &exact));
    free(exact);
    expect_refused(&drawn, 4, 0); /* kind */
    expect_refused(&drawn, 4, 2);
    expect_refused(&drawn, 5, 0); /* a base with an event time */
    expect_refused(&drawn, 5, 3); /* a delete that is no tombstone */
    expect_refused(&drawn, 5, 4);
    expect_refused(&drawn, 6, 3); /* flags */
    expect_refused(&drawn, 7, 1);
    expect_refused(&drawn, 20, 1); /* reserved */
    expect_refused(&drawn, 19, 1); /* size of the row */
    expect_refused(&drawn, 32, 1); /* a row's own checksum */
    expect_refused(&drawn, 40, 1 ^ drawn.value.data[40]); /* another time */
    lf_store_i64(drawn.value.data + 24, NOON - 1); /* older than its version */
    expect_refused(&drawn, 4, 1);
    end_drawn(&drawn);
}

static void
a_hash_tells_versions_apart_and_not_images(void **state)
{
    struct lf_history_entry entry, other;
    struct lf_hash128 hash, again;
    struct drawn drawn = {0};
    uint8_t *exact;

    (void)state;
    sample_begin(&drawn.sample, 1, 3);
    draw_entry(&drawn, true);
    assert_null(open_exact(&entry, &drawn, drawn.value.size, &exact));
    hash = lf_history_hash(VIEW, drawn.key.bytes, sizeof drawn.key, &entry);
    other = entry;
    other.has_image = false;
    again = lf_history_hash(VIEW, drawn.key.bytes, sizeof drawn.key, &other);
    assert_memory_equal(&hash, &again, sizeof hash);
    other.commit_time++;
    again = lf_history_hash(VIEW, drawn.key.bytes, sizeof drawn.key, &other);
    assert_true(memcmp(&hash, &again, sizeof hash) != 0);
    other = entry;
    other.operation ^= 3;
    again = lf_history_hash(VIEW, drawn.key.bytes, sizeof drawn.key, &other);
    assert_true(memcmp(&hash, &again, sizeof hash) != 0);
    again =
        lf_history_hash(VIEW + 1, drawn.key.bytes, sizeof drawn.key, &entry);
    assert_true(memcmp(&hash, &again, sizeof hash) != 0);
    free(exact);
    end_drawn(&drawn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(places_sort_newest_first),
        cmocka_unit_test(an_entry_lies_as_the_format_says),
        DRAWN(an_entry_opens_to_what_was_encoded),
        DRAWN(every_flipped_bit_and_every_cut_is_found),
        DRAWN(wrong_bytes_with_a_right_checksum_are_found),
        DRAWN(each_field_has_to_be_one_that_is_known),
        DRAWN(a_hash_tells_versions_apart_and_not_images),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
