/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An external sort.
 *
 * Owns one block of memory: records are gathered in it from the front, where they
 * lie from the back, and behind that is what is written next; later it holds the
 * windows of the merge.
 * Keeps what comes in order as it is: that costs one comparison a record, and is
 * one run however long it gets.
 * Never allocates by the number of records, beyond a few bytes a run.
 */
#include "store/sorter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"
#include "store/sorter_runs.h"

#define OUT_MIN    (4u << 10) /* bytes of a write */
#define OUT_MAX    (256u << 10)
#define WINDOW_MIN (16u << 10) /* of a run that is merged */
#define FAN_MAX    256
#define AHEAD      8    /* records that are fetched before their turn */
#define SPOTS      2    /* a record has one, and one to be moved to */
#define SPOTS_ANEW 1024 /* that are set anew at once */

struct lf_sorter {
    uint8_t *memory;
    size_t room; /* of all; the last `out` bytes are what is written next */
    size_t out;
    size_t out_used;
    size_t used; /* by records */
    size_t count;
    size_t last;                      /* where the last record lies */
    bool is_unsorted;                 /* these records */
    bool is_stale;                    /* some of their spots are of a longer
                                         common */
    bool any;                         /* record was added yet */
    uint8_t first[LF_SORTER_KEY_MAX]; /* the first key of all */
    size_t common; /* bytes of it that all keys looked at begin with */
    struct lf_runs runs;
    struct lf_run_merge merge; /* readers NULL: all is in memory */
    size_t next;               /* record or spot, in memory */
};

/* --- memory ------------------------------------------------------------------------ */

/* Those of the records in memory: the last one first, until they are arranged. */
static struct lf_spot *
spots_of(const struct lf_sorter *sorter)
{
    return (struct lf_spot *)(void *)(sorter->memory + sorter->room -
                                      sorter->out) -
           sorter->count;
}

static bool
has_room(const struct lf_sorter *sorter, size_t used, size_t count)
{
    size_t limit = sorter->room - sorter->out;

    return used <= limit &&
           count <= (limit - used) / sizeof(struct lf_spot) / SPOTS;
}

static void
pack_head(uint8_t *record, const uint8_t *key, size_t key_size, size_t size)
{
    lf_store_u32(record, (uint32_t)size);
    lf_store_u16(record + 4, (uint16_t)key_size);
    if (key_size)
        memcpy(record + LF_PACKED_HEAD, key, key_size);
}

static void
unpack(const uint8_t *record, struct lf_sorted *sorted)
{
    sorted->key = record + LF_PACKED_HEAD;
    sorted->key_size = lf_packed_key_size(record);
    sorted->bytes = sorted->key + sorted->key_size;
    sorted->size = lf_load_u32(record);
}

/* Spots are set anew while that is no work; else when they are sorted. */
static void
shorten(struct lf_sorter *sorter, size_t common)
{
    struct lf_spot *spots = spots_of(sorter);

    sorter->common = common;
    sorter->is_stale = sorter->count > SPOTS_ANEW;
    for (size_t i = 0; !sorter->is_stale && i < sorter->count; i++)
        lf_spot_set(&spots[i], sorter->memory, lf_spot_at(&spots[i]), common);
}

static void
look_at_key(struct lf_sorter *sorter, const uint8_t *key, size_t size)
{
    size_t most = size < sorter->common ? size : sorter->common;
    size_t common = lf_key_common(sorter->first, key, most);

    if (common < sorter->common)
        shorten(sorter, common);
}

/* The order of the records in memory. */
static void
arrange(struct lf_sorter *sorter)
{
    struct lf_spot *spots = spots_of(sorter);
    size_t count = sorter->count;

    if (!sorter->is_unsorted)
        return;
    for (size_t i = 0; i < count / 2; i++) {
        struct lf_spot spot = spots[i];

        spots[i] = spots[count - 1 - i];
        spots[count - 1 - i] = spot;
    }
    lf_spots_order(spots, count, spots - count, sorter->memory, sorter->common,
                   !sorter->is_stale);
}

/* --- the file ---------------------------------------------------------------------- */

static feature_status
flush(struct lf_sorter *sorter, struct feature_error *error)
{
    size_t size = sorter->out_used;

    sorter->out_used = 0;
    return lf_runs_append(&sorter->runs,
                          sorter->memory + sorter->room - sorter->out, size,
                          error);
}

static feature_status
put(struct lf_sorter *sorter, const uint8_t *record,
    struct feature_error *error)
{
    size_t size = lf_packed_size(record);

    if (size > sorter->out - sorter->out_used)
        LF_TRY(flush(sorter, error));
    if (size > sorter->out)
        return lf_runs_append(&sorter->runs, record, size, error);
    memcpy(sorter->memory + sorter->room - sorter->out + sorter->out_used,
           record, size);
    sorter->out_used += size;
    return FEATURE_OK;
}

