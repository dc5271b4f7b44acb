/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes of one view as rows of columns.
 *
 * Owns the place in the feed, and which changes make a chunk.
 * Keeps the columns as the definitions were when the reading began, whatever
 * becomes of them, and every change of the range in one chunk, once.
 * Never decodes a cell: the rows go through the same code as those of a read.
 */
#include "store/change_rows.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "store/key_answer.h"
#include "store/scan.h"

/* --- gathering ------------------------------------------------------------------ */

static bool
is_full(const struct lf_change_rows *rows)
{
    return rows->rows == rows->chunk_rows || rows->gathered >= LF_SCAN_BYTES;
}

/* Definitions are no changes of rows, and what was erased has none. */
static bool
is_asked(const struct lf_change_rows *rows, const struct lf_change *change)
{
    return change->view == rows->query->selection->views[0].view &&
           !change->is_erased && change->operation != LF_CHANGE_DEFINE &&
           change->operation != LF_CHANGE_VERSION;
}

static feature_status
take_changes(struct lf_change_rows *rows, const struct lf_part *part,
             struct feature_error *error)
{
    for (; rows->index < part->change_count && !is_full(rows);
         rows->index++, rows->ordinal++) {
        struct lf_change change;

        if (rows->ordinal < rows->skip)
            continue;
        LF_TRY(
            lf_part_change(part, rows->index, &rows->scratch, &change, error));
        if (is_asked(rows, &change))
            LF_TRY(lf_change_rows_take(rows, &change, error));
    }
    return FEATURE_OK;
}

static void
end_record(struct lf_change_rows *rows)
{
    rows->record.bytes = NULL;
    rows->next++;
    rows->skip = 0;
}

/* The rest of the part under way, or as much of it as the chunk has room for. */
static feature_status
take_part(struct lf_change_rows *rows, struct feature_error *error)
{
    const uint8_t *at = (const uint8_t *)rows->record.bytes + rows->part;
    size_t frame = lf_frame_size(at, (size_t)rows->record.size - rows->part);
    bool is_done, more;
    feature_status status;
    struct lf_part part;

    LF_TRY(lf_part_open(&part, at, frame, error));
    status = take_changes(rows, &part, error);
    is_done = rows->index == part.change_count;
    more = part.has_more;
    lf_part_free(&part);
    if (status || !is_done)
        return status;
    rows->part += frame;
    rows->index = 0;
    if (!more)
        end_record(rows);
    return FEATURE_OK;
}

static feature_status
next_record(struct lf_change_rows *rows, struct feature_error *error)
{
    LF_TRY(feature_changes_next(rows->changes, &rows->record, error));
    rows->part = 0;
    rows->index = 0;
    rows->ordinal = 0;
    if (rows->record.bytes && rows->record.sequence == rows->next)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the change feed lacks record %llu",
                   (unsigned long long)rows->next);
}

static feature_status
gather(struct lf_change_rows *rows, struct feature_error *error)
{
    while (!is_full(rows) && rows->next <= rows->until) {
        if (!rows->record.bytes)
            LF_TRY(next_record(rows, error));
        LF_TRY(take_part(rows, error));
    }
    return FEATURE_OK;
}

/* --- decoding ------------------------------------------------------------------- */

static feature_status
add_jobs(const struct lf_change_rows *rows, feature_request *request,
         struct feature_error *error)
{
    const struct lf_change_taken *taken = lf_change_rows_taken(rows);
    const uint8_t *bytes = rows->bytes.data;

    request->jobs.size = 0;
    for (uint32_t i = 0; i < rows->rows; i++) {
        bool is_after = request == rows->after;
        uint32_t size = is_after ? taken[i].after_size : taken[i].before_size;
        struct lf_job job = {.key = bytes + taken[i].key,
                             .key_size = taken[i].key_size,
                             .size = size};

        if (size)
            job.value = bytes + (is_after ? taken[i].after : taken[i].before);
        if (!lf_buffer_append(&request->jobs, &job, sizeof job))
            return lf_fail_memory(error);
    }
    return FEATURE_OK;
}

/* A clock before all times: no cell is past its ttl. */
static feature_status
decode_rows(const struct lf_change_rows *rows, feature_request *request,
            struct feature_error *error)
{
    const struct lf_sink sink = {0};

    LF_TRY(add_jobs(rows, request, error));
    request->rows = rows->rows;
    request->now = INT64_MIN;
    request->ranges[0] = (struct lf_job_range){.count = rows->rows};
    LF_TRY(lf_answer_begin(request, &sink, error));
    return lf_answer_view(request, 0, &sink, error);
}

