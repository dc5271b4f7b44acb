/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of windowed views, and what may be answered.
 *
 * Owns the verdict on states and cells: a value is right, or it is missing where
 * the store need not know it.
 * Keeps each row by itself, whatever it was read with.
 * Never takes a wrong value for an excuse.
 */
#include "event_read.h"

#include <string.h>

/* --- verdicts ---------------------------------------------------------------- */

static void
expected_cell(const struct event_world *world, const struct reading *reading,
              const struct asked *asked, const struct spec *spec,
              const struct gathered *all, struct text *text)
{
    int64_t from, to;

    bounds_of(world, asked->view, spec->span, asked->t, &from, &to);
    if (world->plant == EVENT_PLANT_TAIL && from != INT64_MIN)
        from++;
    if (world->plant == EVENT_PLANT_END)
        to++;
    fold(world, spec, all, from, to, text);
    if (reading->fills && spec->has_default && !strcmp(text->data, "null")) {
        text_clear(text);
        text_add(text, reading->request ? "7*" : "7");
    }
}

static bool
expect_window(struct event_world *world, const struct reading *reading,
              const struct asked *asked, const struct spec *spec,
              uint32_t column, uint32_t row)
{
    struct feature_error error = {0};
    int64_t from, to, got_from = 0, got_to = 0;

    if (!reading->request)
        return true;
    if (feature_request_window(reading->request, column, row, &got_from,
                               &got_to, &error))
        return differ(world, "feature_request_window: %s", error.message);
    bounds_of(world, asked->view, spec->span, asked->t, &from, &to);
    if (from == got_from && to == got_to)
        return true;
    return differ(world, "the window of f%u is %lld to %lld, not %lld to %lld",
                  spec->name, (long long)got_from, (long long)got_to,
                  (long long)from, (long long)to);
}

/* A cell may lack a value if its state is not known to be whole. */
static bool
may_lack(const struct event_world *world, const struct reading *reading,
         const struct asked *asked, const struct spec *spec, int state)
{
    int64_t from, to;

    if (reading->has_states && state != FEATURE_STATE_NO_HISTORY &&
        state != FEATURE_STATE_PARTIAL)
        return false;
    bounds_of(world, asked->view, spec->span, asked->t, &from, &to);
    return !has_to_know(world, asked, from) ||
           may_be_partial(world, asked, spec);
}

static bool
judge_cell(struct event_world *world, const struct reading *reading,
           const struct asked *asked, const struct gathered *all,
           uint32_t column, uint32_t row, int state)
{
    const struct spec *spec = &asked->view->specs[reading->columns[column]];
    struct text expected = {0}, got = {0};
    bool same;

    if (!expect_window(world, reading, asked, spec, column, row))
        return false;
    expected_cell(world, reading, asked, spec, all, &expected);
    print_column(&got, &reading->values[column], row);
    same = !strcmp(expected.data, got.data) ||
           (!strcmp(got.data, "null") &&
            may_lack(world, reading, asked, spec, state));
    if (!same)
        (void)differ(
            world,
            "%s key %u at %lld%s: f%u = %s%s%s%s is %s, not %s (state "
            "%d, wm %lld, known by %lld, %u events)",
            view_name(world, asked->view), asked->key, (long long)asked->t,
            asked->as_of ? "" : " (now)", spec->name,
            aggregates[spec->aggregate].text, aggregates[spec->aggregate].by,
            conditions[spec->condition], spec->span->text, got.data,
            expected.data, state, (long long)asked->view->wm[asked->key],
            (long long)asked->known_by, all->count);
    world->counts.cells++;
    text_free(&expected);
    text_free(&got);
    return same;
}

static bool
is_right_state(const struct event_world *world, const struct asked *asked,
               const struct gathered *all, int state)
{
    bool visible = is_visible(world, asked, all), knows, is_partial;

    view_knowledge(world, asked, &knows, &is_partial);
    if (knows_nothing(asked))
        return state == FEATURE_STATE_NO_HISTORY;
    if (state == FEATURE_STATE_NO_HISTORY)
        return !knows || is_partial;
    if (state == FEATURE_STATE_PARTIAL)
        return is_partial;
    if (state == FEATURE_STATE_NOT_FOUND)
        return !visible || is_partial;
    if (state != FEATURE_STATE_PRESENT && state != FEATURE_STATE_NULL)
        return false;
    return visible || !knows || is_partial;
}

/* PRESENT where a feature has a value, before DEFAULT; else NULL. */
static bool
is_right_null(struct event_world *world, const struct reading *reading,
              uint32_t row, int state)
{
    bool any = false;

    if (!reading->request)
        return true;
    for (uint32_t i = 0; i < reading->count; i++) {
        const struct feature_column *column = &reading->values[i];

        any |=
            (column->validity[row / 8] >> (row & 7) & 1) &&
            !(column->defaulted && column->defaulted[row / 8] >> (row & 7) & 1);
    }
    if (state == FEATURE_STATE_PRESENT || state == FEATURE_STATE_NULL)
        return any == (state == FEATURE_STATE_PRESENT) ||
               differ(world, "a row with%s values is in state %d",
                      any ? "" : "out", state);
    return true;
}

