/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature check: the quality rules of a store's views.
 *
 * Owns the exit codes of the answer.
 * Keeps the lines of the library as they are.
 * Never writes to the store.
 */
#include "tool.h"

static const char help[] =
    "Usage: feature check STORE [VIEW] [--quiet]\n"
    "\n"
    "Judges the quality rules of a feature view, or of all: WITH (check = "
    "'...').\n"
    "Prints one JSON object a rule and line. Exit codes: 0 all of them hold, 1 "
    "one does\n"
    "not, 2 could not run.\n"
    "\n"
    "  -q, --quiet   print nothing on standard output\n"
    "  --clock TIME  the time that ages are counted to, for tests\n"
    "\n"
    "Example: feature check ./store driver_stats\n";

enum check_exit { CHECK_HOLDS = 0, CHECK_FAILS = 1, CHECK_NOT_RUN = 2 };

struct arguments {
    const char *store;
    const char *view; /* NULL: all */
    bool quiet;
    int64_t clock;
};

/* -1: go on; else the exit code. */
static int
read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"quiet", no_argument, NULL, 'q'},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {NULL, 0, NULL, 0}};
    int code;

    while ((code = getopt_long(argc, argv, ":hq", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(help);
        if (code == 'q') {
            arguments->quiet = true;
        } else if (code == TOOL_OPTION_CLOCK) {
            code =
                tool_read_time(argv[0], "--clock", optarg, &arguments->clock);
            if (code)
                return code;
        } else {
            return tool_misuse_option(argv, code);
        }
    }
    if (argc - optind != 1 && argc - optind != 2)
        return tool_misuse(argv[0],
                           "one STORE is needed, and a VIEW may follow");
    arguments->store = argv[optind];
    arguments->view = argc - optind == 2 ? argv[optind + 1] : NULL;
    return -1;
}

int
check_run(int argc, char **argv)
{
    struct feature_check_report report = {.struct_size = sizeof report};
    struct arguments arguments = {0};
    struct feature_error error;
    feature_store *store;
    feature_status status;
    char *text = NULL;
    int code = read_arguments(argc, argv, &arguments);

    if (code >= 0)
        return code;
    store = tool_open_store(arguments.store, FEATURE_OPEN_READ_ONLY,
                            arguments.clock);
    if (!store)
        return CHECK_NOT_RUN;
    status = feature_store_check(store, arguments.view, &report, &text, &error);
    if (status)
        tool_fail(&error);
    else if (!arguments.quiet)
        fputs(text, stdout);
    feature_free(text);
    feature_store_close(store);
    if (tool_finish() != TOOL_DONE || status)
        return CHECK_NOT_RUN;
    return report.failed ? CHECK_FAILS : CHECK_HOLDS;
}
