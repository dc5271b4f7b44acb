/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sketches for callers: made, filled, united and asked.
 *
 * Owns what a column's values are to a sketch.
 * Keeps a sketch as it was when a call fails: values are judged, and memory is
 * there, before the first one is added.
 * Never needs a store.
 */
#include "store/sketch.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "format/element.h"
#include "store/store.h"

/* One column of values. */
struct column {
    int32_t type;
    const void *values;
    const int32_t *offsets;
    const uint8_t *validity;
    uint32_t rows;
};

static bool
is_text(int32_t type)
{
    return type == FEATURE_TYPE_STRING || type == FEATURE_TYPE_BYTES;
}

static bool
is_null(const struct column *column, uint32_t row)
{
    return column->validity && !lf_bit_get(column->validity, row);
}

static double
real_at(const struct column *column, uint32_t row)
{
    const uint8_t *values = column->values;

    switch (column->type) {
    case FEATURE_TYPE_INT32:
        return lf_load_i32(values + 4 * (size_t)row);
    case FEATURE_TYPE_INT64:
        return (double)lf_load_i64(values + 8 * (size_t)row);
    case FEATURE_TYPE_FLOAT32:
        return (double)lf_load_f32(values + 4 * (size_t)row);
    }
    return lf_load_f64(values + 8 * (size_t)row);
}

static uint64_t
text_hash(const struct column *column, uint32_t row)
{
    int32_t begin = column->offsets[row];
    size_t size = (size_t)(column->offsets[row + 1] - begin);

    return lf_element_hash(
        size ? (const uint8_t *)column->values + begin : NULL, size);
}

static uint64_t
hash_at(const struct column *column, uint32_t row)
{
    const uint8_t *values = column->values;
    uint8_t byte;

    switch (column->type) {
    case FEATURE_TYPE_BOOL:
        byte = lf_bit_get(values, row);
        return lf_element_hash(&byte, 1);
    case FEATURE_TYPE_INT32:
        return lf_element_hash_word(
            (uint64_t)(int64_t)lf_load_i32(values + 4 * (size_t)row));
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_TIMESTAMP:
        return lf_element_hash_word(lf_load_u64(values + 8 * (size_t)row));
    case FEATURE_TYPE_FLOAT32:
    case FEATURE_TYPE_FLOAT64:
        return lf_element_hash_word(lf_element_real(real_at(column, row)));
    }
    return text_hash(column, row);
}

static feature_status
fail_row(uint32_t row, const char *reason, const char *what,
         struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, reason, "row %u: %s", row, what);
    lf_error_place(error, 0, row, 0);
    return FEATURE_INVALID;
}

static feature_status
check_type(const feature_sketch *sketch, int32_t type,
           struct feature_error *error)
{
    bool is_number = type >= FEATURE_TYPE_INT32 && type <= FEATURE_TYPE_FLOAT64;

    if (type < FEATURE_TYPE_BOOL || type > FEATURE_TYPE_TIMESTAMP)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "there is no type %d", type);
    if (sketch->kind == FEATURE_SKETCH_QUANTILES && !is_number)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "quantiles are of numbers, not of %s values",
                       lf_type_code_name(type));
    return FEATURE_OK;
}

static feature_status
check_offsets(const struct column *column, struct feature_error *error)
{
    const int32_t *offsets = column->offsets;

    if (!offsets || offsets[0] < 0)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "texts need offsets that begin at 0 or more");
    for (uint32_t i = 0; i < column->rows; i++)
        if (offsets[i + 1] < offsets[i])
            return fail_row(i, "argument", "offsets decrease", error);
    if (!column->values && offsets[column->rows] > offsets[0])
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the column has no values");
    return FEATURE_OK;
}

static feature_status
check_reals(const struct column *column, struct feature_error *error)
{
    for (uint32_t i = 0; i < column->rows; i++) {
        double x = is_null(column, i) ? 0 : real_at(column, i);

        if (x - x != 0)
            return fail_row(i, "argument", "the value is a NaN or an infinity",
                            error);
    }
    return FEATURE_OK;
}

static feature_status
check_column(const feature_sketch *sketch, const struct column *column,
             struct feature_error *error)
{
    LF_TRY(check_type(sketch, column->type, error));
    if (!column->rows)
        return FEATURE_OK;
    if (is_text(column->type))
        return check_offsets(column, error);
    if (!column->values)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the column has no values");
    if (column->type == FEATURE_TYPE_FLOAT32 ||
        column->type == FEATURE_TYPE_FLOAT64)
        return check_reals(column, error);
    return FEATURE_OK;
}

static feature_status
add_reals(struct lf_dd *dd, const struct column *column,
          struct feature_error *error)
{
    for (uint32_t i = 0; i < column->rows; i++)
        if (!is_null(column, i) && !lf_dd_expect(dd, real_at(column, i)))
            return lf_fail_memory(error);
    for (uint32_t i = 0; i < column->rows; i++)
        if (!is_null(column, i))
            lf_dd_add(dd, real_at(column, i)); /* there is room */
    return FEATURE_OK;
}

