/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the assigned partitions, from the offsets that the store has.
 *
 * Owns the connection and the list of partitions.
 * Keeps each partition in order, without a record twice: what is not at its
 * position is not taken.
 * Never asks Kafka where to go on, and never skips what was truncated unless told.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ingest.h"

#define ASK_MS 10000

static struct partition *
find_partition(struct ingest *ingest, int32_t id)
{
    for (uint32_t i = 0; i < ingest->partition_count; i++)
        if (ingest->partitions[i].id == id)
            return &ingest->partitions[i];
    return NULL;
}

/* The stored offset is before the first record there is: those in between are
 * gone. False unless that was allowed. */
static bool
jump(struct ingest *ingest, struct partition *partition, uint64_t low)
{
    const char *topic = ingest->settings.topic;
    uint64_t lost = low - partition->position;

    if (!ingest->settings.accept_loss) {
        fail(ingest,
             "%s, partition %" PRId32
             ": truncated: the store goes on at offset "
             "%" PRIu64 ", the first available is %" PRIu64 "; %" PRIu64
             " offsets are lost (--accept-loss goes on without them)",
             topic, partition->id, partition->position, low, lost);
        return false;
    }
    say("%s, partition %" PRId32 ": jumped from offset %" PRIu64 " to %" PRIu64
        ": %" PRIu64 " offsets are lost",
        topic, partition->id, partition->position, low, lost);
    ingest->totals.lost += lost;
    partition->stored = partition->position = low;
    return true;
}

/* What Kafka has of a partition, beside what the store says. */
static bool
check_range(struct ingest *ingest, struct partition *partition, bool is_new)
{
    const char *topic = ingest->settings.topic;
    int64_t low, high;
    rd_kafka_resp_err_t answer = rd_kafka_query_watermark_offsets(
        ingest->kafka, topic, partition->id, &low, &high, ASK_MS);

    if (answer) {
        fail(ingest, "%s, partition %" PRId32 ": %s", topic, partition->id,
             rd_kafka_err2str(answer));
        return false;
    }
    if (is_new)
        partition->stored = partition->position = (uint64_t)low;
    if (partition->position < (uint64_t)low)
        return jump(ingest, partition, (uint64_t)low);
    if (partition->position > (uint64_t)high) {
        fail(ingest,
             "%s, partition %" PRId32 ": the store goes on at offset %" PRIu64
             ", but the topic ends at %" PRId64 ": it is another topic of that "
             "name, or it lost its end (another --source NAME begins anew)",
             topic, partition->id, partition->position, high);
        return false;
    }
    return true;
}

static bool
find_position(struct ingest *ingest, struct partition *partition)
{
    struct feature_error error;
    feature_status status = feature_store_offset(
        ingest->store, ingest->settings.source, (uint32_t)partition->id,
        &partition->stored, NULL, NULL, &error);

    if (status && status != FEATURE_NOT_FOUND) {
        fail(ingest, "%s: %s", ingest->settings.store, error.message);
        return false;
    }
    partition->position = partition->stored;
    partition->at_end = false;
    return check_range(ingest, partition, status == FEATURE_NOT_FOUND);
}

/* Tells Kafka where we are. */
static void
assign(struct ingest *ingest)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)ingest->partition_count);
    rd_kafka_resp_err_t answer;

    for (uint32_t i = 0; i < ingest->partition_count; i++) {
        const struct partition *partition = &ingest->partitions[i];

        rd_kafka_topic_partition_list_add(list, ingest->settings.topic,
                                          partition->id)
            ->offset = (int64_t)partition->position;
    }
    answer = rd_kafka_assign(ingest->kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (answer)
        fail(ingest, "%s cannot be assigned: %s", ingest->settings.topic,
             rd_kafka_err2str(answer));
}

void
consume_again(struct ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->partition_count; i++)
        if (!find_position(ingest, &ingest->partitions[i]))
            return;
    ingest->was_assigned = true;
    assign(ingest);
}

/* The group gives partitions, or takes all of them back. What is at hand is
 * committed before somebody else may go on. */
static void
rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t event,
          rd_kafka_topic_partition_list_t *list, void *context)
{
    struct ingest *ingest = context;

    if (ingest->record_count && !ingest->failed)
        commit_records(ingest);
    drop_records(ingest);
    ingest->partition_count = 0;
    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !ingest->failed) {
        if (list->cnt > PARTITIONS_MAX)
            fail(ingest, "over %d partitions", PARTITIONS_MAX);
        for (int i = 0; i < list->cnt && !ingest->failed; i++)
            ingest->partitions[ingest->partition_count++].id =
                list->elems[i].partition;
        consume_again(ingest);
        say("%d partitions from the group", list->cnt);
    } else {
        rd_kafka_assign(kafka, NULL);
    }
}

