/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load is asked for, and how it ends.
 *
 * Owns the checks of the options, and their copies.
 * Keeps what the caller gave for as long as the load lives.
 * Never looks at the store before all of it was checked.
 */
#include <string.h>

#include "store/load.h"
#include "store/load_gates.h"
#include "store/load_swap.h"
#include "store/offsets.h"

#define KNOWN_FLAGS \
    (FEATURE_LOAD_LAST_WINS | FEATURE_LOAD_FORCE | FEATURE_LOAD_SORTED)

feature_status
lf_load_check_id(const char *id, struct feature_error *error)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
                                  "stuvwxyz0123456789_.:/=-";
    size_t size = strnlen(id, LF_LOAD_ID_MAX + 1);

    if (!size || size > LF_LOAD_ID_MAX || strspn(id, allowed) != size)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the id of a load has 1 to %d of A-Z a-z 0-9 _ . : / = "
                       "-",
                       LF_LOAD_ID_MAX);
    return FEATURE_OK;
}

feature_status
lf_load_check_options(const struct feature_load_options *options,
                      struct feature_error *error)
{
    if (options->flags & ~(uint32_t)KNOWN_FLAGS)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the load options' flags",
                       options->flags & ~(uint32_t)KNOWN_FLAGS);
    if (options->id)
        LF_TRY(lf_load_check_id(options->id, error));
    if (options->fingerprint &&
        strnlen(options->fingerprint, LF_LOAD_FINGERPRINT_MAX + 1) >
            LF_LOAD_FINGERPRINT_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the fingerprint of a load has %d bytes at most",
                       LF_LOAD_FINGERPRINT_MAX);
    if (options->time == INT64_MIN)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "INT64_MIN is not a time");
    return lf_sources_check(options->sources, options->source_count, error);
}

static bool
copy_text(struct lf_arena *arena, const char *text, struct lf_slice *to)
{
    to->size = text ? strlen(text) : 0;
    to->bytes =
        (const uint8_t *)lf_arena_copy(arena, text ? text : "", to->size);
    return to->bytes;
}

static bool
copy_sources(struct feature_load *load,
             const struct feature_load_options *options)
{
    uint32_t count = options->source_count;
    struct lf_load_source *known;

    load->sources = lf_arena_array(&load->arena, count, sizeof *load->sources);
    known = lf_arena_array(&load->arena, count, sizeof *known);
    if (!load->sources || !known)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct feature_source *to = &load->sources[i];

        *to = options->sources[i];
        to->name = lf_arena_copy(&load->arena, to->name, strlen(to->name));
        to->position =
            lf_arena_copy(&load->arena, to->position, to->position_size);
        known[i] =
            (struct lf_load_source){to->name, to->partition, to->next_offset};
        if (!to->name || !to->position)
            return false;
    }
    load->source_count = load->record.source_count = count;
    load->record.sources = known;
    return true;
}

feature_status
lf_load_copy_options(struct feature_load *load,
                     const struct feature_load_options *options,
                     struct feature_error *error)
{
    struct lf_arena *arena = &load->arena;

    load->flags = options->flags;
    load->wait_ms = options->wait_ms;
    load->rows_per_second = options->rows_per_second;
    load->bytes_per_second = options->bytes_per_second;
    load->memory = options->memory;
    if (options->directory)
        load->directory = lf_arena_copy(arena, options->directory,
                                        strlen(options->directory));
    if ((options->directory && !load->directory) ||
        !copy_text(arena, options->id, &load->record.id) ||
        !copy_text(arena, options->fingerprint, &load->record.fingerprint) ||
        !copy_sources(load, options))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

feature_status
lf_load_finish(struct feature_load *load, struct feature_error *error)
{
    struct lf_swap swap = {.store = load->store,
                           .wait_ms = load->wait_ms,
                           .definition = &load->definition,
                           .state = {.store = load->store,
                                     .catalog = load->catalog,
                                     .next = load->record.cut + 1},
                           .since = "the view was written to since",
                           .record = &load->record,
                           .sources = load->sources,
                           .source_count = load->source_count,
                           .is_exact = load->is_exact,
                           .before = load->before,
                           .report = &load->report};
    feature_status status;

    LF_TRY(lf_build_end(load, error));
    load->record.rows = load->build.meta.row_entries;
    load->record.bytes = load->build.bytes;
    load->record.content = load->build.meta.content;
    swap.applied =
        load->content == LF_LOAD_EVENTS ? load->applied : load->record.rows;
    swap.late = load->late;
    swap.state.view = load->view;
    LF_TRY(lf_load_judge(load, error));
    LF_TRY(lf_load_write_history(load, error));
    status = lf_swap_run(&swap, error);
    lf_swap_free(&swap);
    return status;
}
