/* SPDX-License-Identifier: Apache-2.0 */
/* The join keys of a query, from KEY=VALUE on a command line. */
#ifndef TOOL_KEYS_H
#define TOOL_KEYS_H

#include "cell.h"

struct keys {
    const char *features; /* {borrowed} of the query, for messages */
    struct cell_column *columns;
    uint32_t *rows; /* of each column; 0: no value so far */
    uint32_t count;
};

/* Makes a column for each key of a query. 0, or the exit code after explaining,
 * like the two below; keys_free() is due in any case. */
int keys_begin(struct keys *keys, const feature_query *query,
               const char *features);

/* Takes "key=value". */
int keys_take_pair(struct keys *keys, const char *command, const char *pair);

/* Refuses a key without a value; or_else ends the advice. */
int keys_check(const struct keys *keys, const char *or_else);

void keys_free(struct keys *keys);

#endif
