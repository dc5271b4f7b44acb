/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random events, written.
 *
 * Owns outcomes row by row, in the order of the batches and of their rows.
 * Keeps a call whole: what is refused leaves no trace in the model.
 * Never folds: what an event is worth is known when somebody reads.
 */
#include "event_world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX    48
#define BATCHES_MAX 2

/* --- drawing ----------------------------------------------------------------- */

int64_t
draw_ts(struct event_world *world)
{
    static const int64_t back[] = {2 * SECOND, MINUTE, HOUR, DAY, 9 * DAY};
    static const int64_t hops[] = {SECOND, MINUTE, HOUR, DAY};
    static const int64_t zones[] = {0, 8 * HOUR, -(3 * HOUR + 30 * MINUTE)};
    struct dice *dice = &world->dice;
    int64_t span = back[dice_below(dice, 5)];
    int64_t ts = world->now - (int64_t)(dice_next(dice) % (uint64_t)span);

    if (dice_chance(dice, 15) && world->count)
        return world->events[dice_below(dice, world->count)].ts;
    if (dice_chance(dice, 15))
        ts = floor_to(ts, hops[dice_below(dice, 4)],
                      zones[dice_below(dice, 3)]) -
             dice_below(dice, 2);
    if (dice_chance(dice, 4))
        ts = world->now + dice_between(dice, 0, 2 * 5000000);
    if (dice_chance(dice, 2))
        ts = world->now + event_kinds[dice_below(dice, EVENT_KINDS)].max_skew +
             dice_below(dice, 2);
    return ts;
}

struct happened
draw_happened(struct event_world *world, int kind)
{
    struct dice *dice = &world->dice;
    struct happened event = {
        .kind = kind,
        .id = dice_chance(dice, 80) ? (int)dice_below(dice, IDS_MAX) : -1,
        .card = dice_chance(dice, 95) ? (int)dice_below(dice, CARDS) : -1,
        .shop = dice_chance(dice, 90) ? (int)dice_below(dice, SHOPS) : -1,
        .ok = dice_between(dice, -1, 1),
        .has_amount = dice_chance(dice, 88),
        .has_price = dice_chance(dice, 88),
        .amount = dice_between(dice, -50, 400),
        .price = dice_between(dice, -40, 120) / 4.0,
        .ts = draw_ts(world),
        .retract_time = NEVER};

    if (dice_chance(dice, 10))
        event.amount = 5;
    if (dice_chance(dice, 30)) /* one of few, which will come again */
        event.id = event.id < 0 ? -1 : event.id % 8;
    return event;
}

/* --- batches ----------------------------------------------------------------- */

struct cells {
    int64_t cards[ROWS_MAX], amounts[ROWS_MAX], times[ROWS_MAX];
    double prices[ROWS_MAX];
    uint8_t oks[ROWS_MAX / 8];
    int32_t id_ends[ROWS_MAX + 1], shop_ends[ROWS_MAX + 1];
    char ids[12 * ROWS_MAX], shops[4 * ROWS_MAX];
    uint8_t has[6][ROWS_MAX / 8];
};

static void
set_bit(uint8_t *bits, uint32_t i, bool value)
{
    if (value)
        bits[i / 8] |= (uint8_t)(1u << (i & 7));
}

static void
fill_cells(struct cells *cells, const struct happened *rows, uint32_t count)
{
    memset(cells, 0, sizeof *cells);
    for (uint32_t i = 0; i < count; i++) {
        const struct happened *row = &rows[i];
        const char *shop = row->shop < 0 ? "" : shop_names[row->shop];
        char id[16] = "";

        if (row->id >= 0)
            snprintf(id, sizeof id, "i%d", row->id);
        memcpy(cells->ids + cells->id_ends[i], id, strlen(id));
        cells->id_ends[i + 1] = cells->id_ends[i] + (int32_t)strlen(id);
        memcpy(cells->shops + cells->shop_ends[i], shop, strlen(shop));
        cells->shop_ends[i + 1] = cells->shop_ends[i] + (int32_t)strlen(shop);
        cells->cards[i] = row->card;
        cells->amounts[i] = row->amount;
        cells->prices[i] = row->price;
        cells->times[i] = row->ts;
        set_bit(cells->oks, i, row->ok == 1);
        set_bit(cells->has[0], i, row->id >= 0);
        set_bit(cells->has[1], i, row->card >= 0);
        set_bit(cells->has[2], i, row->shop >= 0);
        set_bit(cells->has[3], i, row->has_amount);
        set_bit(cells->has[4], i, row->has_price);
        set_bit(cells->has[5], i, row->ok >= 0);
    }
}

