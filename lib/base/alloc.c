/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory from the C library.
 *
 * Owns every allocation of the library's own code.
 * Keeps size arithmetic checked: a product that overflows is out of memory.
 * Never hands out uninitialised memory from the alloc functions.
 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

void *
lf_alloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void *
lf_alloc_array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void *
lf_realloc_array(void *memory, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return realloc(memory, bytes ? bytes : 1);
}

void
lf_free(void *memory)
{
    free(memory);
}

char *
lf_copy_text(const char *text, size_t size)
{
    char *copy = lf_alloc(size + 1);

    if (copy && size)
        memcpy(copy, text, size);
    return copy;
}
