/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting allocations.
 *
 * Owns the process's malloc: plain, by standing in for it; under a sanitizer,
 * which stands there itself, by its hooks.
 * Keeps a count of calls, and of blocks that live, by any thread and any library
 * of the process, the C library's own included.
 * Never allocates.
 */
#include "support.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_uint_fast64_t count;
static atomic_int_fast64_t live;

uint64_t
allocation_count(void)
{
    return atomic_load(&count);
}

int64_t
allocation_live(void)
{
    return atomic_load(&live);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* As in <sanitizer/allocator_interface.h>, which Debian's GCC comes without. */
extern int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void *memory, size_t size),
    void (*free_hook)(const volatile void *memory));

static void
on_malloc(const volatile void *memory, size_t size)
{
    (void)size;
    atomic_fetch_add(&count, 1);
    atomic_fetch_add(&live, memory != NULL);
}

static void
on_free(const volatile void *memory)
{
    atomic_fetch_sub(&live, memory != NULL);
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

int
allocation_fail_from(int64_t after)
{
    (void)after;
    return 0;
}

#else

/* glibc's own entrances, which a stand-in may call (mallopt(3), NOTES). */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t items, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_int_fast64_t until_failure = -1;
static atomic_int fails_for_good;

/* Counts one allocation; true when it is one that has to fail. */
static int
fails(void)
{
    int_fast64_t left;

    atomic_fetch_add(&count, 1);
    if (atomic_load(&until_failure) < 0)
        return 0;
    left = atomic_fetch_sub(&until_failure, 1);
    if (left > 0)
        return 0;
    if (atomic_load(&fails_for_good))
        atomic_store(&until_failure, 0);
    else if (left < 0) /* another thread had the one */
        return 0;
    errno = ENOMEM;
    return 1;
}

/* Valgrind puts its own functions before these. */
static int
is_called(void)
{
    static int answer = -1;
    uint_fast64_t before = atomic_load(&count);
    void *(*volatile ask)(size_t) = malloc; /* not to be inlined here */
    void (*volatile give)(void *) = free;

    if (answer < 0) {
        give(ask(1));
        answer = atomic_load(&count) != before;
        atomic_fetch_sub(&count, (uint_fast64_t)answer);
    }
    return answer;
}

int
allocation_fail(int64_t after)
{
    int answer = is_called();

    atomic_store(&fails_for_good, 0);
    atomic_store(&until_failure, after);
    return answer;
}

int
allocation_fail_from(int64_t after)
{
    int answer = is_called();

    atomic_store(&fails_for_good, 1);
    atomic_store(&until_failure, after);
    return answer;
}

static void *
counted(void *memory)
{
    atomic_fetch_add(&live, memory != NULL);
    return memory;
}

void *
malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t items, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(items, size));
}

void *
realloc(void *memory, size_t size)
{
    void *moved;

    if (fails())
        return NULL;
    moved = __libc_realloc(memory, size);
    if (!memory)
        return counted(moved);
    atomic_fetch_sub(&live, !moved && !size);
    return moved;
}

void *
memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
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
    atomic_fetch_sub(&live, memory != NULL);
    __libc_free(memory);
}

#endif
