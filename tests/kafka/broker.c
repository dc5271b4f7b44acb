/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of the cluster: a broker, and a producer that makes records.
 *
 * Owns everything of librdkafka. Keeps the content of a record a function of its
 * place. Never runs in the process of the test, which forks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "broker.h"

#define FLOOD_NOTE 60000

static rd_kafka_t *
make_producer(const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char problem[256];
    rd_kafka_t *made;

    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
    made = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    if (!made)
        give_up("rd_kafka_new", problem);
    return made;
}

int64_t
amount_of(uint64_t part, uint64_t number)
{
    return (int64_t)(scramble(part, number) % 1000000);
}

/* A bad record is one in each of several ways. */
static int
print_record(char *text, size_t size, uint64_t part, uint64_t number,
             const char *note)
{
    static const char *const bad[] = {
        "{\"part\":0,\"number\":1,\"event_timestamp\":1,\"amount\":1,"
        "\"note\":\"\xff\"}", /* only the store sees what is wrong here */
        "[]", "{\"part\":", "{}", "{\"part\":\"x\"}"};

    if (number % BAD_EACH == BAD_EACH - 1)
        return snprintf(text, size, "%s", bad[(number / BAD_EACH + part) % 5]);
    return snprintf(text, size,
                    "{\"part\":%" PRIu64 ",\"number\":%" PRIu64
                    ",\"event_timestamp\":%" PRIu64 ",\"amount\":%" PRId64
                    ",\"note\":\"%s\"}",
                    part, number, number + 1, amount_of(part, number), note);
}

static void
produce(rd_kafka_t *producer, uint32_t part, uint64_t number, const char *note)
{
    static char text[FLOOD_NOTE + 512];
    int size = print_record(text, sizeof text, part, number, note);

    while (rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION((int32_t)part),
        RD_KAFKA_V_VALUE(text, (size_t)size),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END))
        rd_kafka_poll(producer, 10);
}

static void __attribute__((noreturn))
serve(rd_kafka_t *producer, struct shared *shared)
{
    static char note[FLOOD_NOTE + 1];
    uint64_t next[PARTITIONS] = {0}, made = 0;

    memset(note, 'x', FLOOD_NOTE);
    for (;;) {
        for (; made < shared->wanted; made++) {
            uint32_t part = (uint32_t)(made % PARTITIONS);

            produce(producer, part, next[part]++, "a \\u00e9");
        }
        for (; shared->flood_made < shared->flood_wanted; shared->flood_made++)
            produce(producer, 0, next[0]++, note);
        if (rd_kafka_flush(producer, 10000))
            give_up("flush", "the mock cluster takes no records");
        shared->made = made;
        sleep_us(500);
    }
}

void
be_broker(void *context)
{
    struct shared *shared = context;
    rd_kafka_t *holder = make_producer("");
    rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(holder, 1);
    rd_kafka_t *producer;

    if (!mock || rd_kafka_mock_topic_create(mock, TOPIC, PARTITIONS, 1))
        give_up("rd_kafka_mock_cluster_new", "failed");
    producer = make_producer(rd_kafka_mock_cluster_bootstraps(mock));
    snprintf(shared->brokers, sizeof shared->brokers, "%s",
             rd_kafka_mock_cluster_bootstraps(mock));
    serve(producer, shared);
}
