/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a misspelt name may have meant.
 *
 * Owns the distance between names: insertions, deletions, replacements and
 * swaps of neighbours (optimal string alignment), whatever the case.
 * Keeps quiet where nothing is near: a wrong hint is worse than none.
 * Never allocates.
 */
#include "model/select.h"

#include <string.h>

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static uint32_t
smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Rows of the classic table: i - 2, i - 1 and i. */
static uint32_t
distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    uint32_t rows[3][LF_NAME_MAX + 1];
    uint32_t *older = rows[0], *old = rows[1], *now = rows[2], *free_row;

    for (uint32_t j = 0; j <= b_size; j++)
        old[j] = j;
    for (uint32_t i = 1; i <= a_size; i++) {
        now[0] = i;
        for (uint32_t j = 1; j <= b_size; j++) {
            char left = lower(a[i - 1]), right = lower(b[j - 1]);

            now[j] = smaller(smaller(old[j] + 1, now[j - 1] + 1),
                             old[j - 1] + (left != right));
            if (i > 1 && j > 1 && left == lower(b[j - 2]) &&
                right == lower(a[i - 2]))
                now[j] = smaller(now[j], older[j - 2] + 1);
        }
        free_row = older;
        older = old;
        old = now;
        now = free_row;
    }
    return old[b_size];
}

const char *
lf_suggest(const char *name, const char *const *candidates, size_t count)
{
    size_t size = strnlen(name, LF_NAME_MAX + 1);
    uint32_t best = (uint32_t)(size + 1) / 3 + 1; /* too far */
    const char *found = NULL;

    if (size == 0 || size > LF_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strnlen(candidates[i], LF_NAME_MAX + 1);
        uint32_t far;

        if (other == 0 || other > LF_NAME_MAX)
            continue;
        far = distance(name, size, candidates[i], other);
        if (far < best) {
            best = far;
            found = candidates[i];
        }
    }
    return found;
}
