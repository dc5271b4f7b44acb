/* SPDX-License-Identifier: Apache-2.0 */
/* Readers, writers and trees of one process. */
#include "engine_fixture.h"

static struct lf_writer *
begin(struct fixture *f)
{
    struct lf_writer *writer = NULL;

    must(f, lf_writer_begin(f->environment, 5000, &writer, &f->error));
    return writer;
}

static struct lf_tree *
tree_of(struct fixture *f, struct lf_writer *writer, const char *name)
{
    struct lf_tree *tree = NULL;

    must(f, lf_writer_tree(writer, name, true, &tree, &f->error));
    return tree;
}

static void
put_text(struct fixture *f, struct lf_tree *tree, const char *key,
         const char *value)
{
    must(f, lf_tree_put(tree, key, strlen(key), value, strlen(value), false,
                        &f->error));
}

static void
what_is_missing_is_not_found(void **state)
{
    struct fixture *f = *state;

    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    assert_reads(f, "rows", "a", "");
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    assert_reads(f, "rows", "b", "");
    assert_reads(f, "row", "a", "");
    assert_reads(f, "rowsrows", "a", "");
    assert_reads(f, "rows", "a", "1");
}

static void
a_reader_keeps_its_snapshot(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *before, *after;
    const uint8_t *value;
    bool found;
    size_t size;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &before, &f->error));
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, put(f->environment, "more", "a", "3", &f->error));
    must(f, drop(f->environment, "rows", &f->error));
    must(f, lf_reader_get(before, "rows", "a", 1, &found, &value, &size,
                          &f->error));
    assert_true(found);
    assert_memory_equal(value, "1", 1);
    must(f, lf_reader_get(before, "more", "a", 1, &found, &value, &size,
                          &f->error));
    assert_false(found);
    must(f, lf_reader_begin(f->environment, &after, &f->error));
    assert_true(lf_reader_transaction(after) ==
                lf_reader_transaction(before) + 3);
    must(f, lf_reader_get(after, "rows", "a", 1, &found, &value, &size,
                          &f->error));
    assert_false(found);
    lf_reader_end(after);
    lf_reader_end(before);
}

static void
readers_beyond_the_table_are_refused_until_one_ends(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .max_readers = 100};
    struct lf_reader *readers[101];
    int i, count = 0;

    must(f, open_with(f, f->path, options, &f->environment, NULL));
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    while (count < 101 &&
           !lf_reader_begin(f->environment, &readers[count], &f->error))
        count++;
    assert_int_equal(count, 100);
    assert_int_equal(f->error.status, FEATURE_FULL);
    assert_string_equal(f->error.reason, "readers-full");
    lf_reader_end(readers[--count]);
    must(f, lf_reader_begin(f->environment, &readers[count++], &f->error));
    for (i = 0; i < count; i++)
        lf_reader_end(readers[i]);
    assert_reads(f, "rows", "a", "1");
}

/* A snapshot that is held keeps its pages, so the file grows with commits. */
static void
an_ended_reader_holds_no_snapshot(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info before, after;
    struct lf_reader *reader;
    int i;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    lf_reader_end(reader);
    for (i = 0; i < 10; i++)
        must(f, put(f->environment, "rows", "a", "1", &f->error));
    must(f, lf_environment_info(f->environment, &before, &f->error));
    for (i = 0; i < 1000; i++)
        must(f, put(f->environment, "rows", "a", "1", &f->error));
    must(f, lf_environment_info(f->environment, &after, &f->error));
    assert_int_equal(after.used_size, before.used_size);
    assert_int_equal(after.transaction, before.transaction + 1000);
}

static void
an_aborted_tree_never_was(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    int i;

    create_store(f);
    for (i = 0; i < 3; i++) {
        writer = begin(f);
        put_text(f, tree_of(f, writer, "new"), "a", "1");
        lf_writer_abort(writer);
    }
    assert_reads(f, "new", "a", "");
    writer = begin(f);
    must(f, lf_writer_tree(writer, "new", false, &tree, &f->error));
    assert_null(tree);
    lf_writer_abort(writer);
    must(f, put(f->environment, "new", "b", "2", &f->error));
    assert_reads(f, "new", "a", "");
    assert_reads(f, "new", "b", "2");
}

