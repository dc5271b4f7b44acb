/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions without memory: each allocation fails once.
 *
 * Owns the loop that fails the first allocation, the second, and so on, until
 * a call gets through.
 * Keeps out parameters untouched in every failure.
 * Never runs into anything but FEATURE_NO_MEMORY.
 */
#include "support.h"

#include "model.h"

#include "format/record.h"

static const char *const text = DRIVER
    "CREATE FEATURE VIEW v (a FLOAT32[2] DEFAULT [1, 2], b STRING[] "
    "DEFAULT ['x', 'y'], c INT64 RENAMED FROM d) FOR driver WITH (ttl = "
    "'2 h'); CREATE FEATURE SERVICE s AS v(*), v(a AS b) AS w (driver_id "
    "AS x); STORE WITH (max_size = '1 GB'); DROP FEATURE v:z;"
    "CREATE EVENT p (driver_id INT64, m STRING, n INT64) WITH (dedupe = m);"
    "CREATE FEATURE VIEW w (s = SUM(n) BY m WHERE n IN (2, 1) AND m <> '' "
    "OVER '1 h' DEFAULT [1], l = LAST(m, 3)) FOR driver FROM p";

static const char *const query = "s, v(c AS d, a AS e) (driver_id AS y)";

/* Whether the call went through although the allocation was to fail. */
static bool
went_through(feature_status status)
{
    allocation_fail(-1);
    if (status)
        assert_int_equal(status, FEATURE_NO_MEMORY);
    return status == FEATURE_OK;
}

/* Fails allocation 0, 1, 2, ... of a call that is given catalog and text, and
 * answers NULL or what it made. */
static void
fail_each(const struct lf_catalog *catalog,
          feature_status (*call)(const struct lf_catalog *, void **),
          void (*release)(void *))
{
    bool done = false;

    for (int64_t after = 0; !done; after++) {
        void *untouched = &after, *made = untouched;

        allocation_fail(after);
        done = went_through(call(catalog, &made));
        if (done)
            release(made);
        else
            assert_ptr_equal(made, untouched);
        assert_true(after < 100000);
    }
}

static feature_status
call_define(const struct lf_catalog *catalog, void **made)
{
    struct lf_catalog *after = *made;
    struct lf_text lines = {0};
    feature_status status = lf_define(catalog, text, &after, &lines, NULL);

    if (status)
        assert_int_equal(lines.bytes.size, 0);
    lf_text_free(&lines);
    *made = after;
    return status;
}

static feature_status
call_select(const struct lf_catalog *catalog, void **made)
{
    struct lf_selection *selection = *made;
    feature_status status = lf_select(catalog, query, &selection, NULL);

    *made = selection;
    return status;
}

static feature_status
call_describe(const struct lf_catalog *catalog, void **made)
{
    struct lf_text lines = {0};
    feature_status status = lf_describe(catalog, NULL, &lines, NULL);

    if (!status)
        *made = lines.bytes.data;
    return status;
}

static feature_status
call_records(const struct lf_catalog *catalog, void **made)
{
    struct lf_catalog *back = *made;
    struct lf_arena arena = {0};
    struct lf_record *records = NULL;
    size_t count = 0;
    feature_status status =
        lf_records_encode(catalog, &arena, &records, &count, NULL);

    if (!status)
        status = lf_records_decode(records, count, &back, NULL);
    lf_arena_free(&arena);
    *made = back;
    return status;
}

static void
release_catalog(void *catalog)
{
    assert_non_null(catalog);
    lf_catalog_release(catalog);
}

static void
release_selection(void *selection)
{
    lf_selection_free(selection);
}

static int
can_fail(void **state)
{
    (void)state;
    return allocation_fail(-1);
}

static void
define_survives_every_failed_allocation(void **state)
{
    struct lf_catalog *before;

    if (!can_fail(state))
        skip();
    before =
        defined(DRIVER "CREATE FEATURE VIEW v (d INT32, z INT64, a FLOAT32[2] "
                       "DEFAULT [1, 1]) FOR driver");
    fail_each(before, call_define, release_catalog);
    lf_catalog_release(before);
}

static void
the_rest_survives_every_failed_allocation(void **state)
{
    struct lf_catalog *catalog;

    if (!can_fail(state))
        skip();
    catalog = defined(text);
    fail_each(catalog, call_select, release_selection);
    fail_each(catalog, call_describe, free);
    fail_each(catalog, call_records, release_catalog);
    lf_catalog_release(catalog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(define_survives_every_failed_allocation),
        cmocka_unit_test(the_rest_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
