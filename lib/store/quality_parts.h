/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of quality share: figures under construction. */
#ifndef LF_STORE_QUALITY_PARTS_H
#define LF_STORE_QUALITY_PARTS_H

#include "format/ddsketch.h"
#include "format/element.h"
#include "format/hll.h"
#include "format/row.h"
#include "store/quality.h"

#define LF_QUALITY_P 14 /* of HyperLogLog: a standard error of 0.8 % */

/* A number as both; whole is not of FLOAT32 and FLOAT64. */
struct lf_element {
    int64_t whole;
    double real;
};

/* A feature, or a join key, that rules name. */
struct lf_subject {
    uint32_t feature; /* id; 0: of none */
    uint32_t key;     /* from 1; 0: of none */
    struct lf_type type;
    bool is_scalar; /* one fixed value a row */
    bool is_real;
    bool has_ends;
    bool has_distinct;
    bool has_values;
    uint64_t nulls; /* NaNs, too */
    uint64_t count; /* rows that have a value */
    struct lf_element least;
    struct lf_element greatest;
    struct lf_hll distinct;
    struct lf_dd values;
};

/* Where a subject lies in the rows of a schema version. */
struct lf_subject_place {
    uint32_t slot;   /* or LF_NO_SLOT */
    uint32_t offset; /* of a scalar */
    int32_t code;    /* of its type then */
};

struct lf_quality_version {
    struct lf_layout layout;
    struct lf_subject_place *places; /* NULL: not met so far */
};

struct lf_quality {
    const struct lf_view *view;
    const struct lf_entity *entity;
    struct lf_arena arena;
    uint64_t rows;
    uint32_t subject_count;
    struct lf_subject *subjects;
    struct lf_quality_version *versions; /* by schema version - 1 */
};

#endif
