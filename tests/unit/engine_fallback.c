/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups by mdb_get, and the trees that need them. */
#include "engine_fixture.h"

#include <lmdb.h>
#include "engine/selfcheck.h"

/* Looks up one key of a tree in a snapshot of its own; "" for nothing. A new
 * snapshot is taken where one is asked for, which is counted. */
static uint32_t
look_up_bytes(struct fixture *f, const char *tree, const void *key,
              uint32_t key_size, char text[256])
{
    uint32_t tries = 0;
    feature_status status;

    do {
        struct lf_job job = {.key = key, .key_size = key_size};
        struct lf_reader *reader;

        must(f, lf_reader_begin(f->environment, &reader, &f->error));
        status = lf_reader_lookup(reader, &tree, 1, &job, 1, &f->error);
        if (!status)
            snprintf(text, 256, "%.*s", (int)job.size,
                     job.value ? (const char *)job.value : "");
        lf_reader_end(reader);
    } while (status == LF_AGAIN && ++tries < 10);
    must(f, status);
    return tries;
}

#define assert_finds(f, tree, key, text)                          \
    do {                                                          \
        char got_[256];                                           \
        look_up_bytes(f, tree, key, (uint32_t)strlen(key), got_); \
        assert_string_equal(got_, text);                          \
    } while (0)

static uint64_t
fallback_reads(struct fixture *f)
{
    struct lf_environment_info info;

    must(f, lf_environment_info(f->environment, &info, &f->error));
    return info.fallback_reads;
}

/* A store with one value, all of whose look-ups are LMDB's. */
static void
create_forced(struct fixture *f)
{
    setenv("FEATURE_READ_PATH", "mdb_get", 1);
    create_store(f);
    unsetenv("FEATURE_READ_PATH");
    assert_true(f->environment->fallback.is_forced);
}

static void
create_unforced(struct fixture *f)
{
    const char *path = getenv("FEATURE_READ_PATH");

    unsetenv("FEATURE_READ_PATH");
    create_store(f);
    if (path)
        setenv("FEATURE_READ_PATH", path, 1);
}

static void
the_descent_serves_unless_it_is_told_not_to(void **state)
{
    struct fixture *f = *state;

    create_unforced(f);
    assert_finds(f, "rows", "a", "1");
    assert_finds(f, "rows", "b", "");
    assert_finds(f, "unknown", "a", "");
    assert_int_equal(fallback_reads(f), 0);
    close_store(f);
    setenv("FEATURE_READ_PATH", "mdb_get", 1);
    must(f, open_flags(f, f->path, FEATURE_OPEN_READ_ONLY, &f->environment));
    unsetenv("FEATURE_READ_PATH");
    assert_finds(f, "rows", "a", "1");
    assert_finds(f, "rows", "b", "");
    assert_finds(f, "unknown", "a", "");
    assert_int_equal(fallback_reads(f), 2);
}

static void
a_dropped_tree_is_gone_for_mdb_get(void **state)
{
    struct fixture *f = *state;

    create_forced(f);
    must(f, put(f->environment, "other", "a", "2", &f->error));
    assert_finds(f, "rows", "a", "1");
    assert_finds(f, "other", "a", "2");
    must(f, drop(f->environment, "rows", &f->error));
    assert_finds(f, "rows", "a", "");
    assert_finds(f, "other", "a", "2");
    must(f, put(f->environment, "third", "a", "3", &f->error));
    assert_finds(f, "rows", "a", "");
    must(f, put(f->environment, "rows", "b", "4", &f->error));
    assert_finds(f, "rows", "a", "");
    assert_finds(f, "rows", "b", "4");
    assert_finds(f, "third", "a", "3");
}

static int
drop_and_make(struct fixture *f)
{
    struct lf_environment *environment;

    child_must(f, open_flags(f, f->path, 0, &environment));
    child_must(f, drop(environment, "rows", &f->error));
    child_must(f, put(environment, "new", "a", "5", &f->error));
    child_must(f, put(environment, "rows", "b", "6", &f->error));
    lf_environment_close(environment);
    return 0;
}

