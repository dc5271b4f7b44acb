/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature infer: definitions proposed from a CSV file.
 *
 * Owns the shape of the proposal: one entity, one feature view, reasons as
 * comments.
 * Keeps memory bounded: of a cell it keeps what sniff.c counts.
 * Never opens a store.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "header.h"
#include "sniff.h"
#include "tool.h"

#define KEYS_MAX 8

static const char infer_help[] =
    "Usage: feature infer FILE.csv --key COLUMN[,COLUMN...] [--timestamp "
    "COLUMN]\n"
    "\n"
    "Reads a CSV file (- is standard input) and proposes an entity and a "
    "feature\n"
    "view for it, with the reason for each type. Nothing is stored.\n"
    "\n"
    "  -k, --key COLUMNS       the join keys, by title\n"
    "  -t, --timestamp COLUMN  the event timestamp; else event_timestamp\n"
    "      --entity NAME       call the entity so\n"
    "      --view NAME         call the feature view so\n"
    "      --delimiter CHAR    between cells; tab is one, too\n"
    "\n"
    "Example: feature infer trips.csv --key driver_id --timestamp ended_at\n";

struct proposal {
    const char *path;
    char *keys; /* the option's text, cut at its commas */
    const char *timestamp;
    const char *entity;
    const char *view;
    char delimiter;
    struct header header;
    struct sniff *sniffs; /* one a column */
    uint64_t rows;
    uint32_t key_columns[KEYS_MAX];
    uint32_t key_count;
    uint32_t time_column; /* or HEADER_NONE */
    char entity_name[HEADER_NAME_SIZE];
    char view_name[HEADER_NAME_SIZE];
    struct text out;
};

static int
refuse_at(const struct proposal *p, const struct csv_problem *problem)
{
    if (!problem->line)
        return tool_refuse("%s: %s", tool_file_name(p->path), problem->message);
    fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": %s\n", tool_file_name(p->path),
            problem->line, problem->column, problem->message);
    return TOOL_REFUSED;
}

static bool
is_key(const struct proposal *p, uint32_t column)
{
    for (uint32_t i = 0; i < p->key_count; i++)
        if (p->key_columns[i] == column)
            return true;
    return false;
}

static int
find_columns(struct proposal *p)
{
    char *rest = p->keys, *title;

    while ((title = strsep(&rest, ","))) {
        uint32_t column = header_find(&p->header, title);

        if (column == HEADER_NONE)
            return tool_refuse("%s has no column \"%s\"",
                               tool_file_name(p->path), title);
        if (is_key(p, column))
            return tool_refuse("--key names the column \"%s\" twice", title);
        if (p->key_count == KEYS_MAX)
            return tool_refuse("an entity has at most %d join keys", KEYS_MAX);
        p->key_columns[p->key_count++] = column;
    }
    p->time_column = header_find_title(
        &p->header, p->timestamp ? p->timestamp : "event_timestamp");
    if (p->time_column != HEADER_NONE && is_key(p, p->time_column))
        return tool_refuse("\"%s\" cannot be a key and the timestamp",
                           p->header.titles[p->time_column]);
    if (p->timestamp && p->time_column == HEADER_NONE)
        return tool_refuse("%s has no column \"%s\"", tool_file_name(p->path),
                           p->timestamp);
    if (p->key_count + (p->time_column != HEADER_NONE) >= p->header.count)
        return tool_refuse("%s has no column that would be a feature",
                           tool_file_name(p->path));
    return TOOL_DONE;
}

static int
sniff_rows(struct proposal *p, struct csv_reader *reader)
{
    struct csv_problem problem;

    for (;;) {
        switch (csv_next(reader)) {
        case CSV_END:
            return TOOL_DONE;
        case CSV_BAD:
        case CSV_FAILED:
            return refuse_at(p, &reader->problem);
        case CSV_RECORD:
            break;
        }
        if (reader->count != p->header.count) {
            csv_place(reader, 0, &problem.line, &problem.column);
            snprintf(problem.message, sizeof problem.message,
                     "%u cells, where the header has %u", reader->count,
                     p->header.count);
            return refuse_at(p, &problem);
        }
        p->rows++;
        for (uint32_t i = 0; i < reader->count; i++)
            sniff_add(&p->sniffs[i], reader->cells[i].text,
                      reader->cells[i].size, reader->first_line);
    }
}

static int
read_file(struct proposal *p, int file)
{
    struct csv_reader reader;
    struct csv_problem problem = {0};
    int code;

    csv_open(&reader, file, p->delimiter);
    if (!header_read(&p->header, &reader, &problem)) {
        code = refuse_at(p, &problem);
        goto out;
    }
    code = find_columns(p);
    if (code)
        goto out;
    p->sniffs = calloc(p->header.count, sizeof *p->sniffs);
    code = p->sniffs ? sniff_rows(p, &reader) : tool_no_memory();
out:
    csv_close(&reader);
    return code;
}

