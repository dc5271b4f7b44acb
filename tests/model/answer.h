/* SPDX-License-Identifier: Apache-2.0 */
/* What the model answers to a read. */
#ifndef MODEL_ANSWER_H
#define MODEL_ANSWER_H

#include "rows.h"
#include "select.h"

/* The values of one join key: one for all rows, or one a row. */
struct key_values {
    bool is_set;
    uint32_t rows;
    const struct value *values;
};

/* A read: the times are NULL where nothing as of a time is asked. */
struct read {
    struct catalog *catalog;
    const struct selection *selection;
    const struct key_values *keys; /* one for each key of the selection */
    uint32_t rows;
    uint32_t time_rows;
    const int64_t *times;
    int32_t fill;
    int64_t now;
    int64_t known_by; /* 0: all commits count */
    enum plant plant;
};

struct answer_cell {
    bool is_defaulted;
    struct type stored;
    struct value value; /* as stored */
};

struct answer {
    bool is_loose;   /* it stands on what dropped features left: not modelled */
    uint8_t *states; /* role by role, one a row */
    int64_t *timestamps;       /* the same */
    struct answer_cell *cells; /* column by column, one a row */
};

/* Where a view or a feature is gone: FEATURE_CONFLICT. */
outcomes read_answer(struct arena *arena, const struct read *read,
                     struct answer *answer);

/* The cell in the query's type; false where it does not fit. */
bool answer_fits(struct arena *arena, const struct answer_cell *cell,
                 struct type type, struct value *value);

#endif
