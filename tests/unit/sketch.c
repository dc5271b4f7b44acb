/* SPDX-License-Identifier: Apache-2.0 */
/* HyperLogLog, DDSketch and distinct sets: functions of a set alone, whatever
 * the order and the tree of merges, and bytes that are none are refused. */
#include "draw.h"

#include <math.h>

#include "format/ddsketch.h"
#include "format/distinct.h"
#include "format/element.h"
#include "format/hll.h"

#define MOST 6000

static uint64_t words[MOST];

static void
draw_words(uint32_t count, uint32_t distinct)
{
    uint64_t base = draw();

    for (uint32_t i = 0; i < count; i++)
        words[i] = lf_element_hash_word(base + draw_below(distinct));
}

static void
shuffle(uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = draw_below(i);
        uint64_t word = words[j];

        words[j] = words[i - 1];
        words[i - 1] = word;
    }
}

static void
assert_equal_bytes(const struct lf_buffer *a, const struct lf_buffer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

/* Leaves of a tree meet in memory, or as bytes. */
static void
hll_tree(struct lf_hll *hll, uint32_t p, uint32_t first, uint32_t end)
{
    struct lf_buffer bytes = {0};
    struct lf_hll right;

    lf_hll_init(hll, p);
    if (end - first < 50) {
        for (; first < end; first++)
            assert_true(lf_hll_add(hll, words[first]));
        return;
    }
    hll_tree(hll, p, first, first + (end - first) / 3);
    hll_tree(&right, p, first + (end - first) / 3, end);
    if (draw_one_in(2)) {
        assert_true(lf_hll_merge(hll, &right));
    } else {
        assert_true(lf_hll_encode(&right, &bytes));
        assert_int_equal(lf_hll_check(p, bytes.data, bytes.size), bytes.size);
        assert_int_equal(lf_hll_measure(p, bytes.data, bytes.size), bytes.size);
        assert_true(lf_hll_merge_bytes(hll, p, bytes.data, bytes.size));
    }
    lf_hll_free(&right);
    lf_buffer_free(&bytes);
}

static void
any_tree_of_merges_gives_the_same_hyperloglog(void **state)
{
    static const uint32_t sizes[] = {0,   1,   63,   64,   65,  200,
                                     500, 900, 1500, 3000, 6000};

    (void)state;
    for (uint32_t round = 0; round < 120; round++) {
        uint32_t p = LF_HLL_P_MIN + draw_below(15);
        uint32_t count = sizes[draw_below(11)];
        struct lf_buffer bytes = {0}, other = {0};
        struct lf_hll plain, tree;

        draw_words(count, 1 + draw_below(2 * MOST));
        lf_hll_init(&plain, p);
        for (uint32_t i = 0; i < count; i++)
            assert_true(lf_hll_add(&plain, words[i]));
        shuffle(count);
        hll_tree(&tree, p, 0, count);
        assert_true(lf_hll_encode(&plain, &bytes));
        assert_true(lf_hll_encode(&tree, &other));
        assert_equal_bytes(&bytes, &other);
        assert_true(bytes.size <= lf_hll_size_max(p));
        for (uint32_t i = 0; i < count; i += 7)
            assert_true(lf_hll_holds(p, bytes.data, bytes.size, words[i]));
        lf_hll_free(&plain);
        lf_hll_free(&tree);
        lf_buffer_free(&bytes);
        lf_buffer_free(&other);
    }
}

static void
folding_equals_the_smaller_precision(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 120; round++) {
        uint32_t p = LF_HLL_P_MIN + draw_below(15);
        uint32_t small = LF_HLL_P_MIN + draw_below(p - LF_HLL_P_MIN + 1);
        uint32_t count = draw_below(draw_one_in(2) ? 120 : MOST);
        struct lf_buffer bytes = {0}, other = {0};
        struct lf_hll large, direct, folded;

        draw_words(count, MOST);
        lf_hll_init(&large, p);
        lf_hll_init(&direct, small);
        lf_hll_init(&folded, small);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(lf_hll_add(&large, words[i]));
            assert_true(lf_hll_add(&direct, words[i]));
        }
        assert_true(lf_hll_encode(&large, &bytes));
        assert_true(lf_hll_merge_bytes(&folded, p, bytes.data, bytes.size));
        assert_true(lf_hll_fold(&large, small));
        bytes.size = 0;
        assert_true(lf_hll_encode(&large, &bytes));
        assert_true(lf_hll_encode(&direct, &other));
        assert_equal_bytes(&bytes, &other);
        other.size = 0;
        assert_true(lf_hll_encode(&folded, &other));
        assert_equal_bytes(&bytes, &other);
        lf_hll_free(&large);
        lf_hll_free(&direct);
        lf_hll_free(&folded);
        lf_buffer_free(&bytes);
        lf_buffer_free(&other);
    }
}

