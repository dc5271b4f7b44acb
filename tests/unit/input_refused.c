/* SPDX-License-Identifier: Apache-2.0 */
/* Columns that are refused: with a message, and without a trace. */
#include "draw.h"

#include "store/input.h"

/* A huge column is out of memory under AddressSanitizer too. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* One column of each layout, with three good rows: the second is null. */
struct column {
    struct lf_type type;
    struct lf_arrays arrays;
};

static const int32_t ints[] = {1, 2, 3, 4, 5, 6};
static const int32_t offsets[] = {1, 2, 2, 4};
static const int32_t child_offsets[] = {9, 0, 2, 2, 5};
static const uint8_t validity[] = {0x05};

static const struct column columns[] = {
    {{FEATURE_TYPE_INT64, 1, false},
     {FEATURE_TYPE_INT32, ints, NULL, NULL, validity, 3, false}},
    {{FEATURE_TYPE_INT64, 2, false},
     {FEATURE_TYPE_INT32, ints, NULL, NULL, validity, 3, false}},
    {{FEATURE_TYPE_INT64, 1, true},
     {FEATURE_TYPE_INT32, ints, offsets, NULL, validity, 3, true}},
    {{FEATURE_TYPE_STRING, 1, false},
     {FEATURE_TYPE_STRING, "abcdef", offsets, NULL, validity, 3, false}},
    {{FEATURE_TYPE_STRING, 1, true},
     {FEATURE_TYPE_STRING, "abcdef", offsets, child_offsets, validity, 3,
      true}},
};

enum { INTS, VECTORS, LISTS, STRINGS, STRING_LISTS, COLUMNS };

static void
copy(struct lf_buffer *to, const struct lf_buffer *from)
{
    assert_true(lf_buffer_append(to, from->data, from->size));
    /* Inputs use the capacity of a buffer, and not its size. */
    assert_true(lf_buffer_append(to, from->data, from->capacity));
}

/* Sets a column well, then tries bad arrays, which have to change nothing. */
static void
expect_refused(int which, const struct lf_arrays *bad, feature_status status,
               const char *message, int64_t row)
{
    struct lf_input input = {.type = columns[which].type}, before;
    struct lf_buffer values = {0}, ends = {0}, bits = {0};
    struct feature_error error = {0};

    assert_int_equal(lf_input_set(&input, "rate", &columns[which].arrays, NULL),
                     FEATURE_OK);
    before = input;
    copy(&values, &input.values);
    copy(&ends, &input.ends);
    copy(&bits, &input.validity);
    assert_int_equal(lf_input_set(&input, "rate", bad, NULL), status);
    assert_int_equal(lf_input_set(&input, "rate", bad, &error), status);
    assert_string_equal(error.message, message);
    assert_int_equal(error.row, row);
    assert_true(lf_type_equal(input.type, before.type));
    assert_true(input.is_set && input.has_nulls);
    assert_int_equal(input.rows, 3);
    assert_memory_equal(input.values.data, values.data, before.values.capacity);
    if (before.ends.capacity)
        assert_memory_equal(input.ends.data, ends.data, before.ends.capacity);
    assert_memory_equal(input.validity.data, bits.data,
                        before.validity.capacity);
    lf_buffer_free(&values);
    lf_buffer_free(&ends);
    lf_buffer_free(&bits);
    lf_input_free(&input);
}

static void
expect_invalid(int which, const struct lf_arrays *bad, const char *message,
               int64_t row)
{
    struct lf_input input = {.type = columns[which].type};
    struct feature_error error;

    assert_int_equal(lf_input_check(&input, "rate", bad, &error),
                     FEATURE_INVALID);
    assert_string_equal(error.reason, "argument");
    assert_false(input.is_set);
    expect_refused(which, bad, FEATURE_INVALID, message, row);
}

static void
a_list_and_no_list_are_told_apart(void **state)
{
    struct lf_arrays bad = columns[INTS].arrays;

    (void)state;
    bad.is_list = true;
    expect_invalid(INTS, &bad,
                   "column \"rate\" is INT64: set it with feature_batch_set",
                   -1);
    bad = columns[STRING_LISTS].arrays;
    bad.is_list = false;
    expect_invalid(
        STRING_LISTS, &bad,
        "column \"rate\" is STRING[]: set it with feature_batch_set_list", -1);
}

