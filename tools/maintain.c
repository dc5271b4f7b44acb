/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature maintain: upkeep that is due.
 *
 * Owns the budget on the command line and the words of the report.
 * Keeps to steps of the library: an interrupted run is gone on with by the next.
 * Never counts a step twice.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define SLICE_US 200000 /* between two lines of progress */

static const char help[] =
    "Usage: feature maintain STORE [--budget TIME] [--all] [--json]\n"
    "\n"
    "Removes rows past their ttl, old deletes, versions that history need not\n"
    "keep, and old change records, as far as that is due. Others may go on\n"
    "reading and writing.\n"
    "\n"
    "  --budget TIME  begin no further step after TIME: 100ms, 30s, 5m\n"
    "  --all          look through all views, due or not\n"
    "  --json         as one JSON object\n"
    "  --clock TIME   set the clock, for tests\n"
    "\n"
    "Example: feature maintain ./store --budget 10s\n";

enum { OPTION_BUDGET = TOOL_OPTION, OPTION_ALL };

struct arguments {
    const char *store;
    bool all, json;
    uint64_t budget_us;
    int64_t clock;
};

static int
read_budget(const char *command, const char *text, uint64_t *budget)
{
    static const struct {
        const char *unit;
        uint64_t size;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}};
    uint64_t number;
    char *end;

    if (*text < '0' || *text > '9')
        return tool_misuse(command, "\"%s\" is no time", text);
    number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(end, units[i].unit) && number &&
            number <= UINT64_MAX / units[i].size) {
            *budget = number * units[i].size;
            return -1;
        }
    return tool_misuse(command, "\"%s\" is no time such as 100ms", text);
}

/* -1: go on; else the exit code. */
static int
read_option(int code, char **argv, struct arguments *arguments)
{
    switch (code) {
    case 'h':
        return tool_help(help);
    case OPTION_ALL:
        arguments->all = true;
        return -1;
    case TOOL_OPTION_JSON:
        arguments->json = true;
        return -1;
    case OPTION_BUDGET:
        return read_budget(argv[0], optarg, &arguments->budget_us);
    case TOOL_OPTION_CLOCK:
        code = tool_read_time(argv[0], "--clock", optarg, &arguments->clock);
        return code ? code : -1;
    default:
        return tool_misuse_option(argv, code);
    }
}

static int
read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"all", no_argument, NULL, OPTION_ALL},
        {"budget", required_argument, NULL, OPTION_BUDGET},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {NULL, 0, NULL, 0}};
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        code = read_option(code, argv, arguments);
        if (code >= 0)
            return code;
    }
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    arguments->store = argv[optind];
    return -1;
}

static void
add_up(struct feature_maintain_report *sum,
       const struct feature_maintain_report *report)
{
    sum->rows_expired += report->rows_expired;
    sum->tombstones_removed += report->tombstones_removed;
    sum->versions_dropped += report->versions_dropped;
    sum->versions_packed += report->versions_packed;
    sum->segments_dropped += report->segments_dropped;
    sum->rows_seen += report->rows_seen;
    sum->commits += report->commits;
    sum->passes_left = report->passes_left;
    sum->sequence = report->sequence;
}

static void
show_progress(const struct feature_maintain_report *sum)
{
    fprintf(stderr,
            "\r%" PRIu64 " rows looked at, %" PRIu64 " expired, %" PRIu64
            " versions dropped, %" PRIu64 " passes left ",
            sum->rows_seen, sum->rows_expired, sum->versions_dropped,
            sum->passes_left);
    fflush(stderr);
}

/* Slices, where somebody looks on; one call begins all passes of --all. */
static feature_status
run(feature_store *store, const struct arguments *arguments,
    struct feature_maintain_report *sum, struct feature_error *error)
{
    struct feature_maintain_options options = {.struct_size = sizeof options};
    bool has_slices = isatty(STDERR_FILENO) && !arguments->all;
    int64_t begun = tool_steady_clock();

    options.flags = arguments->all ? FEATURE_MAINTAIN_ALL : 0;
    for (;;) {
        struct feature_maintain_report report = {.struct_size = sizeof report};
        uint64_t used = (uint64_t)(tool_steady_clock() - begun);
        uint64_t left = arguments->budget_us > used
                            ? arguments->budget_us - used
                            : (arguments->budget_us ? 1 : SLICE_US);
        feature_status status;

        options.budget_us = has_slices && left > SLICE_US ? SLICE_US : left;
        if (!has_slices && !arguments->budget_us)
            options.budget_us = 0;
        status = feature_store_maintain(store, &options, &report, error);
        if (status)
            return status;
        add_up(sum, &report);
        if (has_slices)
            show_progress(sum);
        if (!has_slices || !report.passes_left ||
            (arguments->budget_us && used >= arguments->budget_us))
            break;
    }
    if (has_slices)
        fputc('\n', stderr);
    return FEATURE_OK;
}

static void
print_report(const struct arguments *arguments,
             const struct feature_maintain_report *sum)
{
    printf(
        arguments->json
            ? "{\"rows_expired\":%" PRIu64 ",\"tombstones_removed\":%" PRIu64
              ",\"versions_dropped\":%" PRIu64 ",\"versions_packed\":%" PRIu64
              ",\"segments_dropped\":%" PRIu64 ",\"rows_seen\":%" PRIu64
              ",\"commits\":%" PRIu64 ",\"passes_left\":%" PRIu64
              ",\"sequence\":%" PRIu64 "}\n"
            : "rows expired        %" PRIu64 "\ntombstones removed  %" PRIu64
              "\nversions dropped    %" PRIu64 "\nversions packed     %" PRIu64
              "\nsegments dropped    %" PRIu64 "\nrows looked at      %" PRIu64
              "\ncommits             %" PRIu64 "\npasses left         %" PRIu64
              "\nsequence            %" PRIu64 "\n",
        sum->rows_expired, sum->tombstones_removed, sum->versions_dropped,
        sum->versions_packed, sum->segments_dropped, sum->rows_seen,
        sum->commits, sum->passes_left, sum->sequence);
}

int
maintain_run(int argc, char **argv)
{
    struct feature_maintain_report sum = {0};
    struct arguments arguments = {0};
    struct feature_error error;
    feature_store *store;
    feature_status status;
    int code = read_arguments(argc, argv, &arguments);

    if (code >= 0)
        return code;
    store = tool_open_store(arguments.store, 0, arguments.clock);
    if (!store)
        return TOOL_REFUSED;
    status = run(store, &arguments, &sum, &error);
    feature_store_close(store);
    if (status)
        return tool_fail(&error);
    print_report(&arguments, &sum);
    return tool_finish();
}
