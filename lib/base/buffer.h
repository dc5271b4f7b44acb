/* SPDX-License-Identifier: Apache-2.0 */
/* Growing memory: a byte buffer, a text, and an arena. */
#ifndef LF_BASE_BUFFER_H
#define LF_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow and keep their capacity when cleared. Zero is empty. */
struct lf_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* Makes room for size bytes in all; contents stay. False: no memory. */
bool lf_buffer_reserve(struct lf_buffer *buffer, size_t size);

/* Grows by size bytes (not zeroed) and returns where they begin, or NULL. */
uint8_t *lf_buffer_extend(struct lf_buffer *buffer, size_t size);

bool lf_buffer_append(struct lf_buffer *buffer, const void *bytes, size_t size);

void lf_buffer_free(struct lf_buffer *buffer);

/* A text under construction. A failed allocation is remembered, so that only
 * the end needs a check. Zero is empty. */
struct lf_text {
    struct lf_buffer bytes;
    bool failed;
};

void lf_text_add(struct lf_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void lf_text_add_bytes(struct lf_text *text, const void *bytes, size_t size);

/* The finished, NUL-ended text, owned by the caller (lf_free), or NULL when an
 * allocation failed. The text is empty afterwards. */
char *lf_text_take(struct lf_text *text);

void lf_text_free(struct lf_text *text);

/* Small objects with one end of life. Zero is empty. */
struct lf_arena {
    struct lf_arena_block *blocks;
};

/* Zeroed memory, aligned for anything, or NULL. */
void *lf_arena_alloc(struct lf_arena *arena, size_t size);
void *lf_arena_array(struct lf_arena *arena, size_t count, size_t size);

/* A copy of size bytes with a closing NUL, or NULL. */
char *lf_arena_copy(struct lf_arena *arena, const void *bytes, size_t size);

void lf_arena_free(struct lf_arena *arena);

#endif
