/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of other versions, damaged ones, and files that are none.
 *
 * The bytes are changed behind the library's back, with LMDB itself and by the
 * layout in docs/format.md.
 */
#include <dlfcn.h>
#include <lmdb.h>
#include <sys/stat.h>

#include "peer.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e;"

/* Offsets in the record `store` of the tree `meta`. */
enum {
    AT_CHECKSUM = 0,
    AT_FORMAT = 4,
    AT_COMPATIBLE = 16,
    AT_WRITE_INCOMPATIBLE = 24,
    AT_INCOMPATIBLE = 32
};

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    upsert(*state, "v", NULL, "1 100 5 text\n2 100 6 other");
    return 0;
}

#define FORMAT(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* The library brought LMDB along. */
static void
find_lmdb(const char *name, void *function)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    assert_non_null(found);
    memcpy(function, &found, sizeof found);
}

#define LMDB(name)                 \
    __typeof__(&name) call_##name; \
    find_lmdb(#name, &call_##name)

/* Calls change with the value under a key, and stores what it made of it. */
static void
change_value(const char *path, const char *tree, const void *key,
             size_t key_size, void (*change)(uint8_t *, size_t, const void *),
             const void *context)
{
    MDB_val at = {.mv_size = key_size, .mv_data = (void *)(uintptr_t)key};
    uint8_t bytes[8192] = {0};
    MDB_val value;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    LMDB(mdb_env_create);
    LMDB(mdb_env_set_maxdbs);
    LMDB(mdb_env_open);
    LMDB(mdb_txn_begin);
    LMDB(mdb_dbi_open);
    LMDB(mdb_get);
    LMDB(mdb_put);
    LMDB(mdb_txn_commit);
    LMDB(mdb_env_close);

    assert_int_equal(call_mdb_env_create(&env), 0);
    assert_int_equal(call_mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(call_mdb_env_open(env, path, 0, 0600), 0);
    assert_int_equal(call_mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(call_mdb_dbi_open(txn, tree, MDB_CREATE, &dbi), 0);
    if (call_mdb_get(txn, dbi, &at, &value))
        value = (MDB_val){.mv_size = 8, .mv_data = bytes + 8};
    assert_in_range(value.mv_size, 1, sizeof bytes);
    memmove(bytes, value.mv_data, value.mv_size);
    value.mv_data = bytes;
    change(bytes, value.mv_size, context);
    assert_int_equal(call_mdb_put(txn, dbi, &at, &value, 0), 0);
    assert_int_equal(call_mdb_txn_commit(txn), 0);
    call_mdb_env_close(env);
}

/* CRC-32C, bit by bit. */
static uint32_t
checksum(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (sum = ~sum; size--; at++) {
        sum ^= *at;
        for (int i = 0; i < 8; i++)
            sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78u : 0);
    }
    return ~sum;
}

struct edit {
    size_t at;
    uint8_t value;
    int is_sealed;
};

static void
edit_record(uint8_t *bytes, size_t size, const void *context)
{
    const struct edit *edit = context;
    uint32_t sum;

    assert_true(size > 64);
    bytes[edit->at] = edit->value;
    if (!edit->is_sealed)
        return;
    sum = checksum(checksum(0, "store", 5), bytes + 4, size - 4);
    memcpy(bytes + AT_CHECKSUM, &sum, sizeof sum);
}

/* Sets one byte of the store's record, with a checksum that fits it. */
static void
edit_store(struct fixture *f, size_t at, uint8_t value)
{
    const struct edit edit = {.at = at, .value = value, .is_sealed = 1};

    close_store(f);
    change_value(f->path, "meta", "store", 5, edit_record, &edit);
}

static void
expect_no_open(struct fixture *f, feature_status status, const char *reason)
{
    must_fail(feature_store_open(f->path, &f->options, &f->store, &problem),
              status, reason);
    assert_null(f->store);
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    must_fail(feature_store_open(f->path, &f->options, &f->store, &problem),
              status, reason);
    assert_null(f->store);
    f->options.flags = FEATURE_OPEN_CREATE;
}

static void
an_unknown_compatible_feature_is_no_obstacle(void **state)
{
    struct fixture *f = *state;

    edit_store(f, AT_COMPATIBLE + 7, 0x80);
    open_store(f);
    upsert(f, "v", NULL, "1 200 7 new");
    expect_rows(f, "v(*)", "1", "present 7 new");
}

static void
an_unknown_write_incompatible_feature_leaves_reading(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    edit_store(f, AT_WRITE_INCOMPATIBLE, 0x01);
    open_store(f);
    expect_rows(f, "v(*)", "1\n2", "present 5 text\npresent 6 other");
    batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 200 7 new");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_VERSION, "feature-bits");
    must_fail(feature_store_apply(f->store, "CREATE ENTITY x (k INT64)", NULL,
                                  NULL, &problem),
              FEATURE_VERSION, "feature-bits");
    feature_batch_free(batch);
    expect_rows(f, "v(*)", "1\n2", "present 5 text\npresent 6 other");
    assert_int_equal(stats_of(f).sequence, 2);
    edit_store(f, AT_WRITE_INCOMPATIBLE, 0);
    open_store(f);
    upsert(f, "v", NULL, "1 200 7 new");
}

static void
an_unknown_incompatible_feature_keeps_the_store_closed(void **state)
{
    struct fixture *f = *state;

    edit_store(f, AT_INCOMPATIBLE + 3, 0x10);
    expect_no_open(f, FEATURE_VERSION, "feature-bits");
    edit_store(f, AT_INCOMPATIBLE + 3, 0);
    open_store(f);
    expect_rows(f, "v(*)", "1\n2", "present 5 text\npresent 6 other");
}

static void
add_a_feature_bit(struct fixture *f, struct peer *peer)
{
    take_turn(peer);
    f->store = NULL; /* the parent's */
    edit_store(f, AT_INCOMPATIBLE, 2);
    give_turn(peer);
}

static void
a_feature_that_comes_while_the_store_is_open_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct reader reader = open_reader(f, "v(*)", 0, "1");
    feature_batch *batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 1 1 x");
    struct peer peer = start_peer(f, add_a_feature_bit);

    expect_read(&reader, "present 5 text");
    pass_turn(&peer);
    end_peer(&peer);
    must_fail(feature_request_read(reader.request, &problem), FEATURE_VERSION,
              "feature-bits");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_VERSION, "feature-bits");
    feature_batch_free(batch);
    close_reader(&reader);
}

