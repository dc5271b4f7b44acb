/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change of a view, on its way into a chunk.
 *
 * Owns the checks of its rows, what it wrote, and whether it came late.
 * Keeps its key and rows in the chunk's own memory.
 * Never decodes a value.
 */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "store/change_rows.h"

#define CHECKSUM_SIZE 4 /* which rows have in a view, and not in a record */

static feature_status
fail_row(const struct lf_change_rows *rows, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "change %llu of record %llu holds no row of the view",
                   (unsigned long long)rows->ordinal,
                   (unsigned long long)rows->next);
}

static bool
add_bytes(struct lf_change_rows *rows, struct lf_slice from, size_t before,
          size_t *at)
{
    uint8_t *to;

    *at = rows->bytes.size;
    to = lf_buffer_extend(&rows->bytes, before + from.size);
    if (!to)
        return false;
    memset(to, 0, before);
    memcpy(to + before, from.bytes, from.size);
    return true;
}

/* Copies a row and opens it; its plan is that of its schema version. */
static feature_status
take_row(struct lf_change_rows *rows, feature_request *request,
         struct lf_slice from, size_t *at, uint32_t *size, struct lf_row *row,
         struct lf_row_plan **plan, struct feature_error *error)
{
    if (from.size > LF_ROW_SIZE_LIMIT)
        return fail_row(rows, error);
    if (!add_bytes(rows, from, CHECKSUM_SIZE, at))
        return lf_fail_memory(error);
    *size = (uint32_t)from.size + CHECKSUM_SIZE;
    if (!lf_row_open(row, rows->bytes.data + *at, *size))
        return fail_row(rows, error);
    LF_TRY(lf_plan_rows(request->plan, &request->plan->views[0], row->version,
                        plan, error));
    if (!*plan || (!(row->flags & LF_ROW_TOMBSTONE) &&
                   !lf_row_check(row, &(*plan)->layout)))
        return fail_row(rows, error);
    return FEATURE_OK;
}

/* --- late --------------------------------------------------------------------- */

static int64_t
time_before(const struct lf_row *row, const struct lf_layout *layout,
            uint32_t feature)
{
    uint32_t slot;

    if (row->flags & LF_ROW_TOMBSTONE)
        return row->timestamp;
    slot = lf_layout_slot(layout, feature);
    return slot == LF_NO_SLOT ? LF_TIME_UNSET : lf_row_time(row, slot);
}

/* A write is late where it is older than every cell that it means to write. */
static bool
is_late(const struct lf_row *after, const struct lf_layout *layout,
        const struct lf_row *before, const struct lf_layout *layout_before)
{
    bool is_delete = after->flags & LF_ROW_TOMBSTONE;

    for (uint32_t i = 0; i < layout->count; i++) {
        int64_t time = is_delete ? after->timestamp : lf_row_time(after, i);

        if (time != LF_TIME_UNSET &&
            time >=
                time_before(before, layout_before, layout->slots[i].feature))
            return false;
    }
    return true;
}

/* --- written ------------------------------------------------------------------ */

static bool
add_name(struct lf_answer *written, const char *name)
{
    if (!lf_buffer_append(&written->values, name, strlen(name)) ||
        !lf_buffer_reserve(&written->child_offsets,
                           4 * ((size_t)written->elements + 2)))
        return false;
    written->elements++;
    lf_store_u32(written->child_offsets.data + 4 * (size_t)written->elements,
                 (uint32_t)written->values.size);
    return true;
}

/* The features that a PATCH names; of any other write null. */
static bool
add_written(struct lf_change_rows *rows, int32_t operation,
            const struct lf_row *row, const struct lf_row_plan *plan)
{
    const struct lf_selection *selection = rows->query->selection;
    struct lf_answer *written = &rows->written;
    size_t bytes = lf_bits_size(rows->rows + 1);

    if (!lf_buffer_reserve(&written->validity, bytes) ||
        !lf_buffer_reserve(&written->offsets, 4 * ((size_t)rows->rows + 2)))
        return false;
    written->validity.data[bytes - 1] &=
        (uint8_t)((1u << (rows->rows & 7)) - 1);
    if (operation == FEATURE_PATCH)
        lf_bit_set(written->validity.data, rows->rows);
    written->null_count += operation != FEATURE_PATCH;
    for (uint32_t i = 0;
         operation == FEATURE_PATCH && i < selection->column_count; i++) {
        uint32_t slot = plan->cells[i].slot;

        if (slot != LF_NO_SLOT && lf_row_time(row, slot) != LF_TIME_UNSET &&
            !add_name(written, selection->columns[i].name))
            return false;
    }
    lf_store_u32(written->offsets.data + 4 * ((size_t)rows->rows + 1),
                 written->elements);
    return true;
}

