/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory from the C library.
 *
 * Owns every allocation of the library's own code.
 * Keeps size arithmetic checked: a product that overflows is out of memory.
 * Never hands out uninitialised memory from the alloc functions.
 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

#define LARGE      (8u << 20)
#define LARGE_PAGE (2u << 20)

/* Large blocks are asked to lie in large pages: they are filled in any order,
 * and each small page would cost a look at the page tables. Only a wish. */
static void *
wish_large_pages(void *memory, size_t size)
{
    uintptr_t begin = (uintptr_t)memory, end = begin + size;

    if (!memory || size < LARGE)
        return memory;
    begin = (begin + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    end = end / LARGE_PAGE * LARGE_PAGE;
    (void)madvise((uint8_t *)memory + (begin - (uintptr_t)memory), end - begin,
                  MADV_HUGEPAGE);
    return memory;
}

void *
lf_realloc_array(void *memory, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return wish_large_pages(realloc(memory, bytes ? bytes : 1), bytes);
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
