/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded keys against the tuples they stand for. */
#include "draw.h"

#include "format/key.h"

#define PARTS_MAX 8
#define PART_MAX  6
#define KEY_ROOM  (PARTS_MAX * (2 * PART_MAX + 2))

/* One join key of one tuple. STRING and BYTES are encoded alike. */
struct part {
    bool is_int;
    int64_t number;
    size_t size;
    uint8_t bytes[KEY_ROOM]; /* a damaged part may run into the next */
};

struct tuple {
    uint32_t count;
    struct part parts[PARTS_MAX];
};

struct key {
    size_t size;
    uint8_t bytes[2 * KEY_ROOM + 2 * PARTS_MAX];
};

/* Few different values, so that tuples share parts, and those that are next to
 * each other in some order. */
static int64_t
draw_number(void)
{
    static const int64_t edges[] = {
        INT64_MIN, INT64_MIN + 1,     -256, -1, 0, 1, 255, 256, INT64_MAX - 1,
        INT64_MAX, 0x0001000100010001};

    return draw_one_in(4) ? (int64_t)draw() : edges[draw_below(11)];
}

static void
draw_part(struct part *part)
{
    static const uint8_t alphabet[] = {0x00, 0x00, 0x01, 0x02,
                                       'a',  0xfe, 0xff, 0xff};

    part->number = draw_number();
    part->size = draw_below(PART_MAX + 1);
    for (size_t i = 0; i < part->size; i++)
        part->bytes[i] = alphabet[draw_below(8)];
}

static void
draw_tuple(struct tuple *tuple)
{
    tuple->count = 1 + draw_below(PARTS_MAX);
    for (uint32_t i = 0; i < tuple->count; i++) {
        tuple->parts[i].is_int = draw_one_in(2);
        draw_part(&tuple->parts[i]);
    }
}

/* A tuple of the same types, often equal up to some part, or a bytes part with
 * something more or less at its end. */
static void
draw_neighbour(const struct tuple *tuple, struct tuple *neighbour)
{
    uint32_t same = draw_below(tuple->count + 1);
    struct part *part = &neighbour->parts[same];

    *neighbour = *tuple;
    for (uint32_t i = same; i < tuple->count; i++)
        if (i > same || draw_one_in(2))
            draw_part(&neighbour->parts[i]);
    if (same == tuple->count || draw_one_in(2))
        return;
    *part = tuple->parts[same];
    if (part->size < PART_MAX && draw_one_in(2))
        draw_bytes(part->bytes + part->size++, 1);
    else if (part->size)
        part->size--;
}

static size_t
predicted_size(const struct tuple *tuple)
{
    size_t size = 0;

    for (uint32_t i = 0; i < tuple->count; i++)
        size += tuple->parts[i].is_int
                    ? LF_KEY_INT64_SIZE
                    : lf_key_bytes_size(tuple->parts[i].bytes,
                                        tuple->parts[i].size);
    return size;
}

static void
encode(const struct tuple *tuple, struct key *key)
{
    uint8_t *to = key->bytes;

    for (uint32_t i = 0; i < tuple->count; i++) {
        const struct part *part = &tuple->parts[i];

        if (part->is_int) {
            lf_key_put_int64(to, part->number);
            to += LF_KEY_INT64_SIZE;
        } else {
            to = lf_key_put_bytes(to, part->bytes, part->size);
        }
    }
    key->size = (size_t)(to - key->bytes);
}

/* Decodes parts of the given types from exactly size bytes; every bytes part
 * gets exactly the room it is promised. Returns how many bytes were used, or 0:
 * refused. */
static size_t
decode(const struct tuple *types, const uint8_t *bytes, size_t size,
       struct tuple *tuple)
{
    const uint8_t *at = bytes, *end = bytes + size;

    tuple->count = types->count;
    for (uint32_t i = 0; i < types->count; i++) {
        struct part *part = &tuple->parts[i];
        const uint8_t *before = at;
        uint8_t *room = malloc((size_t)(end - at));
        bool done;

        part->is_int = types->parts[i].is_int;
        part->size = 0;
        done = part->is_int ? lf_key_get_int64(&at, end, &part->number)
                            : lf_key_get_bytes(&at, end, room, &part->size);
        assert_true(part->size <= (size_t)(end - before));
        if (done && !part->is_int && part->size)
            memcpy(part->bytes, room, part->size);
        free(room);
        if (!done) {
            assert_ptr_equal(at, before);
            return 0;
        }
        assert_true(at > before && at <= end);
    }
    return (size_t)(at - bytes);
}

static int
sign(int order)
{
    return (order > 0) - (order < 0);
}

static int
compare_parts(const struct part *a, const struct part *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int order;

    if (a->is_int)
        return (a->number > b->number) - (a->number < b->number);
    order = memcmp(a->bytes, b->bytes, size);
    if (order)
        return sign(order);
    return (a->size > b->size) - (a->size < b->size);
}

static int
compare_tuples(const struct tuple *a, const struct tuple *b)
{
    int order = 0;

    for (uint32_t i = 0; !order && i < a->count; i++)
        order = compare_parts(&a->parts[i], &b->parts[i]);
    return order;
}

