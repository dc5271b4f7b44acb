/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of rows, held to the oracle. */
#include "windows_rig.h"

/* The tile of each event by the letter of the rule. */
static struct {
    uint32_t level;
    int64_t start;
} place[EVENTS_MAX];

static uint32_t
find_places(const struct lf_tile_plan *plan, int64_t wm)
{
    uint32_t tiles = 0;

    for (uint32_t i = 0; i < world.event_count; i++) {
        bool is_new = true;

        place[i].level = arrays_level(plan, wm, order[i]->ts);
        if (place[i].level == plan->level_count)
            continue;
        place[i].start =
            lf_tile_start(order[i]->ts, plan->hops[place[i].level], plan->zone);
        for (uint32_t j = 0; j < i && is_new; j++)
            is_new = place[i].level != place[j].level ||
                     place[i].start != place[j].start;
        tiles += is_new;
    }
    return tiles;
}

static void
expect_entry(const struct lf_tile_plan *plan, const struct lf_entry *entry,
             int64_t wm)
{
    bool is_single = entry->level == plan->level_count;
    uint32_t level =
        is_single ? arrays_level(plan, wm, entry->start) : entry->level;
    uint64_t count = 0;
    int64_t start;

    if (level == plan->level_count) {
        wrong("an event at %lld, outside of every window",
              (long long)entry->start);
        return;
    }
    start = lf_tile_start(entry->start, plan->hops[level], plan->zone);
    for (uint32_t i = 0; i < world.event_count; i++) {
        int64_t ts = order[i]->ts;

        if (place[i].level == level && place[i].start == start) {
            count++;
            if (is_single && ts != entry->start)
                wrong("a single event at %lld, not %lld",
                      (long long)entry->start, (long long)ts);
        }
    }
    if (count != entry->count)
        wrong("an entry of %llu events, not %llu",
              (unsigned long long)entry->count, (unsigned long long)count);
}

void
expect_levels(const struct lf_buffer *row, const struct lf_tile_plan *plan,
              int64_t wm)
{
    uint32_t tiles = find_places(plan, wm);
    struct lf_accs accs;
    struct lf_body body;
    struct lf_entry entry;

    if (!lf_accs_init(&accs, plan) ||
        !lf_body_open(&body, &accs, row->data, row->size, wm)) {
        wrong("a row cannot be opened");
        return;
    }
    for (; lf_body_next(&body, &accs, &entry); tiles--)
        expect_entry(plan, &entry, wm);
    if (tiles)
        wrong("%u entries are missing or too many", tiles);
    lf_accs_free(&accs);
}

/* --- reads -----------------------------------------------------------------*/

/* Around the end of level 0, or the ends of the tile that runs. */
static int64_t
draw_running(const struct lf_tile_plan *plan, int64_t wm)
{
    int64_t hop = plan->level_count > 1 ? plan->hops[1] : 1, t = wm;

    if (__builtin_sub_overflow(wm, plan->keeps[0], &t))
        t = INT64_MIN;
    if (random_one_in(3))
        t = random_one_in(2) ? lf_tile_start(t, hop, plan->zone)
                             : lf_tile_last(t, hop, plan->zone);
    if (__builtin_add_overflow(t, (int64_t)random_below(5) - 2, &t))
        t = wm;
    return t;
}

int64_t
draw_t(const struct lf_tile_plan *plan, int64_t wm)
{
    int64_t hop = world.hops[0], t;
    int64_t span = plan->longest > INT64_MAX / 4 ? HOUR : 2 * plan->longest;

    switch (random_below(7)) {
    case 6:
        return draw_running(plan, wm);
    case 0:
        t = random_one_in(2) ? wm : INT64_MAX;
        break;
    case 1:
        t = lf_tail(wm, random_long(plan->slack + 1), hop, world.view.zone);
        break;
    case 2:
        if (__builtin_sub_overflow(wm, random_long(plan->skew + 1), &t))
            t = INT64_MIN;
        break;
    case 3:
        t = order[random_below(world.event_count)]->ts;
        break;
    default:
        if (__builtin_add_overflow(wm, 1 + random_long(span + 2), &t))
            t = INT64_MAX;
        if (random_one_in(3))
            t = lf_tile_start(t, world.hops[world.hop_count - 1],
                              world.view.zone);
    }
    return t;
}

uint32_t
count_features(uint32_t version)
{
    return world.schemas[version - 1].count;
}

void
list_features(uint32_t version, const struct lf_feature **features)
{
    for (uint32_t i = 0; i < count_features(version); i++)
        features[i] = &world.features[world.fields[version - 1][i].feature - 1];
}

bool
is_in_first(uint32_t id)
{
    for (uint32_t i = 0; i < world.schemas[0].count; i++)
        if (world.fields[0][i].feature == id)
            return true;
    return false;
}

