/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature services: named lists of columns, with `*` expanded.
 *
 * Owns what makes two lists the same.
 * Keeps a service as it was created: names of columns are stored, so that the
 * rename of a feature does not reach those who read the service.
 * Never changes a service that exists.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/evolve.h"
#include "model/resolve.h"

static bool
is_same_text(const char *a, const char *b)
{
    return !a || !b ? a == b : !strcmp(a, b);
}

static bool
is_same_role(const struct lf_service_item *a, const struct lf_service_item *b)
{
    if (a->view != b->view || a->renamed_count != b->renamed_count ||
        !is_same_text(a->alias, b->alias))
        return false;
    for (uint32_t i = 0; i < a->renamed_count; i++)
        if (strcmp(a->renamed[i].key, b->renamed[i].key) != 0 ||
            strcmp(a->renamed[i].as, b->renamed[i].as) != 0)
            return false;
    return true;
}

static bool
is_same_item(const struct lf_service_item *a, const struct lf_service_item *b)
{
    if (!is_same_role(a, b) || a->selected_count != b->selected_count)
        return false;
    for (uint32_t i = 0; i < a->selected_count; i++)
        if (a->selected[i].feature != b->selected[i].feature ||
            !is_same_text(a->selected[i].as, b->selected[i].as))
            return false;
    return true;
}

static bool
is_same_list(const struct lf_service *a, const struct lf_service *b)
{
    if (a->item_count != b->item_count)
        return false;
    for (uint32_t i = 0; i < a->item_count; i++)
        if (!is_same_item(&a->items[i], &b->items[i]))
            return false;
    return true;
}

const struct lf_service *
lf_service_using(const struct lf_catalog *catalog, uint32_t view,
                 uint32_t feature)
{
    for (uint32_t i = 0; i < catalog->service_count; i++) {
        const struct lf_service *service = &catalog->services[i];

        for (uint32_t j = 0; j < service->item_count; j++) {
            const struct lf_service_item *item = &service->items[j];

            if (item->view != view)
                continue;
            if (!feature)
                return service;
            for (uint32_t k = 0; k < item->selected_count; k++)
                if (item->selected[k].feature == feature)
                    return service;
        }
    }
    return NULL;
}

/* One item of a run of items in the same role. */
static bool
join_items(struct lf_arena *arena, const struct lf_resolved_item *run,
           uint32_t count, struct lf_service_item *made)
{
    uint32_t columns = 0;

    *made = run->item;
    for (uint32_t i = 0; i < count; i++)
        columns += run[i].item.selected_count;
    made->selected = lf_arena_array(arena, columns, sizeof *made->selected);
    if (!made->selected)
        return false;
    made->selected_count = columns;
    columns = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct lf_service_item *item = &run[i].item;

        memcpy(made->selected + columns, item->selected,
               item->selected_count * sizeof *item->selected);
        columns += item->selected_count;
    }
    return true;
}

static bool
join_all(struct lf_arena *arena, const struct lf_resolved_item *resolved,
         uint32_t count, struct lf_service *service)
{
    uint32_t run;

    service->items = lf_arena_array(arena, count, sizeof *service->items);
    if (!service->items)
        return false;
    for (uint32_t i = 0; i < count; i += run) {
        for (run = 1; i + run < count; run++)
            if (!is_same_role(&resolved[i].item, &resolved[i + run].item))
                break;
        if (!join_items(arena, &resolved[i], run,
                        &service->items[service->item_count++]))
            return false;
    }
    return true;
}

/* Resolves a list and checks it as a query of it would be. */
static feature_status
resolve_list(struct lf_change *change, const struct lf_statement *statement,
             struct lf_service *service, uint32_t *columns)
{
    struct lf_selector selector = {.catalog = change->after,
                                   .error = change->error};
    struct lf_arena *arena = &change->after->arena;
    struct lf_resolved_item *resolved;
    feature_status status = FEATURE_OK;

    resolved =
        lf_arena_array(change->scratch, statement->count, sizeof *resolved);
    selector.selection = lf_alloc(sizeof *selector.selection);
    if (!resolved || !selector.selection) {
        status = lf_fail_memory(change->error);
        goto out;
    }
    for (uint32_t i = 0; i < statement->count; i++) {
        status = lf_resolve_item(change->after, &statement->items[i], arena,
                                 &resolved[i], change->error);
        if (!status)
            status = lf_selector_add(&selector, &resolved[i].item,
                                     resolved[i].at, resolved[i].places);
        if (status)
            goto out;
    }
    *columns = selector.selection->column_count;
    if (!join_all(arena, resolved, statement->count, service))
        status = lf_fail_memory(change->error);
out:
    lf_selection_free(selector.selection);
    return status;
}

