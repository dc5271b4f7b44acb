/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories, checked.
 *
 * Owns what entries have to be true to, one by one and together: what an entry
 * adds up to is what the next such entry below it adds up to, with the patches
 * between them and its own row.
 * Keeps no more than the rows of a run.
 * Never trusts an entry before its checksum.
 */
#include "store/history_check.h"

#include <string.h>

feature_status
lf_history_check_begin(struct lf_history_check *check,
                       const struct lf_catalog *catalog,
                       const struct lf_view *view,
                       const struct lf_meta_view *meta,
                       const struct lf_meta_store *store,
                       struct feature_error *error)
{
    struct lf_form *form = &check->form;

    *check = (struct lf_history_check){.meta = *meta,
                                       .seed = lf_history_seed(view->id),
                                       .commit_time = store->commit_time,
                                       .sequence = store->sequence};
    LF_TRY(lf_form_bind(form, catalog, view, error));
    if (view->event)
        LF_TRY(lf_window_check_begin(&check->windows, catalog, view, error));
    for (int i = 0; i < 2; i++) {
        check->cells[i] = lf_arena_array(&form->arena, LF_FEATURES_MAX,
                                         sizeof *check->cells[i]);
        if (!check->cells[i])
            return lf_fail_memory(error);
    }
    check->has_drops = lf_form_has_drops(form);
    lf_merge_init(&check->stated, &form->layout, check->cells[0]);
    lf_merge_init(&check->made, &form->layout, check->cells[1]);
    return FEATURE_OK;
}

void
lf_history_check_free(struct lf_history_check *check)
{
    lf_merge_free(&check->stated);
    lf_merge_free(&check->made);
    lf_buffer_free(&check->again);
    lf_buffer_free(&check->last);
    lf_buffer_free(&check->bytes);
    lf_window_check_free(&check->windows);
    lf_form_free(&check->form);
}

static feature_status
say(struct lf_history_problem *problem, const char *reason, const char *what)
{
    problem->reason = reason;
    problem->what = what;
    return FEATURE_OK;
}

/* A row is of a version of its view, and what its cells encode to. Its cells
 * are in made's place for a moment. */
static feature_status
check_row(struct lf_history_check *check, struct lf_row *row,
          struct lf_history_problem *problem, struct feature_error *error)
{
    const struct lf_migration *migration;
    struct lf_cell *cells = check->cells[1];

    if (!lf_view_schema(check->form.view, row->version))
        return say(problem, "structure", "it has an unknown schema version");
    LF_TRY(lf_form_migration(&check->form, row->version, &migration, error));
    if (row->flags & LF_ROW_TOMBSTONE)
        return FEATURE_OK;
    if (!lf_row_check(row, &migration->from))
        return say(problem, "structure", "it does not fit its schema version");
    for (uint32_t i = 0; i < migration->from.count; i++)
        cells[i] = lf_row_cell(row, &migration->from, i);
    if (!lf_row_encode(&migration->from, cells, &check->again))
        return lf_fail_memory(error);
    if (check->again.size != row->size ||
        memcmp(check->again.data, row->bytes, row->size) != 0)
        return say(problem, "structure", "it is not what its cells encode to");
    return FEATURE_OK;
}

/* --- what entries add up to -------------------------------------------------- */

static void
wait_for_more(struct lf_history_check *check)
{
    check->waiting = 0;
    check->bytes.size = 0;
}

static bool
let_wait(struct lf_history_check *check, const struct lf_row *row)
{
    if (!lf_buffer_append(&check->bytes, row->bytes, row->size))
        return false;
    check->ends[check->waiting++] = check->bytes.size;
    return true;
}

static feature_status
merge_row(struct lf_history_check *check, struct lf_merge *merge,
          struct lf_row *row, struct feature_error *error)
{
    const struct lf_migration *migration;
    bool changed;

