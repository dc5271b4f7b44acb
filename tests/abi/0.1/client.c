/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program as of 0.1. It is compiled with that release's header and run on
 * today's library: what it saw then it has to see for good.
 *
 *     client STORE      makes STORE, writes, reads, prints the first surprise
 *
 * Only what 0.1 promised may be asked of it: never edit it for a later release.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfeature.h>

#define NOON INT64_C(1767268800000000)
#define HOUR INT64_C(3600000000)

#define MUST(truth) \
    ((truth)        \
         ? (void)0  \
         : (printf("client.c:%d: not so: %s\n", __LINE__, #truth), exit(1)))
/* The error is filled, whole, by every call that fails. */
#define OK(call)                                                             \
    ((call) == FEATURE_OK                                                    \
         ? (void)0                                                           \
         : (printf("client.c:%d: %s: %s\n", __LINE__, #call, error.message), \
            exit(1)))
#define FAILS(code, call)                                                    \
    do {                                                                     \
        memset(&error, 0, sizeof error);                                     \
        MUST((call) == (code));                                              \
        MUST(error.status == (code) && error.reason[0] && error.message[0]); \
    } while (0)

static struct feature_error error;

static const char definitions[] =
    "CREATE ENTITY driver (driver_id INT64);\n"
    "CREATE FEATURE VIEW stats (\n"
    "    trips INT64 DEFAULT 7, rate FLOAT32, name STRING, fast BOOL,\n"
    "    place FLOAT64[2], tags STRING[], seen TIMESTAMP NOT NULL DEFAULT 0\n"
    ") FOR driver WITH (ttl = '2 hours');\n"
    "CREATE FEATURE SERVICE score AS stats(trips, rate);\n";

static feature_store *
open_store(const char *path, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags,
                                      .sync = FEATURE_SYNC_LAST_TXN,
                                      .map_size = 1u << 28,
                                      .write_wait_ms = 1000,
                                      .fixed_now = NOON};
    feature_store *store = NULL;

    OK(feature_store_open(path, &options, &store, &error));
    return store;
}

static void
versions(void)
{
    MUST(feature_version() >= 100);
    MUST(!strcmp(feature_status_name(FEATURE_OK), "OK"));
    MUST(!strcmp(feature_status_name(FEATURE_UNSUPPORTED), "UNSUPPORTED"));
    MUST(!strcmp(feature_status_name(999), "UNKNOWN"));
}

static void
define(feature_store *store)
{
    struct feature_apply_options at = {.struct_size = sizeof at, .expect = 9};
    struct feature_commit commit = {.struct_size = sizeof commit};
    char *text = NULL;

    FAILS(FEATURE_INVALID,
          feature_store_apply(store, "CREATE\n NONSENSE", NULL, NULL, &error));
    MUST(error.line == 2 && error.column == 2 && error.row == -1);
    OK(feature_store_plan(store, definitions, &text, &error));
    MUST(strstr(text, "stats"));
    feature_free(text);
    OK(feature_store_apply(store, definitions, NULL, &commit, &error));
    MUST(commit.sequence == 1 && commit.time == NOON && commit.applied == 0);
    FAILS(FEATURE_CONFLICT,
          feature_store_apply(store, definitions, &at, NULL, &error));
    OK(feature_store_describe(store, "stats", &text, &error));
    MUST(strstr(text, "place"));
    feature_free(text);
    FAILS(FEATURE_NOT_FOUND,
          feature_store_describe(store, "nothing", &text, &error));
}

/* Five rows: one of now, one with nulls, one past the ttl, one from the
 * future, and one without a key, which is left out. */
static feature_batch *
fill(feature_store *store)
{
    static const int64_t ids[] = {1, 2, 3, 4, 0};
    static const int64_t times[] = {NOON, NOON, NOON - 3 * HOUR,
                                    NOON + 48 * HOUR, NOON};
    static const int64_t trips[] = {10, 20, 30, 40, 50};
    static const double places[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const int32_t lists[] = {0, 2, 2, 3, 3, 3};
    static const int32_t strings[] = {0, 1, 3, 6};
    static const uint8_t keyed = 0x0f, known = 0x1d, fast = 0x05;
    feature_batch *batch = NULL;
    struct feature_field field;

    OK(feature_batch_create(
        store, "stats", "driver_id, event_timestamp, trips, place, tags, fast",
        FEATURE_UPSERT, &batch, &error));
    OK(feature_batch_column(batch, 4, &field, &error));
    MUST(!strcmp(field.name, "tags") && field.type == FEATURE_TYPE_STRING);
    MUST(field.role == FEATURE_ROLE_FEATURE);
    MUST(field.flags == FEATURE_FIELD_LIST && field.width == 1);
    FAILS(FEATURE_NOT_FOUND, feature_batch_column(batch, 6, &field, &error));
    OK(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, ids, NULL, &keyed, 5,
                         &error));
    OK(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL, 5,
                         &error));
    OK(feature_batch_set(batch, 2, FEATURE_TYPE_INT64, trips, NULL, &known, 5,
                         &error));
    OK(feature_batch_set(batch, 3, FEATURE_TYPE_FLOAT64, places, NULL, NULL, 5,
                         &error));
    OK(feature_batch_set_list(batch, 4, FEATURE_TYPE_STRING, "abbccc", lists,
                              strings, NULL, 5, &error));
    OK(feature_batch_set(batch, 5, FEATURE_TYPE_BOOL, &fast, NULL, NULL, 5,
                         &error));
    return batch;
}

static void
write_rows(feature_store *store)
{
    struct feature_write_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_WRITE_SKIP_INVALID,
                                            .wait_ms = 1000};
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch = fill(store);
    const uint8_t *outcomes;

    FAILS(FEATURE_INVALID,
          feature_store_write(store, &batch, 1, NULL, &commit, &error));
    MUST(error.batch == 0 && error.row == 4 && error.os_error == 0);
    OK(feature_store_write(store, &batch, 1, &options, &commit, &error));
    MUST(commit.sequence == 2 && commit.time > NOON);
    MUST(commit.applied == 3 && commit.future == 1 && commit.rejected == 1);
    MUST(commit.late == 0 && commit.duplicate == 0);
    outcomes = feature_batch_outcomes(batch);
    MUST(outcomes[0] == FEATURE_OUTCOME_APPLIED);
    MUST(outcomes[3] == FEATURE_OUTCOME_FUTURE);
    MUST(outcomes[4] == FEATURE_OUTCOME_REJECTED);
    MUST(feature_batch_problem(batch, 4, &error) == FEATURE_INVALID);
    MUST(feature_batch_problem(batch, 0, &error) == FEATURE_OK);
    feature_batch_clear(batch);
    MUST(!feature_batch_outcomes(batch));
    feature_batch_free(batch);
}

/* A PATCH of one feature, older than the row: late, and counted so. */
static void
patch(feature_store *store)
{
    static const int64_t id = 1, time = NOON - HOUR;
    static const float rate = 0.5f;
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch = NULL;

    OK(feature_batch_create(store, "stats", "driver_id, event_timestamp, rate",
                            FEATURE_PATCH, &batch, &error));
    OK(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &id, NULL, NULL, 1,
                         &error));
    OK(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, &time, NULL, NULL, 1,
                         &error));
    OK(feature_batch_set(batch, 2, FEATURE_TYPE_FLOAT32, &rate, NULL, NULL, 1,
                         &error));
    OK(feature_store_write(store, &batch, 1, NULL, &commit, &error));
    MUST(commit.sequence == 3 && commit.late == 1 && commit.applied == 0);
    feature_batch_free(batch);
}

