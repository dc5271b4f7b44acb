/* SPDX-License-Identifier: Apache-2.0 */
/* How far a store has read its sources. */
#ifndef LF_STORE_OFFSETS_H
#define LF_STORE_OFFSETS_H

#include "store/commit.h"

/* Names, sizes and order of the sources of a call. */
feature_status lf_sources_check(const struct feature_source *sources,
                                uint32_t count, struct feature_error *error);

/* Whether all of a call was written before; CONFLICT `overlap` where a part of
 * it was. */
feature_status lf_sources_replayed(struct lf_commit *commit,
                                   const struct feature_source *sources,
                                   uint32_t count, bool *is_replay,
                                   struct feature_error *error);

/* Stores where to go on, in the commit that has its number. */
feature_status lf_sources_put(struct lf_commit *commit,
                              const struct feature_source *sources,
                              uint32_t count, struct feature_error *error);

/* Where a source goes on by what is stored; 0: nothing is. */
feature_status lf_source_stored(struct lf_commit *commit,
                                const struct feature_source *source,
                                uint64_t *next_offset,
                                struct feature_error *error);

#endif
