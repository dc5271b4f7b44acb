/* SPDX-License-Identifier: Apache-2.0 */
/* Random windowed views and events. */
#include "windows.h"

#include <stdio.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static uint64_t drawn;

void
random_seed(uint64_t seed)
{
    drawn = seed;
}

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom numbers). */
uint64_t
random_draw(void)
{
    uint64_t value = drawn += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

uint32_t
random_below(uint64_t limit)
{
    return (uint32_t)(random_draw() % limit);
}

int64_t
random_long(int64_t limit)
{
    return (int64_t)(random_draw() % (uint64_t)limit);
}

bool
random_one_in(uint32_t count)
{
    return random_below(count) == 0;
}

static void
draw_hops(struct world *world)
{
    static const int64_t chains[][4] = {
        {1, 60 * SECOND, 20 * 60 * SECOND, 3 * HOUR},
        {60 * SECOND, 1200 * SECOND, 3 * HOUR, DAY},
        {30 * SECOND, 60 * SECOND, HOUR, 24 * HOUR},
        {10, 100, 1000, 3000},
        {1, 7, 21, 21 * 64},
        {SECOND, 5 * SECOND, HOUR, INT64_C(1) << 4}};
    uint32_t which = random_below(5);

    world->hop_count = 1 + random_below(4);
    for (int i = 0; i < 4; i++)
        world->hops[i] = chains[which][i];
}

static void
draw_window(struct world *world, struct lf_window *window)
{
    int64_t hop = world->hops[random_below(world->hop_count)];

    *window = (struct lf_window){.kind = LF_LIFETIME};
    switch (random_below(8)) {
    case 0:
        return;
    case 1:
        *window = (struct lf_window){LF_TUMBLE, hop, hop};
        return;
    case 2:
        *window = (struct lf_window){LF_CUMULATE, hop, hop};
        return;
    default:
        *window = (struct lf_window){LF_SLIDING,
                                     hop == 1 ? 1 + random_long(200 * SECOND)
                                              : hop * (1 + random_below(60)),
                                     hop};
    }
}

static void
draw_condition(struct world *world, uint32_t which)
{
    struct lf_term *term = &world->terms[which];
    struct lf_literal *literal = &world->literals[which];
    uint8_t *bytes = world->literal_bytes[which];
    struct lf_aggregate *aggregate = &world->aggregates[which];
    int64_t least = (int64_t)random_below(40) - 20;

    if (!random_one_in(3))
        return;
    aggregate->term_count = 1;
    aggregate->terms = term;
    term->literals = literal;
    term->literal_count = 1;
    literal->is_set = true;
    literal->bytes = bytes;
    if (random_one_in(2)) {
        term->column = AMOUNT;
        term->op = random_one_in(2) ? LF_GREATER_EQUAL : LF_LESS;
        literal->size = 8;
        memcpy(bytes, &least, 8);
    } else {
        term->column = FLAG;
        term->op = LF_EQUAL;
        literal->size = 1;
        bytes[0] = (uint8_t)random_below(2);
    }
}

static struct lf_type
result_type(const struct lf_aggregate *aggregate, int32_t code)
{
    struct lf_type type = {FEATURE_TYPE_INT64, 1, false};
    bool is_real = code == FEATURE_TYPE_FLOAT64 || code == FEATURE_TYPE_FLOAT32;

    switch (aggregate->kind) {
    case LF_COUNT:
    case LF_COUNT_DISTINCT:
    case LF_APPROX_COUNT_DISTINCT:
        break;
    case LF_SUM:
        type.code = is_real ? FEATURE_TYPE_FLOAT64 : FEATURE_TYPE_INT64;
        break;
    case LF_AVG:
    case LF_STDDEV:
    case LF_STDDEV_POP:
    case LF_APPROX_PERCENTILE:
        type.code = FEATURE_TYPE_FLOAT64;
        break;
    default:
        type.code = code;
        type.is_list = aggregate->k > 0;
    }
    return type;
}

static uint32_t
draw_column(enum lf_aggregate_kind kind)
{
    static const uint32_t numbers[] = {AMOUNT, PRICE, SMALL, RATIO};

    if (kind == LF_SUM || kind == LF_AVG || kind == LF_STDDEV ||
        kind == LF_STDDEV_POP || kind == LF_APPROX_PERCENTILE)
        return numbers[random_below(4)];
    return random_below(COLUMNS);
}

static void
draw_parameters(struct lf_aggregate *aggregate)
{
    switch (aggregate->kind) {
    case LF_FIRST:
    case LF_LAST:
        aggregate->k = random_one_in(2) ? 0 : 1 + random_below(5);
        break;
    case LF_TOP:
    case LF_BOTTOM:
        aggregate->k = 1 + random_below(5);
        break;
    case LF_COUNT_DISTINCT:
        aggregate->k = 1 + random_below(20);
        break;
    case LF_APPROX_COUNT_DISTINCT:
        aggregate->k = 12;
        break;
    case LF_APPROX_PERCENTILE:
        aggregate->error = 0.01;
        aggregate->quantile = random_below(101) / 100.0;
        break;
    default:
        break;
    }
}

static void
draw_by(struct lf_aggregate *aggregate, struct lf_feature *feature,
        const struct world *world)
{
    if (aggregate->kind > LF_MAX || !random_one_in(4))
        return;
    aggregate->by = random_one_in(2) ? SHOP : SMALL;
    aggregate->by_cap = 1 + random_below(12);
    aggregate->is_keys = random_one_in(4);
    feature->type.is_list = true;
    if (aggregate->is_keys)
        feature->type.code = world->columns[aggregate->by].code;
}

static void
draw_feature(struct world *world, uint32_t which, bool groups)
{
    static const enum lf_aggregate_kind group[] = {
        LF_COUNT,  LF_SUM,        LF_AVG,
        LF_STDDEV, LF_STDDEV_POP, LF_APPROX_PERCENTILE};
    struct lf_aggregate *aggregate = &world->aggregates[which];
    struct lf_feature *feature = &world->features[which];

    memset(aggregate, 0, sizeof *aggregate);
    aggregate->kind = groups ? group[random_below(6)]
                             : (enum lf_aggregate_kind)(1 + random_below(14));
    aggregate->column = draw_column(aggregate->kind);
    if (aggregate->kind == LF_COUNT && random_one_in(2))
        aggregate->column = LF_NO_COLUMN;
    aggregate->by = LF_NO_COLUMN;
    draw_parameters(aggregate);
    draw_window(world, &aggregate->window);
    draw_condition(world, which);
    feature->id = which + 1;
    feature->name = "feature";
    feature->aggregate = aggregate;
    feature->type =
        result_type(aggregate, aggregate->column == LF_NO_COLUMN
                                   ? 0
                                   : world->columns[aggregate->column].code);
    draw_by(aggregate, feature, world);
    world->asked[which] = feature;
}

/* Version 1 has most features, version 2 drops some and has new ones. */
static void
draw_schemas(struct world *world, uint32_t count)
{
    uint32_t first = count > 1 ? 1 + random_below(count) : 1;

    world->view.schemas = world->schemas;
    world->view.schema_count = 2;
    for (int i = 0; i < 2; i++) {
        struct lf_schema *schema = &world->schemas[i];

        schema->version = (uint16_t)(i + 1);
        schema->fields = world->fields[i];
        schema->count = 0;
        for (uint32_t j = 0; j < count; j++)
            if (i == 0 ? j < first : j >= first || !random_one_in(3))
                schema->fields[schema->count++] =
                    (struct lf_schema_field){j + 1, world->features[j].type};
    }
}

void
world_make(struct world *world, bool groups)
{
    static const int32_t codes[] = {FEATURE_TYPE_INT64,  FEATURE_TYPE_FLOAT64,
                                    FEATURE_TYPE_STRING, FEATURE_TYPE_BOOL,
                                    FEATURE_TYPE_INT32,  FEATURE_TYPE_FLOAT32};
    uint32_t count = 1 + random_below(10);

    memset(world, 0,
           sizeof *world - sizeof world->happenings - sizeof world->events);
    for (int i = 0; i < COLUMNS; i++)
        world->columns[i] = (struct lf_event_column){"column", codes[i]};
    world->event.columns = world->columns;
    world->event.column_count = COLUMNS;
    world->event.max_skew =
        random_one_in(3) ? LF_SKEW_NONE : random_long(9 * SECOND);
    draw_hops(world);
    for (uint32_t i = 0; i < count; i++)
        draw_feature(world, i, groups);
    world->view.features = world->features;
    world->view.feature_count = count;
    world->view.slack = random_one_in(3) ? 0 : random_long(1200 * SECOND);
    world->view.zone =
        random_one_in(2)
            ? 0
            : ((int64_t)random_below(28 * 3600) - 14 * 3600) * SECOND;
    draw_schemas(world, count);
    world->is_aligned = random_one_in(3);
    if (world->is_aligned) {
        world->event.max_skew = LF_SKEW_NONE;
        world->view.slack = world->hops[0] * random_below(3);
    }
}

static void
draw_lone_feature(struct world *world, uint32_t which, uint32_t column)
{
    static const enum lf_aggregate_kind kinds[] = {LF_COUNT, LF_SUM, LF_AVG,
                                                   LF_MIN, LF_MAX};
    struct lf_aggregate *aggregate = &world->aggregates[which];
    struct lf_window window = aggregate->window;

    while (window.kind != LF_SLIDING)
        draw_window(world, &window);
    *aggregate = (struct lf_aggregate){.kind = kinds[random_below(5)],
                                       .column = column,
                                       .by = LF_NO_COLUMN,
                                       .window = window};
    if (aggregate->kind == LF_COUNT && random_one_in(2))
        aggregate->column = LF_NO_COLUMN;
    world->features[which].type =
        result_type(aggregate, world->columns[column].code);
}

void
world_make_lone(struct world *world)
{
    uint32_t column;

    world_make(world, false);
    column = random_one_in(3) ? SMALL : AMOUNT;
    for (uint32_t i = 0; i < world->view.feature_count; i++)
        draw_lone_feature(world, i, column);
    draw_schemas(world, world->view.feature_count);
}

static void
set_cell(struct happening *happening, enum column column, const void *bytes,
         uint32_t size)
{
    struct lf_cell *cell = &happening->cells[column];

    memcpy(happening->bytes[column], bytes, size);
    cell->bytes = happening->bytes[column];
    cell->size = size;
    cell->is_null = !happening->has[column];
}

void
world_happen(struct world *world, struct happening *happening, int64_t ts)
{
    float ratio;
    int32_t small;
    uint8_t flag;

    (void)world;
    happening->ts = ts;
    for (int i = 0; i < COLUMNS; i++)
        happening->has[i] = !random_one_in(6);
    happening->integer = (int64_t)random_below(60) - 30;
    happening->price = ((double)random_below(4000) - 2000) / 8;
    happening->flag = random_one_in(2);
    snprintf(happening->shop, sizeof happening->shop, "%.*s",
             (int)random_below(4), "abcabc" + random_below(3));
    small = (int32_t)happening->integer;
    flag = happening->flag;
    ratio = (float)(happening->price / 2);
    set_cell(happening, AMOUNT, &happening->integer, 8);
    set_cell(happening, PRICE, &happening->price, 8);
    set_cell(happening, SHOP, happening->shop,
             (uint32_t)strlen(happening->shop));
    set_cell(happening, FLAG, &flag, 1);
    set_cell(happening, SMALL, &small, 4);
    set_cell(happening, RATIO, &ratio, 4);
}
