/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of catalog records share. */
#ifndef TESTS_UNIT_RECORDS_H
#define TESTS_UNIT_RECORDS_H

#include "model.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/record.h"

/* All records of a catalog; the bytes of one may be replaced. */
struct records {
    struct lf_arena arena;
    struct lf_record *all;
    size_t count;
};

static inline struct records
encoded(const struct lf_catalog *catalog)
{
    struct records records = {0};
    struct feature_error error;

    if (lf_records_encode(catalog, &records.arena, &records.all, &records.count,
                          &error)) {
        print_error("%s\n", error.message);
        fail();
    }
    return records;
}

static inline struct lf_catalog *
decoded(const struct records *records)
{
    struct lf_catalog *catalog = NULL;
    struct feature_error error;

    if (lf_records_decode(records->all, records->count, &catalog, &error)) {
        print_error("%s\n", error.message);
        fail();
    }
    return catalog;
}

static inline void
expect_corrupt(const struct records *records, const char *reason,
               const char *message)
{
    struct lf_catalog *untouched = (struct lf_catalog *)&reason;
    struct lf_catalog *catalog = untouched;
    struct feature_error error = {0};

    assert_int_equal(
        lf_records_decode(records->all, records->count, &catalog, &error),
        FEATURE_CORRUPT);
    if (reason)
        assert_string_equal(error.reason, reason);
    if (message && !strstr(error.message, message))
        fail_msg("\"%s\" says nothing of \"%s\"", error.message, message);
    assert_ptr_equal(catalog, untouched);
}

/* A copy of a record's bytes, with its checksum made right. */
static inline void
replace(struct records *records, size_t index, const uint8_t *bytes,
        size_t size)
{
    struct lf_record *record = &records->all[index];
    uint8_t *made = lf_arena_alloc(&records->arena, size);

    assert_non_null(made);
    memcpy(made, bytes, size);
    lf_store_u32(made, lf_crc32c(lf_crc32c(0, record->key, LF_RECORD_KEY_SIZE),
                                 made + 4, size - 4));
    record->bytes = made;
    record->size = size;
}

static inline void
expect_same_records(const struct lf_catalog *a, const struct lf_catalog *b)
{
    struct records left = encoded(a), right = encoded(b);

    assert_int_equal(left.count, right.count);
    for (size_t i = 0; i < left.count; i++) {
        assert_memory_equal(left.all[i].key, right.all[i].key,
                            LF_RECORD_KEY_SIZE);
        assert_int_equal(left.all[i].size, right.all[i].size);
        assert_memory_equal(left.all[i].bytes, right.all[i].bytes,
                            left.all[i].size);
    }
    lf_arena_free(&left.arena);
    lf_arena_free(&right.arena);
}

/* Two entities, two views with some history, a service, options. */
static inline struct lf_catalog *
make_everything(void)
{
    struct lf_catalog *catalog = defined(
        DRIVER "CREATE ENTITY pair (a STRING, b BYTES);"
               "CREATE FEATURE VIEW v (a INT32 NOT NULL DEFAULT 1, b "
               "FLOAT32[2], c STRING[] DEFAULT ['x', ''], d BOOL) FOR driver "
               "WITH (ttl = '2 h', history = '9 d', max_skew = 'none');"
               "CREATE FEATURE VIEW w (x BYTES DEFAULT x'', y TIMESTAMP) FOR "
               "pair WITH (keep_versions = 0, check = 'rows > 0; "
               "row_ratio BETWEEN 0.5 AND 2; nulls(x) < 0.5; distinct(b) > "
               "1');"
               "STORE WITH (changes = '3 days', max_size = '1 GB')");

    catalog = then(catalog, "CREATE FEATURE VIEW v (a INT64, e FLOAT64 RENAMED "
                            "FROM d2, f INT32[]) FOR driver;"
                            "DROP FEATURE v:d");
    return then(catalog, "CREATE FEATURE SERVICE s AS v(*), w(x AS z) AS r (a "
                         "AS k, b AS l), w:y;"
                         "DROP FEATURE v:b; DROP FEATURE v:f");
}

#endif
