/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrow streams that the input describes: a schema of any formats, arrays with
 * buffers of just the size their format and lengths call for, or none.
 *
 * Property: the stream is released once; a refusal names its error, and says of
 * the store what is so; a store takes a good stream after any other.
 */
#include "target.h"

#include "../arrow_arrays.h"
#include "base/bytes.h"

#define CHILDREN  4
#define DEPTH     3
#define SLOTS_TOP 24

#define DEFINITIONS                                                      \
    "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW t (b BOOL, i INT32," \
    " l INT64, f FLOAT32, g FLOAT64, s STRING, y BYTES, t TIMESTAMP,"    \
    " v FLOAT32[3], li INT64[], ls STRING[]) FOR e;"

static const char *const formats[] = {
    "n",     "b",       "c",  "C",          "s",     "S",
    "i",     "I",       "l",  "L",          "f",     "g",
    "u",     "U",       "z",  "Z",          "vu",    "vz",
    "tsu:",  "tss:UTC", "+l", "+L",         "+w:3",  "tdD",
    "tdm",   "tsn:",    "+s", "+w:0",       "+w:-1", "e",
    "d:9,2", "+vl",     "+r", "tsm:+01:00", "",      "+w:99999999999",
    "ttu",   "w:3"};

static const char *const names[] = {"k",
                                    "b",
                                    "i",
                                    "l",
                                    "f",
                                    "g",
                                    "s",
                                    "y",
                                    "t",
                                    "v",
                                    "li",
                                    "ls",
                                    "event_timestamp",
                                    "zz",
                                    "",
                                    "k"};

static const int64_t odd[] = {
    -1, -2, INT64_MIN, INT64_MAX, INT64_MAX / 2, INT64_MAX - 7};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void
release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* --- schemas ------------------------------------------------------------------- */

static uint32_t
children_of(const char *format, struct input *input)
{
    if (!strcmp(format, "+s"))
        return take_u8(input) % (CHILDREN + 1);
    return format[0] == '+' && strchr("lLw", format[1]) ? 1 : 0;
}

static struct ArrowSchema *draw_schema(struct input *input, uint32_t depth,
                                       const char *format);

static void
add_children(struct ArrowSchema *schema, struct input *input, uint32_t depth,
             uint32_t count)
{
    schema->n_children = count;
    schema->children = take(sizeof(void *) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        schema->children[i] =
            draw_schema(input, depth + 1,
                        formats[take_u8(input) %
                                (depth + 1 < DEPTH ? COUNT(formats) : 20)]);
}

static struct ArrowSchema *
draw_schema(struct input *input, uint32_t depth, const char *format)
{
    struct ArrowSchema *schema = take(sizeof *schema);
    uint8_t flags = take_u8(input);

    schema->format = format;
    schema->name = names[take_u8(input) % COUNT(names)];
    schema->release = release_schema;
    add_children(schema, input, depth,
                 depth ? children_of(format, input)
                       : 1u + take_u8(input) % (2 * CHILDREN));
    if (depth == 1 && flags & 1 && strlen(format) == 1 &&
        strchr("cCsSiIlL", *format))
        schema->dictionary =
            draw_schema(input, DEPTH, formats[12 + take_u8(input) % 6]);
    if (flags == 0xff)
        schema->n_children = odd[take_u8(input) % COUNT(odd)];
    if (flags == 0xfe)
        schema->name = NULL;
    if (flags == 0xfd)
        schema->format = NULL;
    return schema;
}

/* --- arrays -------------------------------------------------------------------- */

/* Bytes of a number; 0: another format. */
static size_t
width_of(const char *format)
{
    static const char sizes[] = "c1C1s2S2i4I4l8L8f4g8";
    const char *at = strlen(format) == 1 ? strchr(sizes, *format) : NULL;

    if (at && *format > '9')
        return (size_t)(at[1] - '0');
    if (!strcmp(format, "tdD"))
        return 4;
    return format[0] == 't' ? 8 : 0;
}

static uint8_t *
draw_bytes(struct input *input, size_t size)
{
    uint8_t *made = take_buffer(size);

    for (size_t i = 0; i < size; i++)
        made[i] = take_u8(input);
    return made;
}

/* Offsets that rise by little, save where the input says otherwise: it may make
 * them fall, but never past the bytes, which nobody could see. */
static int64_t
draw_offsets(struct input *input, struct ArrowArray *array, bool is_large,
             size_t slots)
{
    size_t width = is_large ? 8 : 4;
    uint8_t *to = take_buffer(width * (slots + 1));
    int64_t end = 0, most = 0;

    for (size_t i = 0; i <= slots; i++) {
        uint8_t step = take_u8(input);

        end += step < 200 ? step % 6 : -(int64_t)(step - 199);
        most = end > most ? end : most;
        put_offset(to, is_large, (uint32_t)i, end);
    }
    array->buffers[1] = to;
    return most;
}

/* Any 16 bytes: what they point to can be checked. */
static void
draw_views(struct input *input, struct ArrowArray *array, size_t slots)
{
    size_t size = take_u8(input) % 60;
    uint8_t *sizes = take_buffer(8);

    array->n_buffers = 4;
    array->buffers[1] = draw_bytes(input, 16 * slots);
    for (size_t i = 0; i < slots; i++) {
        uint8_t *view = (uint8_t *)(uintptr_t)array->buffers[1] + 16 * i;

        if (view[3] & 1) /* a size that might be right, in the only block */
            lf_store_u32(view, view[0] % 64u);
        if (view[3] & 2)
            lf_store_u32(view + 8, 0);
        if (view[3] & 4)
            lf_store_u32(view + 12, view[12] % 64u);
    }
    array->buffers[2] = draw_bytes(input, size);
    lf_store_i64(sizes, (int64_t)size);
    array->buffers[3] = sizes;
}

static void
draw_buffers(struct input *input, struct ArrowArray *array, const char *format,
             size_t slots)
{
    size_t width = width_of(format);

    array->n_buffers = 2;
    if (!strcmp(format, "n"))
        array->n_buffers = 0;
    else if (*format == '+' && strchr("ws", format[1]))
        array->n_buffers = 1;
    else if (!strcmp(format, "b"))
        array->buffers[1] = draw_bytes(input, (slots + 7) / 8);
    else if (width)
        array->buffers[1] = draw_bytes(input, width * slots);
    else if (format[0] == 'v')
        draw_views(input, array, slots);
    else if (strchr("uz", *format) || strchr("UZ", *format)) {
        bool is_large = *format == 'U' || *format == 'Z';
        int64_t most = draw_offsets(input, array, is_large, slots);

        array->n_buffers = 3;
        array->buffers[2] = draw_bytes(input, (size_t)most);
    } else {
        draw_offsets(input, array, format[1] == 'L', slots);
    }
    if (array->n_buffers && take_u8(input) & 1)
        array->buffers[0] = draw_bytes(input, (slots + 7) / 8);
}

static void
spoil_array(struct input *input, struct ArrowArray *array)
{
    int64_t number = odd[take_u8(input) % COUNT(odd)];

    switch (take_u8(input) % 8) {
    case 0:
        array->length = number;
        break;
    case 1:
        array->offset = number;
        break;
    case 2:
        array->n_children = number;
        break;
    case 3:
        array->null_count = number;
        break;
    case 4:
        array->buffers[take_u8(input) % 4] = NULL;
        break;
    case 5:
        array->n_buffers = number;
        break;
    case 6:
        array->dictionary = NULL;
        break;
    default:
        array->release = NULL;
        break;
    }
}

static struct ArrowArray *
draw_array(struct input *input, const struct ArrowSchema *schema,
           uint32_t length, bool is_root)
{
    struct ArrowArray *array = take(sizeof *array);
    const char *format = schema->format ? schema->format : "n";
    uint8_t flags = take_u8(input);
    uint32_t count = 0;

    array->offset = flags & 3;
    array->length = length;
    array->null_count = flags & 4 ? -1 : 0;
    array->release = release_array;
    array->buffers = take(4 * sizeof(void *));
    while (schema->children[count])
        count++;
    array->n_children = count;
    array->children = take(sizeof(void *) * (count + 1));
    draw_buffers(input, array, is_root ? "+s" : format,
                 length + (size_t)array->offset);
    for (uint32_t i = 0; i < count; i++)
        array->children[i] =
            draw_array(input, schema->children[i],
                       is_root ? length + (uint32_t)array->offset
                               : take_u8(input) % (2 * SLOTS_TOP),
                       false);
    if (schema->dictionary)
        array->dictionary = draw_array(input, schema->dictionary,
                                       take_u8(input) % SLOTS_TOP, false);
    if (flags >= 0xf8)
        spoil_array(input, array);
    return array;
}

/* --- the stream ---------------------------------------------------------------- */

struct source {
    struct input input;
    struct ArrowSchema *schema, kept;
    uint32_t records, releases;
};

static int
give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct source *source = stream->private_data;

    *out = *source->schema;
    return 0;
}

