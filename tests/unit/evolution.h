/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of evolution share: a view, and what a text plans for it. */
#ifndef TESTS_UNIT_EVOLUTION_H
#define TESTS_UNIT_EVOLUTION_H

#include "model.h"

/* The features are line 3. */
#define VIEW(features) \
    DRIVER "\nCREATE FEATURE VIEW v (\n" features "\n) FOR driver;"

static inline const struct lf_feature *
feature(const struct lf_catalog *catalog, const char *name)
{
    const struct lf_feature *found =
        lf_view_feature(lf_catalog_view(catalog, "v"), name);

    assert_non_null(found);
    return found;
}

static inline uint32_t
schemas(const struct lf_catalog *catalog)
{
    return lf_catalog_view(catalog, "v")->schema_count;
}

/* What a text, applied to what another defined, plans. */
static inline void
expect_change(const char *before, const char *text, const char *lines)
{
    struct lf_catalog *catalog = defined(before);

    char *again;

    expect_plan(catalog, text, lines);
    catalog = then(catalog, text);
    again = plan(catalog, text);
    assert_true(!*again || !strncmp(again, "kept, ", 6));
    free(again);
    lf_catalog_release(catalog);
}

/* That it contradicts. */
static inline void
expect_conflict(const char *before, const char *text, const char *message)
{
    struct lf_catalog *catalog = defined(before);

    expect_refused(catalog, text, FEATURE_CONFLICT, "definition", message);
    lf_catalog_release(catalog);
}

#endif
