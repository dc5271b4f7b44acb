/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature load: which cell of a record goes into which column of a batch.
 *
 * Owns the rules of names, and of what a file may leave out.
 * Keeps every decision before the first row is read.
 * Never guesses: what is missing or could mean two things stops the load.
 */
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char time_name[] = "event_timestamp";

static const char *
find_pair(const struct load_pair *pairs, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(pairs[i].name, name))
            return pairs[i].value;
    return NULL;
}

/* Takes all columns of the view: keys, event_timestamp, features; or of the
 * event. */
static int
read_schema(struct load_mapping *mapping, feature_store *store,
            const struct load_options *options)
{
    struct feature_error error;
    uint32_t count = 0;
    struct feature_field field;

    mapping->is_event = !feature_batch_create(
        store, options->view, NULL, FEATURE_EVENT, &mapping->schema, NULL);
    if (!mapping->is_event &&
        feature_batch_create(store, options->view, NULL, FEATURE_UPSERT,
                             &mapping->schema, &error))
        return tool_fail(&error);
    while (!feature_batch_column(mapping->schema, count, &field, NULL))
        count++;
    mapping->columns = calloc(count, sizeof *mapping->columns);
    if (!mapping->columns)
        return tool_no_memory();
    for (uint32_t i = 0; i < count; i++) {
        feature_batch_column(mapping->schema, i, &mapping->columns[i].field,
                             NULL);
        mapping->columns[i].source = HEADER_NONE;
    }
    mapping->count = count;
    return TOOL_DONE;
}

static struct load_column *
find_column(const struct load_mapping *mapping, const char *name)
{
    for (uint32_t i = 0; i < mapping->count; i++)
        if (!strcmp(mapping->columns[i].field.name, name))
            return &mapping->columns[i];
    return NULL;
}

static bool
is_value(const struct load_column *column)
{
    return column->field.role == FEATURE_ROLE_FEATURE ||
           column->field.role == FEATURE_ROLE_EVENT_COLUMN;
}

static int
check_pairs(const struct load_mapping *mapping,
            const struct load_options *options)
{
    for (uint32_t i = 0; i < options->title_count; i++)
        if (!find_column(mapping, options->titles[i].name))
            return tool_refuse("--column: %s has no column \"%s\"",
                               options->view, options->titles[i].name);
    for (uint32_t i = 0; i < options->time_count; i++) {
        const char *name = options->times[i].name;
        const struct load_column *column = find_column(mapping, name);

        if (!column || !is_value(column) ||
            column->field.type != FEATURE_TYPE_TIMESTAMP)
            return tool_refuse("--time: %s has no TIMESTAMP feature \"%s\"",
                               options->view, name);
    }
    return TOOL_DONE;
}

/* Reads how a column writes its times. */
static int
read_format(struct load_column *column, const struct load_options *options,
            const char *option, const char *word)
{
    struct moment_format *moment = &column->moment;
    const char *why = moment_format_read(moment, word);

    if (why)
        return tool_misuse(options->command, "%s: \"%s\" %s", option, word,
                           why);
    if (moment->kind == MOMENT_PATTERN && !moment->has_zone &&
        !moment_has_offset(moment))
        return tool_misuse(options->command,
                           "%s: \"%s\" has no %%z: add --time-zone UTC, or an "
                           "offset such as --time-zone +08:00",
                           option, word);
    return TOOL_DONE;
}

/* --timestamp TITLE, TITLE:FORMAT or :FORMAT; a title may have colons. */
static int
map_timestamp(struct load_column *column, const struct load_options *options,
              const struct header *header)
{
    const char *word = options->timestamp;
    const char *colon = strchr(word, ':');
    char *title;

    column->source = header_find_title(header, word);
    if (column->source != HEADER_NONE)
        return TOOL_DONE;
    title = strndupa(word, colon ? (size_t)(colon - word) : strlen(word));
    column->source = header_find(header, *title ? title : time_name);
    if (column->source == HEADER_NONE)
        return tool_refuse("%s has no column \"%s\"",
                           tool_file_name(options->file),
                           *title ? title : time_name);
    return colon ? read_format(column, options, "--timestamp", colon + 1)
                 : TOOL_DONE;
}

static int
map_column(struct load_column *column, const struct load_options *options,
           const struct header *header)
{
    const char *name = column->field.name;
    const char *title = find_pair(options->titles, options->title_count, name);
    const char *format = find_pair(options->times, options->time_count, name);

    column->moment.has_zone = options->has_zone;
    column->moment.zone = options->zone;
    if (column->field.role == FEATURE_ROLE_EVENT_TIMESTAMP) {
        column->field.flags |= FEATURE_FIELD_NOT_NULL;
        if (options->at_commit)
            return TOOL_DONE;
        if (options->timestamp)
            return map_timestamp(column, options, header);
    }
    column->source =
        title ? header_find_title(header, title) : header_find(header, name);
    if (title && column->source == HEADER_NONE)
        return tool_refuse("--column: %s has no column \"%s\"",
                           tool_file_name(options->file), title);
    return format ? read_format(column, options, "--time", format) : TOOL_DONE;
}

