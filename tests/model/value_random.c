/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random values.
 *
 * Owns the choice between the edges of a type and its middle.
 * Keeps values often distinct, so that one row cannot pass for another, and
 * often small, so that widened values fit narrow columns.
 * Never makes a signalling FLOAT32 NaN: any arithmetic would change its bits.
 */
#include "value.h"

#include <math.h>
#include <string.h>

static void
random_whole(struct dice *dice, int32_t *value)
{
    static const int32_t edges[] = {0, 1, -1, INT32_MIN, INT32_MAX, 16777217};

    if (dice_chance(dice, 15))
        *value = edges[dice_below(dice, COUNT(edges))];
    else
        *value = (int32_t)dice_next(dice);
}

static void
random_wide(struct dice *dice, int64_t *value)
{
    static const int64_t edges[] = {INT64_MIN,
                                    INT64_MAX,
                                    0,
                                    -1,
                                    (int64_t)INT32_MAX + 1,
                                    (int64_t)INT32_MIN - 1,
                                    INT32_MAX,
                                    (INT64_C(1) << 53) + 1};
    int32_t whole;

    if (dice_chance(dice, 15)) {
        *value = edges[dice_below(dice, COUNT(edges))];
    } else if (dice_chance(dice, 60)) {
        random_whole(dice, &whole);
        *value = whole;
    } else {
        *value = (int64_t)dice_next(dice);
    }
}

static void
random_number(struct dice *dice, float *value)
{
    static const uint32_t edges[] = {0x00000000, 0x80000000, 0x7f800000,
                                     0xff800000, 0x7fc00000, 0xffc12345,
                                     0x00000001, 0x7f7fffff, 0x3f800000};
    uint32_t bits = (uint32_t)dice_next(dice);

    if (dice_chance(dice, 20))
        bits = edges[dice_below(dice, COUNT(edges))];
    if ((bits & 0x7f800000) == 0x7f800000 && (bits & 0x007fffff))
        bits |= 0x00400000;
    memcpy(value, &bits, sizeof bits);
}

static void
random_real(struct dice *dice, double *value)
{
    static const uint64_t edges[] = {0x8000000000000000, 0x7ff0000000000000,
                                     0xfff0000000000000, 0x7ff8000000000000,
                                     0xfff8000000000123, 0x0000000000000001,
                                     0x7fefffffffffffff, 0x41dfffffffc00000,
                                     0x41e0000000000000, 0x3ff8000000000000};
    uint64_t bits = dice_next(dice);
    int32_t whole;
    float number;

    if (dice_chance(dice, 15)) {
        bits = edges[dice_below(dice, COUNT(edges))];
    } else if (dice_chance(dice, 40)) {
        random_whole(dice, &whole);
        *value = whole;
        return;
    } else if (dice_chance(dice, 60)) {
        random_number(dice, &number);
        *value = (double)number;
        return;
    }
    if ((bits & 0x7ff0000000000000) == 0x7ff0000000000000 &&
        (bits & 0x000fffffffffffff))
        bits |= 0x0008000000000000;
    memcpy(value, &bits, sizeof bits);
}

static void
random_element(struct dice *dice, int32_t code, uint8_t *bytes)
{
    uint32_t size = element_size(code);
    int32_t whole;
    int64_t wide;
    float number;
    double real;

    switch (code) {
    case FEATURE_TYPE_BOOL:
        *bytes = (uint8_t)dice_below(dice, 2);
        return;
    case FEATURE_TYPE_INT32:
        random_whole(dice, &whole);
        memcpy(bytes, &whole, size);
        return;
    case FEATURE_TYPE_FLOAT32:
        random_number(dice, &number);
        memcpy(bytes, &number, size);
        return;
    case FEATURE_TYPE_FLOAT64:
        random_real(dice, &real);
        memcpy(bytes, &real, size);
        return;
    default:
        random_wide(dice, &wide);
        memcpy(bytes, &wide, size);
        return;
    }
}

/* Pieces of text, of one to four bytes a letter; the last one holds a NUL. */
static uint32_t
random_text(struct dice *dice, uint8_t *bytes, bool may_hold_nul)
{
    static const char *const pieces[] = {"a",  "bc", "'",          "''", " ",
                                         "--", "é",  "\u20ac",     ";",  "0",
                                         "z",  "\n", "\U0001f600", "\""};
    uint32_t count = dice_below(dice, 5), size = 0;

    for (uint32_t i = 0; i < count; i++) {
        const char *piece = pieces[dice_below(dice, COUNT(pieces))];

        memcpy(bytes + size, piece, strlen(piece));
        size += (uint32_t)strlen(piece);
    }
    if (may_hold_nul && dice_chance(dice, 5))
        bytes[size++] = 0;
    if (dice_chance(dice, 70))
        for (uint32_t i = 0; i < 4; i++)
            bytes[size++] = (uint8_t)('a' + dice_below(dice, 26));
    return size;
}

