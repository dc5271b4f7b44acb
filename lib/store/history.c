/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History, written.
 *
 * Owns what a write adds to the history of a view: the version, the base before
 * it, and images.
 * Keeps two things true: from any version, a reader finds an image, an upsert or
 * a delete within LF_HISTORY_RUN entries; and what such an entry adds up to is
 * its image, or its row if it has none.
 * Never changes a version that was written: only its image.
 */
#include "store/history.h"

#include <string.h>

#include "base/alloc.h"
#include "store/history_cursor.h"

struct lf_history {
    bool has_drops; /* a stored row may be older than what was written to it */
    struct lf_merge merge;
    struct lf_cell *cells;
    struct lf_buffer key;   /* of the version */
    struct lf_buffer other; /* of another entry */
    struct lf_buffer value, image;
    struct lf_history_cursor cursor;
};

/* One version on its way in. */
struct addition {
    struct lf_rows *rows;
    struct lf_history *history;
    struct lf_row row;
    struct lf_history_entry entry; /* without its rows */
    uint32_t seed;
    size_t key_size; /* of the join key, with which history->key begins */
    bool is_newest;  /* no version lies above it, and no base is newer */
    bool has_base;
    int64_t base_newest; /* its newest cell time */
    bool is_barred;      /* it is a tombstone, and newer than the version */
    uint32_t run_count;
    struct lf_history_entry
        run[LF_HISTORY_RUN]; /* patches below, newest first */
    bool has_ground;
    struct lf_history_entry ground; /* what they are written on */
    uint32_t above;                 /* patches above, up to what is none */
    int64_t barrier; /* time of the newest delete passed, or none */
};

void
lf_history_free(struct lf_history *history)
{
    if (!history)
        return;
    lf_merge_free(&history->merge);
    lf_history_free_cursor(&history->cursor);
    lf_buffer_free(&history->key);
    lf_buffer_free(&history->other);
    lf_buffer_free(&history->value);
    lf_buffer_free(&history->image);
    lf_free(history);
}

/* The form's, made when it is first asked for. */
static struct lf_history *
of_form(struct lf_form *form)
{
    struct lf_history *made = form->history;

    if (made)
        return made;
    made = lf_alloc(sizeof *made);
    if (!made)
        return NULL;
    made->cells =
        lf_arena_array(&form->arena, form->layout.count, sizeof *made->cells);
    if (!made->cells) {
        lf_free(made);
        return NULL;
    }
    made->has_drops = lf_form_has_drops(form);
    lf_merge_init(&made->merge, &form->layout, made->cells);
    form->history = made;
    return made;
}

static bool
put_key(struct lf_buffer *to, const uint8_t *key, size_t key_size,
        const struct lf_history_place *place)
{
    uint8_t bytes[LF_HISTORY_PLACE_SIZE];

    lf_history_put_place(bytes, place);
    to->size = 0;
    return lf_buffer_append(to, key, key_size) &&
           lf_buffer_append(to, bytes, sizeof bytes);
}

static bool
is_of_key(const struct addition *addition, const struct lf_version_at *at)
{
    return at->key &&
           at->key_size == addition->key_size + LF_HISTORY_PLACE_SIZE &&
           memcmp(at->key, addition->history->key.data, addition->key_size) ==
               0;
}

static feature_status
seek_version(const struct addition *addition, struct lf_version_at *at,
             struct feature_error *error)
{
    const struct lf_buffer *key = &addition->history->key;

    return lf_history_seek(&addition->history->cursor, key->data, key->size, at,
                           error);
}

static feature_status
read_version(const struct addition *addition, const struct lf_version_at *at,
             struct lf_history_entry *entry, struct feature_error *error)
{
    return lf_history_read(&addition->history->cursor, addition->rows->form, at,
                           entry, error);
}

static bool
is_patch(const struct lf_history_entry *entry)
{
    return entry->operation == FEATURE_PATCH && !entry->has_image;
}