static feature_status
write_canonical(struct lf_change *change, const struct lf_statement *statement,
                const char **written)
{
    struct lf_text text = {0};

    lf_items_print(&text, statement->items, statement->count);
    if (!text.failed)
        *written = lf_arena_copy(&change->after->arena, text.bytes.data,
                                 text.bytes.size);
    lf_text_free(&text);
    return *written ? FEATURE_OK : lf_fail_memory(change->error);
}

/* transfer_v1 becomes transfer_v2, anything else gets _v2. */
static void
name_successor(char successor[2 * LF_NAME_MAX], const char *name)
{
    size_t size = strlen(name), digits = size;
    unsigned long number;
    struct lf_text text = {0};

    while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    number = strtoul(name + digits, NULL, 10);
    if (digits == size || size - digits > 6 || digits < 2 ||
        name[digits - 1] != 'v')
        lf_text_add(&text, "%s_v2", name);
    else
        lf_text_add(&text, "%.*s%lu", (int)digits, name, number + 1);
    successor[0] = '\0';
    if (!text.failed) {
        memcpy(successor, text.bytes.data, text.bytes.size);
        successor[text.bytes.size] = '\0';
    }
    lf_text_free(&text);
}

static feature_status
refuse_change(const struct lf_change *change,
              const struct lf_statement *statement)
{
    char successor[2 * LF_NAME_MAX];

    name_successor(successor, statement->name.text);
    return lf_change_conflict(change, statement->name.at,
                              "%s has another list in the store, and a feature "
                              "service never changes: create %s",
                              statement->name.text, successor);
}

/* The array of services has room. */
static feature_status
add_service(struct lf_change *change, const struct lf_statement *statement,
            struct lf_service *made, uint32_t columns)
{
    struct lf_catalog *after = change->after;
    const char *name = statement->name.text;

    if (after->service_count == LF_SERVICES_MAX)
        return lf_change_conflict(change, statement->name.at,
                                  "a store has at most %d feature services",
                                  LF_SERVICES_MAX);
    made->name = lf_arena_copy(&after->arena, name, strlen(name));
    if (!made->name)
        return lf_fail_memory(change->error);
    LF_TRY(lf_change_take_id(change, &made->id));
    after->services[after->service_count++] = *made;
    lf_change_add(change, "create feature service %s (%u column%s)", name,
                  columns, columns == 1 ? "" : "s");
    return FEATURE_OK;
}

/* What may be written there depends on what the name is of. */
static feature_status
refuse_bare(struct lf_change *change, const struct lf_name *name)
{
    const struct lf_view *view;

    LF_TRY(lf_find_view(change->after, name, &view, change->error));
    return lf_change_invalid(
        change, name->at,
        "a feature service lists features of views; write %s(*)", view->name);
}

feature_status
lf_evolve_service(struct lf_change *change,
                  const struct lf_statement *statement)
{
    const struct lf_service *old =
        lf_catalog_service(change->after, statement->name.text);
    struct lf_service made = {0};
    uint32_t columns = 0;

    for (uint32_t i = 0; i < statement->count; i++)
        if (statement->items[i].is_bare)
            return refuse_bare(change, &statement->items[i].view);
    LF_TRY(write_canonical(change, statement, &made.written));
    if (old && !strcmp(old->written, made.written))
        return FEATURE_OK;
    LF_TRY(resolve_list(change, statement, &made, &columns));
    if (!old)
        return add_service(change, statement, &made, columns);
    if (is_same_list(old, &made))
        return FEATURE_OK;
    return refuse_change(change, statement);
}

void
lf_service_item_print(struct lf_text *text, const struct lf_catalog *catalog,
                      const struct lf_service_item *item)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, item->view);

    lf_text_add(text, "%s(", view->name);
    for (uint32_t i = 0; i < item->selected_count; i++) {
        const struct lf_selected *selected = &item->selected[i];
        const struct lf_feature *feature =
            lf_view_feature_by_id(view, selected->feature);

        lf_text_add(text, "%s%s", i ? ", " : "", feature->name);
        if (selected->as && strcmp(selected->as, feature->name) != 0)
            lf_text_add(text, " AS %s", selected->as);
    }
    lf_text_add(text, ")");
    if (item->alias)
        lf_text_add(text, " AS %s", item->alias);
    for (uint32_t i = 0; i < item->renamed_count; i++)
        lf_text_add(text, "%s%s AS %s", i ? ", " : " (", item->renamed[i].key,
                    item->renamed[i].as);
    if (item->renamed_count)
        lf_text_add(text, ")");
}
