/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature loads, feature rollback.
 *
 * Owns the words for what became of a load.
 * Keeps to what the library says of it.
 * Never guesses which version serves.
 */
#include "loaded.h"

#include <inttypes.h>
#include <string.h>

static const char loads_help[] =
    "Usage: feature loads STORE [VIEW] [--discard [--id ID]]\n"
    "\n"
    "Lists the loads of whole versions, the newest first, a line of JSON "
    "each.\n"
    "One that is `interrupted` was left by a process that ended: the version "
    "that\n"
    "it built serves nobody.\n"
    "\n"
    "  --discard      remove what interrupted loads of VIEW have left\n"
    "  --id ID        only the one of that id\n"
    "  --clock TIME   take TIME for now (for tests)\n"
    "\n"
    "Example: feature loads ./store driver_stats\n";

static const char rollback_help[] =
    "Usage: feature rollback STORE VIEW [--as-it-was] [--json]\n"
    "\n"
    "Goes back to the version of a view that the last load replaced, with what "
    "was\n"
    "written to the view since, in one commit. A second time undoes the "
    "first.\n"
    "\n"
    "  --as-it-was    without what was written since: that is lost\n"
    "  --json         as one JSON object\n"
    "  --clock TIME   take TIME for now (for tests)\n"
    "\n"
    "Example: feature rollback ./store driver_stats\n";

enum { OPTION_DISCARD = TOOL_OPTION, OPTION_ID, OPTION_AS_IT_WAS };

struct arguments {
    const char *store;
    const char *view;
    const char *id;
    bool discard, as_it_was, json;
    int64_t clock;
};

/* --- what a report says -------------------------------------------------------- */

static void
add_count(struct text *text, const char *label, uint64_t count,
          const char *note)
{
    struct text digits = {0};

    text_add_count(&digits, count);
    text_add(text, "  %-9s %12s  %s\n", label,
             text_end(&digits) ? digits.data : "?", note);
    text_free(&digits);
}

void
loaded_add_lines(struct text *text, const struct feature_load_report *report)
{
    add_count(text, "commit", report->sequence, "swapped the versions");
    add_count(text, "cut", report->cut,
              "commit that the rows are the truth at");
    add_count(text, "caught up", report->caught_up,
              "changes were written since, and are in it");
    add_count(text, "swap", report->swap_us,
              "microseconds in which nobody else could write");
    if (report->gates)
        add_count(text, "checks", report->gates,
                  report->flags & FEATURE_LOADED_FORCED ? "NOT ALL HOLD"
                                                        : "all hold");
}

void
loaded_add_json(struct text *text, const char *view,
                const struct feature_load_report *report)
{
    text_add(text, "{\"view\":");
    text_add_json(text, view, strlen(view));
    text_add(text,
             ",\"number\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64
             ",\"sequence\":%" PRIu64 ",\"time\":%" PRId64 ",\"cut\":%" PRIu64
             ",\"caught_up\":%" PRIu64 ",\"swap_us\":%" PRIu64
             ",\"checks\":%" PRIu64 ",\"checks_failed\":%" PRIu64
             ",\"duplicate\":%s,\"forced\":%s}\n",
             report->number, report->rows, report->bytes, report->sequence,
             report->time, report->cut, report->caught_up, report->swap_us,
             report->gates, report->gates_failed,
             report->flags & FEATURE_LOADED_DUPLICATE ? "true" : "false",
             report->flags & FEATURE_LOADED_FORCED ? "true" : "false");
}

/* --- the command lines ---------------------------------------------------------- */

/* -1: go on; else the exit code. */
static int
read_option(int code, char **argv, const char *help,
            struct arguments *arguments)
{
    switch (code) {
    case 'h':
        return tool_help(help);
    case OPTION_DISCARD:
        arguments->discard = true;
        return -1;
    case OPTION_ID:
        arguments->id = optarg;
        return -1;
    case OPTION_AS_IT_WAS:
        arguments->as_it_was = true;
        return -1;
    case TOOL_OPTION_JSON:
        arguments->json = true;
        return -1;
    case TOOL_OPTION_CLOCK:
        code = tool_read_time(argv[0], "--clock", optarg, &arguments->clock);
        return code ? code : -1;
    default:
        return tool_misuse_option(argv, code);
    }
}

