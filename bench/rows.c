/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the bench: values, encoder, checksum.
 *
 * Owns the synthetic values, which follow from entity, view and feature alone,
 * so that every answer can be checked.
 * Keeps to docs/format.md, byte for byte: the bench compares its rows with
 * those the library stored.
 * Never shares code with the library: it would hide what is to be measured.
 */
#include "rows.h"

#include "harness.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

/* Slots of one block in the order of a row: type, then place. */
static const struct {
    char type;
    uint8_t size;
    uint8_t count;
    uint8_t at[12];
} runs[] = {{'i', 8, 3, {3, 8, 17}},
            {'d', 8, 3, {2, 7, 16}},
            {'w', 4, 1, {18}},
            {'f', 4, 12, {0, 1, 4, 5, 6, 9, 10, 11, 12, 14, 15, 19}},
            {'b', 1, 1, {13}}};

#define RUNS (sizeof runs / sizeof *runs)

uint32_t
rows_width(const struct shape *shape)
{
    return BLOCK * shape->blocks;
}

uint32_t
rows_size(const struct shape *shape)
{
    return rows_fixed(shape->blocks, shape->vector) + 101 * shape->blocks +
           4 * shape->vector;
}

uint64_t
rows_value(uint64_t id, uint32_t view, uint32_t at)
{
    return bench_mix(id << 14 | view << 8 | at) & 0xfffff;
}

float
rows_float(uint64_t value, char type)
{
    switch (type) {
    case 'b':
        return value & 1 ? 1.0f : 0.0f;
    case 'f':
        return (float)value / 16.0f;
    case 'd':
        return (float)rows_double(value);
    default:
        return (float)value;
    }
}

double
rows_double(uint64_t value)
{
    return (double)value / 64.0;
}

float
rows_vector(uint64_t id, uint32_t at)
{
    return (float)(id & 1023) + (float)at;
}

void
rows_expect(const struct shape *shape, uint32_t view, uint64_t id, float *cells)
{
    for (uint32_t i = 0; i < rows_width(shape); i++)
        cells[i] = rows_float(rows_value(id, view, i), PATTERN[i % BLOCK]);
}

static uint8_t *
put_value(uint8_t *to, uint64_t value, char type)
{
    float single = rows_float(value, type);
    double wide = rows_double(value);

    switch (type) {
    case 'i':
        memcpy(to, &value, 8);
        return to + 8;
    case 'd':
        memcpy(to, &wide, 8);
        return to + 8;
    case 'w':
        memcpy(to, &value, 4); /* little-endian, as the format is */
        return to + 4;
    case 'f':
        memcpy(to, &single, 4);
        return to + 4;
    default:
        *to = value & 1;
        return to + 1;
    }
}

void
rows_encode(const struct shape *shape, uint32_t view, uint32_t view_id,
            uint64_t id, int64_t timestamp, const void *key, size_t key_size,
            uint8_t *row)
{
    uint32_t fixed = rows_fixed(shape->blocks, shape->vector), sum;
    uint32_t size = rows_size(shape);
    uint8_t *to = row + fixed;

    memset(row, 0, fixed);
    row[4] = 1; /* the first schema version */
    memcpy(row + 8, &timestamp, 8);
    for (uint32_t run = 0; run < RUNS; run++)
        for (uint32_t i = 0; i < runs[run].count * shape->blocks; i++) {
            uint32_t at =
                i / runs[run].count * BLOCK + runs[run].at[i % runs[run].count];

            to = put_value(to, rows_value(id, view, at), runs[run].type);
        }
    for (uint32_t i = 0; i < shape->vector; i++, to += 4) {
        float element = rows_vector(id, i);

        memcpy(to, &element, 4);
    }
    sum = rows_crc32c(rows_seed(view_id), key, key_size);
    sum = rows_crc32c(sum, row + 4, size - 4);
    memcpy(row, &sum, 4);
}

void
rows_put_nulls(const struct shape *shape, const uint8_t *row, float *cells)
{
    uint32_t slot = 0;

    for (uint32_t run = 0; run < RUNS; run++)
        for (uint32_t i = 0; i < runs[run].count * shape->blocks; i++, slot++)
            if (row[ROW_HEAD + slot / 8] >> (slot & 7) & 1)
                cells[i / runs[run].count * BLOCK +
                      runs[run].at[i % runs[run].count]] = NAN;
}

uint32_t
rows_seed(uint32_t view_id)
{
    uint64_t wide = view_id;
    uint32_t sum = rows_crc32c(0, "r", 1);

    return rows_crc32c(sum, &wide, 8);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t
rows_crc32c(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t wide = ~sum, word;

    for (; size >= 8; at += 8, size -= 8) {
        memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    sum = (uint32_t)wide;
    for (; size; at++, size--)
        sum = _mm_crc32_u8(sum, *at);
    return ~sum;
}
#else
uint32_t
rows_crc32c(uint32_t sum, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    sum = ~sum;
    while (size--) {
        sum ^= *at++;
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (0x82f63b78u & (0u - (sum & 1)));
    }
    return ~sum;
}
#endif
