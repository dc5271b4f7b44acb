/* SPDX-License-Identifier: Apache-2.0 */
/* One batch on its way into a commit. */
#ifndef LF_STORE_TARGET_H
#define LF_STORE_TARGET_H

#include "store/batch.h"
#include "store/commit.h"
#include "store/event_rows.h"
#include "store/form.h"

struct lf_target {
    feature_batch *batch;
    uint32_t index; /* of the batch in the call */
    uint32_t rows;
    struct lf_buffer outcomes; /* a byte per row */
    struct lf_buffer checked;  /* outcomes before any commit; empty: all NONE */
    struct lf_buffer keys;     /* encoded, row after row */
    struct lf_buffer key_ends; /* rows + 1 u64 */
    struct lf_buffer order;    /* u32 rows by key, stably; empty: as they are */
    bool is_sorted;            /* in that order keys never fall */
    bool keeps_order;          /* nobody wants them in order of key */

    /* What the catalog says; lf_target_resolve fills it. */
    struct lf_form form;
    uint32_t *columns; /* per slot: column of the batch, or UINT32_MAX */
    bool *own;         /* per slot: the batch names it */
    struct lf_cell *incoming, *cells, *backup;
    struct lf_fixed_column *sources; /* per slot; set where none is variable */

    /* Of a batch of events, instead. */
    struct lf_event_rows events;
    bool is_ordered; /* its keys are those of the catalog */
};

/* Binds the batch of a target (batch and index are set, the rest zero) to a
 * catalog, which has to outlive the binding. CONFLICT `schema-changed` where a
 * column of it is gone. May be called again for a newer catalog. */
feature_status lf_target_resolve(struct lf_target *target,
                                 const struct lf_catalog *catalog,
                                 struct feature_error *error);

/* Checks the rows of a bound batch, encodes their keys and sorts them.
 * skip_invalid marks bad rows REJECTED instead of failing. */
feature_status lf_target_check(struct lf_target *target, bool skip_invalid,
                               struct feature_error *error);

/* The checks alone. */
feature_status lf_target_check_rows(struct lf_target *target, bool skip_invalid,
                                    struct feature_error *error);

/* Points the sources at the columns as they are now; false: some slot has no
 * fixed size. */
bool lf_target_find_sources(struct lf_target *target);

/* The cells a row brings, one a slot, into `incoming`. */
void lf_target_take_cells(struct lf_target *target, uint32_t row);

/* Whether a row in whole is within the store's limit; is_fixed: there are
 * sources. */
bool lf_target_fits(struct lf_target *target, bool is_fixed, uint32_t row);

/* The stored form of such a row, which was just asked for, without its checksum.
 * False: no memory. */
bool lf_target_encode(struct lf_target *target, bool is_fixed, uint32_t row,
                      int64_t time, struct lf_buffer *to);

/* Forgets what a commit that was given up made of the rows. */
void lf_target_reset(struct lf_target *target);

void lf_target_free(struct lf_target *target);

/* The key of a row. */
static inline const uint8_t *
lf_target_key(const struct lf_target *target, uint32_t row, size_t *size)
{
    uint64_t begin = lf_load_u64(target->key_ends.data + 8 * (size_t)row);

    *size = (size_t)(lf_load_u64(target->key_ends.data + 8 * (size_t)row + 8) -
                     begin);
    return target->keys.data + begin;
}

/* The row at a place of the order. */
static inline uint32_t
lf_target_row(const struct lf_target *target, uint32_t place)
{
    return target->order.size
               ? lf_load_u32(target->order.data + 4 * (size_t)place)
               : place;
}

/* Applies the rows within a commit and adds them to report; *touched becomes
 * true where a row was applied or late. */
feature_status lf_target_apply(struct lf_target *target,
                               struct lf_commit *commit, bool skip_invalid,
                               struct feature_commit *report, bool *touched,
                               struct feature_error *error);

/* Puts the batch's number before an error's sentence. */
feature_status lf_target_name(const struct lf_target *target,
                              feature_status status,
                              struct feature_error *error);

#endif
