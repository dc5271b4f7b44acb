/* SPDX-License-Identifier: Apache-2.0 */
/* Failing: a status, a reason word, a place and a sentence, in one statement.
 */
#ifndef LF_BASE_ERROR_H
#define LF_BASE_ERROR_H

#include "libfeature.h"

/* Returns early with the status of a call that failed. Only for functions that
 * own nothing at that point. */
#define LF_TRY(call)                     \
    do {                                 \
        feature_status lf_try_ = (call); \
        if (lf_try_)                     \
            return lf_try_;              \
    } while (0)

/* Fills *error (which may be NULL) and returns status. The place is "none". */
feature_status lf_fail(struct feature_error *error, feature_status status,
                       const char *reason, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, with errno kept in os_error and its text at the end. */
feature_status lf_fail_os(struct feature_error *error, feature_status status,
                          const char *reason, int os_error, const char *format,
                          ...) __attribute__((format(printf, 5, 6)));

/* The same, at line:column of a text; the message begins with them. */
feature_status lf_fail_at(struct feature_error *error, feature_status status,
                          const char *reason, uint32_t line, uint32_t column,
                          const char *format, ...)
    __attribute__((format(printf, 6, 7)));

feature_status lf_fail_memory(struct feature_error *error);

/* Puts a few words before the message of an error that was just filled. */
void lf_error_prefix(struct feature_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the place of an error that was just filled. */
void lf_error_place(struct feature_error *error, uint32_t batch, int64_t row,
                    uint32_t column);

/* Size of the buffer lf_quote writes to. */
#define LF_QUOTE_SIZE 72

/* Foreign bytes for a message: valid UTF-8 without control characters stays,
 * any other byte becomes \xNN, and a long text is cut with "...". Returns
 * buffer. */
const char *lf_quote(char buffer[LF_QUOTE_SIZE], const void *bytes,
                     size_t size);

/* The same into room bytes, of which there are at least 8. */
const char *lf_quote_into(char *buffer, size_t room, const void *bytes,
                          size_t size);

#endif