static void
describe_query(const feature_query *query)
{
    struct feature_field field;

    MUST(feature_query_key_count(query) == 1);
    MUST(feature_query_column_count(query) == 4);
    MUST(feature_query_view_count(query) == 1);
    MUST(feature_query_matrix_width(query) == 0);
    MUST(feature_query_fingerprint(query) != 0);
    OK(feature_query_key(query, 0, &field, &error));
    MUST(!strcmp(field.name, "driver_id"));
    MUST(field.role == FEATURE_ROLE_JOIN_KEY);
    OK(feature_query_column(query, 1, &field, &error));
    MUST(!strcmp(field.name, "place") && field.type == FEATURE_TYPE_FLOAT64);
    MUST(field.width == 2 && field.view == 0 && field.flags == 0);
    OK(feature_query_view(query, 0, &field, &error));
    MUST(!strcmp(field.name, "stats") && field.role == FEATURE_ROLE_VIEW);
    FAILS(FEATURE_NOT_FOUND, feature_query_view(query, 1, &field, &error));
}

static void
columns(feature_request *request)
{
    struct feature_column all[4], one;

    FAILS(FEATURE_INVALID, feature_request_columns(request, all, 3, &error));
    OK(feature_request_columns(request, all, 4, &error));
    OK(feature_request_column(request, 1, &one, &error));
    MUST(one.values == all[1].values && one.width == 2);
    MUST(((const double *)one.values)[1] == 2.0);
    MUST(all[0].rows == 4 && all[0].type == FEATURE_TYPE_INT64);
    MUST(((const int64_t *)all[0].values)[0] == 10);
    MUST(((const int64_t *)all[0].values)[1] == 7);
    MUST(all[0].null_count == 0 && all[0].defaulted[0] == 0x0e);
    MUST(all[2].offsets[1] == 2 && all[2].child_offsets[2] == 3);
    MUST(!memcmp(all[2].values, "abb", 3));
    MUST(!all[1].defaulted && all[1].validity[0] == 0x03);
    MUST(((const uint8_t *)all[3].values)[0] == 0x01);
}

