/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random definition texts.
 *
 * Owns the mix of new definitions, allowed evolution and what is refused.
 * Keeps most texts valid: a fault hides the rest of its text.
 * Never writes text: statements become text when they are applied.
 */
#include "make.h"

#include <string.h>

#define STATEMENTS_MAX 12

static struct type
random_type(struct maker *maker)
{
    static const int32_t numeric[] = {FEATURE_TYPE_INT32, FEATURE_TYPE_INT64,
                                      FEATURE_TYPE_FLOAT32,
                                      FEATURE_TYPE_FLOAT64};
    struct dice *dice = &maker->dice;
    struct type type = {.width = 1};

    if (dice_chance(dice, maker->profile.plain_rate)) {
        type.code =
            dice_chance(dice, 60) ? FEATURE_TYPE_INT32 : FEATURE_TYPE_FLOAT32;
    } else if (dice_chance(dice, 60)) {
        type.code =
            dice_between(dice, FEATURE_TYPE_BOOL, FEATURE_TYPE_TIMESTAMP);
        return type;
    } else {
        type.code = numeric[dice_below(dice, COUNT(numeric))];
    }
    switch (dice_below(dice, 6)) {
    case 0:
        type.width = 2 + dice_below(dice, 3);
        break;
    case 1:
        type.is_list = true;
        break;
    case 2:
        if (dice_chance(dice, 40))
            type = (struct type){
                .code = FEATURE_TYPE_STRING, .width = 1, .is_list = true};
        break;
    default:
        break;
    }
    return type;
}

static struct value
random_default(struct maker *maker, struct type type, uint32_t percent)
{
    if (!dice_chance(&maker->dice, percent))
        return null_value;
    return value_literal(&maker->dice, maker->arena, type);
}

static struct feature_clause
random_feature(struct maker *maker, const char *name)
{
    struct feature_clause made = {.name = name, .type = random_type(maker)};

    made.not_null = dice_chance(&maker->dice, 15);
    made.fallback = random_default(maker, made.type, made.not_null ? 80 : 35);
    return made;
}

static const int32_t key_codes[] = {FEATURE_TYPE_INT64, FEATURE_TYPE_STRING,
                                    FEATURE_TYPE_BYTES};

static void
create_entity(struct maker *maker, uint32_t number, struct statement *made)
{
    struct dice *dice = &maker->dice;
    uint32_t first = dice_below(dice, 4);
    const struct entity *old;

    made->kind = CREATE_ENTITY;
    made->name = make_name(maker, 'e', number);
    old = find_entity(&maker->world->catalog, made->name);
    if (old && dice_chance(dice, 70)) {
        made->count = old->key_count;
        made->keys = old->keys;
        return;
    }
    made->count = dice_chance(dice, 50) ? 1 : 1 + dice_below(dice, KEYS_MAX);
    made->keys = arena_array(maker->arena, made->count, sizeof *made->keys);
    for (uint32_t i = 0; i < made->count; i++) {
        uint32_t key = (first + i) % 4;

        made->keys[i].name = make_name(maker, 'k', key);
        made->keys[i].code =
            key_codes[dice_chance(dice, 15) ? dice_below(dice, 3) : key % 3];
    }
}

static int64_t
random_duration(struct dice *dice)
{
    if (dice_chance(dice, 25))
        return OPTION_NONE;
    if (dice_chance(dice, 10))
        return dice_between(dice, 1, 3);
    return dice_between(dice, 1, 6) * SECOND;
}

static void
random_options(struct maker *maker, uint32_t percent, struct statement *made)
{
    static const enum option options[] = {OPTION_TTL, OPTION_MAX_SKEW,
                                          OPTION_HISTORY};

    for (uint32_t i = 0; i < COUNT(options); i++)
        if (dice_chance(&maker->dice, i == 2 ? 5 : percent))
            made->options.of[options[i]] = random_duration(&maker->dice);
}

static void
create_view(struct maker *maker, uint32_t number, uint32_t entity,
            struct statement *made)
{
    struct dice *dice = &maker->dice;
    uint32_t first = dice_below(dice, maker->profile.names);

