/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads of views that keep history, against an oracle: a load is the writes of one
 * commit at its cut.
 */
#include "loads_oracle.h"
#include "snapshot.h"
#include "../rounds.h"

#include <unistd.h>

#define RUNS ROUNDS(40)
#define KEPT (900 * DAY)

/* --- loads ------------------------------------------------------------------- */

/* A load that was begun after so many writes. */
struct loading {
    feature_load *load;
    uint32_t cut;
    int64_t cut_time, time;
    int has[KEYS];
    struct write writes[KEYS];
};

static void
begin(struct world *world, struct loading *loading)
{
    struct feature_load_options options = {.struct_size = sizeof options};
    static const int own[] = {1, 1, 1};

    *loading = (struct loading){.cut = world->serving.count,
                                .cut_time = stats_of(world->f).commit_time,
                                .time = 1 + below(world, TIMES - 2)};
    options.time = loading->time;
    must(feature_load_begin(world->f->store, "h", &options, &loading->load,
                            &problem));
    for (int i = 0; i < KEYS; i++) {
        loading->has[i] = below(world, 3) > 0;
        draw_write(world, &loading->writes[i], FEATURE_UPSERT, own);
        loading->writes[i].key = i;
    }
}

static void
append_rows(struct world *world, struct loading *loading)
{
    static char text[ANSWER_SIZE];
    struct printer printer = {.text = text};
    feature_batch *batch = NULL;
    int any = 0, is_down = below(world, 2) == 1;

    for (int i = 0; i < KEYS; i++) {
        int key = is_down ? KEYS - 1 - i : i;

        if (!loading->has[key])
            continue;
        any = 1;
        print_write(&printer, &loading->writes[key]);
    }
    if (!any)
        return;
    must(feature_batch_create(world->f->store, "h", ALL, FEATURE_UPSERT, &batch,
                              &problem));
    fill_batch(batch, text);
    must(feature_load_append(loading->load, batch, &problem));
    feature_batch_free(batch);
}

/* What the load is, as writes of one commit. */
static uint32_t
make_writes(const struct model *model, const struct loading *loading,
            struct write made[KEYS])
{
    uint32_t count = 0;

    for (int64_t key = 0; key < KEYS; key++) {
        struct row row = online(model, key, loading->cut);
        struct write *write = &made[count];
        int64_t time =
            loading->has[key] ? loading->writes[key].time : loading->time;

        if (!loading->has[key] && (!row.exists || row.is_deleted))
            continue;
        *write = loading->writes[key];
        if (!loading->has[key]) {
            write->operation = FEATURE_DELETE;
            for (int i = 0; i < FEATURES; i++)
                write->cells[i].is_null = 1;
        }
        at_time(write, newest(&row) > time ? newest(&row) : time);
        write->commit_time = loading->cut_time;
        count++;
    }
    return count;
}

static void
take_load(struct world *world, const struct loading *loading)
{
    struct model *model = &world->serving;
    struct write made[KEYS];
    uint32_t count = make_writes(model, loading, made);

    world->kept = *model;
    world->has_kept = 1;
    assert_true(model->count + count <= WRITES);
    memmove(model->writes + loading->cut + count, model->writes + loading->cut,
            (model->count - loading->cut) * sizeof *made);
    memcpy(model->writes + loading->cut, made, count * sizeof *made);
    model->count += count;
    world->loads++;
}

/* Where what came since is older than what retention keeps, a load is refused. */
static int
may_be_refused(const struct world *world, const struct loading *loading)
{
    for (uint32_t i = loading->cut; i < world->serving.count; i++)
        if (world->serving.writes[i].time <= world->horizon)
            return 1;
    return 0;
}

/* Blocks with versions from before the cut and after it. */
static void
pack(struct world *world)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};

    if (world->is_long && world->packed)
        must(feature_store_maintain(world->f->store, &options, NULL, &problem));
}

static void
load(struct world *world)
{
    uint32_t before = below(world, 4), after = below(world, 4);
    struct loading loading;
    feature_status status;

    begin(world, &loading);
    for (uint32_t i = 0; i < before; i++)
        write_some(world);
    append_rows(world, &loading);
    for (uint32_t i = 0; i < after; i++)
        write_some(world);
    pack(world);
    status = feature_load_commit(loading.load, NULL, &problem);
    feature_load_free(loading.load);
    if (status && may_be_refused(world, &loading)) {
        assert_int_equal(status, FEATURE_CONFLICT);
        assert_string_equal(problem.reason, "load-cut");
        world->conflicts++;
        return;
    }
    must(status);
    take_load(world, &loading);
}

static void
go_back(struct world *world)
{
    static struct model other;

    if (!world->has_kept)
        return;
    must(feature_store_rollback(world->f->store, "h", NULL, NULL, &problem));
    other = world->serving;
    world->serving = world->kept;
    world->kept = other;
    world->rollbacks++;
}

