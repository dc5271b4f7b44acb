/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: everything a trace consists of, as plain values. */
#ifndef MODEL_OPERATION_H
#define MODEL_OPERATION_H

#include "definition.h"

#define HANDLES     2
#define BATCH_SLOTS 4
#define QUERY_SLOTS 6

/* One column of a batch, or a join key of a request, as a buffer to be set. */
struct column_data {
    const char *name;
    struct type type; /* of the buffer */
    uint32_t rows;
    struct value *values;
};

struct batch_spec {
    const char *view;
    int32_t operation;
    bool lists_columns; /* false: NULL stands for them */
    uint32_t column_count;
    struct column_data *columns;
};

struct query_spec {
    uint32_t count;
    struct item_clause *items;
    int32_t fill;
    bool is_matrix;
    int64_t known_by; /* 0: all commits count */
};

/* One batch of a write: made for it, or one made earlier. */
struct write_entry {
    bool from_slot;
    uint32_t slot;
    struct batch_spec batch;
};

enum times_action { TIMES_KEEP, TIMES_CLEAR, TIMES_SET };

struct read_spec {
    bool clears;        /* what was set before */
    uint32_t key_count; /* keys past it stay as they were */
    struct column_data *keys;
    bool *sets_key;
    enum times_action times_action;
    uint32_t time_rows;
    int64_t *times;
    bool as_matrix;
};

enum operation_kind {
    OP_APPLY,
    OP_DESCRIBE,
    OP_MAKE_BATCH,
    OP_WRITE,
    OP_MAKE_QUERY,
    OP_READ,
    OP_STATS,
    OP_REOPEN,
    OP_SECOND_HANDLE, /* opens it, or closes it */
    OPERATION_KINDS
};

enum expect { EXPECT_ANY, EXPECT_RIGHT, EXPECT_WRONG };

struct operation {
    enum operation_kind kind;
    uint32_t handle;
    uint32_t slot;
    uint32_t style;     /* how to say the same in another way */
    const char *name;   /* OP_DESCRIBE; NULL: everything */
    int64_t now;        /* OP_REOPEN, OP_SECOND_HANDLE: the clock */
    enum expect expect; /* OP_APPLY: the catalog version */
    bool is_planned;    /* OP_APPLY: plan first */
    bool skip_invalid;  /* OP_WRITE */
    bool has_query;     /* OP_READ: a query of its own */
    bool is_elsewhere;  /* another process does it */
    uint32_t count;     /* statements or entries */
    struct statement *statements;
    struct write_entry *entries;
    struct batch_spec batch;
    struct query_spec query;
    struct read_spec read;
};

/*
 * The parts of an operation that a trace may do without: statements and
 * features of an apply; batches and rows of a write; rows of a read. A copy
 * without the parts marked in dropped.
 */
uint32_t operation_parts(const struct operation *operation);
struct operation operation_without(struct arena *arena,
                                   const struct operation *operation,
                                   const bool *dropped);

/* Readably, over as many lines as it takes. */
void operation_print(struct text *text, const struct operation *operation);

#endif