    made->kind = CREATE_VIEW;
    made->name = make_name(maker, 'v', number);
    made->entity = make_name(maker, 'e', entity);
    made->count = 1 + dice_below(dice, maker->profile.features);
    made->features =
        arena_array(maker->arena, made->count, sizeof *made->features);
    for (uint32_t i = 0; i < made->count; i++)
        made->features[i] = random_feature(
            maker, make_name(maker, 'f', (first + i) % maker->profile.names));
    random_options(maker, 50, made);
}

static void
widen(struct dice *dice, struct type *type)
{
    if (type->code == FEATURE_TYPE_INT32)
        type->code =
            dice_chance(dice, 50) ? FEATURE_TYPE_INT64 : FEATURE_TYPE_FLOAT64;
    else if (type->code == FEATURE_TYPE_FLOAT32)
        type->code = FEATURE_TYPE_FLOAT64;
}

/* A feature that is there, as it is or with a change. */
static struct feature_clause
evolve_feature(struct maker *maker, const struct feature *feature,
               bool may_fail)
{
    struct dice *dice = &maker->dice;
    struct feature_clause made = {.name = feature->name,
                                  .type = feature->type,
                                  .not_null = feature->not_null,
                                  .fallback = feature->fallback};
    uint32_t what = dice_below(dice, 100);

    if (what < 12) {
        widen(dice, &made.type);
        if (!type_equal(made.type, feature->type))
            made.fallback =
                random_default(maker, made.type, feature->not_null ? 100 : 50);
    } else if (what < 22) {
        made.fallback =
            random_default(maker, made.type, made.not_null ? 100 : 70);
    } else if (what < 26) {
        made.not_null = false;
    } else if (what < 34) {
        made.renamed_from = made.name;
        made.name =
            make_name(maker, 'f', dice_below(dice, maker->profile.names + 6));
        if (!strcmp(made.name, made.renamed_from))
            made.renamed_from = NULL;
    } else if (what < 37 && may_fail) {
        made.type = random_type(maker);
        made.fallback = null_value;
    } else if (what < 40 && may_fail) {
        made.not_null = true;
        made.fallback = random_default(maker, made.type, 50);
    }
    return made;
}

static bool
is_taken(const struct statement *made, uint32_t self, const char *name)
{
    for (uint32_t i = 0; i < made->count; i++)
        if (i != self && (!strcmp(made->features[i].name, name) ||
                          (made->features[i].renamed_from &&
                           !strcmp(made->features[i].renamed_from, name))))
            return true;
    return false;
}

/* Takes out clauses that contradict an earlier one. */
static void
settle(struct statement *made, const struct view *view)
{
    for (uint32_t i = 0; i < made->count; i++) {
        struct feature_clause *clause = &made->features[i];

        if (clause->renamed_from &&
            (is_taken(made, i, clause->name) ||
             find_feature((struct view *)view, clause->name))) {
            clause->name = clause->renamed_from;
            clause->renamed_from = NULL;
        }
        if (!is_taken(made, i, clause->name))
            continue;
        made->count--;
        memmove(clause, clause + 1, (made->count - i) * sizeof *clause);
        i--;
    }
}

static void
shuffle(struct dice *dice, struct feature_clause *clauses, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = dice_below(dice, i);
        struct feature_clause swap = clauses[i - 1];

        clauses[i - 1] = clauses[other];
        clauses[other] = swap;
    }
}

/* A feature named as a join key, or two from one. */
static void
spoil_view(struct maker *maker, struct statement *made)
{
    struct dice *dice = &maker->dice;
    const char *old =
        make_name(maker, 'f', dice_below(dice, maker->profile.names));

    if (dice_chance(dice, 50)) {
        made->features[0].name = make_name(maker, 'k', dice_below(dice, 4));
        return;
    }
    made->features[0].renamed_from = old;
    made->features[made->count - 1].renamed_from = old;
}

/* A name that was dropped, with its old type: its old values stay away. */
static struct feature_clause
come_back(const struct feature *dropped)
{
    return (struct feature_clause){.name = dropped->name,
                                   .type = dropped->type,
                                   .not_null = dropped->not_null,
                                   .fallback = dropped->fallback};
}

