/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RocksDB: MultiGet.
 *
 * Owns a database of the same rows, compacted into tables.
 * Keeps it fair: batched MultiGet into pinned slices, everything in a block
 * cache, full Bloom filters, no compression, no checksums on reads.
 * Never writes once it is loaded.
 */
#include "peers.h"

#ifdef BENCH_ROCKSDB
#include <rocksdb/c.h>
#include <stdlib.h>

#include "store.h"

#define CACHE  ((size_t)2 << 30)
#define BUFFER ((size_t)256 << 20)
#define LOAD   1000 /* rows of a write batch */

struct rocksdb {
    struct reader reader;
    const struct dataset *data;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *family;
    rocksdb_readoptions_t *options;
    size_t room;
    uint8_t *encoded; /* room x KEY_MAX */
    const char **keys;
    size_t *sizes;
    rocksdb_pinnableslice_t **values;
    char **errors;
};

static void
must(char *problem)
{
    if (problem)
        bench_fail("RocksDB: %s", problem);
}

static void
reserve(struct rocksdb *at, size_t count)
{
    if (count <= at->room)
        return;
    at->room = count;
    at->encoded = realloc(at->encoded, count * KEY_MAX);
    at->keys = realloc(at->keys, count * sizeof *at->keys);
    at->sizes = realloc(at->sizes, count * sizeof *at->sizes);
    at->values = realloc(at->values, count * sizeof *at->values);
    at->errors = realloc(at->errors, count * sizeof *at->errors);
    if (!at->encoded || !at->keys || !at->sizes || !at->values || !at->errors)
        bench_fail("no memory");
}

static void
read_keys(struct reader *reader, const struct keys *keys, size_t first,
          size_t count, float *matrix)
{
    struct rocksdb *at = (struct rocksdb *)reader;

    reserve(at, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t *encoded = at->encoded + i * KEY_MAX;

        at->sizes[i] = dataset_encode(keys, first + i, encoded);
        at->keys[i] = (const char *)encoded;
    }
    rocksdb_batched_multi_get_cf(at->db, at->options, at->family, count,
                                 at->keys, at->sizes, at->values, at->errors,
                                 false);
    for (size_t i = 0; i < count; i++) {
        float *cells = matrix + i * reader->width;
        size_t size;

        must(at->errors[i]);
        if (!at->values[i]) {
            rows_absent(reader->width, cells);
            continue;
        }
        rows_decode(
            &at->data->shape,
            (const uint8_t *)rocksdb_pinnableslice_value(at->values[i], &size),
            cells);
        rocksdb_pinnableslice_destroy(at->values[i]);
    }
}

static void
load(struct rocksdb *at)
{
    rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    struct feed feed = feed_begin(at->data);
    char *problem = NULL;

    rocksdb_writeoptions_disable_WAL(options, 1);
    while (feed_next(&feed)) {
        rocksdb_writebatch_put(batch, (const char *)feed.key, feed.key_size,
                               (const char *)feed.row, feed.row_size);
        if (feed.at % LOAD && feed.at < at->data->rows)
            continue;
        rocksdb_write(at->db, options, batch, &problem);
        must(problem);
        rocksdb_writebatch_clear(batch);
    }
    feed_end(&feed);
    rocksdb_compact_range_cf(at->db, at->family, NULL, 0, NULL, 0);
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(options);
}

static void
close_reader(struct reader *reader)
{
    struct rocksdb *at = (struct rocksdb *)reader;

    rocksdb_column_family_handle_destroy(at->family);
    rocksdb_readoptions_destroy(at->options);
    rocksdb_close(at->db);
    free(at->encoded);
    free(at->keys);
    free(at->sizes);
    free(at->values);
    free(at->errors);
    free(at);
}

static rocksdb_options_t *
make_options(void)
{
    rocksdb_block_based_table_options_t *table =
        rocksdb_block_based_options_create();
    rocksdb_options_t *options = rocksdb_options_create();

    rocksdb_block_based_options_set_block_cache(
        table, rocksdb_cache_create_lru(CACHE));
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, BUFFER);
    return options;
}

struct reader *
reader_rocksdb(const struct dataset *data)
{
    struct rocksdb *made = bench_alloc(1, sizeof *made);
    rocksdb_options_t *options = make_options();
    const char *names[] = {"default"};
    const rocksdb_options_t *each[] = {options};
    char path[PATH_SIZE], *problem = NULL;

    store_path(path, settings.reads, "rocksdb", "");
    store_directory(path);
    made->data = data;
    made->db = rocksdb_open_column_families(options, path, 1, names, each,
                                            &made->family, &problem);
    must(problem);
    made->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(made->options, 0);
    load(made);
    rocksdb_options_destroy(options);
    made->reader = (struct reader){.name = "RocksDB MultiGet",
                                   .width = rows_width(&data->shape),
                                   .read = read_keys,
                                   .close = close_reader};
    report_text("RocksDB", "%s", BENCH_ROCKSDB);
    return &made->reader;
}
#else
struct reader *
reader_rocksdb(const struct dataset *data)
{
    (void)data;
    report_text("RocksDB", PEER_SKIPPED);
    return NULL;
}
#endif
