/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns as callers bring them, against a copy that looks at one element at a
 * time. The arrays lie in exactly their own memory, for AddressSanitizer.
 */
#include "draw.h"

#include "store/input.h"

#define ROWS_MAX 20

/* --- columns ----------------------------------------------------------------- */

static bool
is_text(int32_t code)
{
    return code == FEATURE_TYPE_STRING || code == FEATURE_TYPE_BYTES;
}

static bool
is_accepted(int32_t column, int32_t given)
{
    switch (column) {
    case FEATURE_TYPE_INT64:
        return given == FEATURE_TYPE_INT64 || given == FEATURE_TYPE_INT32;
    case FEATURE_TYPE_FLOAT64:
        return given == FEATURE_TYPE_FLOAT64 || given == FEATURE_TYPE_FLOAT32 ||
               given == FEATURE_TYPE_INT32;
    case FEATURE_TYPE_TIMESTAMP:
        return given == FEATURE_TYPE_TIMESTAMP || given == FEATURE_TYPE_INT64;
    default:
        return given == column;
    }
}

static struct lf_type
draw_column_type(void)
{
    static const int32_t numbers[] = {FEATURE_TYPE_INT32, FEATURE_TYPE_INT64,
                                      FEATURE_TYPE_FLOAT32,
                                      FEATURE_TYPE_FLOAT64};
    struct lf_type type = {.code = (int32_t)draw_below(8) + 1, .width = 1};
    uint32_t shape = draw_below(5);

    if (shape < 2)
        type.code = numbers[draw_below(4)];
    if (shape == 0)
        type.width = 2 + draw_below(3);
    if (shape == 1) {
        type.is_list = true;
        if (draw_one_in(3))
            type.code = FEATURE_TYPE_STRING;
    }
    return type;
}

static int32_t
draw_given(int32_t column)
{
    int32_t given;

    do {
        given = (int32_t)draw_below(8) + 1;
    } while (!is_accepted(column, given));
    return given;
}

/* count + 1 offsets that begin anywhere. */
static int32_t *
draw_offsets(uint32_t count, uint32_t step)
{
    int32_t *offsets = malloc((count + 1) * sizeof *offsets);
    int32_t at = draw_one_in(2) ? 0 : (int32_t)draw_below(9);

    for (uint32_t i = 0; i <= count; i++) {
        offsets[i] = at;
        if (!draw_one_in(3))
            at += (int32_t)draw_below(step);
    }
    return offsets;
}

static void
draw_arrays(struct lf_type column, uint32_t rows, struct lf_arrays *arrays)
{
    int32_t given = draw_given(column.code);
    size_t count = rows * column.width, size;
    void *values;

    *arrays = (struct lf_arrays){
        .type = given, .rows = rows, .is_list = column.is_list};
    if (column.is_list || is_text(given)) {
        arrays->offsets = draw_offsets(rows, 5);
        count = (size_t)arrays->offsets[rows];
    }
    if (column.is_list && is_text(given)) {
        arrays->child_offsets = draw_offsets((uint32_t)count, 6);
        count = (size_t)arrays->child_offsets[count];
    }
    size = is_text(given)               ? count
           : given == FEATURE_TYPE_BOOL ? (count + 7) / 8
                                        : count * lf_type_element_size(given);
    values = malloc(size);
    draw_bytes(values, size);
    arrays->values = values;
    if (draw_one_in(2)) {
        uint8_t *validity = malloc((rows + 7) / 8);

        draw_bytes(validity, (rows + 7) / 8);
        if (draw_one_in(4))
            memset(validity, 0xff, (rows + 7) / 8);
        arrays->validity = validity;
    }
}

static void
free_arrays(struct lf_arrays *arrays)
{
    free((void *)arrays->values);
    free((void *)arrays->offsets);
    free((void *)arrays->child_offsets);
    free((void *)arrays->validity);
}

/* --- the slow way ------------------------------------------------------------ */

/* Element i of the values, as the column's type stores it. */
static void
put_element(const struct lf_arrays *arrays, int32_t column, size_t i,
            struct lf_buffer *cell)
{
    size_t from = lf_type_element_size(arrays->type);
    const uint8_t *at = arrays->values;
    double number;
    int64_t whole;
    uint8_t bit;

    if (arrays->type == FEATURE_TYPE_BOOL) {
        bit = at[i / 8] & 1 << i % 8 ? 1 : 0;
        assert_true(lf_buffer_append(cell, &bit, 1));
        return;
    }
    at += i * from;
    if (lf_type_element_size(column) == from) {
        assert_true(lf_buffer_append(cell, at, from));
    } else if (column == FEATURE_TYPE_INT64) {
        whole = lf_load_i32(at);
        assert_true(lf_buffer_append(cell, &whole, 8));
    } else {
        number = arrays->type == FEATURE_TYPE_INT32 ? lf_load_i32(at)
                                                    : (double)lf_load_f32(at);
        assert_true(lf_buffer_append(cell, &number, 8));
    }
}

