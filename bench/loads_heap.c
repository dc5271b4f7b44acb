/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of the heap.
 *
 * Owns the process's malloc, as tests/allocations.c does, and adds up sizes.
 * Keeps the highest sum.
 * Never counts what is mapped: the store's file, and the rows of the bench.
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "loads.h"

/* glibc's own entrances, which a stand-in may call (mallopt(3), NOTES). */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t items, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_int_fast64_t bytes, peak;

static void
count(int64_t more)
{
    int64_t now = atomic_fetch_add(&bytes, more) + more;

    if (now > atomic_load(&peak))
        atomic_store(&peak, now);
}

static void *
counted(void *memory)
{
    count((int64_t)malloc_usable_size(memory));
    return memory;
}

uint64_t
loads_heap(void)
{
    return (uint64_t)atomic_load(&bytes);
}

uint64_t
loads_heap_peak(void)
{
    return (uint64_t)atomic_load(&peak);
}

void
loads_heap_begin(void)
{
    atomic_store(&peak, atomic_load(&bytes));
}

void *
malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *
calloc(size_t items, size_t size)
{
    return counted(__libc_calloc(items, size));
}

void *
realloc(void *memory, size_t size)
{
    int64_t before = (int64_t)malloc_usable_size(memory);
    void *moved = __libc_realloc(memory, size);

    if (moved || !size)
        count((int64_t)malloc_usable_size(moved) - before);
    return moved;
}

void *
memalign(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int
posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *made = memalign(alignment, size);

    if (!made)
        return ENOMEM;
    *memory = made;
    return 0;
}

void
free(void *memory)
{
    count(-(int64_t)malloc_usable_size(memory));
    __libc_free(memory);
}