static bool
is_right_time(struct event_world *world, const struct asked *asked,
              const struct reading *reading, uint32_t row, int state)
{
    int64_t time = reading->newest[row];
    int64_t wm = asked->view->wm[asked->key];

    if ((state != FEATURE_STATE_PRESENT && state != FEATURE_STATE_NULL) ||
        asked->view->has_odd[asked->key] || asked->extra || asked->known_by ||
        asked->view->is_unsure[asked->key] || asked->t <= wm || wm == NEVER ||
        (!reading->request && reading->as_of))
        return true;
    return time == wm || differ(world, "the newest event is at %lld, not %lld",
                                (long long)time, (long long)wm);
}

static bool
judge_row(struct event_world *world, const struct reading *reading,
          const struct asked *asked, uint32_t row)
{
    static struct gathered all;
    int state = reading->states[row];

    gather(world, asked, &all);
    world->counts.unknown += state == FEATURE_STATE_NO_HISTORY;
    world->counts.partial += state == FEATURE_STATE_PARTIAL;
    if (reading->has_states && !is_right_state(world, asked, &all, state))
        return differ(world,
                      "%s key %u at %lld%s: state %d (wm %lld, known by %lld, "
                      "%u events, %s)",
                      view_name(world, asked->view), asked->key,
                      (long long)asked->t, asked->as_of ? "" : " (now)", state,
                      (long long)asked->view->wm[asked->key],
                      (long long)asked->known_by, all.count,
                      is_visible(world, asked, &all) ? "visible" : "unseen");
    for (uint32_t i = 0; i < reading->count; i++)
        if (!judge_cell(world, reading, asked, &all, i, row, state))
            return false;
    return is_right_null(world, reading, row, state) &&
           is_right_time(world, asked, reading, row, state);
}

static bool
judge_null_key(struct event_world *world, const struct reading *reading,
               uint32_t row)
{
    int state = reading->states[row];

    return state == FEATURE_STATE_NO_KEY ||
           differ(world, "a row without a key is in state %d", state);
}

bool
judge_reading(struct event_world *world, const struct reading *reading)
{
    for (uint32_t i = 0; i < reading->rows; i++) {
        struct happened key = {.card = reading->card[i],
                               .shop = reading->shop[i]};
        struct asked asked = {.view = reading->view,
                              .t = reading->as_of ? reading->times[i]
                                                  : reading->now,
                              .as_of = reading->as_of,
                              .known_by = reading->known_by};
        const struct happened *extra = &reading->events[i];
        int found = key_of(reading->view, &key);

        if (found < 0 && !judge_null_key(world, reading, i))
            return false;
        if (found < 0)
            continue;
        asked.key = (uint32_t)found;
        if (reading->is_scored && extra->kind == reading->view->kind) {
            asked.t = extra->ts >= asked.t ? extra->ts + 1 : asked.t;
            if (!was_seen(world, extra, reading->seen_by))
                asked.extra = extra;
        }
        if (!judge_row(world, reading, &asked, i))
            return false;
    }
    return true;
}

/* --- requests ---------------------------------------------------------------- */

static feature_status
set_keys(const struct reading *reading, struct feature_error *error)
{
    int64_t cards[READ_ROWS];
    int32_t ends[READ_ROWS + 1] = {0};
    char shops[4 * READ_ROWS];
    uint8_t has[2][READ_ROWS / 8 + 1] = {{0}};
    feature_status status = FEATURE_OK;
    enum entity entity = reading->view->entity;

    for (uint32_t i = 0; i < reading->rows; i++) {
        const char *shop =
            reading->shop[i] < 0 ? "" : shop_names[reading->shop[i]];

        cards[i] = reading->card[i];
        memcpy(shops + ends[i], shop, strlen(shop));
        ends[i + 1] = ends[i] + (int32_t)strlen(shop);
        has[0][i / 8] |= (uint8_t)((reading->card[i] >= 0) << (i & 7));
        has[1][i / 8] |= (uint8_t)((reading->shop[i] >= 0) << (i & 7));
    }
    if (entity != BY_SHOP)
        status =
            feature_request_set_key(reading->request, 0, FEATURE_TYPE_INT64,
                                    cards, NULL, has[0], reading->rows, error);
    if (!status && entity != BY_CARD)
        status = feature_request_set_key(reading->request, entity == BY_PAIR,
                                         FEATURE_TYPE_STRING, shops, ends,
                                         has[1], reading->rows, error);
    return status;
}

