/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in a snapshot, by tree name and key.
 *
 * Owns the way from names to trees to values.
 * Keeps to the pages of one snapshot: trees are found by name in it, so one
 * that is created, dropped or swapped meanwhile, here or in another process,
 * is seen exactly as the snapshot has it.
 * Never hands LMDB a page that was found damaged: that is FEATURE_CORRUPT.
 */
#include "engine/descent.h"
#include "engine/fallback.h"
#include "engine/known.h"
#include "engine/selfcheck.h"

#include <assert.h>
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

/* For those who walk it themselves. */
static feature_status
find_plain_tree(struct lf_reader *reader, const char *name,
                struct lf_root *root, struct feature_error *error)
{
    LF_TRY(find_tree(reader, name, root, error));
    return lf_root_refuse_flags(root, error);
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

uint64_t
lf_reader_transaction(const struct lf_reader *reader)
{
    return reader->transaction;
}

feature_status
lf_reader_entries(struct lf_reader *reader, const char *tree, uint64_t *entries,
                  struct feature_error *error)
{
    struct lf_root root;

    LF_TRY(find_tree(reader, tree, &root, error));
    *entries = root.depth ? root.entries : 0;
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

    LF_TRY(lf_environment_check_process(reader->environment, error));
    LF_TRY(find_plain_tree(reader, tree, &root, error));
    LF_TRY(find_value(reader, &root, key, key_size, &at, &length, error));
    *found = at != NULL;
    *value = at;
    *size = length;
    return FEATURE_OK;
}

static feature_status
walk_jobs(struct lf_reader *reader, const struct lf_root *root, size_t tree,
          struct lf_job *jobs, size_t count, struct feature_error *error)
{
    size_t i, size;

    for (i = 0; i < count; i++) {
        if (jobs[i].tree != tree || !jobs[i].key_size)
            continue;
        LF_TRY(find_value(reader, root, jobs[i].key, jobs[i].key_size,
                          &jobs[i].value, &size, error));
        jobs[i].size = (uint32_t)size;
    }
    return FEATURE_OK;
}

/* The trees that the descent does not serve: for it they are empty, and their
 * roots are kept here. */
struct aside {
    uint32_t count;
    enum lf_route routes[AT_ONCE];
    size_t trees[AT_ONCE];
    struct lf_root roots[AT_ONCE];
};

static void
set_aside(struct aside *aside, enum lf_route route, size_t tree,
          struct lf_root *root)
{
    aside->routes[aside->count] = route;
    aside->trees[aside->count] = tree;
    aside->roots[aside->count++] = *root;
    root->depth = 0;
}

static feature_status
look_up_aside(struct lf_reader *reader, const char *const *trees,
              const struct aside *aside, struct lf_job *jobs, size_t count,
              struct feature_error *error)
{
    for (uint32_t i = 0; i < aside->count; i++) {
        const struct lf_root *root = &aside->roots[i];
        size_t tree = aside->trees[i];

        if (aside->routes[i] == LF_ROUTE_WALK)
            LF_TRY(walk_jobs(reader, root, tree, jobs, count, error));
        else
            LF_TRY(lf_fallback_lookup(reader, trees[tree], root, tree, jobs,
                                      count, error));
    }
    if (aside->count)
        atomic_fetch_add(&reader->environment->fallback.reads, 1);
    return FEATURE_OK;
}

static feature_status
find_route(struct lf_reader *reader, const char *name, size_t count,
           struct lf_root *root, enum lf_route *route,
           struct feature_error *error)
{
    const struct lf_known_tree *known = lf_known_recall(reader, name, count);

    if (known) {
        *root = known->root;
        *route = known->route;
        return FEATURE_OK;
    }
    LF_TRY(find_tree(reader, name, root, error));
    *route =
        root->depth ? lf_selfcheck_route(reader, name, root) : LF_ROUTE_DESCENT;
    if (*route != LF_ROUTE_WALK) /* the next read may be able to check it */
        lf_known_remember(reader, name, root, *route);
    return FEATURE_OK;
}

static feature_status
look_up(struct lf_reader *reader, const char *const *trees, size_t first,
        size_t some, struct lf_job *jobs, size_t count,
        struct feature_error *error)
{
    struct lf_root roots[AT_ONCE];
    struct aside aside;

    aside.count = 0;
    for (size_t i = 0; i < some; i++) {
        enum lf_route route;

        LF_TRY(find_route(reader, trees[first + i], count / some, &roots[i],
                          &route, error));
        assert(!roots[i].index ||
               roots[i].index->transaction == reader->transaction);
        if (__builtin_expect(route != LF_ROUTE_DESCENT, 0))
            set_aside(&aside, route, first + i, &roots[i]);
    }
    LF_TRY(lf_descend(&reader->pages, roots, first, some, jobs, count, error));
    return look_up_aside(reader, trees, &aside, jobs, count, error);
}

feature_status
lf_reader_lookup(struct lf_reader *reader, const char *const *trees,
                 size_t tree_count, struct lf_job *jobs, size_t count,
                 struct feature_error *error)
{
    size_t first, some;

    LF_TRY(lf_environment_check_process(reader->environment, error));
    for (first = 0; first < tree_count; first += some) {
        some = tree_count - first < AT_ONCE ? tree_count - first : AT_ONCE;
        LF_TRY(look_up(reader, trees, first, some, jobs, count, error));
    }
    return FEATURE_OK;
}

feature_status
lf_reader_root(struct lf_reader *reader, const char *tree, struct lf_root *root,
               struct feature_error *error)
{
    LF_TRY(lf_environment_check_process(reader->environment, error));
    return find_plain_tree(reader, tree, root, error);
}

feature_status
lf_reader_scan(struct lf_reader *reader, const char *tree, lf_visit visit,
               void *context, struct feature_error *error)
{
    return lf_reader_scan_from(reader, tree, "", 0, visit, context, error);
}

feature_status
lf_reader_scan_from(struct lf_reader *reader, const char *tree,
                    const void *from, size_t from_size, lf_visit visit,
                    void *context, struct feature_error *error)
{
    struct lf_root root;
    feature_status status;

    LF_TRY(lf_reader_root(reader, tree, &root, error));
    status = lf_tree_walk_from(&reader->pages, &root, from, from_size, visit,
                               context, error);
    return status == LF_ENOUGH ? FEATURE_OK : status;
}