static void
evolve_view(struct maker *maker, const struct view *view,
            struct statement *made)
{
    struct dice *dice = &maker->dice;
    bool may_fail = dice_chance(dice, maker->profile.fault_rate);
    uint32_t kept = dice_chance(dice, 50) ? 100 : 60, added = 0;

    made->kind = CREATE_VIEW;
    made->name = view->name;
    made->entity = find_entity_id(&maker->world->catalog, view->entity)->name;
    made->features = arena_array(maker->arena, view->feature_count + 4,
                                 sizeof *made->features);
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (dice_chance(dice, kept))
            made->features[made->count++] =
                evolve_feature(maker, &view->features[i], may_fail);
    if (view->feature_count < maker->profile.features + 2)
        added = dice_below(dice, 3);
    for (uint32_t i = 0; i < added || !made->count; i++) {
        struct feature_clause *clause = &made->features[made->count++];

        *clause = random_feature(
            maker,
            make_name(maker, 'f', dice_below(dice, maker->profile.names)));
        if (view->dropped.name && dice_chance(dice, 40))
            *clause = come_back(&view->dropped);
        if (!may_fail && clause->fallback.is_null)
            clause->not_null = false;
    }
    if (!may_fail)
        settle(made, view);
    else if (dice_chance(dice, 10))
        spoil_view(maker, made);
    shuffle(dice, made->features, made->count);
    random_options(maker, 20, made);
}

static void
drop(struct maker *maker, struct statement *made)
{
    struct dice *dice = &maker->dice;
    const struct catalog *catalog = &maker->world->catalog;
    const struct view *view = make_any_view(maker);
    uint32_t what = dice_below(dice, 100);

    if (what < 60 && view) {
        made->kind = DROP_FEATURE;
        made->name = view->name;
        made->feature =
            dice_chance(dice, 90)
                ? view->features[dice_below(dice, view->feature_count)].name
                : make_name(maker, 'f', dice_below(dice, maker->profile.names));
    } else if (what < 75 && catalog->service_count) {
        made->kind = DROP_SERVICE;
        made->name =
            catalog->services[dice_below(dice, catalog->service_count)].name;
    } else if (what < 88) {
        made->kind = DROP_VIEW;
        made->name = make_name(maker, 'v', dice_below(dice, 5));
    } else {
        made->kind = DROP_ENTITY;
        made->name = make_name(maker, 'e', dice_below(dice, 4));
    }
}

/* A service that is there, in other words: its columns one by one. */
static void
repeat_service(struct maker *maker, const struct service *old,
               struct statement *made)
{
    struct catalog *catalog = &maker->world->catalog;

    made->count = old->item_count;
    made->items = arena_array(maker->arena, made->count, sizeof *made->items);
    for (uint32_t i = 0; i < made->count; i++) {
        const struct resolved_item *item = &old->items[i];
        struct view *view = find_view_id(catalog, item->view);
        const struct entity *entity = find_entity_id(catalog, view->entity);
        struct item_clause *clause = &made->items[i];

        clause->name = view->name;
        clause->alias = item->alias;
        clause->selected_count = item->count;
        clause->selected =
            arena_array(maker->arena, item->count, sizeof *clause->selected);
        for (uint32_t j = 0; j < item->count; j++) {
            clause->selected[j].feature =
                find_feature_id(view, item->features[j])->name;
            clause->selected[j].as = item->names[j];
        }
        clause->renamed = arena_array(maker->arena, entity->key_count,
                                      sizeof *clause->renamed);
        for (uint32_t j = 0; j < entity->key_count; j++)
            if (strcmp(item->keys[j], entity->keys[j].name) != 0)
                clause->renamed[clause->renamed_count++] =
                    (struct renamed_clause){.key = entity->keys[j].name,
                                            .as = item->keys[j]};
    }
}

static void
create_service(struct maker *maker, struct statement *made)
{
    struct dice *dice = &maker->dice;
    const struct service *old;

    made->kind = CREATE_SERVICE;
    made->name = make_name(maker, 's', dice_below(dice, 4));
    old = find_service(&maker->world->catalog, made->name);
    if (old && dice_chance(dice, 60))
        repeat_service(maker, old, made);
    else
        make_items(maker, true, &made->items, &made->count);
}

