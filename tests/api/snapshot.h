/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of snapshots share: files of a fixture, copies of its store,
 * views with numbers. */
#ifndef TESTS_API_SNAPSHOT_H
#define TESTS_API_SNAPSHOT_H

#include <dirent.h>
#include <stdio.h>

#include "common.h"

#define PATH_SIZE (TEST_PATH_SIZE + 32)

static inline void
path_of(const struct fixture *f, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", f->directory, name);
}

/* Names in the fixture's directory with that in them. */
static inline int
count_names(const struct fixture *f, const char *part)
{
    DIR *directory = opendir(f->directory);
    struct dirent *entry;
    int count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)))
        count += strstr(entry->d_name, part) != NULL;
    closedir(directory);
    return count;
}

static inline void
write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline uint8_t *
read_whole(const struct fixture *f, const char *name, size_t *size)
{
    char path[PATH_SIZE];
    uint8_t *bytes = malloc(1 << 20);
    FILE *file;

    path_of(f, name, path);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static inline struct feature_snapshot_report
take_snapshot(struct fixture *f, const char *name,
              const struct feature_snapshot_options *options)
{
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    char file[PATH_SIZE];

    path_of(f, name, file);
    must(feature_store_snapshot(f->store, file, options, NULL, &report,
                                &problem));
    return report;
}

/* A restored store, open. */
static inline struct fixture
restore_copy(struct fixture *f, const char *name, const char *store)
{
    struct feature_snapshot_report report = {.struct_size = sizeof report};
    struct fixture copy = *f;
    char file[PATH_SIZE], path[PATH_SIZE];

    path_of(f, name, file);
    path_of(f, store, path);
    must(feature_store_restore(file, path, NULL, NULL, &report, &problem));
    assert_int_equal(count_names(f, ".tmp-"), 0);
    assert_true(strlen(path) < sizeof copy.path);
    memcpy(copy.path, path, sizeof copy.path);
    copy.store = NULL;
    copy.options.flags &= ~(uint32_t)FEATURE_OPEN_CREATE;
    open_store(&copy);
    assert_int_equal(stats_of(&copy).sequence, report.sequence);
    return copy;
}

static inline void
expect_same_text(struct fixture *a, struct fixture *b,
                 feature_status (*print)(feature_store *, const char *, char **,
                                         struct feature_error *))
{
    char *first = NULL, *second = NULL;

    must(print(a->store, NULL, &first, &problem));
    must(print(b->store, NULL, &second, &problem));
    assert_string_equal(first, second);
    feature_free(first);
    feature_free(second);
}

static inline void
answer_of(struct fixture *f, const char *features, const char *keys,
          char text[ANSWER_SIZE])
{
    struct reader reader = open_reader(f, features, 0, keys);

    must(feature_request_read(reader.request, &problem));
    print_answer(reader.request, text);
    close_reader(&reader);
}

/* --- views n0, n1 ... of the entity n (k INT64), one number a row ------------ */

static inline void
define_numbered(struct fixture *f, int view)
{
    char text[96];

    snprintf(text, sizeof text,
             "CREATE FEATURE VIEW n%d (a INT64, b INT64) FOR n", view);
    define(f, text);
}

/* Rows [first, end) have the numbers (value, key x 3 + value). */
static inline void
fill_numbered(struct fixture *f, int view, uint32_t first, uint32_t end,
              int64_t value)
{
    uint32_t count = end - first;
    int64_t *keys = malloc((count + 1) * 4 * sizeof *keys);
    feature_batch *batch;
    char name[24];

    assert_non_null(keys);
    if (!count) {
        free(keys);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = first + i;
        keys[count + i] = NOON;
        keys[2 * count + i] = value;
        keys[3 * count + i] = keys[i] * 3 + value;
    }
    snprintf(name, sizeof name, "n%d", view);
    must(feature_batch_create(f->store, name, NULL, FEATURE_UPSERT, &batch,
                              &problem));
    for (uint32_t c = 0; c < 4; c++)
        must(feature_batch_set(
            batch, c, c == 1 ? FEATURE_TYPE_TIMESTAMP : FEATURE_TYPE_INT64,
            keys + c * count, NULL, NULL, count, &problem));
    write_batch(f, batch);
    feature_batch_free(batch);
    free(keys);
}

/* Rows [0, count) and no more, all with one value. */
static inline void
expect_numbered(struct fixture *f, int view, uint32_t count, int64_t value)
{
    int64_t *keys = malloc((count + 1) * sizeof *keys);
    struct feature_column a, b;
    struct reader reader;
    char name[24];

    assert_non_null(keys);
    for (uint32_t i = 0; i <= count; i++)
        keys[i] = i;
    snprintf(name, sizeof name, "n%d(a, b)", view);
    reader = open_reader(f, name, 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, keys,
                                 NULL, NULL, count + 1, &problem));
    must(feature_request_read(reader.request, &problem));
    must(feature_request_column(reader.request, 0, &a, &problem));
    must(feature_request_column(reader.request, 1, &b, &problem));
    assert_int_equal(a.null_count, 1);
    assert_int_equal(feature_request_states(reader.request, 0)[count],
                     FEATURE_STATE_NOT_FOUND);
    for (uint32_t i = 0; i < count; i++)
        if (((const int64_t *)a.values)[i] != value ||
            ((const int64_t *)b.values)[i] != keys[i] * 3 + value)
            fail_msg("view %d, row %u is of another commit", view, i);
    close_reader(&reader);
    free(keys);
}

/* One row of large with that many bytes. */
static inline void
write_large(struct fixture *f, int64_t key, uint32_t size)
{
    int32_t offsets[2] = {0, (int32_t)size};
    uint8_t *bytes = malloc(size);
    feature_batch *batch;

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + (uint64_t)key);
    must(feature_batch_create(f->store, "large", "k, y", FEATURE_UPSERT, &batch,
                              &problem));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &key, NULL, NULL, 1,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_BYTES, bytes, offsets, NULL,
                           1, &problem));
    write_batch(f, batch);
    feature_batch_free(batch);
    free(bytes);
}

#endif
