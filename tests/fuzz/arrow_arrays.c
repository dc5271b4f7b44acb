/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrow arrays without children.
 *
 * Owns the layouts of numbers, times, texts and dictionaries.
 * Keeps every buffer at the end of its memory, where the next byte is a crash.
 * Never frees: memory ends with the next stream.
 */
#include "arrow_arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/bytes.h"

#define SLOTS      2048
#define SLOT_SIZE  (1u << 15)
#define GUARD_SIZE 4096

/* --- memory ----------------------------------------------------------------- */

static uint8_t *fenced;
static uint32_t fenced_used;
static uint8_t pool[1u << 20];
static size_t pool_used;

void
begin_memory(void)
{
    size_t stride = SLOT_SIZE + GUARD_SIZE;

    pool_used = fenced_used = 0;
    if (fenced)
        return;
    fenced = mmap(NULL, SLOTS * stride, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fenced == MAP_FAILED)
        rig_give_up("mmap", "no memory");
    for (size_t i = 0; i < SLOTS; i++)
        mprotect(fenced + i * stride, SLOT_SIZE, PROT_READ | PROT_WRITE);
}

uint8_t *
take_buffer(size_t size)
{
    uint8_t *slot = fenced + (size_t)fenced_used++ * (SLOT_SIZE + GUARD_SIZE);

    if (fenced_used > SLOTS || size > SLOT_SIZE)
        rig_give_up("a buffer", "is too large");
    return slot + SLOT_SIZE - size;
}

void *
take(size_t size)
{
    void *memory = pool + pool_used;

    pool_used += (size + 15) & ~(size_t)15;
    if (pool_used > sizeof pool)
        rig_give_up("the pool", "is used up");
    return memset(memory, 0, size);
}

void
release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

/* --- slots ------------------------------------------------------------------ */

void
add_slot(struct slots *slots, bool valid, uint8_t value)
{
    if (slots->count == SLOTS_MAX)
        rig_give_up("slots", "there are too many");
    slots->valid[slots->count] = valid;
    slots->has_nulls |= !valid;
    slots->value[slots->count++] = value;
}

void
add_garbage(struct slots *slots, uint32_t count, struct dice *dice)
{
    for (uint32_t i = 0; i < count; i++)
        add_slot(slots, dice_chance(dice, 50), (uint8_t)dice_below(dice, 100));
}

uint32_t
text_of(uint8_t value, char text[TEXT_MAX])
{
    uint32_t size = value % 19;

    memset(text, 'a' + value % 26, size);
    if (size)
        text[0] = (char)('A' + value / 19);
    return size;
}

/* --- arrays ----------------------------------------------------------------- */

struct ArrowArray *
new_array(struct maker *maker, const struct slots *slots, uint32_t offset,
          int64_t buffers)
{
    struct ArrowArray *array = take(sizeof *array);
    uint8_t *bits = NULL;

    maker->made->arrays[maker->made->array_count++] = array;
    array->length = slots->count - offset;
    array->offset = offset;
    array->n_buffers = buffers;
    array->buffers = take(sizeof(void *) * (size_t)(buffers ? buffers : 1));
    array->release = release_array;
    if (buffers && (slots->has_nulls || dice_chance(maker->dice, 30))) {
        bits = take_buffer(lf_bits_size(slots->count));
        for (uint32_t i = 0; i < slots->count; i++)
            lf_bit_put(bits, i, slots->valid[i]);
        for (uint32_t i = offset; i < slots->count; i++)
            array->null_count += !slots->valid[i];
        array->buffers[0] = bits;
    }
    if (dice_chance(maker->dice, 40))
        array->null_count = -1;
    return array;
}

static void
put_number(uint8_t *to, char format, uint32_t at, int64_t value)
{
    static const char formats[] = "cCsSiIlLfg";
    uint32_t kind = (uint32_t)(strchr(formats, format) - formats);
    float single = (float)value;
    double twice = (double)value;

    if (format == 'f')
        memcpy(to + 4 * at, &single, 4);
    else if (format == 'g')
        memcpy(to + 8 * at, &twice, 8);
    else
        memcpy(to + ((size_t)at << kind / 2), &value, (size_t)1 << kind / 2);
}

static size_t
number_size(char format)
{
    static const char formats[] = "cCsSiIlL";
    const char *at = strchr(formats, format);

    return at ? (size_t)1 << (at - formats) / 2 : format == 'f' ? 4 : 8;
}

static struct ArrowArray *
make_numbers(struct maker *maker, char format, const struct slots *slots,
             uint32_t offset, int64_t scale)
{
    struct ArrowArray *array = new_array(maker, slots, offset, 2);
    uint8_t *to = take_buffer(number_size(format) * slots->count);

    for (uint32_t i = 0; i < slots->count; i++)
        put_number(to, format, i, slots->value[i] * scale);
    array->buffers[1] = to;
    return array;
}

