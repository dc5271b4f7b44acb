/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories against an oracle that keeps every write and folds those that
 * count, newest time last, ties in the order of the writes.
 */
#include "common.h"
#include "../rounds.h"

#include <unistd.h>

#define KEYS     3
#define FEATURES 4
#define TIMES    16
#define WRITES   1200
#define RUNS     ROUNDS(72)
#define LONG     260 /* calls of a run in which blocks are made and broken up */
#define KEPT     (900 * DAY)

/* One cell, as a write leaves it. */
struct cell {
    int64_t value, time; /* INT64_MIN: nobody wrote it */
    int is_null;
};

struct write {
    int32_t operation;
    int64_t key, time, commit_time;
    int own[FEATURES]; /* cells it writes; all of a DELETE */
    struct cell cells[FEATURES];
};

/* What a row is at some time. */
struct row {
    int exists, is_deleted;
    struct cell cells[FEATURES];
};

struct world {
    struct fixture *f;
    uint64_t state;
    uint32_t features; /* the last one comes later */
    int has_deletes, has_upkeep;
    int is_long;           /* most rows are those of one key */
    int is_packing;        /* upkeep removes nothing */
    uint64_t packed;       /* versions, by all upkeep */
    int64_t since;         /* commit time from which on history is kept */
    struct row base[KEYS]; /* the rows then */
    int64_t horizon;       /* upkeep has gone so far; INT64_MIN: not yet */
    uint32_t gone[KEYS];   /* writes before that one left with a tombstone */
    uint32_t count;
    struct write writes[WRITES];
};

static uint32_t
below(struct world *world, uint32_t limit)
{
    world->state = world->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->state >> 33) % limit;
}

/* --- the oracle -------------------------------------------------------------- */

static struct row
empty_row(void)
{
    struct row row = {0};

    for (int i = 0; i < FEATURES; i++)
        row.cells[i] = (struct cell){.time = INT64_MIN, .is_null = 1};
    return row;
}

static void
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

/* All writes to a key from one on, in their order. */
static struct row
online(const struct world *world, int64_t key, uint32_t count)
{
    struct row row = empty_row();

    for (uint32_t i = 0; i < count; i++)
        if (world->writes[i].key == key && i >= world->gone[key])
            apply(&row, &world->writes[i]);
    return row;
}

static int64_t
newest(const struct row *row)
{
    int64_t time = INT64_MIN;

    for (int i = 0; i < FEATURES; i++)
        if (row->cells[i].time > time)
            time = row->cells[i].time;
    return time;
}

static struct row
fold(const struct world *world, int64_t key, int64_t time, int64_t known_by)
{
    struct row row = world->base[key];

    for (int64_t at = 0; at <= time; at++)
        for (uint32_t i = 0; i < world->count; i++) {
            const struct write *write = &world->writes[i];

            if (write->key == key && write->time == at &&
                i >= world->gone[key] && write->commit_time >= world->since &&
                (!known_by || write->commit_time <= known_by))
                apply(&row, write);
        }
    return row;
}

