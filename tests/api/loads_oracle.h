/* SPDX-License-Identifier: Apache-2.0 */
/* What a view with history answers of the past: an oracle that keeps every write
 * and folds those that count, newest time last, ties in the order of the writes. */
#ifndef TESTS_API_LOADS_ORACLE_H
#define TESTS_API_LOADS_ORACLE_H

#include "loads.h"

#define KEYS     4
#define FEATURES 3
#define TIMES    16
#define WRITES   2400
#define ALL      "k, event_timestamp, a, b, c"

/* One cell, as a write leaves it. */
struct cell {
    int64_t value, time; /* INT64_MIN: nobody wrote it */
    int is_null;
};

struct write {
    int32_t operation;
    int64_t key, time, commit_time;
    int own[FEATURES];
    struct cell cells[FEATURES];
};

struct row {
    int exists, is_deleted;
    struct cell cells[FEATURES];
};

/* All that a version knows. */
struct model {
    struct row base[KEYS]; /* the rows when history began */
    uint32_t gone[KEYS];   /* writes before that one left with a tombstone */
    uint32_t count;
    struct write writes[WRITES];
};

struct world {
    struct fixture *f;
    uint64_t state;
    int is_long, has_upkeep;
    int64_t since, horizon;
    int has_kept;
    struct model serving, kept;
    uint64_t loads, conflicts, rollbacks, packed;
};

static inline uint32_t
below(struct world *world, uint32_t limit)
{
    world->state = world->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->state >> 33) % limit;
}

/* --- the oracle -------------------------------------------------------------- */

static inline struct row
empty_row(void)
{
    struct row row = {0};

    for (int i = 0; i < FEATURES; i++)
        row.cells[i] = (struct cell){.time = INT64_MIN, .is_null = 1};
    return row;
}

static inline void
apply(struct row *row, const struct write *write)
{
    int written = 0, whole = 1;

    for (int i = 0; i < FEATURES; i++) {
        if (!write->own[i])
            continue;
        if (write->time < row->cells[i].time) {
            whole = 0;
            continue;
        }
        row->cells[i] = write->cells[i];
        written = 1;
    }
    if (!written)
        return;
    row->exists = 1;
    if (write->operation != FEATURE_DELETE)
        row->is_deleted = 0;
    else if (whole)
        row->is_deleted = 1;
}

static inline struct row
online(const struct model *model, int64_t key, uint32_t count)
{
    struct row row = empty_row();

    for (uint32_t i = model->gone[key]; i < count; i++)
        if (model->writes[i].key == key)
            apply(&row, &model->writes[i]);
    return row;
}

static inline int64_t
newest(const struct row *row)
{
    int64_t time = INT64_MIN;

    for (int i = 0; i < FEATURES; i++)
        if (row->cells[i].time > time)
            time = row->cells[i].time;
    return time;
}

static inline struct row
fold(const struct world *world, int64_t key, int64_t time, int64_t known_by)
{
    const struct model *model = &world->serving;
    struct row row = model->base[key];

    for (int64_t at = 0; at <= time; at++)
        for (uint32_t i = model->gone[key]; i < model->count; i++) {
            const struct write *write = &model->writes[i];

            if (write->key == key && write->time == at &&
                write->commit_time >= world->since &&
                (!known_by || write->commit_time <= known_by))
                apply(&row, write);
        }
    return row;
}

static inline void
print_row(struct printer *printer, const struct row *row, int64_t time)
{
    uint32_t unknown = 0, values = 0;
    const char *state = "present";

    for (uint32_t i = 0; i < FEATURES; i++) {
        unknown += row->cells[i].time > time;
        values += row->cells[i].time <= time && !row->cells[i].is_null;
    }
    if (!row->exists)
        state = "not_found";
    else if (unknown || newest(row) > time)
        state = "no_history";
    else if (row->is_deleted)
        state = "not_found";
    else if (!values)
        state = "null";
    print_to(printer, "%s", state);
    for (uint32_t i = 0; i < FEATURES; i++)
        if (row->cells[i].time <= time && !row->cells[i].is_null)
            print_to(printer, " %" PRId64, row->cells[i].value);
        else
            print_to(printer, " null");
    print_to(printer, "\n");
}

/* --- writes ------------------------------------------------------------------ */

static inline void
remember(struct world *world, const struct write *write)
{
    assert_true(world->serving.count < WRITES);
    world->serving.writes[world->serving.count++] = *write;
    world->kept.writes[world->kept.count++] = *write;
}

static inline void
at_time(struct write *write, int64_t time)
{
    write->time = time;
    for (int i = 0; i < FEATURES; i++)
        write->cells[i].time = time;
}

static inline void
draw_write(struct world *world, struct write *write, int32_t operation,
           const int *own)
{
    *write = (struct write){
        .operation = operation,
        .key = world->is_long && below(world, 5) ? 1 : below(world, KEYS),
        .time = 1 + below(world, TIMES - 2)};
    for (int i = 0; i < FEATURES; i++) {
        write->own[i] = own[i];
        write->cells[i] = (struct cell){
            .value = below(world, 1000),
            .time = write->time,
            .is_null = operation == FEATURE_DELETE || below(world, 5) == 0};
    }
}

