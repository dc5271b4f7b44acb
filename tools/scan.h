/* SPDX-License-Identifier: Apache-2.0 */
/* The special bytes of CSV in a buffer: delimiter, quote, CR and LF. */
#ifndef TOOL_SCAN_H
#define TOOL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_PADDING 64 /* readable bytes past the end of every buffer */

struct scan {
    const char *buffer;
    size_t end;         /* of the bytes in the buffer */
    size_t scanned;     /* specials before it are in the mask or were taken */
    size_t mask_at;     /* of bit 0 of the mask */
    uint64_t mask;      /* special bytes to come */
    size_t suspect_end; /* a NUL or a byte past ASCII may lie before it */
    char delimiter;
    bool is_scalar; /* without SIMD, for tests */
};

/* Begins, or begins again, at a byte of the buffer. */
void scan_begin(struct scan *scan, size_t at);

/* Loads the next 64 bytes into the mask. */
void scan_more(struct scan *scan);

/* Takes the next special byte: where it lies, or the end of the buffer. */
static inline size_t
scan_next(struct scan *scan)
{
    uint64_t mask;

    while (!scan->mask) {
        if (scan->scanned >= scan->end)
            return scan->end;
        scan_more(scan);
    }
    mask = scan->mask;
    scan->mask = mask & (mask - 1);
    return scan->mask_at + (size_t)__builtin_ctzll(mask);
}

#endif