static void
a_tree_dropped_by_another_process_is_gone_for_mdb_get(void **state)
{
    struct fixture *f = *state;

    create_forced(f);
    assert_finds(f, "rows", "a", "1");
    assert_int_equal(wait_child(fork_child(drop_and_make, f)), 0);
    assert_finds(f, "rows", "a", "");
    assert_finds(f, "rows", "b", "6");
    assert_finds(f, "new", "a", "5");
}

static void
a_snapshot_keeps_its_values_for_mdb_get(void **state)
{
    struct fixture *f = *state;
    const char *tree = "rows";
    struct lf_job jobs[2] = {{.key = (const uint8_t *)"a", .key_size = 1},
                             {.key = (const uint8_t *)"b", .key_size = 1}};
    struct lf_reader *reader;

    create_forced(f);
    assert_finds(f, "rows", "a", "1");
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, put(f->environment, "rows", "b", "3", &f->error));
    must(f, lf_reader_lookup(reader, &tree, 1, jobs, 2, &f->error));
    assert_int_equal(jobs[0].size, 1);
    assert_memory_equal(jobs[0].value, "1", 1);
    assert_null(jobs[1].value);
    lf_reader_end(reader);
    assert_finds(f, "rows", "a", "2");
}

/* LMDB alone: trees that the library would not make. */
struct foreign {
    const char *name;
    unsigned flags;
    const void *key;
    size_t key_size;
    const char *value;
};

static int
make_foreign(const char *path, const struct foreign *tree)
{
    MDB_val key = {tree->key_size, (void *)(uintptr_t)tree->key};
    MDB_val data = {strlen(tree->value), (void *)(uintptr_t)tree->value};
    MDB_env *lmdb;
    MDB_txn *txn;
    MDB_dbi handle;

    if (mdb_env_create(&lmdb) || mdb_env_set_maxdbs(lmdb, 8) ||
        mdb_env_set_mapsize(lmdb, 1 << 30) || mdb_env_open(lmdb, path, 0, 0600))
        return 1;
    if (mdb_txn_begin(lmdb, NULL, 0, &txn))
        return 2;
    if (!mdb_dbi_open(txn, tree->name, 0, &handle) && mdb_drop(txn, handle, 1))
        return 3;
    if (mdb_txn_commit(txn) || mdb_txn_begin(lmdb, NULL, 0, &txn))
        return 4;
    if (mdb_dbi_open(txn, tree->name, MDB_CREATE | tree->flags, &handle) ||
        mdb_put(txn, handle, &key, &data, 0) || mdb_txn_commit(txn))
        return 5;
    mdb_env_close(lmdb);
    return 0;
}

static void
add_foreign(struct fixture *f, const struct foreign *tree)
{
    pid_t child = fork();

    if (!child)
        _exit(make_foreign(f->path, tree));
    assert_int_equal(wait_child(child), 0);
}

static void
a_legal_tree_of_another_order_is_looked_up_by_mdb_get(void **state)
{
    struct fixture *f = *state;
    const uint64_t number = 258;
    const struct foreign trees[] = {
        {"numbers", MDB_INTEGERKEY, &number, sizeof number, "n"},
        {"backwards", MDB_REVERSEKEY, "key", 3, "r"},
        {"many", MDB_DUPSORT, "key", 3, "d"}};
    char text[256];

    create_unforced(f);
    for (size_t i = 0; i < 3; i++)
        add_foreign(f, &trees[i]);
    assert_int_equal(look_up_bytes(f, "numbers", &number, 8, text), 1);
    assert_string_equal(text, "n");
    assert_int_equal(look_up_bytes(f, "numbers", "odd", 3, text), 0);
    assert_string_equal(text, "");
    assert_finds(f, "backwards", "key", "r");
    assert_finds(f, "many", "key", "d");
    assert_finds(f, "many", "yek", "");
    assert_int_equal(fallback_reads(f), 5);
    assert_finds(f, "rows", "a", "1");
    assert_int_equal(fallback_reads(f), 5);
    refused(f, get(f->environment, "many", "key", text, &f->error),
            FEATURE_VERSION, "format");
}

