/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct sets: functions of a set and its cap alone, whatever the order and the
 * merges, and bytes that are none are refused. */
#include "states.h"

#include "format/distinct.h"

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

static void
bytes_of_another_form_are_refused(void **state)
{
    static const uint8_t twice[] = {2, 5, 0, 0, 0, 0, 0, 0, 0,
                                    5, 0, 0, 0, 0, 0, 0, 0};

    (void)state;
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
        DRAWN(any_order_gives_the_same_distinct_set),
        DRAWN(damaged_distinct_sets_are_refused_or_come_back),
        cmocka_unit_test(bytes_of_another_form_are_refused),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
