/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to the ids of events that were seen, in pages that are whole: a flipped
 * byte, an entry that is missing on either side, of another event, of a commit
 * that cannot be. Each is found and named, and a write that meets it answers so and
 * changes nothing.
 */
#include "replanted.h"

#include "base/crc32c.h"
#include "store/dedupe.h"

#define EVENT  2
#define TREE   "events/0000000000000002"
#define BY_ID  1
#define OTHERS "events/0000000000000003"

/* Ids a, b and c; a was taken back, too. */
static void
make_ids(struct fixture *f)
{
    define(f, "CREATE ENTITY card (card_id INT64);"
              "CREATE EVENT payment (payment_id STRING, card_id INT64)"
              " WITH (dedupe = payment_id);"
              "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour')"
              " FOR card FROM payment;"
              "CREATE FEATURE VIEW v (x INT64) FOR card;");
    write_rows(f, FEATURE_EVENT, "payment", NULL, "a 7 @-3\nb 7 @-2\nc 8 @-1");
    write_rows(f, FEATURE_RETRACT, "payment", NULL, "a 7 @-3");
    close_store(f);
    expect_nothing(f);
}

/* --- damage ------------------------------------------------------------------- */

static uint8_t id_of_a[] = {BY_ID, FEATURE_EVENT, 'a'};

static void
seal(struct change *change, uint32_t event)
{
    uint8_t head[9] = {'d'};
    uint32_t sum;

    lf_store_u64(head + 1, event);
    sum = lf_crc32c(0, head, sizeof head);
    sum = lf_crc32c(sum, change->key, change->key_size);
    lf_store_u32(change->bytes,
                 lf_crc32c(sum, change->bytes + 4, change->size - 4));
}

static void
flip_byte(struct change *change)
{
    change->bytes[change->size - 1] ^= 4;
}

static void
seal_for_another(struct change *change)
{
    seal(change, EVENT + 1);
}

static void
write_tomorrow(struct change *change)
{
    lf_store_i64(change->bytes + 8, INT64_MAX);
    seal(change, EVENT);
}

static void
cut_value(struct change *change)
{
    change->size -= 8;
    seal(change, EVENT);
}

static void
reserved_bits(struct change *change)
{
    change->bytes[4] = 1;
    seal(change, EVENT);
}

static void
no_damage(struct change *change)
{
    (void)change;
}

struct first {
    uint8_t kind;
    struct change *change;
};

static feature_status
take_first(void *context, const uint8_t *key, size_t key_size,
           const uint8_t *value, size_t size, struct feature_error *error)
{
    struct first *first = context;

    (void)error;
    if (first->change->key_size || key[0] != first->kind)
        return FEATURE_OK;
    memcpy(first->change->key, key, key_size);
    memcpy(first->change->bytes, value, size);
    first->change->key_size = key_size;
    first->change->size = size;
    return FEATURE_OK;
}

