/* SPDX-License-Identifier: Apache-2.0 */
/* Join keys: composite, of any bytes, up to the limit and past it. */
#include "common.h"

/* Texts that an encoding could confuse: zeros, its escape, prefixes. */
struct piece {
    const char *bytes;
    int32_t size;
};

static const struct piece pieces[] = {
    {"", 0},         {"\0", 1},         {"\0\0", 2},     {"\0\xff", 2},
    {"\0\x01", 2},   {"\x01", 1},       {"\xff", 1},     {"\xff\0", 2},
    {"a", 1},        {"a\0", 2},        {"a\0\0", 3},    {"a\0b", 3},
    {"a\0\x01", 3},  {"a\0\xff", 3},    {"a\0\x01b", 4}, {"ab", 2},
    {"\0\0\x01", 3}, {"\xff\xff", 2},   {"b", 1},        {"\0a", 2},
    {"\0\x01\0", 3}, {"\0\xff\x01", 3},
};

#define PIECES ((int64_t)(sizeof pieces / sizeof *pieces))

struct texts {
    char bytes[8192];
    int32_t offsets[1024];
    uint32_t rows;
};

static void
add_text(struct texts *texts, const struct piece *piece)
{
    int32_t end = texts->offsets[texts->rows];

    memcpy(texts->bytes + end, piece->bytes, (size_t)piece->size);
    texts->offsets[++texts->rows] = end + piece->size;
}

static void
set_texts(feature_batch *batch, uint32_t column, int32_t type,
          const struct texts *texts)
{
    must(feature_batch_set(batch, column, type, texts->bytes, texts->offsets,
                           NULL, texts->rows, &problem));
}

/* Every row has its own number, and a key of its own finds it. */
static void
expect_numbers(const struct reader *reader, uint32_t rows)
{
    struct feature_column column;

    must(feature_request_read(reader->request, &problem));
    must(feature_request_column(reader->request, 0, &column, &problem));
    assert_int_equal(column.rows, rows);
    assert_int_equal(column.null_count, 0);
    for (uint32_t i = 0; i < rows; i++)
        assert_int_equal(((const int64_t *)column.values)[i], i);
}

static void
write_numbers(struct fixture *f, feature_batch *batch, uint32_t column,
              uint32_t rows)
{
    int64_t numbers[1024];

    for (uint32_t i = 0; i < rows; i++)
        numbers[i] = i;
    must(feature_batch_set(batch, column, FEATURE_TYPE_INT64, numbers, NULL,
                           NULL, rows, &problem));
    assert_int_equal(write_batch(f, batch).applied, rows);
    assert_int_equal(stats_of(f).rows, rows);
    feature_batch_free(batch);
}

static void
keys_of_any_bytes_are_all_different(void **state)
{
    struct fixture *f = *state;
    static struct texts first, second;
    feature_batch *batch;
    struct reader reader;

    define(f, "CREATE ENTITY e (x BYTES, y BYTES);"
              "CREATE FEATURE VIEW v (n INT64) FOR e");
    first = second = (struct texts){.rows = 0};
    for (int64_t i = 0; i < PIECES * PIECES; i++) {
        add_text(&first, &pieces[i / PIECES]);
        add_text(&second, &pieces[i % PIECES]);
    }
    batch = make_batch(f, FEATURE_UPSERT, "v", "x, y, n", NULL);
    set_texts(batch, 0, FEATURE_TYPE_BYTES, &first);
    set_texts(batch, 1, FEATURE_TYPE_BYTES, &second);
    write_numbers(f, batch, 2, first.rows);
    reader = open_reader(f, "v:n", 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_BYTES,
                                 first.bytes, first.offsets, NULL, first.rows,
                                 &problem));
    must(feature_request_set_key(reader.request, 1, FEATURE_TYPE_BYTES,
                                 second.bytes, second.offsets, NULL,
                                 second.rows, &problem));
    expect_numbers(&reader, first.rows);
    close_reader(&reader);
}

