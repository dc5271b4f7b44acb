/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any cut gives the same bytes: states of the events before it, merged with those
 * after it, against one store that took them all.
 *
 * FEATURE_MERGE_ROUNDS sets how many worlds are tried (default 4 of each kind),
 * FEATURE_TEST_SEED where the random numbers begin.
 */
#include "../unit/draw.h"
#include "tiles.h"

#define EVENT                                                            \
    "CREATE ENTITY card (card_id INT64);"                                \
    "CREATE EVENT payment (card_id INT64, amount INT64, price FLOAT64, " \
    "shop STRING, status STRING);"
#define PLAIN                                                             \
    "n = COUNT(*) OVER '1 hour', spent = SUM(amount) OVER '7 days', "     \
    "paid = SUM(price) OVER '1 day', mean = AVG(price) OVER '7 days', "   \
    "spread = STDDEV(amount) OVER '7 days', "                             \
    "least = MIN(amount) OVER '1 day', most = MAX(price) OVER '7 days', " \
    "odd = COUNT(*) WHERE status = 'ok' AND amount >= 0 OVER '1 day', "   \
    "some = LAST(amount, 3) OVER '7 days', top = TOP(amount, 3) OVER "    \
    "'1 day', shops = COUNT(DISTINCT shop, 3) OVER '7 days', "            \
    "about = APPROX_COUNT_DISTINCT(amount) OVER '7 days', "               \
    "p90 = APPROX_PERCENTILE(price, 0.9) OVER '1 day', "                  \
    "today = SUM(amount) OVER CUMULATE '1 day', "                         \
    "yesterday = COUNT(*) OVER TUMBLE '1 day', "                          \
    "by = SUM(amount) BY shop LIMIT 3 OVER '7 days'"
#define EVER                                                              \
    ", ever = SUM(amount), paid_ever = SUM(price), first = FIRST(shop), " \
    "last = LAST(shop), ids = APPROX_COUNT_DISTINCT(amount) OVER LIFETIME"

static const char *const kinds[] = {
    EVENT "CREATE FEATURE VIEW spend (" PLAIN EVER ") FOR card FROM payment;",
    EVENT "CREATE FEATURE VIEW spend (" PLAIN
          ") FOR card FROM payment WITH (slack = '1 day');",
    EVENT "CREATE FEATURE VIEW spend (" PLAIN EVER
          ") FOR card FROM payment WITH (slack = '1 second', zone = '+08:00');",
    EVENT "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '10 seconds' EXACT, "
          "m = MIN(amount) OVER '1 minute' HOP '1 second', ever = COUNT(*)) "
          "FOR card FROM payment;"};

#define KINDS (sizeof kinds / sizeof *kinds)

/* --- worlds ------------------------------------------------------------------ */

#define LENGTH 24 /* events of a story */
#define TALES  (LENGTH + 1)
#define GROUPS 5

/* A story, told with every first cut: each tale has keys of its own. */
struct tale {
    const struct event *story;
    int64_t key;
    uint32_t cuts[3]; /* batch, batch, stream until, and the rest */
};

struct world {
    const char *definitions;
    struct event stories[GROUPS][LENGTH];
    struct tale tales[GROUPS * TALES];
    struct held whole;
};

static void
draw_story(struct event *story, int is_bounded)
{
    static const int64_t spans[] = {MINUTE, HOUR, DAY, 9 * DAY};

    for (uint32_t i = 0; i < LENGTH; i++) {
        int64_t span = spans[draw_below(is_bounded ? 3 : 4)];

        story[i] = (struct event){.key = draw_below(2),
                                  .ts = NOON - draw_below((uint64_t)span),
                                  .amount = (int64_t)draw_below(40) - 10,
                                  .price = (double)draw_below(4000) / 7 - 100,
                                  .has_amount = !draw_one_in(8),
                                  .has_price = !draw_one_in(8),
                                  .shop = (int)draw_below(6) - 1,
                                  .is_ok = !draw_one_in(3)};
        if (draw_one_in(4))
            story[i].ts = floor_to(story[i].ts, HOUR, 0);
        if (i && draw_one_in(4))
            story[i].ts = story[draw_below(i)].ts;
    }
}

static uint32_t
draw_cut(uint32_t from)
{
    return from + draw_below(LENGTH - from + 1);
}

static void
draw_world(struct world *w, uint32_t kind)
{
    w->definitions = kinds[kind];
    for (uint32_t i = 0; i < GROUPS; i++)
        draw_story(w->stories[i], kind == 1);
    for (uint32_t i = 0; i < GROUPS * TALES; i++) {
        struct tale *tale = &w->tales[i];

        tale->story = w->stories[i / TALES];
        tale->key = 2 * i;
        tale->cuts[0] = i % TALES;
        tale->cuts[1] = draw_cut(tale->cuts[0]);
        tale->cuts[2] = draw_cut(tale->cuts[1]);
    }
}

