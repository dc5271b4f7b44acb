/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups by mdb_get.
 *
 * Owns the choice of this path for a whole environment, and its use for single
 * trees: legal ones that the descent does not walk, and any of which the two
 * ever disagreed.
 * Keeps to the reader's snapshot: the reader has joined the witness, and LMDB's
 * figures of the tree are those of its record there.
 * Never takes a page that was found damaged: that read has failed already.
 */
#include "engine/fallback.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "engine/witness.h"

/* Development versions count their patches from 70 on. */
#define KNOWN_PATCHES 70

/* FEATURE_READ_PATH=mdb_get is for finding out whether the descent is to blame,
 * and for tests; an LMDB that was never tried does its look-ups itself. */
static bool
is_forced(void)
{
    const char *path = secure_getenv("FEATURE_READ_PATH");
    int major, minor, patch;

    mdb_version(&major, &minor, &patch);
    return patch >= KNOWN_PATCHES || (path && !strcmp(path, "mdb_get"));
}

bool
lf_fallback_init(struct lf_fallback *fallback, const char *path)
{
    fallback->path = lf_copy_text(path, strlen(path));
    if (!fallback->path || pthread_mutex_init(&fallback->mutex, NULL)) {
        lf_free(fallback->path);
        return false;
    }
    fallback->is_forced = is_forced();
    atomic_store(&fallback->joins, fallback->is_forced);
    return true;
}

void
lf_fallback_destroy(struct lf_fallback *fallback)
{
    pthread_mutex_destroy(&fallback->mutex);
    lf_free(fallback->path);
}

/* LMDB looks for the name on sound pages, and the root at least is a page of
 * the kind that it has to be. */
static feature_status
check_pages(struct lf_reader *reader, const char *name,
            const struct lf_root *root, struct feature_error *error)
{
    uint32_t kind = root->depth > 1 ? LF_PAGE_IS_BRANCH : LF_PAGE_IS_LEAF;
    struct lf_inspected inspected = {.count = 0};
    const uint8_t *page;

    LF_TRY(lf_tree_inspect(&reader->pages, &reader->main, name, strlen(name),
                           &inspected, NULL, NULL, error));
    return lf_page_get(&reader->pages, root->page, kind, &page, error);
}

/* A handle remembers the flags that its tree had. Of one that was dropped and
 * made again with others, LMDB would say nothing here and fail later. */
static feature_status
check_flags(struct lf_reader *reader, MDB_dbi handle,
            const struct lf_root *root, struct feature_error *error)
{
    unsigned int flags;
    int code = mdb_dbi_flags(reader->second, handle, &flags);

    if (code)
        return lf_engine_fail(error, -1, code, "cannot find a tree by LMDB");
    if (flags == root->flags)
        return FEATURE_OK;
    lf_witness_retire(reader);
    return LF_AGAIN;
}

/* Here the transaction finds the tree anew, by its name. */
static feature_status
check_tree(struct lf_reader *reader, const char *name, MDB_dbi handle,
           const struct lf_root *root, struct feature_error *error)
{
    MDB_stat stat;
    int code;

    LF_TRY(check_flags(reader, handle, root, error));
    LF_TRY(check_pages(reader, name, root, error));
    code = mdb_stat(reader->second, handle, &stat);
    if (code)
        return lf_engine_fail(error, -1, code, "cannot find a tree by LMDB");
    if (stat.ms_depth != root->depth || stat.ms_entries != root->entries)
        return lf_fail(error, FEATURE_IO, "internal",
                       "LMDB finds another tree under \"%s\"", name);
    return FEATURE_OK;
}

static feature_status
get(const struct lf_reader *reader, MDB_dbi handle, struct lf_job *job,
    struct feature_error *error)
{
    MDB_val key = {.mv_size = job->key_size,
                   .mv_data = (void *)(uintptr_t)job->key};
    MDB_val data = {0};
    int code = mdb_get(reader->second, handle, &key, &data);

    if (code && code != MDB_NOTFOUND)
        return lf_engine_fail(error, -1, code, "cannot read a value by LMDB");
    job->value = code ? NULL : data.mv_data;
    job->size = code ? 0 : (uint32_t)data.mv_size;
    return FEATURE_OK;
}

/* LMDB takes the size of an integer key for granted. */
static bool
can_have(const struct lf_root *root, const struct lf_job *job)
{
    if (root->flags & MDB_INTEGERKEY)
        return job->key_size == sizeof(unsigned int) ||
               job->key_size == sizeof(size_t);
    return job->key_size;
}

feature_status
lf_fallback_lookup(struct lf_reader *reader, const char *name,
                   const struct lf_root *root, size_t tree, struct lf_job *jobs,
                   size_t count, struct feature_error *error)
{
    MDB_dbi handle;

    if (!reader->has_joined) {
        atomic_store(&reader->environment->fallback.joins, true);
        return LF_AGAIN;
    }
    LF_TRY(lf_witness_handle(reader, name, &handle, error));
    LF_TRY(check_tree(reader, name, handle, root, error));
    for (size_t i = 0; i < count; i++)
        if (jobs[i].tree == tree && can_have(root, &jobs[i]))
            LF_TRY(get(reader, handle, &jobs[i], error));
    return FEATURE_OK;
}
