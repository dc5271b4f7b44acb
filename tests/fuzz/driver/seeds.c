/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds DIRECTORY: writes the starting files of the targets that read bytes, made
 * by the library's own encoders, below tests/fuzz/corpus. Texts are written by
 * hand.
 *
 * Owns one catalog and one store, with all that they can hold.
 * Keeps a file small: what is not in it cannot be damaged.
 * Never asks for the time; only the number of a store is drawn.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../parcel.h"
#include "../reseal.h"
#include "../rig.h"
#include "base/bytes.h"
#include "exchange/arrow.h"
#include "format/change.h"
#include "format/key.h"
#include "format/load.h"
#include "format/manifest.h"
#include "format/record.h"
#include "format/row.h"
#include "model/define.h"

#define DEFINITIONS                                                            \
    "CREATE ENTITY e (k INT64, p STRING); CREATE FEATURE VIEW v (b BOOL, i "   \
    "INT32 DEFAULT 4, d TIMESTAMP, s STRING, w FLOAT32[3], l INT64[], t "      \
    "STRING[]) FOR e WITH (ttl = '1 day'); CREATE FEATURE VIEW u (a INT64 "    \
    "DEFAULT 7) FOR e;CREATE EVENT p (q STRING, k INT64, r FLOAT64) WITH "     \
    "(dedupe = q);CREATE FEATURE VIEW x (m = COUNT(*) BY q WHERE k IN (1, 2) " \
    "OVER '1 h', d = LAST(r, 3) DEFAULT [1] OVER TUMBLE '1 d') FOR e (p = q) " \
    "FROM p;CREATE FEATURE SERVICE s1 AS v(*), u(a AS c);STORE WITH (changes " \
    "= '3 days', max_size = '1 GB')"

#define LATER                                                                 \
    "CREATE FEATURE VIEW v (i INT64, z INT64) FOR e; DROP FEATURE SERVICE s1" \
    "; DROP FEATURE v:b; DROP FEATURE x:d; CREATE FEATURE SERVICE s AS v(*)"

static const char *root;

static void
give(const char *target, const char *name, const struct lf_buffer *bytes)
{
    char path[RIG_PATH_SIZE * 2];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", root, target);
    if (mkdir(path, 0777) && errno != EEXIST)
        rig_give_up(path, strerror(errno));
    snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    file = fopen(path, "wb");
    if (!file || fwrite(bytes->data, 1, bytes->size, file) != bytes->size)
        rig_give_up(path, strerror(errno));
    fclose(file);
}

static void
put(struct lf_buffer *to, const void *bytes, size_t size)
{
    if (!lf_buffer_append(to, bytes, size))
        rig_give_up("a seed", "no memory");
}

static void
put_u8(struct lf_buffer *to, uint8_t byte)
{
    put(to, &byte, 1);
}

static void
put_u16(struct lf_buffer *to, size_t value)
{
    uint8_t bytes[2];

    lf_store_u16(bytes, (uint16_t)value);
    put(to, bytes, 2);
}

static void
must(feature_status status, const struct feature_error *error)
{
    if (status)
        rig_give_up("a call", error->message);
}

/* --- keys and rows --------------------------------------------------------------- */

static void
give_keys(void)
{
    struct lf_buffer made = {0};
    uint8_t key[64], *end;

    put_u8(&made, 4); /* INT64, BYTES, INT64 */
    lf_key_put_int64(key, -5);
    end = lf_key_put_bytes(key + 8, "a\0b", 3);
    lf_key_put_int64(end, 7);
    put_u16(&made, (size_t)(end + 8 - key));
    put(&made, key, (size_t)(end + 8 - key));
    lf_key_put_int64(key, -6);
    put(&made, key, (size_t)(end + 8 - key));
    give("key", "three", &made);
    made.size = 0;
    put_u8(&made, 1); /* STRING */
    end = lf_key_put_bytes(key, "caf\xc3\xa9", 5);
    put_u16(&made, (size_t)(end - key));
    put(&made, key, (size_t)(end - key));
    put(&made, key, (size_t)(end - key));
    give("key", "string", &made);
    made.size = 0;
    put(&made, "\x85\3abc\2\0\1\1x\2ab\0\3", 14);
    give("key", "tuples", &made);
    made.size = 0;
    put(&made, "\x84\1\2\3\4\5\6\7\x80\4ab\0c\x81\2\3\4\5\6\7\0\0", 23);
    give("key", "tuples-mixed", &made);
    lf_buffer_free(&made);
}

/* The types of a seed's fields, as targets/row.c reads them. */
static const uint8_t shape[] = {0, 1, 2, 3, 4, 5, 6, 7, 0x82, 0x42, 0x45};
static const uint8_t widths[] = {1, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1};

