/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of a snapshot, checked before anything in them is believed. */
#ifndef LF_ENGINE_PAGE_H
#define LF_ENGINE_PAGE_H

#include "engine/environment.h"
#include "engine/layout.h"

/* What a snapshot may touch. */
struct lf_pages {
    struct lf_environment *environment;
    const uint8_t *base;
    uint32_t page_size;
    uint64_t last;  /* number of the snapshot's last page */
    uint64_t limit; /* pages below it are known to be in the file */
};

struct lf_index;

/* Where a tree begins in a snapshot. Depth 0: it is empty. */
struct lf_root {
    struct lf_index *index; /* a short cut, or NULL */
    uint64_t page;
    uint64_t entries;
    uint32_t depth;
    uint32_t flags; /* not 0: in an order that only LMDB walks */
};

struct lf_node {
    const uint8_t *key;
    const uint8_t *data;
    uint32_t key_size;
    uint32_t size; /* of the data; for branches 0 */
    uint64_t child;
    uint32_t flags;
};

/* Reads a database's record of LF_RECORD_SIZE bytes. Whoever walks the tree
 * refuses one with flags first. */
feature_status lf_root_read(const uint8_t *record, struct lf_root *root,
                            struct feature_error *error);
feature_status lf_root_refuse_flags(const struct lf_root *root,
                                    struct feature_error *error);

/* Whether a page is within the file, as large as it is now. */
bool lf_page_in_file(struct lf_pages *pages, uint64_t number);

/* The page of that number and kind (LF_PAGE_IS_...), its header checked. */
feature_status lf_page_get(struct lf_pages *pages, uint64_t number,
                           uint32_t kind, const uint8_t **page,
                           struct feature_error *error);

uint32_t lf_page_count(const uint8_t *page);

/* Node index of a checked page. */
feature_status lf_page_node(const struct lf_pages *pages, const uint8_t *page,
                            uint32_t index, struct lf_node *node,
                            struct feature_error *error);

/* The bytes of a leaf node's value, in the page or in its overflow run. */
feature_status lf_page_value(struct lf_pages *pages, const struct lf_node *node,
                             const uint8_t **value,
                             struct feature_error *error);

/* The leaf node of a key; found = false where there is none. */
feature_status lf_tree_find(struct lf_pages *pages, const struct lf_root *root,
                            const void *key, size_t key_size, bool *found,
                            struct lf_node *node, struct feature_error *error);

/*
 * Pages that were read node by node (inspect.c): all nodes lie within the page,
 * in strict order, and there are as many as LMDB's own code insists on.
 */
#define LF_INSPECTED_MOST 96

struct lf_inspected {
    uint64_t pages[LF_INSPECTED_MOST];
    uint32_t count;
};

/* Like lf_tree_find, with every page on the way inspected; found and node may
 * be NULL. Pages in inspected count as such already. */
feature_status lf_tree_inspect(struct lf_pages *pages,
                               const struct lf_root *root, const void *key,
                               size_t key_size, struct lf_inspected *inspected,
                               bool *found, struct lf_node *node,
                               struct feature_error *error);

/* The first node (part 0), the last one (part == parts - 1), or one that the
 * seed chooses: those parts are of one leaf, because each page costs a fault.
 * The pages on the way are inspected. */
feature_status lf_tree_sample(struct lf_pages *pages,
                              const struct lf_root *root, uint32_t part,
                              uint32_t parts, uint64_t seed,
                              struct lf_inspected *inspected,
                              struct lf_node *node,
                              struct feature_error *error);

/* A place in a tree, and the way to it. */
struct lf_frame {
    const uint8_t *page;
    uint32_t next;
    uint32_t count;
};

struct lf_walk {
    struct lf_pages *pages;
    const struct lf_root *root; /* of a tree that is not empty */
    uint32_t level;
    uint64_t visited; /* pages since the last seek */
    struct lf_frame frames[LF_DEPTH_MAX + 1];
};

/* Goes to the first node whose key is not below the given one. */
feature_status lf_walk_seek(struct lf_walk *walk, const void *key,
                            size_t key_size, struct feature_error *error);

/* The same from where the walk is: cheap where the key is in the same leaf. */
feature_status lf_walk_seek_near(struct lf_walk *walk, const void *key,
                                 size_t key_size, struct feature_error *error);

/* The node there, and one further; found = false at the end. */
feature_status lf_walk_next(struct lf_walk *walk, bool *found,
                            struct lf_node *node, struct feature_error *error);

/* Calls visit for each (key, value) in key order, until it fails. */
feature_status lf_tree_walk(struct lf_pages *pages, const struct lf_root *root,
                            lf_visit visit, void *context,
                            struct feature_error *error);

/* The same, from the first key on that is not below the given one. */
feature_status lf_tree_walk_from(struct lf_pages *pages,
                                 const struct lf_root *root, const void *from,
                                 size_t from_size, lf_visit visit,
                                 void *context, struct feature_error *error);

#endif
