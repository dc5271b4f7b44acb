/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads at past times: the edges of a ttl, and the online read, which is the
 * as-of read at any time that is not before the newest one of the key.
 */
#include "common.h"

#include <malloc.h>
#include <unistd.h>

/* Key 1 as of a time. */
static void
expect_at(struct fixture *f, const char *features, int64_t time,
          const char *expected)
{
    struct reader reader = open_reader(f, features, 0, "1");

    must(feature_request_set_as_of(reader.request, &time, 1, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

/* Versions at 100 s and 200 s, a patch of b at 104 s, a delete at 300 s; a ttl
 * of ten seconds counts from the time that is asked for, cell by cell. */
static void
a_ttl_ends_a_microsecond_after(void **state)
{
    static const struct {
        int64_t time;
        const char *expected;
    } edges[] = {
        {100 * SECOND - 1, "not_found 1* null"},
        {100 * SECOND, "present 5 6"},
        {104 * SECOND - 1, "present 5 6"},
        {104 * SECOND, "present 5 7"},
        {110 * SECOND, "present 5 7"},
        {110 * SECOND + 1, "present 1* 7"},
        {114 * SECOND, "present 1* 7"},
        {114 * SECOND + 1, "outside 1* null"},
        {200 * SECOND - 1, "outside 1* null"},
        {200 * SECOND, "present 8 null"},
        {210 * SECOND, "present 8 null"},
        {210 * SECOND + 1, "outside 1* null"},
        {300 * SECOND - 1, "outside 1* null"},
        {300 * SECOND, "not_found 1* null"},
        {400 * SECOND, "not_found 1* null"},
    };
    struct fixture *f = *state;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, b INT64) FOR e"
              " WITH (ttl = '10 s', history = '900 days');");
    upsert(f, "v", NULL, "1 200000000 8 null");
    patch(f, "v", "k, event_timestamp, b", "1 104000000 7");
    upsert(f, "v", NULL, "1 100000000 5 6");
    erase(f, "v", "k, event_timestamp", "1 300000000");
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        expect_at(f, "v(*)", edges[i].time, edges[i].expected);
}

/* --- online and as of -------------------------------------------------------- */

#define KEYS     5
#define TIMES    12
#define VIEWS    3
#define FEATURES 5
#define CALLS    40
#define RUNS     8

struct world {
    struct fixture *f;
    uint64_t state;
    uint32_t features; /* of each view */
    int has_deletes;   /* then no feature comes later: docs/decisions.md */
    int64_t newest[VIEWS][KEYS]; /* INT64_MIN: nothing was written */
};

static uint32_t
below(struct world *world, uint32_t limit)
{
    world->state = world->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->state >> 33) % limit;
}

static void
define_views(struct world *world)
{
    static const char *const ages[] = {"", ", ttl = '3 s'", ", ttl = '7 s'"};
    static char text[ANSWER_SIZE];
    struct printer to = {.text = text};

    print_to(&to, "CREATE ENTITY e (k INT64);");
    for (uint32_t view = 0; view < VIEWS; view++) {
        print_to(&to, "CREATE FEATURE VIEW v%u (", view);
        for (uint32_t i = 0; i < world->features; i++)
            print_to(&to, "%sf%u INT64%s", i ? ", " : "", i,
                     i % 2 ? " DEFAULT 77" : "");
        print_to(&to,
                 ") FOR e WITH (max_skew = 'none', history = '900 days'%s);",
                 ages[view]);
    }
    define(world->f, text);
}

static int32_t
draw_operation(struct world *world)
{
    uint32_t die = below(world, 10);

    if (world->has_deletes && die < 2)
        return FEATURE_DELETE;
    return die < 7 ? FEATURE_PATCH : FEATURE_UPSERT;
}

/* One row; late or not. */
static void
write_one(struct world *world)
{
    char columns[128] = "k, event_timestamp", row[128], view[8];
    struct printer names = {.text = columns, .size = strlen(columns)};
    struct printer to = {.text = row};
    int32_t operation = draw_operation(world);
    uint32_t index = below(world, VIEWS), key = below(world, KEYS);
    int64_t time = NOON + below(world, TIMES) * SECOND;
    uint32_t named = below(world, world->features);

    print_to(&to, "%u %" PRId64, key, time);
    for (uint32_t i = 0; i < world->features; i++) {
        if (operation == FEATURE_DELETE ||
            (operation == FEATURE_PATCH && i != named && below(world, 3)))
            continue;
        print_to(&names, ", f%u", i);
        if (below(world, 4))
            print_to(&to, " %u", below(world, 1000));
        else
            print_to(&to, " null");
    }
    snprintf(view, sizeof view, "v%u", index);
    write_rows(world->f, operation, view, columns, row);
    if (time > world->newest[index][key])
        world->newest[index][key] = time;
}

