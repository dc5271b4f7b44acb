/* SPDX-License-Identifier: Apache-2.0 */
/* feature_request_export_arrow(): a read as one struct array. */
#include "arrow_check.h"
#include "common.h"

#include <malloc.h>
#include <pthread.h>

#define EVERY_TYPE                                                           \
    "CREATE ENTITY e (k INT64);"                                             \
    "CREATE FEATURE VIEW v (b BOOL, i INT32, l INT64, f FLOAT32, d FLOAT64," \
    " s STRING, y BYTES, t TIMESTAMP, w FLOAT32[3], n INT32[], u STRING[])"  \
    " FOR e WITH (ttl = '1 hour');"

#define EVERY_ROW                                                           \
    "1 @0 true -7 9000000000 0.5 -2.25 text x00ff 12 [1,2,3] [4,5] [a,b]\n" \
    "2 @0 null null null null null null null null null null null\n"         \
    "3 @0 false 0 0 0 0 '' '' 0 [0,0,0] [] []"

#define TEXT_SIZE 65536

static char text[TEXT_SIZE];

/* An exported answer. */
struct exported {
    struct ArrowSchema schema;
    struct ArrowArray array;
};

static struct exported export(const struct reader *reader, uint32_t flags)
{
    struct exported made = {0};

    must(feature_request_export_arrow(reader->request, flags, &made.schema,
                                      &made.array, &problem));
    check_schema(&made.schema);
    check_array(&made.schema, &made.array);
    return made;
}

static void
drop(struct exported *made)
{
    if (made->array.release)
        made->array.release(&made->array);
    if (made->schema.release)
        made->schema.release(&made->schema);
    assert_null(made->array.release);
    assert_null(made->schema.release);
}

static struct exported
read_and_export(struct fixture *f, const char *features, const char *keys,
                uint32_t flags)
{
    struct reader reader = open_reader(f, features, 0, keys);
    struct exported made;

    must(feature_request_read(reader.request, &problem));
    made = export(&reader, flags);
    close_reader(&reader);
    return made;
}

static void
expect_schema(const struct exported *made, const char *expected)
{
    text[0] = '\0';
    print_schema(&made->schema, text, sizeof text);
    assert_string_equal(text, expected);
}

static void
expect_text(const struct exported *made, const char *expected)
{
    text[0] = '\0';
    print_rows(&made->schema, &made->array, text, sizeof text);
    assert_string_equal(text, expected);
}

static void
define_every_type(struct fixture *f)
{
    define(f, EVERY_TYPE);
    upsert(f, "v", NULL, EVERY_ROW);
}

static void
every_type_has_its_format(void **state)
{
    struct fixture *f = *state;
    struct exported made;

    define_every_type(f);
    made = read_and_export(f, "v(*)", "1\n2\n3\n4", 0);
    expect_schema(&made, "b b?, i i?, l l?, f f?, d g?, s u?, y z?, "
                         "t tsu:UTC?, w +w:3?(f), n +l?(i), u +l?(u)");
    expect_text(&made,
                "true -7 9000000000 0.5 -2.25 text x00ff 12 [1,2,3] [4,5] "
                "[a,b]\n"
                "null null null null null null null null null null null\n"
                "false 0 0 0 0 '' '' 0 [0,0,0] [] []\n"
                "null null null null null null null null null null null");
    drop(&made);
}

static void
columns_keep_the_order_and_names_of_the_query(void **state)
{
    struct fixture *f = *state;
    struct exported made;

    define_every_type(f);
    made = read_and_export(f, "v(s AS z, b) AS other, v(l)", "1", 0);
    expect_schema(&made, "other__z u?, other__b b?, l l?");
    expect_text(&made, "text true 9000000000");
    assert_string_equal(made.schema.format, "+s");
    assert_int_equal(made.schema.flags, 0);
    drop(&made);
}

