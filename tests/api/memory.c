/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory, at every allocation of every call in turn: FEATURE_NO_MEMORY,
 * nothing changed, nothing handed out, and the next try works. */
#include "common.h"

#define DEFINITIONS                                                       \
    "CREATE ENTITY e (k INT64, p STRING);"                                \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, s STRING DEFAULT 'x',"     \
    " l INT32[], t STRING[], f FLOAT32[2]) FOR e;"                        \
    "CREATE FEATURE VIEW n (a INT64, b FLOAT32[2] DEFAULT [1, 2]) FOR e;" \
    "CREATE FEATURE SERVICE s1 AS v(*), n(a AS b) AS m (k AS other);"

#define ALLOCATIONS_MAX 5000

/* What calls are made with and leave behind. */
struct scene {
    struct fixture *f;
    feature_store *store;
    feature_batch *batch;
    struct reader reader;
    char *text;
    float matrix[8];
    struct feature_commit commit;
    struct feature_stats stats;
};

typedef feature_status (*scene_call)(struct scene *);

static int
begin(void **state)
{
    static struct scene scene;
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    define(f, DEFINITIONS);
    upsert(f, "v", NULL, "1 x 100 5 text [1,2] [a,b] [1,2]");
    scene = (struct scene){.f = f,
                           .commit.struct_size = sizeof scene.commit,
                           .stats.struct_size = sizeof scene.stats};
    f->context = &scene;
    return 0;
}

static int
end(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;

    feature_batch_free(scene->batch);
    close_reader(&scene->reader);
    feature_free(scene->text);
    feature_store_close(scene->store);
    return fixture_end(state);
}

#define MEMORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* Makes a call with its first, second, third ... allocation failing, until it
 * needs no more than that; undo goes before each new try that succeeded. */
static void
fail_each(struct scene *scene, scene_call call, void (*undo)(struct scene *))
{
    uint64_t sequence = stats_of(scene->f).sequence;
    int64_t failures = 0;

    for (int64_t n = 0; n < ALLOCATIONS_MAX; n++) {
        uint64_t before = allocation_count();
        feature_status status;

        if (!allocation_fail(n))
            skip();
        problem = (struct feature_error){0};
        status = call(scene);
        allocation_fail(-1);
        if (status) {
            if (status != FEATURE_NO_MEMORY || strcmp(problem.reason, "memory"))
                fail_msg("allocation %d: status %d, %s: %s", (int)n, status,
                         problem.reason, problem.message);
            assert_int_equal(stats_of(scene->f).sequence, sequence);
            failures++;
            continue;
        }
        if (allocation_count() - before <= (uint64_t)n) {
            assert_true(failures > 0);
            return;
        }
        undo(scene);
        sequence = stats_of(scene->f).sequence;
    }
    fail_msg("no end of allocations");
}

static void
nothing_to_undo(struct scene *scene)
{
    (void)scene;
}

/* --- the store -------------------------------------------------------------- */

static feature_status
call_open(struct scene *scene)
{
    feature_status status = feature_store_open(
        scene->f->path, &scene->f->options, &scene->store, &problem);

    assert_int_equal(scene->store != NULL, !status);
    return status;
}

static void
undo_open(struct scene *scene)
{
    feature_store_close(scene->store);
    scene->store = NULL;
}

static void
open_runs_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;

    fail_each(scene, call_open, undo_open); /* beside another handle */
}

/* The path of a store that nobody has open. */
static char lonely_path[TEST_PATH_SIZE + 16];

static feature_status
call_open_alone(struct scene *scene)
{
    feature_status status = feature_store_open(lonely_path, &scene->f->options,
                                               &scene->store, &problem);

    assert_int_equal(scene->store != NULL, !status);
    return status;
}

static void
open_of_a_lone_store_runs_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;

    snprintf(lonely_path, sizeof lonely_path, "%s/lonely", f->directory);
    fail_each(scene, call_open_alone, undo_open);
    undo_open(scene);
    fail_each(scene, call_open_alone, undo_open);
    must(feature_store_apply(scene->store, DEFINITIONS, NULL, NULL, &problem));
}

static feature_status
call_apply(struct scene *scene)
{
    return feature_store_apply(
        scene->f->store,
        "CREATE FEATURE VIEW v (b FLOAT64[3] DEFAULT [1, 2, 3], a INT64 DEFAULT"
        " 2) FOR e; CREATE FEATURE SERVICE s2 AS v(b AS w, s), n(*)",
        NULL, &scene->commit, &problem);
}

static void
undo_apply(struct scene *scene)
{
    define(scene->f, "DROP FEATURE SERVICE s2; DROP FEATURE v:b;");
    define(scene->f, "CREATE FEATURE VIEW v (a INT64 DEFAULT 1) FOR e");
}

