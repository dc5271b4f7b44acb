/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions: from text to catalog, and back. */
#ifndef LF_MODEL_DEFINE_H
#define LF_MODEL_DEFINE_H

#include "model/catalog.h"

/*
 * Applies a definition text to a catalog.
 *
 * On success *after is a new catalog, with version one higher, or NULL where
 * the text changes nothing. Where lines is not NULL it receives one line for
 * each change, and one that begins with "kept" for each thing the text leaves
 * out. On failure neither is touched; the error carries line and column.
 */
feature_status lf_define(const struct lf_catalog *before, const char *text,
                         struct lf_catalog **after, struct lf_text *lines,
                         struct feature_error *error);

/* Prints canonical text: everything, or the object of that name (an entity, a
 * view or a service). Applied back it changes nothing. */
feature_status lf_describe(const struct lf_catalog *catalog, const char *name,
                           struct lf_text *text, struct feature_error *error);

#endif