/* Damages the first entry of a kind: that of id a, or of the oldest time. */
static void
damage_first(struct fixture *f, bool by_time,
             void (*damage)(struct change *change))
{
    struct change change = {.key_size = 0};
    struct first first = {by_time ? 2 : BY_ID, &change};
    struct lf_environment *environment;
    struct lf_writer *writer = begin_write(f, &environment);
    struct lf_tree *tree;

    must(lf_writer_tree(writer, TREE, false, &tree, &problem));
    must(lf_tree_scan(tree, take_first, &first, &problem));
    if (!by_time)
        assert_memory_equal(change.key, id_of_a, sizeof id_of_a);
    damage(&change);
    if (change.size)
        must(lf_tree_put(tree, change.key, change.key_size, change.bytes,
                         change.size, false, &problem));
    else
        must(lf_tree_delete(tree, change.key, change.key_size, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
}

#define DAMAGED "an id of an event is damaged"
#define UNLIKE  "the ids of an event are not those in the order of time"

static const struct {
    bool by_time;
    void (*damage)(struct change *change);
    const char *expected;
} plants[] = {
    {false, flip_byte, DAMAGED},
    {true, flip_byte, DAMAGED},
    {false, seal_for_another, DAMAGED},
    {true, seal_for_another, DAMAGED},
    {false, cut_value, DAMAGED},
    {false, reserved_bits, DAMAGED},
    {false, remove_value, UNLIKE},
    {true, remove_value, UNLIKE},
    {false, write_tomorrow, "an id of an event is of a commit that cannot be"},
};

static void
planted_damage_is_found(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_ids(f);
    good = read_image(f);
    damage_first(f, false, no_damage);
    expect_nothing(f);
    write_image(f, &good);
    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        damage_first(f, plants[i].by_time, plants[i].damage);
        expect_found(f, plants[i].expected);
        write_image(f, &good);
    }
    expect_nothing(f);
    free(good.bytes);
}

/* Twenty bytes in a tree of ids whose event has none, or is none. */
static void
anything(struct change *change)
{
    change->bytes[0] = 1;
}

static void
ids_of_no_event_are_found(void **state)
{
    static const struct plant plant = {OTHERS, "key", anything, NULL};
    struct fixture *f = *state;
    struct image good;

    make_ids(f);
    good = read_image(f);
    plant_and_find(f, &good, &plant, 0, "the catalog has no event with such");
    plant_and_find(f, &good, &plant, 0, DAMAGED);
    expect_nothing(f);
    free(good.bytes);
}

/* --- writes that meet it -------------------------------------------------------- */

static void
expect_corrupt(struct fixture *f, const char *rows, const char *reason)
{
    feature_batch *batch = make_batch(f, FEATURE_EVENT, "payment", NULL, rows);
    char *before = NULL, *after = NULL;

    must(feature_store_content(f->store, &before, &problem));
    must_fail(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem),
              FEATURE_CORRUPT, reason);
    assert_non_null(strstr(problem.message, "payment"));
    assert_null(feature_batch_outcomes(batch));
    must(feature_store_content(f->store, &after, &problem));
    assert_string_equal(before, after);
    feature_free(before);
    feature_free(after);
    feature_batch_free(batch);
}

static void
a_write_that_meets_a_damaged_id_changes_nothing(void **state)
{
    struct fixture *f = *state;

    make_ids(f);
    damage_first(f, false, flip_byte);
    open_store(f);
    expect_corrupt(f, "z 7 @-1\na 7 @-1", "checksum");
    write_rows(f, FEATURE_EVENT, "payment", NULL, "z 7 @-1"); /* not of a */
    upsert(f, "v", NULL, "1 @0 7");
    close_store(f);
    expect_found(f, DAMAGED);
}

static void
a_write_that_forgets_ids_changes_nothing_either(void **state)
{
    struct fixture *f = *state;

    make_ids(f);
    damage_first(f, true, flip_byte);
    open_store(f);
    expect_corrupt(f, "z 7 @-1", "checksum");
    expect_corrupt(f, "a 7 @-1\nz 7 @-1", "checksum");
    close_store(f);
    expect_found(f, DAMAGED);
}

/* What is only missing shows in no write: the id was not seen, that is all. */
static void
an_id_that_is_gone_was_not_seen(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch;

    make_ids(f);
    damage_first(f, false, remove_value);
    open_store(f);
    batch = make_batch(f, FEATURE_EVENT, "payment", NULL, "a 7 @-1\nb 7 @-1");
    write_batch(f, batch);
    expect_outcomes(batch, "AD");
    feature_batch_free(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_damage_is_found),
        TEST(ids_of_no_event_are_found),
        TEST(a_write_that_meets_a_damaged_id_changes_nothing),
        TEST(a_write_that_forgets_ids_changes_nothing_either),
        TEST(an_id_that_is_gone_was_not_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