static void
apply_runs_out_of_memory(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;

    fail_each(f->context, call_apply, undo_apply);
    must(feature_store_describe(f->store, NULL, &text, &problem));
    assert_non_null(strstr(text, "v(b AS w, s)"));
    feature_free(text);
}

static feature_status
call_plan(struct scene *scene)
{
    feature_status status =
        feature_store_plan(scene->f->store,
                           "CREATE FEATURE VIEW v (c STRING[] DEFAULT ['a'])"
                           " FOR e WITH (ttl = '1 d')",
                           &scene->text, &problem);

    assert_int_equal(scene->text != NULL, !status);
    return status;
}

static feature_status
call_describe(struct scene *scene)
{
    feature_status status =
        feature_store_describe(scene->f->store, NULL, &scene->text, &problem);

    assert_int_equal(scene->text != NULL, !status);
    return status;
}

static feature_status
call_metrics(struct scene *scene)
{
    feature_status status =
        feature_store_metrics(scene->f->store, &scene->text, &problem);

    assert_int_equal(scene->text != NULL, !status);
    return status;
}

static feature_status
call_stats(struct scene *scene)
{
    feature_status status =
        feature_store_stats(scene->f->store, &scene->stats, &problem);

    assert_int_equal(scene->stats.views != 0, !status);
    return status;
}

static void
undo_text(struct scene *scene)
{
    feature_free(scene->text);
    scene->text = NULL;
    scene->stats.views = 0;
}

static void
reports_run_out_of_memory(void **state)
{
    struct fixture *f = *state;

    fail_each(f->context, call_describe, undo_text);
    undo_text(f->context);
    fail_each(f->context, call_plan, undo_text);
    undo_text(f->context);
    fail_each(f->context, call_metrics, undo_text);
    undo_text(f->context);
    fail_each(f->context, call_stats, undo_text);
}

/* --- writing ---------------------------------------------------------------- */

static feature_status
call_batch(struct scene *scene)
{
    feature_status status = feature_batch_create(
        scene->f->store, "v", "p, k, event_timestamp, s, t, f", FEATURE_PATCH,
        &scene->batch, &problem);

    assert_int_equal(scene->batch != NULL, !status);
    return status;
}

static void
undo_batch(struct scene *scene)
{
    feature_batch_free(scene->batch);
    scene->batch = NULL;
}

#define ROWS 300

/* A column that grows from one row to ROWS; the one row stays on failure. */
static feature_status
call_set(struct scene *scene)
{
    static char bytes[ROWS];
    static int32_t offsets[ROWS + 1];
    static uint8_t validity[ROWS / 8 + 1];

    for (int32_t i = 0; i <= ROWS; i++)
        offsets[i] = i;
    memset(bytes, 'y', sizeof bytes);
    return feature_batch_set_list(scene->batch, 4, FEATURE_TYPE_STRING, bytes,
                                  offsets, offsets, validity, ROWS, &problem);
}

static void
batches_run_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;

    fail_each(scene, call_batch, undo_batch);
    fill_batch(scene->batch, "x 1 200 new [c] [3,4]");
    allocation_fail(0);
    must_fail(call_set(scene), FEATURE_NO_MEMORY, "memory");
    allocation_fail(-1);
    write_batch(f, scene->batch);
    expect_rows(f, "v(a, s, t)", "1 x", "present 5 new [c]");
    fail_each(scene, call_set, nothing_to_undo);
}

static feature_status
call_write(struct scene *scene)
{
    feature_status status;

    scene->commit.sequence = 0;
    status = feature_store_write(scene->f->store, &scene->batch, 1, NULL,
                                 &scene->commit, &problem);
    assert_int_equal(scene->commit.sequence != 0, !status);
    assert_int_equal(feature_batch_outcomes(scene->batch) != NULL, !status);
    return status;
}

/* Sets a column again, which forgets the outcomes. */
static void
undo_write(struct scene *scene)
{
    int64_t keys[ROWS];

    for (int64_t i = 0; i < ROWS; i++)
        keys[i] = (i * 7919) % 1000;
    must(feature_batch_set(scene->batch, 0, FEATURE_TYPE_INT64, keys, NULL,
                           NULL, ROWS, &problem));
}

static void
undo_patch(struct scene *scene)
{
    upsert(scene->f, "v", "k, p, l, s", "1 x [1,2] text");
    fill_batch(scene->batch, "1 x [3] 9\n1 x [4,5] 10");
}

