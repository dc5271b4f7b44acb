/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorted runs of a file, merged.
 *
 * Owns a window of memory for each run, filled in long reads, and a tree of
 * losers over their first records.
 * Keeps records of one key in the order of their runs.
 * Never trusts the sizes that it finds in the file, and holds no more of a record
 * that is larger than a window than its key, until its turn comes.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "store/sorter_runs.h"

#define WINDOW_MAX (256u << 10) /* more would only leave the near caches */
#define FORGET     (UINT64_C(1) << 20) /* bytes that are given back at a time */

/* The record at `begin` of the window is the next one: whole, or its key alone. */
struct lf_run_reader {
    uint64_t prefix; /* of its key */
    const uint8_t *record;
    bool is_done;
    uint8_t *window;
    size_t room, begin, filled;
    uint64_t at, end; /* in the file, behind the window; of the run */
    uint64_t forgotten;
};

/* The record of a reader, in the tree. */
struct lf_run_player {
    uint64_t prefix;
    uint64_t reader; /* its number */
};

/* --- readers ------------------------------------------------------------------------ */

static feature_status
damaged(struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "a run of the sort ends within a record");
}

/* At least size bytes, which the window has room for. */
static feature_status
fill(struct lf_runs *runs, struct lf_run_reader *reader, size_t size,
     struct feature_error *error)
{
    size_t have = reader->filled - reader->begin, more;

    if (have >= size)
        return FEATURE_OK;
    memmove(reader->window, reader->window + reader->begin, have);
    reader->begin = 0;
    reader->filled = have;
    if (reader->at - reader->forgotten >= FORGET) {
        lf_runs_forget(runs, reader->forgotten, reader->at);
        reader->forgotten = reader->at;
    }
    more = reader->room - have;
    if (more > reader->end - reader->at)
        more = (size_t)(reader->end - reader->at);
    if (have + more < size)
        return damaged(error);
    LF_TRY(lf_runs_read(runs, reader->at, reader->window + have, more, error));
    reader->at += more;
    reader->filled += more;
    return FEATURE_OK;
}

/* Others have their turn before this. */
static void
fetch(const uint8_t *record)
{
    __builtin_prefetch(record);
    __builtin_prefetch(record + 64);
    __builtin_prefetch(record + 128);
}

/* Makes the record at `begin` the next one. */
static feature_status
load(struct lf_run_merge *merge, struct lf_run_reader *reader,
     struct feature_error *error)
{
    size_t size;

    if (reader->begin == reader->filled && reader->at == reader->end) {
        reader->is_done = true;
        reader->prefix = UINT64_MAX;
        return FEATURE_OK;
    }
    LF_TRY(fill(merge->runs, reader, LF_PACKED_HEAD, error));
    reader->record = reader->window + reader->begin;
    size = lf_packed_size(reader->record);
    if (lf_packed_key_size(reader->record) > LF_SORTER_KEY_MAX ||
        size > reader->filled - reader->begin + (reader->end - reader->at) ||
        lf_packed_key_size(reader->record) < merge->common)
        return damaged(error);
    if (size > reader->room)
        size = LF_PACKED_HEAD + lf_packed_key_size(reader->record);
    LF_TRY(fill(merge->runs, reader, size, error));
    reader->record = reader->window + reader->begin;
    fetch(reader->record + size);
    reader->prefix =
        lf_key_prefix(reader->record + LF_PACKED_HEAD + merge->common,
                      lf_packed_key_size(reader->record) - merge->common);
    return FEATURE_OK;
}

/* Moves behind the record. */
static feature_status
advance(struct lf_run_merge *merge, struct lf_run_reader *reader,
        struct feature_error *error)
{
    size_t size = lf_packed_size(reader->record);
    size_t have = reader->filled - reader->begin;

    if (size <= have) {
        reader->begin += size;
    } else {
        reader->at += size - have;
        reader->begin = reader->filled = 0;
    }
    return load(merge, reader, error);
}

/* --- the tree ------------------------------------------------------------------------- */

/* a and b are numbers of readers, whose prefixes are the same; the later one has
 * the later records. */
static bool
is_before(const struct lf_run_merge *merge, uint32_t a, uint32_t b)
{
    const struct lf_run_reader *left = &merge->readers[a],
                               *right = &merge->readers[b];
    int order;

    if (left->is_done || right->is_done)
        return !left->is_done || (right->is_done && a < b);
    order = lf_key_order(
        left->record + LF_PACKED_HEAD, lf_packed_key_size(left->record),
        right->record + LF_PACKED_HEAD, lf_packed_key_size(right->record));
    return order ? order < 0 : a < b;
}

