/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever answers keys with rows of a float32 matrix, and the keys it is
 * asked for. */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include "dataset.h"
#include "harness.h"

struct reader {
    const char *name;
    uint32_t width; /* floats of a row of the answer, all views together */
    /* Answers keys [first, first + count) into rows of width floats. */
    void (*read)(struct reader *reader, const struct keys *keys, size_t first,
                 size_t count, float *matrix);
    void (*close)(struct reader *reader);
};

/* read_libfeature.c: the public API, the first `views` views of a store. The
 * store outlives the reader. */
struct reader *reader_libfeature(const struct dataset *data,
                                 feature_store *store, uint32_t views);

/* read_memory.c: the memory limit, a perfect hash and a row copy. Its answers
 * are no matrix. */
struct reader *reader_memory(const struct dataset *data);

/* peer_lmdb.c: a loop of mdb_get over a copy of a store's file. */
struct raw;
struct raw *raw_open(const struct dataset *data, const char *path);
void raw_close(struct raw *raw);
uint32_t raw_view_id(const struct raw *raw, uint32_t view);
struct reader *reader_raw(struct raw *raw, uint32_t views, bool verify);

/* Peers: loaded with the data set's rows, or NULL where one is not installed
 * (then a line says so). The first view only. */
struct reader *reader_rocksdb(const struct dataset *data);
struct reader *reader_leveldb(const struct dataset *data);
struct reader *reader_sqlite(const struct dataset *data, bool rowid);

/* A server of its own on a Unix socket: `packed` rows as values and MGET, or
 * one hash a row and HMGET. */
struct redis;
struct redis *redis_start(const struct dataset *data);
void redis_stop(struct redis *redis);
struct reader *reader_redis(struct redis *redis, bool packed);

enum distribution { UNIFORM, ZIPF };

/* Fresh random keys for each run. */
struct workload {
    const struct dataset *data;
    enum distribution distribution;
    size_t batch;
    size_t count; /* keys of a sample */
    size_t room;  /* keys there is memory for */
    struct random random;
    struct zipf *zipf;
    uint64_t *ids;
    int64_t *numbers;
    char *text;
    int32_t *offsets;
    struct keys keys;
    float *matrix; /* of one batch */
};

void workload_init(struct workload *workload, const struct dataset *data,
                   enum distribution distribution, size_t batch, size_t count,
                   uint64_t start);
void workload_fill(struct workload *workload);
void workload_set(struct workload *workload, const uint64_t *ids, size_t count);
void workload_free(struct workload *workload);

/* One timed sample: nanoseconds a key. */
double workload_run(const struct workload *workload, struct reader *reader);

/* A method of a contest: fresh keys, then the sample. */
struct timed {
    struct reader *reader;
    struct workload *workload;
    size_t count; /* keys, where fewer than the workload's; 0: all */
};
double timed_run(void *context);

/* Reads every row once and compares it: warms every page and cache, and proves
 * the reader right. Then absent keys. */
void reader_check(struct reader *reader, const struct dataset *data,
                  uint32_t views);

static inline void
reader_close(struct reader *reader)
{
    if (reader)
        reader->close(reader);
}

#endif
