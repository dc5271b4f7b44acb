/* SPDX-License-Identifier: Apache-2.0 */
/* Random definitions and events, written and remembered. */
#ifndef TESTS_API_WINDOWS_WORLD_H
#define TESTS_API_WINDOWS_WORLD_H

#include "windows.h"

#include "../unit/draw.h"

#define KEYS      4
#define ROWS      128
#define SPREAD    (9 * DAY)
#define MAX_SKEW  (5 * SECOND)
#define SLACK     (10 * MINUTE)
#define VIEW_TEXT 8192
#define BARRIERS  8

/* What a run is like. */
struct world {
    struct fixture *f;
    int64_t base; /* events are before it, mostly by some days */
    int64_t zone;
    const char *zone_text;
    int has_history;
    int64_t known_since; /* all events from there on are kept */
    uint32_t specs, defines, events, barriers;
    struct spec spec[SPECS_MAX];
    struct event event[EVENTS_MAX];
    struct barrier barrier[BARRIERS];
    int64_t wm[KEYS], mark[KEYS];
    uint64_t answered, unknown, partial;
};

static const struct window windows[] = {
    {SLIDING, 10 * SECOND, 1, "OVER '10 seconds' EXACT"},
    {SLIDING, MINUTE, SECOND, "OVER '1 minute' HOP '1 second'"},
    {SLIDING, HOUR, MINUTE, "OVER '1 hour' HOP '1 minute'"},
    {SLIDING, 3 * HOUR, HOUR, "OVER '3 hours' HOP '1 hour'"},
    {SLIDING, DAY, HOUR, "OVER '1 day' HOP '1 hour'"},
    {SLIDING, 7 * DAY, DAY, "OVER '7 days' HOP '1 day'"},
    {TUMBLE, HOUR, HOUR, "OVER TUMBLE '1 hour'"},
    {TUMBLE, DAY, DAY, "OVER TUMBLE '1 day'"},
    {CUMULATE, DAY, DAY, "OVER CUMULATE '1 day'"},
    {LIFETIME, 0, 1, "OVER LIFETIME"}};

#define WINDOWS (sizeof windows / sizeof *windows)

static inline const char *
plant(void)
{
    const char *text = getenv("FEATURE_WINDOW_PLANT");

    return text ? text : "";
}

/* --- definitions ------------------------------------------------------------- */

static inline void
draw_specs(struct world *w, uint32_t count)
{
    while (count-- && w->specs < SPECS_MAX - 1) {
        struct spec *spec = &w->spec[w->specs++];

        *spec = (struct spec){.fold = draw_below(SUM_BY_SHOP_KEYS),
                              .window = windows[draw_below(WINDOWS)],
                              .since = w->defines};
        if (spec->fold != SUM_BY_SHOP)
            continue;
        spec[1] = *spec;
        spec[1].fold = SUM_BY_SHOP_KEYS;
        w->specs++;
    }
}

static inline void
define_view(struct world *w)
{
    static char text[VIEW_TEXT];
    size_t size = 0;

    size += (size_t)snprintf(
        text, VIEW_TEXT,
        "CREATE ENTITY card (card_id INT64);"
        "CREATE EVENT payment (card_id INT64, amount INT64, price FLOAT64,"
        " shop STRING, status STRING) WITH (max_skew = '5 seconds');"
        "CREATE FEATURE VIEW spend (");
    for (uint32_t i = 0; i < w->specs; i++)
        if (w->spec[i].fold != SUM_BY_SHOP_KEYS) {
            const char *fold = fold_texts[w->spec[i].fold];

            size += (size_t)snprintf(text + size, VIEW_TEXT - size,
                                     "%sf%u = %s %s", i ? ", " : "", i, fold,
                                     w->spec[i].window.text);
        }
    snprintf(text + size, VIEW_TEXT - size,
             ") FOR card FROM payment WITH (slack = '10 minutes'%s%s);",
             w->zone_text, w->has_history ? ", history = '900 days'" : "");
    must(feature_store_apply(w->f->store, text, NULL, NULL, &problem));
    w->defines++;
}

/* --- events ------------------------------------------------------------------ */