/* Where part 0 to 3 of a tale begins; 4: its end. */
static uint32_t
part_of(const struct tale *tale, uint32_t part)
{
    return !part ? 0 : part > 3 ? LENGTH : tale->cuts[part - 1];
}

/* Writes parts [first, end) of all tales. */
static void
tell(struct fixture *f, const struct world *w, uint32_t first, uint32_t end)
{
    static struct event events[EVENTS_MAX];
    struct feature_commit commit = {.struct_size = sizeof commit};
    uint32_t count = 0;
    feature_batch *batch;

    for (uint32_t i = 0; i < GROUPS * TALES; i++) {
        const struct tale *tale = &w->tales[i];

        for (uint32_t j = part_of(tale, first); j < part_of(tale, end); j++) {
            assert_true(count < EVENTS_MAX);
            events[count] = tale->story[j];
            events[count++].key += tale->key;
        }
    }
    if (!count)
        return;
    batch = event_batch(f->store, FEATURE_EVENT, events, count);
    must(feature_store_write(f->store, &batch, 1, NULL, &commit, &problem));
    assert_int_equal(commit.applied + commit.late, count);
    feature_batch_free(batch);
}

static struct fixture *
store_of(const struct world *w, uint32_t first, uint32_t end)
{
    struct fixture *f = begin_store(w->definitions);

    tell(f, w, first, end);
    return f;
}

static void
expect_whole(struct fixture *f, const struct world *w, const char *what)
{
    struct held held = held_of(f, "spend");

    if (strcmp(held.hash, w->whole.hash) || held.rows != w->whole.rows)
        fail_msg("seed %llu: %s: %u rows %s, not %u rows %s",
                 (unsigned long long)draw_seed, what, held.rows, held.hash,
                 w->whole.rows, w->whole.hash);
    expect_good(f);
}

/* --- ways of merging ---------------------------------------------------------- */

/* Both batches by themselves, the later one first, between events. */
static void
merge_in_turn(const struct world *w, struct fixture *first,
              struct fixture *second)
{
    struct fixture *f = begin_store("STORE WITH (changes = '3 days')");

    define(f, w->definitions);
    tell(f, w, 2, 3);
    ship(second, f, "spend");
    ship(first, f, "spend");
    tell(f, w, 3, 4);
    expect_whole(f, w, "in turn");
    expect_followed(f);
    end_store(f);
}

/* One stream of both: of rows of one key, the first is the earliest. */
static void
merge_at_once(const struct world *w, struct fixture *first,
              struct fixture *second)
{
    struct fixture *f = store_of(w, 2, 4);
    struct joined joined = {.first = tiles_of(first, "spend"),
                            .second = tiles_of(second, "spend")};
    struct ArrowArrayStream stream = join_streams(&joined);

    must(feature_store_merge_tiles(f->store, "spend", &stream, NULL, NULL,
                                   &problem));
    expect_whole(f, w, "at once");
    end_store(f);
}

/* The first batch goes into the second, and all of it into the stream's. */
static void
merge_in_steps(const struct world *w, struct fixture *first,
               struct fixture *second)
{
    struct fixture *f = store_of(w, 2, 4);

    ship(first, second, "spend");
    ship(second, f, "spend");
    expect_whole(f, w, "in steps");
    end_store(f);
}

/* The first batch opens the day, and the rest is written. */
static void
merge_before_all(const struct world *w, struct fixture *first)
{
    struct fixture *f = begin_store(w->definitions);

    ship(first, f, "spend");
    tell(f, w, 1, 4);
    expect_whole(f, w, "before all");
    end_store(f);
}

static void
try_world(struct world *w, uint32_t kind)
{
    struct fixture *whole, *first, *second;

    draw_world(w, kind);
    whole = store_of(w, 0, 4);
    w->whole = held_of(whole, "spend");
    first = store_of(w, 0, 1);
    second = store_of(w, 1, 2);
    merge_in_turn(w, first, second);
    merge_at_once(w, first, second);
    merge_before_all(w, first);
    merge_in_steps(w, first, second);
    end_store(first);
    end_store(second);
    end_store(whole);
}

static void
any_cut_gives_the_bytes_of_one_store(void **state)
{
    static struct world w;
    const char *rounds = getenv("FEATURE_MERGE_ROUNDS");
    uint32_t count = rounds ? (uint32_t)strtoul(rounds, NULL, 10) : 4;

    (void)state;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            try_world(&w, kind);
}

/* --- controls ----------------------------------------------------------------- */

