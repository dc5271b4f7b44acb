/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to states beside their rows behind the library's back: each
 * change is found and named, and nobody is given an answer from it.
 */
#include "api/wide.h"

#undef VIEW
#include "replanted.h"

#include "format/side.h"
#include "format/state_parts.h"

#define SIDE_VIEW  3
#define SIDE_TREE  "tiles/0000000000000003/0000000000000001"
#define STATE_TREE "rows/0000000000000003/0000000000000001"

/* One value beside a row. */
struct side {
    uint8_t key[64];
    size_t key_size;
    uint8_t bytes[8192];
    size_t size;
};

static struct payments all;

static void
make_wide(struct fixture *f)
{
    draw_state = draw_seed;
    draw_payments(&all);
    define(f, WIDE_VIEW());
    pay_all(f, &all, WIDE_MAX);
    close_store(f);
    expect_nothing(f);
}

static void
seal(struct side *side)
{
    struct lf_buffer value = {0};

    assert_true(lf_side_encode(lf_side_seed(SIDE_VIEW), side->key,
                               side->key_size, side->bytes + LF_SIDE_HEAD_SIZE,
                               side->size - LF_SIDE_HEAD_SIZE, &value));
    memcpy(side->bytes, value.data, value.size);
    lf_buffer_free(&value);
}

static void
name_hash(struct side *side)
{
    struct lf_beside_ref ref = lf_beside_ref_of(side->bytes + LF_SIDE_HEAD_SIZE,
                                                side->size - LF_SIDE_HEAD_SIZE);

    lf_side_key(side->key, side->key_size - LF_BESIDE_HASH_SIZE, &ref);
}

/* --- damage, of the first value ------------------------------------------------ */

static void
flip_byte(struct side *side)
{
    side->bytes[side->size / 2] ^= 1;
}

static void
flip_and_seal(struct side *side)
{
    flip_byte(side);
    seal(side);
}

/* A value that could be one, were there a row that refers to it. */
static void
make_another(struct side *side)
{
    flip_byte(side);
    name_hash(side);
    seal(side);
}

static void
cut(struct side *side)
{
    side->size--;
    seal(side);
}

static void
cut_short(struct side *side)
{
    side->size = 300;
}

static void
take_to_another_key(struct side *side)
{
    side->key[7] ^= 0x40;
    seal(side);
}

static void
spoil_key(struct side *side)
{
    side->key_size--;
    seal(side);
}

static void
vanish(struct side *side)
{
    side->size = 0;
}

/* Puts what `change` makes of the first value in its place, or, where keeps is
 * set, beside it. */
