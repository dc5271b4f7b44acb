/* SPDX-License-Identifier: Apache-2.0 */
/* The history of one view within a write transaction. */
#ifndef LF_STORE_HISTORY_H
#define LF_STORE_HISTORY_H

#include "format/history.h"
#include "store/journal.h"

/* history/<view>/<version> */
void lf_history_tree(const struct lf_view *view, char name[LF_TREE_NAME_SIZE]);

/* Begins and ends the history of the views for which apply says so: what the
 * option has switched off is dropped. */
feature_status lf_history_follow(struct lf_commit *commit,
                                 const struct lf_catalog *before,
                                 const struct lf_catalog *after,
                                 struct feature_error *error);

/* Says in a view's record that history begins with this commit, unless it has
 * begun before. */
void lf_history_begin(struct lf_meta_view *meta,
                      const struct lf_commit *commit);

/* Forgets what a view keeps so far: its history begins with the next write. */
feature_status lf_history_restart(struct lf_commit *commit,
                                  const struct lf_view *view,
                                  struct feature_error *error);

/* Keeps a row that was written, with the images that this takes. */
feature_status lf_history_add(struct lf_rows *rows,
                              const struct lf_written *written,
                              struct feature_error *error);

/* What a form keeps for it; NULL is fine. */
void lf_history_free(struct lf_history *history);

#endif
