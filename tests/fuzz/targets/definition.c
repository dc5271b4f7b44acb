/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definition texts, applied to nothing and to a catalog with history.
 *
 * Property: a refusal names its error and changes nothing. What is accepted is
 * described by a text that changes nothing there, and that makes, out of
 * nothing, a catalog with the same description.
 */
#include "target.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "model/define.h"

static const char *const texts[] = {
    "CREATE ENTITY driver (driver_id INT64);"
    "CREATE ENTITY pair (a STRING, b BYTES);"
    "CREATE FEATURE VIEW v (a INT32 NOT NULL DEFAULT 1, b FLOAT32[2], c "
    "STRING[] DEFAULT ['x', ''], d BOOL) FOR driver WITH (ttl = '2 h', history "
    "= '9 d', max_skew = 'none');"
    "CREATE FEATURE VIEW w (x BYTES DEFAULT x'', y TIMESTAMP) FOR pair WITH "
    "(check = 'rows > 5; nulls(x) < 0.5; max(y) > 0; distinct(b) > 1');",
    "CREATE FEATURE VIEW v (a INT64, e FLOAT64 RENAMED FROM d2, f INT32[]) FOR "
    "driver; DROP FEATURE v:d",
    "CREATE FEATURE SERVICE s AS v(*), w(x AS z) AS r (a AS k, b AS l), w:y;"
    "DROP FEATURE v:b; DROP FEATURE v:f;"
    "CREATE EVENT p (i STRING, c INT64, m STRING, n INT32, r FLOAT64, o BOOL) "
    "WITH (dedupe = i);"
    "CREATE FEATURE VIEW x (q = SUM(n) BY m WHERE o = TRUE AND n IN (1, 2) "
    "OVER "
    "'1 h', l = LAST(m, 3), d = COUNT(*) OVER TUMBLE '1 d') FOR driver "
    "(driver_id = c) FROM p WITH (zone = '+08:00');",
    "CREATE FEATURE VIEW x (s = APPROX_PERCENTILE(r, 0.5) OVER '7 d' HOP '1 "
    "d') "
    "FOR driver (driver_id = c) FROM p; DROP FEATURE x:d"};

static struct lf_catalog *
after_text(struct lf_catalog *before, const char *text)
{
    struct lf_catalog *after = NULL;
    struct feature_error error;

    expect(!lf_define(before, text, &after, NULL, &error), "a good text");
    if (!after)
        return before;
    lf_catalog_release(before);
    return after;
}

static char *
describe(const struct lf_catalog *catalog)
{
    struct lf_text text = {0};
    struct feature_error error;
    char *made;

    expect(!lf_describe(catalog, NULL, &text, &error), "a description");
    made = lf_text_take(&text);
    expect(made, "a description has a text");
    return made;
}

static void
check_catalog(const struct lf_catalog *catalog)
{
    char *text = describe(catalog), *again;
    struct lf_catalog *after = NULL, *fresh;
    struct feature_error error;

    expect(!lf_define(catalog, text, &after, NULL, &error),
           "a description can be applied");
    expect(!after, "a description changes nothing");
    fresh = after_text(lf_catalog_empty(), text);
    again = describe(fresh);
    expect(!strcmp(text, again), "the description of a description");
    lf_catalog_release(fresh);
    lf_free(again);
    lf_free(text);
}

static void
apply(const struct lf_catalog *before, const char *text)
{
    struct lf_catalog *untouched = (struct lf_catalog *)(uintptr_t)text;
    struct lf_catalog *after = untouched;
    struct feature_error error = {0};
    struct lf_text lines = {0};
    feature_status status = lf_define(before, text, &after, &lines, &error);

    if (status) {
        expect_named(status, &error);
        expect(lf_utf8_valid(error.message, strlen(error.message)),
               "a message is UTF-8");
        expect(after == untouched && !lines.bytes.size,
               "a refusal changes nothing");
    } else if (after) {
        expect(after->version == before->version + 1, "one version further");
        check_catalog(after);
        lf_catalog_release(after);
    }
    lf_text_free(&lines);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct lf_catalog *empty, *evolved;
    char *text = text_copy(bytes, size);

    if (!empty) {
        empty = lf_catalog_empty();
        evolved = lf_catalog_empty();
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            evolved = after_text(evolved, texts[i]);
        check_catalog(evolved);
    }
    apply(empty, text);
    apply(evolved, text);
    free(text);
    return 0;
}
