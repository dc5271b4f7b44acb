/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way down a tree, with every page on it inspected.
 *
 * Owns the check of whole pages: each node within the page and of a known kind,
 * keys in strict order, at least one node in a leaf and two in a branch.
 * Keeps LMDB's own code to pages that passed it: on any other it may assert or
 * leave the map, and its bisection meets nodes that ours does not.
 * Never inspects a page twice for one caller, so long as its list has room.
 */
#include "engine/page.h"

#include <string.h>

#include "base/error.h"

static bool
is_inspected(const struct lf_inspected *inspected, uint64_t number)
{
    for (uint32_t i = 0; i < inspected->count; i++)
        if (inspected->pages[i] == number)
            return true;
    return false;
}

static int
compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* Of what a leaf holds, LMDB believes every flag. In databases without flags of
 * their own there are plain values, long ones, and records of databases. */
static bool
is_known_kind(const struct lf_node *node)
{
    return !node->flags || node->flags == LF_NODE_IS_BIG ||
           (node->flags == LF_NODE_IS_DATABASE && node->size == LF_RECORD_SIZE);
}

/* Node 0 of a branch has no key. */
static feature_status
inspect(const struct lf_pages *pages, const uint8_t *page, uint64_t number,
        bool is_branch, struct feature_error *error)
{
    uint32_t count = lf_page_count(page);
    struct lf_node node, before;

    if (count < 1u + is_branch)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "page %llu has too few nodes",
                       (unsigned long long)number);
    for (uint32_t i = 0; i < count; i++) {
        LF_TRY(lf_page_node(pages, page, i, &node, error));
        if (i > is_branch &&
            compare(before.key, before.key_size, node.key, node.key_size) >= 0)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "page %llu has keys out of order",
                           (unsigned long long)number);
        if (!is_branch && !is_known_kind(&node))
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "page %llu has a value of an unknown kind (0x%x)",
                           (unsigned long long)number, node.flags);
        before = node;
    }
    return FEATURE_OK;
}

static feature_status
enter(struct lf_pages *pages, uint64_t number, bool is_branch,
      struct lf_inspected *inspected, const uint8_t **page,
      struct feature_error *error)
{
    uint32_t kind = is_branch ? LF_PAGE_IS_BRANCH : LF_PAGE_IS_LEAF;

    LF_TRY(lf_page_get(pages, number, kind, page, error));
    if (is_inspected(inspected, number))
        return FEATURE_OK;
    LF_TRY(inspect(pages, *page, number, is_branch, error));
    if (inspected->count < LF_INSPECTED_MOST)
        inspected->pages[inspected->count++] = number;
    return FEATURE_OK;
}

/* The last node at or before a key; of a leaf node 0 even where it is past. */
static feature_status
seek(const struct lf_pages *pages, const uint8_t *page, const void *key,
     size_t key_size, struct lf_node *node, struct feature_error *error)
{
    uint32_t low = 0, high = lf_page_count(page);

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        LF_TRY(lf_page_node(pages, page, middle, node, error));
        if (compare(node->key, node->key_size, key, key_size) <= 0)
            low = middle;
        else
            high = middle;
    }
    return lf_page_node(pages, page, low, node, error);
}

feature_status
lf_tree_inspect(struct lf_pages *pages, const struct lf_root *root,
                const void *key, size_t key_size,
                struct lf_inspected *inspected, bool *found,
                struct lf_node *node, struct feature_error *error)
{
    uint64_t number = root->page;
    struct lf_node at = {0};
    const uint8_t *page;

    for (uint32_t above = root->depth; above--; number = at.child) {
        LF_TRY(enter(pages, number, above, inspected, &page, error));
        LF_TRY(seek(pages, page, key, key_size, &at, error));
    }
    if (found)
        *found = root->depth && !compare(at.key, at.key_size, key, key_size);
    if (node)
        *node = at;
    return FEATURE_OK;
}

static uint32_t
choose(uint32_t count, uint32_t part, uint32_t parts, uint64_t dice)
{
    if (!part)
        return 0;
    if (part == parts - 1)
        return count - 1;
    return (uint32_t)((dice * 0x9e3779b97f4a7c15u >> 33) % count);
}

feature_status
lf_tree_sample(struct lf_pages *pages, const struct lf_root *root,
               uint32_t part, uint32_t parts, uint64_t seed,
               struct lf_inspected *inspected, struct lf_node *node,
               struct feature_error *error)
{
    uint64_t number = root->page;
    const uint8_t *page;

    for (uint32_t above = root->depth; above--; number = node->child) {
        uint64_t dice = above ? seed + above : seed + 32 * part;
        uint32_t index;

        LF_TRY(enter(pages, number, above, inspected, &page, error));
        index = choose(lf_page_count(page), part, parts, dice);
        LF_TRY(lf_page_node(pages, page, index, node, error));
    }
    return FEATURE_OK;
}