static void
both_ways_serve_one_call(void **state)
{
    struct fixture *f = *state;
    const struct foreign tree = {"many", MDB_DUPSORT, "key", 3, "d"};
    const char *names[] = {"rows", "many", "unknown"};
    struct lf_job jobs[4] = {
        {.key = (const uint8_t *)"a", .key_size = 1, .tree = 0},
        {.key = (const uint8_t *)"key", .key_size = 3, .tree = 1},
        {.key = (const uint8_t *)"key", .key_size = 3, .tree = 2},
        {.key = NULL, .key_size = 0, .tree = 1}};
    struct lf_reader *reader;

    create_unforced(f);
    add_foreign(f, &tree);
    assert_finds(f, "many", "key", "d");
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_reader_lookup(reader, names, 3, jobs, 4, &f->error));
    assert_memory_equal(jobs[0].value, "1", 1);
    assert_memory_equal(jobs[1].value, "d", 1);
    assert_null(jobs[2].value);
    assert_null(jobs[3].value);
    lf_reader_end(reader);
}

static void
a_tree_made_again_in_another_order_is_found(void **state)
{
    struct fixture *f = *state;
    const struct foreign trees[] = {{"odd", MDB_DUPSORT, "key", 3, "d"},
                                    {"odd", 0, "key", 3, "plain"},
                                    {"odd", MDB_REVERSEKEY, "key", 3, "r"}};

    create_forced(f);
    for (int i = 0; i < 6; i++) {
        add_foreign(f, &trees[i % 3]);
        assert_finds(f, "odd", "key", trees[i % 3].value);
        assert_finds(f, "odd", "ke", "");
    }
}

#define MANY 1100

static void
more_trees_than_handles_can_be_read_by_mdb_get(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer = NULL;
    char name[16];
    int i;

    create_forced(f);
    for (i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "t%d", i);
        if (i % 100 == 0)
            writer = begin_write(f);
        put_text(f, tree_of(f, writer, name), "k", name);
        if (i % 100 == 99 || i == MANY - 1)
            must(f, lf_writer_commit(writer, &f->error));
    }
    for (i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_finds(f, name, "k", name);
    }
    assert_finds(f, "t0", "k", "t0");
}

static void
a_file_that_outgrows_the_second_map_is_mapped_again(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;
    static char big[1 << 20];
    char key[16];

    create_forced(f);
    for (int i = 0; i < 24; i++) {
        assert_finds(f, "rows", "a", "1");
        snprintf(key, sizeof key, "big%d", i);
        memset(big, 'a' + i, sizeof big);
        writer = begin_write(f);
        tree = tree_of(f, writer, "big");
        must(f, lf_tree_put(tree, key, strlen(key), big, sizeof big, false,
                            &f->error));
        must(f, lf_writer_commit(writer, &f->error));
    }
    assert_finds(f, "rows", "a", "1");
}

static void
a_tree_that_cannot_be_checked_is_walked(void **state)
{
    struct fixture *f = *state;
    char name[256];

    create_unforced(f);
    name_of(f, "data.mdb", name);
    unlink(name);
    assert_finds(f, "rows", "a", "1");
    assert_finds(f, "rows", "b", "");
    assert_int_equal(fallback_reads(f), 2);
}

#define ROWS 2000

static void
row_key(int row, char key[32])
{
    snprintf(key, 32, "row %06d", row);
}

static void
put_rows(struct fixture *f)
{
    struct lf_writer *writer = begin_write(f);
    struct lf_tree *tree = tree_of(f, writer, "many");
    char key[32];

    for (int i = 0; i < ROWS; i++) {
        row_key(i, key);
        put_text(f, tree, key, key);
    }
    must(f, lf_writer_commit(writer, &f->error));
}

