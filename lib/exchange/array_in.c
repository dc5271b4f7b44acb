/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrow arrays, checked and bound.
 *
 * Owns the rules of the C data interface: counts of buffers and children,
 * lengths, offsets of slices, and where a value lies.
 * Keeps every access within what the array says of itself: the interface tells
 * no buffer's size, so a producer that lies about those cannot be caught.
 * Never reads a value of a row that is not bound.
 */
#include "exchange/import.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"

#define VIEW_SIZE   16
#define VIEW_INLINE 12

/* The record batch itself has no name. */
__attribute__((format(printf, 3, 4))) static feature_status
fail_array(struct feature_error *error, const char *name, const char *format,
           ...)
{
    char message[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (!name)
        return lf_fail(error, FEATURE_INVALID, "arrow", "the record batch %s",
                       message);
    return lf_fail(error, FEATURE_INVALID, "arrow",
                   "column \"%s\" of the stream %s", name, message);
}

static bool
has_children(const struct ArrowArray *array)
{
    if (array->n_children && !array->children)
        return false;
    for (int64_t i = 0; i < array->n_children; i++)
        if (!array->children[i])
            return false;
    return true;
}

feature_status
lf_array_check(const struct ArrowArray *array, int64_t buffers,
               int64_t children, const char *name, struct feature_error *error)
{
    int64_t end;

    if (!array)
        return fail_array(error, name, "lacks an array");
    if (!array->release)
        return fail_array(error, name, "was released already");
    if (array->length < 0 || array->offset < 0 ||
        __builtin_add_overflow(array->length, array->offset, &end) ||
        end > INT64_MAX / VIEW_SIZE)
        return fail_array(error, name,
                          "has an impossible length, %lld at offset %lld",
                          (long long)array->length, (long long)array->offset);
    if (array->null_count < -1 || array->null_count > array->length)
        return fail_array(error, name, "has %lld nulls in %lld values",
                          (long long)array->null_count,
                          (long long)array->length);
    if (array->n_buffers != buffers || (buffers && !array->buffers))
        return fail_array(error, name, "has %lld buffers, its type %lld",
                          (long long)array->n_buffers, (long long)buffers);
    if (array->n_children != children || !has_children(array))
        return fail_array(error, name, "has %lld children, its type %lld",
                          (long long)array->n_children, (long long)children);
    return FEATURE_OK;
}

/* Null arrays of some producers have a buffer, which nobody reads; a view has
 * as many blocks as it likes, and their sizes. */
static int64_t
buffers_of(const struct lf_source *source, const struct ArrowArray *array)
{
    int64_t given = array ? array->n_buffers : 0;

    switch (source->kind) {
    case LF_SOURCE_NULL:
        return given == 1 ? 1 : 0;
    case LF_SOURCE_VECTOR:
        return 1;
    case LF_SOURCE_TEXT_VIEW:
        return given < 3 || given > INT32_MAX ? 3 : given;
    case LF_SOURCE_TEXT32:
    case LF_SOURCE_TEXT64:
        return 3;
    case LF_SOURCE_BOOL:
    case LF_SOURCE_NUMBER:
    case LF_SOURCE_TIME:
    case LF_SOURCE_DICTIONARY:
    case LF_SOURCE_LIST32:
    case LF_SOURCE_LIST64:
        break;
    }
    return 2;
}

static feature_status
bind_validity(struct lf_source *source, const struct ArrowArray *array,
              const char *name, struct feature_error *error)
{
    source->validity = NULL;
    if (source->kind == LF_SOURCE_NULL || array->null_count == 0)
        return FEATURE_OK;
    source->validity = array->buffers[0];
    if (!source->validity && array->null_count > 0)
        return fail_array(error, name, "has nulls and no validity buffer");
    return FEATURE_OK;
}

static int64_t
offset_at(const struct lf_source *source, size_t at)
{
    if (source->kind == LF_SOURCE_TEXT32 || source->kind == LF_SOURCE_LIST32)
        return lf_load_i32((const uint8_t *)source->values + 4 * at);
    return lf_load_i64((const uint8_t *)source->values + 8 * at);
}

/* All of them before any is followed: one that leaps ahead is told by the next
 * one that falls back. */
static feature_status
check_offsets(const struct lf_source *source, const char *name,
              struct feature_error *error)
{
    int64_t last, next;

    if (!source->count)
        return FEATURE_OK;
    last = offset_at(source, source->first);
    if (last < 0)
        return fail_array(error, name, "has offsets that begin at %lld",
                          (long long)last);
    for (size_t i = 1; i <= source->count; i++, last = next) {
        next = offset_at(source, source->first + i);
        if (next < last)
            return fail_array(error, name,
                              "has offsets that fall from %lld to %lld at "
                              "value %zu",
                              (long long)last, (long long)next,
                              source->first + i - 1);
    }
    return FEATURE_OK;
}

static feature_status
bind_text(struct lf_source *source, const struct ArrowArray *array,
          const char *name, struct feature_error *error)
{
    source->bytes = array->buffers[2];
    LF_TRY(check_offsets(source, name, error));
    if (source->count && !source->bytes &&
        offset_at(source, source->first + source->count) >
            offset_at(source, source->first))
        return fail_array(error, name, "lacks its bytes");
    return FEATURE_OK;
}

static feature_status
bind_views(struct lf_source *source, const struct ArrowArray *array,
           const char *name, struct feature_error *error)
{
    source->blocks = array->buffers + 2;
    source->block_count = (size_t)(array->n_buffers - 3);
    source->block_sizes = array->buffers[array->n_buffers - 1];
    if (source->block_count && !source->block_sizes)
        return fail_array(error, name, "lacks the sizes of its buffers");
    return FEATURE_OK;
}

static feature_status
bind_list(struct lf_source *source, const struct ArrowArray *array,
          const char *name, struct feature_error *error)
{
    int64_t begin = 0, end = 0;

    LF_TRY(check_offsets(source, name, error));
    if (source->count) {
        begin = offset_at(source, source->first);
        end = offset_at(source, source->first + source->count);
    }
    return lf_source_bind(source->child, array->children[0], (size_t)begin,
                          (size_t)(end - begin), name, error);
}

static feature_status
bind_vector(struct lf_source *source, const struct ArrowArray *array,
            const char *name, struct feature_error *error)
{
    size_t width = (size_t)source->width, begin, count, end;

    if (__builtin_mul_overflow(source->first, width, &begin) ||
        __builtin_mul_overflow(source->count, width, &count) ||
        __builtin_add_overflow(begin, count, &end))
        return fail_array(error, name, "has lists of too many elements");
    return lf_source_bind(source->child, array->children[0], begin, count, name,
                          error);
}

static feature_status
bind_kind(struct lf_source *source, const struct ArrowArray *array,
          const char *name, struct feature_error *error)
{
    switch (source->kind) {
    case LF_SOURCE_TEXT32:
    case LF_SOURCE_TEXT64:
        return bind_text(source, array, name, error);
    case LF_SOURCE_TEXT_VIEW:
        return bind_views(source, array, name, error);
    case LF_SOURCE_DICTIONARY:
        if (!array->dictionary)
            return fail_array(error, name, "lacks its dictionary");
        return lf_source_bind(source->child, array->dictionary, 0,
                              array->dictionary->length > 0
                                  ? (size_t)array->dictionary->length
                                  : 0,
                              name, error);
    case LF_SOURCE_VECTOR:
        return bind_vector(source, array, name, error);
    case LF_SOURCE_LIST32:
    case LF_SOURCE_LIST64:
        return bind_list(source, array, name, error);
    case LF_SOURCE_NULL:
    case LF_SOURCE_BOOL:
    case LF_SOURCE_NUMBER:
    case LF_SOURCE_TIME:
        break;
    }
    return FEATURE_OK;
}

feature_status
lf_source_bind(struct lf_source *source, const struct ArrowArray *array,
               size_t first, size_t count, const char *name,
               struct feature_error *error)
{
    size_t end;

    LF_TRY(lf_array_check(array, buffers_of(source, array),
                          source->kind >= LF_SOURCE_VECTOR, name, error));
    if (__builtin_add_overflow(first, count, &end) ||
        end > (size_t)array->length)
        return fail_array(error, name, "has %lld values where %zu are needed",
                          (long long)array->length, end);
    if (source->kind != LF_SOURCE_DICTIONARY && array->dictionary)
        return fail_array(error, name,
                          "has a dictionary that its schema lacks");
    source->first = (size_t)array->offset + first;
    source->count = count;
    LF_TRY(bind_validity(source, array, name, error));
    source->values = NULL;
    if (source->kind != LF_SOURCE_NULL && source->kind != LF_SOURCE_VECTOR) {
        source->values = array->buffers[1];
        if (!source->values && count)
            return fail_array(error, name, "lacks its values");
    }
    return bind_kind(source, array, name, error);
}

/* A short view holds its bytes, a long one says where they are. */
static enum lf_text_state
view_text(const struct lf_source *source, size_t at, struct lf_text_span *span)
{
    const uint8_t *view = (const uint8_t *)source->values + VIEW_SIZE * at;
    int32_t size = lf_load_i32(view), block, begin;
    int64_t room;

    if (size < 0)
        return LF_TEXT_BROKEN;
    *span = (struct lf_text_span){view + 4, (size_t)size};
    if (size <= VIEW_INLINE)
        return LF_TEXT_THERE;
    block = lf_load_i32(view + 8);
    begin = lf_load_i32(view + 12);
    if (block < 0 || (size_t)block >= source->block_count || begin < 0)
        return LF_TEXT_BROKEN;
    room =
        lf_load_i64((const uint8_t *)source->block_sizes + 8 * (size_t)block);
    if (!source->blocks[block] || (int64_t)begin + size > room)
        return LF_TEXT_BROKEN;
    span->bytes = (const uint8_t *)source->blocks[block] + begin;
    return LF_TEXT_THERE;
}

enum lf_text_state
lf_source_text(const struct lf_source *source, size_t row,
               struct lf_text_span *span)
{
    size_t at = source->first + row;
    int64_t begin, index;

    if (lf_source_is_null(source, row))
        return LF_TEXT_NULL;
    if (source->kind == LF_SOURCE_TEXT_VIEW)
        return view_text(source, at, span);
    if (source->kind == LF_SOURCE_DICTIONARY) {
        index = lf_number_index(source->number, source->values, at);
        if (index < 0 || (uint64_t)index >= source->child->count)
            return LF_TEXT_BROKEN;
        return lf_source_text(source->child, (size_t)index, span);
    }
    begin = offset_at(source, at);
    span->size = (size_t)(offset_at(source, at + 1) - begin);
    span->bytes = source->bytes ? source->bytes + begin : NULL;
    return LF_TEXT_THERE;
}

size_t
lf_source_elements(const struct lf_source *source, size_t row, size_t *first)
{
    int64_t base, begin;

    if (source->kind == LF_SOURCE_VECTOR) {
        *first = row * (size_t)source->width;
        return (size_t)source->width;
    }
    base = offset_at(source, source->first);
    begin = offset_at(source, source->first + row);
    *first = (size_t)(begin - base);
    return (size_t)(offset_at(source, source->first + row + 1) - begin);
}