/* What serves is what the newest of the past says, and all of it is sound. */
static void
check(struct world *world)
{
    uint32_t count = world->serving.count;

    compare(world, 0);
    if (count)
        compare(world, world->serving.writes[below(world, count)].commit_time);
    close_store(world->f);
    expect_good(world->f);
    open_store(world->f);
}

/* --- runs -------------------------------------------------------------------- */

/* Upkeep at a random horizon; of a long run it packs alone. */
static void
maintain(struct world *world)
{
    struct feature_maintain_options options = {.struct_size = sizeof options,
                                               .flags = FEATURE_MAINTAIN_ALL};
    struct feature_maintain_report report = {.struct_size = sizeof report};
    int64_t horizon = world->is_long ? -1 : (int64_t)below(world, TIMES);

    if (horizon < world->horizon)
        horizon = world->horizon;
    move_clock(world->f, horizon + KEPT);
    for (int i = 0; i < 2; i++) {
        must(feature_store_maintain(world->f->store, &options, &report,
                                    &problem));
        world->packed += report.versions_packed;
    }
    if (world->is_long)
        return;
    world->horizon = horizon;
    for (int64_t key = 0; key < KEYS; key++) {
        struct model *model = &world->serving;
        struct row row = online(model, key, model->count);

        if (!row.is_deleted || newest(&row) >= horizon)
            continue;
        model->gone[key] = model->count;
        model->base[key] = empty_row();
    }
}

/* A snapshot has the version that serves, and nothing to go back to. */
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
    world->has_kept = 0;
    check(world);
    close_store(world->f);
    must(feature_store_compact(world->f->path, NULL, NULL, NULL, &problem));
    open_store(world->f);
    check(world);
}

static void
begin_history(struct world *world)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    must(feature_store_apply(
        world->f->store,
        "STORE WITH (changes = '3000 days'); CREATE ENTITY e (k INT64);"
        "CREATE FEATURE VIEW h (a INT64, b INT64, c INT64) FOR e"
        " WITH (max_skew = 'none', history = '900 days');",
        NULL, &commit, &problem));
    world->since = commit.time;
    for (int64_t key = 0; key < KEYS; key++)
        world->serving.base[key] =
            online(&world->serving, key, world->serving.count);
}

static void
run(struct world *world, uint32_t before, uint32_t calls)
{
    define(world->f,
           "STORE WITH (changes = '3000 days'); CREATE ENTITY e (k INT64);"
           "CREATE FEATURE VIEW h (a INT64, b INT64, c INT64) FOR e"
           " WITH (max_skew = 'none');");
    for (int64_t key = 0; key < KEYS; key++)
        world->serving.base[key] = empty_row();
    for (uint32_t i = 0; i < before; i++)
        write_some(world);
    begin_history(world);
    for (uint32_t i = 0; i < calls; i++) {
        uint32_t die = below(world, world->is_long ? 24 : 8);

        if (die == 0)
            load(world);
        else if (die == 1)
            go_back(world);
        else if (die == 2 && world->has_upkeep)
            maintain(world);
        else
            write_some(world);
        if (die < 3)
            check(world);
    }
    check(world);
    if (below(world, 4) == 0)
        copy_store(world);
}

static void
past_reads_are_those_of_the_oracle(void **state)
{
    struct fixture *f = *state;
    static struct world world;
    uint64_t loads = 0, conflicts = 0, rollbacks = 0, packed = 0;

    for (uint32_t i = 0; i < RUNS; i++) {
        world = (struct world){.f = f, .state = 4177 + i};
        world.is_long = i % 5 == 4;
        world.has_upkeep = i % 2 || world.is_long;
        world.horizon = INT64_MIN;
        f->options.fixed_now = NOON;
        start_again(f);
        run(&world, i % 3 ? 0 : 1 + i % 11, world.is_long ? 240 : 60);
        loads += world.loads;
        conflicts += world.conflicts;
        rollbacks += world.rollbacks;
        packed += world.packed;
    }
    assert_in_range(loads, ROUNDS(150), UINT64_MAX);
    assert_in_range(rollbacks, ROUNDS(100), UINT64_MAX);
    assert_in_range(packed, ROUNDS(10 * 64), UINT64_MAX);
    assert_in_range(conflicts, 1, loads);
}

#define PAST                                               \
    FED E "CREATE FEATURE VIEW v (a INT64) FOR e "         \
          "WITH (max_skew = 'none', history = '90 days', " \
          "keep_versions = 2);"

static void
expect_past(struct fixture *f, int64_t time, const char *expected)
{
    struct reader reader = open_reader(f, "v(*)", 0, "1\n2\n3");
    const int64_t times[] = {time, time, time};

    must(feature_request_set_as_of(reader.request, times, 3, &problem));
    expect_read(&reader, expected);
    close_reader(&reader);
}

static void
set_up(struct fixture *f)
{
    define(f, PAST);
    upsert(f, "v", "k, event_timestamp, a", "1 10 1\n2 20 2");
}