static void
estimates_stay_near_the_truth(void **state)
{
    (void)state;
    for (uint32_t p = 8; p <= 16; p += 2) {
        double bound = 5 * 1.04 / sqrt((double)(1u << p));
        struct lf_hll hll;

        lf_hll_init(&hll, p);
        for (uint64_t i = 1; i <= 200000; i++) {
            assert_true(lf_hll_add(&hll, lf_element_hash_word(i)));
            if (i <= lf_hll_list(p))
                assert_int_equal(lf_hll_estimate(&hll), i);
            else if (i % 5000 == 0)
                assert_true(fabs((double)lf_hll_estimate(&hll) / (double)i -
                                 1) < bound);
        }
        lf_hll_free(&hll);
    }
}

/* Bytes of a state, some of them changed: what is accepted comes back. */
static void
damage(struct lf_buffer *bytes)
{
    for (uint32_t times = 1 + draw_below(3); times && bytes->size; times--)
        bytes->data[draw_below(draw_one_in(2) ? bytes->size
                                              : 1 + bytes->size / 8)] ^=
            (uint8_t)(1u << draw_below(8));
    if (draw_one_in(4) && bytes->size)
        bytes->size -= 1 + draw_below(bytes->size);
}

static void
damaged_hyperloglogs_are_refused_or_come_back(void **state)
{
    uint32_t accepted = 0, refused = 0;

    (void)state;
    for (uint32_t round = 0; round < 6000; round++) {
        uint32_t p = LF_HLL_P_MIN + draw_below(9), count = draw_below(400);
        struct lf_buffer bytes = {0}, again = {0};
        struct lf_hll hll;
        uint8_t *exact;
        size_t taken;

        draw_words(count, MOST);
        lf_hll_init(&hll, p);
        for (uint32_t i = 0; i < count; i++)
            assert_true(lf_hll_add(&hll, words[i]));
        assert_true(lf_hll_encode(&hll, &bytes));
        damage(&bytes);
        exact = malloc(bytes.size + 1);
        memcpy(exact + 1, bytes.data, bytes.size);
        taken = lf_hll_check(p, exact + 1, bytes.size);
        lf_hll_clear(&hll);
        if (taken) {
            assert_true(lf_hll_merge_bytes(&hll, p, exact + 1, taken));
            assert_true(lf_hll_encode(&hll, &again));
            assert_int_equal(again.size, taken);
            assert_memory_equal(again.data, exact + 1, taken);
            accepted++;
        } else {
            refused++;
        }
        free(exact);
        lf_hll_free(&hll);
        lf_buffer_free(&bytes);
        lf_buffer_free(&again);
    }
    assert_true(accepted > 500 && refused > 500);
}

/* --- quantiles --- */

static double reals[MOST];

