/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named databases within a write transaction.
 *
 * Owns LMDB's handles: they are opened here and nowhere else.
 * Keeps a handle only for a name that the main database holds in this very
 * transaction. LMDB finds open handles by name and does not look whether the
 * database is still there: after a drop in another process, a put through the
 * old handle would bring a ghost of it back.
 * Never remembers a handle past its transaction, nor uses one after mdb_drop,
 * which closes it at once, whether or not the transaction commits.
 */
#include "engine/writer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define KEPT_HANDLES 64

static feature_status
fail(const struct lf_writer *writer, int code, const char *doing,
     struct feature_error *error)
{
    return lf_engine_fail(error, writer->environment->directory, code, "%s",
                          doing);
}

static MDB_val
bytes(const void *data, size_t size)
{
    return (MDB_val){.mv_size = size, .mv_data = (void *)(uintptr_t)data};
}

void
lf_trees_free(struct lf_writer *writer)
{
    while (writer->trees) {
        struct lf_tree *tree = writer->trees;

        writer->trees = tree->next;
        if (tree->cursor)
            mdb_cursor_close(tree->cursor);
        lf_free(tree);
    }
}

static struct lf_tree *
find_tree(const struct lf_writer *writer, const char *name)
{
    struct lf_tree *each;

    for (each = writer->trees; each; each = each->next) {
        if (each->cursor && !strcmp(each->name, name))
            return each;
    }
    return NULL;
}

static bool
is_in_use(const struct lf_writer *writer, MDB_dbi handle)
{
    const struct lf_tree *each;

    for (each = writer->trees; each; each = each->next) {
        if (each->cursor && each->handle == handle)
            return true;
    }
    return false;
}

/* Nobody but writers has handles, and there is one writer. */
static void
close_idle_handles(const struct lf_writer *writer)
{
    struct lf_environment *environment = writer->environment;
    MDB_dbi each;

    for (each = environment->main + 1; each <= environment->highest; each++) {
        if (!is_in_use(writer, each))
            mdb_dbi_close(environment->lmdb, each);
    }
}

void
lf_trees_trim(struct lf_environment *environment)
{
    MDB_dbi each;

    if (environment->highest <= environment->main + KEPT_HANDLES)
        return;
    for (each = environment->main + 1; each <= environment->highest; each++)
        mdb_dbi_close(environment->lmdb, each);
    environment->highest = environment->main;
}

static int
open_handle(const struct lf_writer *writer, const char *name, unsigned flags,
            MDB_dbi *handle)
{
    struct lf_environment *environment = writer->environment;
    int code = mdb_dbi_open(writer->txn, name, flags, handle);

    if (code == MDB_DBS_FULL) {
        close_idle_handles(writer);
        code = mdb_dbi_open(writer->txn, name, flags, handle);
    }
    if (!code && *handle > environment->highest)
        environment->highest = *handle;
    return code;
}

static int
is_there(const struct lf_writer *writer, const char *name)
{
    MDB_val key = bytes(name, strlen(name)), data;

    return mdb_get(writer->txn, writer->environment->main, &key, &data);
}

/* Where the name is gone, a handle of it that LMDB still has open is a ghost's.
 */
static void
close_ghost(const struct lf_writer *writer, const char *name)
{
    MDB_dbi handle;

    if (!mdb_dbi_open(writer->txn, name, 0, &handle))
        mdb_dbi_close(writer->environment->lmdb, handle);
}

static feature_status
add_tree(struct lf_writer *writer, const char *name, unsigned flags,
         struct lf_tree **tree, struct feature_error *error)
{
    struct lf_tree *made = lf_alloc(sizeof *made);
    int code;

    if (!made)
        return lf_fail_memory(error);
    code = open_handle(writer, name, flags, &made->handle);
    if (!code)
        code = mdb_cursor_open(writer->txn, made->handle, &made->cursor);
    if (code) {
        lf_free(made);
        return fail(writer, code, "cannot open a tree", error);
    }
    made->writer = writer;
    memcpy(made->name, name, strlen(name));
    made->next = writer->trees;
    writer->trees = made;
    *tree = made;
    return FEATURE_OK;
}

feature_status
lf_writer_tree(struct lf_writer *writer, const char *name, bool create,
               struct lf_tree **tree, struct feature_error *error)
{
    struct lf_tree *found;
    int code;

    LF_TRY(lf_environment_check(writer->environment, error));
    if (!*name || strlen(name) >= LF_TREE_NAME_SIZE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a tree's name has 1 to %d bytes",
                       LF_TREE_NAME_SIZE - 1);
    found = find_tree(writer, name);
    if (!found) {
        code = is_there(writer, name);
        if (code && code != MDB_NOTFOUND)
            return fail(writer, code, "cannot look for a tree", error);
        if (code)
            close_ghost(writer, name);
        if (!code)
            return add_tree(writer, name, 0, tree, error);
        if (create)
            return add_tree(writer, name, MDB_CREATE, tree, error);
    }
    *tree = found;
    return FEATURE_OK;
}

feature_status
lf_writer_drop(struct lf_writer *writer, const char *name,
               struct feature_error *error)
{
    struct lf_tree *tree;
    int code;

    LF_TRY(lf_writer_tree(writer, name, false, &tree, error));
    if (!tree)
        return FEATURE_OK;
    mdb_cursor_close(tree->cursor);
    tree->cursor = NULL;
    code = mdb_drop(writer->txn, tree->handle, 1);
    if (code)
        return fail(writer, code, "cannot drop a tree", error);
    return FEATURE_OK;
}