static void
texts_and_numbers_beside_each_other_do_not_meet(void **state)
{
    static const int64_t numbers[] = {INT64_MIN,
                                      -1,
                                      0,
                                      1,
                                      255,
                                      INT64_MAX,
                                      (int64_t)0x7f00000000000000,
                                      (int64_t)0x8001000000000000u};
    struct fixture *f = *state;
    static struct texts texts;
    int64_t repeated[1024];
    feature_batch *batch;
    struct reader reader;

    define(f, "CREATE ENTITY e (x BYTES, y INT64);"
              "CREATE FEATURE VIEW v (n INT64) FOR e");
    texts.rows = 0;
    for (int64_t i = 0; i < 8 * PIECES; i++) {
        add_text(&texts, &pieces[i / 8]);
        repeated[i] = numbers[i % 8];
    }
    batch = make_batch(f, FEATURE_UPSERT, "v", "y, n, x", NULL);
    set_texts(batch, 2, FEATURE_TYPE_BYTES, &texts);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, repeated, NULL, NULL,
                           texts.rows, &problem));
    write_numbers(f, batch, 1, texts.rows);
    reader = open_reader(f, "v:n", 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_BYTES,
                                 texts.bytes, texts.offsets, NULL, texts.rows,
                                 &problem));
    must(feature_request_set_key(reader.request, 1, FEATURE_TYPE_INT64,
                                 repeated, NULL, NULL, texts.rows, &problem));
    expect_numbers(&reader, texts.rows);
    close_reader(&reader);
}

static void
one_to_eight_parts_make_a_key(void **state)
{
    static const char *const types[] = {"INT64", "STRING", "BYTES", "INT64",
                                        "BYTES", "STRING", "INT64", "STRING"};
    static const char *const words[][2] = {
        {"-1", "1"},  {"a", "b"},         {"x00", "x"}, {"7", "8"},
        {"x", "xff"}, {"''", "\xc3\xa9"}, {"0", "-9"},  {"long-word", "''"}};
    struct fixture *f = *state;
    char text[512], one[256] = "", two[256] = "", row[300];

    for (int parts = 1; parts <= 8; parts++) {
        snprintf(text, sizeof text, "CREATE ENTITY e (p1 INT64");
        for (int i = 1; i < parts; i++)
            snprintf(text + strlen(text), 64, ", p%d %s", i + 1, types[i]);
        strcat(text, "); CREATE FEATURE VIEW v (n INT64) FOR e");
        define(f, text);
        snprintf(one + strlen(one), 64, " %s", words[parts - 1][0]);
        snprintf(two + strlen(two), 64, " %s", words[parts - 1][1]);
        snprintf(row, sizeof row, "%s 100 1", one);
        upsert(f, "v", NULL, row);
        snprintf(row, sizeof row, "%s 100 2", two);
        upsert(f, "v", NULL, row);
        snprintf(text, sizeof text, "%s\n%s", two, one);
        expect_rows(f, "v(*)", text, "present 2\npresent 1");
        snprintf(row, sizeof row, "%s 100", one);
        erase(f, "v", NULL, row);
        expect_rows(f, "v(*)", text, "present 2\nnot_found null");
        start_again(f);
    }
}

static void
nine_parts_are_too_many(void **state)
{
    struct fixture *f = *state;

    must_fail(feature_store_apply(
                  f->store,
                  "CREATE ENTITY e (a INT64, b INT64, c INT64, d INT64,"
                  " e INT64, f INT64, g INT64, h INT64, i INT64)",
                  NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
}

/* A text of size bytes, zeros of them at its end. */
static feature_status
write_long(struct fixture *f, size_t size, size_t zeros)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    char text[1024];
    const int32_t offsets[] = {0, 1, (int32_t)size + 1};
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "v", "n, s, k", NULL);
    feature_status status;

    memset(text, 'x', sizeof text);
    memset(text + 1 + size - zeros, 0, zeros);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64,
                           (const int64_t[]){1, (int64_t)(size + zeros)}, NULL,
                           NULL, 2, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING, text, offsets, NULL,
                           2, &problem));
    must(feature_batch_set(batch, 2, FEATURE_TYPE_INT64,
                           (const int64_t[]){5, 5}, NULL, NULL, 2, &problem));
    problem = (struct feature_error){.row = -1};
    status = feature_store_write(f->store, &batch, 1, NULL, &commit, &problem);
    feature_batch_free(batch);
    return status;
}

/* The number stored under such a key, or -1. */
static int64_t
read_long(struct fixture *f, size_t size, size_t zeros)
{
    struct reader reader = open_reader(f, "v:n", 0, NULL);
    const int32_t offsets[] = {0, (int32_t)size};
    struct feature_column column;
    char text[1024];
    int64_t number;

    memset(text, 'x', sizeof text);
    memset(text + size - zeros, 0, zeros);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                 &(int64_t){5}, NULL, NULL, 1, &problem));
    must(feature_request_set_key(reader.request, 1, FEATURE_TYPE_STRING, text,
                                 offsets, NULL, 1, &problem));
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &column, &problem));
    number = column.null_count ? -1 : *(const int64_t *)column.values;
    if (column.null_count)
        assert_int_equal(*feature_request_states(reader.request, 0),
                         FEATURE_STATE_NOT_FOUND);
    close_reader(&reader);
    return number;
}

