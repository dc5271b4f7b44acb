/* SPDX-License-Identifier: Apache-2.0 */
/* Types and values, as the model sees them. */
#ifndef MODEL_VALUE_H
#define MODEL_VALUE_H

#include "arena.h"
#include "dice.h"
#include "libfeature.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

#define TIME_UNSET INT64_MIN
#define WIDTH_MAX  8 /* n of T[n] */
#define SECOND     INT64_C(1000000)

/* T: width 1. T[n]: width n. T[]: is_list, width 1. */
struct type {
    int32_t code; /* feature_type */
    uint32_t width;
    bool is_list;
};

/* Elements one after the other, little-endian, a BOOL one byte; of a STRING or
 * BYTES its bytes; of a STRING[] for each string its size as u32, its bytes. */
struct value {
    bool is_null;
    uint32_t size;
    const uint8_t *bytes;
};

extern const struct value null_value;

/* STRING or BYTES. */
bool type_is_text(int32_t code);

/* STRING, BYTES and lists. */
bool type_is_variable(struct type type);
bool type_equal(struct type a, struct type b);

/* Bytes of an element; 0 for STRING and BYTES. */
uint32_t element_size(int32_t code);

/* INT32 to INT64 or FLOAT64, FLOAT32 to FLOAT64, the shape kept. */
bool type_widens(struct type from, struct type to);

/* Whether a buffer of elements of one type may be set into a column of
 * another: the same, one that widens, or INT64 into TIMESTAMP. */
bool type_accepts(int32_t column, int32_t buffer);

bool value_equal(const struct value *a, const struct value *b);

/* A value of one type in another that it widens to. */
struct value value_widen(struct arena *arena, struct type from, struct type to,
                         struct value value);

/* The way back; false where the value would not be the same. */
bool value_narrow(struct arena *arena, struct type from, struct type to,
                  struct value value, struct value *narrow);

/* The value's elements as floats, a TIMESTAMP as its age at a time. */
void value_floats(struct type type, struct value value, int64_t at,
                  float *floats);

/* Whether every text in it is UTF-8; true for other types. */
bool value_is_text(struct type type, struct value value);

/* How many elements a list has, and the bytes of one string of STRING[]. */
uint32_t value_count(struct type type, struct value value);

/* Any value; one that a DEFAULT may have; one near the edges of its type. */
struct value value_random(struct dice *dice, struct arena *arena,
                          struct type type);
struct value value_literal(struct dice *dice, struct arena *arena,
                           struct type type);

/* A STRING or BYTES value of exactly so many bytes. */
struct value value_long(struct arena *arena, uint32_t size);

/* A STRING or STRING[] that is not UTF-8. */
struct value value_broken(struct arena *arena, struct type type);

/* In the definition language: 'INT64[3]', '[1, 2, 3]'. */
void type_print(struct text *text, struct type type);
void value_print(struct text *text, struct type type, struct value value);

#endif
