/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of sketches and of distinct sets share: words in random order, and
 * bytes that are damaged. */
#ifndef LF_TESTS_STATES_H
#define LF_TESTS_STATES_H

#include "draw.h"

#include "base/buffer.h"

#define MOST 6000

static uint64_t words[MOST];

static inline void
shuffle(uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = draw_below(i);
        uint64_t word = words[j];

        words[j] = words[i - 1];
        words[i - 1] = word;
    }
}

static inline void
assert_equal_bytes(const struct lf_buffer *a, const struct lf_buffer *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

/* Bytes of a state, some of them changed: what is accepted comes back. */
static inline void
damage(struct lf_buffer *bytes)
{
    for (uint32_t times = 1 + draw_below(3); times && bytes->size; times--)
        bytes->data[draw_below(draw_one_in(2) ? bytes->size
                                              : 1 + bytes->size / 8)] ^=
            (uint8_t)(1u << draw_below(8));
    if (draw_one_in(4) && bytes->size)
        bytes->size -= 1 + draw_below(bytes->size);
}

#endif