static void
values_that_do_not_widen_are_refused(void **state)
{
    struct lf_arrays bad = columns[VECTORS].arrays;

    (void)state;
    bad.type = FEATURE_TYPE_FLOAT32;
    expect_invalid(VECTORS, &bad,
                   "column \"rate\" is INT64[2] and cannot take FLOAT32 values",
                   -1);
    bad.type = 77;
    expect_invalid(VECTORS, &bad,
                   "column \"rate\" is INT64[2] and cannot take UNKNOWN values",
                   -1);
    bad = columns[STRINGS].arrays;
    bad.type = FEATURE_TYPE_BYTES;
    expect_invalid(STRINGS, &bad,
                   "column \"rate\" is STRING and cannot take BYTES values",
                   -1);
}

static void
missing_arrays_are_refused(void **state)
{
    (void)state;
    for (int which = 0; which < COLUMNS; which++) {
        struct lf_arrays bad = columns[which].arrays;

        bad.values = NULL;
        expect_invalid(which, &bad, "column \"rate\" has no values", -1);
        bad.offsets = NULL;
        if (columns[which].arrays.offsets)
            expect_invalid(which, &bad, "column \"rate\" needs offsets", -1);
    }
    {
        struct lf_arrays bad = columns[STRING_LISTS].arrays;

        bad.child_offsets = NULL;
        expect_invalid(STRING_LISTS, &bad,
                       "column \"rate\" needs child offsets", -1);
    }
}

static void
offsets_that_begin_below_0_are_refused(void **state)
{
    static const int32_t below[] = {-1, 2, 2, 4};
    static const int32_t child_below[] = {0, INT32_MIN, 2, 2, 5};

    (void)state;
    for (int which = LISTS; which < COLUMNS; which++) {
        struct lf_arrays bad = columns[which].arrays;

        bad.offsets = below;
        expect_invalid(which, &bad, "column \"rate\": offsets begin at -1", -1);
    }
    {
        struct lf_arrays bad = columns[STRING_LISTS].arrays;

        bad.child_offsets = child_below;
        expect_invalid(STRING_LISTS, &bad,
                       "column \"rate\": child offsets begin at -2147483648",
                       -1);
    }
}

static void
offsets_that_decrease_are_refused_at_their_row(void **state)
{
    static const int32_t falling[] = {1, 3, 2, 4};
    static const int32_t low[] = {5, 6, 7, INT32_MIN};

    (void)state;
    for (int which = LISTS; which < COLUMNS; which++) {
        struct lf_arrays bad = columns[which].arrays;

        bad.offsets = falling;
        expect_invalid(which, &bad,
                       "column \"rate\", row 1: offsets decrease from 3 to 2",
                       1);
        bad.offsets = low;
        expect_invalid(which, &bad,
                       "column \"rate\", row 2: offsets decrease from 7 to "
                       "-2147483648",
                       2);
    }
}

static void
child_offsets_that_decrease_are_refused_at_the_row_of_their_list(void **state)
{
    static const int32_t child[] = {9, 0, 2, 4, 3};
    static const int32_t first[] = {9, 2, 1, 4, 5};
    struct lf_arrays bad = columns[STRING_LISTS].arrays;

    (void)state;
    bad.child_offsets = child;
    expect_invalid(STRING_LISTS, &bad,
                   "column \"rate\", row 2: child offsets decrease from 4 to 3",
                   2);
    bad.child_offsets = first;
    expect_invalid(STRING_LISTS, &bad,
                   "column \"rate\", row 0: child offsets decrease from 2 to 1",
                   0);
}

static void
a_column_larger_than_memory_leaves_the_input_alone(void **state)
{
    struct lf_input input = {.type = {FEATURE_TYPE_FLOAT64, 65536, false}};
    struct lf_arrays huge = {
        .type = FEATURE_TYPE_FLOAT64, .values = ints, .rows = UINT32_MAX};
    struct feature_error error;

    (void)state;
    assert_int_equal(lf_input_set(&input, "rate", &huge, &error),
                     FEATURE_NO_MEMORY);
    assert_string_equal(error.reason, "memory");
    assert_false(input.is_set);
    assert_int_equal(input.rows, 0);
    lf_input_free(&input);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_and_no_list_are_told_apart),
        cmocka_unit_test(values_that_do_not_widen_are_refused),
        cmocka_unit_test(missing_arrays_are_refused),
        cmocka_unit_test(offsets_that_begin_below_0_are_refused),
        cmocka_unit_test(offsets_that_decrease_are_refused_at_their_row),
        cmocka_unit_test(
            child_offsets_that_decrease_are_refused_at_the_row_of_their_list),
        cmocka_unit_test(a_column_larger_than_memory_leaves_the_input_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
