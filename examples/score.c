/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scoring: will these flights leave late? Real departures of one evening, read
 * as of then: a matrix for the model, columns and states for people.
 *
 *     cc score.c common/departures.c -o score \
 *         $(pkg-config --cflags --libs libfeature) -lm
 *     ./score build/demo/store examples/data/departures.csv
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfeature.h>

#include "common/departures.h"

#define WIDTH 12

/* A logistic regression over departure_v1, fitted by examples/data/fit.py. */
static const double bias = -0.419;
static const struct {
    const char *column;
    float mean, weight;
} model[WIDTH] = {
    {"seats", 141.00f, -0.00053f},
    {"year_built", 2001.44f, 0.01160f},
    {"flights_7d", 3.93f, -0.01980f},
    {"mean_delay_7d", 20.86f, 0.00095f},
    {"last_delay", 21.46f, 0.00175f},
    {"origin__departures_3h", 43.06f, 0.02110f},
    {"origin__mean_delay_3h", 18.66f, 0.02197f},
    {"origin__temp_c", 26.51f, 0.04102f},
    {"origin__wind_ms", 4.78f, 0.11981f},
    {"origin__visibility_km", 15.00f, -0.05044f},
    {"destination__arrivals_24h", 21.89f, 0.00109f},
    {"destination__mean_arrival_delay_24h", 26.18f, 0.00782f},
};

static struct feature_error error;

static void
check(feature_status status)
{
    if (!status)
        return;
    fprintf(stderr, "score: %s: %s (%s)\n", feature_status_name(status),
            error.message, error.reason);
    exit(1);
}

/* A service is a contract; a model makes sure that it is the right one. */
static void
check_inputs(const feature_query *query)
{
    struct feature_field field;

    for (uint32_t i = 0; i < WIDTH; i++) {
        check(feature_query_column(query, i, &field, &error));
        if (strcmp(field.name, model[i].column)) {
            fprintf(stderr, "score: input %u is %s, not %s\n", i, field.name,
                    model[i].column);
            exit(1);
        }
    }
}

/* A null is NaN in the matrix, and counts as the mean here. */
static double
score(const float *row)
{
    double sum = bias;

    for (int i = 0; i < WIDTH; i++)
        if (!isnan(row[i]))
            sum += (double)((row[i] - model[i].mean) * model[i].weight);
    return 1 / (1 + exp(-sum));
}

/* The columns of the table, of those of the service. */
static const struct {
    uint32_t column;
    const char *head[2];
} table[] = {
    {0, {"", "seats"}},       {1, {"", "built"}},
    {2, {"flights", "7 d"}},  {3, {"mean", "delay"}},
    {6, {"origin", "delay"}}, {7, {"origin", "temp C"}},
    {11, {"dest.", "delay"}},
};
#define SHOWN (sizeof table / sizeof *table)

static void
print_head(void)
{
    static const char *const left[] = {"", "flight  tail   route"};
    static const char *const right[] = {"activity",
                                        "     age  state score       left"};

    for (int line = 0; line < 2; line++) {
        printf("%-22s", left[line]);
        for (size_t i = 0; i < SHOWN; i++)
            printf("%7s ", table[i].head[line]);
        printf("%s\n", right[line]);
    }
}

/* A number for people: a star where the fill policy chose it. */
static void
print_cell(float value, const struct feature_column *column, uint32_t i)
{
    const uint8_t *filled = column->defaulted;
    int star = filled && filled[i / 8] >> i % 8 & 1;

    if (isnan(value))
        printf("%7s ", "null");
    else
        printf("%7.*f%c", value == floorf(value) ? 0 : 1, (double)value,
               star ? '*' : ' ');
}

/* The states of the four views, a letter each; whether all are PRESENT. */
static int
states_of(const feature_request *request, uint32_t i, char *letters)
{
    static const char letter[] = "?PuNOHKp"; /* by enum feature_state */
    int present = 1;

    for (uint32_t view = 0; view < 4; view++) {
        uint8_t state = feature_request_states(request, view)[i];

        letters[view] = letter[state < sizeof letter - 1 ? state : 0];
        present &= state == FEATURE_STATE_PRESENT;
    }
    letters[4] = '\0';
    return present;
}

static void
print_row(const struct flight *flight, const feature_request *request,
          const struct feature_column *columns, const float *row, uint32_t i)
{
    int64_t time = feature_request_timestamps(request, 1)[i];
    char states[5], age[16] = "-", late[16] = "cancelled";

    states_of(request, i, states);
    if (time != INT64_MIN)
        snprintf(age, sizeof age, "%.1f h", (double)(AS_OF - time) / 3600e6);
    if (*flight->delay)
        snprintf(late, sizeof late, "%s min", flight->delay);
    printf("%-7s %-6s %s-%s", flight->number,
           *flight->key[0] ? flight->key[0] : "null", flight->key[1],
           flight->key[2]);
    for (size_t s = 0; s < SHOWN; s++)
        print_cell(row[table[s].column], &columns[table[s].column], i);
    printf("%8s  %s   %.2f  %9s\n", age, states, score(row), late);
}

/* Some rows with everything present, some with something missing. */
static void
print_table(const feature_request *request, const float *matrix,
            const struct flight *flights, uint32_t count)
{
    struct feature_column columns[WIDTH];
    char states[5];
    int left[2] = {9, 5};

    check(feature_request_columns(request, columns, WIDTH, &error));
    print_head();
    for (uint32_t i = 0; i < count; i++)
        if (left[states_of(request, i, states)]-- > 0)
            print_row(&flights[i], request, columns, matrix + i * WIDTH, i);
    printf(
        "\n* default   state: of profile, activity, origin, destination: "
        "P present,\n            N not found, O outside max age, K no key\n");
}

/* Reads all flights twice: columns into one request, the matrix into another.
 * A service would do with the second. */
static void
read_flights(const feature_query *query, const struct flight *flights,
             uint32_t count)
{
    static const int64_t as_of = AS_OF;
    static float matrix[ROWS_MAX * WIDTH];
    feature_request *people, *machine;

    check(feature_request_create(query, &people, &error));
    check(feature_request_set_as_of(people, &as_of, 1, &error));
    check(set_keys(people, flights, count, count, &error));
    check(feature_request_read(people, &error));

    check(feature_request_create(query, &machine, &error));
    check(feature_request_set_as_of(machine, &as_of, 1, &error));
    check(set_keys(machine, flights, count, count, &error));
    check(feature_request_read_matrix(machine, matrix, WIDTH, &error));

    printf("%u flights due after 2013-07-01 21:00 UTC, as of then, from commit "
           "%" PRIu64 "; some of them:\n\n",
           count, feature_request_commit(people));
    print_table(people, matrix, flights, count);
    feature_request_free(machine);
    feature_request_free(people);
}

int
main(int argc, char **argv)
{
    static struct flight flights[ROWS_MAX];
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    struct feature_query_options dense = {.struct_size = sizeof dense,
                                          .flags = FEATURE_QUERY_MATRIX};
    feature_store *store;
    feature_query *query;
    uint32_t count;

    if (argc != 3) {
        fprintf(stderr, "usage: score STORE DEPARTURES.csv\n");
        return 2;
    }
    count = load_flights(argv[2], flights);
    if (!count)
        return 1;
    check(feature_store_open(argv[1], &options, &store, &error));
    check(feature_query_create(store, "departure_v1", &dense, &query, &error));
    check_inputs(query);
    read_flights(query, flights, count);
    feature_query_free(query);
    feature_store_close(store);
    return 0;
}
