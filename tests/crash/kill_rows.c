/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that follow from the number of their commit.
 *
 * Owns the batches of a writer, and the query of a reader.
 * Keeps what is expected to the number alone: nothing is remembered.
 * Never lets an answer pass that is of two commits.
 */
#include "kill_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEFT_ROWS  5
#define RIGHT_ROWS 3
#define VIEWS      2
#define MOST_ROWS  5
#define MOST_TEXT  120
#define APPLY      4 /* every fourth commit, with definitions */
#define DEFINED    1 /* commits before commit 1 */

#define DEFINITIONS                                                 \
    "CREATE ENTITY e (k INT64);"                                    \
    "CREATE FEATURE VIEW left (s INT64, h INT64, t STRING) FOR e;"  \
    "CREATE FEATURE VIEW right (s INT64, h INT64, t STRING) FOR e;" \
    "CREATE FEATURE VIEW ballast (t STRING) FOR e;"

static const char *const views[VIEWS] = {"left", "right"};
static const uint32_t row_counts[VIEWS] = {LEFT_ROWS, RIGHT_ROWS};

/* --- what follows from a number -------------------------------------------------- */

static int64_t
key_of(uint64_t number, uint32_t view, uint32_t row)
{
    uint64_t first = scramble(number, 10 + view) % KILL_KEYS;

    return (int64_t)((first + row * 7) % KILL_KEYS);
}

static int64_t
value_of(uint64_t number, uint32_t view, int64_t key)
{
    return (int64_t)scramble(number, 100 * (view + 1) + (uint64_t)key);
}

static uint32_t
text_of(uint64_t number, uint32_t view, int64_t key, char text[MOST_TEXT])
{
    uint64_t dice = (uint64_t)value_of(number, view, key);
    uint32_t size = (uint32_t)(dice % MOST_TEXT);

    for (uint32_t i = 0; i < size; i++)
        text[i] = (char)('a' + (dice >> i % 32) % 26);
    return size;
}

static bool
is_apply(const struct rig *rig, uint64_t number)
{
    return rig->has_definitions && !(number % APPLY);
}

/* The commit that a key has its values of; 0: none. */
static uint64_t
last_writer(const struct rig *rig, uint64_t number, uint32_t view, int64_t key)
{
    for (; number; number--)
        if (!is_apply(rig, number))
            for (uint32_t row = 0; row < row_counts[view]; row++)
                if (key_of(number, view, row) == key)
                    return number;
    return 0;
}

/* --- writing --------------------------------------------------------------------- */

feature_store *
kill_open(const char *path, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    feature_store *store;

    well(feature_store_open(path, &options, &store, E));
    return store;
}

static void
set(feature_batch *batch, uint32_t column, int32_t type, const void *values,
    const int32_t *offsets, uint32_t rows)
{
    well(
        feature_batch_set(batch, column, type, values, offsets, NULL, rows, E));
}

static void
set_rows(feature_batch *batch, uint64_t number, uint32_t view)
{
    int64_t keys[MOST_ROWS], times[MOST_ROWS], numbers[MOST_ROWS];
    int64_t values[MOST_ROWS];
    int32_t offsets[MOST_ROWS + 1] = {0};
    char text[MOST_ROWS * MOST_TEXT];
    uint32_t rows = row_counts[view];

    for (uint32_t i = 0; i < rows; i++) {
        keys[i] = key_of(number, view, i);
        times[i] = numbers[i] = (int64_t)number;
        values[i] = value_of(number, view, keys[i]);
        offsets[i + 1] = offsets[i] + (int32_t)text_of(number, view, keys[i],
                                                       text + offsets[i]);
    }
    set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, rows);
    set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, rows);
    set(batch, 2, FEATURE_TYPE_INT64, numbers, NULL, rows);
    set(batch, 3, FEATURE_TYPE_INT64, values, NULL, rows);
    set(batch, 4, FEATURE_TYPE_STRING, text, offsets, rows);
}