static int
read_arguments(int argc, char **argv, const struct option *options,
               const char *help, struct arguments *arguments)
{
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        code = read_option(code, argv, help, arguments);
        if (code >= 0)
            return code;
    }
    if (argc - optind < 1 || argc - optind > 2)
        return tool_misuse(argv[0], "STORE and VIEW are needed");
    arguments->store = argv[optind];
    arguments->view = argv[optind + 1]; /* NULL behind the last */
    return -1;
}

static int
discard(feature_store *store, const struct arguments *arguments)
{
    struct feature_error error;

    if (feature_store_discard_load(store, arguments->view, arguments->id,
                                   &error))
        return tool_fail(&error);
    printf("removed what %s%s of %s had left\n",
           arguments->id ? "load " : "interrupted loads",
           arguments->id ? arguments->id : "", arguments->view);
    return tool_finish();
}

static int
list(feature_store *store, const struct arguments *arguments)
{
    struct feature_error error;
    char *text;

    if (feature_store_loads(store, arguments->view, &text, &error))
        return tool_fail(&error);
    fputs(text, stdout);
    feature_free(text);
    return tool_finish();
}

int
loads_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"discard", no_argument, NULL, OPTION_DISCARD},
        {"id", required_argument, NULL, OPTION_ID},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {NULL, 0, NULL, 0}};
    struct arguments arguments = {0};
    feature_store *store;
    int code = read_arguments(argc, argv, options, loads_help, &arguments);

    if (code >= 0)
        return code;
    if (arguments.id && !arguments.discard)
        return tool_misuse(argv[0], "--id is for --discard");
    if (arguments.discard && !arguments.view)
        return tool_misuse(argv[0], "--discard needs a VIEW");
    store = tool_open_store(arguments.store,
                            arguments.discard ? 0 : FEATURE_OPEN_READ_ONLY,
                            arguments.clock);
    if (!store)
        return TOOL_REFUSED;
    code = arguments.discard ? discard(store, &arguments)
                             : list(store, &arguments);
    feature_store_close(store);
    return code;
}

static int
roll_back(feature_store *store, const struct arguments *arguments)
{
    struct feature_rollback_options options = {
        .struct_size = sizeof options,
        .flags = arguments->as_it_was ? FEATURE_ROLLBACK_AS_IT_WAS : 0};
    struct feature_load_report report = {.struct_size = sizeof report};
    struct feature_error error;
    struct text text = {0};

    if (feature_store_rollback(store, arguments->view, &options, &report,
                               &error)) {
        tool_fail(&error);
        return tool_refuse("%s is as it was", arguments->view);
    }
    if (arguments->json) {
        loaded_add_json(&text, arguments->view, &report);
    } else {
        text_add(&text, "%s is at the version of load %" PRIu64 " again\n",
                 arguments->view, report.number);
        loaded_add_lines(&text, &report);
    }
    fputs(text_end(&text) ? text.data : "", stdout);
    text_free(&text);
    return tool_finish();
}

int
rollback_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"as-it-was", no_argument, NULL, OPTION_AS_IT_WAS},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {NULL, 0, NULL, 0}};
    struct arguments arguments = {0};
    feature_store *store;
    int code = read_arguments(argc, argv, options, rollback_help, &arguments);

    if (code >= 0)
        return code;
    if (!arguments.view)
        return tool_misuse(argv[0], "STORE and VIEW are needed");
    store = tool_open_store(arguments.store, 0, arguments.clock);
    if (!store)
        return TOOL_REFUSED;
    code = roll_back(store, &arguments);
    feature_store_close(store);
    return code;
}
