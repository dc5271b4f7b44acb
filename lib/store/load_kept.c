/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that a load brings to a view that keeps them.
 *
 * Owns their place in the history of the new version: that of the cut, whose truth
 * they are.
 * Keeps entries in the order of their tree, so that they go to its end; some of one
 * time wait for a place before others.
 * Never keeps what retention would take at the cut.
 */
#include <string.h>

#include "store/event_history.h"
#include "store/load.h"

#define HEAD LF_SLICE_HEAD

bool
lf_load_keeps(const struct feature_load *load)
{
    return load->is_event && load->view->history;
}

void
lf_load_begin_kept(struct feature_load *load)
{
    struct lf_meta_view *meta = &load->build.meta;

    load->build.kept.size = 0;
    load->build.kept_bytes = 0;
    if (!lf_load_keeps(load))
        return;
    meta->history_since = load->cut_committed;
    meta->history_bases = LF_HISTORY_LOADED;
}

/* Whether retention takes an event of that time. */
static bool
is_old(const struct feature_load *load, int64_t time, int64_t *edge)
{
    return !__builtin_sub_overflow(load->cut_committed, load->view->history,
                                   edge) &&
           time <= *edge;
}

static feature_status
append(struct feature_load *load, const uint8_t *place, size_t size,
       const struct lf_history_entry *entry, struct feature_error *error)
{
    struct lf_build *build = &load->build;
    uint32_t sizes[2] = {(uint32_t)size, (uint32_t)build->entry.size};

    if (!lf_buffer_append(&build->kept, sizes, sizeof sizes) ||
        !lf_buffer_append(&build->kept, place, size) ||
        !lf_buffer_append(&build->kept, build->entry.data, build->entry.size))
        return lf_fail_memory(error);
    build->kept_bytes += size + build->entry.size;
    build->meta.history_entries++;
    lf_hash128_add(&build->meta.history,
                   lf_history_hash(load->record.view, place, size, entry));
    return FEATURE_OK;
}

feature_status
lf_load_keep(struct feature_load *load, const uint8_t *key, size_t key_size,
             const struct lf_row *event, uint32_t ordinal,
             struct feature_error *error)
{
    struct lf_build *build = &load->build;
    struct lf_history_entry entry = {
        .place = {event->timestamp, load->record.cut, ordinal},
        .operation = FEATURE_EVENT,
        .commit_time = load->cut_committed,
        .row = *event};
    uint8_t place[LF_HISTORY_KEY_MAX];
    size_t size = key_size + LF_HISTORY_PLACE_SIZE;
    int64_t edge;

    if (is_old(load, event->timestamp, &edge)) {
        build->meta.history_horizon = edge;
        return FEATURE_OK;
    }
    memcpy(place, key, key_size);
    lf_history_put_place(place + key_size, &entry.place);
    if (!lf_history_encode(&entry, lf_history_seed(load->record.view), place,
                           size, event->bytes, event->size, NULL,
                           &build->entry))
        return lf_fail_memory(error);
    LF_TRY(append(load, place, size, &entry, error));
    return build->kept.size + build->slice.size < build->target
               ? FEATURE_OK
               : lf_build_flush(load, false, error);
}

/* The first of a time is behind all there are; the others go before it. */
static bool
is_last(const uint8_t *key, size_t size)
{
    return !lf_history_get_place(key + size - LF_HISTORY_PLACE_SIZE).ordinal;
}

feature_status
lf_load_put_kept(struct feature_load *load, struct lf_commit *commit,
                 struct feature_error *error)
{
    const struct lf_buffer *kept = &load->build.kept;
    const uint8_t *at = kept->data, *end = at + kept->size;
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;

    if (!lf_load_keeps(load))
        return FEATURE_OK;
    lf_history_tree(load->view, name);
    LF_TRY(lf_writer_tree(commit->writer, name, true, &tree, error));
    while (at < end) {
        size_t key_size = lf_load_u32(at), size = lf_load_u32(at + 4);

        at += HEAD;
        LF_TRY(lf_tree_put(tree, at, key_size, at + key_size, size,
                           is_last(at, key_size), error));
        at += key_size + size;
    }
    return FEATURE_OK;
}