static uint32_t
random_bytes(struct dice *dice, uint8_t *bytes)
{
    uint32_t size = dice_below(dice, 8);

    for (uint32_t i = 0; i < size; i++)
        bytes[i] = dice_chance(dice, 20)
                       ? (uint8_t)(dice_below(dice, 2) ? 0xff : 0)
                       : (uint8_t)dice_next(dice);
    return size;
}

#define ELEMENTS_MAX 5
#define TEXT_MAX     32 /* bytes that random_text may make */

static struct value
make_strings(struct dice *dice, struct arena *arena, bool may_hold_nul)
{
    uint32_t count = dice_below(dice, ELEMENTS_MAX), size = 0, one;
    uint8_t *bytes = arena_alloc(arena, ELEMENTS_MAX * (TEXT_MAX + 4));

    for (uint32_t i = 0; i < count; i++) {
        one = random_text(dice, bytes + size + 4, may_hold_nul);
        memcpy(bytes + size, &one, sizeof one);
        size += 4 + one;
    }
    return (struct value){.size = size, .bytes = bytes};
}

static struct value
make(struct dice *dice, struct arena *arena, struct type type,
     bool may_hold_nul)
{
    uint32_t count = type.is_list ? dice_below(dice, ELEMENTS_MAX) : type.width;
    uint32_t size = element_size(type.code);
    uint8_t *bytes;

    if (type.is_list && type.code == FEATURE_TYPE_STRING)
        return make_strings(dice, arena, may_hold_nul);
    bytes = arena_alloc(arena, size ? count * size : TEXT_MAX);
    if (type.code == FEATURE_TYPE_STRING)
        return (struct value){.size = random_text(dice, bytes, may_hold_nul),
                              .bytes = bytes};
    if (type.code == FEATURE_TYPE_BYTES)
        return (struct value){.size = random_bytes(dice, bytes),
                              .bytes = bytes};
    for (uint32_t i = 0; i < count; i++)
        random_element(dice, type.code, bytes + size * i);
    return (struct value){.size = count * size, .bytes = bytes};
}

struct value
value_random(struct dice *dice, struct arena *arena, struct type type)
{
    return make(dice, arena, type, true);
}

/* A literal knows one NaN. */
static void
plain_nans(struct type type, uint8_t *bytes, uint32_t size)
{
    const float number_nan = NAN;
    const double real_nan = (double)NAN;
    float number;
    double real;

    for (uint32_t i = 0; type.code == FEATURE_TYPE_FLOAT32 && i < size;
         i += 4) {
        memcpy(&number, bytes + i, sizeof number);
        if (isnan(number))
            memcpy(bytes + i, &number_nan, sizeof number);
    }
    for (uint32_t i = 0; type.code == FEATURE_TYPE_FLOAT64 && i < size;
         i += 8) {
        memcpy(&real, bytes + i, sizeof real);
        if (isnan(real))
            memcpy(bytes + i, &real_nan, sizeof real);
    }
}

struct value
value_literal(struct dice *dice, struct arena *arena, struct type type)
{
    struct value made = make(dice, arena, type, false);
    uint8_t *bytes = arena_copy(arena, made.bytes, made.size);

    plain_nans(type, bytes, made.size);
    made.bytes = bytes;
    return made;
}

struct value
value_long(struct arena *arena, uint32_t size)
{
    uint8_t *bytes = arena_alloc(arena, size);

    memset(bytes, 'x', size);
    return (struct value){.size = size, .bytes = bytes};
}

struct value
value_broken(struct arena *arena, struct type type)
{
    static const uint8_t list[] = {1, 0, 0, 0, 'a', 2, 0, 0, 0, 0xc3, 'b'};
    static const uint8_t text[] = {'a', 0xed, 0xa0, 0x80};

    if (type.is_list)
        return (struct value){.size = sizeof list,
                              .bytes = arena_copy(arena, list, sizeof list)};
    return (struct value){.size = sizeof text,
                          .bytes = arena_copy(arena, text, sizeof text)};
}
