/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV files of the tool: records, header, cells of every type, guesses of types.
 *
 * Property: records and complaints are the same whatever the size of a block,
 * and with SIMD and without; a refused cell leaves its column usable.
 */
#include "target.h"

#include <sys/mman.h>

#include "cell.h"
#include "csv.h"
#include "header.h"
#include "sniff.h"

#define COLUMNS 12
#define WHOLE   (1u << 14) /* bytes: inputs are read at once */
#define ROWS    64

static const struct feature_field fields[COLUMNS] = {
    {.name = "b", .type = FEATURE_TYPE_BOOL, .width = 1},
    {.name = "i", .type = FEATURE_TYPE_INT32, .width = 1},
    {.name = "l", .type = FEATURE_TYPE_INT64, .width = 1},
    {.name = "f", .type = FEATURE_TYPE_FLOAT32, .width = 1},
    {.name = "g", .type = FEATURE_TYPE_FLOAT64, .width = 1},
    {.name = "s", .type = FEATURE_TYPE_STRING, .width = 1},
    {.name = "y", .type = FEATURE_TYPE_BYTES, .width = 1},
    {.name = "t", .type = FEATURE_TYPE_TIMESTAMP, .width = 1},
    {.name = "v", .type = FEATURE_TYPE_FLOAT32, .width = 3},
    {.name = "li",
     .type = FEATURE_TYPE_INT64,
     .width = 1,
     .flags = FEATURE_FIELD_LIST},
    {.name = "ls",
     .type = FEATURE_TYPE_STRING,
     .width = 1,
     .flags = FEATURE_FIELD_LIST},
    {.name = "lf",
     .type = FEATURE_TYPE_FLOAT32,
     .width = 1,
     .flags = FEATURE_FIELD_LIST},
};

static int
file_of(const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);

    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size ||
        lseek(fd, 0, SEEK_SET))
        abort();
    return fd;
}

static void
print_record(struct text *out, const struct csv_reader *reader)
{
    text_add(out, "%llu-%llu", (unsigned long long)reader->first_line,
             (unsigned long long)reader->last_line);
    for (uint32_t i = 0; i < reader->count; i++) {
        text_add(out, csv_is_quoted(reader, i) ? " q<" : " <");
        text_add_bytes(out, reader->cells[i].text, reader->cells[i].size);
        text_add(out, ">");
    }
    text_add(out, " %llu\n", (unsigned long long)csv_consumed(reader));
}

/* What the reader says, as a text. */
static struct text
read_all(int fd, size_t block, bool is_scalar, char delimiter, bool skips)
{
    struct csv_reader reader;
    struct text out = {0};
    enum csv_result result;

    lseek(fd, 0, SEEK_SET);
    csv_open(&reader, fd, delimiter);
    reader.block = block;
    reader.scan.is_scalar = is_scalar;
    reader.skips_blank = skips;
    while ((result = csv_next(&reader)) != CSV_END) {
        if (result == CSV_RECORD)
            print_record(&out, &reader);
        else
            text_add(&out, "%d %llu:%llu %s\n", result,
                     (unsigned long long)reader.problem.line,
                     (unsigned long long)reader.problem.column,
                     reader.problem.message);
        if (result == CSV_FAILED)
            break;
    }
    csv_close(&reader);
    text_add(&out, "end");
    return out;
}

static void
compare_blocks(int fd, char delimiter, bool skips)
{
    static const size_t blocks[] = {1, 3, 64, 65};
    struct text whole = read_all(fd, WHOLE, false, delimiter, skips);

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct text other = read_all(fd, blocks[i], i & 1, delimiter, skips);

        expect(other.size == whole.size &&
                   !memcmp(other.data, whole.data, whole.size),
               "blocks of all sizes read the same");
        text_free(&other);
    }
    text_free(&whole);
}

static void
add_cell(struct cell_column columns[COLUMNS], struct sniff *sniff, uint32_t row,
         const struct csv_reader *reader, uint32_t i)
{
    const struct csv_cell *cell = &reader->cells[i];

    sniff_add(sniff, cell->text, cell->size, reader->first_line);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        const char *why = cell_add(&columns[c], row, cell->text, cell->size,
                                   csv_is_quoted(reader, i));

        if (why)
            expect(why[0] && !cell_add(&columns[c], row, "", 0, false),
                   "a column goes on behind a refused cell");
    }
}

/* Every cell into a column of every type. */
static void
take_cells(int fd, char delimiter)
{
    struct cell_column columns[COLUMNS];
    struct sniff sniff = {0};
    struct csv_problem problem;
    struct header header;
    struct csv_reader reader;
    struct text text = {0};
    enum csv_result result;
    uint32_t row = 0;

    lseek(fd, 0, SEEK_SET);
    for (uint32_t c = 0; c < COLUMNS; c++)
        expect(cell_init(&columns[c], &fields[c], ROWS), "a column");
    csv_open(&reader, fd, delimiter);
    reader.block = WHOLE;
    if (!header_read(&header, &reader, &problem))
        expect(problem.message[0], "a refused header says why");
    header_free(&header);
    while ((result = csv_next(&reader)) != CSV_END && result != CSV_FAILED)
        for (uint32_t i = 0; result == CSV_RECORD && i < reader.count; i++)
            add_cell(columns, &sniff, row++ % ROWS, &reader, i);
    csv_close(&reader);
    sniff_add_type(&sniff, &text);
    sniff_add_reason(&sniff, &text);
    text_free(&text);
    for (uint32_t c = 0; c < COLUMNS; c++)
        cell_free(&columns[c]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char delimiters[] = ",\t;|";
    struct input input = {bytes, bytes + size};
    uint8_t first = take_u8(&input);
    int fd = file_of(input.at, left_of(&input));

    compare_blocks(fd, delimiters[first & 3], first & 4);
    take_cells(fd, delimiters[first & 3]);
    close(fd);
    return 0;
}
