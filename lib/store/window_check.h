/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and kept events of a view FROM an event, checked to the byte. */
#ifndef LF_STORE_WINDOW_CHECK_H
#define LF_STORE_WINDOW_CHECK_H

#include "format/event.h"
#include "format/history.h"
#include "format/state_wide.h"
#include "store/form.h"

/* Zeroed; nothing else is needed for a view of rows. */
struct lf_window_check {
    struct lf_form form;
    struct lf_state **states; /* per schema version */
    struct lf_beside *beside; /* wide states of the row; NULL: it is in full */
    struct lf_event_layouts layouts;
    struct lf_cell *cells; /* room for an event */
    struct lf_cell *slots;
    struct lf_buffer again;
};

feature_status lf_window_check_begin(struct lf_window_check *check,
                                     const struct lf_catalog *catalog,
                                     const struct lf_view *view,
                                     struct feature_error *error);
void lf_window_check_free(struct lf_window_check *check);

/* Whether a row, opened and not a tombstone, is what the library writes. */
feature_status lf_window_check_row(struct lf_window_check *check,
                                   const struct lf_row *row, bool *is_right,
                                   struct feature_error *error);

/* The same of an opened entry of the history. */
feature_status lf_window_check_entry(struct lf_window_check *check,
                                     const struct lf_history_entry *entry,
                                     bool *is_right,
                                     struct feature_error *error);

#endif