feature_status
feature_sketch_add(feature_sketch *sketch, int32_t type, const void *values,
                   const int32_t *offsets, const uint8_t *validity,
                   uint32_t rows, struct feature_error *error)
{
    const struct column column = {type, values, offsets, validity, rows};

    if (!sketch)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a sketch is needed");
    LF_TRY(check_column(sketch, &column, error));
    if (sketch->kind == FEATURE_SKETCH_QUANTILES)
        return add_reals(&sketch->dd, &column, error);
    for (uint32_t i = 0; i < rows; i++)
        if (!is_null(&column, i))
            lf_hll_add(&sketch->hll, hash_at(&column, i)); /* there is room */
    return FEATURE_OK;
}

feature_status
lf_sketch_give(int32_t kind, struct lf_hll *hll, struct lf_dd *dd,
               feature_sketch **sketch, struct feature_error *error)
{
    feature_sketch *made = lf_alloc(sizeof *made);

    if (!made || (kind == FEATURE_SKETCH_DISTINCT && !lf_hll_reserve(hll))) {
        lf_free(made);
        lf_hll_free(hll);
        lf_dd_free(dd);
        return lf_fail_memory(error);
    }
    made->kind = kind;
    made->hll = *hll;
    made->dd = *dd;
    *sketch = made;
    return FEATURE_OK;
}

feature_status
feature_sketch_create(const struct feature_sketch_options *options,
                      feature_sketch **sketch, struct feature_error *error)
{
    struct feature_sketch_options wanted;
    struct lf_hll hll = {.p = LF_HLL_P_DEFAULT};
    struct lf_dd dd = {.count = 0};

    if (!options || !sketch)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "options and sketch are needed");
    LF_TRY(lf_options_read(&wanted, sizeof wanted, options,
                           "feature_sketch_options", error));
    if (wanted.kind != FEATURE_SKETCH_DISTINCT &&
        wanted.kind != FEATURE_SKETCH_QUANTILES)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "there is no kind %d of sketches", wanted.kind);
    if (wanted.reserved)
        return lf_fail(error, FEATURE_INVALID, "argument", "reserved is not 0");
    if (wanted.precision)
        hll.p = (uint8_t)wanted.precision;
    if (wanted.precision &&
        (wanted.precision < LF_HLL_P_MIN || wanted.precision > LF_HLL_P_MAX))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "precision is %u: it is %d to %d", wanted.precision,
                       LF_HLL_P_MIN, LF_HLL_P_MAX);
    if (!lf_dd_init(&dd, wanted.max_error != 0 ? wanted.max_error
                                               : LF_DD_ERROR_DEFAULT))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "max_error is %g: it is %g to %g", wanted.max_error,
                       LF_DD_ERROR_MIN, LF_DD_ERROR_MAX);
    return lf_sketch_give(wanted.kind, &hll, &dd, sketch, error);
}

static feature_status
merge_quantiles(struct lf_dd *to, const struct lf_dd *from,
                struct feature_error *error)
{
    if (to->mapping.error != from->mapping.error)
        return lf_fail(error, FEATURE_CONFLICT, "sketch",
                       "sketches of the errors %g and %g do not merge",
                       to->mapping.error, from->mapping.error);
    if (from->count > (UINT64_C(1) << 63) - to->count)
        return lf_fail(error, FEATURE_FULL, "count",
                       "a sketch counts up to 2^63 values");
    return lf_dd_merge(to, from) ? FEATURE_OK : lf_fail_memory(error);
}

feature_status
feature_sketch_merge(feature_sketch *sketch, const feature_sketch *other,
                     struct feature_error *error)
{
    if (!sketch || !other)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "two sketches are needed");
    if (sketch->kind != other->kind)
        return lf_fail(error, FEATURE_CONFLICT, "sketch",
                       "sketches of different kinds do not merge");
    if (sketch->kind == FEATURE_SKETCH_QUANTILES)
        return merge_quantiles(&sketch->dd, &other->dd, error);
    if (other->hll.p < sketch->hll.p)
        return lf_fail(error, FEATURE_CONFLICT, "sketch",
                       "a sketch of precision %u has too little for one of "
                       "precision %u",
                       other->hll.p, sketch->hll.p);
    if (sketch != other)
        lf_hll_merge(&sketch->hll, &other->hll); /* there is room */
    return FEATURE_OK;
}

feature_status
feature_sketch_estimate(const feature_sketch *sketch, uint64_t *count,
                        struct feature_error *error)
{
    if (!sketch || !count)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "sketch and count are needed");
    *count = sketch->kind == FEATURE_SKETCH_DISTINCT
                 ? lf_hll_estimate(&sketch->hll)
                 : sketch->dd.count;
    return FEATURE_OK;
}

feature_status
feature_sketch_quantile(const feature_sketch *sketch, double quantile,
                        double *value, struct feature_error *error)
{
    if (!sketch || !value || sketch->kind != FEATURE_SKETCH_QUANTILES)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a sketch of quantiles and value are needed");
    if (!(quantile >= 0 && quantile <= 1))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a quantile is 0 to 1, not %g", quantile);
    if (!sketch->dd.count)
        return lf_fail(error, FEATURE_NOT_FOUND, "empty",
                       "the sketch has no values");
    *value = lf_dd_quantile(&sketch->dd, quantile);
    return FEATURE_OK;
}

void
feature_sketch_free(feature_sketch *sketch)
{
    if (!sketch)
        return;
    lf_hll_free(&sketch->hll);
    lf_dd_free(&sketch->dd);
    lf_buffer_free(&sketch->bytes);
    lf_free(sketch);
}
