/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where LMDB put the map.
 *
 * Owns the search for its base address, which LMDB does not tell: me_mapaddr is
 * 0 without MDB_FIXEDMAP.
 * Keeps to addresses whose two meta pages are, byte for byte, those of the
 * file.
 * Never reads an address before the kernel said that it is mapped.
 */
#include "engine/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/layout.h"

/* mincore refuses addresses that are not mapped. */
static bool
is_mapped(const uint8_t *at, size_t size)
{
    unsigned char vector[64]; /* pages of 4 KiB in two of 32 KiB and to spare */
    size_t grain = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t address = (uintptr_t)at;

    if (address % grain || (size + grain - 1) / grain > sizeof vector)
        return false;
    return !mincore((void *)address, size, vector);
}

/* Both meta pages at the base and in the file are the same bytes. A commit may
 * come in between, so there is more than one try. */
static bool
is_base(const struct lf_environment *environment, const uint8_t *base)
{
    uint8_t meta[LF_META_SIZE];
    uint32_t page, page_size = environment->page_size;
    int file, tries;

    if (mdb_env_get_fd(environment->lmdb, &file) ||
        !is_mapped(base, 2 * (size_t)page_size))
        return false;
    for (page = 0; page < 2; page++) {
        const uint8_t *mapped = base + page * page_size;

        for (tries = 0; tries < 100; tries++) {
            if (pread(file, meta, sizeof meta, page * page_size) ==
                    (ssize_t)sizeof meta &&
                !memcmp(meta, mapped, sizeof meta))
                break;
        }
        if (tries == 100 ||
            lf_load_u32(meta + LF_META_MAGIC) != LF_META_MAGIC_VALUE)
            return false;
    }
    return true;
}

/* Lines of the kernel's list, read without stdio: that would allocate. */
struct list {
    int file;
    size_t begin, end;
    char bytes[4096];
    char line[128]; /* the longer ones are cut: paths come last */
};

static int
next_byte(struct list *list)
{
    ssize_t got;

    if (list->begin == list->end) {
        got = read(list->file, list->bytes, sizeof list->bytes);
        if (got <= 0)
            return -1;
        list->begin = 0;
        list->end = (size_t)got;
    }
    return (uint8_t)list->bytes[list->begin++];
}

static bool
next_line(struct list *list)
{
    size_t size = 0;
    int byte;

    while ((byte = next_byte(list)) >= 0 && byte != '\n')
        if (size + 1 < sizeof list->line)
            list->line[size++] = (char)byte;
    list->line[size] = '\0';
    return byte >= 0;
}

/* The kernel's list has the file's mappings by inode. On some file systems it
 * has other inodes than stat; then nothing is found here. */
static const uint8_t *
find_in_list(const struct lf_environment *environment)
{
    struct list list = {.file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    const uint8_t *found = NULL;

    while (list.file >= 0 && !found && next_line(&list)) {
        unsigned long begin, end, offset, inode;
        char access[8];

        if (sscanf(list.line, "%lx-%lx %7s %lx %*x:%*x %lu", &begin, &end,
                   access, &offset, &inode) != 5 ||
            inode != environment->inode || offset || access[0] != 'r')
            continue;
        if (end - begin >= environment->map_size &&
            is_base(environment, (const uint8_t *)begin))
            found = (const uint8_t *)begin;
    }
    if (list.file >= 0)
        close(list.file);
    return found;
}

/* The first key of the main database lies in a page of the map, and the page
 * knows its own number. This is LMDB's tree code, so it comes second: on a
 * damaged page it may abort. */
static int
find_by_key(const struct lf_environment *environment, MDB_txn *txn,
            const uint8_t **found)
{
    uintptr_t in_page = environment->page_size - 1;
    const uint8_t *page, *base;
    MDB_cursor *cursor;
    MDB_val key, data;
    int code = mdb_cursor_open(txn, environment->main, &cursor);

    if (code)
        return code;
    code = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
    mdb_cursor_close(cursor);
    if (code)
        return code;
    page = (const uint8_t *)((uintptr_t)key.mv_data & ~in_page);
    base = page - lf_load_u64(page + LF_PAGE_NUMBER) * environment->page_size;
    *found = is_base(environment, base) ? base : NULL;
    return 0;
}

feature_status
lf_map_locate(struct lf_environment *environment, MDB_txn *txn,
              struct feature_error *error)
{
    const uint8_t *base = find_in_list(environment);

    if (!base && find_by_key(environment, txn, &base) == ENOMEM)
        return lf_fail_memory(error);
    if (!base)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the map of the store does not begin with the pages "
                       "that the file begins with");
    atomic_store(&environment->base, base);
    return FEATURE_OK;
}
