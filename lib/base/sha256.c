/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256.
 *
 * Owns the sum over a whole snapshot file.
 * Keeps to FIPS 180-4, with the processor's instructions and without: the test
 * has its vectors for both.
 * Never allocates.
 */
#include "base/sha256.h"

#include <string.h>

#include "base/bytes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <stdbool.h>
#endif

typedef void (*mixer)(uint32_t state[8], const uint8_t *block);

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
rotate(uint32_t word, unsigned by)
{
    return word >> by | word << (32 - by);
}

/* The sixteen words of a block, and forty-eight made of them. */
static void
schedule(uint32_t words[64], const uint8_t *block)
{
    for (int i = 0; i < 16; i++)
        words[i] = lf_load_big_u32(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];

        words[i] = words[i - 16] + words[i - 7] +
                   (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

/* Eight words in variables: in an array they would be moved in memory. */
static void
mix(uint32_t state[8], const uint8_t *block)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    uint32_t words[64];

    schedule(words, block);
    for (int i = 0; i < 64; i++) {
        uint32_t one = h + constants[i] + words[i] +
                       (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                       ((e & f) ^ (~e & g));
        uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                       ((a & b) ^ (a & c) ^ (b & c));

        h = g;
        g = f;
        f = e;
        e = d + one;
        d = c;
        c = b;
        b = a;
        a = one + two;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

#if defined(__x86_64__)

/* Four rounds at a time; the instructions want the state as ABEF and CDGH. */
__attribute__((target("sha,sse4.1"))) static void
mix_fast(uint32_t state[8], const uint8_t *block)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i abef, cdgh, abef_before, cdgh_before, words[4] = {0};

    low = _mm_shuffle_epi32(low, 0xb1);
    high = _mm_shuffle_epi32(high, 0x1b);
    abef = abef_before = _mm_alignr_epi8(low, high, 8);
    cdgh = cdgh_before = _mm_blend_epi16(high, low, 0xf0);
    for (int i = 0; i < 16; i++) {
        __m128i *w = &words[i & 3], last = words[(i + 3) & 3], round;

        if (i < 4) {
            *w = _mm_loadu_si128(
                (const __m128i *)(const void *)(block + 16 * i));
            *w = _mm_shuffle_epi8(*w, swap);
        } else {
            *w = _mm_sha256msg1_epu32(*w, words[(i + 1) & 3]);
            *w =
                _mm_add_epi32(*w, _mm_alignr_epi8(last, words[(i + 2) & 3], 4));
            *w = _mm_sha256msg2_epu32(*w, last);
        }
        round = _mm_add_epi32(
            *w, _mm_loadu_si128(
                    (const __m128i *)(const void *)(constants + 4 * i)));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, round);
        round = _mm_shuffle_epi32(round, 0x0e);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, round);
    }
    low = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1b);
    high = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state,
                     _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4),
                     _mm_alignr_epi8(high, low, 8));
}

/* Leaf 7 has the SHA instructions, leaf 1 those of SSE 4.1. */
static bool
has_instructions(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSE4_1 &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

/* Asked once: in a virtual machine the question leaves it, for longer than a
 * small sum takes. */
static mixer
choose_mixer(void)
{
    enum { UNKNOWN, ABSENT, PRESENT };
    static _Atomic int known;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);

    if (answer == UNKNOWN) {
        answer = has_instructions() ? PRESENT : ABSENT;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == PRESENT ? mix_fast : mix;
}

#else

static mixer
choose_mixer(void)
{
    return mix;
}

#endif

void
lf_sha256_begin_plain(struct lf_sha256 *sum)
{
    lf_sha256_begin(sum);
    sum->mix = mix;
}

void
lf_sha256_begin(struct lf_sha256 *sum)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                      0x1f83d9ab, 0x5be0cd19};

    memcpy(sum->state, first, sizeof first);
    sum->mix = choose_mixer();
    sum->size = 0;
}

void
lf_sha256_add(struct lf_sha256 *sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size) {
        size_t used = sum->size % 64;
        size_t take = size < 64 - used ? size : 64 - used;

        if (take == 64) {
            sum->mix(sum->state, at);
        } else {
            memcpy(sum->block + used, at, take);
            if (used + take == 64)
                sum->mix(sum->state, sum->block);
        }
        sum->size += take;
        at += take;
        size -= take;
    }
}

void
lf_sha256_end(struct lf_sha256 *sum, uint8_t digest[LF_SHA256_SIZE])
{
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = sum->size * 8;
    uint8_t size[8];

    lf_store_big_u64(size, bits);
    lf_sha256_add(sum, padding, 1 + (119 - sum->size % 64) % 64);
    lf_sha256_add(sum, size, sizeof size);
    for (int i = 0; i < 8; i++)
        lf_store_big_u32(digest + 4 * i, sum->state[i]);
}
