/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rollback to any version that is kept, of views of rows: which one, and what it
 * has then.
 */
#include "loads_sides.h"
#include "../rounds.h"

#define STEPS    240
#define ROW_KEYS 6
#define ALL_KEYS "0\n1\n2\n3\n4\n5"

/* --- definitions ------------------------------------------------------------------ */

/* What a view becomes, one after the other. */
static const struct {
    const char *drop, *features, *columns, *options;
} definitions[] = {
    {"", "a INT64, b STRING", "a b", ""},
    {"", "a INT64, b STRING", "a b", ", check = 'rows >= 0'"},
    {"", "a INT64, b STRING, c INT64 DEFAULT 5", "a b c", ""},
    {"", "a INT64, b STRING, c INT64 DEFAULT 6, d INT32", "a b c d", ""},
    {"", "a INT64, b STRING, c INT64, d INT64", "a b c d",
     ", ttl = '900 days'"},
    {"DROP FEATURE v:b;", "a INT64, c INT64, d INT64", "a c d", ""},
    {"", "a INT64, b STRING, c INT64, d INT64", "a b c d", ""},
    {"", "a INT64, b STRING, g INT64 RENAMED FROM c, d INT64", "a b g d", ""},
    {"DROP FEATURE v:a;", "b STRING, g INT64, d INT64", "b g d",
     ", check = 'rows >= 0; nulls(g) <= 1'"},
};

#define DEFINITIONS (int)(sizeof definitions / sizeof *definitions)

static void
define_next(struct world *world)
{
    char text[400];

    if (world->definition + 1 == DEFINITIONS)
        return;
    world->definition++;
    if (*definitions[world->definition].drop)
        define_all(world, definitions[world->definition].drop);
    snprintf(text, sizeof text,
             "CREATE FEATURE VIEW v (%s) FOR e WITH (max_skew = 'none', "
             "keep_versions = %d%s%s);",
             definitions[world->definition].features, KEPT_MOST,
             definitions[world->definition].options, world->history);
    define_all(world, text);
}

/* --- rows ------------------------------------------------------------------------- */

static void
print_cells(struct world *world, struct printer *to, const char *columns)
{
    for (; *columns; columns++)
        if (*columns == 'b')
            print_to(to, " w%u", below(world, 50));
        else if (*columns != ' ')
            print_to(to, below(world, 6) ? " %u" : " null", below(world, 900));
}

static void
print_names(struct printer *to, const char *columns)
{
    print_to(to, "k, event_timestamp");
    for (; *columns; columns++)
        if (*columns != ' ')
            print_to(to, ", %c", *columns);
}

static void
write_some(struct world *world)
{
    static char rows[ANSWER_SIZE], names[ANSWER_SIZE];
    struct printer to_rows = {.text = rows}, to_names = {.text = names};
    const char *columns = definitions[world->definition].columns;
    static const int32_t operations[] = {FEATURE_UPSERT, FEATURE_PATCH,
                                         FEATURE_PATCH, FEATURE_DELETE};
    int32_t operation = operations[below(world, 4)];
    char one[2] = {columns[2 * below(world, 2)], '\0'};

    if (operation == FEATURE_PATCH)
        columns = one;
    else if (operation == FEATURE_DELETE)
        columns = "";
    print_names(&to_names, columns);
    for (uint32_t i = 0, count = 1 + below(world, 3); i < count; i++) {
        print_to(&to_rows, "%s%u %u", i ? "\n" : "", below(world, ROW_KEYS),
                 1 + below(world, 1000));
        print_cells(world, &to_rows, columns);
    }
    write_rows(world->f, operation, "v", names, rows);
    for (uint32_t i = 0; i < world->count; i++)
        write_rows(&world->sides[i].store, operation, "v", names, rows);
}

/* --- versions --------------------------------------------------------------------- */

static void
load(struct world *world)
{
    static char rows[ANSWER_SIZE], names[ANSWER_SIZE];
    struct printer to_rows = {.text = rows}, to_names = {.text = names};
    const char *columns = definitions[world->definition].columns;
    uint32_t writes = below(world, 3);
    char id[32];
    feature_load *load;

    snprintf(id, sizeof id, "nightly/%u", world->made);
    load = begin_load(world->f, (struct feature_load_options){
                                    .id = below(world, 3) ? id : NULL,
                                    .time = 1 + below(world, 1000)});
    print_names(&to_names, columns);
    for (uint32_t key = 0; key < ROW_KEYS; key++)
        if (below(world, 4)) {
            print_to(&to_rows, "%u %u", key, 1 + below(world, 1000));
            print_cells(world, &to_rows, columns);
            print_to(&to_rows, "\n");
        }
    if (to_rows.size)
        append(world->f, load, names, rows);
    while (writes--)
        write_some(world);
    commit_load(load);
    add_side(world, has_load(world->f, id) ? id : NULL);
}

/* --- answers ---------------------------------------------------------------------- */

static void
read_all(struct fixture *f, int64_t time, char text[ANSWER_SIZE])
{
    struct reader reader = open_reader(f, "v(*)", 0, ALL_KEYS);
    int64_t times[ROW_KEYS];

    for (uint32_t i = 0; i < ROW_KEYS; i++)
        times[i] = time;
    if (time)
        must(feature_request_set_as_of(reader.request, times, ROW_KEYS,
                                       &problem));
    must(feature_request_read(reader.request, &problem));
    print_answer(reader.request, text);
    close_reader(&reader);
}

static void
compare(struct world *world)
{
    static char expected[ANSWER_SIZE], text[ANSWER_SIZE];
    struct fixture *side = &world->sides[0].store;

    read_all(side, 0, expected);
    read_all(world->f, 0, text);
    assert_string_equal(text, expected);
    expect_same_rows(world);
    for (int64_t time = 1; *world->history && time <= 1000; time += 37) {
        read_all(side, time, expected);
        read_all(world->f, time, text);
        assert_string_equal(text, expected);
    }
}

static void
run(struct fixture *f, uint64_t seed, const char *history)
{
    struct world world = {
        .f = f, .state = seed, .history = history, .definition = -1};

    define(f, FED E);
    define_next(&world);
    add_side(&world, NULL);
    for (int i = 0; i < STEPS; i++) {
        uint32_t die = below(&world, 20);

        if (die < 10) {
            write_some(&world);
        } else if (die < 13) {
            load(&world);
        } else if (die < 18) {
            if (go_back(&world))
                compare(&world);
        } else if (die < 19 && i > STEPS / 20 * world.definition) {
            define_next(&world);
        }
    }
    compare(&world);
    assert_true(world.older > 3 && world.caught_up > 5);
    assert_true(world.definition > 3);
    for (uint32_t i = 0; i < world.count; i++)
        end_side(&world.sides[i]);
    start_again(f);
}

static void
any_version_that_is_kept_is_what_it_would_have_become(void **state)
{
    for (uint64_t seed = 1; seed <= ROUNDS(8); seed++)
        run(*state, seed, "");
}

static void
its_past_is_too(void **state)
{
    for (uint64_t seed = 101; seed <= 100 + ROUNDS(6); seed++)
        run(*state, seed, ", history = '900 days'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_version_that_is_kept_is_what_it_would_have_become),
        TEST(its_past_is_too)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
