/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups by mdb_get, of trees that the descent does not serve. */
#ifndef LF_ENGINE_FALLBACK_H
#define LF_ENGINE_FALLBACK_H

#include "engine/reader.h"

/* Decides whether this environment's look-ups are all made by LMDB. */
bool lf_fallback_init(struct lf_fallback *fallback, const char *path);
void lf_fallback_destroy(struct lf_fallback *fallback);

/* Finds the values of the jobs of one tree of the reader's snapshot, whose root
 * is given. LF_AGAIN: the next reader can. */
feature_status lf_fallback_lookup(struct lf_reader *reader, const char *name,
                                  const struct lf_root *root, size_t tree,
                                  struct lf_job *jobs, size_t count,
                                  struct feature_error *error);

#endif
