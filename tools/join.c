/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature join: a CSV file of labels, with features as of each one's time.
 *
 * Owns the command line, and the chunks in which labels are read and answered.
 * Keeps every label as it was written, byte by byte, and their order.
 * Never holds more than a chunk of them, and prints nothing of one that failed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cell.h"
#include "header.h"
#include "number.h"
#include "progress.h"
#include "tool.h"
#include "value.h"

#define CHUNK     262144
#define CHUNK_MAX 1048576

enum {
    OPTION_COLUMN = TOOL_OPTION,
    OPTION_ZONE,
    OPTION_KNOWN_BY,
    OPTION_FILL,
    OPTION_STATES,
    OPTION_CHUNK
};

static const char join_help[] =
    "Usage: feature join STORE FEATURES LABELS.csv [OPTION...]\n"
    "\n"
    "Prints a CSV file of labels (- is standard input) with the features that "
    "were\n"
    "known at the time of each behind its columns: a training set. FEATURES is "
    "a\n"
    "list such as 'view:feature, other(a, b)', or the name of a feature "
    "service.\n"
    "Join keys are found by name in the header.\n"
    "\n"
    "      --as-of-column COLUMN[:FORMAT]\n"
    "                       the time of a label (event_timestamp) and how it "
    "is\n"
    "                       written: s, ms, us, ns, iso, or a pattern of %Y %m "
    "%d\n"
    "                       %H %M %S %f %z\n"
    "      --time-zone ZONE of times that say none: UTC, +08:00, -05:00\n"
    "      --known-by TIME  only what was committed by then\n"
    "      --fill POLICY    what stands for a missing value: defaults, nulls, "
    "stale\n"
    "      --states         a column for each view that tells what it met\n"
    "      --chunk ROWS     labels that are read together (262144)\n"
    "      --clock TIME     take TIME for now (for tests)\n"
    "\n"
    "Example: feature join ./store transfer_v1 labels.csv > training.csv\n";

struct join {
    const char *command;
    const char *store, *features, *file;
    const char *time; /* --as-of-column */
    struct moment_format moment;
    int64_t known_by;
    int32_t fill;
    bool with_states;
    uint32_t chunk;
    int64_t clock;

    feature_query *query;
    feature_request *request;
    struct csv_reader reader;
    struct header header;
    struct cell_column *cells; /* join keys, then the time */
    uint32_t count;
    struct text kept; /* the labels of a chunk */
    size_t *ends;
    uint32_t rows;
    uint64_t total;
    struct progress progress;
    struct text line, cell; /* being printed */
};

/* --- which columns -------------------------------------------------------------- */

/* TITLE or TITLE:FORMAT; a title may have colons. */
static int
map_time(struct join *join, struct cell_column *cell)
{
    const char *word = join->time, *colon = strchr(word, ':'), *why;

    cell->source = header_find_title(&join->header, word);
    if (cell->source == HEADER_NONE && colon) {
        cell->source =
            header_find(&join->header, strndupa(word, (size_t)(colon - word)));
        why = moment_format_read(&join->moment, colon + 1);
        if (why)
            return tool_misuse(join->command, "--as-of-column: \"%s\" %s",
                               colon + 1, why);
    } else if (cell->source == HEADER_NONE) {
        cell->source = header_find(&join->header, word);
    }
    if (cell->source == HEADER_NONE)
        return tool_refuse("%s has no column \"%s\": say which one has the "
                           "times by --as-of-column",
                           tool_file_name(join->file), word);
    if (join->moment.kind == MOMENT_PATTERN && !join->moment.has_zone &&
        !moment_has_offset(&join->moment))
        return tool_misuse(join->command,
                           "--as-of-column: \"%s\" has no %%z: add --time-zone "
                           "UTC, or an offset such as --time-zone +08:00",
                           word);
    cell->moment = join->moment;
    return TOOL_DONE;
}

