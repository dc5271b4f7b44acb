/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature history: the versions of one key's row.
 *
 * Owns the way from the command line to a stream of versions.
 * Keeps all of them of one snapshot.
 * Never writes: the store is opened read-only.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "tool.h"
#include "versions.h"

enum {
    OPTION_LAST = TOOL_OPTION,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_KNOWN_BY,
    OPTION_CSV
};

static const char history_help[] =
    "Usage: feature history STORE VIEW KEY=VALUE... [OPTION...]\n"
    "\n"
    "Lists what was written to a key of a view with the option history, "
    "newest\n"
    "first. VIEW is a feature view, or some of its features: 'view(a, b)'.\n"
    "\n"
    "  --last N          only the newest N versions\n"
    "  --since TIME      event timestamps from then on, as in "
    "2026-01-31T12:00:00Z\n"
    "  --until TIME      event timestamps up to then\n"
    "  --known-by TIME   what was committed by then\n"
    "  --json            one JSON object for each version\n"
    "  --csv             CSV\n"
    "\n"
    "Example: feature history ./store driver_stats driver_id=1001 --last 10\n";

struct history {
    const char *store;
    const char *view;
    char **pairs; /* key=value */
    int pair_count;
    int64_t known_by;
    struct feature_history_options options;
    enum answer_form form;
    feature_query *query;
    struct keys keys;
};

static feature_status
make_query(struct history *history, feature_store *store,
           struct feature_error *error)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .known_by = history->known_by};
    bool is_view = !strpbrk(history->view, ":(,");
    struct text text = {0};
    feature_status status;

    text_add(&text, "%s%s", history->view, is_view ? "(*)" : "");
    if (!text_end(&text)) {
        text_free(&text);
        *error = (struct feature_error){.message = "out of memory"};
        return FEATURE_NO_MEMORY;
    }
    status = feature_query_create(store, text.data, &options, &history->query,
                                  error);
    text_free(&text);
    return status;
}

static int
collect_keys(struct history *history)
{
    int code = keys_begin(&history->keys, history->query, history->view);

    for (int i = 0; !code && i < history->pair_count; i++)
        code = keys_take_pair(&history->keys, "history", history->pairs[i]);
    return code ? code : keys_check(&history->keys, "");
}

static feature_status
open_stream(const struct history *history,
            struct feature_history_report *report,
            struct ArrowArrayStream *stream, struct feature_error *error)
{
    uint32_t count = history->keys.count;
    struct feature_column *columns = calloc(count + 1u, sizeof *columns);
    feature_status status;

    if (!columns) {
        *error = (struct feature_error){.message = "out of memory"};
        return FEATURE_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct cell_column *from = &history->keys.columns[i];

        columns[i] = (struct feature_column){.values = from->values,
                                             .offsets = from->offsets,
                                             .validity = from->validity,
                                             .rows = 1,
                                             .type = from->type,
                                             .width = 1};
    }
    status = feature_query_history(history->query, columns, count,
                                   &history->options, report, stream, error);
    free(columns);
    return status;
}

static int
list_versions(struct history *history, feature_store *store)
{
    struct feature_history_report report = {.struct_size = sizeof report};
    struct ArrowArrayStream stream;
    struct feature_error error;
    int code;

    if (make_query(history, store, &error))
        return error.line
                   ? tool_refuse("in \"%s\": %s", history->view, error.message)
                   : tool_fail(&error);
    code = collect_keys(history);
    if (code)
        return code;
    if (open_stream(history, &report, &stream, &error))
        return tool_fail(&error);
    code = versions_print(&stream, history->query, &report, history->form);
    stream.release(&stream);
    return code;
}

static int
take_last(struct history *history, const char *command, const char *text)
{
    char *end;
    unsigned long count = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || !count || count > UINT32_MAX)
        return tool_misuse(command, "--last: \"%s\" is no number of versions",
                           text);
    history->options.last = (uint32_t)count;
    return TOOL_DONE;
}

static int
take_option(struct history *history, int code, char **argv)
{
    switch (code) {
    case OPTION_LAST:
        return take_last(history, argv[0], optarg);
    case OPTION_SINCE:
        return tool_read_time(argv[0], "--since", optarg,
                              &history->options.since);
    case OPTION_UNTIL:
        return tool_read_time(argv[0], "--until", optarg,
                              &history->options.until);
    case OPTION_KNOWN_BY:
        return tool_read_time(argv[0], "--known-by", optarg,
                              &history->known_by);
    case TOOL_OPTION_JSON:
    case OPTION_CSV:
        if (history->form != ANSWER_TABLE)
            return tool_misuse(argv[0], "one of --json and --csv will do");
        history->form = code == OPTION_CSV ? ANSWER_CSV : ANSWER_JSON;
        return TOOL_DONE;
    default:
        return tool_misuse_option(argv, code);
    }
}

int
history_run(int argc, char **argv)
{
    static const struct option list[] = {
        {"last", required_argument, NULL, OPTION_LAST},
        {"since", required_argument, NULL, OPTION_SINCE},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {"known-by", required_argument, NULL, OPTION_KNOWN_BY},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"csv", no_argument, NULL, OPTION_CSV},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct history history = {.options.struct_size = sizeof history.options};
    feature_store *store;
    int code, option;

    while ((option = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
        if (option == 'h')
            return tool_help(history_help);
        code = take_option(&history, option, argv);
        if (code)
            return code;
    }
    if (argc - optind < 2)
        return tool_misuse(argv[0], "a STORE and a VIEW are needed");
    history.store = argv[optind];
    history.view = argv[optind + 1];
    history.pairs = argv + optind + 2;
    history.pair_count = argc - optind - 2;
    store = tool_open_store(history.store, FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    code = list_versions(&history, store);
    feature_query_free(history.query);
    keys_free(&history.keys);
    feature_store_close(store);
    return code;
}
