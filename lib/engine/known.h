/* SPDX-License-Identifier: Apache-2.0 */
/* The trees of a snapshot that a reader found before. */
#ifndef LF_ENGINE_KNOWN_H
#define LF_ENGINE_KNOWN_H

#include "engine/reader.h"
#include "engine/selfcheck.h"

/* The known tree of that name, in which count keys are about to be looked up,
 * or NULL. */
const struct lf_known_tree *lf_known_recall(struct lf_reader *reader,
                                            const char *name, size_t count);

/* Remembers a tree, where there is room. */
void lf_known_remember(struct lf_reader *reader, const char *name,
                       const struct lf_root *root, enum lf_route route);

/* Forgets the trees of another snapshot than the reader's. */
void lf_known_follow(struct lf_reader *reader);

/* Forgets all, and with them their indexes. */
void lf_known_forget(struct lf_reader *reader);

#endif
