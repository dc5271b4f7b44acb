/* SPDX-License-Identifier: Apache-2.0 */
/* A file of tiles: what feature_store_tiles_arrow() gives, and back. */
#ifndef TOOL_TILES_FILE_H
#define TOOL_TILES_FILE_H

#include <stdio.h>

#include "arrow.h"
#include "libfeature.h"
#include "text.h"

#define TILES_KEYS_MAX 8

/* What is read from a file; zero it, set bytes, and begin. */
struct tiles_file {
    struct text bytes; /* all of it */
    const char *name;  /* for messages */
    size_t at;         /* the next row */
    uint64_t rows;     /* so far */
    uint32_t key_count;
    int32_t types[TILES_KEYS_MAX];
    char *names[TILES_KEYS_MAX];
    char problem[160];
};

/* Writes all of a stream, which is released; TOOL_DONE, or after explaining
 * TOOL_REFUSED. rows: how many. */
int tiles_write(struct ArrowArrayStream *stream, FILE *to, const char *name,
                uint64_t *rows);

/* Reads the head. False: problem says what is wrong. */
bool tiles_begin(struct tiles_file *file);

/* Makes a stream of the rows, which borrows from the file. */
void tiles_stream(struct tiles_file *file, struct ArrowArrayStream *stream);

void tiles_free(struct tiles_file *file);

#endif
