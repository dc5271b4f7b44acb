/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change records in files.
 *
 * Owns the frames around them, and the way to the two numbers by which records
 * are put in order: lib/format/changes.proto has their fields.
 * Keeps a record whole: half of one is told apart from an end.
 * Never trusts a size in it beyond the bytes that are there.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define RECORD_MAX ((uint64_t)1 << 40)
#define HEAD_SIZE  8 /* checksum and size of the first part */

enum record_read
record_read(FILE *file, struct record *record)
{
    uint8_t bytes[8];
    size_t got = fread(bytes, 1, sizeof bytes, file);

    if (!got && feof(file))
        return RECORD_END;
    record->size = 0;
    for (int i = 0; i < 8; i++)
        record->size |= (uint64_t)bytes[i] << 8 * i;
    if (got < sizeof bytes || record->size > RECORD_MAX)
        return RECORD_HALF;
    if (record->size > record->capacity) {
        uint8_t *more = realloc(record->bytes, (size_t)record->size);

        if (!more) {
            tool_no_memory();
            return RECORD_FAILED;
        }
        record->bytes = more;
        record->capacity = record->size;
    }
    if (fread(record->bytes, 1, (size_t)record->size, file) < record->size)
        return RECORD_HALF;
    return RECORD_READ;
}

struct fields {
    const uint8_t *at, *end;
};

static bool
read_varint(struct fields *fields, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && fields->at < fields->end;
         shift += 7) {
        uint8_t byte = *fields->at++;

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool
read_fixed(struct fields *fields, unsigned size, uint64_t *value)
{
    *value = 0;
    if ((size_t)(fields->end - fields->at) < size)
        return false;
    for (unsigned i = 0; i < size; i++)
        *value |= (uint64_t)*fields->at++ << 8 * i;
    return true;
}

/* One field of a protobuf message; of bytes the value is their size. */
static bool
read_field(struct fields *fields, uint64_t *tag, uint64_t *value)
{
    if (!read_varint(fields, tag))
        return false;
    switch (*tag & 7) {
    case 0:
        return read_varint(fields, value);
    case 1:
        return read_fixed(fields, 8, value);
    case 2:
        if (!read_varint(fields, value) ||
            *value > (size_t)(fields->end - fields->at))
            return false;
        fields->at += *value;
        return true;
    case 5:
        return read_fixed(fields, 4, value);
    default:
        return false;
    }
}

bool
record_head(const struct record *record, uint64_t *sequence, int64_t *time)
{
    struct fields fields = {.at = record->bytes,
                            .end = record->bytes + record->size};
    uint64_t tag, value, size;

    *sequence = 0;
    *time = 0;
    if (!read_fixed(&fields, 4, &value) || !read_fixed(&fields, 4, &size) ||
        size > record->size - HEAD_SIZE)
        return false;
    fields.end = fields.at + size;
    while (fields.at < fields.end) {
        if (!read_field(&fields, &tag, &value))
            return false;
        if (tag == (1 << 3 | 0))
            *sequence = value;
        else if (tag == (3 << 3 | 1))
            memcpy(time, &value, sizeof *time);
        else if (tag >> 3 > 3)
            break;
    }
    return *sequence != 0;
}

void
record_free(struct record *record)
{
    free(record->bytes);
}
