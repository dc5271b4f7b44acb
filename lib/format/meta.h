/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the tree `meta`: one for the store, one for each view, and one for
 * each of its versions that do not serve. */
#ifndef LF_FORMAT_META_H
#define LF_FORMAT_META_H

#include <stdbool.h>

#include "base/hash.h"
#include "model/catalog.h"

#define LF_FORMAT_VERSION 1
#define LF_META_TREE      "meta"
#define LF_META_STORE_KEY "store"
#define LF_META_KEY_SIZE  48 /* with its NUL */

/* Feature bits this library knows. An unknown compatible bit is ignored, an
 * unknown write-incompatible one makes the store read-only, an unknown
 * incompatible one closes it. */
#define LF_KNOWN_WRITE_INCOMPATIBLE 0u
#define LF_KNOWN_INCOMPATIBLE       0u

#define LF_COMMITS_KEPT 64

/* Who made a commit: another process may have taken the number. */
struct lf_commit_token {
    uint64_t sequence;
    uint64_t token;
};

struct lf_meta_store {
    uint32_t format;
    uint32_t shard_index;
    uint32_t shard_count;
    uint64_t compatible;
    uint64_t write_incompatible;
    uint64_t incompatible;
    uint8_t uuid[16];
    uint64_t epoch;
    uint64_t incarnation;
    uint64_t sequence;   /* of the newest commit; 0: none */
    int64_t commit_time; /* of it */
    uint64_t catalog_version;
    struct lf_commit_token tokens[LF_COMMITS_KEPT]; /* by sequence % 64 */
};

#define LF_META_STORE_SIZE (4 + 12 + 3 * 8 + 16 + 5 * 8 + LF_COMMITS_KEPT * 16)

/* In place of a number of rows, of a view FROM an event: a load brought all events
 * of before. Nobody knows which of them were there when. */
#define LF_HISTORY_LOADED UINT64_MAX

struct lf_meta_view {
    uint64_t row_entries;     /* of rows/, tombstones included */
    uint64_t history_entries; /* of history/ */
    uint64_t tile_entries;    /* of tiles/ */
    uint64_t tombstones;
    struct lf_hash128 content;
    int64_t newest;        /* event timestamp; INT64_MIN: none */
    uint64_t commit;       /* the last that touched the view; of a version that
                                does not serve, the last that it knows of */
    int64_t purge_horizon; /* past the newest cell of each row that expired;
                                INT64_MIN: none did */
    int64_t history_horizon; /* INT64_MIN: nothing was dropped */
    uint64_t applied;
    uint64_t late;
    int64_t history_since;  /* commit time; INT64_MIN: no history is kept */
    uint64_t history_bases; /* rows that were there then; LF_HISTORY_LOADED */
    struct lf_hash128 history;
    int64_t
        purge_time; /* of the last commit that removed rows or tombstones for
                           good; 0: none did */
    /* Of a version that is kept alone; 0 of others. */
    uint64_t left;   /* sequence of the swap by which it was replaced; 0: some
                        of its rows are gone already */
    uint64_t schema; /* versions of it that there were after `commit` */
};

#define LF_META_VIEW_SIZE    (4 + 17 * 8)
#define LF_META_VERSION_SIZE (LF_META_VIEW_SIZE + 2 * 8) /* at most */

/* The checksum covers the key too. False from a decoder: damaged bytes. */
void lf_meta_store_encode(const struct lf_meta_store *meta,
                          uint8_t to[LF_META_STORE_SIZE]);
bool lf_meta_store_decode(struct lf_meta_store *meta, const uint8_t *bytes,
                          size_t size);

void lf_meta_view_key(uint32_t view, char key[LF_META_KEY_SIZE]);
void lf_meta_view_encode(const struct lf_meta_view *meta, uint32_t view,
                         uint8_t to[LF_META_VIEW_SIZE]);
bool lf_meta_view_decode(struct lf_meta_view *meta, uint32_t view,
                         const uint8_t *bytes, size_t size);

/* The same of a version that does not serve; its key says what it is. */
void lf_meta_version_key(enum lf_standing standing, uint32_t view,
                         uint32_t version, char key[LF_META_KEY_SIZE]);
bool lf_meta_version_read_key(const uint8_t *key, size_t size,
                              enum lf_standing *standing, uint32_t *view,
                              uint32_t *version);
size_t lf_meta_version_encode(const struct lf_meta_view *meta, const char *key,
                              uint8_t to[LF_META_VERSION_SIZE]);
bool lf_meta_version_decode(struct lf_meta_view *meta, const char *key,
                            const uint8_t *bytes, size_t size);

/* A view that nothing was written to. */
struct lf_meta_view lf_meta_view_empty(void);

#endif
