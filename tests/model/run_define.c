/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions and figures, on both sides: apply, plan, describe, stats.
 *
 * Owns the comparison of what changes and of what is refused.
 * Keeps plan honest: it has to say exactly whether apply would change anything.
 * Never reads rows.
 */
#include "world.h"

#include <string.h>

/* Counts the `kept` lines of a plan, and the others. */
static void
count_lines(const char *lines, uint32_t *kept, uint32_t *changes)
{
    *kept = *changes = 0;
    for (; *lines; lines = strchr(lines, '\n') + 1)
        ++*(strncmp(lines, "kept, not in this text: ", 24) ? changes : kept);
}

static const struct statement *
find_create(const struct operation *operation, enum statement_kind kind,
            const char *name)
{
    for (uint32_t i = 0; i < operation->count; i++)
        if (operation->statements[i].kind == kind &&
            !strcmp(operation->statements[i].name, name))
            return &operation->statements[i];
    return NULL;
}

static uint32_t
count_kept_features(const struct view *view, const struct statement *create)
{
    uint32_t kept = view->feature_count;

    for (uint32_t i = 0; i < view->feature_count; i++)
        for (uint32_t j = 0; j < create->count; j++)
            kept -= !strcmp(view->features[i].name, create->features[j].name);
    return kept;
}

/* What the store holds and the text leaves out. */
static uint32_t
count_kept(const struct catalog *after, const struct operation *operation)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < after->entity_count; i++)
        kept += !find_create(operation, CREATE_ENTITY, after->entities[i].name);
    for (uint32_t i = 0; i < after->service_count; i++)
        kept +=
            !find_create(operation, CREATE_SERVICE, after->services[i].name);
    for (uint32_t i = 0; i < after->view_count; i++) {
        const struct view *view = &after->views[i];
        const struct statement *create =
            find_create(operation, CREATE_VIEW, view->name);

        kept += create ? count_kept_features(view, create) : 1;
    }
    return kept;
}

static bool
compare_plan(struct world *world, const struct operation *operation,
             const char *text, outcomes expected, const struct catalog *after,
             bool changed)
{
    feature_store *store = world->handles[operation->handle].store;
    struct feature_error error = {0};
    uint32_t kept, changes, model;
    char *lines = NULL;
    bool same;

    if (!expect_status(world, "feature_store_plan",
                       feature_store_plan(store, text, &lines, &error), &error,
                       expected))
        return false;
    if (!lines != (expected != OUTCOME_OK))
        return complain(world, lines ? "a plan that fails gives lines"
                                     : "a plan gives nothing");
    if (!lines)
        return true;
    model = count_kept(after, operation);
    count_lines(lines, &kept, &changes);
    same = !changes == !changed && kept == model;
    if (!same)
        complain(world, "apply changes %s and keeps %u, but the plan says:\n%s",
                 changed ? "something" : "nothing", model, lines);
    feature_free(lines);
    return same;
}

static bool
compare_apply(struct world *world, feature_store *store,
              const struct operation *operation, const char *text,
              outcomes expected, uint64_t version)
{
    struct feature_apply_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_commit model = {.sequence = world->sequence,
                                   .time = world->commit_time};
    struct feature_error error = {0};
    feature_status status;

    if (operation->expect != EXPECT_ANY)
        options.expect = version + (operation->expect == EXPECT_WRONG);
    status = feature_store_apply(store, text, &options, &commit, &error);
    if (!expect_status(world, "feature_store_apply", status, &error, expected))
        return false;
    if (status) /* untouched */
        model = (struct feature_commit){0};
    return compare_commit(world, "feature_store_apply", &commit, &model);
}

static void
follow_rows(struct world *world, struct catalog *after)
{
    for (uint32_t i = 0; i < after->view_count; i++) {
        struct view *view = &after->views[i];
        struct view *before = find_view_id(&world->catalog, view->id);

        if (before)
            rows_follow(&world->arena, before, view, world->plant);
        if (before && !before->history && view->history)
            view->history_since = world->commit_time;
    }
    world->catalog = *after;
}

