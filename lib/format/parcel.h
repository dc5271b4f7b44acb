/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one key on its way from store to store: a cell of `_tiles`. See
 * docs/format.md, "Tiles on the way". */
#ifndef LF_FORMAT_PARCEL_H
#define LF_FORMAT_PARCEL_H

#include "format/row.h"
#include "format/tiles.h"

#define LF_TILES_COLUMN "_tiles"

/* What a schema version of a view is, for other stores. */
struct lf_tile_print {
    uint64_t states;  /* its plan, its event and its keys, by name */
    uint64_t lineage; /* the same of all versions so far, in turn */
};

/* before: that of the version before, or NULL. False: no memory. */
bool lf_tile_print_make(struct lf_tile_print *print,
                        const struct lf_tile_print *before,
                        const struct lf_tile_plan *plan,
                        const struct lf_entity *entity);

struct lf_parcel {
    uint16_t version; /* of the schema, where it comes from */
    uint16_t flags;   /* of the row: LF_ROW_WINDOW, or LF_ROW_TOMBSTONE */
    struct lf_tile_print print;
    int64_t time; /* of the row: wm */
    const uint8_t *body;
    size_t size;
};

/* Appends it. False: no memory. */
bool lf_parcel_put(const struct lf_parcel *parcel, const uint8_t *key,
                   size_t key_size, struct lf_buffer *to);

/* Opens and checks one; what body is worth is not looked at. Returns what is
 * wrong with it, or NULL. */
const char *lf_parcel_open(struct lf_parcel *parcel, const uint8_t *key,
                           size_t key_size, const uint8_t *bytes, size_t size);

#endif
