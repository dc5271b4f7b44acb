/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody else's arrays and schemas, given on without a copy of a value. */
#ifndef LF_EXCHANGE_MIRROR_H
#define LF_EXCHANGE_MIRROR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "exchange/arrow.h"

/* A record batch that any number of ours point into; released with the last. */
struct lf_held_array {
    atomic_uint holders;
    struct ArrowArray array;
};

/* Moves an array into a holder, which the caller holds; NULL: no memory, and
 * the array was released. */
struct lf_held_array *lf_array_hold(struct ArrowArray *array);
struct lf_held_array *lf_array_share(struct lf_held_array *held);
void lf_array_let_go(struct lf_held_array *held); /* NULL is fine */

/* The columns of a held struct array, from row first on. */
struct lf_array_part {
    struct lf_held_array *held;
    size_t first;
};

/* One struct array of rows rows: the columns of all parts side by side, as
 * copies of their structs alone, which share their holders. False: no memory. */
bool lf_array_combine(const struct lf_array_part *parts, uint32_t count,
                      size_t rows, struct ArrowArray *array);

struct lf_held_schema {
    atomic_uint holders;
    struct ArrowSchema schema;
};

struct lf_held_schema *lf_schema_hold(struct ArrowSchema *schema);
void lf_schema_let_go(struct lf_held_schema *held); /* NULL is fine */

/* The same for the columns of two schemas. The metadata are those of both; a
 * name that both have is the second's. */
bool lf_schema_combine(struct lf_held_schema *const parts[2],
                       struct ArrowSchema *schema);

/* INVALID `arrow` where a tree lacks nodes or is deeper than 64; name is the
 * column's. */
feature_status lf_schema_check_tree(const struct ArrowSchema *schema,
                                    const char *name,
                                    struct feature_error *error);

/* The same where an array is not one of the schema's shape. */
feature_status lf_array_check_tree(const struct ArrowArray *array,
                                   const struct ArrowSchema *schema,
                                   const char *name,
                                   struct feature_error *error);

#endif