static int
map_cells(struct join *join)
{
    struct feature_field field;

    join->count = feature_query_key_count(join->query) + 1;
    join->cells = calloc(join->count, sizeof *join->cells);
    join->ends = calloc(join->chunk, sizeof *join->ends);
    if (!join->cells || !join->ends)
        return tool_no_memory();
    for (uint32_t i = 0; i < join->count; i++) {
        struct cell_column *cell = &join->cells[i];

        field = (struct feature_field){
            .name = "the time", .type = FEATURE_TYPE_TIMESTAMP, .width = 1};
        if (i + 1 < join->count)
            feature_query_key(join->query, i, &field, NULL);
        if (!cell_init(cell, &field, join->chunk))
            return tool_no_memory();
        cell->is_required = i + 1 == join->count;
        if (cell->is_required)
            return map_time(join, cell);
        cell->source = header_find(&join->header, cell->name);
        if (cell->source == HEADER_NONE)
            return tool_refuse("%s has no column for the key %s",
                               tool_file_name(join->file), cell->name);
    }
    return TOOL_DONE;
}

/* Appends the name of a column of ours, which no label may have. */
static int
add_title(struct join *join, const char *name, const char *suffix)
{
    struct text title = {0};
    int code = TOOL_DONE;

    text_add(&title, "%s%s", name, suffix);
    if (!text_end(&title))
        code = tool_no_memory();
    else if (header_find_title(&join->header, title.data) != HEADER_NONE)
        code = tool_refuse("%s has a column %s already: give the feature "
                           "another name by AS",
                           tool_file_name(join->file), title.data);
    else
        text_add(&join->line, ",%s", title.data);
    text_free(&title);
    return code;
}

static int
print_titles(struct join *join)
{
    struct feature_field field;
    int code = TOOL_DONE;

    text_clear(&join->line);
    text_add_bytes(&join->line, join->reader.record, join->reader.record_size);
    for (uint32_t i = 0;
         !code && !feature_query_column(join->query, i, &field, NULL); i++)
        code = add_title(join, field.name, "");
    for (uint32_t i = 0; !code && join->with_states &&
                         !feature_query_view(join->query, i, &field, NULL);
         i++)
        code = add_title(join, field.name, "__state");
    text_add(&join->line, "\n");
    if (!code && !text_end(&join->line))
        code = tool_no_memory();
    if (!code)
        fwrite(join->line.data, 1, join->line.size, stdout);
    return code;
}

/* --- one chunk ------------------------------------------------------------------ */

static int
refuse_cell(const struct join *join, const struct cell_column *column,
            const char *why)
{
    const struct csv_cell *cell = &join->reader.cells[column->source];
    struct csv_problem problem;

    csv_place(&join->reader, cell->at, &problem.line, &problem.column);
    snprintf(problem.message, sizeof problem.message, "%s: \"%.*s\" %s",
             join->header.titles[column->source],
             (int)(cell->size < 30 ? cell->size : 30), cell->text, why);
    return header_refuse(join->file, &problem);
}

static int
add_label(struct join *join)
{
    const struct csv_reader *reader = &join->reader;
    const struct cell_column *refused;
    struct csv_problem problem;
    const char *why;

    if (reader->count != join->header.count) {
        csv_place(reader, 0, &problem.line, &problem.column);
        snprintf(problem.message, sizeof problem.message,
                 "%u cells, where the header has %u", reader->count,
                 join->header.count);
        return header_refuse(join->file, &problem);
    }
    refused =
        cell_add_record(join->cells, join->count, join->rows, reader, &why);
    if (refused)
        return refuse_cell(join, refused, why);
    text_add_bytes(&join->kept, reader->record, reader->record_size);
    if (join->kept.failed)
        return tool_no_memory();
    join->ends[join->rows++] = join->kept.size;
    return TOOL_DONE;
}

