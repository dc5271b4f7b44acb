/* SPDX-License-Identifier: Apache-2.0 */
/* One chunk of a load: rows in a batch, and what became of bad records. */
#ifndef TOOL_SLOT_H
#define TOOL_SLOT_H

#include "load.h"

/* A record that will not be stored; its bytes lie in the slot's kept. */
struct slot_reject {
    uint64_t line;
    size_t record;
    size_t record_size;
    char why[240];
};

enum slot_end {
    SLOT_MORE, /* the file goes on */
    SLOT_LAST, /* it ended here */
    SLOT_STOP  /* the load must stop: see stop; the rows do not count */
};

struct slot {
    feature_batch *batch;
    struct cell_column *columns;
    uint32_t column_count;
    uint32_t rows;
    uint64_t *lines;   /* of each row */
    size_t *records;   /* where each row's record begins in kept */
    struct text kept;  /* records, only if rejects are written */
    uint64_t read;     /* records, the rejected ones included */
    uint64_t consumed; /* bytes of the file so far */
    uint64_t last_line;
    struct slot_reject *rejects;
    uint32_t reject_count;
    uint32_t reject_capacity;
    enum slot_end end;
    char stop[400]; /* "file:line:column: why" */
};

/* What is known of the first event timestamps, to find a wrong unit. */
struct slot_units {
    uint32_t rows;   /* looked at */
    uint32_t likely; /* in the unit that was named */
    uint32_t others; /* in another one only */
    enum moment_kind kind;
    uint64_t line; /* of the first of the others */
    char text[24];
};

/* What fills slots. */
struct slot_filler {
    const struct load_options *options;
    const struct load_mapping *mapping;
    struct csv_reader *reader;
    uint32_t chunk;
    struct slot_units units;
};

/* Makes an empty slot for chunks of up to `chunk` rows. */
feature_status slot_init(struct slot *slot, feature_store *store,
                         const struct load_options *options,
                         const struct load_mapping *mapping, uint32_t chunk,
                         struct feature_error *error);

void slot_free(struct slot *slot);

/* Reads records until the slot is full, the file ends, or something is wrong.
 */
void slot_fill(struct slot *slot, struct slot_filler *filler);

/* Adds a row that the library rejected; its record must have been kept. */
bool slot_reject_row(struct slot *slot, uint32_t row, const char *why);

/* Appends the rejects, in order of lines, as CSV: line,reason,record. */
void slot_print_rejects(struct slot *slot, struct text *text);

#endif
