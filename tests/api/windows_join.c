/* SPDX-License-Identifier: Apache-2.0 */
/* Joins of labels with features of windows: each label at its own time, however
 * many of one key there are. */
#include "join.h"

#include "../unit/draw.h"

#define CARDS                                                              \
    "CREATE ENTITY card (card_id INT64);"                                  \
    "CREATE EVENT payment (card_id INT64, amount INT64) WITH (max_skew ="  \
    " 'none');"                                                            \
    "CREATE FEATURE VIEW limits (day INT64) FOR card WITH (history = '900" \
    " days');"                                                             \
    "CREATE FEATURE VIEW spend (n = COUNT(*) OVER '1 hour' EXACT,"         \
    " total = SUM(amount), most = MAX(amount) OVER '3 hours' EXACT)"       \
    " FOR card FROM payment WITH (history = '900 days');"                  \
    "CREATE FEATURE VIEW short (n = COUNT(*) OVER '1 hour' EXACT)"         \
    " FOR card FROM payment WITH (history = '1 day');"
#define LABELS     150
#define EVENTS     400
#define CARDS_MOST 2
#define NAMES      "card_id event_timestamp "

struct labels {
    int64_t keys[LABELS], times[LABELS];
};

/* One record batch of them, as long as the block that it is in. */
#define COLUMN(name, format, values, count)  \
    (&(struct column){name, format, (count), \
                      PIECES({0}, {(values), (size_t)(count)*8})})
#define LABELS_OF(labels, count)                                     \
    (&(struct producer){                                             \
        .batches = {RECORD(                                          \
            (count), COLUMN("card_id", "l", (labels).keys, (count)), \
            COLUMN("event_timestamp", "tsu:UTC", (labels).times, (count)))}})

static void
pay(struct fixture *f, const char *rows)
{
    feature_batch *batch = make_batch(f, FEATURE_EVENT, "payment",
                                      "card_id, event_timestamp, amount", rows);

    write_batch(f, batch);
    feature_batch_free(batch);
}

static void
a_label_does_not_see_its_own_event(void **state)
{
    struct fixture *f = *state;
    struct labels labels = {
        .keys = {1, 1, 2, 1, 1},
        .times = {NOON - HOUR, NOON - HOUR + 1, NOON, NOON, NOON + SECOND}};
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_EXPORT_STATES};

    define(f, CARDS);
    upsert(f, "limits", NULL, "1 @-1800 500");
    pay(f, "1 @-3600 5\n1 @0 7");
    expect_join(f, LABELS_OF(labels, 5), "spend(n, total), limits(day)",
                &options, NAMES "n total day spend__state limits__state",
                "1 1767265200000000 0 null null 3 3\n"
                "1 1767265200000001 1 5 null 1 3\n"
                "2 1767268800000000 0 null null 3 3\n"
                "1 1767268800000000 1 5 500 1 1\n"
                "1 1767268801000000 1 12 500 1 1\n--\n");
}

/* --- many labels of one key ----------------------------------------------------- */

struct world {
    int64_t keys[EVENTS], times[EVENTS], amounts[EVENTS];
    struct labels labels;
};

static void
write_world(struct fixture *f, struct world *w)
{
    static char rows[64 * EVENTS];
    size_t size = 0;

    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t before = draw_below(12 * 3600);

        w->keys[i] = draw_below(CARDS_MOST);
        w->times[i] = NOON - before * SECOND;
        w->amounts[i] = draw_below(50);
        size += (size_t)snprintf(rows + size, sizeof rows - size,
                                 "%s%d @-%u %d", i ? "\n" : "", (int)w->keys[i],
                                 before, (int)w->amounts[i]);
    }
    pay(f, rows);
    for (uint32_t i = 0; i < LABELS; i++) {
        w->labels.keys[i] = draw_below(CARDS_MOST + 1);
        w->labels.times[i] = draw_one_in(2)
                                 ? w->times[draw_below(EVENTS)] + draw_below(2)
                                 : NOON - draw_below(13 * 3600) * SECOND;
    }
}

