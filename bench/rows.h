/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the bench, and a decoder written by hand for exactly them.
 *
 * A row is 1 or 10 blocks of 20 features of mixed types, in the order of
 * PATTERN, and a vector that no query reads. docs/format.md says where each
 * value lies: types together, wide ones first, so with b blocks
 *
 *   header 16 | null bitmap | 3b INT64 | 3b FLOAT64 | b INT32 | 12b FLOAT32 |
 *   b BOOL | FLOAT32[vector]
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK    20 /* features */
#define PATTERN  "ffdifffdiffffbffdiwf"
#define ROW_HEAD 16
#define ROW_MAX  2048 /* bytes of the largest row here */

struct shape {
    uint32_t blocks; /* 1 or 10 */
    uint32_t vector; /* elements; 0: no vector */
};

static inline uint32_t
rows_fixed(uint32_t blocks, uint32_t vector)
{
    return ROW_HEAD + (BLOCK * blocks + (vector > 0) + 63) / 64 * 8;
}

uint32_t rows_width(const struct shape *shape); /* floats of a matrix row */
uint32_t rows_size(const struct shape *shape);  /* bytes of an encoded row */

/* The value that feature `at` of entity id has in a view: small enough that
 * every type holds it exactly. */
uint64_t rows_value(uint64_t id, uint32_t view, uint32_t at);
float rows_float(uint64_t value, char type);
double rows_double(uint64_t value);
float rows_vector(uint64_t id, uint32_t at);

/* What a matrix row of that entity has to be. */
void rows_expect(const struct shape *shape, uint32_t view, uint64_t id,
                 float *cells);

/* Encodes a row as the library does. view_id is the catalog's. */
void rows_encode(const struct shape *shape, uint32_t view, uint32_t view_id,
                 uint64_t id, int64_t timestamp, const void *key,
                 size_t key_size, uint8_t *row);

uint32_t rows_crc32c(uint32_t sum, const void *bytes, size_t size);
uint32_t rows_seed(uint32_t view_id);

/* The row's checksum fits its bytes. */
static inline bool
rows_verify(uint32_t seed, const void *key, size_t key_size, const uint8_t *row,
            size_t size)
{
    uint32_t sum = rows_crc32c(seed, key, key_size), stored;

    memcpy(&stored, row, 4);
    return rows_crc32c(sum, row + 4, size - 4) == stored;
}

/* Sets the cells of a row whose bitmap is not zero. */
void rows_put_nulls(const struct shape *shape, const uint8_t *row,
                    float *cells);

/* The types of PATTERN in the order of a row, each with its places. */
static inline void
rows_decode_block(const uint8_t *i64s, const uint8_t *f64s, const uint8_t *i32s,
                  const uint8_t *f32s, const uint8_t *bools, float *cells)
{
    static const uint8_t at_i64[] = {3, 8, 17}, at_f64[] = {2, 7, 16};
    static const uint8_t at_f32[] = {0, 1, 4, 5, 6, 9, 10, 11, 12, 14, 15, 19};
    int64_t i64[3];
    double f64[3];
    int32_t i32;
    float f32[12];

    memcpy(i64, i64s, sizeof i64);
    memcpy(f64, f64s, sizeof f64);
    memcpy(&i32, i32s, sizeof i32);
    memcpy(f32, f32s, sizeof f32);
    for (int i = 0; i < 3; i++) {
        cells[at_i64[i]] = (float)i64[i];
        cells[at_f64[i]] = (float)f64[i];
    }
    for (int i = 0; i < 12; i++)
        cells[at_f32[i]] = f32[i];
    cells[18] = (float)i32;
    cells[13] = *bools ? 1.0f : 0.0f;
}

static inline __attribute__((always_inline)) void
rows_decode_blocks(const uint8_t *row, uint32_t fixed, uint32_t blocks,
                   float *cells)
{
    const uint8_t *i64s = row + fixed, *f64s = i64s + 24 * blocks;
    const uint8_t *i32s = f64s + 24 * blocks, *f32s = i32s + 4 * blocks;
    const uint8_t *bools = f32s + 48 * blocks;

    for (uint32_t i = 0; i < blocks; i++)
        rows_decode_block(i64s + 24 * i, f64s + 24 * i, i32s + 4 * i,
                          f32s + 48 * i, bools + i, cells + BLOCK * i);
}

/* One row into a row of the matrix: straight-line code, no look-up. */
static inline void
rows_decode(const struct shape *shape, const uint8_t *row, float *cells)
{
    uint64_t nulls[4] = {0};

    if (shape->blocks == 1) {
        memcpy(nulls, row + ROW_HEAD, 8);
        rows_decode_blocks(row, ROW_HEAD + 8, 1, cells);
    } else {
        memcpy(nulls, row + ROW_HEAD, 32);
        rows_decode_blocks(row, ROW_HEAD + 32, 10, cells);
    }
    if (__builtin_expect((nulls[0] | nulls[1] | nulls[2] | nulls[3]) != 0, 0))
        rows_put_nulls(shape, row, cells);
}

/* What stands for an entity without a row. */
static inline void
rows_absent(uint32_t width, float *cells)
{
    for (uint32_t i = 0; i < width; i++)
        cells[i] = NAN;
}

#endif
