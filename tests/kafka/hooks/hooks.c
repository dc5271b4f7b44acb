/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked around the calls of examples/kafka-ingest by --wrap: the consumer dies at
 * the KAFKA_KILL_AT-th point of its way, and KAFKA_PLANT puts a bug in.
 *
 * Points are before and behind each assignment and each write; where a planted bug
 * makes two writes of one, also between them.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libfeature.h>
#include <librdkafka/rdkafka.h>

feature_status __real_feature_store_write(feature_store *store,
                                          feature_batch *const *batches,
                                          size_t count,
                                          const struct feature_write_options *,
                                          struct feature_commit *commit,
                                          struct feature_error *error);
feature_status __wrap_feature_store_write(feature_store *store,
                                          feature_batch *const *batches,
                                          size_t count,
                                          const struct feature_write_options *,
                                          struct feature_commit *commit,
                                          struct feature_error *error);
feature_status __real_feature_store_offset(feature_store *store,
                                           const char *name, uint32_t partition,
                                           uint64_t *next_offset, char **,
                                           uint32_t *, struct feature_error *);
feature_status __wrap_feature_store_offset(feature_store *store,
                                           const char *name, uint32_t partition,
                                           uint64_t *next_offset, char **,
                                           uint32_t *, struct feature_error *);
rd_kafka_resp_err_t __real_rd_kafka_assign(
    rd_kafka_t *kafka, const rd_kafka_topic_partition_list_t *list);
rd_kafka_resp_err_t __wrap_rd_kafka_assign(
    rd_kafka_t *kafka, const rd_kafka_topic_partition_list_t *list);

static void
point(void)
{
    static long passed;
    const char *last = getenv("KAFKA_KILL_AT");

    if (last && ++passed == atol(last))
        kill(getpid(), SIGKILL);
}

static int
is_planted(const char *name)
{
    const char *plant = getenv("KAFKA_PLANT");

    return plant && !strcmp(plant, name);
}

/* Rows in one commit, offsets in another. */
static feature_status
write_apart(feature_store *store, feature_batch *const *batches, size_t count,
            const struct feature_write_options *options,
            struct feature_commit *commit, struct feature_error *error)
{
    int rows_first = is_planted("rows-then-offsets");
    struct feature_commit other = {.struct_size = sizeof other};
    struct feature_write_options rows = {.struct_size = sizeof rows};
    feature_status status;

    status = rows_first ? __real_feature_store_write(store, batches, count,
                                                     &rows, commit, error)
                        : __real_feature_store_write(store, NULL, 0, options,
                                                     &other, error);
    point();
    if (status)
        return status;
    return rows_first ? __real_feature_store_write(store, NULL, 0, options,
                                                   &other, error)
                      : __real_feature_store_write(store, batches, count, &rows,
                                                   commit, error);
}

feature_status
__wrap_feature_store_write(feature_store *store, feature_batch *const *batches,
                           size_t count,
                           const struct feature_write_options *options,
                           struct feature_commit *commit,
                           struct feature_error *error)
{
    feature_status status;

    point();
    status = is_planted("rows-then-offsets") || is_planted("offsets-then-rows")
                 ? write_apart(store, batches, count, options, commit, error)
                 : __real_feature_store_write(store, batches, count, options,
                                              commit, error);
    point();
    return status;
}

/* `late` begins behind the next record; `rewind` begins at 0, as somebody would
 * who does not know that the records are there, and looks again later. */
feature_status
__wrap_feature_store_offset(feature_store *store, const char *name,
                            uint32_t partition, uint64_t *next_offset,
                            char **position, uint32_t *size,
                            struct feature_error *error)
{
    static uint32_t rewound;
    feature_status status = __real_feature_store_offset(
        store, name, partition, next_offset, position, size, error);

    if (!status && is_planted("late"))
        ++*next_offset;
    if (!status && is_planted("rewind") && !(rewound >> partition & 1)) {
        rewound |= UINT32_C(1) << partition;
        *next_offset = 0;
    }
    return status;
}

rd_kafka_resp_err_t
__wrap_rd_kafka_assign(rd_kafka_t *kafka,
                       const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t answer;

    point();
    answer = __real_rd_kafka_assign(kafka, list);
    point();
    return answer;
}
