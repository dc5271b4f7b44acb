/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in definition texts, whatever the locale of the program. */
#ifndef LF_MODEL_NUMBER_H
#define LF_MODEL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_NUMBER_MAX 128 /* bytes of a number as written */

/* Whether the text is a sign, or none, and digits. */
bool lf_number_is_whole(const char *text, size_t size);

/* A whole number. False: it does not fit. */
bool lf_number_parse_int64(const char *text, size_t size, int64_t *value);

/* Any number of at most LF_NUMBER_MAX bytes, to the nearest value of the type.
 * False: it is out of range. */
bool lf_number_parse_float32(const char *text, size_t size, float *value);
bool lf_number_parse_float64(const char *text, size_t size, double *value);

/* The shortest digits that read back as the same finite value. */
#define LF_NUMBER_SIZE 32
const char *lf_number_print_float32(char buffer[LF_NUMBER_SIZE], float value);
const char *lf_number_print_float64(char buffer[LF_NUMBER_SIZE], double value);

#endif
