/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the nearest of the names that were offered. */
#ifndef LF_MODEL_SUGGEST_H
#define LF_MODEL_SUGGEST_H

#include "model/catalog.h"
#include "model/lexer.h"

struct lf_suggestion {
    const char *name; /* as misspelt */
    uint32_t limit;   /* a candidate has to be nearer than that */
    const char *found;
};

void lf_suggestion_begin(struct lf_suggestion *suggestion, const char *name);
void lf_suggestion_offer(struct lf_suggestion *suggestion,
                         const char *candidate);

/* Offer the names of a kind. */
void lf_suggestion_offer_entities(struct lf_suggestion *suggestion,
                                  const struct lf_catalog *catalog);
void lf_suggestion_offer_events(struct lf_suggestion *suggestion,
                                const struct lf_catalog *catalog);
void lf_suggestion_offer_columns(struct lf_suggestion *suggestion,
                                 const struct lf_event *event);
void lf_suggestion_offer_views(struct lf_suggestion *suggestion,
                               const struct lf_catalog *catalog);
void lf_suggestion_offer_services(struct lf_suggestion *suggestion,
                                  const struct lf_catalog *catalog);

/* Fails as FEATURE_NOT_FOUND `name` at a place of a text, with what was found.
 * The message says what there is not. */
feature_status lf_suggestion_fail(const struct lf_suggestion *suggestion,
                                  struct lf_place at,
                                  struct feature_error *error,
                                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