static void
another_format_is_refused(void **state)
{
    struct fixture *f = *state;

    edit_store(f, AT_FORMAT, 2);
    expect_no_open(f, FEATURE_VERSION, "format");
}

static void
a_damaged_store_record_is_corrupt(void **state)
{
    const struct edit edit = {.at = 100, .value = 0x55};
    struct fixture *f = *state;

    close_store(f);
    change_value(f->path, "meta", "store", 5, edit_record, &edit);
    expect_no_open(f, FEATURE_CORRUPT, "checksum");
}

static void
set_last_byte(uint8_t *bytes, size_t size, const void *context)
{
    (void)context;
    bytes[size - 1] ^= 1;
}

static void
damage_row(struct fixture *f, uint8_t key)
{
    const uint8_t bytes[8] = {0x80, 0, 0, 0, 0, 0, 0, key};

    close_store(f);
    change_value(f->path, "rows/0000000000000002/0000000000000001", bytes, 8,
                 set_last_byte, NULL);
    open_store(f);
}

static void
a_damaged_row_is_reported_and_never_served(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    feature_batch *batch;

    damage_row(f, 2);
    reader = open_reader(f, "v(a)", 0, "1\n2");
    must_fail(feature_request_read(reader.request, &problem), FEATURE_CORRUPT,
              "checksum");
    assert_int_equal(problem.row, 1);
    assert_non_null(strstr(problem.message, "row 1 of v"));
    assert_int_equal(feature_request_row_count(reader.request), 0);
    set_keys(&reader, "1");
    expect_read(&reader, "present 5");
    close_reader(&reader);
    batch = make_batch(f, FEATURE_PATCH, "v", "k, event_timestamp, a",
                       "1 200 7\n2 200 8");
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_CORRUPT, "checksum");
    assert_int_equal(problem.row, 1);
    feature_batch_free(batch);
    expect_rows(f, "v(*)", "1", "present 5 text");
    assert_int_equal(stats_of(f).sequence, 2);
}

static void
a_damaged_view_record_is_corrupt(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    change_value(f->path, "meta", "view/0000000000000002", 21, set_last_byte,
                 NULL);
    expect_no_open(f, FEATURE_CORRUPT, "checksum");
}

