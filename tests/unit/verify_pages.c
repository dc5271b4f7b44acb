/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to pages, planted one kind at a time: each is found, and named. The
 * store is put back before the next.
 */
#include "damaged.h"

#define ROWS     4000
#define LONG_ROW 9000

/* rows/<id of v>: short rows, three levels deep or so; rows/<id of w>: long. */
#define SHORT_TREE "rows/0000000000000002"
#define LONG_TREE  "rows/0000000000000003"

static void
write_view(struct fixture *f, const char *view, uint32_t rows, uint32_t width)
{
    int64_t *ids = claim(rows * sizeof *ids);
    int32_t *ends = claim((rows + 1) * sizeof *ends);
    char *text = claim((size_t)rows * width + 1);
    feature_batch *batch;

    memset(text, 'x', (size_t)rows * width);
    for (uint32_t i = 0; i < rows; i++) {
        ids[i] = (int64_t)(i * UINT64_C(7919) % rows);
        ends[i + 1] = (int32_t)((i + 1) * width);
    }
    must(feature_batch_create(f->store, view, "id, s", FEATURE_UPSERT, &batch,
                              &problem));
    must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, ids, NULL, NULL, rows,
                           &problem));
    must(feature_batch_set(batch, 1, FEATURE_TYPE_STRING, text, ends, NULL,
                           rows, &problem));
    write_batch(f, batch);
    feature_batch_free(batch);
    free(ids);
    free(ends);
    free(text);
}

static struct image
make_store(struct fixture *f)
{
    define(f, "CREATE ENTITY e (id INT64);"
              "CREATE FEATURE VIEW v (s STRING) FOR e;"
              "CREATE FEATURE VIEW w (s STRING) FOR e;");
    write_view(f, "v", ROWS, 30);
    write_view(f, "w", 20, LONG_ROW);
    write_view(f, "w", 20, 2 * LONG_ROW);
    close_store(f);
    expect_nothing(f);
    return read_image(f);
}

/* A plant changes a copy of the file. */
struct plant {
    void (*damage)(struct image *image);
    const char *expected;
};

static uint8_t *
first_leaf(const struct image *image)
{
    return leaf_of(image, record_of(image, SHORT_TREE), 0);
}

static void
spoil_magic(struct image *image)
{
    lf_store_u32(image->meta + LF_META_MAGIC, 1);
}

static void
spoil_version(struct image *image)
{
    lf_store_u32(image->meta + LF_META_VERSION, 77);
}

static void
spoil_both(struct image *image)
{
    memset(image->bytes, 0, 2 * (size_t)image->page_size);
}

static void
spoil_transaction(struct image *image)
{
    lf_store_u64(image->meta + LF_META_TRANSACTION,
                 lf_load_u64(image->meta + LF_META_TRANSACTION) + 2);
}

/* The commit before seems to be the newest, and the newest to be older. */
static void
lose_commit(struct image *image)
{
    lf_store_u64(image->meta + LF_META_TRANSACTION,
                 lf_load_u64(image->meta + LF_META_TRANSACTION) - 2);
}

static void
spoil_turn(struct image *image)
{
    lf_store_u64(image->meta + LF_META_TRANSACTION,
                 lf_load_u64(image->meta + LF_META_TRANSACTION) + 1);
}

static void
spoil_last(struct image *image)
{
    lf_store_u64(image->meta + LF_META_LAST_PAGE,
                 lf_load_u64(image->meta + LF_META_LAST_PAGE) + 100000);
}

static void
lower_last(struct image *image)
{
    lf_store_u64(image->meta + LF_META_LAST_PAGE, 10);
}

static void
raise_last(struct image *image)
{
    lf_store_u64(image->meta + LF_META_LAST_PAGE, UINT64_MAX / 2);
}

/* No machine has the address space for that map. */
static void
raise_last_beyond_memory(struct image *image)
{
    lf_store_u64(image->meta + LF_META_LAST_PAGE, UINT64_C(1) << 40);
}

static void
cut(struct image *image)
{
    image->size = image->size / 2 / image->page_size * image->page_size;
}

static void
cut_within_page(struct image *image)
{
    image->size -= image->page_size / 2;
}

static void
spoil_number(struct image *image)
{
    first_leaf(image)[LF_PAGE_NUMBER] ^= 1;
}

static void
spoil_kind(struct image *image)
{
    first_leaf(image)[LF_PAGE_FLAGS] = LF_PAGE_IS_OVERFLOW;
}

static void
spoil_bounds(struct image *image)
{
    lf_store_u16(first_leaf(image) + LF_PAGE_UPPER, 5);
}

static void
spoil_offset(struct image *image)
{
    lf_store_u16(first_leaf(image) + LF_PAGE_HEADER + 2, 3);
}

