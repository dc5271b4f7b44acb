/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading vector files.
 *
 * Owns the text of all files, until the program ends.
 * Keeps the place of every line, for messages.
 * Never knows what a line means.
 */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list, so that what was claimed can be reached, and is no leak. */
struct claimed {
    struct claimed *next;
};
static struct claimed *all;

void *
vectors_claim(size_t size)
{
    struct claimed *made = calloc(1, sizeof *made + size);

    if (!made) {
        fputs("no memory\n", stderr);
        exit(2);
    }
    made->next = all;
    all = made;
    return made + 1;
}

/* Room for one more at the end of an array that grows by doubling. */
static void *
grow(const void *array, size_t count, size_t size)
{
    void *grown;

    if (count & (count - 1))
        return (void *)(size_t)array;
    grown = vectors_claim((count ? 2 * count : 1) * size);
    if (count)
        memcpy(grown, array, count * size);
    return grown;
}

static char *
copy(const char *text)
{
    return memcpy(vectors_claim(strlen(text) + 1), text, strlen(text) + 1);
}

static struct line
make_line(const char *file, int number, const char *text)
{
    struct line line = {.file = file, .number = number};
    const char *space = strchr(text, ' ');
    char *word = copy(text), *next;

    line.rest = space ? copy(space + 1) : "";
    for (; word; word = next) {
        next = strchr(word, ' ');
        if (next)
            *next++ = '\0';
        line.words = grow(line.words, line.count, sizeof *line.words);
        line.words[line.count++] = word;
    }
    return line;
}

static void
add_line(struct block *block, struct line line)
{
    struct line *lines = grow(block->lines, block->count, sizeof *lines);

    lines[block->count++] = line;
    block->lines = lines;
}

/* A block at its end: a case begins, or the last one has one more step. */
static int
add_block(struct vectors *vectors, const struct block *block)
{
    const struct line *first = block->lines;
    struct golden_case *last;
    struct block *blocks;

    if (!strcmp(first->words[0], "case") && first->count == 2) {
        vectors->cases =
            grow(vectors->cases, vectors->count, sizeof *vectors->cases);
        vectors->cases[vectors->count++] =
            (struct golden_case){.name = first->words[1]};
        if (block->count == 1)
            return 0;
    }
    if (!vectors->count || !strcmp(first->words[0], "case")) {
        fprintf(stderr, "%s:%d: not in a case\n", first->file, first->number);
        return -1;
    }
    last = &vectors->cases[vectors->count - 1];
    blocks = grow(last->blocks, last->count, sizeof *blocks);
    blocks[last->count++] = *block;
    last->blocks = blocks;
    return 0;
}

static int
load_lines(struct vectors *vectors, FILE *file, const char *path)
{
    struct block block = {0};
    char *text = NULL;
    size_t size = 0;
    int status = 0;

    for (int number = 1; !status && getline(&text, &size, file) >= 0;
         number++) {
        text[strcspn(text, "\n")] = '\0';
        if (*text == '#')
            continue;
        if (*text) {
            add_line(&block, make_line(path, number, text));
        } else if (block.count) {
            status = add_block(vectors, &block);
            block = (struct block){0};
        }
    }
    free(text);
    return status || !block.count ? status : add_block(vectors, &block);
}

int
vectors_load(struct vectors *vectors, const char *path)
{
    FILE *file = fopen(path, "r");
    int status;

    if (!file) {
        perror(path);
        return -1;
    }
    status = load_lines(vectors, file, path);
    fclose(file);
    return status;
}
