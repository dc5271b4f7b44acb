/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature loads, feature rollback.
 *
 * Owns the words for what became of a load.
 * Keeps to what the library says of it.
 * Never guesses which version serves.
 */
#include "loaded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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
    "Usage: feature rollback STORE VIEW [--to ID | --to-version N] "
    "[--as-it-was]\n"
    "                        [--json]\n"
    "\n"
    "Goes back to a version of a view that is kept, with what was written to "
    "the\n"
    "view since, in one commit: to the one that was replaced last, unless ID "
    "or N\n"
    "says otherwise. The version that served is kept, so that a second time "
    "undoes\n"
    "the first.\n"
    "\n"
    "  --to ID        to the version of that load; `feature loads` has them\n"
    "  --to-version N to that version\n"
    "  --as-it-was    without what was written since: that is lost\n"
    "  --json         as one JSON object\n"
    "  --clock TIME   take TIME for now (for tests)\n"
    "\n"
    "Example: feature rollback ./store driver_stats --to nightly/2026-01-01\n";

enum {
    OPTION_DISCARD = TOOL_OPTION,
    OPTION_ID,
    OPTION_AS_IT_WAS,
    OPTION_TO,
    OPTION_TO_VERSION
};

struct arguments {
    const char *store;
    const char *view;
    const char *id;
    uint32_t version;
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

static int
read_version(const char *command, uint32_t *version)
{
    unsigned long long number;
    char *end;

    errno = 0;
    number = strtoull(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end || errno || !number ||
        number > UINT32_MAX)
        return tool_misuse(command, "--to-version takes a version, from 1 on");
    *version = (uint32_t)number;
    return 0;
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
    case OPTION_TO:
        arguments->id = optarg;
        return -1;
    case OPTION_TO_VERSION:
        code = read_version(argv[0], &arguments->version);
        return code ? code : -1;
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

static void
add_place(struct text *text, const struct arguments *arguments)
{
    text_add(text, "%s went back to ", arguments->view);
    if (arguments->id)
        text_add(text, "the version of load %s\n", arguments->id);
    else if (arguments->version)
        text_add(text, "version %" PRIu32 "\n", arguments->version);
    else
        text_add(text, "the version before\n");
}

static int
roll_back(feature_store *store, const struct arguments *arguments)
{
    struct feature_rollback_options options = {
        .struct_size = sizeof options,
        .flags = arguments->as_it_was ? FEATURE_ROLLBACK_AS_IT_WAS : 0,
        .version = arguments->version,
        .id = arguments->id};
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
        add_place(&text, arguments);
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
        {"to", required_argument, NULL, OPTION_TO},
        {"to-version", required_argument, NULL, OPTION_TO_VERSION},
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
    if (arguments.id && arguments.version)
        return tool_misuse(argv[0], "--to and --to-version exclude each other");
    store = tool_open_store(arguments.store, 0, arguments.clock);
    if (!store)
        return TOOL_REFUSED;
    code = roll_back(store, &arguments);
    feature_store_close(store);
    return code;
}