static void
writes_run_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;
    static int64_t numbers[ROWS];
    static char texts[ROWS];
    static int32_t offsets[ROWS + 1];

    for (int32_t i = 0; i <= ROWS; i++)
        offsets[i] = i;
    memset(texts, 'p', sizeof texts);
    define(f, "CREATE FEATURE VIEW v (added INT64) FOR e");
    scene->batch = make_batch(f, FEATURE_PATCH, "v", "k, p, a", NULL);
    undo_write(scene);
    must(feature_batch_set(scene->batch, 1, FEATURE_TYPE_STRING, texts, offsets,
                           NULL, ROWS, &problem));
    must(feature_batch_set(scene->batch, 2, FEATURE_TYPE_INT64, numbers, NULL,
                           NULL, ROWS, &problem));
    fail_each(scene, call_write, undo_write);
    feature_batch_free(scene->batch);
    /* A row of an earlier schema, taken apart and put together. */
    upsert(f, "v", "k, p, l, s", "1 x [1,2] text");
    scene->batch = make_batch(f, FEATURE_PATCH, "v", "k, p, l, a",
                              "1 x [3] 9\n1 x [4,5] 10");
    define(f, "CREATE FEATURE VIEW v (l FLOAT64[]) FOR e");
    fail_each(scene, call_write, undo_patch);
    expect_rows(f, "v(l, a, s)", "1 x", "present [4,5] 10 text");
}

/* --- reading ---------------------------------------------------------------- */

static feature_status
call_query(struct scene *scene)
{
    feature_status status =
        feature_query_create(scene->f->store, "s1, v(s AS other, f AS g)", NULL,
                             &scene->reader.query, &problem);

    assert_int_equal(scene->reader.query != NULL, !status);
    return status;
}

static void
undo_query(struct scene *scene)
{
    feature_query_free(scene->reader.query);
    scene->reader.query = NULL;
}

/* A request, its keys and its first answer; nothing of it stays on failure. */
static feature_status
call_read(struct scene *scene)
{
    feature_request *request = NULL;
    feature_status status =
        feature_request_create(scene->reader.query, &request, &problem);
    const int64_t numbers[] = {1, 2, 3};
    const int32_t offsets[] = {0, 1, 2, 3};

    assert_int_equal(request != NULL, !status);
    if (!status)
        status = feature_request_set_key(request, 0, FEATURE_TYPE_INT64,
                                         numbers, NULL, NULL, 3, &problem);
    if (!status)
        status = feature_request_set_key(request, 1, FEATURE_TYPE_STRING, "xxy",
                                         offsets, NULL, 3, &problem);
    if (!status && feature_query_key_count(scene->reader.query) > 2)
        status = feature_request_set_key(request, 2, FEATURE_TYPE_INT64,
                                         numbers, NULL, NULL, 3, &problem);
    if (!status)
        status =
            feature_request_set_as_of(request, &(int64_t){150}, 1, &problem);
    if (!status)
        status = feature_request_read(request, &problem);
    if (request)
        assert_int_equal(feature_request_row_count(request), status ? 0 : 3);
    feature_request_free(request);
    return status;
}

static void
reads_run_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;

    fail_each(scene, call_query, undo_query);
    fail_each(scene, call_read, nothing_to_undo);
}

/* The same request goes on after a failure. */
static feature_status
call_same_request(struct scene *scene)
{
    struct feature_column column = {.rows = 77};
    feature_status status =
        feature_request_read(scene->reader.request, &problem);

    assert_int_equal(feature_request_column(scene->reader.request, 0, &column,
                                            NULL) == FEATURE_OK,
                     !status);
    assert_int_equal(column.rows, status ? 77 : 2);
    return status;
}

static void
forget_the_plan(struct scene *scene)
{
    static int days = 1;
    char text[96];

    snprintf(text, sizeof text,
             "CREATE FEATURE VIEW v (a INT64 DEFAULT 1) FOR e WITH (ttl = '%d "
             "days')",
             100000 + days++);
    define(scene->f, text);
}

static void
a_request_survives_running_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;

    scene->reader = open_reader(f, "v(*)", 0, "1 x\n2 y");
    fail_each(scene, call_same_request, nothing_to_undo);
    expect_answer(scene->reader.request, "present 5 text [1,2] [a,b] [1,2]\n"
                                         "not_found 1* x* null null null");
    forget_the_plan(scene);
    fail_each(scene, call_same_request, forget_the_plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY(open_runs_out_of_memory),
        MEMORY(open_of_a_lone_store_runs_out_of_memory),
        MEMORY(apply_runs_out_of_memory),
        MEMORY(reports_run_out_of_memory),
        MEMORY(batches_run_out_of_memory),
        MEMORY(writes_run_out_of_memory),
        MEMORY(reads_run_out_of_memory),
        MEMORY(a_request_survives_running_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