static void
keys_sort_like_their_tuples_and_differ_where_they_do(void **state)
{
    uint32_t equal = 0;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        struct tuple a, b;
        struct key x, y;
        size_t size;
        int order, wanted;

        draw_tuple(&a);
        draw_neighbour(&a, &b);
        encode(&a, &x);
        encode(&b, &y);
        size = x.size < y.size ? x.size : y.size;
        order = sign(memcmp(x.bytes, y.bytes, size));
        wanted = compare_tuples(&a, &b);
        /* No key begins another of the same types, so sizes never decide. */
        if (order != wanted || (wanted == 0 && x.size != y.size))
            fail_msg("case %d: order %d, not %d", i, order, wanted);
        equal += wanted == 0;
    }
    assert_in_range(equal, 3000, 150000);
}

static void
a_decoded_key_is_the_tuple_it_was_made_of(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct tuple tuple, again;
        struct key key;
        uint8_t *exact;

        draw_tuple(&tuple);
        encode(&tuple, &key);
        exact = malloc(key.size);
        memcpy(exact, key.bytes, key.size);
        assert_int_equal(decode(&tuple, exact, key.size, &again), key.size);
        assert_int_equal(compare_tuples(&tuple, &again), 0);
        free(exact);
    }
}

static void
sizes_are_predicted_exactly(void **state)
{
    uint8_t zeros[PART_MAX] = {0};

    (void)state;
    assert_int_equal(lf_key_bytes_size("", 0), 2);
    assert_int_equal(lf_key_bytes_size(NULL, 0), 2);
    assert_int_equal(lf_key_bytes_size("abc", 3), 5);
    assert_int_equal(lf_key_bytes_size(zeros, PART_MAX), 2 * PART_MAX + 2);
    for (int i = 0; i < 50000; i++) {
        struct tuple tuple;
        struct key key;

        draw_tuple(&tuple);
        encode(&tuple, &key);
        assert_int_equal(predicted_size(&tuple), key.size);
    }
}

static void
every_truncated_key_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 4000; i++) {
        struct tuple tuple, again;
        struct key key;

        draw_tuple(&tuple);
        encode(&tuple, &key);
        for (size_t size = 0; size < key.size; size++) {
            uint8_t *exact = malloc(size);

            memcpy(exact, key.bytes, size);
            assert_int_equal(decode(&tuple, exact, size, &again), 0);
            free(exact);
        }
    }
}

/* What decodes was encoded: no two keys decode to one tuple. */
static void
a_damaged_key_is_refused_or_is_the_key_of_another_tuple(void **state)
{
    uint32_t refused = 0, other = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct tuple tuple, again;
        struct key key, back;

        draw_tuple(&tuple);
        encode(&tuple, &key);
        for (size_t bit = 0; bit < 8 * key.size; bit++) {
            uint8_t *exact = malloc(key.size);
            size_t used;

            memcpy(exact, key.bytes, key.size);
            exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
            used = decode(&tuple, exact, key.size, &again);
            refused += used == 0;
            if (used == key.size) {
                encode(&again, &back);
                assert_int_equal(back.size, key.size);
                assert_memory_equal(back.bytes, exact, key.size);
                other++;
            }
            free(exact);
        }
    }
    assert_true(refused > 1000 && other > 1000);
}

static void
any_bytes_decode_within_bounds_or_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t size = draw_below(40);
        uint8_t *exact = malloc(size);
        struct tuple types, tuple;

        draw_tuple(&types);
        types.count = 1 + draw_below(3);
        for (size_t j = 0; j < size; j++)
            exact[j] = (uint8_t)(draw_one_in(3) ? draw() : draw_below(2) * 255);
        assert_true(decode(&types, exact, size, &tuple) <= size);
        free(exact);
    }
}

static void
keys_are_the_bytes_of_the_format(void **state)
{
    uint8_t bytes[16];

    (void)state;
    lf_key_put_int64(bytes, 1);
    assert_memory_equal(bytes, "\x80\0\0\0\0\0\0\1", 8);
    lf_key_put_int64(bytes, -1);
    assert_memory_equal(bytes, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_ptr_equal(lf_key_put_bytes(bytes, "a\0b", 3), bytes + 6);
    assert_memory_equal(bytes,
                        "a\0\xff"
                        "b\0\1",
                        6);
    assert_ptr_equal(lf_key_put_bytes(bytes, NULL, 0), bytes + 2);
    assert_memory_equal(bytes, "\0\1", 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(keys_sort_like_their_tuples_and_differ_where_they_do),
        DRAWN(a_decoded_key_is_the_tuple_it_was_made_of),
        DRAWN(sizes_are_predicted_exactly),
        DRAWN(every_truncated_key_is_refused),
        DRAWN(a_damaged_key_is_refused_or_is_the_key_of_another_tuple),
        DRAWN(any_bytes_decode_within_bounds_or_are_refused),
        cmocka_unit_test(keys_are_the_bytes_of_the_format),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