static void
fill(const struct lf_layout *layout, struct lf_cell *cells, int64_t times)
{
    static const uint8_t list[] = {2, 0, 0, 0, 1,   0,   0,  0,
                                   3, 0, 0, 0, 'a', 'b', 'c'};
    static const uint8_t zeros[64];

    for (uint32_t i = 0; i < layout->count; i++) {
        const struct lf_slot *slot = &layout->slots[i];

        cells[i] = (struct lf_cell){.bytes = zeros, .size = slot->size};
        cells[i].time = 1000 - i % times;
        cells[i].is_null = i % 5 == 4;
        if (!slot->size)
            cells[i].size = 16;
        if (slot->type.is_list && slot->type.code == FEATURE_TYPE_STRING) {
            cells[i].bytes = list;
            cells[i].size = sizeof list;
        }
    }
}

static void
give_row(const char *name, uint32_t count, int64_t times)
{
    struct lf_schema_field fields[sizeof shape];
    struct lf_schema schema = {1, count, fields};
    struct lf_cell cells[sizeof shape];
    struct lf_buffer made = {0}, row = {0};
    struct lf_arena arena = {0};
    struct lf_layout layout;

    put_u8(&made, (uint8_t)(count - 1));
    for (uint32_t i = 0; i < count; i++) {
        fields[i].feature = i + 1;
        fields[i].type =
            (struct lf_type){1 + shape[i] % 8, widths[i], shape[i] & 0x40};
        put_u8(&made, shape[i]);
        if (widths[i] > 1)
            put_u8(&made, (uint8_t)(widths[i] - 2));
    }
    if (!lf_layout_init(&layout, &schema, &arena))
        rig_give_up("a layout", "no memory");
    fill(&layout, cells, times);
    if (!lf_row_encode(&layout, cells, &row))
        rig_give_up("a row", "no memory");
    put(&made, row.data, row.size);
    give("row", name, &made);
    lf_buffer_free(&made);
    lf_buffer_free(&row);
    lf_arena_free(&arena);
}

static void
give_rows(void)
{
    struct lf_buffer made = {0}, row = {0};

    give_row("one-time", sizeof shape, 1);
    give_row("times", sizeof shape, 3);
    give_row("fixed", 4, 2);
    give_row("single", 1, 1);
    put(&made, "\0\2", 2);
    lf_row_encode_tombstone(1, 77, &row);
    put(&made, row.data, row.size);
    give("row", "tombstone", &made);
    lf_buffer_free(&made);
    lf_buffer_free(&row);
}

/* --- history and changes --------------------------------------------------------- */

/* The layout of targets/history.c. */
#include "seeds_history.h"

static void
give_part(const char *name, struct lf_buffer *part)
{
    struct lf_buffer made = {0};

    lf_part_end(part, false);
    put_u8(&made, 0);
    put(&made, part->data + LF_FRAME_SIZE, part->size - LF_FRAME_SIZE);
    give("change", name, &made);
    lf_buffer_free(&made);
}

static void
give_changes(void)
{
    static const struct lf_change_head head = {.sequence = 7, .epoch = 2};
    static const struct feature_source source = {"a", "xy", 10, 10, 3, 2};
    const struct lf_change change = {.view = 1,
                                     .operation = FEATURE_UPSERT,
                                     .time = -9,
                                     .key = {(const uint8_t *)"key", 3},
                                     .after = {(const uint8_t *)"after", 5}};
    struct lf_buffer part = {0};
    uint8_t hash[16];

    lf_part_begin(&part, &head, &source, 1);
    give_part("sources", &part);
    lf_part_begin(&part, &head, NULL, 0);
    lf_part_add(&part, &change, hash);
    lf_part_add(&part, &change, hash);
    give_part("changes", &part);
    lf_part_begin_next(&part, 7, 1);
    lf_part_add(&part, &change, hash);
    give_part("next", &part);
    lf_buffer_free(&part);
}

/* --- records --------------------------------------------------------------------- */

static struct lf_catalog *
make_catalog(void)
{
    struct lf_catalog *empty = lf_catalog_empty(), *made, *after;
    struct feature_error error;

    must(lf_define(empty, DEFINITIONS, &made, NULL, &error), &error);
    must(lf_define(made, LATER, &after, NULL, &error), &error);
    lf_catalog_release(empty);
    lf_catalog_release(made);
    return after;
}

