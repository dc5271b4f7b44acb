/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One chunk of a load.
 *
 * Owns the way from records to the columns of a batch, and the bad ones.
 * Keeps every complaint at file, line and column of the file.
 * Never writes to a store, so that it may run beside a write.
 */
#include "slot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (32u << 20) /* of CSV, at most, in a chunk */
#define UNIT_ROWS   64          /* first rows to judge a unit by */

static feature_status
fail_memory(struct feature_error *error)
{
    *error = (struct feature_error){.status = FEATURE_NO_MEMORY,
                                    .row = -1,
                                    .reason = "memory",
                                    .message = "out of memory"};
    return FEATURE_NO_MEMORY;
}

feature_status
slot_init(struct slot *slot, feature_store *store,
          const struct load_options *options,
          const struct load_mapping *mapping, uint32_t chunk,
          struct feature_error *error)
{
    memset(slot, 0, sizeof *slot);
    slot->columns = calloc(mapping->count, sizeof *slot->columns);
    slot->lines = calloc(chunk, sizeof *slot->lines);
    slot->records = calloc((size_t)chunk + 1, sizeof *slot->records);
    if (!slot->columns || !slot->lines || !slot->records)
        return fail_memory(error);
    slot->column_count = mapping->count;
    for (uint32_t i = 0; i < mapping->count; i++) {
        const struct load_column *from = &mapping->columns[i];

        if (!cell_init(&slot->columns[i], &from->field, chunk))
            return fail_memory(error);
        slot->columns[i].source = from->source;
        slot->columns[i].moment = from->moment;
    }
    return feature_batch_create(store, options->view, mapping->names.data,
                                mapping->operation, &slot->batch, error);
}

void
slot_free(struct slot *slot)
{
    for (uint32_t i = 0; i < slot->column_count; i++)
        cell_free(&slot->columns[i]);
    free(slot->columns);
    free(slot->lines);
    free(slot->records);
    free(slot->rejects);
    text_free(&slot->kept);
    feature_batch_free(slot->batch);
}

static void
clear(struct slot *slot)
{
    slot->rows = 0;
    slot->read = 0;
    slot->reject_count = 0;
    slot->end = SLOT_MORE;
    text_clear(&slot->kept);
    feature_batch_clear(slot->batch);
}

static bool
add_reject(struct slot *slot, uint64_t line, size_t record, size_t size,
           const char *why)
{
    struct slot_reject *reject;

    if (slot->reject_count == slot->reject_capacity) {
        uint32_t capacity =
            slot->reject_capacity ? slot->reject_capacity * 2 : 16;
        struct slot_reject *rejects =
            realloc(slot->rejects, capacity * sizeof *rejects);

        if (!rejects)
            return false;
        slot->rejects = rejects;
        slot->reject_capacity = capacity;
    }
    reject = &slot->rejects[slot->reject_count++];
    reject->line = line;
    reject->record = record;
    reject->record_size = size;
    snprintf(reject->why, sizeof reject->why, "%s", why);
    return true;
}

bool
slot_reject_row(struct slot *slot, uint32_t row, const char *why)
{
    return add_reject(slot, slot->lines[row], slot->records[row],
                      slot->records[row + 1] - slot->records[row], why);
}

static int
compare_lines(const void *a, const void *b)
{
    const struct slot_reject *left = a, *right = b;

    return (left->line > right->line) - (left->line < right->line);
}

void
slot_print_rejects(struct slot *slot, struct text *text)
{
    if (slot->reject_count)
        qsort(slot->rejects, slot->reject_count, sizeof *slot->rejects,
              compare_lines);
    for (uint32_t i = 0; i < slot->reject_count; i++) {
        const struct slot_reject *reject = &slot->rejects[i];

        text_add(text, "%" PRIu64 ",", reject->line);
        text_add_csv(text, reject->why, strlen(reject->why));
        text_add(text, ",");
        text_add_csv(text, slot->kept.data + reject->record,
                     reject->record_size);
        text_add(text, "\n");
    }
}