static void
the_metadata_is_the_fingerprint(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct exported made;
    char hex[17];

    define_every_type(f);
    reader = open_reader(f, "v(i)", 0, "1");
    must(feature_request_read(reader.request, &problem));
    made = export(&reader, 0);
    snprintf(hex, sizeof hex, "%016" PRIx64,
             feature_query_fingerprint(reader.query));
    assert_memory_equal(made.schema.metadata + 8, "libfeature.fingerprint", 22);
    assert_memory_equal(made.schema.metadata + 34, hex, 16);
    drop(&made);
    close_reader(&reader);
}

static void
fills_are_values_and_not_nulls(void **state)
{
    struct fixture *f = *state;
    struct exported made;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (a INT64 DEFAULT 5, s STRING DEFAULT 'x',"
              " n INT64) FOR e;");
    made = read_and_export(f, "v(*)", "1\n2", 0);
    expect_text(&made, "5 x null\n5 x null");
    assert_int_equal(made.array.children[0]->null_count, 0);
    assert_null(made.array.children[0]->buffers[0]);
    assert_int_equal(made.array.children[2]->null_count, 2);
    drop(&made);
}

static void
states_and_timestamps_come_by_view(void **state)
{
    struct fixture *f = *state;
    struct exported made;

    define_every_type(f);
    upsert(f, "v", "k, event_timestamp, i", "5 @-7200 9");
    made = read_and_export(f, "v(i), v(l) AS a", "1\n2\n4\n5\nnull",
                           FEATURE_EXPORT_STATES | FEATURE_EXPORT_TIMESTAMPS);
    expect_schema(&made, "i i?, a__l l?, v__state i, "
                         "v__event_timestamp tsu:UTC?, a__state i, "
                         "a__event_timestamp tsu:UTC?");
    snprintf(text + TEXT_SIZE / 2, TEXT_SIZE / 2,
             "-7 9000000000 1 %" PRId64 " 1 %" PRId64 "\n"
             "null null 2 %" PRId64 " 2 %" PRId64 "\n"
             "null null 3 null 3 null\n"
             "null null 4 %" PRId64 " 4 %" PRId64 "\n"
             "null null 6 null 6 null",
             NOON, NOON, NOON, NOON, NOON - 2 * HOUR, NOON - 2 * HOUR);
    expect_text(&made, text + TEXT_SIZE / 2);
    drop(&made);
    made = read_and_export(f, "v(i)", "4", FEATURE_EXPORT_STATES);
    expect_schema(&made, "i i?, v__state i");
    drop(&made);
    made = read_and_export(f, "v(i)", "4", FEATURE_EXPORT_TIMESTAMPS);
    expect_schema(&made, "i i?, v__event_timestamp tsu:UTC?");
    drop(&made);
}

static void
two_columns_of_one_name_are_refused(void **state)
{
    struct fixture *f = *state;
    struct exported made = {0};
    struct reader reader;

    define(f, "CREATE ENTITY e (k INT64);"
              "CREATE FEATURE VIEW v (state INT64) FOR e;");
    reader = open_reader(f, "v(state) AS a", 0, "1");
    must(feature_request_read(reader.request, &problem));
    must_fail(feature_request_export_arrow(reader.request,
                                           FEATURE_EXPORT_STATES, &made.schema,
                                           &made.array, &problem),
              FEATURE_INVALID, "argument");
    assert_non_null(strstr(problem.message, "a__state"));
    assert_null(made.schema.release);
    made = export(&reader, FEATURE_EXPORT_TIMESTAMPS);
    drop(&made);
    close_reader(&reader);
}

static void
no_rows_are_an_array_of_length_0(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct exported made;

    define_every_type(f);
    reader = open_reader(f, "v(*)", 0, NULL);
    must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64, NULL,
                                 NULL, NULL, 0, &problem));
    must(feature_request_read(reader.request, &problem));
    made = export(&reader, FEATURE_EXPORT_STATES | FEATURE_EXPORT_TIMESTAMPS);
    assert_int_equal(made.array.length, 0);
    assert_int_equal(made.array.n_children, 13);
    drop(&made);
    close_reader(&reader);
}