static feature_status
put_entry(struct addition *addition, const struct lf_buffer *key,
          const struct lf_history_entry *entry, const uint8_t *row, size_t size,
          const struct lf_buffer *image, struct feature_error *error)
{
    struct lf_buffer *value = &addition->history->value;

    if (!lf_history_encode(entry, addition->seed, key->data, key->size, row,
                           size, image, value))
        return lf_fail_memory(error);
    return lf_tree_put(addition->rows->history, key->data, key->size,
                       value->data, value->size, false, error);
}

/* A new entry: the view's record counts it. */
static feature_status
add_entry(struct addition *addition, const struct lf_buffer *key,
          struct lf_history_entry *entry, const struct lf_row *row,
          const struct lf_buffer *image, struct feature_error *error)
{
    struct lf_rows *rows = addition->rows;

    entry->row = *row;
    rows->meta.history_entries++;
    lf_hash128_add(
        &rows->meta.history,
        lf_history_hash(rows->form->view->id, key->data, key->size, entry));
    return put_entry(addition, key, entry, row->bytes, row->size, image, error);
}

/* --- the base ---------------------------------------------------------------- */

static void
take_base(struct addition *addition, const struct lf_row *row)
{
    addition->has_base = true;
    addition->base_newest = row->timestamp;
    addition->is_barred = row->flags & LF_ROW_TOMBSTONE &&
                          row->timestamp > addition->entry.place.time;
}

static feature_status
add_base(struct addition *addition, const struct lf_row *row,
         struct feature_error *error)
{
    struct lf_history_entry entry = {.operation = LF_HISTORY_BASE,
                                     .commit_time =
                                         addition->rows->meta.history_since};
    struct lf_history_place last = {LF_TIME_UNSET, 0, 0};
    struct lf_buffer *other = &addition->history->other;

    if (!put_key(other, addition->history->key.data, addition->key_size, &last))
        return lf_fail_memory(error);
    return add_entry(addition, other, &entry, row, NULL, error);
}

/* A key without a base that has entries came into being after history began. */
static feature_status
save_base(struct addition *addition, const struct lf_stored *before,
          struct feature_error *error)
{
    const struct lf_buffer *key = &addition->history->key;
    struct lf_buffer *other = &addition->history->other;
    struct lf_history_place first = {INT64_MAX, UINT64_MAX, UINT32_MAX};
    struct lf_version_at at;

    if (!put_key(other, key->data, addition->key_size, &first))
        return lf_fail_memory(error);
    LF_TRY(lf_history_seek(&addition->history->cursor, other->data, other->size,
                           &at, error));
    if (is_of_key(addition, &at))
        return FEATURE_OK;
    take_base(addition, &before->row);
    return add_base(addition, &before->row, error);
}

/* Below the newest version that needs no fold, any entry will do. */
static feature_status
ensure_base(struct addition *addition, const struct lf_stored *before,
            struct feature_error *error)
{
    struct lf_version_at at;

    LF_TRY(seek_version(addition, &at, error));
    return is_of_key(addition, &at) ? FEATURE_OK
                                    : add_base(addition, &before->row, error);
}

static feature_status
find_base(struct addition *addition, const struct lf_stored *before,
          struct feature_error *error)
{
    struct lf_buffer *other = &addition->history->other;
    struct lf_history_place last = {LF_TIME_UNSET, 0, 0};
    struct lf_history_entry entry;
    struct lf_version_at at;

    if (!addition->rows->meta.history_bases)
        return FEATURE_OK;
    if (addition->is_newest && addition->entry.operation != FEATURE_PATCH)
        return ensure_base(addition, before, error);
    if (!put_key(other, addition->history->key.data, addition->key_size, &last))
        return lf_fail_memory(error);
    LF_TRY(lf_history_seek(&addition->history->cursor, other->data, other->size,
                           &at, error));
    if (is_of_key(addition, &at)) {
        LF_TRY(read_version(addition, &at, &entry, error));
        take_base(addition, &entry.row);
        return FEATURE_OK;
    }
    return before->found ? save_base(addition, before, error) : FEATURE_OK;
}

/* --- images ------------------------------------------------------------------ */

static feature_status
merge_row(struct addition *addition, const struct lf_row *row, bool *changed,
          struct feature_error *error)
{
    const struct lf_migration *migration;

