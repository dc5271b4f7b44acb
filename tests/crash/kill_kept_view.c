/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view that keeps events, under kills.
 *
 * Owns what the events of a load and of a write are.
 * Keeps to what a store says through its calls.
 * Never judges what is read.
 */
#include "kill_kept_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EACH_MOST   5 /* events of a key in a load */
#define EVENTS_MOST (KEPT_PIECE * EACH_MOST)
#define DAY         INT64_C(86400000000)
#define BEGINNING   INT64_C(1700000000000000)

/* --- what is written -------------------------------------------------------------- */

uint32_t
kept_events(uint64_t load, uint64_t key)
{
    uint64_t dice = scramble(load, key);

    return dice % 8 ? 1 + (uint32_t)(dice / 8 % EACH_MOST) : 0;
}

struct events {
    uint32_t count;
    int64_t keys[EVENTS_MOST], versions[EVENTS_MOST], numbers[EVENTS_MOST],
        times[EVENTS_MOST];
};

feature_batch *
kept_batch(feature_store *store)
{
    feature_batch *batch;

    well(feature_batch_create(store, "p", "k, version, number, event_timestamp",
                              FEATURE_EVENT, &batch, E));
    return batch;
}

static void
set_events(feature_batch *batch, const struct events *events)
{
    const int64_t *columns[] = {events->keys, events->versions,
                                events->numbers};

    for (uint32_t i = 0; i < 3; i++)
        well(feature_batch_set(batch, i, FEATURE_TYPE_INT64, columns[i], NULL,
                               NULL, events->count, E));
    well(feature_batch_set(batch, 3, FEATURE_TYPE_TIMESTAMP, events->times,
                           NULL, NULL, events->count, E));
}

static void
add_event(struct events *events, uint64_t key, uint64_t version,
          uint64_t number, uint64_t dice)
{
    uint32_t at = events->count++;

    events->keys[at] = (int64_t)key;
    events->versions[at] = (int64_t)version;
    events->numbers[at] = (int64_t)number;
    events->times[at] = BEGINNING + (int64_t)(dice % (uint64_t)(3 * DAY));
}

void
kept_fill_piece(feature_batch *batch, uint64_t load, uint64_t from)
{
    struct events events = {.count = 0};

    for (uint64_t i = from; i < from + KEPT_PIECE; i++) {
        uint64_t key = i * 7 % KEPT_KEYS;

        for (uint64_t j = 0; j < kept_events(load, key); j++)
            add_event(&events, key, load, 0,
                      scramble(load * KEPT_KEYS + key, j));
    }
    set_events(batch, &events);
}

void
kept_fill_write(feature_batch *batch, uint64_t number)
{
    struct events events = {.count = 0};

    add_event(&events, number % KEPT_STREAMED, 0, number, scramble(number, 1));
    set_events(batch, &events);
}

/* --- what is there ------------------------------------------------------------------ */

void
kept_read(feature_store *store, int64_t known_by, struct kept_view *view)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    struct feature_column columns[4];
    feature_request *request;
    feature_query *query;
    int64_t keys[KEPT_KEYS];

    for (int64_t i = 0; i < KEPT_KEYS; i++)
        keys[i] = i;
    well(feature_query_create(store, "v(loaded, versions, streamed, numbers)",
                              &options, &query, E));
    well(feature_request_create(query, &request, E));
    well(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                 NULL, KEPT_KEYS, E));
    well(feature_request_read(request, E));
    well(feature_request_columns(request, columns, 4, E));
    for (uint32_t i = 0; i < KEPT_KEYS; i++) {
        int64_t values[4];

        for (uint32_t j = 0; j < 4; j++) {
            const int64_t *numbers = columns[j].values;
            const uint8_t *valid = columns[j].validity;

            values[j] = !valid || valid[i / 8] >> (i & 7) & 1 ? numbers[i] : 0;
        }
        view->states[i] = feature_request_states(request, 0)[i];
        memcpy(&view->keys[i], values, sizeof values);
    }
    feature_request_free(request);
    feature_query_free(query);
}

uint64_t
kept_load_of(const struct kept_view *view)
{
    uint64_t load = 0;

    for (uint32_t key = 0; key < KEPT_KEYS; key++) {
        const struct kept_sums *sums = &view->keys[key];
        uint64_t each;

        if (!sums->loaded)
            continue;
        each = (uint64_t)(sums->versions / sums->loaded);
        if ((load && each != load) || sums->versions % sums->loaded)
            return UINT64_MAX;
        load = each;
    }
    return load;
}

static uint64_t
number_in(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    if (!at)
        violated(name, "is not in the list of loads");
    return strtoull(at + strlen(name), NULL, 10);
}

uint64_t
kept_cut(feature_store *store, uint64_t load, int64_t *time)
{
    char *text, *line, id[48];
    uint64_t cut = 0;

    *time = 0;
    if (!load)
        return 0;
    snprintf(id, sizeof id, "\"id\":\"load-%" PRIu64 "\"", load);
    well(feature_store_loads(store, "v", &text, E));
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strstr(line, id) && strstr(line, "\"committed\"")) {
            cut = number_in(line, "\"cut\":");
            *time = (int64_t)number_in(line, "\"cut_time\":");
            break;
        }
    if (!line)
        violated(id, "serves, and is not in the list of loads");
    feature_free(text);
    return cut;
}

uint64_t
kept_feed(feature_store *store, uint64_t since,
          struct kept_sums sums[KEPT_STREAMED], uint64_t *last)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = since};
    struct feature_change_record record;
    feature_changes *changes;
    uint64_t newest = 0;

    memset(sums, 0, KEPT_STREAMED * sizeof *sums);
    well(feature_changes_open(store, &options, &changes, E));
    for (;;) {
        char *text, *at;

        well(feature_changes_next(changes, &record, E));
        if (!record.bytes)
            break;
        *last = record.sequence;
        well(
            feature_changes_json(changes, record.bytes, record.size, &text, E));
        at = strstr(text, "\"number\":");
        if (at) {
            uint64_t number = strtoull(at + strlen("\"number\":"), NULL, 10);

            sums[number % KEPT_STREAMED].streamed += number > 0;
            sums[number % KEPT_STREAMED].numbers += (int64_t)number;
            newest = number > newest ? number : newest;
        }
        feature_free(text);
    }
    feature_changes_free(changes);
    return newest;
}
