/* SPDX-License-Identifier: Apache-2.0 */
/* Results depend on rows and their order, never on how they were cut into
 * batches and calls, nor on the order of their keys. */
#include "common.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, b INT64) FOR e;"

#define ROWS 1000
#define KEYS 60

struct rows {
    int64_t key[ROWS];
    int64_t time[ROWS];
    int64_t value[ROWS];
    uint8_t key_bits[ROWS / 8 + 1];
    uint8_t value_bits[ROWS / 8 + 1];
};

struct result {
    uint8_t outcomes[ROWS];
    char answer[ANSWER_SIZE];
    int64_t timestamps[KEYS];
    uint64_t counts[5];
};

static uint32_t
next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Few keys, many ties, some rows late, in the future, null or invalid. */
static void
make_rows(struct rows *rows, uint32_t seed)
{
    memset(rows, 0, sizeof *rows);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t kind = next_random(&seed) % 40;

        rows->key[i] = (int64_t)(next_random(&seed) % KEYS) - KEYS / 2;
        rows->time[i] = next_random(&seed) % 200;
        rows->value[i] = i;
        if (kind)
            rows->key_bits[i / 8] |= (uint8_t)(1u << (i & 7));
        if (kind == 1)
            rows->time[i] = NOON + 2 * DAY;
        if (kind > 5)
            rows->value_bits[i / 8] |= (uint8_t)(1u << (i & 7));
    }
}

static void
set_rows(feature_batch *batch, const struct rows *rows, uint32_t first,
         uint32_t count)
{
    uint8_t key_bits[ROWS / 8 + 1] = {0}, value_bits[ROWS / 8 + 1] = {0};
    struct feature_field field;

    for (uint32_t i = 0; i < count; i++) {
        if (bit_at(rows->key_bits, first + i))
            key_bits[i / 8] |= (uint8_t)(1u << (i & 7));
        if (bit_at(rows->value_bits, first + i))
            value_bits[i / 8] |= (uint8_t)(1u << (i & 7));
    }
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, rows->key + first,
                           NULL, key_bits, count, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, rows->time + first,
                           NULL, NULL, count, &problem));
    if (!feature_batch_column(batch, 2, &field, NULL))
        must(feature_batch_set(batch, 2, FEATURE_TYPE_INT64,
                               rows->value + first, NULL, value_bits, count,
                               &problem));
}

static void
write_all(struct fixture *f, feature_batch **batches, size_t count,
          struct result *result)
{
    struct feature_write_options options = {
        .struct_size = sizeof options, .flags = FEATURE_WRITE_SKIP_INVALID};
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(feature_store_write(f->store, batches, count, &options, &commit,
                             &problem));
    result->counts[0] += commit.applied;
    result->counts[1] += commit.late;
    result->counts[2] += commit.duplicate;
    result->counts[3] += commit.future;
    result->counts[4] += commit.rejected;
}

/* Reads all keys, with what their timestamps are. */
static void
read_all(struct fixture *f, struct result *result)
{
    struct reader reader = open_reader(f, "v(*)", 0, NULL);
    int64_t keys[KEYS];

    for (int i = 0; i < KEYS; i++)
        keys[i] = i - KEYS / 2;
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, KEYS, &problem));
    must(feature_request_read(reader.request, &problem));
    print_answer(reader.request, result->answer);
    memcpy(result->timestamps, feature_request_timestamps(reader.request, 0),
           sizeof result->timestamps);
    close_reader(&reader);
}

static void
prepare_store(struct fixture *f)
{
    start_again(f);
    define(f, DEFINITIONS);
    upsert(f, "v", NULL, "-30 50 1 2\n-5 100 3 4\n0 150 5 6\n7 90 null 8");
    patch(f, "v", "k, event_timestamp, b", "0 120 9\n7 180 10\n8 20 11");
    erase(f, "v", NULL, "9 100\n10 150");
}

/* Writes the rows in chunks, each a call, or all of them batches of one. */
static void
write_chunks(struct fixture *f, int32_t operation, const struct rows *rows,
             uint32_t chunk, int one_call, struct result *result)
{
    const char *columns = operation == FEATURE_DELETE ? "k, event_timestamp"
                                                      : "k, event_timestamp, a";
    feature_batch *batches[ROWS];
    uint32_t count = 0, first, size;

    prepare_store(f);
    memset(result, 0, sizeof *result);
    for (first = 0; first < ROWS; first += size, count++) {
        size = ROWS - first < chunk ? ROWS - first : chunk;
        batches[count] = make_batch(f, operation, "v", columns, NULL);
        set_rows(batches[count], rows, first, size);
        if (!one_call)
            write_all(f, &batches[count], 1, result);
    }
    if (one_call)
        write_all(f, batches, count, result);
    for (uint32_t i = 0; i < count; i++) {
        size = ROWS - i * chunk < chunk ? ROWS - i * chunk : chunk;
        memcpy(result->outcomes + i * chunk, feature_batch_outcomes(batches[i]),
               size);
        feature_batch_free(batches[i]);
    }
    read_all(f, result);
}

