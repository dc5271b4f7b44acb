/* SPDX-License-Identifier: Apache-2.0 */
/* The external sort, against the sort of the C library. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/sorter.h"
#include "support.h"

#include "draw.h"

#define MOST  40000
#define LARGE (1u << 20) /* bytes of a value */

struct item {
    uint8_t key[40];
    uint32_t key_size;
    uint32_t number; /* the value begins with it */
    uint32_t size;   /* of the value */
};

static struct item items[MOST], expected[MOST];
static uint8_t value[LARGE];
static char directory[TEST_PATH_SIZE];

/* --- a file system that knows no files without a name --------------------------- */

static bool knows_names_only;
static int names; /* that were made */

int
open(const char *path, int flags, ...)
{
    if (knows_names_only && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (knows_names_only && flags & O_CREAT) {
        assert_true(flags & O_EXCL);
        names++;
    }
    return openat(AT_FDCWD, path, flags, (mode_t)0600);
}

/* --- what is sorted --------------------------------------------------------------- */

static int
by_key_and_number(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    uint32_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp(a->key, b->key, size);

    if (order)
        return order;
    if (a->key_size != b->key_size)
        return a->key_size < b->key_size ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

/* The value of an item is its number, and bytes that follow from it. */
static void
make_value(const struct item *item)
{
    memset(value, (int)(item->number * 7), item->size);
    memcpy(value, &item->number, item->size < 4 ? item->size : 4);
}

static void
add_all(struct lf_sorter *sorter, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        make_value(&items[i]);
        must(lf_sorter_add(sorter, items[i].key, items[i].key_size,
                           items[i].size ? value : NULL, items[i].size,
                           &problem));
    }
}

static void
expect_all(struct lf_sorter *sorter, uint32_t count)
{
    struct lf_sorted record;

    memcpy(expected, items, count * sizeof *items);
    qsort(expected, count, sizeof *expected, by_key_and_number);
    for (uint32_t i = 0; i < count; i++) {
        must(lf_sorter_next(sorter, &record, &problem));
        assert_non_null(record.key);
        assert_int_equal(record.key_size, expected[i].key_size);
        assert_memory_equal(record.key, expected[i].key, record.key_size);
        assert_int_equal(record.size, expected[i].size);
        make_value(&expected[i]);
        assert_memory_equal(record.bytes, value, record.size);
    }
    for (int i = 0; i < 2; i++) {
        must(lf_sorter_next(sorter, &record, &problem));
        assert_null(record.key);
    }
}

/* Returns what went to the file. */
static uint64_t
expect_sorted(uint32_t count, uint64_t memory)
{
    struct lf_sorter *sorter = NULL;
    int64_t live = allocation_live();
    uint64_t spilled;

    must(lf_sorter_make(directory, memory, &sorter, &problem));
    add_all(sorter, count);
    must(lf_sorter_end(sorter, &problem));
    expect_all(sorter, count);
    spilled = lf_sorter_spilled(sorter);
    lf_sorter_free(sorter);
    assert_int_equal(allocation_live(), live);
    return spilled;
}

static uint64_t
packed_size(uint32_t count)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < count; i++)
        size += 6 + items[i].key_size + items[i].size;
    return size;
}

/* From less than one run can hold to more than there is. */
static void
expect_sorted_anyhow(uint32_t count)
{
    for (uint64_t memory = 1; memory < 16u << 20; memory = memory * 3 + 50000)
        (void)expect_sorted(count, memory);
}

static void
set_item(uint32_t number, size_t key_size)
{
    items[number].key_size = (uint32_t)key_size;
    items[number].number = number;
    items[number].size = draw_below(120);
}

static void
number_key(uint32_t number, uint64_t key)
{
    for (int i = 0; i < 8; i++)
        items[number].key[i] = (uint8_t)(key >> (56 - 8 * i));
    set_item(number, 8);
}

/* --- promises ------------------------------------------------------------------------ */

static void
numbers_come_in_order_and_equal_ones_as_they_came(void **unused)
{
    (void)unused;
    for (uint64_t range = 3; range < UINT64_C(1) << 60; range *= 40000) {
        for (uint32_t i = 0; i < MOST; i++)
            number_key(i, draw() % range + (UINT64_C(1) << 63));
        expect_sorted_anyhow(MOST);
    }
}

static void
texts_with_long_common_beginnings_are_told_apart(void **unused)
{
    (void)unused;
    for (int common = 0; common < 27; common += 9) {
        for (uint32_t i = 0; i < MOST; i++)
            set_item(i, (size_t)snprintf((char *)items[i].key, 40, "%.*s%u",
                                         common, "customer-of-the-north-east",
                                         draw_below(MOST)));
        expect_sorted_anyhow(MOST);
    }
}