static void
make_nonsense(struct maker *maker, struct statement *made)
{
    static const struct {
        const char *text;
        feature_status status;
    } texts[] = {
        {"CREATE ENTITY e0 (k0 INT32)", FEATURE_INVALID},
        {"CREATE ENTITY _e (k0 INT64)", FEATURE_INVALID},
        {"CREATE ENTITY e0 (k0 INT64, k0 STRING)", FEATURE_INVALID},
        {"CREATE ENTITY e0 (event_timestamp INT64)", FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 () FOR e0", FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 (f0 INT64[1]) FOR e0", FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 (f0 BOOL[]) FOR e0", FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 (f0 INT32 DEFAULT 2147483648) FOR e0",
         FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 (f0 INT64) FOR e0 WITH (ttl = '1 month')",
         FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 (f0 INT64[2] DEFAULT [1]) FOR e0",
         FEATURE_INVALID},
        {"CREATE FEATURE VIEW v0 (f0 = COUNT(*) OVER '1h') FOR e0",
         FEATURE_INVALID},
        {"CREATE EVENT x (k0 INT64[])", FEATURE_INVALID},
        {"CREATE FEATURE SERVICE s0 AS", FEATURE_INVALID},
        {"DROP", FEATURE_INVALID},
        {"ALTER TABLE t", FEATURE_INVALID},
    };
    uint32_t which = dice_below(&maker->dice, COUNT(texts));

    made->kind = NONSENSE;
    made->name = texts[which].text;
    made->count = (uint32_t)texts[which].status;
}

/* Everything an empty store needs. */
static void
make_beginning(struct maker *maker, struct operation *operation)
{
    struct dice *dice = &maker->dice;
    uint32_t entities = 1 + dice_below(dice, 3);

    for (uint32_t i = 0; i < maker->profile.views; i++)
        create_view(maker, i, dice_below(dice, entities),
                    &operation->statements[operation->count++]);
    for (uint32_t i = 0; i < entities; i++)
        create_entity(maker, i, &operation->statements[operation->count++]);
}

static void
make_statement(struct maker *maker, struct statement *made)
{
    struct dice *dice = &maker->dice;
    const struct view *view = make_any_view(maker);
    uint32_t what = dice_below(dice, 100);
    bool may_fail = dice_chance(dice, maker->profile.fault_rate);

    if (what < 55 && view)
        evolve_view(maker, view, made);
    else if (what < 63)
        create_view(maker, dice_below(dice, maker->profile.views + 1),
                    dice_below(dice, 4), made);
    else if (what < 69)
        create_entity(maker, dice_below(dice, 4), made);
    else if (what < 82)
        create_service(maker, made);
    else if (what < 96)
        drop(maker, made);
    else if (may_fail) {
        make_nonsense(maker, made);
    } else {
        made->kind = STORE_WITH;
        made->name = "";
        made->options.of[OPTION_CHANGES] = random_duration(dice);
    }
    if (may_fail && dice_chance(dice, 20) && made->kind != NONSENSE)
        made->name =
            make_name(maker, "evs"[dice_below(dice, 3)], dice_below(dice, 3));
}

void
make_apply(struct maker *maker, struct operation *operation)
{
    static const uint32_t counts[] = {1, 1, 1, 1, 2, 2, 3};
    struct dice *dice = &maker->dice;
    uint32_t count = counts[dice_below(dice, COUNT(counts))];

    operation->is_planned = dice_chance(dice, 40);
    if (dice_chance(dice, 6))
        operation->expect = dice_chance(dice, 60) ? EXPECT_RIGHT : EXPECT_WRONG;
    operation->statements = arena_array(maker->arena, STATEMENTS_MAX,
                                        sizeof *operation->statements);
    if (!maker->world->catalog.view_count && dice_chance(dice, 80)) {
        make_beginning(maker, operation);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        make_statement(maker, &operation->statements[operation->count++]);
}
