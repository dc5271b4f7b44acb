/* SPDX-License-Identifier: Apache-2.0 */
/* A new, compact store at the end of a copy. */
#ifndef LF_STORE_REBUILD_H
#define LF_STORE_REBUILD_H

#include "store/copy.h"
#include "store/output.h"

struct lf_rebuild {
    char path[PATH_MAX]; /* of the store that is being made */
    struct lf_environment *environment;
    struct lf_writer *writer;
    struct lf_tree *tree;
    struct lf_tree *side;         /* of the view whose rows come */
    char name[LF_TREE_NAME_SIZE]; /* of the tree */
    char side_name[LF_TREE_NAME_SIZE];
    char segment[LF_TREE_NAME_SIZE]; /* of the change feed, under way */
    const struct lf_manifest *manifest;
    size_t pending; /* bytes in the transaction */
    bool is_made;   /* the directory is there */
};

extern const struct lf_sink lf_to_store;

/* Begins a store in a directory that is not there yet. */
feature_status lf_rebuild_begin(struct lf_rebuild *rebuild, const char *path,
                                const struct feature_options *options,
                                struct feature_error *error);

/* An entry past the last one of a tree. */
feature_status lf_rebuild_put(struct lf_rebuild *rebuild, const char *tree,
                              const uint8_t *key, size_t key_size,
                              const uint8_t *value, size_t size,
                              struct feature_error *error);

/* Writes the records of meta, without which it is no store, syncs and closes.
 * size: of its file. */
feature_status lf_rebuild_finish(struct lf_rebuild *rebuild,
                                 const struct lf_meta_store *meta,
                                 uint64_t *size, struct feature_error *error);

/* Removes what was made, unless it was handed over (is_made false). */
void lf_rebuild_end(struct lf_rebuild *rebuild);

/* Removes the files of a store and its directory. */
void lf_rebuild_remove(const char *path);

#endif
