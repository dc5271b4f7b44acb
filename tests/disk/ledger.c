/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commits, and the rows they leave.
 *
 * Owns two views: a, whose 64 keys are overwritten over and over with texts of
 * up to three pages, and b, with one row for every commit and 16 that come and
 * go.
 * Keeps every row a function of the number of the commit that wrote it last.
 * Never takes a count for the rows: each one is read and compared.
 */
#include "disk/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/dice.h"

#define A_KEYS   64
#define A_ROWS   6 /* of a commit */
#define B_KEYS   16
#define B_FIRST  10000 /* of those that come and go */
#define B_ROWS   2
#define TEXT_MAX 10000
#define NOON     INT64_C(1767268800000000)

const char ledger_definitions[] =
    "CREATE ENTITY e (k INT64);"
    "CREATE FEATURE VIEW a (number INT64, text STRING) FOR e;"
    "CREATE FEATURE VIEW b (number INT64) FOR e";

struct feature_options
ledger_options(uint32_t flags, int32_t sync)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags,
                                      .sync = sync,
                                      .max_readers = 16,
                                      .fixed_now = NOON};

    return options;
}

/* --- what a commit writes --------------------------------------------------- */

static int64_t
a_key(uint32_t number, uint32_t row)
{
    return (number * 5 + row * 7) % A_KEYS;
}

static uint32_t
text_of(uint32_t number, int64_t key, char *text)
{
    uint64_t draw = mix(number, (uint64_t)key);
    uint32_t size = (uint32_t)(draw % 600);

    if (draw >> 32 & 1 && number % 6 == 0)
        size = 2500 + (uint32_t)(draw % (TEXT_MAX - 2500));
    for (uint32_t i = 0; i < size; i++)
        text[i] = (char)('a' + (draw >> i % 50) % 26);
    return size;
}

static int64_t
b_key(uint32_t number)
{
    return B_FIRST + number % B_KEYS;
}

/* The key that a commit deletes, or 0. */
static int64_t
b_gone(uint32_t number)
{
    return number % 3 ? 0 : B_FIRST + (number + 5) % B_KEYS;
}

static feature_status
make_a(feature_store *store, uint32_t number, feature_batch **batch,
       struct feature_error *error)
{
    static char text[A_ROWS * TEXT_MAX];
    int64_t keys[A_ROWS], numbers[A_ROWS];
    int32_t offsets[A_ROWS + 1] = {0};
    feature_status status;

    for (uint32_t i = 0; i < A_ROWS; i++) {
        keys[i] = a_key(number, i);
        numbers[i] = number;
        offsets[i + 1] =
            offsets[i] + (int32_t)text_of(number, keys[i], text + offsets[i]);
    }
    status = feature_batch_create(store, "a", "k, number, text", FEATURE_UPSERT,
                                  batch, error);
    if (!status)
        status = feature_batch_set(*batch, 0, FEATURE_TYPE_INT64, keys, NULL,
                                   NULL, A_ROWS, error);
    if (!status)
        status = feature_batch_set(*batch, 1, FEATURE_TYPE_INT64, numbers, NULL,
                                   NULL, A_ROWS, error);
    if (!status)
        status = feature_batch_set(*batch, 2, FEATURE_TYPE_STRING, text,
                                   offsets, NULL, A_ROWS, error);
    return status;
}

static feature_status
make_b(feature_store *store, uint32_t number, feature_batch **batch,
       struct feature_error *error)
{
    int64_t keys[B_ROWS] = {number, b_key(number)};
    int64_t numbers[B_ROWS] = {number, number};
    feature_status status = feature_batch_create(store, "b", "k, number",
                                                 FEATURE_UPSERT, batch, error);

    if (!status)
        status = feature_batch_set(*batch, 0, FEATURE_TYPE_INT64, keys, NULL,
                                   NULL, B_ROWS, error);
    if (!status)
        status = feature_batch_set(*batch, 1, FEATURE_TYPE_INT64, numbers, NULL,
                                   NULL, B_ROWS, error);
    return status;
}

static feature_status
make_gone(feature_store *store, uint32_t number, feature_batch **batch,
          struct feature_error *error)
{
    int64_t key = b_gone(number);
    feature_status status =
        feature_batch_create(store, "b", "k", FEATURE_DELETE, batch, error);

    if (!status)
        status = feature_batch_set(*batch, 0, FEATURE_TYPE_INT64, &key, NULL,
                                   NULL, 1, error);
    return status;
}

feature_status
ledger_write(feature_store *store, uint32_t number,
             struct feature_commit *commit, struct feature_error *error)
{
    feature_batch *batches[3] = {0};
    size_t count = b_gone(number) ? 3 : 2;
    feature_status status = make_a(store, number, &batches[0], error);

    if (!status)
        status = make_b(store, number, &batches[1], error);
    if (!status && count == 3)
        status = make_gone(store, number, &batches[2], error);
    if (!status)
        status =
            feature_store_write(store, batches, count, NULL, commit, error);
    for (size_t i = 0; i < 3; i++)
        feature_batch_free(batches[i]);
    return status;
}

/* --- what has to be there ---------------------------------------------------- */

/* The commit that wrote each key last; 0: no row. */
struct expected {
    uint32_t a[A_KEYS];
    uint32_t b[B_KEYS];
};

