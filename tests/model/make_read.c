/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random queries and reads.
 *
 * Owns the mix of references, lists, wildcards, services, roles and times.
 * Keeps most queries valid, and keys among those that are written.
 * Never asks for rows whose count the contract leaves open.
 */
#include "make.h"

#include <string.h>

#define ITEMS_MAX 3

/* An alias, where there is one: the same few, so that roles meet. */
static const char *
random_alias(struct maker *maker, uint32_t percent)
{
    if (!dice_chance(&maker->dice, percent))
        return NULL;
    return make_name(maker, 'p', dice_below(&maker->dice, 3));
}

static void
rename_keys(struct maker *maker, const struct entity *entity,
            struct item_clause *item)
{
    struct dice *dice = &maker->dice;

    item->renamed =
        arena_array(maker->arena, entity->key_count + 1, sizeof *item->renamed);
    for (uint32_t i = 0; i < entity->key_count; i++)
        if (dice_chance(dice, 60))
            item->renamed[item->renamed_count++] = (struct renamed_clause){
                .key = entity->keys[i].name,
                .as =
                    dice_chance(dice, 90)
                        ? arena_print(maker->arena, "%s_%u",
                                      entity->keys[i].name, dice_below(dice, 2))
                        : make_name(maker, 'k', dice_below(dice, 4))};
    if (dice_chance(dice, maker->profile.fault_rate / 2))
        item->renamed[item->renamed_count++] = (struct renamed_clause){
            .key = make_name(maker, 'k', dice_below(dice, 4)), .as = "other"};
}

static void
select_features(struct maker *maker, const struct view *view,
                struct item_clause *item)
{
    struct dice *dice = &maker->dice;
    uint32_t percent = 20 + dice_below(dice, 80);

    item->selected = arena_array(maker->arena, view->feature_count + 1,
                                 sizeof *item->selected);
    if (dice_chance(dice, 25)) {
        item->selected_count = 1;
        return;
    }
    for (uint32_t i = 0; i < view->feature_count; i++) {
        struct selected_clause *selected =
            &item->selected[item->selected_count];

        if (!dice_chance(dice, percent))
            continue;
        item->selected_count++;
        selected->feature = view->features[i].name;
        if (dice_chance(dice, 10))
            selected->as = make_name(maker, 'c', dice_below(dice, 4));
    }
    if (item->selected_count)
        return;
    item->selected_count = 1;
    item->selected[0].feature =
        view->features[dice_below(dice, view->feature_count)].name;
}

static void
make_item(struct maker *maker, bool of_service, uint32_t others,
          struct item_clause *item)
{
    struct dice *dice = &maker->dice;
    const struct catalog *catalog = &maker->world->catalog;
    const struct view *view = make_any_view(maker);
    bool may_fail = dice_chance(dice, maker->profile.fault_rate);

    if (!of_service && catalog->service_count && dice_chance(dice, 20)) {
        item->is_bare = true;
        item->name =
            catalog->services[dice_below(dice, catalog->service_count)].name;
        return;
    }
    item->name = make_name(maker, 'v', dice_below(dice, 5));
    item->is_bare = !view || (may_fail && dice_chance(dice, 10));
    if (item->is_bare)
        return;
    item->name = view->name;
    select_features(maker, view, item);
    if (may_fail && dice_chance(dice, 30))
        item->selected[0].feature = make_name(maker, 'f', dice_below(dice, 14));
    if (item->selected_count == 1 && dice_chance(dice, 40)) {
        item->is_reference = true;
        return;
    }
    item->alias = random_alias(maker, others ? 60 : 15);
    if (dice_chance(dice, others ? 50 : 15))
        rename_keys(maker, find_entity_id(catalog, view->entity), item);
}

void
make_items(struct maker *maker, bool of_service, struct item_clause **items,
           uint32_t *count)
{
    static const uint32_t counts[] = {1, 1, 1, 2, 2, 3};

    *count = counts[dice_below(&maker->dice, COUNT(counts))];
    *items = arena_array(maker->arena, *count, sizeof **items);
    for (uint32_t i = 0; i < *count; i++)
        make_item(maker, of_service, *count - 1, &(*items)[i]);
}

void
make_query(struct maker *maker, struct query_spec *query)
{
    struct dice *dice = &maker->dice;

    make_items(maker, false, &query->items, &query->count);
    query->fill = dice_between(dice, FEATURE_FILL_DEFAULTS, FEATURE_FILL_STALE);
    query->is_matrix = dice_chance(dice, 25);
    if (maker->world->sequence && dice_chance(dice, 25))
        query->known_by = maker->world->commit_time + dice_between(dice, -1, 1);
}

