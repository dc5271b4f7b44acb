/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interleaved descent: many keys down their trees at once.
 *
 * Owns the batched look-up over the pages of a snapshot.
 * Keeps every access within the file by the same checks as page.c, on every
 * page and node it touches, and finds exactly what lf_tree_find would.
 * Never takes a lock, allocates, or runs LMDB's tree code.
 *
 * One look-up in a tree of a million rows is some twenty probes, each a cache
 * miss that waits for the one before. Here the keys of a group go down
 * together: each turn makes one probe for every key and asks for the line of
 * the next one ahead of time, so the misses of a group overlap. Sixteen in
 * flight saturate the memory of the machines we measured; eight are a quarter
 * slower. The bisection selects instead of branching, because its outcome is a
 * coin toss that no predictor learns. `make bench` prints what this is worth.
 */
#include "engine/descent.h"
#include "engine/index.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

#define GROUP        32
#define LINE         64
#define BRANCH_LINES 4 /* header and pointers of a branch of short keys */
#define LEAF_LINES   1 /* header and pointers of a leaf of usual rows */
#define VALUE_LINES  8 /* of a row; the rest streams */

/* One key on its way. */
struct walk {
    const uint8_t *page;
    const uint8_t *key;
    uint64_t head;   /* the key's first eight bytes, as a number */
    uint64_t number; /* of the page */
    const struct lf_index *index;
    uint32_t slot;
    uint32_t span;
    uint32_t at; /* of the node in the middle of the span */
    uint32_t key_size;
    uint32_t above; /* levels to go below the page at hand */
    uint32_t job;
};

struct group {
    struct lf_pages *pages;
    struct lf_job *jobs;
    uint32_t count;
    bool short_keys; /* all keys have eight bytes */
    struct walk walks[GROUP];
};

static uint64_t
head_of(const uint8_t *key, uint32_t size)
{
    uint8_t head[8] = {0};

    if (size >= 8)
        return lf_load_big_u64(key);
    memcpy(head, key, size);
    return lf_load_big_u64(head);
}

static feature_status
damaged(const struct walk *walk, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "page %llu has a node that leaves it",
                   (unsigned long long)lf_load_u64(walk->page));
}

/* Offset of a node; its header lies before end. */
static inline uint32_t
node_at(const struct walk *walk, uint32_t slot)
{
    return lf_load_u16(walk->page + LF_PAGE_HEADER + 2 * slot);
}

/* Aims at the middle of the span. */
static inline void
aim(struct walk *walk)
{
    walk->at = node_at(walk, walk->slot + walk->span / 2);
    __builtin_prefetch(walk->page + walk->at);
}

/* Whether a node's key is at or before the walk's. */
static bool
reaches(const struct walk *walk, const uint8_t *key, uint32_t size)
{
    uint32_t common = size < walk->key_size ? size : walk->key_size;
    int order;

    if (size >= 8 && walk->key_size >= 8) {
        uint64_t head = lf_load_big_u64(key);

        if (head != walk->head)
            return head < walk->head;
    }
    order = memcmp(key, walk->key, common);
    return order < 0 || (order == 0 && size <= walk->key_size);
}

/* Compares the node at walk->at. False: it leaves the page. */
static inline bool
compare(const struct walk *walk, uint32_t page_size, bool short_keys,
        bool *right)
{
    const uint8_t *node = walk->page + walk->at;
    uint32_t size;

    if (__builtin_expect(walk->at + LF_NODE_HEADER > page_size, 0))
        return false;
    size = lf_load_u16(node + 6);
    if (__builtin_expect(walk->at + LF_NODE_HEADER + size > page_size, 0))
        return false;
    if (short_keys && __builtin_expect(size == 8, 1))
        *right = lf_load_big_u64(node + LF_NODE_HEADER) <= walk->head;
    else
        *right = reaches(walk, node + LF_NODE_HEADER, size);
    return true;
}

