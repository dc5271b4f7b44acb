/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature get: features of the keys on the command line or in a file.
 *
 * Owns the way from key=value and key files to a request.
 * Keeps all rows in one request: what is printed is one snapshot.
 * Never writes: the store is opened read-only.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "header.h"
#include "keys.h"
#include "tool.h"

enum {
    OPTION_KEYS = TOOL_OPTION,
    OPTION_AS_OF,
    OPTION_FILL,
    OPTION_CSV,
    OPTION_DELIMITER
};

static const char get_help[] =
    "Usage: feature get STORE FEATURES [KEY=VALUE...] [OPTION...]\n"
    "\n"
    "Reads features. FEATURES is a list such as 'view:feature, other(a, b)',\n"
    "'view(*)', or the name of a feature service.\n"
    "\n"
    "  --keys FILE.csv   read for each row of a file (- is standard input)\n"
    "  --as-of TIME      as of then, as in 2026-01-31T12:00:00Z\n"
    "  --fill POLICY     what stands for a missing value: defaults, nulls, "
    "stale\n"
    "  --json            one JSON object for each row\n"
    "  --csv             CSV\n"
    "  --delimiter CHAR  between the cells of --keys; tab is one, too\n"
    "  --clock TIME      take TIME for now (for tests)\n"
    "\n"
    "Example: feature get ./store 'driver_stats(*)' driver_id=1001\n";

struct get {
    const char *store;
    const char *features;
    char **pairs; /* key=value */
    int pair_count;
    const char *keys_path;
    int64_t as_of; /* INT64_MIN: newest values */
    int32_t fill;
    enum answer_form form;
    char delimiter;
    int64_t clock;
    feature_query *query;
    feature_request *request;
    struct keys keys; /* rows 0: from the file */
};

/* Finds the keys that no pair gave in the header of the file. */
static int
map_keys(struct get *get, const struct header *header)
{
    for (uint32_t i = 0; i < get->keys.count; i++) {
        if (get->keys.rows[i])
            continue;
        get->keys.columns[i].source =
            header_find(header, get->keys.columns[i].name);
        if (get->keys.columns[i].source == HEADER_NONE)
            return tool_refuse("%s has no column for the key %s",
                               tool_file_name(get->keys_path),
                               get->keys.columns[i].name);
    }
    return TOOL_DONE;
}

static int
add_key_row(struct get *get, const struct csv_reader *reader, uint32_t row)
{
    struct csv_problem problem;

    for (uint32_t i = 0; i < get->keys.count; i++) {
        struct cell_column *key = &get->keys.columns[i];
        const struct csv_cell *cell;
        const char *why;

        if (key->source == HEADER_NONE)
            continue;
        if (row == key->capacity && !cell_grow(key, 2 * row))
            return tool_no_memory();
        cell = &reader->cells[key->source];
        why = cell_add(key, row, cell->text, cell->size,
                       csv_is_quoted(reader, key->source));
        if (why) {
            csv_place(reader, cell->at, &problem.line, &problem.column);
            snprintf(problem.message, sizeof problem.message, "%s: \"%.*s\" %s",
                     key->name, (int)(cell->size < 30 ? cell->size : 30),
                     cell->text, why);
            return header_refuse(get->keys_path, &problem);
        }
        get->keys.rows[i] = row + 1;
    }
    return TOOL_DONE;
}

static int
read_key_rows(struct get *get, struct csv_reader *reader, uint32_t cells)
{
    struct csv_problem problem;
    int code = TOOL_DONE;

    for (uint32_t row = 0; !code; row++) {
        switch (csv_next(reader)) {
        case CSV_END:
            return TOOL_DONE;
        case CSV_BAD:
        case CSV_FAILED:
            return header_refuse(get->keys_path, &reader->problem);
        case CSV_RECORD:
            break;
        }
        if (reader->count != cells) {
            csv_place(reader, 0, &problem.line, &problem.column);
            snprintf(problem.message, sizeof problem.message,
                     "%u cells, where the header has %u", reader->count, cells);
            return header_refuse(get->keys_path, &problem);
        }
        if (row == UINT32_MAX / 2)
            return tool_refuse("too many keys for one request");
        code = add_key_row(get, reader, row);
    }
    return code;
}

