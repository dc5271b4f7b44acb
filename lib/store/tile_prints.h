/* SPDX-License-Identifier: Apache-2.0 */
/* What the schema versions of a view are for other stores. */
#ifndef LF_STORE_TILE_PRINTS_H
#define LF_STORE_TILE_PRINTS_H

#include "format/parcel.h"
#include "store/form.h"

struct lf_tile_prints {
    uint32_t count;
    struct lf_tile_print *all; /* that of version 1 first */
};

/* Of a bound form, whose arena they lie in. */
feature_status lf_tile_prints_make(struct lf_tile_prints *prints,
                                   struct lf_form *form,
                                   const struct lf_catalog *catalog,
                                   struct feature_error *error);

/* The print of a version that is there. */
static inline const struct lf_tile_print *
lf_tile_print_of(const struct lf_tile_prints *prints, uint16_t version)
{
    return &prints->all[version - 1];
}

/* The newest version whose states are those of a print; 0: none. */
uint16_t lf_tile_prints_find(const struct lf_tile_prints *prints,
                             const struct lf_tile_print *print);

/* A view FROM an event, by name. */
feature_status lf_tiles_view(const struct lf_catalog *catalog, const char *name,
                             const struct lf_view **view,
                             struct feature_error *error);

#endif
