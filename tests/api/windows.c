/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random windows, events and times against brute force.
 *
 * FEATURE_WINDOW_READS sets how many rows are read (default 40,000),
 * FEATURE_TEST_SEED where the random numbers begin, and FEATURE_WINDOW_PLANT
 * plants a bug in the oracle, as a control: "tail" (< for <=), "tie" (equal ts
 * the other way round), "late" (an event of before the window counts),
 * "scored" (an event that is not stored does not count).
 */
#include "windows_world.h"

/* --- reads ------------------------------------------------------------------- */

static struct reader
begin_reader(struct world *w, int64_t known_by)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = known_by};
    struct reader reader;

    must(feature_query_create(w->f->store, "spend(*)", &options, &reader.query,
                              &problem));
    assert_int_equal(feature_query_column_count(reader.query), w->specs);
    must(feature_request_create(reader.query, &reader.request, &problem));
    return reader;
}

static void
end_reader(struct reader *reader)
{
    feature_request_free(reader->request);
    feature_query_free(reader->query);
}

static int64_t
draw_asked(const struct world *w)
{
    int64_t t = draw_time(w), wm = w->wm[draw_below(KEYS)];

    if (wm == INT64_MIN)
        wm = w->base;
    switch (draw_below(6)) {
    case 0:
        return wm + 1;
    case 1:
        return wm - draw_below(MAX_SKEW);
    case 2:
        return t + draw_below(2 * DAY);
    case 3:
        return t - DAY + (int64_t)draw_below(2 * DAY);
    default:
        return t + (int64_t)draw_below(3) - 1;
    }
}

/* A bug in the oracle, to see the rig find it. */
static void
spoil(struct picked *picked, int64_t *from)
{
    if (!strcmp(plant(), "tail"))
        ++*from;
    if (!strcmp(plant(), "late"))
        *from -= HOUR;
    if (strcmp(plant(), "tie") || picked->count < 2)
        return;
    for (uint32_t i = 1; i < picked->count; i++)
        if (picked->events[i]->ts == picked->events[i - 1]->ts) {
            const struct event *other = picked->events[i];

            picked->events[i] = picked->events[i - 1];
            picked->events[i - 1] = other;
        }
}

/* Whether a state has to tell everything of t. */
static int
has_to_know(const struct world *w, int64_t key, int64_t t)
{
    for (uint32_t i = 0; i < w->barriers && !w->has_history; i++)
        if (w->barrier[i].key == key && t <= w->barrier[i].time)
            return 0;
    if (w->defines > 1) /* finer tiles may have become coarser ones */
        return w->has_history || t > w->wm[key];
    return w->has_history || t > w->wm[key] - MAX_SKEW;
}

static int
may_be_partial(const struct world *w, const struct spec *spec, int64_t key,
               int64_t from)
{
    return !w->has_history && spec->since && from <= w->mark[key];
}

static void
check_cell(struct world *w, const struct reader *reader, uint32_t row,
           uint32_t column, int64_t key, int64_t t, int state, int64_t known_by)
{
    static struct picked picked;
    const struct spec *spec = &w->spec[column];
    char expected[ANSWER_SIZE], got[ANSWER_SIZE];
    struct printer printer = {.text = got};
    struct feature_column values;
    int64_t from = 0, to = 0, got_from, got_to;

    bounds_of(&spec->window, w->zone, t, &from, &to);
    must(feature_request_window(reader->request, column, row, &got_from,
                                &got_to, &problem));
    assert_int_equal(got_from, from);
    assert_int_equal(got_to, to);
    if (!strcmp(plant(), "tail") || !strcmp(plant(), "late"))
        spoil(&picked, &from);
    if (from < floor_of(w, key, t, known_by))
        from = floor_of(w, key, t, known_by);
    pick(&picked, w->event, w->events, key, from, to, known_by);
    spoil(&picked, &from);
    fold_events(expected, spec->fold, &picked);
    must(feature_request_column(reader->request, column, &values, &problem));
    print_cell(&printer, &values, row);
    if (state == FEATURE_STATE_NO_HISTORY || state == FEATURE_STATE_PARTIAL) {
        if (!strcmp(got, "null"))
            return; /* this one, or another, is not known */
    }
    if (!same_cell(expected, got, spec->fold))
        fail_msg("seed %llu: key %d at %lld, f%u %s %s (%lld to %lld): %s, not "
                 "%s (wm %lld, state %d)",
                 (unsigned long long)draw_seed, (int)key, (long long)t, column,
                 fold_texts[spec->fold], spec->window.text, (long long)from,
                 (long long)to, got, expected, (long long)w->wm[key], state);
    w->answered++;
}

