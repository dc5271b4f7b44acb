/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature verify: whether a store is whole.
 *
 * Owns the words and the exit codes of the answer.
 * Keeps the findings of the library as they are.
 * Never opens the store itself: a damaged one may not open.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static const char help[] =
    "Usage: feature verify STORE [--json] [--quiet] [--lines N]\n"
    "\n"
    "Checks every page of a store's file, every row, the records of its views "
    "and\n"
    "its definitions. Writes nothing; others may go on writing. Exit codes: 0 "
    "good,\n"
    "1 damaged, 2 could not run.\n"
    "\n"
    "  --json       as one JSON object\n"
    "  -q, --quiet  print nothing on standard output\n"
    "  --lines N    tell the first N findings (100)\n"
    "\n"
    "Example: feature verify ./store\n";

enum { OPTION_LINES = TOOL_OPTION };

enum verify_exit { VERIFY_GOOD = 0, VERIFY_DAMAGED = 1, VERIFY_NOT_RUN = 2 };

struct arguments {
    const char *store;
    bool json;
    bool quiet;
    uint64_t lines;
};

struct number {
    const char *name;
    uint64_t value;
};

static int
read_lines(const char *command, const char *text, uint64_t *lines)
{
    char *end;

    if (*text < '0' || *text > '9')
        return tool_misuse(command, "\"%s\" is no number of lines", text);
    *lines = strtoull(text, &end, 10);
    if (*end || !*lines)
        return tool_misuse(command, "\"%s\" is no number of lines", text);
    return -1;
}

/* -1: go on; else the exit code. */
static int
read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"quiet", no_argument, NULL, 'q'},
        {"lines", required_argument, NULL, OPTION_LINES},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {NULL, 0, NULL, 0}};
    int code;

    while ((code = getopt_long(argc, argv, ":hq", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(help);
        if (code == 'q') {
            arguments->quiet = true;
        } else if (code == TOOL_OPTION_JSON) {
            arguments->json = true;
        } else if (code == OPTION_LINES) {
            code = read_lines(argv[0], optarg, &arguments->lines);
            if (code >= 0)
                return code;
        } else {
            return tool_misuse_option(argv, code);
        }
    }
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    arguments->store = argv[optind];
    return -1;
}

/* Lines of JSON as the elements of a list. */
static void
print_findings(const char *findings)
{
    const char *line = findings, *end;

    printf(",\"findings\":[");
    for (; (end = strchr(line, '\n')); line = end + 1)
        printf("%s%.*s", line == findings ? "" : ",", (int)(end - line), line);
    printf("]}\n");
}

static void
print_json(const struct feature_verify_report *report, const char *findings)
{
    const struct number numbers[] = {
        {"found", report->findings},
        {"file_findings", report->file_findings},
        {"page_findings", report->page_findings},
        {"order_findings", report->order_findings},
        {"count_findings", report->count_findings},
        {"row_findings", report->row_findings},
        {"view_findings", report->view_findings},
        {"catalog_findings", report->catalog_findings},
        {"store_findings", report->store_findings},
        {"transaction", report->transaction},
        {"sequence", report->sequence},
        {"file_size", report->file_size},
        {"page_size", report->page_size},
        {"used_pages", report->used_pages},
        {"free_pages", report->free_pages},
        {"lost_pages", report->lost_pages},
        {"trees", report->trees},
        {"rows", report->rows},
        {"tombstones", report->tombstones},
    };

    printf("{\"good\":%s,\"held\":%s", report->findings ? "false" : "true",
           report->flags & FEATURE_VERIFIED_HELD ? "true" : "false");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        printf(",\"%s\":%" PRIu64, numbers[i].name, numbers[i].value);
    print_findings(findings);
}

static void
print_text(const char *store, const struct feature_verify_report *report,
           const char *findings)
{
    fputs(findings, stdout);
    printf("%s: %s: commit %" PRIu64 ", %" PRIu64 " trees, %" PRIu64
           " rows and %" PRIu64 " tombstones in %" PRIu64 " pages of %" PRIu64
           " bytes; %" PRIu64 " free, %" PRIu64 " lost\n",
           store, report->findings ? "damaged" : "good", report->sequence,
           report->trees, report->rows, report->tombstones, report->used_pages,
           report->page_size, report->free_pages, report->lost_pages);
    if (report->findings)
        printf("%" PRIu64 " findings: restore a snapshot, or load the store "
               "anew; keep this copy until that is done\n",
               report->findings);
    if (!(report->flags & FEATURE_VERIFIED_HELD))
        printf("the store could not be opened: the file was read as it lies "
               "there\n");
}

int
verify_run(int argc, char **argv)
{
    struct feature_verify_options options = {.struct_size = sizeof options};
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct arguments arguments = {0};
    struct feature_error error;
    char *findings = NULL;
    int code = read_arguments(argc, argv, &arguments);

    if (code >= 0)
        return code;
    options.flags = arguments.json ? FEATURE_VERIFY_JSON : 0;
    options.max_lines = arguments.lines;
    if (feature_store_verify(arguments.store, &options, &report, &findings,
                             &error)) {
        tool_fail(&error);
        return VERIFY_NOT_RUN;
    }
    if (!arguments.quiet && arguments.json)
        print_json(&report, findings);
    else if (!arguments.quiet)
        print_text(arguments.store, &report, findings);
    feature_free(findings);
    if (tool_finish() != TOOL_DONE)
        return VERIFY_NOT_RUN;
    return report.findings ? VERIFY_DAMAGED : VERIFY_GOOD;
}
