/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of change records: messages in a frame whose size and checksum are right
 * unless the first byte says otherwise.
 *
 * Property: a refusal is FEATURE_CORRUPT and named; what is accepted keeps to the
 * limits; a part whose changes are all accepted can be put together again, and
 * says the same.
 */
#include "target.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/change.h"
#include "format/row.h"

enum { WRONG_SUM = 1, WRONG_SIZE = 2 };

static uint8_t *
make_frame(struct input *input, size_t *size)
{
    uint8_t first = take_u8(input), *made;

    *size = LF_FRAME_SIZE + left_of(input);
    made = malloc(*size);
    if (!made)
        abort();
    memcpy(made + LF_FRAME_SIZE, input->at, left_of(input));
    lf_store_u32(made + 4, (uint32_t)(left_of(input) +
                                      (first & WRONG_SIZE ? first >> 2 : 0)));
    lf_store_u32(made, lf_crc32c(0, made + 4, *size - 4) ^ (first & WRONG_SUM));
    return made;
}

static void
touch(const void *bytes, size_t size)
{
    static volatile uint8_t sink;
    const uint8_t *at = bytes;
    uint8_t sum = sink;

    while (size--)
        sum ^= *at++;
    sink = sum;
}

static bool
same_slice(struct lf_slice a, struct lf_slice b)
{
    return a.size == b.size && (!a.size || !memcmp(a.bytes, b.bytes, a.size));
}

static void
check_limits(const struct lf_part *part)
{
    expect(part->head.sequence, "a part has a sequence");
    expect(part->number || part->head.epoch, "a first part has an epoch");
    expect(!part->number || (!part->source_count && part->change_count),
           "a later part has changes alone");
    for (uint32_t i = 0; i < part->source_count; i++) {
        const struct feature_source *source = &part->sources[i];

        expect(*source->name && strlen(source->name) <= LF_SOURCE_NAME_MAX,
               "the name of a source");
        expect(source->first_offset <= source->next_offset,
               "the offsets of a source");
        expect(source->position_size <= LF_POSITION_MAX,
               "the position of a source");
        touch(source->position, source->position_size);
    }
}

/* The changes into again; false: one of them is refused. */
static bool
add_changes(const struct lf_part *part, struct lf_buffer *again)
{
    struct lf_buffer scratch = {0};
    struct feature_error error = {0};
    bool is_whole = true;

    for (uint32_t i = 0; i < part->change_count; i++) {
        struct lf_change change;
        uint8_t hash[16];
        feature_status status =
            lf_part_change(part, i, &scratch, &change, &error);

        if (status) {
            expect_named(status, &error);
            expect(status == FEATURE_CORRUPT, "damage is damage");
            is_whole = false;
            continue;
        }
        touch(change.key.bytes, change.key.size);
        touch(change.after.bytes, change.after.size);
        touch(change.before.bytes, change.before.size);
        expect(change.after.size <= LF_ROW_SIZE_LIMIT, "the size of a row");
        /* What was erased is not there to be hashed again. */
        is_whole &= !change.is_erased;
        expect(lf_part_add(again, &change, hash), "a change encodes");
        expect(change.is_erased || !memcmp(hash, change.hash, sizeof hash),
               "a change has its hash");
    }
    lf_buffer_free(&scratch);
    return is_whole;
}

static void
check_again(const struct lf_part *part, const struct lf_buffer *bytes)
{
    struct lf_buffer scratch = {0}, other = {0};
    struct lf_change a, b;
    struct feature_error error;
    struct lf_part again;

    expect(!lf_part_open(&again, bytes->data, bytes->size, &error),
           "a part is accepted again");
    expect(again.number == part->number && again.has_more == part->has_more &&
               again.source_count == part->source_count &&
               again.change_count == part->change_count &&
               !memcmp(&again.head, &part->head, sizeof part->head),
           "a part says the same again");
    for (uint32_t i = 0; i < part->source_count; i++)
        expect(!strcmp(again.sources[i].name, part->sources[i].name) &&
                   again.sources[i].next_offset == part->sources[i].next_offset,
               "a source is the same again");
    for (uint32_t i = 0; i < part->change_count; i++) {
        expect(!lf_part_change(part, i, &scratch, &a, &error) &&
                   !lf_part_change(&again, i, &other, &b, &error),
               "a change is accepted again");
        expect(a.view == b.view && a.operation == b.operation &&
                   a.time == b.time && same_slice(a.key, b.key) &&
                   same_slice(a.after, b.after) &&
                   same_slice(a.before, b.before),
               "a change is the same again");
    }
    lf_buffer_free(&scratch);
    lf_buffer_free(&other);
    lf_part_free(&again);
}

static void
check_part(const struct lf_part *part)
{
    struct lf_buffer again = {0};
    bool is_whole;

    check_limits(part);
    expect(part->number
               ? lf_part_begin_next(&again, part->head.sequence, part->number)
               : lf_part_begin(&again, &part->head, part->sources,
                               part->source_count),
           "a part begins");
    is_whole = add_changes(part, &again);
    expect(lf_part_end(&again, part->has_more), "a part ends");
    if (is_whole)
        check_again(part, &again);
    lf_buffer_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    struct feature_error error = {0};
    struct lf_part part;
    size_t frame_size;
    uint8_t *frame = make_frame(&input, &frame_size);
    feature_status status = lf_part_open(&part, frame, frame_size, &error);

    if (status) {
        expect_named(status, &error);
        expect(status == FEATURE_CORRUPT, "damage is damage");
    } else {
        check_part(&part);
        lf_part_free(&part);
    }
    free(frame);
    return 0;
}
