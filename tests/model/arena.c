/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once, and texts that grow.
 *
 * Owns every allocation of the model test.
 * Keeps what it hands out zeroed and in place until the arena is reset.
 * Never returns NULL: without memory there is no test.
 */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 65536
#define ALIGNMENT  16

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    size_t size;
    size_t reserved;
    unsigned char bytes[];
};

static void
no_memory(void)
{
    fputs("no memory\n", stderr);
    exit(2);
}

static struct arena_chunk *
add_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *made = calloc(1, sizeof *made + size);

    if (!made)
        no_memory();
    made->size = size;
    made->next = arena->chunks;
    arena->chunks = made;
    return made;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->chunks;
    void *made;

    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!chunk || chunk->size - chunk->used < size)
        chunk = add_chunk(arena, size > CHUNK_SIZE ? size : CHUNK_SIZE);
    made = chunk->bytes + chunk->used;
    chunk->used += size;
    return made;
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
    return arena_alloc(arena, count * size);
}

void *
arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *made = arena_alloc(arena, size);

    if (size)
        memcpy(made, bytes, size);
    return made;
}

char *
arena_print(struct arena *arena, const char *format, ...)
{
    char line[256];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof line)
        no_memory();
    return arena_copy(arena, line, (size_t)size + 1);
}

void
arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = arena->chunks;

    if (!kept)
        return;
    arena->chunks = kept->next;
    arena_free(arena);
    memset(kept->bytes, 0, kept->used);
    kept->used = 0;
    kept->next = NULL;
    arena->chunks = kept;
}

void
arena_free(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
}

static void
make_room(struct text *text, size_t more)
{
    size_t needed = text->size + more + 1;

    if (needed <= text->capacity)
        return;
    text->capacity = needed * 2;
    text->data = realloc(text->data, text->capacity);
    if (!text->data)
        no_memory();
}

void
text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0)
        no_memory();
    make_room(text, (size_t)size);
    va_start(arguments, format);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

void
text_add_bytes(struct text *text, const void *bytes, size_t size)
{
    make_room(text, size);
    if (size)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void
text_clear(struct text *text)
{
    text->size = 0;
    if (text->data)
        *text->data = '\0';
}

void
text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
