/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing memory.
 *
 * Owns the growth policy: capacities double, arena blocks are 4 KiB or larger.
 * Keeps contents in place of failure: a failed growth leaves what was there.
 * Never shrinks, so that memory reaches a steady state.
 */
#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

bool
lf_buffer_reserve(struct lf_buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    uint8_t *data;

    if (size <= buffer->capacity)
        return true;
    while (capacity < size)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
            return false;
    data = lf_realloc_array(buffer->data, capacity, 1);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

uint8_t *
lf_buffer_extend(struct lf_buffer *buffer, size_t size)
{
    size_t end;

    if (__builtin_add_overflow(buffer->size, size, &end) ||
        !lf_buffer_reserve(buffer, end ? end : 1))
        return NULL;
    buffer->size = end;
    return buffer->data + end - size;
}

bool
lf_buffer_append(struct lf_buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *to = lf_buffer_extend(buffer, size);

    if (to && size)
        memcpy(to, bytes, size);
    return to != NULL;
}

void
lf_buffer_free(struct lf_buffer *buffer)
{
    lf_free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

void
lf_text_add_bytes(struct lf_text *text, const void *bytes, size_t size)
{
    if (!text->failed && !lf_buffer_append(&text->bytes, bytes, size))
        text->failed = true;
}

void
lf_text_add(struct lf_text *text, const char *format, ...)
{
    char small[256];
    va_list arguments;
    uint8_t *room;
    int size;

    va_start(arguments, format);
    size = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (size < 0)
        text->failed = true;
    if (text->failed)
        return;
    if ((size_t)size < sizeof small) {
        lf_text_add_bytes(text, small, (size_t)size);
        return;
    }
    room = lf_buffer_extend(&text->bytes, (size_t)size + 1);
    if (!room) {
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf((char *)room, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->bytes.size--;
}

char *
lf_text_take(struct lf_text *text)
{
    char *taken = NULL;

    lf_text_add_bytes(text, "", 1);
    if (text->failed)
        lf_text_free(text);
    else
        taken = (char *)text->bytes.data;
    memset(text, 0, sizeof *text);
    return taken;
}

void
lf_text_free(struct lf_text *text)
{
    lf_buffer_free(&text->bytes);
    text->failed = false;
}

struct lf_arena_block {
    struct lf_arena_block *next;
    size_t used;
    size_t size;
    size_t reserved; /* the data after it stays aligned to 16 bytes */
};

void *
lf_arena_alloc(struct lf_arena *arena, size_t size)
{
    struct lf_arena_block *block = arena->blocks;
    uint8_t *memory;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (!block || block->size - block->used < size) {
        size_t room = size > 4064 ? size : 4064;

        block = lf_alloc(sizeof *block + room);
        if (!block)
            return NULL;
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    memory = (uint8_t *)(block + 1) + block->used;
    block->used += size;
    return memory;
}

void *
lf_arena_array(struct lf_arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return lf_arena_alloc(arena, bytes);
}

char *
lf_arena_copy(struct lf_arena *arena, const void *bytes, size_t size)
{
    char *copy = lf_arena_alloc(arena, size + 1);

    if (copy && size)
        memcpy(copy, bytes, size);
    return copy;
}

void
lf_arena_free(struct lf_arena *arena)
{
    while (arena->blocks) {
        struct lf_arena_block *next = arena->blocks->next;

        lf_free(arena->blocks);
        arena->blocks = next;
    }
}
