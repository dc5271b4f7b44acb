/* SPDX-License-Identifier: Apache-2.0 */
/* Columns in and out in Arrow's layout, buffer by buffer. */
#include "common.h"

#define ALL                                                               \
    "CREATE ENTITY e (k INT64);"                                          \
    "CREATE FEATURE VIEW v (b BOOL, i32 INT32, i64 INT64, f32 FLOAT32,"   \
    " f64 FLOAT64, t TIMESTAMP, vi INT32[2], vl INT64[2], vf FLOAT32[3]," \
    " vd FLOAT64[2], s STRING, y BYTES, li INT32[], ll INT64[],"          \
    " lf FLOAT32[], ld FLOAT64[], ls STRING[]) FOR e;"

static struct feature_column
column_of(const struct reader *reader, uint32_t index)
{
    struct feature_column column;

    must(feature_request_column(reader->request, index, &column, &problem));
    assert_non_null(column.validity);
    return column;
}

static struct reader
read_keys(struct fixture *f, const char *features, const char *keys)
{
    struct reader reader = open_reader(f, features, 0, keys);

    must(feature_request_read(reader.request, &problem));
    return reader;
}

static void
every_type_comes_back_as_it_went_in(void **state)
{
    struct fixture *f = *state;

    define(f, ALL);
    upsert(f, "v", NULL,
           "1 100 true -7 9223372036854775807 0.5 -2.5 @1 [1,-2] [3,-4]"
           " [0.5,1,2] [-0.5,3] text x00ff [1,2] [] [0.5] [1.5,2] [a,'',bc]\n"
           "2 100 null null null null null null null null null null null null"
           " null null null null null\n"
           "3 100 false 0 -9223372036854775808 0 -0 0 [0,0] [0,0] [0,0,0]"
           " [0,0] '' '' [] [7] [] [] []");
    expect_rows(f, "v(*)", "1\n2\n3",
                "present true -7 9223372036854775807 0.5 -2.5 1767268801000000"
                " [1,-2] [3,-4] [0.5,1,2] [-0.5,3] text x00ff [1,2] [] [0.5]"
                " [1.5,2] [a,'',bc]\n"
                "null null null null null null null null null null null null"
                " null null null null null null\n"
                "present false 0 -9223372036854775808 0 -0 0 [0,0] [0,0]"
                " [0,0,0] [0,0] '' '' [] [7] [] [] []");
}

static void
fixed_values_lie_side_by_side_with_zeros_under_nulls(void **state)
{
    static const int32_t i32[] = {-7, 0, 9};
    static const float vectors[] = {1, 2, 3, 0, 0, 0, 4, 5, 6};
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;

    define(f, ALL);
    patch(f, "v", "k, i32, vf", "1 -7 [1,2,3]\n2 null null\n3 9 [4,5,6]");
    reader = read_keys(f, "v(i32, vf)", "1\n2\n3");
    column = column_of(&reader, 0);
    assert_memory_equal(column.values, i32, sizeof i32);
    assert_int_equal(column.validity[0] & 7, 5);
    assert_int_equal(column.rows, 3);
    assert_int_equal(column.type, FEATURE_TYPE_INT32);
    assert_int_equal(column.width, 1);
    assert_int_equal(column.null_count, 1);
    assert_null(column.offsets);
    assert_null(column.child_offsets);
    assert_null(column.defaulted);
    column = column_of(&reader, 1);
    assert_memory_equal(column.values, vectors, sizeof vectors);
    assert_int_equal(column.validity[0] & 7, 5);
    assert_int_equal(column.width, 3);
    assert_null(column.offsets);
    close_reader(&reader);
}

