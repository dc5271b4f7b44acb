/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which column of a stream is which of a view.
 *
 * Owns the text of feature_arrow_options.columns.
 * Keeps every column of the stream that is used the only one of its name.
 * Never asks what a view has: making the batch does.
 */
#include "exchange/import.h"

#include <string.h>

#include "model/lexer.h"
#include "model/names.h"
#include "model/suggest.h"

#define COLUMNS_MAX (LF_KEYS_MAX + 1 + LF_FEATURES_MAX)

/* The columns of the stream by name; more than one of a name are in twice. */
struct finder {
    const struct ArrowSchema *schema;
    struct lf_names names;
    struct lf_names twice;
};

static const char *
child_name(const struct ArrowSchema *schema, int64_t child)
{
    const char *name = schema->children[child]->name;

    return name ? name : "";
}

static feature_status
index_children(struct finder *finder, struct lf_arena *arena,
               struct feature_error *error)
{
    for (int64_t i = 0; i < finder->schema->n_children; i++) {
        const char *name = child_name(finder->schema, i);
        struct lf_names *to = lf_names_find(&finder->names, name, NULL)
                                  ? &finder->twice
                                  : &finder->names;

        if (!lf_names_find(to, name, NULL) &&
            !lf_names_add(to, arena, name, (uint32_t)i))
            return lf_fail_memory(error);
    }
    return FEATURE_OK;
}

static feature_status
find_child(const struct finder *finder, const char *name, uint32_t position,
           int64_t *child, struct feature_error *error)
{
    char quoted[LF_QUOTE_SIZE];
    struct lf_suggestion near;
    uint32_t number;

    lf_quote(quoted, name, strlen(name));
    if (lf_names_find(&finder->twice, name, NULL)) {
        lf_fail(error, FEATURE_INVALID, "argument",
                "the stream has two columns \"%s\"", quoted);
        lf_error_place(error, 0, -1, position);
        return FEATURE_INVALID;
    }
    if (lf_names_find(&finder->names, name, &number)) {
        *child = number;
        return FEATURE_OK;
    }
    lf_suggestion_begin(&near, name);
    for (int64_t i = 0; i < finder->schema->n_children; i++)
        lf_suggestion_offer(&near, child_name(finder->schema, i));
    lf_fail(error, FEATURE_NOT_FOUND, "name",
            "the stream has no column \"%s\"%s%s%s", quoted,
            near.found ? ", did you mean \"" : "", near.found ? near.found : "",
            near.found ? "\"?" : "");
    lf_error_place(error, 0, -1, position);
    return FEATURE_NOT_FOUND;
}

static feature_status
make_columns(struct lf_mapping *mapping, int64_t count,
             struct feature_error *error)
{
    size_t room = (size_t)count;

    mapping->names =
        lf_arena_array(&mapping->arena, room, sizeof *mapping->names);
    mapping->positions =
        lf_arena_array(&mapping->arena, room, sizeof *mapping->positions);
    mapping->children =
        lf_arena_array(&mapping->arena, room, sizeof *mapping->children);
    if (!mapping->names || !mapping->positions || !mapping->children)
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
take_all(struct lf_mapping *mapping, const struct finder *finder,
         struct feature_error *error)
{
    int64_t count = finder->schema->n_children;

    if (count < 1 || count > COLUMNS_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the stream has %lld columns, no view has that many",
                       (long long)count);
    LF_TRY(make_columns(mapping, count, error));
    for (int64_t i = 0; i < count; i++) {
        const char *name = child_name(finder->schema, i);

        mapping->names[i] = lf_arena_copy(&mapping->arena, name, strlen(name));
        if (!mapping->names[i])
            return lf_fail_memory(error);
        LF_TRY(find_child(finder, name, 0, &mapping->children[i], error));
        mapping->count++;
    }
    return FEATURE_OK;
}

/* A name of the stream: a word as it stands, or anything in quotes. */
static feature_status
take_source(struct lf_lexer *lexer, struct lf_arena *arena, const char **source)
{
    uint32_t size;

    if (lexer->token.kind == LF_TOKEN_STRING)
        return lf_lexer_take_string(lexer, arena, "a name", source, &size);
    if (lexer->token.kind != LF_TOKEN_WORD)
        return lf_lexer_expected(lexer, "the name of a column of the stream");
    *source = lf_arena_copy(arena, lexer->token.text, lexer->token.size);
    if (!*source)
        return lf_fail_memory(lexer->error);
    return lf_lexer_next(lexer);
}

/* `column` or `column = source` */
static feature_status
take_column(struct lf_mapping *mapping, const struct finder *finder,
            struct lf_lexer *lexer)
{
    uint32_t at = mapping->count, position;
    const char *source;
    struct lf_name name;
    bool is_renamed;

    if (at == COLUMNS_MAX)
        return lf_lexer_fail(lexer, "no view has that many columns");
    LF_TRY(lf_lexer_take_name(lexer, &mapping->arena, "the name of a column",
                              &name));
    source = name.text;
    position = name.at.column;
    LF_TRY(lf_lexer_skip_mark(lexer, '=', &is_renamed));
    if (is_renamed) {
        position = lexer->token.at.column;
        LF_TRY(take_source(lexer, &mapping->arena, &source));
    }
    LF_TRY(find_child(finder, source, position, &mapping->children[at],
                      lexer->error));
    mapping->names[at] = name.text;
    mapping->positions[at] = name.at.column;
    mapping->count++;
    return FEATURE_OK;
}

static feature_status
take_listed(struct lf_mapping *mapping, const struct finder *finder,
            const char *text, struct feature_error *error)
{
    struct lf_lexer lexer;
    bool more = true;

    LF_TRY(make_columns(mapping, COLUMNS_MAX, error));
    LF_TRY(lf_lexer_begin(&lexer, text, error));
    while (more) {
        LF_TRY(take_column(mapping, finder, &lexer));
        LF_TRY(lf_lexer_skip_mark(&lexer, ',', &more));
    }
    if (lexer.token.kind != LF_TOKEN_END)
        return lf_lexer_expected(&lexer, "\",\", \"=\" or the end of the text");
    return FEATURE_OK;
}

feature_status
lf_mapping_init(struct lf_mapping *mapping, const char *text,
                const struct ArrowSchema *schema, struct feature_error *error)
{
    struct finder finder = {.schema = schema};

    LF_TRY(index_children(&finder, &mapping->arena, error));
    return text ? take_listed(mapping, &finder, text, error)
                : take_all(mapping, &finder, error);
}

void
lf_mapping_free(struct lf_mapping *mapping)
{
    lf_arena_free(&mapping->arena);
}
