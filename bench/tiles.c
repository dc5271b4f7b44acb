/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiles [EVENTS [RATE]]: what a state of windows costs without a store, at several
 * rates, or at one of so many events a day: nanoseconds for an event applied to a row (one by one, in batches of
 * 1,000), for a read of twelve features, and bytes. Three windows (1 hour by
 * minutes, 1 day by 20 minutes, 7 days by 3 hours) of SUM, COUNT, MIN and MAX;
 * slack 10 minutes, max_skew 5 seconds. Seeds are fixed: bytes are the same in
 * every run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/state.h"

#define SECOND   INT64_C(1000000)
#define MINUTE   (60 * SECOND)
#define HOUR     (60 * MINUTE)
#define DAY      (24 * HOUR)
#define BEGIN    INT64_C(1760000000000000)
#define FEATURES 12
#define ROWS     64 /* rows of one rate that are read in turn */
#define READS    2048
#define RATES    7
#define SINGLES  20 /* events one by one before each row */
#define BATCHED  10000

struct world {
    struct lf_event event;
    struct lf_event_column column;
    struct lf_view view;
    struct lf_feature features[FEATURES];
    const struct lf_feature *asked[FEATURES];
    struct lf_aggregate aggregates[FEATURES];
    struct lf_schema schema;
    struct lf_schema_field fields[FEATURES];
    struct lf_tile_plan *plan;
};

struct row {
    struct lf_buffer body;
    int64_t wm;
};

static uint64_t drawn;