static void
read_rows(feature_store *store)
{
    static const int64_t ids[] = {1, 2, 3, 5}, then = NOON - 2 * HOUR;
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .fill = FEATURE_FILL_DEFAULTS};
    feature_query *query = NULL;
    feature_request *request = NULL;
    const uint8_t *states;

    OK(feature_query_create(store, "stats(trips, place, tags, fast)", &options,
                            &query, &error));
    describe_query(query);
    OK(feature_request_create(query, &request, &error));
    FAILS(FEATURE_INVALID, feature_request_read(request, &error));
    OK(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, ids, NULL, NULL,
                               4, &error));
    OK(feature_request_read(request, &error));
    columns(request);
    MUST(feature_request_row_count(request) == 4);
    MUST(feature_request_commit(request) == 3);
    MUST(feature_request_now(request) == NOON);
    states = feature_request_states(request, 0);
    MUST(states[0] == FEATURE_STATE_PRESENT);
    MUST(states[2] == FEATURE_STATE_OUTSIDE_MAX_AGE);
    MUST(states[3] == FEATURE_STATE_NOT_FOUND);
    MUST(feature_request_timestamps(request, 0)[2] == NOON - 3 * HOUR);
    MUST(feature_request_timestamps(request, 0)[3] == INT64_MIN);
    MUST(!feature_request_states(request, 1));
    OK(feature_request_set_as_of(request, &then, 1, &error));
    OK(feature_request_read(request, &error));
    states = feature_request_states(request, 0);
    MUST(states[0] == FEATURE_STATE_NO_HISTORY);
    MUST(states[2] == FEATURE_STATE_PRESENT);
    feature_request_clear(request);
    feature_request_free(request);
    feature_query_free(query);
}

static void
read_matrix(feature_store *store)
{
    static const int32_t ids[] = {2, 1, 0};
    static const uint8_t valid = 0x03;
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .fill = FEATURE_FILL_NULLS,
                                            .flags = FEATURE_QUERY_MATRIX};
    float matrix[9] = {0};
    feature_query *query = NULL;
    feature_request *request = NULL;

    FAILS(FEATURE_INVALID,
          feature_query_create(store, "stats:name", &options, &query, &error));
    OK(feature_query_create(store, "score", &options, &query, &error));
    MUST(feature_query_matrix_width(query) == 2);
    OK(feature_request_create(query, &request, &error));
    OK(feature_request_set_key(request, 0, FEATURE_TYPE_INT32, ids, NULL,
                               &valid, 3, &error));
    OK(feature_request_read_matrix(request, matrix, 3, &error));
    MUST(matrix[0] != matrix[0] && matrix[3] == 10.0f);
    MUST(matrix[4] != matrix[4] && matrix[5] == 0.0f);
    MUST(feature_request_states(request, 0)[2] == FEATURE_STATE_NO_KEY);
    MUST(feature_request_states(request, 0)[1] == FEATURE_STATE_PRESENT);
    feature_request_free(request);
    feature_query_free(query);
}

static void
look_after(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    char *text = NULL;

    OK(feature_store_sync(store, &error));
    OK(feature_store_stats(store, &stats, &error));
    MUST(stats.sequence == 3 && stats.rows == 3 && stats.applied == 3);
    MUST(stats.late == 1 && stats.entities == 1 && stats.views == 1);
    MUST(stats.services == 1 && stats.map_size == 1u << 28);
    MUST(stats.reads == 3 && stats.read_rows == 11 && stats.tombstones == 0);
    MUST(stats.catalog_version == 1 && stats.lmdb_version >= 900);
    OK(feature_store_metrics(store, &text, &error));
    MUST(strstr(text, "# EOF\n"));
    feature_free(text);
}

/* A struct of a later header, whose tail this library need not know. */
static void
struct_sizes(const char *path)
{
    union {
        struct feature_options options;
        char bytes[sizeof(struct feature_options) + 64];
    } later = {.options = {.struct_size = sizeof later}};
    feature_store *store = NULL;

    OK(feature_store_open(path, &later.options, &store, &error));
    feature_store_close(store);
    later.bytes[sizeof later - 1] = 1;
    FAILS(FEATURE_VERSION,
          feature_store_open(path, &later.options, &store, &error));
}

int
main(int argc, char **argv)
{
    feature_store *store;
    feature_batch *batch = NULL;

    MUST(argc == 2);
    versions();
    store = open_store(argv[1], FEATURE_OPEN_CREATE);
    define(store);
    write_rows(store);
    patch(store);
    read_rows(store);
    read_matrix(store);
    look_after(store);
    OK(feature_batch_create(store, "stats", NULL, FEATURE_DELETE, &batch,
                            &error));
    feature_store_close(store);
    FAILS(FEATURE_INVALID, feature_store_write(store = open_store(argv[1], 0),
                                               &batch, 1, NULL, NULL, &error));
    feature_store_close(store);
    feature_batch_free(batch);
    struct_sizes(argv[1]);
    store = open_store(argv[1], FEATURE_OPEN_READ_ONLY);
    FAILS(FEATURE_INVALID, feature_store_sync(store, &error));
    feature_store_close(store);
    printf("ok a client of 0.1\n");
    return 0;
}
