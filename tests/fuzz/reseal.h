/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot taken apart into frames, to be changed and put together again with
 * right checksums and totals. */
#ifndef TESTS_FUZZ_RESEAL_H
#define TESTS_FUZZ_RESEAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/frame.h"

#define RESEAL_FRAMES 64

struct parts {
    uint32_t count; /* without the trailer */
    struct lf_frame heads[RESEAL_FRAMES];
    uint8_t *stored[RESEAL_FRAMES]; /* room for LF_FRAME_MAX */
    struct lf_trailer trailer;
};

/* Reads a whole snapshot, whose blocks are unpacked. Exits where it is none. */
static inline void
parts_read(struct parts *parts, const char *path)
{
    struct lf_unpacker *unpacker = lf_unpacker_create();
    uint8_t head[LF_FRAME_HEAD_SIZE], *packed = malloc(LF_FRAME_MAX);
    FILE *file = fopen(path, "rb");

    memset(parts, 0, sizeof *parts);
    if (!file || !packed || !unpacker ||
        fread(head, 1, LF_SNAPSHOT_HEAD_SIZE, file) != LF_SNAPSHOT_HEAD_SIZE)
        abort();
    while (fread(head, 1, sizeof head, file) == sizeof head) {
        struct lf_frame *frame = &parts->heads[parts->count];

        if (parts->count == RESEAL_FRAMES || lf_frame_read(head, frame) ||
            fread(packed, 1, frame->stored, file) != frame->stored)
            abort();
        if (!strcmp(frame->name, LF_FRAME_END)) {
            lf_trailer_read(packed, &parts->trailer);
            break;
        }
        parts->stored[parts->count] = calloc(1, LF_FRAME_MAX);
        if (!parts->stored[parts->count] ||
            lf_unpacker_unpack(unpacker, frame, packed,
                               parts->stored[parts->count]))
            abort();
        frame->stored = frame->size;
        frame->flags &= ~(uint32_t)LF_FRAME_PACKED;
        parts->count++;
    }
    fclose(file);
    free(packed);
    lf_unpacker_free(unpacker);
}

static inline void
parts_free(struct parts *parts)
{
    for (uint32_t i = 0; i < parts->count; i++)
        free(parts->stored[i]);
}

static inline void
parts_put(FILE *file, struct lf_sha256 *sum, const void *bytes, size_t size)
{
    lf_sha256_add(sum, bytes, size);
    if (fwrite(bytes, 1, size, file) != size)
        abort();
}

/* Writes the frames with right numbers, sums and totals. is_odd: a trailer as
 * it stands in parts, but for its sum. */
static inline void
parts_write(const struct parts *parts, const char *path, bool is_odd)
{
    uint8_t head[LF_FRAME_HEAD_SIZE], end[LF_TRAILER_SIZE];
    struct lf_frame frame = {.name = LF_FRAME_END,
                             .flags = LF_FRAME_CRITICAL,
                             .stored = LF_TRAILER_SIZE,
                             .size = LF_TRAILER_SIZE,
                             .number = parts->count,
                             .items = 1};
    struct lf_trailer trailer = parts->trailer;
    FILE *file = fopen(path, "wb");
    struct lf_sha256 sum;

    if (!file)
        abort();
    lf_sha256_begin(&sum);
    lf_snapshot_head_write(head);
    parts_put(file, &sum, head, LF_SNAPSHOT_HEAD_SIZE);
    if (!is_odd)
        trailer.bytes = 0;
    for (uint32_t i = 0; i < parts->count; i++) {
        struct lf_frame each = parts->heads[i];

        each.number = i;
        lf_frame_write(&each, parts->stored[i], head);
        parts_put(file, &sum, head, sizeof head);
        parts_put(file, &sum, parts->stored[i], each.stored);
        if (!is_odd)
            trailer.bytes += each.size;
    }
    if (!is_odd) {
        trailer.frames = parts->count;
        trailer.size = (uint64_t)ftell(file) + sizeof head + sizeof end;
    }
    lf_sha256_end(&sum, trailer.sum);
    lf_trailer_write(&trailer, end);
    lf_frame_write(&frame, end, head);
    parts_put(file, &sum, head, sizeof head);
    parts_put(file, &sum, end, sizeof end);
    fclose(file);
}

/* Opens a gap before frame i, for a frame with room for LF_FRAME_MAX. */
static inline struct lf_frame *
parts_insert(struct parts *parts, uint32_t i, const char *name)
{
    uint32_t rest = parts->count - i;

    if (parts->count == RESEAL_FRAMES)
        abort();
    memmove(parts->heads + i + 1, parts->heads + i,
            rest * sizeof *parts->heads);
    memmove(parts->stored + i + 1, parts->stored + i,
            rest * sizeof *parts->stored);
    parts->heads[i] = (struct lf_frame){0};
    memcpy(parts->heads[i].name, name, strlen(name));
    parts->stored[i] = calloc(1, LF_FRAME_MAX);
    if (!parts->stored[i])
        abort();
    parts->count++;
    return &parts->heads[i];
}

static inline void
parts_remove(struct parts *parts, uint32_t i)
{
    uint32_t rest = parts->count - i - 1;

    free(parts->stored[i]);
    memmove(parts->heads + i, parts->heads + i + 1,
            rest * sizeof *parts->heads);
    memmove(parts->stored + i, parts->stored + i + 1,
            rest * sizeof *parts->stored);
    parts->count--;
}

#endif