/* One event of one key of all on both sides, and the bytes differ. */
static void
an_event_of_both_sides_is_found(void **state)
{
    static struct world w;
    struct fixture *whole, *first, *f;
    struct tale *tale;

    (void)state;
    draw_world(&w, 0);
    whole = store_of(&w, 0, 4);
    first = store_of(&w, 0, 1);
    tale = &w.tales[draw_below(GROUPS * TALES)];
    while (!tale->cuts[0])
        tale = &w.tales[draw_below(GROUPS * TALES)];
    tale->cuts[0]--; /* after the batch was made */
    f = begin_store(w.definitions);
    ship(first, f, "spend");
    tell(f, &w, 1, 4);
    assert_string_not_equal(held_of(f, "spend").hash,
                            held_of(whole, "spend").hash);
    end_store(f);
    end_store(first);
    end_store(whole);
}

/* The later side merged as if it were the earlier one: ties tell. */
static void
the_order_of_the_sides_matters(void **state)
{
    static const char rows[] = "7 1 1 a ok @-9", other[] = "7 2 1 b ok @-9";
    struct fixture *f = *state, *first = begin_store(kinds[0]), *right;

    define(f, kinds[0]);
    right = begin_store(kinds[0]);
    write_rows(first, FEATURE_EVENT, "payment", NULL, rows);
    write_rows(right, FEATURE_EVENT, "payment", NULL, other);
    write_rows(f, FEATURE_EVENT, "payment", NULL, rows);
    write_rows(f, FEATURE_EVENT, "payment", NULL, other);
    ship(right, first, "spend"); /* first is the later side now */
    assert_string_not_equal(held_of(first, "spend").hash,
                            held_of(f, "spend").hash);
    end_store(first);
    first = begin_store(kinds[0]);
    write_rows(first, FEATURE_EVENT, "payment", NULL, rows);
    ship(first, right, "spend");
    expect_equal_rows(held_of(right, "spend"), held_of(f, "spend"));
    end_store(first);
    end_store(right);
}

/* --- yesterday and today ------------------------------------------------------- */

#define SHOPPING                                                           \
    "CREATE ENTITY shop (shop_id STRING);"                                 \
    "CREATE EVENT visit (shop_id STRING, customer INT64, amount FLOAT64);" \
    "CREATE FEATURE VIEW traffic ("                                        \
    "customers = COUNT(DISTINCT customer, 1000) OVER LIFETIME, "           \
    "customers_30d = COUNT(DISTINCT customer, 1000) OVER '30 days', "      \
    "about = APPROX_COUNT_DISTINCT(customer) OVER '30 days', "             \
    "today = COUNT(*) OVER CUMULATE '1 day', "                             \
    "revenue = SUM(amount) OVER LIFETIME, "                                \
    "revenue_today = SUM(amount) OVER CUMULATE '1 day') FOR shop FROM visit;"

/* `count` customers from `first` on, an hour apart, the last one `hours` ago. */
static void
visit(struct fixture *f, int first, int count, int hours)
{
    static char rows[65536];
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += (size_t)snprintf(rows + size, sizeof rows - size,
                                 "%ss %d 0.1 @%d", i ? "\n" : "", first + i,
                                 -3600 * (hours + count - 1 - i));
    assert_true(size < sizeof rows);
    write_rows(f, FEATURE_EVENT, "visit", NULL, rows);
}

/* Finished counts could not be added: customers of the batch come back. What the
 * stream brings of yesterday is late, and counts all the same. */
static void
yesterday_and_today_are_exact_with_distinct_customers(void **state)
{
    struct fixture *f = *state, *batch = begin_store(SHOPPING), *whole;

    define(f, SHOPPING);
    whole = begin_store(SHOPPING);
    visit(batch, 0, 400, 14);
    visit(whole, 0, 400, 14);
    visit(f, 370, 10, 1);  /* today's, who were all here before */
    visit(f, 350, 50, 15); /* yesterday's, late; back again, too */
    visit(whole, 370, 10, 1);
    visit(whole, 350, 50, 15);
    ship(batch, f, "traffic");
    visit(f, 1000, 5, 1);
    visit(whole, 1000, 5, 1);
    expect_equal_rows(held_of(f, "traffic"), held_of(whole, "traffic"));
    expect_rows(f, "traffic(customers, today, revenue, revenue_today)", "s",
                "present 405 15 46.5 1.5");
    expect_good(f);
    end_store(batch);
    end_store(whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(any_cut_gives_the_bytes_of_one_store),
        DRAWN(an_event_of_both_sides_is_found),
        TEST(the_order_of_the_sides_matters),
        TEST(yesterday_and_today_are_exact_with_distinct_customers)};

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
