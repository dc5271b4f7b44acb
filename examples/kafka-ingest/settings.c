/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest.h"

static const char usage[] =
    "usage: kafka-ingest --store DIR --view NAME --topic NAME --brokers LIST\n"
    "  --columns LIST      columns of the records; default: all of the view\n"
    "  --patch             write these columns only\n"
    "  --partitions LIST   such as 0,1,2; default: all of the topic\n"
    "  --group NAME        let a consumer group share the partitions out\n"
    "  --source NAME       of the offsets in the store; default: kafka:TOPIC\n"
    "  --batch N           records of one commit, at most (1000)\n"
    "  --linger MS         wait for more of them (50)\n"
    "  --dead-letter FILE  put bad records there; default: stop at the first\n"
    "  --accept-loss       go on behind records that Kafka no longer has\n"
    "  --until-end         end with the topic\n"
    "  --report SECONDS    print the lag (10)\n"
    "  --set NAME=VALUE    a property of librdkafka; repeatable\n";

enum choice {
    OPTION_STORE = 1,
    OPTION_VIEW,
    OPTION_COLUMNS,
    OPTION_PATCH,
    OPTION_TOPIC,
    OPTION_BROKERS,
    OPTION_PARTITIONS,
    OPTION_GROUP,
    OPTION_SOURCE,
    OPTION_BATCH,
    OPTION_LINGER,
    OPTION_DEAD_LETTER,
    OPTION_ACCEPT_LOSS,
    OPTION_UNTIL_END,
    OPTION_REPORT,
    OPTION_SET
};

static const struct option options[] = {
    {"store", required_argument, NULL, OPTION_STORE},
    {"view", required_argument, NULL, OPTION_VIEW},
    {"columns", required_argument, NULL, OPTION_COLUMNS},
    {"patch", no_argument, NULL, OPTION_PATCH},
    {"topic", required_argument, NULL, OPTION_TOPIC},
    {"brokers", required_argument, NULL, OPTION_BROKERS},
    {"partitions", required_argument, NULL, OPTION_PARTITIONS},
    {"group", required_argument, NULL, OPTION_GROUP},
    {"source", required_argument, NULL, OPTION_SOURCE},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"linger", required_argument, NULL, OPTION_LINGER},
    {"dead-letter", required_argument, NULL, OPTION_DEAD_LETTER},
    {"accept-loss", no_argument, NULL, OPTION_ACCEPT_LOSS},
    {"until-end", no_argument, NULL, OPTION_UNTIL_END},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"set", required_argument, NULL, OPTION_SET},
    {0},
};

static bool
read_number(const char *text, long least, long most, long *value)
{
    char *end;

    *value = strtol(text, &end, 10);
    if (end != text && !*end && *value >= least && *value <= most)
        return true;
    fprintf(stderr, "kafka-ingest: %s is not a number from %ld to %ld\n", text,
            least, most);
    return false;
}

static bool
add_property(struct settings *settings, const char *text)
{
    size_t most = sizeof settings->properties / sizeof *settings->properties;

    if (settings->property_count == most)
        return false;
    settings->properties[settings->property_count++] = text;
    return true;
}

/* The options with a text, and where it goes. */
static const char **
text_of(struct settings *settings, int option)
{
    switch (option) {
    case OPTION_STORE:
        return &settings->store;
    case OPTION_VIEW:
        return &settings->view;
    case OPTION_COLUMNS:
        return &settings->columns;
    case OPTION_TOPIC:
        return &settings->topic;
    case OPTION_BROKERS:
        return &settings->brokers;
    case OPTION_PARTITIONS:
        return &settings->partitions;
    case OPTION_GROUP:
        return &settings->group;
    case OPTION_SOURCE:
        return &settings->source;
    case OPTION_DEAD_LETTER:
        return &settings->dead_letters;
    default:
        return NULL;
    }
}

static bool
read_option(struct settings *settings, int option, const char *text)
{
    const char **place = text_of(settings, option);
    bool good = true;
    long value = 0;

    if (place) {
        *place = text;
        return true;
    }
    switch (option) {
    case OPTION_PATCH:
        settings->operation = FEATURE_PATCH;
        return true;
    case OPTION_ACCEPT_LOSS:
        settings->accept_loss = true;
        return true;
    case OPTION_UNTIL_END:
        settings->until_end = true;
        return true;
    case OPTION_BATCH:
        good = read_number(text, 1, 1000000, &value);
        settings->batch = (uint32_t)value;
        return good;
    case OPTION_LINGER:
        good = read_number(text, 0, 60000, &value);
        settings->linger_ms = (int)value;
        return good;
    case OPTION_REPORT:
        good = read_number(text, 1, 86400, &value);
        settings->report_s = (int)value;
        return good;
    case OPTION_SET:
        return add_property(settings, text);
    default:
        return false;
    }
}

bool
read_settings(struct settings *settings, int argc, char **argv)
{
    static char source[512];
    int option;
    bool good = true;

    *settings = (struct settings){.batch = 1000,
                                  .linger_ms = 50,
                                  .report_s = 10,
                                  .operation = FEATURE_UPSERT};
    while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        good = read_option(settings, option, optarg);
    if (!good || optind != argc || !settings->store || !settings->view ||
        !settings->topic || !settings->brokers ||
        (settings->group && settings->partitions)) {
        fputs(usage, stderr);
        return false;
    }
    snprintf(source, sizeof source, "kafka:%s", settings->topic);
    if (!settings->source)
        settings->source = source;
    return true;
}
