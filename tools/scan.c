/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Special bytes, 64 at a time.
 *
 * Owns the SIMD of the CSV reader, and the plain code that says the same.
 * Keeps a bit for each delimiter, quote, CR and LF, quoted or not.
 * Never reports a byte past the end, though it may load SCAN_PADDING of them.
 */
#include "scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

void
scan_begin(struct scan *scan, size_t at)
{
    scan->scanned = at;
    scan->mask = 0;
    scan->suspect_end = 0;
}

static uint64_t
scan_bytes(const struct scan *scan, const char *from, size_t size,
           bool *is_suspect)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < size && i < 64; i++) {
        char c = from[i];

        if (c == scan->delimiter || c == '"' || c == '\n' || c == '\r')
            mask |= (uint64_t)1 << i;
        *is_suspect |= (signed char)c <= 0;
    }
    return mask;
}

#ifdef __SSE2__
static uint64_t
scan_block(const struct scan *scan, const char *from, size_t size,
           bool *is_suspect)
{
    const __m128i delimiter = _mm_set1_epi8(scan->delimiter);
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i feed = _mm_set1_epi8('\n');
    const __m128i carriage = _mm_set1_epi8('\r');
    const __m128i one = _mm_set1_epi8(1);
    uint64_t mask = 0, suspects = 0;

    for (unsigned i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(from + 16 * i));
        __m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, delimiter),
                                 _mm_cmpeq_epi8(v, quote));
        __m128i b =
            _mm_or_si128(_mm_cmpeq_epi8(v, feed), _mm_cmpeq_epi8(v, carriage));
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_or_si128(a, b));

        mask |= (uint64_t)bits << (16 * i);
        /* Signed: NUL and everything past ASCII lie below one. */
        bits = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(v, one));
        suspects |= (uint64_t)bits << (16 * i);
    }
    if (size < 64) {
        mask &= ((uint64_t)1 << size) - 1;
        suspects &= ((uint64_t)1 << size) - 1;
    }
    *is_suspect |= suspects != 0;
    return mask;
}
#endif

void
scan_more(struct scan *scan)
{
    const char *from = scan->buffer + scan->scanned;
    size_t size = scan->end - scan->scanned;
    bool is_suspect = false;

#ifdef __SSE2__
    if (!scan->is_scalar)
        scan->mask = scan_block(scan, from, size, &is_suspect);
    else
#endif
        scan->mask = scan_bytes(scan, from, size, &is_suspect);
    scan->mask_at = scan->scanned;
    scan->scanned += 64;
    if (is_suspect)
        scan->suspect_end = scan->scanned;
}