static void
give_records(bool has_service)
{
    struct lf_catalog *catalog = make_catalog();
    struct lf_buffer made = {0};
    struct lf_arena arena = {0};
    struct feature_error error;
    struct lf_record *records;
    size_t count;

    must(lf_records_encode(catalog, &arena, &records, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        if (!has_service && records[i].key[0] == LF_RECORD_SERVICE)
            continue;
        put_u8(&made, records[i].key[0]);
        put_u8(&made, records[i].key[LF_RECORD_KEY_SIZE - 1]);
        put_u16(&made, records[i].size - 4);
        put(&made, records[i].bytes + 4, records[i].size - 4);
    }
    give("record", has_service ? "all" : "views", &made);
    lf_buffer_free(&made);
    lf_arena_free(&arena);
    lf_catalog_release(catalog);
}

static void
give_versions(const struct lf_meta_view *meta)
{
    uint8_t kept[LF_META_VERSION_SIZE], number[LF_LOADS_NUMBER_SIZE];
    struct lf_buffer made = {0};
    char key[LF_META_KEY_SIZE];

    lf_meta_version_key(LF_KEPT, 1, 3, key);
    put_u8(&made, 0x03);
    put(&made, kept, lf_meta_version_encode(meta, key, kept));
    give("meta", "kept", &made);
    made.size = 0;
    lf_loads_number_encode(7, number);
    put_u8(&made, 0x04);
    put(&made, number, sizeof number);
    give("meta", "number", &made);
    lf_buffer_free(&made);
}

static void
give_metas(void)
{
    struct lf_manifest_view views[] = {{1, lf_meta_view_empty()},
                                       {2, lf_meta_view_empty()}};
    struct lf_manifest manifest = {.meta = {.format = LF_FORMAT_VERSION,
                                            .shard_count = 1,
                                            .sequence = 3,
                                            .catalog_version = 2},
                                   .view_count = 2,
                                   .views = views};
    uint8_t store[LF_META_STORE_SIZE], view[LF_META_VIEW_SIZE];
    struct lf_buffer made = {0};
    struct feature_error error;

    lf_meta_store_encode(&manifest.meta, store);
    put_u8(&made, 0x80);
    put(&made, store, sizeof store);
    give("meta", "store", &made);
    made.size = 0;
    lf_meta_view_encode(&views[0].meta, 1, view);
    put_u8(&made, 0x01);
    put(&made, view, sizeof view);
    give("meta", "view", &made);
    made.size = 0;
    put_u8(&made, 0x02);
    must(lf_manifest_encode(&manifest, &made, &error), &error);
    give("meta", "manifest", &made);
    give_versions(&views[0].meta);
    lf_buffer_free(&made);
}

/* --- a snapshot ------------------------------------------------------------------- */

static void
write_rows(feature_store *store, const char *view, int32_t operation)
{
    static const int64_t keys[] = {1, 2, 3}, times[] = {10, 20, 30};
    static const int32_t ends[] = {0, 1, 1, 2};
    struct feature_error error;
    feature_batch *batch;

    must(feature_batch_create(store, view, "k, p, event_timestamp", operation,
                              &batch, &error),
         &error);
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL, 3,
                           &error),
         &error);
    must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING, "ab", ends, NULL, 3,
                           &error),
         &error);
    must(feature_batch_set(batch, 2, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           3, &error),
         &error);
    must(feature_store_write(store, &batch, 1, NULL, NULL, &error), &error);
    feature_batch_free(batch);
}

static void
give_file(const char *path, const char *name, uint8_t first)
{
    struct lf_buffer made = {0};
    FILE *file = fopen(path, "rb");
    uint8_t bytes[4096];
    size_t size;

    if (!file)
        rig_give_up(path, strerror(errno));
    put_u8(&made, first);
    while ((size = fread(bytes, 1, sizeof bytes, file)))
        put(&made, bytes, size);
    fclose(file);
    give("snapshot", name, &made);
    lf_buffer_free(&made);
}

static void
give_snapshots(void)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = FEATURE_OPEN_CREATE,
                                      .fixed_now = 1000000};
    char directory[RIG_PATH_SIZE], path[RIG_PATH_SIZE + 16],
        file[RIG_PATH_SIZE + 16];
    static struct parts parts;
    struct feature_error error;
    feature_store *store;

    rig_directory(directory);
    snprintf(path, sizeof path, "%s/store", directory);
    snprintf(file, sizeof file, "%s/a.snap", directory);
    must(feature_store_open(path, &options, &store, &error), &error);
    must(feature_store_snapshot(store, file, NULL, NULL, NULL, &error), &error);
    give_file(file, "empty", 0);
    must(feature_store_apply(store, DEFINITIONS, NULL, NULL, &error), &error);
    write_rows(store, "v", FEATURE_UPSERT);
    write_rows(store, "u", FEATURE_DELETE);
    must(feature_store_snapshot(store, file, NULL, NULL, NULL, &error), &error);
    feature_store_close(store);
    give_file(file, "packed", 0);
    parts_read(&parts, file);
    parts_write(&parts, file, false);
    parts_free(&parts);
    give_file(file, "plain", 0);
    give_file(file, "kept", 2); /* the trailer: targets/snapshot.c */
    rig_remove(directory);
}

#include "seeds_parcel.h"

static void
give_streams(void)
{
    struct dice dice = {1};
    char name[16];

    for (uint32_t i = 0; i < 40; i++) {
        struct lf_buffer made = {0};

        for (uint32_t n = 20 + dice_below(&dice, 300); n; n--)
            put_u8(&made, (uint8_t)(dice_draw(&dice) &
                                    (dice_chance(&dice, 70) ? 31 : 255)));
        snprintf(name, sizeof name, "stream-%02u", i);
        give("arrow", name, &made);
        lf_buffer_free(&made);
    }
}

int
main(int argc, char **argv)
{
    if (argc != 2)
        rig_give_up("seeds", "takes one directory");
    root = argv[1];
    give_keys();
    give_rows();
    give_history();
    give_blocks();
    give_changes();
    give_records(true);
    give_records(false);
    give_metas();
    give_snapshots();
    give_streams();
    give_parcels();
    return 0;
}
