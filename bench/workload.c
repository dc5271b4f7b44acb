/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys to ask for, and the loop that asks.
 *
 * Owns the drawing of keys, uniform or by Zipf's law, from fixed start numbers.
 * Keeps the making of keys outside the clock, and every answer consumed.
 * Never trusts a reader: reader_check compares all its answers.
 */
#include "reader.h"

#include <stdlib.h>

#define CHECK_BATCH 1000
#define WARM_SHARE  3 /* of a sample is read first, with other keys, untimed */
#define ZIPF_SKEW   0.99

/* The generator of YCSB: Gray et al., "Quickly generating billion-record
 * synthetic databases". Ranks are ids, which lie scattered in key order. */
struct zipf {
    double zeta, eta, half;
    uint64_t count;
};

static struct zipf *
zipf_make(uint64_t count)
{
    struct zipf *zipf = bench_alloc(1, sizeof *zipf);
    double two = 1 + pow(0.5, ZIPF_SKEW);

    for (uint64_t i = 1; i <= count; i++)
        zipf->zeta += pow((double)i, -ZIPF_SKEW);
    zipf->count = count;
    zipf->half = two;
    zipf->eta =
        (1 - pow(2.0 / (double)count, 1 - ZIPF_SKEW)) / (1 - two / zipf->zeta);
    return zipf;
}

static uint64_t
zipf_next(const struct zipf *zipf, struct random *random)
{
    double u = (double)(random_next(random) >> 11) / 9007199254740992.0;
    double scaled = u * zipf->zeta;
    uint64_t rank;

    if (scaled < 1)
        return 0;
    if (scaled < zipf->half)
        return 1;
    rank = (uint64_t)((double)zipf->count *
                      pow(zipf->eta * u - zipf->eta + 1, 1 / (1 - ZIPF_SKEW)));
    return rank < zipf->count ? rank : zipf->count - 1;
}

void
workload_init(struct workload *workload, const struct dataset *data,
              enum distribution distribution, size_t batch, size_t count,
              uint64_t start)
{
    *workload = (struct workload){.data = data,
                                  .distribution = distribution,
                                  .batch = batch,
                                  .count = count,
                                  .room = count,
                                  .random = {start}};
    if (distribution == ZIPF)
        workload->zipf = zipf_make(data->rows);
    workload->ids = bench_alloc(count, 8);
    workload->numbers = bench_alloc(count, 8);
    workload->text = bench_alloc(count, TEXT_SIZE);
    workload->offsets = bench_alloc(count + 1, 4);
    workload->matrix =
        bench_alloc(batch * VIEWS_MAX * rows_width(&data->shape), 4);
    for (size_t i = 0; i <= count; i++)
        workload->offsets[i] = (int32_t)(i * TEXT_SIZE);
}

void
workload_free(struct workload *workload)
{
    free(workload->zipf);
    free(workload->ids);
    free(workload->numbers);
    free(workload->text);
    free(workload->offsets);
    free(workload->matrix);
}

void
workload_set(struct workload *workload, const uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        workload->numbers[i] = dataset_number(ids[i]);
        if (workload->data->text_keys)
            dataset_text(ids[i], workload->text + i * TEXT_SIZE);
    }
    workload->count = count;
    workload->keys = (struct keys){.count = count,
                                   .is_text = workload->data->text_keys,
                                   .numbers = workload->numbers,
                                   .text = workload->text,
                                   .offsets = workload->offsets};
}

void
workload_fill(struct workload *workload)
{
    for (size_t i = 0; i < workload->room; i++)
        workload->ids[i] =
            workload->zipf
                ? zipf_next(workload->zipf, &workload->random)
                : random_below(&workload->random, workload->data->rows);
    workload_set(workload, workload->ids, workload->room);
}

double
workload_run(const struct workload *workload, struct reader *reader)
{
    uint64_t begun = bench_clock();

    for (size_t at = 0; at < workload->count; at += workload->batch) {
        size_t left = workload->count - at;

        reader->read(reader, &workload->keys, at,
                     left < workload->batch ? left : workload->batch,
                     workload->matrix);
        __asm__ volatile("" : : "r"(workload->matrix) : "memory");
    }
    return (double)(bench_clock() - begun) / (double)workload->count;
}

double
timed_run(void *context)
{
    struct timed *timed = context;
    struct workload *workload = timed->workload;
    size_t count = timed->count ? timed->count : workload->room;

    workload_fill(workload);
    workload->count = count / WARM_SHARE;
    workload_run(workload, timed->reader);
    workload_fill(workload);
    workload->count = count;
    return workload_run(workload, timed->reader);
}

static void
check_batch(struct reader *reader, const struct workload *workload,
            const uint64_t *ids, size_t count, uint32_t views)
{
    const struct shape *shape = &workload->data->shape;
    uint32_t width = rows_width(shape);
    float expected[10 * BLOCK];

    for (size_t i = 0; i < count; i++)
        for (uint32_t v = 0; v < views; v++) {
            const float *got = workload->matrix + i * reader->width + v * width;

            rows_expect(shape, v, ids[i], expected);
            if (ids[i] >= workload->data->rows) {
                for (uint32_t j = 0; j < width; j++)
                    if (!isnan(got[j]))
                        bench_fail("%s: found a row that is not there",
                                   reader->name);
                continue;
            }
            for (uint32_t j = 0; j < width; j++)
                if (got[j] < expected[j] || got[j] > expected[j] ||
                    isnan(got[j]))
                    bench_fail("%s: id %llu, view %u, feature %u: %g, not %g",
                               reader->name, (unsigned long long)ids[i], v, j,
                               (double)got[j], (double)expected[j]);
        }
}

void
reader_check(struct reader *reader, const struct dataset *data, uint32_t views)
{
    uint64_t absent[16], *order = dataset_order(data);
    struct workload workload;

    workload_init(&workload, data, UNIFORM, CHECK_BATCH, CHECK_BATCH, 1);
    for (uint64_t at = 0; at < data->rows; at += CHECK_BATCH) {
        uint64_t left = data->rows - at;
        size_t count = left < CHECK_BATCH ? left : CHECK_BATCH;

        workload_set(&workload, order + at, count);
        workload_run(&workload, reader);
        check_batch(reader, &workload, order + at, count, views);
    }
    for (unsigned i = 0; i < 16; i++)
        absent[i] = i % 2 ? data->rows + i : i;
    workload_set(&workload, absent, 16);
    workload_run(&workload, reader);
    check_batch(reader, &workload, absent, 16, views);
    workload_free(&workload);
    free(order);
}