/* One probe of many: halves the span. The mask keeps the compiler from making a
 * branch of it, which half of the time would be guessed wrong. */
static inline bool
probe(struct walk *walk, uint32_t page_size, bool short_keys)
{
    uint32_t half = walk->span / 2;
    bool right;

    if (!compare(walk, page_size, short_keys, &right))
        return false;
    walk->slot += half & (0 - (uint32_t)right);
    walk->span -= half;
    return true;
}

/* Bisects the pages of the walks, a probe each a turn. */
static inline feature_status
bisect(struct group *group, bool short_keys, struct feature_error *error)
{
    const uint32_t page_size = group->pages->page_size;
    uint32_t widest = 0;

    for (uint32_t i = 0; i < group->count; i++)
        if (group->walks[i].span > widest)
            widest = group->walks[i].span;
    for (; widest > 1; widest -= widest / 2)
        for (uint32_t i = 0; i < group->count; i++) {
            struct walk *walk = &group->walks[i];

            if (walk->span < 2)
                continue;
            if (!probe(walk, page_size, short_keys))
                return damaged(walk, error);
            aim(walk);
        }
    return FEATURE_OK;
}

/* The page a walk stands on. The checks are lf_page_get's, in line: they cost
 * nothing beside the miss, a call does. */
static inline feature_status
enter_page(struct lf_pages *pages, struct walk *walk,
           struct feature_error *error)
{
    uint32_t kind = walk->above ? LF_PAGE_IS_BRANCH : LF_PAGE_IS_LEAF;
    /* A number, until it is known to be a page: it may point past all memory. */
    const uint8_t *page = (const uint8_t *)((uintptr_t)pages->base +
                                            walk->number * pages->page_size);
    uint32_t lower, upper;

    if (__builtin_expect(walk->number < 2 || walk->number > pages->last ||
                             walk->number >= pages->limit ||
                             lf_load_u64(page + LF_PAGE_NUMBER) !=
                                 walk->number ||
                             lf_load_u16(page + LF_PAGE_FLAGS) != kind,
                         0))
        LF_TRY(lf_page_get(pages, walk->number, kind, &page, error));
    lower = lf_load_u16(page + LF_PAGE_LOWER);
    upper = lf_load_u16(page + LF_PAGE_UPPER);
    if (__builtin_expect(lower <= LF_PAGE_HEADER || (lower & 1) ||
                             lower > upper || upper > pages->page_size,
                         0))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "page %llu has impossible bounds",
                       (unsigned long long)walk->number);
    walk->page = page;
    walk->slot = 0;
    walk->span = (lower - LF_PAGE_HEADER) / 2;
    aim(walk);
    return FEATURE_OK;
}

static inline feature_status
enter_pages(struct group *group, struct feature_error *error)
{
    for (uint32_t i = 0; i < group->count; i++)
        LF_TRY(enter_page(group->pages, &group->walks[i], error));
    return FEATURE_OK;
}

static void
prefetch_page(const struct lf_pages *pages, uint64_t number, uint32_t lines)
{
    const uint8_t *page;

    if (number > pages->last || number >= pages->limit)
        return;
    page = pages->base + number * pages->page_size;
    for (uint32_t i = 0; i < lines; i++)
        __builtin_prefetch(page + LINE * i);
}

static inline feature_status
go_down(const struct lf_pages *pages, struct walk *walk,
        struct feature_error *error)
{
    const uint8_t *node = walk->page + walk->at;

    if (__builtin_expect(walk->at + LF_NODE_HEADER > pages->page_size, 0))
        return damaged(walk, error);
    walk->number = lf_load_u32(node) | (uint64_t)lf_load_u16(node + 4) << 32;
    walk->above--;
    prefetch_page(pages, walk->number, walk->above ? BRANCH_LINES : LEAF_LINES);
    return FEATURE_OK;
}