static void
draw_reals(uint32_t count, uint32_t kind)
{
    for (uint32_t i = 0; i < count; i++) {
        double u = ((double)draw_below(1u << 30) + 0.5) / (1u << 30);

        switch (kind) {
        case 0:
            reals[i] = u * 1000;
            break;
        case 1: /* heavy tail */
            reals[i] = 1 / (u * u);
            break;
        case 2:
            reals[i] = exp(3 * sqrt(-2 * log(u)) * cos((double)i));
            break;
        default:
            reals[i] = draw_one_in(5) ? 0 : (u - 0.5) * 1e6;
        }
        if (kind == 4)
            reals[i] = floor(reals[i] / 1e5);
    }
}

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
quantiles_stay_within_the_error(void **state)
{
    static const double errors[] = {0.0001, 0.005, 0.01, 0.02, 0.2, 0.5};

    (void)state;
    for (uint32_t round = 0; round < 90; round++) {
        double error = errors[draw_below(6)];
        uint32_t count = 1 + draw_below(MOST - 1);
        struct lf_dd dd;

        assert_true(lf_dd_init(&dd, error));
        draw_reals(count, round % 5);
        for (uint32_t i = 0; i < count; i++)
            assert_true(lf_dd_add(&dd, reals[i]));
        qsort(reals, count, sizeof *reals, ascending);
        for (int k = 0; k <= 200; k++) {
            double q = k / 200.0, truth, told = lf_dd_quantile(&dd, q);

            truth = reals[(uint32_t)(q * (count - 1))];
            assert_true(fabs(told - truth) <= error * fabs(truth) * (1 + 1e-9));
        }
        lf_dd_free(&dd);
    }
}

/* Adds first to end - 1, with values that come and go between. */
static void
dd_tree(struct lf_dd *dd, uint32_t first, uint32_t end)
{
    struct lf_buffer bytes = {0};
    struct lf_dd right;

    assert_true(lf_dd_init(dd, 0.01));
    if (end - first < 50) {
        for (; first < end; first++)
            assert_true(lf_dd_add(dd, reals[first]));
        assert_true(lf_dd_add(dd, -12345.678));
        assert_true(lf_dd_subtract(dd, -12345.678));
        return;
    }
    dd_tree(dd, first, first + (end - first) / 3);
    dd_tree(&right, first + (end - first) / 3, end);
    assert_true(lf_dd_encode(&right, &bytes));
    assert_int_equal(lf_dd_check(&dd->mapping, bytes.data, bytes.size),
                     bytes.size);
    assert_true(lf_dd_merge_bytes(dd, bytes.data, bytes.size));
    assert_true(lf_dd_merge(dd, &right));
    assert_true(lf_dd_unmerge(dd, &right));
    lf_dd_free(&right);
    lf_buffer_free(&bytes);
}

static void
any_tree_of_merges_gives_the_same_ddsketch(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t count = draw_below(MOST);
        struct lf_buffer bytes = {0}, other = {0};
        struct lf_dd plain, tree;

        draw_reals(count, round % 5);
        assert_true(lf_dd_init(&plain, 0.01));
        for (uint32_t i = count; i--;)
            assert_true(lf_dd_add(&plain, reals[i]));
        dd_tree(&tree, 0, count);
        assert_true(lf_dd_encode(&plain, &bytes));
        assert_true(lf_dd_encode(&tree, &other));
        assert_equal_bytes(&bytes, &other);
        assert_int_equal(tree.count, count);
        for (uint32_t i = 0; i < count; i++)
            assert_true(lf_dd_subtract(&tree, reals[i]));
        other.size = 0;
        assert_true(lf_dd_encode(&tree, &other));
        assert_int_equal(other.size, 1);
        assert_int_equal(tree.count, 0);
        lf_dd_free(&plain);
        lf_dd_free(&tree);
        lf_buffer_free(&bytes);
        lf_buffer_free(&other);
    }
}