static void
booleans_are_bits(void **state)
{
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;
    char rows[512] = "", keys[512] = "", line[32];

    define(f, ALL);
    for (int i = 0; i < 20; i++) {
        snprintf(line, sizeof line, "%s%d %s", i ? "\n" : "", i,
                 i % 5 == 4 ? "null"
                 : i % 3    ? "false"
                            : "true");
        strcat(rows, line);
        snprintf(line, sizeof line, "%s%d", i ? "\n" : "", i);
        strcat(keys, line);
    }
    patch(f, "v", "k, b", rows);
    reader = read_keys(f, "v(b)", keys);
    column = column_of(&reader, 0);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(bit_at(column.values, i), i % 5 != 4 && i % 3 == 0);
        assert_int_equal(bit_at(column.validity, i), i % 5 != 4);
    }
    assert_int_equal(column.null_count, 4);
    close_reader(&reader);
}

static void
texts_lie_between_offsets(void **state)
{
    static const int32_t offsets[] = {0, 2, 2, 2, 5};
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;

    define(f, ALL);
    patch(f, "v", "k, s", "1 ab\n2 ''\n3 null\n4 cde");
    reader = read_keys(f, "v(s)", "1\n2\n3\n4");
    column = column_of(&reader, 0);
    assert_memory_equal(column.offsets, offsets, sizeof offsets);
    assert_memory_equal(column.values, "abcde", 5);
    assert_int_equal(column.validity[0] & 15, 11);
    assert_null(column.child_offsets);
    assert_int_equal(column.null_count, 1);
    close_reader(&reader);
}

static void
lists_of_texts_have_offsets_of_offsets(void **state)
{
    static const int32_t offsets[] = {0, 2, 2, 2, 5};
    static const int32_t child_offsets[] = {0, 1, 3, 3, 4, 4};
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;

    define(f, ALL);
    patch(f, "v", "k, ls", "1 [a,bc]\n2 []\n3 null\n4 ['',d,'']");
    reader = read_keys(f, "v(ls)", "1\n2\n3\n4");
    column = column_of(&reader, 0);
    assert_memory_equal(column.offsets, offsets, sizeof offsets);
    assert_memory_equal(column.child_offsets, child_offsets,
                        sizeof child_offsets);
    assert_memory_equal(column.values, "abcd", 4);
    assert_int_equal(column.validity[0] & 15, 11);
    close_reader(&reader);
}

static void
lists_of_numbers_lie_between_offsets(void **state)
{
    static const int32_t offsets[] = {0, 3, 3, 3, 4};
    static const int64_t values[] = {1, 2, 3, INT64_MIN};
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;

    define(f, ALL);
    patch(f, "v", "k, ll", "1 [1,2,3]\n2 null\n3 []\n4 [-9223372036854775808]");
    reader = read_keys(f, "v(ll)", "1\n2\n3\n4");
    column = column_of(&reader, 0);
    assert_memory_equal(column.offsets, offsets, sizeof offsets);
    assert_memory_equal(column.values, values, sizeof values);
    assert_int_equal(column.validity[0] & 15, 13);
    assert_null(column.child_offsets);
    close_reader(&reader);
}

static void
defaulted_marks_what_was_filled_and_nothing_else(void **state)
{
    static const int64_t values[] = {5, 3, 3};
    struct fixture *f = *state;
    struct feature_column column;
    struct reader reader;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64 DEFAULT 3, b INT64) FOR e");
    upsert(f, "v", "k, a, b", "1 5 1\n2 null null");
    reader = read_keys(f, "v(*)", "1\n2\n3");
    column = column_of(&reader, 0);
    assert_non_null(column.defaulted);
    assert_int_equal(column.defaulted[0] & 7, 6);
    assert_int_equal(column.validity[0] & 7, 7);
    assert_int_equal(column.null_count, 0);
    assert_memory_equal(column.values, values, sizeof values);
    column = column_of(&reader, 1);
    assert_null(column.defaulted);
    assert_int_equal(column.validity[0] & 7, 1);
    set_keys(&reader, "1");
    must(feature_request_read(reader.request, &problem));
    assert_null(column_of(&reader, 0).defaulted);
    close_reader(&reader);
}

