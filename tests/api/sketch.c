/* SPDX-License-Identifier: Apache-2.0 */
/* Sketches for callers: values of every type, merges, bytes in three formats,
 * and what is refused. */
#include "common.h"

#include <math.h>

#define VALUES 5000

static feature_sketch *
make(int32_t kind, uint32_t precision, double max_error)
{
    const struct feature_sketch_options options = {.struct_size =
                                                       sizeof options,
                                                   .kind = kind,
                                                   .precision = precision,
                                                   .max_error = max_error};
    feature_sketch *sketch;

    must(feature_sketch_create(&options, &sketch, &problem));
    return sketch;
}

static uint64_t
estimate(const feature_sketch *sketch)
{
    uint64_t count;

    must(feature_sketch_estimate(sketch, &count, &problem));
    return count;
}

static struct feature_sketch_data
bytes_of(feature_sketch *sketch, int32_t format)
{
    struct feature_sketch_data data;

    must(feature_sketch_bytes(sketch, format, &data, &problem));
    return data;
}

static void
add_integers(feature_sketch *sketch, int64_t first, int64_t end)
{
    for (; first < end; first++)
        must(feature_sketch_add(sketch, FEATURE_TYPE_INT64, &first, NULL, NULL,
                                1, &problem));
}

static void
expect_same(feature_sketch *a, feature_sketch *b)
{
    struct feature_sketch_data one = bytes_of(a, FEATURE_SKETCH_NATIVE);
    struct feature_sketch_data two = bytes_of(b, FEATURE_SKETCH_NATIVE);

    assert_int_equal(one.size, two.size);
    assert_memory_equal(one.bytes, two.bytes, one.size);
}

/* MurmurHash64A of these, as Redis has it, from the outside: equal values of
 * types that widen are one element. */
static void
equal_values_of_any_type_are_one_element(void **state)
{
    static const int32_t narrow[] = {1, -2, 3};
    static const int64_t wide[] = {1, -2, 3};
    static const float floats[] = {0.5f, -0.0f, 3};
    static const double doubles[] = {0.5, 0.0, 3};
    static const int32_t ends[] = {1, 2, 2, 4};
    static const uint8_t bools[] = {5};
    feature_sketch *sketch = make(FEATURE_SKETCH_DISTINCT, 0, 0);

    (void)state;
    must(feature_sketch_add(sketch, FEATURE_TYPE_INT32, narrow, NULL, NULL, 3,
                            &problem));
    must(feature_sketch_add(sketch, FEATURE_TYPE_INT64, wide, NULL, NULL, 3,
                            &problem));
    must(feature_sketch_add(sketch, FEATURE_TYPE_TIMESTAMP, wide, NULL, NULL, 3,
                            &problem));
    assert_int_equal(estimate(sketch), 3);
    must(feature_sketch_add(sketch, FEATURE_TYPE_FLOAT32, floats, NULL, NULL, 3,
                            &problem));
    must(feature_sketch_add(sketch, FEATURE_TYPE_FLOAT64, doubles, NULL, NULL,
                            3, &problem));
    assert_int_equal(estimate(sketch), 6);
    must(feature_sketch_add(sketch, FEATURE_TYPE_BOOL, bools, NULL, NULL, 3,
                            &problem));
    must(feature_sketch_add(sketch, FEATURE_TYPE_STRING, "xabc", ends, NULL, 3,
                            &problem));
    must(feature_sketch_add(sketch, FEATURE_TYPE_BYTES, "xabc", ends, NULL, 3,
                            &problem));
    assert_int_equal(estimate(sketch), 11);
    feature_sketch_free(sketch);
}

static void
nulls_count_nothing(void **state)
{
    const uint8_t validity = 2;
    const double values[] = {NAN, 4, INFINITY};
    const int32_t kinds[] = {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_QUANTILES};

    (void)state;
    for (int i = 0; i < 2; i++) {
        feature_sketch *sketch = make(kinds[i], 0, 0);

        must(feature_sketch_add(sketch, FEATURE_TYPE_FLOAT64, values, NULL,
                                &validity, 3, &problem));
        assert_int_equal(estimate(sketch), 1);
        must_fail(feature_sketch_add(sketch, FEATURE_TYPE_FLOAT64, values + 1,
                                     NULL, NULL, 2, &problem),
                  FEATURE_INVALID, "argument");
        assert_int_equal(problem.row, 1);
        assert_int_equal(estimate(sketch), 1);
        feature_sketch_free(sketch);
    }
}