static void
change_side(struct fixture *f, void (*change)(struct side *), bool keeps)
{
    struct lf_environment *environment;
    struct lf_writer *writer = begin_write(f, &environment);
    struct lf_tree_entry entry;
    struct side side = {.size = 0};
    struct lf_tree *tree;

    must(lf_writer_tree(writer, SIDE_TREE, false, &tree, &problem));
    assert_non_null(tree);
    must(lf_tree_move(tree, LF_STEP_SEEK, "", 1, &entry, &problem));
    assert_true(entry.size <= sizeof side.bytes);
    memcpy(side.key, entry.key, entry.key_size);
    memcpy(side.bytes, entry.value, entry.size);
    side.key_size = entry.key_size;
    side.size = entry.size;
    if (!keeps)
        must(lf_tree_delete(tree, side.key, side.key_size, &problem));
    change(&side);
    if (side.size)
        must(lf_tree_put(tree, side.key, side.key_size, side.bytes, side.size,
                         false, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
}

static const struct {
    void (*change)(struct side *);
    bool keeps;
    const char *expected[3];
} plants[] = {
    {flip_byte,
     false,
     {"beside a row: its checksum is wrong", "beside the row is damaged"}},
    {flip_and_seal, false, {"its key has not the hash of its bytes"}},
    {make_another, false, {"no row refers to it", "the row is not there"}},
    {make_another,
     true,
     {"no row refers to it", "states beside its rows, there are"}},
    {cut, false, {"its key has not the hash", "beside the row is damaged"}},
    {cut_short, false, {"it is too short", "beside the row is damaged"}},
    {take_to_another_key, true, {"no row refers to it"}},
    {spoil_key, true, {"the key ends within an INT64"}},
    {vanish,
     false,
     {"the row is not there", "states beside its rows, there are"}},
};

static void
each_damage_is_named(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_wide(f);
    good = read_image(f);
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        change_side(f, plants[i].change, plants[i].keeps);
        for (int j = 0; j < 3 && plants[i].expected[j]; j++)
            expect_found(f, plants[i].expected[j]);
        write_image(f, &good);
    }
    expect_nothing(f);
    free(good.bytes);
}

/* A store whose record counts other than there are is not opened. */
static void
a_wrong_count_is_not_opened(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_wide(f);
    good = read_image(f);
    for (int keeps = 0; keeps < 2; keeps++) {
        change_side(f, keeps ? make_another : vanish, keeps);
        must_fail(feature_store_open(f->path, &f->options, &f->store, &problem),
                  FEATURE_CORRUPT, "structure");
        assert_non_null(strstr(problem.message, "states beside its rows"));
        write_image(f, &good);
    }
    free(good.bytes);
}

/* --- a reference ---------------------------------------------------------------- */

/* The hash that the first value beside a row has. */
static void
first_hash(struct lf_writer *writer, uint8_t hash[LF_BESIDE_HASH_SIZE])
{
    struct lf_tree_entry entry;
    struct lf_tree *tree;

    must(lf_writer_tree(writer, SIDE_TREE, false, &tree, &problem));
    must(lf_tree_move(tree, LF_STEP_SEEK, "", 1, &entry, &problem));
    memcpy(hash, entry.key + entry.key_size - LF_BESIDE_HASH_SIZE,
           LF_BESIDE_HASH_SIZE);
}

/* Changes the first row: what its parts are, or a byte of a hash. */
static void
change_row(struct fixture *f, bool is_hash)
{
    struct lf_environment *environment;
    struct lf_writer *writer = begin_write(f, &environment);
    uint8_t key[8], hash[LF_BESIDE_HASH_SIZE], *at;
    struct lf_buffer row = {0};
    struct lf_tree_entry entry;
    struct lf_tree *tree;

    first_hash(writer, hash);
    must(lf_writer_tree(writer, STATE_TREE, false, &tree, &problem));
    must(lf_tree_move(tree, LF_STEP_SEEK, "", 1, &entry, &problem));
    assert_int_equal(entry.key_size, sizeof key);
    memcpy(key, entry.key, sizeof key);
    assert_true(lf_buffer_append(&row, entry.value, entry.size));
    at = is_hash ? memmem(row.data, row.size, hash, sizeof hash)
                 : row.data + LF_ROW_HEADER_SIZE;
    assert_non_null(at);
    *at ^= LF_PART_WIDE;
    lf_row_seal(lf_row_seed(SIDE_VIEW), key, sizeof key, &row);
    must(lf_tree_put(tree, key, sizeof key, row.data, row.size, false,
                     &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
    lf_buffer_free(&row);
}

static void
a_row_that_says_otherwise_is_named(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_wide(f);
    good = read_image(f);
    change_row(f, false);
    expect_found(f, "the state of the row is damaged");
    expect_found(f, "no row refers to it");
    write_image(f, &good);
    change_row(f, true);
    expect_found(f, "beside the row is not there");
    expect_found(f, "no row refers to it");
    free(good.bytes);
}

/* --- readers and writers ------------------------------------------------------- */

static void
expect_no_answer(struct fixture *f, const char *features, const char *reason)
{
    struct reader reader = open_reader(f, features, 0, "8\n7");

    must_fail(feature_request_read(reader.request, &problem), FEATURE_CORRUPT,
              reason);
    assert_in_range(problem.row, 0, 1);
    close_reader(&reader);
}

/* A bit of every value. */
static void
flip_all(struct fixture *f)
{
    struct lf_environment *environment;
    struct lf_writer *writer = begin_write(f, &environment);
    struct lf_tree_entry entry;
    struct side side = {.key_size = 1};
    struct lf_tree *tree;
    uint32_t count = 0;

    must(lf_writer_tree(writer, SIDE_TREE, false, &tree, &problem));
    for (;; count++) {
        must(lf_tree_move(tree, LF_STEP_SEEK, side.key, side.key_size, &entry,
                          &problem));
        if (!entry.key)
            break;
        memcpy(side.key, entry.key, entry.key_size);
        memcpy(side.bytes, entry.value, entry.size);
        side.key_size = entry.key_size;
        side.size = entry.size;
        flip_byte(&side);
        must(lf_tree_put(tree, side.key, side.key_size, side.bytes, side.size,
                         false, &problem));
        side.key[side.key_size++] = 0;
    }
    assert_true(count > 20);
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
}

/* No state is fetched for a feature that needs none. */
static void
only_what_is_needed_is_fetched(void **state)
{
    struct fixture *f = *state;
    char text[64];
    uint32_t count = 0;

    make_wide(f);
    for (uint32_t i = 0; i < all.count; i++)
        count += all.list[i].card == 7 && all.list[i].ts >= NOON - 5 * MINUTE;
    flip_all(f);
    open_store(f);
    snprintf(text, sizeof text, "present %u", count);
    expect_rows(f, "spend(n)", "7", text);
    expect_no_answer(f, "spend(d)", "checksum");
    close_store(f);
}

static void
damage_goes_nowhere(void **state)
{
    static const char *const reasons[] = {"checksum", "structure"};
    struct fixture *f = *state;
    struct payment old = {7, 5, NOON - 40 * MINUTE, 1};
    char file[TEST_PATH_SIZE + 16], path[TEST_PATH_SIZE + 16];
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    feature_batch *batch;
    struct image good;

    make_wide(f);
    good = read_image(f);
    snprintf(file, sizeof file, "%s/copy", f->directory);
    snprintf(path, sizeof path, "%s/other", f->directory);
    for (int i = 0; i < 2; i++) {
        change_side(f, i ? make_another : flip_byte, false);
        open_store(f);
        expect_no_answer(f, "spend(ever, p, d)", reasons[i]);
        must_fail(
            feature_store_snapshot(f->store, file, NULL, NULL, NULL, &problem),
            FEATURE_CORRUPT, reasons[i]);
        stream = tiles_of(f, "spend");
        assert_int_not_equal(stream.get_next(&stream, &array), 0);
        stream.release(&stream);
        close_store(f);
        must_fail(feature_store_compact(f->path, NULL, NULL, NULL, &problem),
                  FEATURE_CORRUPT, reasons[i]);
        write_image(f, &good);
    }
    /* An event that its states are needed for. */
    change_side(f, flip_byte, false);
    open_store(f);
    must(feature_batch_create(f->store, "payment", NULL, FEATURE_EVENT, &batch,
                              &problem));
    for (int i = 0; i < 60; i++, old.ts += MINUTE) {
        feature_status status;

        if (old.ts > NOON)
            break;
        set_payments(batch, &old, 1);
        status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
        if (status) {
            assert_int_equal(status, FEATURE_CORRUPT);
            assert_string_equal(problem.reason, "checksum");
            old.ts = INT64_MAX / 2;
        }
    }
    assert_true(old.ts > NOON + DAY);
    feature_batch_free(batch);
    free(good.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_damage_is_named),
        TEST(a_wrong_count_is_not_opened),
        TEST(a_row_that_says_otherwise_is_named),
        TEST(only_what_is_needed_is_fetched),
        TEST(damage_goes_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
