/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The population stability index, beside a computation from the definition.
 *
 * Owns cases by hand, and distributions drawn at random.
 * Keeps the index within the error of the sketches' buckets.
 * Never uses the library's logarithm.
 */
#include "draw.h"

#include <math.h>

#include "format/psi.h"

static struct lf_distribution
sketched(const double *values, size_t count, uint64_t nulls)
{
    struct lf_distribution made = {.nulls = nulls};

    assert_true(lf_dd_init(&made.values, LF_DD_ERROR_DEFAULT));
    for (size_t i = 0; i < count; i++)
        assert_true(lf_dd_add(&made.values, values[i]));
    return made;
}

static double
term(double e, double a)
{
    e = e < 0.0001 ? 0.0001 : e;
    a = a < 0.0001 ? 0.0001 : a;
    return (a - e) * log(a / e);
}

static int
compare(const void *a, const void *b)
{
    double x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static size_t
up_to(const double *values, size_t count, double end)
{
    size_t below = 0;

    for (size_t i = 0; i < count; i++)
        below += values[i] <= end;
    return below;
}

/* By the definition: deciles of sorted values, each bin counted by looking at
 * every value. */
static double
directly(double *before, size_t n, uint64_t nulls_before, const double *now,
         size_t m, uint64_t nulls_now)
{
    double all_before = (double)(n + nulls_before);
    double all_now = (double)(m + nulls_now);
    double sum =
        term((double)nulls_before / all_before, (double)nulls_now / all_now);
    size_t had = 0, has = 0, e, a;

    qsort(before, n, sizeof *before, compare);
    for (size_t decile = 1; decile <= 10; decile++) {
        double end = before[(n * decile + 9) / 10 - 1];

        e = decile == 10 || end == before[n - 1] ? n : up_to(before, n, end);
        a = e == n ? m : up_to(now, m, end);
        if (e == had)
            continue;
        sum +=
            term((double)(e - had) / all_before, (double)(a - has) / all_now);
        had = e;
        has = a;
    }
    return sum;
}

static void
expect_psi(double *before, size_t n, uint64_t nulls_before, const double *now,
           size_t m, uint64_t nulls_now, double expected, double within)
{
    struct lf_distribution old = sketched(before, n, nulls_before);
    struct lf_distribution new = sketched(now, m, nulls_now);
    double psi = lf_psi(&old, &new), direct;

    if (fabs(psi - expected) > within)
        fail_msg("psi %.12f, expected %.12f", psi, expected);
    direct = directly(before, n, nulls_before, now, m, nulls_now);
    if (fabs(psi - direct) > within)
        fail_msg("psi %.12f, directly %.12f", psi, direct);
    lf_dd_free(&old.values);
    lf_dd_free(&new.values);
}

static void
cases_by_hand(void **state)
{
    double ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    double ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    double doubled[] = {1, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    double signs[] = {-3, -2, -1, 0, 1, 2, 3, 4, 5, 6};
    double shifted[] = {-2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
    double many[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2};

    (void)state;
    expect_psi(ten, 10, 0, ten, 10, 0, 0, 1e-12);
    /* bin 1: 0.1 to 0.2; bin 10: 0.1 to none */
    expect_psi(ten, 10, 0, doubled, 10, 0,
               0.1 * log(2) + (0.0001 - 0.1) * log(0.001), 1e-12);
    expect_psi(signs, 10, 0, shifted, 10, 0,
               (0.0001 - 0.1) * log(0.001) + 0.1 * log(2), 1e-12);
    /* bins: 0 (0.8), 1 (0.1), 2 (0.1) */
    expect_psi(many, 10, 0, ones, 10, 0,
               (0.0001 - 0.8) * log(0.0001 / 0.8) + 0.9 * log(10) +
                   (0.0001 - 0.1) * log(0.001),
               1e-12);
    /* half of them null: 0 to 0.5, and each bin from 0.1 to 0.05 */
    expect_psi(ten, 10, 0, ten, 10, 10,
               (0.5 - 0.0001) * log(0.5 / 0.0001) + 10 * -0.05 * log(0.5),
               1e-12);
    expect_psi(ten, 10, 10, ten, 10, 10, 0, 1e-12);
    expect_psi(ten, 10, 0, ten, 0, 5,
               (1 - 0.0001) * log(1 / 0.0001) +
                   10 * (0.0001 - 0.1) * log(0.001),
               1e-12);
}

/* 15 values: the deciles are those of ranks 2, 3, 5, 6, 8, 9, 11, 12 and 14. */
static void
deciles_of_counts_that_ten_does_not_divide(void **state)
{
    double before[15], now[15];

    (void)state;
    for (int i = 0; i < 15; i++) {
        before[i] = i - 5;
        now[i] = i < 7 ? i - 5 : 9;
    }
    expect_psi(before, 15, 1, now, 15, 2, directly(before, 15, 1, now, 15, 2),
               1e-12);
}

/* One value of a hundred is within a bucket of a cut. */
static void
random_distributions_are_near_the_definition(void **state)
{
    static double before[20000], now[20000];

    (void)state;
    for (int round = 0; round < 20; round++) {
        double shift = (double)draw_below(200) / 100, kind = draw_below(2);
        struct lf_distribution old, new;
        double direct, psi;

        for (size_t i = 0; i < 20000; i++) {
            double x = 0, y = 0;

            for (int j = 0; j < 12; j++) {
                x += (double)draw_below(1000000) / 1e6 - 0.5;
                y += (double)draw_below(1000000) / 1e6 - 0.5;
            }
            before[i] = kind > 0 ? exp(x) : x;
            now[i] = kind > 0 ? exp(y + shift) : y + shift;
        }
        old = sketched(before, 20000, 100);
        new = sketched(now, 20000, 700);
        psi = lf_psi(&old, &new);
        direct = directly(before, 20000, 100, now, 20000, 700);
        if (fabs(psi - direct) > 0.02 + 0.02 * direct)
            fail_msg("round %d: psi %.6f, directly %.6f", round, psi, direct);
        lf_dd_free(&old.values);
        lf_dd_free(&new.values);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_by_hand),
        cmocka_unit_test(deciles_of_counts_that_ten_does_not_divide),
        cmocka_unit_test(random_distributions_are_near_the_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