static void
a_key_has_480_encoded_bytes_and_no_more(void **state)
{
    struct fixture *f = *state;

    /* 8 for the number, 2 to end the text, and one more for each zero. */
    define(f, "CREATE ENTITY e (k INT64, s STRING);"
              "CREATE FEATURE VIEW v (n INT64) FOR e");
    must(write_long(f, 470, 0));
    must(write_long(f, 235, 235));
    assert_int_equal(read_long(f, 470, 0), 470);
    assert_int_equal(read_long(f, 235, 235), 470);
    must_fail(write_long(f, 471, 0), FEATURE_INVALID, "key-size");
    assert_int_equal(problem.row, 1);
    must_fail(write_long(f, 236, 235), FEATURE_INVALID, "key-size");
    must_fail(write_long(f, 1000, 0), FEATURE_INVALID, "key-size");
    assert_int_equal(read_long(f, 471, 0), -1);
    assert_int_equal(read_long(f, 470, 1), -1);
    assert_int_equal(read_long(f, 1000, 1000), -1);
    assert_int_equal(stats_of(f).rows, 3);
}

/* Rows of one request that ask for the same key, a null one among them, answer
 * as if each had been asked alone. */
static void
repeated_keys_answer_alike(void **state)
{
    struct fixture *f = *state;
    int64_t keys[600], wanted;
    uint8_t validity[75];
    struct feature_column column;
    struct reader reader;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (n INT64) FOR e;");
    upsert(f, "v", "k, event_timestamp, n",
           "0 100 0\n1 100 10\n2 100 20\n4 100 40\n");
    reader = open_reader(f, "v(n)", 0, NULL);
    memset(validity, 0xff, sizeof validity);
    for (uint32_t i = 0; i < 600; i++) {
        keys[i] = (int64_t)(i * i % 5); /* 3 is not there */
        if (i % 11 == 0)
            validity[i / 8] &= (uint8_t) ~(1u << (i & 7));
    }
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, validity, 600, &problem));
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &column, &problem));
    for (uint32_t i = 0; i < 600; i++) {
        int is_null = column.validity[i / 8] >> (i & 7) & 1 ? 0 : 1;

        wanted = i % 11 == 0    ? FEATURE_STATE_NO_KEY
                 : keys[i] == 3 ? FEATURE_STATE_NOT_FOUND
                                : FEATURE_STATE_PRESENT;
        assert_int_equal(feature_request_states(reader.request, 0)[i], wanted);
        assert_int_equal(is_null, wanted != FEATURE_STATE_PRESENT);
        if (!is_null)
            assert_int_equal(((const int64_t *)column.values)[i], 10 * keys[i]);
    }
    close_reader(&reader);
}

static void
int32_buffers_fit_into_int64_keys(void **state)
{
    static const int32_t keys[] = {INT32_MIN, -1, 0, INT32_MAX};
    struct fixture *f = *state;
    feature_batch *batch;
    struct reader reader;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (n INT64) FOR e");
    batch = make_batch(f, FEATURE_UPSERT, "v", "k, n", NULL);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT32, keys, NULL, NULL, 4,
                           &problem));
    write_numbers(f, batch, 1, 4);
    expect_rows(f, "v(*)", "-2147483648\n-1\n0\n2147483647",
                "present 0\npresent 1\npresent 2\npresent 3");
    reader = open_reader(f, "v:n", 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT32, keys,
                                 NULL, NULL, 4, &problem));
    expect_numbers(&reader, 4);
    close_reader(&reader);
}

static void
any_null_part_is_a_null_key(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    define(f, "CREATE ENTITY e (a INT64, b STRING);"
              "CREATE FEATURE VIEW v (n INT64 DEFAULT 3) FOR e");
    upsert(f, "v", NULL, "1 x 100 5");
    expect_rows(f, "v(*)", "1 x\n1 null\nnull x\nnull null\n1 ''",
                "present 5\nno_key 3*\nno_key 3*\nno_key 3*\nnot_found 3*");
    batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 x 100 6\n1 null 100 6");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(problem.row, 1);
    assert_int_equal(problem.column, 1);
    feature_batch_free(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_of_any_bytes_are_all_different),
        TEST(texts_and_numbers_beside_each_other_do_not_meet),
        TEST(one_to_eight_parts_make_a_key),
        TEST(nine_parts_are_too_many),
        TEST(a_key_has_480_encoded_bytes_and_no_more),
        TEST(repeated_keys_answer_alike),
        TEST(int32_buffers_fit_into_int64_keys),
        TEST(any_null_part_is_a_null_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
