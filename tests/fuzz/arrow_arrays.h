/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow arrays without children, and the memory of all. */
#ifndef TESTS_FUZZ_ARROW_ARRAYS_H
#define TESTS_FUZZ_ARROW_ARRAYS_H

#include "arrow_make.h"

#define SLOTS_MAX (4 * ROWS_MAX * ELEMENTS_MAX)

/* What an array holds: some are cells of the table, the rest is garbage. */
struct slots {
    uint32_t count;
    bool has_nulls;
    bool valid[SLOTS_MAX];
    uint8_t value[SLOTS_MAX];
};

void add_slot(struct slots *slots, bool valid, uint8_t value);
void add_garbage(struct slots *slots, uint32_t count, struct dice *dice);

struct maker {
    struct made *made;
    struct dice *dice;
};

/* Zeroed, for structs; for a buffer, which ends where its memory does. Both end
 * with the next begin_memory(). */
void begin_memory(void);
void *take(size_t size);
uint8_t *take_buffer(size_t size);

void release_array(struct ArrowArray *array);

/* An array of slots [offset, count), whose slots are all in the buffers; but
 * validity they are for the caller to make. */
struct ArrowArray *new_array(struct maker *maker, const struct slots *slots,
                             uint32_t offset, int64_t buffers);

/* One of a format without children; values: of a dictionary, or NULL. */
struct ArrowArray *make_plain(struct maker *maker, const char *format,
                              const char *values, const struct slots *slots,
                              uint32_t offset);

void put_offset(uint8_t *to, bool is_large, uint32_t at, int64_t value);

#endif
