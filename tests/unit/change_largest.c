/* SPDX-License-Identifier: Apache-2.0 */
/* The largest change record there can be. */
#include "feed.h"
#include "format/row.h"

/* A row of the largest size, and the one before it: more than any entry of a
 * history has. */
static void
a_store_with_the_largest_record_is_compacted(void **state)
{
    struct fixture *f = *state;
    size_t size = LF_ROW_SIZE_LIMIT - 64;
    int32_t offsets[] = {0, (int32_t)size};
    int64_t key = 1, time = NOON;
    char *bytes = calloc(size, 1);
    feature_batch *batch;

    assert_non_null(bytes);
    close_store(f);
    f->options.max_row_size = LF_ROW_SIZE_LIMIT;
    open_store(f);
    define(f, FEED_ON "CREATE ENTITY e (k INT64);"
                      "CREATE FEATURE VIEW v (a BYTES) FOR e"
                      " WITH (changes = 'before_after');");
    must(feature_batch_create(f->store, "v", NULL, FEATURE_UPSERT, &batch,
                              &problem));
    for (int i = 0; i < 2; i++, bytes[7]++) {
        must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &key, NULL, NULL,
                               1, &problem));
        must(feature_batch_set(batch, 1, FEATURE_TYPE_TIMESTAMP, &time, NULL,
                               NULL, 1, &problem));
        must(feature_batch_set(batch, 2, FEATURE_TYPE_BYTES, bytes, offsets,
                               NULL, 1, &problem));
        must(feature_store_write(f->store, &batch, 1, NULL, NULL, &problem));
    }
    feature_batch_free(batch);
    free(bytes);
    close_store(f);
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f); /* compaction verifies what it made */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_store_with_the_largest_record_is_compacted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
