/* SPDX-License-Identifier: Apache-2.0 */
/* The order of keys, and of rows by them, against the bytes one by one. */
#include "store/key_order.h"

#include "base/buffer.h"

#include "draw.h"

#define MOST 40  /* bytes of a key */
#define ROWS 500 /* of a batch */

static int
sign(int order)
{
    return (order > 0) - (order < 0);
}

static int
expected_order(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    for (size_t i = 0; i < a_size && i < b_size; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return (a_size > b_size) - (a_size < b_size);
}

/* Keys of all sizes that differ in one byte at most, wherever it is, and high and
 * low values of it. */
static void
keys_are_ordered_by_their_bytes_and_then_their_sizes(void **unused)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

    (void)unused;
    for (size_t a_size = 0; a_size <= MOST; a_size++)
        for (size_t b_size = 0; b_size <= MOST; b_size++)
            for (size_t at = 0; at < MOST; at++) {
                uint8_t a[MOST], b[MOST];

                memset(a, 0x80, MOST);
                memset(b, 0x80, MOST);
                a[at] = values[draw_below(5)];
                b[at] = values[draw_below(5)];
                assert_int_equal(sign(lf_key_compare(a, a_size, b, b_size)),
                                 expected_order(a, a_size, b, b_size));
            }
}

static void
rows_are_sorted_by_key_and_stay_in_order_where_it_is_one(void **unused)
{
    struct lf_buffer bytes = {0}, ends = {0};
    uint8_t rows[4 * ROWS], key[MOST];
    struct lf_row_keys keys;
    uint64_t end = 0;

    (void)unused;
    assert_true(lf_buffer_append(&ends, &end, sizeof end));
    for (uint32_t i = 0; i < ROWS; i++) {
        size_t size = 7 + draw_below(4);

        memset(key, 1, sizeof key);
        key[size - 1] = (uint8_t)draw_below(3);
        lf_store_u32(rows + (size_t)4 * i, i);
        end += size;
        assert_true(lf_buffer_append(&bytes, key, size));
        assert_true(lf_buffer_append(&ends, &end, sizeof end));
    }
    keys = (struct lf_row_keys){bytes.data, ends.data};
    assert_true(lf_row_keys_sort(&keys, rows, ROWS));
    for (uint32_t i = 1; i < ROWS; i++) {
        uint32_t left = lf_load_u32(rows + (size_t)4 * (i - 1));
        uint32_t right = lf_load_u32(rows + (size_t)4 * i);
        size_t a_size, b_size;
        const uint8_t *a = lf_row_key(&keys, left, &a_size);
        const uint8_t *b = lf_row_key(&keys, right, &b_size);
        int order = expected_order(a, a_size, b, b_size);

        assert_true(order < 0 || (!order && left < right));
    }
    lf_buffer_free(&bytes);
    lf_buffer_free(&ends);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(keys_are_ordered_by_their_bytes_and_then_their_sizes),
        DRAWN(rows_are_sorted_by_key_and_stay_in_order_where_it_is_one),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
