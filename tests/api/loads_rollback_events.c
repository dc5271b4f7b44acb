/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rollback to any version that is kept, of views FROM an event: over features and
 * columns that came and went, the states are those of a store that took all events
 * as they came.
 */
#include "loads_sides.h"
#include "../rounds.h"

#define STEPS   200
#define CARDS   4
#define MINUTES 7200 /* that events are old, at most */

struct event {
    int64_t card, minute, amount;
    int has_kind;
};

/* --- definitions ------------------------------------------------------------------ */

#define N     "n = COUNT(*) OVER '1 hour'"
#define SPENT ", spent = SUM(amount) OVER '7 days'"
#define EVER  ", ever = COUNT(*)"
#define BY    ", by_kind = SUM(amount) BY kind OVER '1 day'"

static const struct {
    const char *before, *features, *options;
} definitions[] = {
    {"", N SPENT, ""},
    {"", N SPENT, ", check = 'rows >= 0'"},
    {"", N SPENT EVER, ""},
    {"CREATE EVENT payment (card_id INT64, amount INT64, kind STRING);",
     N SPENT EVER, ""},
    {"", N SPENT EVER BY, ""},
    {"DROP FEATURE v:spent;", N EVER BY, ""},
    {"", N ", spent = SUM(amount) OVER '1 day'" EVER BY, ""},
    {"DROP FEATURE v:by_kind;", N ", spent = SUM(amount) OVER '1 day'" EVER,
     ""},
};

#define DEFINITIONS (int)(sizeof definitions / sizeof *definitions)

static void
define_next(struct world *world)
{
    char text[400];

    if (world->definition + 1 == DEFINITIONS)
        return;
    world->definition++;
    if (*definitions[world->definition].before)
        define_all(world, definitions[world->definition].before);
    snprintf(text, sizeof text,
             "CREATE FEATURE VIEW v (%s) FOR card FROM payment WITH "
             "(keep_versions = %d%s);",
             definitions[world->definition].features, KEPT_MOST,
             definitions[world->definition].options);
    define_all(world, text);
}

static int
has_kind(const struct world *world)
{
    return world->definition >= 3;
}

/* --- events ----------------------------------------------------------------------- */

static void
print_event(struct printer *to, const struct event *event, int has_column)
{
    print_to(to, "%s%" PRId64 " @-%" PRId64 " %" PRId64, to->size ? "\n" : "",
             event->card, 60 * event->minute, event->amount);
    if (has_column)
        print_to(to, event->has_kind ? " k%" PRId64 : " null",
                 event->amount % 3);
}

static struct event
draw_event(struct world *world)
{
    return (struct event){.card = below(world, CARDS),
                          .minute = 1 + below(world, MINUTES),
                          .amount = below(world, 100),
                          .has_kind = has_kind(world) && below(world, 4)};
}

static void
write_events(struct fixture *f, int32_t operation, const char *columns,
             const char *rows)
{
    feature_batch *batch = make_events(f, operation, "payment", columns, rows);

    write_batch(f, batch);
    feature_batch_free(batch);
}

static const char *
columns_of(const struct world *world)
{
    return has_kind(world) ? "card_id, event_timestamp, amount, kind"
                           : "card_id, event_timestamp, amount";
}

static void
write_all(struct world *world, int32_t operation, const char *rows)
{
    write_events(world->f, operation, columns_of(world), rows);
    for (uint32_t i = 0; i < world->count; i++)
        write_events(&world->sides[i].store, operation, columns_of(world),
                     rows);
}

/* What is taken back is in all versions, and new enough. */
static void
write_some(struct world *world)
{
    static char rows[ANSWER_SIZE], last[ANSWER_SIZE];
    struct printer to = {.text = rows}, to_last = {.text = last};
    struct event event = {0};

    for (uint32_t i = 0, count = 1 + below(world, 4); i < count; i++) {
        event = draw_event(world);
        print_event(&to, &event, has_kind(world));
    }
    if (below(world, 4)) {
        write_all(world, FEATURE_EVENT, rows);
        return;
    }
    event.minute = 1;
    for (int i = 0; i < 3; i++) /* its tile has three or more */
        print_event(&to, &event, has_kind(world));
    write_all(world, FEATURE_EVENT, rows);
    print_event(&to_last, &event, has_kind(world));
    write_all(world, FEATURE_RETRACT, last);
}

