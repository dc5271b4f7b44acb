/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of ours as Arrow schemas and arrays. */
#ifndef LF_EXCHANGE_OUT_H
#define LF_EXCHANGE_OUT_H

#include "base/error.h"
#include "exchange/arrow.h"
#include "model/type.h"

struct lf_out_field {
    const char *name;
    struct lf_type type;
    bool is_nullable;
};

/* The cells of a field in the layout of feature_column. */
struct lf_out_column {
    const void *values;
    const void *offsets;       /* i32, rows + 1; of variable types */
    const void *child_offsets; /* i32; of STRING[] */
    const uint8_t *validity;   /* needed where null_count is not 0 */
    uint32_t null_count;
};

/* A struct of the fields; the fingerprint becomes its metadata. Everything is
 * copied. False: no memory, and schema is untouched. */
bool lf_schema_export(const struct lf_out_field *fields, uint32_t count,
                      uint64_t fingerprint, struct ArrowSchema *schema);

/* A struct array of the columns, likewise. */
bool lf_array_export(const struct lf_out_field *fields,
                     const struct lf_out_column *columns, uint32_t count,
                     uint32_t rows, struct ArrowArray *array);

/* What a stream's call returns for a status. */
int lf_stream_errno(feature_status status);

#endif
