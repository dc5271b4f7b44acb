/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded join keys.
 *
 * Property: what is accepted as a key decodes to parts that encode to the same
 * bytes, of the size that was predicted; two keys compare as their tuples do;
 * any tuple encodes to a key that is accepted.
 */
#include "target.h"

#include "engine/layout.h"
#include "engine/engine.h"
#include "format/key.h"
#include "verify/verify.h"

#define PARTS 3

struct part {
    int64_t number;
    uint8_t bytes[LF_KEY_MAX];
    size_t size;
};

static const int32_t shapes[][PARTS] = {
    {FEATURE_TYPE_INT64},
    {FEATURE_TYPE_STRING},
    {FEATURE_TYPE_BYTES},
    {FEATURE_TYPE_BYTES, FEATURE_TYPE_INT64},
    {FEATURE_TYPE_INT64, FEATURE_TYPE_BYTES, FEATURE_TYPE_INT64},
    {FEATURE_TYPE_BYTES, FEATURE_TYPE_BYTES, FEATURE_TYPE_STRING},
};

#define SHAPES (sizeof shapes / sizeof *shapes)

static int
compare_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    if (order)
        return order < 0 ? -1 : 1;
    return (a_size > b_size) - (a_size < b_size);
}

static int
compare_tuples(const int32_t *shape, const struct part *a, const struct part *b)
{
    for (uint32_t i = 0; i < PARTS && shape[i]; i++) {
        int order =
            shape[i] == FEATURE_TYPE_INT64
                ? (a[i].number > b[i].number) - (a[i].number < b[i].number)
                : compare_bytes(a[i].bytes, a[i].size, b[i].bytes, b[i].size);

        if (order)
            return order;
    }
    return 0;
}

static const char *
judge(const int32_t *shape, const uint8_t *key, size_t size)
{
    struct lf_join_key keys[PARTS] = {{0}};
    struct lf_entity entity = {.keys = keys};

    while (entity.key_count < PARTS && shape[entity.key_count]) {
        keys[entity.key_count].code = shape[entity.key_count];
        entity.key_count++;
    }
    return lf_verify_key(&entity, key, size);
}

static size_t
encode(const int32_t *shape, const struct part *parts, uint8_t *key)
{
    uint8_t *to = key;

    for (uint32_t i = 0; i < PARTS && shape[i]; i++) {
        uint8_t *begin = to;

        if (shape[i] == FEATURE_TYPE_INT64) {
            lf_key_put_int64(to, parts[i].number);
            to += LF_KEY_INT64_SIZE;
            continue;
        }
        to = lf_key_put_bytes(to, parts[i].bytes, parts[i].size);
        expect((size_t)(to - begin) ==
                   lf_key_bytes_size(parts[i].bytes, parts[i].size),
               "the size of a part");
    }
    return (size_t)(to - key);
}

/* A key that was accepted, back into parts and bytes. */
static void
decode(const int32_t *shape, const uint8_t *key, size_t size,
       struct part *parts)
{
    const uint8_t *at = key, *end = key + size;
    uint8_t again[2 * LF_KEY_MAX];

    for (uint32_t i = 0; i < PARTS && shape[i]; i++)
        expect(shape[i] == FEATURE_TYPE_INT64
                   ? lf_key_get_int64(&at, end, &parts[i].number)
                   : lf_key_get_bytes(&at, end, parts[i].bytes, &parts[i].size),
               "an accepted key decodes");
    expect(at == end && encode(shape, parts, again) == size &&
               !memcmp(again, key, size),
           "a key is what its parts encode to");
}

static bool
try_key(const int32_t *shape, const uint8_t *key, size_t size,
        struct part *parts)
{
    if (judge(shape, key, size))
        return false;
    decode(shape, key, size, parts);
    return true;
}

static void
draw_parts(struct input *input, const int32_t *shape, struct part *parts)
{
    for (uint32_t i = 0; i < PARTS && shape[i]; i++)
        if (shape[i] == FEATURE_TYPE_INT64) {
            parts[i].number = (int64_t)take_u64(input);
        } else {
            parts[i].size = take_u8(input) % 40;
            for (size_t j = 0; j < parts[i].size; j++)
                parts[i].bytes[j] =
                    (uint8_t)(take_u8(input) &
                              (shape[i] == FEATURE_TYPE_STRING ? 0x7f : 0xff));
        }
}

static void
compare(const int32_t *shape, const uint8_t *a, size_t a_size,
        const struct part *a_parts, const uint8_t *b, size_t b_size,
        const struct part *b_parts)
{
    expect(compare_bytes(a, a_size, b, b_size) ==
               compare_tuples(shape, a_parts, b_parts),
           "keys sort as their tuples");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct part a[PARTS], b[PARTS];
    struct input input = {bytes, bytes + size};
    uint8_t first = take_u8(&input);
    const int32_t *shape = shapes[(first & 0x7f) % SHAPES];
    uint8_t made[2][2 * LF_KEY_MAX], *left, *right;
    size_t left_size, right_size;

    if (first & 0x80) {
        draw_parts(&input, shape, a);
        draw_parts(&input, shape, b);
        left_size = encode(shape, a, made[0]);
        right_size = encode(shape, b, made[1]);
        expect(!judge(shape, made[0], left_size), "a tuple makes a key");
        compare(shape, made[0], left_size, a, made[1], right_size, b);
        return 0;
    }
    left_size = take_u16(&input) % (LF_KEY_MAX + 20);
    left = take_copy(&input, &left_size);
    right_size = left_of(&input);
    right = take_copy(&input, &right_size);
    if (try_key(shape, left, left_size, a) &&
        try_key(shape, right, right_size, b))
        compare(shape, left, left_size, a, right, right_size, b);
    free(left);
    free(right);
    return 0;
}
