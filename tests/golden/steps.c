/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all steps share, and the steps that move no rows.
 *
 * Owns the order of lines in a block, and expectations.
 * Keeps a step whole: a line that nobody took fails it.
 * Never knows how values are written.
 */
#include "steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct feature_error step_error;

void
fail_at(const struct line *line, const char *format, ...)
{
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    print_error("%s\n", message);
    _fail(line->file, line->number);
    abort(); /* not reached */
}

const struct line *
take_line(struct reader *reader, const char *word)
{
    const struct line *line = reader->block->lines + reader->next;

    if (reader->next == reader->block->count || strcmp(line->words[0], word))
        return NULL;
    reader->next++;
    return line;
}

const struct line *
need_line(struct reader *reader, const char *word, size_t count)
{
    const struct line *line = take_line(reader, word);
    size_t last = reader->next < reader->block->count
                      ? reader->next
                      : reader->block->count - 1;

    if (!line)
        fail_at(reader->block->lines + last, "a line %s is missing", word);
    if (line->count < count)
        fail_at(line, "%s needs %zu words", word, count);
    return line;
}

char *
take_text(struct reader *reader, const char *word)
{
    const struct line *line;
    char *text = calloc(1, 1);
    size_t size = 0;

    while ((line = take_line(reader, word))) {
        text = realloc(text, size + strlen(line->rest) + 2);
        assert_non_null(text);
        size += (size_t)sprintf(text + size, "%s\n", line->rest);
    }
    return text;
}

int64_t
word_number(const struct line *line, size_t word)
{
    char *end;
    long long number = strtoll(line->words[word], &end, 10);

    if (*end)
        fail_at(line, "%s is not a number", line->words[word]);
    return number;
}

int
word_index(const struct line *line, const char *word, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], word))
            return i;
    fail_at(line, "%s means nothing here", word);
}

feature_status
word_status(const struct line *line, const char *word)
{
    for (feature_status i = 0; i <= FEATURE_UNSUPPORTED; i++)
        if (!strcmp(feature_status_name(i), word))
            return i;
    fail_at(line, "there is no status %s", word);
}

void
expect_number(const struct line *line, const char *what, int64_t got,
              int64_t expected)
{
    if (got != expected)
        fail_at(line, "%s is %" PRId64 ", expected %" PRId64, what, got,
                expected);
}

/* batch=N row=N line=N column=N */
static void
expect_place(const struct line *line, const char *word)
{
    static const char *const names[] = {"batch", "row", "line", "column", NULL};
    size_t size = strcspn(word, "=");
    char name[16] = "";
    int64_t got[4] = {step_error.batch, step_error.row, step_error.line,
                      step_error.column};

    if (!word[size] || size >= sizeof name)
        fail_at(line, "%s is no place", word);
    memcpy(name, word, size);
    expect_number(line, name, got[word_index(line, name, names)],
                  strtoll(word + size + 1, NULL, 10));
}

const struct line *
expect_status(struct reader *reader, feature_status status)
{
    const struct line *line = reader->block->lines + reader->block->count - 1;

    reader->next = reader->block->count;
    if (!strcmp(line->words[0], "ok")) {
        if (status)
            fail_at(line, "%s %s: %s", feature_status_name(status),
                    step_error.reason, step_error.message);
        return line;
    }
    if (strcmp(line->words[0], "error") || line->count < 3)
        fail_at(line, "a step ends in ok or in error STATUS REASON");
    if (status != word_status(line, line->words[1]) ||
        strcmp(step_error.reason, line->words[2]))
        fail_at(line, "%s %s: %s", feature_status_name(status),
                status ? step_error.reason : "", step_error.message);
    for (size_t i = 3; i < line->count; i++)
        expect_place(line, line->words[i]);
    return NULL;
}

void
step_apply(struct fixture *f, struct reader *reader)
{
    struct feature_apply_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    const struct line *line = take_line(reader, "expect");
    feature_status status;
    char *text;

    if (line)
        options.expect = (uint64_t)word_number(line, 1);
    text = take_text(reader, "|");
    status =
        feature_store_apply(f->store, text, &options, &commit, &step_error);
    free(text);
    line = expect_status(reader, status);
    if (!line || line->count < 3)
        return;
    expect_number(line, "sequence", (int64_t)commit.sequence,
                  word_number(line, 1));
    expect_number(line, "time", commit.time, cell_time(line, line->words[2]));
}

/* Compares a text that the library returned, and frees it. */
static void
expect_text(struct reader *reader, feature_status status, char *got)
{
    char *expected = take_text(reader, ">");
    const struct line *line = expect_status(reader, status);

    if (line && strcmp(got, expected))
        fail_at(line, "the text is:\n%s", got);
    free(expected);
    feature_free(got);
}

void
step_plan(struct fixture *f, struct reader *reader)
{
    char *text = take_text(reader, "|"), *got = NULL;
    feature_status status =
        feature_store_plan(f->store, text, &got, &step_error);

    free(text);
    expect_text(reader, status, got);
}

void
step_describe(struct fixture *f, struct reader *reader)
{
    const struct line *line = reader->block->lines;
    const char *name = line->count > 1 ? line->words[1] : NULL;
    char *got = NULL;
    feature_status status =
        feature_store_describe(f->store, name, &got, &step_error);

    expect_text(reader, status, got);
}

static const char *const members[] = {
    "sequence", "catalog_version", "rows",  "tombstones", "applied",
    "late",     "entities",        "views", "services",   NULL};

static int64_t
stats_member(const struct feature_stats *stats, int member)
{
    const uint64_t numbers[] = {
        stats->sequence,   stats->catalog_version, stats->rows,
        stats->tombstones, stats->applied,         stats->late,
        stats->entities,   stats->views,           stats->services};

    return (int64_t)numbers[member];
}

void
step_stats(struct fixture *f, struct reader *reader)
{
    const struct line *line = reader->block->lines;
    struct feature_stats stats = {.struct_size = sizeof stats};

    must(feature_store_stats(f->store, &stats, &problem));
    for (size_t i = 1; i < line->count; i++) {
        const char *value = strchr(line->words[i], '=');
        char name[32] = "";

        if (!value || value - line->words[i] >= (int)sizeof name)
            fail_at(line, "%s is not NAME=N", line->words[i]);
        memcpy(name, line->words[i], (size_t)(value - line->words[i]));
        expect_number(line, name,
                      stats_member(&stats, word_index(line, name, members)),
                      strtoll(value + 1, NULL, 10));
    }
}