static bool
list_all_partitions(struct ingest *ingest)
{
    const char *name = ingest->settings.topic;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(ingest->kafka, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t answer =
        rd_kafka_metadata(ingest->kafka, 0, topic, &metadata, ASK_MS);
    int found = 0;

    rd_kafka_topic_destroy(topic);
    if (!answer && metadata->topic_cnt == 1) {
        answer = metadata->topics[0].err;
        found = metadata->topics[0].partition_cnt;
    }
    for (int i = 0; i < found && i < PARTITIONS_MAX; i++)
        ingest->partitions[ingest->partition_count++].id =
            metadata->topics[0].partitions[i].id;
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (answer || !found || found > PARTITIONS_MAX)
        fail(ingest, "%s: %s", name,
             answer ? rd_kafka_err2str(answer)
                    : "no partitions, or more than one process may take");
    return !ingest->failed;
}

static bool
list_named_partitions(struct ingest *ingest)
{
    const char *at = ingest->settings.partitions;
    char *end;

    do {
        long id = strtol(at, &end, 10);

        if (end == at || (*end && *end != ',') || id < 0 || id > INT32_MAX ||
            ingest->partition_count == PARTITIONS_MAX ||
            find_partition(ingest, (int32_t)id)) {
            fail(ingest, "--partitions %s: not a list like 0,1,2",
                 ingest->settings.partitions);
            return false;
        }
        ingest->partitions[ingest->partition_count++].id = (int32_t)id;
        at = end + 1;
    } while (*end);
    return true;
}

static bool
set_properties(struct ingest *ingest, rd_kafka_conf_t *conf)
{
    const struct settings *settings = &ingest->settings;
    /* Set last, so that nothing else holds: the truth is in the store. */
    const char *own[][2] = {
        {"bootstrap.servers", settings->brokers},
        {"group.id", settings->group ? settings->group : "kafka-ingest"},
        {"enable.partition.eof", "true"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"partition.assignment.strategy", "range,roundrobin"},
    };
    char text[512], problem[512];

    for (uint32_t i = 0; i < settings->property_count; i++) {
        char *value;

        snprintf(text, sizeof text, "%s", settings->properties[i]);
        value = strchr(text, '=');
        if (value)
            *value++ = '\0';
        if (!value ||
            rd_kafka_conf_set(conf, text, value, problem, sizeof problem)) {
            fail(ingest, "--set %s: %s", settings->properties[i],
                 value ? problem : "not NAME=VALUE");
            return false;
        }
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (rd_kafka_conf_set(conf, own[i][0], own[i][1], problem,
                              sizeof problem)) {
            fail(ingest, "%s", problem);
            return false;
        }
    return true;
}

static bool
connect_kafka(struct ingest *ingest)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char problem[512];

    if (!set_properties(ingest, conf)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    rd_kafka_conf_set_opaque(conf, ingest);
    if (ingest->settings.group)
        rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    ingest->kafka =
        rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof problem);
    if (!ingest->kafka) {
        rd_kafka_conf_destroy(conf);
        fail(ingest, "%s", problem);
        return false;
    }
    rd_kafka_poll_set_consumer(ingest->kafka);
    return true;
}

static bool
subscribe(struct ingest *ingest)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t answer;

    rd_kafka_topic_partition_list_add(list, ingest->settings.topic,
                                      RD_KAFKA_PARTITION_UA);
    answer = rd_kafka_subscribe(ingest->kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (answer)
        fail(ingest, "%s: %s", ingest->settings.topic,
             rd_kafka_err2str(answer));
    return !answer;
}

bool
consume_begin(struct ingest *ingest)
{
    if (!connect_kafka(ingest))
        return false;
    if (ingest->settings.group)
        return subscribe(ingest);
    if (!(ingest->settings.partitions ? list_named_partitions(ingest)
                                      : list_all_partitions(ingest)))
        return false;
    consume_again(ingest);
    return !ingest->failed;
}

void
consume_end(struct ingest *ingest)
{
    if (!ingest->kafka)
        return;
    rd_kafka_consumer_close(ingest->kafka); /* may call rebalance() */
    rd_kafka_destroy(ingest->kafka);
    ingest->kafka = NULL;
}

/* A message that says something about a partition, or about the connection. */
static void
take_notice(struct ingest *ingest, const rd_kafka_message_t *message)
{
    struct partition *partition = find_partition(ingest, message->partition);

    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (partition)
            partition->at_end = true;
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        if (ingest->record_count)
            commit_records(ingest);
        if (!ingest->failed)
            consume_again(ingest);
        break;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__FATAL:
        fail(ingest, "%s: %s", ingest->settings.topic,
             rd_kafka_message_errstr(message));
        break;
    default: /* librdkafka tries again */
        say("%s: %s", ingest->settings.topic, rd_kafka_message_errstr(message));
    }
}

void
consume_next(struct ingest *ingest, int wait_ms)
{
    rd_kafka_message_t *message =
        rd_kafka_consumer_poll(ingest->kafka, wait_ms);
    struct partition *partition;

    if (!message)
        return;
    partition = find_partition(ingest, message->partition);
    if (message->err || !partition ||
        (uint64_t)message->offset < partition->position) {
        if (message->err)
            take_notice(ingest, message);
        rd_kafka_message_destroy(message);
        return;
    }
    ingest->totals.gaps += (uint64_t)message->offset - partition->position;
    partition->position = (uint64_t)message->offset + 1;
    partition->at_end = false;
    ingest->records[ingest->record_count++] =
        (struct record){.message = message};
}

bool
all_at_end(const struct ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->partition_count; i++)
        if (!ingest->partitions[i].at_end)
            return false;
    return ingest->was_assigned;
}

void
print_lag(const struct ingest *ingest)
{
    for (uint32_t i = 0; i < ingest->partition_count; i++) {
        const struct partition *partition = &ingest->partitions[i];
        int64_t low, high;

        if (!rd_kafka_get_watermark_offsets(ingest->kafka,
                                            ingest->settings.topic,
                                            partition->id, &low, &high) &&
            high >= 0)
            say("lag: partition %" PRId32 " is at %" PRIu64 " of %" PRId64
                ": %" PRId64,
                partition->id, partition->stored, high,
                high - (int64_t)partition->stored);
    }
}