static feature_status
put_spots(struct lf_sorter *sorter, struct feature_error *error)
{
    const struct lf_spot *spots = spots_of(sorter);

    for (size_t i = 0; i < sorter->count; i++) {
        if (i + AHEAD < sorter->count) {
            const uint8_t *ahead =
                sorter->memory + lf_spot_at(&spots[i + AHEAD]);

            __builtin_prefetch(ahead);
            __builtin_prefetch(ahead + 64);
            __builtin_prefetch(ahead + 128);
        }
        LF_TRY(put(sorter, sorter->memory + lf_spot_at(&spots[i]), error));
    }
    return flush(sorter, error);
}

/* What is in memory becomes a run. */
static feature_status
spill(struct lf_sorter *sorter, struct feature_error *error)
{
    const struct lf_spot *spots = spots_of(sorter);
    struct lf_sorted first, last;
    uint64_t begin = sorter->runs.size;

    arrange(sorter);
    if (sorter->is_unsorted) {
        LF_TRY(put_spots(sorter, error));
        unpack(sorter->memory + lf_spot_at(&spots[0]), &first);
        unpack(sorter->memory + lf_spot_at(&spots[sorter->count - 1]), &last);
    } else {
        LF_TRY(
            lf_runs_append(&sorter->runs, sorter->memory, sorter->used, error));
        unpack(sorter->memory, &first);
        unpack(sorter->memory + sorter->last, &last);
    }
    LF_TRY(lf_runs_close(&sorter->runs, begin, first.key, first.key_size,
                         last.key, last.key_size, error));
    sorter->used = sorter->count = 0;
    sorter->is_unsorted = sorter->is_stale = false;
    return FEATURE_OK;
}

/* A record that memory has no room for is a run by itself. */
static feature_status
add_large(struct lf_sorter *sorter, const uint8_t *key, size_t key_size,
          const struct lf_sorter_part *parts, uint32_t count, size_t size,
          struct feature_error *error)
{
    uint8_t head[LF_PACKED_HEAD + LF_SORTER_KEY_MAX];
    uint64_t begin;

    if (sorter->count)
        LF_TRY(spill(sorter, error));
    begin = sorter->runs.size;
    pack_head(head, key, key_size, size);
    LF_TRY(
        lf_runs_append(&sorter->runs, head, LF_PACKED_HEAD + key_size, error));
    for (uint32_t i = 0; i < count; i++)
        LF_TRY(lf_runs_append(&sorter->runs, parts[i].bytes, parts[i].size,
                              error));
    look_at_key(sorter, key, key_size);
    return lf_runs_close(&sorter->runs, begin, key, key_size, key, key_size,
                         error);
}

/* --- merging ------------------------------------------------------------------------ */

static size_t
fan_of(const struct lf_sorter *sorter)
{
    size_t fan = (sorter->room - sorter->out) / WINDOW_MIN;

    return fan < FAN_MAX ? fan : FAN_MAX;
}

/* Where the shortest runs are, of so many in a row. */
static size_t
shortest(const struct lf_runs *runs, size_t count)
{
    const struct lf_run *list = lf_runs_list(runs);
    uint64_t size = 0, least = UINT64_MAX;
    size_t found = 0;

    for (size_t i = 0; i < lf_runs_count(runs); i++) {
        size += list[i].size;
        if (i + 1 < count)
            continue;
        if (size < least) {
            least = size;
            found = i + 1 - count;
        }
        size -= list[i + 1 - count].size;
    }
    return found;
}

static feature_status
merge_some(struct lf_sorter *sorter, size_t first, size_t count,
           struct feature_error *error)
{
    struct lf_run_merge merge = {0};
    const uint8_t *record;
    feature_status status =
        lf_run_merge_begin(&merge, &sorter->runs, first, count, sorter->common,
                           sorter->memory, sorter->room - sorter->out, error);

    while (!status) {
        status = lf_run_merge_next(&merge, &record, error);
        if (status || !record)
            break;
        status = put(sorter, record, error);
    }
    lf_run_merge_free(&merge);
    return status ? status : flush(sorter, error);
}

/* Neighbours become one until windows suffice for all. */
static feature_status
merge_down(struct lf_sorter *sorter, struct feature_error *error)
{
    struct lf_runs *runs = &sorter->runs;
    size_t fan = fan_of(sorter), count;

    while ((count = lf_runs_count(runs)) > fan) {
        size_t some = count - fan + 1 < fan ? count - fan + 1 : fan;
        size_t first = shortest(runs, some);
        struct lf_run *list = lf_runs_list(runs) + first;
        uint64_t begin = runs->size;

        LF_TRY(merge_some(sorter, first, some, error));
        list[0] = (struct lf_run){.at = begin, .size = runs->size - begin};
        memmove(list + 1, list + some, (count - first - some) * sizeof *list);
        runs->list.size -= (some - 1) * sizeof *list;
    }
    return FEATURE_OK;
}

/* --- public -------------------------------------------------------------------------- */

feature_status
lf_sorter_make(const char *directory, uint64_t memory,
               struct lf_sorter **sorter, struct feature_error *error)
{
    struct lf_sorter *made = lf_alloc(sizeof *made);