/* Few bytes are no zeros: groups part anywhere, and their members end anywhere. */
static void
a_key_comes_before_those_that_it_begins(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < MOST; i++) {
        memset(items[i].key, 0, 40);
        for (int j = 0; j < 40; j++)
            items[i].key[j] = draw_one_in(16);
        set_item(i, draw_below(40));
    }
    expect_sorted_anyhow(MOST);
}

static void
few_records_are_sorted_and_none_are_nothing(void **unused)
{
    (void)unused;
    for (uint32_t count = 0; count < 150; count++) {
        for (uint32_t i = 0; i < count; i++)
            number_key(i, draw_below(5) ? 0 : draw());
        assert_int_equal(expect_sorted(count, 0), 0);
    }
}

/* One run, however often memory was full: nothing is written twice. */
static void
what_is_in_order_is_written_once(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < MOST; i++)
        number_key(i, i / 3);
    assert_int_equal(expect_sorted(MOST, 0), packed_size(MOST));
    number_key(MOST - 1, 5);
    assert_true(expect_sorted(MOST, 0) < packed_size(MOST) + (64u << 10));
    for (uint32_t i = 0; i < MOST; i++)
        number_key(i, MOST - i);
    assert_true(expect_sorted(MOST, 0) > packed_size(MOST) + (64u << 10));
}

/* As several writers make them, each of which sorts its own. At last a large
 * record ends each piece: all but the last keys begin alike. */
static void
pieces_that_are_in_order_are_merged(void **unused)
{
    (void)unused;
    for (uint32_t pieces = 2; pieces < 20; pieces += 5) {
        for (uint32_t i = 0; i < MOST; i++)
            number_key(i, i % (MOST / pieces) * 1000 + i % 7);
        expect_sorted_anyhow(MOST);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        number_key(i, i % 100 ? i % 100 * (draw() >> 16) : i / 100);
        if (i % 100 > 1 && by_key_and_number(&items[i - 1], &items[i]) > 0)
            memcpy(items[i].key, items[i - 1].key, 8);
        if (i % 100 == 99) {
            number_key(i, i / 100);
            items[i].size = LARGE;
        }
    }
    (void)expect_sorted(1000, 0);
}

static void
a_record_larger_than_memory_is_sorted_with_the_others(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < 600; i++) {
        number_key(i, draw_below(200));
        if (draw_one_in(4))
            items[i].size = draw_below(LARGE);
        if (draw_one_in(8))
            items[i].size = 0;
    }
    for (uint64_t memory = 0; memory < 3u << 20; memory += 700000)
        (void)expect_sorted(600, memory);
}

static void
what_fits_into_memory_makes_no_file(void **unused)
{
    struct lf_sorter *sorter = NULL;

    (void)unused;
    for (uint32_t i = 0; i < 1000; i++)
        number_key(i, draw());
    must(lf_sorter_make("/there/is/no/such/directory", 1u << 20, &sorter,
                        &problem));
    add_all(sorter, 1000);
    must(lf_sorter_end(sorter, &problem));
    expect_all(sorter, 1000);
    assert_int_equal(lf_sorter_spilled(sorter), 0);
    lf_sorter_free(sorter);
}

static int
names_in_directory(void)
{
    DIR *opened = opendir(directory);
    int count = -2; /* . and .. */

    assert_non_null(opened);
    while (readdir(opened))
        count++;
    closedir(opened);
    return count;
}

static void
the_file_has_no_name(void **unused)
{
    struct lf_sorter *sorter = NULL;

    (void)unused;
    for (uint32_t i = 0; i < MOST; i++)
        number_key(i, draw());
    for (int named = 0; named < 2; named++) {
        knows_names_only = named;
        names = 0;
        must(lf_sorter_make(directory, 0, &sorter, &problem));
        add_all(sorter, MOST);
        assert_true(lf_sorter_spilled(sorter) > 0);
        assert_int_equal(names, named);
        assert_int_equal(names_in_directory(), 0);
        must(lf_sorter_end(sorter, &problem));
        expect_all(sorter, MOST);
        lf_sorter_free(sorter);
    }
    knows_names_only = false;
}

static int
begin(void **state)
{
    (void)state;
    test_directory(directory);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    remove_directory(directory);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(numbers_come_in_order_and_equal_ones_as_they_came),
        DRAWN(texts_with_long_common_beginnings_are_told_apart),
        DRAWN(a_key_comes_before_those_that_it_begins),
        DRAWN(few_records_are_sorted_and_none_are_nothing),
        DRAWN(what_is_in_order_is_written_once),
        DRAWN(pieces_that_are_in_order_are_merged),
        DRAWN(a_record_larger_than_memory_is_sorted_with_the_others),
        DRAWN(what_fits_into_memory_makes_no_file),
        DRAWN(the_file_has_no_name),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, begin, end);
}
