/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events taken back, and events that have no room.
 *
 * Owns the rebuilding of a key's state from the events that the view keeps, where
 * the state alone cannot give one back.
 * Keeps to what is certain: a state is rebuilt where every event that it can hold
 * is kept, and nowhere else.
 * Never takes back half of a call: a row that cannot be taken back is REJECTED,
 * or ends it.
 */
#include <string.h>

#include "store/event_fold.h"
#include "store/event_history.h"

feature_status
lf_fold_refuse(struct lf_fold *fold, uint32_t row,
               const struct feature_error *problem, struct feature_error *error)
{
    if (!fold->skip_invalid) {
        if (error) {
            *error = *problem;
            error->row = row;
        }
        return problem->status;
    }
    fold->events->outcomes[row] = FEATURE_OUTCOME_REJECTED;
    fold->has_refused = true;
    return FEATURE_OK;
}

/* --- from kept events ---------------------------------------------------------- */

/* An entry of the history, newest first. */
struct kept {
    int64_t time;
    int32_t operation;
    bool is_gone;     /* taken back */
    uint16_t version; /* of its payload */
    size_t begin, size;
};

struct rebuild {
    struct lf_fold *fold;
    const struct lf_event_run *run;
    int64_t wm, barrier;
    int64_t from, to;       /* of the events that are looked at */
    struct lf_buffer list;  /* struct kept */
    struct lf_buffer bytes; /* of their payloads */
    struct lf_event_layouts layouts;
    struct lf_cell *cells[2]; /* of two of them */
};

/* Whether the view keeps all events of that time. */
static bool
is_covered(const struct rebuild *rebuild)
{
    const struct lf_rows *rows = &rebuild->fold->rows;

    return rows->history && lf_event_history_covers(
                                &rows->meta, rows->form->event, rebuild->from);
}

static feature_status
gather(struct rebuild *rebuild, struct feature_error *error)
{
    const struct lf_history_place first = {rebuild->to, UINT64_MAX, UINT32_MAX};
    const struct lf_event_run *run = rebuild->run;
    enum lf_step step = LF_STEP_SEEK;
    struct lf_history_entry entry;
    bool found;

    for (;; step = LF_STEP_NEXT) {
        struct kept kept = {.begin = rebuild->bytes.size};

        LF_TRY(lf_event_history_move(&rebuild->fold->rows, step, run->key,
                                     run->key_size, &first, &entry, &found,
                                     error));
        if (!found || entry.place.time < rebuild->from)
            return FEATURE_OK;
        if (entry.operation == FEATURE_DELETE) {
            /* Of a row that was swept since: its state did not tell. */
            if (entry.place.time > rebuild->barrier)
                rebuild->barrier = entry.place.time;
            continue;
        }
        kept.time = entry.place.time;
        kept.operation = entry.operation;
        kept.version = entry.row.version;
        kept.size = entry.row.size;
        if (!lf_buffer_append(&rebuild->bytes, entry.row.bytes, kept.size) ||
            !lf_buffer_append(&rebuild->list, &kept, sizeof kept))
            return lf_fail_memory(error);
    }
}

static feature_status
decode(struct rebuild *rebuild, const struct kept *kept, struct lf_cell *cells,
       struct feature_error *error)
{
    const struct lf_event *event = rebuild->fold->events->event;
    const struct lf_event_layout *layout;
    struct lf_row row;
    bool is_known;

    for (uint32_t i = 0; i < event->column_count; i++)
        cells[i].is_null = true;
    layout = lf_event_layouts_get(&rebuild->layouts, kept->version, &is_known);
    if (!layout && is_known)
        return lf_fail_memory(error);
    if (!layout ||
        !lf_row_open(&row, rebuild->bytes.data + kept->begin, kept->size) ||
        !lf_event_cells(&row, layout, cells))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "an event in the history of %s is damaged",
                       rebuild->fold->rows.form->view->name);
    return FEATURE_OK;
}