static int
is_visible(const struct world *w, int64_t key, int64_t t, int64_t known_by)
{
    for (uint32_t i = 0; i < w->specs; i++) {
        int64_t from, to;

        bounds_of(&w->spec[i].window, w->zone, t, &from, &to);
        if (from < floor_of(w, key, t, known_by))
            from = floor_of(w, key, t, known_by);
        for (uint32_t j = 0; j < w->events; j++)
            if (w->event[j].key == key && w->event[j].ts >= from &&
                w->event[j].ts < to && counts(&w->event[j], known_by))
                return 1;
    }
    return 0;
}

/* What a failure is about. */
static void
explain(const struct world *w, const struct reader *reader, uint32_t row,
        int64_t key)
{
    for (uint32_t i = 0; i < w->specs; i++) {
        char got[ANSWER_SIZE];
        struct printer printer = {.text = got};
        struct feature_column values;

        must(feature_request_column(reader->request, i, &values, &problem));
        print_cell(&printer, &values, row);
        printf("f%u of define %u: %s %s = %s\n", i, w->spec[i].since,
               fold_texts[w->spec[i].fold], w->spec[i].window.text, got);
    }
    for (uint32_t i = 0; i < w->events; i++)
        if (w->event[i].key == key)
            printf("event %u at %lld\n", i, (long long)w->event[i].ts);
}

static void
check_row(struct world *w, const struct reader *reader, uint32_t row,
          int64_t key, int64_t t, int64_t known_by)
{
    int state = feature_request_states(reader->request, 0)[row];
    int may_lack = 0;

    for (uint32_t i = 0; i < w->specs; i++) {
        int64_t from, to;

        bounds_of(&w->spec[i].window, w->zone, t, &from, &to);
        may_lack |= may_be_partial(w, &w->spec[i], key, from);
        check_cell(w, reader, row, i, key, t, state, known_by);
    }
    if (state == FEATURE_STATE_NO_HISTORY) {
        if (has_to_know(w, key, t)) {
            explain(w, reader, row, key);
            fail_msg("seed %llu: key %d at %lld is not known (wm %lld, mark "
                     "%lld, history %d, known_by %lld)",
                     (unsigned long long)draw_seed, (int)key, (long long)t,
                     (long long)w->wm[key], (long long)w->mark[key],
                     w->has_history, (long long)known_by);
        }
        w->unknown++;
    } else if (state == FEATURE_STATE_PARTIAL) {
        assert_true(may_lack);
        w->partial++;
    } else if ((state == FEATURE_STATE_NOT_FOUND) ==
                   is_visible(w, key, t, known_by) &&
               (state == FEATURE_STATE_NOT_FOUND || has_to_know(w, key, t))) {
        explain(w, reader, row, key);
        fail_msg("seed %llu: key %d at %lld is in state %d (wm %lld)",
                 (unsigned long long)draw_seed, (int)key, (long long)t, state,
                 (long long)w->wm[key]);
    }
}

/* Reads some rows at random times; online: at the clock. */
static void
read_some(struct world *w, int online, int64_t known_by)
{
    struct reader reader = begin_reader(w, known_by);
    int64_t keys[ROWS], times[ROWS];

    for (uint32_t i = 0; i < ROWS; i++) {
        keys[i] = draw_below(KEYS);
        times[i] = online ? w->f->options.fixed_now : draw_asked(w);
    }
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, ROWS, &problem));
    if (!online)
        must(feature_request_set_as_of(reader.request, times, ROWS, &problem));
    must(feature_request_read(reader.request, &problem));
    for (uint32_t i = 0; i < ROWS; i++)
        check_row(w, &reader, i, keys[i], times[i], known_by);
    end_reader(&reader);
}