/* "driver_id" names the entity driver; several keys make one name together. */
static void
choose_entity(struct proposal *p)
{
    char joined[KEYS_MAX * HEADER_NAME_SIZE] = "";

    if (p->entity) {
        snprintf(p->entity_name, sizeof p->entity_name, "%s", p->entity);
        return;
    }
    for (uint32_t i = 0; i < p->key_count; i++) {
        char *name = strdupa(p->header.names[p->key_columns[i]]);
        size_t size = strlen(name);

        if (size > 3 && !strcasecmp(name + size - 3, "_id"))
            name[size - 3] = '\0';
        if (i)
            strcat(joined, "_");
        strcat(joined, name);
    }
    header_make_name(p->entity_name, joined);
}

/* The file's name without folder and ending, unless the entity has it. */
static void
choose_view(struct proposal *p)
{
    const char *slash = strrchr(p->path, '/');
    char *stem = strdupa(slash ? slash + 1 : p->path);

    if (strchr(stem, '.'))
        *strchr(stem, '.') = '\0';
    if (p->view)
        snprintf(p->view_name, sizeof p->view_name, "%s", p->view);
    else if (strcmp(p->path, "-") != 0)
        header_make_name(p->view_name, stem);
    if (!*p->view_name ||
        (!p->view && !strcasecmp(p->view_name, p->entity_name)))
        snprintf(p->view_name, sizeof p->view_name, "%.55s_features",
                 p->entity_name);
}

/* A word of a shell command, in quotes where it needs them. */
static void
add_word(struct text *out, const char *word)
{
    bool is_plain = *word;

    for (const char *c = word; *c; c++)
        is_plain &= !strchr(" \t\n\"'\\$`*?[]{}()<>|&;#~!", *c);
    if (is_plain) {
        text_add(out, "%s", word);
        return;
    }
    text_add(out, "'");
    for (const char *c = word; *c; c++) {
        if (*c == '\'')
            text_add(out, "'\\''");
        else
            text_add_visible(out, c, 1, 8);
    }
    text_add(out, "'");
}

/* Whether load will read the column as times. */
static bool
is_time(const struct proposal *p, uint32_t column)
{
    return !is_key(p, column) &&
           (column == p->time_column ||
            sniff_type(&p->sniffs[column]) == SNIFF_TIMESTAMP);
}

/* Whether load will meet times that say no time zone. */
static bool
needs_zone(const struct proposal *p)
{
    for (uint32_t i = 0; i < p->header.count; i++)
        if (is_time(p, i) && p->sniffs[i].zoned < p->sniffs[i].times)
            return true;
    return false;
}

/* A proposal without an event time asks whether a column of times is it. */
static void
add_question(struct proposal *p)
{
    struct text *out = &p->out;
    uint32_t count = 0, first = 0;

    for (uint32_t i = 0; i < p->header.count; i++) {
        if (!is_time(p, i))
            continue;
        if (!count++)
            first = i;
        text_add(out, count == 1 ? "--\n-- Is \"" : " or \"");
        text_add_visible(out, p->header.titles[i], strlen(p->header.titles[i]),
                         64);
        text_add(out, "\"");
    }
    if (!count)
        return;
    text_add(out, " the event time? Then use -t ");
    add_word(out, p->header.titles[first]);
    text_add(out, ": without it\n-- every row takes the time of the commit.\n");
}

static void
add_load_command(struct proposal *p)
{
    struct text *out = &p->out;
    const char *zone = needs_zone(p) ? " --time-zone UTC" : "";
    enum moment_kind kind;
    const struct sniff *sniff;

    text_add(out, "--     feature load STORE %s ", p->view_name);
    add_word(out, p->path);
    if (p->time_column == HEADER_NONE) {
        text_add(out, " --at-commit%s\n", zone);
        add_question(p);
        return;
    }
    sniff = &p->sniffs[p->time_column];
    text_add(out, " --timestamp ");
    add_word(out, p->header.titles[p->time_column]);
    if (sniff_moment(sniff, &kind))
        text_add(out, ":%s", moment_kind_name(kind));
    else
        text_add(out, ":FORMAT");
    text_add(out, "%s\n", zone);
}

