/* SPDX-License-Identifier: Apache-2.0 */
/* What feature get prints of a request that was read. */
#ifndef TOOL_ANSWER_H
#define TOOL_ANSWER_H

#include "cell.h"
#include "text.h"

enum answer_form { ANSWER_TABLE, ANSWER_JSON, ANSWER_CSV };

struct answer {
    const feature_query *query;
    const feature_request *request;
    const struct cell_column *keys; /* one a key of the query */
    const uint32_t *key_rows;       /* of each: 1 stands for every row */
    uint32_t key_count;
    int64_t as_of; /* ages count from it; INT64_MIN: from the request's clock */
};

/* Prints to standard output. Returns the exit code. */
int answer_print(const struct answer *answer, enum answer_form form);

/* Appends a cell of a table, null too: text that could be taken for something
 * else is quoted. */
void answer_add_value(struct text *text, const struct feature_column *column,
                      uint32_t row);

/* Appends an age, as in "3d 4h". */
void answer_add_age(struct text *text, int64_t microseconds);

#endif
