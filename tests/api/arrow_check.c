/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator.
 *
 * Owns the rules of the Arrow C data interface, as far as our formats go.
 * Keeps every byte that a consumer may touch touched, paddings included, so
 * that a sanitizer sees a buffer that is too short.
 * Never changes what it is shown.
 */
#include "arrow_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const uint8_t *
bytes_of(const struct ArrowArray *array, int64_t buffer)
{
    return array->buffers[buffer];
}

static int64_t
offset_at(const struct ArrowArray *array, int64_t i)
{
    int32_t offset;

    memcpy(&offset, bytes_of(array, 1) + 4 * i, sizeof offset);
    return offset;
}

static int
bit(const uint8_t *bits, int64_t i)
{
    return bits[i / 8] >> (i & 7) & 1;
}

static int
is_null(const struct ArrowArray *array, int64_t row)
{
    return array->buffers[0] && !bit(bytes_of(array, 0), row);
}

/* Bytes of a value; 0 where it is not of a fixed number. */
static int64_t
value_size(const char *format)
{
    if (!strcmp(format, "i") || !strcmp(format, "f"))
        return 4;
    if (!strcmp(format, "l") || !strcmp(format, "g") ||
        !strcmp(format, "tsu:UTC"))
        return 8;
    return 0;
}

static int
is_text(const char *format)
{
    return !strcmp(format, "u") || !strcmp(format, "z");
}

static int64_t
vector_width(const char *format)
{
    return strncmp(format, "+w:", 3) ? 0 : strtoll(format + 3, NULL, 10);
}

static int
is_known(const char *format)
{
    return value_size(format) || is_text(format) || vector_width(format) > 0 ||
           !strcmp(format, "b") || !strcmp(format, "+l") ||
           !strcmp(format, "+s");
}

/* i32 count, then that many keys and values, each with its i32 size. */
static void
check_metadata(const char *metadata)
{
    int32_t count, size;

    memcpy(&count, metadata, 4);
    assert_in_range(count, 1, 100);
    metadata += 4;
    for (int32_t i = 0; i < 2 * count; i++) {
        memcpy(&size, metadata, 4);
        assert_in_range(size, 1, 1000);
        assert_null(memchr(metadata + 4, 0, (size_t)size));
        metadata += 4 + size;
    }
}

void
check_schema(const struct ArrowSchema *schema)
{
    assert_non_null(schema->release);
    assert_non_null(schema->format);
    assert_non_null(schema->name);
    assert_true(is_known(schema->format));
    assert_int_equal(schema->flags & ~(int64_t)ARROW_FLAG_NULLABLE, 0);
    assert_null(schema->dictionary);
    if (schema->metadata)
        check_metadata(schema->metadata);
    if (strcmp(schema->format, "+s") != 0)
        assert_int_equal(schema->n_children, *schema->format == '+');
    for (int64_t i = 0; i < schema->n_children; i++)
        check_schema(schema->children[i]);
}

static void
check_buffer(const void *buffer, int64_t size)
{
    const uint8_t *at = buffer;

    assert_non_null(buffer);
    assert_int_equal((uintptr_t)buffer % 64, 0);
    for (int64_t i = size; i % 64; i++)
        assert_int_equal(at[i], 0);
}

static void
check_validity(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    int64_t nulls = 0;

    assert_in_range(array->null_count, 0, array->length);
    if (!array->buffers[0]) {
        assert_int_equal(array->null_count, 0);
        return;
    }
    check_buffer(array->buffers[0], (array->length + 7) / 8);
    for (int64_t i = 0; i < array->length; i++)
        nulls += is_null(array, i);
    assert_int_equal(nulls, array->null_count);
    if (nulls)
        assert_true(schema->flags & ARROW_FLAG_NULLABLE);
    for (int64_t i = array->length; i % 8; i++)
        assert_int_equal(bit(bytes_of(array, 0), i), 0);
}

/* Returns the last. */
static int64_t
check_offsets(const struct ArrowArray *array)
{
    check_buffer(array->buffers[1], 4 * (array->length + 1));
    assert_int_equal(offset_at(array, 0), 0);
    for (int64_t i = 0; i < array->length; i++) {
        assert_true(offset_at(array, i) <= offset_at(array, i + 1));
        if (is_null(array, i))
            assert_int_equal(offset_at(array, i), offset_at(array, i + 1));
    }
    return offset_at(array, array->length);
}

/* Enough of UTF-8 to tell text from noise: lead and continuation bytes. */
static void
check_utf8(const uint8_t *at, int64_t size)
{
    int more = 0;

    for (int64_t i = 0; i < size; i++) {
        if (more) {
            assert_int_equal(at[i] & 0xc0, 0x80);
            more--;
        } else if (at[i] & 0x80) {
            assert_int_equal(at[i] & 0xc0, 0xc0);
            more = at[i] >= 0xf0 ? 3 : at[i] >= 0xe0 ? 2 : 1;
        }
    }
    assert_int_equal(more, 0);
}

static void
check_text(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    int64_t end;

    assert_int_equal(array->n_buffers, 3);
    end = check_offsets(array);
    check_buffer(array->buffers[2], end);
    if (!strcmp(schema->format, "u"))
        for (int64_t i = 0; i < array->length; i++)
            check_utf8(bytes_of(array, 2) + offset_at(array, i),
                       offset_at(array, i + 1) - offset_at(array, i));
}