/* Overwrites the header of the page that a key's value lies in. */
static void
damage_page_of(struct fixture *f, const char *key)
{
    uint8_t header[16] = {0};
    const uint8_t *value;
    struct lf_reader *reader;
    char name[256];
    size_t size;
    off_t at;
    bool found;
    int file;

    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_reader_get(reader, "many", key, strlen(key), &found, &value,
                          &size, &f->error));
    assert_true(found);
    at = value - reader->pages.base;
    lf_reader_end(reader);
    name_of(f, "data.mdb", name);
    file = open(name, O_WRONLY);
    assert_int_equal(pwrite(file, header, sizeof header, at & ~4095),
                     sizeof header);
    close(file);
}

static void
damage_where_the_check_looks_is_no_obstacle_elsewhere(void **state)
{
    struct fixture *f = *state;
    char key[32], text[256];
    struct lf_job job = {.key = (const uint8_t *)key};
    struct lf_reader *reader;
    const char *tree = "many";

    create_unforced(f);
    put_rows(f);
    row_key(0, key); /* the first key is always looked at */
    damage_page_of(f, key);
    row_key(ROWS / 2, key);
    look_up_bytes(f, "many", key, (uint32_t)strlen(key), text);
    assert_string_equal(text, key);
    assert_int_equal(fallback_reads(f), 0);
    row_key(0, key);
    job.key_size = (uint32_t)strlen(key);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    refused(f, lf_reader_lookup(reader, &tree, 1, &job, 1, &f->error),
            FEATURE_CORRUPT, "structure");
    lf_reader_end(reader);
}

static void
a_tree_is_checked_again_when_it_gains_a_level(void **state)
{
    struct fixture *f = *state;
    const struct lf_fallback *fallback;
    uint32_t marks = 0;
    char text[256];

    create_unforced(f);
    fallback = &f->environment->fallback;
    must(f, put(f->environment, "many", "row", "1", &f->error));
    assert_finds(f, "many", "row", "1");
    assert_finds(f, "many", "row", "1");
    put_rows(f);
    look_up_bytes(f, "many", "row", 3, text);
    for (uint32_t i = 0; i < LF_CHECKED; i++)
        marks += atomic_load(&fallback->checked[i]) != 0;
    assert_int_equal(marks, 2);
    must(f, lf_environment_limit(f->environment, 128 << 20, &f->error));
    for (uint32_t i = 0; i < LF_CHECKED; i++)
        assert_int_equal(atomic_load(&fallback->checked[i]), 0);
    assert_finds(f, "many", "row", "1");
}

static void
no_witness_stays_open_behind_the_check(void **state)
{
    struct fixture *f = *state;

    create_unforced(f);
    assert_finds(f, "rows", "a", "1");
    assert_null(f->environment->fallback.witness);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_descent_serves_unless_it_is_told_not_to),
        TEST(a_dropped_tree_is_gone_for_mdb_get),
        TEST(a_tree_dropped_by_another_process_is_gone_for_mdb_get),
        TEST(a_snapshot_keeps_its_values_for_mdb_get),
        TEST(a_legal_tree_of_another_order_is_looked_up_by_mdb_get),
        TEST(both_ways_serve_one_call),
        TEST(a_tree_made_again_in_another_order_is_found),
        TEST(more_trees_than_handles_can_be_read_by_mdb_get),
        TEST(a_file_that_outgrows_the_second_map_is_mapped_again),
        TEST(a_tree_that_cannot_be_checked_is_walked),
        TEST(damage_where_the_check_looks_is_no_obstacle_elsewhere),
        TEST(a_tree_is_checked_again_when_it_gains_a_level),
        TEST(no_witness_stays_open_behind_the_check),
    };

    return cmocka_run_group_tests_name("engine_fallback", tests, NULL, NULL);
}