static int
give_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct source *source = stream->private_data;

    memset(out, 0, sizeof *out);
    if (source->records-- == 0) {
        source->records = 0;
        return 0;
    }
    *out = *draw_array(&source->input, source->schema,
                       take_u8(&source->input) % SLOTS_TOP, true);
    return 0;
}

static const char *
give_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "a fault";
}

static void
give_up(struct ArrowArrayStream *stream)
{
    ((struct source *)stream->private_data)->releases++;
    stream->release = NULL;
}

static feature_store *
open_store(void)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .map_size = 1u << 28};
    struct feature_error error;
    feature_store *store;
    char path[250];

    snprintf(path, sizeof path, "%s/arrow", target_directory());
    expect(!feature_store_open(path, &options, &store, &error) &&
               !feature_store_apply(store, DEFINITIONS, NULL, NULL, &error),
           "a store");
    return store;
}

static uint64_t
sequence_of(feature_store *store)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error;

    expect(!feature_store_stats(store, &stats, &error), "figures");
    return stats.sequence;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static feature_store *store;
    struct source source = {.input = {bytes, bytes + size}};
    struct ArrowArrayStream stream = {give_schema, give_next, give_error,
                                      give_up, &source};
    struct feature_arrow_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_error error = {0};
    feature_status status;
    uint64_t before;
    uint8_t first;

    if (!store)
        store = open_store();
    first = take_u8(&source.input);
    begin_memory();
    source.schema = draw_schema(&source.input, 0, "+s");
    source.records = first & 3;
    options.flags = first & 4 ? FEATURE_WRITE_SKIP_INVALID : 0;
    options.commit_rows = first & 8 ? 5 : 0;
    before = sequence_of(store);
    status = feature_store_write_arrow(
        store, "t", first & 16 ? FEATURE_PATCH : FEATURE_UPSERT, &stream,
        &options, &commit, &error);
    expect(source.releases == 1 && !stream.release, "released once");
    if (status) {
        expect_named(status, &error);
        expect(commit.sequence ==
                   (sequence_of(store) == before ? 0 : sequence_of(store)),
               "a refusal says what was written");
    } else {
        expect(commit.sequence == sequence_of(store), "the newest commit");
    }
    return 0;
}
