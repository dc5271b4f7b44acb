/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of one batch, applied within a commit.
 *
 * Owns what a write does to the tree of a view and to the view's record.
 * Keeps the record true: entries, tombstones and content hash change with
 * every row put, in the same transaction.
 * Never puts a row whose predecessor failed its checksum.
 */
#include <string.h>

#include "store/target.h"

#define APPEND_FROM 16 /* rows; below, finding the last key does not pay */

/* A batch at work in a write transaction. */
struct work {
    struct lf_target *target;
    struct lf_commit *commit;
    struct feature_commit *report;
    bool skip_invalid;
    bool is_whole; /* a row of the batch has every cell of its view */
    bool is_fixed; /* none of them is variable: rows come from the sources */
    bool append;   /* every key from here on is past the last one */
    bool check_last;
    const uint8_t *last; /* last key of the tree */
    size_t last_size;
    int64_t commit_time;
    struct lf_tree *rows;
    struct lf_meta_view meta;
    struct lf_merge merge;
    struct lf_buffer row;  /* encoded */
    struct lf_buffer edge; /* copy of the last key */
    uint32_t seed;
};

/* Rows of one key: places [first, end) of the order. */
struct run {
    uint32_t first;
    uint32_t end;
    const uint8_t *key;
    size_t key_size;
};

static feature_status
fail_row(const struct work *work, uint32_t row, feature_status status,
         const char *reason, const char *what, struct feature_error *error)
{
    lf_fail(error, status, reason, "row %u: %s %s", row, what,
            work->target->batch->view_name);
    lf_error_place(error, 0, row, 0);
    return lf_target_name(work->target, status, error);
}

static feature_status
read_meta(struct work *work, struct feature_error *error)
{
    char key[LF_META_KEY_SIZE];
    const uint8_t *value;
    bool found;
    size_t size;

    lf_meta_view_key(work->target->view, key);
    LF_TRY(lf_tree_get(work->commit->tree, key, strlen(key), &found, &value,
                       &size, error));
    work->meta = lf_meta_view_empty();
    if (found &&
        !lf_meta_view_decode(&work->meta, work->target->view, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the record of feature view %s is damaged",
                       work->target->batch->view_name);
    return FEATURE_OK;
}

static feature_status
write_meta(struct work *work, struct feature_error *error)
{
    char key[LF_META_KEY_SIZE];
    uint8_t bytes[LF_META_VIEW_SIZE];

    lf_meta_view_key(work->target->view, key);
    lf_meta_view_encode(&work->meta, work->target->view, bytes);
    return lf_tree_put(work->commit->tree, key, strlen(key), bytes,
                       sizeof bytes, false, error);
}

/* How rows of a schema version become cells of the current one. */
static feature_status
find_migration(struct work *work, uint16_t version,
               const struct lf_migration **migration,
               struct feature_error *error)
{
    struct lf_target *target = work->target;
    const struct lf_schema *schema;
    struct lf_migration *made;

    for (uint32_t i = 0; i < target->migration_count; i++)
        if (target->migrations[i].from.version == version) {
            *migration = &target->migrations[i];
            return FEATURE_OK;
        }
    schema = lf_view_schema(target->definition, version);
    if (!schema)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a row of %s has schema version %u, which the catalog "
                       "does not know",
                       target->batch->view_name, version);
    /* More versions than places: the last place is reused. */
    if (target->migration_count < LF_MIGRATIONS_KEPT)
        target->migration_count++;
    made = &target->migrations[target->migration_count - 1];
    if (!lf_migration_init(made, schema, &target->layout, &target->arena)) {
        target->migration_count--;
        return lf_fail_memory(error);
    }
    *migration = made;
    return FEATURE_OK;
}

/* Fetches and checks the stored row of a key. */
static feature_status
find_row(struct work *work, const struct run *run, bool *found,
         struct lf_row *row, const struct lf_migration **migration,
         struct feature_error *error)
{
    uint32_t at = lf_target_row(work->target, run->first);
    const uint8_t *value;
    size_t size;

