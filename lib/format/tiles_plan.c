/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: what a windowed view keeps, worked out from its definitions.
 *
 * Owns the choice of states, inputs, conditions and levels.
 * Keeps a plan a function of the event, the view and the schema version: the
 * rows of that version are laid out by it.
 * Never reads what an event or a view does not say to the letter.
 */
#include "format/tiles.h"

#include "base/alloc.h"
#include "format/ddsketch.h"
#include "format/hll.h"

#define MINUTE 60000000
#define GRAINS 4 /* of level 0: it has at most one more */

bool
lf_terms_equal(const struct lf_term *a, const struct lf_term *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i].column != b[i].column || a[i].op != b[i].op ||
            a[i].literal_count != b[i].literal_count)
            return false;
        for (uint32_t j = 0; j < a[i].literal_count; j++) {
            const struct lf_literal *x = &a[i].literals[j];
            const struct lf_literal *y = &b[i].literals[j];

            if (x->size != y->size || memcmp(x->bytes, y->bytes, x->size) != 0)
                return false;
        }
    }
    return true;
}

static uint32_t
add_condition(struct lf_tile_plan *plan, const struct lf_aggregate *aggregate)
{
    uint32_t i;

    if (!aggregate->term_count)
        return LF_TILE_NONE;
    for (i = 0; i < plan->condition_count; i++)
        if (plan->conditions[i].term_count == aggregate->term_count &&
            lf_terms_equal(plan->conditions[i].terms, aggregate->terms,
                           aggregate->term_count))
            return i;
    plan->conditions[i].term_count = aggregate->term_count;
    plan->conditions[i].terms = aggregate->terms;
    return plan->condition_count++;
}

static enum lf_tile_class
class_of(int32_t code)
{
    switch (code) {
    case FEATURE_TYPE_BOOL:
    case FEATURE_TYPE_INT32:
    case FEATURE_TYPE_INT64:
    case FEATURE_TYPE_TIMESTAMP:
        return LF_CLASS_INT;
    case FEATURE_TYPE_FLOAT32:
    case FEATURE_TYPE_FLOAT64:
        return LF_CLASS_REAL;
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        return LF_CLASS_TEXT;
    default:
        return LF_CLASS_NONE;
    }
}

static uint32_t
add_input(struct lf_tile_plan *plan, uint32_t column)
{
    uint32_t i;

    if (column == LF_NO_COLUMN)
        return LF_TILE_NONE;
    for (i = 0; i < plan->input_count; i++)
        if (plan->inputs[i].column == column)
            return i;
    plan->inputs[i].column = column;
    plan->inputs[i].code = column == LF_TIME_COLUMN
                               ? FEATURE_TYPE_TIMESTAMP
                               : plan->event->columns[column].code;
    plan->inputs[i].class = class_of(plan->inputs[i].code);
    return plan->input_count++;
}

static uint32_t
add_state(struct lf_tile_plan *plan, const struct lf_tile_state *like,
          bool is_lifetime)
{
    struct lf_tile_state *state = plan->states;
    uint32_t i;

    for (i = 0; i < plan->state_count; i++, state++)
        if (state->kind == like->kind && state->input == like->input &&
            state->by == like->by && state->condition == like->condition &&
            state->k == like->k &&
            memcmp(&state->error, &like->error, sizeof like->error) == 0)
            break;
    if (i == plan->state_count) {
        *state = *like;
        plan->state_count++;
    }
    state->is_lifetime |= is_lifetime;
    return i;
}

static enum lf_state_kind
kind_by(enum lf_aggregate_kind kind)
{
    switch (kind) {
    case LF_COUNT:
        return LF_STATE_BY_COUNT;
    case LF_MIN:
        return LF_STATE_BY_MIN;
    case LF_MAX:
        return LF_STATE_BY_MAX;
    default:
        return LF_STATE_BY_SUM;
    }
}

