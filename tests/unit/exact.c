/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums: any order and any tree give equal bytes, and what is read of them
 * is the exact number rounded once, judged by plain numbers of 5,120 bits. */
#include "draw.h"

#include <math.h>

#include "format/exact.h"
#include "numbers.h"
#include "oracle_big.h"

#define ROUNDS 300
#define MOST   40

/* What a set of reals holds, plainly. */
struct truth {
    struct signed_big sum; /* in 2^-1075 */
    struct big squares;    /* in 2^-2150 */
    uint64_t count;
};

static void
truth_add(struct truth *truth, double x)
{
    struct big size = big_real(x), square = big_multiply(&size, &size);

    signed_add(&truth->sum, &size, x < 0);
    truth->squares = big_add(truth->squares, &square);
    truth->count++;
}

static struct big
spread_of(const struct truth *truth)
{
    struct big count = big_of(truth->count, 0);
    struct big left = big_multiply(&truth->squares, &count);
    struct big right = big_multiply(&truth->sum.size, &truth->sum.size);

    return big_subtract(left, &right);
}

static void
check_spread(const struct truth *truth, bool of_sample, double variance,
             double deviation)
{
    struct big top = spread_of(truth), n = big_of(truth->count, 0);
    struct big m = big_of(truth->count - of_sample, 0), bottom, unit;

    bottom = big_multiply(&n, &m);
    assert_true(is_nearest(deviation, &top, &bottom, true));
    unit = big_of(1, 1075);
    bottom = big_multiply(&bottom, &unit);
    assert_true(is_nearest(variance, &top, &bottom, false));
}

static void
check_reals(const struct truth *truth, const struct lf_real_sum *sum,
            const struct lf_real_squares *squares)
{
    struct big one = big_of(1, 0), n = big_of(truth->count, 0);
    struct big unit = big_of(1, 1075);
    double value, mean = lf_real_mean(sum, truth->count);
    bool fits = lf_real_sum_double(sum, &value);

    assert_int_equal(fits, isfinite(value));
    assert_true(value == 0 || (value < 0) == truth->sum.is_negative);
    assert_true(is_nearest(fabs(value), &truth->sum.size, &one, false));
    assert_true(is_nearest(fabs(mean), &truth->sum.size, &n, false));
    assert_true(mean == 0 || (mean < 0) == truth->sum.is_negative);
    fits = lf_real_squares_double(squares, &value);
    assert_int_equal(fits, isfinite(value));
    assert_true(is_nearest(value, &truth->squares, &unit, false));
    for (int of_sample = 0; of_sample < 2 && truth->count > 1; of_sample++)
        check_spread(truth, of_sample,
                     lf_real_variance(sum, squares, truth->count, of_sample),
                     lf_real_deviation(sum, squares, truth->count, of_sample));
}

static void
sums_of_reals_are_rounded_once(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t kind = draw_below(7), count = 1 + draw_below(MOST);
        struct truth truth = {0};
        struct lf_real_sum sum = {0};
        struct lf_real_squares squares = {0};

        while (count--) {
            double x = draw_real(kind);

            truth_add(&truth, x);
            lf_real_sum_add(&sum, x);
            lf_real_squares_add(&squares, x);
        }
        check_reals(&truth, &sum, &squares);
    }
}

static void
integer_add(struct truth *truth, int64_t x)
{
    uint64_t size = x < 0 ? -(uint64_t)x : (uint64_t)x;
    struct big part = big_of(size, 1075), square = big_multiply(&part, &part);

    signed_add(&truth->sum, &part, x < 0);
    truth->squares = big_add(truth->squares, &square);
    truth->count++;
}

