/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 validation (RFC 3629, table 3-7 of the Unicode standard).
 *
 * Owns the answer to "is this text".
 * Keeps overlong forms, surrogates and code points past U+10FFFF out.
 * Never reads past the size it was given.
 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static bool
is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The second byte carries what the first leaves open. */
static bool
second_fits(uint8_t first, uint8_t second)
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
        return is_tail(second);
    }
}

size_t
lf_utf8_step(const void *text, size_t size)
{
    const uint8_t *at = text;
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
        if (!is_tail(at[i]))
            return 0;
    return length;
}

bool
lf_utf8_valid(const void *text, size_t size)
{
    const uint8_t *at = text;

    while (size) {
        uint64_t word;
        size_t step;

        /* Nearly all text is ASCII: eight bytes at once. */
        while (size >= 8 &&
               (memcpy(&word, at, 8), !(word & 0x8080808080808080u))) {
            at += 8;
            size -= 8;
        }
        if (!size)
            break;
        step = lf_utf8_step(at, size);
        if (!step)
            return false;
        at += step;
        size -= step;
    }
    return true;
}