    LF_TRY(lf_form_migration(addition->rows->form, row->version, &migration,
                             error));
    if (!lf_merge_row(&addition->history->merge, row, migration, changed))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
encode_image(struct addition *addition, struct feature_error *error)
{
    struct lf_history *history = addition->history;

    if (!history->merge.is_tombstone &&
        lf_row_size(&addition->rows->form->layout, history->cells) >
            LF_ROW_SIZE_LIMIT)
        return lf_fail(error, FEATURE_FULL, "row-size",
                       "its cells as of that time would be over the limit of a "
                       "row in the history of %s",
                       addition->rows->form->view->name);
    if (!lf_merge_encode(&history->merge, &history->image))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static const struct lf_row *
sum_of(const struct lf_history_entry *entry)
{
    return entry->has_image ? &entry->image : &entry->row;
}

/* What the version and all below it add up to. */
static feature_status
make_image(struct addition *addition, struct feature_error *error)
{
    bool changed;

    lf_merge_clear(&addition->history->merge);
    if (addition->has_ground)
        LF_TRY(merge_row(addition, sum_of(&addition->ground), &changed, error));
    for (uint32_t i = addition->run_count; i-- > 0;)
        LF_TRY(merge_row(addition, &addition->run[i].row, &changed, error));
    LF_TRY(merge_row(addition, &addition->row, &changed, error));
    return encode_image(addition, error);
}

/* Finds the patches below the version, and what they are written on. */
static feature_status
look_below(struct addition *addition, struct feature_error *error)
{
    struct lf_version_at at;

    LF_TRY(seek_version(addition, &at, error));
    while (is_of_key(addition, &at)) {
        struct lf_history_entry entry;

        LF_TRY(read_version(addition, &at, &entry, error));
        if (!is_patch(&entry)) {
            addition->has_ground = true;
            addition->ground = entry;
            return FEATURE_OK;
        }
        if (addition->run_count == LF_HISTORY_RUN)
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "its history is damaged in %s",
                           addition->rows->form->view->name);
        addition->run[addition->run_count++] = entry;
        LF_TRY(lf_history_next(&addition->history->cursor, &at, error));
    }
    return FEATURE_OK;
}

/* Moves one entry towards the newest; found = false past it. */
static feature_status
step_up(struct addition *addition, bool *found, struct lf_version_at *at,
        struct lf_history_entry *entry, struct feature_error *error)
{
    LF_TRY(lf_history_back(&addition->history->cursor, at, error));
    *found = is_of_key(addition, at);
    return *found ? read_version(addition, at, entry, error) : FEATURE_OK;
}

/* Counts the patches above the version, as far as they are one run with it. */
static feature_status
count_above(struct addition *addition, struct feature_error *error)
{
    struct lf_history_entry entry;
    struct lf_version_at at;
    bool found;

    LF_TRY(seek_version(addition, &at, error));
    for (;; addition->above++) {
        LF_TRY(step_up(addition, &found, &at, &entry, error));
        if (!found || !is_patch(&entry))
            return FEATURE_OK;
    }
}

/* Takes the version's cells away again where a delete lies above it. */
static void
bar_cells(struct addition *addition)
{
    struct lf_merge *merge = &addition->history->merge;

    if (addition->barrier == LF_TIME_UNSET)
        return;
    for (uint32_t i = 0; i < merge->layout->count; i++)
        if (merge->cells[i].time != LF_TIME_UNSET &&
            merge->cells[i].time <= addition->entry.place.time)
            merge->cells[i] =
                (struct lf_cell){.is_null = true, .time = addition->barrier};
}

/* Gives the entries above what the version changes in them, up to the first that
 * it does not show through; a delete leaves nothing older, but where it has an
 * image some of that got a time. */
static feature_status
refresh_above(struct addition *addition, struct feature_error *error)
{
    struct lf_history *history = addition->history;
    struct lf_history_entry entry;
    struct lf_version_at at;
    bool found, changed;

    LF_TRY(seek_version(addition, &at, error));
    for (;;) {
        LF_TRY(step_up(addition, &found, &at, &entry, error));
        if (!found)
            return FEATURE_OK;
        if (is_patch(&entry))
            continue;
        lf_merge_clear(&history->merge);
        LF_TRY(merge_row(addition, sum_of(&entry), &changed, error));
        LF_TRY(merge_row(addition, &addition->row, &changed, error));
        if (!changed)
            return FEATURE_OK;
        if (entry.operation == FEATURE_DELETE)
            addition->barrier = entry.place.time;
        bar_cells(addition);
        LF_TRY(encode_image(addition, error));
        history->other.size = 0;
        if (!lf_buffer_append(&history->other, at.key, at.key_size))
            return lf_fail_memory(error);
        entry.image_time = addition->entry.commit_time;
        LF_TRY(lf_history_break(&history->cursor, error));
        LF_TRY(put_entry(addition, &history->other, &entry, entry.row.bytes,
                         entry.row.size, &history->image, error));
    }
}

/* --- a version --------------------------------------------------------------- */

static feature_status
begin(struct addition *addition, const struct lf_written *written,
      struct feature_error *error)
{
    const struct lf_commit *commit = addition->rows->commit;
    struct lf_history_entry *entry = &addition->entry;

