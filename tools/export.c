/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature export: the changes of a view as CSV.
 *
 * Owns the way from an Arrow stream of the library to lines of text.
 * Keeps values in the form that feature load reads.
 * Never keeps more than a record batch, and never looks into the change feed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arrow.h"
#include "progress.h"
#include "tool.h"
#include "value.h"

static const char export_help[] =
    "Usage: feature export STORE VIEW [--since N] [--until N] [--before]\n"
    "\n"
    "Prints the changes of a feature view as CSV, from the store's change "
    "feed: "
    "join\n"
    "keys, features as they were written, _op, _seq, _ordinal, _commit_time,\n"
    "_event_timestamp, _late, _written. VIEW may name features: \"view(a, "
    "b)\". "
    "STORE\n"
    "WITH (changes = '3 days') turns the feed on. Parquet is written by the "
    "Python\n"
    "package: docs/export.md. An event in place of the view gives its events.\n"
    "\n"
    "  --since N  the commits after this sequence (0)\n"
    "  --until N  the last one; the newest if not given\n"
    "  --before   the row before each change too, where the view keeps it\n"
    "\n"
    "Example: feature export ./store driver_stats --since 120 --until 250 "
    ">changes.csv\n";

enum { OPTION_SINCE = TOOL_OPTION, OPTION_UNTIL, OPTION_BEFORE };

struct job {
    const char *store;
    const char *features;
    struct feature_changes_arrow_options options;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct feature_column *columns; /* one a child of the schema */
    struct text line, cell;
    struct progress progress;
    uint64_t rows;
};

/* --- columns -------------------------------------------------------------------- */

/* The type of a format of ours; lists and vectors have it in their child. */
static int32_t
type_of(const char *format)
{
    switch (*format) {
    case 'b':
        return FEATURE_TYPE_BOOL;
    case 'i':
        return FEATURE_TYPE_INT32;
    case 'l':
        return FEATURE_TYPE_INT64;
    case 'f':
        return FEATURE_TYPE_FLOAT32;
    case 'g':
        return FEATURE_TYPE_FLOAT64;
    case 'u':
        return FEATURE_TYPE_STRING;
    case 'z':
        return FEATURE_TYPE_BYTES;
    default:
        return FEATURE_TYPE_TIMESTAMP;
    }
}

/* What stays the same from batch to batch. */
static void
describe_column(const struct ArrowSchema *schema, struct feature_column *column)
{
    const char *format = schema->format;

    column->width = 1;
    if (*format == '+') {
        if (format[1] == 'w')
            column->width = (uint32_t)strtoul(format + 3, NULL, 10);
        format = schema->children[0]->format;
    }
    column->type = type_of(format);
}

/* An array of ours has the layout of a column already. */
static void
take_column(const struct ArrowArray *array, struct feature_column *column)
{
    const struct ArrowArray *values = array;

    column->validity = array->null_count ? array->buffers[0] : NULL;
    column->rows = (uint32_t)array->length;
    column->null_count = (uint32_t)array->null_count;
    column->offsets = NULL;
    column->child_offsets = NULL;
    if (array->n_children) {
        values = array->children[0];
        if (array->n_buffers == 2)
            column->offsets = array->buffers[1];
        if (values->n_buffers == 3)
            column->child_offsets = values->buffers[1];
    } else if (array->n_buffers == 3) {
        column->offsets = array->buffers[1];
    }
    column->values = values->buffers[values->n_buffers - 1];
}

static bool
is_null(const struct feature_column *column, uint32_t row)
{
    return column->validity && !value_bit(column->validity, row);
}

/* --- lines ---------------------------------------------------------------------- */

static bool
print_line(struct job *job)
{
    text_add_bytes(&job->line, "\n", 1);
    if (job->line.failed || job->cell.failed) {
        tool_no_memory();
        return false;
    }
    fwrite(job->line.data, 1, job->line.size, stdout);
    text_clear(&job->line);
    return true;
}

static bool
print_titles(struct job *job)
{
    for (int64_t i = 0; i < job->schema.n_children; i++)
        text_add(&job->line, "%s%s", i ? "," : "",
                 job->schema.children[i]->name);
    return print_line(job);
}

static bool
print_row(struct job *job, uint32_t row)
{
    for (int64_t i = 0; i < job->schema.n_children; i++) {
        if (i)
            text_add_bytes(&job->line, ",", 1);
        if (is_null(&job->columns[i], row))
            continue;
        text_clear(&job->cell);
        value_add(&job->cell, &job->columns[i], row);
        text_add_csv(&job->line, job->cell.data, job->cell.size);
    }
    return print_line(job);
}