static void
an_aborted_drop_never_was(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;

    create_store(f);
    writer = begin(f);
    must(f, lf_writer_drop(writer, "rows", &f->error));
    lf_writer_abort(writer);
    assert_reads(f, "rows", "a", "1");
    must(f, put(f->environment, "rows", "b", "2", &f->error));
    assert_reads(f, "rows", "a", "1");
    assert_reads(f, "rows", "b", "2");
}

static void
a_tree_dropped_and_made_in_one_commit_is_empty(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    const uint8_t *key;
    size_t size;
    bool found;

    create_store(f);
    writer = begin(f);
    tree = tree_of(f, writer, "rows");
    must(f, lf_writer_drop(writer, "rows", &f->error));
    refused(f, lf_tree_put(tree, "x", 1, "x", 1, false, &f->error), FEATURE_IO,
            "internal");
    must(f, lf_writer_tree(writer, "rows", false, &tree, &f->error));
    assert_null(tree);
    tree = tree_of(f, writer, "rows");
    must(f, lf_tree_last(tree, &found, &key, &size, &f->error));
    assert_false(found);
    put_text(f, tree, "b", "2");
    must(f, lf_writer_commit(writer, &f->error));
    assert_reads(f, "rows", "a", "");
    assert_reads(f, "rows", "b", "2");
}

static void
dropping_what_is_missing_is_no_error(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    must(f, drop(f->environment, "nothing", &f->error));
    must(f, drop(f->environment, "rows", &f->error));
    must(f, drop(f->environment, "rows", &f->error));
}

static void
more_trees_than_handles_can_be_written(void **state)
{
    struct fixture *f = *state;
    char name[LF_TREE_NAME_SIZE];
    struct lf_writer *writer;
    int i, round;

    create_store(f);
    for (round = 0; round < 4; round++) {
        writer = begin(f);
        for (i = 0; i < 600; i++) {
            snprintf(name, sizeof name, "rows/%d/%d", round, i);
            put_text(f, tree_of(f, writer, name), "a", name);
        }
        must(f, lf_writer_commit(writer, &f->error));
    }
    for (i = 0; i < 600; i += 99) {
        snprintf(name, sizeof name, "rows/%d/%d", i % 4, i);
        assert_reads(f, name, "a", name);
    }
}

static void
too_many_trees_in_one_transaction_is_full(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    feature_status status = FEATURE_OK;
    int i;

    create_store(f);
    writer = begin(f);
    for (i = 0; i < 2000 && !status; i++) {
        char name[LF_TREE_NAME_SIZE];

        snprintf(name, sizeof name, "rows/%d", i);
        status = lf_writer_tree(writer, name, true, &tree, &f->error);
    }
    assert_int_equal(status, FEATURE_FULL);
    assert_string_equal(f->error.reason, "handles-full");
    lf_writer_abort(writer);
    assert_reads(f, "rows/1", "a", "");
    must(f, put(f->environment, "rows/1", "a", "1", &f->error));
}

static void
a_writer_sees_its_own_changes_in_order(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    const uint8_t *bytes;
    size_t size;
    bool found;

    create_store(f);
    writer = begin(f);
    tree = tree_of(f, writer, "rows");
    put_text(f, tree, "c", "3");
    put_text(f, tree, "a", "one");
    must(f, lf_tree_get(tree, "a", 1, &found, &bytes, &size, &f->error));
    assert_true(found);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "one", 3);
    must(f, lf_tree_delete(tree, "a", 1, &f->error));
    must(f, lf_tree_delete(tree, "a", 1, &f->error));
    must(f, lf_tree_get(tree, "a", 1, &found, &bytes, &size, &f->error));
    assert_false(found);
    assert_null(bytes);
    must(f, lf_tree_last(tree, &found, &bytes, &size, &f->error));
    assert_true(found);
    assert_memory_equal(bytes, "c", 1);
    must(f, lf_tree_put(tree, "d", 1, "4", 1, true, &f->error));
    must(f, lf_writer_commit(writer, &f->error));
    assert_reads(f, "rows", "a", "");
    assert_reads(f, "rows", "c", "3");
    assert_reads(f, "rows", "d", "4");
}

static void
an_append_out_of_order_is_refused(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;

    create_store(f);
    writer = begin(f);
    refused(
        f,
        lf_tree_put(tree_of(f, writer, "rows"), "A", 1, "", 0, true, &f->error),
        FEATURE_IO, "internal");
    lf_writer_abort(writer);
}

