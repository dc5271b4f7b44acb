/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random views of events, and how they change.
 *
 * Owns the texts, and what a change means for the events of before it.
 * Keeps all hops of a view in one chain.
 * Never changes an aggregate: that is refused.
 */
#include "event_world.h"

#include <string.h>

const struct event_kind event_kinds[EVENT_KINDS] = {{"pay", 5 * SECOND, true},
                                                    {"hit", 2 * MINUTE, false}};

const char *const shop_names[SHOPS] = {"", "a", "bb", "c", "\xc3\xb6"};

static const struct span spans[] = {
    {SLIDING, 10 * SECOND, 1, " OVER '10 seconds' EXACT"},
    {SLIDING, MINUTE, SECOND, " OVER '1 minute'"},
    {SLIDING, HOUR, MINUTE, " OVER '1 hour' HOP '1 minute'"},
    {SLIDING, 3 * HOUR, HOUR, " OVER '3 hours' HOP '1 hour'"},
    {SLIDING, DAY, HOUR, " OVER '1 day' HOP '1 hour'"},
    {SLIDING, 7 * DAY, DAY, " OVER '7 days' HOP '1 day'"},
    {TUMBLE, HOUR, HOUR, " OVER TUMBLE '1 hour'"},
    {TUMBLE, DAY, DAY, " OVER TUMBLE '1 day'"},
    {CUMULATE, DAY, DAY, " OVER CUMULATE '1 day'"},
    {CUMULATE, HOUR, HOUR, " OVER CUMULATE '1 hour'"},
    {LIFETIME, 0, 1, ""}};

#define SPANS (sizeof spans / sizeof *spans)

static const char *const entity_texts[ENTITIES][EVENT_KINDS] = {
    {"card", "card"},
    {"shop (name = shop)", "shop (name = shop)"},
    {"pair", "pair (shop = shop)"}};

static const char beginning[] =
    "CREATE ENTITY card (card_id INT64);"
    "CREATE ENTITY shop (name STRING);"
    "CREATE ENTITY pair (card_id INT64, shop STRING);"
    "CREATE EVENT pay (id STRING, card_id INT64, shop STRING, amount INT64,"
    " price FLOAT64, ok BOOL) WITH (max_skew = '5 seconds', dedupe = id,"
    " dedupe_for = '1 hour');"
    "CREATE EVENT hit (id STRING, card_id INT64, shop STRING, amount INT64,"
    " price FLOAT64, ok BOOL) WITH (max_skew = '2 minutes');";

const char *
view_name(struct event_world *world, const struct view *view)
{
    return arena_print(&world->scratch, "w%u", (unsigned)(view - world->views));
}

/* --- texts ------------------------------------------------------------------- */

static void
print_spec(struct text *text, const struct spec *spec)
{
    const struct aggregate *aggregate = &aggregates[spec->aggregate];

    text_add(text, "f%u = %s%s%s%s%s", spec->name, aggregate->text,
             aggregate->by, conditions[spec->condition], spec->span->text,
             spec->has_default ? " DEFAULT 7" : "");
}

static void
print_view(struct event_world *world, struct text *text,
           const struct view *view, uint32_t first, uint32_t count)
{
    const char *between = "";

    text_add(text, "CREATE FEATURE VIEW %s (", view_name(world, view));
    for (uint32_t i = first; i < first + count; i++) {
        if (view->specs[i].is_keys)
            continue;
        text_add(text, "%s", between);
        print_spec(text, &view->specs[i]);
        between = ", ";
    }
    text_add(text, ") FOR %s FROM %s", entity_texts[view->entity][view->kind],
             event_kinds[view->kind].name);
    text_add(text, " WITH (slack = '%lld s', zone = '%s'",
             (long long)(view->slack / SECOND),
             view->zone > 0   ? "+08:00"
             : view->zone < 0 ? "-03:30"
                              : "UTC");
    if (view->history)
        text_add(text, ", history = '%lld days'",
                 (long long)(view->history / DAY));
    text_add(text, ");");
}

static bool
apply(struct event_world *world, feature_store *store, const char *definitions)
{
    struct feature_error error = {0};

    say(world, "%s\n", definitions);
    world->counts.applies++;
    return expect_good(
        world, "feature_store_apply",
        feature_store_apply(store, definitions, NULL, NULL, &error), &error);
}

bool
run_beginning(struct event_world *world)
{
    return apply(world, world->stores[0],
                 "STORE WITH (changes = '900 days');") &&
           apply(world, world->stores[0], beginning);
}

bool
define_other(struct event_world *world, const struct view *view,
             feature_store *other)
{
    struct text text = {0};
    bool same;

    print_view(world, &text, view, 0, view->count);
    same = apply(world, other, beginning) && apply(world, other, text.data);
    text_free(&text);
    return same;
}

/* --- features ---------------------------------------------------------------- */

