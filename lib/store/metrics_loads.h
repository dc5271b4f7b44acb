/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and the versions of views among the metrics. */
#ifndef LF_STORE_METRICS_LOADS_H
#define LF_STORE_METRICS_LOADS_H

#include "base/buffer.h"
#include "store/figures.h"

/* Adds what is on record of loads, what the newest of each view did, the versions
 * that are kept, and what loads have left whose process ended. */
void lf_metrics_loads(struct lf_text *text, const struct lf_figures *figures);

#endif
