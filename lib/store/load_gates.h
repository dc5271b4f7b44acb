/* SPDX-License-Identifier: Apache-2.0 */
/* The gates of a load: its view's quality rules, before the swap. */
#ifndef LF_STORE_LOAD_GATES_H
#define LF_STORE_LOAD_GATES_H

#include "store/load.h"

/* Adds the rules of a text to those of the staged view; NULL: none. */
feature_status lf_load_add_rules(struct feature_load *load, const char *text,
                                 struct feature_error *error);

/* Judges the version that was built, before it catches up, and leaves the figures
 * in the load's record. CONFLICT `gate` names the first rule that does not hold,
 * save where the load passes them by force. */
feature_status lf_load_judge(struct feature_load *load,
                             struct feature_error *error);

#endif
