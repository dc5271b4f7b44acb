/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tree of a snapshot: find a key, visit all from a key on.
 *
 * Owns the way from a root down to its leaves.
 * Keeps LMDB's order: bytes as by memcmp, then the shorter key first.
 * Never goes deeper than the root's record says, nor to more pages than there
 * are, so no cycle of damaged pages can hold it.
 */
#include "engine/page.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/* By words while there are some: keys are short, and most begin alike. */
static inline int
compare_keys(const uint8_t *key, size_t key_size, const uint8_t *other,
             size_t other_size)
{
    size_t common = key_size < other_size ? key_size : other_size;
    size_t at = 0;
    int order;

    for (; at + 8 <= common; at += 8) {
        uint64_t ours = lf_load_big_u64(key + at);
        uint64_t theirs = lf_load_big_u64(other + at);

        if (ours != theirs)
            return ours < theirs ? -1 : 1;
    }
    order = at < common ? memcmp(key + at, other + at, common - at) : 0;
    if (order)
        return order;
    return (key_size > other_size) - (key_size < other_size);
}

static int
compare(const uint8_t *key, size_t key_size, const struct lf_node *node)
{
    return compare_keys(key, key_size, node->key, node->key_size);
}

/* The same for a node that is only looked at on the way: its key has to lie
 * within the page, the rest of it is checked where the way ends. A third of the
 * instructions of a join were those of whole nodes. */
static inline feature_status
compare_at(const struct lf_pages *pages, const uint8_t *page, uint32_t index,
           const uint8_t *key, size_t key_size, int *order,
           struct feature_error *error)
{
    uint32_t at = lf_load_u16(page + LF_PAGE_HEADER + 2 * index), size;
    struct lf_node node;

    if (__builtin_expect(at < lf_load_u16(page + LF_PAGE_UPPER) ||
                             at + LF_NODE_HEADER > pages->page_size,
                         0))
        return lf_page_node(pages, page, index, &node, error);
    size = lf_load_u16(page + at + 6);
    if (__builtin_expect(at + LF_NODE_HEADER + size > pages->page_size, 0))
        return lf_page_node(pages, page, index, &node, error);
    *order = compare_keys(key, key_size, page + at + LF_NODE_HEADER, size);
    return FEATURE_OK;
}

static uint32_t
kind_at(const struct lf_root *root, uint32_t level)
{
    return level < root->depth ? LF_PAGE_IS_BRANCH : LF_PAGE_IS_LEAF;
}

/* The first of nodes [low, high) whose key is not below the sought one, or
 * high; is_equal tells whether it is the same. */
