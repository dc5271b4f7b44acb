/* SPDX-License-Identifier: Apache-2.0 */
/* A text under construction, and the ways values are quoted in one. */
#ifndef TOOL_TEXT_H
#define TOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A failed allocation is remembered, so that only the end needs a check. Zero
 * is empty. */
struct text {
    char *data;
    size_t size;
    size_t capacity;
    bool failed;
};

/* Makes room for more bytes past the size. False: no memory. */
bool text_reserve(struct text *text, size_t more);

void text_add(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const char *bytes, size_t size);

/* A JSON string in its quotes. Bytes that are not UTF-8 become U+FFFD. */
void text_add_json(struct text *text, const char *bytes, size_t size);

/* A CSV cell, in quotes where it needs them or is empty text. */
void text_add_csv(struct text *text, const char *bytes, size_t size);

/* Bytes for a message or a screen: control characters and bytes that are not
 * UTF-8 become \xNN; past limit bytes a text is cut and ends in "...". */
void text_add_visible(struct text *text, const char *bytes, size_t size,
                      size_t limit);

/* "1,234,567" */
void text_add_count(struct text *text, uint64_t count);

/* The text with its NUL, {borrowed}; NULL where an allocation failed. */
const char *text_end(struct text *text);

void text_clear(struct text *text);
void text_free(struct text *text);

#endif