static void
prefetch_value(const uint8_t *value, uint32_t size)
{
    uint32_t lines = size / LINE + 1;

    if (lines > VALUE_LINES)
        lines = VALUE_LINES;
    for (uint32_t i = 0; i < lines; i++)
        __builtin_prefetch(value + LINE * i);
}

/* At the leaf: the slot holds the key, or nothing does. */
static feature_status
arrive(struct group *group, const struct walk *walk,
       struct feature_error *error)
{
    struct lf_job *job = &group->jobs[walk->job];
    struct lf_node node;

    LF_TRY(lf_page_node(group->pages, walk->page, walk->slot, &node, error));
    if (node.key_size != walk->key_size ||
        memcmp(node.key, walk->key, node.key_size) != 0)
        return FEATURE_OK;
    if (node.flags & ~(uint32_t)LF_NODE_IS_BIG)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a value is of an unknown kind (0x%x)", node.flags);
    LF_TRY(lf_page_value(group->pages, &node, &job->value, error));
    job->size = node.size;
    prefetch_value(job->value, job->size);
    return FEATURE_OK;
}

/* One level: walks that stood on a leaf have arrived and leave the group. */
static feature_status
step(struct group *group, struct feature_error *error)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        struct walk *walk = &group->walks[i];

        if (!walk->above) {
            LF_TRY(arrive(group, walk, error));
            continue;
        }
        LF_TRY(go_down(group->pages, walk, error));
        group->walks[left++] = *walk;
    }
    group->count = left;
    return FEATURE_OK;
}

/* What is to be read next: a line of heads, or one of pages at the bottom. */
static inline void
prefetch_line(struct walk *walk, uint32_t level)
{
    if (level)
        __builtin_prefetch(walk->index->heads[level - 1] +
                           (size_t)walk->slot * LF_INDEX_HEADS);
    else
        __builtin_prefetch(walk->index->lines + walk->slot);
}

/* The last head of the topmost level at or before the key. */
static inline void
bisect_top(struct walk *walk)
{
    const struct lf_index *index = walk->index;
    const uint64_t *heads = index->heads[index->levels - 1];
    uint32_t at = 0, count = index->counts[index->levels - 1];

    for (uint32_t span = count; span > 1; span -= span / 2)
        at += span / 2 & (0 - (uint32_t)(heads[at + span / 2] <= walk->head));
    walk->slot = at;
    prefetch_line(walk, index->levels - 1);
}

/* The same in one line of a level further down, whose first head is at or
 * before the key. What fills up the last line is above all keys but the highest,
 * which therefore is stopped at the end. */
static inline void
count_line(struct walk *walk, uint32_t level)
{
    const uint64_t *line =
        walk->index->heads[level] + (size_t)walk->slot * LF_INDEX_HEADS;
    uint32_t reached = 0, last = walk->index->counts[level] - 1;

    for (uint32_t i = 1; i < LF_INDEX_HEADS; i++)
        reached += line[i] <= walk->head;
    reached += walk->slot * LF_INDEX_HEADS;
    walk->slot = reached < last ? reached : last;
    prefetch_line(walk, level);
}

/* From the root to where the index leads: the last of its pages whose separator
 * is at or before the key. The index knows eight bytes of each; where more than
 * these would decide, the walk stays at the root. */
static inline void
jump(const struct lf_pages *pages, struct walk *walk)
{
    const struct lf_index *index = walk->index;
    const struct lf_index_line *line = &index->lines[walk->slot];
    uint32_t at = 0;

    for (uint32_t i = 1; i < LF_INDEX_PAGES; i++)
        at += i < line->count && line->heads[i] <= walk->head;
    if (line->heads[at] != walk->head ||
        (index->is_exact && walk->key_size == 8)) {
        walk->number = line->pages[at];
        walk->above = index->above;
    }
    prefetch_page(pages, walk->number, walk->above ? BRANCH_LINES : LEAF_LINES);
}