static int
fill_chunk(struct join *join, bool *is_over)
{
    int code = TOOL_DONE;

    text_clear(&join->kept);
    join->rows = 0;
    while (!code && !*is_over && join->rows < join->chunk) {
        switch (csv_next(&join->reader)) {
        case CSV_RECORD:
            code = add_label(join);
            break;
        case CSV_END:
            *is_over = true;
            break;
        case CSV_BAD:
        case CSV_FAILED:
            return header_refuse(join->file, &join->reader.problem);
        }
    }
    return code;
}

static feature_status
read_chunk(struct join *join, struct feature_error *error)
{
    uint32_t keys = join->count - 1;
    feature_status status = FEATURE_OK;

    for (uint32_t i = 0; !status && i < keys; i++)
        status =
            cell_set_key(&join->cells[i], join->request, i, join->rows, error);
    if (!status)
        status = feature_request_set_as_of(
            join->request, join->cells[keys].values, join->rows, error);
    if (!status)
        status = feature_request_read(join->request, error);
    return status;
}

static void
add_value(struct join *join, const struct feature_column *column, uint32_t row)
{
    text_add(&join->line, ",");
    if (!value_bit(column->validity, row))
        return;
    text_clear(&join->cell);
    value_add(&join->cell, column, row);
    text_add_csv(&join->line, join->cell.data, join->cell.size);
    join->line.failed |= join->cell.failed;
}

static int
print_chunk(struct join *join)
{
    uint32_t count = feature_query_column_count(join->query);
    uint32_t views =
        join->with_states ? feature_query_view_count(join->query) : 0;
    struct feature_column *columns = calloc(count + 1u, sizeof *columns);
    size_t begin = 0;

    if (!columns || !text_reserve(&join->cell, 1)) {
        free(columns);
        return tool_no_memory();
    }
    feature_request_columns(join->request, columns, count, NULL);
    for (uint32_t row = 0; row < join->rows && !join->line.failed; row++) {
        text_clear(&join->line);
        text_add_bytes(&join->line, join->kept.data + begin,
                       join->ends[row] - begin);
        for (uint32_t i = 0; i < count; i++)
            add_value(join, &columns[i], row);
        for (uint32_t i = 0; i < views; i++)
            text_add(&join->line, ",%s",
                     value_state_name(
                         feature_request_states(join->request, i)[row]));
        text_add(&join->line, "\n");
        fwrite(join->line.data, 1, join->line.size, stdout);
        begin = join->ends[row];
    }
    free(columns);
    return join->line.failed ? tool_no_memory() : TOOL_DONE;
}

/* --- all of them ---------------------------------------------------------------- */

static int
join_chunks(struct join *join)
{
    struct feature_error error;
    bool is_over = false;
    int code = TOOL_DONE;

    while (!code && !is_over) {
        code = fill_chunk(join, &is_over);
        if (code || !join->rows)
            break;
        if (read_chunk(join, &error))
            return tool_fail(&error);
        code = print_chunk(join);
        if (!code && ferror(stdout))
            break; /* tool_finish() tells why */
        join->total += join->rows;
        progress_show(&join->progress, join->total,
                      csv_consumed(&join->reader));
    }
    return code;
}

static int
make_query(struct join *join, feature_store *store)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .fill = join->fill,
                                            .known_by = join->known_by};
    struct feature_error error;

    if (feature_query_create(store, join->features, &options, &join->query,
                             &error))
        return error.line
                   ? tool_refuse("in \"%s\": %s", join->features, error.message)
                   : tool_fail(&error);
    if (feature_request_create(join->query, &join->request, &error))
        return tool_fail(&error);
    return TOOL_DONE;
}