static feature_status
decode_keys(struct lf_change_rows *rows, struct feature_error *error)
{
    const struct lf_change_taken *taken = lf_change_rows_taken(rows);
    const struct lf_selection *selection = rows->query->selection;

    if (!lf_keys_reserve(rows->keys, selection, rows->rows))
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < rows->rows; i++) {
        bool is_key;

        LF_TRY(lf_keys_take(rows->keys, selection, i,
                            rows->bytes.data + taken[i].key, taken[i].key_size,
                            &is_key, error));
        if (!is_key)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "change %llu of record %llu has a key that is not "
                           "one of the entity's",
                           (unsigned long long)taken[i].ordinal,
                           (unsigned long long)taken[i].sequence);
    }
    return FEATURE_OK;
}

static feature_status
decode(struct lf_change_rows *rows, struct feature_error *error)
{
    LF_TRY(decode_keys(rows, error));
    LF_TRY(decode_rows(rows, rows->after, error));
    return rows->before ? decode_rows(rows, rows->before, error) : FEATURE_OK;
}

static bool
clear(struct lf_change_rows *rows)
{
    struct lf_answer *written = &rows->written;

    rows->rows = 0;
    rows->gathered = 0;
    rows->taken.size = 0;
    rows->bytes.size = 0;
    written->values.size = 0;
    written->elements = 0;
    written->null_count = 0;
    if (!lf_buffer_reserve(&written->values, 1) ||
        !lf_buffer_reserve(&written->offsets, 4) ||
        !lf_buffer_reserve(&written->child_offsets, 4))
        return false;
    lf_store_u32(written->offsets.data, 0);
    lf_store_u32(written->child_offsets.data, 0);
    return true;
}

/* Back to a place: what was copied of the feed is read again from there. */
static void
rewind_to(struct lf_change_rows *rows, uint64_t sequence, uint64_t ordinal)
{
    rows->next = sequence;
    rows->skip = ordinal;
    rows->record.bytes = NULL;
    rows->rows = 0;
    lf_changes_rewind(rows->changes, sequence);
}

feature_status
lf_change_rows_next(struct lf_change_rows *rows, struct feature_error *error)
{
    uint64_t sequence = rows->next;
    uint64_t ordinal = rows->record.bytes ? rows->ordinal : rows->skip;
    feature_store *store = rows->changes->store;
    feature_status status;

    LF_TRY(lf_store_enter(store, error));
    status = clear(rows) ? gather(rows, error) : lf_fail_memory(error);
    if (!status && rows->rows)
        status = decode(rows, error);
    if (status)
        rewind_to(rows, sequence, ordinal);
    lf_store_leave(store);
    return status;
}

/* --- beginning ------------------------------------------------------------------ */

static feature_status
check_options(const struct feature_changes_arrow_options *options,
              struct feature_error *error)
{
    if (options->flags & ~(uint32_t)FEATURE_CHANGES_BEFORE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the changes options' flags",
                       options->flags & ~(uint32_t)FEATURE_CHANGES_BEFORE);
    if (options->reserved)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "reserved is %u in the changes options, it has to be 0",
                       options->reserved);
    if (options->until && options->until < options->since)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "until is sequence %llu, before since, %llu",
                       (unsigned long long)options->until,
                       (unsigned long long)options->since);
    return FEATURE_OK;
}

static feature_status
make_request(const struct lf_change_rows *rows, struct lf_catalog *catalog,
             feature_request **request, struct feature_error *error)
{
    LF_TRY(feature_request_create(rows->query, request, error));
    return lf_plan_create(rows->query, catalog, &(*request)->plan, error);
}

static size_t
measure_row(const struct lf_change_rows *rows)
{
    const struct lf_selection *selection = rows->query->selection;
    size_t size = 0;

    for (uint32_t i = 0; i < selection->column_count; i++)
        size += lf_type_is_variable(selection->columns[i].type)
                    ? sizeof(int32_t)
                    : lf_type_fixed_size(selection->columns[i].type);
    return (size + sizeof(struct lf_job)) * (rows->before ? 2 : 1) +
           sizeof(struct lf_change_taken);
}

static feature_status
open_feed(struct lf_change_rows *rows, feature_store *store,
          const struct feature_changes_arrow_options *options,
          struct feature_error *error)
{
    const struct feature_changes_options from = {.struct_size = sizeof from,
                                                 .since = options->since};
    uint64_t served;

    LF_TRY(feature_changes_open(store, &from, &rows->changes, error));
    LF_TRY(lf_changes_served(rows->changes, &served, error));
    if (options->until > served)
        return lf_fail(error, FEATURE_CONFLICT, "epoch",
                       "the change feed ends at sequence %llu, before %llu",
                       (unsigned long long)served,
                       (unsigned long long)options->until);
    rows->next = options->since + 1;
    rows->until = options->until ? options->until : served;
    return FEATURE_OK;
}

