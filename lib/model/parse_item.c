/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items of services and queries: view(a, b AS c) AS alias (key AS other).
 *
 * Owns their grammar, and their canonical text.
 * Keeps one form for view:feature and view(feature).
 * Never looks a name up.
 */
#include "model/parse.h"

#include <string.h>

#include "base/error.h"
#include "model/names.h"

#define TIMESTAMP_NAME "event_timestamp"

/* AS name, where there is one. */
static feature_status
parse_as(struct lf_lexer *lexer, struct lf_arena *arena, struct lf_name *as)
{
    struct lf_lexer start;
    bool is_named;

    LF_TRY(lf_lexer_skip_word(lexer, "AS", &is_named));
    if (!is_named)
        return FEATURE_OK;
    start = *lexer;
    LF_TRY(lf_lexer_take_name(lexer, arena, "a name", as));
    if (!strcmp(as->text, TIMESTAMP_NAME))
        return lf_lexer_fail(&start, "the name %s is reserved", TIMESTAMP_NAME);
    return FEATURE_OK;
}

static feature_status
add_selected(struct lf_lexer *lexer, struct lf_arena *arena,
             struct lf_item_clause *item)
{
    struct lf_selected_clause *selected;
    bool is_all;

    selected = lf_list_room(arena, item->selected, item->selected_count,
                            sizeof *selected);
    if (!selected)
        return lf_fail_memory(lexer->error);
    item->selected = selected;
    selected += item->selected_count++;
    selected->feature.at = lexer->token.at;
    LF_TRY(lf_lexer_skip_mark(lexer, '*', &is_all));
    if (is_all)
        return FEATURE_OK;
    LF_TRY(lf_lexer_take_name(lexer, arena, "a feature or \"*\"",
                              &selected->feature));
    return parse_as(lexer, arena, &selected->as);
}

static feature_status
add_renamed(struct lf_lexer *lexer, struct lf_arena *arena,
            struct lf_item_clause *item)
{
    struct lf_renamed_clause *renamed;

    if (item->renamed_count == LF_KEYS_MAX)
        return lf_lexer_fail(lexer, "a view has at most %d join keys",
                             LF_KEYS_MAX);
    renamed = lf_list_room(arena, item->renamed, item->renamed_count,
                           sizeof *renamed);
    if (!renamed)
        return lf_fail_memory(lexer->error);
    item->renamed = renamed;
    renamed += item->renamed_count++;
    LF_TRY(lf_lexer_take_name(lexer, arena, "a join key", &renamed->key));
    if (!lf_lexer_is_word(lexer, "AS"))
        return lf_lexer_expected(lexer, "AS");
    return parse_as(lexer, arena, &renamed->as);
}

/* What stands between the parentheses, one by one. */
static feature_status
parse_each(struct lf_lexer *lexer, struct lf_arena *arena,
           feature_status (*add)(struct lf_lexer *, struct lf_arena *,
                                 struct lf_item_clause *),
           struct lf_item_clause *item)
{
    bool more = true;

    while (more) {
        LF_TRY(add(lexer, arena, item));
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    if (!lf_lexer_is_mark(lexer, ')'))
        return lf_lexer_expected(lexer, "\",\" or \")\"");
    return lf_lexer_next(lexer);
}

static feature_status
parse_item(struct lf_lexer *lexer, struct lf_arena *arena,
           struct lf_item_clause *item)
{
    bool is_reference, is_list, is_renamed;

    LF_TRY(lf_lexer_take_name(
        lexer, arena, "the name of a feature view or a service", &item->view));
    LF_TRY(lf_lexer_skip_mark(lexer, ':', &is_reference));
    if (is_reference)
        return add_selected(lexer, arena, item);
    LF_TRY(lf_lexer_skip_mark(lexer, '(', &is_list));
    item->is_bare = !is_list;
    if (item->is_bare)
        return FEATURE_OK;
    LF_TRY(parse_each(lexer, arena, add_selected, item));
    LF_TRY(parse_as(lexer, arena, &item->alias));
    LF_TRY(lf_lexer_skip_mark(lexer, '(', &is_renamed));
    if (is_renamed)
        LF_TRY(parse_each(lexer, arena, add_renamed, item));
    return FEATURE_OK;
}

feature_status
lf_parse_items(struct lf_lexer *lexer, struct lf_arena *arena,
               struct lf_item_clause **items, uint32_t *count)
{
    struct lf_item_clause *made = NULL;
    uint32_t used = 0;
    bool more = true;

    while (more) {
        if (used == LF_ITEMS_MAX)
            return lf_lexer_fail(lexer, "a list has at most %d items",
                                 LF_ITEMS_MAX);
        made = lf_list_room(arena, made, used, sizeof *made);
        if (!made)
            return lf_fail_memory(lexer->error);
        LF_TRY(parse_item(lexer, arena, &made[used++]));
        LF_TRY(lf_lexer_skip_mark(lexer, ',', &more));
    }
    *items = made;
    *count = used;
    return FEATURE_OK;
}

static void
print_as(struct lf_text *text, const char *as)
{
    if (as)
        lf_text_add(text, " AS %s", as);
}

static void
print_item(struct lf_text *text, const struct lf_item_clause *item)
{
    lf_text_add(text, "%s(", item->view.text);
    for (uint32_t i = 0; i < item->selected_count; i++) {
        const char *feature = item->selected[i].feature.text;

        lf_text_add(text, "%s%s", i ? ", " : "", feature ? feature : "*");
        print_as(text, item->selected[i].as.text);
    }
    lf_text_add(text, ")");
    print_as(text, item->alias.text);
    for (uint32_t i = 0; i < item->renamed_count; i++)
        lf_text_add(text, "%s%s AS %s", i ? ", " : " (",
                    item->renamed[i].key.text, item->renamed[i].as.text);
    if (item->renamed_count)
        lf_text_add(text, ")");
}

void
lf_items_print(struct lf_text *text, const struct lf_item_clause *items,
               uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        lf_text_add(text, i ? ", " : "");
        print_item(text, &items[i]);
    }
}