static void
keys_lmdb_cannot_hold_are_refused(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    char key[512] = {1};

    create_store(f);
    writer = begin(f);
    refused(f,
            lf_tree_put(tree_of(f, writer, "rows"), key, 0, "", 0, false,
                        &f->error),
            FEATURE_INVALID, "key-size");
    refused(f,
            lf_tree_put(tree_of(f, writer, "rows"), key, 512, "", 0, false,
                        &f->error),
            FEATURE_INVALID, "key-size");
    lf_writer_abort(writer);
}

static void
a_full_map_is_an_error_until_it_grows(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .map_size = 1 << 20};
    struct lf_environment_info info;
    struct lf_writer *writer;
    struct lf_tree *tree;
    char big[65536] = {0};
    feature_status status = FEATURE_OK;
    uint32_t i;

    must(f, open_with(f, f->path, options, &f->environment, NULL));
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    writer = begin(f);
    tree = tree_of(f, writer, "rows");
    for (i = 0; i < 100 && !status; i++)
        status =
            lf_tree_put(tree, &i, sizeof i, big, sizeof big, false, &f->error);
    assert_int_equal(status, FEATURE_FULL);
    assert_string_equal(f->error.reason, "map-full");
    lf_writer_abort(writer);
    assert_reads(f, "rows", "a", "1");

    must(f, lf_environment_limit(f->environment, 64 << 20, &f->error));
    must(f, lf_environment_info(f->environment, &info, &f->error));
    assert_int_equal(info.map_size, 64 << 20);
    writer = begin(f);
    tree = tree_of(f, writer, "rows");
    for (i = 0; i < 100; i++)
        must(f, lf_tree_put(tree, &i, sizeof i, big, sizeof big, false,
                            &f->error));
    must(f, lf_writer_commit(writer, &f->error));
    assert_reads(f, "rows", "a", "1");
}

static void
a_map_never_shrinks_below_what_is_used(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info info;
    struct lf_writer *writer;
    char big[1 << 20] = {0};

    create_store(f);
    writer = begin(f);
    must(f, lf_tree_put(tree_of(f, writer, "rows"), "big", 3, big, sizeof big,
                        false, &f->error));
    must(f, lf_writer_commit(writer, &f->error));
    must(f, lf_environment_limit(f->environment, 4096, &f->error));
    must(f, lf_environment_info(f->environment, &info, &f->error));
    assert_true(info.map_size >= info.used_size);
    assert_reads(f, "rows", "a", "1");
}

static void
a_running_reader_keeps_the_map_in_place(void **state)
{
    struct fixture *f = *state;
    struct lf_reader *reader;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    refused(f, lf_environment_limit(f->environment, 64 << 20, &f->error),
            FEATURE_BUSY, "scan-open");
    lf_reader_end(reader);
    must(f, lf_environment_limit(f->environment, 64 << 20, &f->error));
    assert_reads(f, "rows", "a", "1");
}

/* Keys of many lengths, values inline, empty and in overflow pages. */
static size_t
random_key(unsigned *seed, uint8_t key[64])
{
    size_t i, size = 1 + (size_t)rand_r(seed) % 9;

    for (i = 0; i < size; i++)
        key[i] = (uint8_t)(rand_r(seed) % 3 * 100);
    return size;
}

static void
fill(struct fixture *f, unsigned *seed, const char *const *names, size_t count)
{
    static uint8_t value[20000];
    struct lf_writer *writer = begin(f);
    size_t i, t;

    for (t = 0; t < count; t++) {
        struct lf_tree *tree = tree_of(f, writer, names[t]);

        for (i = 0; i < t * t * 100; i++) {
            uint8_t key[64];
            size_t size = (size_t)rand_r(seed) % (i % 50 ? 300 : 20000);
            size_t key_size = random_key(seed, key);

            memset(value, rand_r(seed), size);
            must(f, lf_tree_put(tree, key, key_size, value, size, false,
                                &f->error));
            if (i % 3 == 0)
                must(f, lf_tree_delete(tree, key, random_key(seed, key),
                                       &f->error));
        }
    }
    must(f, lf_writer_commit(writer, &f->error));
}

#define TREES 8

static const char *const names[TREES] = {"t0", "t1", "t2",      "t3",
                                         "t4", "t5", "missing", "t7"};

