/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of a store changed through the engine, for tests of
 * feature_store_verify(): the pages stay whole, and rows are sealed again.
 */
#ifndef LF_TESTS_REPLANTED_H
#define LF_TESTS_REPLANTED_H

#include "damaged.h"

#include "engine/engine.h"
#include "format/record.h"
#include "format/row.h"

#define ROWS_TREE "rows/0000000000000002/0000000000000001"
#define VIEW      2

/* One value, changed in place; a size of 0 removes it. */
struct change {
    uint8_t key[64];
    size_t key_size;
    uint8_t bytes[4096];
    size_t size;
};

struct plant {
    const char *tree;
    const char *key; /* text, or NULL: row k */
    void (*damage)(struct change *change);
    const char *expected;
};

static UNUSED void
make_store(struct fixture *f)
{
    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW v (a BOOL, n INT64, s STRING, m STRING[])"
              " FOR e;");
    upsert(f, "v", "id, event_timestamp, a, n, s, m",
           "1 @1 true 7 text [a,bc]\n"
           "2 @2 false null other []\n"
           "3 @3 true 9 third [x]");
    patch(f, "v", "id, event_timestamp, n", "3 @5 10");
    erase(f, "v", "id, event_timestamp", "2 @4");
    upsert(f, "v", "id, event_timestamp, a, n, s, m", "4 @2 false null y null");
    close_store(f);
    expect_nothing(f);
}

static UNUSED void
remove_value(struct change *change)
{
    change->size = 0;
}

static UNUSED size_t
key_size_of(const struct plant *plant)
{
    return strcmp(plant->tree, "catalog") == 0 && strcmp(plant->key, "odd") != 0
               ? LF_RECORD_KEY_SIZE
               : strlen(plant->key);
}

static UNUSED struct lf_writer *
begin_write(struct fixture *f, struct lf_environment **environment)
{
    struct lf_environment_options options = {.wait_ms = 5000};
    struct lf_writer *writer;
    bool created;

    must(lf_environment_open(f->path, &options, environment, &created,
                             &problem));
    must(lf_writer_begin(*environment, 5000, &writer, &problem));
    return writer;
}

/* Changes one value in a commit of the engine's own; rows are sealed again. */
static UNUSED void
change_value(struct fixture *f, const struct plant *plant, uint8_t row)
{
    struct change change = {.key = {0x80, [7] = row}, .key_size = 8};
    struct lf_environment *environment;
    struct lf_writer *writer;
    struct lf_tree *tree;
    const uint8_t *value;
    bool found;

    if (plant->key) {
        change.key_size = key_size_of(plant);
        memcpy(change.key, plant->key, change.key_size);
    }
    writer = begin_write(f, &environment);
    must(lf_writer_tree(writer, plant->tree, true, &tree, &problem));
    must(lf_tree_get(tree, change.key, change.key_size, &found, &value,
                     &change.size, &problem));
    if (found)
        memcpy(change.bytes, value, change.size);
    else
        change.size = 20;
    plant->damage(&change);
    if (!plant->key && change.size > 4)
        lf_store_u32(change.bytes, lf_row_checksum(lf_row_seed(VIEW),
                                                   change.key, change.key_size,
                                                   change.bytes, change.size));
    if (change.size)
        must(lf_tree_put(tree, change.key, change.key_size, change.bytes,
                         change.size, false, &problem));
    else
        must(lf_tree_delete(tree, change.key, change.key_size, &problem));
    must(lf_writer_commit(writer, &problem));
    lf_environment_close(environment);
}

static UNUSED void
plant_and_find(struct fixture *f, const struct image *good,
               const struct plant *plant, uint8_t row, const char *expected)
{
    change_value(f, plant, row);
    expect_found(f, expected);
    write_image(f, good);
}

#endif
