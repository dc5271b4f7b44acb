/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are used again and again, and large ones. */
#include <math.h>

#include "common.h"

#define DEFINITIONS                                                    \
    "CREATE ENTITY e (k INT64);"                                       \
    "CREATE ENTITY place (p STRING);"                                  \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, b BOOL, f FLOAT32,"     \
    " s STRING DEFAULT 'none', l INT64[], t STRING[], vec FLOAT32[4])" \
    " FOR e WITH (ttl = '1 h');"                                       \
    "CREATE FEATURE VIEW w (x INT64) FOR place;"

#define KEYS     200
#define TO_INDEX 20 /* reads, until the views' indexes are made */

static int
begin(void **state)
{
    struct fixture *f;
    char row[128];

    if (fixture_begin(state))
        return -1;
    f = *state;
    define(f, DEFINITIONS);
    for (int i = 0; i < KEYS; i += 2) {
        snprintf(row, sizeof row, "%d @-%d %d true 0.5 s%d [1,%d] [a,b%d] %s",
                 i, i * 30, i, i, i, i, i % 4 ? "null" : "[1,2,3,4]");
        upsert(f, "v", NULL, row);
        snprintf(row, sizeof row, "place%d %d", i, i);
        upsert(f, "w", "p, x", row);
    }
    return 0;
}

#define STEADY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

struct keys {
    int64_t numbers[KEYS];
    char text[16 * KEYS];
    int32_t offsets[KEYS + 1];
};

static void
make_keys(struct keys *keys, int step)
{
    keys->offsets[0] = 0;
    for (int i = 0; i < KEYS; i++) {
        int32_t begin = keys->offsets[i];

        keys->numbers[i] = i * step % KEYS;
        keys->offsets[i + 1] =
            begin +
            snprintf(keys->text + begin, 16, "place%d", (i * step + 2) % KEYS);
    }
}

static void
use_keys(const struct reader *reader, const struct keys *keys, uint32_t rows)
{
    must(feature_request_set_key(reader->request, 0, FEATURE_TYPE_INT64,
                                 keys->numbers, NULL, NULL, rows, &problem));
    must(feature_request_set_key(reader->request, 1, FEATURE_TYPE_STRING,
                                 keys->text, keys->offsets, NULL, rows,
                                 &problem));
}

/* Sets other keys, reads, and looks at every column. */
static void
read_again(const struct reader *reader, const struct keys *keys, uint32_t rows)
{
    struct feature_column columns[8];
    int64_t times[KEYS];

    use_keys(reader, keys, rows);
    must(feature_request_read(reader->request, &problem));
    must(feature_request_columns(reader->request, columns, 8, &problem));
    for (uint32_t i = 0; i < rows; i++)
        times[i] = NOON - keys->numbers[i];
    must(feature_request_set_as_of(reader->request, times, rows, &problem));
    must(feature_request_read(reader->request, &problem));
    must(feature_request_set_as_of(reader->request, NULL, 0, &problem));
}

static void
after_the_first_read_of_a_size_reads_allocate_nothing(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(*), w(*)", 0, NULL);
    static struct keys keys[2];
    uint64_t before;

    make_keys(&keys[0], 1);
    make_keys(&keys[1], 7);
    before = allocation_count();
    read_again(&reader, &keys[0], KEYS);
    if (allocation_fail(-1)) /* valgrind has them, and they are not counted */
        assert_true(allocation_count() > before);
    for (uint32_t i = 0; i < TO_INDEX; i++)
        read_again(&reader, &keys[0], KEYS);
    before = allocation_count();
    for (uint32_t i = 0; i < 20; i++)
        read_again(&reader, &keys[i % 2], i % 3 ? KEYS : KEYS / 2);
    feature_request_clear(reader.request);
    read_again(&reader, &keys[0], KEYS);
    assert_int_equal(allocation_count() - before, 0);
    close_reader(&reader);
}

