/* SPDX-License-Identifier: Apache-2.0 */
/* What feature history prints of a stream of versions. */
#ifndef TOOL_VERSIONS_H
#define TOOL_VERSIONS_H

#include "answer.h"
#include "arrow.h"

/* Prints all versions of a stream of feature_query_history() to standard
 * output. Returns the exit code. */
int versions_print(struct ArrowArrayStream *stream, const feature_query *query,
                   const struct feature_history_report *report,
                   enum answer_form form);

#endif