static void
defaults_of_every_type_are_served(void **state)
{
    struct fixture *f = *state;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (b BOOL DEFAULT true, i INT32 DEFAULT -5,"
              " f FLOAT32 DEFAULT 0.5, d FLOAT64 DEFAULT 'NaN',"
              " s STRING DEFAULT 'it''s', y BYTES DEFAULT x'00ff',"
              " t TIMESTAMP DEFAULT '1970-01-01T00:00:01Z',"
              " vec FLOAT32[2] DEFAULT [1, 2.5], li INT64[] DEFAULT [],"
              " ls STRING[] DEFAULT ['a', '', 'bc']) FOR e");
    expect_rows(f, "v(*)", "1\n2",
                "not_found true* -5* 0.5* nan* it's* x00ff* 1000000* [1,2.5]*"
                " []* [a,'',bc]*\n"
                "not_found true* -5* 0.5* nan* it's* x00ff* 1000000* [1,2.5]*"
                " []* [a,'',bc]*");
}

static void
all_columns_can_be_had_at_once(void **state)
{
    struct fixture *f = *state;
    struct feature_column columns[3], one;
    struct reader reader;

    define(f, ALL);
    patch(f, "v", "k, s, i32, ls", "1 a 2 [b]");
    reader = read_keys(f, "v(s, i32, ls)", "1\n2");
    must(feature_request_columns(reader.request, columns, 3, &problem));
    for (uint32_t i = 0; i < 3; i++) {
        one = column_of(&reader, i);
        assert_memory_equal(&columns[i], &one, sizeof one);
    }
    memset(columns, 0xee, sizeof columns);
    must_fail(feature_request_columns(reader.request, columns, 2, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_column(reader.request, 3, columns, &problem),
              FEATURE_NOT_FOUND, "name");
    assert_int_equal(columns[0].rows, 0xeeeeeeee);
    close_reader(&reader);
}

static void
buffers_may_begin_anywhere_and_hide_bytes_under_nulls(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    define(f, ALL);
    batch = make_batch(f, FEATURE_PATCH, "v", "k, s, ls, ll", NULL);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64,
                           (const int64_t[]){1, 2, 3}, NULL, NULL, 3,
                           &problem));
    /* Row 2 is null over bytes that are not even UTF-8. */
    must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING,
                           "--ab\xff\xff"
                           "c-",
                           (const int32_t[]){2, 4, 6, 7}, (uint8_t[]){5}, 3,
                           &problem));
    must(feature_batch_set_list(batch, 2, FEATURE_TYPE_STRING,
                                "xxabc\xff"
                                "d",
                                (const int32_t[]){1, 3, 4, 5},
                                (const int32_t[]){0, 2, 4, 5, 6, 7},
                                (uint8_t[]){5}, 3, &problem));
    must(feature_batch_set_list(
        batch, 3, FEATURE_TYPE_INT32, (const int32_t[]){0, 1, 2, 3, 4},
        (const int32_t[]){1, 2, 4, 5}, NULL, (uint8_t[]){5}, 3, &problem));
    write_batch(f, batch);
    expect_rows(f, "v(s, ls, ll)", "1\n2\n3",
                "present ab [ab,c] [1]\nnull null null null\n"
                "present c [d] [4]");
    feature_batch_free(batch);
}

