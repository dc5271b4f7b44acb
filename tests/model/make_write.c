/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random batches and writes.
 *
 * Owns the mix of operations, columns, timestamps and bad rows.
 * Keeps keys few and timestamps close, so that writes meet.
 * Never minds whether a row will be late: that is the point.
 */
#include "make.h"

#include <string.h>

#define ENTRIES_MAX 4
#define BIG_BATCH   300 /* rows: enough for the library to sort them */

/* What a batch under way is like. */
struct drafting {
    struct maker *maker;
    const struct view *view;
    const struct entity *entity;
    struct batch_spec *batch;
    uint32_t rows;
    bool is_rising; /* keys rise from row to row */
    bool is_faulty;
};

static uint32_t
random_rows(struct dice *dice)
{
    if (dice_below(dice, 250) == 0)
        return BIG_BATCH;
    if (dice_chance(dice, 4))
        return 0;
    if (dice_chance(dice, 15))
        return dice_below(dice, 21);
    return 1 + dice_below(dice, 4);
}

static struct column_data *
add_column(struct drafting *drafting, const char *name, struct type type)
{
    struct batch_spec *batch = drafting->batch;
    struct column_data *column = &batch->columns[batch->column_count++];

    column->name = name;
    column->type = make_set_type(drafting->maker, type);
    column->rows = drafting->rows;
    column->values = arena_array(drafting->maker->arena, drafting->rows,
                                 sizeof *column->values);
    return column;
}

/* Distinct keys in order, as bytes too. */
static struct value
rising_key(struct drafting *drafting, int32_t code, uint32_t row)
{
    struct arena *arena = drafting->maker->arena;
    char *text;

    struct value made;

    if (!type_is_text(code)) {
        made = make_number(drafting->maker, 1000 + row);
        made.size = element_size(code);
        return made;
    }
    text = arena_print(arena, "r%06u", row);
    return (struct value){.size = 7, .bytes = (uint8_t *)text};
}

static void
add_key(struct drafting *drafting, const struct key_clause *key)
{
    struct type type = {.code = key->code, .width = 1};
    struct maker *maker = drafting->maker;
    struct column_data *column = add_column(drafting, key->name, type);

    for (uint32_t i = 0; i < drafting->rows; i++) {
        bool is_bad = drafting->is_faulty && dice_chance(&maker->dice, 4);

        if (drafting->is_rising)
            column->values[i] = rising_key(drafting, column->type.code, i);
        else if (column->type.code == FEATURE_TYPE_INT32)
            column->values[i] =
                value_random(&maker->dice, maker->arena, column->type);
        else
            column->values[i] = make_key(maker, key->code);
        if (is_bad)
            column->values[i] = key->code == FEATURE_TYPE_STRING &&
                                        dice_chance(&maker->dice, 40)
                                    ? value_broken(maker->arena, type)
                                    : null_value;
    }
}

static void
add_timestamps(struct drafting *drafting)
{
    struct type type = {.code = FEATURE_TYPE_TIMESTAMP, .width = 1};
    struct maker *maker = drafting->maker;
    struct column_data *column = add_column(drafting, "event_timestamp", type);

    for (uint32_t i = 0; i < drafting->rows; i++) {
        column->values[i] = make_number(maker, make_time(maker));
        if (drafting->is_faulty && dice_chance(&maker->dice, 4))
            column->values[i] = dice_chance(&maker->dice, 50)
                                    ? null_value
                                    : make_number(maker, TIME_UNSET);
    }
}

/* A value that cannot be stored, where the type has one. */
static struct value
bad_value(struct maker *maker, const struct column_data *column)
{
    if (type_is_text(column->type.code) && !column->type.is_list &&
        dice_chance(&maker->dice, 60))
        return value_long(maker->arena, MAX_ROW_SIZE + 1000);
    if (column->type.code == FEATURE_TYPE_STRING)
        return value_broken(maker->arena, column->type);
    return null_value;
}

static void
add_feature(struct drafting *drafting, const struct feature *feature)
{
    struct maker *maker = drafting->maker;
    struct column_data *column =
        add_column(drafting, feature->name, feature->type);

    for (uint32_t i = 0; i < drafting->rows; i++) {
        column->values[i] =
            value_random(&maker->dice, maker->arena, column->type);
        if (!feature->not_null &&
            dice_chance(&maker->dice, maker->profile.null_rate))
            column->values[i] = null_value;
        if (drafting->is_faulty && dice_chance(&maker->dice, 6))
            column->values[i] = bad_value(maker, column);
    }
}

static bool
is_needed(const struct drafting *drafting, const struct feature *feature)
{
    return !drafting->batch->lists_columns ||
           (drafting->batch->operation == FEATURE_UPSERT && feature->not_null &&
            feature->fallback.is_null && !drafting->is_faulty);
}

