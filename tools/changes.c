/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature changes and feature follow: the change feed, out of one store and
 * into another.
 *
 * Owns the frames between the two: the size of a record (u64, little-endian),
 * then the record.
 * Keeps a record whole: half of one is an error, never an end.
 * Never looks into a record.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "tool.h"

#define WAIT_MS 1000

static const char changes_help[] =
    "Usage: feature changes STORE [--since N] [--follow] [--json]\n"
    "                       [--consumer NAME [--claim SECONDS]]\n"
    "\n"
    "Prints the records of a store's change feed after sequence N (0), one for "
    "each\n"
    "commit: for `feature follow`, or as lines of JSON. STORE WITH (changes = "
    "'3 "
    "days')\n"
    "turns the feed on.\n"
    "\n"
    "  --since N         the records after this sequence\n"
    "  -f, --follow      wait for more at the end of the feed\n"
    "  --json            a line of JSON for each record\n"
    "  --consumer NAME   keep what NAME has not got; without --since, go on "
    "where he\n"
    "                    was\n"
    "  --claim SECONDS   how long to keep it for him (7 days)\n"
    "\n"
    "Example: feature changes ./a --since $(feature follow ./b --print-since) "
    "--follow |\n"
    "         feature follow ./b\n";

static const char follow_help[] =
    "Usage: feature follow STORE [--print-since | --promote]\n"
    "\n"
    "Applies the records of `feature changes` on standard input to STORE, "
    "which "
    "is made\n"
    "where there is none. It then holds what the leader holds, and refuses "
    "other "
    "writes\n"
    "until it is promoted.\n"
    "\n"
    "  --print-since  print the sequence STORE is at, and do nothing else\n"
    "  --promote      make STORE a leader, and print the new epoch\n"
    "\n"
    "Example: feature follow ./b <records\n";

enum {
    OPTION_SINCE = TOOL_OPTION,
    OPTION_CONSUMER,
    OPTION_CLAIM,
    OPTION_PRINT_SINCE,
    OPTION_PROMOTE
};

struct arguments {
    const char *store;
    struct feature_changes_options options;
    bool has_since;
    bool follow;
    bool json;
};

static int
read_number(const char *command, const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return tool_misuse(command, "\"%s\" is no number", text);
    return -1;
}

static int
read_claim(const char *command, const char *text, uint64_t *milliseconds)
{
    int code = read_number(command, text, milliseconds);

    if (code >= 0)
        return code;
    if (!*milliseconds || *milliseconds > UINT64_MAX / 1000)
        return tool_misuse(command, "\"%s\" is no number of seconds", text);
    *milliseconds *= 1000;
    return -1;
}

/* -1: go on; else the exit code. */
static int
take_option(char **argv, int code, struct arguments *arguments)
{
    switch (code) {
    case 'h':
        return tool_help(changes_help);
    case 'f':
        arguments->follow = true;
        return -1;
    case TOOL_OPTION_JSON:
        arguments->json = true;
        return -1;
    case OPTION_SINCE:
        arguments->has_since = true;
        return read_number(argv[0], optarg, &arguments->options.since);
    case OPTION_CONSUMER:
        arguments->options.consumer = optarg;
        return -1;
    case OPTION_CLAIM:
        return read_claim(argv[0], optarg, &arguments->options.claim_ms);
    default:
        return tool_misuse_option(argv, code);
    }
}

static int
read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"follow", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"since", required_argument, NULL, OPTION_SINCE},
        {"consumer", required_argument, NULL, OPTION_CONSUMER},
        {"claim", required_argument, NULL, OPTION_CLAIM},
        {NULL, 0, NULL, 0}};
    int code;

    arguments->options.struct_size = sizeof arguments->options;
    while ((code = getopt_long(argc, argv, ":hf", options, NULL)) != -1) {
        code = take_option(argv, code, arguments);
        if (code >= 0)
            return code;
    }
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    arguments->store = argv[optind];
    return -1;
}

static bool
print_json(feature_changes *changes, const struct feature_change_record *record)
{
    struct feature_error error;
    char *text;

    if (feature_changes_json(changes, record->bytes, (size_t)record->size,
                             &text, &error)) {
        tool_fail(&error);
        return false;
    }
    printf("%s\n", text);
    feature_free(text);
    return true;
}

static void
print_frame(const struct feature_change_record *record)
{
    uint8_t size[8];

    for (int i = 0; i < 8; i++)
        size[i] = (uint8_t)(record->size >> 8 * i);
    fwrite(size, 1, sizeof size, stdout);
    fwrite(record->bytes, 1, (size_t)record->size, stdout);
}

