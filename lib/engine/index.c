/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes of a tree's leaf parents, or of its leaves.
 *
 * Owns copies of the separators above them, as numbers side by side: a look-up
 * bisects these instead of two or three pages, and touches a few lines of cache
 * instead of a dozen.
 * Keeps what an index says true for one snapshot; its holders forget it with
 * that.
 * Never believes a page unchecked, nor spares the check of a page it names.
 */
#include "engine/index.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/bytes.h"

#define COUNT_MOST (1u << 20) /* pages: 14 MiB, leaves of 14 million rows */
#define TOP_MOST   1024       /* heads that are bisected: they stay in L1 */
#define LINE_BYTES 64

static_assert(sizeof(struct lf_index_line) == LINE_BYTES, "one line of cache");

/* One level of a tree. */
struct level {
    struct lf_buffer heads; /* u64 */
    struct lf_buffer pages; /* u32 */
    uint32_t count;
};

static uint64_t
head_of(const struct lf_node *node)
{
    uint8_t head[8] = {0};

    memcpy(head, node->key, node->key_size < 8 ? node->key_size : 8);
    return lf_load_big_u64(head);
}

static bool
add_page(struct level *level, uint64_t head, uint64_t number)
{
    uint64_t *heads = (uint64_t *)lf_buffer_extend(&level->heads, 8);
    uint32_t *pages = (uint32_t *)lf_buffer_extend(&level->pages, 4);

    if (!heads || !pages || number > UINT32_MAX || level->count == COUNT_MOST ||
        (level->count && head < heads[-1]))
        return false;
    *heads = head;
    *pages = (uint32_t)number;
    level->count++;
    return true;
}

/* Adds the children of one branch. The first of them begins where the branch
 * itself does. */
static bool
add_children(struct level *level, struct lf_pages *pages, uint64_t number,
             uint64_t head, bool *is_exact)
{
    const uint8_t *page;
    uint32_t count;

    if (lf_page_get(pages, number, LF_PAGE_IS_BRANCH, &page, NULL))
        return false;
    count = lf_page_count(page);
    for (uint32_t i = 0; i < count; i++) {
        struct lf_node node;

        if (lf_page_node(pages, page, i, &node, NULL))
            return false;
        if (i) {
            *is_exact &= node.key_size == 8;
            head = head_of(&node);
        }
        if (!add_page(level, head, node.child))
            return false;
    }
    return count > 0;
}

static void
free_level(struct level *level)
{
    lf_buffer_free(&level->heads);
    lf_buffer_free(&level->pages);
    level->count = 0;
}

/* One level down. */
static bool
expand(struct level *level, struct lf_pages *pages, bool *is_exact)
{
    const uint64_t *heads = (const uint64_t *)level->heads.data;
    const uint32_t *numbers = (const uint32_t *)level->pages.data;
    struct level next = {.count = 0};
    bool done = true;

    for (uint32_t i = 0; done && i < level->count; i++)
        done = add_children(&next, pages, numbers[i], heads[i], is_exact);
    free_level(level);
    *level = next;
    return done;
}

static uint32_t
parts_of(uint32_t count, uint32_t part)
{
    return (count + part - 1) / part;
}

/* Bytes of all lines, and of the levels above them. */
static size_t
size_of(uint32_t lines)
{
    size_t size = LINE_BYTES * (size_t)lines;
    uint32_t count = lines;

    for (;;) {
        size += LINE_BYTES * (size_t)parts_of(count, LF_INDEX_HEADS);
        if (count <= TOP_MOST)
            return size;
        count = parts_of(count, LF_INDEX_HEADS);
    }
}

/* What follows the last head is above every key, save for one that equals it:
 * whoever counts heads has to know where they end. */
static void
put_lines(struct lf_index_line *lines, uint32_t count,
          const struct level *level)
{
    const uint64_t *heads = (const uint64_t *)level->heads.data;
    const uint32_t *pages = (const uint32_t *)level->pages.data;
    uint32_t next = 0;

    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < LF_INDEX_PAGES && next < level->count; j++) {
            lines[i].heads[j] = heads[next];
            lines[i].pages[j] = pages[next++];
            lines[i].count++;
        }
}

/* The first head of every line below: of lines, or of heads. Returns where the
 * next level begins. */
