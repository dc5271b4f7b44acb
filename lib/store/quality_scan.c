/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a version, for quality rules.
 *
 * Owns how they are gone through.
 * Keeps to one snapshot, or to a bounded part of the rows in each.
 * Never scans where no rule needs rows.
 */
#include <string.h>

#include "base/error.h"
#include "format/row.h"
#include "store/quality.h"

#define PASS_ROWS 65536 /* of one snapshot, where several will do */

struct pass {
    struct lf_quality *quality;
    const struct lf_view *view;
    uint32_t seed;
    uint64_t left;         /* rows that this snapshot may still look at */
    struct lf_buffer from; /* no row below it is left */
    bool is_done;
};

static feature_status
visit(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
      size_t size, struct feature_error *error)
{
    struct pass *pass = context;

    if (!pass->left--) {
        pass->is_done = false;
        pass->from.size = 0;
        return lf_buffer_append(&pass->from, key, key_size)
                   ? LF_ENOUGH
                   : lf_fail_memory(error);
    }
    if (size < LF_ROW_HEADER_SIZE ||
        lf_load_u32(value) !=
            lf_row_checksum(pass->seed, key, key_size, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "a row of %s fails its checksum", pass->view->name);
    return lf_quality_add(pass->quality, key, key_size, value, size, error);
}

static feature_status
scan_part(struct pass *pass, struct lf_reader *reader, const char *tree,
          struct feature_error *error)
{
    pass->is_done = true;
    return lf_reader_scan_from(
        reader, tree, pass->from.size ? (const void *)pass->from.data : "",
        pass->from.size, visit, pass, error);
}

static void
begin(struct pass *pass, struct lf_quality *quality, const struct lf_view *view,
      uint32_t version, char tree[LF_TREE_NAME_SIZE])
{
    struct lf_view standing = {.id = view->id, .version = version};

    *pass = (struct pass){.quality = quality,
                          .view = view,
                          .seed = lf_row_seed(view->id),
                          .left = UINT64_MAX};
    lf_rows_tree(&standing, tree);
}

feature_status
lf_quality_scan(struct lf_quality *quality, struct lf_reader *reader,
                const struct lf_view *view, uint32_t version,
                struct feature_error *error)
{
    char tree[LF_TREE_NAME_SIZE];
    struct pass pass;

    if (!lf_quality_needs_rows(quality))
        return FEATURE_OK;
    begin(&pass, quality, view, version, tree);
    return scan_part(&pass, reader, tree, error);
}

feature_status
lf_quality_scan_slowly(struct lf_quality *quality, feature_store *store,
                       const struct lf_view *view, uint32_t version,
                       struct feature_error *error)
{
    feature_status status = FEATURE_OK;
    char tree[LF_TREE_NAME_SIZE];
    struct lf_reader *reader;
    struct pass pass;

    if (!lf_quality_needs_rows(quality))
        return FEATURE_OK;
    begin(&pass, quality, view, version, tree);
    while (!status && !pass.is_done) {
        status = lf_reader_begin(store->environment, &reader, error);
        if (status)
            break;
        pass.left = PASS_ROWS;
        status = scan_part(&pass, reader, tree, error);
        lf_reader_end(reader);
    }
    lf_buffer_free(&pass.from);
    return status;
}