static void
add_spec(struct event_world *world, struct view *view)
{
    struct dice *dice = &world->dice;
    struct spec *spec = &view->specs[view->count];

    if (view->count + 2 > SPECS_MAX)
        return;
    *spec = (struct spec){.name = world->next_name++,
                          .aggregate = dice_below(dice, AGGREGATES),
                          .span = &spans[dice_below(dice, SPANS)],
                          .condition = 0};
    if (dice_chance(dice, 35))
        spec->condition = dice_below(dice, CONDITIONS);
    if (dice_chance(dice, 30) && !aggregates[spec->aggregate].is_list)
        spec->has_default =
            aggregates[spec->aggregate].type == FEATURE_TYPE_INT64 ||
            aggregates[spec->aggregate].type == FEATURE_TYPE_FLOAT64;
    memcpy(spec->mark, view->wm, sizeof spec->mark);
    view->count++;
    if (!*aggregates[spec->aggregate].by)
        return;
    spec[1] = spec[0];
    spec[1].is_keys = true;
    view->count++;
}

static void
mark_specs(struct view *view, uint32_t first, bool is_later)
{
    for (uint32_t i = first; i < view->count; i++)
        view->specs[i].is_later = is_later;
}

static bool
create_view(struct event_world *world, struct view *view)
{
    static const int64_t zones[] = {0, 0, 8 * HOUR, -(3 * HOUR + 30 * MINUTE)};
    static const int64_t slacks[] = {SECOND, MINUTE, 10 * MINUTE, DAY};
    static const int64_t histories[] = {0, 0, 900 * DAY, 2 * DAY};
    struct dice *dice = &world->dice;
    uint32_t count = 1 + dice_below(dice, 6);
    struct text text = {0};
    bool same;

    *view = (struct view){.serial = world->next_serial++,
                          .entity = dice_below(dice, ENTITIES),
                          .kind = dice_chance(dice, 65) ? PAY : HIT,
                          .zone = zones[dice_below(dice, 4)],
                          .slack = slacks[dice_below(dice, 4)],
                          .history = histories[dice_below(dice, 4)],
                          .history_since = NEVER,
                          .known_since = NEVER,
                          .horizon = NEVER,
                          .purged = NEVER,
                          .born = world->count};
    if (world->plant == EVENT_PLANT_REBORN)
        view->born = 0;
    for (uint32_t i = 0; i < KEYS; i++)
        view->wm[i] = NEVER;
    while (count--)
        add_spec(world, view);
    mark_specs(view, 0, false);
    print_view(world, &text, view, 0, view->count);
    same = apply(world, any_store(world), text.data);
    text_free(&text);
    return same;
}

static bool
add_features(struct event_world *world, struct view *view)
{
    uint32_t first = view->count, count = 1 + dice_below(&world->dice, 2);
    struct text text = {0};
    bool same;

    while (count--)
        add_spec(world, view);
    if (view->count == first)
        return true;
    mark_specs(view, first, true);
    view->changes++;
    print_view(world, &text, view, first, view->count - first);
    same = apply(world, any_store(world), text.data);
    text_free(&text);
    return same;
}

static bool
drop_feature(struct event_world *world, struct view *view)
{
    uint32_t at = dice_below(&world->dice, view->count), count = 1;

    at -= view->specs[at].is_keys;
    count += at + 1 < view->count && view->specs[at + 1].is_keys;
    if (count == view->count)
        return true;
    if (!apply(world, any_store(world),
               arena_print(&world->scratch, "DROP FEATURE %s:f%u;",
                           view_name(world, view), view->specs[at].name)))
        return false;
    view->count -= count;
    memmove(&view->specs[at], &view->specs[at + count],
            (view->count - at) * sizeof *view->specs);
    view->changes++;
    return true;
}

static bool
drop_view(struct event_world *world, struct view *view)
{
    const char *text = arena_print(&world->scratch, "DROP FEATURE VIEW %s;",
                                   view_name(world, view));

    view->serial = 0;
    return apply(world, any_store(world), text);
}

/* History from now on: what was before is not kept. */
static bool
keep_events(struct event_world *world, struct view *view)
{
    struct text text = {0};
    bool same;

    view->history = 900 * DAY;
    view->history_since =
        world->commit_time > world->now ? world->commit_time : world->now;
    view->history_since += SECOND;
    print_view(world, &text, view, 0, 2 < view->count ? 2 : view->count);
    same = apply(world, any_store(world), text.data);
    text_free(&text);
    return same;
}

bool
run_event_apply(struct event_world *world)
{
    struct view *view = &world->views[dice_below(&world->dice, SLOTS)];
    uint32_t what = dice_below(&world->dice, 100);

    if (!view->serial)
        return create_view(world, view);
    if (what < 50)
        return add_features(world, view);
    if (what < 75)
        return drop_feature(world, view);
    if (what < 85)
        return drop_view(world, view);
    if (!view->history)
        return keep_events(world, view);
    return true;
}