/* The walks go down their indexes together, as they go down pages. */
static inline void
start_walks(struct group *group)
{
    uint32_t levels = 0;

    for (uint32_t i = 0; i < group->count; i++) {
        struct walk *walk = &group->walks[i];

        if (!walk->index)
            continue;
        bisect_top(walk);
        if (walk->index->levels > levels)
            levels = walk->index->levels;
    }
    if (!levels)
        return;
    for (uint32_t level = levels - 1; level-- > 0;)
        for (uint32_t i = 0; i < group->count; i++) {
            struct walk *walk = &group->walks[i];

            if (walk->index && level < walk->index->levels - 1)
                count_line(walk, level);
        }
    for (uint32_t i = 0; i < group->count; i++)
        if (group->walks[i].index)
            jump(group->pages, &group->walks[i]);
}

static feature_status
descend(struct group *group, struct feature_error *error)
{
    start_walks(group);
    while (group->count) {
        LF_TRY(enter_pages(group, error));
        LF_TRY(group->short_keys ? bisect(group, true, error)
                                 : bisect(group, false, error));
        LF_TRY(step(group, error));
    }
    group->short_keys = true;
    return FEATURE_OK;
}

/* The bisection of a lone key branches on purpose: half of the guesses are
 * right, and a right guess has the next probe's line on its way. */
static inline feature_status
bisect_alone(const struct lf_pages *pages, struct walk *walk, bool short_keys,
             struct feature_error *error)
{
    while (walk->span > 1) {
        uint32_t half = walk->span / 2, middle = walk->slot + half;
        bool right;

        if (!compare(walk, pages->page_size, short_keys, &right))
            return damaged(walk, error);
        if (right) {
            __asm__ volatile(""); /* or the compiler makes it a select */
            walk->slot = middle;
        }
        walk->span -= half;
        walk->at = node_at(walk, walk->slot + walk->span / 2);
    }
    return FEATURE_OK;
}

/* A group of one: the same steps, without the machinery of many. */
static feature_status
descend_alone(struct group *group, struct feature_error *error)
{
    struct walk *walk = &group->walks[0];

    start_walks(group);
    for (;;) {
        LF_TRY(enter_page(group->pages, walk, error));
        LF_TRY(group->short_keys
                   ? bisect_alone(group->pages, walk, true, error)
                   : bisect_alone(group->pages, walk, false, error));
        if (!walk->above)
            return arrive(group, walk, error);
        LF_TRY(go_down(group->pages, walk, error));
    }
}

static inline void
add_walk(struct group *group, const struct lf_root *root, uint32_t job)
{
    const struct lf_job *at = &group->jobs[job];
    struct walk *walk = &group->walks[group->count++];

    group->short_keys &= at->key_size == 8;
    walk->key = at->key;
    walk->head = head_of(at->key, at->key_size);
    walk->key_size = at->key_size;
    walk->job = job;
    walk->number = root->page;
    walk->above = root->depth - 1;
    walk->index = root->index;
}

feature_status
lf_descend(struct lf_pages *pages, const struct lf_root *roots, size_t first,
           size_t tree_count, struct lf_job *jobs, size_t count,
           struct feature_error *error)
{
    struct group group; /* 2 KiB: walks are set as they are added */

    group.pages = pages;
    group.jobs = jobs;
    group.count = 0;
    group.short_keys = true;
    for (size_t i = 0; i < count; i++) {
        size_t tree = jobs[i].tree - first;

        if (jobs[i].tree < first || tree >= tree_count)
            continue;
        jobs[i].value = NULL;
        jobs[i].size = 0;
        if (!jobs[i].key_size || !roots[tree].depth)
            continue;
        add_walk(&group, &roots[tree], (uint32_t)i);
        if (group.count == GROUP)
            LF_TRY(descend(&group, error));
    }
    if (group.count == 1)
        return descend_alone(&group, error);
    return descend(&group, error);
}