static void
what_is_not_in_a_ddsketch_does_not_leave_it(void **state)
{
    struct lf_dd dd, other;

    (void)state;
    assert_true(lf_dd_init(&dd, 0.01));
    assert_true(lf_dd_init(&other, 0.01));
    assert_true(lf_dd_add(&dd, 5));
    assert_false(lf_dd_subtract(&dd, 6));
    assert_false(lf_dd_subtract(&dd, -5));
    assert_false(lf_dd_subtract(&dd, 0));
    assert_true(lf_dd_add(&other, 5) && lf_dd_add(&other, 5));
    assert_false(lf_dd_unmerge(&dd, &other));
    assert_int_equal(dd.count, 1);
    assert_true(lf_dd_subtract(&dd, 5));
    assert_true(lf_dd_add(&dd, 1e300) && lf_dd_add(&dd, 5e-324));
    assert_true(fabs(lf_dd_quantile(&dd, 1) / 1e12 - 1) < 0.0101);
    assert_true(fabs(lf_dd_quantile(&dd, 0) / 1e-9 - 1) < 0.0101);
    assert_true(lf_dd_subtract(&dd, 2e12) && lf_dd_subtract(&dd, 1e-10));
    lf_dd_free(&dd);
    lf_dd_free(&other);
}

static void
damaged_ddsketches_are_refused_or_come_back(void **state)
{
    uint32_t accepted = 0, refused = 0;

    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        struct lf_buffer bytes = {0}, again = {0};
        uint32_t count = draw_below(60);
        struct lf_dd dd;
        uint8_t *exact;
        size_t taken;

        draw_reals(count, round % 5);
        assert_true(lf_dd_init(&dd, 0.01));
        for (uint32_t i = 0; i < count; i++)
            assert_true(lf_dd_add(&dd, reals[i]));
        assert_true(lf_dd_encode(&dd, &bytes));
        damage(&bytes);
        exact = malloc(bytes.size + 1);
        memcpy(exact + 1, bytes.data, bytes.size);
        taken = lf_dd_check(&dd.mapping, exact + 1, bytes.size);
        lf_dd_clear(&dd);
        if (taken) {
            assert_true(lf_dd_merge_bytes(&dd, exact + 1, taken));
            assert_true(lf_dd_encode(&dd, &again));
            assert_int_equal(again.size, taken);
            assert_memory_equal(again.data, exact + 1, taken);
            accepted++;
        } else {
            refused++;
        }
        free(exact);
        lf_dd_free(&dd);
        lf_buffer_free(&bytes);
        lf_buffer_free(&again);
    }
    assert_true(accepted > 500 && refused > 500);
}

/* --- distinct values --- */

static void
add_value(struct lf_distinct *set, uint64_t value)
{
    char text[32];

    if (!set->is_text) {
        assert_true(lf_distinct_add_word(set, value));
        return;
    }
    snprintf(text, sizeof text, "%llx", (unsigned long long)value);
    assert_true(lf_distinct_add_text(set, text, strlen(text)));
}

static void
any_order_gives_the_same_distinct_set(void **state)
{
    uint32_t full = 0;

    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        bool is_text = draw_one_in(2);
        uint32_t cap = 1 + draw_below(300), count = draw_below(500), counted;
        struct lf_distinct plain, parts[3];
        struct lf_buffer bytes = {0}, other = {0};
        uint32_t range = 1 + draw_below(600), truth = 0;
        bool seen[600] = {0};

        lf_distinct_init(&plain, is_text, cap);
        for (int i = 0; i < 3; i++)
            lf_distinct_init(&parts[i], is_text, cap);
        for (uint32_t i = 0; i < count; i++) {
            words[i] = draw_below(range);
            truth += !seen[words[i]];
            seen[words[i]] = true;
            add_value(&plain, words[i]);
        }
        shuffle(count);
        for (uint32_t i = 0; i < count; i++)
            add_value(&parts[draw_below(3)], words[i]);
        assert_true(lf_distinct_merge(&parts[0], &parts[1]));
        assert_true(lf_distinct_encode(&parts[2], &other));
        assert_int_equal(
            lf_distinct_check(is_text, cap, other.data, other.size),
            other.size);
        assert_true(lf_distinct_merge_bytes(&parts[0], other.data, other.size));
        other.size = 0;
        assert_true(lf_distinct_encode(&plain, &bytes));
        assert_true(lf_distinct_encode(&parts[0], &other));
        assert_equal_bytes(&bytes, &other);
        assert_int_equal(
            lf_distinct_measure(is_text, cap, bytes.data, bytes.size, &counted),
            bytes.size);
        assert_int_equal(counted, truth > cap ? cap + 1 : truth);
        assert_int_equal(lf_distinct_is_full(&plain), truth > cap);
        full += truth > cap;
        lf_distinct_free(&plain);
        for (int i = 0; i < 3; i++)
            lf_distinct_free(&parts[i]);
        lf_buffer_free(&bytes);
        lf_buffer_free(&other);
    }
    assert_true(full > 50 && full < 350);
}