bool
run_apply(struct world *world, const struct operation *operation)
{
    feature_store *store = world->handles[operation->handle].store;
    struct catalog *after = arena_alloc(&world->scratch, sizeof *after);
    uint64_t version = world->catalog.version;
    bool changed = false, same = true;
    struct text text = {0};
    outcomes expected;

    expected =
        catalog_apply(&world->arena, &world->catalog, operation->statements,
                      operation->count, world->plant, after, &changed);
    if (expected & OUTCOME_BEYOND)
        return true;
    statements_print(&text, operation->statements, operation->count,
                     operation->style);
    if (world->has_store && operation->is_planned)
        same =
            compare_plan(world, operation, text.data, expected, after, changed);
    if (operation->expect == EXPECT_WRONG) {
        expected = (expected & ~OUTCOME_OK) | OUTCOME(FEATURE_CONFLICT);
        changed = false;
    }
    if (expected == OUTCOME_OK && changed) {
        take_commit(world);
        follow_rows(world, after);
    }
    if (same && world->has_store)
        same = compare_apply(world, store, operation, text.data, expected,
                             version);
    text_free(&text);
    return same;
}

/* What describe printed, in a new store, is described alike. */
static bool
compare_copy(struct world *world, const char *text)
{
    feature_store *kept = world->handles[0].store, *store;
    struct feature_error error = {0};
    struct world other;
    char *again = NULL;
    bool same;

    world_begin(&other, true, PLANT_NONE);
    store = other.handles[0].store;
    same = kept &&
           expect_status(world, "applying all of describe to a new store",
                         feature_store_apply(store, text, NULL, NULL, &error),
                         &error, OUTCOME_OK) &&
           expect_status(world, "describing the new store",
                         feature_store_describe(store, NULL, &again, &error),
                         &error, OUTCOME_OK);
    if (same && strcmp(text, again) != 0)
        same =
            complain(world, "a copy of\n%s is described as\n%s", text, again);
    feature_free(again);
    world_end(&other);
    return same;
}

/* Applied back, the description changes nothing. */
static bool
compare_again(struct world *world, feature_store *store, const char *text)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_commit model = {.sequence = world->sequence,
                                   .time = world->commit_time};
    struct feature_error error = {0};

    if (!expect_status(world, "applying what describe printed",
                       feature_store_apply(store, text, NULL, &commit, &error),
                       &error, OUTCOME_OK) ||
        !compare_commit(world, "applying what describe printed", &commit,
                        &model))
        return complain(world, "described as\n%s", text);
    return true;
}

bool
run_describe(struct world *world, const struct operation *operation)
{
    feature_store *store = world->handles[operation->handle].store;
    const char *name = operation->name;
    outcomes expected = OUTCOME_OK;
    struct feature_error error = {0};
    char *text = NULL;
    bool same;

    if (name && !find_entity(&world->catalog, name) &&
        !find_view(&world->catalog, name) &&
        !find_service(&world->catalog, name))
        expected = OUTCOME(FEATURE_NOT_FOUND);
    if (!world->has_store)
        return true;
    same = expect_status(world, "feature_store_describe",
                         feature_store_describe(store, name, &text, &error),
                         &error, expected);
    if (text) {
        same = same && compare_again(world, store, text);
        if (same && !name && operation->style % 4 == 0)
            same = compare_copy(world, text);
    }
    feature_free(text);
    return same;
}

static void
fill_stats(const struct world *world, const struct handle *handle,
           struct feature_stats *stats)
{
    const struct catalog *catalog = &world->catalog;

