/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow [COUNT] [SEED] [FIRST]: random Arrow streams into a view. A stream that
 * keeps the rules is written whole, and what is read back is its table; of one
 * that breaks them any answer will do that is no crash, reads nothing beyond a
 * buffer, names its error and leaves the store as it says. Then a read past a
 * buffer and a value that nobody wrote have to show.
 *
 * Owns the view and the streams' callbacks.
 * Keeps a trial to its number and the seed.
 * Never tells a lie that the interface gives no means to see: how large a buffer
 * is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arrow_make.h"
#include "base/bits.h"
#include "base/bytes.h"
#include "libfeature.h"

#define SEED       20261121
#define CONTROL    60
#define SLOTS_SOME 1000 /* more than any array has */

#define DEFINITIONS                                                      \
    "CREATE ENTITY e (k INT64); CREATE FEATURE VIEW t (b BOOL, i INT32," \
    " l INT64, f FLOAT32, g FLOAT64, s STRING, y BYTES, t TIMESTAMP,"    \
    " v FLOAT32[3], li INT64[], ls STRING[]) FOR e;"

enum fault { FAULT_NONE, FAULT_FORGES, FAULT_LIES };

struct counts {
    _Atomic(uint64_t) written, refused, rows, wrong;
};

struct rig {
    char directory[RIG_PATH_SIZE];
    uint64_t seed;
    enum fault fault;
    struct counts *counts;
};

/* --- the store of a child ---------------------------------------------------- */

static struct {
    feature_store *store;
    feature_query *query;
    feature_request *request;
} at;

static void
must(feature_status status, const struct feature_error *error, const char *what)
{
    if (status)
        rig_give_up(what, error->message);
}

static void
open_once(const struct rig *rig)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .map_size = 1u << 28};
    struct feature_error error;
    char path[RIG_PATH_SIZE + 32];

    if (at.store)
        return;
    snprintf(path, sizeof path, "%s/%d", rig->directory, (int)getpid());
    must(feature_store_open(path, &options, &at.store, &error) ||
             feature_store_apply(at.store, DEFINITIONS, NULL, NULL, &error) ||
             feature_query_create(at.store, "t(*)", NULL, &at.query, &error) ||
             feature_request_create(at.query, &at.request, &error),
         &error, "a store");
}

/* --- the stream -------------------------------------------------------------- */

struct source {
    struct made *made;
    uint32_t next, fail_at, releases;
};

static int
give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    *out = *((struct source *)stream->private_data)->made->schema;
    return 0;
}

static int
give_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct source *source = stream->private_data;

    if (source->next == source->fail_at)
        return EIO;
    if (source->next < source->made->record_count)
        *out = source->made->records[source->next];
    else
        memset(out, 0, sizeof *out);
    source->next++;
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

/* --- damage ------------------------------------------------------------------ */

static int64_t
odd_number(struct dice *dice)
{
    static const int64_t odd[] = {
        -1,           -2, INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX / 2,
        INT64_MAX - 7};

    return odd[dice_below(dice, sizeof odd / sizeof *odd)];
}

static void
spoil_schema(const struct made *made, struct dice *dice)
{
    static const char *const formats[] = {
        "",      "+s",  "+m",   "+vl",  "+r",   "+w:", "+w:-1",
        "+w:9x", "d:1", "e",    "ttu",  "tDs",  "tiM", "+ud:1",
        "zz",    "+l",  "+w:0", "\xff", "tsq:", "n"};
    struct ArrowSchema *schema =
        made->schemas[dice_below(dice, made->schema_count)];

    switch (dice_below(dice, 4)) {
    case 0:
        schema->n_children =
            dice_chance(dice, 50) ? schema->n_children - 1 : odd_number(dice);
        break;
    case 1:
        schema->name = dice_chance(dice, 50) ? NULL : "driver's \n name";
        break;
    case 2:
        schema->format = NULL;
        break;
    default:
        schema->format =
            formats[dice_below(dice, sizeof formats / sizeof *formats)];
        break;
    }
}

static void
spoil_array(const struct made *made, struct dice *dice)
{
    struct ArrowArray *array =
        made->arrays[dice_below(dice, made->array_count)];

    switch (dice_below(dice, 9)) {
    case 0:
        /* A view with one less has no sizes, and nobody can see it. */
        array->n_buffers = array->n_buffers > 3 || dice_chance(dice, 50)
                               ? odd_number(dice)
                               : array->n_buffers - 1;
        break;
    case 1:
        array->n_children = odd_number(dice);
        break;
    case 2:
        array->length = odd_number(dice);
        break;
    case 3:
        array->length -= array->length ? 1 : 0;
        break;
    case 4:
        array->offset = odd_number(dice);
        break;
    case 5:
        array->null_count = odd_number(dice) % 100;
        break;
    case 6:
        if (array->n_buffers > 0 && array->n_buffers <= 6)
            array->buffers[dice_below(dice, (uint32_t)array->n_buffers)] = NULL;
        break;
    case 7:
        if (array->children)
            array->children[0] = NULL;
        array->dictionary = NULL;
        break;
    default:
        array->release = NULL;
        break;
    }
}

