/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LevelDB: a loop of Get, as it has no MultiGet.
 *
 * Owns a database of the same rows, compacted.
 * Keeps it fair: a cache for everything, Bloom filters, no compression.
 * Never writes once it is loaded.
 */
#include "peers.h"

#ifdef BENCH_LEVELDB
#include <leveldb/c.h>
#include <stdlib.h>

#include "store.h"

#define CACHE  ((size_t)1 << 30)
#define BUFFER ((size_t)64 << 20)
#define LOAD   1000 /* rows of a write batch */

struct leveldb {
    struct reader reader;
    const struct dataset *data;
    leveldb_t *db;
    leveldb_readoptions_t *options;
};

static void
must(char *problem)
{
    if (problem)
        bench_fail("LevelDB: %s", problem);
}

static void
read_keys(struct reader *reader, const struct keys *keys, size_t first,
          size_t count, float *matrix)
{
    struct leveldb *at = (struct leveldb *)reader;
    uint8_t key[KEY_MAX];

    for (size_t i = 0; i < count; i++) {
        float *cells = matrix + i * reader->width;
        size_t size = dataset_encode(keys, first + i, key);
        char *problem = NULL, *value;

        value = leveldb_get(at->db, at->options, (const char *)key, size, &size,
                            &problem);
        must(problem);
        if (!value) {
            rows_absent(reader->width, cells);
            continue;
        }
        rows_decode(&at->data->shape, (const uint8_t *)value, cells);
        leveldb_free(value);
    }
}

static void
load(struct leveldb *at)
{
    leveldb_writeoptions_t *options = leveldb_writeoptions_create();
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    struct feed feed = feed_begin(at->data);
    char *problem = NULL;

    while (feed_next(&feed)) {
        leveldb_writebatch_put(batch, (const char *)feed.key, feed.key_size,
                               (const char *)feed.row, feed.row_size);
        if (feed.at % LOAD && feed.at < at->data->rows)
            continue;
        leveldb_write(at->db, options, batch, &problem);
        must(problem);
        leveldb_writebatch_clear(batch);
    }
    feed_end(&feed);
    leveldb_compact_range(at->db, NULL, 0, NULL, 0);
    leveldb_writebatch_destroy(batch);
    leveldb_writeoptions_destroy(options);
}

static void
close_reader(struct reader *reader)
{
    struct leveldb *at = (struct leveldb *)reader;

    leveldb_readoptions_destroy(at->options);
    leveldb_close(at->db);
    free(at);
}

struct reader *
reader_leveldb(const struct dataset *data)
{
    struct leveldb *made = bench_alloc(1, sizeof *made);
    leveldb_options_t *options = leveldb_options_create();
    char path[PATH_SIZE], *problem = NULL;

    store_path(path, settings.reads, "leveldb", "");
    store_directory(path);
    leveldb_options_set_create_if_missing(options, 1);
    leveldb_options_set_compression(options, leveldb_no_compression);
    leveldb_options_set_cache(options, leveldb_cache_create_lru(CACHE));
    leveldb_options_set_filter_policy(options,
                                      leveldb_filterpolicy_create_bloom(10));
    leveldb_options_set_write_buffer_size(options, BUFFER);
    leveldb_options_set_max_open_files(options, 10000);
    made->data = data;
    made->db = leveldb_open(options, path, &problem);
    must(problem);
    made->options = leveldb_readoptions_create();
    load(made);
    leveldb_options_destroy(options);
    made->reader = (struct reader){.name = "LevelDB Get",
                                   .width = rows_width(&data->shape),
                                   .read = read_keys,
                                   .close = close_reader};
    report_text("LevelDB", "%d.%d", leveldb_major_version(),
                leveldb_minor_version());
    return &made->reader;
}
#else
struct reader *
reader_leveldb(const struct dataset *data)
{
    (void)data;
    report_text("LevelDB", PEER_SKIPPED);
    return NULL;
}
#endif
