/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding in blocks: what the row side and the cell side of it share. */
#ifndef LF_STORE_ANSWER_H
#define LF_STORE_ANSWER_H

#include "store/request.h"

#define BLOCK_ROWS 16

/* One row of a block. */
struct block_row {
    struct lf_row row;
    struct lf_row_plan *plan; /* NULL: there is no row to decode */
    int64_t at;               /* its as-of time, or the clock */
    int64_t oldest;           /* cells before it are past the ttl */
    int64_t newest;           /* of the times known then, or LF_TIME_UNSET */
    uint8_t state;
    bool is_plain;    /* present, and every cell is current */
    uint32_t missing; /* columns without a value so far */
    uint32_t unknown; /* columns whose value is not kept */
};

struct decoder {
    feature_request *request;
    const struct lf_sink *sink;
    struct lf_view_plan *view;
    uint32_t index;                 /* of the view */
    bool exact;                     /* as-of times are set */
    const struct lf_past_row *past; /* a row each; NULL: the stored ones */
    int64_t oldest;                 /* current cell time, where they are not */
    struct lf_row_plan *plan; /* of the row before, usually of this one too */
    uint32_t first;           /* row of the request the block begins at */
    uint32_t count;
    bool is_plain; /* all rows plain, of one schema version */
    struct block_row block[BLOCK_ROWS];
    const uint8_t *from[BLOCK_ROWS];      /* bytes of the rows, if plain */
    uint64_t nulls[LF_FEATURES_MAX / 64]; /* of all rows together, if plain */
};

/* The time a row is asked at. */
static inline int64_t
lf_decoder_time(const struct decoder *decoder, uint32_t row)
{
    return decoder->block[row - decoder->first].at;
}

/* Writes every column of the block. */
feature_status lf_decoder_put_block(struct decoder *decoder,
                                    struct feature_error *error);

/* One cell of a row, judged by itself. */
feature_status lf_decoder_put_cell(struct decoder *decoder, uint32_t index,
                                   uint32_t i, struct feature_error *error);

/* A cell without a value, of a row that has a current one. */
feature_status lf_decoder_put_missing(struct decoder *decoder, uint32_t index,
                                      uint32_t i, struct feature_error *error);

/* A value of the present type of its feature, as rows store it. */
feature_status lf_decoder_put_value(const struct decoder *decoder,
                                    uint32_t index, const uint8_t *bytes,
                                    size_t size, uint32_t i,
                                    struct feature_error *error);

/* The same for all rows of the block, of a fixed type. */
feature_status lf_decoder_put_values(const struct decoder *decoder,
                                     uint32_t index, const uint8_t *const *from,
                                     struct feature_error *error);

/* A cell that no fill policy replaces. */
void lf_decoder_put_unknown(const struct decoder *decoder, uint32_t index,
                            uint32_t i);

/* The rows from decoder->first on into the matrix, as long as each is of
 * decoder->plan and plain and has no null: those need no block. Returns how many
 * (matrix.c). */
uint32_t lf_matrix_put_plain(struct decoder *decoder);

/* The rows of the block into the matrix (matrix.c). */
feature_status lf_matrix_put_block(struct decoder *decoder,
                                   struct feature_error *error);

enum lf_append {
    LF_APPEND_OK,
    LF_APPEND_NO_MEMORY,
    LF_APPEND_TOO_LARGE,
    LF_APPEND_NO_FIT
};

/* Appends a value of a variable type as row of a column. */
enum lf_append lf_answer_append(struct lf_answer *answer, struct lf_type type,
                                struct lf_type stored, lf_convert convert,
                                const uint8_t *bytes, size_t size,
                                uint32_t row);

/* Ends row where the values end now. */
void lf_answer_end(struct lf_answer *answer, uint32_t row);

#endif