static void
put_strings(const struct lf_arrays *arrays, uint32_t row,
            struct lf_buffer *cell)
{
    const int32_t *child = arrays->child_offsets;
    int32_t first = arrays->offsets[row], last = arrays->offsets[row + 1];
    uint32_t count = (uint32_t)(last - first), end = 0;

    assert_true(lf_buffer_append(cell, &count, 4));
    for (int32_t i = first; i < last; i++) {
        end += (uint32_t)(child[i + 1] - child[i]);
        assert_true(lf_buffer_append(cell, &end, 4));
    }
    for (int32_t i = first; i < last; i++)
        for (int32_t j = child[i]; j < child[i + 1]; j++)
            assert_true(
                lf_buffer_append(cell, (const uint8_t *)arrays->values + j, 1));
}

static void
slow_cell(struct lf_type column, const struct lf_arrays *arrays, uint32_t row,
          struct lf_buffer *cell)
{
    cell->size = 0;
    if (column.is_list && is_text(column.code)) {
        put_strings(arrays, row, cell);
    } else if (is_text(column.code)) {
        for (int32_t i = arrays->offsets[row]; i < arrays->offsets[row + 1];
             i++)
            assert_true(
                lf_buffer_append(cell, (const uint8_t *)arrays->values + i, 1));
    } else if (column.is_list) {
        for (int32_t i = arrays->offsets[row]; i < arrays->offsets[row + 1];
             i++)
            put_element(arrays, column.code, (size_t)i, cell);
    } else {
        for (uint32_t i = 0; i < column.width; i++)
            put_element(arrays, column.code, (size_t)row * column.width + i,
                        cell);
    }
}

/* Every row of the input is the row of the arrays, in the column's type. */
static void
expect_rows(const struct lf_input *input, struct lf_type column,
            const struct lf_arrays *arrays)
{
    struct lf_buffer wanted = {0};

    assert_true(input->is_set);
    assert_int_equal(input->rows, arrays->rows);
    for (uint32_t row = 0; row < arrays->rows; row++) {
        bool is_null =
            arrays->validity && !(arrays->validity[row / 8] & 1 << row % 8);
        const uint8_t *cell;
        size_t size;

        assert_int_equal(lf_input_is_null(input, row), is_null);
        if (is_null)
            continue;
        cell = lf_input_cell(input, row, &size);
        slow_cell(column, arrays, row, &wanted);
        assert_int_equal(size, wanted.size);
        if (size)
            assert_memory_equal(cell, wanted.data, size);
    }
    lf_buffer_free(&wanted);
}

/* --- what is accepted -------------------------------------------------------- */

static void
an_input_holds_the_values_of_its_arrays(void **state)
{
    (void)state;
    for (int i = 0; i < 8000; i++) {
        struct lf_input input = {.type = draw_column_type()};

        /* Set again and again: nothing of the last values is left. */
        for (uint32_t j = 1 + draw_below(3); j > 0; j--) {
            struct lf_arrays arrays;
            struct feature_error error;

            draw_arrays(input.type, draw_below(ROWS_MAX), &arrays);
            assert_int_equal(lf_input_set(&input, "rate", &arrays, &error),
                             FEATURE_OK);
            expect_rows(&input, input.type, &arrays);
            free_arrays(&arrays);
        }
        lf_input_clear(&input);
        assert_false(input.is_set || input.has_nulls || input.rows);
        lf_input_free(&input);
    }
}

static void
an_input_takes_types_that_widen_and_no_others(void **state)
{
    static const uint64_t nothing[16];
    static const int32_t offsets[3];

    (void)state;
    for (int32_t column = 1; column <= 8; column++)
        for (int32_t given = -1; given <= 10; given++) {
            struct lf_input input = {.type = {.code = column, .width = 1}};
            struct lf_arrays arrays = {.type = given,
                                       .values = nothing,
                                       .offsets = offsets,
                                       .rows = 2};
            struct feature_error error;

            assert_int_equal(lf_input_set(&input, "rate", &arrays, &error),
                             is_accepted(column, given) ? FEATURE_OK
                                                        : FEATURE_INVALID);
            assert_int_equal(input.is_set, is_accepted(column, given));
            lf_input_free(&input);
        }
}

static void
a_column_without_rows_needs_no_arrays(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct lf_input input = {.type = draw_column_type()};
        struct lf_arrays arrays = {.type = input.type.code,
                                   .is_list = input.type.is_list};

        assert_int_equal(lf_input_set(&input, "rate", &arrays, NULL),
                         FEATURE_OK);
        assert_true(input.is_set);
        assert_int_equal(input.rows, 0);
        lf_input_free(&input);
    }
}

