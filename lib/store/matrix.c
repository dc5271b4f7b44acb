/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain rows into a matrix.
 *
 * Owns the plan that turns a row into floats with one short loop per stored
 * type, and these loops.
 * Keeps nulls out of them: a null is converted like the zeros it is made of,
 * and overwritten afterwards, found by the set bits of the null words.
 * Never sees a row that is not plain: those are judged cell by cell.
 */
#include "store/matrix.h"

#include <string.h>

#include "store/answer.h"

float
lf_matrix_age(int64_t at, int64_t timestamp)
{
    int64_t age;

    if (__builtin_sub_overflow(at, timestamp, &age))
        return (float)(((double)at - (double)timestamp) / 1e6);
    return (float)((double)age / 1e6);
}

static enum lf_cast
cast_of(struct lf_type type)
{
    switch ((enum feature_type)type.code) {
    case FEATURE_TYPE_BOOL:
        return LF_CAST_BOOL;
    case FEATURE_TYPE_INT32:
        return LF_CAST_INT32;
    case FEATURE_TYPE_INT64:
        return LF_CAST_INT64;
    case FEATURE_TYPE_FLOAT32:
        return LF_CAST_FLOAT32;
    case FEATURE_TYPE_FLOAT64:
        return LF_CAST_FLOAT64;
    case FEATURE_TYPE_TIMESTAMP:
        return LF_CAST_AGE;
    case FEATURE_TYPE_STRING: /* a matrix query refuses these */
    case FEATURE_TYPE_BYTES:
        break;
    }
    return LF_CASTS;
}

/* A cell that goes on where the one before it ends, in the row and in the
 * matrix, joins its move: features in the order of their definition often do. */
static void
add_move(struct lf_matrix_plan *matrix, const struct lf_cell_plan *cell,
         uint32_t to, uint32_t first, uint32_t *count)
{
    uint32_t size = (uint32_t)lf_type_element_size(cell->type.code);
    struct lf_move *last = &matrix->moves[*count];

    if (*count > first &&
        last[-1].from + size * last[-1].count == cell->offset &&
        last[-1].to + last[-1].count == to) {
        last[-1].count += cell->type.width;
        return;
    }
    *last = (struct lf_move){
        .from = cell->offset, .to = to, .count = cell->type.width};
    ++*count;
}

/* The moves of one cast, in the order of the columns. */
static void
plan_cast(const struct lf_plan *plan, const struct lf_view_plan *view,
          struct lf_row_plan *rows, enum lf_cast cast, uint32_t *count)
{
    const uint32_t *offsets = plan->query->matrix_offsets;
    uint32_t first = *count;

    for (uint32_t i = 0; i < view->column_count; i++) {
        const struct lf_cell_plan *cell = &rows->cells[i];

        if (cell->slot != LF_NO_SLOT && cast_of(cell->type) == cast)
            add_move(&rows->matrix, cell, offsets[view->columns[i].column],
                     first, count);
    }
    rows->matrix.ends[cast] = *count;
}

/* Which columns a null bit concerns; usually one. */
static void
plan_slots(const struct lf_view_plan *view, struct lf_row_plan *rows)
{
    struct lf_matrix_plan *matrix = &rows->matrix;
    uint32_t next = 0;

    for (uint32_t slot = 0; slot < rows->layout.count; slot++) {
        matrix->first[slot] = next;
        for (uint32_t i = 0; i < view->column_count; i++)
            if (rows->cells[i].slot == slot)
                matrix->by_slot[next++] = i;
        if (next > matrix->first[slot])
            matrix->asked[slot / 64] |= UINT64_C(1) << (slot & 63);
    }
    matrix->first[rows->layout.count] = next;
}

static bool
make_arrays(struct lf_plan *plan, const struct lf_view_plan *view,
            struct lf_row_plan *rows)
{
    struct lf_matrix_plan *matrix = &rows->matrix;
    uint32_t columns = view->column_count;
    struct lf_arena *arena = &plan->arena;

    matrix->words = (rows->layout.count + 63) / 64;
    matrix->moves = lf_arena_array(arena, columns, sizeof *matrix->moves);
    matrix->absent = lf_arena_array(arena, columns, sizeof *matrix->absent);
    matrix->by_slot = lf_arena_array(arena, columns, sizeof *matrix->by_slot);
    matrix->asked = lf_arena_array(arena, matrix->words, sizeof *matrix->asked);
    matrix->first = lf_arena_array(arena, (size_t)rows->layout.count + 1,
                                   sizeof *matrix->first);
    return matrix->moves && matrix->absent && matrix->by_slot &&
           matrix->asked && matrix->first;
}

feature_status
lf_matrix_plan(struct lf_plan *plan, const struct lf_view_plan *view,
               struct lf_row_plan *rows, struct feature_error *error)
{
    struct lf_matrix_plan *matrix = &rows->matrix;
    uint32_t count = 0;

    if (!make_arrays(plan, view, rows))
        return lf_fail_memory(error);
    for (int cast = 0; cast < LF_CASTS; cast++)
        plan_cast(plan, view, rows, (enum lf_cast)cast, &count);
    for (uint32_t i = 0; i < view->column_count; i++)
        if (rows->cells[i].slot == LF_NO_SLOT)
            matrix->absent[matrix->absent_count++] = i;
    plan_slots(view, rows);
    return FEATURE_OK;
}

/* Four at a time: a call of memcpy for a few floats costs more. */
static inline void
copy_floats(float *to, const uint8_t *from, uint32_t count)
{
    uint32_t i = 0;

    for (; i + 4 <= count; i += 4)
        memcpy(to + i, from + 4 * (size_t)i, 16);
    for (; i < count; i++)
        to[i] = lf_load_f32(from + 4 * (size_t)i);
}

