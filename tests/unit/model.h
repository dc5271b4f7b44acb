/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of definitions share: catalogs made of text. */
#ifndef TESTS_UNIT_MODEL_H
#define TESTS_UNIT_MODEL_H

#include "draw.h"

#include "model/define.h"
#include "model/select.h"

#define DRIVER "CREATE ENTITY driver (driver_id INT64);"

/* The catalog after a text; the one before is released. */
static inline struct lf_catalog *
then(struct lf_catalog *before, const char *text)
{
    struct lf_catalog *after = NULL;
    struct feature_error error = {0};

    if (lf_define(before, text, &after, NULL, &error)) {
        print_error("%s\n    %s: %s\n", text, error.reason, error.message);
        fail();
    }
    if (!after)
        return before;
    lf_catalog_release(before);
    return after;
}

static inline struct lf_catalog *
defined(const char *text)
{
    struct lf_catalog *empty = lf_catalog_empty();

    assert_non_null(empty);
    return then(empty, text);
}

/* The plan of a text, to be freed. */
static inline char *
plan(const struct lf_catalog *catalog, const char *text)
{
    struct lf_catalog *after = NULL;
    struct feature_error error = {0};
    struct lf_text lines = {0};
    char *taken;

    if (lf_define(catalog, text, &after, &lines, &error)) {
        print_error("%s\n    %s: %s\n", text, error.reason, error.message);
        fail();
    }
    lf_catalog_release(after);
    taken = lf_text_take(&lines);
    assert_non_null(taken);
    return taken;
}

static inline void
expect_plan(const struct lf_catalog *catalog, const char *text,
            const char *lines)
{
    char *made = plan(catalog, text);

    assert_string_equal(made, lines);
    free(made);
}

/* A text that has to fail in one way, and to leave everything as it was. */
static inline void
expect_refused(const struct lf_catalog *catalog, const char *text,
               feature_status status, const char *reason, const char *message)
{
    struct lf_catalog *untouched = (struct lf_catalog *)&text;
    struct lf_catalog *after = untouched;
    struct feature_error error = {0};
    struct lf_text lines = {0};

    if (!lf_define(catalog, text, &after, &lines, &error)) {
        print_error("not refused: %s\n", text);
        fail();
    }
    assert_string_equal(error.message, message);
    assert_string_equal(error.reason, reason);
    assert_int_equal(error.status, status);
    assert_ptr_equal(after, untouched);
    assert_int_equal(lines.bytes.size, 0);
}

/* The same from an empty catalog. */
static inline void
expect_invalid(const char *text, const char *message)
{
    struct lf_catalog *empty = lf_catalog_empty();

    expect_refused(empty, text, FEATURE_INVALID, "argument", message);
    lf_catalog_release(empty);
}

/* All definitions, or one, to be freed. */
static inline char *
described(const struct lf_catalog *catalog, const char *name)
{
    struct feature_error error = {0};
    struct lf_text text = {0};
    char *taken;

    if (lf_describe(catalog, name, &text, &error)) {
        print_error("%s\n", error.message);
        fail();
    }
    taken = lf_text_take(&text);
    assert_non_null(taken);
    return taken;
}

static inline void
expect_described(const struct lf_catalog *catalog, const char *name,
                 const char *text)
{
    char *made = described(catalog, name);

    assert_string_equal(made, text);
    free(made);
}

#endif