static uint64_t
draw(void)
{
    uint64_t value = drawn += 0x9e3779b97f4a7c15u;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static double
now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void
must(int status)
{
    if (!status)
        return;
    fprintf(stderr, "tiles: status %d\n", status);
    exit(1);
}

static void
make_world(struct world *world, int32_t code)
{
    static const enum lf_aggregate_kind kinds[] = {LF_SUM, LF_COUNT, LF_MIN,
                                                   LF_MAX};
    static const int64_t windows[3][2] = {
        {HOUR, MINUTE}, {DAY, 20 * MINUTE}, {7 * DAY, 3 * HOUR}};

    memset(world, 0, sizeof *world);
    world->column = (struct lf_event_column){"amount", code};
    world->event.columns = &world->column;
    world->event.column_count = 1;
    world->event.max_skew = 5 * SECOND;
    world->view.slack = 10 * MINUTE;
    world->view.features = world->features;
    world->view.feature_count = FEATURES;
    world->view.schemas = &world->schema;
    world->view.schema_count = 1;
    world->schema = (struct lf_schema){
        .version = 1, .count = FEATURES, .fields = world->fields};
    for (uint32_t i = 0; i < FEATURES; i++) {
        struct lf_aggregate *aggregate = &world->aggregates[i];
        struct lf_feature *feature = &world->features[i];

        aggregate->kind = kinds[i % 4];
        aggregate->column = aggregate->kind == LF_COUNT ? LF_NO_COLUMN : 0;
        aggregate->by = LF_NO_COLUMN;
        aggregate->window = (struct lf_window){LF_SLIDING, windows[i / 4][0],
                                               windows[i / 4][1]};
        feature->id = i + 1;
        feature->name = "feature";
        feature->aggregate = aggregate;
        feature->type.code =
            aggregate->kind == LF_COUNT ? FEATURE_TYPE_INT64 : code;
        world->fields[i] = (struct lf_schema_field){i + 1, feature->type};
        world->asked[i] = feature;
    }
    must(lf_tile_plan_make(&world->plan, &world->event, &world->view, 1));
}

/* Events in order, cents up to a thousand. */
static void
draw_events(const struct world *world, struct lf_tile_event *events,
            struct lf_cell *cells, uint64_t *values, size_t count, double rate)
{
    int64_t ts = BEGIN;

    for (size_t i = 0; i < count; i++) {
        int64_t cents = (int64_t)(draw() % 100000);
        double price = (double)cents / 100;

        ts += (int64_t)((double)(draw() >> 11) / 9007199254740992.0 * 2 *
                        (double)DAY / rate) +
              1;
        if (world->column.code == FEATURE_TYPE_INT64)
            memcpy(&values[i], &cents, 8);
        else
            memcpy(&values[i], &price, 8);
        cells[i] =
            (struct lf_cell){.bytes = (const uint8_t *)&values[i], .size = 8};
        events[i] = (struct lf_tile_event){ts, 1, &cells[i]};
    }
}

/* Into a row, which is read and written with every batch. */
static double
ingest(struct lf_state *state, struct row *row,
       const struct lf_tile_event *events, size_t count, size_t batch)
{
    static uint8_t outcomes[1000];
    double begin = now();

    for (size_t i = 0; i < count; i += batch) {
        size_t some = count - i < batch ? count - i : batch;

        if (row->body.size)
            must(lf_state_load(state, row->body.data, row->body.size, row->wm));
        else
            lf_state_begin(state);
        must(lf_state_apply(state, events + i, some, outcomes));
        row->body.size = 0;
        must(lf_state_encode(state, &row->body));
        row->wm = lf_state_wm(state);
    }
    return (now() - begin) / (double)count;
}

static double
read_rows(const struct world *world, const struct row *rows, double rate)
{
    struct lf_reading *reading =
        lf_reading_make(world->plan, world->asked, FEATURES);
    int64_t gap = (int64_t)((double)DAY / rate);
    int rounds = rate > 1e6 ? 8 : 80;
    double best = 1e18;

    for (int round = 0; reading && round < rounds; round++) {
        double begin = now();

        for (int i = 0; i < READS; i++) {
            const struct row *row = &rows[i % ROWS];

            must(
                lf_reading_row(reading, row->body.data, row->body.size, row->wm,
                               row->wm + 1 + gap * (i / ROWS % 16) / 16, NULL));
        }
        begin = (now() - begin) / READS;
        best = begin < best ? begin : best;
    }
    lf_reading_free(reading);
    return best;
}

/* Events of one rate. */
struct stream {
    size_t count;
    struct lf_tile_event *events;
    struct lf_cell *cells;
    uint64_t *values;
};

static void
open_stream(struct stream *stream, const struct world *world, size_t count,
            double rate)
{
    stream->count = count;
    stream->events = calloc(count, sizeof *stream->events);
    stream->cells = calloc(count, sizeof *stream->cells);
    stream->values = calloc(count, sizeof *stream->values);
    if (!stream->events || !stream->cells || !stream->values)
        must(1);
    draw_events(world, stream->events, stream->cells, stream->values, count,
                rate);
}

static void
close_stream(struct stream *stream)
{
    free(stream->events);
    free(stream->cells);
    free(stream->values);
}

static void
run(const char *name, int32_t code, double rate, size_t most)
{
    struct row rows[ROWS] = {0}, row = {0};
    size_t warm = (size_t)(rate * (rate < 10 ? 30 : 9)) + 4, size = 0;
    struct lf_state *state;
    struct stream stream;
    struct world world;
    double one = 0, batch, read;

    if (warm > most)
        warm = most;
    drawn = 1;
    make_world(&world, code);
    open_stream(&stream, &world, warm + SINGLES * ROWS + BATCHED, rate);
    state = lf_state_make(world.plan);
    must(state ? 0 : 1);
    ingest(state, &row, stream.events, warm, 1000);
    for (int i = 0; i < ROWS; i++) {
        one +=
            ingest(state, &row, stream.events + warm + SINGLES * i, SINGLES, 1);
        rows[i].wm = row.wm;
        if (!lf_buffer_append(&rows[i].body, row.body.data, row.body.size))
            must(1);
        size += row.body.size;
    }
    read = read_rows(&world, rows, rate);
    batch = ingest(state, &row, stream.events + stream.count - BATCHED, BATCHED,
                   1000);
    printf("%-8s %10.1f %10.0f %10.1f %10.0f %8zu\n", name, rate, one / ROWS,
           batch, read, size / ROWS);
    for (int i = 0; i < ROWS; i++)
        lf_buffer_free(&rows[i].body);
    lf_buffer_free(&row.body);
    lf_state_free(state);
    lf_tile_plan_free(world.plan);
    close_stream(&stream);
}

int
main(int argc, char **argv)
{
    static const double rates[RATES] = {0.1, 1, 10, 100, 1000, 10000, 100000};
    size_t most = argc > 1 ? strtoull(argv[1], NULL, 0) : 2000000;
    double only = argc > 2 ? strtod(argv[2], NULL) : 0;

    printf("%-8s %10s %10s %10s %10s %8s\n", "column", "events/day", "add, ns",
           "of 1000", "read, ns", "bytes");
    if (only > 0) {
        run("INT64", FEATURE_TYPE_INT64, only, most);
        run("FLOAT64", FEATURE_TYPE_FLOAT64, only, most);
        return 0;
    }
    for (size_t i = 0; i < 2 * RATES; i++)
        run(i < RATES ? "INT64" : "FLOAT64",
            i < RATES ? FEATURE_TYPE_INT64 : FEATURE_TYPE_FLOAT64,
            rates[i % RATES], most);
    return 0;
}