static void
write_ballast(feature_store *store, uint32_t rows)
{
    feature_batch *batch;
    char text[200];
    const int32_t offsets[] = {0, sizeof text};
    int64_t time = 1;

    memset(text, 'b', sizeof text);
    for (int64_t key = 0; key < rows; key++) {
        if (!key)
            well(feature_batch_create(store, "ballast", NULL, FEATURE_UPSERT,
                                      &batch, E));
        set(batch, 0, FEATURE_TYPE_INT64, &key, NULL, 1);
        set(batch, 1, FEATURE_TYPE_TIMESTAMP, &time, NULL, 1);
        set(batch, 2, FEATURE_TYPE_STRING, text, offsets, 1);
        well(feature_store_write(store, &batch, 1, NULL, NULL, E));
    }
    if (rows)
        feature_batch_free(batch);
}

void
kill_create(const struct rig *rig)
{
    feature_store *store = kill_open(rig->path, FEATURE_OPEN_CREATE);

    well(feature_store_apply(store, DEFINITIONS, NULL, NULL, E));
    write_ballast(store, rig->ballast);
    feature_store_close(store);
}

void
kill_settle(feature_store *store)
{
    well(feature_store_apply(store, DEFINITIONS, NULL, NULL, E));
}

/* Two views come and two go, in one commit: or in two. */
static void
apply(const struct rig *rig, feature_store *store, uint64_t number)
{
    uint64_t age = number / APPLY;
    char text[400];
    int size = snprintf(text, sizeof text,
                        "CREATE FEATURE VIEW odd_%" PRIu64 " (a INT64) FOR e;"
                        "DROP FEATURE VIEW even_%" PRIu64 ";",
                        age, age - 1);

    if (rig->plant == PLANT_TORN) {
        well(feature_store_apply(store, text, NULL, NULL, E));
        size = 0;
    }
    snprintf(text + size, sizeof text - (size_t)size,
             "CREATE FEATURE VIEW even_%" PRIu64 " (a INT64) FOR e;"
             "DROP FEATURE VIEW odd_%" PRIu64 ";",
             age, age - 1);
    well(feature_store_apply(store, text, NULL, NULL, E));
}

static void
commit(const struct rig *rig, feature_store *store, feature_batch **batches,
       uint64_t number)
{
    if (is_apply(rig, number)) {
        apply(rig, store, number);
        return;
    }
    for (uint32_t view = 0; view < VIEWS; view++)
        set_rows(batches[view], number, view);
    if (rig->plant == PLANT_TORN && !rig->has_definitions) {
        well(feature_store_write(store, batches, 1, NULL, NULL, E));
        well(feature_store_write(store, batches + 1, 1, NULL, NULL, E));
        return;
    }
    well(feature_store_write(store, batches, VIEWS, NULL, NULL, E));
}

void
kill_write(struct rig *rig, feature_store *store, uint64_t count)
{
    uint64_t number = atomic_load(&rig->board->acknowledged);
    feature_batch *batches[VIEWS];

    for (uint32_t view = 0; view < VIEWS; view++)
        well(feature_batch_create(store, views[view], NULL, FEATURE_UPSERT,
                                  &batches[view], E));
    while (count--) {
        atomic_store(&rig->board->started, ++number);
        if (rig->plant == PLANT_EARLY)
            atomic_store(&rig->board->acknowledged, number);
        commit(rig, store, batches, number);
        atomic_store(&rig->board->acknowledged, number);
    }
    for (uint32_t view = 0; view < VIEWS; view++)
        feature_batch_free(batches[view]);
}

/* --- reading --------------------------------------------------------------------- */

void
kill_reader_open(struct kill_reader *reader, const char *path)
{
    int64_t keys[KILL_KEYS];

    for (int64_t i = 0; i < KILL_KEYS; i++)
        keys[i] = i;
    reader->store = kill_open(path, 0);
    well(feature_query_create(reader->store, "left(*) AS l, right(*) AS r",
                              NULL, &reader->query, E));
    well(feature_request_create(reader->query, &reader->request, E));
    well(feature_request_set_key(reader->request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, KILL_KEYS, E));
}