static void
expect(const struct ledger *ledger, struct expected *expected)
{
    memset(expected, 0, sizeof *expected);
    for (uint32_t number = 1; number <= ledger->last; number++) {
        if (ledger->fate[number] != LEDGER_IN)
            continue;
        for (uint32_t i = 0; i < A_ROWS; i++)
            expected->a[a_key(number, i)] = number;
        expected->b[b_key(number) - B_FIRST] = number;
        if (b_gone(number))
            expected->b[b_gone(number) - B_FIRST] = 0;
    }
}

struct answer {
    feature_query *query;
    feature_request *request;
    const uint8_t *states;
    struct feature_column columns[2];
};

static feature_status
ask(feature_store *store, const char *features, const int64_t *keys,
    uint32_t count, struct answer *answer, struct feature_error *error)
{
    feature_status status =
        feature_query_create(store, features, NULL, &answer->query, error);

    if (!status)
        status = feature_request_create(answer->query, &answer->request, error);
    if (!status)
        status = feature_request_set_key(answer->request, 0, FEATURE_TYPE_INT64,
                                         keys, NULL, NULL, count, error);
    if (!status)
        status = feature_request_read(answer->request, error);
    for (uint32_t i = 0;
         !status && i < feature_query_column_count(answer->query); i++)
        status = feature_request_column(answer->request, i, &answer->columns[i],
                                        error);
    if (!status)
        answer->states = feature_request_states(answer->request, 0);
    return status;
}

static void
forget(struct answer *answer)
{
    feature_request_free(answer->request);
    feature_query_free(answer->query);
    *answer = (struct answer){0};
}

/* The number in a row, 0 where there is none. */
static uint32_t
number_at(const struct answer *answer, uint32_t row)
{
    if (answer->states[row] == FEATURE_STATE_NOT_FOUND)
        return 0;
    if (answer->states[row] != FEATURE_STATE_PRESENT)
        return UINT32_MAX;
    return (uint32_t)((const int64_t *)answer->columns[0].values)[row];
}

static bool
check_a(const struct answer *answer, const struct expected *expected,
        char why[200])
{
    const struct feature_column *texts = &answer->columns[1];
    char text[TEXT_MAX];

    for (uint32_t i = 0; i < A_KEYS; i++) {
        uint32_t number = number_at(answer, i), wanted = expected->a[i], size;
        int32_t begin = texts->offsets[i], end = texts->offsets[i + 1];

        size = wanted ? text_of(wanted, i, text) : 0;
        if (number == wanted && (uint32_t)(end - begin) == size &&
            !memcmp((const char *)texts->values + begin, text, size))
            continue;
        snprintf(why, 200, "row %u of a is of commit %u instead of %u", i,
                 number, wanted);
        return false;
    }
    return true;
}

/* Rows 0 to last - 1 are those of the commits, then come the other keys. */
static bool
check_b(const struct answer *answer, const struct ledger *ledger,
        const struct expected *expected, char why[200])
{
    for (uint32_t i = 0; i < ledger->last + B_KEYS; i++) {
        uint32_t number = number_at(answer, i), wanted;

        if (i >= ledger->last)
            wanted = expected->b[i - ledger->last];
        else
            wanted = ledger->fate[i + 1] == LEDGER_IN ? i + 1 : 0;
        if (number == wanted)
            continue;
        snprintf(why, 200, "row %u of b is of commit %u instead of %u", i,
                 number, wanted);
        return false;
    }
    return true;
}

/* Which commits are there, by their own rows in b. */
static bool
settle(const struct answer *answer, struct ledger *ledger, bool *lost,
       char why[200])
{
    for (uint32_t number = 1; number <= ledger->last; number++) {
        bool is_there = number_at(answer, number - 1) == number;
        uint8_t *fate = &ledger->fate[number];

        if (*fate == LEDGER_OPEN)
            *fate = is_there ? LEDGER_IN : LEDGER_OUT;
        if ((*fate == LEDGER_IN) == is_there)
            continue;
        *lost = !is_there;
        snprintf(why, 200, "commit %u %s", number,
                 is_there ? "failed and is there"
                          : "was acknowledged and lost");
        return false;
    }
    return true;
}

bool
ledger_check(feature_store *store, struct ledger *ledger, bool *lost,
             char why[200])
{
    int64_t a_keys[A_KEYS], b_keys[LEDGER_MAX + B_KEYS];
    struct answer a = {0}, b = {0};
    struct feature_error error = {0};
    struct expected expected;
    feature_status status;
    bool good = false;

    for (uint32_t i = 0; i < A_KEYS; i++)
        a_keys[i] = i;
    for (uint32_t i = 0; i < ledger->last + B_KEYS; i++)
        b_keys[i] = i < ledger->last ? i + 1 : B_FIRST + i - ledger->last;
    status = ask(store, "a(number, text)", a_keys, A_KEYS, &a, &error);
    if (!status)
        status =
            ask(store, "b(number)", b_keys, ledger->last + B_KEYS, &b, &error);
    if (status) {
        snprintf(why, 200, "a read fails: %.160s", error.message);
    } else if (settle(&b, ledger, lost, why)) {
        expect(ledger, &expected);
        good =
            check_a(&a, &expected, why) && check_b(&b, ledger, &expected, why);
    }
    forget(&a);
    forget(&b);
    return good;
}
