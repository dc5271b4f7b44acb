/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that are missing, of no known value, or of another version: every
 * function refuses them and touches nothing. */
#include "common.h"

#define DEFINITIONS                        \
    "CREATE ENTITY e (k INT64, t STRING);" \
    "CREATE FEATURE VIEW v (a INT64, s STRING, l INT64[], b BOOL) FOR e;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define ARGUMENTS(name) \
    cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* A call that fails alike with an error struct and without. */
#define refuses(call_with)                                 \
    do {                                                   \
        struct feature_error *error = &problem;            \
        must_fail(call_with, FEATURE_INVALID, "argument"); \
        assert_int_equal(problem.row, -1);                 \
        assert_int_equal(problem.status, FEATURE_INVALID); \
        assert_int_equal(problem.reserved, 0);             \
        assert_true(strlen(problem.message) > 10);         \
        assert_null(strchr(problem.message, '\n'));        \
        error = NULL;                                      \
        assert_int_equal(call_with, FEATURE_INVALID);      \
    } while (0)

static void
stores_need_their_arguments(void **state)
{
    struct fixture *f = *state;
    feature_store *store = NULL;
    char *text = NULL;

    refuses(feature_store_open(NULL, NULL, &store, error));
    refuses(feature_store_open("", NULL, &store, error));
    refuses(feature_store_open(f->path, NULL, NULL, error));
    refuses(feature_store_apply(NULL, "", NULL, NULL, error));
    refuses(feature_store_apply(f->store, NULL, NULL, NULL, error));
    refuses(feature_store_plan(NULL, "", &text, error));
    refuses(feature_store_plan(f->store, NULL, &text, error));
    refuses(feature_store_plan(f->store, "", NULL, error));
    refuses(feature_store_describe(NULL, NULL, &text, error));
    refuses(feature_store_describe(f->store, NULL, NULL, error));
    refuses(feature_store_write(NULL, NULL, 0, NULL, NULL, error));
    refuses(feature_store_write(f->store, NULL, 1, NULL, NULL, error));
    refuses(feature_store_sync(NULL, error));
    refuses(feature_store_stats(NULL, &(struct feature_stats){.struct_size = 8},
                                error));
    refuses(feature_store_stats(f->store, NULL, error));
    refuses(feature_store_metrics(NULL, &text, error));
    refuses(feature_store_metrics(f->store, NULL, error));
    refuses(feature_store_content(NULL, &text, error));
    refuses(feature_store_content(f->store, NULL, error));
    assert_null(store);
    assert_null(text);
}

static void
batches_need_their_arguments(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = NULL,
                  *made = make_batch(f, FEATURE_UPSERT, "v", NULL, NULL);
    struct feature_field field = {.name = "untouched"};
    const int64_t one = 1;

    refuses(feature_batch_create(NULL, "v", NULL, 1, &batch, error));
    refuses(feature_batch_create(f->store, NULL, NULL, 1, &batch, error));
    refuses(feature_batch_create(f->store, "v", NULL, 1, NULL, error));
    refuses(feature_batch_set(NULL, 0, 3, &one, NULL, NULL, 1, error));
    refuses(feature_batch_set_list(NULL, 4, 3, &one, (const int32_t[]){0, 1},
                                   NULL, NULL, 1, error));
    refuses(feature_batch_column(NULL, 0, &field, error));
    refuses(feature_batch_column(made, 0, NULL, error));
    assert_null(feature_batch_outcomes(NULL));
    assert_null(feature_batch_outcomes(made));
    assert_int_equal(feature_batch_problem(NULL, 0, &problem), FEATURE_OK);
    assert_int_equal(feature_batch_problem(made, 0, NULL), FEATURE_OK);
    assert_null(batch);
    assert_string_equal(field.name, "untouched");
    feature_batch_free(made);
}

static void
queries_need_their_arguments(void **state)
{
    struct fixture *f = *state;
    struct reader made = open_reader(f, "v(*)", 0, NULL);
    struct feature_field field = {.name = "untouched"};
    feature_query *query = NULL;

    refuses(feature_query_create(NULL, "v(*)", NULL, &query, error));
    refuses(feature_query_create(f->store, NULL, NULL, &query, error));
    refuses(feature_query_create(f->store, "v(*)", NULL, NULL, error));
    refuses(feature_query_key(NULL, 0, &field, error));
    refuses(feature_query_key(made.query, 0, NULL, error));
    refuses(feature_query_column(NULL, 0, &field, error));
    refuses(feature_query_column(made.query, 0, NULL, error));
    refuses(feature_query_view(NULL, 0, &field, error));
    refuses(feature_query_view(made.query, 0, NULL, error));
    assert_int_equal(feature_query_key_count(NULL), 0);
    assert_int_equal(feature_query_column_count(NULL), 0);
    assert_int_equal(feature_query_view_count(NULL), 0);
    assert_int_equal(feature_query_matrix_width(NULL), 0);
    assert_int_equal(feature_query_fingerprint(NULL), 0);
    assert_null(query);
    assert_string_equal(field.name, "untouched");
    close_reader(&made);
}