static void
swap_nodes(struct image *image)
{
    uint8_t *offsets = first_leaf(image) + LF_PAGE_HEADER;
    uint16_t first = lf_load_u16(offsets);

    lf_store_u16(offsets, lf_load_u16(offsets + 2));
    lf_store_u16(offsets + 2, first);
}

static void
lose_node(struct image *image)
{
    uint8_t *lower = first_leaf(image) + LF_PAGE_LOWER;

    lf_store_u16(lower, (uint16_t)(lf_load_u16(lower) - 2));
}

/* The child in node 1 of the root is the one of node 0, too. */
static void
share_child(struct image *image)
{
    uint8_t *root = root_of(image, record_of(image, SHORT_TREE));

    memcpy(node_at(root, 1), node_at(root, 0), 6);
}

static void
lose_child(struct image *image)
{
    uint8_t *root = root_of(image, record_of(image, SHORT_TREE));

    lf_store_u32(node_at(root, 1), 0x7fffffff);
}

/* Leaf 1 of a tree becomes another leaf, under the right number. */
static void
put_leaf(struct image *image, uint32_t which)
{
    uint8_t *record = record_of(image, SHORT_TREE);
    uint8_t *to = leaf_of(image, record, 1);
    uint64_t number = lf_load_u64(to);

    memcpy(to, leaf_of(image, record, which), image->page_size);
    lf_store_u64(to, number);
}

static void
misdirect(struct image *image)
{
    put_leaf(image, 2);
}

static void
misdirect_back(struct image *image)
{
    put_leaf(image, 0);
}

static void
add_to(uint8_t *number)
{
    lf_store_u64(number, lf_load_u64(number) + 1);
}

static void
count_entries(struct image *image)
{
    add_to(record_of(image, SHORT_TREE) + LF_RECORD_ENTRIES);
}

static void
count_leaves(struct image *image)
{
    add_to(record_of(image, SHORT_TREE) + LF_RECORD_LEAVES);
}

static void
count_branches(struct image *image)
{
    add_to(record_of(image, SHORT_TREE) + LF_RECORD_BRANCHES);
}

static void
count_long(struct image *image)
{
    add_to(record_of(image, LONG_TREE) + LF_RECORD_LONG);
}

static void
deepen(struct image *image)
{
    record_of(image, SHORT_TREE)[LF_RECORD_DEPTH]++;
}

static void
deepen_too_far(struct image *image)
{
    record_of(image, SHORT_TREE)[LF_RECORD_DEPTH] = 200;
}

static void
share_tree(struct image *image)
{
    memcpy(record_of(image, LONG_TREE), record_of(image, SHORT_TREE),
           LF_RECORD_SIZE);
}

static void
set_flags(struct image *image)
{
    record_of(image, SHORT_TREE)[LF_RECORD_FLAGS] = 4;
}

static uint8_t *
first_run(const struct image *image)
{
    uint8_t *leaf = leaf_of(image, record_of(image, LONG_TREE), 0);

    return page_at(image, lf_load_u64(data_of(leaf, 0)));
}

static void
shorten_run(struct image *image)
{
    lf_store_u32(first_run(image) + LF_PAGE_OVERFLOW, 1);
}

static void
lengthen_run(struct image *image)
{
    lf_store_u32(first_run(image) + LF_PAGE_OVERFLOW, 0xffffffff);
}

static void
lengthen_run_by_one(struct image *image)
{
    uint8_t *pages = first_run(image) + LF_PAGE_OVERFLOW;

    lf_store_u32(pages, lf_load_u32(pages) + 1);
}

static void
spoil_run(struct image *image)
{
    first_run(image)[image->page_size + 77] ^= 1;
}

static void
share_run(struct image *image)
{
    uint8_t *leaf = leaf_of(image, record_of(image, LONG_TREE), 0);

    memcpy(data_of(leaf, 1), data_of(leaf, 0), 8);
}

static void
spoil_node_kind(struct image *image)
{
    lf_store_u16(node_at(first_leaf(image), 0) + 4, 4);
}

static void
free_used(struct image *image)
{
    lf_store_u64(free_entry(image) + 8, lf_load_u64(first_leaf(image)));
}

static void
free_too_many(struct image *image)
{
    lf_store_u64(free_entry(image), 1u << 30);
}

static void
free_nowhere(struct image *image)
{
    lf_store_u64(free_entry(image) + 8, UINT64_MAX - 1);
}

static void
spoil_row(struct image *image)
{
    data_of(first_leaf(image), 0)[20] ^= 1;
}

static void
swap_rows(struct image *image)
{
    uint8_t *leaf = first_leaf(image), kept[32];

    memcpy(kept, data_of(leaf, 0), 32);
    memcpy(data_of(leaf, 0), data_of(leaf, 1), 32);
    memcpy(data_of(leaf, 1), kept, 32);
}

