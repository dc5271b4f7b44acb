/* SPDX-License-Identifier: Apache-2.0 */
/* Records of JSON text, strictly read, as the columns of a batch. */
#ifndef KAFKA_INGEST_ROWS_H
#define KAFKA_INGEST_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libfeature.h>

#define REASON_SIZE 256

/* One column in Arrow's layout. */
struct row_column {
    struct feature_field field;
    char *values;
    size_t used, room; /* bytes of values */
    int32_t *ends;     /* of texts: most_rows + 1 */
    uint8_t *validity; /* bit i: not null */
    bool is_set;       /* by the record that is being read */
};

struct rows {
    feature_batch *batch;
    struct row_column *columns;
    uint32_t column_count;
    uint32_t count, most;
    char *text; /* of the string that is being read */
    size_t text_room;
    bool is_short; /* of memory: no fault of a record's */
};

/* Makes room for `most` rows of the batch, which the rows then own. False after
 * a reason: no memory, or a column of a type that records do not bring. */
bool rows_begin(struct rows *rows, feature_batch *batch, uint32_t most,
                char reason[REASON_SIZE]);
void rows_end(struct rows *rows);

/* Forgets the rows. */
void rows_clear(struct rows *rows);

/* Adds the row of one record: a JSON object with every column of the batch by
 * its name, each once, and nothing else. False after a reason, and no row. */
bool rows_add(struct rows *rows, const char *record, size_t size,
              char reason[REASON_SIZE]);

/* Sets the columns of the batch. */
feature_status rows_set(struct rows *rows, struct feature_error *error);

#endif