static void
add_beginning(struct proposal *p)
{
    struct text *out = &p->out;

    text_add(out, "-- Proposed by feature infer from ");
    text_add_visible(out, p->path, strlen(p->path), 200);
    text_add(out, ": ");
    text_add_count(out, p->rows);
    text_add(out,
             " rows, %u columns.\n-- Read it, change it, apply it, and "
             "then:\n--\n",
             p->header.count);
    add_load_command(p);
    if (p->time_column != HEADER_NONE) {
        text_add(out, "--\n-- event_timestamp is \"");
        text_add_visible(out, p->header.titles[p->time_column],
                         strlen(p->header.titles[p->time_column]), 64);
        text_add(out, "\": ");
        sniff_add_reason(&p->sniffs[p->time_column], out);
        text_add(out, "\n");
    }
    text_add(out, "\n");
}

/* "    name TYPE,  -- TYPE: reason" */
static void
add_column(struct proposal *p, uint32_t column, const char *type, bool is_last,
           int width)
{
    const char *name = p->header.names[column];
    const char *title = p->header.titles[column];
    struct text *out = &p->out;
    char item[HEADER_NAME_SIZE + 32];

    snprintf(item, sizeof item, "%s %s%s", name, type, is_last ? "" : ",");
    text_add(out, "    %-*s  -- %s: ", width, item, type);
    sniff_add_reason(&p->sniffs[column], out);
    if (strcmp(name, title) != 0) {
        text_add(out, "; titled \"");
        text_add_visible(out, title, strlen(title), 64);
        text_add(out, "\"");
    }
    text_add(out, "\n");
}

static void
add_type(const struct proposal *p, uint32_t column, struct text *type)
{
    const struct sniff *sniff = &p->sniffs[column];

    text_clear(type);
    if (!is_key(p, column))
        sniff_add_type(sniff, type);
    else
        text_add(type, "%s",
                 sniff_type(sniff) == SNIFF_INT64 ? "INT64" : "STRING");
    text_end(type);
}

/* Adds "CREATE ... (", the columns that are keys or those that are not, and
 * what closes them. */
static void
add_statement(struct proposal *p, bool of_keys)
{
    struct text type = {0};
    uint32_t last = HEADER_NONE;
    int width = 0;

    for (uint32_t i = 0; i < p->header.count; i++) {
        if (is_key(p, i) != of_keys || i == p->time_column)
            continue;
        add_type(p, i, &type);
        last = i;
        if ((int)(strlen(p->header.names[i]) + type.size) + 2 > width)
            width = (int)(strlen(p->header.names[i]) + type.size) + 2;
    }
    for (uint32_t i = 0; i < p->header.count && !type.failed; i++) {
        if (is_key(p, i) != of_keys || i == p->time_column)
            continue;
        add_type(p, i, &type);
        add_column(p, i, type.data, i == last, width);
    }
    p->out.failed |= type.failed;
    text_free(&type);
}

static int
print_proposal(struct proposal *p)
{
    add_beginning(p);
    text_add(&p->out, "CREATE ENTITY %s (\n", p->entity_name);
    add_statement(p, true);
    text_add(&p->out, ");\n\nCREATE FEATURE VIEW %s (\n", p->view_name);
    add_statement(p, false);
    text_add(&p->out, ") FOR %s;\n", p->entity_name);
    if (!text_end(&p->out))
        return tool_no_memory();
    fwrite(p->out.data, 1, p->out.size, stdout);
    return tool_finish();
}

static int
propose(struct proposal *p)
{
    int file = tool_open_file(p->path);
    int code = TOOL_REFUSED;

    if (file < 0)
        return code;
    code = read_file(p, file);
    if (!code) {
        choose_entity(p);
        choose_view(p);
        code = print_proposal(p);
    }
    tool_close_file(file);
    header_free(&p->header);
    free(p->sniffs);
    text_free(&p->out);
    return code;
}

int
infer_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"key", required_argument, NULL, 'k'},
        {"timestamp", required_argument, NULL, 't'},
        {"entity", required_argument, NULL, 'e'},
        {"view", required_argument, NULL, 'v'},
        {"delimiter", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct proposal p = {.delimiter = ','};
    int code;

    while ((code = getopt_long(argc, argv, ":k:t:h", options, NULL)) != -1) {
        if (code == 'h')
            return tool_help(infer_help);
        if (code == 'k')
            p.keys = optarg;
        else if (code == 't')
            p.timestamp = optarg;
        else if (code == 'e')
            p.entity = optarg;
        else if (code == 'v')
            p.view = optarg;
        else if (code != 'd')
            return tool_misuse_option(argv, code);
        else if (tool_read_delimiter(argv[0], optarg, &p.delimiter))
            return TOOL_USAGE;
    }
    if (argc - optind != 1)
        return tool_misuse(argv[0], "one FILE.csv is needed");
    if (!p.keys)
        return tool_misuse(argv[0], "--key is needed: the column that says "
                                    "whose features a row holds");
    p.path = argv[optind];
    return propose(&p);
}