/* Kind and parameters of the one state of an aggregate that is no moment. */
static void
describe(struct lf_tile_state *state, const struct lf_aggregate *aggregate)
{
    static const uint8_t kinds[] = {[LF_MIN] = LF_STATE_MIN,
                                    [LF_MAX] = LF_STATE_MAX,
                                    [LF_FIRST] = LF_STATE_FIRST,
                                    [LF_LAST] = LF_STATE_LAST,
                                    [LF_TOP] = LF_STATE_TOP,
                                    [LF_BOTTOM] = LF_STATE_BOTTOM,
                                    [LF_COUNT_DISTINCT] = LF_STATE_DISTINCT,
                                    [LF_APPROX_COUNT_DISTINCT] = LF_STATE_HLL,
                                    [LF_APPROX_PERCENTILE] = LF_STATE_DDSKETCH};

    state->kind = (enum lf_state_kind)kinds[aggregate->kind];
    state->k = aggregate->k;
    if (aggregate->kind == LF_MIN || aggregate->kind == LF_MAX ||
        (aggregate->kind <= LF_LAST && !state->k))
        state->k = 1;
    if (aggregate->kind == LF_APPROX_PERCENTILE) {
        state->k = 0;
        state->error = aggregate->error;
    }
}

static void
add_moments(struct lf_tile_plan *plan, struct lf_tile_feature *feature,
            struct lf_tile_state like, bool is_lifetime)
{
    enum lf_aggregate_kind kind = feature->feature->aggregate->kind;
    uint32_t count;

    like.kind = LF_STATE_COUNT;
    count = feature->states[0] = add_state(plan, &like, is_lifetime);
    if (kind == LF_COUNT)
        return;
    like.kind = LF_STATE_SUM;
    feature->states[1] = add_state(plan, &like, is_lifetime);
    plan->states[feature->states[1]].count = count;
    if (kind != LF_STDDEV && kind != LF_STDDEV_POP)
        return;
    like.kind = LF_STATE_SQUARES;
    feature->states[2] = add_state(plan, &like, is_lifetime);
    plan->states[feature->states[2]].count = count;
}

static void
add_states(struct lf_tile_plan *plan, struct lf_tile_feature *feature)
{
    const struct lf_aggregate *aggregate = feature->feature->aggregate;
    bool is_lifetime = aggregate->window.kind == LF_LIFETIME;
    struct lf_tile_state like = {.count = LF_TILE_NONE};

    like.input = add_input(plan, aggregate->column);
    like.by = add_input(plan, aggregate->by);
    like.condition = add_condition(plan, aggregate);
    for (int i = 0; i < 3; i++)
        feature->states[i] = LF_TILE_NONE;
    if (aggregate->by != LF_NO_COLUMN) {
        like.kind = kind_by(aggregate->kind);
        like.k = aggregate->by_cap;
    } else if (aggregate->kind <= LF_AVG || aggregate->kind == LF_STDDEV ||
               aggregate->kind == LF_STDDEV_POP) {
        add_moments(plan, feature, like, is_lifetime);
        return;
    } else {
        describe(&like, aggregate);
    }
    feature->states[0] = add_state(plan, &like, is_lifetime);
}

static bool
has_sound_k(const struct lf_aggregate *aggregate)
{
    switch (aggregate->kind) {
    case LF_APPROX_COUNT_DISTINCT:
        return aggregate->k >= LF_HLL_P_MIN && aggregate->k <= LF_HLL_P_MAX;
    case LF_APPROX_PERCENTILE:
        return aggregate->error >= LF_DD_ERROR_MIN &&
               aggregate->error <= LF_DD_ERROR_MAX;
    default:
        return aggregate->k <= LF_WINDOW_K_MAX;
    }
}

static bool
has_sound_columns(const struct lf_aggregate *aggregate, uint32_t columns)
{
    const uint32_t named[] = {aggregate->column, aggregate->by};

    for (int i = 0; i < 2; i++)
        if (named[i] >= columns && named[i] != LF_NO_COLUMN &&
            named[i] != LF_TIME_COLUMN)
            return false;
    for (uint32_t i = 0; i < aggregate->term_count; i++)
        if (aggregate->terms[i].column >= columns &&
            aggregate->terms[i].column != LF_TIME_COLUMN)
            return false;
    return aggregate->column != LF_NO_COLUMN || aggregate->kind == LF_COUNT;
}