/* --- one change ----------------------------------------------------------------- */

static feature_status
take_rows(struct lf_change_rows *rows, const struct lf_change *change,
          struct lf_change_taken *taken, struct feature_error *error)
{
    struct lf_row after = {0}, before = {0};
    struct lf_row_plan *plan = NULL, *plan_before;

    if (change->after.size)
        LF_TRY(take_row(rows, rows->after, change->after, &taken->after,
                        &taken->after_size, &after, &plan, error));
    if ((change->operation == FEATURE_UPSERT ||
         change->operation == FEATURE_PATCH) &&
        (!plan || (after.flags & LF_ROW_TOMBSTONE)))
        return fail_row(rows, error);
    if (!add_written(rows, change->operation, &after, plan))
        return lf_fail_memory(error);
    if (!change->before.size)
        return FEATURE_OK;
    LF_TRY(take_row(rows, rows->before ? rows->before : rows->after,
                    change->before, &taken->before, &taken->before_size,
                    &before, &plan_before, error));
    if (plan) {
        /* Its bytes have moved, maybe. */
        lf_row_open(&after, rows->bytes.data + taken->after, taken->after_size);
        if (!(after.flags & LF_ROW_TOMBSTONE) &&
            !lf_row_check(&after, &plan->layout))
            return fail_row(rows, error);
        taken->late =
            is_late(&after, &plan->layout, &before, &plan_before->layout);
    }
    if (!rows->before || (before.flags & LF_ROW_TOMBSTONE))
        taken->before_size = 0;
    return FEATURE_OK;
}

/* An event: its payload is a row, and the id that it is known by is a column. */
static feature_status
take_event(struct lf_change_rows *rows, const struct lf_change *change,
           struct lf_change_taken *taken, struct feature_error *error)
{
    struct lf_row_plan *plan;
    struct lf_row row;

    if (!change->after.size)
        return fail_row(rows, error);
    LF_TRY(take_row(rows, rows->after, change->after, &taken->after,
                    &taken->after_size, &row, &plan, error));
    if (row.flags)
        return fail_row(rows, error);
    taken->key = taken->after; /* of no bytes */
    return add_written(rows, change->operation, &row, plan)
               ? FEATURE_OK
               : lf_fail_memory(error);
}

static feature_status
take_written(struct lf_change_rows *rows, const struct lf_change *change,
             struct lf_change_taken *taken, struct feature_error *error)
{
    if (!change->key.size || change->key.size > UINT32_MAX)
        return fail_row(rows, error);
    taken->key_size = (uint32_t)change->key.size;
    if (change->operation == LF_CHANGE_EXPIRE)
        taken->time = LF_TIME_UNSET;
    if (!add_bytes(rows, change->key, 0, &taken->key))
        return lf_fail_memory(error);
    return take_rows(rows, change, taken, error);
}

feature_status
lf_change_rows_take(struct lf_change_rows *rows, const struct lf_change *change,
                    struct feature_error *error)
{
    struct lf_change_taken taken = {.sequence = rows->next,
                                    .ordinal = rows->ordinal,
                                    .commit_time = rows->record.time,
                                    .time = change->time,
                                    .operation = change->operation,
                                    .late = -1};
    size_t begin = rows->bytes.size + rows->written.values.size;

    LF_TRY(rows->event ? take_event(rows, change, &taken, error)
                       : take_written(rows, change, &taken, error));
    if (!lf_buffer_append(&rows->taken, &taken, sizeof taken))
        return lf_fail_memory(error);
    rows->gathered +=
        rows->bytes.size + rows->written.values.size - begin + rows->row_bytes;
    rows->rows++;
    return FEATURE_OK;
}
