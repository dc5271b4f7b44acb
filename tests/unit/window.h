/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of windowed views share: one event, two entities. */
#ifndef TESTS_UNIT_WINDOW_H
#define TESTS_UNIT_WINDOW_H

#include "model.h"

#include "model/aggregate.h"

#define PAYMENT                                                           \
    "CREATE ENTITY card (card_id STRING);"                                \
    "CREATE ENTITY shop (shop_id STRING);"                                \
    "CREATE EVENT payment (payment_id STRING, card_id STRING, merchant "  \
    "STRING, amount INT64, ratio FLOAT64, small INT32, thin FLOAT32, ok " \
    "BOOL, at TIMESTAMP, raw BYTES) WITH (dedupe = payment_id);"

/* The features are line 3, the end is line 4. */
#define SPEND(features) \
    "\nCREATE FEATURE VIEW v (\n" features "\n) FOR card FROM payment"

/* A feature of the view v. */
static inline const struct lf_feature *
feature_of(const struct lf_catalog *catalog, const char *name)
{
    const struct lf_view *view = lf_catalog_view(catalog, "v");
    const struct lf_feature *feature;

    assert_non_null(view);
    feature = lf_view_feature(view, name);
    assert_non_null(feature);
    return feature;
}

/* The refusal of a text, from an empty catalog. */
struct mistake {
    const char *text;
    const char *message;
};

static inline void
expect_mistakes(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_invalid(mistakes[i].text, mistakes[i].message);
}

#define EXPECT_MISTAKES(mistakes) \
    expect_mistakes(mistakes, sizeof(mistakes) / sizeof *(mistakes))

#endif