static void
spoil_main(struct image *image)
{
    memset(root_of(image, image->meta + LF_META_MAIN), 0, image->page_size);
}

static const struct plant plants[] = {
    {spoil_magic, "the page is no meta page of LMDB"},
    {spoil_version, "has an unknown data version"},
    {spoil_both, "neither of the first two pages is a meta page"},
    {spoil_transaction, "which do not follow each other"},
    {lose_commit, "a newer commit is lost"},
    {spoil_turn, "holds a transaction that belongs on the other one"},
    {spoil_last, "accounts for 0 of the others"},
    {lower_last, "is referred to but out of bounds"},
    {raise_last, "has an impossible last page"},
    {raise_last_beyond_memory, "the last page is wrong"},
    {cut, "is in use and past the end of the file"},
    {cut_within_page, "it was cut"},
    {spoil_number, "the page carries another number"},
    {spoil_kind, "the page is no leaf"},
    {spoil_bounds, "the page has impossible bounds"},
    {spoil_offset, "node 1 leaves the page"},
    {swap_nodes, "the key is not after the one before it"},
    {lose_node, "gaps between its nodes"},
    {share_child, "is used twice"},
    {lose_child, "is referred to but out of bounds"},
    {misdirect, "a branch separates keys wrongly"},
    {misdirect_back, "the key lies before its branch's separator"},
    {count_entries, "says 4001 entries, there are 4000"},
    {count_leaves, "leaf pages, there are"},
    {count_branches, "branch pages, there are"},
    {count_long, "overflow pages, there are"},
    {deepen, "the page is no branch"},
    {deepen_too_far, "the tree's record says depth 200"},
    {share_tree, "is used twice"},
    {set_flags, "has flags 0x4"},
    {shorten_run, "an overflow run of 1 pages for"},
    {lengthen_run, "an overflow run of 4294967295 pages for"},
    {lengthen_run_by_one, "is used twice"},
    {spoil_run, "the row's checksum is wrong"},
    {share_run, "is used twice"},
    {spoil_node_kind, "the value is of an unknown kind (0x4)"},
    {free_used, "is in use and in the free list"},
    {free_too_many, "claims 1073741824 pages"},
    {free_nowhere, "which is out of bounds"},
    {spoil_row, "key 8000000000000000: the row's checksum is wrong"},
    {swap_rows, "the row's checksum is wrong"},
    {spoil_main, "main: page"},
};

static void
planted_damage_is_named(void **state)
{
    struct fixture *f = *state;
    struct image good = make_store(f);

    for (size_t i = 0; i < sizeof plants / sizeof *plants; i++) {
        struct image image = good;

        image.bytes = claim(good.size);
        memcpy(image.bytes, good.bytes, good.size);
        image.meta = image.bytes + (good.meta - good.bytes);
        plants[i].damage(&image);
        write_image(f, &image);
        expect_found(f, plants[i].expected);
        free(image.bytes);
    }
    write_image(f, &good);
    expect_nothing(f);
    free(good.bytes);
}

/* A page that a tree lost and nobody owns is a figure, not damage. */
static void
lost_pages_are_counted(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct image image = make_store(f);
    uint8_t *entry = free_entry(&image);
    uint64_t count = lf_load_u64(entry);

    lf_store_u64(entry, count - 1);
    write_image(f, &image);
    must(feature_store_verify(f->path, NULL, &report, NULL, &problem));
    assert_int_equal(report.findings, 0);
    assert_int_equal(report.lost_pages, 1);
    free(image.bytes);
}

/* Of many findings the first are told, and all counted; every line is JSON. */
static void
findings_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct feature_verify_options options = {.struct_size = sizeof options,
                                             .flags = FEATURE_VERIFY_JSON,
                                             .max_lines = 3};
    struct image image = make_store(f);
    uint8_t *leaf = first_leaf(&image);
    char *text;

    for (uint32_t i = 0; i < 20; i++)
        data_of(leaf, i)[20] ^= 1;
    write_image(f, &image);
    must(feature_store_verify(f->path, &options, &report, &text, &problem));
    assert_int_equal(report.row_findings, 20);
    assert_int_equal(report.view_findings, 1); /* the content hash */
    assert_int_equal(report.findings, 21);
    assert_non_null(strstr(text, "{\"kind\":\"row\",\"tree\":\"" SHORT_TREE
                                 "/0000000000000001\","
                                 "\"view\":\"v\",\"page\":"));
    assert_non_null(strstr(text, "\"key\":\"8000000000000002\",\"message\":"));
    assert_null(strstr(text, "8000000000000003"));
    assert_non_null(strstr(text, "{\"kind\":\"more\",\"count\":18}\n"));
    feature_free(text);
    free(image.bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(planted_damage_is_named),
        TEST(lost_pages_are_counted),
        TEST(findings_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