static void
requests_need_their_arguments(void **state)
{
    struct fixture *f = *state;
    struct reader made = open_reader(f, "v(a)", 0, NULL);
    struct feature_column column = {.rows = 77};
    feature_request *request = NULL;
    const int64_t one = 1;
    float matrix = 7;

    refuses(feature_request_create(NULL, &request, error));
    refuses(feature_request_create(made.query, NULL, error));
    refuses(feature_request_set_key(NULL, 0, 3, &one, NULL, NULL, 1, error));
    refuses(feature_request_set_as_of(NULL, &one, 1, error));
    refuses(feature_request_set_as_of(made.request, NULL, 1, error));
    refuses(feature_request_read(NULL, error));
    refuses(feature_request_read(made.request, error)); /* no key was set */
    refuses(feature_request_read_matrix(NULL, &matrix, 1, error));
    refuses(feature_request_read_matrix(made.request, NULL, 1, error));
    refuses(feature_request_column(NULL, 0, &column, error));
    refuses(feature_request_column(made.request, 0, &column, error));
    refuses(feature_request_columns(NULL, &column, 1, error));
    refuses(feature_request_columns(made.request, &column, 1, error));
    set_keys(&made, "1 x");
    must(feature_request_read(made.request, &problem));
    refuses(feature_request_column(made.request, 0, NULL, error));
    refuses(feature_request_columns(made.request, NULL, 1, error));
    assert_int_equal(feature_request_row_count(NULL), 0);
    assert_null(feature_request_states(NULL, 0));
    assert_null(feature_request_timestamps(NULL, 0));
    assert_int_equal(feature_request_commit(NULL), 0);
    assert_int_equal(feature_request_now(NULL), 0);
    assert_null(request);
    assert_int_equal(column.rows, 77);
    assert_true(matrix > 6);
    close_reader(&made);
}

/* One call for each struct that has a size. */
static feature_status
call_with_size(struct fixture *f, int which, void *sized)
{
    feature_store *store = NULL;
    feature_query *query = NULL;
    feature_status status;

    switch (which) {
    case 0:
        status = feature_store_open(f->path, sized, &store, &problem);
        feature_store_close(store);
        return status;
    case 1:
        return feature_store_apply(f->store, "", sized, NULL, &problem);
    case 2:
        return feature_store_apply(f->store, "", NULL, sized, &problem);
    case 3:
        return feature_store_write(f->store, NULL, 0, sized, NULL, &problem);
    case 4:
        return feature_store_write(f->store, NULL, 0, NULL, sized, &problem);
    case 5:
        status =
            feature_query_create(f->store, "v(*)", sized, &query, &problem);
        feature_query_free(query);
        return status;
    default:
        return feature_store_stats(f->store, sized, &problem);
    }
}

#define SIZED 7

static const uint32_t sizes[SIZED] = {
    sizeof(struct feature_options), sizeof(struct feature_apply_options),
    sizeof(struct feature_commit),  sizeof(struct feature_write_options),
    sizeof(struct feature_commit),  sizeof(struct feature_query_options),
    sizeof(struct feature_stats)};

static void
a_size_that_was_never_set_is_noticed(void **state)
{
    static const uint32_t impossible[] = {0, 1, 4, 7, 5000, UINT32_MAX};
    struct fixture *f = *state;
    uint32_t sized[128] = {0};

    for (int i = 0; i < SIZED; i++)
        for (size_t j = 0; j < sizeof impossible / sizeof *impossible; j++) {
            sized[0] = impossible[j];
            must_fail(call_with_size(f, i, sized), FEATURE_VERSION,
                      "struct-size");
            for (int k = 1; k < 128; k++)
                assert_int_equal(sized[k], 0);
        }
}

static void
older_and_newer_structs_are_served(void **state)
{
    struct fixture *f = *state;
    union {
        uint32_t words[160];
        uint8_t bytes[640];
    } sized;

    for (int i = 0; i < SIZED; i++) {
        memset(&sized, 0, sizeof sized);
        sized.words[0] = 8;
        must(call_with_size(f, i, &sized));
        sized.words[0] = sizes[i] + 64;
        must(call_with_size(f, i, &sized));
    }
    /* Options: a tail that says something has to be understood. */
    for (int i = 0; i < SIZED; i++) {
        memset(&sized, 0, sizeof sized);
        sized.words[0] = sizes[i] + 64;
        sized.bytes[sizes[i] + 63] = 1;
        if (i == 2 || i == 4 || i == 6) {
            must(call_with_size(f, i, &sized));
            assert_int_equal(sized.bytes[sizes[i] + 63], 0);
        } else {
            must_fail(call_with_size(f, i, &sized), FEATURE_VERSION,
                      "struct-size");
        }
        sized.bytes[sizes[i] + 64] = 9; /* past what it states */
        sized.bytes[sizes[i] + 63] = 0;
        must(call_with_size(f, i, &sized));
        assert_int_equal(sized.bytes[sizes[i] + 64], 9);
    }
}