    *found = false;
    if (work->append)
        return FEATURE_OK;
    LF_TRY(lf_tree_get(work->rows, run->key, run->key_size, found, &value,
                       &size, error));
    if (!*found)
        return FEATURE_OK;
    if (!lf_row_open(row, value, size))
        return fail_row(work, at, FEATURE_CORRUPT, "structure",
                        "its stored row is damaged in", error);
    if (lf_load_u32(value) !=
        lf_row_checksum(work->seed, run->key, run->key_size, value, size))
        return fail_row(work, at, FEATURE_CORRUPT, "checksum",
                        "its stored row is damaged in", error);
    LF_TRY(find_migration(work, row->version, migration, error));
    if (!lf_row_check(row, &(*migration)->from))
        return fail_row(work, at, FEATURE_CORRUPT, "structure",
                        "its stored row is damaged in", error);
    return FEATURE_OK;
}

/* The cells a row of the batch brings, one a slot. */
static void
take_cells(struct lf_target *target, uint32_t row)
{
    for (uint32_t i = 0; i < target->layout.count; i++) {
        struct lf_cell *cell = &target->incoming[i];
        const struct lf_input *input;
        size_t size = 0;

        cell->is_null = true;
        if (target->columns[i] == UINT32_MAX)
            continue;
        input = &target->batch->columns[target->columns[i]].input;
        if (lf_input_is_null(input, row))
            continue;
        cell->bytes = lf_input_cell(input, row, &size);
        /* A giant keeps a size that every limit refuses. */
        cell->size =
            (uint32_t)(size < LF_ROW_SIZE_LIMIT ? size : LF_ROW_SIZE_LIMIT);
        cell->is_null = false;
    }
}

static bool
is_future(const struct work *work, int64_t time)
{
    int64_t edge;

    if (work->target->max_skew == LF_SKEW_NONE ||
        __builtin_add_overflow(work->commit->now, work->target->max_skew,
                               &edge))
        return false;
    return time > edge;
}

static bool
over_limit(const struct work *work, const struct lf_cell *cells)
{
    return lf_row_size(&work->target->layout, cells) >
           work->target->batch->store->max_row_size;
}

static feature_status
reject(struct work *work, uint32_t row, struct feature_error *error)
{
    if (!work->skip_invalid)
        return lf_target_name(
            work->target,
            lf_batch_fail_row_size(work->target->batch, row, error), error);
    work->target->outcomes.data[row] = FEATURE_OUTCOME_REJECTED;
    return FEATURE_OK;
}

static void
mark_applied(struct work *work, uint32_t row, int64_t time)
{
    work->target->outcomes.data[row] = FEATURE_OUTCOME_APPLIED;
    if (time > work->meta.newest)
        work->meta.newest = time;
}

/* One row into the merge under way; its outcome. */
static feature_status
merge_row(struct work *work, uint32_t row, struct feature_error *error)
{
    struct lf_target *target = work->target;
    struct lf_merge *merge = &work->merge;
    int32_t operation = target->batch->operation;
    int64_t time = lf_batch_time(target->batch, row, work->commit_time);
    size_t size = target->layout.count * sizeof *merge->cells;
    bool tombstone = merge->is_tombstone, exists = merge->exists;
    bool written;

    if (operation != FEATURE_DELETE)
        take_cells(target, row);
    memcpy(target->backup, merge->cells, size);
    written = lf_merge_write(merge, operation, time, target->incoming,
                             operation == FEATURE_PATCH ? target->own : NULL);
    if (written && !merge->is_tombstone && over_limit(work, merge->cells)) {
        memcpy(merge->cells, target->backup, size);
        merge->is_tombstone = tombstone;
        merge->exists = exists;
        return reject(work, row, error);
    }
    if (written)
        mark_applied(work, row, time);
    else
        target->outcomes.data[row] = FEATURE_OUTCOME_LATE;
    return FEATURE_OK;
}

/* Puts the encoded row in place of the old one, and counts it. */
static feature_status
put_row(struct work *work, const struct run *run, bool found,
        const struct lf_row *old, bool is_tombstone,
        struct feature_error *error)
{
    uint32_t view = work->target->view;