static void
a_commit_between_reads_costs_no_allocation_either(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(*), w(*)", 0, NULL);
    static struct keys keys;
    uint64_t before;

    make_keys(&keys, 3);
    read_again(&reader, &keys, KEYS);
    upsert(f, "v", "k, a", "1 5");
    before = allocation_count();
    read_again(&reader, &keys, KEYS);
    assert_int_equal(allocation_count() - before, 0);
    close_reader(&reader);
}

static void
matrix_reads_allocate_nothing(void **state)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct fixture *f = *state;
    static float matrix[KEYS * 7];
    static struct keys keys;
    struct reader reader;
    uint64_t before;

    make_keys(&keys, 3);
    must(feature_query_create(f->store, "v(a, b, vec), w(x)", &options,
                              &reader.query, &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    use_keys(&reader, &keys, KEYS);
    for (int i = 0; i < TO_INDEX; i++)
        must(feature_request_read_matrix(reader.request, matrix, 7, &problem));
    before = allocation_count();
    for (int i = 0; i < 10; i++) {
        use_keys(&reader, &keys, KEYS);
        must(feature_request_read_matrix(reader.request, matrix, 7, &problem));
    }
    assert_int_equal(allocation_count() - before, 0);
    close_reader(&reader);
}

static void
a_batch_of_a_size_is_filled_without_allocating(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "v", "k, a", NULL);
    static struct keys keys;
    uint64_t before = 0;

    make_keys(&keys, 3);
    for (int i = 0; i < 3; i++) {
        before = i ? before : allocation_count();
        must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys.numbers, NULL,
                               NULL, KEYS, &problem));
        must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, keys.numbers, NULL,
                               NULL, KEYS, &problem));
        if (i)
            assert_int_equal(allocation_count() - before, 0);
        feature_batch_clear(batch);
        before = allocation_count();
    }
    feature_batch_free(batch);
}

#define MILLION 1000000u

static void
a_million_rows_are_one_read(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(a, s)", 0, NULL);
    int64_t *keys = claim(MILLION * sizeof *keys);
    struct feature_column number, text;
    char expected[16];

    for (uint32_t i = 0; i < MILLION; i++)
        keys[i] = i % KEYS;
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, MILLION, &problem));
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &number, &problem));
    must(feature_request_column(reader.request, 1, &text, &problem));
    assert_int_equal(number.rows, MILLION);
    assert_int_equal(number.null_count, 0);
    /* Even keys are there, and those up to 120 within the hour. */
    for (uint32_t i = 0; i < MILLION; i += 499) {
        uint32_t key = i % KEYS;
        int is_there = key % 2 == 0 && key <= 120;
        int size = is_there ? snprintf(expected, sizeof expected, "s%u", key)
                            : snprintf(expected, sizeof expected, "none");

        assert_int_equal(((const int64_t *)number.values)[i],
                         is_there ? key : 1);
        assert_int_equal(bit_at(number.defaulted, i), !is_there);
        assert_int_equal(text.offsets[i + 1] - text.offsets[i], size);
        assert_memory_equal((const char *)text.values + text.offsets[i],
                            expected, (size_t)size);
    }
    close_reader(&reader);
    free(keys);
}

static void
half_a_million_rows_are_one_write(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "v", "k, a", NULL);
    uint32_t rows = MILLION / 2;
    int64_t *keys = claim(rows * sizeof *keys);
    struct feature_commit commit;

    for (uint32_t i = 0; i < rows; i++)
        keys[i] = 1000 + i;
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, rows,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, keys, NULL, NULL, rows,
                           &problem));
    commit = write_batch(f, batch);
    assert_int_equal(commit.applied, rows);
    assert_int_equal(stats_of(f).rows, rows + KEYS);
    expect_rows(f, "v(a)", "1000\n500999\n501000",
                "present 1000\npresent 500999\nnot_found 1*");
    feature_batch_free(batch);
    free(keys);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STEADY(after_the_first_read_of_a_size_reads_allocate_nothing),
        STEADY(a_commit_between_reads_costs_no_allocation_either),
        STEADY(matrix_reads_allocate_nothing),
        STEADY(a_batch_of_a_size_is_filled_without_allocating),
        STEADY(a_million_rows_are_one_read),
        STEADY(half_a_million_rows_are_one_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
