/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: keys in, columns out, and the memory between. */
#ifndef LF_STORE_REQUEST_H
#define LF_STORE_REQUEST_H

#include "store/input.h"
#include "store/past.h"
#include "store/query.h"
#include "store/scored.h"
#include "store/window.h"

/* One answered column under construction. */
struct lf_answer {
    struct lf_buffer values;
    struct lf_buffer offsets;       /* i32, rows + 1 */
    struct lf_buffer child_offsets; /* i32 */
    struct lf_buffer validity;
    struct lf_buffer defaulted;
    uint32_t null_count;
    uint32_t defaulted_count;
    uint32_t elements; /* of a list column so far */
};

/* The look-ups of one view: jobs [first, first + count). */
struct lf_job_range {
    size_t first;
    uint32_t count; /* 1 where every key stands for all rows */
};

struct feature_request {
    const feature_query *query;
    feature_store *store;
    struct lf_plan *plan;
    uint64_t transaction; /* the snapshot the next two belong to */
    uint64_t sequence;
    int64_t commit_time;
    struct lf_input *keys;  /* one per key of the query */
    struct lf_buffer as_of; /* i64 */
    uint32_t as_of_rows;    /* 0: the newest values */

    bool has_answer;
    bool has_columns;
    uint32_t rows;
    int64_t now;
    struct lf_answer *answers;   /* one per column */
    struct lf_buffer states;     /* views x rows, u8 */
    struct lf_buffer timestamps; /* views x rows, i64 */

    struct lf_job_range *ranges; /* one per view */
    struct lf_buffer jobs;       /* struct lf_job */
    struct lf_buffer key_bytes;
    struct lf_buffer slots; /* u32, to find repeated keys by */

    struct lf_scored scored;    /* events that count and are not stored */
    struct lf_windows *windows; /* one per view; NULL: none is FROM an event */
    struct lf_past *pasts;      /* one per view; NULL: none was asked for */
    struct lf_buffer past_rows; /* struct lf_past_row, views x rows */
    bool has_past;              /* the read asks for them */
    bool is_past_alone;         /* and for nothing else: no look-ups */
    struct lf_buffer labels;    /* struct lf_label, in the order of keys */
    struct lf_buffer label_room;
    uint32_t label_view;  /* whose keys they are in the order of, and */
    uint32_t label_count; /* how many; 0: they are in none */

    struct lf_counts counts;
};

/* Where a read leaves its cells: columns, or a matrix. */
struct lf_sink {
    float *matrix; /* NULL: columns */
    size_t stride; /* in floats */
};

/* How many rows the keys and times that were set are; INVALID where they do not
 * go together. */
feature_status lf_request_count_rows(const feature_request *request,
                                     uint32_t *rows,
                                     struct feature_error *error);

/* Takes the snapshot's commit and catalog, where they are news. */
feature_status lf_request_follow(feature_request *request,
                                 struct lf_reader *reader,
                                 struct feature_error *error);

/* Whether history alone will answer: then nothing is looked up, and a job is its
 * key (pasts_alone.c). */
feature_status lf_pasts_suffice(struct feature_request *request,
                                struct lf_reader *reader,
                                struct feature_error *error);

/* Makes the jobs of all views (jobs.c). */
feature_status lf_jobs_make(feature_request *request, size_t *count,
                            struct feature_error *error);

/* Checks the rows that were looked up for a view: checksum and form (read.c). */
feature_status lf_request_verify(struct feature_request *request, uint32_t view,
                                 struct feature_error *error);

/* Gives repeated keys the answers of those that were looked up. */
void lf_jobs_repeat(feature_request *request);

/* Finds the rows of all views as of their times, after the look-up of those that
 * are stored (pasts.c). */
feature_status lf_pasts_find(struct feature_request *request,
                             struct lf_reader *reader,
                             struct feature_error *error);

/* Of one view; NULL: those that are stored will do. */
const struct lf_past_row *lf_pasts_rows(const struct feature_request *request,
                                        uint32_t view);
void lf_pasts_free(struct feature_request *request);

/* Makes room for an answer of request->rows rows. */
feature_status lf_answer_begin(feature_request *request,
                               const struct lf_sink *sink,
                               struct feature_error *error);

/* Decodes one view of a request whose jobs are looked up and verified. */
feature_status lf_answer_view(feature_request *request, uint32_t view,
                              const struct lf_sink *sink,
                              struct feature_error *error);

static inline struct lf_job *
lf_request_jobs(const feature_request *request)
{
    return (struct lf_job *)request->jobs.data;
}

#endif
