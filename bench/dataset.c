/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data sets.
 *
 * Owns keys and definitions.
 * Keeps keys uniform over their whole range: id and key are one bijection, so
 * neighbours by id lie anywhere in the tree.
 * Never depends on anything but the data set's description.
 */
#include "dataset.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

#define TEXT_MAX 65536 /* of definitions and queries */

int64_t
dataset_number(uint64_t id)
{
    return (int64_t)bench_mix(id + 1);
}

void
dataset_text(uint64_t id, char text[TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t key = bench_mix(id + 1);

    memcpy(text, "user:", 5);
    for (int i = 0; i < 16; i++)
        text[5 + i] = digits[key >> (60 - 4 * i) & 15];
}

/* A radix sort, by bytes from the lowest. */
static void
sort_numbers(uint64_t *numbers, uint64_t *spare, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t starts[257] = {0};
        uint64_t *sorted = spare;

        for (size_t i = 0; i < count; i++)
            starts[(numbers[i] >> shift & 255) + 1]++;
        for (unsigned i = 0; i < 256; i++)
            starts[i + 1] += starts[i];
        for (size_t i = 0; i < count; i++)
            sorted[starts[numbers[i] >> shift & 255]++] = numbers[i];
        spare = numbers;
        numbers = sorted;
    }
}

uint64_t *
dataset_order(const struct dataset *data)
{
    uint64_t flip = data->text_keys ? 0 : (uint64_t)1 << 63;
    uint64_t *keys = bench_alloc(data->rows, sizeof *keys);
    uint64_t *spare = bench_alloc(data->rows, sizeof *spare);

    for (uint64_t i = 0; i < data->rows; i++)
        keys[i] = bench_mix(i + 1) ^ flip;
    sort_numbers(keys, spare, data->rows); /* eight turns: back in keys */
    for (uint64_t i = 0; i < data->rows; i++)
        keys[i] = bench_unmix(keys[i] ^ flip) - 1;
    free(spare);
    return keys;
}

/* Text without zero bytes is itself, and 00 01 at its end. */
static size_t
encode_text(const char *text, uint8_t to[KEY_MAX])
{
    memcpy(to, text, TEXT_SIZE);
    to[TEXT_SIZE] = 0;
    to[TEXT_SIZE + 1] = 1;
    return TEXT_SIZE + 2;
}

size_t
dataset_encode(const struct keys *keys, size_t at, uint8_t to[KEY_MAX])
{
    if (!keys->is_text)
        return dataset_encode_number(keys->numbers[at], to);
    return encode_text(keys->text + at * TEXT_SIZE, to);
}

size_t
dataset_encode_id(const struct dataset *data, uint64_t id, uint8_t to[KEY_MAX])
{
    char text[TEXT_SIZE];

    if (!data->text_keys)
        return dataset_encode_number(dataset_number(id), to);
    dataset_text(id, text);
    return encode_text(text, to);
}

static const char *
type_name(char type)
{
    switch (type) {
    case 'b':
        return "BOOL";
    case 'f':
        return "FLOAT32";
    case 'd':
        return "FLOAT64";
    case 'w':
        return "INT32";
    default:
        return "INT64";
    }
}

char *
dataset_definitions(const struct dataset *data)
{
    char *text = bench_alloc(1, TEXT_MAX);

    bench_append(text, TEXT_MAX, "CREATE ENTITY user (user_id %s);\n",
                 data->text_keys ? "STRING" : "INT64");
    for (uint32_t v = 0; v < data->views; v++) {
        bench_append(text, TEXT_MAX, "CREATE FEATURE VIEW v%u (", v);
        for (uint32_t i = 0; i < rows_width(&data->shape); i++)
            bench_append(text, TEXT_MAX, "%sv%u_f%u %s", i ? ", " : "", v, i,
                         type_name(PATTERN[i % BLOCK]));
        if (data->shape.vector)
            bench_append(text, TEXT_MAX, ", v%u_vector FLOAT32[%u]", v,
                         data->shape.vector);
        bench_append(text, TEXT_MAX, ") FOR user;\n");
    }
    return text;
}

char *
dataset_query(const struct dataset *data, uint32_t views)
{
    char *text = bench_alloc(1, TEXT_MAX);

    for (uint32_t v = 0; v < views; v++)
        for (uint32_t i = 0; i < rows_width(&data->shape); i++)
            bench_append(text, TEXT_MAX, "%sv%u:v%u_f%u", v || i ? ", " : "", v,
                         v, i);
    return text;
}
