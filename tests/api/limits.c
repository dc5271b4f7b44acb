/* SPDX-License-Identifier: Apache-2.0 */
/* Reader slots, maps of different sizes, and the figures a store tells. */
#include <sys/stat.h>

#include "peer.h"

#define DEFINITIONS                                    \
    "CREATE ENTITY e (k INT64);"                       \
    "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e;" \
    "CREATE FEATURE VIEW w (b INT64) FOR e;"           \
    "CREATE FEATURE SERVICE s1 AS v(*);"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define LIMITS(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- reader slots ----------------------------------------------------------- */

static void
find_no_slot(struct fixture *f, struct peer *peer)
{
    feature_query *query = NULL;
    char owner[64];

    take_turn(peer);
    must_fail(feature_store_open(f->path, &f->options, &f->store, &problem),
              FEATURE_FULL, "readers-full");
    snprintf(owner, sizeof owner, "by processes %d (1)", (int)getppid());
    assert_non_null(strstr(problem.message, owner));
    assert_null(f->store);
    give_turn(peer);
    take_turn(peer);
    open_store(f);
    must(feature_query_create(f->store, "v(*)", NULL, &query, &problem));
    feature_query_free(query);
    close_store(f);
    give_turn(peer);
}

static void
a_full_reader_table_says_so_until_somebody_leaves(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    close_store(f);
    remove_directory(f->path);
    f->options.max_readers = 1;
    peer = start_peer(f, find_no_slot);
    open_store(f);
    define(f, DEFINITIONS);
    assert_int_equal(stats_of(f).max_readers, 1);
    expect_rows(f, "v(a)", "1", "not_found null");
    pass_turn(&peer);
    close_store(f);
    pass_turn(&peer);
    end_peer(&peer);
}

/* --- maps ------------------------------------------------------------------- */

static void
write_megabytes(struct fixture *f, int first, int count)
{
    static char text[1 << 20];
    int size;

    for (int i = first; i < first + count; i++) {
        size = snprintf(text, sizeof text, "%d 100 %d ", i, i);
        memset(text + size, 'x', (1 << 20) - 1000);
        text[size + (1 << 20) - 1000] = '\0';
        upsert(f, "v", NULL, text);
    }
}

static void
use_a_small_map(struct fixture *f, struct peer *peer)
{
    struct reader reader;

    f->options.map_size = 2 << 20;
    open_store(f);
    assert_in_range(stats_of(f).map_size, 1, 64 << 20);
    reader = open_reader(f, "v(a)", 0, "3\n9");
    expect_read(&reader, "not_found null\nnot_found null");
    pass_turn(peer);
    expect_read(&reader, "present 3\npresent 9");
    upsert(f, "w", NULL, "1 100 5");
    pass_turn(peer);
    expect_read(&reader, "present 3\nnot_found null");
    expect_rows(f, "w(b)", "1", "present 6");
    close_reader(&reader);
    close_store(f);
}

static void
a_small_map_follows_the_file_as_others_make_it_grow(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    close_store(f);
    peer = start_peer(f, use_a_small_map);
    f->options.map_size = 1u << 30;
    open_store(f);
    take_turn(&peer);
    write_megabytes(f, 0, 10);
    pass_turn(&peer);
    expect_rows(f, "w(b)", "1", "present 5");
    erase(f, "v", NULL, "9 100");
    upsert(f, "w", NULL, "1 100 6");
    give_turn(&peer);
    end_peer(&peer);
}

static void
a_dropped_view_gives_its_pages_back(void **state)
{
    struct fixture *f = *state;
    uint64_t first = 0;

    for (int i = 0; i < 6; i++) {
        write_megabytes(f, 0, 4);
        if (!i)
            first = stats_of(f).used_size;
        assert_true(first > 4 << 20);
        define(f, "DROP FEATURE SERVICE s1; DROP FEATURE VIEW v");
        define(f, DEFINITIONS);
    }
    assert_true(stats_of(f).used_size < 2 * first);
}

/* --- figures ---------------------------------------------------------------- */

static void
stats_count_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct feature_stats stats;
    struct stat at;
    char path[TEST_PATH_SIZE + 16];

    upsert(f, "v", NULL, "1 100 5 a\n2 100 6 b\n3 100 7 c\n3 99 8 d");
    erase(f, "v", NULL, "2 200");
    upsert(f, "w", NULL, "1 100 5\n1 @172800 6");
    expect_rows(f, "v(*)", "1\n2\n3",
                "present 5 a\nnot_found null null\n"
                "present 7 c");
    expect_rows(f, "w(*)", "1", "present 5");
    stats = stats_of(f);
    assert_int_equal(stats.struct_size, sizeof stats);
    assert_int_equal(stats.sequence, 4);
    assert_true(stats.commit_time == NOON + 3);
    assert_int_equal(stats.catalog_version, 1);
    assert_int_equal(stats.rows, 3);
    assert_int_equal(stats.tombstones, 1);
    assert_int_equal(stats.applied, 5);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.entities, 1);
    assert_int_equal(stats.views, 2);
    assert_int_equal(stats.services, 1);
    assert_int_equal(stats.reads, 2);
    assert_int_equal(stats.read_rows, 4);
    assert_int_equal(stats.max_readers, 1024);
    assert_in_range(stats.readers, 1, 64);
    assert_in_range(stats.lmdb_version, 924, 999);
    if (!getenv("FEATURE_READ_PATH"))
        assert_int_equal(stats.fallback_reads, 0);
    assert_int_equal(stats.reserved, 0);
    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    assert_int_equal(stat(path, &at), 0);
    assert_int_equal(stats.file_size, at.st_size);
    assert_true(stats.used_size <= stats.file_size);
    assert_true(stats.map_size >= stats.file_size);
    define(f, "DROP FEATURE VIEW w");
    assert_int_equal(stats_of(f).rows, 2);
    assert_int_equal(stats_of(f).late, 1);
}

/* Whether a line of the text begins so. */
static int
has_line(const char *text, const char *line)
{
    size_t size = strlen(line);

    for (; *text; text += *text == '\n') {
        if (!strncmp(text, line, size))
            return 1;
        text += strcspn(text, "\n");
    }
    return 0;
}

static void
metrics_are_open_metrics(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t size;

    upsert(f, "v", NULL, "1 100 5 a\n1 99 6 b");
    must(feature_store_metrics(f->store, &text, &problem));
    size = strlen(text);
    assert_true(size > 6);
    assert_string_equal(text + size - 6, "# EOF\n");
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
        assert_true(!strncmp(at, "feature_", 8) || !strncmp(at, "# ", 2));
    assert_true(has_line(text, "# TYPE feature_"));
    assert_true(has_line(text, "# HELP feature_"));
    assert_non_null(strstr(text, "{view=\"v\"} 1\n"));
    assert_non_null(strstr(text, "{view=\"w\"} 0\n"));
    assert_null(strstr(text, "nan"));
    feature_free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LIMITS(a_full_reader_table_says_so_until_somebody_leaves),
        LIMITS(a_small_map_follows_the_file_as_others_make_it_grow),
        LIMITS(a_dropped_view_gives_its_pages_back),
        LIMITS(stats_count_what_is_there),
        LIMITS(metrics_are_open_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
