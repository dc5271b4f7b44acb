/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that hold nothing, and whether a file was cut.
 *
 * Owns the count of free pages, and the comparison of the file's size with those
 * in use.
 * Keeps a sound file accepted, however short, and refuses a cut one before
 * anything reads past its end, which would be SIGBUS.
 * Never compares a file that reaches its last page, which nearly all do.
 */
#include "engine/reader.h"

#include "base/bytes.h"
#include "base/error.h"

struct free_count {
    uint64_t from;
    uint64_t pages;
};

/* A record of the free list: a count, and that many page numbers. */
static feature_status
count_free(void *context, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    struct free_count *free = context;
    uint64_t i, count;

    (void)key;
    (void)key_size;
    count = size < 8 ? UINT64_MAX : lf_load_u64(value);
    if (count > size / 8 - 1)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the free list is damaged");
    for (i = 1; i <= count; i++)
        free->pages += lf_load_u64(value + 8 * i) >= free->from;
    return FEATURE_OK;
}

/* Pages from 2 on: all that may be free. */
feature_status
lf_reader_free_pages(struct lf_reader *reader, uint64_t *count,
                     struct feature_error *error)
{
    struct free_count free = {0};

    if (reader->pages.base)
        LF_TRY(lf_tree_walk(&reader->pages, &reader->free, count_free, &free,
                            error));
    *count = free.pages;
    return FEATURE_OK;
}

uint32_t
lf_reader_page_size(const struct lf_reader *reader)
{
    return reader->environment->page_size;
}

/*
 * Pages that a transaction took and gave back at once are never written, so a
 * sound file may be shorter than its last page says. Then all pages past its
 * end are in the free list; otherwise somebody has cut the file.
 */
feature_status
lf_reader_check_size(struct lf_reader *reader, struct feature_error *error)
{
    struct lf_pages *pages = &reader->pages;
    struct free_count free;

    /* Of an empty store, two meta pages were checked before it was opened. */
    if (!pages->base || lf_page_in_file(pages, pages->last))
        return FEATURE_OK;
    free = (struct free_count){.from = pages->limit};
    LF_TRY(lf_tree_walk(pages, &reader->free, count_free, &free, error));
    if (free.pages == pages->last + 1 - free.from)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CORRUPT, "truncated",
                   "data.mdb ends after page %llu, and the store uses pages up "
                   "to %llu: it was cut; restore it from a snapshot",
                   (unsigned long long)pages->limit,
                   (unsigned long long)pages->last);
}
