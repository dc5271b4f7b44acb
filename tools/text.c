/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that grow.
 *
 * Owns the quoting rules of JSON, of CSV and of messages.
 * Keeps what was added before a failed allocation, and remembers the failure.
 * Never writes anywhere but into its own memory.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

bool
text_reserve(struct text *text, size_t more)
{
    size_t capacity = text->capacity ? text->capacity : 256;
    size_t needed;
    char *data;

    if (text->failed || __builtin_add_overflow(text->size, more, &needed))
        return false;
    if (needed <= text->capacity)
        return true;
    while (capacity < needed)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
            return false;
    data = realloc(text->data, capacity);
    if (!data)
        return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void
text_add_bytes(struct text *text, const char *bytes, size_t size)
{
    if (!text_reserve(text, size)) {
        text->failed = true;
        return;
    }
    if (size)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
}

void
text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0 || !text_reserve(text, (size_t)size + 1)) {
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

static void
add_json_byte(struct text *text, char byte)
{
    static const char plain[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i + 1 < sizeof plain; i += 2) {
        if (byte == plain[i]) {
            text_add_bytes(text, "\\", 1);
            text_add_bytes(text, &plain[i + 1], 1);
            return;
        }
    }
    if ((unsigned char)byte < 0x20 || byte == 0x7f)
        text_add(text, "\\u%04x", (unsigned)byte);
    else
        text_add_bytes(text, &byte, 1);
}

void
text_add_json(struct text *text, const char *bytes, size_t size)
{
    text_add_bytes(text, "\"", 1);
    while (size) {
        size_t step = utf8_step(bytes, size);

        if (step > 1)
            text_add_bytes(text, bytes, step);
        else if (step)
            add_json_byte(text, *bytes);
        else
            text_add_bytes(text, "\xef\xbf\xbd", 3);
        bytes += step ? step : 1;
        size -= step ? step : 1;
    }
    text_add_bytes(text, "\"", 1);
}

static bool
needs_quotes(const char *bytes, size_t size)
{
    if (!size || bytes[0] == ' ' || bytes[size - 1] == ' ')
        return true;
    for (size_t i = 0; i < size; i++)
        if (strchr(",\"\r\n", bytes[i]))
            return true;
    return false;
}

void
text_add_csv(struct text *text, const char *bytes, size_t size)
{
    if (!needs_quotes(bytes, size)) {
        text_add_bytes(text, bytes, size);
        return;
    }
    text_add_bytes(text, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"')
            text_add_bytes(text, "\"", 1);
        text_add_bytes(text, &bytes[i], 1);
    }
    text_add_bytes(text, "\"", 1);
}

void
text_add_visible(struct text *text, const char *bytes, size_t size,
                 size_t limit)
{
    size_t start = text->size;

    while (size) {
        size_t step = utf8_step(bytes, size);

        if (text->size - start >= limit) {
            text_add_bytes(text, "...", 3);
            return;
        }
        if (step > 1 ||
            (step && (unsigned char)*bytes >= 0x20 && *bytes != 0x7f))
            text_add_bytes(text, bytes, step);
        else
            text_add(text, "\\x%02x", (unsigned)(unsigned char)*bytes);
        bytes += step ? step : 1;
        size -= step ? step : 1;
    }
}

void
text_add_count(struct text *text, uint64_t count)
{
    char digits[24];
    int size =
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);

    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            text_add_bytes(text, ",", 1);
        text_add_bytes(text, &digits[i], 1);
    }
}

const char *
text_end(struct text *text)
{
    if (!text_reserve(text, 1))
        return NULL;
    text->data[text->size] = '\0';
    return text->data;
}

void
text_clear(struct text *text)
{
    text->size = 0;
    text->failed = false;
}

void
text_free(struct text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}