/* The same with an event for each row that is not stored: the last of all. */
static void
read_scored(struct world *w, int online)
{
    struct reader reader = begin_reader(w, 0);
    struct event events[ROWS];
    int64_t keys[ROWS], times[ROWS];
    feature_batch *batch;

    for (uint32_t i = 0; i < ROWS; i++) {
        events[i] = draw_event(w);
        keys[i] = draw_one_in(5) ? draw_below(KEYS) : events[i].key;
        times[i] = online ? w->f->options.fixed_now
                          : events[i].ts + (int64_t)draw_below(3) * MINUTE;
    }
    batch = event_batch(w->f->store, FEATURE_EVENT, events, ROWS);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, ROWS, &problem));
    if (!online)
        must(feature_request_set_as_of(reader.request, times, ROWS, &problem));
    must(feature_request_set_events(reader.request, batch, &problem));
    feature_batch_free(batch);
    must(feature_request_read(reader.request, &problem));
    for (uint32_t i = 0; i < ROWS; i++) {
        int64_t t = times[i] > events[i].ts ? times[i] : events[i].ts + 1;

        w->event[w->events] = events[i];
        w->events += strcmp(plant(), "scored") != 0;
        check_row(w, &reader, i, keys[i], t, 0);
        w->events -= strcmp(plant(), "scored") != 0;
    }
    end_reader(&reader);
}

/* --- a run ------------------------------------------------------------------- */

static void
begin_world(struct world *w, struct fixture *f)
{
    *w = (struct world){.f = f, .zone_text = ""};
    w->base = draw_one_in(3) ? 2 * DAY : NOON;
    w->has_history = draw_one_in(2);
    if (draw_one_in(2)) {
        w->zone = 8 * HOUR;
        w->zone_text = ", zone = '+08:00'";
    }
    for (int i = 0; i < KEYS; i++)
        w->wm[i] = w->mark[i] = INT64_MIN;
    close_store(f);
    remove_directory(f->path);
    f->options.fixed_now = w->base + (int64_t)draw_below(2) * HOUR;
    open_store(f);
}

static void
run(struct world *w, struct fixture *f)
{
    uint32_t rounds = 1 + draw_below(8);
    int evolves = draw_one_in(2);

    begin_world(w, f);
    draw_specs(w, 1 + draw_below(8));
    define_view(w);
    for (uint32_t i = 0; i < rounds; i++) {
        write_some(w, 1 + draw_below(draw_one_in(3) ? 200 : 20));
        if (draw_one_in(4))
            delete_one(w);
        if (w->has_history && draw_one_in(2))
            retract_one(w);
        read_some(w, 0, 0);
        if (i == rounds / 2 && evolves) {
            memcpy(w->mark, w->wm, sizeof w->mark);
            draw_specs(w, 1 + draw_below(3));
            define_view(w);
            read_some(w, 0, 0);
        }
    }
    read_some(w, 1, 0);
    read_scored(w, 1);
    read_scored(w, 0);
    if (w->has_history)
        read_some(w, 0, w->event[draw_below(w->events)].commit_time);
}

static void
every_read_is_the_fold_of_the_events_of_its_window(void **state)
{
    static struct world w;
    const char *text = getenv("FEATURE_WINDOW_READS");
    uint64_t reads = text ? strtoull(text, NULL, 0) : 40000;
    uint64_t answered = 0, unknown = 0, partial = 0;

    for (uint64_t done = 0; done < reads;) {
        run(&w, *state);
        done += w.answered;
        answered += w.answered;
        unknown += w.unknown;
        partial += w.partial;
    }
    printf("reads=%llu rows_no_history=%llu rows_partial=%llu\n",
           (unsigned long long)answered, (unsigned long long)unknown,
           (unsigned long long)partial);
    assert_true(unknown && partial);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_read_is_the_fold_of_the_events_of_its_window),
    };

    draw_begin();
    draw_state = draw_seed;
    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
