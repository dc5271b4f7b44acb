/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed all at once, and texts that grow. */
#ifndef MODEL_ARENA_H
#define MODEL_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

/* Zero is empty. A program without memory ends: it is a test. */
struct arena {
    struct arena_chunk *chunks;
};

/* Zeroed, aligned for anything; size 0 is fine. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forgets everything; reset keeps one chunk for the next use. */
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

/* A text that grows; always ends in NUL once something was added. */
struct text {
    char *data;
    size_t size;
    size_t capacity;
};

void text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_clear(struct text *text);
void text_free(struct text *text);

#endif