    if (!made)
        return lf_fail_memory(error);
    made->runs.file = -1;
    if (memory < LF_SORTER_MEMORY_MIN)
        memory = LF_SORTER_MEMORY_MIN;
    made->room = (size_t)(memory / 16 * 16);
    made->out = made->room / 16 / 16 * 16;
    if (made->out < OUT_MIN)
        made->out = OUT_MIN;
    if (made->out > OUT_MAX)
        made->out = OUT_MAX;
    made->memory = lf_realloc_array(NULL, made->room, 1);
    made->runs.directory = lf_copy_text(directory, strlen(directory));
    if (!made->memory || !made->runs.directory) {
        lf_sorter_free(made);
        return lf_fail_memory(error);
    }
    *sorter = made;
    return FEATURE_OK;
}

static void
begin_common(struct lf_sorter *sorter, const uint8_t *key, size_t size)
{
    sorter->any = true;
    sorter->common = size;
    if (size)
        memcpy(sorter->first, key, size);
}

/* There is room. */
static void
pack(struct lf_sorter *sorter, const uint8_t *key, size_t key_size,
     const struct lf_sorter_part *parts, uint32_t count, size_t size)
{
    uint8_t *to = sorter->memory + sorter->used;
    const uint8_t *last = sorter->memory + sorter->last;

    look_at_key(sorter, key, key_size);
    pack_head(to, key, key_size, size);
    to += LF_PACKED_HEAD + key_size;
    for (uint32_t i = 0; i < count; to += parts[i++].size)
        if (parts[i].size)
            memcpy(to, parts[i].bytes, parts[i].size);
    if (sorter->count && !sorter->is_unsorted)
        sorter->is_unsorted =
            lf_key_order(last + LF_PACKED_HEAD, lf_packed_key_size(last), key,
                         key_size) > 0;
    sorter->last = sorter->used;
    sorter->used += LF_PACKED_HEAD + key_size + size;
    sorter->count++;
    lf_spot_set_key(spots_of(sorter), sorter->last, key, key_size,
                    sorter->common);
}

feature_status
lf_sorter_add_parts(struct lf_sorter *sorter, const uint8_t *key,
                    size_t key_size, const struct lf_sorter_part *parts,
                    uint32_t count, struct feature_error *error)
{
    size_t size = 0, packed;

    for (uint32_t i = 0; i < count; i++)
        size += parts[i].size;
    assert(key_size <= LF_SORTER_KEY_MAX && size <= UINT32_MAX);
    packed = LF_PACKED_HEAD + key_size + size;
    if (!sorter->any)
        begin_common(sorter, key, key_size);
    if (!has_room(sorter, sorter->used + packed, sorter->count + 1)) {
        if (!has_room(sorter, packed, 1))
            return add_large(sorter, key, key_size, parts, count, size, error);
        LF_TRY(spill(sorter, error));
    }
    pack(sorter, key, key_size, parts, count, size);
    return FEATURE_OK;
}

feature_status
lf_sorter_add(struct lf_sorter *sorter, const uint8_t *key, size_t key_size,
              const uint8_t *bytes, size_t size, struct feature_error *error)
{
    struct lf_sorter_part part = {bytes, size};

    return lf_sorter_add_parts(sorter, key, key_size, &part, 1, error);
}

feature_status
lf_sorter_end(struct lf_sorter *sorter, struct feature_error *error)
{
    if (!lf_runs_count(&sorter->runs)) {
        arrange(sorter);
        return FEATURE_OK;
    }
    if (sorter->count)
        LF_TRY(spill(sorter, error));
    LF_TRY(merge_down(sorter, error));
    return lf_run_merge_begin(&sorter->merge, &sorter->runs, 0,
                              lf_runs_count(&sorter->runs), sorter->common,
                              sorter->memory, sorter->room, error);
}

/* Of those in memory. */
static const uint8_t *
next_record(struct lf_sorter *sorter)
{
    const struct lf_spot *spots = spots_of(sorter);
    const uint8_t *record;

    if (!sorter->is_unsorted) {
        if (sorter->next == sorter->used)
            return NULL;
        record = sorter->memory + sorter->next;
        sorter->next += lf_packed_size(record);
        return record;
    }
    if (sorter->next == sorter->count)
        return NULL;
    if (sorter->next + AHEAD < sorter->count)
        __builtin_prefetch(sorter->memory +
                           lf_spot_at(&spots[sorter->next + AHEAD]));
    return sorter->memory + lf_spot_at(&spots[sorter->next++]);
}

feature_status
lf_sorter_next(struct lf_sorter *sorter, struct lf_sorted *record,
               struct feature_error *error)
{
    const uint8_t *packed;

    if (sorter->merge.readers)
        LF_TRY(lf_run_merge_next(&sorter->merge, &packed, error));
    else
        packed = next_record(sorter);
    if (packed)
        unpack(packed, record);
    else
        *record = (struct lf_sorted){0};
    return FEATURE_OK;
}

uint64_t
lf_sorter_spilled(const struct lf_sorter *sorter)
{
    return sorter->runs.size;
}

void
lf_sorter_free(struct lf_sorter *sorter)
{
    if (!sorter)
        return;
    lf_run_merge_free(&sorter->merge);
    lf_runs_free(&sorter->runs);
    lf_free(sorter->memory);
    lf_free(sorter);
}
