/* SPDX-License-Identifier: Apache-2.0 */
/* What a view holds, in a few numbers. */
#include "common.h"

#define DEFINITIONS                          \
    "CREATE ENTITY e (k INT64);"             \
    "CREATE FEATURE VIEW v (a INT64) FOR e;" \
    "CREATE FEATURE VIEW h (a INT64) FOR e " \
    "WITH (history = '30 days');"

/* From the line of a view on: the first line has a random uuid. */
static char *
content_of(struct fixture *f)
{
    char *text = NULL;

    must(feature_store_content(f->store, &text, &problem));
    assert_memory_equal(text, "store\t", 6);
    return text;
}

static void
expect_view(struct fixture *f, const char *name, unsigned rows,
            unsigned tombstones, unsigned history, unsigned sequence)
{
    char *text = content_of(f), start[64], read[4][33] = {"", "", "", ""};
    const char *line;

    snprintf(start, sizeof start, "\nview\t%s\t%u\t%u\t", name, rows,
             tombstones);
    line = strstr(text, start);
    if (!line)
        fail_msg("no line begins with%s in %s", start, text);
    assert_int_equal(sscanf(line + strlen(start), "%32s\t%32s\t%32s\t%32s\n",
                            read[0], read[1], read[2], read[3]),
                     4);
    assert_int_equal(strlen(read[0]), 32);
    assert_int_equal(strtoul(read[1], NULL, 10), history);
    assert_int_equal(strtoul(read[3], NULL, 10), sequence);
    feature_free(text);
}

static void
each_view_has_a_line(void **state)
{
    struct fixture *f = *state;

    define(f, DEFINITIONS);
    expect_view(f, "v", 0, 0, 0, 0);
    upsert(f, "v", NULL, "1 100 5\n2 100 6");
    upsert(f, "h", NULL, "1 100 5");
    upsert(f, "h", NULL, "1 200 6");
    expect_view(f, "v", 2, 0, 0, 2);
    expect_view(f, "h", 1, 0, 2, 4);
}

/* The lines of views, without the last commit. */
static void
hashes_of(struct fixture *f, char hashes[2][80])
{
    char *text = content_of(f);
    const char *at = text;

    for (int i = 0; i < 2; i++) {
        at = strstr(at, "\nview\t");
        assert_non_null(at);
        at++;
        assert_int_equal(sscanf(at, "view\t%*s\t%*s\t%*s\t%32s\t%*s\t%32s",
                                hashes[i], hashes[i] + 40),
                         2);
    }
    feature_free(text);
}

static void
hashes_tell_what_was_written_and_not_in_which_order(void **state)
{
    struct fixture *f = *state;
    char first[2][80], second[2][80];

    define(f, DEFINITIONS);
    upsert(f, "v", NULL, "1 100 5");
    upsert(f, "v", NULL, "2 100 6");
    hashes_of(f, first);
    upsert(f, "v", NULL, "2 200 7");
    hashes_of(f, second);
    assert_string_not_equal(first[0], second[0]);
    assert_string_equal(first[1], second[1]);

    close_store(f);
    remove_directory(f->path);
    open_store(f);
    define(f, DEFINITIONS);
    upsert(f, "v", NULL, "2 200 7\n1 100 5");
    hashes_of(f, first);
    assert_string_equal(first[0], second[0]);

    upsert(f, "h", NULL, "1 100 5");
    hashes_of(f, second);
    assert_string_equal(first[0], second[0]);
    assert_string_not_equal(first[1], second[1]);
    assert_string_not_equal(first[1] + 40, second[1] + 40);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_view_has_a_line),
        TEST(hashes_tell_what_was_written_and_not_in_which_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