/* Whether an aggregate names only what there is, of types that it can take. */
static bool
is_sound(const struct lf_tile_plan *plan, const struct lf_aggregate *aggregate)
{
    const struct lf_window *window = &aggregate->window;

    if (aggregate->kind < LF_COUNT || aggregate->kind > LF_APPROX_PERCENTILE ||
        !has_sound_k(aggregate) || aggregate->by_cap > LF_WINDOW_K_MAX ||
        !has_sound_columns(aggregate, plan->event->column_count))
        return false;
    return window->kind == LF_LIFETIME ||
           (window->kind >= LF_LIFETIME && window->kind <= LF_CUMULATE &&
            window->size > 0 && window->hop > 0 &&
            (window->kind == LF_SLIDING || window->hop == window->size));
}

static int64_t
add(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* How far back a window reaches on its grid. */
static int64_t
reach(const struct lf_window *window)
{
    return window->kind == LF_TUMBLE ? add(window->size, window->size)
                                     : window->size;
}

static void
add_hop(struct lf_tile_plan *plan, int64_t hop)
{
    uint32_t i = plan->level_count;

    while (i > 0 && plan->hops[i - 1] > hop)
        i--;
    if (i > 0 && plan->hops[i - 1] == hop)
        return;
    for (uint32_t j = plan->level_count++; j > i; j--)
        plan->hops[j] = plan->hops[j - 1];
    plan->hops[i] = hop;
}

/* Each hop divides the next, so no tile is ever split. */
static bool
lay_levels(struct lf_tile_plan *plan)
{
    bool has_hop = false;

    add_hop(plan, 1);
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        const struct lf_window *window =
            &plan->features[i].feature->aggregate->window;

        if (window->kind == LF_LIFETIME)
            continue;
        add_hop(plan, window->hop);
        has_hop = true;
    }
    if (!has_hop)
        add_hop(plan, MINUTE);
    for (uint32_t i = 1; i < plan->level_count; i++)
        if (plan->hops[i] % plan->hops[i - 1] != 0)
            return false;
    while (plan->level_count >> plan->level_bits)
        plan->level_bits++;
    return true;
}

/* The longest part of a hop, by factors of time, that is not over most. */
static int64_t
part_of(int64_t hop, int64_t most)
{
    int64_t best = 1;

    for (int64_t a = hop; a > 0; a = a % 2 ? 0 : a / 2)
        for (int64_t b = a; b > 0; b = b % 3 ? 0 : b / 3)
            for (int64_t c = b; c > 0; c = c % 5 ? 0 : c / 5)
                if (c <= most && c > best)
                    best = c;
    return best;
}

static void
lay_keeps(struct lf_tile_plan *plan)
{
    int64_t longest = 0;

    for (uint32_t i = 0; i < plan->level_count; i++) {
        bool has_window = i > 0;

        for (uint32_t j = 0; j < plan->feature_count; j++) {
            const struct lf_window *window =
                &plan->features[j].feature->aggregate->window;

            if (window->kind == LF_LIFETIME || window->hop > plan->hops[i])
                continue;
            has_window = true;
            if (reach(window) > longest)
                longest = reach(window);
        }
        plan->keeps[i] = has_window ? add(longest, plan->slack) : plan->skew;
    }
    plan->longest = longest;
    plan->grain = plan->level_count > 1
                      ? part_of(plan->hops[1], plan->keeps[0] / GRAINS)
                      : 1;
}

static const struct lf_feature *
feature_of(const struct lf_view *view, uint32_t id, bool *is_retired)
{
    *is_retired = false;
    for (uint32_t i = 0; i < view->feature_count; i++)
        if (view->features[i].id == id)
            return &view->features[i];
    *is_retired = true;
    for (uint32_t i = 0; i < view->retired_count; i++)
        if (view->retired[i].id == id)
            return &view->retired[i];
    return NULL;
}

