/* SPDX-License-Identifier: Apache-2.0 */
/* The model's store beside the real one. */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "answer.h"
#include "operation.h"

#define CLOCK_BEGIN     (INT64_C(1700000000) * SECOND)
#define WORLD_PATH_SIZE 256
#define MAX_ROW_SIZE    16384
#define KEY_SIZE_MAX    480
#define MAP_SIZE        (UINT64_C(256) << 20)

struct handle {
    bool is_open;
    feature_store *store;
    int64_t skew; /* its clock is ahead of the first handle's */
    uint64_t reads;
    uint64_t read_rows;
};

/* A column of a batch, and what was set into it. */
struct batch_column {
    int32_t role; /* feature_role */
    const char *name;
    uint32_t key;     /* index, of a join key */
    uint32_t feature; /* id, of a feature */
    struct type type;
    bool not_null;
    const struct column_data *data; /* NULL: not set */
};

struct live_batch {
    bool exists;
    uint32_t handle;
    uint32_t view; /* id */
    int32_t operation;
    uint32_t column_count;
    struct batch_column *columns;
    uint32_t rows;
    const uint8_t *outcomes; /* of the last write; NULL: none */
    feature_batch *batch;
};

struct live_query {
    bool exists;
    uint32_t handle;
    struct selection *selection;
    int32_t fill;
    bool is_matrix;
    int64_t known_by;
    struct key_values *keys;
    uint32_t time_rows; /* 0: the newest values */
    const int64_t *times;
    feature_query *query;
    feature_request *request;
};

struct fingerprint {
    struct fingerprint *next;
    uint64_t number;
    const char *signature;
};

/* How much was compared. */
struct counts {
    uint64_t operations[OPERATION_KINDS];
    uint64_t rows_written;
    uint64_t cells_read;
    uint64_t conflicts;
    uint64_t elsewhere; /* operations of other processes */
};

/* Without a store only the model moves on: that is how a trace is made again
 * from its seed. */
struct world {
    struct arena arena;   /* as long as the world */
    struct arena scratch; /* one operation */
    enum plant plant;
    struct catalog catalog;
    uint64_t sequence;
    int64_t commit_time;
    int64_t clock; /* of the first handle */
    int64_t now;   /* of the handle that is used */
    bool has_store;
    char path[WORLD_PATH_SIZE];
    struct handle handles[HANDLES];
    struct live_batch batches[BATCH_SLOTS];
    struct live_query queries[QUERY_SLOTS];
    struct fingerprint *fingerprints;
    struct text complaint; /* what differed */
    struct counts counts;
};

void world_begin(struct world *world, bool has_store, enum plant plant);
void world_end(struct world *world);

/* Removes the store of a world that did not end. */
void world_remove(const char *path);

/* Does one operation on the model and the store. False: they differ, and the
 * complaint says how. */
bool world_run(struct world *world, const struct operation *operation);

/* The end of an episode: everything is dropped, and has to be gone. */
bool world_finish(struct world *world);

/* The same, in this process whatever the operation says. */
bool world_run_here(struct world *world, const struct operation *operation);

/* The same, in another process. */
bool run_elsewhere(struct world *world, const struct operation *operation);

/* --- what the parts of a run share ----------------------------------------- */

/* Adds to the complaint; always false. */
bool complain(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether a call answered one of the statuses that it may. */
bool expect_status(struct world *world, const char *call, feature_status got,
                   const struct feature_error *error, outcomes expected);

/* Opens a store for a handle, its clock so far ahead of the first one's. */
bool open_handle(struct world *world, uint32_t index, int64_t skew);

/* Numbers the next commit. */
void take_commit(struct world *world);
int64_t next_commit_time(const struct world *world);
bool compare_commit(struct world *world, const char *call,
                    const struct feature_commit *got,
                    const struct feature_commit *expected);

/* Columns in Arrow's layout, made from values. */
struct buffers {
    const void *values;
    const int32_t *offsets;
    const int32_t *child_offsets;
    const uint8_t *validity;
};
struct buffers buffers_make(struct arena *arena, const struct column_data *data,
                            uint32_t style);

bool run_apply(struct world *world, const struct operation *operation);
bool run_describe(struct world *world, const struct operation *operation);
bool run_make_batch(struct world *world, const struct operation *operation);
bool run_write(struct world *world, const struct operation *operation);
bool run_make_query(struct world *world, const struct operation *operation);
bool run_read(struct world *world, const struct operation *operation);
bool run_stats(struct world *world, const struct operation *operation);
bool run_reopen(struct world *world, const struct operation *operation);
bool run_second_handle(struct world *world, const struct operation *operation);

/* The columns of a batch that the model would make: OUTCOME_OK, or why not. */
outcomes batch_resolve(struct world *world, const struct batch_spec *spec,
                       struct live_batch *live);

/* What the model answers to a write, in full: afterwards the world has moved
 * on, or not at all. Outcomes are one array a batch. */
struct write_result {
    outcomes status;
    bool knows_place; /* the error's batch and row are certain */
    uint32_t batch;
    uint32_t row;
    struct feature_commit commit;
    uint8_t **outcomes;
};
void predict_write(struct world *world, struct live_batch *const *batches,
                   uint32_t count, uint32_t handle, bool skip_invalid,
                   struct write_result *result);

bool compare_answer(struct world *world, const struct live_query *live,
                    const struct read *read, const struct answer *answer);
bool compare_matrix(struct world *world, const struct live_query *live,
                    const struct read *read, const struct answer *answer,
                    const float *matrix, size_t stride);
bool compare_query(struct world *world, const struct live_query *live);

#endif
