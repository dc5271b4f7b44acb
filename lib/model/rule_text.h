/* SPDX-License-Identifier: Apache-2.0 */
/* A text of quality rules on its way to a view's rules. */
#ifndef LF_MODEL_RULE_TEXT_H
#define LF_MODEL_RULE_TEXT_H

#include "model/parse.h"

/* Parses a whole text of rules, without quotes. Places are those of the text,
 * which has to live as long as the clause. */
feature_status lf_parse_rule_text(const char *text, struct lf_arena *arena,
                                  struct lf_option_clause *clause,
                                  struct feature_error *error);

/* What rules say of a view, as many as the clause has. */
feature_status lf_resolve_rules(const struct lf_option_clause *clause,
                                const struct lf_view *view,
                                const struct lf_entity *entity,
                                struct lf_rule *rules,
                                struct feature_error *error);

#endif
