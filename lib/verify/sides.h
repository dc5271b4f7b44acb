/* SPDX-License-Identifier: Apache-2.0 */
/* The states that lie beside the rows of a view, as its rows are checked. */
#ifndef LF_VERIFY_SIDES_H
#define LF_VERIFY_SIDES_H

#include "base/error.h"
#include "format/side.h"
#include "store/form.h"
#include "verify/verify.h"

struct lf_verify_sides {
    struct lf_beside beside;
    struct lf_verify *verify;
    const struct lf_verify_name *tree; /* NULL: there is none */
    const struct lf_place *place;      /* of the row at hand */
    uint32_t seed;
    bool has_found; /* of this row */
    struct feature_error problem;
};

void lf_verify_sides_begin(struct lf_verify *verify,
                           struct lf_verify_sides *sides,
                           const struct lf_view *view);

/* The next row. */
void lf_verify_sides_row(struct lf_verify_sides *sides,
                         const struct lf_place *place);

#endif
