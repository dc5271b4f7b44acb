/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the store, its views and its definitions that say what is not so:
 * each is found, and named.
 */
#include "replanted.h"

#include "base/crc32c.h"
#include "format/meta.h"

static void
spoil_record(struct change *change)
{
    change->bytes[12] ^= 1;
}

static void
with_view(struct change *change, void (*edit)(struct lf_meta_view *meta))
{
    struct lf_meta_view meta;

    assert_true(lf_meta_view_decode(&meta, VIEW, change->bytes, change->size));
    edit(&meta);
    lf_meta_view_encode(&meta, VIEW, change->bytes);
}

static void
more_tombstones(struct lf_meta_view *meta)
{
    meta->tombstones++;
}

static void
more_history(struct lf_meta_view *meta)
{
    meta->history_entries++;
}

static void
other_hash(struct lf_meta_view *meta)
{
    meta->content.high ^= 1;
}

static void
older(struct lf_meta_view *meta)
{
    meta->newest -= SECOND;
}

static void
later(struct lf_meta_view *meta)
{
    meta->commit += 1000;
}

static void
fewer(struct lf_meta_view *meta)
{
    meta->applied = 1;
}

static void
add_tombstone(struct change *change)
{
    with_view(change, more_tombstones);
}

static void
add_history(struct change *change)
{
    with_view(change, more_history);
}

static void
change_hash(struct change *change)
{
    with_view(change, other_hash);
}

static void
age_view(struct change *change)
{
    with_view(change, older);
}

static void
advance(struct change *change)
{
    with_view(change, later);
}

static void
forget_applied(struct change *change)
{
    with_view(change, fewer);
}

static void
with_store(struct change *change, void (*edit)(struct lf_meta_store *meta))
{
    struct lf_meta_store meta;

    assert_true(lf_meta_store_decode(&meta, change->bytes, change->size));
    edit(&meta);
    lf_meta_store_encode(&meta, change->bytes);
}

static void
skip_commit(struct lf_meta_store *meta)
{
    meta->sequence++;
}

static void
lose_commit(struct lf_meta_store *meta)
{
    meta->tokens[2].sequence = 0;
}

static void
stray_commit(struct lf_meta_store *meta)
{
    meta->tokens[40].sequence = 40;
}

static void
other_catalog(struct lf_meta_store *meta)
{
    meta->catalog_version++;
}

static void
break_chain(struct change *change)
{
    with_store(change, skip_commit);
}

static void
break_middle(struct change *change)
{
    with_store(change, lose_commit);
}

static void
break_future(struct change *change)
{
    with_store(change, stray_commit);
}

static void
change_catalog(struct change *change)
{
    with_store(change, other_catalog);
}

/* Other bytes of a message, with the right checksum. */
static void
reseal_definition(struct change *change)
{
    change->bytes[change->size - 1] ^= 0xff;
    lf_store_u32(change->bytes,
                 lf_crc32c(lf_crc32c(0, change->key, change->key_size),
                           change->bytes + 4, change->size - 4));
}

#define STORE_KEY "store"
#define VIEW_KEY  "view/0000000000000002"

static const struct plant record_plants[] = {
    {"meta", STORE_KEY, spoil_record, "the store's record is damaged"},
    {"meta", STORE_KEY, remove_value, "the store's record is missing"},
    {"meta", STORE_KEY, break_chain, "the store's record has no commit 6"},
    {"meta", STORE_KEY, break_middle, "the store's record has no commit 2"},
    {"meta", STORE_KEY, break_future, "in a place that was not reached"},
    {"meta", STORE_KEY, change_catalog,
     "the catalog has version 1, the store's record says 2"},
    {"meta", VIEW_KEY, spoil_record, "the record of feature view 2 is damaged"},
    {"meta", VIEW_KEY, remove_value, "there is no record of the view"},
    {"meta", VIEW_KEY, add_tombstone, "says 2 tombstones, there are 1"},
    {"meta", VIEW_KEY, add_history,
     "entries of history, there is no tree of them"},
    {"meta", VIEW_KEY, change_hash, "the view's content hash is not"},
    {"meta", VIEW_KEY, age_view, "its newest event timestamp is"},
    {"meta", VIEW_KEY, advance, "the view's last commit is 1005"},
    {"meta", VIEW_KEY, forget_applied, "fewer rows applied than there are"},
    {"meta", "view/0000000000000009", spoil_record,
     "the record of feature view 9 is damaged"},
    {"meta", "junk", spoil_record, "an unknown record"},
    {"catalog", "v\0\0\0\2", spoil_record, "the catalog's record is damaged"},
    {"catalog", "v\0\0\0\2", reseal_definition, "the catalog record 2 of a"},
    {"catalog", "e\0\0\0\1", remove_value, "catalog"},
    {"catalog", "c\0\0\0\0", remove_value,
     "the catalog record of the store is not there"},
    {"catalog", "x\0\0\0\7", spoil_record, "the catalog's record is damaged"},
    {"catalog", "odd", spoil_record, "the catalog's record is damaged"},
    {"nonsense", "key", spoil_record, "the format has no tree of this name"},
    {"rows/0000000000000007/0000000000000001", "key", spoil_record,
     "the catalog has no such feature view"},
    {"rows/0000000000000002/0000000000000005", "key", spoil_record,
     "the catalog has no such feature view"},
};

static void
planted_records_are_named(void **state)
{
    struct fixture *f = *state;
    struct image good;

    make_store(f);
    good = read_image(f);
    for (size_t i = 0; i < sizeof record_plants / sizeof *record_plants; i++)
        plant_and_find(f, &good, &record_plants[i], 0,
                       record_plants[i].expected);
    expect_nothing(f);
    free(good.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_records_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