static void
parts_merge_to_the_whole(void **state)
{
    const int32_t kinds[] = {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_QUANTILES};

    (void)state;
    for (int i = 0; i < 2; i++) {
        feature_sketch *whole = make(kinds[i], 0, 0), *parts[3];

        add_integers(whole, 0, VALUES);
        for (int j = 0; j < 3; j++) {
            parts[j] = make(kinds[i], 0, 0);
            add_integers(parts[j], VALUES * j / 3, VALUES * (j + 1) / 3);
        }
        must(feature_sketch_merge(parts[2], parts[0], &problem));
        must(feature_sketch_merge(parts[1], parts[2], &problem));
        expect_same(whole, parts[1]);
        must(feature_sketch_merge(whole, whole, &problem));
        assert_int_equal(estimate(whole), i ? 2 * VALUES : estimate(parts[1]));
        feature_sketch_free(whole);
        for (int j = 0; j < 3; j++)
            feature_sketch_free(parts[j]);
    }
}

static void
sketches_that_differ_do_not_merge(void **state)
{
    feature_sketch *distinct = make(FEATURE_SKETCH_DISTINCT, 12, 0);
    feature_sketch *fine = make(FEATURE_SKETCH_DISTINCT, 14, 0);
    feature_sketch *quantiles = make(FEATURE_SKETCH_QUANTILES, 0, 0);
    feature_sketch *coarse = make(FEATURE_SKETCH_QUANTILES, 0, 0.02);

    (void)state;
    must_fail(feature_sketch_merge(distinct, quantiles, &problem),
              FEATURE_CONFLICT, "sketch");
    must_fail(feature_sketch_merge(quantiles, coarse, &problem),
              FEATURE_CONFLICT, "sketch");
    must_fail(feature_sketch_merge(fine, distinct, &problem), FEATURE_CONFLICT,
              "sketch");
    add_integers(fine, 0, VALUES);
    must(feature_sketch_merge(distinct, fine, &problem));
    feature_sketch_free(fine);
    fine = make(FEATURE_SKETCH_DISTINCT, 12, 0);
    add_integers(fine, 0, VALUES);
    expect_same(distinct, fine);
    feature_sketch_free(distinct);
    feature_sketch_free(fine);
    feature_sketch_free(quantiles);
    feature_sketch_free(coarse);
}

static void
bytes_come_back_in_each_format(void **state)
{
    static const struct {
        int32_t kind, format;
        int64_t values;
    } cases[] = {{FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_NATIVE, 0},
                 {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_NATIVE, 50},
                 {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_NATIVE, 900},
                 {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_NATIVE, VALUES},
                 {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_HYLL, 0},
                 {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_HYLL, VALUES},
                 {FEATURE_SKETCH_QUANTILES, FEATURE_SKETCH_NATIVE, 0},
                 {FEATURE_SKETCH_QUANTILES, FEATURE_SKETCH_NATIVE, VALUES},
                 {FEATURE_SKETCH_QUANTILES, FEATURE_SKETCH_DDSKETCH, 0},
                 {FEATURE_SKETCH_QUANTILES, FEATURE_SKETCH_DDSKETCH, VALUES}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        feature_sketch *sketch = make(cases[i].kind, 14, 0), *back;
        struct feature_sketch_data data;

        add_integers(sketch, -cases[i].values / 3, cases[i].values * 2 / 3);
        data = bytes_of(sketch, cases[i].format);
        must(feature_sketch_from_bytes(cases[i].format, data.bytes, data.size,
                                       &back, &problem));
        expect_same(sketch, back);
        feature_sketch_free(sketch);
        feature_sketch_free(back);
    }
}

