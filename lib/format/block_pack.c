/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks, to bytes and back, and the dictionaries of views.
 *
 * Owns the header of a block, its frame of zstd, and what zstd needs for it.
 * Keeps what is unpacked within LF_BLOCK_MOST, which the header says before a
 * byte is allocated.
 * Never unpacks by another dictionary than the block was packed by.
 *
 * 0        4      5       6       8            12     16
 * | crc32c | kind | count | flags | dictionary | size | a frame of zstd |
 */
#include "format/block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "format/frame.h"
#include "format/meta.h"

#define LEVEL            6
#define SAMPLES_PER      24 /* bytes of columns for each of a dictionary */
#define DICTIONARY_LEAST 1024

struct lf_press {
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
    uint32_t sum; /* of the dictionary, 0: none */
    struct lf_buffer dictionary;
    ZSTD_CDict *to;
    ZSTD_DDict *from;
    struct lf_buffer columns;
};

struct lf_press *
lf_press_create(void)
{
    return lf_alloc(sizeof(struct lf_press));
}

static void
drop_dictionary(struct lf_press *press)
{
    ZSTD_freeCDict(press->to);
    ZSTD_freeDDict(press->from);
    press->to = NULL;
    press->from = NULL;
    press->sum = 0;
}

void
lf_press_free(struct lf_press *press)
{
    if (!press)
        return;
    drop_dictionary(press);
    ZSTD_freeCCtx(press->packer);
    ZSTD_freeDCtx(press->unpacker);
    lf_buffer_free(&press->dictionary);
    lf_buffer_free(&press->columns);
    lf_free(press);
}

uint32_t
lf_press_sum(const struct lf_press *press)
{
    return press->sum;
}

bool
lf_press_use(struct lf_press *press, uint32_t sum, const uint8_t *dictionary,
             size_t size)
{
    drop_dictionary(press);
    press->dictionary.size = 0;
    if (sum && !lf_buffer_append(&press->dictionary, dictionary, size))
        return false;
    press->sum = sum;
    return true;
}

/* --- packing ----------------------------------------------------------------- */

static bool
prepare_packer(struct lf_press *press)
{
    if (!press->packer)
        press->packer = ZSTD_createCCtx();
    if (!press->packer)
        return false;
    if (press->sum && !press->to)
        press->to = ZSTD_createCDict(press->dictionary.data,
                                     press->dictionary.size, LEVEL);
    return true; /* a dictionary that is none is not used */
}

static size_t
pack(struct lf_press *press, void *to, size_t room,
     const struct lf_buffer *columns)
{
    if (press->to)
        return ZSTD_compress_usingCDict(press->packer, to, room, columns->data,
                                        columns->size, press->to);
    return ZSTD_compressCCtx(press->packer, to, room, columns->data,
                             columns->size, LEVEL);
}

bool
lf_block_seal(struct lf_press *press, const struct lf_buffer *columns,
              uint32_t count, uint32_t seed, const uint8_t *key,
              size_t key_size, struct lf_buffer *value)
{
    size_t room = ZSTD_compressBound(columns->size), packed;
    uint8_t *to;

    value->size = 0;
    if (!prepare_packer(press) ||
        !lf_buffer_reserve(value, LF_BLOCK_HEADER_SIZE + room))
        return false;
    to = value->data;
    packed = pack(press, to + LF_BLOCK_HEADER_SIZE, room, columns);
    if (ZSTD_isError(packed)) /* there is room enough */
        return false;
    memset(to, 0, LF_BLOCK_HEADER_SIZE);
    to[4] = LF_HISTORY_BLOCK;
    to[5] = (uint8_t)count;
    lf_store_u32(to + 8, press->to ? press->sum : 0);
    lf_store_u32(to + 12, (uint32_t)columns->size);
    value->size = LF_BLOCK_HEADER_SIZE + packed;
    lf_store_u32(to, lf_row_checksum(seed, key, key_size, to, value->size));
    return true;
}

/* --- unpacking --------------------------------------------------------------- */

const char *
lf_block_check(uint32_t seed, const uint8_t *key, size_t key_size,
               const uint8_t *value, size_t size, uint32_t *sum)
{
    if (key_size <= LF_HISTORY_PLACE_SIZE || size <= LF_BLOCK_HEADER_SIZE ||
        size > LF_BLOCK_HEADER_SIZE + ZSTD_COMPRESSBOUND(LF_BLOCK_MOST))
        return "structure";
    if (lf_load_u32(value) != lf_row_checksum(seed, key, key_size, value, size))
        return "checksum";
    *sum = lf_load_u32(value + 8);
    if (!lf_is_block(value, size) || lf_load_u16(value + 6) ||
        lf_load_u32(value + 12) > LF_BLOCK_MOST)
        return "structure";
    return NULL;
}

static bool
prepare_unpacker(struct lf_press *press)
{
    if (!press->unpacker)
        press->unpacker = ZSTD_createDCtx();
    return press->unpacker;
}