    addition->history = of_form(addition->rows->form);
    if (!addition->history)
        return lf_fail_memory(error);
    entry->place = (struct lf_history_place){
        written->time, commit->meta.sequence, commit->written};
    entry->operation = written->operation;
    entry->commit_time = commit->meta.commit_time;
    entry->image_time = commit->meta.commit_time;
    addition->seed = lf_history_seed(addition->rows->form->view->id);
    addition->key_size = written->key_size;
    addition->is_newest = written->is_newest && !addition->history->has_drops;
    if (!put_key(&addition->history->key, written->key, written->key_size,
                 &entry->place))
        return lf_fail_memory(error);
    if (!lf_row_open(&addition->row, written->row->data, written->row->size))
        return lf_fail(error, FEATURE_IO, "internal",
                       "a row that was written has no row's form");
    if (addition->row.flags & LF_ROW_CELL_TIMES)
        lf_row_find_times(&addition->row, &addition->rows->form->layout);
    lf_history_open_write(&addition->history->cursor, addition->rows);
    return FEATURE_OK;
}

/* A version that comes late does not fit between those of a block. */
static feature_status
make_room(struct addition *addition, struct feature_error *error)
{
    struct lf_version_at at;

    if (addition->is_newest)
        return FEATURE_OK;
    LF_TRY(seek_version(addition, &at, error));
    return lf_history_is_within(&addition->history->cursor)
               ? lf_history_break(&addition->history->cursor, error)
               : FEATURE_OK;
}

/* Whether the version needs an image: an older base has cells that are newer than
 * it, or it is one patch too many in a row. */
static bool
needs_image(const struct addition *addition)
{
    if (addition->has_base &&
        addition->entry.place.time < addition->base_newest)
        return true;
    return addition->entry.operation == FEATURE_PATCH &&
           addition->run_count + 1 + addition->above >= LF_HISTORY_RUN;
}

feature_status
lf_history_add(struct lf_rows *rows, const struct lf_written *written,
               struct feature_error *error)
{
    struct addition
        addition; /* some kilobytes: the run is set as it is found */
    bool has_image;
    struct lf_buffer *image;

    addition.rows = rows;
    addition.has_base = addition.has_ground = addition.is_barred = false;
    addition.run_count = addition.above = 0;
    addition.barrier = LF_TIME_UNSET;
    LF_TRY(begin(&addition, written, error));
    LF_TRY(make_room(&addition, error));
    LF_TRY(find_base(&addition, written->before, error));
    if (written->operation == FEATURE_PATCH || addition.has_base)
        LF_TRY(look_below(&addition, error));
    if (written->operation == FEATURE_PATCH && !addition.is_newest)
        LF_TRY(count_above(&addition, error));
    has_image = needs_image(&addition);
    if (!addition.is_barred && !addition.is_newest)
        LF_TRY(refresh_above(&addition, error));
    if (has_image) {
        /* What was found below may have moved. */
        addition.run_count = 0;
        addition.has_ground = false;
        LF_TRY(look_below(&addition, error));
        LF_TRY(make_image(&addition, error));
    }
    image = has_image ? &addition.history->image : NULL;
    return add_entry(&addition, &addition.history->key, &addition.entry,
                     &addition.row, image, error);
}
