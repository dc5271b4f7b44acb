/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content hashes.
 *
 * Owns the hash behind content hashes and query fingerprints.
 * Keeps its numbers for good: they are stored and compared across releases.
 * Never serves against an attacker: it is not a cryptographic hash.
 */
#include "base/hash.h"

#include "base/bytes.h"

#define C1 0x87c37b91114253d5u
#define C2 0x4cf5ad432745937fu

static uint64_t
rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static uint64_t
finish(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdu;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53u;
    return value ^ value >> 33;
}

static uint64_t
mix_low(uint64_t block)
{
    return rotate(block * C1, 31) * C2;
}

static uint64_t
mix_high(uint64_t block)
{
    return rotate(block * C2, 33) * C1;
}

/* Fewer than eight bytes as a number. They may overlap: a copy of so many would
 * take longer than the rest of a short hash. */
static uint64_t
load_few(const uint8_t *at, size_t size)
{
    if (size >= 4)
        return lf_load_u32(at) | (uint64_t)lf_load_u32(at + size - 4)
                                     << 8 * (size - 4);
    if (!size)
        return 0;
    return at[0] | (uint64_t)at[size / 2] << 8 * (size / 2) |
           (uint64_t)at[size - 1] << 8 * (size - 1);
}

struct lf_hash128
lf_hash128(uint64_t seed, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t h1 = seed, h2 = seed, low, high = 0;
    size_t left = size;

    for (; left >= 16; at += 16, left -= 16) {
        h1 ^= mix_low(lf_load_u64(at));
        h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= mix_high(lf_load_u64(at + 8));
        h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    low = left < 8 ? load_few(at, left) : lf_load_u64(at);
    if (left > 8)
        high = load_few(at + 8, left - 8);
    h2 ^= mix_high(high);
    h1 ^= mix_low(low);
    h1 ^= size;
    h2 ^= size;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 += h2;
    h2 += h1;
    return (struct lf_hash128){.low = h1, .high = h2};
}

void
lf_hash128_add(struct lf_hash128 *sum, struct lf_hash128 term)
{
    uint64_t low = sum->low + term.low;

    sum->high += term.high + (low < sum->low);
    sum->low = low;
}

void
lf_hash128_subtract(struct lf_hash128 *sum, struct lf_hash128 term)
{
    uint64_t low = sum->low - term.low;

    sum->high -= term.high + (low > sum->low);
    sum->low = low;
}