static bool
print_batch(struct job *job, const struct ArrowArray *batch)
{
    for (int64_t i = 0; i < batch->n_children; i++)
        take_column(batch->children[i], &job->columns[i]);
    for (uint32_t row = 0; row < batch->length; row++)
        if (!print_row(job, row))
            return false;
    job->rows += (uint64_t)batch->length;
    progress_show(&job->progress, job->rows, 0);
    return true;
}

/* --- the stream ----------------------------------------------------------------- */

/* A message of the stream, without the reason word before it. */
static int
fail_stream(struct job *job, int code)
{
    const char *text = job->stream.get_last_error(&job->stream);
    const char *message = text ? strstr(text, ": ") : NULL;

    progress_end(&job->progress);
    return tool_refuse("%s", message ? message + 2 : strerror(code));
}

static int
print_batches(struct job *job)
{
    struct ArrowArray batch;
    bool is_fine = true;

    while (is_fine && !ferror(stdout)) {
        int code = job->stream.get_next(&job->stream, &batch);

        if (code)
            return fail_stream(job, code);
        if (!batch.release)
            break;
        is_fine = print_batch(job, &batch);
        batch.release(&batch);
    }
    return is_fine ? TOOL_DONE : TOOL_REFUSED;
}

static int
print_stream(struct job *job)
{
    int code = job->stream.get_schema(&job->stream, &job->schema);

    if (code)
        return fail_stream(job, code);
    job->columns = calloc((size_t)job->schema.n_children, sizeof *job->columns);
    if (!job->columns || !text_reserve(&job->cell, 1))
        return tool_no_memory();
    for (int64_t i = 0; i < job->schema.n_children; i++)
        describe_column(job->schema.children[i], &job->columns[i]);
    if (!print_titles(job))
        return TOOL_REFUSED;
    progress_begin(&job->progress, 0);
    code = print_batches(job);
    progress_end(&job->progress);
    return code ? code : tool_finish();
}

/* A view's name alone would be a service's. */
static char *
whole_view(const char *features)
{
    char *text = malloc(strlen(features) + sizeof "(*)");

    if (text) {
        strcpy(text, features);
        if (!strpbrk(features, "(:,"))
            strcat(text, "(*)");
    }
    return text;
}

static int
export_view(struct job *job, feature_store *store)
{
    char *features = whole_view(job->features);
    struct feature_error error;
    int code = TOOL_REFUSED;

    if (!features)
        tool_no_memory();
    else if (feature_store_changes_arrow(store, features, &job->options, NULL,
                                         &job->stream, &error))
        tool_fail(&error);
    else
        code = print_stream(job);
    if (job->schema.release)
        job->schema.release(&job->schema);
    if (job->stream.release)
        job->stream.release(&job->stream);
    free(features);
    free(job->columns);
    text_free(&job->line);
    text_free(&job->cell);
    return code;
}

/* --- the command line ----------------------------------------------------------- */

static int
read_sequence(const char *command, const char *option, uint64_t *sequence)
{
    char *end;

    errno = 0;
    *sequence = strtoull(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end || errno)
        return tool_misuse(command, "%s: \"%s\" is no number", option, optarg);
    return TOOL_DONE;
}

/* 0 is no commit; until it, nothing is. */
static int
read_until(const char *command, uint64_t *sequence)
{
    int code = read_sequence(command, "--until", sequence);

    if (!code && !*sequence)
        return tool_misuse(command, "--until: commits begin with 1");
    return code;
}

static int
take_option(struct job *job, int code, char **argv)
{
    switch (code) {
    case OPTION_SINCE:
        return read_sequence(argv[0], "--since", &job->options.since);
    case OPTION_UNTIL:
        return read_until(argv[0], &job->options.until);
    case OPTION_BEFORE:
        job->options.flags |= FEATURE_CHANGES_BEFORE;
        return TOOL_DONE;
    default:
        return tool_misuse_option(argv, code);
    }
}

int
export_run(int argc, char **argv)
{
    static const struct option list[] = {
        {"since", required_argument, NULL, OPTION_SINCE},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {"before", no_argument, NULL, OPTION_BEFORE},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct job job = {.options.struct_size = sizeof job.options};
    feature_store *store;
    int code, option;

    while ((option = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
        if (option == 'h')
            return tool_help(export_help);
        code = take_option(&job, option, argv);
        if (code)
            return code;
    }
    if (argc - optind != 2)
        return tool_misuse(argv[0], "a STORE and a VIEW are needed");
    job.store = argv[optind];
    job.features = argv[optind + 1];
    store = tool_open_store(job.store, FEATURE_OPEN_READ_ONLY, 0);
    if (!store)
        return TOOL_REFUSED;
    code = export_view(&job, store);
    feature_store_close(store);
    return code;
}
