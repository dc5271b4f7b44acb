/* SPDX-License-Identifier: Apache-2.0 */
/* Scans of damaged rows, and without memory. */
#include "arrow_stream.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#define SIMPLE                   \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 0, s STRING) FOR e;"

static struct feature_scan_options
chunks_of(uint32_t rows, uint32_t flags)
{
    return (struct feature_scan_options){
        .struct_size = sizeof(struct feature_scan_options),
        .flags = flags,
        .chunk_rows = rows};
}

static void
define_six(struct fixture *f)
{
    define(f, SIMPLE);
    upsert(f, "v", NULL,
           "1 1 1 a\n2 1 2 b\n3 1 3 c\n4 1 4 d\n5 1 5 e\n6 1 6 f");
}

/* Overwrites a text that is once in the store's file. */
static void
damage(struct fixture *f, const char *text)
{
    char path[TEST_PATH_SIZE + 16];
    char *bytes, *at;
    int file, found = 0;
    off_t size;

    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    file = open(path, O_RDWR);
    size = lseek(file, 0, SEEK_END);
    bytes = claim((size_t)size);
    assert_int_equal(pread(file, bytes, (size_t)size, 0), size);
    for (at = bytes;
         (at = memmem(at, (size_t)(bytes + size - at), text, strlen(text)));
         at++, found++)
        assert_int_equal(pwrite(file, "?", 1, at - bytes), 1);
    assert_true(found > 0);
    close(file);
    free(bytes);
}

static void
a_damaged_row_is_reported_and_never_served(void **state)
{
    struct fixture *f = *state;
    struct feature_scan_options options = chunks_of(2, 0);
    struct scan scan;
    struct ArrowArray batch;

    define_six(f);
    upsert(f, "v", NULL, "4 2 4 damaged-here");
    close_store(f);
    damage(f, "damaged-here");
    open_store(f);
    scan = open_scan(f, "v(a)", &options);
    batch = next_batch(&scan);
    batch.release(&batch);
    for (int i = 0; i < 2; i++) {
        expect_error(&scan, EIO, "checksum");
        assert_non_null(
            strstr(scan.stream.get_last_error(&scan.stream), "row 3 "));
    }
    close_scan(&scan);
    options.from = "5"; /* the rest of it can be had */
    expect_scan(f, "v(a)", &options, "5 1 5\n6 1 6");
}

/* In every page that begins with the keys 1 and 2, swaps them: nodes are found
 * by an array of u16 offsets behind the page's header of 16 bytes. */
static void
swap_two_keys(struct fixture *f)
{
    static const uint8_t key[8] = {0x80, 0, 0, 0, 0, 0, 0, 1};
    char path[TEST_PATH_SIZE + 16];
    uint8_t page[4096];
    int file, found = 0;

    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    file = open(path, O_RDWR);
    for (off_t at = 0; pread(file, page, sizeof page, at) == sizeof page;
         at += (off_t)sizeof page) {
        uint16_t offsets[2], swapped[2];

        memcpy(offsets, page + 16, sizeof offsets);
        if (offsets[0] > sizeof page - 16 ||
            memcmp(page + offsets[0] + 8, key, sizeof key) != 0)
            continue;
        swapped[0] = offsets[1];
        swapped[1] = offsets[0];
        assert_int_equal(pwrite(file, swapped, sizeof swapped, at + 16), 4);
        found++;
    }
    assert_true(found > 0);
    close(file);
}

static void
keys_out_of_order_are_reported_and_end_the_scan(void **state)
{
    struct fixture *f = *state;
    struct scan scan;

    define_six(f);
    close_store(f);
    swap_two_keys(f);
    open_store(f);
    scan = open_scan(f, "v(a)", NULL);
    expect_error(&scan, EIO, "structure");
    close_scan(&scan);
}

static int
scan_failing_at(struct fixture *f, int64_t n, uint32_t flags, int *failures)
{
    struct feature_scan_options options = chunks_of(2, flags);
    struct ArrowArrayStream stream = {0};
    uint64_t before = allocation_count();
    struct ArrowArray batch = {0};
    struct ArrowSchema schema;
    feature_status status;
    int64_t next = 1;
    int code;

    allocation_fail(n);
    status =
        feature_store_scan_arrow(f->store, "v(*)", &options, &stream, &problem);
    if (status) {
        assert_int_equal(status, FEATURE_NO_MEMORY);
        assert_null(stream.release);
        ++*failures;
        allocation_fail(-1);
        return 0;
    }
    code = stream.get_schema(&stream, &schema);
    if (code)
        assert_int_equal(code, ENOMEM);
    else
        schema.release(&schema);
    *failures += code != 0;
    do {
        code = stream.get_next(&stream, &batch);
        if (code) { /* and again: nothing was lost */
            assert_int_equal(code, ENOMEM);
            assert_memory_equal(stream.get_last_error(&stream), "memory:", 7);
            ++*failures;
            continue;
        }
        if (!batch.release)
            break;
        for (int64_t i = 0; i < batch.length; i++)
            assert_int_equal(
                ((const int64_t *)batch.children[0]->buffers[1])[i], next++);
        batch.release(&batch);
    } while (1);
    assert_int_equal(next, 7);
    allocation_fail(-1);
    stream.release(&stream);
    return allocation_count() - before <= (uint64_t)n;
}

static void
out_of_memory_loses_no_row(void **state)
{
    struct fixture *f = *state;

    define_six(f);
    if (!allocation_fail(-1))
        skip();
    for (uint32_t flags = 0; flags < 2; flags++) {
        int failures = 0;
        size_t used = 0;
        int64_t n = 0;

        while (!scan_failing_at(f, n, flags, &failures)) {
            assert_true(n++ < 1000);
            if (n > 30) /* what the store keeps for the next is there */
                assert_int_equal(mallinfo2().uordblks, used);
            used = mallinfo2().uordblks;
        }
        assert_int_equal(failures, n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_damaged_row_is_reported_and_never_served),
        TEST(keys_out_of_order_are_reported_and_end_the_scan),
        TEST(out_of_memory_loses_no_row),
    };

    return cmocka_run_group_tests_name("arrow_faults", tests, NULL, NULL);
}
