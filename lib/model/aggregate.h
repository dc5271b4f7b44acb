/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates over windows: what they take and give, and how they are written.
 */
#ifndef LF_MODEL_AGGREGATE_H
#define LF_MODEL_AGGREGATE_H

#include "model/catalog.h"

/* "SUM"; NULL for a number that is no aggregate. DISTINCT is not in it. */
const char *lf_aggregate_name(enum lf_aggregate_kind kind);

/* What k may be, and whether it may be left out. False: it takes none. */
struct lf_bounds {
    const char *what; /* "k", "cap", "p" */
    uint32_t low;
    uint32_t high;
    uint32_t standard; /* where the text has none */
    bool needed;
};
bool lf_aggregate_bounds(enum lf_aggregate_kind kind, struct lf_bounds *bounds);

/* Why an aggregate cannot be of its columns. */
struct lf_misfit {
    bool is_by;       /* the column of BY is at fault */
    const char *rule; /* "adds numbers" */
};

/* The type of its values, or of its keys. Columns are the event's. */
bool lf_aggregate_type(const struct lf_event *event,
                       const struct lf_aggregate *aggregate,
                       struct lf_type *type, struct lf_misfit *misfit);

/* The hop of a sliding window whose text gives none. */
int64_t lf_window_hop(int64_t size);

/* Whether every part is one that a text can have made. */
bool lf_aggregate_is_valid(const struct lf_event *event,
                           const struct lf_aggregate *aggregate);

/* Whether a term's literals may be compared so with a column of the type, and
 * are in canonical form. */
bool lf_term_is_valid(const struct lf_event *event, const struct lf_term *term);

/* The canonical order of terms; 0: they are equal. */
int lf_term_compare(const struct lf_term *a, const struct lf_term *b);
int lf_literal_compare(const struct lf_literal *a, const struct lf_literal *b);

bool lf_aggregate_equal(const struct lf_aggregate *a,
                        const struct lf_aggregate *b);

/* Whether the hops of some features form one chain, each dividing the next.
 * False: two of them do not. */
bool lf_features_chain(const struct lf_feature *features, uint32_t count,
                       const struct lf_feature **one,
                       const struct lf_feature **other);

struct lf_aggregate *lf_aggregate_copy(struct lf_arena *arena,
                                       const struct lf_aggregate *aggregate);

/* SUM(amount) BY shop LIMIT 64 WHERE ... OVER '1 hour' HOP '1 minute' */
void lf_aggregate_print(struct lf_text *text, const struct lf_event *event,
                        const struct lf_aggregate *aggregate);

#endif