/* Without a branch: who wins cannot be foreseen. */
static void
swap_if(bool is_so, struct lf_run_player *a, struct lf_run_player *b)
{
    uint64_t mask = 0 - (uint64_t)is_so;
    uint64_t prefix = (a->prefix ^ b->prefix) & mask;
    uint64_t reader = (a->reader ^ b->reader) & mask;

    a->prefix ^= prefix;
    b->prefix ^= prefix;
    a->reader ^= reader;
    b->reader ^= reader;
}

/* Lets a reader play its way up; the losers stay. */
static void
play(struct lf_run_merge *merge, uint64_t reader)
{
    struct lf_run_player now = {merge->readers[reader].prefix, reader};

    for (uint64_t at = (reader + merge->count) / 2; at; at /= 2) {
        struct lf_run_player *other = &merge->tree[at];
        bool loses = other->prefix < now.prefix;

        if (other->reader == merge->count) { /* nobody was here yet */
            *other = now;
            return;
        }
        if (other->prefix == now.prefix)
            loses =
                is_before(merge, (uint32_t)other->reader, (uint32_t)now.reader);
        swap_if(loses, other, &now);
    }
    merge->tree[0] = now;
}

/* --- the merge ------------------------------------------------------------------------ */

static feature_status
make(struct lf_run_merge *merge, struct feature_error *error)
{
    merge->readers = lf_alloc_array(merge->count, sizeof *merge->readers);
    merge->tree = lf_alloc_array(merge->count, sizeof *merge->tree);
    return merge->readers && merge->tree ? FEATURE_OK : lf_fail_memory(error);
}

feature_status
lf_run_merge_begin(struct lf_run_merge *merge, struct lf_runs *runs,
                   size_t first, size_t count, size_t common, uint8_t *memory,
                   size_t size, struct feature_error *error)
{
    size_t room = size / count < WINDOW_MAX ? size / count : WINDOW_MAX;

    *merge = (struct lf_run_merge){
        .runs = runs, .count = (uint32_t)count, .common = common};
    LF_TRY(make(merge, error));
    for (uint32_t i = 0; i < merge->count; i++) {
        const struct lf_run *run = lf_runs_list(runs) + first + i;
        struct lf_run_reader *reader = &merge->readers[i];

        reader->window = memory + i * room;
        reader->room = room;
        reader->at = reader->forgotten = run->at;
        reader->end = run->at + run->size;
        LF_TRY(load(merge, reader, error));
        merge->tree[i].reader = merge->count;
    }
    for (uint32_t i = 0; i < merge->count; i++)
        play(merge, i);
    return FEATURE_OK;
}

/* The record of which a window has the beginning. */
static feature_status
read_large(struct lf_run_merge *merge, const struct lf_run_reader *reader,
           const uint8_t **record, struct feature_error *error)
{
    size_t size = lf_packed_size(reader->record);
    size_t have = reader->filled - reader->begin;

    merge->large.size = 0;
    if (!lf_buffer_append(&merge->large, reader->record, have) ||
        !lf_buffer_extend(&merge->large, size - have))
        return lf_fail_memory(error);
    *record = merge->large.data;
    return lf_runs_read(merge->runs, reader->at, merge->large.data + have,
                        size - have, error);
}

feature_status
lf_run_merge_next(struct lf_run_merge *merge, const uint8_t **record,
                  struct feature_error *error)
{
    struct lf_run_reader *reader = &merge->readers[merge->tree[0].reader];

    if (merge->begun && !reader->is_done) {
        LF_TRY(advance(merge, reader, error));
        play(merge, merge->tree[0].reader);
        reader = &merge->readers[merge->tree[0].reader];
    }
    merge->begun = true;
    *record = reader->is_done ? NULL : reader->record;
    if (*record && lf_packed_size(*record) > reader->filled - reader->begin)
        return read_large(merge, reader, record, error);
    return FEATURE_OK;
}

void
lf_run_merge_free(struct lf_run_merge *merge)
{
    lf_free(merge->readers);
    lf_free(merge->tree);
    lf_buffer_free(&merge->large);
    *merge = (struct lf_run_merge){0};
}