static void
what_was_not_read_is_refused(void **state)
{
    struct fixture *f = *state;
    struct feature_query_options matrix = {.struct_size = sizeof matrix,
                                           .flags = FEATURE_QUERY_MATRIX};
    struct exported made = {0};
    struct reader reader;
    float row[1];

    define_every_type(f);
    reader = open_reader(f, "v(i)", 0, "1");
    must_fail(feature_request_export_arrow(reader.request, 0, &made.schema,
                                           &made.array, &problem),
              FEATURE_INVALID, "argument");
    must(feature_request_read(reader.request, &problem));
    must_fail(feature_request_export_arrow(reader.request, 4, &made.schema,
                                           &made.array, &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_export_arrow(NULL, 0, &made.schema, &made.array,
                                           &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_export_arrow(reader.request, 0, NULL, &made.array,
                                           &problem),
              FEATURE_INVALID, "argument");
    must_fail(feature_request_export_arrow(reader.request, 0, &made.schema,
                                           NULL, NULL),
              FEATURE_INVALID, NULL);
    close_reader(&reader);
    must(feature_query_create(f->store, "v(i)", &matrix, &reader.query,
                              &problem));
    must(feature_request_create(reader.query, &reader.request, &problem));
    set_keys(&reader, "1");
    must(feature_request_read_matrix(reader.request, row, 1, &problem));
    must_fail(feature_request_export_arrow(reader.request, 0, &made.schema,
                                           &made.array, &problem),
              FEATURE_INVALID, "argument");
    assert_null(made.schema.release);
    assert_null(made.array.release);
    close_reader(&reader);
}

static void
an_export_outlives_what_it_came_from(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct exported first, second;

    define_every_type(f);
    reader = open_reader(f, "v(s, n)", 0, "1");
    must(feature_request_read(reader.request, &problem));
    first = export(&reader, 0);
    second = export(&reader, 0);
    set_keys(&reader, "3\n3\n3");
    must(feature_request_read(reader.request, &problem));
    close_reader(&reader);
    close_store(f);
    check_array(&first.schema, &first.array);
    expect_text(&first, "text [4,5]");
    drop(&first);
    expect_text(&second, "text [4,5]");
    drop(&second);
}

/* As a consumer moves: the struct is copied, and what stays is released. */
static struct ArrowArray
move_array(struct ArrowArray *from)
{
    struct ArrowArray moved = *from;

    from->release = NULL;
    return moved;
}

static struct ArrowSchema
move_schema(struct ArrowSchema *from)
{
    struct ArrowSchema moved = *from;

    from->release = NULL;
    return moved;
}

static void
children_that_were_moved_out_live_on(void **state)
{
    struct fixture *f = *state;
    struct ArrowArray arrays[3];
    struct ArrowSchema schemas[3];
    struct exported made, moved;

    define_every_type(f);
    made = read_and_export(f, "v(*)", "1", 0);
    moved.schema = move_schema(&made.schema);
    moved.array = move_array(&made.array);
    arrays[0] = move_array(moved.array.children[5]);
    arrays[1] = move_array(moved.array.children[10]);
    arrays[2] = move_array(arrays[1].children[0]);
    schemas[0] = move_schema(moved.schema.children[5]);
    schemas[1] = move_schema(moved.schema.children[10]);
    schemas[2] = move_schema(schemas[1].children[0]);
    drop(&moved);
    arrays[1].release(&arrays[1]);
    schemas[1].release(&schemas[1]);
    text[0] = '\0';
    print_item(&schemas[0], &arrays[0], 0, text, sizeof text);
    print_item(&schemas[2], &arrays[2], 1, text, sizeof text);
    assert_string_equal(text, "textb");
    assert_string_equal(schemas[0].name, "s");
    arrays[2].release(&arrays[2]);
    arrays[0].release(&arrays[0]);
    schemas[0].release(&schemas[0]);
    schemas[2].release(&schemas[2]);
    assert_null(arrays[2].release);
    assert_null(schemas[2].release);
}

static void
children_may_be_released_before_their_parent(void **state)
{
    struct fixture *f = *state;
    struct exported made;

    define_every_type(f);
    made = read_and_export(f, "v(*)", "1\n2", 0);
    for (int64_t i = made.array.n_children; i-- > 0; i -= i > 2) {
        made.array.children[i]->release(made.array.children[i]);
        made.schema.children[i]->release(made.schema.children[i]);
        assert_null(made.array.children[i]->release);
    }
    drop(&made);
}

static void *
drop_elsewhere(void *made)
{
    drop(made);
    return NULL;
}

static void
an_export_is_released_on_any_thread(void **state)
{
    struct fixture *f = *state;
    struct exported made;
    pthread_t thread;

    define_every_type(f);
    made = read_and_export(f, "v(*)", "1\n2", 0);
    assert_int_equal(pthread_create(&thread, NULL, drop_elsewhere, &made), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_null(made.array.release);
}

/* Every length around the ends of bytes, words and paddings. */
static void
any_number_of_rows_is_exported_whole(void **state)
{
    struct fixture *f = *state;
    int64_t keys[300];
    struct reader reader;

    define_every_type(f);
    reader = open_reader(f, "v(*)", 0, NULL);
    for (uint32_t rows = 1; rows < 300; rows += rows < 140 ? 1 : 37) {
        struct exported made;

        for (uint32_t i = 0; i < rows; i++)
            keys[i] = 1 + (i * 7 + rows) % 4;
        must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                     keys, NULL, NULL, rows, &problem));
        must(feature_request_read(reader.request, &problem));
        made = export(&reader, FEATURE_EXPORT_TIMESTAMPS);
        assert_int_equal(made.array.length, rows);
        for (uint32_t i = 0; i < rows; i++) {
            text[0] = '\0';
            print_item(made.schema.children[10], made.array.children[10], i,
                       text, sizeof text);
            assert_string_equal(text, keys[i] == 1   ? "[a,b]"
                                      : keys[i] == 3 ? "[]"
                                                     : "null");
        }
        drop(&made);
    }
    close_reader(&reader);
}

static void
an_export_runs_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct reader reader;
    struct exported made = {0};
    int64_t failures = -1;
    feature_status status;
    size_t used;

    define_every_type(f);
    reader = open_reader(f, "v(*)", 0, "1\n2");
    must(feature_request_read(reader.request, &problem));
    used = mallinfo2().uordblks;
    do {
        failures++;
        if (!allocation_fail(failures))
            break;
        status = feature_request_export_arrow(
            reader.request, FEATURE_EXPORT_STATES | FEATURE_EXPORT_TIMESTAMPS,
            &made.schema, &made.array, &problem);
        allocation_fail(-1);
        assert_int_equal(made.schema.release != NULL, !status);
        assert_int_equal(made.array.release != NULL, !status);
        if (status) {
            assert_int_equal(status, FEATURE_NO_MEMORY);
            assert_int_equal(mallinfo2().uordblks, used); /* no leak */
        }
    } while (status);
    drop(&made);
    close_reader(&reader);
    if (failures)
        assert_in_range(failures, 3, 100);
    else
        skip();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_has_its_format),
        TEST(columns_keep_the_order_and_names_of_the_query),
        TEST(the_metadata_is_the_fingerprint),
        TEST(fills_are_values_and_not_nulls),
        TEST(states_and_timestamps_come_by_view),
        TEST(two_columns_of_one_name_are_refused),
        TEST(no_rows_are_an_array_of_length_0),
        TEST(what_was_not_read_is_refused),
        TEST(an_export_outlives_what_it_came_from),
        TEST(children_that_were_moved_out_live_on),
        TEST(children_may_be_released_before_their_parent),
        TEST(an_export_is_released_on_any_thread),
        TEST(any_number_of_rows_is_exported_whole),
        TEST(an_export_runs_out_of_memory),
    };

    return cmocka_run_group_tests_name("arrow_export", tests, NULL, NULL);
}