/* What was printed has left this process before it is acknowledged. */
static int
end_of_feed(feature_changes *changes, const struct arguments *arguments,
            uint64_t last)
{
    struct feature_error error;

    if (fflush(stdout) || ferror(stdout))
        return tool_finish();
    if (arguments->options.consumer && last &&
        feature_changes_acknowledge(changes, last, &error))
        return tool_fail(&error);
    if (!arguments->follow)
        return TOOL_DONE;
    if (feature_changes_wait(changes, WAIT_MS, &error))
        return tool_fail(&error);
    return -1;
}

static int
print_changes(feature_changes *changes, const struct arguments *arguments)
{
    struct feature_change_record record;
    struct feature_error error;
    uint64_t last = 0;
    int code = -1;

    while (code < 0) {
        if (feature_changes_next(changes, &record, &error)) {
            fflush(stdout);
            return tool_fail(&error);
        }
        if (!record.bytes) {
            code = end_of_feed(changes, arguments, last);
            last = 0;
            continue;
        }
        last = record.sequence;
        if (!arguments->json)
            print_frame(&record);
        else if (!print_json(changes, &record))
            return TOOL_REFUSED;
        if (ferror(stdout))
            return tool_finish();
    }
    return code;
}

/* A consumer that is new begins where --since says, at 0 by default. */
static int
open_changes(feature_store *store, struct arguments *arguments,
             feature_changes **changes)
{
    struct feature_changes_options *options = &arguments->options;
    struct feature_error error;
    feature_status status;

    if (options->consumer && !arguments->has_since)
        options->flags = FEATURE_CHANGES_RESUME;
    status = feature_changes_open(store, options, changes, &error);
    if (status == FEATURE_NOT_FOUND && options->flags &&
        !strcmp(error.reason, "name")) {
        options->flags = 0;
        status = feature_changes_open(store, options, changes, &error);
    }
    return status ? tool_fail(&error) : TOOL_DONE;
}

int
changes_run(int argc, char **argv)
{
    struct arguments arguments = {0};
    feature_changes *changes = NULL;
    feature_store *store;
    int code = read_arguments(argc, argv, &arguments);

    if (code >= 0)
        return code;
    store = tool_open_store(
        arguments.store,
        arguments.options.consumer ? 0 : FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    code = open_changes(store, &arguments, &changes);
    if (!code)
        code = print_changes(changes, &arguments);
    feature_changes_free(changes);
    feature_store_close(store);
    return code;
}

static int
follow_input(feature_store *store)
{
    struct record record = {0};
    struct feature_error error;
    enum record_read read;
    int code = TOOL_DONE;

    while (!code && (read = record_read(stdin, &record)) != RECORD_END) {
        if (read == RECORD_HALF)
            code = tool_refuse("standard input ends within a change record, or "
                               "holds no change records");
        else if (read == RECORD_FAILED)
            code = TOOL_REFUSED;
        else if (feature_store_follow(store, record.bytes, (size_t)record.size,
                                      NULL, &error))
            code = tool_fail(&error);
    }
    record_free(&record);
    return code;
}

static int
print_since(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error;

    if (feature_store_stats(store, &stats, &error))
        return tool_fail(&error);
    printf("%" PRIu64 "\n", stats.sequence);
    return tool_finish();
}

static int
promote(feature_store *store)
{
    struct feature_error error;
    uint64_t epoch;

    if (feature_store_promote(store, &epoch, &error))
        return tool_fail(&error);
    printf("%" PRIu64 "\n", epoch);
    return tool_finish();
}

int
follow_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"print-since", no_argument, NULL, OPTION_PRINT_SINCE},
        {"promote", no_argument, NULL, OPTION_PROMOTE},
        {NULL, 0, NULL, 0}};
    feature_store *store;
    int code, what = 0;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(follow_help);
        if (code == '?' || code == ':')
            return tool_misuse_option(argv, code);
        what = code;
    }
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    store = tool_open_store(
        argv[optind], what == OPTION_PROMOTE ? 0 : FEATURE_OPEN_CREATE, 0);
    if (!store)
        return TOOL_REFUSED;
    if (what == OPTION_PRINT_SINCE)
        code = print_since(store);
    else if (what == OPTION_PROMOTE)
        code = promote(store);
    else
        code = follow_input(store);
    feature_store_close(store);
    return code;
}