static size_t
decompress(struct lf_press *press, const uint8_t *from, size_t stored,
           size_t size)
{
    const struct lf_buffer *dictionary = &press->dictionary;
    uint8_t *to = press->columns.data;

    if (!press->from)
        press->from = ZSTD_createDDict(dictionary->data, dictionary->size);
    if (press->from)
        return ZSTD_decompress_usingDDict(press->unpacker, to, size, from,
                                          stored, press->from);
    /* Tells memory from a dictionary that is none. */
    return ZSTD_decompress_usingDict(press->unpacker, to, size, from, stored,
                                     dictionary->data, dictionary->size);
}

/* One frame of zstd, of the size that was stated, all at once. */
static const char *
unpack(struct lf_press *press, bool is_plain, const uint8_t *from,
       size_t stored, size_t size)
{
    size_t made;

    if (ZSTD_getFrameContentSize(from, stored) != size ||
        ZSTD_findFrameCompressedSize(from, stored) != stored)
        return "structure";
    if (!prepare_unpacker(press) ||
        !lf_buffer_reserve(&press->columns, size + 1))
        return LF_FRAME_NO_MEMORY;
    made = is_plain ? ZSTD_decompressDCtx(press->unpacker, press->columns.data,
                                          size, from, stored)
                    : decompress(press, from, stored, size);
    if (ZSTD_isError(made) &&
        ZSTD_getErrorCode(made) == ZSTD_error_memory_allocation)
        return LF_FRAME_NO_MEMORY;
    return made == size ? NULL : "structure";
}

const char *
lf_block_unpack(struct lf_press *press, struct lf_versions_block *block,
                const uint8_t *key, size_t key_size, const uint8_t *value,
                size_t size)
{
    struct lf_history_place oldest =
        lf_history_get_place(key + key_size - LF_HISTORY_PLACE_SIZE);
    uint32_t sum = lf_load_u32(value + 8), unpacked = lf_load_u32(value + 12);
    const char *problem;

    block->count = 0;
    if (sum && sum != press->sum)
        return "dictionary";
    problem = unpack(press, !sum, value + LF_BLOCK_HEADER_SIZE,
                     size - LF_BLOCK_HEADER_SIZE, unpacked);
    if (problem)
        return problem;
    return lf_columns_get(block, &oldest, value[5], press->columns.data,
                          unpacked);
}

/* --- dictionaries ------------------------------------------------------------ */

static size_t
total(const size_t *sizes, uint32_t count)
{
    size_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += sizes[i];
    return sum;
}

/* What samples come to with the dictionary, or SIZE_MAX. */
static size_t
measure(const uint8_t *columns, const size_t *sizes, uint32_t count,
        const uint8_t *dictionary, size_t dictionary_size)
{
    struct lf_press *press = lf_press_create();
    struct lf_buffer each, value = {0};
    size_t sum = 0;

    if (!press ||
        !lf_press_use(press, dictionary_size > 0, dictionary, dictionary_size))
        sum = SIZE_MAX;
    for (uint32_t i = 0; i < count && sum != SIZE_MAX; i++) {
        each = (struct lf_buffer){.data = (uint8_t *)(uintptr_t)columns,
                                  .size = sizes[i]};
        sum = lf_block_seal(press, &each, 1, 0, dictionary, 1, &value)
                  ? sum + value.size
                  : SIZE_MAX;
        columns += sizes[i];
    }
    lf_buffer_free(&value);
    lf_press_free(press);
    return sum;
}

/* It has to save a sixteenth of what was not in its training. */
size_t
lf_dictionary_train(const uint8_t *columns, const size_t *sizes, uint32_t count,
                    uint8_t *to)
{
    uint32_t trained = count - count / 4;
    size_t bytes = total(sizes, trained), made, with, without;
    size_t room = bytes / SAMPLES_PER;

    if (room > LF_DICTIONARY_MAX)
        room = LF_DICTIONARY_MAX;
    if (trained == count || room < DICTIONARY_LEAST)
        return 0;
    made = ZDICT_trainFromBuffer(to, room, columns, sizes, trained);
    if (ZDICT_isError(made))
        return 0;
    columns += bytes;
    with = measure(columns, sizes + trained, count - trained, to, made);
    without = measure(columns, sizes + trained, count - trained, to, 0);
    return with < without - without / 16 ? made : 0;
}

void
lf_dictionary_key(uint32_t view, char key[LF_DICTIONARY_KEY_SIZE])
{
    snprintf(key, LF_DICTIONARY_KEY_SIZE, LF_DICTIONARY_PREFIX "%016" PRIx64,
             (uint64_t)view);
}

uint32_t
lf_dictionary_sum(uint32_t view, const uint8_t *dictionary, size_t size)
{
    char key[LF_DICTIONARY_KEY_SIZE];

    lf_dictionary_key(view, key);
    return lf_crc32c(lf_crc32c(0, key, strlen(key)), dictionary, size);
}

uint32_t
lf_dictionary_stated(const uint8_t *record, size_t size)
{
    return size > 4 ? lf_load_u32(record) : 0;
}

bool
lf_dictionary_is_sound(uint32_t view, const uint8_t *record, size_t size)
{
    return size > 4 && size <= 4 + LF_DICTIONARY_MAX && lf_load_u32(record) &&
           lf_load_u32(record) == lf_dictionary_sum(view, record + 4, size - 4);
}
