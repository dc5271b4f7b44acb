/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions in columns.
 *
 * Owns the order of the bytes of a block before they are packed: what is known
 * of each version, as differences to the newer one, then the rows of each schema
 * version and form, a plane of bytes for each place in them that all have.
 * Keeps every byte: what comes back is what was written.
 * Never believes a size before the sum of all fits what there is.
 */
#include "format/block.h"

#include <string.h>

#include "format/frame.h"

/* What is known of a version besides its rows. */
#define AT_TIME         0
#define AT_SEQUENCE     8
#define AT_ORDINAL      16
#define AT_COMMIT       20
#define AT_OPERATION    28
#define AT_HAS_IMAGE    29
#define AT_ROW          30
#define AT_IMAGE        38
#define AT_IMAGE_TIME   46
#define AT_IMAGE_COMMIT 54
#define RECORD          62
#define RECORDS_SIZE    ((size_t)LF_BLOCK_VERSIONS * RECORD)
#define PIECES          (2 * LF_BLOCK_VERSIONS)

/* A row or an image, on its way. */
struct piece {
    uint16_t version, flags;
    uint32_t size;
    uint8_t *bytes;
    bool is_done;
};

struct pieces {
    uint32_t count;
    struct piece each[PIECES];
};

void
lf_versions_block_free(struct lf_versions_block *block)
{
    lf_buffer_free(&block->bytes);
    block->count = 0;
}

/* Strictly from newer to older. */
static bool
is_below(const struct lf_history_place *place,
         const struct lf_history_place *newer)
{
    if (place->time != newer->time)
        return place->time < newer->time;
    if (place->sequence != newer->sequence)
        return place->sequence < newer->sequence;
    return place->ordinal < newer->ordinal;
}

uint32_t
lf_block_find(const struct lf_versions_block *block,
              const struct lf_history_place *place)
{
    uint32_t first = 0, last = block->count;

    while (first < last) {
        uint32_t middle = (first + last) / 2;

        if (is_below(place, &block->entries[middle].place))
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

/* --- planes ------------------------------------------------------------------ */

/* Byte by byte of a place, of all lines: what differs from the line before. */
static void
put_planes(uint8_t *to, const uint8_t *const *lines, uint32_t count,
           uint32_t width)
{
    for (uint32_t at = 0; at < width; at++) {
        uint8_t last = 0;

        for (uint32_t i = 0; i < count; i++) {
            *to++ = lines[i][at] ^ last;
            last = lines[i][at];
        }
    }
}

static bool
is_zero(const uint8_t *bytes, uint32_t count)
{
    uint64_t all = 0;

    for (; count >= 8; count -= 8, bytes += 8)
        all |= lf_load_u64(bytes);
    while (count--)
        all |= *bytes++;
    return !all;
}

/* Lines are zeros before. */
static void
get_planes(const uint8_t *from, uint8_t *const *lines, uint32_t count,
           uint32_t width)
{
    for (uint32_t at = 0; at < width; at++) {
        uint8_t last = 0;

        if (is_zero(from, count)) {
            from += count;
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            last ^= *from++;
            lines[i][at] = last;
        }
    }
}

/* --- groups ------------------------------------------------------------------ */

/* The next rows of one schema version and form, and how long the shortest is;
 * none: count is 0. */
struct group {
    uint32_t count;
    uint32_t shortest;
    struct piece *members[PIECES];
    uint8_t *lines[PIECES]; /* behind their headers */
};

static bool
next_group(struct pieces *pieces, struct group *group)
{
    const struct piece *first = NULL;

    group->count = 0;
    for (uint32_t i = 0; i < pieces->count; i++) {
        struct piece *piece = &pieces->each[i];

        if (piece->is_done || (first && (piece->version != first->version ||
                                         piece->flags != first->flags)))
            continue;
        if (!first || piece->size < group->shortest)
            group->shortest = piece->size;
        first = first ? first : piece;
        piece->is_done = true;
        group->lines[group->count] = piece->bytes + LF_ROW_HEADER_SIZE;
        group->members[group->count++] = piece;
    }
    return group->count;
}

static uint8_t *
put_group(uint8_t *to, const struct group *group)
{
    uint32_t width = group->shortest - LF_ROW_HEADER_SIZE;

    put_planes(to, (const uint8_t *const *)group->lines, group->count, width);
    to += (size_t)width * group->count;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct piece *piece = group->members[i];
        uint32_t rest = piece->size - group->shortest;

        memcpy(to, piece->bytes + group->shortest, rest);
        to += rest;
    }
    return to;
}

static const uint8_t *
get_group(const uint8_t *from, const struct group *group)
{
    uint32_t width = group->shortest - LF_ROW_HEADER_SIZE;

    get_planes(from, group->lines, group->count, width);
    from += (size_t)width * group->count;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct piece *piece = group->members[i];
        uint32_t rest = piece->size - group->shortest;

        memcpy(piece->bytes + group->shortest, from, rest);
        from += rest;
    }
    return from;
}

