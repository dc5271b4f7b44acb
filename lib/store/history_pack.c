/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History, packed.
 *
 * Owns which versions go into a block, and when a view gets its dictionary.
 * Keeps the newest versions of a key in rows: writes look at those, and most
 * reads. Keeps a block only where it is a good deal smaller than its entries.
 * Never changes a version, a count or a hash: it takes no sequence number.
 */
#include "store/history_pack.h"

#include <string.h>

#include "store/history_cursor.h"

/* A write looks at LF_HISTORY_RUN entries, so it meets no block unless it is
 * late. */
#define NEWEST_KEPT LF_HISTORY_RUN

#define SAMPLES_LEAST 32
#define SAMPLES_MOST  64
#define SAMPLES_BYTES ((size_t)1 << 20)

/* About what an entry takes in LMDB besides its bytes; from where on a value has
 * pages of its own. */
#define NODE      10
#define PAGE      4096
#define PAGE_HEAD 16
#define VALUE_MAX 2000

/* A run under way. */
struct run {
    struct lf_packing *packing;
    uint8_t key[LF_HISTORY_KEY_MAX]; /* join key and a place */
    size_t key_size;                 /* of the join key */
    uint32_t newer;                  /* versions that stay as they are */
    uint32_t count;
    uint8_t places[LF_BLOCK_VERSIONS][LF_HISTORY_PLACE_SIZE];
    size_t stored; /* what its entries take */
};

static size_t
whole(const struct run *run)
{
    return run->key_size + LF_HISTORY_PLACE_SIZE;
}

static void
take_place(struct run *run, uint32_t index)
{
    memcpy(run->key + run->key_size, run->places[index], sizeof *run->places);
}

static bool
is_of_key(const struct run *run, const struct lf_tree_entry *at)
{
    return at->key && at->key_size == whole(run) &&
           memcmp(at->key, run->key, run->key_size) == 0;
}

static size_t
stored_size(size_t key_size, size_t size)
{
    if (key_size + size > VALUE_MAX)
        size = (PAGE_HEAD + size + PAGE - 1) / PAGE * PAGE;
    return NODE + key_size + size;
}

/* --- one block --------------------------------------------------------------- */

/* Opens the entries of the run, which lie side by side. */
static feature_status
open_run(struct run *run, struct lf_history_entry *entries, bool *is_sound,
         struct feature_error *error)
{
    struct lf_tree *tree = run->packing->rows->history;
    uint32_t seed = lf_history_seed(run->packing->rows->form->view->id);
    struct lf_tree_entry at;
    size_t bytes = 0;

    run->stored = 0;
    *is_sound = false;
    take_place(run, 0);
    LF_TRY(lf_tree_move(tree, LF_STEP_SEEK, run->key, whole(run), &at, error));
    for (uint32_t i = 0; i < run->count; i++) {
        if (i)
            LF_TRY(lf_tree_move(tree, LF_STEP_NEXT, NULL, 0, &at, error));
        bytes += at.size;
        if (bytes > LF_BLOCK_MOST / 2 ||
            lf_history_open(&entries[i], seed, at.key, at.key_size, at.value,
                            at.size))
            return FEATURE_OK;
        run->stored += stored_size(at.key_size, at.size);
    }
    *is_sound = true;
    return FEATURE_OK;
}

/* The view's dictionary, if it has one. */
static feature_status
prepare(struct lf_packing *packing, struct feature_error *error)
{
    uint32_t view = packing->rows->form->view->id;
    char key[LF_DICTIONARY_KEY_SIZE];
    const uint8_t *record;
    size_t size;
    bool found;

    if (packing->is_ready)
        return FEATURE_OK;
    packing->press = lf_press_create();
    if (!packing->press)
        return lf_fail_memory(error);
    lf_dictionary_key(view, key);
    LF_TRY(lf_tree_get(packing->rows->commit->tree, key, strlen(key), &found,
                       &record, &size, error));
    LF_TRY(lf_dictionary_load(packing->press, view, record, found ? size : 0,
                              error));
    packing->may_train &= !found;
    packing->is_ready = true;
    return FEATURE_OK;
}