/* Bytes of the second buffer: numbers, indexes, views, offsets. A last offset
 * may only fall: nobody can see that it is too large for the bytes. */
static void
spoil_bytes(const struct made *made, struct dice *dice)
{
    const struct ArrowArray *array =
        made->arrays[dice_below(dice, made->array_count)];
    uint32_t slots = (uint32_t)(array->offset + array->length);
    uint8_t *bytes;

    if (array->n_buffers < 2 || array->n_buffers > 6 || !array->buffers[1] ||
        array->offset < 0 || array->offset > SLOTS_SOME || array->length < 0 ||
        array->length > SLOTS_SOME || !slots)
        return;
    bytes = (uint8_t *)(uintptr_t)array->buffers[1];
    if (array->n_buffers == 3 && dice_chance(dice, 20)) {
        lf_store_i32(bytes + 4 * (size_t)slots, -1);
        return;
    }
    /* Of the narrowest there are: no byte is beyond. */
    slots = slots / 8;
    for (uint32_t i = 0; slots && i < 4; i++)
        bytes[dice_below(dice, slots)] ^= (uint8_t)(1u << dice_below(dice, 8));
}

static void
spoil(const struct made *made, struct source *source, struct dice *dice)
{
    uint32_t times = 1 + dice_below(dice, 2);

    for (uint32_t i = 0; i < times; i++)
        switch (dice_below(dice, made->array_count ? 5 : 2)) {
        case 0:
            spoil_schema(made, dice);
            break;
        case 1:
            source->fail_at = dice_below(dice, made->record_count + 1);
            break;
        case 2:
            spoil_bytes(made, dice);
            break;
        default:
            spoil_array(made, dice);
            break;
        }
}

/* --- what was written -------------------------------------------------------- */

static bool
same_text(const struct feature_column *column, const int32_t *ends, int32_t i,
          uint8_t value)
{
    char text[TEXT_MAX];
    uint32_t size = text_of(value, text);

    return (uint32_t)(ends[i + 1] - ends[i]) == size &&
           (!size ||
            memcmp((const uint8_t *)column->values + ends[i], text, size) == 0);
}

static bool
same_element(const struct feature_column *column, size_t i, uint8_t value,
             int64_t unit)
{
    const uint8_t *values = column->values;

    switch ((enum feature_type)column->type) {
    case FEATURE_TYPE_BOOL:
        return lf_bit_get(values, i) == (value & 1);
    case FEATURE_TYPE_INT32:
        return lf_load_i32(values + 4 * i) == value;
    case FEATURE_TYPE_INT64:
        return lf_load_i64(values + 8 * i) == value;
    case FEATURE_TYPE_FLOAT32:
        return lf_load_f32(values + 4 * i) == (float)value;
    case FEATURE_TYPE_FLOAT64:
        return lf_load_f64(values + 8 * i) == (double)value;
    case FEATURE_TYPE_TIMESTAMP:
        return lf_load_i64(values + 8 * i) == value * unit;
    case FEATURE_TYPE_STRING:
    case FEATURE_TYPE_BYTES:
        return same_text(column,
                         column->child_offsets ? column->child_offsets
                                               : column->offsets,
                         (int32_t)i, value);
    }
    return false;
}

static bool
same_cell(const struct feature_column *column, uint32_t row,
          const struct feature *feature, const struct cell *cell, int64_t unit)
{
    size_t first = (size_t)row * column->width, count = column->width;

    if (!lf_bit_get(column->validity, row))
        return cell->is_null;
    if (cell->is_null)
        return false;
    if (!feature->width) {
        first = (size_t)column->offsets[row];
        count = (size_t)column->offsets[row + 1] - first;
    }
    if (count != cell->count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!same_element(column, first + i, cell->values[i], unit))
            return false;
    return true;
}

/* Cells of the store that are not those of the table. */
static uint64_t
count_wrong(const struct table *table)
{
    static const struct cell null = {.is_null = true};
    struct feature_column columns[FEATURES];
    struct feature_error error;
    int64_t keys[ROWS_MAX];
    uint64_t wrong = 0;

    for (uint32_t i = 0; i < table->rows; i++)
        keys[i] = i;
    must(feature_request_set_key(at.request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                 NULL, table->rows, &error) ||
             feature_request_read(at.request, &error) ||
             feature_request_columns(at.request, columns, FEATURES, &error),
         &error, "a read");
    for (uint8_t i = 0; i < FEATURES; i++) {
        bool there = memchr(table->order, i, table->columns) != NULL;

        for (uint32_t row = 0; row < table->rows; row++)
            wrong += !same_cell(&columns[i], row, &features[i],
                                there ? &table->cells[i][row] : &null,
                                table->units[i]);
    }
    return wrong;
}

