/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory map of an environment.
 *
 * Owns its size and every change of it.
 * Keeps the map in place while any transaction runs, and tries a new size
 * before it gives up the old one.
 * Never leaves the size to LMDB: the file remembers 1 TiB, and a default open
 * under `ulimit -v` would fail for good.
 */
#include "engine/map.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/gate.h"
#include "engine/layout.h"
#include "engine/selfcheck.h"

#define DEFAULT_SIZE (UINT64_C(1) << 40)
#define LEAST_FLOOR  (UINT64_C(64) << 20)
#define GRAIN        65536 /* a multiple of every page size */

static uint64_t
unit(char letter)
{
    switch (letter) {
    case 'K':
    case 'k':
        return UINT64_C(1) << 10;
    case 'M':
    case 'm':
        return UINT64_C(1) << 20;
    case 'G':
    case 'g':
        return UINT64_C(1) << 30;
    case 'T':
    case 't':
        return UINT64_C(1) << 40;
    case '\0':
        return 1;
    default:
        return 0;
    }
}

/* FEATURE_MAP_SIZE is for valgrind, which refuses large maps. Text that is not
 * a size sets no bound. */
static uint64_t
upper_bound(void)
{
    const char *text = secure_getenv("FEATURE_MAP_SIZE");
    uint64_t number, size;
    char *end;

    if (!text || *text < '0' || *text > '9')
        return UINT64_MAX;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno || (*end && end[1]) ||
        __builtin_mul_overflow(number, unit(*end), &size) || !size)
        return UINT64_MAX;
    return size;
}

static uint64_t
rounded(uint64_t size)
{
    if (size > UINT64_MAX - GRAIN)
        return size;
    return (size + GRAIN - 1) / GRAIN * GRAIN;
}

uint64_t
lf_map_wanted(uint64_t option)
{
    uint64_t size = option ? option : DEFAULT_SIZE;
    uint64_t bound = upper_bound();

    return rounded(size < bound ? size : bound);
}

uint64_t
lf_map_floor(uint64_t file_size)
{
    uint64_t floor = rounded(4 * file_size);

    return floor > LEAST_FLOOR ? floor : LEAST_FLOOR;
}

/* What the file needs at least, and what its last writer's map had. */
static feature_status
ask_file(const struct lf_environment *environment, uint64_t *needed,
         uint64_t *recorded, struct feature_error *error)
{
    uint8_t meta[LF_META_SIZE];
    uint32_t page;
    int file;

    *needed = *recorded = 0;
    mdb_env_get_fd(environment->lmdb, &file);
    for (page = 0; page < 2; page++) {
        uint64_t size, pages;

        if (pread(file, meta, sizeof meta, page * environment->page_size) !=
            (ssize_t)sizeof meta)
            return lf_engine_fail(error, -1, errno, "read of the meta pages");
        size = lf_load_u64(meta + LF_META_MAP_SIZE);
        pages = lf_load_u64(meta + LF_META_LAST_PAGE) + 1;
        if (pages > UINT64_MAX / environment->page_size)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "the meta page has an impossible last page");
        *needed = pages * environment->page_size > *needed
                      ? pages * environment->page_size
                      : *needed;
        *recorded = size > *recorded ? size : *recorded;
    }
    return FEATURE_OK;
}

static bool
can_map(const struct lf_environment *environment, uint64_t size)
{
    void *map;
    int file;

    if (mdb_env_get_fd(environment->lmdb, &file))
        return false;
    map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return false;
    munmap(map, size);
    return true;
}

/*
 * mdb_env_set_mapsize unmaps first and maps second: when the second fails, the
 * next call on the environment is a crash. So a map of the new size is tried
 * beside the old one, which is more than the change itself needs.
 */
static feature_status
change(struct lf_environment *environment, uint64_t size, uint64_t least,
       struct feature_error *error)
{
    uint64_t wanted = size;
    int code;

    while (size >= least && !can_map(environment, size))
        size = rounded(size / 2);
    if (size < least)
        return lf_fail(error, FEATURE_FULL, "map-full",
                       "no room in the address space for a map of %llu bytes",
                       (unsigned long long)least);
    code = mdb_env_set_mapsize(environment->lmdb, size);
    atomic_store(&environment->base, NULL);
    lf_selfcheck_forget(environment);
    atomic_fetch_add(&environment->remaps, 1);
    if (code) {
        lf_environment_failed(environment, LF_FAILURE_MAP);
        return lf_engine_fail(error, -1, code, "mdb_env_set_mapsize");
    }
    environment->map_size = size;
    environment->map_fallback = size < wanted;
    return FEATURE_OK;
}

feature_status
lf_map_follow(struct lf_environment *environment, struct feature_error *error)
{
    uint64_t needed, recorded, size, bound = rounded(upper_bound());

    LF_TRY(ask_file(environment, &needed, &recorded, error));
    size = recorded > environment->map_size ? recorded : environment->map_size;
    if (size > bound)
        size = bound;
    needed = rounded(needed);
    if (size < needed)
        size = needed;
    return change(environment, rounded(size), needed, error);
}

feature_status
lf_map_adopt(struct lf_environment *environment, uint32_t remaps,
             struct feature_error *error)
{
    feature_status status = FEATURE_OK;

    LF_TRY(lf_gate_close(&environment->gate, error));
    if (atomic_load(&environment->remaps) == remaps)
        status = lf_map_follow(environment, error);
    lf_gate_open(&environment->gate);
    return status;
}

static feature_status
limit(struct lf_environment *environment, uint64_t size,
      struct feature_error *error)
{
    uint64_t needed, recorded, least;

    LF_TRY(ask_file(environment, &needed, &recorded, error));
    least = needed = rounded(needed);
    if (size < needed)
        size = needed;
    /* Growing by less than asked is fine; shrinking instead is not. */
    if (size > environment->map_size && least <= environment->map_size)
        least = environment->map_size + 1;
    return change(environment, size, least, error);
}

static feature_status
grow(struct lf_environment *environment, uint64_t wanted,
     struct feature_error *error)
{
    uint64_t size = environment->map_size, bound = lf_map_wanted(wanted);
    uint64_t least = size + GRAIN;

    size = size > bound / 2 ? bound : 2 * size;
    if (size < least)
        return lf_fail(error, FEATURE_FULL, "map-full",
                       "the store has reached its %llu bytes",
                       (unsigned long long)environment->map_size);
    return change(environment, size, least, error);
}

feature_status
lf_environment_grow(struct lf_environment *environment, uint64_t wanted,
                    struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_environment_check(environment, error));
    LF_TRY(lf_gate_close(&environment->gate, error));
    status = lf_environment_check(environment, error);
    if (!status)
        status = grow(environment, wanted, error);
    lf_gate_open(&environment->gate);
    return status;
}

feature_status
lf_environment_limit(struct lf_environment *environment, uint64_t map_size,
                     struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_environment_check(environment, error));
    LF_TRY(lf_gate_close(&environment->gate, error));
    status = lf_environment_check(environment, error);
    if (!status)
        status = limit(environment, lf_map_wanted(map_size), error);
    lf_gate_open(&environment->gate);
    return status;
}