static uint32_t
random_rows(struct dice *dice)
{
    if (dice_chance(dice, 3))
        return 0;
    if (dice_chance(dice, 25))
        return 1;
    if (dice_chance(dice, 5))
        return 40 + dice_below(dice, 40);
    return 2 + dice_below(dice, 5);
}

static struct value
read_key(struct maker *maker, struct type type)
{
    struct dice *dice = &maker->dice;

    if (dice_below(dice, 50) == 0)
        return null_value;
    if (type.code == FEATURE_TYPE_INT32)
        return value_random(dice, maker->arena, type);
    if (type.code == FEATURE_TYPE_INT64 && dice_chance(dice, 3))
        return make_number(maker, 1000 + dice_below(dice, 20));
    return make_key(maker, type.code);
}

static void
set_keys(struct maker *maker, const struct selection *selection, bool is_new,
         uint32_t rows, struct read_spec *read)
{
    struct dice *dice = &maker->dice;

    read->key_count = selection->key_count;
    read->keys = arena_array(maker->arena, read->key_count, sizeof *read->keys);
    read->sets_key =
        arena_array(maker->arena, read->key_count, sizeof *read->sets_key);
    for (uint32_t i = 0; i < read->key_count; i++) {
        struct column_data *key = &read->keys[i];
        struct type type = {.code = selection->keys[i].code, .width = 1};

        read->sets_key[i] = is_new || dice_chance(dice, 85);
        key->name = selection->keys[i].name;
        key->type = make_set_type(maker, type);
        key->rows = rows > 1 && dice_chance(dice, 12) ? 1 : rows;
        if (dice_below(dice, 300) == 0)
            key->rows++;
        key->values = arena_array(maker->arena, key->rows, sizeof *key->values);
        for (uint32_t j = 0; j < key->rows; j++)
            key->values[j] = read_key(maker, key->type);
        if (key->rows && type.code == FEATURE_TYPE_STRING &&
            dice_below(dice, 300) == 0)
            key->values[0] = value_broken(maker->arena, type);
    }
}

static void
set_times(struct maker *maker, bool is_new, uint32_t rows,
          struct read_spec *read)
{
    struct dice *dice = &maker->dice;

    read->times_action = TIMES_CLEAR;
    if (!is_new && dice_chance(dice, 15))
        read->times_action = TIMES_KEEP;
    else if (dice_chance(dice, 50))
        read->times_action = TIMES_SET;
    if (read->times_action != TIMES_SET)
        return;
    read->time_rows = rows < 2 || dice_chance(dice, 40) ? 1 : rows;
    if (rows == 1 && dice_chance(dice, 20))
        read->time_rows = 3;
    read->times =
        arena_array(maker->arena, read->time_rows, sizeof *read->times);
    for (uint32_t i = 0; i < read->time_rows; i++)
        read->times[i] = make_time(maker);
    if (dice_below(dice, 300) == 0)
        read->times[0] = TIME_UNSET;
}

/* A request that keeps a key of many rows is given as many of the others. */
static uint32_t
rows_to_match(struct maker *maker, const struct live_query *live)
{
    if (live && dice_chance(&maker->dice, 80))
        for (uint32_t i = 0; i < live->selection->key_count; i++)
            if (live->keys[i].is_set)
                return live->keys[i].rows;
    return random_rows(&maker->dice);
}

void
make_read(struct maker *maker, struct operation *operation)
{
    struct dice *dice = &maker->dice;
    struct selection *selection = arena_alloc(maker->arena, sizeof *selection);
    const struct live_query *live = NULL;
    bool is_matrix;
    uint32_t rows;

    operation->slot = dice_below(dice, QUERY_SLOTS);
    if (dice_chance(dice, 60) &&
        maker->world->queries[operation->slot].exists) {
        live = &maker->world->queries[operation->slot];
        operation->handle = live->handle;
        selection = live->selection;
        is_matrix = live->is_matrix;
    } else {
        operation->has_query = true;
        make_query(maker, &operation->query);
        is_matrix = operation->query.is_matrix;
        (void)select_items(maker->arena, &maker->world->catalog,
                           operation->query.items, operation->query.count,
                           is_matrix, selection);
    }
    operation->read.as_matrix = is_matrix && dice_chance(dice, 70);
    rows = rows_to_match(maker, live);
    operation->read.clears = dice_chance(dice, 8);
    set_keys(maker, selection, live == NULL || dice_chance(dice, 50), rows,
             &operation->read);
    set_times(maker, live == NULL, rows, &operation->read);
}