/* --- into columns ------------------------------------------------------------ */

static void
put_form(uint8_t *to, const struct lf_row *row)
{
    lf_store_u16(to, row->version);
    lf_store_u16(to + 2, row->flags);
    lf_store_u32(to + 4, row->size);
}

/* Differences to the newer entry; of the newest to the oldest one. */
static void
put_record(uint8_t to[RECORD], const struct lf_history_entry *entry,
           const struct lf_history_entry *other)
{
    const struct lf_history_place *place = &entry->place, *from = &other->place;

    memset(to, 0, RECORD);
    lf_store_u64(to + AT_TIME, (uint64_t)from->time - (uint64_t)place->time);
    lf_store_u64(to + AT_SEQUENCE, from->sequence - place->sequence);
    lf_store_u32(to + AT_ORDINAL, from->ordinal - place->ordinal);
    lf_store_u64(to + AT_COMMIT,
                 (uint64_t)other->commit_time - (uint64_t)entry->commit_time);
    to[AT_OPERATION] = (uint8_t)entry->operation;
    to[AT_HAS_IMAGE] = entry->has_image;
    put_form(to + AT_ROW, &entry->row);
    if (!entry->has_image)
        return;
    put_form(to + AT_IMAGE, &entry->image);
    lf_store_u64(to + AT_IMAGE_TIME,
                 (uint64_t)entry->image.timestamp - (uint64_t)place->time);
    lf_store_u64(to + AT_IMAGE_COMMIT,
                 (uint64_t)entry->image_time - (uint64_t)entry->commit_time);
}

static size_t
add_piece(struct pieces *pieces, const struct lf_row *row)
{
    pieces->each[pieces->count++] =
        (struct piece){.version = row->version,
                       .flags = row->flags,
                       .size = row->size,
                       .bytes = (uint8_t *)(uintptr_t)row->bytes};
    return row->size - LF_ROW_HEADER_SIZE;
}

bool
lf_columns_put(const struct lf_history_entry *entries, uint32_t count,
               struct lf_buffer *to)
{
    struct lf_history_entry newest = {.place = entries[count - 1].place};
    uint8_t records[RECORDS_SIZE];
    const uint8_t *lines[LF_BLOCK_VERSIONS];
    struct pieces pieces = {.count = 0};
    struct group group;
    size_t size = (size_t)count * RECORD;
    uint8_t *at;

    for (uint32_t i = 0; i < count; i++) {
        put_record(records + (size_t)i * RECORD, &entries[i],
                   i ? &entries[i - 1] : &newest);
        lines[i] = records + (size_t)i * RECORD;
        size += add_piece(&pieces, &entries[i].row);
    }
    for (uint32_t i = 0; i < count; i++)
        if (entries[i].has_image)
            size += add_piece(&pieces, &entries[i].image);
    to->size = 0;
    at = lf_buffer_extend(to, size);
    if (!at)
        return false;
    put_planes(at, lines, count, RECORD);
    at += (size_t)count * RECORD;
    while (next_group(&pieces, &group))
        at = put_group(at, &group);
    return true;
}

/* --- and back ---------------------------------------------------------------- */

static bool
get_form(const uint8_t *from, struct pieces *pieces, size_t *left, size_t *size)
{
    struct piece *piece = &pieces->each[pieces->count++];

    *piece = (struct piece){.version = lf_load_u16(from),
                            .flags = lf_load_u16(from + 2),
                            .size = lf_load_u32(from + 4)};
    if (piece->size < LF_ROW_HEADER_SIZE ||
        piece->size - LF_ROW_HEADER_SIZE > *left)
        return false;
    *left -= piece->size - LF_ROW_HEADER_SIZE;
    *size += piece->size;
    return true;
}

