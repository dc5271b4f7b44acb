/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a load, folded.
 *
 * Owns the way from events in order of key to one state of each key.
 * Keeps memory to one state and some events, however many a key has; the others
 * go on to the history of the version, where it has one.
 * Never opens a transaction: all that a state needs is in the events.
 */
#include "store/event_fold.h"
#include "store/load_rows.h"

#include <string.h>

#define ROOM_MOST  (256u << 10) /* bytes of events that are folded at a time */
#define EVENT_SIZE 64 /* about what a state takes for one, beside its bytes */
#define PILE_MOST \
    (4u << 20) /* of those that a state may be made of as they are */

struct fold {
    struct feature_load *load;
    struct lf_rows rows; /* of the staged version; for the encoder alone */
    struct lf_arena arena;
    struct lf_event_layout layout; /* of the events, as they were sorted */
    struct lf_state *state;        /* of the key at hand */
    struct lf_buffer key;          /* that one; empty: none */
    struct lf_buffer full;      /* that state, with all that lies beside it */
    size_t pile;                /* bytes of its events, of which it is */
    uint32_t batch, row;        /* where its last event came from */
    bool has_state;             /* one of its events was applied */
    bool is_kept;               /* events are, and are sorted by time, too */
    uint8_t time[LF_SORT_TIME]; /* of the last event, then */
    uint32_t ordinal;           /* among those of that time */
    struct lf_buffer payloads;  /* gathered: size u32, event */
    uint32_t count;
    struct lf_cell *cells; /* room for LF_FOLD_ROWS events */
    struct lf_tile_event *events;
    uint8_t outcomes[LF_FOLD_ROWS];
};

static feature_status
begin(struct fold *fold, struct feature_error *error)
{
    struct feature_load *load = fold->load;
    const struct lf_event *event;
    size_t columns;

    LF_TRY(lf_build_bind(load, error));
    fold->is_kept = lf_load_keeps(load);
    event = load->build.form.event;
    columns = event->column_count;
    fold->rows = (struct lf_rows){.form = &load->build.form,
                                  .sides = load->build.form.sides};
    fold->events =
        lf_arena_array(&fold->arena, LF_FOLD_ROWS, sizeof *fold->events);
    fold->cells = lf_arena_array(&fold->arena, LF_FOLD_ROWS * columns,
                                 sizeof *fold->cells);
    if (!fold->events || !fold->cells ||
        !lf_event_layout_init(&fold->layout, event, event->column_count,
                              &fold->arena))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static void
end(struct fold *fold)
{
    lf_buffer_free(&fold->key);
    lf_buffer_free(&fold->full);
    lf_buffer_free(&fold->payloads);
    lf_arena_free(&fold->arena);
}

/* --- the events of a key ------------------------------------------------------ */

static feature_status
fail_damaged(const struct fold *fold, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "a row in the load of %s is damaged", fold->load->name);
}

static feature_status
open_gathered(struct fold *fold, struct feature_error *error)
{
    const uint8_t *at = fold->payloads.data;
    uint32_t columns = fold->layout.count;

    for (uint32_t i = 0; i < fold->count; i++) {
        struct lf_cell *cells = fold->cells + (size_t)i * columns;
        size_t size = lf_load_u32(at);
        struct lf_row row;

        if (!lf_row_open(&row, at + 4, size) ||
            !lf_event_cells(&row, &fold->layout, cells))
            return fail_damaged(fold, error);
        fold->events[i] = (struct lf_tile_event){
            .ts = row.timestamp, .cell_count = columns, .cells = cells};
        at += 4 + size;
    }
    return FEATURE_OK;
}

/* Applies what is gathered. */
static feature_status
apply(struct fold *fold, struct feature_error *error)
{
    struct feature_load *load = fold->load;
    uint64_t applied = 0;

    if (!fold->count)
        return FEATURE_OK;
    LF_TRY(open_gathered(fold, error));
    LF_TRY(lf_form_fail(
        &load->build.form,
        lf_state_apply(fold->state, fold->events, fold->count, fold->outcomes),
        error));
    for (uint32_t i = 0; i < fold->count; i++)
        applied += fold->outcomes[i] == FEATURE_OUTCOME_APPLIED;
    load->applied += applied;
    load->late += fold->count - applied;
    fold->has_state |= applied > 0;
    fold->pile += fold->payloads.size + fold->count * EVENT_SIZE;
    fold->count = 0;
    fold->payloads.size = 0;
    return FEATURE_OK;
}

static feature_status
keep(struct fold *fold, const struct lf_sorted *each,
     struct feature_error *error)
{
    const uint8_t *time = each->key + fold->key.size;
    struct lf_row event;

    if (!fold->is_kept)
        return FEATURE_OK;
    fold->ordinal =
        memcmp(fold->time, time, LF_SORT_TIME) == 0 ? fold->ordinal + 1 : 0;
    memcpy(fold->time, time, LF_SORT_TIME);
    if (!lf_row_open(&event, each->bytes + LF_SORT_PLACE,
                     each->size - LF_SORT_PLACE))
        return fail_damaged(fold, error);
    return lf_load_keep(fold->load, fold->key.data, fold->key.size, &event,
                        fold->ordinal, error);
}

static feature_status
fail_size(const struct fold *fold, struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, "row-size",
            "batch %u, row %u: with this event and those before it, the state "
            "of its key is too large for %s",
            fold->batch, fold->row, fold->load->name);
    lf_error_place(error, fold->batch, fold->row, 0);
    return FEATURE_INVALID;
}