static void
check_integers(const struct truth *truth, const struct lf_sum *sum,
               const struct lf_squares *squares)
{
    struct big one = big_of(1, 0), n = big_of(truth->count, 0);
    struct big unit = big_of(1, 1075);
    double value = lf_sum_double(sum);
    int64_t exact;

    assert_true(value == 0 || (value < 0) == truth->sum.is_negative);
    assert_true(is_nearest(fabs(value), &truth->sum.size, &one, false));
    if (lf_sum_int64(sum, &exact)) {
        struct big back =
            big_of(exact < 0 ? -(uint64_t)exact : (uint64_t)exact, 1075);

        assert_int_equal(big_compare(&back, &truth->sum.size), 0);
    } else {
        assert_int_equal(exact, truth->sum.is_negative ? INT64_MIN : INT64_MAX);
    }
    assert_true(is_nearest(fabs(lf_sum_mean(sum, truth->count)),
                           &truth->sum.size, &n, false));
    assert_true(
        is_nearest(lf_squares_double(squares), &truth->squares, &unit, false));
    for (int of_sample = 0; of_sample < 2 && truth->count > 1; of_sample++)
        check_spread(truth, of_sample,
                     lf_sum_variance(sum, squares, truth->count, of_sample),
                     lf_sum_deviation(sum, squares, truth->count, of_sample));
}

static void
sums_of_integers_are_rounded_once(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t kind = draw_below(4), count = 1 + draw_below(MOST);
        struct truth truth = {0};
        struct lf_sum sum = {0};
        struct lf_squares squares = {0};

        while (count--) {
            int64_t x = draw_integer(kind);

            integer_add(&truth, x);
            lf_sum_add(&sum, x);
            lf_squares_add(&squares, x);
        }
        check_integers(&truth, &sum, &squares);
    }
}

/* Many of one integer: counts and sums beyond 64 bits. */
static void
a_spread_of_many_is_right(void **state)
{
    struct lf_sum sum = {{0, UINT64_C(1) << 61}};            /* 2^125 */
    struct lf_squares squares = {{0, 0, UINT64_C(1) << 59}}; /* 2^187 */
    uint64_t count = UINT64_C(1) << 62;
    struct big top = big_of(1, 249), right = big_of(1, 250), bottom;

    (void)state;
    assert_true(lf_sum_deviation(&sum, &squares, count, true) == 0);
    squares.word[2] <<= 2; /* 2^62 2^189 - 2^250 = 2^250 */
    top = big_add(top, &top);
    assert_int_equal(big_compare(&top, &right), 0);
    top = big_of(1, 250 + 2150 - 2150);
    bottom = big_of(count, 0);
    right = big_of(count - 1, 0);
    bottom = big_multiply(&bottom, &right);
    right = big_of(1, 1075);
    right = big_multiply(&right, &right);
    top = big_multiply(&top, &right);
    assert_true(is_nearest(lf_sum_deviation(&sum, &squares, count, true), &top,
                           &bottom, true));
}

struct both {
    struct lf_sum sum;
    struct lf_squares squares;
    struct lf_real_sum reals;
    struct lf_real_squares real_squares;
};

struct bytes {
    uint8_t of[LF_SUM_SIZE_MAX + LF_SQUARES_SIZE_MAX + LF_REAL_SIZE_MAX +
               LF_REAL_SQUARES_SIZE_MAX];
    size_t size;
};

static void
add_both(struct both *both, double x, int64_t n, bool out)
{
    if (out) {
        lf_sum_subtract(&both->sum, n);
        lf_squares_subtract(&both->squares, n);
        lf_real_sum_subtract(&both->reals, x);
        lf_real_squares_subtract(&both->real_squares, x);
        return;
    }
    lf_sum_add(&both->sum, n);
    lf_squares_add(&both->squares, n);
    lf_real_sum_add(&both->reals, x);
    lf_real_squares_add(&both->real_squares, x);
}

static struct bytes
encode_both(const struct both *both)
{
    struct bytes bytes = {{0}, 0};

    bytes.size += lf_sum_encode(&both->sum, bytes.of);
    bytes.size += lf_squares_encode(&both->squares, bytes.of + bytes.size);
    bytes.size += lf_real_sum_encode(&both->reals, bytes.of + bytes.size);
    bytes.size +=
        lf_real_squares_encode(&both->real_squares, bytes.of + bytes.size);
    assert_true(bytes.size <= sizeof bytes.of);
    return bytes;
}

