/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads of views that keep events, against a store to which all of them were
 * written: the same rows to the byte, the same answers of any time and as known by
 * any commit from the cut on, and nothing that is guessed of before.
 *
 * FEATURE_LOAD_RUNS sets how many pairs of stores there are (default 40),
 * FEATURE_TEST_SEED where the random numbers begin.
 */
#include "arrow_stream.h"
#include "tiles.h"
#include "windows_world.h"
#include "../rounds.h"

#define ASKED  8 /* rows of a read */
#define CHOICE 0x10ad

/* One store that was written, and one that was loaded. */
struct pair {
    struct world *w; /* of the first */
    struct fixture *b;
    uint32_t prefix; /* events up to the cut */
    uint64_t cut;
    int64_t cut_time;
    int is_like; /* the second had them, too, and others */
    uint64_t reads, refused;
};

/* A commit that the view has nothing to do with. */
static void
do_nothing(struct world *w)
{
    upsert(w->f, "tick", "k", "1");
}

static void
write_few(struct world *w)
{
    write_some(w, 1 + draw_below(draw_one_in(3) ? 90 : 12));
}

/* The same in both; what is drawn is the same. */
static void
both(struct pair *pair, void (*work)(struct world *))
{
    static struct world other;
    uint64_t at = draw_state;

    other = *pair->w;
    other.f = pair->b;
    work(pair->w);
    draw_state = at;
    work(&other);
    for (uint32_t i = 0; i < other.events; i++)
        assert_int_equal(other.event[i].commit_time,
                         pair->w->event[i].commit_time);
}

/* --- the stores ------------------------------------------------------------------ */

static void
apply_feed(struct world *w)
{
    define(w->f, "STORE WITH (changes = '9000 days');"
                 "CREATE ENTITY e (k INT64);"
                 "CREATE FEATURE VIEW tick (x INT64) FOR e;");
}

static void
begin_pair(struct pair *pair, struct world *w, struct fixture *a)
{
    *w = (struct world){.f = a, .zone_text = "", .has_history = 1};
    *pair = (struct pair){.w = w, .b = begin_store(NULL)};
    w->base = NOON;
    if (draw_one_in(2)) {
        w->zone = 8 * HOUR;
        w->zone_text = ", zone = '+08:00'";
    }
    for (int i = 0; i < KEYS; i++)
        w->wm[i] = w->mark[i] = INT64_MIN;
    both(pair, apply_feed);
    draw_specs(w, 1 + draw_below(8));
    both(pair, define_view);
}

/* What the loaded store had before: other events, or those and others. */
static void
write_other(struct pair *pair)
{
    static struct world other;
    uint64_t at = draw_state;

    other = *pair->w;
    other.f = pair->b;
    draw_state = CHOICE + at;
    if (!pair->is_like)
        other.events = 0;
    write_few(&other);
    draw_state = at;
}

static void
write_prefix(struct pair *pair)
{
    uint32_t commits = draw_below(5);

    pair->is_like = draw_one_in(2);
    for (uint32_t i = 0; i < commits; i++) {
        if (pair->is_like) {
            both(pair, write_few);
        } else {
            write_other(pair);
            write_few(pair->w);
        }
    }
    write_other(pair);
    do_nothing(pair->w);
    pair->prefix = pair->w->events;
    pair->cut = stats_of(pair->w->f).sequence;
    pair->cut_time = stats_of(pair->w->f).commit_time;
    assert_int_equal(stats_of(pair->b).sequence, pair->cut);
    assert_int_equal(stats_of(pair->b).commit_time, pair->cut_time);
}

/* Behind the cut. An event of before it can be taken back before the swap only where
 * the version that serves has it. */
static void
write_more(struct pair *pair, int is_swapped)
{
    uint32_t rounds = draw_below(4);

    for (uint32_t i = 0; i < rounds; i++) {
        both(pair, write_few);
        if (draw_one_in(3))
            both(pair, delete_one);
        if ((is_swapped || pair->is_like) && draw_one_in(2))
            both(pair, retract_one);
    }
}

/* --- the load ---------------------------------------------------------------------- */

static int
is_tie(const struct event *a, const struct event *b)
{
    return a->key == b->key && a->ts == b->ts;
}

