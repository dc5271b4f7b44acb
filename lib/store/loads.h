/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of loads and of the versions of views. */
#ifndef LF_STORE_LOADS_H
#define LF_STORE_LOADS_H

#include "format/load.h"
#include "store/commit.h"

#define LF_LOADS_KEPT 64 /* records of one view */

/* --- records (loads.c) ----------------------------------------------------- */

struct lf_load_list {
    struct lf_arena arena;
    struct lf_buffer records; /* lf_load_record, by number */
};

static inline size_t
lf_load_count(const struct lf_load_list *list)
{
    return list->records.size / sizeof(struct lf_load_record);
}

static inline struct lf_load_record *
lf_load_at(const struct lf_load_list *list, size_t index)
{
    return (struct lf_load_record *)(void *)list->records.data + index;
}

/* Those of a view; 0: of all. Free the list after a failure, too. */
feature_status lf_loads_read(struct lf_reader *reader, uint32_t view,
                             struct lf_load_list *list,
                             struct feature_error *error);
feature_status lf_loads_read_within(struct lf_commit *commit, uint32_t view,
                                    struct lf_load_list *list,
                                    struct feature_error *error);
void lf_loads_free(struct lf_load_list *list);

feature_status lf_loads_put(struct lf_commit *commit,
                            const struct lf_load_record *record,
                            struct feature_error *error);

/* Writes a record again, in a commit of its own; one that has gone with its view
 * stays away. */
feature_status lf_loads_note(feature_store *store, uint32_t wait_ms,
                             const struct lf_load_record *record,
                             struct feature_error *error);

/* A number for a load; none is given twice, whatever becomes of its record. */
feature_status lf_loads_number(struct lf_commit *commit, uint64_t *number,
                               struct feature_error *error);

/* The number of the next load, and of the view's next version; removes records
 * that are too many. */
feature_status lf_loads_next(struct lf_commit *commit,
                             const struct lf_view *view,
                             const struct lf_load_list *list, uint64_t *number,
                             uint32_t *version, struct feature_error *error);

/* Removes records that are too many; view is the one that serves. */
feature_status lf_loads_prune(struct lf_commit *commit,
                              const struct lf_view *view,
                              struct feature_error *error);

/* The view is gone: all of its versions and records. */
feature_status lf_loads_forget(struct lf_commit *commit,
                               const struct lf_view *view,
                               struct feature_error *error);

/* --- versions (load_versions.c) --------------------------------------------- */

struct lf_version {
    enum lf_standing standing;
    uint32_t view;
    uint32_t version;
    struct lf_meta_view meta;
};

/* The versions of a view that do not serve; 0: of all views. */
feature_status lf_versions_read(struct lf_reader *reader, uint32_t view,
                                struct lf_buffer *versions,
                                struct feature_error *error);
feature_status lf_versions_read_within(struct lf_commit *commit, uint32_t view,
                                       struct lf_buffer *versions,
                                       struct feature_error *error);

/* Removes a version's trees and record. */
feature_status lf_version_drop(struct lf_commit *commit, uint32_t view,
                               uint32_t version, enum lf_standing standing,
                               struct feature_error *error);

/* Where a full store has no room to drop a version: removes half of its rows, a
 * few in each commit. False: nothing could be removed (load_shrink.c). */
bool lf_version_halve(feature_store *store, uint32_t wait_ms,
                      const struct lf_version *version);

/* Removes all that loads of a view have staged, each version in a commit of its
 * own, then sets the records of those under way to a state. The view is claimed by
 * the caller. */
feature_status lf_staged_discard(feature_store *store, uint32_t wait_ms,
                                 uint32_t view, int32_t state,
                                 const char *problem,
                                 struct feature_error *error);

/* Removes the versions of a view that are kept and too many, the oldest first,
 * each in a commit of its own. */
feature_status lf_kept_trim(feature_store *store, uint32_t wait_ms,
                            uint32_t view, struct feature_error *error);

/* What loads that were interrupted have left, and versions that are too many. */
feature_status lf_versions_upkeep(feature_store *store, uint32_t wait_ms,
                                  struct feature_error *error);

/* --- definitions (load_definition.c) ---------------------------------------- */

/* What a load must find unchanged: the records of a view, its entity, its event. */
struct lf_definition {
    uint64_t catalog_version; /* the last that was looked at */
    struct lf_buffer bytes;
};

feature_status lf_definition_take(struct lf_definition *definition,
                                  const struct lf_catalog *catalog,
                                  const struct lf_view *view,
                                  struct feature_error *error);

/* CONFLICT `schema-changed`. name is the view's. */
feature_status lf_definition_check(struct lf_definition *definition,
                                   struct lf_commit *commit, uint32_t view,
                                   const char *name,
                                   struct feature_error *error);

#endif
