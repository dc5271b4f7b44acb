/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups through the indexes of a tree, of its leaf parents and its leaves. */
#include "engine/reader.h"
#include "engine_fixture.h"

#include <sys/resource.h>

#include "base/bytes.h"

#define TREE   "rows/1/1"
#define KEYS   30000
#define BATCH  500
#define STRIDE 7919 /* coprime to KEYS */

/* How the keys of a tree look. */
typedef uint32_t (*make_key)(uint32_t number, uint8_t key[64]);

/* Eight bytes; the last ones are the highest there are. */
static uint32_t
number_key(uint32_t number, uint8_t key[64])
{
    lf_store_big_u64(key, UINT64_MAX - (KEYS - 1 - number));
    return 8;
}

/* The first eight bytes are those of every other key: they decide nothing. */
static uint32_t
alike_key(uint32_t number, uint8_t key[64])
{
    return (uint32_t)sprintf((char *)key, "customer-%08u", number);
}

/* Some share eight bytes, some have fewer. */
static uint32_t
mixed_key(uint32_t number, uint8_t key[64])
{
    if (number % 3 == 0)
        return (uint32_t)sprintf((char *)key, "%05u", number);
    return (uint32_t)sprintf((char *)key, "%05u%s", number,
                             number % 3 == 1 ? "aaaaaaaa" : "aaaaaaab");
}

