/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of queries, and lists of names.
 *
 * Property: a refusal names its error; a selection refers to what is there, and
 * no two columns and no two keys have one name.
 */
#include "target.h"

#include "model/define.h"
#include "model/select.h"

#define CATALOG                                                               \
    "CREATE ENTITY driver (driver_id INT64);"                                 \
    "CREATE ENTITY account (account_id INT64);"                               \
    "CREATE ENTITY trip (driver_id STRING, place STRING);"                    \
    "CREATE FEATURE VIEW stats (conv FLOAT32 NOT NULL, trips INT64) FOR "     \
    "driver;"                                                                 \
    "CREATE FEATURE VIEW acc (balance INT64, age INT32) FOR account;"         \
    "CREATE FEATURE VIEW route (km FLOAT64, vec FLOAT32[4]) FOR trip;"        \
    "CREATE FEATURE SERVICE transfer AS acc(balance, age AS years) AS payer " \
    "(account_id AS a), acc(balance) AS payee (account_id AS b), stats(*);"

static void
check_names(const char *const *names, size_t stride, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++) {
            const char *const *a =
                (const void *)((const char *)names + i * stride);
            const char *const *b =
                (const void *)((const char *)names + j * stride);

            expect(strcmp(*a, *b), "names differ");
        }
}

static void
check_selection(const struct lf_catalog *catalog,
                const struct lf_selection *selection)
{
    for (uint32_t i = 0; i < selection->view_count; i++) {
        const struct lf_selection_view *view = &selection->views[i];

        expect(lf_catalog_view_by_id(catalog, view->view), "a view is there");
        for (uint32_t j = 0; j < view->key_count; j++) {
            expect(view->keys[j] < selection->key_count, "a key is there");
            expect(!j || view->keys[j] != view->keys[0],
                   "the keys of a view differ");
        }
    }
    for (uint32_t i = 0; i < selection->column_count; i++) {
        const struct lf_selection_column *column = &selection->columns[i];
        const struct lf_view *view;

        expect(column->view < selection->view_count, "a column's view");
        view =
            lf_catalog_view_by_id(catalog, selection->views[column->view].view);
        expect(lf_view_feature_by_id(view, column->feature),
               "a column's feature");
    }
    if (selection->column_count && selection->column_count < 200)
        check_names(&selection->columns->name, sizeof *selection->columns,
                    selection->column_count);
    if (selection->key_count && selection->key_count < 200)
        check_names(&selection->keys->name, sizeof *selection->keys,
                    selection->key_count);
}

static void
list_names(const char *text)
{
    struct lf_arena arena = {0};
    struct feature_error error = {0};
    uint32_t *positions, count;
    const char **names;
    feature_status status =
        lf_name_list(&arena, text, &names, &positions, &count, &error);

    if (status)
        expect_named(status, &error);
    for (uint32_t i = 0; !status && !strchr(text, '\n') && i < count; i++)
        expect(
            positions[i] >= 1 && positions[i] <= strlen(text) &&
                !strncmp(text + positions[i] - 1, names[i], strlen(names[i])),
            "a name is where it says");
    lf_arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct lf_catalog *catalog;
    struct lf_selection *selection = NULL;
    struct feature_error error = {0};
    char *text = text_copy(bytes, size);
    feature_status status;

    if (!catalog) {
        struct lf_catalog *empty = lf_catalog_empty();

        expect(!lf_define(empty, CATALOG, &catalog, NULL, &error), "a catalog");
        lf_catalog_release(empty);
    }
    status = lf_select(catalog, text, &selection, &error);
    if (status)
        expect_named(status, &error);
    else
        check_selection(catalog, selection);
    lf_selection_free(selection);
    list_names(text);
    free(text);
    return 0;
}
