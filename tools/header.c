/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Titles of columns, and the names made of them.
 *
 * Owns the rule that turns "Trip Distance (mi)" into Trip_Distance_mi.
 * Keeps names different from each other and valid in the definition language.
 * Never drops a column: every title gets a name.
 */
#include "header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* A set of texts with their column, by open addressing. */
struct set {
    uint32_t size; /* a power of two, over twice the count */
    uint32_t *columns;
    char **texts;
};

static uint64_t
hash(const char *text)
{
    uint64_t sum = 14695981039346656037u;

    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * 1099511628211u;
    return sum;
}

/* The slot of a text, or the free one it would take. */
static uint32_t *
find_slot(const struct set *set, const char *text)
{
    uint32_t i = (uint32_t)(hash(text) >> 20) & (set->size - 1);

    while (set->columns[i] != HEADER_NONE &&
           strcmp(set->texts[set->columns[i]], text) != 0)
        i = (i + 1) & (set->size - 1);
    return &set->columns[i];
}

static bool
begin_set(struct set *set, char **texts, uint32_t count)
{
    set->size = 4;
    while (set->size < 2 * count + 2)
        set->size *= 2;
    set->texts = texts;
    set->columns = malloc(set->size * sizeof *set->columns);
    if (set->columns)
        memset(set->columns, 0xff, set->size * sizeof *set->columns);
    return set->columns;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_name(const char *title)
{
    size_t size = 0;

    while (is_letter(title[size]) || is_digit(title[size]) ||
           title[size] == '_')
        size++;
    return is_letter(title[0]) && !title[size] && size < HEADER_NAME_SIZE &&
           strcmp(title, "event_timestamp") != 0;
}

void
header_make_name(char name[HEADER_NAME_SIZE], const char *title)
{
    size_t used = 0;
    bool is_gap = false;

    if (is_name(title)) {
        strcpy(name, title);
        return;
    }
    for (; *title && used + 2 < HEADER_NAME_SIZE; title++) {
        if (!is_letter(*title) && !is_digit(*title)) {
            is_gap = used > 0;
            continue;
        }
        if (!used && is_digit(*title))
            name[used++] = 'n';
        if (is_gap)
            name[used++] = '_';
        name[used++] = *title;
        is_gap = false;
    }
    name[used] = '\0';
    if (!used || !strcmp(name, "event_timestamp"))
        strcpy(name, used ? "event_timestamp_value" : "column");
}

static char *
copy_title(const char *text, size_t size)
{
    while (size && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    return strndup(text, size);
}

static bool
fail(struct csv_problem *problem, const char *message)
{
    problem->line = 0;
    snprintf(problem->message, sizeof problem->message, "%s", message);
    return false;
}

static bool
take_titles(struct header *header, const struct csv_reader *reader,
            struct csv_problem *problem)
{
    struct set set;

    if (!begin_set(&set, header->titles, header->count))
        return fail(problem, "out of memory");
    for (uint32_t i = 0; i < header->count; i++) {
        const struct csv_cell *cell = &reader->cells[i];
        uint32_t *slot;

        header->titles[i] = copy_title(cell->text, cell->size);
        if (!header->titles[i]) {
            free(set.columns);
            return fail(problem, "out of memory");
        }
        slot = find_slot(&set, header->titles[i]);
        if (*slot != HEADER_NONE) {
            csv_place(reader, cell->at, &problem->line, &problem->column);
            snprintf(problem->message, sizeof problem->message,
                     "two columns are called \"%.64s\"", header->titles[i]);
            free(set.columns);
            return false;
        }
        *slot = i;
    }
    free(set.columns);
    return true;
}

/* A name that is taken gets the number of its column. */
static bool
make_names(struct header *header)
{
    struct set set;
    bool is_fine = begin_set(&set, header->names, header->count);

    for (uint32_t i = 0; is_fine && i < header->count; i++) {
        char base[HEADER_NAME_SIZE], name[HEADER_NAME_SIZE];
        uint32_t *slot;

        header_make_name(base, header->titles[i]);
        strcpy(name, base);
        slot = find_slot(&set, name);
        for (uint32_t n = i + 1; *slot != HEADER_NONE; n++) {
            snprintf(name, sizeof name, "%.53s_%u", base, n);
            slot = find_slot(&set, name);
        }
        header->names[i] = strdup(name);
        is_fine = header->names[i];
        *slot = i;
    }
    free(set.columns);
    return is_fine;
}

bool
header_read(struct header *header, struct csv_reader *reader,
            struct csv_problem *problem)
{
    memset(header, 0, sizeof *header);
    switch (csv_next(reader)) {
    case CSV_RECORD:
        break;
    case CSV_END:
        return fail(problem, "an empty file: a header is needed");
    case CSV_BAD:
    case CSV_FAILED:
        *problem = reader->problem;
        return false;
    }
    header->count = reader->count;
    header->titles = calloc(header->count, sizeof *header->titles);
    header->names = calloc(header->count, sizeof *header->names);
    if (!header->titles || !header->names)
        return fail(problem, "out of memory");
    if (!take_titles(header, reader, problem))
        return false;
    if (!make_names(header))
        return fail(problem, "out of memory");
    reader->skips_blank = header->count > 1;
    return true;
}

void
header_free(struct header *header)
{
    for (uint32_t i = 0; i < header->count; i++) {
        if (header->titles)
            free(header->titles[i]);
        if (header->names)
            free(header->names[i]);
    }
    free(header->titles);
    free(header->names);
    memset(header, 0, sizeof *header);
}

uint32_t
header_find_title(const struct header *header, const char *title)
{
    for (uint32_t i = 0; i < header->count; i++)
        if (!strcmp(header->titles[i], title))
            return i;
    return HEADER_NONE;
}

uint32_t
header_find(const struct header *header, const char *name)
{
    uint32_t found = header_find_title(header, name);

    for (uint32_t i = 0; found == HEADER_NONE && i < header->count; i++)
        if (!strcmp(header->names[i], name))
            found = i;
    return found;
}

int
header_refuse(const char *path, const struct csv_problem *problem)
{
    const char *file = tool_file_name(path);

    if (!problem->line)
        return tool_refuse("%s: %s", file, problem->message);
    fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": %s\n", file, problem->line,
            problem->column, problem->message);
    return TOOL_REFUSED;
}