static uint64_t
sequence_now(void)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    struct feature_error error;

    must(feature_store_stats(at.store, &stats, &error), &error, "stats");
    return stats.sequence;
}

/* The last offset of a text, out of its bytes: only the fence can see it. */
static void
lie(const struct made *made)
{
    for (uint32_t i = 0; i < made->array_count; i++) {
        const struct ArrowArray *array = made->arrays[i];
        uint32_t end = (uint32_t)(array->offset + array->length);

        if (array->n_buffers == 3 && array->length)
            lf_store_i32((uint8_t *)(uintptr_t)array->buffers[1] +
                             4 * (size_t)end,
                         1 << 20);
    }
}

static void
judge(const struct rig *rig, const struct table *table, bool is_spoilt,
      feature_status status, const struct feature_commit *commit,
      const struct feature_error *error, uint64_t before)
{
    struct counts *counts = rig->counts;
    bool named = !status ||
                 (error->status == status && *error->reason && *error->message);

    atomic_fetch_add(status ? &counts->refused : &counts->written, 1);
    if (!named || (status && !is_spoilt) ||
        commit->sequence !=
            (status && sequence_now() == before ? 0 : sequence_now()))
        atomic_fetch_add(&counts->wrong, 1);
    if (status && !is_spoilt)
        printf("# refused: %s\n", error->message);
    if (status || is_spoilt)
        return;
    atomic_fetch_add(&counts->rows, commit->applied);
    atomic_fetch_add(&counts->wrong,
                     (commit->applied != table->rows) + count_wrong(table));
}

static void
run_trial(void *context, uint32_t number)
{
    const struct rig *rig = context;
    struct dice dice = {.state = mix(rig->seed, number)};
    static struct table table;
    static struct made made;
    struct source source = {.made = &made, .fail_at = UINT32_MAX};
    struct ArrowArrayStream stream = {give_schema, give_next, give_error,
                                      give_up, &source};
    struct feature_arrow_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_error error = {0};
    bool is_spoilt = rig->fault == FAULT_NONE && dice_chance(&dice, 60);
    feature_status status;
    uint64_t before;

    open_once(rig);
    make_table(&table, &dice);
    make_stream(&table, &made, &dice);
    if (is_spoilt)
        spoil(&made, &source, &dice);
    if (rig->fault == FAULT_LIES)
        lie(&made);
    if (rig->fault == FAULT_FORGES && table.rows)
        table.cells[table.order[0]][0].is_null ^= true;
    options.commit_rows = dice_chance(&dice, 50) ? 0 : dice_below(&dice, 20);
    options.flags = dice_chance(&dice, 30) ? FEATURE_WRITE_SKIP_INVALID : 0;
    before = sequence_now();
    status = feature_store_write_arrow(at.store, "t", FEATURE_UPSERT, &stream,
                                       &options, &commit, &error);
    if (source.releases != 1 || stream.release)
        atomic_fetch_add(&rig->counts->wrong, 1);
    judge(rig, &table, is_spoilt, status, &commit, &error, before);
}

/* One run over all streams; returns how many things went wrong. */
static uint64_t
run(struct rig *rig, enum fault fault, const char *name, uint32_t first,
    uint32_t count)
{
    uint32_t hung, crashed;
    uint64_t bad;

    memset((void *)rig->counts, 0, sizeof *rig->counts);
    rig->fault = fault;
    rig_directory(rig->directory);
    crashed = rig_run(first, first + count, run_trial, rig, &hung);
    rig_remove(rig->directory);
    bad = crashed + hung + rig->counts->wrong;
    if (fault)
        printf("%sok %s: %u crashes, %" PRIu64 " wrong in %u streams\n",
               bad ? "" : "not ", name, crashed, (uint64_t)rig->counts->wrong,
               count);
    else
        printf("%sok %u streams: %u crashes, %u hangs, %" PRIu64
               " wrong; %" PRIu64 " written, %" PRIu64 " rows, %" PRIu64
               " refused, seed %" PRIu64 "\n",
               bad ? "not " : "", count, crashed, hung,
               (uint64_t)rig->counts->wrong, (uint64_t)rig->counts->written,
               (uint64_t)rig->counts->rows, (uint64_t)rig->counts->refused,
               rig->seed);
    return bad;
}

int
main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20000;
    struct rig rig = {.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    uint32_t first = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    bool failed;

    rig.counts = rig_share(sizeof *rig.counts);
    failed = run(&rig, FAULT_NONE, NULL, first, count) > 0;
    failed |= !run(&rig, FAULT_FORGES, "a forged value shows", 0, CONTROL);
    failed |= !run(&rig, FAULT_LIES, "a read past a buffer shows", 0, CONTROL);
    return failed;
}