/* The catalog is newer than the last record, so that it knows each of its rows. */
static feature_status
take_catalog(const struct lf_change_rows *rows, feature_store *store,
             struct lf_catalog **catalog, struct feature_error *error)
{
    const struct lf_event *event;
    struct lf_catalog *whole;
    feature_status status = FEATURE_OK;

    LF_TRY(lf_store_enter(store, error));
    status = lf_store_catalog(store, &whole, error);
    lf_store_leave(store);
    *catalog = status ? NULL : whole;
    if (status || !rows->event)
        return status;
    event = lf_catalog_event_by_id(whole, rows->event);
    *catalog = event ? lf_event_catalog(event) : lf_catalog_empty();
    lf_catalog_release(whole);
    return *catalog ? FEATURE_OK : lf_fail_memory(error);
}

static feature_status
refuse_windows(const struct lf_catalog *catalog, uint32_t id,
               struct feature_error *error)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, id);
    const struct lf_event *event =
        view ? lf_catalog_event_by_id(catalog, view->event) : NULL;

    if (!event)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_INVALID, "event",
                   "feature view %s is computed FROM events, which are what "
                   "changes: ask for the changes of %s",
                   view->name, event->name);
}

static feature_status
prepare(struct lf_change_rows *rows, feature_store *store,
        const struct feature_changes_arrow_options *options,
        struct feature_error *error)
{
    struct lf_catalog *catalog;
    feature_status status;

    LF_TRY(open_feed(rows, store, options, error));
    LF_TRY(take_catalog(rows, store, &catalog, error));
    status =
        refuse_windows(catalog, rows->query->selection->views[0].view, error);
    if (!status)
        status = make_request(rows, catalog, &rows->after, error);
    if (!status && (options->flags & FEATURE_CHANGES_BEFORE))
        status = make_request(rows, catalog, &rows->before, error);
    lf_catalog_release(catalog);
    rows->row_bytes = measure_row(rows);
    return status;
}

/* Within lf_store_enter; query stays NULL where the text begins with no event. */
static feature_status
ask_for_event(struct lf_change_rows *rows, feature_store *store,
              const char *text,
              const struct feature_changes_arrow_options *options,
              struct feature_error *error)
{
    const struct lf_event *event;
    struct lf_catalog *catalog;
    feature_status status = FEATURE_OK;

    LF_TRY(lf_store_catalog(store, &catalog, error));
    event = lf_event_of_text(catalog, text);
    if (event && (options->flags & FEATURE_CHANGES_BEFORE))
        status = lf_fail(error, FEATURE_INVALID, "argument",
                         "the event %s has no row before it", event->name);
    else if (event)
        status = lf_query_of_event(store, event, text, &rows->query, error);
    if (event)
        rows->event = event->id;
    lf_catalog_release(catalog);
    return status;
}

static feature_status
ask(struct lf_change_rows *rows, feature_store *store, const char *text,
    const struct feature_changes_arrow_options *options,
    struct feature_error *error)
{
    const struct feature_query_options query = {.struct_size = sizeof query,
                                                .fill = FEATURE_FILL_NULLS};
    feature_status status;

    LF_TRY(lf_store_enter(store, error));
    status = ask_for_event(rows, store, text, options, error);
    lf_store_leave(store);
    LF_TRY(status);
    if (!rows->query)
        LF_TRY(feature_query_create(store, text, &query, &rows->query, error));
    return lf_scan_check_selection(rows->query->selection, "a list of changes",
                                   error);
}

feature_status
lf_change_rows_create(feature_store *store, const char *features,
                      const struct feature_changes_arrow_options *options,
                      struct lf_change_rows **rows, struct feature_error *error)
{
    struct lf_change_rows *made;
    feature_status status;

    LF_TRY(check_options(options, error));
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    made->chunk_rows = options->chunk_rows ? options->chunk_rows : LF_SCAN_ROWS;
    status = ask(made, store, features, options, error);
    if (!status)
        status = prepare(made, store, options, error);
    if (status) {
        lf_change_rows_free(made);
        return status;
    }
    *rows = made;
    return FEATURE_OK;
}

void
lf_change_rows_free(struct lf_change_rows *rows)
{
    if (!rows)
        return;
    lf_keys_free(rows->keys);
    lf_buffer_free(&rows->written.values);
    lf_buffer_free(&rows->written.offsets);
    lf_buffer_free(&rows->written.child_offsets);
    lf_buffer_free(&rows->written.validity);
    lf_buffer_free(&rows->taken);
    lf_buffer_free(&rows->bytes);
    lf_buffer_free(&rows->scratch);
    feature_changes_free(rows->changes);
    feature_request_free(rows->before);
    feature_request_free(rows->after);
    feature_query_free(rows->query);
    lf_free(rows);
}
