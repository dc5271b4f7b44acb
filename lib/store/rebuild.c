/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new, compact store.
 *
 * Owns a directory that nobody knows the name of, until it is finished.
 * Keeps it from being a store until all rows are in: the records of meta are
 * written last, and an LMDB file without them is refused by every open.
 * Never syncs between transactions: nobody was promised anything yet.
 */
#include "store/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/load.h"
#include "store/history.h"

/* Of one transaction. */
#define PENDING_MAX ((size_t)32 << 20)
#define WAIT_MS     10000

feature_status
lf_rebuild_begin(struct lf_rebuild *rebuild, const char *path,
                 const struct feature_options *options,
                 struct feature_error *error)
{
    struct lf_environment_options asked = {
        .flags =
            FEATURE_OPEN_CREATE | (options->flags & FEATURE_OPEN_ALLOW_REMOTE),
        .mode = options->mode,
        .map_size = options->map_size,
        .max_readers = options->max_readers,
        .wait_ms = WAIT_MS,
        .unsynced = true};
    bool created = false;

    *rebuild = (struct lf_rebuild){0};
    if (strlen(path) >= sizeof rebuild->path)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the path of the store is too long");
    memcpy(rebuild->path, path, strlen(path) + 1);
    rebuild->is_made = true;
    return lf_environment_open(path, &asked, &rebuild->environment, &created,
                               error);
}

/* Whether a commit of a store without a name was made is of no interest: it will
 * not get one. */
static feature_status
commit(struct lf_rebuild *rebuild, struct feature_error *error)
{
    struct lf_writer *writer = rebuild->writer;
    struct feature_error problem = {0};
    feature_status status;

    rebuild->writer = NULL;
    rebuild->tree = rebuild->side = NULL;
    rebuild->pending = 0;
    if (!writer)
        return FEATURE_OK;
    status = lf_writer_commit(writer, &problem);
    if (status == FEATURE_IO && !strcmp(problem.reason, "outcome-unknown"))
        return lf_fail_os(error, FEATURE_IO, "io", problem.os_error,
                          "the new store cannot be written, and nothing has "
                          "changed");
    if (status && error)
        *error = problem;
    return status;
}

static feature_status
open_tree(struct lf_rebuild *rebuild, const char *name, struct lf_tree **tree,
          struct feature_error *error)
{
    if (!rebuild->writer)
        LF_TRY(lf_writer_begin(rebuild->environment, WAIT_MS, &rebuild->writer,
                               error));
    return lf_writer_tree(rebuild->writer, name, true, tree, error);
}

static feature_status
use_tree(struct lf_rebuild *rebuild, const char *name,
         struct feature_error *error)
{
    return open_tree(rebuild, name, &rebuild->tree, error);
}

static feature_status
begin_store(void *to, const struct lf_manifest *manifest,
            struct feature_error *error)
{
    struct lf_rebuild *rebuild = to;

    (void)error;
    rebuild->manifest = manifest;
    return FEATURE_OK;
}

/* A tree is made by its first record: an empty one needs none. */
static feature_status
begin_tree(void *to, const struct lf_view *view, bool is_history,
           struct feature_error *error)
{
    struct lf_rebuild *rebuild = to;

    (void)error;
    if (view) {
        (is_history ? lf_history_tree : lf_rows_tree)(view, rebuild->name);
        lf_tiles_tree(view, rebuild->side_name);
    } else {
        memcpy(rebuild->name, LF_CATALOG_TREE, sizeof LF_CATALOG_TREE);
    }
    rebuild->tree = rebuild->side = NULL;
    return FEATURE_OK;
}

static feature_status
begin_ids(void *to, const struct lf_event *event, struct feature_error *error)
{
    struct lf_rebuild *rebuild = to;

    (void)error;
    lf_dedupe_tree(event, rebuild->name);
    rebuild->tree = NULL;
    return FEATURE_OK;
}

static feature_status
begin_loads(void *to, struct feature_error *error)
{
    struct lf_rebuild *rebuild = to;

    (void)error;
    memcpy(rebuild->name, LF_LOADS_TREE, sizeof LF_LOADS_TREE);
    rebuild->tree = NULL;
    return FEATURE_OK;
}

static feature_status
put(void *to, const uint8_t *key, size_t key_size, const uint8_t *value,
    size_t size, struct feature_error *error)
{
    struct lf_rebuild *rebuild = to;

    if (!rebuild->tree)
        LF_TRY(use_tree(rebuild, rebuild->name, error));
    LF_TRY(lf_tree_put(rebuild->tree, key, key_size, value, size, true, error));
    rebuild->pending += key_size + size;
    return rebuild->pending < PENDING_MAX ? FEATURE_OK : commit(rebuild, error);
}

