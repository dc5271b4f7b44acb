/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of rows, for a load. */
#ifndef LF_STORE_LOAD_ROWS_H
#define LF_STORE_LOAD_ROWS_H

#include "store/load.h"

/* Whether a load can take a batch at all. */
feature_status lf_load_check_batch(const struct feature_load *load,
                                   const feature_batch *batch,
                                   struct feature_error *error);

/* Takes the rows of a batch. INVALID, save `order`: none of them was taken. number
 * and first are how messages count it and its first row. */
feature_status lf_load_rows(struct feature_load *load, feature_batch *batch,
                            uint32_t number, uint32_t first,
                            struct feature_error *error);

/* The message of a row of a piece of a batch, as one of the whole. */
void lf_load_name_row(uint32_t first, struct feature_error *error);

/* --- views FROM an event --------------------------------------------------- */

/* INVALID: the load takes other content by now. */
feature_status lf_load_check_content(const struct feature_load *load,
                                     enum lf_load_content content,
                                     struct feature_error *error);

/* Takes a batch of events, as lf_load_rows() takes one of rows. */
feature_status lf_load_events(struct feature_load *load, feature_batch *batch,
                              uint32_t number, uint32_t first,
                              struct feature_error *error);

/* All events are in the sorter: folds those of each key. */
feature_status lf_load_fold(struct feature_load *load,
                            struct feature_error *error);

/* Takes states. */
struct lf_tiles_in;
feature_status lf_load_states(struct feature_load *load,
                              const struct lf_tiles_in *in, uint32_t number,
                              struct feature_error *error);
feature_status lf_load_append_states(struct feature_load *load,
                                     const struct lf_tiles_in *in,
                                     uint32_t number,
                                     struct feature_error *error);

/* Whether the load can go on. */
feature_status lf_load_check(struct feature_load *load,
                             struct feature_error *error);

/* The same as a call of the load: a failure may be its end. */
feature_status lf_load_append(struct feature_load *load, feature_batch *batch,
                              uint32_t number, uint32_t first,
                              struct feature_error *error);

#endif