/* A state as it was encoded last, in full. */
static feature_status
fill(struct fold *fold, struct lf_buffer **row, struct feature_error *error)
{
    struct lf_row opened;

    if (!fold->rows.sides->beside.is_used)
        return FEATURE_OK;
    if (!lf_row_open(&opened, (*row)->data, (*row)->size))
        return fail_damaged(fold, error);
    if (!lf_sides_has(&opened))
        return FEATURE_OK;
    *row = &fold->full;
    return lf_sides_inflate(fold->rows.sides, fold->rows.form, &opened, *row,
                            error);
}

/* Of what was made to lie beside a row, what does not any more. */
static feature_status
forget_sides(struct fold *fold, struct lf_buffer *row,
             struct feature_error *error)
{
    struct lf_buffer *full = row;
    struct lf_row opened;

    LF_TRY(fill(fold, &full, error));
    if (full == row)
        return FEATURE_OK;
    lf_sides_begin(fold->rows.sides, fold->key.data, fold->key.size);
    if (!lf_row_open(&opened, full->data, full->size))
        return fail_damaged(fold, error);
    return lf_sides_deflate(fold->rows.sides, fold->rows.form, &opened, row,
                            error);
}

/* Makes tiles of what has piled up: a state is the same in whatever pieces its
 * events come. */
static feature_status
settle(struct fold *fold, struct feature_error *error)
{
    struct lf_buffer *row = &fold->load->build.row;
    struct lf_stored stored = {.found = true};
    bool fits;

    fold->pile = 0;
    if (!fold->has_state)
        return FEATURE_OK;
    LF_TRY(lf_window_encode(&fold->rows, LF_ROW_SIZE_LIMIT, fold->state, row,
                            &fits, error));
    LF_TRY(forget_sides(fold, row, error));
    if (!lf_row_open(&stored.row, row->data, row->size))
        return fail_damaged(fold, error);
    return lf_window_take(&fold->rows, &stored, fold->state, error);
}

static feature_status
gather(struct fold *fold, const struct lf_sorted *each,
       struct feature_error *error)
{
    uint32_t size = (uint32_t)(each->size - LF_SORT_PLACE);

    if (fold->count == LF_FOLD_ROWS || fold->payloads.size >= ROOM_MOST)
        LF_TRY(apply(fold, error));
    if (fold->pile >= PILE_MOST)
        LF_TRY(settle(fold, error));
    LF_TRY(keep(fold, each, error));
    if (!lf_buffer_append(&fold->payloads, &size, sizeof size) ||
        !lf_buffer_append(&fold->payloads, each->bytes + LF_SORT_PLACE, size))
        return lf_fail_memory(error);
    fold->batch = lf_load_u32(each->bytes);
    fold->row = lf_load_u32(each->bytes + 4);
    fold->count++;
    return FEATURE_OK;
}

/* All events of the key at hand are there. */
static feature_status
end_key(struct fold *fold, struct feature_error *error)
{
    struct feature_load *load = fold->load;
    struct lf_buffer *row = &load->build.row;
    bool fits;

    if (!fold->key.size)
        return FEATURE_OK;
    LF_TRY(apply(fold, error));
    if (!fold->has_state)
        return FEATURE_OK;
    LF_TRY(lf_window_encode(&fold->rows, load->store->max_row_size, fold->state,
                            row, &fits, error));
    if (!fits)
        return fail_size(fold, error);
    LF_TRY(fill(fold, &row, error));
    return lf_build_take(load, fold->key.data, fold->key.size, row->data,
                         row->size, 1, fold->batch, fold->row, error);
}

/* Of an event, without the time behind it. */
static size_t
key_size_of(const struct fold *fold, const struct lf_sorted *each)
{
    return each->key_size - (fold->is_kept ? LF_SORT_TIME : 0);
}

static bool
is_of_key(const struct fold *fold, const struct lf_sorted *each)
{
    size_t size = key_size_of(fold, each);

    return size == fold->key.size &&
           memcmp(each->key, fold->key.data, size) == 0;
}

static feature_status
begin_key(struct fold *fold, const struct lf_sorted *each,
          struct feature_error *error)
{
    size_t size = key_size_of(fold, each);

    fold->key.size = fold->pile = 0;
    fold->has_state = false;
    fold->ordinal = UINT32_MAX; /* the first is 0, whatever its time */
    if (!lf_buffer_append(&fold->key, each->key, size))
        return lf_fail_memory(error);
    lf_sides_begin(fold->rows.sides, each->key, size);
    LF_TRY(lf_form_state(&fold->load->build.form, &fold->state, error));
    lf_state_begin(fold->state);
    return FEATURE_OK;
}

static feature_status
fold_all(struct fold *fold, struct feature_error *error)
{
    struct lf_sorter *sorter = fold->load->build.sorter;
    struct lf_sorted each;

    LF_TRY(lf_sorter_end(sorter, error));
    for (;;) {
        LF_TRY(lf_sorter_next(sorter, &each, error));
        if (!each.key)
            return end_key(fold, error);
        if (!is_of_key(fold, &each)) {
            LF_TRY(end_key(fold, error));
            LF_TRY(begin_key(fold, &each, error));
        }
        LF_TRY(gather(fold, &each, error));
    }
}

feature_status
lf_load_fold(struct feature_load *load, struct feature_error *error)
{
    struct fold fold = {.load = load};
    feature_status status = begin(&fold, error);

    load->build.key.size = 0;
    if (!status)
        status = fold_all(&fold, error);
    end(&fold);
    return status ? status : lf_build_flush(load, true, error);
}