static void
expect_same(const struct result *a, const struct result *b)
{
    assert_memory_equal(a->outcomes, b->outcomes, ROWS);
    assert_string_equal(a->answer, b->answer);
    assert_memory_equal(a->timestamps, b->timestamps, sizeof a->timestamps);
    assert_memory_equal(a->counts, b->counts, sizeof a->counts);
}

static void
any_chunks_of_a_batch_give_the_same_rows_and_outcomes(void **state)
{
    static const uint32_t chunks[] = {7, 100, 255, 256, 300, 999, ROWS};
    static const int32_t operations[] = {FEATURE_UPSERT, FEATURE_PATCH,
                                         FEATURE_DELETE};
    static struct result one_by_one, result;
    static struct rows rows;
    struct fixture *f = *state;

    for (uint32_t i = 0; i < 3; i++) {
        make_rows(&rows, 2026 + i);
        write_chunks(f, operations[i], &rows, 1, 0, &one_by_one);
        for (size_t j = 0; j < sizeof chunks / sizeof *chunks; j++) {
            write_chunks(f, operations[i], &rows, chunks[j], 0, &result);
            expect_same(&result, &one_by_one);
            write_chunks(f, operations[i], &rows, chunks[j], 1, &result);
            expect_same(&result, &one_by_one);
        }
    }
}

static const struct rows *sorted_rows;

static int
compare_keys(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    if (sorted_rows->key[a] != sorted_rows->key[b])
        return sorted_rows->key[a] < sorted_rows->key[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The same rows in order of their keys, stably. */
static void
sort_rows(const struct rows *rows, struct rows *sorted)
{
    uint32_t order[ROWS];

    for (uint32_t i = 0; i < ROWS; i++)
        order[i] = i;
    sorted_rows = rows;
    qsort(order, ROWS, sizeof *order, compare_keys);
    memset(sorted, 0, sizeof *sorted);
    for (uint32_t i = 0; i < ROWS; i++) {
        sorted->key[i] = rows->key[order[i]];
        sorted->time[i] = rows->time[order[i]];
        sorted->value[i] = rows->value[order[i]];
        if (bit_at(rows->key_bits, order[i]))
            sorted->key_bits[i / 8] |= (uint8_t)(1u << (i & 7));
        if (bit_at(rows->value_bits, order[i]))
            sorted->value_bits[i / 8] |= (uint8_t)(1u << (i & 7));
    }
}

static void
the_order_of_keys_in_a_batch_does_not_matter(void **state)
{
    static struct result plain, result;
    static struct rows rows, sorted;
    struct fixture *f = *state;

    make_rows(&rows, 7);
    sort_rows(&rows, &sorted);
    write_chunks(f, FEATURE_PATCH, &rows, ROWS, 0, &plain);
    write_chunks(f, FEATURE_PATCH, &sorted, ROWS, 0, &result);
    assert_string_equal(result.answer, plain.answer);
    assert_memory_equal(result.timestamps, plain.timestamps,
                        sizeof plain.timestamps);
    assert_memory_equal(result.counts, plain.counts, sizeof plain.counts);
}

#define MANY 5000

/* Keys all different: key i is at place i * step of the batch. */
static void
write_many(struct fixture *f, uint32_t step)
{
    static int64_t keys[MANY], values[MANY];
    feature_batch *batch;

    start_again(f);
    define(f, DEFINITIONS);
    for (uint32_t i = 0; i < MANY; i++) {
        keys[i] = (int64_t)((uint64_t)i * step % MANY) - MANY / 2;
        values[i] = 3 * keys[i];
    }
    batch = make_batch(f, FEATURE_UPSERT, "v", "k, a", NULL);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, MANY,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, values, NULL, NULL,
                           MANY, &problem));
    assert_int_equal(write_batch(f, batch).applied, MANY);
    assert_int_equal(write_batch(f, batch).applied, MANY);
    feature_batch_free(batch);
    assert_int_equal(stats_of(f).rows, MANY);
}

static void
sorted_reversed_and_shuffled_loads_store_the_same(void **state)
{
    static const uint32_t steps[] = {1, MANY - 1, 1999};
    struct fixture *f = *state;
    struct feature_column column;
    static int64_t keys[MANY];
    struct reader reader;

    for (int64_t i = 0; i < MANY; i++)
        keys[i] = i - MANY / 2;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        write_many(f, steps[i]);
        reader = open_reader(f, "v:a", 0, NULL);
        must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                     keys, NULL, NULL, MANY, &problem));
        must(feature_request_read(reader.request, &problem));
        must(feature_request_column(reader.request, 0, &column, &problem));
        assert_int_equal(column.null_count, 0);
        for (uint32_t j = 0; j < MANY; j++)
            assert_int_equal(((const int64_t *)column.values)[j], 3 * keys[j]);
        close_reader(&reader);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_chunks_of_a_batch_give_the_same_rows_and_outcomes),
        TEST(the_order_of_keys_in_a_batch_does_not_matter),
        TEST(sorted_reversed_and_shuffled_loads_store_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