static void
get_record(struct lf_history_entry *entry, const uint8_t *from,
           const struct lf_history_place *newer, int64_t newer_commit)
{
    *entry = (struct lf_history_entry){
        .place = {.time = (int64_t)((uint64_t)newer->time -
                                    lf_load_u64(from + AT_TIME)),
                  .sequence = newer->sequence - lf_load_u64(from + AT_SEQUENCE),
                  .ordinal = newer->ordinal - lf_load_u32(from + AT_ORDINAL)},
        .operation = from[AT_OPERATION],
        .commit_time =
            (int64_t)((uint64_t)newer_commit - lf_load_u64(from + AT_COMMIT)),
        .has_image = from[AT_HAS_IMAGE]};
    if (entry->has_image)
        entry->image_time = (int64_t)((uint64_t)entry->commit_time +
                                      lf_load_u64(from + AT_IMAGE_COMMIT));
}

/* What all rows come to has to be what there is. */
static bool
get_forms(const uint8_t *records, uint32_t count, size_t left,
          struct pieces *pieces, size_t *size)
{
    static const uint8_t none[RECORD - AT_IMAGE] = {0};

    for (uint32_t i = 0; i < count; i++)
        if (!get_form(records + (size_t)i * RECORD + AT_ROW, pieces, &left,
                      size))
            return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *record = records + (size_t)i * RECORD;

        if (record[AT_OPERATION] < FEATURE_UPSERT ||
            record[AT_OPERATION] > FEATURE_DELETE || record[AT_HAS_IMAGE] > 1)
            return false;
        if (!record[AT_HAS_IMAGE]) {
            if (memcmp(record + AT_IMAGE, none, sizeof none) != 0)
                return false;
        } else if (!get_form(record + AT_IMAGE, pieces, &left, size)) {
            return false;
        }
    }
    return left == 0;
}

/* A row's header. The timestamps of the rows are known; images follow. */
static void
put_header(const struct piece *piece, int64_t time)
{
    lf_store_u32(piece->bytes, 0);
    lf_store_u16(piece->bytes + 4, piece->version);
    lf_store_u16(piece->bytes + 6, piece->flags);
    lf_store_i64(piece->bytes + 8, time);
}

static bool
open_entry(struct lf_history_entry *entry, const struct piece *row,
           const struct piece *image, const uint8_t *record)
{
    put_header(row, entry->place.time);
    if (!lf_row_open(&entry->row, row->bytes, row->size))
        return false;
    if (entry->has_image) {
        put_header(image, (int64_t)((uint64_t)entry->place.time +
                                    lf_load_u64(record + AT_IMAGE_TIME)));
        if (!lf_row_open(&entry->image, image->bytes, image->size))
            return false;
    }
    return lf_history_is_consistent(entry);
}

static bool
open_entries(struct lf_versions_block *block, const struct pieces *pieces,
             const struct lf_history_place *oldest, const uint8_t *records)
{
    const struct piece *image = &pieces->each[block->count];
    struct lf_history_place newer = *oldest, *last = &newer;
    int64_t commit_time = 0;

    for (uint32_t i = 0; i < block->count; i++) {
        struct lf_history_entry *entry = &block->entries[i];
        const uint8_t *record = records + (size_t)i * RECORD;

        get_record(entry, record, last, commit_time);
        if ((i && !is_below(&entry->place, last)) ||
            !open_entry(entry, &pieces->each[i], image, record))
            return false;
        image += entry->has_image;
        last = &entry->place;
        commit_time = entry->commit_time;
    }
    return last->time == oldest->time && last->sequence == oldest->sequence &&
           last->ordinal == oldest->ordinal;
}

const char *
lf_columns_get(struct lf_versions_block *block,
               const struct lf_history_place *oldest, uint32_t count,
               const uint8_t *from, size_t size)
{
    uint8_t records[RECORDS_SIZE] = {0};
    uint8_t *lines[LF_BLOCK_VERSIONS], *at;
    struct pieces pieces = {.count = 0};
    struct group group;
    size_t total = 0;

    block->count = 0;
    if (!count || count > LF_BLOCK_VERSIONS || size < (size_t)count * RECORD)
        return "structure";
    for (uint32_t i = 0; i < count; i++)
        lines[i] = records + (size_t)i * RECORD;
    get_planes(from, lines, count, RECORD);
    from += (size_t)count * RECORD;
    if (!get_forms(records, count, size - (size_t)count * RECORD, &pieces,
                   &total))
        return "structure";
    if (!lf_buffer_reserve(&block->bytes, total))
        return LF_FRAME_NO_MEMORY;
    at = memset(block->bytes.data, 0, total);
    for (uint32_t i = 0; i < pieces.count; i++) {
        pieces.each[i].bytes = at;
        at += pieces.each[i].size;
    }
    while (next_group(&pieces, &group))
        from = get_group(from, &group);
    block->count = count;
    return open_entries(block, &pieces, oldest, records) ? NULL : "structure";
}