static void
check_values(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    static const uint8_t zeros[8];
    int64_t size = value_size(schema->format);

    assert_int_equal(array->n_buffers, 2);
    check_buffer(array->buffers[1],
                 size ? size * array->length : (array->length + 7) / 8);
    for (int64_t i = 0; i < array->length; i++) {
        if (!is_null(array, i))
            continue;
        if (size)
            assert_memory_equal(bytes_of(array, 1) + size * i, zeros,
                                (size_t)size);
        else
            assert_int_equal(bit(bytes_of(array, 1), i), 0);
    }
    for (int64_t i = array->length; !size && i % 8; i++)
        assert_int_equal(bit(bytes_of(array, 1), i), 0);
}

static void
check_vector(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    int64_t width = vector_width(schema->format);
    int64_t size = width * value_size(schema->children[0]->format);
    const uint8_t *values = bytes_of(array->children[0], 1);

    assert_int_equal(array->n_buffers, 1);
    assert_int_equal(array->children[0]->length, width * array->length);
    for (int64_t i = 0; i < array->length; i++)
        for (int64_t at = 0; is_null(array, i) && at < size; at++)
            assert_int_equal(values[size * i + at], 0);
}

static void
check_list(const struct ArrowArray *array)
{
    assert_int_equal(array->n_buffers, 2);
    assert_int_equal(array->children[0]->length, check_offsets(array));
}

static void
check_struct(const struct ArrowArray *array)
{
    assert_int_equal(array->n_buffers, 1);
    assert_null(array->buffers[0]);
    for (int64_t i = 0; i < array->n_children; i++)
        assert_int_equal(array->children[i]->length, array->length);
}

void
check_array(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    assert_non_null(array->release);
    assert_non_null(array->buffers);
    assert_null(array->dictionary);
    assert_true(array->length >= 0);
    assert_int_equal(array->offset, 0);
    assert_int_equal(array->n_children, schema->n_children);
    check_validity(schema, array);
    for (int64_t i = 0; i < array->n_children; i++)
        check_array(schema->children[i], array->children[i]);
    if (!strcmp(schema->format, "+s"))
        check_struct(array);
    else if (!strcmp(schema->format, "+l"))
        check_list(array);
    else if (vector_width(schema->format))
        check_vector(schema, array);
    else if (is_text(schema->format))
        check_text(schema, array);
    else
        check_values(schema, array);
}

/* --- as text ---------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void
add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    int more;

    va_start(arguments, format);
    more = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    assert_true(more >= 0 && used + (size_t)more < size);
}

void
print_schema(const struct ArrowSchema *schema, char *text, size_t size)
{
    *text = '\0';
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *child = schema->children[i];

        add(text, size, "%s%s %s%s", i ? ", " : "", child->name, child->format,
            child->flags & ARROW_FLAG_NULLABLE ? "?" : "");
        if (child->n_children)
            add(text, size, "(%s%s)", child->children[0]->format,
                child->children[0]->flags & ARROW_FLAG_NULLABLE ? "?" : "");
    }
}

static void
print_number(const char *format, const uint8_t *at, char *text, size_t size)
{
    int32_t narrow;
    int64_t wide;
    float single;
    double twice;

    memcpy(&narrow, at, sizeof narrow);
    memcpy(&single, at, sizeof single);
    if (*format == 'i')
        add(text, size, "%" PRId32, narrow);
    else if (*format == 'f')
        add(text, size, "%.9g", (double)single);
    if (value_size(format) == 4)
        return;
    memcpy(&wide, at, sizeof wide);
    memcpy(&twice, at, sizeof twice);
    if (*format == 'g')
        add(text, size, "%.17g", twice);
    else
        add(text, size, "%" PRId64, wide);
}

static void
print_text(const struct ArrowSchema *schema, const struct ArrowArray *array,
           int64_t row, char *text, size_t size)
{
    int64_t begin = offset_at(array, row), end = offset_at(array, row + 1);
    const uint8_t *bytes = bytes_of(array, 2);

    if (begin == end)
        add(text, size, "''");
    else if (*schema->format == 'u')
        add(text, size, "%.*s", (int)(end - begin),
            (const char *)bytes + begin);
    else
        for (int64_t i = begin; i < end; i++)
            add(text, size, "%s%02x", i == begin ? "x" : "", bytes[i]);
}

void
print_item(const struct ArrowSchema *schema, const struct ArrowArray *array,
           int64_t row, char *text, size_t size)
{
    int64_t width = vector_width(schema->format);
    int64_t begin = width * row, end = width * (row + 1);

    if (is_null(array, row)) {
        add(text, size, "null");
    } else if (is_text(schema->format)) {
        print_text(schema, array, row, text, size);
    } else if (value_size(schema->format)) {
        print_number(schema->format,
                     bytes_of(array, 1) + value_size(schema->format) * row,
                     text, size);
    } else if (*schema->format == 'b') {
        add(text, size, "%s", bit(bytes_of(array, 1), row) ? "true" : "false");
    } else {
        if (!width) {
            begin = offset_at(array, row);
            end = offset_at(array, row + 1);
        }
        add(text, size, "[");
        for (int64_t i = begin; i < end; i++) {
            add(text, size, "%s", i > begin ? "," : "");
            print_item(schema->children[0], array->children[0], i, text, size);
        }
        add(text, size, "]");
    }
}

void
print_rows(const struct ArrowSchema *schema, const struct ArrowArray *array,
           char *text, size_t size)
{
    for (int64_t row = 0; row < array->length; row++) {
        add(text, size, "%s", *text ? "\n" : "");
        for (int64_t i = 0; i < array->n_children; i++) {
            add(text, size, "%s", i ? " " : "");
            print_item(schema->children[i], array->children[i], row, text,
                       size);
        }
    }
}