static feature_status
set_cells(feature_batch *batch, const struct cells *c, uint32_t count,
          bool has_time, struct feature_error *error)
{
    const struct {
        int32_t type;
        const void *values;
        const int32_t *ends;
    } columns[6] = {{FEATURE_TYPE_STRING, c->ids, c->id_ends},
                    {FEATURE_TYPE_INT64, c->cards, NULL},
                    {FEATURE_TYPE_STRING, c->shops, c->shop_ends},
                    {FEATURE_TYPE_INT64, c->amounts, NULL},
                    {FEATURE_TYPE_FLOAT64, c->prices, NULL},
                    {FEATURE_TYPE_BOOL, c->oks, NULL}};
    feature_status status = FEATURE_OK;

    for (uint32_t i = 0; !status && i < 6; i++)
        status = feature_batch_set(batch, i, columns[i].type, columns[i].values,
                                   columns[i].ends, c->has[i], count, error);
    if (!status && has_time)
        status = feature_batch_set(batch, 6, FEATURE_TYPE_TIMESTAMP, c->times,
                                   NULL, NULL, count, error);
    return status;
}

feature_status
make_event_batch(feature_store *store, int32_t operation,
                 const struct happened *rows, uint32_t count, bool has_time,
                 feature_batch **batch, struct feature_error *error)
{
    static struct cells cells;
    feature_status status = feature_batch_create(
        store, event_kinds[rows->kind].name,
        has_time ? "id, card_id, shop, amount, price, ok, event_timestamp"
                 : "id, card_id, shop, amount, price, ok",
        operation, batch, error);

    if (status)
        return status;
    fill_cells(&cells, rows, count);
    return set_cells(*batch, &cells, count, has_time, error);
}

/* --- ids --------------------------------------------------------------------- */

/* The place of an id that was seen within dedupe_for. */
static struct seen_id *
find_id(struct event_world *world, int id, bool is_retract, int64_t time)
{
    for (uint32_t i = 0; i < world->id_count; i++) {
        struct seen_id *seen = &world->ids[i];

        if (seen->id == id && seen->is_retract == is_retract &&
            (time - seen->commit_time < DEDUPE_FOR ||
             world->plant == EVENT_PLANT_FORGET))
            return seen;
    }
    return NULL;
}

bool
was_seen(struct event_world *world, const struct happened *row, int64_t time)
{
    return event_kinds[row->kind].has_ids && row->id >= 0 &&
           find_id(world, row->id, false, time);
}

bool
see_id(struct event_world *world, const struct happened *row, bool is_retract,
       int64_t time)
{
    if (!event_kinds[row->kind].has_ids || row->id < 0)
        return false;
    if (find_id(world, row->id, is_retract, time))
        return world->plant != EVENT_PLANT_DUPLICATE;
    for (uint32_t i = 0; i < world->id_count; i++)
        if (time - world->ids[i].commit_time >= DEDUPE_FOR &&
            world->plant != EVENT_PLANT_FORGET) {
            world->ids[i--] = world->ids[--world->id_count];
        }
    if (world->id_count < IDS_MAX)
        world->ids[world->id_count++] =
            (struct seen_id){row->id, is_retract, time};
    return false;
}

/* --- one call ---------------------------------------------------------------- */

struct call {
    uint32_t batch_count;
    uint32_t counts[BATCHES_MAX];
    bool has_time[BATCHES_MAX];
    struct happened rows[BATCHES_MAX][ROWS_MAX];
    uint32_t may[BATCHES_MAX][ROWS_MAX];
    bool skips;
    bool is_refused;
    int64_t time; /* of the commit */
};

/* What the views of an event make of it. */
static uint32_t
place_event(struct event_world *world, const struct happened *event)
{
    bool has_key = false, has_place = false, is_unsure = false;

    for (uint32_t i = 0; i < SLOTS; i++) {
        struct view *view = &world->views[i];
        int key = key_of(view, event);
        bool late,
            is_anew; /* made of kept events, with a wm of before a sweep */

        if (!view->serial || view->kind != event->kind)
            continue;
        if (key < 0 && world->plant == EVENT_PLANT_NULL_KEY) {
            has_key = true;
            continue;
        }
        if (key < 0)
            continue;
        late = is_late(world, view, (uint32_t)key, event->ts);
        has_key = true;
        is_anew = view->is_unsure[key] && view->has_odd[key] && view->history;
        has_place |= !late && !is_anew;
        is_unsure |= is_anew || (late && view->is_unsure[key]);
        take_event(view, (uint32_t)key, event->ts, late);
    }
    if (has_place || !has_key)
        return MAY(FEATURE_OUTCOME_APPLIED);
    if (is_unsure)
        return MAY(FEATURE_OUTCOME_APPLIED) | MAY(FEATURE_OUTCOME_LATE);
    return MAY(FEATURE_OUTCOME_LATE);
}

static bool
is_future(const struct event_world *world, const struct happened *event)
{
    int64_t edge = world->now + event_kinds[event->kind].max_skew;

    return event->ts > edge ||
           (world->plant == EVENT_PLANT_SKEW && event->ts == edge);
}

static uint32_t
predict_row(struct event_world *world, struct happened *row, int64_t time)
{
    if (isnan(row->price) && row->has_price)
        return MAY(FEATURE_OUTCOME_REJECTED);
    if (is_future(world, row)) {
        if (world->plant == EVENT_PLANT_FUTURE_ID)
            (void)see_id(world, row, false, time);
        return MAY(FEATURE_OUTCOME_FUTURE);
    }
    if (see_id(world, row, false, time))
        return MAY(FEATURE_OUTCOME_DUPLICATE);
    row->commit_time = time;
    row->order = world->count;
    if (world->count == EVENTS_MAX)
        return 0; /* the episode is over */
    world->events[world->count++] = *row;
    return place_event(world, row);
}

