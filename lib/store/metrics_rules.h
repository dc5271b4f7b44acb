/* SPDX-License-Identifier: Apache-2.0 */
/* The quality rules of views among the metrics. */
#ifndef LF_STORE_METRICS_RULES_H
#define LF_STORE_METRICS_RULES_H

#include "base/buffer.h"
#include "store/figures.h"

/* Adds the figure of each rule that can be judged without reading rows, and
 * whether it holds. */
void lf_metrics_rules(struct lf_text *text, const struct lf_figures *figures);

#endif