static void
unknown_numbers_are_refused(void **state)
{
    struct fixture *f = *state;
    feature_batch *batch = NULL;
    const int32_t operations[] = {0, -1, 6, INT32_MAX};
    struct feature_query_options query = {.struct_size = sizeof query};
    struct feature_write_options write = {.struct_size = sizeof write,
                                          .flags = 2};
    struct feature_apply_options apply = {.struct_size = sizeof apply,
                                          .flags = 1};

    for (size_t i = 0; i < 4; i++)
        must_fail(feature_batch_create(f->store, "v", NULL, operations[i],
                                       &batch, &problem),
                  FEATURE_INVALID, "argument");
    query.fill = 3;
    must_fail(call_with_size(f, 5, &query), FEATURE_INVALID, "argument");
    query.fill = -1;
    must_fail(call_with_size(f, 5, &query), FEATURE_INVALID, "argument");
    query.fill = 0;
    query.flags = 2;
    must_fail(call_with_size(f, 5, &query), FEATURE_INVALID, "argument");
    query.flags = 0;
    query.reserved = 1;
    must_fail(call_with_size(f, 5, &query), FEATURE_INVALID, "argument");
    must_fail(call_with_size(f, 3, &write), FEATURE_INVALID, "argument");
    must_fail(call_with_size(f, 1, &apply), FEATURE_INVALID, "argument");
    assert_null(batch);
}

static void
unknown_ways_to_open_are_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_options good = f->options, bad;

    bad = good;
    bad.flags = 1u << 31;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    bad.flags = FEATURE_OPEN_CREATE | FEATURE_OPEN_READ_ONLY;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    bad = good;
    bad.sync = 2;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    bad.sync = -1;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    bad = good;
    bad.mode = 01777;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    bad = good;
    bad.max_row_size = (64u << 20) + 1;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    bad = good;
    bad.max_readers = UINT32_MAX;
    must_fail(call_with_size(f, 0, &bad), FEATURE_INVALID, "argument");
    must(call_with_size(f, 0, &good));
    good.flags = FEATURE_OPEN_WARM | FEATURE_OPEN_ALLOW_REMOTE;
    must(call_with_size(f, 0, &good));
    /* A weaker level may share a stronger one, not the other way round. */
    bad = good;
    bad.sync = FEATURE_SYNC_LAST_TXN;
    must(call_with_size(f, 0, &bad));
    close_store(f);
    f->options.sync = FEATURE_SYNC_LAST_TXN;
    open_store(f);
    must_fail(call_with_size(f, 0, &good), FEATURE_CONFLICT, "in-use");
}

static void
what_is_not_built_yet_says_so(void **state)
{
    struct fixture *f = *state;
    struct feature_options options = f->options;

    options.flags = FEATURE_OPEN_CREATE | FEATURE_OPEN_IMMUTABLE;
    must_fail(call_with_size(f, 0, &options), FEATURE_INVALID, "argument");
}

static void
every_status_has_a_name(void **state)
{
    static const char *const names[] = {"OK",        "INVALID", "NOT_FOUND",
                                        "CONFLICT",  "BUSY",    "GAP",
                                        "NO_MEMORY", "FULL",    "IO",
                                        "CORRUPT",   "VERSION", "UNSUPPORTED"};

    (void)state;
    for (int32_t i = 0; i < 12; i++)
        assert_string_equal(feature_status_name(i), names[i]);
    assert_string_equal(feature_status_name(12), "UNKNOWN");
    assert_string_equal(feature_status_name(-1), "UNKNOWN");
    assert_int_equal(feature_version(), FEATURE_VERSION_MAJOR * 10000 +
                                            FEATURE_VERSION_MINOR * 100 +
                                            FEATURE_VERSION_PATCH);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ARGUMENTS(stores_need_their_arguments),
        ARGUMENTS(batches_need_their_arguments),
        ARGUMENTS(queries_need_their_arguments),
        ARGUMENTS(requests_need_their_arguments),
        ARGUMENTS(a_size_that_was_never_set_is_noticed),
        ARGUMENTS(older_and_newer_structs_are_served),
        ARGUMENTS(unknown_numbers_are_refused),
        ARGUMENTS(unknown_ways_to_open_are_refused),
        ARGUMENTS(what_is_not_built_yet_says_so),
        cmocka_unit_test(every_status_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