static uint16_t
first_version(const struct lf_view *view, uint32_t id)
{
    for (uint32_t i = 0; i < view->schema_count; i++)
        for (uint32_t j = 0; j < view->schemas[i].count; j++)
            if (view->schemas[i].fields[j].feature == id)
                return view->schemas[i].version;
    return 1;
}

bool
lf_tile_is_group(const struct lf_tile_state *state)
{
    switch (state->kind) {
    case LF_STATE_COUNT:
    case LF_STATE_SUM:
    case LF_STATE_SQUARES:
    case LF_STATE_DDSKETCH:
    case LF_STATE_BY_COUNT:
    case LF_STATE_BY_SUM:
        return true;
    default:
        return false;
    }
}

static bool
add_features(struct lf_tile_plan *plan, const struct lf_schema *schema)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        struct lf_tile_feature *feature = &plan->features[i];
        const struct lf_aggregate *aggregate;

        feature->feature = feature_of(plan->view, schema->fields[i].feature,
                                      &feature->is_retired);
        aggregate = feature->feature ? feature->feature->aggregate : NULL;
        if (!aggregate || !is_sound(plan, aggregate))
            return false;
        feature->since = first_version(plan->view, feature->feature->id);
        plan->has_lifetime |= aggregate->window.kind == LF_LIFETIME;
        plan->shows_lifetime |=
            aggregate->window.kind == LF_LIFETIME && !feature->is_retired;
        add_states(plan, feature);
        plan->feature_count++;
    }
    plan->is_group = true;
    for (uint32_t i = 0; i < plan->state_count; i++)
        plan->is_group &= lf_tile_is_group(&plan->states[i]);
    return true;
}

static bool
make_room(struct lf_tile_plan *plan, uint32_t count)
{
    struct lf_arena *arena = &plan->arena;

    plan->features = lf_arena_array(arena, count, sizeof *plan->features);
    plan->conditions = lf_arena_array(arena, count, sizeof *plan->conditions);
    plan->inputs =
        lf_arena_array(arena, 2 * (size_t)count, sizeof *plan->inputs);
    plan->states =
        lf_arena_array(arena, 3 * (size_t)count, sizeof *plan->states);
    plan->hops = lf_arena_array(arena, (size_t)count + 2, sizeof *plan->hops);
    plan->keeps = lf_arena_array(arena, (size_t)count + 2, sizeof *plan->keeps);
    return plan->features && plan->conditions && plan->inputs && plan->states &&
           plan->hops && plan->keeps;
}

enum lf_tile_status
lf_tile_plan_make(struct lf_tile_plan **made, const struct lf_event *event,
                  const struct lf_view *view, uint16_t version)
{
    const struct lf_schema *schema = NULL;
    struct lf_tile_plan *plan;

    for (uint32_t i = 0; i < view->schema_count; i++)
        if (view->schemas[i].version == version)
            schema = &view->schemas[i];
    if (!schema)
        return LF_TILE_INVALID;
    plan = lf_alloc(sizeof *plan);
    if (!plan || !make_room(plan, schema->count)) {
        lf_tile_plan_free(plan);
        return LF_TILE_MEMORY;
    }
    plan->event = event;
    plan->view = view;
    plan->version = version;
    plan->zone = view->zone;
    plan->skew = event->max_skew == LF_SKEW_NONE ? 0 : event->max_skew;
    plan->slack = view->slack > plan->skew ? view->slack : plan->skew;
    if (!add_features(plan, schema) || !lay_levels(plan)) {
        lf_tile_plan_free(plan);
        return LF_TILE_INVALID;
    }
    lay_keeps(plan);
    *made = plan;
    return LF_TILE_OK;
}

void
lf_tile_plan_free(struct lf_tile_plan *plan)
{
    if (!plan)
        return;
    lf_arena_free(&plan->arena);
    lf_free(plan);
}

uint32_t
lf_tile_feature(const struct lf_tile_plan *plan, uint32_t id)
{
    uint32_t low = 0, high = plan->feature_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (plan->features[middle].feature->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < plan->feature_count && plan->features[low].feature->id == id
               ? low
               : LF_TILE_NONE;
}
