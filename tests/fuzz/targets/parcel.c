/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells of `_tiles`, which come from anywhere: a byte of ways (1: under a right
 * checksum; 2: as of another key), then the cell. They are opened, and taken as
 * feature_store_merge_tiles() takes them, by a view that has grown.
 *
 * Property: a refusal is INVALID or CONFLICT, and named; what is taken lies
 * within the cell, can be merged with itself, and is then what a row may be.
 */
#include "target.h"

#include "../parcel.h"
#include "format/key.h"
#include "format/parcel.h"
#include "format/state.h"
#include "store/tiles_in.h"

#define SEED UINT32_C(0x73656c74)

static feature_store *
open_store(void)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = PARCEL_NOW};
    static feature_store *store;
    struct feature_error error;
    char path[240];

    if (store)
        return store;
    snprintf(path, sizeof path, "%s/parcel", target_directory());
    if (feature_store_open(path, &options, &store, &error) ||
        feature_store_apply(store, PARCEL_FIRST, NULL, NULL, &error) ||
        feature_store_apply(store, PARCEL_THEN, NULL, NULL, &error)) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return store;
}

static void
try_open(const uint8_t *key, const uint8_t *bytes, size_t size)
{
    struct lf_parcel parcel;
    const char *problem =
        lf_parcel_open(&parcel, key, LF_KEY_INT64_SIZE, bytes, size);
    struct lf_buffer again = {0};

    if (problem)
        return;
    expect(parcel.size <= size && parcel.body + parcel.size == bytes + size,
           "a state lies within its cell");
    expect(lf_parcel_put(&parcel, key, LF_KEY_INT64_SIZE, &again) &&
               again.size == size && !memcmp(again.data, bytes, size),
           "a cell is written again as it was");
    lf_buffer_free(&again);
}

/* The state that was taken, twice. */
static void
try_merge(struct lf_form *form, const uint8_t *row, size_t size)
{
    int64_t wm = lf_load_i64(row + 8);
    struct lf_state *state, *later;
    struct lf_buffer body = {0};
    enum lf_tile_status status;

    if (lf_load_u16(row + 4) != form->layout.version ||
        lf_load_u16(row + 6) != LF_ROW_WINDOW)
        return;
    if (lf_form_state(form, &state, NULL) || lf_form_later(form, &later, NULL))
        abort();
    expect(!lf_state_load(state, row + LF_ROW_HEADER_SIZE,
                          size - LF_ROW_HEADER_SIZE, wm) &&
               !lf_state_load(later, row + LF_ROW_HEADER_SIZE,
                              size - LF_ROW_HEADER_SIZE, wm),
           "a state that was taken loads");
    status = lf_state_merge(state, later);
    expect(status == LF_TILE_OK || status == LF_TILE_REFUSED,
           "states of one view merge");
    if (!status)
        expect(!lf_state_encode(state, &body) &&
                   !lf_state_check(state, body.data, body.size,
                                   lf_state_wm(state)),
               "what was merged is a state");
    lf_buffer_free(&body);
}

static void
try_take(const uint8_t *key, const uint8_t *bytes, size_t size)
{
    struct lf_tiles_in in = {0};
    struct feature_error error;
    int64_t time = size >= 40 ? lf_load_i64(bytes + 32) : 0;
    feature_status status;

    if (lf_tiles_in_begin(&in, open_store(), "spend", &error))
        abort();
    memset(&error, 0, sizeof error);
    status =
        lf_tiles_in_add(&in, key, LF_KEY_INT64_SIZE, time, bytes, size, &error);
    if (status) {
        expect(status == FEATURE_INVALID || status == FEATURE_CONFLICT,
               "what is no state is INVALID or CONFLICT");
        expect_named(status, &error);
        expect(!in.count, "what is refused is not taken");
    } else {
        expect(in.count == 1 && in.rows.size == size - 40 + LF_ROW_HEADER_SIZE,
               "a state is taken as a row");
        try_merge(&in.form, in.rows.data, in.rows.size);
    }
    lf_tiles_in_free(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    uint8_t ways = take_u8(&input), key[LF_KEY_INT64_SIZE];
    size_t left = left_of(&input);
    uint8_t *cell = exact_copy(input.at, left);

    lf_key_put_int64(key, ways & 2 ? PARCEL_KEY + 1 : PARCEL_KEY);
    if ((ways & 1) && left >= 4)
        lf_store_u32(cell, lf_row_checksum(SEED, key, sizeof key, cell, left));
    try_open(key, cell, left);
    try_take(key, cell, left);
    free(cell);
    return 0;
}