/* The descent over the map against LMDB's own code in a write transaction. */
static void
a_lookup_equals_lmdb(void **state)
{
    struct fixture *f = *state;
    static uint8_t keys[5000][64];
    static struct lf_job jobs[5000];
    struct lf_reader *reader;
    struct lf_writer *writer;
    unsigned seed = 7;
    size_t i, hits = 0;

    create_store(f);
    fill(f, &seed, names, 6);
    for (i = 0; i < 5000; i++)
        jobs[i] =
            (struct lf_job){.key = keys[i],
                            .key_size = (uint32_t)random_key(&seed, keys[i]),
                            .tree = (uint32_t)i % TREES};
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_reader_lookup(reader, names, TREES, jobs, 5000, &f->error));
    writer = begin(f);
    for (i = 0; i < 5000; i++) {
        const uint8_t *value = NULL;
        struct lf_tree *tree;
        bool found = false;
        size_t size = 0;

        must(f,
             lf_writer_tree(writer, names[i % TREES], false, &tree, &f->error));
        if (tree)
            must(f, lf_tree_get(tree, keys[i], jobs[i].key_size, &found, &value,
                                &size, &f->error));
        assert_int_equal(found, jobs[i].value != NULL);
        assert_int_equal(size, jobs[i].size);
        if (found)
            assert_memory_equal(value, jobs[i].value, size);
        hits += found;
    }
    assert_true(hits > 300 && hits < 4000);
    lf_writer_abort(writer);
    lf_reader_end(reader);
}

static void
many_trees_in_one_lookup_all_answer(void **state)
{
    struct fixture *f = *state;
    char text[100][LF_TREE_NAME_SIZE];
    const char *trees[100];
    struct lf_job jobs[100];
    struct lf_reader *reader;
    struct lf_writer *writer;
    uint32_t i;

    create_store(f);
    writer = begin(f);
    for (i = 0; i < 100; i++) {
        snprintf(text[i], sizeof text[i], "rows/%u", i);
        trees[i] = text[i];
        put_text(f, tree_of(f, writer, text[i]), "k", text[i]);
        jobs[i] = (struct lf_job){
            .key = (const uint8_t *)"k", .key_size = 1, .tree = i};
    }
    must(f, lf_writer_commit(writer, &f->error));
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_reader_lookup(reader, trees, 100, jobs, 100, &f->error));
    for (i = 0; i < 100; i++) {
        assert_int_equal(jobs[i].size, strlen(text[i]));
        assert_memory_equal(jobs[i].value, text[i], jobs[i].size);
    }
    lf_reader_end(reader);
}

struct sum {
    uint8_t last[512];
    size_t last_size;
    uint64_t count;
    uint64_t bytes;
    uint64_t stop_at;
    bool is_sorted;
};

static feature_status
add(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
    size_t size, struct feature_error *error)
{
    struct sum *sum = context;
    size_t common = key_size < sum->last_size ? key_size : sum->last_size;
    int order = memcmp(sum->last, key, common);

    (void)error;
    if (sum->count && (order > 0 || (!order && sum->last_size >= key_size)))
        sum->is_sorted = false;
    memcpy(sum->last, key, key_size);
    sum->last_size = key_size;
    sum->bytes += size + key_size + (size ? value[size - 1] : 0);
    return ++sum->count == sum->stop_at ? FEATURE_GAP : FEATURE_OK;
}

static void
both_scans_visit_all_in_order(void **state)
{
    struct fixture *f = *state;
    struct sum reads = {.is_sorted = true}, writes = {.is_sorted = true};
    struct lf_reader *reader;
    struct lf_writer *writer;
    unsigned seed = 11;
    int i;

    create_store(f);
    fill(f, &seed, names, 6);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    writer = begin(f);
    for (i = 0; i < 6; i++) {
        must(f, lf_reader_scan(reader, names[i], add, &reads, &f->error));
        must(f, lf_tree_scan(tree_of(f, writer, names[i]), add, &writes,
                             &f->error));
        reads.last_size = writes.last_size = 0;
    }
    assert_true(reads.is_sorted);
    assert_true(writes.is_sorted);
    assert_true(reads.count > 1000);
    assert_int_equal(reads.count, writes.count);
    assert_int_equal(reads.bytes, writes.bytes);
    must(f, lf_reader_scan(reader, "missing", add, &reads, &f->error));
    lf_writer_abort(writer);
    lf_reader_end(reader);
}