static feature_status
check(const struct lf_tree *tree, struct feature_error *error)
{
    LF_TRY(lf_environment_check(tree->writer->environment, error));
    if (!tree->cursor)
        return lf_fail(error, FEATURE_IO, "internal",
                       "the tree was dropped in this transaction");
    return FEATURE_OK;
}

feature_status
lf_tree_get(struct lf_tree *tree, const void *key, size_t key_size, bool *found,
            const uint8_t **value, size_t *size, struct feature_error *error)
{
    MDB_val at = bytes(key, key_size), data;
    int code;

    LF_TRY(check(tree, error));
    code = mdb_cursor_get(tree->cursor, &at, &data, MDB_SET);
    if (code && code != MDB_NOTFOUND)
        return fail(tree->writer, code, "cannot read a value", error);
    *found = !code;
    *value = code ? NULL : data.mv_data;
    *size = code ? 0 : data.mv_size;
    return FEATURE_OK;
}

feature_status
lf_tree_last(struct lf_tree *tree, bool *found, const uint8_t **key,
             size_t *key_size, struct feature_error *error)
{
    MDB_val at, data;
    int code;

    LF_TRY(check(tree, error));
    code = mdb_cursor_get(tree->cursor, &at, &data, MDB_LAST);
    if (code && code != MDB_NOTFOUND)
        return fail(tree->writer, code, "cannot read the last key", error);
    *found = !code;
    *key = code ? NULL : at.mv_data;
    *key_size = code ? 0 : at.mv_size;
    return FEATURE_OK;
}

/* A cursor that found nothing on seeking has no place. */
static int
go_back(const struct lf_tree *tree, bool is_past, MDB_val *at, MDB_val *data)
{
    return mdb_cursor_get(tree->cursor, at, data,
                          is_past ? MDB_LAST : MDB_PREV);
}

feature_status
lf_tree_move(struct lf_tree *tree, enum lf_step step, const void *key,
             size_t key_size, struct lf_tree_entry *entry,
             struct feature_error *error)
{
    MDB_val at = bytes(key, key_size), data;
    int code;

    LF_TRY(check(tree, error));
    if (step == LF_STEP_BACK)
        code = go_back(tree, tree->is_past, &at, &data);
    else
        code = mdb_cursor_get(tree->cursor, &at, &data,
                              step == LF_STEP_SEEK ? MDB_SET_RANGE : MDB_NEXT);
    if (code && code != MDB_NOTFOUND)
        return fail(tree->writer, code, "cannot move in a tree", error);
    tree->is_past = code && step != LF_STEP_BACK;
    *entry = (struct lf_tree_entry){0};
    if (!code)
        *entry = (struct lf_tree_entry){.key = at.mv_data,
                                        .key_size = at.mv_size,
                                        .value = data.mv_data,
                                        .size = data.mv_size};
    return FEATURE_OK;
}

feature_status
lf_tree_put(struct lf_tree *tree, const void *key, size_t key_size,
            const void *value, size_t size, bool append,
            struct feature_error *error)
{
    MDB_val at = bytes(key, key_size), data = bytes(value, size);
    int code;

    LF_TRY(check(tree, error));
    code = mdb_cursor_put(tree->cursor, &at, &data, append ? MDB_APPEND : 0);
    if (code)
        return fail(tree->writer, code, "cannot store a value", error);
    tree->is_past = false;
    return FEATURE_OK;
}

feature_status
lf_tree_delete(struct lf_tree *tree, const void *key, size_t key_size,
               struct feature_error *error)
{
    MDB_val at = bytes(key, key_size), data;
    int code;

    LF_TRY(check(tree, error));
    code = mdb_cursor_get(tree->cursor, &at, &data, MDB_SET);
    if (code == MDB_NOTFOUND)
        return FEATURE_OK;
    if (!code)
        code = mdb_cursor_del(tree->cursor, 0);
    if (code)
        return fail(tree->writer, code, "cannot remove a value", error);
    return FEATURE_OK;
}

static feature_status
scan(struct lf_tree *tree, MDB_cursor *cursor, MDB_val key, MDB_cursor_op first,
     lf_visit visit, void *context, struct feature_error *error)
{
    feature_status status = FEATURE_OK;
    MDB_val data;
    int code = mdb_cursor_get(cursor, &key, &data, first);

    while (!code && !status) {
        status = visit(context, key.mv_data, key.mv_size, data.mv_data,
                       data.mv_size, error);
        if (!status)
            code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    if (code && code != MDB_NOTFOUND)
        return fail(tree->writer, code, "cannot scan a tree", error);
    return status == LF_ENOUGH ? FEATURE_OK : status;
}

feature_status
lf_tree_scan_from(struct lf_tree *tree, const void *from, size_t from_size,
                  lf_visit visit, void *context, struct feature_error *error)
{
    feature_status status;
    MDB_cursor *cursor;
    int code;

    LF_TRY(check(tree, error));
    code = mdb_cursor_open(tree->writer->txn, tree->handle, &cursor);
    if (code)
        return fail(tree->writer, code, "cannot scan a tree", error);
    status = scan(tree, cursor, bytes(from, from_size),
                  from_size ? MDB_SET_RANGE : MDB_FIRST, visit, context, error);
    mdb_cursor_close(cursor);
    return status;
}

feature_status
lf_tree_scan(struct lf_tree *tree, lf_visit visit, void *context,
             struct feature_error *error)
{
    return lf_tree_scan_from(tree, NULL, 0, visit, context, error);
}