static struct ArrowArray *
make_bools(struct maker *maker, const struct slots *slots, uint32_t offset)
{
    struct ArrowArray *array = new_array(maker, slots, offset, 2);
    uint8_t *to = take_buffer(lf_bits_size(slots->count));

    for (uint32_t i = 0; i < slots->count; i++)
        lf_bit_put(to, i, slots->value[i] & 1);
    array->buffers[1] = to;
    return array;
}

void
put_offset(uint8_t *to, bool is_large, uint32_t at, int64_t value)
{
    if (is_large)
        lf_store_i64(to + 8 * (size_t)at, value);
    else
        lf_store_i32(to + 4 * (size_t)at, (int32_t)value);
}

static struct ArrowArray *
make_texts(struct maker *maker, bool is_large, const struct slots *slots,
           uint32_t offset)
{
    struct ArrowArray *array = new_array(maker, slots, offset, 3);
    uint8_t *ends =
        take_buffer((is_large ? 8u : 4u) * ((size_t)slots->count + 1));
    uint32_t begin = dice_below(maker->dice, 9), size = begin;
    static uint8_t bytes[SLOTS_MAX * TEXT_MAX];
    char text[TEXT_MAX];

    put_offset(ends, is_large, 0, begin);
    for (uint32_t i = 0; i < slots->count; i++) {
        uint32_t more = text_of(slots->value[i], text);

        memcpy(bytes + size, text, more);
        size += more;
        put_offset(ends, is_large, i + 1, size);
    }
    array->buffers[1] = ends;
    array->buffers[2] = memcpy(take_buffer(size), bytes, size);
    return array;
}

/* Two blocks, and a third that is empty. */
static struct ArrowArray *
make_views(struct maker *maker, const struct slots *slots, uint32_t offset)
{
    struct ArrowArray *array = new_array(maker, slots, offset, 6);
    static uint8_t blocks[2][SLOTS_MAX * TEXT_MAX];
    uint8_t *views = take_buffer(16 * (size_t)slots->count);
    uint8_t *sizes = take_buffer(3 * 8);
    int32_t used[3] = {0};
    char text[TEXT_MAX];

    for (uint32_t i = 0; i < slots->count; i++) {
        uint32_t size = text_of(slots->value[i], text);
        uint32_t block = dice_below(maker->dice, 2);
        uint8_t *view = views + 16 * (size_t)i;

        memset(view, 0, 16);
        lf_store_u32(view, size);
        memcpy(view + 4, text, size <= 12 ? size : 4);
        if (size <= 12)
            continue;
        lf_store_i32(view + 8, (int32_t)block);
        lf_store_i32(view + 12, used[block]);
        memcpy(blocks[block] + used[block], text, size);
        used[block] += (int32_t)size;
    }
    array->buffers[1] = views;
    for (uint32_t i = 0; i < 3; i++)
        lf_store_i64(sizes + 8 * (size_t)i, used[i]);
    for (uint32_t i = 0; i < 2; i++)
        array->buffers[2 + i] =
            memcpy(take_buffer((size_t)used[i]), blocks[i], (size_t)used[i]);
    array->buffers[5] = sizes;
    return array;
}

/* Number v is index 99 - v, so that the order of both differs. */
static struct ArrowArray *
make_dictionary(struct maker *maker, char format, const char *values,
                const struct slots *slots, uint32_t offset)
{
    uint32_t before = dice_below(maker->dice, 5);
    static struct slots indexes, words;
    struct ArrowArray *array;

    indexes = *slots;
    for (uint32_t i = 0; i < slots->count; i++)
        indexes.value[i] = (uint8_t)(99 - slots->value[i]);
    array = make_numbers(maker, format, &indexes, offset, 1);
    words.count = 0;
    words.has_nulls = false;
    add_garbage(&words, before, maker->dice);
    for (uint8_t i = 0; i < 100; i++)
        add_slot(&words, true, (uint8_t)(99 - i));
    array->dictionary = make_plain(maker, values, NULL, &words, before);
    return array;
}

static int64_t
scale_of(const char *format)
{
    if (*format == 't' && format[2] == 'm')
        return format[1] == 'd' ? 86400000 : 1000;
    if (*format == 't' && format[2] == 'u')
        return 1000000;
    return *format == 't' && format[2] == 'n' ? 1000000000 : 1;
}

struct ArrowArray *
make_plain(struct maker *maker, const char *format, const char *values,
           const struct slots *slots, uint32_t offset)
{
    if (values)
        return make_dictionary(maker, *format, values, slots, offset);
    if (*format == 'n')
        return new_array(maker, slots, offset, 0);
    if (*format == 'b')
        return make_bools(maker, slots, offset);
    if (*format == 'v')
        return make_views(maker, slots, offset);
    if (strchr("uUzZ", *format))
        return make_texts(maker, *format < 'a', slots, offset);
    if (*format == 't')
        return make_numbers(maker, format[2] == 'D' ? 'i' : 'l', slots, offset,
                            scale_of(format));
    return make_numbers(maker, *format, slots, offset, 1);
}
