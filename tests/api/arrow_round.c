/* SPDX-License-Identifier: Apache-2.0 */
/* Out of one store and into another, or into the same: the rows are the same. */
#include "arrow_stream.h"

#define EVERY                                                                \
    "CREATE ENTITY e (k INT64, n STRING, y BYTES);"                          \
    "CREATE FEATURE VIEW v (b BOOL, i INT32, l INT64, f FLOAT32, d FLOAT64," \
    " s STRING, z BYTES, t TIMESTAMP, w FLOAT32[3], m INT32[], u STRING[],"  \
    " q FLOAT64[], x INT64[2]) FOR e;"

#define EVERY_ROW                                                         \
    "-9 '' '' 0 false 0 0 0 0 '' '' 0 [0,0,0] [] [] [] [0,0]\n"           \
    "1 a x01 5 true -7 9000000000 0.5 -2.25 text x00ff 12 [1,2,3] [4,5] " \
    "[a,b] [0.5] [1,2]\n"                                                 \
    "1 a x0102 -6 null null null null null null null null null null "     \
    "null null null\n"                                                    \
    "3 c x02 7 true 1 2 3 4 null xaa null null [1] null [1,2,3] null"

/* Writes a scan of one store into a view of the same or another. */
static struct feature_commit
copy(struct fixture *from, feature_store *to, const char *view,
     const struct feature_scan_options *scan,
     const struct feature_arrow_options *options)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct ArrowArrayStream stream;

    must(
        feature_store_scan_arrow(from->store, "v(*)", scan, &stream, &problem));
    must(feature_store_write_arrow(to, view, FEATURE_UPSERT, &stream, options,
                                   &commit, &problem));
    assert_null(stream.release);
    return commit;
}

static void
what_was_scanned_can_be_written(void **state)
{
    struct fixture *f = *state, other = *f;

    define(f, EVERY);
    upsert(f, "v", NULL, EVERY_ROW);
    expect_scan(f, "v(*)", NULL, EVERY_ROW);
    snprintf(other.path, sizeof other.path, "%.200s/other", f->directory);
    other.store = NULL;
    open_store(&other);
    define(&other, EVERY);
    for (uint32_t rows = 1; rows < 6; rows++)
        for (uint32_t flags = 0; flags < 2; flags++) {
            struct feature_scan_options options = {.struct_size =
                                                       sizeof options,
                                                   .chunk_rows = rows,
                                                   .flags = flags};

            assert_int_equal(copy(f, other.store, "v", &options, NULL).applied,
                             4);
            expect_scan(&other, "v(*)", NULL, EVERY_ROW);
        }
    close_store(&other);
}

static void
a_scan_can_be_written_into_its_own_store(void **state)
{
    struct fixture *f = *state;
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .commit_rows = 2};

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64) FOR e;"
              "CREATE FEATURE VIEW c (a INT64) FOR e;");
    upsert(f, "v", NULL, "1 1 1\n2 2 2\n3 3 3\n4 4 4\n5 5 5");
    for (uint32_t flags = 0; flags < 2; flags++) {
        struct feature_scan_options scan = {
            .struct_size = sizeof scan, .chunk_rows = 1, .flags = flags};

        assert_int_equal(copy(f, f->store, "c", &scan, &options).applied, 5);
        expect_scan(f, "c(*)", NULL, "1 1 1\n2 2 2\n3 3 3\n4 4 4\n5 5 5");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_scanned_can_be_written),
        TEST(a_scan_can_be_written_into_its_own_store),
    };

    return cmocka_run_group_tests_name("arrow_round", tests, NULL, NULL);
}
