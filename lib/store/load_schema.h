/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that changes of the feed were written under, for a version that
 * catches up over changes of definitions. */
#ifndef LF_STORE_LOAD_SCHEMA_H
#define LF_STORE_LOAD_SCHEMA_H

#include "store/load_catch.h"

/* A change of a definition comes by: later ones are written under it. */
feature_status lf_schema_follow(struct lf_catch *state,
                                const struct lf_change *change,
                                struct feature_error *error);

/* How many columns the event of a change had; 0: it is no event. */
uint32_t lf_schema_columns(const struct lf_change *change);

/* The catalog of a version as it was when its view had so many schema versions,
 * and its event so many columns (0: as many as now). The caller's to release. */
feature_status lf_schema_narrow(struct lf_catalog *catalog, uint32_t schema,
                                uint32_t columns, struct lf_catalog **made,
                                struct feature_error *error);

/* Before a commit of a version that was kept: it is still there with all of its
 * rows, and is defined as the store is now. NOT_FOUND `no-version`; CONFLICT `schema-changed` where
 * the view was dropped. */
feature_status lf_schema_renew(struct lf_catch *state, struct lf_commit *commit,
                               struct feature_error *error);

#endif