static void
narrow_buffers_widen_to_their_columns(void **state)
{
    static const int32_t small[] = {-7, INT32_MIN, INT32_MAX, 1};
    static const float singles[] = {0.5f, -1, 2, 3};
    struct fixture *f = *state;
    feature_batch *batch;

    define(f, ALL);
    batch = make_batch(f, FEATURE_PATCH, "v", "k, i64, f64, t, vl, vd, ll, ld",
                       NULL);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT32, small, NULL, NULL, 2,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT32, small, NULL, NULL, 2,
                           &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT32, singles, NULL, NULL,
                           2, &problem));
    must(feature_batch_set(batch, 3, FEATURE_TYPE_INT64,
                           (const int64_t[]){5, 6}, NULL, NULL, 2, &problem));
    must(feature_batch_set(batch, 4, FEATURE_TYPE_INT32, small, NULL, NULL, 2,
                           &problem));
    must(feature_batch_set(batch, 5, FEATURE_TYPE_INT32, small, NULL, NULL, 2,
                           &problem));
    must(feature_batch_set_list(batch, 6, FEATURE_TYPE_INT32, small,
                                (const int32_t[]){0, 1, 4}, NULL, NULL, 2,
                                &problem));
    must(feature_batch_set_list(batch, 7, FEATURE_TYPE_FLOAT32, singles,
                                (const int32_t[]){0, 3, 3}, NULL, NULL, 2,
                                &problem));
    write_batch(f, batch);
    expect_rows(f, "v(i64, f64, t, vl, vd, ll, ld)", "-7\n-2147483648",
                "present -7 0.5 5 [-7,-2147483648] [-7,-2147483648] [-7]"
                " [0.5,-1,2]\n"
                "present -2147483648 -1 6 [2147483647,1] [2147483647,1]"
                " [-2147483648,2147483647,1] []");
    feature_batch_free(batch);
}

#define MANY 100

/* Blocks of plain rows, rows of another version, gaps and nulls in turn. */
static void
long_answers_mix_rows_of_every_kind(void **state)
{
    struct fixture *f = *state;
    struct feature_column number, text, flag;
    struct reader reader;
    int64_t keys[MANY];
    char row[64];

    define(f, "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v"
              " (n INT32, s STRING, b BOOL DEFAULT true) FOR e");
    for (int i = 0; i < MANY; i++) {
        keys[i] = i;
        if (i == MANY / 2)
            define(f, "CREATE FEATURE VIEW v (n INT64) FOR e");
        snprintf(row, sizeof row, "%d %d s%d %s", i, i, i,
                 i % 2 ? "null" : "false");
        if (i % 7 != 6 || i < 32)
            upsert(f, "v", "k, n, s, b", row);
    }
    reader = open_reader(f, "v(n, s, b)", 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, MANY, &problem));
    must(feature_request_read(reader.request, &problem));
    number = column_of(&reader, 0);
    text = column_of(&reader, 1);
    flag = column_of(&reader, 2);
    for (uint32_t i = 0; i < MANY; i++) {
        int found = i % 7 != 6 || i < 32;
        int size = snprintf(row, sizeof row, "s%u", i);

        assert_int_equal(bit_at(number.validity, i), found);
        assert_int_equal(((const int64_t *)number.values)[i], found ? i : 0);
        assert_int_equal(bit_at(text.validity, i), found);
        assert_int_equal(text.offsets[i + 1] - text.offsets[i],
                         found ? size : 0);
        if (found)
            assert_memory_equal((const char *)text.values + text.offsets[i],
                                row, (size_t)size);
        assert_int_equal(bit_at(flag.values, i), !found || i % 2);
        assert_int_equal(bit_at(flag.defaulted, i), !found || i % 2);
    }
    assert_int_equal(number.null_count, 10);
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_comes_back_as_it_went_in),
        TEST(fixed_values_lie_side_by_side_with_zeros_under_nulls),
        TEST(booleans_are_bits),
        TEST(texts_lie_between_offsets),
        TEST(lists_of_texts_have_offsets_of_offsets),
        TEST(lists_of_numbers_lie_between_offsets),
        TEST(defaulted_marks_what_was_filled_and_nothing_else),
        TEST(defaults_of_every_type_are_served),
        TEST(all_columns_can_be_had_at_once),
        TEST(buffers_may_begin_anywhere_and_hide_bytes_under_nulls),
        TEST(narrow_buffers_widen_to_their_columns),
        TEST(long_answers_mix_rows_of_every_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
