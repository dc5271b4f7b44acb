/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error structs.
 *
 * Owns the text of messages and the quoting of foreign bytes in them.
 * Keeps a message on one line, ended by NUL, whatever went in.
 * Never allocates, and never touches an error on success.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void
fill(struct feature_error *error, feature_status status, const char *reason)
{
    memset(error, 0, sizeof *error);
    error->status = status;
    error->row = -1;
    snprintf(error->reason, sizeof error->reason, "%s", reason);
}

/* A cut may not split a UTF-8 sequence: the beginning of one at the end goes.
 */
static void
trim(char *message, size_t size)
{
    size_t used = strlen(message), head = used;

    if (used + 1 < size)
        return;
    while (head && used - head < 3 && (message[head - 1] & 0xc0) == 0x80)
        head--;
    if (head && !lf_utf8_step(message + head - 1, used - head + 1))
        message[head - 1] = '\0';
}

feature_status
lf_fail(struct feature_error *error, feature_status status, const char *reason,
        const char *format, ...)
{
    va_list arguments;

    if (!error)
        return status;
    fill(error, status, reason);
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    trim(error->message, sizeof error->message);
    return status;
}

feature_status
lf_fail_os(struct feature_error *error, feature_status status,
           const char *reason, int os_error, const char *format, ...)
{
    char text[64] = "";
    va_list arguments;
    size_t used;

    if (!error)
        return status;
    fill(error, status, reason);
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    used = strlen(error->message);
#if defined(__GLIBC__)
    snprintf(text, sizeof text, "%s", strerrordesc_np(os_error) ?: "error");
#else
    strerror_r(os_error, text, sizeof text);
#endif
    snprintf(error->message + used, sizeof error->message - used, ": %s", text);
    trim(error->message, sizeof error->message);
    error->os_error = os_error;
    return status;
}

feature_status
lf_fail_at(struct feature_error *error, feature_status status,
           const char *reason, uint32_t line, uint32_t column,
           const char *format, ...)
{
    va_list arguments;
    int used;

    if (!error)
        return status;
    fill(error, status, reason);
    error->line = line;
    error->column = column;
    used = snprintf(error->message, sizeof error->message, "%u:%u: ", line,
                    column);
    va_start(arguments, format);
    vsnprintf(error->message + used, sizeof error->message - (size_t)used,
              format, arguments);
    va_end(arguments);
    trim(error->message, sizeof error->message);
    return status;
}

feature_status
lf_fail_memory(struct feature_error *error)
{
    return lf_fail(error, FEATURE_NO_MEMORY, "memory", "out of memory");
}

void
lf_error_prefix(struct feature_error *error, const char *format, ...)
{
    char message[sizeof error->message];
    va_list arguments;
    size_t used;

    if (!error)
        return;
    memcpy(message, error->message, sizeof message);
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, "%s",
             message);
    trim(error->message, sizeof error->message);
}

void
lf_error_place(struct feature_error *error, uint32_t batch, int64_t row,
               uint32_t column)
{
    if (!error)
        return;
    error->batch = batch;
    error->row = row;
    error->column = column;
}

/* What a terminal or a log would obey: the control characters C0 and C1, and
 * the line breaks U+2028 and U+2029. */
static bool
is_control(const uint8_t *at, size_t step)
{
    if (step == 1)
        return at[0] < 0x20 || at[0] == 0x7f;
    if (step == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    return step == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] | 1) == 0xa9;
}

const char *
lf_quote_into(char *buffer, size_t room, const void *bytes, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    size_t used = 0, at = 0;

    while (at < size) {
        size_t step = lf_utf8_step(from + at, size - at);

        if (used + 4 + 4 > room) {
            memcpy(buffer + used, "...", 3);
            used += 3;
            break;
        }
        if (step && !is_control(from + at, step)) {
            memcpy(buffer + used, from + at, step);
            used += step;
            at += step;
        } else {
            buffer[used++] = '\\';
            buffer[used++] = 'x';
            buffer[used++] = hex[from[at] >> 4];
            buffer[used++] = hex[from[at] & 15];
            at++;
        }
    }
    buffer[used] = '\0';
    return buffer;
}

const char *
lf_quote(char buffer[LF_QUOTE_SIZE], const void *bytes, size_t size)
{
    return lf_quote_into(buffer, LF_QUOTE_SIZE, bytes, size);
}