/* Any order, save that of events of one key and time. */
static void
shuffle(const struct event *events, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = draw_below(i), other = order[i - 1];

        order[i - 1] = order[j];
        order[j] = other;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = i + 1; j < count; j++)
            if (order[j] < order[i] &&
                is_tie(&events[order[i]], &events[order[j]])) {
                uint32_t other = order[i];

                order[i] = order[j];
                order[j] = other;
            }
}

static void
append_prefix(const struct pair *pair, feature_load *load)
{
    static struct event events[EVENTS_MAX];
    static uint32_t order[EVENTS_MAX];
    uint32_t at = 0;

    shuffle(pair->w->event, order, pair->prefix);
    for (uint32_t i = 0; i < pair->prefix; i++)
        events[i] = pair->w->event[order[i]];
    while (at < pair->prefix) {
        uint32_t left = pair->prefix - at, rows = 1 + draw_below(100);
        feature_batch *batch;

        rows = rows < left ? rows : left;
        batch = event_batch(pair->b->store, FEATURE_EVENT, events + at, rows);
        must(feature_load_append(load, batch, &problem));
        feature_batch_free(batch);
        at += rows;
    }
}

static void
load_prefix(struct pair *pair)
{
    struct feature_load_options options = {
        .struct_size = sizeof options,
        .cut = pair->cut,
        .memory = draw_one_in(2) ? 1 : 0,
        .flags = draw_one_in(4) ? FEATURE_LOAD_LAST_WINS : 0};
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_load *load;

    if (draw_one_in(2))
        write_more(pair, 0);
    must(
        feature_load_begin(pair->b->store, "spend", &options, &load, &problem));
    write_more(pair, 0);
    append_prefix(pair, load);
    write_more(pair, 0);
    must(feature_load_commit(load, &report, &problem));
    feature_load_free(load);
    assert_int_equal(report.cut, pair->cut);
    do_nothing(pair->w);
}

/* --- answers ------------------------------------------------------------------------ */

static void
read_both(struct pair *pair, int64_t known_by, const int64_t *keys,
          const int64_t *times, char text[2][ANSWER_SIZE])
{
    struct fixture *stores[] = {pair->w->f, pair->b};
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};

    for (int i = 0; i < 2; i++) {
        struct reader reader = {0};

        must(feature_query_create(stores[i]->store, "spend(*)", &options,
                                  &reader.query, &problem));
        must(feature_request_create(reader.query, &reader.request, &problem));
        must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                     keys, NULL, NULL, ASKED, &problem));
        if (times)
            must(feature_request_set_as_of(reader.request, times, ASKED,
                                           &problem));
        must(feature_request_read(reader.request, &problem));
        print_answer(reader.request, text[i]);
        close_reader(&reader);
    }
}

static void
expect_all_unknown(const char *text)
{
    uint32_t rows = 0;

    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, "no_history", strlen("no_history")) != 0)
            fail_msg("seed %llu: something is known of before the cut: %s",
                     (unsigned long long)draw_seed, text);
        rows++;
    }
    assert_int_equal(rows, ASKED);
}

static int64_t
draw_known_by(const struct pair *pair)
{
    if (draw_one_in(2))
        return 0;
    return pair->cut_time - 2 + draw_below(12);
}

static void
read_some(struct pair *pair, int has_times)
{
    char text[2][ANSWER_SIZE];
    int64_t known_by = draw_known_by(pair), keys[ASKED], times[ASKED];

    for (uint32_t i = 0; i < ASKED; i++) {
        keys[i] = draw_below(KEYS);
        times[i] = draw_time(pair->w) + (int64_t)draw_below(3) * MINUTE;
        if (draw_one_in(3))
            times[i] += (int64_t)draw_below(3 * DAY) - DAY;
    }
    read_both(pair, known_by, keys, has_times ? times : NULL, text);
    pair->reads += ASKED;
    if (known_by && known_by < pair->cut_time) {
        expect_all_unknown(text[1]);
        pair->refused += ASKED;
    } else if (strcmp(text[0], text[1]) != 0) {
        fail_msg("seed %llu: known by %lld (cut %lld), written:\n%s\nloaded:\n"
                 "%s",
                 (unsigned long long)draw_seed, (long long)known_by,
                 (long long)pair->cut_time, text[0], text[1]);
    }
}

