/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of a snapshot.
 *
 * Owns the reading of LMDB's page, node and record layouts (layout.h).
 * Keeps every access within the file: a page that lies about itself is
 * FEATURE_CORRUPT, where LMDB's own code would assert or run off the map.
 * Never writes, allocates, or remembers anything of a page.
 */
#include "engine/page.h"

#include <sys/stat.h>

#include "base/bytes.h"
#include "base/error.h"

static feature_status
damaged(uint64_t number, const char *what, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure", "page %llu %s",
                   (unsigned long long)number, what);
}

feature_status
lf_root_refuse_flags(const struct lf_root *root, struct feature_error *error)
{
    if (!root->flags)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_VERSION, "format",
                   "a database with flags 0x%x is not one of a libfeature "
                   "store",
                   root->flags);
}

feature_status
lf_root_read(const uint8_t *record, struct lf_root *root,
             struct feature_error *error)
{
    *root = (struct lf_root){.flags = lf_load_u16(record + LF_RECORD_FLAGS)};
    if (root->flags & ~(uint32_t)LF_RECORD_KNOWN_FLAGS)
        return lf_root_refuse_flags(root, error);
    root->page = lf_load_u64(record + LF_RECORD_ROOT);
    root->entries = lf_load_u64(record + LF_RECORD_ENTRIES);
    root->depth = lf_load_u16(record + LF_RECORD_DEPTH);
    if (root->page == UINT64_MAX)
        root->depth = 0;
    if (root->depth > LF_DEPTH_MAX ||
        (root->page != UINT64_MAX) != !!root->depth)
        return damaged(root->page, "is an impossible root", error);
    return FEATURE_OK;
}

/*
 * A file may rightly end before its last page: pages that a transaction took
 * and gave back are never written. So the size of the file is no proof of
 * damage, but a page beyond it that is in use is. Sizes are asked for again
 * when a page beyond the known one is met, because the file grows.
 */
bool
lf_page_in_file(struct lf_pages *pages, uint64_t number)
{
    struct lf_environment *environment = pages->environment;
    struct stat at;
    int file;

    if (number < pages->limit)
        return true;
    if (mdb_env_get_fd(environment->lmdb, &file) || fstat(file, &at))
        return false;
    pages->limit = (uint64_t)at.st_size / pages->page_size;
    atomic_store(&environment->file_pages, pages->limit);
    return number < pages->limit;
}

static feature_status
check_place(struct lf_pages *pages, uint64_t number,
            struct feature_error *error)
{
    if (number < 2 || number > pages->last)
        return damaged(number, "is referred to but out of bounds", error);
    if (!lf_page_in_file(pages, number))
        return lf_fail(error, FEATURE_CORRUPT, "truncated",
                       "page %llu is past the end of the file",
                       (unsigned long long)number);
    return FEATURE_OK;
}

feature_status
lf_page_get(struct lf_pages *pages, uint64_t number, uint32_t kind,
            const uint8_t **page, struct feature_error *error)
{
    const uint8_t *at;
    uint32_t lower, upper;

    if (__builtin_expect(
            number < 2 || number > pages->last || number >= pages->limit, 0))
        LF_TRY(check_place(pages, number, error));
    at = pages->base + number * pages->page_size;
    if (lf_load_u64(at + LF_PAGE_NUMBER) != number)
        return damaged(number, "carries another number", error);
    if (lf_load_u16(at + LF_PAGE_FLAGS) != kind)
        return damaged(number, "is of another kind", error);
    *page = at;
    if (kind == LF_PAGE_IS_OVERFLOW)
        return FEATURE_OK;
    lower = lf_load_u16(at + LF_PAGE_LOWER);
    upper = lf_load_u16(at + LF_PAGE_UPPER);
    if (lower < LF_PAGE_HEADER || (lower & 1) || lower > upper ||
        upper > pages->page_size)
        return damaged(number, "has impossible bounds", error);
    return FEATURE_OK;
}

uint32_t
lf_page_count(const uint8_t *page)
{
    return (lf_load_u16(page + LF_PAGE_LOWER) - LF_PAGE_HEADER) / 2u;
}

feature_status
lf_page_node(const struct lf_pages *pages, const uint8_t *page, uint32_t index,
             struct lf_node *node, struct feature_error *error)
{
    uint32_t at = lf_load_u16(page + LF_PAGE_HEADER + 2 * index);
    uint32_t left;
    uint64_t low;

    if (at < lf_load_u16(page + LF_PAGE_UPPER) ||
        at + LF_NODE_HEADER > pages->page_size)
        goto bad;
    low = lf_load_u32(page + at); /* lo and hi */
    node->flags = lf_load_u16(page + at + 4);
    node->key_size = lf_load_u16(page + at + 6);
    node->key = page + at + LF_NODE_HEADER;
    left = pages->page_size - at - LF_NODE_HEADER;
    if (node->key_size > left || node->key_size > LF_NODE_KEY_MAX)
        goto bad;
    left -= node->key_size;
    node->data = node->key + node->key_size;
    if (lf_load_u16(page + LF_PAGE_FLAGS) == LF_PAGE_IS_BRANCH) {
        node->child = low | (uint64_t)node->flags << 32;
        node->size = 0;
        return FEATURE_OK;
    }
    node->size = (uint32_t)low;
    if (left < (node->flags & LF_NODE_IS_BIG ? 8 : node->size))
        goto bad;
    return FEATURE_OK;
bad:
    return damaged(lf_load_u64(page), "has a node that leaves it", error);
}

feature_status
lf_page_value(struct lf_pages *pages, const struct lf_node *node,
              const uint8_t **value, struct feature_error *error)
{
    const uint8_t *page = NULL;
    uint64_t number, run;

    if (!(node->flags & LF_NODE_IS_BIG)) {
        *value = node->data;
        return FEATURE_OK;
    }
    number = lf_load_u64(node->data);
    LF_TRY(lf_page_get(pages, number, LF_PAGE_IS_OVERFLOW, &page, error));
    run = lf_load_u32(page + LF_PAGE_OVERFLOW);
    if (!run || run > pages->last || number + run - 1 > pages->last ||
        run * pages->page_size - LF_PAGE_HEADER < node->size)
        return damaged(number, "is an impossible overflow run", error);
    LF_TRY(check_place(pages, number + run - 1, error));
    *value = page + LF_PAGE_HEADER;
    return FEATURE_OK;
}
