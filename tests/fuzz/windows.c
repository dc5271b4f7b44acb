/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel of windows against plain arrays: random views, random events in
 * random orders and chunks, reads at random times.
 *
 *     windows [READS [SEED]]
 *
 * First READS answers (100,000) are compared; then each planted fault has to be
 * found. Ends with 1 where an answer or a byte is wrong, or a fault stays hidden.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "windows.h"
#include "windows_plants.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

static struct {
    uint64_t reads; /* answers that were compared */
    uint64_t told;  /* of them: not left to kept events */
    uint64_t rows, permutations, cuts, replans, retracts, damaged;
    uint64_t wrong;
    uint64_t seed; /* of the round */
} tally;

static struct world world;
static const struct happening *order[EVENTS_MAX + 1]; /* of commit */
static struct lf_tile_event committed[EVENTS_MAX + 1];

__attribute__((format(printf, 1, 2))) static void
wrong(const char *format, ...)
{
    va_list arguments;

    if (tally.wrong++ || windows_planted)
        return;
    fprintf(stderr, "windows: seed %llu: ", (unsigned long long)tally.seed);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static void *
must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "windows: no memory\n");
        exit(2);
    }
    return memory;
}

/* --- events ----------------------------------------------------------------*/

static int64_t
draw_base(void)
{
    switch (random_below(12)) {
    case 0:
        return INT64_MAX;
    case 1:
        return INT64_MIN + 1 + random_long(20 * HOUR);
    case 2:
        return random_long(HOUR);
    case 3:
        return -random_long(400 * HOUR);
    default:
        return INT64_C(1767225600000000) + random_long(100 * HOUR);
    }
}

static int64_t
draw_ts(int64_t base, uint32_t known)
{
    int64_t hop = world.hops[random_below(world.hop_count)], back, ts;

    if (!known && world.is_aligned)
        return lf_tile_start(base, world.hops[world.hop_count - 1],
                             world.view.zone);
    if (known && random_one_in(6))
        return world.happenings[random_below(known)].ts;
    switch (random_below(4)) {
    case 0:
        back = random_long(9 * 24 * HOUR);
        break;
    case 1:
        back = random_long(24 * HOUR);
        break;
    case 2:
        back = random_long(world.hops[world.hop_count - 1] * 8);
        break;
    default:
        back = random_long(HOUR);
    }
    if (__builtin_sub_overflow(base, back, &ts) || ts == INT64_MIN)
        ts = INT64_MIN + 1;
    if (random_one_in(4) || world.is_aligned)
        ts = lf_tile_start(ts, hop, world.view.zone);
    return ts == INT64_MIN ? ts + 1 : ts;
}

static void
draw_events(void)
{
    int64_t base = world.is_aligned ? INT64_C(1767225600000000) : draw_base();
    uint32_t count = 1 + random_below(random_one_in(8) ? EVENTS_MAX : 60);

    world.event_count = count;
    for (uint32_t i = 0; i < count; i++) {
        world_happen(&world, &world.happenings[i], draw_ts(base, i));
        order[i] = &world.happenings[i];
    }
    for (uint32_t i = 0; i < count; i++)
        committed[i] =
            (struct lf_tile_event){order[i]->ts, COLUMNS, order[i]->cells};
}

/* --- states ----------------------------------------------------------------*/

static uint8_t outcomes[EVENTS_MAX];

static void
apply(struct lf_state *state, const struct lf_tile_event *events,
      uint32_t count)
{
    if (lf_state_apply(state, events, count, outcomes))
        wrong("apply failed");
}

/* Events in chunks, with the row written and read again between some. */
static void
ingest(struct lf_state *state, const struct lf_tile_event *events,
       uint32_t count, struct lf_buffer *row)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t chunk = 1 + random_below(random_one_in(2) ? 3 : 100);

        if (chunk > count - done)
            chunk = count - done;
        apply(state, events + done, chunk);
        done += chunk;
        if (random_one_in(2) || done == count) {
            int64_t wm = lf_state_wm(state);

            row->size = 0;
            if (lf_state_encode(state, row) ||
                lf_state_load(state, row->data, row->size, wm))
                wrong("a row cannot be written and read");
        }
    }
}