    *stats = (struct feature_stats){.sequence = world->sequence,
                                    .commit_time = world->commit_time,
                                    .catalog_version = catalog->version,
                                    .entities = catalog->entity_count,
                                    .views = catalog->view_count,
                                    .services = catalog->service_count,
                                    .reads = handle->reads,
                                    .read_rows = handle->read_rows};
    for (uint32_t i = 0; i < catalog->view_count; i++) {
        const struct rows *rows = catalog->views[i].rows;
        uint64_t live, tombstones;

        rows_count(rows, &live, &tombstones);
        stats->rows += live;
        stats->tombstones += tombstones;
        stats->applied += rows->applied;
        stats->late += rows->late;
    }
}

static bool
compare_figure(struct world *world, const char *name, uint64_t got,
               uint64_t expected)
{
    if (got == expected)
        return true;
    return complain(world, "stats: %s is %llu, the model has %llu", name,
                    (unsigned long long)got, (unsigned long long)expected);
}

bool
run_stats(struct world *world, const struct operation *operation)
{
    struct feature_stats got = {.struct_size = sizeof got}, model;
    struct feature_error error = {0};

    if (!world->has_store)
        return true;
    if (operation->style % 4 == 0 &&
        !expect_status(world, "feature_store_sync",
                       feature_store_sync(world->handles[0].store, &error),
                       &error, OUTCOME_OK))
        return false;
    fill_stats(world, &world->handles[0], &model);
    if (!expect_status(
            world, "feature_store_stats",
            feature_store_stats(world->handles[0].store, &got, &error), &error,
            OUTCOME_OK))
        return false;
    return compare_figure(world, "sequence", got.sequence, model.sequence) &&
           compare_figure(world, "commit_time", (uint64_t)got.commit_time,
                          (uint64_t)model.commit_time) &&
           compare_figure(world, "catalog_version", got.catalog_version,
                          model.catalog_version) &&
           compare_figure(world, "rows", got.rows, model.rows) &&
           compare_figure(world, "tombstones", got.tombstones,
                          model.tombstones) &&
           compare_figure(world, "applied", got.applied, model.applied) &&
           compare_figure(world, "late", got.late, model.late) &&
           compare_figure(world, "entities", got.entities, model.entities) &&
           compare_figure(world, "views", got.views, model.views) &&
           compare_figure(world, "services", got.services, model.services) &&
           compare_figure(world, "reads", got.reads, model.reads) &&
           compare_figure(world, "read_rows", got.read_rows, model.read_rows);
}

/* Nothing is counted any more. */
static bool
compare_emptied(struct world *world)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error = {0};

    if (!expect_status(
            world, "feature_store_stats",
            feature_store_stats(world->handles[0].store, &stats, &error),
            &error, OUTCOME_OK))
        return false;
    if (stats.views || stats.entities || stats.services || stats.rows ||
        stats.tombstones || stats.applied || stats.late)
        return complain(world,
                        "all is dropped, and there are %u views, %llu rows, "
                        "%llu tombstones",
                        stats.views, (unsigned long long)stats.rows,
                        (unsigned long long)stats.tombstones);
    return true;
}

bool
world_finish(struct world *world)
{
    const struct catalog *catalog = &world->catalog;
    struct feature_error error = {0};
    struct text text = {0};
    feature_status status;

    text_add_bytes(&text, NULL, 0);
    for (uint32_t i = 0; i < catalog->view_count; i++)
        text_add(&text, "DROP FEATURE VIEW %s;", catalog->views[i].name);
    for (uint32_t i = 0; i < catalog->entity_count; i++)
        text_add(&text, "DROP ENTITY %s;", catalog->entities[i].name);
    for (uint32_t i = 0; i < catalog->service_count; i++)
        text_add(&text, "DROP FEATURE SERVICE %s;", catalog->services[i].name);
    status = feature_store_apply(world->handles[0].store, text.data, NULL, NULL,
                                 &error);
    text_free(&text);
    return expect_status(world, "dropping everything", status, &error,
                         OUTCOME_OK) &&
           compare_emptied(world);
}
