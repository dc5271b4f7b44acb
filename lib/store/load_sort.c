/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a load that came out of order.
 *
 * Owns the merge of what was sorted with what is in the tree by then.
 * Keeps to rows in order of key: where a part of them is in the tree, it becomes
 * an input, and the rows go into the next version.
 * Never holds a snapshot for longer than a chunk takes to copy.
 */
#include <string.h>

#include "store/key_order.h"
#include "store/load.h"

#define HEAD  LF_SLICE_HEAD
#define PLACE LF_SORT_PLACE
#define CHUNK (1u << 20)

/* The part of the tree that is there, a chunk at a time: it is one more sorted
 * input of the merge. */
struct part {
    struct feature_load *load;
    uint32_t version;
    char tree[LF_TREE_NAME_SIZE];
    struct lf_buffer chunk; /* as a slice */
    size_t at;
    uint8_t from[LF_KEY_MAX + 1];
    size_t from_size;
    bool is_over;
};

static feature_status
gather(void *context, const uint8_t *key, size_t key_size, const uint8_t *value,
       size_t size, struct feature_error *error)
{
    struct part *part = context;
    struct lf_slice row = {value, size};
    uint8_t *to;

    if (key_size > LF_KEY_MAX)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a key of a row has %zu bytes", key_size);
    LF_TRY(lf_build_fill(part->load, key, key_size, &row, error));
    to = lf_buffer_extend(&part->chunk, HEAD + key_size + row.size);
    if (!to)
        return lf_fail_memory(error);
    lf_store_u32(to, (uint32_t)key_size);
    lf_store_u32(to + 4, (uint32_t)row.size);
    memcpy(to + HEAD, key, key_size);
    memcpy(to + HEAD + key_size, row.bytes, row.size);
    memcpy(part->from, key, key_size);
    part->from[key_size] = 0;
    part->from_size = key_size + 1;
    return part->chunk.size < CHUNK ? FEATURE_OK : LF_ENOUGH;
}

static feature_status
read_chunk(struct feature_load *load, struct part *part,
           struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    if (part->at < part->chunk.size || part->is_over)
        return FEATURE_OK;
    part->chunk.size = part->at = 0;
    LF_TRY(lf_reader_begin(load->store->environment, &reader, error));
    status = lf_build_reads(load, reader, part->version, error);
    if (!status)
        status = lf_reader_scan_from(reader, part->tree, part->from,
                                     part->from_size, gather, part, error);
    lf_sides_leave(&load->build.sides);
    lf_reader_end(reader);
    part->is_over = !part->chunk.size;
    return status;
}

/* Takes from the part all that is not above a key; NULL: all. */
static feature_status
take_part(struct feature_load *load, struct part *part, const uint8_t *key,
          size_t key_size, struct feature_error *error)
{
    for (;;) {
        const uint8_t *at;
        size_t size, row_size;

        LF_TRY(read_chunk(load, part, error));
        if (part->is_over)
            return FEATURE_OK;
        at = part->chunk.data + part->at;
        size = lf_load_u32(at);
        row_size = lf_load_u32(at + 4);
        if (key && lf_key_compare(at + HEAD, size, key, key_size) > 0)
            return FEATURE_OK;
        LF_TRY(lf_build_take(load, at + HEAD, size, at + HEAD + size, row_size,
                             lf_build_order(&load->build, at + HEAD, size), 0,
                             0, error));
        part->at += HEAD + size + row_size;
    }
}

static feature_status
merge(struct feature_load *load, struct part *part, struct feature_error *error)
{
    struct lf_sorter *sorter = load->build.sorter;
    struct lf_sorted each;

    LF_TRY(lf_sorter_end(sorter, error));
    for (;;) {
        LF_TRY(lf_sorter_next(sorter, &each, error));
        LF_TRY(take_part(load, part, each.key, each.key_size, error));
        if (!each.key)
            return FEATURE_OK;
        LF_TRY(lf_build_take(
            load, each.key, each.key_size, each.bytes + PLACE,
            each.size - PLACE,
            lf_build_order(&load->build, each.key, each.key_size),
            lf_load_u32(each.bytes), lf_load_u32(each.bytes + 4), error));
    }
}

/* The next version takes all rows; the one so far is a part of them. */
static feature_status
begin_again(struct feature_load *load, struct lf_commit *commit, void *context,
            struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;

    (void)context;
    lf_rows_tree(load->view, name);
    LF_TRY(lf_writer_tree(commit->writer, name, true, &tree, error));
    LF_TRY(lf_load_put_meta(load, commit, &load->build.meta, error));
    return lf_loads_put(commit, &load->record, error);
}

static feature_status
drop_part(struct feature_load *load, struct lf_commit *commit, void *context,
          struct feature_error *error)
{
    return lf_version_drop(commit, load->record.view, *(uint32_t *)context,
                           LF_STAGED, error);
}

feature_status
lf_build_sort_in(struct feature_load *load, struct feature_error *error)
{
    uint32_t first = load->record.version;
    struct part part = {.load = load, .version = first, .is_over = true};
    bool is_part = load->build.has_put;
    feature_status status = FEATURE_OK;

    if (is_part) {
        LF_TRY(lf_build_flush(load, true, error));
        lf_rows_tree(load->view, part.tree);
        part.is_over = false;
        part.from_size = 1;
        lf_build_clear(load);
        load->view->version = load->record.version = first + 1;
        LF_TRY(lf_load_commit_slice(load, begin_again, NULL, error));
    }
    status = merge(load, &part, error);
    lf_buffer_free(&part.chunk);
    if (!status)
        status = lf_build_flush(load, true, error);
    if (!status && is_part)
        status = lf_load_commit_slice(load, drop_part, &first, error);
    return status;
}