static int
join_file(struct join *join, feature_store *store, int file)
{
    struct csv_problem problem = {0};
    struct stat about;
    bool is_file = !fstat(file, &about) && S_ISREG(about.st_mode);
    int code = make_query(join, store);

    csv_open(&join->reader, file, ',');
    if (!code && !header_read(&join->header, &join->reader, &problem))
        code = header_refuse(join->file, &problem);
    if (!code)
        code = map_cells(join);
    if (!code)
        code = print_titles(join);
    if (code)
        return code;
    progress_begin(&join->progress, is_file ? (uint64_t)about.st_size : 0);
    code = join_chunks(join);
    progress_end(&join->progress);
    return code ? code : tool_finish();
}

static void
free_join(struct join *join)
{
    for (uint32_t i = 0; join->cells && i < join->count; i++)
        cell_free(&join->cells[i]);
    free(join->cells);
    free(join->ends);
    header_free(&join->header);
    csv_close(&join->reader);
    text_free(&join->kept);
    text_free(&join->line);
    text_free(&join->cell);
    feature_request_free(join->request);
    feature_query_free(join->query);
}

static int
open_and_join(struct join *join)
{
    feature_store *store =
        tool_open_store(join->store, FEATURE_OPEN_READ_ONLY, join->clock);
    int code = TOOL_REFUSED, file = -1;

    if (store)
        file = tool_open_file(join->file);
    if (file >= 0) {
        code = join_file(join, store, file);
        free_join(join);
    }
    tool_close_file(file);
    feature_store_close(store);
    return code;
}

/* --- the command line ----------------------------------------------------------- */

static int
read_chunk_rows(struct join *join, const char *word)
{
    int64_t count;

    if (number_int64(word, strlen(word), &count) || count < 1 ||
        count > CHUNK_MAX)
        return tool_misuse(join->command,
                           "--chunk: \"%s\" is not a number from 1 to %d", word,
                           CHUNK_MAX);
    join->chunk = (uint32_t)count;
    return TOOL_DONE;
}

static int
read_zone(struct join *join, const char *word)
{
    const char *why = moment_zone_read(word, &join->moment.zone);

    if (why)
        return tool_misuse(join->command, "--time-zone: \"%s\" %s", word, why);
    join->moment.has_zone = true;
    return TOOL_DONE;
}

static int
take_option(struct join *join, int code, char **argv)
{
    switch (code) {
    case OPTION_COLUMN:
        join->time = optarg;
        return TOOL_DONE;
    case OPTION_ZONE:
        return read_zone(join, optarg);
    case OPTION_KNOWN_BY:
        return tool_read_time(argv[0], "--known-by", optarg, &join->known_by);
    case OPTION_FILL:
        return tool_read_fill(argv[0], optarg, &join->fill);
    case OPTION_STATES:
        join->with_states = true;
        return TOOL_DONE;
    case OPTION_CHUNK:
        return read_chunk_rows(join, optarg);
    case TOOL_OPTION_CLOCK:
        return tool_read_time(argv[0], "--clock", optarg, &join->clock);
    default:
        return tool_misuse_option(argv, code);
    }
}

int
join_run(int argc, char **argv)
{
    static const struct option list[] = {
        {"as-of-column", required_argument, NULL, OPTION_COLUMN},
        {"time-zone", required_argument, NULL, OPTION_ZONE},
        {"known-by", required_argument, NULL, OPTION_KNOWN_BY},
        {"fill", required_argument, NULL, OPTION_FILL},
        {"states", no_argument, NULL, OPTION_STATES},
        {"chunk", required_argument, NULL, OPTION_CHUNK},
        {"clock", required_argument, NULL, TOOL_OPTION_CLOCK},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct join join = {
        .command = argv[0], .time = "event_timestamp", .chunk = CHUNK};
    int code, option;

    while ((option = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
        if (option == 'h')
            return tool_help(join_help);
        code = take_option(&join, option, argv);
        if (code)
            return code;
    }
    if (argc - optind != 3)
        return tool_misuse(argv[0],
                           "STORE, FEATURES and LABELS.csv are needed");
    join.store = argv[optind];
    join.features = argv[optind + 1];
    join.file = argv[optind + 2];
    return open_and_join(&join);
}
