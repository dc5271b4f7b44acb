/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations without some of their parts.
 *
 * Owns the numbering of parts: statements and their clauses, batches and their
 * rows, items and rows of a read.
 * Keeps the numbers of the parts that stay, whatever goes.
 * Never changes an operation: it makes another.
 */
#include "operation.h"

/* Visits all parts in order; without dropped it only counts them. */
struct walk {
    struct arena *arena;
    const bool *dropped; /* {nullable} */
    uint32_t next;
};

static bool
keeps(struct walk *walk)
{
    uint32_t part = walk->next++;

    return !walk->dropped || !walk->dropped[part];
}

#define COPY(walk, items, count) \
    arena_copy((walk)->arena, (items), (count) * sizeof *(items))

static struct item_clause
walk_item(struct walk *walk, const struct item_clause *item)
{
    struct item_clause made = *item;

    if (item->selected_count < 2)
        return made;
    made.selected = COPY(walk, item->selected, item->selected_count);
    made.selected_count = 0;
    for (uint32_t i = 0; i < item->selected_count; i++)
        if (keeps(walk))
            made.selected[made.selected_count++] = item->selected[i];
    return made;
}

static uint32_t
walk_items(struct walk *walk, struct item_clause **items, uint32_t count)
{
    const struct item_clause *from = *items;
    uint32_t kept = 0;

    *items = COPY(walk, from, count);
    for (uint32_t i = 0; i < count; i++) {
        bool stays = keeps(walk);
        struct item_clause made = walk_item(walk, &from[i]);

        if (stays && (made.selected_count || made.is_bare))
            (*items)[kept++] = made;
    }
    return kept;
}

static void
walk_features(struct walk *walk, struct statement *statement)
{
    const struct feature_clause *from = statement->features;
    uint32_t count = statement->count;

    if (count < 2)
        return;
    statement->features = COPY(walk, from, count);
    statement->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (keeps(walk))
            statement->features[statement->count++] = from[i];
}

static void
walk_apply(struct walk *walk, struct operation *operation)
{
    const struct statement *from = operation->statements;
    uint32_t count = operation->count;

    operation->statements = COPY(walk, from, count);
    operation->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool stays = keeps(walk);
        struct statement made = from[i];

        if (made.kind == CREATE_VIEW)
            walk_features(walk, &made);
        if (made.kind == CREATE_SERVICE)
            made.count = walk_items(walk, &made.items, made.count);
        if (stays && (made.count || from[i].count == 0))
            operation->statements[operation->count++] = made;
    }
}

static void
walk_column(struct walk *walk, struct column_data *column, const bool *stays)
{
    const struct value *from = column->values;
    uint32_t rows = column->rows;

    column->values = COPY(walk, from, rows);
    column->rows = 0;
    for (uint32_t i = 0; i < rows; i++)
        if (stays[i])
            column->values[column->rows++] = from[i];
}

static bool *
walk_rows(struct walk *walk, uint32_t rows)
{
    bool *stays = arena_array(walk->arena, rows, sizeof *stays);

    for (uint32_t i = 0; i < rows; i++)
        stays[i] = keeps(walk);
    return stays;
}

static void
walk_batch(struct walk *walk, struct batch_spec *batch)
{
    uint32_t rows = 0;
    bool *stays;

    for (uint32_t i = 0; i < batch->column_count; i++)
        if (batch->columns[i].rows > rows)
            rows = batch->columns[i].rows;
    stays = walk_rows(walk, rows);
    batch->columns = COPY(walk, batch->columns, batch->column_count);
    for (uint32_t i = 0; i < batch->column_count; i++)
        walk_column(walk, &batch->columns[i], stays);
}

static void
walk_write(struct walk *walk, struct operation *operation)
{
    const struct write_entry *from = operation->entries;
    uint32_t count = operation->count;

    operation->entries = COPY(walk, from, count);
    operation->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool stays = keeps(walk);
        struct write_entry made = from[i];

        if (!made.from_slot)
            walk_batch(walk, &made.batch);
        if (stays)
            operation->entries[operation->count++] = made;
    }
}

static void
walk_read(struct walk *walk, struct read_spec *read)
{
    uint32_t rows = read->time_rows, kept = 0;
    bool *stays;

    for (uint32_t i = 0; i < read->key_count; i++)
        if (read->keys[i].rows > rows)
            rows = read->keys[i].rows;
    stays = walk_rows(walk, rows);
    read->keys = COPY(walk, read->keys, read->key_count);
    for (uint32_t i = 0; i < read->key_count; i++)
        if (read->keys[i].rows > 1)
            walk_column(walk, &read->keys[i], stays);
    if (read->time_rows < 2)
        return;
    read->times = COPY(walk, read->times, read->time_rows);
    for (uint32_t i = 0; i < read->time_rows; i++)
        if (stays[i])
            read->times[kept++] = read->times[i];
    read->time_rows = kept;
}

static struct operation
walk_operation(struct walk *walk, const struct operation *operation)
{
    struct operation made = *operation;

    switch (made.kind) {
    case OP_APPLY:
        walk_apply(walk, &made);
        break;
    case OP_MAKE_BATCH:
        walk_batch(walk, &made.batch);
        break;
    case OP_WRITE:
        walk_write(walk, &made);
        break;
    case OP_MAKE_QUERY:
        made.query.count =
            walk_items(walk, &made.query.items, made.query.count);
        break;
    case OP_READ:
        if (made.has_query)
            made.query.count =
                walk_items(walk, &made.query.items, made.query.count);
        walk_read(walk, &made.read);
        break;
    case OP_DESCRIBE:
    case OP_STATS:
    case OP_REOPEN:
    case OP_SECOND_HANDLE:
    case OPERATION_KINDS:
        break;
    }
    return made;
}

uint32_t
operation_parts(const struct operation *operation)
{
    struct arena arena = {0};
    struct walk walk = {.arena = &arena};

    (void)walk_operation(&walk, operation);
    arena_free(&arena);
    return walk.next;
}

struct operation
operation_without(struct arena *arena, const struct operation *operation,
                  const bool *dropped)
{
    struct walk walk = {.arena = arena, .dropped = dropped};

    return walk_operation(&walk, operation);
}
