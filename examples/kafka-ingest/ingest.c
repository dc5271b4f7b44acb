/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kafka topic into a feature view, each record exactly once.
 *
 *     cc *.c -o kafka-ingest $(pkg-config --cflags --libs libfeature rdkafka) -lm
 *     ./kafka-ingest --store my.store --view airport_traffic \
 *         --topic traffic --brokers localhost:9092
 *
 * README.md beside this file explains it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest.h"

volatile sig_atomic_t stop_asked;

static void
ask_to_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

static void
print_line(const char *format, va_list arguments)
{
    fputs("kafka-ingest: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void
say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

void
fail(struct ingest *ingest, const char *format, ...)
{
    va_list arguments;

    ingest->failed = true;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
open_store(struct ingest *ingest)
{
    const struct settings *settings = &ingest->settings;
    struct feature_error error;
    feature_batch *batch;
    char reason[REASON_SIZE];

    if (feature_store_open(settings->store, NULL, &ingest->store, &error) ||
        feature_batch_create(ingest->store, settings->view, settings->columns,
                             settings->operation, &batch, &error)) {
        fail(ingest, "%s: %s", settings->store, error.message);
        return false;
    }
    if (!rows_begin(&ingest->rows, batch, settings->batch, reason))
        fail(ingest, "%s", reason);
    return !ingest->failed;
}

static bool
begin(struct ingest *ingest)
{
    const struct settings *settings = &ingest->settings;

    ingest->partitions = calloc(PARTITIONS_MAX, sizeof *ingest->partitions);
    ingest->records = calloc(settings->batch, sizeof *ingest->records);
    if (!ingest->partitions || !ingest->records) {
        fail(ingest, "no memory");
        return false;
    }
    if (settings->dead_letters) {
        ingest->letters = letters_open(settings->dead_letters, settings->topic);
        if (!ingest->letters)
            return false;
    }
    return open_store(ingest) && consume_begin(ingest);
}

static void
end(struct ingest *ingest)
{
    consume_end(ingest);
    drop_records(ingest);
    rows_end(&ingest->rows);
    feature_store_close(ingest->store);
    letters_close(ingest->letters);
    free(ingest->partitions);
    free(ingest->records);
}

/* Records for one commit: as many as there may be, or as come in time. */
static void
gather(struct ingest *ingest)
{
    const struct settings *settings = &ingest->settings;
    int64_t limit = 0;
    int wait = 200;

    while (!stop_asked && !ingest->failed && wait > 0 &&
           ingest->record_count < settings->batch) {
        uint32_t had = ingest->record_count;

        consume_next(ingest, wait);
        if (settings->until_end && all_at_end(ingest))
            return;
        if (!ingest->record_count)
            return;
        if (!had)
            limit = now_ms() + settings->linger_ms;
        wait = (int)(limit - now_ms());
    }
}

static void
run(struct ingest *ingest)
{
    int64_t report = now_ms();
    bool is_done = false;

    while (!stop_asked && !ingest->failed && !is_done) {
        gather(ingest);
        if (ingest->record_count && !ingest->failed)
            commit_records(ingest);
        is_done = ingest->settings.until_end && !ingest->record_count &&
                  all_at_end(ingest);
        if (now_ms() - report >= ingest->settings.report_s * 1000) {
            print_lag(ingest);
            report = now_ms();
        }
    }
    print_lag(ingest);
}

int
main(int argc, char **argv)
{
    struct ingest ingest = {0};
    const struct totals *totals = &ingest.totals;
    const struct sigaction action = {.sa_handler = ask_to_stop};
    bool good;

    if (!read_settings(&ingest.settings, argc, argv))
        return 2;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    good = begin(&ingest);
    if (good)
        run(&ingest);
    good = good && !ingest.failed;
    end(&ingest);
    printf("commits=%" PRIu64 " applied=%" PRIu64 " late=%" PRIu64
           " duplicate=%" PRIu64 " future=%" PRIu64 " dead=%" PRIu64
           " lost=%" PRIu64 " gaps=%" PRIu64 " fenced=%" PRIu64 "\n",
           totals->commits, totals->applied, totals->late, totals->duplicate,
           totals->future, totals->dead, totals->lost, totals->gaps,
           totals->fenced);
    return good ? 0 : 1;
}
