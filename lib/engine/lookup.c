/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in a snapshot, by tree name and key.
 *
 * Owns the way from names to trees to values.
 * Keeps to the pages of one snapshot: no handle of LMDB is involved, so a tree
 * that is created, dropped or swapped meanwhile, here or in another process,
 * is seen exactly as the snapshot has it.
 * Never runs LMDB's tree code on damaged pages: every page is checked.
 */
#include "engine/descent.h"
#include "engine/reader.h"

#include <string.h>

#include "base/error.h"

#define AT_ONCE 32 /* trees resolved together, on the stack */

static feature_status
find_tree(struct lf_reader *reader, const char *name, struct lf_root *root,
          struct feature_error *error)
{
    struct lf_node node;
    bool found;

    *root = (struct lf_root){.page = UINT64_MAX};
    LF_TRY(lf_tree_find(&reader->pages, &reader->main, name, strlen(name),
                        &found, &node, error));
    if (!found)
        return FEATURE_OK;
    if (node.flags != LF_NODE_IS_DATABASE || node.size != LF_RECORD_SIZE)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "\"%s\" is not a named database", name);
    return lf_root_read(node.data, root, error);
}

static feature_status
find_value(struct lf_reader *reader, const struct lf_root *root,
           const void *key, size_t key_size, const uint8_t **value,
           size_t *size, struct feature_error *error)
{
    struct lf_node node;
    bool found;

    *value = NULL;
    *size = 0;
    LF_TRY(lf_tree_find(&reader->pages, root, key, key_size, &found, &node,
                        error));
    if (!found)
        return FEATURE_OK;
    if (node.flags & ~(uint32_t)LF_NODE_IS_BIG)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a value is of an unknown kind (0x%x)", node.flags);
    LF_TRY(lf_page_value(&reader->pages, &node, value, error));
    *size = node.size;
    return FEATURE_OK;
}

feature_status
lf_reader_get(struct lf_reader *reader, const char *tree, const void *key,
              size_t key_size, bool *found, const uint8_t **value, size_t *size,
              struct feature_error *error)
{
    struct lf_root root;
    const uint8_t *at;
    size_t length;

    LF_TRY(lf_environment_check(reader->environment, error));
    LF_TRY(find_tree(reader, tree, &root, error));
    LF_TRY(find_value(reader, &root, key, key_size, &at, &length, error));
    *found = at != NULL;
    *value = at;
    *size = length;
    return FEATURE_OK;
}

feature_status
lf_reader_lookup(struct lf_reader *reader, const char *const *trees,
                 size_t tree_count, struct lf_job *jobs, size_t count,
                 struct feature_error *error)
{
    struct lf_root roots[AT_ONCE];
    size_t first, i;

    LF_TRY(lf_environment_check(reader->environment, error));
    for (first = 0; first < tree_count; first += AT_ONCE) {
        size_t some = tree_count - first;

        if (some > AT_ONCE)
            some = AT_ONCE;
        for (i = 0; i < some; i++)
            LF_TRY(find_tree(reader, trees[first + i], &roots[i], error));
        LF_TRY(
            lf_descend(&reader->pages, roots, first, some, jobs, count, error));
    }
    return FEATURE_OK;
}

feature_status
lf_reader_scan(struct lf_reader *reader, const char *tree, lf_visit visit,
               void *context, struct feature_error *error)
{
    struct lf_root root;

    LF_TRY(lf_environment_check(reader->environment, error));
    LF_TRY(find_tree(reader, tree, &root, error));
    return lf_tree_walk(&reader->pages, &root, visit, context, error);
}
