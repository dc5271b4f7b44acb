/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of tiles as an Arrow stream.
 *
 * Owns the way from the bytes of a file to record batches.
 * Keeps every size within the file: its bytes may be anything.
 * Never judges a state: the library checks each of them against its key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tiles_file.h"
#include "tool.h"

#define BATCH_ROWS  1024
#define BATCH_BYTES (64u << 20)
#define COLUMNS_MAX (TILES_KEYS_MAX + 2)

/* --- bytes -------------------------------------------------------------------- */

static uint32_t
load_u32(const char *at)
{
    const unsigned char *from = (const unsigned char *)at;

    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static uint64_t
load_u64(const char *at)
{
    return load_u32(at) | (uint64_t)load_u32(at + 4) << 32;
}

static bool
complain(struct tiles_file *file, const char *what)
{
    snprintf(file->problem, sizeof file->problem, "%.100s: %s", file->name,
             what);
    return false;
}

/* The next size bytes before end; NULL: there are fewer. */
static const char *
take(const struct tiles_file *file, size_t *at, size_t end, size_t size)
{
    const char *from = file->bytes.data + *at;

    if (size > end - *at)
        return NULL;
    *at += size;
    return from;
}

static bool
take_key(struct tiles_file *file, uint32_t index)
{
    const char *head = take(file, &file->at, file->bytes.size, 8), *name;

    if (!head)
        return complain(file, "the file is cut off");
    file->types[index] = (int32_t)load_u32(head);
    name = take(file, &file->at, file->bytes.size, load_u32(head + 4));
    if (!name)
        return complain(file, "the file is cut off");
    if (file->types[index] != FEATURE_TYPE_INT64 &&
        file->types[index] != FEATURE_TYPE_STRING &&
        file->types[index] != FEATURE_TYPE_BYTES)
        return complain(file, "a key has an unknown type");
    file->names[index] = strndup(name, load_u32(head + 4));
    return file->names[index] || complain(file, "out of memory");
}

bool
tiles_begin(struct tiles_file *file)
{
    const char *head = take(file, &file->at, file->bytes.size, 12);

    if (!head || memcmp(head, "LFTILES1", 8) != 0)
        return complain(file, "this is no file of tiles");
    file->key_count = load_u32(head + 8);
    if (!file->key_count || file->key_count > TILES_KEYS_MAX)
        return complain(file, "the head of the file is damaged");
    for (uint32_t i = 0; i < file->key_count; i++)
        if (!take_key(file, i))
            return false;
    return true;
}

void
tiles_free(struct tiles_file *file)
{
    for (uint32_t i = 0; i < TILES_KEYS_MAX; i++)
        free(file->names[i]);
    text_free(&file->bytes);
}

/* --- a schema ----------------------------------------------------------------- */

static void
release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    free(schema->private_data);
    schema->release = NULL;
}

static const char *
format_of(const struct tiles_file *file, uint32_t column)
{
    if (column == file->key_count)
        return "tsu:UTC";
    if (column > file->key_count || file->types[column] == FEATURE_TYPE_BYTES)
        return "z";
    return file->types[column] == FEATURE_TYPE_INT64 ? "l" : "u";
}

static const char *
name_of(const struct tiles_file *file, uint32_t column)
{
    if (column < file->key_count)
        return file->names[column];
    return column == file->key_count ? "event_timestamp" : "_tiles";
}

static void
release_child(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int
get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    const struct tiles_file *file = stream->private_data;
    struct {
        struct ArrowSchema *list[COLUMNS_MAX];
        struct ArrowSchema children[COLUMNS_MAX];
    } *made = calloc(1, sizeof *made);

    if (!made)
        return ENOMEM;
    for (uint32_t i = 0; i < file->key_count + 2; i++) {
        made->list[i] = &made->children[i];
        made->children[i] = (struct ArrowSchema){.format = format_of(file, i),
                                                 .name = name_of(file, i),
                                                 .release = release_child};
    }
    *schema = (struct ArrowSchema){.format = "+s",
                                   .name = "",
                                   .n_children = file->key_count + 2,
                                   .children = made->list,
                                   .release = release_schema,
                                   .private_data = made};
    return 0;
}

/* --- record batches ----------------------------------------------------------- */

struct column {
    struct text values, offsets;
    const void *buffers[3];
};

struct batch {
    struct ArrowArray *list[COLUMNS_MAX];
    struct ArrowArray children[COLUMNS_MAX];
    struct column columns[COLUMNS_MAX];
    const void *none[1];
    size_t bytes;
};

static void
free_batch(struct batch *batch)
{
    for (uint32_t i = 0; i < COLUMNS_MAX; i++) {
        text_free(&batch->columns[i].values);
        text_free(&batch->columns[i].offsets);
    }
    free(batch);
}

