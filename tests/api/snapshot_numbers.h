/* SPDX-License-Identifier: Apache-2.0 */
/* Commits over two views whose rows are all of one number, the commit's. */
#ifndef TESTS_API_SNAPSHOT_NUMBERS_H
#define TESTS_API_SNAPSHOT_NUMBERS_H

#include "peer.h"
#include "snapshot.h"

#define ROWS  700
#define VIEWS 2

#define DEFINITIONS                                    \
    "CREATE ENTITY n (k INT64);"                       \
    "CREATE FEATURE VIEW n0 (a INT64, b INT64) FOR n;" \
    "CREATE FEATURE VIEW n1 (a INT64, b INT64) FOR n;"

static inline int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define BUSY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- commits whose rows are all of one number --------------------------------- */

static inline void
set_numbers(feature_batch *batch, uint32_t rows, int64_t value)
{
    int64_t *cells = malloc(4 * rows * sizeof *cells);

    assert_non_null(cells);
    for (uint32_t i = 0; i < rows; i++) {
        cells[i] = i;
        cells[rows + i] = NOON;
        cells[2 * rows + i] = value;
        cells[3 * rows + i] = i * 3 + value;
    }
    feature_batch_clear(batch);
    for (uint32_t c = 0; c < 4; c++)
        must(feature_batch_set(
            batch, c, c == 1 ? FEATURE_TYPE_TIMESTAMP : FEATURE_TYPE_INT64,
            cells + c * rows, NULL, NULL, rows, &problem));
    free(cells);
}

/* One commit over both views. */
static inline void
write_number(struct fixture *f, uint32_t rows, int64_t value)
{
    feature_batch *batches[VIEWS];
    const char *const names[VIEWS] = {"n0", "n1"};

    for (int i = 0; i < VIEWS; i++) {
        must(feature_batch_create(f->store, names[i], NULL, FEATURE_UPSERT,
                                  &batches[i], &problem));
        set_numbers(batches[i], rows, value);
    }
    must(feature_store_write(f->store, batches, VIEWS, NULL, NULL, &problem));
    for (int i = 0; i < VIEWS; i++)
        feature_batch_free(batches[i]);
}

/* The definitions were commit 1; commit s wrote the number s. */
static inline void
expect_one_commit(struct fixture *f, uint32_t rows)
{
    int64_t sequence = (int64_t)stats_of(f).sequence;

    for (int view = 0; view < VIEWS; view++)
        expect_numbered(f, view, rows, sequence);
}

#endif
