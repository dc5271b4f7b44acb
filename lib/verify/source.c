/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file, and which snapshot in it is looked at.
 *
 * Owns the descriptor of data.mdb, its meta pages, and memory by the file's
 * size.
 * Keeps to pread: a file that shrinks, or a disk that fails, is a finding.
 * Never writes, maps or locks the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "verify/verify.h"

#define PAGE_SMALLEST 512
#define PAGE_LARGEST  32768
#define META_TRIES    1000 /* until two looks are equal, beside writers */

/* MDB_INTEGERKEY, and what LMDB keeps there of how the environment was made
 * [mm_flags]: MDB_NOSUBDIR. */
#define FREE_FLAGS 0x8
#define MORE_FLAGS 0x4000

feature_status
lf_verify_open(struct lf_verify *verify, const char *path,
               struct feature_error *error)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat at;
    int code;

    verify->file = -1;
    if (directory >= 0) {
        verify->file = openat(directory, "data.mdb",
                              O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        code = errno;
        close(directory);
        errno = code;
    }
    if (verify->file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return lf_fail_os(error, FEATURE_NOT_FOUND, "no-store", errno,
                          "there is no store in %s", path);
    if (verify->file < 0)
        return lf_fail_os(error, FEATURE_IO,
                          errno == EACCES ? "permission" : "io", errno,
                          "cannot open %s/data.mdb", path);
    if (fstat(verify->file, &at))
        return lf_fail_os(error, FEATURE_IO, "io", errno, "stat of %s/data.mdb",
                          path);
    if (!S_ISREG(at.st_mode))
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "%s/data.mdb is no file", path);
    if (!at.st_size)
        return lf_fail(error, FEATURE_NOT_FOUND, "no-store",
                       "%s/data.mdb is empty: no store was made there", path);
    verify->file_size = (uint64_t)at.st_size;
    return FEATURE_OK;
}

/* Fewer bytes than asked for: the rest is zeros. */
static void
read_meta(const struct lf_verify *verify, uint32_t which, uint32_t page_size,
          uint8_t bytes[LF_META_SIZE])
{
    memset(bytes, 0, LF_META_SIZE);
    if (pread(verify->file, bytes, LF_META_SIZE,
              (off_t)which * (off_t)page_size) < 0)
        memset(bytes, 0, LF_META_SIZE);
}

static uint32_t
page_size_of(const uint8_t *meta)
{
    return lf_load_u32(meta + LF_META_FREE);
}

static bool
is_page_size(uint32_t size)
{
    return size >= PAGE_SMALLEST && size <= PAGE_LARGEST &&
           !(size & (size - 1));
}

static bool
is_meta(const uint8_t *meta)
{
    return lf_load_u32(meta + LF_META_MAGIC) == LF_META_MAGIC_VALUE &&
           lf_load_u32(meta + LF_META_VERSION) == LF_META_VERSION_VALUE;
}

/* The first page tells; where it does not, the second one is looked for. */
static uint32_t
find_page_size(const struct lf_verify *verify)
{
    uint8_t meta[LF_META_SIZE];
    uint32_t size;

    read_meta(verify, 0, 0, meta);
    if (is_meta(meta) && is_page_size(page_size_of(meta)))
        return page_size_of(meta);
    for (size = PAGE_SMALLEST; size <= PAGE_LARGEST; size *= 2) {
        read_meta(verify, 1, size, meta);
        if (is_meta(meta) && page_size_of(meta) == size)
            return size;
    }
    return 0;
}

static const char *
find_problem(const struct lf_verify *verify, uint32_t which,
             const uint8_t *meta)
{
    uint64_t transaction = lf_load_u64(meta + LF_META_TRANSACTION);
    uint64_t last = lf_load_u64(meta + LF_META_LAST_PAGE);
    uint32_t free_flags = lf_load_u16(meta + LF_META_FREE + LF_RECORD_FLAGS);

    if (lf_load_u32(meta + LF_META_MAGIC) != LF_META_MAGIC_VALUE)
        return "is no meta page of LMDB: its magic number is wrong";
    if (lf_load_u32(meta + LF_META_VERSION) != LF_META_VERSION_VALUE)
        return "has an unknown data version";
    if (page_size_of(meta) != verify->page_size)
        return "has another page size";
    if (lf_load_u64(meta + LF_PAGE_NUMBER) != which)
        return "carries another number";
    if (lf_load_u16(meta + LF_PAGE_FLAGS) != LF_PAGE_IS_META)
        return "is not marked as a meta page";
    if (last < 1 || last > (uint64_t)INT64_MAX / verify->page_size - 1)
        return "has an impossible last page";
    if (transaction && (transaction & 1) != which)
        return "holds a transaction that belongs on the other one";
    if ((free_flags & ~(uint32_t)MORE_FLAGS) != FREE_FLAGS)
        return "has impossible flags of the free list";
    if (lf_load_u16(meta + LF_META_MAIN + LF_RECORD_FLAGS))
        return "has impossible flags of the main database";
    return NULL;
}

/* Both pages, as they were at one moment. */
static bool
read_both(struct lf_verify *verify)
{
    uint8_t again[LF_META_SIZE];

    for (int tries = 0; tries < META_TRIES; tries++) {
        bool is_same = true;

        for (uint32_t i = 0; i < 2; i++)
            read_meta(verify, i, verify->page_size, verify->metas[i].bytes);
        for (uint32_t i = 0; i < 2; i++) {
            read_meta(verify, i, verify->page_size, again);
            is_same &= !memcmp(again, verify->metas[i].bytes, LF_META_SIZE);
        }
        if (is_same)
            return true;
    }
    return false;
}