static void
fill_tree(struct fixture *f, make_key key_of)
{
    struct lf_writer *writer;
    struct lf_tree *tree;
    static uint8_t value[1200]; /* three a leaf: thousands of leaves */
    uint8_t key[64];

    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    writer = begin_write(f);
    tree = tree_of(f, writer, TREE);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t size = key_of(i, key);

        memcpy(value, &i, sizeof i);
        if (i % 10) /* every tenth is missing */
            must(f, lf_tree_put(tree, key, size, value, sizeof value, false,
                                &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
}

/* One batch: each key that is there is found with its own value. */
static void
look_up_batch(struct fixture *f, struct lf_reader *reader, make_key key_of,
              uint32_t first)
{
    static struct lf_job jobs[BATCH];
    static uint8_t keys[BATCH][64];
    const char *tree = TREE;
    uint32_t numbers[BATCH];

    for (uint32_t i = 0; i < BATCH; i++) {
        numbers[i] = (uint32_t)((uint64_t)(first + i) * STRIDE % KEYS);
        jobs[i] = (struct lf_job){.key = keys[i],
                                  .key_size = key_of(numbers[i], keys[i])};
    }
    must(f, lf_reader_lookup(reader, &tree, 1, jobs, BATCH, &f->error));
    for (uint32_t i = 0; i < BATCH; i++) {
        if (numbers[i] % 10 == 0) {
            assert_null(jobs[i].value);
            continue;
        }
        assert_non_null(jobs[i].value);
        assert_int_equal(lf_load_u32(jobs[i].value), numbers[i]);
    }
}

static void
expect_all(struct fixture *f, make_key key_of)
{
    struct lf_reader *reader;

    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    for (uint32_t i = 0; i < 4 * KEYS; i += BATCH)
        look_up_batch(f, reader, key_of, i);
    if (!getenv("FEATURE_READ_PATH")) {
        assert_non_null(reader->known[0].root.index);
        assert_int_equal(reader->known[0].root.index->above, 0);
    }
    lf_reader_end(reader);
}

static void
an_index_finds_keys_of_eight_bytes(void **state)
{
    struct fixture *f = *state;

    fill_tree(f, number_key);
    expect_all(f, number_key);
}

static void
an_index_finds_keys_that_begin_alike(void **state)
{
    struct fixture *f = *state;

    fill_tree(f, alike_key);
    expect_all(f, alike_key);
}

static void
an_index_finds_keys_of_any_length(void **state)
{
    struct fixture *f = *state;

    fill_tree(f, mixed_key);
    expect_all(f, mixed_key);
}

/* What is before the first key, behind the last one, and in between. */
static void
an_index_leads_past_no_end(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *reader;
    uint8_t keys[4][9] = {{0}, "\xff\xff\xff\xff\xff\xff\xff\xff\x01", "b", ""};
    struct lf_job jobs[4];
    const char *tree = TREE;

    fill_tree(f, number_key);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    for (uint32_t i = 0; i < KEYS; i += BATCH)
        look_up_batch(f, reader, number_key, i);
    for (uint32_t i = 0; i < 4; i++)
        jobs[i] = (struct lf_job){.key = keys[i], .key_size = i < 2 ? 9 : 1};
    must(f, lf_reader_lookup(reader, &tree, 1, jobs, 4, &f->error));
    for (uint32_t i = 0; i < 4; i++)
        assert_null(jobs[i].value);
    lf_reader_end(reader);
}

static void
an_index_ends_with_its_snapshot(void **state)
{
    struct fixture *f = *state;
    struct lf_job job = {.key = (const uint8_t *)"new", .key_size = 3};
    const char *tree = TREE;
    struct lf_reader *reader;

    fill_tree(f, number_key);
    expect_all(f, number_key);
    must(f, put(f->environment, TREE, "new", "value", &f->error));
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_reader_lookup(reader, &tree, 1, &job, 1, &f->error));
    assert_int_equal(job.size, 5);
    assert_null(reader->known[0].root.index);
    lf_reader_end(reader);
    expect_all(f, number_key);
}

static void
readers_of_a_snapshot_share_an_index(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *readers[2];

    if (getenv("FEATURE_READ_PATH"))
        skip();
    fill_tree(f, number_key);
    for (int i = 0; i < 2; i++) {
        must(f, lf_reader_begin(f->environment, &readers[i], &f->error));
        for (uint32_t j = 0; j < KEYS; j += BATCH)
            look_up_batch(f, readers[i], number_key, j);
    }
    assert_ptr_equal(readers[0]->known[0].root.index,
                     readers[1]->known[0].root.index);
    lf_reader_end(readers[0]);
    lf_reader_end(readers[1]);
}

/* Seven bytes are the padded twin of eight that end in a zero: an index of keys
 * of eight bytes cannot tell them apart. */
static void
shorter_keys_go_down_from_the_root(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_reader *reader;
    struct lf_tree *tree;
    static uint8_t value[1200], keys[BATCH][8];
    static struct lf_job jobs[BATCH];
    const char *name = TREE;
    uint8_t key[8];

    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    writer = begin_write(f);
    tree = tree_of(f, writer, TREE);
    for (uint32_t i = 0; i < KEYS; i++) {
        lf_store_big_u64(key, (uint64_t)i << 8);
        must(f,
             lf_tree_put(tree, key, 8, value, sizeof value, false, &f->error));
        if (i % 7 == 0)
            must(f, lf_tree_put(tree, key, 7, value, 4, false, &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    for (uint32_t i = 0; i < KEYS; i += BATCH) {
        for (uint32_t j = 0; j < BATCH; j++) {
            uint32_t number = (i + j) * 7 % KEYS / 7 * 7;

            lf_store_big_u64(keys[j], (uint64_t)number << 8);
            jobs[j] = (struct lf_job){.key = keys[j], .key_size = 7};
        }
        must(f, lf_reader_lookup(reader, &name, 1, jobs, BATCH, &f->error));
        for (uint32_t j = 0; j < BATCH; j++)
            assert_int_equal(jobs[j].size, 4);
    }
    lf_reader_end(reader);
}

static void
write_range(struct fixture *f, const char *name, uint32_t count, uint32_t value)
{
    struct lf_writer *writer = begin_write(f);
    struct lf_tree *tree = tree_of(f, writer, name);
    static uint8_t bytes[600];
    uint8_t key[8];

    lf_store_u32(bytes, value);
    for (uint32_t i = 0; i < count; i++) {
        lf_store_big_u64(key, i);
        must(f,
             lf_tree_put(tree, key, 8, bytes, sizeof bytes, false, &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
}

static const char *const both[] = {"rows/a", "rows/b"};

/* What key 1 has in the first of two trees, both looked up in one call. */
static uint32_t
value_beside(struct fixture *f, struct lf_reader *reader)
{
    uint8_t key[8];
    struct lf_job jobs[2];

    lf_store_big_u64(key, 1);
    for (uint32_t i = 0; i < 2; i++)
        jobs[i] = (struct lf_job){.key = key, .key_size = 8, .tree = i};
    must(f, lf_reader_lookup(reader, both, 2, jobs, 2, &f->error));
    assert_non_null(jobs[0].value);
    return lf_load_u32(jobs[0].value);
}

/* A tree that could not be compared with LMDB just now is walked, and not
 * remembered; the one after it is. */
static void
a_tree_that_was_not_checked_is_not_read_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *reader;
    struct rlimit files, none;

    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    write_range(f, both[0], 3, 1);
    write_range(f, both[1], 3, 1);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    assert_int_equal(value_beside(f, reader), 1);
    lf_reader_end(reader);
    write_range(f, both[0], 3000, 2); /* a deeper tree: it is checked anew */
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    none = files;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none); /* there is no file for the check */
    assert_int_equal(value_beside(f, reader), 2);
    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(value_beside(f, reader), 2);
        lf_reader_end(reader);
        must(f, lf_reader_begin(f->environment, &reader, &f->error));
    }
    lf_reader_end(reader);
}

/* Two queries over one store take turns on a reader. */
static void
trees_that_are_read_in_turns_get_their_indexes(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *reader;
    uint8_t key[8];

    if (getenv("FEATURE_READ_PATH"))
        skip();
    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    write_range(f, both[0], 3000, 1);
    write_range(f, both[1], 3000, 2);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    for (uint32_t i = 0; i < 8000; i++) {
        struct lf_job job = {.key = key, .key_size = 8};

        lf_store_big_u64(key, i * STRIDE % 3000);
        must(f, lf_reader_lookup(reader, &both[i % 2], 1, &job, 1, &f->error));
        assert_int_equal(lf_load_u32(job.value), 1 + i % 2);
    }
    for (int i = 0; i < 2; i++)
        assert_non_null(reader->known[i].root.index);
    lf_reader_end(reader);
}

/* Roots lie where roots lay before: what tells their indexes apart is the
 * transaction. */
static void
an_index_is_never_of_another_snapshot(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *reader;
    uint8_t key[8];

    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    for (uint32_t turn = 1; turn <= 40; turn++) {
        write_range(f, both[0], 2000, turn);
        must(f, lf_reader_begin(f->environment, &reader, &f->error));
        for (uint32_t i = 0; i < 3000; i++) {
            struct lf_job job = {.key = key, .key_size = 8};

            lf_store_big_u64(key, i % 2000);
            must(f, lf_reader_lookup(reader, both, 1, &job, 1, &f->error));
            assert_int_equal(lf_load_u32(job.value), turn);
        }
        lf_reader_end(reader);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_index_finds_keys_of_eight_bytes),
        TEST(an_index_finds_keys_that_begin_alike),
        TEST(an_index_finds_keys_of_any_length),
        TEST(an_index_leads_past_no_end),
        TEST(an_index_ends_with_its_snapshot),
        TEST(readers_of_a_snapshot_share_an_index),
        TEST(shorter_keys_go_down_from_the_root),
        TEST(a_tree_that_was_not_checked_is_not_read_as_it_was),
        TEST(trees_that_are_read_in_turns_get_their_indexes),
        TEST(an_index_is_never_of_another_snapshot),
    };

    return cmocka_run_group_tests_name("engine_index", tests, NULL, NULL);
}
