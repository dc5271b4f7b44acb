/* SPDX-License-Identifier: Apache-2.0 */
/* A data set: entities, their keys, and the feature views that hold them. */
#ifndef BENCH_DATASET_H
#define BENCH_DATASET_H

#include "rows.h"

#define TEXT_SIZE    21 /* "user:" and 16 hexadecimal digits */
#define KEY_MAX      32 /* bytes of an encoded key */
#define VIEWS_MAX    10
#define FIRST_TIME   INT64_C(1700000000000000) /* event timestamp of all rows */
#define FEATURES_MAX (10 * BLOCK + 1)

struct dataset {
    const char *name; /* of its directory */
    uint64_t rows;    /* entities 0 .. rows - 1, in every view */
    uint32_t views;
    struct shape shape;
    bool text_keys;
};

/* Keys as an application holds them. */
struct keys {
    size_t count;
    bool is_text;
    const int64_t *numbers;
    const char *text; /* TEXT_SIZE bytes each */
    const int32_t *offsets;
};

int64_t dataset_number(uint64_t id);
void dataset_text(uint64_t id, char text[TEXT_SIZE]);

/* The ids in the order of their encoded keys; to be freed. */
uint64_t *dataset_order(const struct dataset *data);

/* As the library encodes them: the size written to `to`. */
size_t dataset_encode(const struct keys *keys, size_t at, uint8_t to[KEY_MAX]);
size_t dataset_encode_id(const struct dataset *data, uint64_t id,
                         uint8_t to[KEY_MAX]);

static inline size_t
dataset_encode_number(int64_t number, uint8_t to[KEY_MAX])
{
    uint64_t big = __builtin_bswap64((uint64_t)number ^ (uint64_t)1 << 63);

    memcpy(to, &big, 8);
    return 8;
}

/* CREATE statements; text is to be freed. */
char *dataset_definitions(const struct dataset *data);

/* A query of all features but the vectors, of the first `views` views. */
char *dataset_query(const struct dataset *data, uint32_t views);

#endif