/* The same cells; a column that one of them did not have yet is null. */
static feature_status
is_same(struct rebuild *rebuild, const struct kept *a, const struct kept *b,
        bool *same, struct feature_error *error)
{
    uint32_t columns = rebuild->fold->events->event->column_count;

    LF_TRY(decode(rebuild, a, rebuild->cells[0], error));
    LF_TRY(decode(rebuild, b, rebuild->cells[1], error));
    *same = true;
    for (uint32_t i = 0; *same && i < columns; i++) {
        const struct lf_cell *x = &rebuild->cells[0][i];
        const struct lf_cell *y = &rebuild->cells[1][i];

        *same = x->is_null == y->is_null &&
                (x->is_null || (x->size == y->size &&
                                memcmp(x->bytes, y->bytes, x->size) == 0));
    }
    return FEATURE_OK;
}

/* A RETRACT takes back the newest equal event before it that none before took.
 * found: of the one at hand. */
static feature_status
cancel(struct rebuild *rebuild, const struct kept *at_hand, bool *found,
       struct feature_error *error)
{
    struct kept *list = (struct kept *)rebuild->list.data;
    size_t count = rebuild->list.size / sizeof *list;

    *found = false;
    for (size_t i = count; i-- > 0;) {
        bool same = false;

        if (list[i].operation != FEATURE_RETRACT)
            continue;
        list[i].is_gone = true;
        for (size_t j = i + 1;
             !same && j < count && list[j].time == list[i].time; j++) {
            if (list[j].operation != FEATURE_EVENT || list[j].is_gone)
                continue;
            LF_TRY(is_same(rebuild, &list[i], &list[j], &same, error));
            list[j].is_gone = same;
        }
        if (&list[i] == at_hand)
            *found = same;
    }
    return FEATURE_OK;
}

/* The row at hand is kept already: the newest RETRACT at its time. */
static const struct kept *
find_at_hand(const struct rebuild *rebuild, int64_t time)
{
    const struct kept *list = (const struct kept *)rebuild->list.data;
    size_t count = rebuild->list.size / sizeof *list;

    for (size_t i = 0; i < count; i++)
        if (list[i].time == time && list[i].operation == FEATURE_RETRACT)
            return &list[i];
    return NULL;
}

static feature_status
apply_kept(struct rebuild *rebuild, struct feature_error *error)
{
    const struct kept *list = (const struct kept *)rebuild->list.data;
    struct lf_fold *fold = rebuild->fold;
    struct lf_state *state = fold->state;
    uint8_t outcome;

    lf_state_begin(state);
    if (rebuild->barrier != INT64_MIN)
        lf_state_bury(state, rebuild->barrier);
    lf_state_set_wm(state, rebuild->wm);
    for (size_t i = rebuild->list.size / sizeof *list; i-- > 0;) {
        struct lf_tile_event event = {.ts = list[i].time,
                                      .cell_count =
                                          fold->events->event->column_count,
                                      .cells = rebuild->cells[0]};

        if (list[i].is_gone)
            continue;
        LF_TRY(decode(rebuild, &list[i], rebuild->cells[0], error));
        LF_TRY(lf_form_fail(fold->rows.form,
                            lf_state_apply(state, &event, 1, &outcome), error));
    }
    return FEATURE_OK;
}

/* Finds what is kept, and in it the event that the row at hand takes back. */
static feature_status
look_up(struct rebuild *rebuild, int64_t time, bool *found,
        struct feature_error *error)
{
    const struct lf_event *event = rebuild->fold->events->event;

    if (!lf_event_layouts_init(&rebuild->layouts, event))
        return lf_fail_memory(error);
    for (int i = 0; i < 2; i++) {
        rebuild->cells[i] =
            lf_arena_array(&rebuild->layouts.arena, event->column_count,
                           sizeof *rebuild->cells[i]);
        if (!rebuild->cells[i])
            return lf_fail_memory(error);
    }
    LF_TRY(gather(rebuild, error));
    return cancel(rebuild, find_at_hand(rebuild, time), found, error);
}

static void
end_rebuild(struct rebuild *rebuild)
{
    lf_event_layouts_free(&rebuild->layouts);
    lf_buffer_free(&rebuild->list);
    lf_buffer_free(&rebuild->bytes);
}