static int
check_keys(const struct load_mapping *mapping,
           const struct load_options *options)
{
    const char *file = tool_file_name(options->file);

    for (uint32_t i = 0; i < mapping->count; i++) {
        const struct load_column *column = &mapping->columns[i];
        const char *name = column->field.name;

        if (column->source != HEADER_NONE)
            continue;
        if (column->field.role == FEATURE_ROLE_JOIN_KEY)
            return tool_refuse("%s has no column for the join key %s: name it "
                               "with --column %s=TITLE",
                               file, name, name);
        if (column->field.role == FEATURE_ROLE_EVENT_TIMESTAMP &&
            !options->at_commit)
            return tool_refuse("%s has no column event_timestamp: name it with "
                               "--timestamp TITLE, or say --at-commit to give "
                               "rows the time of their commit",
                               file);
    }
    return TOOL_DONE;
}

static bool
is_missing(const struct load_column *column)
{
    return column->source == HEADER_NONE && is_value(column);
}

static int
refuse_missing(const struct load_mapping *mapping,
               const struct load_options *options, struct text *missing,
               uint32_t count)
{
    const char *names = text_end(missing) ? missing->data : "columns";
    const char *file = tool_file_name(options->file);
    const char *them = count > 1 ? "them" : "it";

    if (mapping->is_event)
        return tool_refuse("%s lacks %s of %s: say --upsert to make %s null",
                           file, names, options->view, them);
    return tool_refuse("%s lacks %s of %s: say --patch to leave %s as %s, or "
                       "--upsert to make %s null",
                       file, names, options->view, them,
                       count > 1 ? "they are" : "it is", them);
}

/* An upsert would set what is missing to null, and so does an event: that has to
 * be asked for. */
static int
choose_operation(struct load_mapping *mapping,
                 const struct load_options *options)
{
    struct text missing = {0};
    uint32_t count = 0;
    int code = TOOL_DONE;

    mapping->operation = options->operation;
    for (uint32_t i = 0; i < mapping->count; i++) {
        if (is_missing(&mapping->columns[i]))
            text_add(&missing, "%s%s", count++ ? ", " : "",
                     mapping->columns[i].field.name);
    }
    if (!mapping->operation && !count)
        mapping->operation = FEATURE_UPSERT;
    if (!mapping->operation)
        code = refuse_missing(mapping, options, &missing, count);
    else if (mapping->is_event && options->operation == FEATURE_PATCH)
        code = tool_refuse("%s is an event: --patch is for feature views",
                           options->view);
    text_free(&missing);
    if (mapping->is_event)
        mapping->operation = options->retract ? FEATURE_RETRACT : FEATURE_EVENT;
    else if (!code && options->retract)
        code = tool_refuse("%s is a feature view: --retract is for events",
                           options->view);
    return code;
}

/* Drops columns without a cell and names the rest. */
static void
keep_mapped(struct load_mapping *mapping)
{
    uint32_t kept = 0;

    mapping->time = HEADER_NONE;
    for (uint32_t i = 0; i < mapping->count; i++) {
        if (mapping->columns[i].source == HEADER_NONE)
            continue;
        if (mapping->columns[i].field.role == FEATURE_ROLE_EVENT_TIMESTAMP)
            mapping->time = kept;
        text_add(&mapping->names, "%s%s", kept ? "," : "",
                 mapping->columns[i].field.name);
        mapping->columns[kept++] = mapping->columns[i];
    }
    mapping->count = kept;
}

static void
list_ignored(struct load_mapping *mapping, const struct header *header)
{
    for (uint32_t i = 0; i < header->count; i++) {
        uint32_t c = 0;

        while (c < mapping->count && mapping->columns[c].source != i)
            c++;
        if (c < mapping->count)
            continue;
        text_add(&mapping->ignored, "%s", mapping->ignored.size ? "," : "");
        text_add_csv(&mapping->ignored, header->titles[i],
                     strlen(header->titles[i]));
    }
}

int
load_map(struct load_mapping *mapping, feature_store *store,
         const struct load_options *options, const struct header *header)
{
    int code;

    memset(mapping, 0, sizeof *mapping);
    code = read_schema(mapping, store, options);
    if (!code)
        code = check_pairs(mapping, options);
    for (uint32_t i = 0; !code && i < mapping->count; i++)
        code = map_column(&mapping->columns[i], options, header);
    if (!code)
        code = check_keys(mapping, options);
    if (!code)
        code = choose_operation(mapping, options);
    if (code)
        return code;
    mapping->cells = header->count;
    keep_mapped(mapping);
    list_ignored(mapping, header);
    if (!text_end(&mapping->names) || !text_end(&mapping->ignored))
        return tool_no_memory();
    return TOOL_DONE;
}

void
load_mapping_free(struct load_mapping *mapping)
{
    feature_batch_free(mapping->schema);
    free(mapping->columns);
    text_free(&mapping->names);
    text_free(&mapping->ignored);
}
