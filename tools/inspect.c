/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature describe, stats, metrics: what a store says of itself.
 *
 * Owns the labels and the order of the numbers.
 * Keeps the texts of the library as they are.
 * Never writes: stores are opened read-only.
 */
#include <inttypes.h>
#include <string.h>

#include "moment.h"
#include "tool.h"

static const char describe_help[] =
    "Usage: feature describe STORE [NAME]\n"
    "\n"
    "Prints the definitions a store holds, or those of one entity, feature "
    "view\n"
    "or feature service. Applied back, they change nothing.\n"
    "\n"
    "Example: feature describe ./store driver_stats\n";

static const char stats_help[] = "Usage: feature stats STORE [--json]\n"
                                 "\n"
                                 "Prints the state of a store in numbers.\n"
                                 "\n"
                                 "  --json   as one JSON object\n"
                                 "\n"
                                 "Example: feature stats ./store\n";

static const char metrics_help[] =
    "Usage: feature metrics STORE\n"
    "\n"
    "Prints the state of a store, and of each view, as OpenMetrics text.\n"
    "\n"
    "Example: feature metrics ./store > /var/lib/node_exporter/features.prom\n";

/* Reads the options of a command that takes --help, and --json where json is
 * not NULL. -1: go on with the arguments from optind; else the exit code. */
static int
read_options(int argc, char **argv, const char *help, bool *json)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {NULL, 0, NULL, 0}};
    int code;

    while ((code = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(help);
        if (code != TOOL_OPTION_JSON)
            return tool_misuse_option(argv, code);
        if (!json)
            return tool_misuse(argv[0], "there is no option --json");
        *json = true;
    }
    return -1;
}

static int
print_text(char *text)
{
    fputs(text, stdout);
    feature_free(text);
    return tool_finish();
}

int
describe_run(int argc, char **argv)
{
    int code = read_options(argc, argv, describe_help, NULL);
    struct feature_error error;
    feature_store *store;
    char *text = NULL;

    if (code >= 0)
        return code;
    if (argc - optind < 1 || argc - optind > 2)
        return tool_misuse(argv[0], "a STORE and at most one NAME are needed");
    store = tool_open_store(argv[optind], FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    if (feature_store_describe(store, argv[optind + 1], &text, &error))
        code = tool_fail(&error);
    else
        code = print_text(text);
    feature_store_close(store);
    return code;
}

int
metrics_run(int argc, char **argv)
{
    int code = read_options(argc, argv, metrics_help, NULL);
    struct feature_error error;
    feature_store *store;
    char *text = NULL;

    if (code >= 0)
        return code;
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    store = tool_open_store(argv[optind], FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    if (feature_store_metrics(store, &text, &error))
        code = tool_fail(&error);
    else
        code = print_text(text);
    feature_store_close(store);
    return code;
}

struct number {
    const char *name;
    uint64_t value;
};

static void
print_numbers(const struct number *numbers, size_t count,
              const char *commit_time)
{
    struct text line = {0};

    printf("%-16s  %s\n", "commit time", commit_time);
    for (size_t i = 0; i < count; i++) {
        char name[32];

        snprintf(name, sizeof name, "%s", numbers[i].name);
        for (char *c = name; *c; c++)
            *c = *c == '_' ? ' ' : *c;
        text_clear(&line);
        text_add_count(&line, numbers[i].value);
        printf("%-16s  %s\n", name, text_end(&line) ? line.data : "?");
    }
    text_free(&line);
}

static void
print_json(const struct number *numbers, size_t count, const char *commit_time)
{
    printf("{\"commit_time\":\"%s\"", commit_time);
    for (size_t i = 0; i < count; i++)
        printf(",\"%s\":%" PRIu64, numbers[i].name, numbers[i].value);
    printf("}\n");
}

static int
print_stats(const struct feature_stats *stats, bool json)
{
    const struct number numbers[] = {
        {"sequence", stats->sequence},
        {"catalog_version", stats->catalog_version},
        {"entities", stats->entities},
        {"views", stats->views},
        {"services", stats->services},
        {"rows", stats->rows},
        {"tombstones", stats->tombstones},
        {"applied", stats->applied},
        {"late", stats->late},
        {"file_size", stats->file_size},
        {"used_size", stats->used_size},
        {"map_size", stats->map_size},
        {"map_fallback", !!(stats->flags & FEATURE_STATS_MAP_FALLBACK)},
        {"durable", !!(stats->flags & FEATURE_STATS_DURABLE)},
        {"transaction", stats->transaction},
        {"readers", stats->readers},
        {"max_readers", stats->max_readers},
        {"lmdb_version", stats->lmdb_version},
        {"active_readers", stats->active_readers},
        {"reader_lag", stats->oldest_reader_lag},
        {"oldest_reader", (uint32_t)stats->oldest_reader_pid},
        {"free_pages", stats->free_pages},
        {"page_size", stats->page_size},
        {"max_size", stats->max_size},
    };
    char commit_time[MOMENT_SIZE] = "none";

    if (stats->sequence)
        moment_print(commit_time, stats->commit_time);
    if (json)
        print_json(numbers, sizeof numbers / sizeof *numbers, commit_time);
    else
        print_numbers(numbers, sizeof numbers / sizeof *numbers, commit_time);
    return tool_finish();
}

int
stats_run(int argc, char **argv)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error;
    feature_store *store;
    bool json = false;
    int code = read_options(argc, argv, stats_help, &json);

    if (code >= 0)
        return code;
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one STORE is needed");
    store = tool_open_store(argv[optind], FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    if (feature_store_stats(store, &stats, &error))
        code = tool_fail(&error);
    else
        code = print_stats(&stats, json);
    feature_store_close(store);
    return code;
}