/* is_there = false: the view would keep such an event, and has none. */
static feature_status
find_kept(struct lf_fold *fold, const struct lf_event_run *run, int64_t time,
          bool *is_there, struct feature_error *error)
{
    struct rebuild rebuild = {
        .fold = fold, .run = run, .from = time, .to = time};
    feature_status status = FEATURE_OK;

    *is_there = true;
    if (is_covered(&rebuild))
        status = look_up(&rebuild, time, is_there, error);
    end_rebuild(&rebuild);
    return status;
}

/* The first microsecond whose events the state may hold. */
static int64_t
oldest(const struct lf_fold *fold, const struct lf_tile_plan *plan)
{
    int64_t barrier = lf_state_barrier(fold->state), from = INT64_MIN;

    if (!plan->has_lifetime)
        from = lf_tile_bound(plan, plan->level_count - 1,
                             lf_state_wm(fold->state));
    return barrier >= from && barrier < INT64_MAX ? barrier + 1 : from;
}

/* done = false: the view does not keep what it takes, or no such event. */
static feature_status
rebuild_state(struct lf_fold *fold, const struct lf_event_run *run,
              const struct lf_tile_plan *plan, int64_t time, bool *done,
              struct feature_error *error)
{
    struct rebuild rebuild = {.fold = fold,
                              .run = run,
                              .wm = lf_state_wm(fold->state),
                              .barrier = lf_state_barrier(fold->state),
                              .from = oldest(fold, plan),
                              .to = INT64_MAX};
    feature_status status = FEATURE_OK;

    *done = is_covered(&rebuild);
    if (*done)
        status = look_up(&rebuild, time, done, error);
    if (!status && *done)
        status = apply_kept(&rebuild, error);
    end_rebuild(&rebuild);
    return status;
}

/* --- rows ---------------------------------------------------------------------- */

static const char *
stubborn_feature(const struct lf_tile_plan *plan)
{
    for (uint32_t i = 0; i < plan->feature_count; i++)
        for (uint32_t j = 0; j < 3; j++) {
            uint32_t state = plan->features[i].states[j];

            if (state < plan->state_count &&
                !lf_tile_is_group(&plan->states[state]))
                return plan->features[i].feature->name;
        }
    return NULL;
}

static feature_status
refuse_unknown(struct lf_fold *fold, uint32_t row, struct feature_error *error)
{
    struct feature_error problem;

    lf_fail(&problem, FEATURE_INVALID, "argument",
            "row %u cannot be taken back from %s: no event that the view keeps "
            "has its time and values",
            row, fold->rows.form->view->name);
    return lf_fold_refuse(fold, row, &problem, error);
}

static feature_status
refuse(struct lf_fold *fold, const struct lf_tile_plan *plan, uint32_t row,
       struct feature_error *error)
{
    const char *view = fold->rows.form->view->name;
    const char *feature = stubborn_feature(plan);
    struct feature_error problem;

    if (feature)
        lf_fail(&problem, FEATURE_INVALID, "argument",
                "row %u cannot be taken back from %s: %s cannot forget one "
                "event, and the view does not keep the events it was made of",
                row, view, feature);
    else
        lf_fail(&problem, FEATURE_INVALID, "argument",
                "row %u cannot be taken back from %s: no such event is there, "
                "or it lies in a tile whose other events the view does not "
                "keep",
                row, view);
    return lf_fold_refuse(fold, row, &problem, error);
}

/* Behind a delete, or before all windows: there is nothing to take back. */
static bool
is_late(const struct lf_fold *fold, const struct lf_tile_plan *plan,
        int64_t time)
{
    if (time <= lf_state_barrier(fold->state))
        return true;
    return !plan->has_lifetime &&
           time < lf_tile_bound(plan, plan->level_count - 1,
                                lf_state_wm(fold->state));
}

/* What was taken back of the version that served, a load may have left out. */
static bool
is_caught_up(const struct lf_fold *fold)
{
    return fold->rows.form->view->standing != LF_SERVES;
}

static feature_status
retract_row(struct lf_fold *fold, const struct lf_event_run *run,
            const struct lf_tile_plan *plan, uint32_t row,
            struct feature_error *error)
{
    enum lf_tile_status status;
    bool done;

