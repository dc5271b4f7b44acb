/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an event on their way into the views FROM it: of a batch, or of change
 * records. */
#ifndef LF_STORE_EVENT_ROWS_H
#define LF_STORE_EVENT_ROWS_H

#include "format/event.h"
#include "store/commit.h"
#include "store/form.h"
#include "store/key_order.h"

/* One view FROM the event. */
struct lf_event_view {
    struct lf_form form;
    struct lf_buffer keys;  /* encoded, row after row; empty: no key */
    struct lf_buffer ends;  /* rows + 1 u64 */
    struct lf_buffer order; /* u32 rows that have a key, by key */
};

/* Fills the cells of a row, one a column; they stay as long as `from`. */
typedef void (*lf_event_take)(const void *from, uint32_t row,
                              struct lf_cell *cells);

struct lf_event_rows {
    const struct lf_event *event;
    struct lf_arena arena;
    struct lf_event_layout layout; /* of all columns */
    struct lf_cell *cells;         /* room for one row */
    struct lf_cell *slots;         /* and for its encoding */
    uint32_t view_count;
    struct lf_event_view *views; /* in order of id */
    /* Whose rows they are. */
    int32_t operation; /* EVENT or RETRACT */
    uint32_t count;
    lf_event_take take;
    const void *from;
    uint8_t *outcomes;         /* a byte per row; NONE: to be applied */
    struct lf_buffer times;    /* i64 per row */
    struct lf_buffer ordinals; /* u32 per row that was logged */
    struct lf_buffer marks;    /* enum lf_event_mark per row */
    struct lf_buffer payload;  /* of one row */
};

enum lf_event_mark { LF_EVENT_HAS_KEY = 1, LF_EVENT_IS_PLACED = 2 };

/* Binds rows, zeroed or bound before, to an event of a catalog that has to
 * outlive the binding. */
feature_status lf_event_rows_bind(struct lf_event_rows *rows,
                                  const struct lf_catalog *catalog,
                                  const struct lf_event *event,
                                  struct feature_error *error);
void lf_event_rows_free(struct lf_event_rows *rows);

/* Bytes of the key that an event's cells make; 0: a part of it is null. */
size_t lf_event_key_size(const uint32_t *columns, uint32_t count,
                         const struct lf_event *event,
                         const struct lf_cell *cells);

/* Encodes and orders the keys of all rows that are to be applied. */
feature_status lf_event_rows_order(struct lf_event_rows *rows,
                                   struct feature_error *error);

/* The payload of a row, with zeros for a checksum; stays until the next. */
feature_status lf_event_payload(struct lf_event_rows *rows,
                                const struct lf_cell *cells, int64_t time,
                                struct feature_error *error);

static inline int64_t
lf_event_time(const struct lf_event_rows *rows, uint32_t row)
{
    return lf_load_i64(rows->times.data + 8 * (size_t)row);
}

#endif
