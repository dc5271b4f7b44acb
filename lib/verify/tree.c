/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tree, page by page.
 *
 * Owns the walk from a root, the order of keys over the whole tree, and the
 * comparison with the tree's record.
 * Keeps going behind damage: a page that cannot be used costs what hangs on it.
 * Never reads a page twice, so no file can hold it up.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "verify/verify.h"

/* Keys and separators of branches, as a walk meets them, rise. */
struct bound {
    bool exists;
    bool is_separator; /* the next key may equal it */
    uint32_t size;
    uint8_t bytes[LF_NODE_KEY_MAX];
};

struct frame {
    const uint8_t *page;
    uint64_t number;
    uint32_t next;
    uint32_t count;
};

struct walk {
    struct lf_verify *verify;
    const char *name;
    const char *view;
    bool is_free_list; /* keys are numbers in the machine's order */
    bool is_main;
    lf_verify_visit visit;
    void *context;
    uint32_t depth;
    bool is_partial; /* something could not be walked */
    uint64_t branches, leaves, longs, entries;
    struct bound bound;
    struct frame frames[LF_DEPTH_MAX + 1]; /* from 1 on */
};

static struct lf_place
place_of(const struct walk *walk, uint64_t page)
{
    return (struct lf_place){
        .tree = walk->name, .view = walk->view, .page = page};
}

static int
compare(const struct walk *walk, const struct lf_verify_node *node)
{
    const struct bound *bound = &walk->bound;
    uint32_t common =
        node->key_size < bound->size ? node->key_size : bound->size;
    int order;

    if (walk->is_free_list && node->key_size == 8 && bound->size == 8) {
        uint64_t a = lf_load_u64(node->key), b = lf_load_u64(bound->bytes);

        return (a > b) - (a < b);
    }
    order = memcmp(node->key, bound->bytes, common);
    return order ? order
                 : (node->key_size > bound->size) -
                       (node->key_size < bound->size);
}

/* The next key or separator on the way through the tree. */
static void
check_order(struct walk *walk, uint64_t page, const struct lf_verify_node *node,
            bool is_separator)
{
    struct bound *bound = &walk->bound;
    struct lf_place place = place_of(walk, page);
    int order = bound->exists ? compare(walk, node) : 1;

    place.key = node->key;
    place.key_size = node->key_size;
    if (order < 0 || (!order && (is_separator || !bound->is_separator)))
        lf_found(walk->verify, LF_FOUND_ORDER, &place,
                 is_separator ? "a branch separates keys wrongly"
                 : bound->is_separator
                     ? "the key lies before its branch's separator"
                     : "the key is not after the one before it");
    bound->exists = true;
    bound->is_separator = is_separator;
    bound->size = node->key_size;
    memcpy(bound->bytes, node->key, node->key_size);
}

/* Goes down to a page; false: it cannot be walked. */
static bool
enter(struct walk *walk, uint32_t level, uint64_t number, uint64_t parent)
{
    struct lf_verify *verify = walk->verify;
    struct lf_place place = place_of(walk, parent);
    struct frame *frame = &walk->frames[level];
    uint8_t *to = verify->frames + (size_t)level * verify->page_size;
    bool is_leaf = level == walk->depth;

    if (!lf_verify_claim(verify, &place, number))
        return false;
    place.page = number;
    if (!lf_verify_read(verify, &place, number * verify->page_size, to,
                        verify->page_size))
        return false;
    if (!lf_verify_page(verify, &place, to,
                        is_leaf ? LF_PAGE_IS_LEAF : LF_PAGE_IS_BRANCH,
                        &frame->count))
        return false;
    frame->page = to;
    frame->number = number;
    frame->next = 0;
    if (is_leaf)
        walk->leaves++;
    else
        walk->branches++;
    return true;
}

/* Claims an overflow run. */
static bool
claim_run(struct walk *walk, const struct lf_place *place, uint64_t first,
          uint32_t size)
{
    struct lf_verify *verify = walk->verify;
    struct lf_place at = *place;
    uint8_t head[LF_PAGE_HEADER];
    uint64_t pages;

    if (!lf_verify_claim(verify, place, first))
        return false;
    at.page = first;
    if (!lf_verify_read(verify, &at, first * verify->page_size, head,
                        sizeof head) ||
        !lf_verify_page(verify, &at, head, LF_PAGE_IS_OVERFLOW, NULL))
        return false;
    pages = lf_load_u32(head + LF_PAGE_OVERFLOW);
    if (!pages || pages > verify->last + 1 - first ||
        pages * verify->page_size - LF_PAGE_HEADER < size) {
        lf_found(verify, LF_FOUND_PAGE, &at,
                 "an overflow run of %llu pages for %u bytes",
                 (unsigned long long)pages, size);
        return false;
    }
    for (uint64_t i = 1; i < pages; i++)
        if (!lf_verify_claim(verify, &at, first + i))
            return false;
    walk->longs += pages;
    return true;
}

static feature_status
show(struct walk *walk, uint64_t page, const struct lf_verify_node *node,
     struct feature_error *error)
{
    struct lf_entry entry = {.place = place_of(walk, page),
                             .flags = node->flags,
                             .size = node->size,
                             .bytes = node->data};
    uint32_t known = walk->is_main ? LF_NODE_IS_DATABASE : LF_NODE_IS_BIG;

