/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two scans of a view, merged.
 *
 * Owns the order of keys in Arrow's columns, and when two cells are equal.
 * Keeps a record batch of each side in memory, and no more.
 * Never takes one side's schema for the other's: they are compared first.
 */
#include "differ.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arrow.h"
#include "tool.h"

#define TIME_COLUMN "event_timestamp"
#define SCAN_AGE    (24 * 60 * 60 * 1000) /* ms */

const char *const differ_names[DIFFER_KINDS] = {"mismatch", "missing", "extra"};

struct side {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t row;
    bool is_over;
};

/* --- cells -------------------------------------------------------------------- */

static bool
is_valid(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *bits = array->n_buffers ? array->buffers[0] : NULL;

    return !bits || bits[at / 8] >> (at % 8) & 1;
}

static bool
get_bit(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *bits = array->buffers[1];

    return bits[at / 8] >> (at % 8) & 1;
}

static size_t
width_of(const char *format)
{
    return *format == 'i' || *format == 'f' ? 4 : 8;
}

struct bytes {
    const char *data;
    size_t size;
};

static struct bytes
bytes_at(const struct ArrowArray *array, int64_t at)
{
    const int32_t *ends = array->buffers[1];
    const char *data = array->buffers[2];

    return (struct bytes){data ? data + ends[at] : "",
                          (size_t)(ends[at + 1] - ends[at])};
}

static int
compare_bytes(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.data, b.data, size);

    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool same_cells(const struct ArrowSchema *schema,
                       const struct ArrowArray *a, int64_t i,
                       const struct ArrowArray *b, int64_t j);

static bool
same_items(const struct ArrowSchema *schema, const struct ArrowArray *a,
           int64_t i, const struct ArrowArray *b, int64_t j, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        if (!same_cells(schema->children[0], a->children[0], i + k,
                        b->children[0], j + k))
            return false;
    return true;
}

static bool
same_lists(const struct ArrowSchema *schema, const struct ArrowArray *a,
           int64_t i, const struct ArrowArray *b, int64_t j)
{
    const int32_t *left, *right;

    if (schema->format[1] == 'w') {
        int64_t count = strtoll(schema->format + 3, NULL, 10);

        return same_items(schema, a, i * count, b, j * count, count);
    }
    left = a->buffers[1];
    right = b->buffers[1];
    return left[i + 1] - left[i] == right[j + 1] - right[j] &&
           same_items(schema, a, left[i], b, right[j], left[i + 1] - left[i]);
}

/* Floats are equal where their bytes are. */
static bool
same_cells(const struct ArrowSchema *schema, const struct ArrowArray *a,
           int64_t i, const struct ArrowArray *b, int64_t j)
{
    size_t width = width_of(schema->format);

    i += a->offset;
    j += b->offset;
    if (is_valid(a, i) != is_valid(b, j))
        return false;
    if (!is_valid(a, i))
        return true;
    switch (*schema->format) {
    case 'b':
        return get_bit(a, i) == get_bit(b, j);
    case 'u':
    case 'z':
        return !compare_bytes(bytes_at(a, i), bytes_at(b, j));
    case '+':
        return same_lists(schema, a, i, b, j);
    default:
        return !memcmp((const char *)a->buffers[1] + (size_t)i * width,
                       (const char *)b->buffers[1] + (size_t)j * width, width);
    }
}

/* --- keys --------------------------------------------------------------------- */

static int64_t
key_count(const struct ArrowSchema *schema)
{
    int64_t count = 0;

    while (count < schema->n_children &&
           strcmp(schema->children[count]->name, TIME_COLUMN) != 0)
        count++;
    return count;
}

static int
compare_key(const char *format, const struct ArrowArray *a, int64_t i,
            const struct ArrowArray *b, int64_t j)
{
    i += a->offset;
    j += b->offset;
    if (*format == 'l') {
        const int64_t *left = a->buffers[1], *right = b->buffers[1];

        return (left[i] > right[j]) - (left[i] < right[j]);
    }
    return compare_bytes(bytes_at(a, i), bytes_at(b, j));
}

/* A side that is over is behind every key. */
static int
compare_keys(const struct side *left, const struct side *right)
{
    int64_t count = key_count(&left->schema);

    if (left->is_over || right->is_over)
        return left->is_over - right->is_over;
    for (int64_t k = 0; k < count; k++) {
        int order = compare_key(left->schema.children[k]->format,
                                left->batch.children[k], left->row,
                                right->batch.children[k], right->row);

        if (order)
            return order;
    }
    return 0;
}

static void
add_key_value(struct text *text, const char *format,
              const struct ArrowArray *array, int64_t row)
{
    struct bytes bytes;

    row += array->offset;
    if (*format == 'l') {
        text_add(text, "%" PRId64, ((const int64_t *)array->buffers[1])[row]);
        return;
    }
    bytes = bytes_at(array, row);
    if (*format == 'u') {
        text_add_json(text, bytes.data, bytes.size);
        return;
    }
    text_add(text, "\"");
    for (size_t i = 0; i < bytes.size; i++)
        text_add(text, "%02x", (uint8_t)bytes.data[i]);
    text_add(text, "\"");
}