/* What the events of a label add up to, one by one. */
static void
print_expected(const struct world *w, uint32_t label, struct printer *to)
{
    int64_t key = w->labels.keys[label], t = w->labels.times[label];
    int64_t n = 0, total = 0, most = -1;
    int any = 0;

    for (uint32_t i = 0; i < EVENTS; i++) {
        if (w->keys[i] != key || w->times[i] >= t)
            continue;
        any = 1;
        total += w->amounts[i];
        n += w->times[i] >= t - HOUR;
        if (w->times[i] >= t - 3 * HOUR && w->amounts[i] > most)
            most = w->amounts[i];
    }
    print_to(to, "%d %" PRId64 " %d ", (int)key, t, (int)n);
    print_to(to, any ? "%d " : "null ", (int)total);
    print_to(to, most < 0 ? "null\n" : "%d\n", (int)most);
}

/* The lines of a text, with one behind each batch. */
static char *
cut_into(const char *text, uint32_t rows)
{
    char *cut = calloc(2, strlen(text) + 8);
    struct printer to = {.text = cut};
    const char *end;

    assert_non_null(cut);
    for (uint32_t i = 1; (end = strchr(text, '\n')); text = end + 1, i++)
        print_to(&to, "%.*s\n%s", (int)(end - text), text,
                 !end[1] || (rows && i % rows == 0) ? "--\n" : "");
    return cut;
}

static void
labels_of_one_key_are_each_at_their_own_time(void **state)
{
    static const uint32_t chunks[] = {0, 40, 64};
    static char expected[ANSWER_SIZE];
    struct printer to = {.text = expected};
    struct fixture *f = *state;
    static struct world w;

    define(f, CARDS);
    write_world(f, &w);
    expected[0] = 0;
    for (uint32_t i = 0; i < LABELS; i++)
        print_expected(&w, i, &to);
    for (uint32_t i = 0; i < 3; i++) {
        struct feature_join_options options = {.struct_size = sizeof options,
                                               .chunk_rows = chunks[i]};
        char *cut = cut_into(expected, chunks[i]);

        expect_join(f, LABELS_OF(w.labels, LABELS), "spend(*)", &options,
                    NAMES "n total most", cut);
        free(cut);
    }
}

/* --- retention -------------------------------------------------------------------- */

/* What was before the horizon is not known; what was after it, exactly. */
static void
below_the_horizon_a_label_has_no_history(void **state)
{
    struct fixture *f = *state;
    struct feature_maintain_options all = {.struct_size = sizeof all,
                                           .flags = FEATURE_MAINTAIN_ALL};
    struct labels labels = {.keys = {1, 1, 1, 1, 1, 1},
                            .times = {NOON - 25 * HOUR, NOON - 24 * HOUR,
                                      NOON - 23 * HOUR, NOON - 23 * HOUR + 1,
                                      NOON - 22 * HOUR, NOON - 12 * HOUR}};
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_EXPORT_STATES};

    define(f, CARDS);
    pay(f, "1 @-90000 1\n1 @-86400 2\n1 @-82801 3\n1 @-82800 4\n1 @-79201 5\n"
           "1 @-43201 6\n1 @-1 7");
    expect_join(f, LABELS_OF(labels, 6), "short(n)", &options,
                NAMES "n short__state",
                "1 1767178800000000 0 3\n1 1767182400000000 1 1\n"
                "1 1767186000000000 2 1\n1 1767186000000001 2 1\n"
                "1 1767189600000000 2 1\n1 1767225600000000 1 1\n--\n");
    must(feature_store_maintain(f->store, &all, NULL, &problem));
    expect_join(f, LABELS_OF(labels, 6), "short(n)", &options,
                NAMES "n short__state",
                "1 1767178800000000 null 5\n1 1767182400000000 null 5\n"
                "1 1767186000000000 null 5\n1 1767186000000001 2 1\n"
                "1 1767189600000000 2 1\n1 1767225600000000 1 1\n--\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_label_does_not_see_its_own_event),
        TEST(labels_of_one_key_are_each_at_their_own_time),
        TEST(below_the_horizon_a_label_has_no_history),
    };

    draw_begin();
    return cmocka_run_group_tests_name("windows_join", tests, NULL, NULL);
}
