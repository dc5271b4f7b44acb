/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of a snapshot file, and zstd.
 *
 * Owns the layout of the file's head, a frame's head and the trailer, and what
 * is asked of zstd for them.
 * Keeps what is unpacked within LF_FRAME_MAX, which the head says before a byte
 * is allocated.
 * Never allocates by a size that zstd's own header tells.
 *
 * 0      8         12
 * | FEATSNAP | version | crc32c |                              the file's head
 *
 * 0      8       12       16     20     24       28      32         36
 * | name | flags | stored | size | view | number | items | reserved | crc32c |
 */
#include "format/frame.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"

#define MAGIC  "FEATSNAP"
#define SUM_AT (LF_FRAME_HEAD_SIZE - 4)

struct lf_packer {
    ZSTD_CCtx *zstd;
    int level;
};

struct lf_unpacker {
    ZSTD_DCtx *zstd;
};

const char LF_FRAME_NO_MEMORY[] = "no memory";

void
lf_snapshot_head_write(uint8_t to[LF_SNAPSHOT_HEAD_SIZE])
{
    memcpy(to, MAGIC, 8);
    lf_store_u32(to + 8, LF_SNAPSHOT_VERSION);
    lf_store_u32(to + 12, lf_crc32c(0, to, 12));
}

const char *
lf_snapshot_head_read(const uint8_t from[LF_SNAPSHOT_HEAD_SIZE],
                      uint32_t *version)
{
    if (memcmp(from, MAGIC, 8) != 0)
        return "this is no snapshot";
    if (lf_load_u32(from + 12) != lf_crc32c(0, from, 12))
        return "the head does not match its checksum";
    *version = lf_load_u32(from + 8);
    return NULL;
}

static uint32_t
frame_sum(const uint8_t head[LF_FRAME_HEAD_SIZE], const void *stored,
          size_t size)
{
    return lf_crc32c(lf_crc32c(0, head, SUM_AT), stored, size);
}

void
lf_frame_write(const struct lf_frame *frame, const void *stored,
               uint8_t to[LF_FRAME_HEAD_SIZE])
{
    size_t size = strnlen(frame->name, 8);

    memset(to, 0, LF_FRAME_HEAD_SIZE);
    memcpy(to, frame->name, size);
    lf_store_u32(to + 8, frame->flags);
    lf_store_u32(to + 12, frame->stored);
    lf_store_u32(to + 16, frame->size);
    lf_store_u32(to + 20, frame->view);
    lf_store_u32(to + 24, frame->number);
    lf_store_u32(to + 28, frame->items);
    lf_store_u32(to + SUM_AT, frame_sum(to, stored, frame->stored));
}

/* Small letters, then zeros: a name that can stand in a message. */
static bool
is_name(const char name[LF_FRAME_NAME_SIZE])
{
    size_t size = strlen(name);

    for (size_t i = 0; i < 8; i++)
        if (i < size ? name[i] < 'a' || name[i] > 'z' : name[i] != 0)
            return false;
    return size > 0;
}

const char *
lf_frame_read(const uint8_t from[LF_FRAME_HEAD_SIZE], struct lf_frame *frame)
{
    memcpy(frame->name, from, 8);
    frame->name[8] = '\0';
    frame->flags = lf_load_u32(from + 8);
    frame->stored = lf_load_u32(from + 12);
    frame->size = lf_load_u32(from + 16);
    frame->view = lf_load_u32(from + 20);
    frame->number = lf_load_u32(from + 24);
    frame->items = lf_load_u32(from + 28);
    if (!is_name(frame->name))
        return "a section without a name";
    if (frame->flags & ~(uint32_t)LF_FRAME_KNOWN_FLAGS ||
        lf_load_u32(from + 32))
        return "unknown bits in the head of a section";
    if (frame->stored > LF_FRAME_MAX || frame->size > LF_FRAME_MAX)
        return "a block over 4 MiB";
    if (!(frame->flags & LF_FRAME_PACKED) && frame->stored != frame->size)
        return "the two sizes of an unpacked block differ";
    return NULL;
}

bool
lf_frame_matches(const uint8_t head[LF_FRAME_HEAD_SIZE], const void *stored,
                 size_t size)
{
    return lf_load_u32(head + SUM_AT) == frame_sum(head, stored, size);
}

void
lf_trailer_write(const struct lf_trailer *trailer, uint8_t to[LF_TRAILER_SIZE])
{
    lf_store_u64(to, trailer->frames);
    lf_store_u64(to + 8, trailer->rows);
    lf_store_u64(to + 16, trailer->bytes);
    lf_store_u64(to + 24, trailer->size);
    memcpy(to + 32, trailer->sum, LF_SHA256_SIZE);
}

void
lf_trailer_read(const uint8_t from[LF_TRAILER_SIZE], struct lf_trailer *trailer)
{
    trailer->frames = lf_load_u64(from);
    trailer->rows = lf_load_u64(from + 8);
    trailer->bytes = lf_load_u64(from + 16);
    trailer->size = lf_load_u64(from + 24);
    memcpy(trailer->sum, from + 32, LF_SHA256_SIZE);
}

struct lf_packer *
lf_packer_create(int level)
{
    struct lf_packer *packer = lf_alloc(sizeof *packer);

    if (!packer)
        return NULL;
    packer->level = level;
    packer->zstd = ZSTD_createCCtx();
    if (packer->zstd)
        return packer;
    lf_free(packer);
    return NULL;
}

void
lf_packer_free(struct lf_packer *packer)
{
    if (!packer)
        return;
    ZSTD_freeCCtx(packer->zstd);
    lf_free(packer);
}

bool
lf_packer_pack(struct lf_packer *packer, const void *from, size_t size,
               void *to, size_t *packed)
{
    size_t made;

    *packed = 0;
    if (size < 2)
        return true;
    made = ZSTD_compressCCtx(packer->zstd, to, size - 1, from, size,
                             packer->level);
    if (!ZSTD_isError(made))
        *packed = made;
    else if (ZSTD_getErrorCode(made) != ZSTD_error_dstSize_tooSmall)
        return false;
    return true;
}

struct lf_unpacker *
lf_unpacker_create(void)
{
    struct lf_unpacker *unpacker = lf_alloc(sizeof *unpacker);

    if (!unpacker)
        return NULL;
    unpacker->zstd = ZSTD_createDCtx();
    if (unpacker->zstd)
        return unpacker;
    lf_free(unpacker);
    return NULL;
}

void
lf_unpacker_free(struct lf_unpacker *unpacker)
{
    if (!unpacker)
        return;
    ZSTD_freeDCtx(unpacker->zstd);
    lf_free(unpacker);
}

const char *
lf_unpacker_unpack(struct lf_unpacker *unpacker, const struct lf_frame *frame,
                   const void *from, void *to)
{
    size_t made;

    if (!(frame->flags & LF_FRAME_PACKED)) {
        memcpy(to, from, frame->size);
        return NULL;
    }
    /* One zstd frame, of the size that was stated: no second one behind it. */
    if (ZSTD_getFrameContentSize(from, frame->stored) != frame->size ||
        ZSTD_findFrameCompressedSize(from, frame->stored) != frame->stored)
        return "a packed block of another size than it says";
    /* All at once into that room, so zstd needs no window of its own. */
    made = ZSTD_decompressDCtx(unpacker->zstd, to, frame->size, from,
                               frame->stored);
    if (ZSTD_isError(made) &&
        ZSTD_getErrorCode(made) == ZSTD_error_memory_allocation)
        return LF_FRAME_NO_MEMORY;
    if (made != frame->size)
        return "a packed block cannot be unpacked";
    return NULL;
}