static feature_load *
load_at(struct fixture *f, int64_t time, const char *rows)
{
    feature_load *load =
        begin_load(f, (struct feature_load_options){.time = time});

    append(f, load, "k, event_timestamp, a", rows);
    return load;
}

static void
a_load_is_a_commit_at_its_cut(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    set_up(f);
    load = load_at(f, 30, "1 5 100\n3 25 300");
    upsert(f, "v", "k, event_timestamp, a", "1 10 11\n2 40 22");
    upsert(f, "v", "k, event_timestamp, a", "3 24 33");
    commit_load(load);
    expect_past(f, 9, "not_found null\nnot_found null\nnot_found null");
    expect_past(f, 10, "present 11\nnot_found null\nnot_found null");
    expect_past(f, 24, "present 11\npresent 2\npresent 33");
    expect_past(f, 29, "present 11\npresent 2\npresent 300");
    expect_past(f, 30, "present 11\nnot_found null\npresent 300");
    expect_past(f, 40, "present 11\npresent 22\npresent 300");
    expect_rows(f, "v(*)", "1\n2\n3", "present 11\npresent 22\npresent 300");
    expect_good(f);
    roll_back(f, 0);
    expect_past(f, 30, "present 11\npresent 2\npresent 33");
    expect_past(f, 40, "present 11\npresent 22\npresent 33");
    expect_good(f);
    roll_back(f, 0);
    expect_past(f, 30, "present 11\nnot_found null\npresent 300");
    expect_good(f);
}

static void
a_load_without_a_feed_takes_no_later_write(void **state)
{
    struct fixture *f = *state;
    feature_load *load;

    define(f, E "CREATE FEATURE VIEW v (a INT64) FOR e "
                "WITH (max_skew = 'none', history = '90 days');");
    upsert(f, "v", "k, event_timestamp, a", "1 10 1");
    load = load_at(f, 30, "2 20 2");
    upsert(f, "v", "k, event_timestamp, a", "1 10 11");
    must_fail(feature_load_commit(load, NULL, &problem), FEATURE_CONFLICT,
              "no-feed");
    feature_load_free(load);
    expect_past(f, 40, "present 11\nnot_found null\nnot_found null");
    commit_load(load_at(f, 30, "2 20 2"));
    expect_past(f, 29, "present 11\npresent 2\nnot_found null");
    expect_past(f, 30, "not_found null\npresent 2\nnot_found null");
    expect_good(f);
}

/* A cut before the newest commit: what came since is in the history. */
static void
a_load_may_be_cut_at_an_earlier_commit(void **state)
{
    struct fixture *f = *state;
    struct feature_load_options options = {.time = 30};
    feature_load *load;

    set_up(f);
    options.cut = stats_of(f).sequence;
    upsert(f, "v", "k, event_timestamp, a", "2 50 22");
    load = begin_load(f, options);
    append(f, load, "k, event_timestamp, a", "1 11 100");
    commit_load(load);
    expect_past(f, 20, "present 100\npresent 2\nnot_found null");
    expect_past(f, 49, "present 100\nnot_found null\nnot_found null");
    expect_past(f, 50, "present 100\npresent 22\nnot_found null");
    expect_good(f);
}

/* An image that something of later is in is made again: what comes before that from
 * the feed must not see it. */
static void
images_are_those_of_the_cut(void **state)
{
    struct fixture *f = *state;
    struct feature_query_options options = {.struct_size = sizeof options};
    struct reader reader = {0};
    const int64_t time = 120;
    feature_load *load;
    char row[32];

    define(f, FED E "CREATE FEATURE VIEW v (a INT64, b INT64) FOR e "
                    "WITH (max_skew = 'none', history = '90 days');");
    for (int at = 100; at <= 130; at++) {
        snprintf(row, sizeof row, "1 %d %d", at, at);
        patch(f, "v", "k, event_timestamp, a", row);
    }
    load = begin_load(f, (struct feature_load_options){.time = 1});
    append(f, load, "k, event_timestamp, a, b", "1 1 7 7");
    options.known_by = patch(f, "v", "k, event_timestamp, a", "1 120 5").time;
    patch(f, "v", "k, event_timestamp, b", "1 105 6");
    commit_load(load);
    must(feature_query_create(f->store, "v(*)", &options, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, "1");
    must(feature_request_set_as_of(reader.request, &time, 1, &problem));
    expect_read(&reader, "present 5 null");
    close_reader(&reader);
    expect_rows(f, "v(*)", "1", "present 7 7");
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(past_reads_are_those_of_the_oracle,
                                        fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(images_are_those_of_the_cut,
                                        fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(a_load_is_a_commit_at_its_cut,
                                        fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(
            a_load_without_a_feed_takes_no_later_write, fixture_begin,
            fixture_end),
        cmocka_unit_test_setup_teardown(a_load_may_be_cut_at_an_earlier_commit,
                                        fixture_begin, fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
