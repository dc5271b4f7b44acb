/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as a stream of Arrow record batches.
 *
 * Owns the values, a pool of batches that come again and again, and the order of
 * the keys.
 * Keeps its memory out of the heap: what is measured there is the library's.
 * Never hands out a key twice.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "loads.h"

#define BATCH  65536 /* rows */
#define POOL   8     /* batches of values: more than the near caches hold */
#define SLOTS  4     /* batches that may be alive at once */
#define FIELDS (2 + LOADS_FEATURES)

/* Keys and times of a batch, and its structs. */
struct slot {
    bool used;
    int64_t keys[BATCH], times[BATCH];
    struct ArrowArray columns[FIELDS], *pointers[FIELDS];
    const void *buffers[FIELDS][2];
    const void *none;
};

struct loads_stream {
    uint64_t rows, next, batches;
    enum loads_order order;
    uint64_t
        mask; /* the least power of two that is not less than rows, less 1 */
    double seconds;
    uint8_t *values[POOL][LOADS_FEATURES];
    struct slot slots[SLOTS];
    struct ArrowSchema fields[FIELDS], *field_pointers[FIELDS];
    char names[FIELDS][20];
};

/* --- schema --------------------------------------------------------------------- */

static const struct {
    char type;
    uint8_t size; /* bytes of a value, 0: a bit */
    const char *arrow, *name;
} types[] = {{'f', 4, "f", "FLOAT32"},
             {'d', 8, "g", "FLOAT64"},
             {'i', 8, "l", "INT64"},
             {'w', 4, "i", "INT32"},
             {'b', 0, "b", "BOOL"}};

static unsigned
type_of(int feature)
{
    unsigned at = 0;

    while (types[at].type != LOADS_PATTERN[feature])
        at++;
    return at;
}

const char *
loads_definitions(void)
{
    static char text[1024];
    size_t used = (size_t)sprintf(text, "CREATE ENTITY item (item_id INT64);"
                                        "CREATE FEATURE VIEW v (");

    for (int i = 0; i < LOADS_FEATURES; i++)
        used += (size_t)sprintf(text + used, "%sf%d %s", i ? ", " : "", i,
                                types[type_of(i)].name);
    sprintf(text + used, ") FOR item; STORE WITH (changes = '3 days');");
    return text;
}

static void
release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int
get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    struct loads_stream *made = stream->private_data;

    for (int i = 0; i < FIELDS; i++) {
        const char *format = i == 0   ? "l"
                             : i == 1 ? "tsu:UTC"
                                      : types[type_of(i - 2)].arrow;

        sprintf(made->names[i],
                i == 0   ? "item_id"
                : i == 1 ? "event_timestamp"
                         : "f%d",
                i - 2);
        made->fields[i] = (struct ArrowSchema){.format = format,
                                               .name = made->names[i],
                                               .release = release_schema};
        made->field_pointers[i] = &made->fields[i];
    }
    *schema = (struct ArrowSchema){.format = "+s",
                                   .name = "",
                                   .n_children = FIELDS,
                                   .children = made->field_pointers,
                                   .release = release_schema};
    return 0;
}

/* --- keys ----------------------------------------------------------------------- */

/* A bijection of the numbers up to mask. */
static uint64_t
scatter(uint64_t x, uint64_t mask)
{
    for (int i = 0; i < 2; i++) {
        x = x * UINT64_C(0x9e3779b97f4a7c15) & mask;
        x ^= x >> 11;
        x = x * UINT64_C(0xbf58476d1ce4e5b9) & mask;
        x ^= x >> 9;
    }
    return x;
}

static int64_t
key_of(const struct loads_stream *made, uint64_t row)
{
    if (made->order == LOADS_SORTED)
        return (int64_t)row;
    do
        row = scatter(row, made->mask);
    while (row >= made->rows);
    return (int64_t)row;
}

/* --- batches -------------------------------------------------------------------- */

static void
release_column(struct ArrowArray *column)
{
    column->release = NULL;
}

static void
release_batch(struct ArrowArray *batch)
{
    struct slot *slot = batch->private_data;

    slot->used = false;
    batch->release = NULL;
}

static struct slot *
find_slot(struct loads_stream *made)
{
    for (int i = 0; i < SLOTS; i++)
        if (!made->slots[i].used)
            return &made->slots[i];
    times_die("loads: batches are kept");
}

static void
fill_slot(struct loads_stream *made, struct slot *slot, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        slot->keys[i] = key_of(made, made->next + (uint64_t)i);
        slot->times[i] = LOADS_TIME + slot->keys[i] % 1000000;
    }
    for (int i = 0; i < FIELDS; i++) {
        slot->buffers[i][1] = i == 0 ? (const void *)slot->keys
                              : i == 1
                                  ? (const void *)slot->times
                                  : made->values[made->batches % POOL][i - 2];
        slot->columns[i] = (struct ArrowArray){.length = rows,
                                               .n_buffers = 2,
                                               .buffers = slot->buffers[i],
                                               .release = release_column};
        slot->pointers[i] = &slot->columns[i];
    }
    slot->used = true;
}

static int
get_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    struct loads_stream *made = stream->private_data;
    double begun = times_now();
    struct slot *slot;
    int64_t rows = BATCH;

    *batch = (struct ArrowArray){0};
    if (made->next == made->rows)
        return 0;
    if ((uint64_t)rows > made->rows - made->next)
        rows = (int64_t)(made->rows - made->next);
    slot = find_slot(made);
    fill_slot(made, slot, rows);
    *batch = (struct ArrowArray){.length = rows,
                                 .n_buffers = 1,
                                 .n_children = FIELDS,
                                 .buffers = &slot->none,
                                 .children = slot->pointers,
                                 .release = release_batch,
                                 .private_data = slot};
    made->next += (uint64_t)rows;
    made->batches++;
    made->seconds += times_now() - begun;
    return 0;
}

static const char *
get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void
release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* --- making --------------------------------------------------------------------- */

static void *
map_room(size_t size)
{
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room == MAP_FAILED)
        times_die("loads: no memory");
    return room;
}

/* Small enough that every type holds it. */
static void
put_value(uint8_t *values, unsigned type, size_t at, uint64_t drawn)
{
    float f32 = (float)(drawn & 0xfffff) / 16;
    double f64 = (double)(drawn & 0xfffff) / 64;
    int64_t i64 = drawn & 0xfffff;
    int32_t i32 = drawn & 0xfffff;
    const void *from[] = {&f32, &f64, &i64, &i32};

    if (types[type].size)
        memcpy(values + at * types[type].size, from[type], types[type].size);
    else
        values[at / 8] |= (uint8_t)((drawn & 1) << at % 8);
}

struct loads_stream *
loads_stream_make(uint64_t rows, enum loads_order order)
{
    struct loads_stream *made = map_room(sizeof *made);

    made->rows = rows;
    made->order = order;
    made->mask = 1;
    while (made->mask + 1 < rows)
        made->mask = made->mask * 2 + 1;
    for (int batch = 0; batch < POOL; batch++)
        for (int i = 0; i < LOADS_FEATURES; i++) {
            made->values[batch][i] = map_room(8 * BATCH);
            for (size_t row = 0; row < BATCH; row++)
                put_value(made->values[batch][i], type_of(i), row,
                          times_mix((uint64_t)(batch * 32 + i) << 32 | row));
        }
    return made;
}

void
loads_stream_open(struct loads_stream *made, struct ArrowArrayStream *stream)
{
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = get_last_error,
                                        .release = release_stream,
                                        .private_data = made};
}

double
loads_stream_seconds(const struct loads_stream *made)
{
    return made->seconds;
}
