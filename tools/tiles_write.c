/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles of a stream, into a file.
 *
 * Owns the form of the file, which docs/format.md has under "Tiles in a file".
 * Keeps a file that was cut off from being taken for a whole one: the last
 * thing in it is how many rows there are.
 * Never keeps more than a record batch.
 */
#include <errno.h>
#include <string.h>

#include "tiles_file.h"
#include "tool.h"

struct writer {
    FILE *to;
    uint32_t key_count;
    uint64_t rows;
    struct text row;
};

static void
add_u32(struct text *text, uint32_t number)
{
    const unsigned char bytes[4] = {
        (unsigned char)number, (unsigned char)(number >> 8),
        (unsigned char)(number >> 16), (unsigned char)(number >> 24)};

    text_add_bytes(text, (const char *)bytes, sizeof bytes);
}

static void
add_u64(struct text *text, uint64_t number)
{
    add_u32(text, (uint32_t)number);
    add_u32(text, (uint32_t)(number >> 32));
}

static bool
put(struct writer *writer)
{
    bool is_fine = !writer->row.failed &&
                   fwrite(writer->row.data, 1, writer->row.size, writer->to) ==
                       writer->row.size;

    text_clear(&writer->row);
    return is_fine;
}

static bool
is_number(const struct ArrowSchema *schema)
{
    return *schema->format == 'l';
}

static bool
put_head(struct writer *writer, const struct ArrowSchema *schema)
{
    text_add_bytes(&writer->row, "LFTILES1", 8);
    add_u32(&writer->row, writer->key_count);
    for (uint32_t i = 0; i < writer->key_count; i++) {
        const struct ArrowSchema *key = schema->children[i];
        uint32_t type = is_number(key)        ? FEATURE_TYPE_INT64
                        : *key->format == 'u' ? FEATURE_TYPE_STRING
                                              : FEATURE_TYPE_BYTES;

        add_u32(&writer->row, type);
        add_u32(&writer->row, (uint32_t)strlen(key->name));
        text_add_bytes(&writer->row, key->name, strlen(key->name));
    }
    return put(writer);
}

static void
add_number(struct text *text, const struct ArrowArray *array, int64_t row)
{
    const int64_t *values = array->buffers[1];

    add_u64(text, (uint64_t)values[row]);
}

static const char *
bytes_of(const struct ArrowArray *array, int64_t row, uint32_t *size)
{
    const int32_t *offsets = array->buffers[1];

    *size = (uint32_t)(offsets[row + 1] - offsets[row]);
    return (const char *)array->buffers[2] + offsets[row];
}

/* Its size comes first, when it is known. */
static bool
put_row(struct writer *writer, const struct ArrowSchema *schema,
        const struct ArrowArray *batch, int64_t row)
{
    struct text *text = &writer->row;
    const char *bytes;
    uint32_t size;

    add_u32(text, 0);
    add_number(text, batch->children[writer->key_count], row);
    for (uint32_t i = 0; i < writer->key_count; i++) {
        if (is_number(schema->children[i])) {
            add_number(text, batch->children[i], row);
            continue;
        }
        bytes = bytes_of(batch->children[i], row, &size);
        add_u32(text, size);
        text_add_bytes(text, bytes, size);
    }
    bytes = bytes_of(batch->children[writer->key_count + 1], row, &size);
    text_add_bytes(text, bytes, size);
    for (uint32_t i = 0; !text->failed && i < 4; i++)
        text->data[i] = (char)((text->size - 4) >> 8 * i);
    writer->rows++;
    return put(writer);
}

static int
refuse(const struct writer *writer, const char *name)
{
    return writer->row.failed ? tool_no_memory()
                              : tool_refuse("%s: %s", name, strerror(errno));
}

static int
put_batches(struct writer *writer, const struct ArrowSchema *schema,
            struct ArrowArrayStream *stream, const char *name)
{
    struct ArrowArray batch;
    bool is_fine = true;

    while (is_fine) {
        int code = stream->get_next(stream, &batch);

        if (code)
            return tool_refuse("%s", stream->get_last_error(stream));
        if (!batch.release)
            break;
        for (int64_t row = 0; is_fine && row < batch.length; row++)
            is_fine = put_row(writer, schema, &batch, row);
        batch.release(&batch);
    }
    if (!is_fine)
        return refuse(writer, name);
    add_u32(&writer->row, 0);
    add_u64(&writer->row, writer->rows);
    return put(writer) ? TOOL_DONE : refuse(writer, name);
}

int
tiles_write(struct ArrowArrayStream *stream, FILE *to, const char *name,
            uint64_t *rows)
{
    struct writer writer = {.to = to};
    struct ArrowSchema schema;
    int code = stream->get_schema(stream, &schema);

    if (code) {
        code = tool_refuse("%s", stream->get_last_error(stream));
        stream->release(stream);
        return code;
    }
    writer.key_count = (uint32_t)schema.n_children - 2;
    code = put_head(&writer, &schema)
               ? put_batches(&writer, &schema, stream, name)
               : refuse(&writer, name);
    *rows = writer.rows;
    text_free(&writer.row);
    schema.release(&schema);
    stream->release(stream);
    return code;
}
