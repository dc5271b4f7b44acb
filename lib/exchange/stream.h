/* SPDX-License-Identifier: Apache-2.0 */
/* The Arrow stream that scans, histories and changes of a view are. */
#ifndef LF_EXCHANGE_STREAM_H
#define LF_EXCHANGE_STREAM_H

#include "exchange/out.h"
#include "model/select.h"
#include "store/answer.h"

/* The first member of a stream of ours. Who makes one fills in what is above the
 * line; fields and columns are the maker's, as is all that they point to. */
struct lf_stream {
    const struct lf_out_field *fields;
    const struct lf_out_column *columns; /* of the chunk that was taken last */
    uint32_t count;
    uint64_t fingerprint;
    const uint32_t *rows; /* of the chunk that was read last; 0: the end */
    feature_status (*read)(struct lf_stream *, struct feature_error *);
    /* Makes columns of the chunk; it is called again where memory was short. */
    feature_status (*take)(struct lf_stream *, struct feature_error *);
    void (*free)(struct lf_stream *);
    /* --- */
    bool has_chunk;  /* read and not given out: memory was short */
    bool has_failed; /* the last call */
    char problem[sizeof((struct feature_error *)0)->reason +
                 sizeof((struct feature_error *)0)->message + 2];
};

/* Gives the stream to who asked for it; his release frees it. */
void lf_stream_give(struct lf_stream *made, struct ArrowArrayStream *stream);

/* The fields of a view's keys, and of the features asked for; each returns where
 * the next ones go. */
struct lf_out_field *lf_stream_keys(struct lf_out_field *to,
                                    const struct lf_selection *selection);
struct lf_out_field *lf_stream_features(struct lf_out_field *to,
                                        const struct lf_selection *selection);

/* The columns of answers, likewise. */
struct lf_out_column *lf_stream_answers(struct lf_out_column *to,
                                        const struct lf_answer *answers,
                                        uint32_t count);

#endif