static feature_status
search_range(const struct lf_pages *pages, const uint8_t *page, uint32_t low,
             uint32_t high, const void *key, size_t key_size, uint32_t *index,
             bool *is_equal, struct lf_node *node, struct feature_error *error)
{
    *is_equal = false;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = 0;

        LF_TRY(compare_at(pages, page, middle, key, key_size, &order, error));
        if (!order) {
            *index = middle;
            *is_equal = true;
            return lf_page_node(pages, page, middle, node, error);
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return FEATURE_OK;
}

static feature_status
search(const struct lf_pages *pages, const uint8_t *page, uint32_t from,
       const void *key, size_t key_size, uint32_t *index, bool *is_equal,
       struct lf_node *node, struct feature_error *error)
{
    return search_range(pages, page, from, lf_page_count(page), key, key_size,
                        index, is_equal, node, error);
}

feature_status
lf_tree_find(struct lf_pages *pages, const struct lf_root *root,
             const void *key, size_t key_size, bool *found,
             struct lf_node *node, struct feature_error *error)
{
    uint64_t number = root->page;
    const uint8_t *page;
    uint32_t level, index;

    *found = false;
    for (level = 1; level <= root->depth; level++) {
        uint32_t kind = kind_at(root, level);

        LF_TRY(lf_page_get(pages, number, kind, &page, error));
        /* Node 0 of a branch stands for everything smaller: it has no key. */
        LF_TRY(search(pages, page, kind == LF_PAGE_IS_BRANCH, key, key_size,
                      &index, found, node, error));
        if (kind == LF_PAGE_IS_LEAF)
            return FEATURE_OK;
        if (!*found)
            index--;
        LF_TRY(lf_page_node(pages, page, index, node, error));
        number = node->child;
    }
    return FEATURE_OK;
}

static feature_status
push(struct lf_walk *walk, uint32_t level, uint64_t number,
     struct feature_error *error)
{
    struct lf_frame *frame = &walk->frames[level];

    LF_TRY(lf_page_get(walk->pages, number, kind_at(walk->root, level),
                       &frame->page, error));
    frame->next = 0;
    frame->count = lf_page_count(frame->page);
    return FEATURE_OK;
}

static feature_status
show(struct lf_pages *pages, const struct lf_node *node, lf_visit visit,
     void *context, struct feature_error *error)
{
    const uint8_t *value;

    LF_TRY(lf_page_value(pages, node, &value, error));
    return visit(context, node->key, node->key_size, value, node->size, error);
}

feature_status
lf_walk_seek(struct lf_walk *walk, const void *key, size_t key_size,
             struct feature_error *error)
{
    uint64_t number = walk->root->page;
    struct lf_node node;
    uint32_t level, index;
    bool found;

    walk->level = 0; /* nothing is left of a walk that fails here */
    for (level = 1;; level++) {
        bool is_leaf = level == walk->root->depth;
        struct lf_frame *frame = &walk->frames[level];

        LF_TRY(push(walk, level, number, error));
        if (!is_leaf && !frame->count)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "page %llu is a branch without nodes",
                           (unsigned long long)number);
        LF_TRY(search(walk->pages, frame->page, !is_leaf, key, key_size, &index,
                      &found, &node, error));
        if (is_leaf) {
            frame->next = index;
            walk->level = level;
            walk->visited = level;
            return FEATURE_OK;
        }
        index -= !found;
        LF_TRY(lf_page_node(walk->pages, frame->page, index, &node, error));
        frame->next = index + 1;
        number = node.child;
    }
}

/* The page of a node of a branch, if it is within the file. */
static const uint8_t *
child_of(const struct lf_pages *pages, const struct lf_frame *parent,
         uint32_t index)
{
    struct lf_node node;

    if (index >= parent->count ||
        lf_page_node(pages, parent->page, index, &node, NULL) ||
        node.child > pages->last || node.child >= pages->limit)
        return NULL;
    return pages->base + node.child * pages->page_size;
}

/* Asks for the leaf after the one that is visited next: of a tree that is larger
 * than the cache, waiting for memory is a good part of a walk. Its header, which
 * was asked for a leaf ago as that of the next one is now, tells which lines are
 * in use: of leaves that were split, about half. */
static void
look_ahead(const struct lf_pages *pages, const struct lf_frame *parent)
{
    const uint8_t *page = child_of(pages, parent, parent->next);
    const uint8_t *later = child_of(pages, parent, parent->next + 1);
    uint32_t upper;

    if (later)
        __builtin_prefetch(later);
    if (!page)
        return;
    upper = lf_load_u16(page + LF_PAGE_UPPER);
    for (uint32_t at = upper & ~63u; at < pages->page_size; at += 64)
        __builtin_prefetch(page + at);
}

/* Whether the key lies behind the node before the last place: then the search
 * can go on from there. Before the first node nobody knows. */
static feature_status
is_behind(const struct lf_walk *walk, const void *key, size_t key_size,
          bool *is, struct feature_error *error)
{
    const struct lf_frame *frame = &walk->frames[walk->level];
    uint32_t before = frame->next < 2 ? 0 : frame->next - 2;
    int order = 0;

    LF_TRY(compare_at(walk->pages, frame->page, before, key, key_size, &order,
                      error));
    *is = order > 0;
    return FEATURE_OK;
}

/* From the last place on, in growing steps: [low, high) has the first key that
 * is not below the given one, or it is at high. */
static feature_status
gallop(const struct lf_walk *walk, const void *key, size_t key_size,
       uint32_t *low, uint32_t *high, struct feature_error *error)
{
    const struct lf_frame *frame = &walk->frames[walk->level];
    uint32_t at = frame->next ? frame->next - 1 : 0;
    int order = 0;

    *low = at;
    *high = frame->count;
    for (uint32_t step = 1; at < frame->count; step *= 2) {
        LF_TRY(compare_at(walk->pages, frame->page, at, key, key_size, &order,
                          error));
        if (order <= 0) {
            *high = at;
            break;
        }
        *low = at + 1;
        at += step;
    }
    return FEATURE_OK;
}