static void
print_row(struct printer *printer, const struct world *world,
          const struct row *row, int64_t time)
{
    uint32_t known = 0, unknown = 0, values = 0;
    const char *state = "present";

    for (uint32_t i = 0; i < world->features; i++) {
        known += row->cells[i].time <= time && row->cells[i].time != INT64_MIN;
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
    for (uint32_t i = 0; i < world->features; i++)
        if (row->cells[i].time <= time && !row->cells[i].is_null)
            print_to(printer, " %" PRId64, row->cells[i].value);
        else
            print_to(printer, " null");
    print_to(printer, "\n");
    (void)known;
}

/* --- the store --------------------------------------------------------------- */

static const char *const definitions[2][2] = {
    {"CREATE ENTITY e (k INT64); CREATE FEATURE VIEW h (a INT64, b INT64,"
     " c INT32) FOR e WITH (max_skew = 'none');",
     "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW h (a INT64, b INT64,"
     " c INT64, d INT64) FOR e WITH (max_skew = 'none');"},
    {"CREATE ENTITY e (k INT64); CREATE FEATURE VIEW h (a INT64, b INT64,"
     " c INT32) FOR e WITH (max_skew = 'none', history = '900 days');",
     "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW h (a INT64, b INT64,"
     " c INT64, d INT64) FOR e WITH (max_skew = 'none',"
     " history = '900 days');"},
};

static void
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

static void
print_write(struct printer *printer, const struct world *world,
            const struct write *write)
{
    print_to(printer, "%" PRId64 " %" PRId64, write->key, write->time);
    for (uint32_t i = 0;
         i < world->features && write->operation != FEATURE_DELETE; i++)
        if (write->own[i] && write->cells[i].is_null)
            print_to(printer, " null");
        else if (write->own[i])
            print_to(printer, " %" PRId64, write->cells[i].value);
    print_to(printer, "\n");
}

static int32_t
draw_operation(struct world *world)
{
    uint32_t die = below(world, 10);

    if (world->has_deletes && die == 0)
        return FEATURE_DELETE;
    return die < 8 ? FEATURE_PATCH : FEATURE_UPSERT;
}

/* One call of up to four rows. */
static void
write_some(struct world *world)
{
    static char text[ANSWER_SIZE];
    struct printer printer = {.text = text}, names;
    char columns[64] = "k, event_timestamp";
    uint32_t rows = 1 + below(world, 4);
    struct feature_commit commit;
    int32_t operation = draw_operation(world);
    int own[FEATURES] = {0};

    names = (struct printer){.text = columns, .size = strlen(columns)};
    for (uint32_t i = 0; i < FEATURES; i++) {
        own[i] = operation == FEATURE_DELETE || i < world->features;
        if (operation == FEATURE_PATCH)
            own[i] = i < world->features && below(world, 3) == 0;
    }
    if (operation == FEATURE_PATCH)
        own[below(world, world->features)] = 1;
    for (uint32_t i = 0; i < FEATURES && operation != FEATURE_DELETE; i++)
        if (own[i])
            print_to(&names, ", %c", 'a' + (int)i);
    for (uint32_t i = 0; i < rows; i++) {
        struct write *write = &world->writes[world->count + i];

        draw_write(world, write, operation, own);
        print_write(&printer, world, write);
    }
    commit = write_rows(world->f, operation, "h", columns, text);
    for (uint32_t i = 0; i < rows; i++)
        world->writes[world->count++].commit_time = commit.time;
}

/* A line may say that nothing is known where upkeep may have dropped what was. */
static int
is_answer(const struct world *world, const char *line, const char *expected,
          int64_t time, int64_t known_by)
{
    static const char unknown[] = "no_history";
    size_t size = strcspn(expected, "\n");

    if (strcspn(line, "\n") == size && !memcmp(line, expected, size))
        return 1;
    return (time < world->horizon || (known_by && world->horizon >= 0)) &&
           !strncmp(line, unknown, strlen(unknown));
}

static void
expect_lines(struct world *world, struct reader *reader, const char *expected,
             int64_t known_by)
{
    static char text[ANSWER_SIZE];
    const char *line = text;

    must(feature_request_read(reader->request, &problem));
    print_answer(reader->request, text);
    for (uint32_t i = 0; i < KEYS * TIMES; i++) {
        if (!is_answer(world, line, expected, i % TIMES, known_by))
            fail_msg("key %u at %u, horizon %" PRId64 ", known by %" PRId64
                     ": answered %.*s, expected %.*s",
                     i / TIMES, i % TIMES, world->horizon, known_by,
                     (int)strcspn(line, "\n"), line,
                     (int)strcspn(expected, "\n"), expected);
        line += strcspn(line, "\n") + 1;
        expected += strcspn(expected, "\n") + 1;
    }
}

static void
compare(struct world *world, int64_t known_by)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    static char keys[ANSWER_SIZE], expected[ANSWER_SIZE];
    struct printer to_keys = {.text = keys}, to = {.text = expected};
    int64_t times[KEYS * TIMES];
    struct reader reader = {0};

    for (int64_t key = 0; key < KEYS; key++) {
        struct row now = online(world, key, world->count);

        for (int64_t time = 0; time < TIMES; time++) {
            struct row row = fold(world, key, time, known_by);

            print_to(&to_keys, "%" PRId64 "\n", key);
            times[key * TIMES + time] = time;
            if (!known_by && newest(&now) <= time)
                row = now;
            if (known_by && known_by < world->since && world->base[key].exists)
                print_to(&to, "no_history null null null%s\n",
                         world->features > 3 ? " null" : "");
            else
                print_row(&to, world, &row, time);
        }
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

static void
begin_history(struct world *world)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(feature_store_apply(world->f->store,
                             definitions[1][world->features == FEATURES], NULL,
                             &commit, &problem));
    world->since = commit.time;
    for (int64_t key = 0; key < KEYS; key++)
        world->base[key] = online(world, key, world->count);
}

/* Upkeep at a random horizon, not below the last one. A row that is deleted by
 * then is forgotten as a whole. */
static void
maintain(struct world *world)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};
    struct feature_maintain_report report = {.struct_size = sizeof report};
    int64_t horizon = world->is_packing ? -1 : (int64_t)below(world, TIMES);

    if (horizon < world->horizon)
        horizon = world->horizon;
    move_clock(world->f, horizon + KEPT);
    for (int i = 0; i < 2; i++) {
        must(feature_store_maintain(world->f->store, &options, &report,
                                    &problem));
        world->packed += report.versions_packed;
    }
    if (world->is_packing) {
        assert_int_equal(report.versions_dropped + report.commits, 0);
        return;
    }
    world->horizon = horizon;
    for (int64_t key = 0; key < KEYS; key++) {
        struct row row = online(world, key, world->count);

        if (!row.is_deleted || newest(&row) >= horizon)
            continue;
        world->gone[key] = world->count;
        world->base[key] = empty_row();
    }
}

