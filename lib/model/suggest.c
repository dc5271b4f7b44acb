/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a misspelt name may have meant.
 *
 * Owns the distance between names: insertions, deletions, replacements and
 * swaps of neighbours (optimal string alignment), whatever the case.
 * Keeps quiet where nothing is near: a wrong hint is worse than none.
 * Never allocates.
 */
#include "model/suggest.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/select.h"

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static uint32_t
smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Rows of the classic table: i - 2, i - 1 and i. */
static uint32_t
distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    uint32_t rows[3][LF_NAME_MAX + 1];
    uint32_t *older = rows[0], *old = rows[1], *now = rows[2], *free_row;

    for (uint32_t j = 0; j <= b_size; j++)
        old[j] = j;
    for (uint32_t i = 1; i <= a_size; i++) {
        now[0] = i;
        for (uint32_t j = 1; j <= b_size; j++) {
            char left = lower(a[i - 1]), right = lower(b[j - 1]);

            now[j] = smaller(smaller(old[j] + 1, now[j - 1] + 1),
                             old[j - 1] + (left != right));
            if (i > 1 && j > 1 && left == lower(b[j - 2]) &&
                right == lower(a[i - 2]))
                now[j] = smaller(now[j], older[j - 2] + 1);
        }
        free_row = older;
        older = old;
        old = now;
        now = free_row;
    }
    return old[b_size];
}

void
lf_suggestion_begin(struct lf_suggestion *suggestion, const char *name)
{
    size_t size = strnlen(name, LF_NAME_MAX + 1);

    suggestion->name = name;
    suggestion->found = NULL;
    suggestion->limit = (uint32_t)(size + 1) / 3 + 1;
    if (size == 0 || size > LF_NAME_MAX)
        suggestion->limit = 0;
}

void
lf_suggestion_offer(struct lf_suggestion *suggestion, const char *candidate)
{
    size_t size = strnlen(candidate, LF_NAME_MAX + 1);
    uint32_t far;

    if (suggestion->limit == 0 || size == 0 || size > LF_NAME_MAX)
        return;
    far = distance(suggestion->name, strlen(suggestion->name), candidate, size);
    if (far < suggestion->limit) {
        suggestion->limit = far;
        suggestion->found = candidate;
    }
}

void
lf_suggestion_offer_entities(struct lf_suggestion *suggestion,
                             const struct lf_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        lf_suggestion_offer(suggestion, catalog->entities[i].name);
}

void
lf_suggestion_offer_events(struct lf_suggestion *suggestion,
                           const struct lf_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->event_count; i++)
        lf_suggestion_offer(suggestion, catalog->events[i].name);
}

void
lf_suggestion_offer_columns(struct lf_suggestion *suggestion,
                            const struct lf_event *event)
{
    for (uint32_t i = 0; i < event->column_count; i++)
        lf_suggestion_offer(suggestion, event->columns[i].name);
}

void
lf_suggestion_offer_views(struct lf_suggestion *suggestion,
                          const struct lf_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        lf_suggestion_offer(suggestion, catalog->views[i].name);
}

void
lf_suggestion_offer_services(struct lf_suggestion *suggestion,
                             const struct lf_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->service_count; i++)
        lf_suggestion_offer(suggestion, catalog->services[i].name);
}

feature_status
lf_suggestion_fail(const struct lf_suggestion *suggestion, struct lf_place at,
                   struct feature_error *error, const char *format, ...)
{
    char message[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!suggestion->found)
        return lf_fail_at(error, FEATURE_NOT_FOUND, "name", at.line, at.column,
                          "%s", message);
    return lf_fail_at(error, FEATURE_NOT_FOUND, "name", at.line, at.column,
                      "%s; did you mean %s?", message, suggestion->found);
}

const char *
lf_suggest(const char *name, const char *const *candidates, size_t count)
{
    struct lf_suggestion suggestion;

    lf_suggestion_begin(&suggestion, name);
    for (size_t i = 0; i < count; i++)
        lf_suggestion_offer(&suggestion, candidates[i]);
    return suggestion.found;
}