/* These bytes are a promise: format/hll.h, format/ddsketch.h. */
static void
bytes_lie_as_the_format_says(void **state)
{
    feature_sketch *distinct = make(FEATURE_SKETCH_DISTINCT, 0, 0);
    feature_sketch *quantiles = make(FEATURE_SKETCH_QUANTILES, 0, 0);
    const double values[] = {0, 1, 1, -1};
    struct feature_sketch_data data = bytes_of(distinct, FEATURE_SKETCH_NATIVE);

    (void)state;
    assert_int_equal(data.size, 13);
    assert_memory_equal(data.bytes, "LFSK\1\1\14\1", 8);
    must(feature_sketch_add(quantiles, FEATURE_TYPE_FLOAT64, values, NULL, NULL,
                            4, &problem));
    data = bytes_of(quantiles, FEATURE_SKETCH_NATIVE);
    assert_memory_equal(data.bytes, "LFSK\1\2\0\0", 8);
    assert_int_equal(data.size, 28);
    assert_memory_equal((const char *)data.bytes + 20, "\7\1\0\0\2\0\0\0", 8);
    feature_sketch_free(distinct);
    feature_sketch_free(quantiles);
}

static void
quantiles_are_within_the_error(void **state)
{
    feature_sketch *sketch = make(FEATURE_SKETCH_QUANTILES, 0, 0.01);
    double value;

    (void)state;
    must_fail(feature_sketch_quantile(sketch, 0.5, &value, &problem),
              FEATURE_NOT_FOUND, "empty");
    add_integers(sketch, 1, 1001);
    must(feature_sketch_quantile(sketch, 0.5, &value, &problem));
    assert_true(fabs(value - 500) <= 5);
    must(feature_sketch_quantile(sketch, 0.99, &value, &problem));
    assert_true(fabs(value - 990) <= 9.9);
    must_fail(feature_sketch_quantile(sketch, NAN, &value, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_sketch_quantile(sketch, 1.5, &value, &problem),
              FEATURE_INVALID, "argument");
    feature_sketch_free(sketch);
}

/* Every bit of our own bytes is checked; of others' bytes, every end. */
static void
damaged_bytes_are_refused(void **state)
{
    const int32_t kinds[] = {FEATURE_SKETCH_DISTINCT, FEATURE_SKETCH_QUANTILES};

    (void)state;
    for (int i = 0; i < 2; i++) {
        feature_sketch *sketch = make(kinds[i], 14, 0), *back = NULL;
        struct feature_sketch_data data;
        uint8_t *copy;

        add_integers(sketch, -20, 200);
        data = bytes_of(sketch, FEATURE_SKETCH_NATIVE);
        for (size_t size = 0; size <= data.size; size++) {
            copy = malloc(size + 1);
            memcpy(copy + 1, data.bytes, size);
            if (size == data.size)
                copy[size / 2] ^= 4;
            assert_true(feature_sketch_from_bytes(FEATURE_SKETCH_NATIVE,
                                                  copy + 1, size, &back,
                                                  &problem) > 0);
            assert_null(back);
            free(copy);
        }
        feature_sketch_free(sketch);
    }
}

static void
refuse(int32_t format, const void *bytes, size_t size, feature_status status)
{
    feature_sketch *back = NULL;

    must_fail(feature_sketch_from_bytes(format, bytes, size, &back, &problem),
              status,
              status == FEATURE_CORRUPT       ? "structure"
              : status == FEATURE_UNSUPPORTED ? "sketch"
                                              : "argument");
    assert_null(back);
}

/* Heads with the right checksum, and no state behind them. */
static void
a_head_alone_is_no_sketch(void **state)
{
    static const uint8_t distinct[] = {'L', 'F', 'S',  'K',  1,    1,
                                       12,  1,   0x51, 0x0c, 0x1f, 0xe3};
    static const uint8_t quantiles[] = {
        'L',  'F',  'S',  'K',  1,    2,    0,    0,    0x12, 0x80,
        0x07, 0x84, 0x7b, 0x14, 0xae, 0x47, 0xe1, 0x7a, 0x84, 0x3f};

    (void)state;
    refuse(FEATURE_SKETCH_NATIVE, distinct, sizeof distinct, FEATURE_CORRUPT);
    refuse(FEATURE_SKETCH_NATIVE, quantiles, sizeof quantiles, FEATURE_CORRUPT);
}

static void
foreign_bytes_that_do_not_fit_are_refused(void **state)
{
    static const char hyll[16] = {'H', 'Y', 'L', 'L', 1};
    char sparse[20] = {0}, dense[12304] = {0};
    /* gamma 2, no interpolation; and no mapping at all */
    static const char logarithmic[] = "\x0a\x09\x09\0\0\0\0\0\0\0\x40";
    feature_sketch *back;

    (void)state;
    memcpy(sparse, hyll, 16);
    refuse(FEATURE_SKETCH_HYLL, sparse, 16, FEATURE_CORRUPT);
    sparse[16] = 0x7f;
    sparse[17] = (char)0xff;
    must(feature_sketch_from_bytes(FEATURE_SKETCH_HYLL, sparse, 18, &back,
                                   &problem));
    assert_int_equal(estimate(back), 0);
    feature_sketch_free(back);
    refuse(FEATURE_SKETCH_HYLL, sparse, 17, FEATURE_CORRUPT);
    refuse(FEATURE_SKETCH_HYLL, sparse, 19, FEATURE_CORRUPT);
    memcpy(dense, "HYLL", 4);
    refuse(FEATURE_SKETCH_HYLL, dense, 12303, FEATURE_CORRUPT);
    memset(dense + 16, 0xff, 12288); /* ranks of 63 */
    refuse(FEATURE_SKETCH_HYLL, dense, 12304, FEATURE_CORRUPT);
    refuse(FEATURE_SKETCH_DDSKETCH, logarithmic, 11, FEATURE_UNSUPPORTED);
    refuse(FEATURE_SKETCH_DDSKETCH, "", 0, FEATURE_UNSUPPORTED);
    refuse(FEATURE_SKETCH_DDSKETCH, "\xff", 1, FEATURE_CORRUPT);
    refuse(9, "", 0, FEATURE_INVALID);
    refuse(FEATURE_SKETCH_NATIVE, NULL, 0, FEATURE_INVALID);
}

static void
wrong_arguments_are_refused(void **state)
{
    struct feature_sketch_options options = {.struct_size = sizeof options};
    feature_sketch *sketch = NULL, *good = make(FEATURE_SKETCH_DISTINCT, 4, 0);
    feature_sketch *quantiles = make(FEATURE_SKETCH_QUANTILES, 0, 0);
    const int32_t falling[] = {0, 2, 1};
    struct feature_sketch_data data;

    (void)state;
    must_fail(feature_sketch_create(NULL, &sketch, &problem), FEATURE_INVALID,
              "argument");
    must_fail(feature_sketch_create(&options, &sketch, &problem),
              FEATURE_INVALID, "argument");
    options.kind = FEATURE_SKETCH_DISTINCT;
    options.precision = 3;
    must_fail(feature_sketch_create(&options, &sketch, &problem),
              FEATURE_INVALID, "argument");
    options.precision = 19;
    must_fail(feature_sketch_create(&options, &sketch, &problem),
              FEATURE_INVALID, "argument");
    options.kind = FEATURE_SKETCH_QUANTILES;
    options.precision = 0;
    options.max_error = NAN;
    must_fail(feature_sketch_create(&options, &sketch, &problem),
              FEATURE_INVALID, "argument");
    assert_null(sketch);
    must_fail(feature_sketch_add(good, FEATURE_TYPE_STRING, "ab", falling, NULL,
                                 2, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_sketch_add(good, FEATURE_TYPE_INT64, NULL, NULL, NULL, 2,
                                 &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_sketch_add(good, 0, "", NULL, NULL, 0, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_sketch_add(quantiles, FEATURE_TYPE_TIMESTAMP, "", NULL,
                                 NULL, 0, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_sketch_bytes(good, FEATURE_SKETCH_HYLL, &data, &problem),
              FEATURE_INVALID, "argument");
    must_fail(
        feature_sketch_bytes(good, FEATURE_SKETCH_DDSKETCH, &data, &problem),
        FEATURE_INVALID, "argument");
    must_fail(feature_sketch_bytes(good, 7, &data, &problem), FEATURE_INVALID,
              "argument");
    feature_sketch_free(good);
    feature_sketch_free(quantiles);
    feature_sketch_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_of_any_type_are_one_element),
        cmocka_unit_test(nulls_count_nothing),
        cmocka_unit_test(parts_merge_to_the_whole),
        cmocka_unit_test(sketches_that_differ_do_not_merge),
        cmocka_unit_test(bytes_come_back_in_each_format),
        cmocka_unit_test(bytes_lie_as_the_format_says),
        cmocka_unit_test(quantiles_are_within_the_error),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(a_head_alone_is_no_sketch),
        cmocka_unit_test(foreign_bytes_that_do_not_fit_are_refused),
        cmocka_unit_test(wrong_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