static void
add_key(struct text *text, const struct side *side, bool is_json)
{
    int64_t count = key_count(&side->schema);

    for (int64_t k = 0; k < count; k++) {
        const struct ArrowSchema *column = side->schema.children[k];

        text_add(text, is_json ? "%s\"%s\":" : "%s%s=",
                 !k        ? ""
                 : is_json ? ","
                           : ", ",
                 column->name);
        add_key_value(text, column->format, side->batch.children[k], side->row);
    }
}

/* --- rows --------------------------------------------------------------------- */

static bool
same_rows(const struct side *left, const struct side *right, int64_t column)
{
    return same_cells(left->schema.children[column],
                      left->batch.children[column], left->row,
                      right->batch.children[column], right->row);
}

static void
add_columns(struct differ *differ, const struct side *left,
            const struct side *right)
{
    const char *before = differ->is_json ? "" : ": ";

    for (int64_t i = key_count(&left->schema); i < left->schema.n_children; i++)
        if (!same_rows(left, right, i)) {
            text_add(&differ->told, differ->is_json ? "%s\"%s\"" : "%s%s",
                     before, left->schema.children[i]->name);
            before = differ->is_json ? "," : ", ";
        }
}

/* right: NULL where one side alone has the row. */
static void
tell(struct differ *differ, int kind, const struct side *side,
     const struct side *right)
{
    differ->counts[kind]++;
    if (differ->examples == differ->example_max)
        return;
    if (!differ->is_json) {
        text_add(&differ->told, "  %-8s ", differ_names[kind]);
        add_key(&differ->told, side, false);
        if (right)
            add_columns(differ, side, right);
        text_add(&differ->told, "\n");
    } else {
        text_add(&differ->told, "%s{\"kind\":\"%s\",\"key\":{",
                 differ->examples ? "," : "", differ_names[kind]);
        add_key(&differ->told, side, true);
        text_add(&differ->told, "},\"columns\":[");
        if (right)
            add_columns(differ, side, right);
        text_add(&differ->told, "]}");
    }
    differ->examples++;
}

static void
compare_rows(struct differ *differ, const struct side *left,
             const struct side *right)
{
    for (int64_t i = key_count(&left->schema); i < left->schema.n_children; i++)
        if (!same_rows(left, right, i)) {
            tell(differ, DIFFER_MISMATCH, left, right);
            return;
        }
    differ->equal++;
}

/* --- scans -------------------------------------------------------------------- */

static bool
fail_stream(struct side *side)
{
    tool_refuse("%s", side->stream.get_last_error(&side->stream));
    return false;
}

static bool
next_row(struct side *side)
{
    if (side->batch.release && ++side->row < side->batch.length)
        return true;
    do {
        if (side->batch.release)
            side->batch.release(&side->batch);
        side->batch.release = NULL;
        if (side->stream.get_next(&side->stream, &side->batch))
            return fail_stream(side);
    } while (side->batch.release && !side->batch.length);
    side->row = 0;
    side->is_over = !side->batch.release;
    return true;
}

static bool
open_side(struct side *side, feature_store *store, const char *features)
{
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_SCAN_ONE_SNAPSHOT,
                                           .fill = FEATURE_FILL_STALE,
                                           .max_age_ms = SCAN_AGE};
    struct feature_error error;

    if (feature_store_scan_arrow(store, features, &options, &side->stream,
                                 &error)) {
        tool_fail(&error);
        return false;
    }
    if (side->stream.get_schema(&side->stream, &side->schema))
        return fail_stream(side);
    return next_row(side);
}

static void
close_side(struct side *side)
{
    if (side->batch.release)
        side->batch.release(&side->batch);
    if (side->schema.release)
        side->schema.release(&side->schema);
    if (side->stream.release)
        side->stream.release(&side->stream);
}

static bool
same_schemas(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    bool is_same = !strcmp(a->format, b->format) && !strcmp(a->name, b->name) &&
                   a->n_children == b->n_children;

    for (int64_t i = 0; is_same && i < a->n_children; i++)
        is_same = same_schemas(a->children[i], b->children[i]);
    return is_same;
}

static bool
merge(struct differ *differ, struct side *left, struct side *right)
{
    while (!left->is_over || !right->is_over) {
        int order = compare_keys(left, right);

        if (order < 0)
            tell(differ, DIFFER_MISSING, left, NULL);
        else if (order > 0)
            tell(differ, DIFFER_EXTRA, right, NULL);
        else
            compare_rows(differ, left, right);
        if ((order <= 0 && !next_row(left)) || (order >= 0 && !next_row(right)))
            return false;
    }
    return true;
}

bool
differ_rows(feature_store *left, feature_store *right, const char *view,
            struct differ *differ)
{
    struct side a = {0}, b = {0};
    struct text features = {0};
    bool is_good;

    text_add(&features, "%s(*)", view);
    is_good = text_end(&features) || (tool_no_memory(), false);
    is_good = is_good && open_side(&a, left, features.data) &&
              open_side(&b, right, features.data);
    if (is_good && !same_schemas(&a.schema, &b.schema))
        differ->has_other_columns = true;
    else if (is_good)
        is_good = merge(differ, &a, &b);
    close_side(&a);
    close_side(&b);
    text_free(&features);
    return is_good;
}