/* What a key reads as, with the clock where it is. */
static void
read_key(struct world *world, uint32_t view, uint32_t key, const int64_t *time,
         char answer[ANSWER_SIZE])
{
    char features[16], name[8];
    struct reader reader;

    snprintf(features, sizeof features, "v%u(*)", view);
    snprintf(name, sizeof name, "%u", key);
    reader = open_reader(world->f, features, 0, name);
    must(feature_request_set_as_of(reader.request, time, time != NULL,
                                   &problem));
    must(feature_request_read(reader.request, &problem));
    print_answer(reader.request, answer);
    close_reader(&reader);
}

/* The online read at a clock is the as-of read at that time. */
static void
compare_at(struct world *world, int64_t now)
{
    static char online[ANSWER_SIZE], as_of[ANSWER_SIZE];

    move_clock(world->f, now);
    for (uint32_t view = 0; view < VIEWS; view++)
        for (uint32_t key = 0; key < KEYS; key++) {
            if (world->newest[view][key] > now)
                continue;
            read_key(world, view, key, NULL, online);
            read_key(world, view, key, &now, as_of);
            if (strcmp(online, as_of) != 0)
                fail_msg("v%u, key %u, %" PRId64 " s: online %s, as of %s",
                         view, key, (now - NOON) / SECOND, online, as_of);
        }
}

static void
compare(struct world *world)
{
    for (int64_t i = 0; i < TIMES + 8; i += 3)
        compare_at(world, NOON + i * SECOND);
    compare_at(world, NOON + 9 * SECOND - 1);
    compare_at(world, NOON + 9 * SECOND + 1);
}

/* Through a snapshot, then through a compaction. */
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
    open_store(world->f);
    compare(world);
    close_store(world->f);
    must(feature_store_compact(world->f->path, NULL, NULL, NULL, &problem));
    open_store(world->f);
    compare(world);
}

static void
the_newest_row_is_the_row_as_of_now(void **state)
{
    struct world world = {.f = *state};

    for (uint32_t run = 0; run < RUNS; run++) {
        world.state = run + 1;
        world.has_deletes = run & 1;
        world.features = world.has_deletes ? FEATURES : FEATURES - 2;
        for (uint32_t i = 0; i < VIEWS * KEYS; i++)
            world.newest[i / KEYS][i % KEYS] = INT64_MIN;
        start_again(world.f);
        define_views(&world);
        for (uint32_t i = 0; i < CALLS; i++)
            write_one(&world);
        compare(&world);
        world.features = FEATURES;
        define_views(&world);
        for (uint32_t i = 0; i < CALLS; i++)
            write_one(&world);
        compare(&world);
        if (run < 2)
            copy_store(&world);
    }
}

/* --- memory ------------------------------------------------------------------ */

#define LONG (16 + 64 * 64) /* versions: 64 blocks */

static struct feature_commit
write_long(struct fixture *f)
{
    static char text[LONG * 24];
    struct feature_commit first =
        upsert(f, "v", "k, event_timestamp, a", "1 @0 0");
    size_t size = 0;

    for (int i = 1; i < LONG; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "1 @%d %d\n",
                                 i, i % 100);
    upsert(f, "v", "k, event_timestamp, a", text);
    return first;
}

/* Versions that were committed too late do not stay unpacked. */
static void
what_is_passed_over_takes_no_memory(void **state)
{
    struct fixture *f = *state;
    struct feature_query_options options = {.struct_size = sizeof options};
    struct feature_maintain_options all = {.struct_size = sizeof all,
                                           .flags = FEATURE_MAINTAIN_ALL};
    struct reader reader = {0};
    int64_t time = NOON + DAY;
    size_t before;

    define(f, "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW v (a INT64) FOR e"
              " WITH (max_skew = 'none', history = '900 days');");
    options.known_by = write_long(f).time;
    must(feature_store_maintain(f->store, &all, NULL, &problem));
    must(feature_query_create(f->store, "v(*)", &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, "1");
    must(feature_request_set_as_of(reader.request, &time, 1, &problem));
    before = mallinfo2().uordblks;
    expect_read(&reader, "present 0");
    assert_true(mallinfo2().uordblks < before + (1 << 18));
    close_reader(&reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ttl_ends_a_microsecond_after),
        TEST(the_newest_row_is_the_row_as_of_now),
        TEST(what_is_passed_over_takes_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