static feature_status
put_side(void *to, const uint8_t *key, size_t key_size, const uint8_t *value,
         size_t size, struct feature_error *error)
{
    struct lf_rebuild *rebuild = to;

    if (!rebuild->side)
        LF_TRY(open_tree(rebuild, rebuild->side_name, &rebuild->side, error));
    LF_TRY(lf_tree_put(rebuild->side, key, key_size, value, size, true, error));
    rebuild->pending += key_size + size;
    return rebuild->pending < PENDING_MAX ? FEATURE_OK : commit(rebuild, error);
}

feature_status
lf_rebuild_put(struct lf_rebuild *rebuild, const char *tree, const uint8_t *key,
               size_t key_size, const uint8_t *value, size_t size,
               struct feature_error *error)
{
    if (strcmp(rebuild->name, tree) != 0) {
        snprintf(rebuild->name, sizeof rebuild->name, "%s", tree);
        rebuild->tree = NULL;
    }
    return put(rebuild, key, key_size, value, size, error);
}

const struct lf_sink lf_to_store = {begin_store, begin_tree, begin_ids,
                                    begin_loads, put,        put_side};

/* Of the feed, its consumers and the sources. */
static feature_status
write_others(struct lf_rebuild *rebuild, struct feature_error *error)
{
    const struct lf_manifest *manifest = rebuild->manifest;

    for (uint32_t i = 0; i < manifest->record_count; i++) {
        const struct lf_manifest_record *each = &manifest->records[i];

        LF_TRY(use_tree(
            rebuild, each->is_offset ? LF_OFFSETS_TREE : LF_META_TREE, error));
        LF_TRY(lf_tree_put(rebuild->tree, each->key.bytes, each->key.size,
                           each->value.bytes, each->value.size, false, error));
    }
    return FEATURE_OK;
}

static feature_status
write_records(struct lf_rebuild *rebuild, const struct lf_meta_store *meta,
              struct feature_error *error)
{
    uint8_t store[LF_META_STORE_SIZE], view[LF_META_VIEW_SIZE];
    char key[LF_META_KEY_SIZE];

    LF_TRY(write_others(rebuild, error));
    LF_TRY(use_tree(rebuild, LF_META_TREE, error));
    lf_meta_store_encode(meta, store);
    LF_TRY(lf_tree_put(rebuild->tree, LF_META_STORE_KEY,
                       strlen(LF_META_STORE_KEY), store, sizeof store, false,
                       error));
    for (uint32_t i = 0; i < rebuild->manifest->view_count; i++) {
        const struct lf_manifest_view *each = &rebuild->manifest->views[i];

        lf_meta_view_key(each->id, key);
        lf_meta_view_encode(&each->meta, each->id, view);
        LF_TRY(lf_tree_put(rebuild->tree, key, strlen(key), view, sizeof view,
                           false, error));
    }
    return commit(rebuild, error);
}

/* LMDB never syncs a directory. */
static feature_status
sync_directory(const char *path, struct feature_error *error)
{
    int handle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;

    if (handle < 0 || fsync(handle))
        code = errno;
    if (handle >= 0)
        close(handle);
    return code ? lf_file_fail(error, code, "sync of", path) : FEATURE_OK;
}

feature_status
lf_rebuild_finish(struct lf_rebuild *rebuild, const struct lf_meta_store *meta,
                  uint64_t *size, struct feature_error *error)
{
    struct lf_environment_info info;

    LF_TRY(write_records(rebuild, meta, error));
    LF_TRY(lf_environment_sync(rebuild->environment, error));
    LF_TRY(lf_environment_info(rebuild->environment, &info, error));
    *size = info.file_size;
    lf_environment_close(rebuild->environment);
    rebuild->environment = NULL;
    return sync_directory(rebuild->path, error);
}

void
lf_rebuild_remove(const char *path)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock",
                                        "new.mdb"};
    int handle = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (handle < 0)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(handle, names[i], 0);
    close(handle);
    rmdir(path);
}

void
lf_rebuild_end(struct lf_rebuild *rebuild)
{
    lf_writer_abort(rebuild->writer);
    lf_environment_close(rebuild->environment);
    if (rebuild->is_made)
        lf_rebuild_remove(rebuild->path);
    *rebuild = (struct lf_rebuild){0};
}
