/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 for the command: checking, writing, measuring.
 *
 * Owns what counts as text in a file, and how many cells it takes on a screen.
 * Keeps overlong forms, surrogates and code points past U+10FFFF out.
 * Never asks the locale, and never reads past the size it was given.
 */
#include "utf8.h"

#include <string.h>

struct range {
    uint32_t first;
    uint32_t last;
};

/* The blocks that matter in practice, from Unicode's EastAsianWidth.txt. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static const struct range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
    {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* The second byte carries what the first leaves open. */
static int
second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return (second & 0xc0) == 0x80;
    }
}

size_t
utf8_step(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length;

    if (!size)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (length > size || !second_fits(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t
utf8_check(const char *text, size_t size)
{
    size_t at = 0;

    while (at < size) {
        uint64_t word;
        size_t step;

        /* Nearly all text is ASCII: eight bytes at once. */
        while (size - at >= 8 &&
               (memcpy(&word, text + at, 8), !(word & 0x8080808080808080u)))
            at += 8;
        if (at == size)
            break;
        step = utf8_step(text + at, size - at);
        if (!step)
            break;
        at += step;
    }
    return at;
}

size_t
utf8_put(char to[4], uint32_t point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 63));
        to[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 63));
    to[2] = (char)(0x80 | (point >> 6 & 63));
    to[3] = (char)(0x80 | (point & 63));
    return 4;
}

static uint32_t
decode(const char *text, size_t step)
{
    const unsigned char *at = (const unsigned char *)text;
    uint32_t point = step == 1 ? at[0] : at[0] & (0xffu >> (step + 1));

    for (size_t i = 1; i < step; i++)
        point = point << 6 | (at[i] & 63);
    return point;
}

static int
lies_in(uint32_t point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return 1;
    return 0;
}

size_t
utf8_width(const char *text, size_t size)
{
    size_t width = 0;

    while (size) {
        size_t step = utf8_step(text, size);
        uint32_t point;

        if (!step)
            step = 1;
        point = decode(text, step);
        if (point < 0x300)
            width++;
        else if (lies_in(point, wide, sizeof wide / sizeof *wide))
            width += 2;
        else if (!lies_in(point, combining,
                          sizeof combining / sizeof *combining))
            width++;
        text += step;
        size -= step;
    }
    return width;
}