static int
read_keys_file(struct get *get)
{
    struct csv_reader reader;
    struct header header = {0};
    struct csv_problem problem = {0};
    int file = tool_open_file(get->keys_path);
    int code = TOOL_REFUSED;

    if (file < 0)
        return code;
    csv_open(&reader, file, get->delimiter);
    if (!header_read(&header, &reader, &problem))
        code = header_refuse(get->keys_path, &problem);
    else
        code = map_keys(get, &header);
    if (!code)
        code = read_key_rows(get, &reader, header.count);
    header_free(&header);
    csv_close(&reader);
    tool_close_file(file);
    return code;
}

static int
collect_keys(struct get *get)
{
    int code = keys_begin(&get->keys, get->query, get->features);

    for (int i = 0; !code && i < get->pair_count; i++)
        code = keys_take_pair(&get->keys, "get", get->pairs[i]);
    if (code)
        return code;
    return get->keys_path ? read_keys_file(get)
                          : keys_check(&get->keys, ", or --keys FILE.csv");
}

static feature_status
read_request(struct get *get, struct feature_error *error)
{
    feature_status status =
        feature_request_create(get->query, &get->request, error);

    for (uint32_t i = 0; !status && i < get->keys.count; i++)
        status = cell_set_key(&get->keys.columns[i], get->request, i,
                              get->keys.rows[i], error);
    if (!status && get->as_of != INT64_MIN)
        status = feature_request_set_as_of(get->request, &get->as_of, 1, error);
    if (!status)
        status = feature_request_read(get->request, error);
    return status;
}

static int
get_rows(struct get *get, feature_store *store)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .fill = get->fill};
    struct feature_error error;
    struct answer answer;
    int code;

    if (feature_query_create(store, get->features, &options, &get->query,
                             &error))
        return error.line
                   ? tool_refuse("in \"%s\": %s", get->features, error.message)
                   : tool_fail(&error);
    code = collect_keys(get);
    if (code)
        return code;
    if (read_request(get, &error))
        return tool_fail(&error);
    answer = (struct answer){get->query,     get->request,    get->keys.columns,
                             get->keys.rows, get->keys.count, get->as_of};
    return answer_print(&answer, get->form);
}

static void
free_get(struct get *get)
{
    feature_request_free(get->request);
    feature_query_free(get->query);
    keys_free(&get->keys);
}

static int
take_option(struct get *get, int code, char **argv)
{
    switch (code) {
    case OPTION_KEYS:
        get->keys_path = optarg;
        return TOOL_DONE;
    case OPTION_AS_OF:
        return tool_read_time(argv[0], "--as-of", optarg, &get->as_of);
    case OPTION_FILL:
        return tool_read_fill(argv[0], optarg, &get->fill);
    case TOOL_OPTION_JSON:
    case OPTION_CSV:
        if (get->form != ANSWER_TABLE)
            return tool_misuse(argv[0], "one of --json and --csv will do");
        get->form = code == OPTION_CSV ? ANSWER_CSV : ANSWER_JSON;
        return TOOL_DONE;
    case OPTION_DELIMITER:
        return tool_read_delimiter(argv[0], optarg, &get->delimiter);
    case TOOL_OPTION_CLOCK:
        return tool_read_time(argv[0], "--clock", optarg, &get->clock);
    default:
        return tool_misuse_option(argv, code);
    }
}

int
get_run(int argc, char **argv)
{
    static const struct option list[] = {
        {"keys", required_argument, NULL, OPTION_KEYS},
        {"as-of", required_argument, NULL, OPTION_AS_OF},
        {"fill", required_argument, NULL, OPTION_FILL},
        {"json", no_argument, NULL, TOOL_OPTION_JSON},
        {"csv", no_argument, NULL, OPTION_CSV},
        {"delimiter", required_argument, NULL, OPTION_DELIMITER},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct get get = {.as_of = INT64_MIN, .delimiter = ','};
    feature_store *store;
    int code, option;

    while ((option = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
        if (option == 'h')
            return tool_help(get_help);
        code = take_option(&get, option, argv);
        if (code)
            return code;
    }
    if (argc - optind < 2)
        return tool_misuse(argv[0], "a STORE and FEATURES are needed");
    get.store = argv[optind];
    get.features = argv[optind + 1];
    get.pairs = argv + optind + 2;
    get.pair_count = argc - optind - 2;
    store = tool_open_store(get.store, FEATURE_OPEN_READ_ONLY, get.clock);
    if (!store)
        return TOOL_REFUSED;
    code = get_rows(&get, store);
    free_get(&get);
    feature_store_close(store);
    return code;
}