void
kill_reader_close(struct kill_reader *reader)
{
    feature_request_free(reader->request);
    feature_query_free(reader->query);
    feature_store_close(reader->store);
}

/* What one row says: the number it is of, 0 for no row. */
static bool
check_row(const struct rig *rig, const struct feature_column *columns,
          const uint8_t *states, uint32_t view, int64_t key, uint64_t number)
{
    const int32_t *at = columns[2].offsets + key;
    uint64_t writer = last_writer(rig, number, view, key), found;
    char text[MOST_TEXT];
    uint32_t size;

    if (!writer || states[key] != FEATURE_STATE_PRESENT) {
        if (!writer && states[key] == FEATURE_STATE_NOT_FOUND)
            return true;
        fprintf(stderr,
                "%s %" PRId64 ": state %d, expected to be of commit %" PRIu64
                " of %" PRIu64 "\n",
                views[view], key, states[key], writer, number);
        return false;
    }
    found = (uint64_t)((const int64_t *)columns[0].values)[key];
    size = text_of(writer, view, key, text);
    if (found == writer &&
        ((const int64_t *)columns[1].values)[key] ==
            value_of(writer, view, key) &&
        at[1] - at[0] == (int32_t)size &&
        !memcmp((const char *)columns[2].values + at[0], text, size))
        return true;
    fprintf(stderr,
            "%s %" PRId64 " is of commit %" PRIu64 ", expected %" PRIu64
            " of %" PRIu64 "\n",
            views[view], key, found, writer, number);
    return false;
}

/* Every commit writes rows that it alone has written when it ends: the newest row
 * tells the commit, save for one that was an apply. */
static uint64_t
newest_row(const struct feature_column *columns)
{
    uint64_t newest = 0;

    for (uint32_t column = 0; column < 6; column += 3)
        for (int64_t key = 0; key < KILL_KEYS; key++) {
            int64_t value = ((const int64_t *)columns[column].values)[key];

            if (value > 0 && (uint64_t)value > newest)
                newest = (uint64_t)value;
        }
    return newest;
}

bool
kill_reader_check(const struct rig *rig, struct kill_reader *reader,
                  uint64_t *number)
{
    struct feature_column columns[6];
    uint64_t told;
    bool is_good = true;

    well(feature_request_read(reader->request, E));
    well(feature_request_columns(reader->request, columns, 6, E));
    told = feature_request_commit(reader->request) - DEFINED - rig->ballast;
    *number = newest_row(columns);
    if (is_apply(rig, *number + 1) && told > *number)
        ++*number;
    if (rig->plant != PLANT_TORN && told != *number) {
        fprintf(stderr, "commit %" PRIu64 " has rows of %" PRIu64 "\n", told,
                *number);
        return false;
    }
    for (uint32_t view = 0; view < VIEWS && is_good; view++)
        for (int64_t key = 0; key < KILL_KEYS && is_good; key++)
            is_good = check_row(rig, columns + 3 * view,
                                feature_request_states(reader->request, view),
                                view, key, *number);
    return is_good;
}

/* The number behind the only view of that name; 0 for none, UINT64_MAX for more
 * than one. */
static uint64_t
only_view(const char *text, const char *prefix)
{
    const char *at = strstr(text, prefix);
    uint64_t number = 0;

    if (!at)
        return 0;
    if (sscanf(at + strlen(prefix), "%" SCNu64, &number) != 1 ||
        strstr(at + 1, prefix))
        return UINT64_MAX;
    return number;
}

bool
kill_definitions_check(const struct rig *rig, feature_store *store,
                       uint64_t number)
{
    uint64_t odd, even;
    char *text;

    well(feature_store_describe(store, NULL, &text, E));
    odd = only_view(text, "VIEW odd_");
    even = only_view(text, "VIEW even_");
    feature_free(text);
    /* An apply in two parts takes more commits than one. */
    if (odd == even && (rig->plant == PLANT_TORN || odd == number / APPLY))
        return true;
    fprintf(stderr,
            "views odd_%" PRIu64 " and even_%" PRIu64 " at commit %" PRIu64
            "\n",
            odd, even, number);
    return false;
}
