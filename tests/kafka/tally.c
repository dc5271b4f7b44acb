/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the records: the change feed and the dead letters, read in order.
 *
 * Owns nothing. Keeps to what can be read: it trusts no figure of a consumer.
 * Never writes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>

#include "broker.h"

/* The mock cluster keeps no more of a partition. */
#define RECORDS_MAX 100000

uint64_t
good_of(uint64_t count)
{
    return count - count / BAD_EACH;
}

/* The number of the i-th good record of a partition. */
static uint64_t
good_number(uint64_t i)
{
    return i + i / (BAD_EACH - 1);
}

static void
count_row(struct tally *tally, uint64_t part, uint64_t number, int64_t amount)
{
    uint64_t expected;

    if (part >= PARTITIONS || number % BAD_EACH == BAD_EACH - 1 ||
        amount != amount_of(part, number)) {
        tally->wrong++;
        return;
    }
    tally->sum += amount;
    expected = good_number(tally->rows[part]);
    if (number < expected) {
        tally->twice++;
    } else {
        /* What was passed over and comes yet is found as `twice`. */
        tally->lost +=
            number > expected ? good_of(number) - good_of(expected) : 0;
        tally->rows[part] = good_of(number) + 1;
    }
}

static void
count_changes(struct tally *tally, const char *json)
{
    static const char key[] = "\"key\":{";

    while ((json = strstr(json, key)) != NULL) {
        const char *amount = strstr(json, "\"amount\":");
        uint64_t part, number;

        if (sscanf(json, "\"key\":{\"part\":%" SCNu64 ",\"number\":%" SCNu64,
                   &part, &number) != 2 ||
            !amount)
            tally->wrong++;
        else
            count_row(tally, part, number, strtoll(amount + 9, NULL, 10));
        json += sizeof key - 1;
    }
}

static void
read_feed(const struct cluster *cluster, struct tally *tally)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_READ_ONLY};
    struct feature_change_record record;
    feature_store *store = NULL;
    feature_changes *changes = NULL;
    char *json = NULL;

    well(feature_store_open(cluster->store, &options, &store, E));
    well(feature_changes_open(store, NULL, &changes, E));
    for (;;) {
        well(feature_changes_next(changes, &record, E));
        if (!record.bytes)
            break;
        well(feature_changes_json(changes, record.bytes, (size_t)record.size,
                                  &json, E));
        count_changes(tally, json);
        feature_free(json);
    }
    feature_changes_free(changes);
    feature_store_close(store);
}

static void
read_letters(const struct cluster *cluster, struct tally *tally)
{
    static bool seen[PARTITIONS][RECORDS_MAX / BAD_EACH];
    FILE *file = fopen(cluster->letters, "r");
    uint64_t part, offset;
    char line[4096];

    memset(seen, 0, sizeof seen);
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, TOPIC "\t%" SCNu64 "\t%" SCNu64, &part, &offset) !=
                2 ||
            part >= PARTITIONS || offset >= RECORDS_MAX ||
            offset % BAD_EACH != BAD_EACH - 1) {
            tally->wrong++;
            continue;
        }
        tally->letters++;
        tally->twice += seen[part][offset / BAD_EACH];
        seen[part][offset / BAD_EACH] = true;
    }
    if (file)
        fclose(file);
}

struct tally
tally_store(const struct cluster *cluster)
{
    struct tally tally = {0};

    read_feed(cluster, &tally);
    read_letters(cluster, &tally);
    return tally;
}

static bool
has_all(const struct tally *tally, const uint64_t *made)
{
    uint64_t bad = 0;
    int64_t sum = 0;
    bool good = true;

    for (uint64_t part = 0; part < PARTITIONS; part++) {
        bad += made[part] / BAD_EACH;
        good = good && tally->rows[part] == good_of(made[part]);
        for (uint64_t i = 0; i < good_of(made[part]); i++)
            sum += amount_of(part, good_number(i));
    }
    return good && tally->letters == bad && tally->sum == sum;
}

bool
is_exact(const struct cluster *cluster)
{
    struct tally tally = tally_store(cluster);
    uint64_t made[PARTITIONS];

    for (uint64_t part = 0; part < PARTITIONS; part++)
        made[part] =
            (cluster->shared->made + PARTITIONS - 1 - part) / PARTITIONS;
    if (!tally.lost && !tally.twice && !tally.wrong && has_all(&tally, made))
        return true;
    fprintf(stderr,
            "lost=%" PRIu64 " twice=%" PRIu64 " wrong=%" PRIu64
            " letters=%" PRIu64 " sum=%" PRId64,
            tally.lost, tally.twice, tally.wrong, tally.letters, tally.sum);
    for (int part = 0; part < PARTITIONS; part++)
        fprintf(stderr, "; partition %d: %" PRIu64 " rows of %" PRIu64, part,
                tally.rows[part], good_of(made[part]));
    fputc('\n', stderr);
    return false;
}