static uint64_t *
put_heads(uint64_t *to, const void *below, uint32_t count)
{
    const uint64_t *lines = below;
    uint32_t room = parts_of(count, LF_INDEX_HEADS) * LF_INDEX_HEADS;

    for (uint32_t i = 0; i < count; i++)
        to[i] = lines[(size_t)i * LF_INDEX_HEADS];
    for (uint32_t i = count; i < room; i++)
        to[i] = UINT64_MAX;
    return to + room;
}

/* The index and its arrays are one piece of memory. */
static struct lf_index *
arrange(const struct level *level)
{
    uint32_t count = parts_of(level->count, LF_INDEX_PAGES);
    struct lf_index *index =
        lf_alloc(sizeof *index + LINE_BYTES + size_of(count));
    struct lf_index_line *lines;
    const void *below;
    uint64_t *at;

    if (!index)
        return NULL;
    lines = (struct lf_index_line *)(((uintptr_t)(index + 1) + LINE_BYTES - 1) &
                                     ~(uintptr_t)(LINE_BYTES - 1));
    put_lines(lines, count, level);
    index->lines = lines;
    at = (uint64_t *)(lines + count);
    below = lines;
    for (;;) {
        index->counts[index->levels] = count;
        index->heads[index->levels++] = at;
        at = put_heads(at, below, count);
        if (count <= TOP_MOST)
            break;
        below = index->heads[index->levels - 1];
        count = parts_of(count, LF_INDEX_HEADS);
    }
    return index;
}

static struct lf_index *
build(struct lf_pages *pages, uint64_t transaction, const struct lf_root *root,
      uint32_t above)
{
    struct level level = {.count = 0};
    struct lf_index *index = NULL;
    bool done = add_page(&level, 0, root->page), is_exact = true;

    for (uint32_t at = root->depth - 1; done && at > above; at--)
        done = expand(&level, pages, &is_exact);
    if (done)
        index = arrange(&level);
    free_level(&level);
    if (!index)
        return NULL;
    atomic_init(&index->references, 1);
    index->transaction = transaction;
    index->root = root->page;
    index->above = above;
    index->is_exact = is_exact;
    return index;
}

void
lf_index_drop(struct lf_index *index)
{
    if (!index || atomic_fetch_sub(&index->references, 1) != 1)
        return;
    lf_free(index);
}

/* Under the mutex: lets go of the indexes of older snapshots, which whoever
 * still reads those goes on holding. */
static void
drop_older(struct lf_indexes *indexes, uint64_t transaction)
{
    for (uint32_t i = 0; i < LF_INDEXES; i++) {
        struct lf_index *index = indexes->slots[i];

        if (!index || index->transaction >= transaction)
            continue;
        indexes->slots[i] = NULL; /* first: a fork may fall in between */
        lf_index_drop(index);
    }
}

/* Under the mutex: the index asked for, or a slot for it, or NULL. */
static struct lf_index **
find_slot(struct lf_indexes *indexes, uint64_t transaction, uint64_t root,
          uint32_t above)
{
    struct lf_index **room = NULL;

    for (uint32_t i = 0; i < LF_INDEXES; i++) {
        struct lf_index **slot = &indexes->slots[i];

        if (!*slot)
            room = slot;
        else if ((*slot)->transaction > transaction)
            return NULL;
        else if ((*slot)->transaction == transaction && (*slot)->root == root &&
                 (*slot)->above == above)
            return slot;
    }
    return room;
}

bool
lf_index_take(struct lf_pages *pages, uint64_t transaction,
              const struct lf_root *root, uint32_t above,
              struct lf_index **index)
{
    struct lf_indexes *indexes = &pages->environment->indexes;
    struct lf_index **slot;

    *index = NULL;
    if (root->depth < above + 2 || root->depth > LF_DEPTH_MAX)
        return true;
    if (pthread_mutex_trylock(&indexes->mutex))
        return false;
    drop_older(indexes, transaction);
    slot = find_slot(indexes, transaction, root->page, above);
    if (slot && !*slot)
        *slot = build(pages, transaction, root, above);
    if (slot && *slot) {
        *index = *slot;
        atomic_fetch_add(&(*index)->references, 1);
    }
    pthread_mutex_unlock(&indexes->mutex);
    return true;
}

void
lf_indexes_free(struct lf_environment *environment)
{
    for (uint32_t i = 0; i < LF_INDEXES; i++) {
        lf_index_drop(environment->indexes.slots[i]);
        environment->indexes.slots[i] = NULL;
    }
}