static inline void
print_write(struct printer *printer, const struct write *write)
{
    print_to(printer, "%" PRId64 " %" PRId64, write->key, write->time);
    for (int i = 0; i < FEATURES && write->operation != FEATURE_DELETE; i++)
        if (write->own[i] && write->cells[i].is_null)
            print_to(printer, " null");
        else if (write->own[i])
            print_to(printer, " %" PRId64, write->cells[i].value);
    print_to(printer, "\n");
}

/* One call of up to four rows. */
static inline void
write_some(struct world *world)
{
    static char text[ANSWER_SIZE];
    struct printer printer = {.text = text}, names;
    char columns[64] = "k, event_timestamp";
    uint32_t rows = 1 + below(world, 4), die = below(world, 10);
    int32_t operation = !die      ? FEATURE_DELETE
                        : die < 8 ? FEATURE_PATCH
                                  : FEATURE_UPSERT;
    struct feature_commit commit;
    struct write writes[4];
    int own[FEATURES] = {0};

    names = (struct printer){.text = columns, .size = strlen(columns)};
    for (int i = 0; i < FEATURES; i++)
        own[i] = operation != FEATURE_PATCH || below(world, 3) == 0;
    own[below(world, FEATURES)] = 1;
    for (int i = 0; i < FEATURES && operation != FEATURE_DELETE; i++)
        if (own[i])
            print_to(&names, ", %c", 'a' + i);
    for (uint32_t i = 0; i < rows; i++) {
        draw_write(world, &writes[i], operation, own);
        print_write(&printer, &writes[i]);
    }
    commit = write_rows(world->f, operation, "h", columns, text);
    for (uint32_t i = 0; i < rows; i++) {
        writes[i].commit_time = commit.time;
        remember(world, &writes[i]);
    }
}

/* --- answers ----------------------------------------------------------------- */

/* Nothing may be known of what upkeep has dropped, nor of a key that left with all
 * that it had, where keys had rows before history began. */
static inline int
is_answer(const struct world *world, const char *line, const char *expected,
          int64_t key, int64_t time, int64_t known_by)
{
    static const char unknown[] = "no_history";
    size_t size = strcspn(expected, "\n");

    if (strcspn(line, "\n") == size && !memcmp(line, expected, size))
        return 1;
    return (time < world->horizon || world->serving.gone[key] ||
            (known_by && world->horizon >= 0)) &&
           !strncmp(line, unknown, strlen(unknown));
}

static inline void
expect_lines(struct world *world, struct reader *reader, const char *expected,
             int64_t known_by)
{
    static char text[ANSWER_SIZE];
    const char *line = text;

    must(feature_request_read(reader->request, &problem));
    print_answer(reader->request, text);
    for (uint32_t i = 0; i < KEYS * TIMES; i++) {
        if (!is_answer(world, line, expected, i / TIMES, i % TIMES, known_by))
            fail_msg("key %u at %u, horizon %" PRId64 ", known by %" PRId64
                     ", loads %" PRIu64 ": answered %.*s, expected %.*s",
                     i / TIMES, i % TIMES, world->horizon, known_by,
                     world->loads, (int)strcspn(line, "\n"), line,
                     (int)strcspn(expected, "\n"), expected);
        line += strcspn(line, "\n") + 1;
        expected += strcspn(expected, "\n") + 1;
    }
}

static inline void
print_expected(const struct world *world, struct printer *to, int64_t key,
               int64_t time, int64_t known_by)
{
    struct row now = online(&world->serving, key, world->serving.count);
    struct row row = fold(world, key, time, known_by);

    if (!known_by && newest(&now) <= time)
        row = now;
    if (known_by && known_by < world->since && world->serving.base[key].exists)
        print_to(to, "no_history null null null\n");
    else
        print_row(to, &row, time);
}

static inline void
compare(struct world *world, int64_t known_by)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    static char keys[ANSWER_SIZE], expected[ANSWER_SIZE];
    struct printer to_keys = {.text = keys}, to = {.text = expected};
    int64_t times[KEYS * TIMES];
    struct reader reader = {0};

    for (int64_t key = 0; key < KEYS; key++)
        for (int64_t time = 0; time < TIMES; time++) {
            print_to(&to_keys, "%" PRId64 "\n", key);
            times[key * TIMES + time] = time;
            print_expected(world, &to, key, time, known_by);
        }
    expected[to.size - 1] = '\0';
    must(feature_query_create(world->f->store, "h(*)", &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, keys);
    must(feature_request_set_as_of(reader.request, times, KEYS * TIMES,
                                   &problem));
    expect_lines(world, &reader, expected, known_by);
    close_reader(&reader);
}

#endif