static void
stop(struct slot *slot, const struct slot_filler *filler, uint64_t line,
     uint64_t column, const char *why)
{
    const char *file = tool_file_name(filler->options->file);

    slot->end = SLOT_STOP;
    if (line)
        snprintf(slot->stop, sizeof slot->stop,
                 "%s:%" PRIu64 ":%" PRIu64 ": %s", file, line, column, why);
    else
        snprintf(slot->stop, sizeof slot->stop, "feature: %s: %s", file, why);
}

/* A record that cannot be stored: a reject, or the end of the load. */
static void
refuse(struct slot *slot, struct slot_filler *filler, uint64_t line,
       uint64_t column, const char *why)
{
    const struct csv_reader *reader = filler->reader;
    size_t record = slot->kept.size;

    if (!filler->options->rejects) {
        stop(slot, filler, line, column, why);
        return;
    }
    text_add_bytes(&slot->kept, reader->record, reader->record_size);
    if (slot->kept.failed ||
        !add_reject(slot, reader->first_line, record, reader->record_size, why))
        stop(slot, filler, line, column, "out of memory");
}

/* Adds what a time would be in another unit. */
static void
add_hint(struct text *why, const struct cell_column *column,
         const struct csv_cell *cell)
{
    struct moment_format format = {.kind = MOMENT_ISO};
    char printed[MOMENT_SIZE];
    int64_t value;

    if (column->type != FEATURE_TYPE_TIMESTAMP ||
        !moment_likely_unit(cell->text, cell->size, &format.kind) ||
        moment_read(&format, cell->text, cell->size, &value))
        return;
    moment_print(printed, value);
    text_add(why, " (read as %s it is %s)", moment_kind_name(format.kind),
             printed);
}

static void
refuse_cell(struct slot *slot, struct slot_filler *filler,
            const struct cell_column *column, const char *reason)
{
    const struct csv_reader *reader = filler->reader;
    const struct csv_cell *cell = &reader->cells[column->source];
    struct text why = {0};
    uint64_t line, place;

    csv_place(reader, cell->at, &line, &place);
    text_add(&why, "%s", column->name);
    if (cell->size) {
        text_add(&why, ": \"");
        text_add_visible(&why, cell->text, cell->size, 40);
        text_add(&why, "\"");
    }
    text_add(&why, " %s", reason);
    add_hint(&why, column, cell);
    refuse(slot, filler, line, place,
           text_end(&why) ? why.data : "out of memory");
    text_free(&why);
}

static void
refuse_count(struct slot *slot, struct slot_filler *filler)
{
    const struct csv_reader *reader = filler->reader;
    char why[80];
    uint64_t line, column;

    csv_place(reader, reader->record_size, &line, &column);
    snprintf(why, sizeof why, "%u cells, where the header has %u",
             reader->count, filler->mapping->cells);
    refuse(slot, filler, line, column, why);
}

/* Looks at the event timestamp of one of the first rows. */
static void
look_at_unit(struct slot_filler *filler, const struct cell_column *column)
{
    struct slot_units *units = &filler->units;
    const struct csv_cell *cell = &filler->reader->cells[column->source];
    enum moment_kind kind;
    int64_t value;

    units->rows++;
    if (!moment_read(&column->moment, cell->text, cell->size, &value) &&
        moment_is_likely(value)) {
        units->likely++;
        return;
    }
    if (!moment_likely_unit(cell->text, cell->size, &kind))
        return;
    if (!units->others++) {
        units->kind = kind;
        units->line = filler->reader->first_line;
        snprintf(units->text, sizeof units->text, "%.*s", (int)cell->size,
                 cell->text);
    }
}

