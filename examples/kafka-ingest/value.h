/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text, token by token, and what its tokens are worth. */
#ifndef KAFKA_INGEST_VALUE_H
#define KAFKA_INGEST_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a reader of JSON is. */
struct json {
    const char *at, *end;
};

/* Passes white space, and then the character if it is there. */
bool json_take(struct json *json, char wanted);

/* Reads the string that begins here into text, which has room for as many bytes
 * as the rest of the record has; the size of it, or -1 where it is none. */
long json_string(struct json *json, char *text);

/* Passes a number, true, false or null; false where there is none of them. */
bool json_word(struct json *json, const char **word, size_t *size);

/* What a number says. False where it is none, or does not fit. */
bool read_integer(const char *text, size_t size, int64_t least, int64_t most,
                  int64_t *value);
bool read_real(const char *text, size_t size, double *value);

/* Microseconds of 2013-07-01T21:03:00Z, with at most six digits after a point;
 * no other form. */
bool read_time(const char *text, size_t size, int64_t *value);

#endif