static void
release_column(struct ArrowArray *array)
{
    array->release = NULL;
}

static void
release_batch(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    free_batch(array->private_data);
    array->release = NULL;
}

static bool
add_bytes(struct column *column, const char *bytes, size_t size)
{
    int32_t end;

    text_add_bytes(&column->values, bytes, size);
    end = (int32_t)column->values.size;
    text_add_bytes(&column->offsets, (const char *)&end, sizeof end);
    return !column->values.failed && !column->offsets.failed;
}

static bool
add_number(struct column *column, const char *bytes)
{
    int64_t number = (int64_t)load_u64(bytes);

    text_add_bytes(&column->values, (const char *)&number, sizeof number);
    return !column->values.failed;
}

/* A row that ends at end. */
static bool
take_row(struct tiles_file *file, struct batch *batch, size_t end)
{
    const char *bytes = take(file, &file->at, end, 8);
    bool is_fine = bytes && add_number(&batch->columns[file->key_count], bytes);

    for (uint32_t i = 0; is_fine && i < file->key_count; i++) {
        bool is_number = file->types[i] == FEATURE_TYPE_INT64;
        size_t size = is_number ? 8 : 4;

        bytes = take(file, &file->at, end, size);
        if (bytes && !is_number) {
            size = load_u32(bytes);
            bytes = take(file, &file->at, end, size);
        }
        is_fine =
            bytes && (is_number ? add_number(&batch->columns[i], bytes)
                                : add_bytes(&batch->columns[i], bytes, size));
    }
    is_fine = is_fine && add_bytes(&batch->columns[file->key_count + 1],
                                   file->bytes.data + file->at, end - file->at);
    batch->bytes += end - file->at;
    file->at = end;
    file->rows++;
    return is_fine || complain(file, "a row of the file is damaged");
}

static bool
take_end(struct tiles_file *file)
{
    const char *rows = take(file, &file->at, file->bytes.size, 8);

    if (!rows || load_u64(rows) != file->rows || file->at != file->bytes.size)
        return complain(file, "the end of the file is damaged");
    file->at -= 12; /* it is there again */
    return true;
}

/* Rows of a batch; 0 and no problem: the end. */
static bool
take_rows(struct tiles_file *file, struct batch *batch, int64_t *rows)
{
    *rows = 0;
    while (*rows < BATCH_ROWS && batch->bytes < BATCH_BYTES) {
        const char *size = take(file, &file->at, file->bytes.size, 4);

        if (!size)
            return complain(file, "the file is cut off");
        if (!load_u32(size))
            return take_end(file);
        if (load_u32(size) > file->bytes.size - file->at)
            return complain(file, "the file is cut off");
        if (!take_row(file, batch, file->at + load_u32(size)))
            return false;
        ++*rows;
    }
    return true;
}

static void
give_batch(const struct tiles_file *file, struct batch *batch, int64_t rows,
           struct ArrowArray *array)
{
    for (uint32_t i = 0; i < file->key_count + 2; i++) {
        struct column *column = &batch->columns[i];
        bool is_fixed = !column->offsets.size;

        column->buffers[1] =
            is_fixed ? column->values.data : column->offsets.data;
        column->buffers[2] = column->values.data ? column->values.data : "";
        batch->list[i] = &batch->children[i];
        batch->children[i] = (struct ArrowArray){.length = rows,
                                                 .n_buffers = is_fixed ? 2 : 3,
                                                 .buffers = column->buffers,
                                                 .release = release_column};
    }
    *array = (struct ArrowArray){.length = rows,
                                 .n_buffers = 1,
                                 .n_children = file->key_count + 2,
                                 .buffers = batch->none,
                                 .children = batch->list,
                                 .release = release_batch,
                                 .private_data = batch};
}

static int
get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    struct tiles_file *file = stream->private_data;
    struct batch *batch = calloc(1, sizeof *batch);
    const int32_t zero = 0;
    int64_t rows = 0;
    bool is_fine;

    memset(array, 0, sizeof *array);
    if (!batch)
        return ENOMEM;
    for (uint32_t i = 0; i < file->key_count + 2; i++)
        if (*format_of(file, i) == 'u' || *format_of(file, i) == 'z')
            text_add_bytes(&batch->columns[i].offsets, (const char *)&zero,
                           sizeof zero);
    is_fine = take_rows(file, batch, &rows);
    if (is_fine && rows)
        give_batch(file, batch, rows, array);
    else
        free_batch(batch);
    return is_fine ? 0 : EINVAL;
}

static const char *
get_last_error(struct ArrowArrayStream *stream)
{
    const struct tiles_file *file = stream->private_data;

    return file->problem;
}

static void
release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

void
tiles_stream(struct tiles_file *file, struct ArrowArrayStream *stream)
{
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release,
                                        .private_data = file};
}
