/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions as texts.
 *
 * Owns the ways to write one thing: capitals or not, seconds or their parts.
 * Keeps the meaning whatever the style.
 * Never checks anything: wrong texts are wanted too.
 */
#include "definition.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define SMALL_LETTERS 1u /* bits of a style */
#define COMMENTS      2u
#define SHORT_UNITS   4u

/* A keyword, in capitals or not. */
static void
word(struct text *text, const char *keyword, uint32_t style)
{
    for (; *keyword; keyword++) {
        char c = *keyword;

        if (style & SMALL_LETTERS)
            c = (char)tolower((unsigned char)c);
        text_add_bytes(text, &c, 1);
    }
}

static void
print_duration(struct text *text, int64_t value, uint32_t style)
{
    if (value == OPTION_NONE)
        text_add(text, "'none'");
    else if (value % SECOND)
        text_add(text, "'%" PRId64 "us'", value);
    else if (style & SHORT_UNITS)
        text_add(text, "'%" PRId64 "s'", value / SECOND);
    else
        text_add(text, "'%" PRId64 " milliseconds'", value / 1000);
}

static void
print_options(struct text *text, const struct option_values *options,
              uint32_t style)
{
    static const char *const names[] = {"ttl", "history", "max_skew",
                                        "changes"};
    const char *before = "(";

    for (int i = 0; i < OPTIONS; i++) {
        if (!options->of[i])
            continue;
        if (*before == '(')
            word(text, " WITH ", style);
        text_add(text, "%s%s = ", before, names[i]);
        print_duration(text, options->of[i], style);
        before = ", ";
    }
    if (*before != '(')
        text_add(text, ")");
}

static void
print_feature(struct text *text, const struct feature_clause *feature,
              uint32_t style)
{
    text_add(text, "%s ", feature->name);
    type_print(text, feature->type);
    if (feature->not_null)
        word(text, " NOT NULL", style);
    if (!feature->fallback.is_null) {
        word(text, " DEFAULT ", style);
        value_print(text, feature->type, feature->fallback);
    }
    if (feature->renamed_from) {
        word(text, " RENAMED FROM ", style);
        text_add(text, "%s", feature->renamed_from);
    }
}

static void
print_entity(struct text *text, const struct statement *statement,
             uint32_t style)
{
    word(text, "CREATE ENTITY ", style);
    text_add(text, "%s (", statement->name);
    for (uint32_t i = 0; i < statement->count; i++) {
        struct type type = {.code = statement->keys[i].code, .width = 1};

        text_add(text, "%s%s ", i ? ", " : "", statement->keys[i].name);
        type_print(text, type);
    }
    text_add(text, ")");
}

static void
print_view(struct text *text, const struct statement *statement, uint32_t style)
{
    word(text, "CREATE FEATURE VIEW ", style);
    text_add(text, "%s (", statement->name);
    for (uint32_t i = 0; i < statement->count; i++) {
        text_add(text, "%s", i ? ",\n    " : "\n    ");
        print_feature(text, &statement->features[i], style);
    }
    text_add(text, "\n) ");
    word(text, "FOR ", style);
    text_add(text, "%s", statement->entity);
    print_options(text, &statement->options, style);
}

static void
print_item(struct text *text, const struct item_clause *item)
{
    text_add(text, "%s", item->name);
    if (item->is_bare)
        return;
    text_add(text, item->is_reference ? ":" : "(");
    for (uint32_t i = 0; i < item->selected_count; i++) {
        const struct selected_clause *selected = &item->selected[i];

        text_add(text, "%s%s", i ? ", " : "",
                 selected->feature ? selected->feature : "*");
        if (selected->as)
            text_add(text, " AS %s", selected->as);
    }
    if (!item->is_reference)
        text_add(text, ")");
    if (item->alias)
        text_add(text, " AS %s", item->alias);
    for (uint32_t i = 0; i < item->renamed_count; i++)
        text_add(text, "%s%s AS %s", i ? ", " : " (", item->renamed[i].key,
                 item->renamed[i].as);
    if (item->renamed_count)
        text_add(text, ")");
}

void
items_print(struct text *text, const struct item_clause *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        text_add(text, i ? ", " : "");
        print_item(text, &items[i]);
    }
}

static void
print_statement(struct text *text, const struct statement *statement,
                uint32_t style)
{
    switch (statement->kind) {
    case CREATE_ENTITY:
        print_entity(text, statement, style);
        return;
    case CREATE_VIEW:
        print_view(text, statement, style);
        return;
    case CREATE_SERVICE:
        word(text, "CREATE FEATURE SERVICE ", style);
        text_add(text, "%s AS ", statement->name);
        items_print(text, statement->items, statement->count);
        return;
    case STORE_WITH:
        word(text, "STORE", style);
        print_options(text, &statement->options, style);
        return;
    case DROP_ENTITY:
        word(text, "DROP ENTITY ", style);
        break;
    case DROP_VIEW:
        word(text, "DROP FEATURE VIEW ", style);
        break;
    case DROP_SERVICE:
        word(text, "DROP FEATURE SERVICE ", style);
        break;
    case DROP_FEATURE:
        word(text, "DROP FEATURE ", style);
        text_add(text, "%s:%s", statement->name, statement->feature);
        return;
    case NONSENSE:
        break;
    }
    text_add(text, "%s", statement->name);
}

void
statements_print(struct text *text, const struct statement *statements,
                 uint32_t count, uint32_t style)
{
    text_add(text, "%s", style & COMMENTS ? "-- it's a comment; (\n" : "");
    for (uint32_t i = 0; i < count; i++) {
        print_statement(text, &statements[i], style);
        text_add(text, ";\n");
    }
}
