/* SPDX-License-Identifier: Apache-2.0 */
/* What has to hold of any events, whatever they are. */
#include "windows_rig.h"

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

void
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

void
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

void
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
void
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
    expect_partial(next, &row, lf_state_wm(state), wm);
    try_damage(next, &row, lf_state_wm(state));
    tally.replans++;
    lf_buffer_free(&row);
    lf_buffer_free(&old);
    lf_state_free(state);
    lf_state_free(again);
    lf_tile_plan_free(next);
}

void
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