    lf_row_seal(work->seed, run->key, run->key_size, &work->row);
    if (found) {
        lf_hash128_subtract(
            &work->meta.content,
            lf_row_hash(view, run->key, run->key_size, old->bytes, old->size));
        work->meta.tombstones -= (old->flags & LF_ROW_TOMBSTONE) != 0;
    } else {
        work->meta.row_entries++;
    }
    work->meta.tombstones += is_tombstone;
    lf_hash128_add(&work->meta.content,
                   lf_row_hash(view, run->key, run->key_size, work->row.data,
                               work->row.size));
    return lf_tree_put(work->rows, run->key, run->key_size, work->row.data,
                       work->row.size, work->append, error);
}

static bool
is_pending(const struct work *work, uint32_t row)
{
    return work->target->outcomes.data[row] == FEATURE_OUTCOME_NONE;
}

/* Whether the only row of a run replaces every cell of the stored one, which
 * then need not be taken apart. */
static bool
replaces_all(const struct work *work, const struct run *run, bool found,
             const struct lf_row *old)
{
    uint32_t row = lf_target_row(work->target, run->first);

    return run->end - run->first == 1 && work->is_whole &&
           (!found || old->timestamp <= lf_batch_time(work->target->batch, row,
                                                      work->commit_time));
}

/* Such a row in its stored form. */
static feature_status
encode_whole(struct work *work, uint32_t row, int64_t time, bool *fits,
             struct feature_error *error)
{
    struct lf_target *target = work->target;
    const struct lf_layout *layout = &target->layout;
    bool done;

    if (!work->is_fixed)
        take_cells(target, row);
    *fits = (work->is_fixed ? layout->data_offset
                            : lf_row_size_at(layout, target->incoming)) <=
            target->batch->store->max_row_size;
    if (!*fits)
        return FEATURE_OK;
    done = work->is_fixed
               ? lf_row_encode_columns(layout, target->sources, row, time,
                                       &work->row)
               : lf_row_encode_at(layout, target->incoming, time, &work->row);
    return done ? FEATURE_OK : lf_fail_memory(error);
}

/* No merge: its cells go straight into the stored form. */
static feature_status
replace_row(struct work *work, const struct run *run, bool found,
            const struct lf_row *old, struct feature_error *error)
{
    uint32_t row = lf_target_row(work->target, run->first);
    int64_t time = lf_batch_time(work->target->batch, row, work->commit_time);
    bool fits;

    if (!is_pending(work, row))
        return FEATURE_OK;
    LF_TRY(encode_whole(work, row, time, &fits, error));
    if (!fits)
        return reject(work, row, error);
    mark_applied(work, row, time);
    return put_row(work, run, found, old, false, error);
}

static feature_status
merge_run(struct work *work, const struct run *run, bool found,
          const struct lf_row *old, const struct lf_migration *migration,
          struct feature_error *error)
{
    bool written = false;

    if (!found)
        lf_merge_clear(&work->merge);
    else if (!lf_merge_load(&work->merge, old, migration))
        return lf_fail_memory(error);
    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_target_row(work->target, i);

        if (!is_pending(work, row))
            continue;
        LF_TRY(merge_row(work, row, error));
        written |= work->target->outcomes.data[row] == FEATURE_OUTCOME_APPLIED;
    }
    if (!written)
        return FEATURE_OK;
    if (!lf_merge_encode(&work->merge, &work->row))
        return lf_fail_memory(error);
    return put_row(work, run, found, old, work->merge.is_tombstone, error);
}

static feature_status
apply_run(struct work *work, const struct run *run, struct feature_error *error)
{
    const struct lf_migration *migration = NULL;
    struct lf_row old;
    bool found;

    LF_TRY(find_row(work, run, &found, &old, &migration, error));
    if (replaces_all(work, run, found, &old))
        return replace_row(work, run, found, &old, error);
    return merge_run(work, run, found, &old, migration, error);
}

/* Ahead of the clock: marked before any look-up. */
static void
mark_future(struct work *work)
{
    struct lf_target *target = work->target;

    if (target->batch->timestamp == UINT32_MAX)
        return;
    for (uint32_t i = 0; i < target->rows; i++)
        if (is_pending(work, i) &&
            is_future(work, lf_batch_time(target->batch, i, 0)))
            target->outcomes.data[i] = FEATURE_OUTCOME_FUTURE;
}

