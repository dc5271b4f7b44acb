/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random Arrow streams.
 *
 * Owns what is random of them: every format that is taken, slices within
 * slices, garbage before, behind and under nulls.
 * Keeps a column's layout from record to record, as its schema says.
 * Never makes what Arrow does not allow: damage is the caller's.
 */
#include <stdio.h>
#include <string.h>

#include "arrow_arrays.h"

const struct feature features[FEATURES] = {
    {"b", FEATURE_TYPE_BOOL, 1},    {"i", FEATURE_TYPE_INT32, 1},
    {"l", FEATURE_TYPE_INT64, 1},   {"f", FEATURE_TYPE_FLOAT32, 1},
    {"g", FEATURE_TYPE_FLOAT64, 1}, {"s", FEATURE_TYPE_STRING, 1},
    {"y", FEATURE_TYPE_BYTES, 1},   {"t", FEATURE_TYPE_TIMESTAMP, 1},
    {"v", FEATURE_TYPE_FLOAT32, 3}, {"li", FEATURE_TYPE_INT64, 0},
    {"ls", FEATURE_TYPE_STRING, 0},
};

/* --- columns ---------------------------------------------------------------- */

/* How a column comes in every record of a stream. */
struct layout {
    char shape; /* 0, or of a list: l L w */
    const char *format;
    const char *values; /* of a dictionary */
};

static const char *
draw_format(int32_t type, struct dice *dice)
{
    static const char *const numbers[] = {"c", "C", "s", "S", "i",
                                          "I", "l", "L", "f", "g"};
    static const char *const texts[] = {"u", "U", "z", "Z", "vu", "vz"};
    static const char *const times[] = {"tdD",  "tdm",         "tss:UTC",
                                        "tsm:", "tsu:Asia/Ho", "tsn:"};

    switch ((enum feature_type)type) {
    case FEATURE_TYPE_BOOL:
        return "b";
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        return texts[dice_below(dice, 6)];
    case FEATURE_TYPE_TIMESTAMP:
        return times[dice_below(dice, 6)];
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_FLOAT32:
    case FEATURE_TYPE_FLOAT64:
        break;
    }
    return numbers[dice_below(dice, 10)];
}

static struct layout
draw_layout(const struct feature *feature, struct dice *dice)
{
    struct layout layout = {.format = draw_format(feature->type, dice)};

    if (feature->width != 1)
        layout.shape = "lLw"[dice_below(dice, feature->width ? 3 : 2)];
    if ((feature->type == FEATURE_TYPE_STRING ||
         feature->type == FEATURE_TYPE_BYTES) &&
        dice_chance(dice, 30)) {
        static const char *const indexes[] = {"c", "C", "s", "S",
                                              "i", "I", "l", "L"};

        layout.values = layout.format;
        layout.format = indexes[dice_below(dice, 8)];
    }
    return layout;
}

static const struct cell *
draw_cell(uint8_t width, struct dice *dice)
{
    static struct cell cell;

    cell.is_null = dice_chance(dice, 15);
    cell.count = width ? width : (uint8_t)dice_below(dice, ELEMENTS_MAX + 1);
    for (uint32_t i = 0; i < cell.count; i++)
        cell.values[i] = (uint8_t)dice_below(dice, 100);
    return &cell;
}

/* Cells in a list: their elements are slots of the child. */
static struct ArrowArray *
make_lists(struct maker *maker, const struct layout *layout,
           const struct cell *cells, uint32_t count, uint32_t offset)
{
    bool is_large = layout->shape == 'L', is_fixed = layout->shape == 'w';
    static struct slots rows, elements;
    uint32_t before = dice_below(maker->dice, 4);
    uint32_t skipped = is_fixed ? 0 : dice_below(maker->dice, 4);
    struct ArrowArray *array;
    uint8_t *ends;

    memset(&rows, 0, sizeof rows);
    memset(&elements, 0, sizeof elements);
    for (uint32_t i = 0; i < count; i++)
        add_slot(&rows, !cells[i].is_null, 0);
    array = new_array(maker, &rows, offset, is_fixed ? 1 : 2);
    ends = take_buffer(is_fixed ? 0 : (is_large ? 8u : 4u) * (count + 1u));
    add_garbage(&elements, before + skipped, maker->dice);
    if (!is_fixed)
        put_offset(ends, is_large, 0, skipped);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < cells[i].count; j++)
            add_slot(&elements,
                     !cells[i].is_null || dice_chance(maker->dice, 50),
                     cells[i].values[j]);
        if (!is_fixed)
            put_offset(ends, is_large, i + 1, elements.count - before);
    }
    if (!is_fixed)
        array->buffers[1] = ends;
    array->n_children = 1;
    array->children = take(sizeof *array->children);
    array->children[0] =
        make_plain(maker, layout->format, layout->values, &elements, before);
    return array;
}

/* Rows [from, end) of a column, behind `ahead` rows that the record's own
 * offset skips. */