static void
a_scan_ends_with_the_visit_that_fails(void **state)
{
    struct fixture *f = *state;
    struct sum sum = {.stop_at = 2};
    struct lf_reader *reader;

    create_store(f);
    must(f, put(f->environment, "rows", "b", "2", &f->error));
    must(f, put(f->environment, "rows", "c", "3", &f->error));
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    assert_int_equal(lf_reader_scan(reader, "rows", add, &sum, &f->error),
                     FEATURE_GAP);
    assert_int_equal(sum.count, 2);
    lf_reader_end(reader);
}

static bool
is_named(feature_status status, const struct feature_error *error)
{
    return status == FEATURE_CORRUPT || status == FEATURE_VERSION ||
           (status == FEATURE_NOT_FOUND && !strcmp(error->reason, "no-store"));
}

/* One byte or word of a page other than the meta pages. */
static void
damage_somewhere(const struct fixture *f, unsigned *seed, const uint8_t *image,
                 size_t size)
{
    char name[256];
    uint8_t bytes[2];
    off_t at = 8192 + rand_r(seed) % ((off_t)size - 8194);
    int file;

    if (rand_r(seed) % 2)
        at = at / 4096 * 4096 + rand_r(seed) % 64; /* headers, pointers */
    bytes[0] = (uint8_t)rand_r(seed);
    bytes[1] = rand_r(seed) % 2 ? (uint8_t)rand_r(seed) : image[at + 1];
    name_of(f, "data.mdb", name);
    file = open(name, O_WRONLY);
    assert_int_equal(pwrite(file, image, size, 0), (ssize_t)size);
    assert_int_equal(pwrite(file, bytes, 2, at), 2);
    close(file);
}

/* Opening runs LMDB over the main database's first page only, so damage there
 * is kept out of this test: page numbers of the rows are what is asked. */
static void
a_damaged_page_is_reported_and_never_followed(void **state)
{
    struct fixture *f = *state;
    static uint8_t image[1 << 20];
    struct sum sum = {.is_sorted = true};
    struct lf_reader *reader;
    char name[256];
    unsigned seed = 5;
    feature_status status;
    int i, file, reported = 0;
    ssize_t size;

    create_store(f);
    fill(f, &seed, names, 3);
    close_store(f);
    name_of(f, "data.mdb", name);
    file = open(name, O_RDONLY);
    size = read(file, image, sizeof image);
    close(file);
    for (i = 0; i < 3000; i++) {
        int t;

        must(f, open_flags(f, f->path, 0, &f->environment));
        must(f, lf_reader_begin(f->environment, &reader, &f->error));
        damage_somewhere(f, &seed, image, (size_t)size);
        for (t = 0; t < 3; t++) {
            sum = (struct sum){.is_sorted = true};
            status = lf_reader_scan(reader, names[t], add, &sum, &f->error);
            if (status)
                assert_true(is_named(status, &f->error));
            reported += status != FEATURE_OK;
        }
        damage_somewhere(f, &seed, image, (size_t)size);
        file = open(name, O_WRONLY);
        assert_int_equal(pwrite(file, image, (size_t)size, 0), size);
        close(file);
        lf_reader_end(reader);
        close_store(f);
    }
    assert_true(reported > 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_missing_is_not_found),
        TEST(a_reader_keeps_its_snapshot),
        TEST(readers_beyond_the_table_are_refused_until_one_ends),
        TEST(an_ended_reader_holds_no_snapshot),
        TEST(an_aborted_tree_never_was),
        TEST(an_aborted_drop_never_was),
        TEST(a_tree_dropped_and_made_in_one_commit_is_empty),
        TEST(dropping_what_is_missing_is_no_error),
        TEST(more_trees_than_handles_can_be_written),
        TEST(too_many_trees_in_one_transaction_is_full),
        TEST(a_writer_sees_its_own_changes_in_order),
        TEST(an_append_out_of_order_is_refused),
        TEST(keys_lmdb_cannot_hold_are_refused),
        TEST(a_full_map_is_an_error_until_it_grows),
        TEST(a_map_never_shrinks_below_what_is_used),
        TEST(a_running_reader_keeps_the_map_in_place),
        TEST(a_lookup_equals_lmdb),
        TEST(many_trees_in_one_lookup_all_answer),
        TEST(both_scans_visit_all_in_order),
        TEST(a_scan_ends_with_the_visit_that_fails),
        TEST(a_damaged_page_is_reported_and_never_followed),
    };

    return cmocka_run_group_tests_name("engine_data", tests, NULL, NULL);
}
