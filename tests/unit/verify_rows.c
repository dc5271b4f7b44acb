/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that whole pages and right checksums hide: each is found, and named.
 */
#include "replanted.h"

/* --- rows: 1 whole, 2 a tombstone, 3 with cell times, 4 with nulls ---------- */

static void
set_version(struct change *row)
{
    lf_store_u16(row->bytes + 4, 99);
}

static void
set_flag(struct change *row)
{
    row->bytes[6] |= 0x20;
}

static void
unset_time(struct change *row)
{
    lf_store_i64(row->bytes + 8, INT64_MIN);
}

/* The fixed area begins behind the header and 8 bytes of null bits: n, then a.
 */
static void
set_bool(struct change *row)
{
    row->bytes[LF_ROW_HEADER_SIZE + 16] = 2;
}

static void
spoil_text(struct change *row)
{
    uint8_t *at = memmem(row->bytes, row->size, "text", 4);

    assert_non_null(at);
    *at = 0xff;
}

static void
spoil_list(struct change *row)
{
    uint8_t *at = memmem(row->bytes, row->size, "abc", 3);

    assert_non_null(at);
    *at = 0xc0;
}

static void
fill_null(struct change *row)
{
    row->key[7] = 4;
    row->bytes[LF_ROW_HEADER_SIZE + 8] = 1;
}

static void
set_spare_null(struct change *row)
{
    row->bytes[LF_ROW_HEADER_SIZE + 7] |= 0x80;
}

static void
cut_row(struct change *row)
{
    row->size -= 3;
}

static void
cut_header(struct change *row)
{
    row->size = 10;
}

static void
age(struct change *row)
{
    lf_store_i64(row->bytes + 8, lf_load_i64(row->bytes + 8) - 1);
}

static void
shorten_key(struct change *row)
{
    row->key_size = 7;
}

static void
lengthen_key(struct change *row)
{
    row->key_size = 9;
}

static void
renew(struct change *row)
{
    lf_store_i64(row->bytes + 8, NOON + DAY);
}

static const struct plant row_plants[] = {
    {ROWS_TREE, NULL, set_version, "schema version 99, which its view has not"},
    {ROWS_TREE, NULL, set_flag, "the row's header is impossible"},
    {ROWS_TREE, NULL, unset_time, "the row has no event timestamp"},
    {ROWS_TREE, NULL, set_bool, "holds a value that its type cannot"},
    {ROWS_TREE, NULL, spoil_text, "holds a value that its type cannot"},
    {ROWS_TREE, NULL, spoil_list, "holds a value that its type cannot"},
    {ROWS_TREE, NULL, set_spare_null, "is not what its cells encode to"},
    {ROWS_TREE, NULL, cut_row, "does not fit its schema version"},
    {ROWS_TREE, NULL, cut_header, "the row is too short"},
    {ROWS_TREE, NULL, age, "the view's content hash is not that of its rows"},
    {ROWS_TREE, NULL, remove_value, "says 4 rows, there are 3"},
    {ROWS_TREE, NULL, shorten_key, "the key ends within an INT64"},
    {ROWS_TREE, NULL, lengthen_key, "the key goes on after its last part"},
    {ROWS_TREE, NULL, renew, "its newest event timestamp is"},
};

/* --- the tests ------------------------------------------------------------- */

static void
planted_rows_are_named(void **state)
{
    static const struct plant null_plant = {ROWS_TREE, NULL, fill_null, NULL};
    static const struct plant time_plant = {ROWS_TREE, NULL, age, NULL};
    struct fixture *f = *state;
    struct image good;

    make_store(f);
    good = read_image(f);
    for (size_t i = 0; i < sizeof row_plants / sizeof *row_plants; i++)
        plant_and_find(f, &good, &row_plants[i], 1, row_plants[i].expected);
    plant_and_find(f, &good, &null_plant, 4, "is not what its cells encode to");
    plant_and_find(f, &good, &time_plant, 3, "does not fit its schema version");
    expect_nothing(f);
    free(good.bytes);
}
/* An older, valid version of a row passes every check but the hash. */
static void
a_stale_row_is_found(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *environment;
    uint8_t key[8] = {0x80, [7] = 1}, old[256];
    struct lf_writer *writer;
    struct lf_tree *tree;
    const uint8_t *value;
    bool found;
    size_t size;

    make_store(f);
    writer = begin_write(f, &environment);
    must(lf_writer_tree(writer, ROWS_TREE, false, &tree, &problem));
    must(lf_tree_get(tree, key, 8, &found, &value, &size, &problem));
    memcpy(old, value, size);
    lf_writer_abort(writer);
    lf_environment_close(environment);
    open_store(f);
    upsert(f, "v", "id, event_timestamp, n, a, s, m", "1 @1 8 true text [a]");
    close_store(f);
    expect_nothing(f);
    writer = begin_write(f, &environment);
    must(lf_writer_tree(writer, ROWS_TREE, false, &tree, &problem));
    must(lf_tree_put(tree, key, 8, old, size, false, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
    expect_found(f, "the view's content hash is not that of its rows");
}

/* The rows of a view are gone, and its record still counts them. */
static void
a_lost_tree_is_found(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *environment;
    struct lf_writer *writer;

    make_store(f);
    writer = begin_write(f, &environment);
    must(lf_writer_drop(writer, ROWS_TREE, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
    expect_found(f, "says 4 rows, there is no tree of them");
}
int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_rows_are_named),
        TEST(a_stale_row_is_found),
        TEST(a_lost_tree_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
