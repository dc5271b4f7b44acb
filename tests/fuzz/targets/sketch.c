/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of sketches, distinct sets and exact sums, and sketches from elsewhere:
 * the first byte chooses which.
 *
 * Property: what is accepted encodes to just these bytes, and twice as much of it
 * is itself again, or one that is accepted; a refusal has a reason.
 */
#include "target.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/ddsketch.h"
#include "format/distinct.h"
#include "format/exact.h"
#include "format/hll.h"

static void
expect_same(const struct lf_buffer *made, const uint8_t *bytes, size_t size)
{
    expect(made->size == size && !memcmp(made->data, bytes, size),
           "a state comes back");
}

static void
try_hll(uint32_t p, const uint8_t *bytes, size_t size)
{
    size_t taken = lf_hll_check(p, bytes, size);
    struct lf_buffer made = {0};
    struct lf_hll hll;

    lf_hll_init(&hll, p);
    expect(!taken || lf_hll_measure(p, bytes, size) == taken, "its size");
    if (taken) {
        for (int i = 0; i < 2; i++)
            expect(lf_hll_merge_bytes(&hll, p, bytes, taken), "it merges");
        expect(lf_hll_encode(&hll, &made), "it encodes");
        expect_same(&made, bytes, taken);
        lf_hll_holds(p, bytes, taken, size * UINT64_C(0x9e3779b97f4a7c15));
        lf_hll_estimate(&hll);
    }
    lf_hll_free(&hll);
    lf_buffer_free(&made);
}

static void
try_dd(const uint8_t *bytes, size_t size)
{
    struct lf_buffer made = {0};
    struct lf_dd dd;
    size_t taken;

    expect(lf_dd_init(&dd, 0.01), "a mapping");
    taken = lf_dd_check(&dd.mapping, bytes, size);
    if (taken) {
        expect(lf_dd_merge_bytes(&dd, bytes, taken), "it merges");
        expect(lf_dd_encode(&dd, &made), "it encodes");
        expect_same(&made, bytes, taken);
        if (dd.count)
            expect(lf_dd_quantile(&dd, 0) <= lf_dd_quantile(&dd, 1),
                   "quantiles ascend");
    }
    lf_dd_free(&dd);
    lf_buffer_free(&made);
}

static void
try_distinct(bool is_text, const uint8_t *bytes, size_t size)
{
    size_t taken = lf_distinct_check(is_text, 20, bytes, size);
    struct lf_buffer made = {0};
    struct lf_distinct set;

    lf_distinct_init(&set, is_text, 20);
    if (taken) {
        for (int i = 0; i < 2; i++)
            expect(lf_distinct_merge_bytes(&set, bytes, taken), "it merges");
        expect(lf_distinct_encode(&set, &made), "it encodes");
        expect_same(&made, bytes, taken);
    }
    lf_distinct_free(&set);
    lf_buffer_free(&made);
}

static void
try_sums(const uint8_t *bytes, size_t size)
{
    uint8_t back[LF_REAL_SQUARES_SIZE_MAX];
    struct lf_real_squares squares = {0};
    struct lf_real_sum sum = {0};
    size_t taken = lf_real_sum_decode(&sum, bytes, size);
    double value;

    if (taken)
        expect(lf_real_sum_encode(&sum, back) == taken &&
                   !memcmp(back, bytes, taken),
               "a sum comes back");
    lf_real_sum_double(&sum, &value);
    taken = lf_real_squares_decode(&squares, bytes, size);
    if (taken)
        expect(lf_real_squares_encode(&squares, back) == taken &&
                   !memcmp(back, bytes, taken),
               "squares come back");
    expect(lf_real_deviation(&sum, &squares, 1 + size, false) >= 0,
           "a deviation");
}

/* A sketch of any format; our own under a right checksum. */
static void
try_sketch(int32_t format, uint8_t *bytes, size_t size)
{
    struct feature_error error;
    feature_sketch *sketch = NULL;
    struct feature_sketch_data data;
    feature_status status;

    if (format == FEATURE_SKETCH_NATIVE && size > 12)
        lf_store_u32(bytes + 8,
                     lf_crc32c(lf_crc32c(0, bytes, 8), bytes + 12, size - 12));
    status = feature_sketch_from_bytes(format, bytes, size, &sketch, &error);
    if (status) {
        expect_named(status, &error);
        return;
    }
    expect(!feature_sketch_merge(sketch, sketch, &error) ||
               error.status == FEATURE_FULL,
           "a sketch merges with itself");
    expect(!feature_sketch_bytes(sketch, FEATURE_SKETCH_NATIVE, &data, &error),
           "a sketch has bytes");
    feature_sketch_free(sketch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    uint8_t which = take_u8(&input);
    size_t left = left_of(&input);
    uint8_t *copy = take_copy(&input, &left);

    switch (which % 8) {
    case 0:
        try_hll(4 + which / 8 % 15, copy, left);
        break;
    case 1:
        try_dd(copy, left);
        break;
    case 2:
    case 3:
        try_distinct(which % 8 == 3, copy, left);
        break;
    case 4:
        try_sums(copy, left);
        break;
    default:
        try_sketch(which % 8 - 4, copy, left);
    }
    free(copy);
    return 0;
}
