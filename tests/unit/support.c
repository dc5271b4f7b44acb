/* SPDX-License-Identifier: Apache-2.0 */
/* The support itself: a rig that miscounts would prove nothing. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Out of sight of the optimiser, which may drop an unused allocation. */
static void *volatile sink;

static void
each_kind_of_allocation_is_counted(void **state)
{
    uint64_t before = allocation_count();

    (void)state;
    sink = malloc(10);
    assert_int_equal(allocation_count() - before, 1);
    sink = realloc(sink, 100000);
    assert_int_equal(allocation_count() - before, 2);
    free(sink);
    sink = calloc(3, 7);
    assert_int_equal(allocation_count() - before, 3);
    free(sink);
    sink = strdup("counted inside the C library too");
    assert_int_equal(allocation_count() - before, 4);
    free(sink);
    assert_int_equal(allocation_count() - before, 4);
}

static void
the_chosen_allocation_fails_once(void **state)
{
    void *first, *second, *third;

    (void)state;
    if (!allocation_fail(1))
        skip();
    first = sink = malloc(1);
    second = sink = malloc(1);
    third = sink = malloc(1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    free(first);
    free(third);
}

static void
a_directory_goes_away_with_all_it_holds(void **state)
{
    char path[TEST_PATH_SIZE], inner[TEST_PATH_SIZE + 8];
    int file;

    (void)state;
    test_directory(path);
    snprintf(inner, sizeof inner, "%s/inner", path);
    assert_int_equal(mkdir(inner, 0700), 0);
    snprintf(inner, sizeof inner, "%s/inner/f", path);
    file = open(inner, O_CREAT | O_WRONLY, 0400);
    assert_true(file >= 0);
    close(file);
    snprintf(inner, sizeof inner, "%s/inner", path);
    assert_int_equal(chmod(inner, 0500), 0);
    remove_directory(path);
    assert_int_equal(access(path, F_OK), -1);
    remove_directory(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_allocation_is_counted),
        cmocka_unit_test(the_chosen_allocation_fails_once),
        cmocka_unit_test(a_directory_goes_away_with_all_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