static inline int64_t
draw_time(const struct world *w)
{
    static const int64_t spans[] = {MINUTE, HOUR, DAY, SPREAD};
    int64_t ts = w->base - draw_below((uint64_t)spans[draw_below(4)]);

    if (draw_one_in(4))
        ts = floor_to(ts, windows[draw_below(WINDOWS - 1)].hop, w->zone);
    if (draw_one_in(6) && w->events)
        ts = w->event[draw_below(w->events)].ts;
    return ts;
}

static inline struct event
draw_event(const struct world *w)
{
    struct event event = {.key = draw_below(KEYS),
                          .ts = draw_time(w),
                          .amount = (int64_t)draw_below(2001) - 1000,
                          .price = (double)draw_below(4000) / 4 - 100,
                          .has_amount = !draw_one_in(8),
                          .has_price = !draw_one_in(8),
                          .shop = (int)draw_below(6) - 1,
                          .is_ok = !draw_one_in(3)};

    if (draw_one_in(3))
        event.shop = (int)draw_below(2);
    return event;
}

static inline void
write_some(struct world *w, uint32_t count)
{
    struct event *events = &w->event[w->events];
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch;

    for (uint32_t i = 0; i < count; i++) {
        events[i] = draw_event(w);
        if (events[i].ts > w->wm[events[i].key])
            w->wm[events[i].key] = events[i].ts;
        w->events++;
    }
    batch = event_batch(w->f->store, FEATURE_EVENT, events, count);
    must(feature_store_write(w->f->store, &batch, 1, NULL, &commit, &problem));
    assert_int_equal(commit.applied + commit.late, count);
    for (uint32_t i = 0; i < count; i++)
        events[i].commit_time = commit.time;
    feature_batch_free(batch);
}

/* The last write of an event that is the same in every column. */
static inline uint32_t
last_of(const struct world *w, uint32_t index)
{
    const struct event *a = &w->event[index];

    for (uint32_t i = w->events; i-- > index;) {
        const struct event *b = &w->event[i];

        if (!b->retract_time && a->key == b->key && a->ts == b->ts &&
            a->has_amount == b->has_amount && a->has_price == b->has_price &&
            (!a->has_amount || a->amount == b->amount) &&
            (!a->has_price || a->price == b->price) && a->shop == b->shop &&
            a->is_ok == b->is_ok)
            return i;
    }
    return index;
}

static inline int64_t
floor_of(const struct world *w, int64_t key, int64_t t, int64_t known_by)
{
    int64_t floor = INT64_MIN;

    for (uint32_t i = 0; i < w->barriers; i++)
        if (w->barrier[i].key == key && w->barrier[i].time < t &&
            w->barrier[i].time >= floor &&
            (!known_by || w->barrier[i].commit_time <= known_by))
            floor = w->barrier[i].time + 1;
    return floor;
}

/* With history any event can be taken back that was not deleted. */
static inline void
retract_one(struct world *w)
{
    uint32_t index = last_of(w, draw_below(w->events));
    struct event *event = &w->event[index];
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch;

    if (event->retract_time ||
        event->ts < floor_of(w, event->key, INT64_MAX, 0))
        return;
    batch = event_batch(w->f->store, FEATURE_RETRACT, event, 1);
    must(feature_store_write(w->f->store, &batch, 1, NULL, &commit, &problem));
    assert_int_equal(commit.applied + commit.late, 1); /* as it was itself */
    event->retract_time = commit.time;
    feature_batch_free(batch);
}

static inline void
delete_one(struct world *w)
{
    struct barrier *barrier = &w->barrier[w->barriers];
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch;

    *barrier = (struct barrier){.key = draw_below(KEYS), .time = draw_time(w)};
    if (w->barriers == BARRIERS || w->wm[barrier->key] == INT64_MIN ||
        w->wm[barrier->key] >= w->base)
        return;
    must(feature_batch_create(w->f->store, "spend", "card_id, event_timestamp",
                              FEATURE_DELETE, &batch, &problem));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &barrier->key, NULL,
                           NULL, 1, &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, &barrier->time,
                           NULL, NULL, 1, &problem));
    must(feature_store_write(w->f->store, &batch, 1, NULL, &commit, &problem));
    feature_batch_free(batch);
    if (barrier->time < w->wm[barrier->key])
        barrier->time = w->wm[barrier->key];
    w->wm[barrier->key] = barrier->time;
    barrier->commit_time = commit.time;
    w->barriers++;
}

#endif
