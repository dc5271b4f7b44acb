/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of readers.
 *
 * Owns a place in a tree of one snapshot, for seeks and steps forward.
 * Keeps to the checked pages, as every reader does.
 * Never outlives its reader, and never looks at a page that a seek near the
 * last one can do without.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "engine/page.h"
#include "engine/reader.h"

struct lf_cursor {
    struct lf_root root;
    struct lf_walk walk;
};

feature_status
lf_cursor_open(struct lf_reader *reader, const char *tree,
               struct lf_cursor **cursor, struct feature_error *error)
{
    struct lf_root root;
    struct lf_cursor *made;

    LF_TRY(lf_reader_root(reader, tree, &root, error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    made->root = root;
    made->walk.pages = &reader->pages;
    made->walk.root = &made->root;
    made->walk.level = 0;
    *cursor = made;
    return FEATURE_OK;
}

void
lf_cursor_close(struct lf_cursor *cursor)
{
    lf_free(cursor);
}

feature_status
lf_cursor_next(struct lf_cursor *cursor, struct lf_cursor_entry *entry,
               struct feature_error *error)
{
    struct lf_node node;
    const uint8_t *value;
    bool found = false;

    LF_TRY(lf_walk_next(&cursor->walk, &found, &node, error));
    if (!found) {
        *entry = (struct lf_cursor_entry){0};
        return FEATURE_OK;
    }
    if (node.flags & ~(uint32_t)LF_NODE_IS_BIG)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a value is of an unknown kind (0x%x)", node.flags);
    LF_TRY(lf_page_value(cursor->walk.pages, &node, &value, error));
    *entry = (struct lf_cursor_entry){.key = node.key,
                                      .key_size = node.key_size,
                                      .value = value,
                                      .size = node.size};
    return FEATURE_OK;
}

feature_status
lf_cursor_seek(struct lf_cursor *cursor, const void *key, size_t key_size,
               struct lf_cursor_entry *entry, struct feature_error *error)
{
    if (cursor->root.depth)
        LF_TRY(lf_walk_seek_near(&cursor->walk, key, key_size, error));
    return lf_cursor_next(cursor, entry, error);
}