static void
a_view_with_other_rows_than_it_counts_is_corrupt(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    change_value(f->path, "rows/0000000000000002/0000000000000001", "new key!",
                 8, set_last_byte, NULL);
    expect_no_open(f, FEATURE_CORRUPT, "structure");
    assert_non_null(strstr(problem.message, "v has 3 rows"));
    assert_non_null(strstr(problem.message, "counts 2"));
}

static void
a_damaged_definition_is_corrupt(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    change_value(f->path, "catalog", "v\0\0\0\x02", 5, set_last_byte, NULL);
    expect_no_open(f, FEATURE_CORRUPT, "checksum");
}

static void
write_x(uint8_t *bytes, size_t size, const void *context)
{
    (void)context;
    memset(bytes, 'x', size);
}

static void
expect_x(uint8_t *bytes, size_t size, const void *context)
{
    (void)context;
    assert_int_equal(size, 8);
    assert_memory_equal(bytes, "xxxxxxxx", 8);
}

static void
somebody_elses_lmdb_file_is_left_alone(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE + 16];

    snprintf(path, sizeof path, "%s/other", f->directory);
    close_store(f);
    assert_int_equal(rename(f->path, path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    change_value(f->path, "table", "key", 3, write_x, NULL);
    expect_no_open(f, FEATURE_VERSION, "format");
    change_value(f->path, "table", "key", 3, expect_x, NULL);
}

/* Names of the trees, or keys of one of them, separated by spaces. */
static void
list_keys(const char *path, const char *tree, char *text)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    LMDB(mdb_env_create);
    LMDB(mdb_env_set_maxdbs);
    LMDB(mdb_env_open);
    LMDB(mdb_txn_begin);
    LMDB(mdb_dbi_open);
    LMDB(mdb_cursor_open);
    LMDB(mdb_cursor_get);
    LMDB(mdb_cursor_close);
    LMDB(mdb_txn_abort);
    LMDB(mdb_env_close);

    assert_int_equal(call_mdb_env_create(&env), 0);
    assert_int_equal(call_mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(call_mdb_env_open(env, path, 0, 0600), 0);
    assert_int_equal(call_mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(call_mdb_dbi_open(txn, tree, 0, &dbi), 0);
    assert_int_equal(call_mdb_cursor_open(txn, dbi, &cursor), 0);
    for (*text = '\0'; !call_mdb_cursor_get(cursor, &key, &value, MDB_NEXT);)
        sprintf(text + strlen(text), "%s%.*s", *text ? " " : "",
                (int)key.mv_size, (const char *)key.mv_data);
    call_mdb_cursor_close(cursor);
    call_mdb_txn_abort(txn);
    call_mdb_env_close(env);
}

static void
a_dropped_view_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    char text[512];

    close_store(f);
    list_keys(f->path, NULL, text);
    assert_string_equal(text, "catalog meta rows/0000000000000002/"
                              "0000000000000001");
    list_keys(f->path, "meta", text);
    assert_string_equal(text, "store upkeep/0000000000000002 "
                              "view/0000000000000002");
    open_store(f);
    define(f, "DROP FEATURE VIEW v");
    close_store(f);
    list_keys(f->path, NULL, text);
    assert_string_equal(text, "catalog meta");
    list_keys(f->path, "meta", text);
    assert_string_equal(text, "store");
    open_store(f);
    define(f, DEFINITIONS);
    upsert(f, "v", NULL, "1 100 5 text");
    close_store(f);
    list_keys(f->path, "meta", text); /* ids are never used again */
    assert_string_equal(text, "store upkeep/0000000000000003 "
                              "view/0000000000000003");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FORMAT(an_unknown_compatible_feature_is_no_obstacle),
        FORMAT(an_unknown_write_incompatible_feature_leaves_reading),
        FORMAT(an_unknown_incompatible_feature_keeps_the_store_closed),
        FORMAT(a_feature_that_comes_while_the_store_is_open_is_noticed),
        FORMAT(another_format_is_refused),
        FORMAT(a_damaged_store_record_is_corrupt),
        FORMAT(a_damaged_row_is_reported_and_never_served),
        FORMAT(a_damaged_view_record_is_corrupt),
        FORMAT(a_view_with_other_rows_than_it_counts_is_corrupt),
        FORMAT(a_damaged_definition_is_corrupt),
        FORMAT(somebody_elses_lmdb_file_is_left_alone),
        FORMAT(a_dropped_view_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
