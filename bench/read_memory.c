/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory limit: what no index can beat on this machine.
 *
 * Owns an array of rows and a perfect hash of their keys.
 * Keeps sixteen look-ups in flight: one probe each, then the lines of the row,
 * then a copy of it; small pages, as a mapped file has.
 * Never decodes, checks a key, or checks a sum.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "reader.h"

#define GROUP  16
#define STRIDE 256 /* bytes a row takes */

struct memory {
    struct reader reader;
    uint64_t rows;
    uint32_t *places; /* by id: a permutation, as a hash would give */
    uint8_t *bytes;
    uint8_t copies[GROUP][STRIDE];
};

static void
read_keys(struct reader *reader, const struct keys *keys, size_t first,
          size_t count, float *matrix)
{
    struct memory *at = (struct memory *)reader;
    uint64_t ids[GROUP];
    const uint8_t *row[GROUP];

    (void)matrix;
    for (size_t begin = 0; begin < count; begin += GROUP) {
        size_t some = count - begin < GROUP ? count - begin : GROUP;
        const int64_t *numbers = keys->numbers + first + begin;

        for (size_t i = 0; i < some; i++) {
            ids[i] = bench_unmix((uint64_t)numbers[i]) - 1;
            __builtin_prefetch(&at->places[ids[i]]);
        }
        for (size_t i = 0; i < some; i++) {
            row[i] = at->bytes + (size_t)at->places[ids[i]] * STRIDE;
            for (int line = 0; line < STRIDE / 64; line++)
                __builtin_prefetch(row[i] + line * 64);
        }
        for (size_t i = 0; i < some; i++)
            memcpy(at->copies[i], row[i], STRIDE);
        __asm__ volatile("" : : "r"(at->copies) : "memory");
    }
}

static void
close_reader(struct reader *reader)
{
    struct memory *at = (struct memory *)reader;

    munmap(at->places, at->rows * sizeof *at->places);
    munmap(at->bytes, at->rows * STRIDE);
    free(at);
}

static void *
map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        bench_fail("no memory for %zu bytes", size);
    madvise(memory, size, MADV_NOHUGEPAGE);
    return memory;
}

struct reader *
reader_memory(const struct dataset *data)
{
    struct memory *made = bench_alloc(1, sizeof *made);
    struct random random = {7};

    made->rows = data->rows;
    made->places = map(data->rows * sizeof *made->places);
    made->bytes = map(data->rows * STRIDE);
    for (uint64_t i = 0; i < data->rows; i++) {
        uint64_t other = random_below(&random, i + 1);

        made->places[i] = made->places[other];
        made->places[other] = (uint32_t)i;
        memset(made->bytes + i * STRIDE, (int)(i & 255), STRIDE);
    }
    made->reader = (struct reader){.name = "hash probe + row copy",
                                   .width = rows_width(&data->shape),
                                   .read = read_keys,
                                   .close = close_reader};
    return &made->reader;
}