/* Remembers the tree's last key, if appending may pay. */
static feature_status
find_edge(struct work *work, struct feature_error *error)
{
    const uint8_t *key;
    size_t size;
    bool found;

    if (!work->target->is_sorted || work->target->rows < APPEND_FROM)
        return FEATURE_OK;
    LF_TRY(lf_tree_last(work->rows, &found, &key, &size, error));
    work->append = !found;
    work->check_last = found;
    if (found && !lf_buffer_append(&work->edge, key, size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static void
pass_edge(struct work *work, const struct run *run)
{
    size_t size =
        work->edge.size < run->key_size ? work->edge.size : run->key_size;
    int order = memcmp(run->key, work->edge.data, size);

    work->append = order > 0 || (order == 0 && run->key_size > work->edge.size);
    work->check_last = !work->append;
}

static feature_status
apply_runs(struct work *work, struct feature_error *error)
{
    struct lf_target *target = work->target;
    struct run run = {0};

    for (; run.first < target->rows; run.first = run.end) {
        uint32_t row = lf_target_row(target, run.first);

        run.end = run.first + 1;
        if (!is_pending(work, row))
            continue;
        run.key = lf_target_key(target, row, &run.key_size);
        for (; run.end < target->rows; run.end++) {
            size_t size;
            const uint8_t *key =
                lf_target_key(target, lf_target_row(target, run.end), &size);

            if (size != run.key_size || memcmp(key, run.key, size) != 0)
                break;
        }
        if (work->check_last)
            pass_edge(work, &run);
        LF_TRY(apply_run(work, &run, error));
    }
    return FEATURE_OK;
}

static void
count_outcomes(struct work *work)
{
    const struct lf_target *target = work->target;
    uint64_t counts[FEATURE_OUTCOME_REJECTED + 1] = {0};

    for (uint32_t i = 0; i < target->rows; i++)
        counts[target->outcomes.data[i]]++;
    work->report->applied += counts[FEATURE_OUTCOME_APPLIED];
    work->report->late += counts[FEATURE_OUTCOME_LATE];
    work->report->duplicate += counts[FEATURE_OUTCOME_DUPLICATE];
    work->report->future += counts[FEATURE_OUTCOME_FUTURE];
    work->report->rejected += counts[FEATURE_OUTCOME_REJECTED];
    work->meta.applied += counts[FEATURE_OUTCOME_APPLIED];
    work->meta.late += counts[FEATURE_OUTCOME_LATE];
}

static feature_status
apply_work(struct work *work, bool *touched, struct feature_error *error)
{
    uint64_t before = work->report->applied + work->report->late;

    work->is_whole = work->target->batch->operation == FEATURE_UPSERT;
    work->is_fixed = work->is_whole && lf_target_find_sources(work->target);
    mark_future(work);
    LF_TRY(read_meta(work, error));
    LF_TRY(lf_writer_tree(work->commit->writer, work->target->tree, true,
                          &work->rows, error));
    LF_TRY(find_edge(work, error));
    LF_TRY(apply_runs(work, error));
    count_outcomes(work);
    if (work->report->applied + work->report->late == before)
        return FEATURE_OK;
    *touched = true;
    work->meta.commit = work->commit->meta.sequence;
    return write_meta(work, error);
}

feature_status
lf_target_apply(struct lf_target *target, struct lf_commit *commit,
                bool skip_invalid, struct feature_commit *report, bool *touched,
                struct feature_error *error)
{
    struct work work = {.target = target,
                        .commit = commit,
                        .report = report,
                        .skip_invalid = skip_invalid,
                        .commit_time = commit->meta.commit_time,
                        .seed = lf_row_seed(target->view)};
    feature_status status;

    lf_merge_init(&work.merge, &target->layout, target->cells);
    status = apply_work(&work, touched, error);
    lf_merge_free(&work.merge);
    lf_buffer_free(&work.row);
    lf_buffer_free(&work.edge);
    return status;
}
