/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key of a tree, out of its turn.
 *
 * Owns the way down to it, and the pages of the last one.
 * Keeps silent: the walk over the tree says what is wrong with its pages.
 * Never goes deeper than the tree's record says, so no file can hold it up.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "verify/verify.h"

static int
compare(const struct lf_verify_node *node, const uint8_t *key, size_t size)
{
    size_t common = node->key_size < size ? node->key_size : size;
    int order = memcmp(node->key, key, common);

    return order ? order : (node->key_size > size) - (node->key_size < size);
}

/* The page of a level, as it was read last or anew; NULL: it cannot be used. */
static const uint8_t *
load(struct lf_verify *verify, uint32_t level, uint64_t number, bool is_leaf,
     uint32_t *count)
{
    struct lf_verify_finder *finder = &verify->finder;
    uint8_t *page = finder->pages + (size_t)level * verify->page_size;
    struct lf_place place = {.page = number};

    if (finder->numbers[level] != number) {
        finder->numbers[level] = 0;
        if (number > verify->last || number < 2 ||
            !lf_verify_read(verify, &place, number * verify->page_size, page,
                            verify->page_size))
            return NULL;
    }
    if (!lf_verify_page(verify, &place, page,
                        is_leaf ? LF_PAGE_IS_LEAF : LF_PAGE_IS_BRANCH, count))
        return NULL;
    finder->numbers[level] = number;
    return page;
}

/* The last node of a page that is not above a key; node 0 of a branch stands for
 * everything smaller. False: none is, or the page is damaged. */
static bool
search(struct lf_verify *verify, const uint8_t *page, uint32_t count,
       bool is_leaf, const uint8_t *key, size_t size,
       struct lf_verify_node *node)
{
    uint32_t low = is_leaf ? 0 : 1, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (!lf_verify_node(verify, NULL, page, middle, node))
            return false;
        if (compare(node, key, size) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low && lf_verify_node(verify, NULL, page, low - 1, node);
}

/* An overflow run. */
static bool
read_run(struct lf_verify *verify, const struct lf_verify_node *node)
{
    struct lf_place place = {.page = lf_load_u64(node->data)};

    return place.page <= verify->last &&
           lf_verify_read(verify, &place,
                          place.page * verify->page_size + LF_PAGE_HEADER,
                          verify->finder.value.data, node->size);
}

static feature_status
find(struct lf_verify *verify, const uint8_t *record, const uint8_t *key,
     size_t key_size, const uint8_t **bytes, size_t *size,
     struct feature_error *error)
{
    uint32_t depth = lf_load_u16(record + LF_RECORD_DEPTH), count;
    struct lf_verify_node node = {.child =
                                      lf_load_u64(record + LF_RECORD_ROOT)};

    if (!depth || depth > LF_DEPTH_MAX)
        return FEATURE_OK;
    for (uint32_t level = 1; level <= depth; level++) {
        bool is_leaf = level == depth;
        const uint8_t *page = load(verify, level, node.child, is_leaf, &count);

        if (!page ||
            !search(verify, page, count, is_leaf, key, key_size, &node))
            return FEATURE_OK;
    }
    if (compare(&node, key, key_size) || node.size > LF_VALUE_SIZE_LIMIT)
        return FEATURE_OK;
    *size = node.size;
    *bytes = node.data;
    if (!(node.flags & LF_NODE_IS_BIG))
        return FEATURE_OK;
    *bytes = NULL;
    if (!lf_buffer_reserve(&verify->finder.value, (size_t)node.size + 1))
        return lf_fail_memory(error);
    if (read_run(verify, &node))
        *bytes = verify->finder.value.data;
    return FEATURE_OK;
}

feature_status
lf_verify_find(struct lf_verify *verify, const uint8_t *record,
               const uint8_t *key, size_t key_size, const uint8_t **bytes,
               size_t *size, struct feature_error *error)
{
    struct lf_verify_finder *finder = &verify->finder;
    feature_status status;

    *bytes = NULL;
    if (!finder->pages)
        finder->pages = lf_alloc_array(LF_DEPTH_MAX + 1, verify->page_size);
    if (!finder->pages)
        return lf_fail_memory(error);
    finder->is_busy = true;
    status = find(verify, record, key, key_size, bytes, size, error);
    finder->is_busy = false;
    return status;
}

void
lf_verify_find_end(struct lf_verify *verify)
{
    lf_free(verify->finder.pages);
    lf_buffer_free(&verify->finder.value);
}