static void
choose(struct lf_verify *verify, uint64_t transaction)
{
    verify->meta = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        struct lf_verify_meta *meta = &verify->metas[i];

        meta->problem = find_problem(verify, i, meta->bytes);
        meta->transaction = lf_load_u64(meta->bytes + LF_META_TRANSACTION);
        if (meta->problem)
            continue;
        if (transaction ? meta->transaction == transaction
                        : !verify->meta ||
                              meta->transaction > verify->meta->transaction)
            verify->meta = meta;
    }
}

feature_status
lf_verify_metas(struct lf_verify *verify, uint64_t transaction,
                struct feature_error *error)
{
    uint8_t first[LF_META_SIZE];

    read_meta(verify, 0, 0, first);
    if (!is_meta(first) &&
        lf_load_u32(first + LF_META_MAGIC + 8) == LF_META_MAGIC_VALUE)
        return lf_fail(error, FEATURE_VERSION, "lmdb-version",
                       "data.mdb was written by LMDB 1.0 or later, this is "
                       "LMDB 0.9");
    verify->page_size = find_page_size(verify);
    if (!verify->page_size)
        return FEATURE_OK;
    if (!read_both(verify))
        return lf_fail(error, FEATURE_BUSY, "writer-gate",
                       "the meta pages change faster than they can be read");
    choose(verify, transaction);
    return transaction && !verify->meta ? LF_AGAIN : FEATURE_OK;
}

void
lf_verify_judge_metas(struct lf_verify *verify)
{
    uint64_t a = verify->metas[0].transaction, b = verify->metas[1].transaction;
    bool both = true;

    if (!verify->page_size) {
        lf_found(verify, LF_FOUND_FILE, NULL,
                 "neither of the first two pages is a meta page of LMDB 0.9");
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct lf_place place = {.page = i};

        if (verify->metas[i].problem)
            lf_found(verify, LF_FOUND_FILE, &place, "the page %s",
                     verify->metas[i].problem);
        both &= !verify->metas[i].problem;
    }
    /* Commits take turns on the two pages. */
    if (both && (a > b ? a - b : b - a) != 1 && (a || b))
        lf_found(verify, LF_FOUND_FILE, NULL,
                 "the meta pages hold the transactions %llu and %llu, which do "
                 "not follow each other",
                 (unsigned long long)a, (unsigned long long)b);
}

bool
lf_verify_is_unchanged(struct lf_verify *verify)
{
    uint64_t transaction = verify->meta ? verify->meta->transaction : 0;

    return !verify->page_size ||
           (!lf_verify_metas(verify, 0, NULL) &&
            (verify->meta ? verify->meta->transaction : 0) == transaction);
}

/* The roots of the other meta page, where it is of the commit before. */
static void
find_former(struct lf_verify *verify)
{
    const struct lf_verify_meta *other =
        &verify->metas[verify->meta == &verify->metas[0]];
    bool is_former =
        !other->problem && other->transaction + 1 == verify->transaction;

    for (uint32_t i = 0; i < 2; i++)
        verify->former[i].page =
            is_former ? lf_load_u64(other->bytes + LF_META_FREE +
                                    i * LF_RECORD_SIZE + LF_RECORD_ROOT)
                      : LF_NO_PAGE;
    if (is_former &&
        lf_load_u64(other->bytes + LF_META_LAST_PAGE) > verify->last)
        lf_found(verify, LF_FOUND_FILE, NULL,
                 "the meta page of the commit before knows of more pages than "
                 "the newest one");
}

feature_status
lf_verify_prepare(struct lf_verify *verify, struct feature_error *error)
{
    const uint8_t *meta = verify->meta->bytes;
    struct stat at;
    uint64_t words;

    /* It may have grown since it was opened, and the snapshot with it. */
    if (fstat(verify->file, &at))
        return lf_fail_os(error, FEATURE_IO, "io", errno, "stat of data.mdb");
    verify->file_size = (uint64_t)at.st_size;
    verify->file_pages = verify->file_size / verify->page_size;
    verify->transaction = verify->meta->transaction;
    verify->last = lf_load_u64(meta + LF_META_LAST_PAGE);
    find_former(verify);
    verify->covered = verify->last + 1 < verify->file_pages
                          ? verify->last + 1
                          : verify->file_pages;
    words = verify->covered / 64 + 1;
    verify->used = lf_alloc_array(words, sizeof *verify->used);
    verify->unused = lf_alloc_array(words, sizeof *verify->unused);
    verify->frames = lf_alloc_array(LF_DEPTH_MAX + 1, verify->page_size);
    if (!verify->used || !verify->unused || !verify->frames)
        return lf_fail_memory(error);
    return FEATURE_OK;
}

bool
lf_verify_read(struct lf_verify *verify, const struct lf_place *place,
               uint64_t offset, void *to, size_t size)
{
    uint8_t *at = to;

    while (size) {
        ssize_t got = pread(verify->file, at, size, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            lf_found(verify, LF_FOUND_FILE, place,
                     got ? "the file cannot be read: error %d of the system"
                         : "the file has become shorter (%d)",
                     got ? errno : 0);
            return false;
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

void
lf_verify_close(struct lf_verify *verify)
{
    if (verify->file >= 0)
        close(verify->file);
    lf_free(verify->used);
    lf_free(verify->unused);
    lf_free(verify->frames);
    lf_verify_find_end(verify);
    lf_buffer_free(&verify->value);
    lf_buffer_free(&verify->records);
    lf_buffer_free(&verify->views);
    lf_buffer_free(&verify->segments);
    lf_buffer_free(&verify->trees);
    lf_buffer_free(&verify->dictionaries);
    lf_text_free(&verify->text);
    lf_catalog_release(verify->catalog);
    lf_arena_free(&verify->arena);
}