static void
delete_one(struct world *world)
{
    char row[64];

    snprintf(row, sizeof row, "%u @-%u", below(world, CARDS),
             60 * (2 + below(world, MINUTES)));
    erase(world->f, "v", "card_id, event_timestamp", row);
    for (uint32_t i = 0; i < world->count; i++)
        erase(&world->sides[i].store, "v", "card_id, event_timestamp", row);
}

/* --- versions --------------------------------------------------------------------- */

static void
load(struct world *world)
{
    static char rows[ANSWER_SIZE];
    struct printer to = {.text = rows};
    uint32_t writes = below(world, 3);
    feature_batch *batch;
    feature_load *load;
    char id[32];

    snprintf(id, sizeof id, "nightly/%u", world->made);
    load = begin_load(world->f, (struct feature_load_options){
                                    .id = below(world, 3) ? id : NULL});
    for (uint32_t i = 0; i < 30; i++) {
        struct event event = draw_event(world);

        print_event(&to, &event, has_kind(world));
    }
    batch = make_events(world->f, FEATURE_EVENT, "payment", columns_of(world),
                        rows);
    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
    while (writes--)
        write_some(world);
    commit_load(load);
    add_side(world, has_load(world->f, id) ? id : NULL);
}

static void
compare(struct world *world)
{
    static char expected[ANSWER_SIZE], text[ANSWER_SIZE];

    expect_same_rows(world);
    answer_of(&world->sides[0].store, "v(*)", "0\n1\n2\n3", expected);
    answer_of(world->f, "v(*)", "0\n1\n2\n3", text);
    assert_string_equal(text, expected);
}

static void
run(struct fixture *f, uint64_t seed)
{
    struct world world = {.f = f, .state = seed, .definition = -1};

    define(f, FED "CREATE ENTITY card (card_id INT64);"
                  "CREATE EVENT payment (card_id INT64, amount INT64);");
    define_next(&world);
    add_side(&world, NULL);
    for (int i = 0; i < STEPS; i++) {
        uint32_t die = below(&world, 20);

        if (die < 10) {
            write_some(&world);
        } else if (die < 11) {
            delete_one(&world);
        } else if (die < 14) {
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
        run(*state, seed);
}

/* An event that a version does not hold cannot be taken back from it. */
static void
what_was_taken_back_has_to_be_in_the_version(void **state)
{
    static const char columns[] = "card_id, event_timestamp, amount";
    struct fixture *f = *state;
    feature_load *load;
    feature_batch *batch;

    define(f, FED "CREATE ENTITY card (card_id INT64);"
                  "CREATE EVENT payment (card_id INT64, amount INT64);"
                  "CREATE FEATURE VIEW v (n = COUNT(*) OVER '1 hour') "
                  "FOR card FROM payment;");
    write_events(f, FEATURE_EVENT, columns, "1 @-60 5");
    load = begin_load(f, (struct feature_load_options){0});
    batch = make_events(f, FEATURE_EVENT, "payment", columns, "1 @-30 7");
    must(feature_load_append(load, batch, &problem));
    feature_batch_free(batch);
    commit_load(load);
    write_events(f, FEATURE_RETRACT, columns, "1 @-30 7");
    write_events(f, FEATURE_EVENT, columns, "1 @-20 8");
    must_fail(feature_store_rollback(f->store, "v", NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "cannot be taken back from v"));
    expect_rows(f, "v(n)", "1", "present 1");
    expect_good(f);
    roll_back(f, FEATURE_ROLLBACK_AS_IT_WAS);
    expect_rows(f, "v(n)", "1", "present 1");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_taken_back_has_to_be_in_the_version),
        TEST(any_version_that_is_kept_is_what_it_would_have_become)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