static void
empty_values_need_no_bytes_wherever_their_offsets_begin(void **state)
{
    static const int32_t offsets[] = {5, 5, 5};
    const struct lf_type types[] = {{FEATURE_TYPE_STRING, 1, false},
                                    {FEATURE_TYPE_INT64, 1, true},
                                    {FEATURE_TYPE_FLOAT64, 1, true},
                                    {FEATURE_TYPE_STRING, 1, true}};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct lf_input input = {.type = types[i]};
        struct lf_arrays arrays = {.type = types[i].code,
                                   .offsets = offsets,
                                   .rows = 2,
                                   .is_list = types[i].is_list};
        size_t size;

        assert_int_equal(lf_input_set(&input, "rate", &arrays, NULL),
                         FEATURE_OK);
        assert_non_null(lf_input_cell(&input, 1, &size));
        assert_int_equal(size, i == 3 ? 4 : 0);
        lf_input_free(&input);
    }
}

static void
a_null_keeps_no_bytes(void **state)
{
    static const int32_t offsets[] = {0, 3, 6};
    static const uint8_t validity[] = {0xfe}; /* the first of two is null */
    struct lf_input input = {.type = {FEATURE_TYPE_STRING, 1, false}};
    struct lf_arrays arrays = {.type = FEATURE_TYPE_STRING,
                               .values = "abcdef",
                               .offsets = offsets,
                               .validity = validity,
                               .rows = 2};
    size_t size;

    (void)state;
    assert_int_equal(lf_input_set(&input, "rate", &arrays, NULL), FEATURE_OK);
    assert_true(lf_input_is_null(&input, 0));
    assert_int_equal(lf_load_u64(input.ends.data + 8), 0);
    assert_memory_equal(lf_input_cell(&input, 1, &size), "def", 3);
    lf_input_free(&input);
}

static void
a_validity_of_ones_is_no_nulls(void **state)
{
    struct lf_input input = {.type = {FEATURE_TYPE_BOOL, 1, false}};
    uint8_t validity[] = {0xff, 0xff, 0x07}, bits[] = {0xaa, 0xaa, 0xaa};
    struct lf_arrays arrays = {
        .type = FEATURE_TYPE_BOOL, .values = bits, .validity = validity};

    (void)state;
    for (arrays.rows = 0; arrays.rows < 24; arrays.rows++) {
        assert_int_equal(lf_input_set(&input, "rate", &arrays, NULL),
                         FEATURE_OK);
        assert_int_equal(input.has_nulls, arrays.rows > 19);
    }
    lf_input_free(&input);
}

/* --- widening ---------------------------------------------------------------- */

static void
a_widened_input_is_as_if_it_had_been_wide_from_the_start(void **state)
{
    (void)state;
    for (int i = 0; i < 8000; i++) {
        struct lf_input input = {.type = draw_column_type()};
        struct lf_type wide = input.type;
        struct lf_arrays arrays;

        wide.code = draw_one_in(2) ? FEATURE_TYPE_INT64 : FEATURE_TYPE_FLOAT64;
        if (!lf_type_widens(input.type, wide))
            wide = input.type;
        draw_arrays(input.type, draw_below(ROWS_MAX), &arrays);
        assert_int_equal(lf_input_set(&input, "rate", &arrays, NULL),
                         FEATURE_OK);
        assert_int_equal(lf_input_widen(&input, wide, NULL), FEATURE_OK);
        assert_true(lf_type_equal(input.type, wide));
        expect_rows(&input, wide, &arrays);
        free_arrays(&arrays);
        lf_input_free(&input);
    }
}

static void
an_input_that_was_not_set_widens_and_takes_values_after(void **state)
{
    struct lf_input input = {.type = {FEATURE_TYPE_INT32, 1, true}};
    const struct lf_type wide = {FEATURE_TYPE_INT64, 1, true};
    struct lf_arrays arrays;

    (void)state;
    assert_int_equal(lf_input_widen(&input, wide, NULL), FEATURE_OK);
    assert_false(input.is_set);
    draw_arrays(wide, 7, &arrays);
    assert_int_equal(lf_input_set(&input, "rate", &arrays, NULL), FEATURE_OK);
    expect_rows(&input, wide, &arrays);
    free_arrays(&arrays);
    lf_input_free(&input);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(an_input_holds_the_values_of_its_arrays),
        DRAWN(an_input_takes_types_that_widen_and_no_others),
        DRAWN(a_column_without_rows_needs_no_arrays),
        cmocka_unit_test(
            empty_values_need_no_bytes_wherever_their_offsets_begin),
        cmocka_unit_test(a_null_keeps_no_bytes),
        cmocka_unit_test(a_validity_of_ones_is_no_nulls),
        DRAWN(a_widened_input_is_as_if_it_had_been_wide_from_the_start),
        DRAWN(an_input_that_was_not_set_widens_and_takes_values_after),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
