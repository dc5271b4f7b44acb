/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations that fit what the model's store holds. */
#ifndef MODEL_MAKE_H
#define MODEL_MAKE_H

#include "world.h"

/* What an episode is like: some have many ties, some many definitions. */
struct profile {
    uint32_t weights[OPERATION_KINDS];
    uint32_t views;      /* about so many */
    uint32_t features;   /* of a view, at most */
    uint32_t names;      /* that features may have */
    uint32_t keys;       /* values of a join key */
    int32_t span;        /* seconds that timestamps go back */
    uint32_t null_rate;  /* percent */
    uint32_t fault_rate; /* percent of texts and batches with one */
    uint32_t plain_rate; /* percent of features of a widening type */
};

struct maker {
    struct dice dice;
    struct arena *arena; /* for operations */
    struct world *world; /* read only */
    struct profile profile;
};

/* An episode of a seed; the operations lie in arena. */
void maker_begin(struct maker *maker, uint64_t seed, struct arena *arena,
                 struct world *world);

/* The next operation: a function of the seed and the model's state alone. */
struct operation maker_next(struct maker *maker);

/* --- what the parts share -------------------------------------------------- */

const char *make_name(struct maker *maker, char letter, uint32_t number);
int64_t make_time(struct maker *maker);
struct value make_key(struct maker *maker, int32_t code);
struct value make_number(struct maker *maker, int64_t value);

/* A type that values may be set as for a column: its own, or a narrower. */
struct type make_set_type(struct maker *maker, struct type type);

struct view *make_any_view(struct maker *maker);

void make_apply(struct maker *maker, struct operation *operation);
void make_batch(struct maker *maker, struct batch_spec *batch);
void make_write(struct maker *maker, struct operation *operation);
void make_query(struct maker *maker, struct query_spec *query);
void make_read(struct maker *maker, struct operation *operation);
void make_items(struct maker *maker, bool of_service,
                struct item_clause **items, uint32_t *count);

#endif
