/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a catalog: kind, id, size and message of each, under a right
 * checksum unless the input says otherwise.
 *
 * Property: a refusal is FEATURE_CORRUPT or FEATURE_VERSION; what is accepted is
 * a catalog whose description changes nothing (where it has no services), and
 * whose records decode to that description; a view's record alone has as many
 * schema versions as the view.
 */
#include "target.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/record.h"
#include "model/define.h"

#define RECORDS 24

static uint8_t *
take_record(struct input *input, struct lf_record *record)
{
    uint8_t kind = take_u8(input), id = take_u8(input);
    size_t size = take_u16(input);
    uint8_t *message = take_copy(input, &size), *made = malloc(size + 4);

    if (!made)
        abort();
    record->key[0] = kind & 0x7f;
    memset(record->key + 1, 0, 3);
    record->key[4] = id;
    if (size)
        memcpy(made + 4, message, size);
    lf_store_u32(made, lf_crc32c(lf_crc32c(0, record->key, LF_RECORD_KEY_SIZE),
                                 made + 4, size) ^
                           (kind >> 7));
    record->bytes = made;
    record->size = size + 4;
    free(message);
    return made;
}

static char *
describe(const struct lf_catalog *catalog)
{
    struct lf_text text = {0};
    struct feature_error error;

    expect(!lf_describe(catalog, NULL, &text, &error), "a description");
    return lf_text_take(&text);
}

static void
check_catalog(const struct lf_catalog *catalog)
{
    char *text = describe(catalog), *again;
    struct lf_catalog *other = NULL;
    struct lf_arena arena = {0};
    struct feature_error error;
    struct lf_record *records;
    size_t count;

    /* A service keeps its text as it was written: nobody compares them. */
    if (!catalog->service_count)
        expect(!lf_define(catalog, text, &other, NULL, &error) && !other,
               "a description changes nothing");
    expect(!lf_records_encode(catalog, &arena, &records, &count, &error),
           "a catalog encodes");
    expect(!lf_records_decode(records, count, &other, &error),
           "its records decode");
    again = describe(other);
    expect(!strcmp(text, again), "the same description");
    lf_free(again);
    lf_free(text);
    lf_catalog_release(other);
    lf_arena_free(&arena);
}

/* The record of a view alone; catalog: of all, where they are one. */
static void
check_schemas(const struct lf_record *record, const struct lf_catalog *catalog)
{
    struct feature_error error = {0};
    const struct lf_view *view = NULL;
    uint32_t count = 0;
    feature_status status;

    if (record->key[0] != LF_RECORD_VIEW)
        return;
    status = lf_record_schema_count(record, &count, &error);
    if (status) {
        expect_named(status, &error);
        expect(status == FEATURE_CORRUPT && !catalog, "damage is damage");
    } else if (catalog) {
        view = lf_catalog_view_by_id(catalog, lf_load_big_u32(record->key + 1));
        expect(view && view->schema_count == count, "so many schema versions");
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    struct lf_record records[RECORDS];
    uint8_t *made[RECORDS];
    struct lf_catalog *catalog = NULL;
    struct feature_error error = {0};
    feature_status status;
    size_t count = 0;

    while (count < RECORDS && left_of(&input)) {
        made[count] = take_record(&input, &records[count]);
        count++;
    }
    status = lf_records_decode(records, count, &catalog, &error);
    if (status) {
        expect_named(status, &error);
        expect(status == FEATURE_CORRUPT || status == FEATURE_VERSION,
               "damage is damage");
    } else {
        check_catalog(catalog);
    }
    for (size_t i = 0; i < count; i++)
        check_schemas(&records[i], catalog);
    lf_catalog_release(catalog);
    while (count)
        free(made[--count]);
    return 0;
}