/* Some of the features of a view, or all. */
feature_status
make_event_query(struct event_world *world, struct reading *reading,
                 feature_store *store, struct feature_error *error)
{
    struct feature_query_options options = {
        .struct_size = sizeof options,
        .fill = reading->fills ? FEATURE_FILL_DEFAULTS : FEATURE_FILL_NULLS,
        .known_by = reading->known_by};
    uint32_t percent = dice_chance(&world->dice, 60) ? 100 : 40;
    struct text text = {0};
    feature_status status;

    text_add(&text, "%s(", view_name(world, reading->view));
    for (uint32_t i = 0; i < reading->view->count; i++) {
        const struct spec *spec = &reading->view->specs[i];

        if (!dice_chance(&world->dice, percent) && reading->count)
            continue;
        text_add(&text, "%sf%u%s", reading->count ? ", " : "", spec->name,
                 spec->is_keys ? "_keys" : "");
        reading->columns[reading->count++] = i;
    }
    text_add(&text, ")");
    say(world, "read %s %s, known by %lld\n", text.data,
        reading->as_of ? "as of" : "now", (long long)reading->known_by);
    status = feature_query_create(store, text.data, &options, &reading->query,
                                  error);
    text_free(&text);
    return status;
}

static int64_t
draw_time(struct event_world *world, const struct reading *reading, uint32_t i)
{
    struct dice *dice = &world->dice;
    struct happened key = {.card = reading->card[i], .shop = reading->shop[i]};
    int found = key_of(reading->view, &key);
    int64_t wm = found < 0 ? NEVER : reading->view->wm[found];

    if (wm == NEVER)
        wm = world->now;
    switch (dice_below(dice, 6)) {
    case 0:
        return wm + 1;
    case 1:
        return wm - dice_below(dice, 5000001);
    case 2:
        return world->now + (int64_t)(dice_next(dice) % (uint64_t)(2 * DAY));
    case 3:
        return wm - (int64_t)(dice_next(dice) % (uint64_t)(10 * MINUTE));
    default:
        return draw_ts(world) + dice_between(dice, 0, 1);
    }
}

void
draw_reading(struct event_world *world, struct reading *reading, bool is_scored)
{
    struct dice *dice = &world->dice;

    reading->rows = 1 + dice_below(dice, 12);
    reading->has_states = true;
    reading->fills = dice_chance(dice, 50);
    reading->as_of = dice_chance(dice, 70);
    reading->is_scored = is_scored;
    if (!is_scored && world->count && dice_chance(dice, 20))
        reading->known_by =
            world->events[dice_below(dice, world->count)].commit_time;
    for (uint32_t i = 0; i < reading->rows; i++) {
        reading->card[i] = dice_between(dice, 0, CARDS - 1);
        reading->shop[i] = dice_between(dice, 0, SHOPS - 1);
        if (dice_chance(dice, 2))
            reading->shop[i] = reading->card[i] = -1;
        reading->times[i] = draw_time(world, reading, i);
        reading->events[i] = draw_happened(world, reading->view->kind);
        reading->events[i].order = INT64_MAX;
        if (dice_chance(dice, 60)) {
            reading->events[i].card = reading->card[i];
            reading->events[i].shop = reading->shop[i];
        }
        if (is_scored && dice_chance(dice, 50))
            reading->times[i] = reading->events[i].ts + 1;
    }
}

static feature_status
set_events(const struct reading *reading, feature_store *store,
           struct feature_error *error)
{
    feature_batch *batch = NULL;
    feature_status status =
        make_event_batch(store, FEATURE_EVENT, reading->events, reading->rows,
                         true, &batch, error);

    if (!status)
        status = feature_request_set_events(reading->request, batch, error);
    feature_batch_free(batch);
    return status;
}

static void
take_answers(struct reading *reading)
{
    reading->now = feature_request_now(reading->request);
    for (uint32_t i = 0; i < reading->count; i++)
        (void)feature_request_column(reading->request, i, &reading->values[i],
                                     NULL);
    for (uint32_t i = 0; i < reading->rows; i++) {
        reading->states[i] = feature_request_states(reading->request, 0)[i];
        reading->newest[i] = feature_request_timestamps(reading->request, 0)[i];
    }
}

bool
run_event_read(struct event_world *world, bool is_scored)
{
    static struct reading reading;
    feature_store *store = any_store(world);
    struct feature_error error = {0};
    feature_status status;
    bool same;

    memset(&reading, 0, sizeof reading);
    reading.view = any_view(world);
    if (!reading.view)
        return true;
    draw_reading(world, &reading, is_scored);
    status = make_event_query(world, &reading, store, &error);
    if (!status)
        status =
            feature_request_create(reading.query, &reading.request, &error);
    if (!status)
        status = set_keys(&reading, &error);
    if (!status && reading.as_of)
        status = feature_request_set_as_of(reading.request, reading.times,
                                           reading.rows, &error);
    if (!status && is_scored)
        status = set_events(&reading, store, &error);
    if (!status)
        status = feature_request_read(reading.request, &error);
    if (!status)
        take_answers(&reading);
    same = expect_good(world, "a read", status, &error) &&
           learn_commit_time(world);
    reading.seen_by =
        world->commit_time > reading.now ? world->commit_time : reading.now;
    same = same && judge_reading(world, &reading);
    feature_request_free(reading.request);
    feature_query_free(reading.query);
    return same;
}
