/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of feature_store_verify() with planted damage share. */
#ifndef LF_TESTS_DAMAGED_H
#define LF_TESTS_DAMAGED_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/rows.h"
#include "base/bytes.h"
#include "engine/layout.h"

#define UNUSED __attribute__((unused))

struct image {
    uint8_t *bytes;
    size_t size;
    uint32_t page_size;
    uint8_t *meta; /* the newest */
};

static UNUSED void
name_data(const struct fixture *f, char name[TEST_PATH_SIZE + 16])
{
    snprintf(name, TEST_PATH_SIZE + 16, "%s/data.mdb", f->path);
}

static UNUSED struct image
read_image(const struct fixture *f)
{
    char name[TEST_PATH_SIZE + 16];
    struct image image = {0};
    struct stat at;
    int file;

    name_data(f, name);
    file = open(name, O_RDONLY);
    assert_true(file >= 0);
    assert_int_equal(fstat(file, &at), 0);
    image.size = (size_t)at.st_size;
    image.bytes = claim(image.size);
    assert_int_equal(read(file, image.bytes, image.size), at.st_size);
    close(file);
    image.page_size = lf_load_u32(image.bytes + LF_META_FREE);
    image.meta = image.bytes;
    if (lf_load_u64(image.bytes + image.page_size + LF_META_TRANSACTION) >
        lf_load_u64(image.bytes + LF_META_TRANSACTION))
        image.meta += image.page_size;
    return image;
}

static UNUSED void
write_image(const struct fixture *f, const struct image *image)
{
    char name[TEST_PATH_SIZE + 16];
    int file;

    name_data(f, name);
    file = open(name, O_WRONLY | O_TRUNC);
    assert_true(file >= 0);
    assert_int_equal(write(file, image->bytes, image->size),
                     (ssize_t)image->size);
    close(file);
}

static UNUSED uint8_t *
page_at(const struct image *image, uint64_t number)
{
    assert_true(number < image->size / image->page_size);
    return image->bytes + number * image->page_size;
}

static UNUSED uint8_t *
node_at(uint8_t *page, uint32_t index)
{
    return page + lf_load_u16(page + LF_PAGE_HEADER + 2 * index);
}

static UNUSED uint64_t
child_of(uint8_t *page, uint32_t index)
{
    const uint8_t *node = node_at(page, index);

    return lf_load_u32(node) | (uint64_t)lf_load_u16(node + 4) << 32;
}

static UNUSED uint8_t *
data_of(uint8_t *page, uint32_t index)
{
    uint8_t *node = node_at(page, index);

    return node + LF_NODE_HEADER + lf_load_u16(node + 6);
}

static UNUSED uint32_t
nodes_of(const uint8_t *page)
{
    return (lf_load_u16(page + LF_PAGE_LOWER) - LF_PAGE_HEADER) / 2u;
}

static UNUSED uint8_t *
root_of(const struct image *image, const uint8_t *record)
{
    return page_at(image, lf_load_u64(record + LF_RECORD_ROOT));
}

/* The record of the tree whose name begins so; the main database is one leaf. */
static UNUSED uint8_t *
record_of(const struct image *image, const char *name)
{
    uint8_t *page = root_of(image, image->meta + LF_META_MAIN);

    for (uint32_t i = 0; i < nodes_of(page); i++)
        if (!memcmp(node_at(page, i) + LF_NODE_HEADER, name, strlen(name)))
            return data_of(page, i);
    fail_msg("no tree %s", name);
    return NULL;
}

/* A leaf of a tree: child `index` of the root, first to the left below. */
static UNUSED uint8_t *
leaf_of(const struct image *image, const uint8_t *record, uint32_t index)
{
    uint8_t *page = root_of(image, record);

    while (lf_load_u16(page + LF_PAGE_FLAGS) == LF_PAGE_IS_BRANCH) {
        page = page_at(image, child_of(page, index));
        index = 0;
    }
    return page;
}

/* The first entry of the free list that has pages: how many, then which. */
static UNUSED uint8_t *
free_entry(const struct image *image)
{
    uint8_t *leaf = leaf_of(image, image->meta + LF_META_FREE, 0);

    for (uint32_t i = 0; i < nodes_of(leaf); i++)
        if (lf_load_u64(data_of(leaf, i)))
            return data_of(leaf, i);
    fail_msg("the free list is empty");
    return NULL;
}

/* Verifies; the findings have to name what was planted, and to be counted. */
static UNUSED void
expect_found(struct fixture *f, const char *expected)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *text;

    must(feature_store_verify(f->path, NULL, &report, &text, &problem));
    if (!report.findings || !strstr(text, expected))
        fail_msg("found: %s\nexpected: %s", text, expected);
    assert_int_equal(report.findings,
                     report.file_findings + report.page_findings +
                         report.order_findings + report.count_findings +
                         report.row_findings + report.view_findings +
                         report.catalog_findings + report.store_findings);
    feature_free(text);
}

static UNUSED void
expect_nothing(struct fixture *f)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *text;

    must(feature_store_verify(f->path, NULL, &report, &text, &problem));
    if (report.findings)
        fail_msg("found: %s", text);
    feature_free(text);
}

#endif