static void
check_store(struct world *world)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    close_store(world->f);
    must(feature_store_verify(world->f->path, NULL, &report, &findings,
                              &problem));
    if (report.findings)
        fail_msg("%s", findings);
    feature_free(findings);
    open_store(world->f);
}

/* History goes where the rows go: into a snapshot and back, and through a
 * compaction. */
static void
copy_store(struct world *world)
{
    char file[TEST_PATH_SIZE + 8];

    snprintf(file, sizeof file, "%s.snap", world->f->path);
    must(feature_store_snapshot(world->f->store, file, NULL, NULL, NULL,
                                &problem));
    close_store(world->f);
    remove_directory(world->f->path);
    must(feature_store_restore(file, world->f->path, NULL, NULL, NULL,
                               &problem));
    unlink(file);
    check_store(world);
    compare(world, 0);
    close_store(world->f);
    must(feature_store_compact(world->f->path, NULL, NULL, NULL, &problem));
    check_store(world);
    compare(world, 0);
}

/* Rows before history, then history, and a feature that comes later. */
static void
run(struct world *world, uint32_t before, uint32_t calls)
{
    uint32_t evolve_at = below(world, calls);

    for (int64_t key = 0; key < KEYS; key++)
        world->base[key] = empty_row();
    world->features = 3;
    if (below(world, 3) == 0)
        world->features = 4;
    /* What a delete says of features that did not exist yet is the stored row's
     * to forget: not compared. */
    world->has_deletes = world->features == 4 || below(world, 2);
    if (world->has_deletes)
        evolve_at = UINT32_MAX;
    define(world->f, definitions[0][world->features == FEATURES]);
    for (uint32_t i = 0; i < before; i++)
        write_some(world);
    begin_history(world);
    for (uint32_t i = 0; i < calls; i++) {
        if (i == evolve_at) {
            world->features = 4;
            define(world->f, definitions[1][1]);
            world->has_deletes = 1;
        }
        write_some(world);
        if (world->has_upkeep && below(world, world->is_long ? 12 : 6) == 0)
            maintain(world);
        if (below(world, world->is_long ? 16 : 4) == 0)
            compare(world, 0);
        if (below(world, world->is_long ? 16 : 8) == 0)
            compare(world,
                    world->writes[below(world, world->count)].commit_time);
    }
    compare(world, 0);
    check_store(world);
    if (below(world, 6) == 0)
        copy_store(world);
}

static void
past_reads_are_those_of_the_oracle(void **state)
{
    struct fixture *f = *state;
    static struct world world;

    uint64_t packed = 0;

    for (uint32_t i = 0; i < RUNS; i++) {
        world = (struct world){.f = f, .state = 77 + i, .is_long = i % 6 > 3};
        world.horizon = INT64_MIN;
        world.has_upkeep = i % 2 || world.is_long;
        world.is_packing = i % 12 > 9;
        f->options.fixed_now = NOON;
        start_again(f);
        run(&world, i % 3 ? 0 : 1 + i % 11, world.is_long ? LONG : 12 + i % 60);
        packed += world.packed;
    }
    assert_in_range(packed, ROUNDS(50 * 64), UINT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(past_reads_are_those_of_the_oracle,
                                        fixture_begin, fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
