/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views FROM an event, in a request: each row is read at its own t, from the
 * state that is stored, or where that cannot tell from the events that are kept.
 * The answers wait as cells until nothing can fail any more.
 */
#ifndef LF_STORE_WINDOW_H
#define LF_STORE_WINDOW_H

#include "store/kept.h"
#include "store/query.h"

/* What a cell is. */
enum lf_window_verdict {
    LF_WINDOW_VALUE = 1,
    LF_WINDOW_NULL = 2,
    LF_WINDOW_PAST = 3,   /* nobody knows */
    LF_WINDOW_PARTIAL = 4 /* nobody knows all of it */
};

struct lf_window_cell {
    uint64_t value; /* up to 8 bytes, or where they lie in windows->bytes */
    uint32_t size;
    uint8_t kind;
    bool is_overflow; /* null, as the value does not fit its type */
};

enum lf_found { LF_FOUND_NOTHING, LF_FOUND_SOMETHING, LF_FOUND_UNKNOWN };

struct lf_window_row {
    int64_t t;
    int64_t newest; /* its timestamp, or LF_TIME_UNSET */
    bool has_key;
    bool is_open; /* the stored state does not answer all of it */
    uint8_t found;
};

/* One view of a request. Kept from read to read. */
struct lf_windows {
    struct lf_buffer rows;   /* struct lf_window_row */
    struct lf_buffer cells;  /* struct lf_window_cell, rows x columns */
    struct lf_buffer bytes;  /* of longer values */
    struct lf_buffer open;   /* struct lf_label of rows that are open */
    struct lf_buffer room;   /* to sort them */
    struct lf_buffer scored; /* kept events and one that is not stored */
    struct lf_meta_view meta;
    struct lf_kept kept;
};

struct feature_request;
struct lf_sink;

/* A reading of one view, from its begin to its end. */
struct lf_window_pass {
    struct feature_request *request;
    struct lf_reader *reader;
    uint32_t index;
    struct lf_view_plan *view;
    struct lf_windows *windows;
    struct lf_row_plan *current; /* of the schema version of today */
    struct lf_row_plan *rows;    /* of the row before */
    bool exact;                  /* as-of times are set */
    bool is_restricted;          /* known_by leaves commits out */
};

/* Reads every view FROM an event, after the look-up of the rows. */
feature_status lf_windows_find(struct feature_request *request,
                               struct lf_reader *reader,
                               struct feature_error *error);

/* Answers the rows that the state did not, from kept events. */
feature_status lf_windows_reopen(struct lf_window_pass *pass,
                                 struct feature_error *error);

/* Keeps an answer. False: no memory. */
bool lf_windows_take(struct lf_windows *windows,
                     const struct lf_tile_answer *answer,
                     struct lf_window_cell *cell);

/* The answers of one view into columns or a matrix. */
feature_status lf_windows_put(struct feature_request *request, uint32_t view,
                              const struct lf_sink *sink,
                              struct feature_error *error);

feature_status lf_windows_fail(const struct lf_window_pass *pass, uint32_t row,
                               enum lf_tile_status status,
                               struct feature_error *error);

/* Takes the rows of which nothing was found out of a request of one view, and
 * their jobs. */
void lf_windows_drop(struct feature_request *request, uint32_t view);

void lf_windows_free(struct feature_request *request);

static inline struct lf_window_row *
lf_windows_row(const struct lf_windows *windows, uint32_t row)
{
    return (struct lf_window_row *)(void *)windows->rows.data + row;
}

static inline struct lf_window_cell *
lf_windows_cells(const struct lf_windows *windows, uint32_t columns,
                 uint32_t row)
{
    return (struct lf_window_cell *)(void *)windows->cells.data +
           (size_t)columns * row;
}

#endif
