/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of a view v, each with a store of its own beside it: restored from a
 * snapshot of the moment it began to serve, it takes the same writes and
 * definitions, and knows nothing of loads. To go back to a version is to have what
 * its store has, to the byte.
 */
#ifndef TESTS_API_LOADS_SIDES_H
#define TESTS_API_LOADS_SIDES_H

#include "loads.h"
#include "snapshot.h"

#define KEPT_MOST 3

struct side {
    struct fixture store;
    char name[16];
    uint32_t version;
    int has_id;
    char id[32];
};

struct world {
    struct fixture *f;
    uint64_t state;
    const char *history; /* option */
    int definition;
    uint32_t
        count; /* of sides: the first serves, the others by when they left */
    struct side sides[KEPT_MOST + 2];
    uint32_t made, rollbacks, older, caught_up;
};

static inline uint32_t
below(struct world *world, uint32_t limit)
{
    world->state = world->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->state >> 33) % limit;
}

/* In the store, and beside it. */
static inline void
define_all(struct world *world, const char *text)
{
    define(world->f, text);
    for (uint32_t i = 0; i < world->count; i++)
        define(&world->sides[i].store, text);
}

/* The version that serves, in a store of its own. */
static inline void
begin_side(struct world *world, struct side *side, const char *id)
{
    char file[16];

    snprintf(file, sizeof file, "snap%u", world->made);
    snprintf(side->name, sizeof side->name, "side%u", world->made++);
    take_snapshot(world->f, file, NULL);
    side->store = restore_copy(world->f, file, side->name);
    side->has_id = id != NULL;
    snprintf(side->id, sizeof side->id, "%s", id ? id : "");
}

static inline void
end_side(struct side *side)
{
    close_store(&side->store);
    remove_directory(side->store.path);
}

/* The side at a place serves from now on. */
static inline void
move_to_front(struct world *world, uint32_t at)
{
    struct side side = world->sides[at];

    memmove(&world->sides[1], &world->sides[0], at * sizeof side);
    world->sides[0] = side;
}

/* What feature_store_loads() calls the newest. */
static inline void
name_version(struct world *world)
{
    const char *at;
    char *text = NULL;

    must(feature_store_loads(world->f->store, "v", &text, &problem));
    at = strstr(text, "\"version\":");
    world->sides[0].version =
        at ? (uint32_t)strtoul(at + strlen("\"version\":"), NULL, 10) : 1;
    feature_free(text);
}

/* A load was committed: the oldest version has gone. */
static inline void
add_side(struct world *world, const char *id)
{
    if (world->count == KEPT_MOST + 1)
        end_side(&world->sides[--world->count]);
    begin_side(world, &world->sides[world->count++], id);
    move_to_front(world, world->count - 1);
    name_version(world);
}

static inline void
expect_same_rows(struct world *world)
{
    struct held held = held_of(world->f, "v");
    struct held wanted = held_of(&world->sides[0].store, "v");

    assert_string_equal(held.hash, wanted.hash);
    assert_int_equal(held.rows, wanted.rows);
    assert_int_equal(held.tombstones, wanted.tombstones);
}

/* To one that is kept, by what people would call it. 0: there
 * is none. */
static inline int
go_back(struct world *world)
{
    struct feature_rollback_options options = {.struct_size = sizeof options};
    struct feature_load_report report = {.struct_size = sizeof report};
    uint32_t at;
    struct side *side;

    if (world->count < 2)
        return 0;
    at = 1 + below(world, world->count - 1);
    side = &world->sides[at];
    if (side->has_id && below(world, 2))
        options.id = side->id;
    else if (at > 1 || below(world, 2))
        options.version = side->version;
    must(feature_store_rollback(world->f->store, "v", &options, &report,
                                &problem));
    move_to_front(world, at);
    world->rollbacks++;
    world->older += at > 1;
    world->caught_up += report.caught_up > 0;
    expect_good(world->f);
    return 1;
}

#endif
