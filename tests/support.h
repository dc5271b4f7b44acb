/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every test program shares.
 *
 *     static void
 *     a_promise_that_is_kept(void **state)
 *     {
 *         struct fixture *f = *state;
 *
 *         must(feature_store_apply(f->store, text, NULL, NULL, &problem));
 *         must_fail(feature_store_apply(f->store, "CREATE", NULL, NULL,
 *                                       &problem), FEATURE_INVALID, "syntax");
 *     }
 *     const struct CMUnitTest tests[] = {TEST(a_promise_that_is_kept)};
 *
 * A test of pure functions needs no store: cmocka_unit_test(name) will do, with
 * must() and test_directory(). Only what a program uses is linked into it.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libfeature.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1767268800) * SECOND) /* 2026-01-01T12:00:00Z */

#define TEST_PATH_SIZE 256

/* --- calls that have to succeed, or to fail in one way (must.c) ----------- */

/* Pass &problem as the error of a call within must() or must_fail(). */
extern _Thread_local struct feature_error problem;

#define must(call) must_at((call), #call, __FILE__, __LINE__)

/* The reason may be NULL: any. */
#define must_fail(call, status, reason)           \
    (problem = (struct feature_error){.row = -1}, \
     must_fail_at((call), (status), (reason), #call, __FILE__, __LINE__))

void must_at(feature_status status, const char *call, const char *file,
             int line);
void must_fail_at(feature_status status, feature_status expected,
                  const char *reason, const char *call, const char *file,
                  int line);

/* --- directories (directory.c) --------------------------------------------- */

/* Makes a fresh directory below TMPDIR. */
void test_directory(char path[TEST_PATH_SIZE]);

/* Removes a directory and everything in it; a missing one is fine. */
void remove_directory(const char *path);

/* --- a store in a fresh directory (support.c) ----------------------------- */

struct fixture {
    char directory[TEST_PATH_SIZE]; /* exists, and goes away after the test */
    char path[TEST_PATH_SIZE];      /* of the store, in the directory */
    struct feature_options options; /* what open_store() uses; the clock stands
                                       still at fixed_now = NOON */
    feature_store *store;           /* open when the test begins */
    void *context;                  /* the test's own */
};

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int fixture_begin(void **state);
int fixture_end(void **state);

/* Opens the fixture's store with its options; does nothing when it is open. */
void open_store(struct fixture *f);

/* Closes it; does nothing when it is closed. Closing, setting
 * f->options.fixed_now and opening moves the clock. */
void close_store(struct fixture *f);

/* Applies definitions. */
void define(struct fixture *f, const char *definitions);

/* --- counting allocations (allocations.c) --------------------------------- */

/* Calls of malloc, calloc and realloc by the whole process so far, the library
 * included, with and without sanitizers. */
uint64_t allocation_count(void);

/* Makes the allocation after the next `after` fail, once; -1 takes it back.
 * Returns 0 where that cannot be done (under a sanitizer or valgrind). */
int allocation_fail(int64_t after);

/* The same, with all that follow it, until allocation_fail(-1). */
int allocation_fail_from(int64_t after);

/* Blocks that were allocated and not freed, by the whole process. */
int64_t allocation_live(void);

#endif