/* Moves up to the end of one cast: none of the loops branches on what a cell
 * is. */
#define MOVE(cast, value)                          \
    for (; move < moves + ends[cast]; move++) {    \
        const uint8_t *from = row + move->from;    \
        float *cells = to + move->to;              \
                                                   \
        for (uint32_t i = 0; i < move->count; i++) \
            cells[i] = (value);                    \
    }

static inline void
move_all(const struct lf_matrix_plan *matrix, const uint8_t *row, int64_t at,
         float *to)
{
    const struct lf_move *moves = matrix->moves, *move = moves;
    const uint32_t *ends = matrix->ends;

    MOVE(LF_CAST_FLOAT64, (float)lf_load_f64(from + 8 * (size_t)i))
    MOVE(LF_CAST_INT64, (float)lf_load_i64(from + 8 * (size_t)i))
    MOVE(LF_CAST_AGE, lf_matrix_age(at, lf_load_i64(from + 8 * (size_t)i)))
    for (; move < moves + ends[LF_CAST_FLOAT32]; move++)
        copy_floats(to + move->to, row + move->from, move->count);
    MOVE(LF_CAST_INT32, (float)lf_load_i32(from + 4 * (size_t)i))
    MOVE(LF_CAST_BOOL, from[i] ? 1.0f : 0.0f)
}

static bool
has_nulls(const struct lf_matrix_plan *matrix, const uint8_t *bitmap)
{
    uint64_t nulls = 0;

    for (uint32_t w = 0; w < matrix->words; w++)
        nulls |= lf_load_u64(bitmap + 8 * (size_t)w) & matrix->asked[w];
    return nulls != 0;
}

static feature_status
fill_nulls(struct decoder *decoder, uint32_t i, const uint8_t *bitmap,
           struct feature_error *error)
{
    const struct lf_matrix_plan *matrix = &decoder->block[i].plan->matrix;

    for (uint32_t w = 0; w < matrix->words; w++) {
        uint64_t nulls = lf_load_u64(bitmap + 8 * (size_t)w) & matrix->asked[w];

        for (; nulls; nulls &= nulls - 1) {
            uint32_t slot = 64 * w + (uint32_t)__builtin_ctzll(nulls);

            for (uint32_t j = matrix->first[slot]; j < matrix->first[slot + 1];
                 j++)
                LF_TRY(lf_decoder_put_missing(decoder, matrix->by_slot[j], i,
                                              error));
        }
    }
    return FEATURE_OK;
}

static inline feature_status
put_row(struct decoder *decoder, uint32_t i, struct feature_error *error)
{
    const struct block_row *at = &decoder->block[i];
    const struct lf_matrix_plan *matrix = &at->plan->matrix;
    const struct lf_sink *sink = decoder->sink;
    const uint8_t *bitmap = at->row.bytes + LF_ROW_HEADER_SIZE;

    move_all(matrix, at->row.bytes, at->at,
             sink->matrix + (size_t)(decoder->first + i) * sink->stride);
    if (has_nulls(matrix, bitmap))
        LF_TRY(fill_nulls(decoder, i, bitmap, error));
    for (uint32_t j = 0; j < matrix->absent_count; j++)
        LF_TRY(lf_decoder_put_missing(decoder, matrix->absent[j], i, error));
    return FEATURE_OK;
}

/* Whether a verified row is of the plan, current, whole and without nulls: in
 * its header only the checksum, the time and the version may be anything. */
static inline bool
is_usual(const struct decoder *decoder, const uint8_t *row)
{
    const struct lf_row_plan *plan = decoder->plan;
    int64_t time = lf_load_i64(row + 8);

    return lf_load_u16(row + 4) == plan->layout.version &&
           lf_load_u16(row + 6) == 0 && time >= decoder->oldest &&
           time != LF_TIME_UNSET &&
           !has_nulls(&plan->matrix, row + LF_ROW_HEADER_SIZE);
}

uint32_t
lf_matrix_put_plain(struct decoder *decoder)
{
    feature_request *request = decoder->request;
    const struct lf_job_range *range = &request->ranges[decoder->index];
    const struct lf_job *jobs = lf_request_jobs(request) + range->first;
    size_t base = (size_t)decoder->index * request->rows;
    const struct lf_sink *sink = decoder->sink;
    uint32_t row = decoder->first;

    if (!decoder->plan || decoder->plan->matrix.absent_count)
        return 0;
    for (; row < request->rows; row++) {
        const uint8_t *bytes = jobs[range->count == 1 ? 0 : row].value;

        if (!bytes || !is_usual(decoder, bytes))
            break;
        move_all(&decoder->plan->matrix, bytes, request->now,
                 sink->matrix + (size_t)row * sink->stride);
        request->states.data[base + row] = FEATURE_STATE_PRESENT;
        memcpy(request->timestamps.data + 8 * (base + row), bytes + 8, 8);
    }
    return row - decoder->first;
}

feature_status
lf_matrix_put_block(struct decoder *decoder, struct feature_error *error)
{
    for (uint32_t i = 0; i < decoder->count; i++) {
        if (decoder->block[i].is_plain) {
            LF_TRY(put_row(decoder, i, error));
            continue;
        }
        for (uint32_t j = 0; j < decoder->view->column_count; j++)
            LF_TRY(lf_decoder_put_cell(decoder, j, i, error));
    }
    return FEATURE_OK;
}