static void
add_features(struct drafting *drafting)
{
    struct dice *dice = &drafting->maker->dice;
    const struct view *view = drafting->view;
    uint32_t percent = dice_chance(dice, 50) ? 70 : 35;
    uint32_t certain = dice_below(dice, view->feature_count);
    struct feature stranger = {
        .name = make_name(drafting->maker, 'f',
                          dice_below(dice, drafting->maker->profile.names)),
        .type = {.code = FEATURE_TYPE_INT64, .width = 1}};

    for (uint32_t i = 0; i < view->feature_count; i++) {
        const struct feature *feature = &view->features[i];
        bool is_certain =
            i == certain && drafting->batch->operation == FEATURE_PATCH;

        if (is_needed(drafting, feature) || is_certain ||
            dice_chance(dice, percent))
            add_feature(drafting, feature);
    }
    if (drafting->is_faulty && dice_chance(dice, 3))
        add_feature(drafting, &stranger);
}

static void
shuffle(struct dice *dice, struct column_data *columns, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = dice_below(dice, i);
        struct column_data swap = columns[i - 1];

        columns[i - 1] = columns[other];
        columns[other] = swap;
    }
}

/* A column too many, too few, or too short. */
static void
spoil_columns(struct drafting *drafting)
{
    struct dice *dice = &drafting->maker->dice;
    struct batch_spec *batch = drafting->batch;
    uint32_t which = dice_below(dice, batch->column_count);

    if (!dice_chance(dice, 8))
        return;
    switch (dice_below(dice, 3)) {
    case 0:
        batch->columns[which] = batch->columns[--batch->column_count];
        break;
    case 1:
        batch->columns[batch->column_count++] = batch->columns[which];
        break;
    default:
        if (batch->columns[which].rows)
            batch->columns[which].rows--;
        break;
    }
    batch->lists_columns = true;
}

static void
draft(struct drafting *drafting)
{
    struct dice *dice = &drafting->maker->dice;
    struct batch_spec *batch = drafting->batch;
    const struct view *view = drafting->view;

    batch->lists_columns = !dice_chance(dice, 30);
    batch->columns =
        arena_array(drafting->maker->arena, KEYS_MAX + view->feature_count + 4,
                    sizeof *batch->columns);
    for (uint32_t i = 0; i < drafting->entity->key_count; i++)
        add_key(drafting, &drafting->entity->keys[i]);
    if (!batch->lists_columns || dice_chance(dice, 88))
        add_timestamps(drafting);
    if (batch->operation != FEATURE_DELETE)
        add_features(drafting);
    if (batch->lists_columns && dice_chance(dice, 40))
        shuffle(dice, batch->columns, batch->column_count);
    if (drafting->is_faulty)
        spoil_columns(drafting);
}

void
make_batch(struct maker *maker, struct batch_spec *batch)
{
    static const uint32_t weights[] = {0, 45, 38, 17};
    const struct view *view = make_any_view(maker);
    struct drafting drafting = {
        .maker = maker,
        .view = view,
        .batch = batch,
        .rows = random_rows(&maker->dice),
        .is_rising = dice_chance(&maker->dice, 6),
        .is_faulty = dice_chance(&maker->dice, maker->profile.fault_rate)};

    batch->operation = (int32_t)dice_weighted(&maker->dice, weights, 4);
    batch->view = make_name(maker, 'v', dice_below(&maker->dice, 5));
    batch->lists_columns = true;
    if (!view)
        return;
    if (drafting.is_rising && dice_chance(&maker->dice, 50))
        drafting.rows = 17;
    drafting.entity = find_entity_id(&maker->world->catalog, view->entity);
    draft(&drafting);
    if (!drafting.is_faulty || dice_chance(&maker->dice, 95))
        batch->view = view->name;
}

void
make_write(struct maker *maker, struct operation *operation)
{
    static const uint32_t counts[] = {1, 1, 1, 1, 1, 2, 2, 3};
    struct dice *dice = &maker->dice;

    operation->count = counts[dice_below(dice, COUNT(counts))];
    if (dice_below(dice, 200) == 0)
        operation->count = 0;
    operation->skip_invalid = dice_chance(dice, 35);
    operation->entries =
        arena_array(maker->arena, operation->count, sizeof *operation->entries);
    for (uint32_t i = 0; i < operation->count; i++) {
        struct write_entry *entry = &operation->entries[i];

        entry->slot = dice_below(dice, BATCH_SLOTS);
        entry->from_slot =
            dice_chance(dice, 15) && maker->world->batches[entry->slot].exists;
        if (!entry->from_slot)
            make_batch(maker, &entry->batch);
        else if (dice_chance(dice, 95))
            operation->handle = maker->world->batches[entry->slot].handle;
    }
}