    lf_fold_take(fold, row, 0);
    LF_TRY(find_kept(fold, run, fold->batch[0].ts, &done, error));
    if (!done && is_caught_up(fold)) {
        lf_fold_mark(fold, row, FEATURE_OUTCOME_LATE);
        return FEATURE_OK;
    }
    if (!done)
        return refuse_unknown(fold, row, error);
    status = lf_state_retract(fold->state, &fold->batch[0]);
    if (status == LF_TILE_REFUSED)
        LF_TRY(rebuild_state(fold, run, plan, fold->batch[0].ts, &done, error));
    else
        LF_TRY(lf_form_fail(fold->rows.form, status, error));
    if (!done)
        return refuse(fold, plan, row, error);
    fold->applied++;
    lf_fold_mark(fold, row, FEATURE_OUTCOME_APPLIED);
    return FEATURE_OK;
}

feature_status
lf_fold_retract(struct lf_fold *fold, const struct lf_event_run *run,
                bool is_known, struct feature_error *error)
{
    const struct lf_tile_plan *plan;

    LF_TRY(lf_form_plan(fold->rows.form, fold->rows.form->layout.version, &plan,
                        error));
    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);

        if (!lf_fold_is_pending(fold, row))
            continue;
        fold->seen++;
        LF_TRY(lf_fold_keep(fold, run, row, error));
        if (!is_known || is_late(fold, plan, lf_event_time(fold->events, row)))
            lf_fold_mark(fold, row, FEATURE_OUTCOME_LATE);
        else
            LF_TRY(retract_row(fold, run, plan, row, error));
    }
    return FEATURE_OK;
}

/* --- rows that are too large --------------------------------------------------- */

static feature_status
fail_size(struct lf_fold *fold, uint32_t row, struct feature_error *error)
{
    const char *view = fold->rows.form->view->name;
    struct feature_error problem;

    if (fold->row.size > fold->limit)
        lf_fail(&problem, FEATURE_INVALID, "row-size",
                "row %u: the row of %s would be larger than max_row_size, %llu "
                "bytes",
                row, view, (unsigned long long)fold->limit);
    else
        lf_fail(&problem, FEATURE_INVALID, "row-size",
                "row %u: the row of %s, with the states that lie beside it, "
                "would be larger than %u MiB",
                row, view, LF_FULL_SIZE_LIMIT >> 20);
    return lf_fold_refuse(fold, row, &problem, error);
}

/* What the row was before an event that has no room in it. */
static feature_status
reload(struct lf_fold *fold, const struct lf_stored *stored,
       struct feature_error *error)
{
    struct lf_stored good = {.found = true};

    if (!fold->kept.size)
        return lf_window_load(&fold->rows, stored, &fold->state, error);
    lf_row_open(&good.row, fold->kept.data, fold->kept.size);
    return lf_window_load(&fold->rows, &good, &fold->state, error);
}

/* Without events to tell apart, none of the run is taken. */
static feature_status
fail_run(struct lf_fold *fold, const struct lf_event_run *run,
         struct feature_error *error)
{
    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);

        if (lf_fold_is_pending(fold, row))
            LF_TRY(fail_size(fold, row, error));
    }
    return FEATURE_OK;
}

feature_status
lf_fold_overflow(struct lf_fold *fold, const struct lf_event_run *run,
                 const struct lf_stored *stored, struct feature_error *error)
{
    fold->kept.size = 0; /* the row so far, if it changed */
    if (fold->events->operation != FEATURE_EVENT)
        return fail_run(fold, run, error);
    LF_TRY(reload(fold, stored, error));
    for (uint32_t i = run->first; i < run->end; i++) {
        uint32_t row = lf_fold_row(fold, i);
        uint8_t outcome;
        bool fits;

        if (!lf_fold_is_pending(fold, row))
            continue;
        lf_fold_take(fold, row, 0);
        LF_TRY(lf_form_fail(
            fold->rows.form,
            lf_state_apply(fold->state, fold->batch, 1, &outcome), error));
        LF_TRY(lf_window_encode(&fold->rows, fold->limit, fold->state,
                                &fold->row, &fits, error));
        if (fits) {
            fold->kept.size = 0;
            if (!lf_buffer_append(&fold->kept, fold->row.data, fold->row.size))
                return lf_fail_memory(error);
            continue;
        }
        LF_TRY(fail_size(fold, row, error));
        LF_TRY(reload(fold, stored, error));
    }
    return FEATURE_OK;
}