static void
damaged_distinct_sets_are_refused_or_come_back(void **state)
{
    uint32_t accepted = 0, refused = 0;

    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        bool is_text = draw_one_in(2);
        uint32_t count = draw_below(40);
        struct lf_buffer bytes = {0}, again = {0};
        struct lf_distinct set;
        uint8_t *exact;
        size_t taken;

        lf_distinct_init(&set, is_text, 30);
        while (count--)
            add_value(&set, draw_below(80));
        assert_true(lf_distinct_encode(&set, &bytes));
        damage(&bytes);
        exact = malloc(bytes.size + 1);
        memcpy(exact + 1, bytes.data, bytes.size);
        taken = lf_distinct_check(is_text, 30, exact + 1, bytes.size);
        lf_distinct_clear(&set);
        if (taken) {
            assert_true(lf_distinct_merge_bytes(&set, exact + 1, taken));
            assert_true(lf_distinct_encode(&set, &again));
            assert_int_equal(again.size, taken);
            assert_memory_equal(again.data, exact + 1, taken);
            accepted++;
        } else {
            refused++;
        }
        free(exact);
        lf_distinct_free(&set);
        lf_buffer_free(&bytes);
        lf_buffer_free(&again);
    }
    assert_true(accepted > 500 && refused > 500);
}

/* Each set has one form: others are refused, be they ever so readable. */
static void
bytes_of_another_form_are_refused(void **state)
{
    static const uint8_t twice[] = {2, 5, 0, 0, 0, 0, 0, 0, 0,
                                    5, 0, 0, 0, 0, 0, 0, 0};
    uint8_t dense[1 + 3072] = {2};
    uint8_t sparse[] = {1 << 2 | 1, 0x01, 0, 0};

    (void)state;
    assert_int_equal(lf_hll_measure(12, dense, sizeof dense), sizeof dense);
    assert_int_equal(lf_hll_check(12, dense, sizeof dense), 0);
    memset(dense + 1, 0x41, 768); /* 1,024 registers, a sparse one */
    assert_int_equal(lf_hll_check(12, dense, sizeof dense), 0);
    dense[769] = 0x41;
    assert_int_equal(lf_hll_check(12, dense, sizeof dense), sizeof dense);
    assert_int_equal(lf_hll_check(12, sparse, sizeof sparse), sizeof sparse);
    sparse[1] = 54; /* a rank over 65 - p */
    assert_int_equal(lf_hll_check(12, sparse, sizeof sparse), 0);
    assert_int_equal(lf_distinct_check(false, 9, twice, sizeof twice), 0);
    assert_int_equal(lf_distinct_check(true, 9, (const uint8_t *)"\2\1a\1a", 5),
                     0);
    assert_int_equal(lf_distinct_check(true, 9, (const uint8_t *)"\2\1a\1b", 5),
                     5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(any_tree_of_merges_gives_the_same_hyperloglog),
        DRAWN(folding_equals_the_smaller_precision),
        cmocka_unit_test(estimates_stay_near_the_truth),
        DRAWN(damaged_hyperloglogs_are_refused_or_come_back),
        cmocka_unit_test(bytes_of_another_form_are_refused),
        DRAWN(quantiles_stay_within_the_error),
        DRAWN(any_tree_of_merges_gives_the_same_ddsketch),
        DRAWN(what_is_not_in_a_ddsketch_does_not_leave_it),
        DRAWN(damaged_ddsketches_are_refused_or_come_back),
        DRAWN(any_order_gives_the_same_distinct_set),
        DRAWN(damaged_distinct_sets_are_refused_or_come_back),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