static void
merge_both(struct both *to, const struct both *from, bool out)
{
    if (out) {
        lf_sum_unmerge(&to->sum, &from->sum);
        lf_squares_unmerge(&to->squares, &from->squares);
        lf_real_sum_unmerge(&to->reals, &from->reals);
        lf_real_squares_unmerge(&to->real_squares, &from->real_squares);
        return;
    }
    lf_sum_merge(&to->sum, &from->sum);
    lf_squares_merge(&to->squares, &from->squares);
    lf_real_sum_merge(&to->reals, &from->reals);
    lf_real_squares_merge(&to->real_squares, &from->real_squares);
}

static void
merge_bytes(struct both *to, const struct bytes *bytes)
{
    size_t at = 0;

    at += lf_sum_merge_bytes(&to->sum, bytes->of, bytes->size);
    at +=
        lf_squares_merge_bytes(&to->squares, bytes->of + at, bytes->size - at);
    at += lf_real_sum_merge_bytes(&to->reals, bytes->of + at, bytes->size - at);
    at += lf_real_squares_merge_bytes(&to->real_squares, bytes->of + at,
                                      bytes->size - at);
    assert_int_equal(at, bytes->size);
}

static void
assert_same(const struct both *a, const struct both *b)
{
    struct bytes left = encode_both(a), right = encode_both(b);

    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.of, right.of, left.size);
}

/* Adds values first to end - 1 by some tree: halves meet in memory or as
 * bytes, and now and then something comes that leaves again. */
static struct both
fold(const double *x, const int64_t *n, uint32_t first, uint32_t end)
{
    struct both both = {0};

    if (end - first < 2) {
        if (end > first)
            add_both(&both, x[first], n[first], false);
    } else {
        uint32_t middle = first + draw_below(end - first + 1);
        struct both left, right;

        if (middle == first || middle == end)
            middle = first + 1;
        left = fold(x, n, first, middle);
        right = fold(x, n, middle, end);
        if (draw_one_in(2)) {
            struct bytes bytes = encode_both(&left);

            merge_bytes(&both, &bytes);
        } else {
            both = left;
        }
        merge_both(&both, &right, false);
        if (draw_one_in(3)) {
            merge_both(&both, &left, true);
            merge_both(&both, &left, false);
        }
    }
    if (draw_one_in(4)) {
        double y = draw_finite();

        add_both(&both, y, -7, false);
        add_both(&both, y, -7, true);
    }
    return both;
}

static void
any_order_and_any_tree_give_equal_bytes(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t kind = draw_below(7), count = draw_below(MOST);
        struct both plain = {0}, tree;
        double x[MOST];
        int64_t n[MOST];

        for (uint32_t i = 0; i < count; i++) {
            x[i] = draw_real(kind);
            n[i] = draw_integer(kind);
            add_both(&plain, x[i], n[i], false);
        }
        for (uint32_t i = count; i > 1; i--) {
            uint32_t j = draw_below(i);
            double y = x[j];
            int64_t m = n[j];

            x[j] = x[i - 1];
            n[j] = n[i - 1];
            x[i - 1] = y;
            n[i - 1] = m;
        }
        tree = fold(x, n, 0, count);
        assert_same(&plain, &tree);
    }
}

static void
what_comes_and_goes_leaves_the_empty_sum(void **state)
{
    struct both both = {0}, empty = {0};
    struct bytes bytes;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        double x = draw_finite();
        int64_t n = (int64_t)draw();

        add_both(&both, x, n, i & 1);
        add_both(&both, x, n, !(i & 1));
    }
    assert_same(&both, &empty);
    bytes = encode_both(&both);
    assert_int_equal(bytes.size, 4);
    assert_int_equal(lf_sum_compare(&both.sum, &empty.sum), 0);
    assert_int_equal(lf_squares_compare(&both.squares, &empty.squares), 0);
}

