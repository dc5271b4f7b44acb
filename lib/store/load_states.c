/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of a view FROM an event, for a load.
 *
 * Owns the way from what was read of a stream to rows of the staged version.
 * Keeps a record batch that is refused out as a whole.
 * Never merges: a load has one state of a key.
 */
#include "store/event_apply.h"
#include "store/load_rows.h"
#include "store/tiles_in.h"

static const uint8_t *
row_at(const struct lf_tiles_in *in, uint32_t number, size_t *size)
{
    const uint8_t *until = in->until.data + 8 * (size_t)number;
    uint64_t begin = lf_load_u64(until);

    *size = (size_t)(lf_load_u64(until + 8) - begin);
    return in->rows.data + begin;
}

static const uint8_t *
key_at(const struct lf_tiles_in *in, uint32_t number, size_t *size)
{
    const uint8_t *ends = in->ends.data + 8 * (size_t)number;
    uint64_t begin = lf_load_u64(ends);

    *size = (size_t)(lf_load_u64(ends + 8) - begin);
    return in->keys.data + begin;
}

static feature_status
refuse(uint32_t batch, uint32_t row, const char *reason, const char *what,
       struct feature_error *error)
{
    lf_fail(error, FEATURE_INVALID, reason, "batch %u, row %u: %s", batch, row,
            what);
    lf_error_place(error, batch, row, 0);
    return FEATURE_INVALID;
}

feature_status
lf_load_check_content(const struct feature_load *load,
                      enum lf_load_content content, struct feature_error *error)
{
    if (load->content == LF_LOAD_NOTHING || load->content == content)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_INVALID, "argument",
                   "the load of %s has taken %s: states and events cannot be "
                   "told apart in one load",
                   load->name,
                   load->content == LF_LOAD_STATES ? "states" : "events");
}

/* The row alone: what lies beside it counts towards the row in full. */
static feature_status
fits_store(struct feature_load *load, const struct lf_tiles_in *in,
           uint32_t number, bool *fits, struct feature_error *error)
{
    uint64_t most = load->store->max_row_size, count;
    size_t key_size;
    const uint8_t *key = key_at(in, number, &key_size);
    struct lf_slice row;

    row.bytes = row_at(in, number, &row.size);
    *fits = row.size <= LF_FULL_SIZE_LIMIT;
    if (!*fits || row.size <= most)
        return FEATURE_OK;
    LF_TRY(lf_build_slim(load, key, key_size, &row, &count, error));
    *fits = row.size <= most;
    return FEATURE_OK;
}

static feature_status
check_state(struct feature_load *load, const struct lf_tiles_in *in,
            uint32_t number, uint32_t i, struct feature_error *error)
{
    struct lf_row row;
    size_t size;
    const uint8_t *bytes = row_at(in, i, &size);
    bool fits;

    if (!lf_row_open(&row, bytes, size))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a row in the load of %s is damaged", load->name);
    if (!lf_view_schema(load->view, row.version))
        return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                       "feature view %s was changed since the load began",
                       load->name);
    LF_TRY(fits_store(load, in, i, &fits, error));
    if (!fits)
        return refuse(number, i, "row-size",
                      "its state is larger than max_row_size", error);
    if (lf_event_is_future(in->form.event, lf_store_now(load->store),
                           row.timestamp))
        return refuse(number, i, "future",
                      "its newest event is more than max_skew ahead of the "
                      "clock",
                      error);
    return FEATURE_OK;
}

static feature_status
add_state(struct feature_load *load, const struct lf_tiles_in *in,
          uint32_t number, uint32_t i, struct feature_error *error)
{
    struct lf_buffer *row = &load->build.row;
    size_t key_size, size;
    const uint8_t *key = key_at(in, i, &key_size);
    const uint8_t *bytes = row_at(in, i, &size);

    row->size = 0;
    if (!lf_buffer_append(row, bytes, size))
        return lf_fail_memory(error);
    return lf_build_add(load, key, key_size, row, number, i, error);
}

feature_status
lf_load_states(struct feature_load *load, const struct lf_tiles_in *in,
               uint32_t number, struct feature_error *error)
{
    if (in->view != load->record.view)
        return lf_fail(error, FEATURE_CONFLICT, "schema-changed",
                       "feature view %s was dropped since the load began",
                       load->name);
    LF_TRY(lf_load_check_content(load, LF_LOAD_STATES, error));
    for (uint32_t i = 0; i < in->count; i++)
        LF_TRY(check_state(load, in, number, i, error));
    load->content = LF_LOAD_STATES;
    for (uint32_t i = 0; i < in->count; i++)
        LF_TRY(add_state(load, in, number, i, error));
    return FEATURE_OK;
}
