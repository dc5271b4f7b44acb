/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a load or a rollback, in words. */
#ifndef TOOL_LOADED_H
#define TOOL_LOADED_H

#include "tool.h"

void loaded_add_lines(struct text *text,
                      const struct feature_load_report *report);
void loaded_add_json(struct text *text, const char *view,
                     const struct feature_load_report *report);

#endif
