/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wide states of a load's rows.
 *
 * Owns the way of a row between its full form, in which it is loaded, sorted and
 * gathered, and that in which it is stored: what is wide lies beside it.
 * Keeps the count of what lies beside rows true to the rows.
 * Never fetches a value to store a row: a row in full has them all.
 */
#include "store/load_rows.h"

feature_status
lf_build_bind(struct feature_load *load, struct feature_error *error)
{
    struct lf_build *build = &load->build;

    lf_sides_init(&build->sides, load->view); /* its version moves on */
    if (build->form.view)
        return FEATURE_OK;
    return lf_form_bind(&build->form, load->catalog, load->view, error);
}

static feature_status
deflate(struct feature_load *load, const uint8_t *key, size_t key_size,
        const struct lf_row *row, struct feature_error *error)
{
    struct lf_build *build = &load->build;

    LF_TRY(lf_build_bind(load, error));
    lf_sides_begin(&build->sides, key, key_size);
    return lf_sides_deflate(&build->sides, &build->form, row, &build->stored,
                            error);
}

feature_status
lf_build_slim(struct feature_load *load, const uint8_t *key, size_t key_size,
              struct lf_slice *row, uint64_t *count,
              struct feature_error *error)
{
    struct lf_build *build = &load->build;
    struct lf_row opened;
    size_t made;

    *count = 0;
    if (!load->is_event || row->size < LF_BESIDE_FROM ||
        !lf_row_open(&opened, row->bytes, row->size) ||
        !(opened.flags & LF_ROW_WINDOW))
        return FEATURE_OK;
    LF_TRY(deflate(load, key, key_size, &opened, error));
    if (!build->sides.beside.is_used)
        return FEATURE_OK;
    (void)lf_beside_set_items(&build->sides.beside.made, &made);
    *count = made;
    lf_row_seal(build->seed, key, key_size, &build->stored);
    *row = (struct lf_slice){build->stored.data, build->stored.size};
    return FEATURE_OK;
}

feature_status
lf_build_put_sides(struct feature_load *load, struct lf_commit *commit,
                   struct feature_error *error)
{
    struct lf_sides *sides = &load->build.sides;
    struct lf_tree *tree;
    size_t count;
    const struct lf_beside_item *items =
        lf_beside_set_items(&sides->beside.made, &count);

    LF_TRY(lf_writer_tree(commit->writer, sides->tree, true, &tree, error));
    for (size_t i = 0; i < count; i++) {
        size_t size = lf_side_key(sides->key, sides->key_size, &items[i].ref);

        if (!lf_side_encode(sides->seed, sides->key, size, items[i].bytes,
                            items[i].ref.size, &sides->value))
            return lf_fail_memory(error);
        LF_TRY(lf_tree_put(tree, sides->key, size, sides->value.data,
                           sides->value.size, false, error));
    }
    return FEATURE_OK;
}

feature_status
lf_build_reads(struct feature_load *load, struct lf_reader *reader,
               uint32_t version, struct feature_error *error)
{
    struct lf_view part = *load->view;

    if (!load->is_event)
        return FEATURE_OK;
    LF_TRY(lf_build_bind(load, error));
    part.version = version;
    lf_sides_init(&load->build.sides, &part);
    lf_sides_in_reader(&load->build.sides, reader);
    return FEATURE_OK;
}

feature_status
lf_build_fill(struct feature_load *load, const uint8_t *key, size_t key_size,
              struct lf_slice *row, struct feature_error *error)
{
    struct lf_build *build = &load->build;
    struct lf_row opened;

    if (!load->is_event)
        return FEATURE_OK;
    if (!lf_row_open(&opened, row->bytes, row->size))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a row of a load has an unknown form");
    if (!lf_sides_has(&opened))
        return FEATURE_OK;
    lf_sides_begin(&build->sides, key, key_size);
    LF_TRY(lf_sides_inflate(&build->sides, &build->form, &opened,
                            &build->stored, error));
    *row = (struct lf_slice){build->stored.data, build->stored.size};
    return FEATURE_OK;
}