/* Carries wait for 2^30 additions: here they are made to have waited. */
static void
carries_are_taken_up_in_time(void **state)
{
    struct lf_real_sum sum = {0}, other, expected = {0};
    uint8_t a[LF_REAL_SIZE_MAX], b[LF_REAL_SIZE_MAX];

    (void)state;
    for (int i = 0; i < 64; i++) {
        lf_real_sum_add(&sum, i & 1 ? -0x1.fffffffffffffp20 : 0x1p-900);
        lf_real_sum_add(&expected, i & 1 ? -0x1.fffffffffffffp20 : 0x1p-900);
    }
    for (int doublings = 0; doublings < 40; doublings++) {
        other = sum;
        lf_real_sum_merge(&sum, &other);
        if (draw_one_in(2))
            other.limbs.pending = UINT32_C(1) << 30;
        lf_real_sum_decode(&other, a, lf_real_sum_encode(&expected, a));
        lf_real_sum_merge(&expected, &other);
        for (uint32_t i = 0; i < sum.limbs.end; i++)
            assert_true(llabs((long long)sum.limb[i]) < INT64_MAX / 2);
        assert_int_equal(lf_real_sum_encode(&sum, a),
                         lf_real_sum_encode(&expected, b));
        assert_memory_equal(a, b, lf_real_sum_encode(&sum, a));
    }
}

static void
bytes_of_no_sum_are_refused(void **state)
{
    struct both was = {0}, both;
    uint32_t accepted = 0;

    (void)state;
    add_both(&was, 1.5, 3, false);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[24];
        size_t size = draw_below(sizeof bytes), taken[4];

        draw_bytes(bytes, size);
        if (size && draw_one_in(2))
            bytes[0] &= 0x1f;
        both = was;
        taken[0] = lf_sum_decode(&both.sum, bytes, size);
        taken[1] = lf_squares_decode(&both.squares, bytes, size);
        taken[2] = lf_real_sum_decode(&both.reals, bytes, size);
        taken[3] = lf_real_squares_decode(&both.real_squares, bytes, size);
        for (int j = 0; j < 4; j++) {
            uint8_t back[LF_REAL_SQUARES_SIZE_MAX];
            size_t made =
                j == 0   ? lf_sum_encode(&both.sum, back)
                : j == 1 ? lf_squares_encode(&both.squares, back)
                : j == 2 ? lf_real_sum_encode(&both.reals, back)
                         : lf_real_squares_encode(&both.real_squares, back);

            if (taken[j]) {
                assert_int_equal(made, taken[j]);
                assert_memory_equal(back, bytes, made);
                accepted++;
            }
        }
        if (!taken[0] && !taken[1] && !taken[2] && !taken[3])
            assert_same(&both, &was);
    }
    assert_true(accepted > 10000);
}

static void
a_sum_lies_as_the_header_says(void **state)
{
    struct both both = {0};
    uint8_t bytes[LF_REAL_SIZE_MAX];

    (void)state;
    lf_sum_add(&both.sum, -65);
    assert_int_equal(lf_sum_encode(&both.sum, bytes), 2);
    assert_memory_equal(bytes, "\x81\x01", 2);
    lf_squares_add(&both.squares, INT64_MIN);
    assert_int_equal(lf_squares_encode(&both.squares, bytes), 19);
    lf_real_sum_add(&both.reals, -64.0); /* 2^8 of the byte at 2^-2 */
    assert_int_equal(lf_real_sum_encode(&both.reals, bytes), 3);
    assert_memory_equal(bytes, "\x03\x02\x01", 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(sums_of_reals_are_rounded_once),
        DRAWN(sums_of_integers_are_rounded_once),
        cmocka_unit_test(a_spread_of_many_is_right),
        DRAWN(any_order_and_any_tree_give_equal_bytes),
        DRAWN(what_comes_and_goes_leaves_the_empty_sum),
        DRAWN(carries_are_taken_up_in_time),
        DRAWN(bytes_of_no_sum_are_refused),
        cmocka_unit_test(a_sum_lies_as_the_header_says),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