    LF_TRY(lf_form_migration(&check->form, row->version, &migration, error));
    if (row->flags & LF_ROW_CELL_TIMES)
        lf_row_find_times(row, &migration->from);
    if (!lf_merge_row(merge, row, migration, &changed))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
merge_waiting(struct lf_history_check *check, struct lf_merge *merge,
              uint32_t index, struct feature_error *error)
{
    size_t begin = index ? check->ends[index - 1] : 0;
    struct lf_row row;

    lf_row_open(&row, check->bytes.data + begin, check->ends[index] - begin);
    return merge_row(check, merge, &row, error);
}

static bool
is_same(const struct lf_cell *a, const struct lf_cell *b)
{
    if (a->is_null != b->is_null)
        return false;
    if (a->is_null)
        return a->time == b->time || a->time == LF_TIME_UNSET ||
               b->time == LF_TIME_UNSET;
    return a->time == b->time && a->size == b->size &&
           memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Compares what the first that waits says it adds up to with what lies below it:
 * ground, or nothing. */
static feature_status
compare(struct lf_history_check *check, struct lf_row *ground,
        struct lf_history_problem *problem, struct feature_error *error)
{
    bool is_right;

    lf_merge_clear(&check->made);
    lf_merge_clear(&check->stated);
    LF_TRY(merge_waiting(check, &check->stated, 1, error));
    if (ground)
        LF_TRY(merge_row(check, &check->made, ground, error));
    for (uint32_t i = check->waiting; i-- > 2;)
        LF_TRY(merge_waiting(check, &check->made, i, error));
    LF_TRY(merge_waiting(check, &check->made, 0, error));
    is_right = check->has_drops ||
               check->made.is_tombstone == check->stated.is_tombstone;
    for (uint32_t i = 0; is_right && i < check->form.layout.count; i++)
        is_right = is_same(&check->made.cells[i], &check->stated.cells[i]);
    if (!is_right)
        say(problem, "structure",
            "a newer version is not what it and older ones add up to");
    return FEATURE_OK;
}

/* What retention may have taken, a kept entry cannot be made of again. */
static bool
is_cut(const struct lf_history_check *check)
{
    return check->meta.history_horizon != INT64_MIN &&
           check->time <= check->meta.history_horizon;
}

/* The key has no further entry. */
static feature_status
end_key(struct lf_history_check *check, struct lf_history_problem *problem,
        struct feature_error *error)
{
    check->patches = 0;
    if (!check->waiting || check->is_base || is_cut(check))
        return FEATURE_OK;
    return compare(check, NULL, problem, error);
}

static feature_status
add_up(struct lf_history_check *check, struct lf_history_entry *entry,
       struct lf_history_problem *problem, struct feature_error *error)
{
    struct lf_row *sum = entry->has_image ? &entry->image : &entry->row;

    if (entry->operation == FEATURE_PATCH && !entry->has_image) {
        if (++check->patches >= LF_HISTORY_RUN)
            return say(problem, "structure", "too many patches without image");
        if (check->waiting && !let_wait(check, &entry->row))
            return lf_fail_memory(error);
        return FEATURE_OK;
    }
    if (check->waiting && !is_cut(check))
        LF_TRY(compare(check, sum, problem, error));
    wait_for_more(check);
    check->patches = 0;
    check->is_base = entry->operation == LF_HISTORY_BASE;
    check->time = entry->place.time;
    if (!let_wait(check, &entry->row) || !let_wait(check, sum))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* --- entries ----------------------------------------------------------------- */

static bool
is_after(const struct lf_history_check *check, const uint8_t *key, size_t size)
{
    size_t common = size < check->last.size ? size : check->last.size;
    int order = memcmp(key, check->last.data, common);

    return order > 0 || (order == 0 && size > check->last.size);
}

static bool
is_same_key(const struct lf_history_check *check, const uint8_t *key,
            size_t size)
{
    return size == check->last.size &&
           memcmp(key, check->last.data, size - LF_HISTORY_PLACE_SIZE) == 0;
}

static feature_status
check_key(struct lf_history_check *check, const uint8_t *key, size_t size,
          struct lf_history_problem *problem, struct feature_error *error)
{
    if (size <= LF_HISTORY_PLACE_SIZE)
        return say(problem, "structure", "its key is too short");
    if (check->last.size && !is_after(check, key, size))
        return say(problem, "structure", "its key is out of order");
    if (check->last.size && !is_same_key(check, key, size)) {
        LF_TRY(end_key(check, problem, error));
        wait_for_more(check);
    }
    check->last.size = 0;
    if (!lf_buffer_append(&check->last, key, size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static bool
is_known(const struct lf_history_check *check,
         const struct lf_history_entry *entry)
{
    return entry->place.sequence <= check->sequence &&
           entry->commit_time <= check->commit_time &&
           entry->commit_time >= check->meta.history_since &&
           (!entry->has_image || entry->image_time <= check->commit_time);
}

/* Kept events add up to nothing: each stands by itself. */
static feature_status
check_event(struct lf_history_check *check,
            const struct lf_history_entry *entry,
            struct lf_history_problem *problem, struct feature_error *error)
{
    bool is_right;

    LF_TRY(lf_window_check_entry(&check->windows, entry, &is_right, error));
    if (!is_right)
        return say(problem, "structure", "it is none of the event's");
    if (!is_known(check, entry))
        return say(problem, "structure", "it is of a commit that cannot be");
    return FEATURE_OK;
}

feature_status
lf_history_check_entry(struct lf_history_check *check, const uint8_t *key,
                       size_t key_size, const uint8_t *value, size_t size,
                       struct lf_history_problem *problem,
                       struct feature_error *error)
{
    struct lf_history_entry entry;
    const char *reason;

    *problem = (struct lf_history_problem){0};
    check->entries++;
    LF_TRY(check_key(check, key, key_size, problem, error));
    if (problem->reason)
        return FEATURE_OK;
    reason = lf_history_open(&entry, check->seed, key, key_size, value, size);
    if (reason)
        return say(problem, reason,
                   *reason == 'c' ? "its checksum is wrong"
                                  : "it has an unknown form");
    lf_hash128_add(&check->content, lf_history_hash(check->form.view->id, key,
                                                    key_size, &entry));
    if (check->form.event)
        return check_event(check, &entry, problem, error);
    if (entry.operation > FEATURE_DELETE)
        return say(problem, "structure", "it is of an event");
    LF_TRY(check_row(check, &entry.row, problem, error));
    if (!problem->reason && entry.has_image)
        LF_TRY(check_row(check, &entry.image, problem, error));
    if (problem->reason)
        return FEATURE_OK;
    if (!is_known(check, &entry))
        return say(problem, "structure", "it is of a commit that cannot be");
    return add_up(check, &entry, problem, error);
}

feature_status
lf_history_check_end(struct lf_history_check *check,
                     struct lf_history_problem *problem,
                     struct feature_error *error)
{
    *problem = (struct lf_history_problem){0};
    LF_TRY(end_key(check, problem, error));
    if (problem->reason)
        return FEATURE_OK;
    if (check->entries != check->meta.history_entries)
        return say(problem, "structure",
                   "the view's record says another number of entries");
    if (check->content.low != check->meta.history.low ||
        check->content.high != check->meta.history.high)
        return say(problem, "checksum",
                   "the entries do not match the view's history hash");
    return FEATURE_OK;
}