    entry.place.key = node->key;
    entry.place.key_size = node->key_size;
    walk->entries++;
    if (node->flags & ~known || (walk->is_main && !node->flags)) {
        lf_found(walk->verify, LF_FOUND_PAGE, &entry.place,
                 "the value is of an unknown kind (0x%x)", node->flags);
        return FEATURE_OK;
    }
    if (node->flags & LF_NODE_IS_BIG) {
        entry.bytes = NULL;
        entry.run = lf_load_u64(node->data);
        if (!claim_run(walk, &entry.place, entry.run, node->size)) {
            walk->is_partial = true;
            return FEATURE_OK;
        }
    }
    return walk->visit(walk->verify, walk->context, &entry, error);
}

/* The next node of the frame at a level; *level moves down or up. */
static feature_status
step(struct walk *walk, uint32_t *level, struct feature_error *error)
{
    struct frame *frame = &walk->frames[*level];
    struct lf_place place = place_of(walk, frame->number);
    bool is_leaf = *level == walk->depth;
    uint32_t index = frame->next++;
    struct lf_verify_node node;

    if (index >= frame->count) {
        --*level;
        return FEATURE_OK;
    }
    if (!lf_verify_node(walk->verify, &place, frame->page, index, &node)) {
        walk->is_partial = true;
        return FEATURE_OK;
    }
    /* Node 0 of a branch stands for everything smaller. */
    if (is_leaf || index)
        check_order(walk, frame->number, &node, !is_leaf);
    if (is_leaf)
        return show(walk, frame->number, &node, error);
    if (enter(walk, *level + 1, node.child, frame->number))
        ++*level;
    else
        walk->is_partial = true;
    return FEATURE_OK;
}

static void
compare_count(const struct walk *walk, const char *what, uint64_t stated,
              uint64_t counted)
{
    struct lf_place place = place_of(walk, LF_NO_PAGE);

    if (stated != counted)
        lf_found(walk->verify, LF_FOUND_COUNT, &place,
                 "the tree's record says %llu %s, there are %llu",
                 (unsigned long long)stated, what, (unsigned long long)counted);
}

/* What could not be walked was told; its share of the counts is not known. */
static void
compare_record(const struct walk *walk, const uint8_t *record)
{
    if (walk->is_partial)
        return;
    compare_count(walk, "branch pages",
                  lf_load_u64(record + LF_RECORD_BRANCHES), walk->branches);
    compare_count(walk, "leaf pages", lf_load_u64(record + LF_RECORD_LEAVES),
                  walk->leaves);
    compare_count(walk, "overflow pages", lf_load_u64(record + LF_RECORD_LONG),
                  walk->longs);
    compare_count(walk, "entries", lf_load_u64(record + LF_RECORD_ENTRIES),
                  walk->entries);
}

/* The main database and the free list have their records in the meta page. */
static bool
check_record(struct walk *walk, const uint8_t *record)
{
    const uint8_t *meta = walk->verify->meta->bytes;
    struct lf_place place = place_of(walk, LF_NO_PAGE);
    uint64_t root = lf_load_u64(record + LF_RECORD_ROOT);

    walk->is_free_list = record == meta + LF_META_FREE;
    walk->is_main = record == meta + LF_META_MAIN;
    walk->depth = lf_load_u16(record + LF_RECORD_DEPTH);
    if (!walk->is_free_list && lf_load_u16(record + LF_RECORD_FLAGS)) {
        lf_found(walk->verify, LF_FOUND_STORE, &place,
                 "the tree has flags 0x%x, which no tree of a store has",
                 lf_load_u16(record + LF_RECORD_FLAGS));
        return false;
    }
    if (walk->depth > LF_DEPTH_MAX || (root == UINT64_MAX) == !!walk->depth) {
        lf_found(walk->verify, LF_FOUND_COUNT, &place,
                 "the tree's record says depth %u and root %llu", walk->depth,
                 (unsigned long long)root);
        return false;
    }
    return true;
}

feature_status
lf_verify_tree(struct lf_verify *verify, const char *name, const char *view,
               const uint8_t *record, lf_verify_visit visit, void *context,
               struct feature_error *error)
{
    struct walk walk = {.verify = verify,
                        .name = name,
                        .view = view,
                        .visit = visit,
                        .context = context};
    uint32_t level = 0;

    if (!check_record(&walk, record))
        return FEATURE_OK;
    if (walk.depth) {
        if (enter(&walk, 1, lf_load_u64(record + LF_RECORD_ROOT), LF_NO_PAGE))
            level = 1;
        else
            walk.is_partial = true;
    }
    while (level)
        LF_TRY(step(&walk, &level, error));
    compare_record(&walk, record);
    return FEATURE_OK;
}

feature_status
lf_verify_value(struct lf_verify *verify, const struct lf_entry *entry,
                const uint8_t **bytes, struct feature_error *error)
{
    *bytes = entry->bytes;
    if (entry->bytes)
        return FEATURE_OK;
    if (entry->size > LF_VALUE_SIZE_LIMIT) {
        lf_found(verify, LF_FOUND_ROW, &entry->place,
                 "a value of %u bytes, more than there can be", entry->size);
        return FEATURE_OK;
    }
    if (!lf_buffer_reserve(&verify->value, (size_t)entry->size + 1))
        return lf_fail_memory(error);
    if (lf_verify_read(verify, &entry->place,
                       entry->run * verify->page_size + LF_PAGE_HEADER,
                       verify->value.data, entry->size))
        *bytes = verify->value.data;
    return FEATURE_OK;
}