static feature_status
keep_sample(struct lf_packing *packing, struct feature_error *error)
{
    const struct lf_buffer *columns = &packing->columns;

    if (!packing->may_train ||
        packing->sizes.size == SAMPLES_MOST * sizeof columns->size ||
        packing->samples.size + columns->size > SAMPLES_BYTES)
        return FEATURE_OK;
    if (!lf_buffer_append(&packing->samples, columns->data, columns->size) ||
        !lf_buffer_append(&packing->sizes, &columns->size,
                          sizeof columns->size))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

/* A block takes the place of its oldest entry; value is that of one part. */
static feature_status
put_block(struct run *run, uint32_t first, uint32_t count,
          const struct lf_buffer *value, struct feature_error *error)
{
    struct lf_tree *tree = run->packing->rows->history;

    for (uint32_t i = first; i + 1 < first + count; i++) {
        take_place(run, i);
        LF_TRY(lf_tree_delete(tree, run->key, whole(run), error));
    }
    take_place(run, first + count - 1);
    return lf_tree_put(tree, run->key, whole(run), value->data, value->size,
                       false, error);
}

/* A block of some entries of the run; what it will take is added to stored. */
static feature_status
make_block(struct run *run, const struct lf_history_entry *entries,
           uint32_t first, uint32_t count, struct lf_buffer *value,
           size_t *stored, struct feature_error *error)
{
    struct lf_packing *packing = run->packing;

    take_place(run, first + count - 1);
    if (!lf_columns_put(entries + first, count, &packing->columns) ||
        !lf_block_seal(packing->press, &packing->columns, count,
                       lf_history_seed(packing->rows->form->view->id), run->key,
                       whole(run), value))
        return lf_fail_memory(error);
    *stored += stored_size(whole(run), value->size);
    return FEATURE_OK;
}

/* As one block, or as two where that fills pages better; or not at all. */
static feature_status
put_run(struct run *run, const struct lf_history_entry *entries,
        struct feature_error *error)
{
    struct lf_packing *packing = run->packing;
    uint32_t count = run->count, half = count / 2;
    struct lf_buffer *values = packing->values;
    size_t one = 0, two = 0;

    LF_TRY(make_block(run, entries, 0, count, &values[0], &one, error));
    LF_TRY(keep_sample(packing, error));
    if (values[0].size > VALUE_MAX) {
        LF_TRY(make_block(run, entries, 0, half, &values[1], &two, error));
        LF_TRY(make_block(run, entries, half, count - half, &values[2], &two,
                          error));
    }
    if ((two && two < one ? two : one) > run->stored - run->stored / 4)
        return FEATURE_OK;
    packing->versions += count;
    if (!two || one <= two)
        return put_block(run, 0, count, &values[0], error);
    LF_TRY(put_block(run, 0, half, &values[1], error));
    return put_block(run, half, count - half, &values[2], error);
}

static feature_status
pack_run(struct run *run, struct feature_error *error)
{
    struct lf_history_entry entries[LF_BLOCK_VERSIONS];
    bool is_sound;

    LF_TRY(prepare(run->packing, error));
    LF_TRY(open_run(run, entries, &is_sound, error));
    return is_sound ? put_run(run, entries, error) : FEATURE_OK;
}

/* --- one key ----------------------------------------------------------------- */

/* An entry joins the run; one that is none of a run ends it. */
static void
take_entry(struct run *run, const struct lf_tree_entry *at)
{
    const uint8_t *place = at->key + run->key_size;

    if (lf_is_block(at->value, at->size)) {
        run->newer = NEWEST_KEPT;
        run->count = 0;
    } else if (run->newer < NEWEST_KEPT) {
        run->newer++;
    } else if (lf_history_get_place(place).time != LF_TIME_UNSET) {
        memcpy(run->places[run->count++], place, sizeof *run->places);
    }
}

/* Packs the run that is full. The next entry is the one behind it. */
static feature_status
end_run(struct run *run, struct lf_tree_entry *at, struct feature_error *error)
{
    LF_TRY(pack_run(run, error));
    take_place(run, run->count - 1);
    run->count = 0;
    return lf_tree_move(run->packing->rows->history, LF_STEP_SEEK, run->key,
                        whole(run), at, error);
}

feature_status
lf_history_pack(struct lf_packing *packing, const uint8_t *key, size_t key_size,
                uint64_t looks, uint64_t runs, bool *more,
                struct feature_error *error)
{
    struct lf_history_place first = {INT64_MAX, UINT64_MAX, UINT32_MAX};
    struct lf_tree *tree = packing->rows->history;
    struct run run = {.packing = packing, .key_size = key_size};
    uint64_t most = packing->versions + runs * LF_BLOCK_VERSIONS;
    struct lf_tree_entry at;

    *more = false;
    memcpy(run.key, key, key_size);
    lf_history_put_place(run.key + key_size, &first);
    LF_TRY(lf_tree_move(tree, LF_STEP_SEEK, run.key, whole(&run), &at, error));
    for (; is_of_key(&run, &at) && looks; looks--) {
        packing->looked++;
        take_entry(&run, &at);
        if (run.count == LF_BLOCK_VERSIONS)
            LF_TRY(end_run(&run, &at, error));
        *more = packing->versions == most;
        if (*more)
            return FEATURE_OK;
        LF_TRY(lf_tree_move(tree, LF_STEP_NEXT, NULL, 0, &at, error));
    }
    return FEATURE_OK;
}

/* --- the dictionary ---------------------------------------------------------- */

static feature_status
put_dictionary(struct lf_packing *packing, uint8_t *record, size_t size,
               struct feature_error *error)
{
    uint32_t view = packing->rows->form->view->id;
    uint32_t sum = lf_dictionary_sum(view, record + 4, size);
    char key[LF_DICTIONARY_KEY_SIZE];

    if (!sum)
        return FEATURE_OK;
    lf_store_u32(record, sum);
    lf_dictionary_key(view, key);
    return lf_tree_put(packing->rows->commit->tree, key, strlen(key), record,
                       4 + size, false, error);
}

feature_status
lf_history_pack_end(struct lf_packing *packing, struct feature_error *error)
{
    uint8_t record[4 + LF_DICTIONARY_MAX];
    size_t size, count = packing->sizes.size / sizeof size;

    if (count < SAMPLES_LEAST)
        return FEATURE_OK;
    packing->has_trained = true;
    size = lf_dictionary_train(packing->samples.data,
                               (const size_t *)(void *)packing->sizes.data,
                               (uint32_t)count, record + 4);
    return size ? put_dictionary(packing, record, size, error) : FEATURE_OK;
}

void
lf_history_pack_free(struct lf_packing *packing)
{
    lf_press_free(packing->press);
    lf_buffer_free(&packing->columns);
    for (int i = 0; i < 3; i++)
        lf_buffer_free(&packing->values[i]);
    lf_buffer_free(&packing->samples);
    lf_buffer_free(&packing->sizes);
}

feature_status
lf_dictionary_forget(struct lf_commit *commit, uint32_t view,
                     struct feature_error *error)
{
    char key[LF_DICTIONARY_KEY_SIZE];

    lf_dictionary_key(view, key);
    return lf_tree_delete(commit->tree, key, strlen(key), error);
}