static struct ArrowArray *
make_column(struct maker *maker, const struct layout *layout, uint8_t width,
            const struct cell *cells, uint32_t count, uint32_t ahead)
{
    uint32_t offset = dice_below(maker->dice, 10), used = 0;
    uint32_t before = offset + ahead, behind = dice_below(maker->dice, 3);
    static struct cell all[4 * ROWS_MAX];
    static struct slots slots;

    while (used < before)
        all[used++] = *draw_cell(width, maker->dice);
    for (uint32_t i = 0; i < count; i++)
        all[used++] = cells[i];
    while (used < before + count + behind)
        all[used++] = *draw_cell(width, maker->dice);
    if (layout->shape)
        return make_lists(maker, layout, all, used, offset);
    memset(&slots, 0, sizeof slots);
    for (uint32_t i = 0; i < used; i++)
        add_slot(&slots, !all[i].is_null, all[i].values[0]);
    return make_plain(maker, layout->format, layout->values, &slots, offset);
}

/* --- streams ---------------------------------------------------------------- */

void
make_table(struct table *table, struct dice *dice)
{
    memset(table, 0, sizeof *table);
    table->rows = dice_below(dice, ROWS_MAX + 1);
    for (uint8_t i = 0; i < FEATURES; i++)
        if (dice_chance(dice, 40))
            table->order[table->columns++] = i;
    for (uint32_t i = 0; i < FEATURES; i++)
        for (uint32_t row = 0; row < table->rows; row++)
            table->cells[i][row] = *draw_cell(features[i].width, dice);
}

static void
release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static struct ArrowSchema *
new_schema(struct made *made, const char *format, const char *name,
           int64_t children)
{
    struct ArrowSchema *schema = take(sizeof *schema);

    made->schemas[made->schema_count++] = schema;
    schema->format = format;
    schema->name = name;
    schema->n_children = children;
    schema->children = take(sizeof(void *) * (size_t)(children + 1));
    schema->release = release_schema;
    return schema;
}

static struct ArrowSchema *
make_schema(struct made *made, const struct layout *layout,
            const struct feature *feature)
{
    const char *shape = layout->shape == 'l' ? "+l" : "+L";
    struct ArrowSchema *schema, *plain;
    char *fixed = take(8);

    plain = new_schema(made, layout->format, feature->name, 0);
    if (layout->values)
        plain->dictionary = new_schema(made, layout->values, "", 0);
    if (!layout->shape)
        return plain;
    snprintf(fixed, 8, "+w:%u", feature->width);
    schema = new_schema(made, layout->shape == 'w' ? fixed : shape,
                        feature->name, 1);
    schema->children[0] = plain;
    return schema;
}

static void
make_record(struct maker *maker, const struct table *table,
            const struct layout *layouts, uint32_t from, uint32_t count)
{
    struct made *made = maker->made;
    struct ArrowArray *record = &made->records[made->record_count++];
    uint32_t ahead = dice_below(maker->dice, 4);
    static struct cell keys[ROWS_MAX];

    *record = (struct ArrowArray){.length = count,
                                  .offset = ahead,
                                  .n_buffers = 1,
                                  .n_children = table->columns + 1,
                                  .release = release_array};
    record->null_count = dice_chance(maker->dice, 30) ? -1 : 0;
    record->buffers = take(sizeof(void *));
    record->children = take(sizeof(void *) * (table->columns + 1u));
    made->arrays[made->array_count++] = record;
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (struct cell){.count = 1, .values = {(uint8_t)(from + i)}};
    for (uint32_t i = 0; i < table->columns; i++) {
        uint8_t at = table->order[i];

        record->children[i] =
            make_column(maker, &layouts[i], features[at].width,
                        table->cells[at] + from, count, ahead);
    }
    record->children[table->columns] =
        make_column(maker, &layouts[table->columns], 1, keys, count, ahead);
}

void
make_stream(struct table *table, struct made *made, struct dice *dice)
{
    static const struct feature key = {"k", FEATURE_TYPE_INT64, 1};
    struct maker maker = {.made = made, .dice = dice};
    struct layout layouts[FEATURES + 1];
    struct ArrowSchema *root;

    begin_memory();
    memset(made, 0, sizeof *made);
    root = new_schema(made, "+s", "", table->columns + 1);
    for (uint32_t i = 0; i < table->columns; i++) {
        const struct feature *feature = &features[table->order[i]];

        layouts[i] = draw_layout(feature, dice);
        root->children[i] = make_schema(made, &layouts[i], feature);
        table->units[table->order[i]] =
            strcmp(layouts[i].format, "tdD") && strcmp(layouts[i].format, "tdm")
                ? 1000000
                : INT64_C(86400000000);
    }
    layouts[table->columns] = draw_layout(&key, dice);
    root->children[table->columns] =
        make_schema(made, &layouts[table->columns], &key);
    made->schema = root;
    for (uint32_t from = 0, count; from < table->rows || dice_chance(dice, 20);
         from += count) {
        count = dice_below(dice, table->rows - from + 1);
        if (made->record_count + 1 == RECORDS_MAX)
            count = table->rows - from;
        if (made->record_count == RECORDS_MAX)
            break;
        make_record(&maker, table, layouts, from, count);
    }
}