/* After the first rows: stops if most are likely in another unit only. */
static void
judge_unit(struct slot *slot, struct slot_filler *filler)
{
    struct slot_units *units = &filler->units;
    const struct load_column *column =
        &filler->mapping->columns[filler->mapping->time];
    struct moment_format other = {.kind = units->kind};
    char now[MOMENT_SIZE] = "out of range", then[MOMENT_SIZE], why[320];
    int64_t value;

    units->rows = UNIT_ROWS;
    if (units->others <= units->likely)
        return;
    if (!moment_read(&column->moment, units->text, strlen(units->text), &value))
        moment_print(now, value);
    if (!moment_read(&other, units->text, strlen(units->text), &value))
        moment_print(then, value);
    snprintf(why, sizeof why,
             "event_timestamp %s in %s is %s; in %s it is %s: say "
             "--timestamp COLUMN:%s, or --force to load it as it is",
             units->text, moment_kind_name(column->moment.kind), now,
             moment_kind_name(units->kind), then,
             moment_kind_name(units->kind));
    stop(slot, filler, units->line, 1, why);
}

static bool
judges_unit(const struct slot_filler *filler)
{
    const struct load_mapping *mapping = filler->mapping;
    enum moment_kind kind;

    if (filler->options->force || mapping->time == HEADER_NONE)
        return false;
    kind = mapping->columns[mapping->time].moment.kind;
    return filler->units.rows < UNIT_ROWS && kind != MOMENT_ISO &&
           kind != MOMENT_PATTERN;
}

static void
add_record(struct slot *slot, struct slot_filler *filler)
{
    const struct csv_reader *reader = filler->reader;
    struct cell_column *bad;
    const char *why;

    if (reader->count != filler->mapping->cells) {
        refuse_count(slot, filler);
        return;
    }
    if (judges_unit(filler)) {
        look_at_unit(filler, &slot->columns[filler->mapping->time]);
        if (filler->units.rows == UNIT_ROWS)
            judge_unit(slot, filler);
        if (slot->end == SLOT_STOP)
            return;
    }
    bad = cell_add_record(slot->columns, slot->column_count, slot->rows, reader,
                          &why);
    if (bad && why == cell_no_memory)
        stop(slot, filler, reader->first_line, 1, "a chunk is out of memory");
    else if (bad)
        refuse_cell(slot, filler, bad, why);
    if (bad)
        return;
    slot->lines[slot->rows] = reader->first_line;
    if (filler->options->rejects) {
        slot->records[slot->rows] = slot->kept.size;
        text_add_bytes(&slot->kept, reader->record, reader->record_size);
        slot->records[slot->rows + 1] = slot->kept.size;
        if (slot->kept.failed)
            stop(slot, filler, reader->first_line, 1, "out of memory");
    }
    slot->rows++;
}

static void
set_batch(struct slot *slot, const struct slot_filler *filler)
{
    struct feature_error error;

    for (uint32_t i = 0; i < slot->column_count; i++) {
        if (cell_set_batch(&slot->columns[i], slot->batch, i, slot->rows,
                           &error)) {
            stop(slot, filler, 0, 0, error.message);
            return;
        }
    }
}

void
slot_fill(struct slot *slot, struct slot_filler *filler)
{
    struct csv_reader *reader = filler->reader;
    uint64_t first = csv_consumed(reader);

    clear(slot);
    while (slot->end == SLOT_MORE && slot->rows < filler->chunk &&
           slot->read < 2 * (uint64_t)filler->chunk &&
           csv_consumed(reader) - first < CHUNK_BYTES) {
        enum csv_result result = csv_next(reader);

        if (result == CSV_END) {
            slot->end = SLOT_LAST;
            break;
        }
        if (result == CSV_FAILED) {
            stop(slot, filler, reader->problem.line, reader->problem.column,
                 reader->problem.message);
            return;
        }
        slot->read++;
        slot->last_line = reader->last_line;
        if (result == CSV_BAD)
            refuse(slot, filler, reader->problem.line, reader->problem.column,
                   reader->problem.message);
        else
            add_record(slot, filler);
    }
    if (judges_unit(filler) && filler->units.rows)
        judge_unit(slot, filler);
    slot->consumed = csv_consumed(reader);
    if (slot->end != SLOT_STOP && slot->rows)
        set_batch(slot, filler);
}
