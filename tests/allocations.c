/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting allocations.
 *
 * Owns the process's malloc: plain, by standing in for it; under
 * AddressSanitizer, which stands there itself, by its hooks.
 * Keeps a count of calls by any thread and any library of the process.
 * Never allocates.
 */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_uint_fast64_t count;

uint64_t
allocation_count(void)
{
    return atomic_load(&count);
}

#if defined(__SANITIZE_ADDRESS__)

/* As in <sanitizer/allocator_interface.h>, which Debian's GCC comes without. */
extern int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *memory, size_t size),
    void (*free_hook)(const volatile void *memory));

static void
on_malloc(const volatile void *memory, size_t size)
{
    (void)memory;
    (void)size;
    atomic_fetch_add(&count, 1);
}

static void
on_free(const volatile void *memory)
{
    (void)memory;
}

__attribute__((constructor)) static void
install(void)
{
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

int
allocation_fail(int64_t after)
{
    (void)after;
    return 0;
}

#else

/* glibc's own entrances, which a stand-in may call (mallopt(3), NOTES). */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t items, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static atomic_int_fast64_t until_failure = -1;

/* Counts one allocation; true when it is the one that has to fail. */
static int
fails(void)
{
    atomic_fetch_add(&count, 1);
    if (atomic_load(&until_failure) < 0 ||
        atomic_fetch_sub(&until_failure, 1) != 0)
        return 0;
    errno = ENOMEM;
    return 1;
}

int
allocation_fail(int64_t after)
{
    atomic_store(&until_failure, after);
    return 1;
}

void *
malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t items, size_t size)
{
    return fails() ? NULL : __libc_calloc(items, size);
}

void *
realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

#endif