/* What has to be told. */
enum promise { PROMISED_NOTHING, PROMISED_OLDER, PROMISED_ALL };

/* Under a new plan it is what features of both versions say of today. */
static enum promise
what_is_promised(const struct lf_tile_plan *plan, uint32_t version, int64_t wm,
                 int64_t t)
{
    if (t <= windows_barrier)
        return PROMISED_NOTHING;
    if (version == 1)
        return arrays_promises(plan, wm, t) ? PROMISED_ALL : PROMISED_NOTHING;
    return (wide_int)t >= (wide_int)wm - plan->skew ? PROMISED_OLDER
                                                    : PROMISED_NOTHING;
}

static void
compare_answers(const struct lf_reading *reading, uint32_t version, int64_t t,
                uint32_t count, enum promise promise, const char *what)
{
    const struct lf_feature *features[FEATURES_MAX];

    list_features(version, features);
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct lf_tile_answer *answer = &reading->answers[i];

        tally.reads++;
        if (answer->is_partial)
            continue;
        if (answer->kind == LF_ANSWER_PAST) {
            if (promise == PROMISED_ALL ||
                (promise == PROMISED_OLDER && is_in_first(features[i]->id)))
                wrong("%s: feature %u at %lld is not told", what, i,
                      (long long)t);
            continue;
        }
        tally.told++;
        if (!arrays_agrees(&world, features[i], order, count, t, answer))
            wrong("%s: feature %u (kind %d, window %d) at %lld: kind %d of %u "
                  "bytes",
                  what, i, (int)features[i]->aggregate->kind,
                  (int)features[i]->aggregate->window.kind, (long long)t,
                  (int)answer->kind, answer->size);
    }
}

/* The same bits from the events themselves. */
static void
compare_events(const struct lf_reading *reading, struct lf_reading *other,
               const struct lf_tile_event *sorted, uint32_t count, int64_t t)
{
    if (lf_reading_events(other, sorted, count, t))
        wrong("events cannot be read");
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct lf_tile_answer *a = &reading->answers[i];
        const struct lf_tile_answer *b = &other->answers[i];

        if (a->kind == LF_ANSWER_PAST || a->is_partial)
            continue;
        if (a->kind != b->kind || a->size != b->size ||
            (a->kind == LF_ANSWER_VALUE && a->size &&
             memcmp(a->bytes, b->bytes, a->size) != 0))
            wrong("feature %u at %lld: row and events differ", i, (long long)t);
    }
}

static void
sort_events(struct lf_tile_event *sorted, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = i;

        for (; j > 0 && sorted[j - 1].ts > committed[i].ts; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = committed[i];
    }
}

void
read_all(const struct lf_tile_plan *plan, const struct lf_buffer *row,
         int64_t wm, uint32_t version, uint32_t times)
{
    static struct lf_tile_event sorted[EVENTS_MAX];
    const struct lf_feature *features[FEATURES_MAX];
    struct lf_reading *reading, *other;
    uint32_t count = world.event_count;

    list_features(version, features);
    reading = must(lf_reading_make(plan, features, count_features(version)));
    other = must(lf_reading_make(plan, features, count_features(version)));
    sort_events(sorted, count);
    while (times-- > 0) {
        int64_t t = draw_t(plan, wm);
        enum promise promise = what_is_promised(plan, version, wm, t);

        if (lf_reading_row(reading, row->data, row->size, wm, t, NULL))
            wrong("a row cannot be read");
        compare_answers(reading, version, t, count, promise, "row");
        if (promise == PROMISED_ALL &&
            reading->is_visible !=
                arrays_visible(&world, version, order, count, t))
            wrong("at %lld it is %s", (long long)t,
                  reading->is_visible ? "visible" : "not visible");
        compare_events(reading, other, sorted, count, t);
    }
    lf_reading_free(reading);
    lf_reading_free(other);
}

/* With one event more that is not stored. */
void
read_extra(const struct lf_tile_plan *plan, const struct lf_buffer *row,
           int64_t wm)
{
    const struct lf_feature *features[FEATURES_MAX];
    static struct happening more;
    struct lf_tile_event extra;
    struct lf_reading *reading;
    int64_t t = draw_t(plan, wm);

    list_features(1, features);
    world_happen(&world, &more, draw_ts(wm, world.event_count));
    extra = (struct lf_tile_event){more.ts, COLUMNS, more.cells};
    reading = must(lf_reading_make(plan, features, count_features(1)));
    if (lf_reading_row(reading, row->data, row->size, wm, t, &extra))
        wrong("a row and an event cannot be read");
    order[world.event_count] = &more;
    compare_answers(reading, 1, t, world.event_count + 1, PROMISED_NOTHING,
                    "extra");
    lf_reading_free(reading);
}
