/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole rows of a batch, in their stored form.
 *
 * Owns the way from the columns of a batch to the cells of one row.
 * Keeps rows without variable cells off it: they are made from the columns
 * themselves.
 * Never looks at a stored row.
 */
#include "store/target.h"

void
lf_target_take_cells(struct lf_target *target, uint32_t row)
{
    for (uint32_t i = 0; i < target->form.layout.count; i++) {
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

bool
lf_target_fits(struct lf_target *target, bool is_fixed, uint32_t row)
{
    const struct lf_layout *layout = &target->form.layout;

    if (!is_fixed)
        lf_target_take_cells(target, row);
    return (is_fixed ? layout->data_offset
                     : lf_row_size_at(layout, target->incoming)) <=
           target->batch->store->max_row_size;
}

bool
lf_target_encode(struct lf_target *target, bool is_fixed, uint32_t row,
                 int64_t time, struct lf_buffer *to)
{
    const struct lf_layout *layout = &target->form.layout;

    return is_fixed
               ? lf_row_encode_columns(layout, target->sources, row, time, to)
               : lf_row_encode_at(layout, target->incoming, time, to);
}
