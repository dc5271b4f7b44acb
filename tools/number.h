/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and truth values, from text and back, exactly and without locale. */
#ifndef TOOL_NUMBER_H
#define TOOL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum number_result {
    NUMBER_FINE,
    NUMBER_SYNTAX, /* not a number of that kind; *value is untouched */
    NUMBER_RANGE   /* a number that the type cannot hold */
};

/* Whole numbers, also written "2.0": every digit after the point is zero. */
enum number_result number_int64(const char *text, size_t size, int64_t *value);
enum number_result number_int32(const char *text, size_t size, int32_t *value);

/* The nearest value to the decimal, ties to even, as strtod and strtof give in
 * the C locale. "nan", "inf" and "infinity" in any case. Past the largest
 * value: NUMBER_RANGE; below the smallest: zero. */
enum number_result number_float64(const char *text, size_t size, double *value);
enum number_result number_float32(const char *text, size_t size, float *value);

/* true false t f yes no 1 0, in any case. */
enum number_result number_bool(const char *text, size_t size, bool *value);

/* The shortest decimal that reads back as the same value. Returns its size. */
#define NUMBER_SIZE 32
size_t number_print_float64(char buffer[NUMBER_SIZE], double value);
size_t number_print_float32(char buffer[NUMBER_SIZE], float value);

/* Whether two texts are equal but for ASCII case; word is in lower case. */
bool number_is_word(const char *text, size_t size, const char *word);

#endif