/* With a row that is refused the call changes nothing. */
static void
predict(struct event_world *world, struct call *call)
{
    uint32_t last = world->plant == EVENT_PLANT_HALF ? 1 : 0;

    for (uint32_t b = 0; b < call->batch_count; b++)
        for (uint32_t i = 0; i < call->counts[b]; i++)
            call->is_refused |= !call->skips && call->rows[b][i].has_price &&
                                isnan(call->rows[b][i].price);
    for (uint32_t b = 0; b < call->batch_count; b++)
        for (uint32_t i = 0; i < call->counts[b]; i++)
            if (!call->is_refused || last--)
                call->may[b][i] =
                    predict_row(world, &call->rows[b][i], call->time);
            else
                return;
}

static void
draw_call(struct event_world *world, struct call *call)
{
    struct dice *dice = &world->dice;

    memset(call, 0, sizeof *call);
    call->batch_count = dice_chance(dice, 25) ? 2 : 1;
    call->skips = dice_chance(dice, 50);
    call->time =
        world->now > world->commit_time ? world->now : world->commit_time + 1;
    for (uint32_t b = 0; b < call->batch_count; b++) {
        int kind = dice_chance(dice, 65) ? PAY : HIT;

        call->counts[b] = dice_chance(dice, 15) ? 1 + dice_below(dice, ROWS_MAX)
                                                : 1 + dice_below(dice, 6);
        call->has_time[b] = dice_chance(dice, 92);
        for (uint32_t i = 0; i < call->counts[b]; i++) {
            struct happened *row = &call->rows[b][i];

            *row = draw_happened(world, kind);
            if (!call->has_time[b])
                row->ts = call->time;
            if (dice_below(dice, 150) == 0)
                row->price = NAN;
        }
    }
}

void
say_row(struct event_world *world, const struct happened *row, const char *verb,
        uint8_t outcome)
{
    say(world,
        "  %s %s id %d card %d shop %d amount %lld%s price %g%s ok %d ts %lld:"
        " %u\n",
        verb, event_kinds[row->kind].name, row->id, row->card, row->shop,
        (long long)row->amount, row->has_amount ? "" : " (null)", row->price,
        row->has_price ? "" : " (null)", row->ok, (long long)row->ts, outcome);
}

static bool
compare_call(struct event_world *world, const struct call *call,
             feature_batch *const *batches)
{
    for (uint32_t b = 0; b < call->batch_count; b++) {
        const uint8_t *outcomes = feature_batch_outcomes(batches[b]);

        for (uint32_t i = 0; i < call->counts[b]; i++) {
            say_row(world, &call->rows[b][i], "event", outcomes[i]);
            if (call->may[b][i] && !(call->may[b][i] >> outcomes[i] & 1))
                return differ(world,
                              "batch %u row %u (%s at %lld): outcome %u, not "
                              "one of %#x",
                              b, i, event_kinds[call->rows[b][i].kind].name,
                              (long long)call->rows[b][i].ts, outcomes[i],
                              call->may[b][i]);
        }
    }
    return true;
}

static bool
judge_call(struct event_world *world, const struct call *call,
           feature_batch *const *batches, feature_status status,
           const struct feature_commit *commit,
           const struct feature_error *error)
{
    if (call->is_refused)
        return status == FEATURE_INVALID ||
               differ(world, "a NaN was not refused: %s",
                      feature_status_name(status));
    if (!expect_good(world, "feature_store_write", status, error))
        return false;
    if (commit->applied + commit->late && commit->time != call->time)
        return differ(world, "commit time %lld, not %lld",
                      (long long)commit->time, (long long)call->time);
    return compare_call(world, call, batches);
}

bool
run_event_write(struct event_world *world)
{
    static struct call call;
    struct feature_write_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batches[BATCHES_MAX] = {0};
    feature_store *store = any_store(world);
    struct feature_error error = {0};
    feature_status status = FEATURE_OK;
    bool same;

    if (!learn_commit_time(world))
        return false;
    draw_call(world, &call);
    if (world->count + 2 * ROWS_MAX > EVENTS_MAX)
        return true;
    for (uint32_t b = 0; !status && b < call.batch_count; b++)
        status =
            make_event_batch(store, FEATURE_EVENT, call.rows[b], call.counts[b],
                             call.has_time[b], &batches[b], &error);
    options.flags = call.skips ? FEATURE_WRITE_SKIP_INVALID : 0;
    same = expect_good(world, "feature_batch_create", status, &error);
    if (same) {
        status = feature_store_write(store, batches, call.batch_count, &options,
                                     &commit, &error);
        predict(world, &call);
        same = judge_call(world, &call, batches, status, &commit, &error);
        world->counts.rows += call.counts[0] + call.counts[1];
    }
    feature_batch_free(batches[0]);
    feature_batch_free(batches[1]);
    return same;
}