/* Whether the next leaf has the first key that is not below the given one: the
 * branch above says where that leaf ends. Then the walk is in it, at its begin.
 * The caller knows that the leaf before it has not. */
static feature_status
step_to_leaf(struct lf_walk *walk, const void *key, size_t key_size,
             bool *is_there, struct feature_error *error)
{
    struct lf_frame *parent = &walk->frames[walk->level - 1];
    struct lf_node node;

    *is_there = false;
    if (walk->level < 2 || parent->next + 1 >= parent->count)
        return FEATURE_OK;
    LF_TRY(lf_page_node(walk->pages, parent->page, parent->next + 1, &node,
                        error));
    if (compare(key, key_size, &node) >= 0)
        return FEATURE_OK;
    LF_TRY(lf_page_node(walk->pages, parent->page, parent->next, &node, error));
    LF_TRY(push(walk, walk->level, node.child, error));
    parent->next++;
    *is_there = true;
    look_ahead(walk->pages, parent);
    return FEATURE_OK;
}

/* Most seeks near the last place end in its leaf, a few nodes on, or in the
 * next one. */
feature_status
lf_walk_seek_near(struct lf_walk *walk, const void *key, size_t key_size,
                  struct feature_error *error)
{
    struct lf_frame *frame = &walk->frames[walk->root->depth];
    uint32_t low, high, index;
    struct lf_node node;
    bool is_there, found;

    if (walk->level != walk->root->depth || !frame->count)
        return lf_walk_seek(walk, key, key_size, error);
    LF_TRY(is_behind(walk, key, key_size, &is_there, error));
    if (!is_there)
        return lf_walk_seek(walk, key, key_size, error);
    LF_TRY(gallop(walk, key, key_size, &low, &high, error));
    LF_TRY(search_range(walk->pages, frame->page, low, high, key, key_size,
                        &index, &found, &node, error));
    if (index == frame->count) {
        LF_TRY(step_to_leaf(walk, key, key_size, &is_there, error));
        if (!is_there)
            return lf_walk_seek(walk, key, key_size, error);
        LF_TRY(search(walk->pages, frame->page, 0, key, key_size, &index,
                      &found, &node, error));
    }
    frame->next = index;
    walk->visited = walk->level;
    return FEATURE_OK;
}

feature_status
lf_walk_next(struct lf_walk *walk, bool *found, struct lf_node *node,
             struct feature_error *error)
{
    *found = false;
    while (walk->level) {
        struct lf_frame *frame = &walk->frames[walk->level];

        if (walk->visited > walk->pages->last)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "a tree has more pages than the store");
        if (frame->next >= frame->count) {
            walk->level--;
            continue;
        }
        LF_TRY(
            lf_page_node(walk->pages, frame->page, frame->next++, node, error));
        if (walk->level == walk->root->depth) {
            *found = true;
            return FEATURE_OK;
        }
        walk->visited++;
        LF_TRY(push(walk, walk->level + 1, node->child, error));
        if (++walk->level == walk->root->depth)
            look_ahead(walk->pages, frame);
    }
    return FEATURE_OK;
}

feature_status
lf_tree_walk(struct lf_pages *pages, const struct lf_root *root, lf_visit visit,
             void *context, struct feature_error *error)
{
    return lf_tree_walk_from(pages, root, "", 0, visit, context, error);
}

feature_status
lf_tree_walk_from(struct lf_pages *pages, const struct lf_root *root,
                  const void *from, size_t from_size, lf_visit visit,
                  void *context, struct feature_error *error)
{
    struct lf_walk walk; /* half a kilobyte: a seek sets what it uses */
    struct lf_node node;
    bool found;

    if (!root->depth)
        return FEATURE_OK;
    walk.pages = pages;
    walk.root = root;
    LF_TRY(lf_walk_seek(&walk, from, from_size, error));
    for (;;) {
        LF_TRY(lf_walk_next(&walk, &found, &node, error));
        if (!found)
            return FEATURE_OK;
        LF_TRY(show(pages, &node, visit, context, error));
    }
}
