/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving: a prepared query, one request for all rounds, and what states say.
 *
 *     cc serve.c -o serve $(pkg-config --cflags --libs libfeature)
 *     echo N14228 EWR IAH | ./serve build/demo/store [SECONDS-SINCE-1970]
 *
 * Each line of standard input has the keys of departure_v1: an aircraft, its
 * origin and its destination. With a time, answers are as of then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfeature.h>

static struct feature_error error;

static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "serve: %s: %s (%s)\n", feature_status_name(status),
            error.message, error.reason);
    exit(1);
}

static const char *
state_name(uint8_t state)
{
    switch (state) {
    case FEATURE_STATE_PRESENT:
        return "present";
    case FEATURE_STATE_NULL:
        return "null";
    case FEATURE_STATE_NOT_FOUND:
        return "not found";
    case FEATURE_STATE_OUTSIDE_MAX_AGE:
        return "outside max age";
    case FEATURE_STATE_NO_HISTORY:
        return "no history";
    case FEATURE_STATE_NO_KEY:
        return "no key";
    default: /* a newer library may say more than this program knows */
        return "unknown";
    }
}

/* The value of row 0 of a column, by type. */
static void
print_value(const struct feature_column *column)
{
    const void *values = column->values;

    if (!(column->validity[0] & 1)) {
        printf("null");
        return;
    }
    switch (column->type) {
    case FEATURE_TYPE_INT32:
        printf("%" PRId32, *(const int32_t *)values);
        break;
    case FEATURE_TYPE_INT64:
        printf("%" PRId64, *(const int64_t *)values);
        break;
    case FEATURE_TYPE_FLOAT32:
        printf("%g", (double)*(const float *)values);
        break;
    case FEATURE_TYPE_STRING:
        printf("\"%.*s\"", column->offsets[1] - column->offsets[0],
               (const char *)values + column->offsets[0]);
        break;
    default:
        printf("(type %d)", column->type);
    }
    /* A filled cell is valid, and never silently so. */
    if (column->defaulted && column->defaulted[0] & 1)
        printf(" (default)");
}

static void
print_answer(const feature_query *query, const feature_request *request)
{
    struct feature_field field, view;
    struct feature_column column;
    uint32_t last = UINT32_MAX;

    for (uint32_t i = 0; i < feature_query_column_count(query); i++) {
        check(feature_query_column(query, i, &field, &error));
        check(feature_query_view(query, field.view, &view, &error));
        if (field.view != last)
            printf("%s: %s\n", view.name,
                   state_name(feature_request_states(request, field.view)[0]));
        last = field.view;
        check(feature_request_column(request, i, &column, &error));
        printf("    %s = ", field.name);
        print_value(&column);
        printf("\n");
    }
    printf("from commit %" PRIu64 "\n", feature_request_commit(request));
}

int
main(int argc, char **argv)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    feature_store *store;
    feature_query *query;
    feature_request *request;
    char keys[3][32];

    if (argc < 2) {
        fprintf(stderr, "usage: serve STORE [SECONDS-SINCE-1970]\n");
        return 2;
    }
    /* Once per process: open, resolve the names. A writer may be at work in
     * another process; each read sees the newest commit. */
    check(feature_store_open(argv[1], &options, &store, &error));
    check(feature_query_create(store, "departure_v1", NULL, &query, &error));

    /* Once per thread: a request. Its memory is used again in every round. */
    check(feature_request_create(query, &request, &error));
    if (argc > 2) {
        int64_t as_of = strtoll(argv[2], NULL, 10) * 1000000;

        check(feature_request_set_as_of(request, &as_of, 1, &error));
    }
    while (scanf("%31s %31s %31s", keys[0], keys[1], keys[2]) == 3) {
        for (uint32_t i = 0; i < 3; i++) {
            int32_t ends[2] = {0, (int32_t)strlen(keys[i])};

            check(feature_request_set_key(request, i, FEATURE_TYPE_STRING,
                                          keys[i], ends, NULL, 1, &error));
        }
        check(feature_request_read(request, &error));
        print_answer(query, request);
    }
    feature_request_free(request);
    feature_query_free(query);
    feature_store_close(store);
    return 0;
}