/* A listing, in which all commits up to the cut are the cut. */
static void
list_history(const struct pair *pair, struct fixture *f, int64_t known_by,
             char *to, size_t room)
{
    static const int64_t keys[] = {0, 1, 2, 3};
    const struct feature_column column = {
        .values = keys, .type = FEATURE_TYPE_INT64, .rows = KEYS};
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    struct scan scan = {0};
    feature_query *query;
    char *line, *rest, *text;
    size_t size = 0;

    must(
        feature_query_create(f->store, "spend(*)", &options, &query, &problem));
    must(feature_query_history(query, &column, 1, NULL, NULL, &scan.stream,
                               &problem));
    feature_query_free(query);
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    text = strdup(rest_of(&scan, 0));
    to[0] = '\0';
    for (line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        long long key, ts, sequence, time;
        int read = 0;

        assert_int_equal(sscanf(line, "%lld %lld %lld %lld%n", &key, &ts,
                                &sequence, &time, &read),
                         4);
        if ((uint64_t)sequence <= pair->cut) {
            sequence = (long long)pair->cut;
            time = pair->cut_time;
        }
        size +=
            (size_t)snprintf(to + size, room - size, "%lld %lld %lld %lld%s\n",
                             key, ts, sequence, time, line + read);
        assert_true(size < room);
    }
    free(text);
    close_scan(&scan);
}

static void
compare_histories(struct pair *pair, int64_t known_by)
{
    static char written[4 * TEXT_SIZE], loaded[4 * TEXT_SIZE];

    list_history(pair, pair->w->f, known_by, written, sizeof written);
    list_history(pair, pair->b, known_by, loaded, sizeof loaded);
    if (strcmp(written, loaded) != 0)
        fail_msg("seed %llu: known by %lld, written:\n%s\nloaded:\n%s",
                 (unsigned long long)draw_seed, (long long)known_by, written,
                 loaded);
}

static void
compare(struct pair *pair)
{
    struct held a = held_of(pair->w->f, "spend");
    struct held b = held_of(pair->b, "spend");

    expect_equal_rows(a, b);
    assert_int_equal(a.history, b.history);
    for (int i = 0; i < 12; i++)
        read_some(pair, 1);
    read_some(pair, 0);
    compare_histories(pair, 0);
    compare_histories(pair, pair->cut_time + draw_below(9));
    expect_good(pair->b);
}

/* --- a run --------------------------------------------------------------------------- */

static void
roll_back(struct world *w)
{
    must(feature_store_rollback(w->f->store, "spend", NULL, NULL, &problem));
}

/* There and back again, with what is written meanwhile. */
static void
go_back_and_forth(struct pair *pair)
{
    struct world other = {.f = pair->b};

    roll_back(&other);
    do_nothing(pair->w);
    expect_good(pair->b);
    both(pair, write_few);
    roll_back(&other);
    do_nothing(pair->w);
}

static void
add_features(struct pair *pair)
{
    uint32_t defines = pair->w->defines;

    draw_specs(pair->w, 1 + draw_below(3));
    both(pair, define_view);
    pair->w->defines = defines + 1;
}

static void
compact(struct pair *pair)
{
    close_store(pair->b);
    must(feature_store_compact(pair->b->path, NULL, NULL, NULL, &problem));
    open_store(pair->b);
}

static void
run(struct pair *pair, struct world *w, struct fixture *a)
{
    begin_pair(pair, w, a);
    write_prefix(pair);
    load_prefix(pair);
    compare(pair);
    write_more(pair, 1);
    compare(pair);
    switch (draw_below(3)) {
    case 0:
        go_back_and_forth(pair);
        break;
    case 1:
        add_features(pair);
        break;
    default:
        compact(pair);
        break;
    }
    compare(pair);
    write_more(pair, 1);
    compare(pair);
    end_store(pair->b);
}

static void
a_loaded_view_answers_as_one_that_was_written(void **state)
{
    static struct world w;
    const char *text = getenv("FEATURE_LOAD_RUNS");
    uint64_t runs = text ? strtoull(text, NULL, 0) : ROUNDS(40);
    uint64_t reads = 0, refused = 0;

    (void)state;
    for (uint64_t i = 0; i < runs; i++) {
        struct fixture *a = begin_store(NULL);
        struct pair pair;

        run(&pair, &w, a);
        reads += pair.reads;
        refused += pair.refused;
        end_store(a);
    }
    printf("pairs=%llu rows_read=%llu of_before_the_cut=%llu\n",
           (unsigned long long)runs, (unsigned long long)reads,
           (unsigned long long)refused);
    assert_true(refused);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_view_answers_as_one_that_was_written),
    };

    draw_begin();
    draw_state = draw_seed;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
