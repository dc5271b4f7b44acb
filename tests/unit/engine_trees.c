/* SPDX-License-Identifier: Apache-2.0 */
/* Trees within a write transaction, and the map they grow in. */
#include "engine_fixture.h"

static void
an_aborted_tree_never_was(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    int i;

    create_store(f);
    for (i = 0; i < 3; i++) {
        writer = begin_write(f);
        put_text(f, tree_of(f, writer, "new"), "a", "1");
        lf_writer_abort(writer);
    }
    assert_reads(f, "new", "a", "");
    writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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
        writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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
    writer = begin_write(f);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests_name("engine_trees", tests, NULL, NULL);
}
