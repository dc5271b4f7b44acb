/* SPDX-License-Identifier: Apache-2.0 */
/* The order of labels, against the sort of the C library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/key.h"
#include "store/asof_order.h"
#include "support.h"

#define MOST 6000

static uint8_t keys[MOST][64];
static struct lf_job jobs[MOST];
static struct lf_label labels[MOST], expected[MOST];
static uint64_t state = 88172645463325252u;

static uint64_t
random_number(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int
by_key_and_time(const void *left, const void *right)
{
    const struct lf_label *a = left, *b = right;
    const struct lf_job *of_a = &jobs[a->job], *of_b = &jobs[b->job];
    uint32_t size =
        of_a->key_size < of_b->key_size ? of_a->key_size : of_b->key_size;
    int order = memcmp(of_a->key, of_b->key, size);

    if (order)
        return order;
    if (of_a->key_size != of_b->key_size)
        return of_a->key_size < of_b->key_size ? -1 : 1;
    if (a->time != b->time)
        return a->time > b->time ? -1 : 1;
    return a->row < b->row ? -1 : 1;
}

static void
expect_sorted(uint32_t count)
{
    struct lf_buffer room = {0};

    memcpy(expected, labels, sizeof labels);
    qsort(expected, count, sizeof *expected, by_key_and_time);
    assert_true(lf_labels_order(labels, count, jobs, &room));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(labels[i].row, expected[i].row);
        assert_int_equal(labels[i].time, expected[i].time);
    }
    lf_buffer_free(&room);
}

static void
set_label(uint32_t row, size_t key_size, int64_t time)
{
    jobs[row].key = keys[row];
    jobs[row].key_size = (uint32_t)key_size;
    labels[row] = (struct lf_label){.time = time, .row = row, .job = row};
}

/* Times with ties, some of them at the ends. */
static int64_t
any_time(uint64_t range)
{
    uint64_t drawn = random_number();

    if (drawn % 50 == 0)
        return drawn & 64 ? INT64_MAX : -INT64_MAX;
    return (int64_t)(random_number() % range) - (int64_t)(range / 2);
}

static void
numbers_come_by_value_newest_first(void **unused)
{
    (void)unused;
    for (uint64_t range = 1; range < UINT64_C(1) << 60; range *= 97) {
        for (uint32_t i = 0; i < MOST; i++) {
            lf_key_put_int64(keys[i], (int64_t)(random_number() % range) -
                                          (int64_t)(range / 2));
            set_label(i, LF_KEY_INT64_SIZE, any_time(5000));
        }
        expect_sorted(MOST);
    }
}

static void
texts_with_long_common_beginnings_are_told_apart(void **unused)
{
    (void)unused;
    for (int round = 0; round < 12; round++)
        for (uint32_t few = 3; few <= 300; few *= 10) {
            for (uint32_t i = 0; i < MOST; i++) {
                char text[40];
                size_t size = (size_t)snprintf(
                    text, sizeof text, "%.*s%llu", round * 2,
                    "customer-of-the-north-east",
                    (unsigned long long)(random_number() % few));
                uint8_t *end = lf_key_put_bytes(keys[i], (uint8_t *)text, size);

                set_label(i, (size_t)(end - keys[i]), any_time(1000));
            }
            expect_sorted(MOST);
        }
}

static void
few_labels_are_sorted_too(void **unused)
{
    (void)unused;
    for (uint32_t count = 0; count < 120; count++) {
        for (uint32_t i = 0; i < count; i++) {
            lf_key_put_int64(keys[i], (int64_t)(random_number() % 3));
            set_label(i, LF_KEY_INT64_SIZE, any_time(9));
        }
        expect_sorted(count);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_by_value_newest_first),
        cmocka_unit_test(texts_with_long_common_beginnings_are_told_apart),
        cmocka_unit_test(few_labels_are_sorted_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