static void
expect_row(struct lf_state *state, const struct lf_buffer *row,
           const char *what)
{
    struct lf_buffer other = {0};

    if (lf_state_encode(state, &other))
        wrong("%s: no row", what);
    else if (other.size != row->size ||
             memcmp(other.data, row->data, row->size) != 0)
        wrong("%s: other bytes (%zu, not %zu)", what, other.size, row->size);
    lf_buffer_free(&other);
}

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
expect_entry(const struct lf_tile_plan *plan, const struct lf_entry *entry)
{
    bool is_single = entry->level == plan->level_count;
    uint64_t count = 0;

    for (uint32_t i = 0; i < world.event_count; i++) {
        int64_t ts = order[i]->ts;

        if (place[i].level == plan->level_count)
            continue;
        if (is_single
                ? place[i].start == lf_tile_start(entry->start,
                                                  plan->hops[place[i].level],
                                                  plan->zone)
                : place[i].level == entry->level &&
                      place[i].start == entry->start) {
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

static void
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
        expect_entry(plan, &entry);
    if (tiles)
        wrong("%u entries are missing or too many", tiles);
    lf_accs_free(&accs);
}

/* --- reads -----------------------------------------------------------------*/

static int64_t
draw_t(const struct lf_tile_plan *plan, int64_t wm)
{
    int64_t hop = world.hops[0], t;
    int64_t span = plan->longest > INT64_MAX / 4 ? HOUR : 2 * plan->longest;

    switch (random_below(6)) {
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

static uint32_t
count_features(uint32_t version)
{
    return world.schemas[version - 1].count;
}

static void
list_features(uint32_t version, const struct lf_feature **features)
{
    for (uint32_t i = 0; i < count_features(version); i++)
        features[i] = &world.features[world.fields[version - 1][i].feature - 1];
}

static void
compare_answers(const struct lf_reading *reading, uint32_t version, int64_t t,
                uint32_t count, bool is_promised, const char *what)
{
    const struct lf_feature *features[FEATURES_MAX];

    list_features(version, features);
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct lf_answer *answer = &reading->answers[i];

        tally.reads++;
        if (answer->is_partial)
            continue;
        if (answer->kind == LF_ANSWER_PAST) {
            if (is_promised)
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
        const struct lf_answer *a = &reading->answers[i];
        const struct lf_answer *b = &other->answers[i];

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

static void
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
        bool is_promised = version == 1 && arrays_promises(plan, wm, t);

        if (lf_reading_row(reading, row->data, row->size, wm, t, NULL))
            wrong("a row cannot be read");
        compare_answers(reading, version, t, count, is_promised, "row");
        if (is_promised && reading->is_visible !=
                               arrays_visible(&world, version, order, count, t))
            wrong("at %lld it is %s", (long long)t,
                  reading->is_visible ? "visible" : "not visible");
        compare_events(reading, other, sorted, count, t);
    }
    lf_reading_free(reading);
    lf_reading_free(other);
}

/* With one event more that is not stored. */
static void
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
    compare_answers(reading, 1, t, world.event_count + 1, false, "extra");
    lf_reading_free(reading);
}

/* --- properties ------------------------------------------------------------*/

/* Any order, save that of equal ts. */
static void
shuffle(struct lf_tile_event *events, uint32_t count)
{
    for (uint32_t i = count; i-- > 1;) {
        uint32_t j = random_below(i + 1);
        struct lf_tile_event event = events[i];

        events[i] = events[j];
        events[j] = event;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = i + 1; j < count; j++)
            if (events[j].ts == events[i].ts &&
                events[j].cells < events[i].cells) {
                struct lf_tile_event event = events[i];

                events[i] = events[j];
                events[j] = event;
            }
}

static void
try_order(const struct lf_tile_plan *plan, const struct lf_buffer *row)
{
    static struct lf_tile_event events[EVENTS_MAX];
    struct lf_state *state = must(lf_state_make(plan));
    struct lf_buffer other = {0};

    memcpy(events, committed, world.event_count * sizeof *events);
    shuffle(events, world.event_count);
    ingest(state, events, world.event_count, &other);
    expect_row(state, row, "another order");
    tally.permutations++;
    lf_buffer_free(&other);
    lf_state_free(state);
}

static void
try_cut(const struct lf_tile_plan *plan, const struct lf_buffer *row)
{
    struct lf_state *left = must(lf_state_make(plan));
    struct lf_state *right = must(lf_state_make(plan));
    struct lf_buffer other = {0};
    uint32_t cut = random_below(world.event_count + 1);
    uint32_t next = windows_planted == PLANT_CUT && cut ? cut - 1 : cut;

    ingest(left, committed, cut, &other);
    ingest(right, committed + next, world.event_count - next, &other);
    if (lf_state_merge(left, right))
        wrong("two states do not merge");
    expect_row(left, row, "a cut");
    tally.cuts++;
    lf_buffer_free(&other);
    lf_state_free(left);
    lf_state_free(right);
}

static void
try_damage(const struct lf_tile_plan *plan, struct lf_buffer *row, int64_t wm)
{
    const struct lf_feature *features[FEATURES_MAX];
    struct lf_state *state = must(lf_state_make(plan));
    struct lf_reading *reading;

    list_features(1, features);
    reading = must(lf_reading_make(plan, features, count_features(1)));
    if (lf_state_check(state, row->data, row->size, wm))
        wrong("a row is not what it would be written as");
    for (int i = 0; i < 8 && row->size; i++) {
        size_t at = random_below(row->size);
        uint8_t byte = row->data[at];
        size_t size = random_one_in(4) ? random_below(row->size) : row->size;
        uint8_t *copy = must(malloc(size + 1)); /* for the sanitizer */

        row->data[at] = (uint8_t)random_draw();
        memcpy(copy, row->data, size);
        (void)lf_state_check(state, copy, size, wm);
        (void)lf_reading_row(reading, copy, size, wm, draw_t(plan, wm), NULL);
        (void)lf_state_load(state, copy, size, wm);
        apply(state, committed, 1);
        tally.damaged++;
        free(copy);
        row->data[at] = byte;
    }
    lf_reading_free(reading);
    lf_state_free(state);
}

/* Some under the first schema version, the rest under the second. */
static void
try_replan(const struct lf_tile_plan *plan)
{
    struct lf_tile_plan *next;
    struct lf_state *state, *again;
    struct lf_buffer row = {0}, old = {0};
    uint32_t cut = 1 + random_below(world.event_count);
    uint32_t rest = world.event_count - cut;
    static struct lf_tile_event events[EVENTS_MAX];
    int64_t wm;

    if (!count_features(2) ||
        lf_tile_plan_make(&next, &world.event, &world.view, 2))
        return;
    state = must(lf_state_make(plan));
    ingest(state, committed, cut, &old);
    wm = lf_state_wm(state);
    lf_state_free(state);
    state = must(lf_state_make(next));
    again = must(lf_state_make(next));
    if (lf_state_replan(state, plan, old.data, old.size, wm) ||
        lf_state_replan(again, plan, old.data, old.size, wm))
        wrong("a row does not change its plan");
    ingest(state, committed + cut, rest, &row);
    memcpy(events, committed + cut, rest * sizeof *events);
    shuffle(events, rest);
    ingest(again, events, rest, &row);
    row.size = 0;
    if (lf_state_encode(state, &row))
        wrong("no row of a newer plan");
    expect_row(again, &row, "another order after a new plan");
    if (lf_state_check(again, row.data, row.size, lf_state_wm(state)))
        wrong("a row of a newer plan is not what it would be written as");
    read_all(next, &row, lf_state_wm(state), 2, 3);
    tally.replans++;
    lf_buffer_free(&row);
    lf_buffer_free(&old);
    lf_state_free(state);
    lf_state_free(again);
    lf_tile_plan_free(next);
}

static void
try_retract(const struct lf_tile_plan *plan, struct lf_buffer *row)
{
    struct lf_state *state = must(lf_state_make(plan));
    uint32_t which = random_below(world.event_count);
    enum lf_tile_status status;
    int64_t wm;

    apply(state, committed, world.event_count);
    wm = lf_state_wm(state);
    status = lf_state_retract(state, &committed[which]);
    if (status) {
        if (status != LF_TILE_REFUSED)
            wrong("an event cannot be taken back");
        expect_row(state, row, "an event that stays");
    } else {
        struct lf_buffer other = {0};

        world.event_count--;
        for (uint32_t i = which; i < world.event_count; i++) {
            order[i] = order[i + 1];
            committed[i] = committed[i + 1];
        }
        if (lf_state_encode(state, &other) ||
            lf_state_check(state, other.data, other.size, wm))
            wrong("an event taken back leaves no row");
        if (world.event_count)
            read_all(plan, &other, wm, 1, 2);
        tally.retracts++;
        lf_buffer_free(&other);
    }
    lf_state_free(state);
}

/* --- rounds ----------------------------------------------------------------*/

static void
play(uint64_t seed)
{
    struct lf_tile_plan *plan;
    struct lf_state *state;
    struct lf_buffer row = {0};
    bool groups = seed % 4 == 0;

    tally.seed = seed;
    random_seed(seed * 0x9e3779b97f4a7c15u);
    world_make(&world, groups);
    if (lf_tile_plan_make(&plan, &world.event, &world.view, 1)) {
        wrong("no plan");
        return;
    }
    draw_events();
    state = must(lf_state_make(plan));
    ingest(state, committed, world.event_count, &row);
    tally.rows++;
    expect_levels(&row, plan, lf_state_wm(state));
    read_all(plan, &row, lf_state_wm(state), 1, 8);
    read_extra(plan, &row, lf_state_wm(state));
    try_order(plan, &row);
    try_cut(plan, &row);
    try_damage(plan, &row, lf_state_wm(state));
    try_replan(plan);
    if (groups)
        try_retract(plan, &row);
    lf_buffer_free(&row);
    lf_state_free(state);
    lf_tile_plan_free(plan);
}

static bool
find_plants(uint64_t seed)
{
    static const char *const names[PLANTS] = {
        [PLANT_LEVEL] = "<= for < in the rule of levels",
        [PLANT_TAIL] = "< for <= at the tail",
        [PLANT_TIES] = "ties reversed",
        [PLANT_CUT] = "an event on both sides of a cut"};
    bool all = true;

    for (int i = 1; i < PLANTS; i++) {
        uint64_t rounds = 0;

        windows_planted = (enum windows_plant)i;
        tally.wrong = 0;
        while (!tally.wrong && rounds < 2000)
            play(seed + rounds++);
        printf("planted: %s: %s after %llu rounds\n", names[i],
               tally.wrong ? "found" : "NOT FOUND", (unsigned long long)rounds);
        all &= tally.wrong > 0;
    }
    return all;
}

int
main(int argc, char **argv)
{
    uint64_t reads = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

    for (uint64_t i = seed; tally.reads < reads && !tally.wrong; i++)
        play(i);
    printf("reads=%llu told=%llu wrong=%llu rows=%llu permutations=%llu "
           "cuts=%llu replans=%llu retracts=%llu damaged=%llu seed=%llu\n",
           (unsigned long long)tally.reads, (unsigned long long)tally.told,
           (unsigned long long)tally.wrong, (unsigned long long)tally.rows,
           (unsigned long long)tally.permutations,
           (unsigned long long)tally.cuts, (unsigned long long)tally.replans,
           (unsigned long long)tally.retracts,
           (unsigned long long)tally.damaged, (unsigned long long)seed);
    return tally.wrong || !find_plants(seed);
}
