/* SPDX-License-Identifier: Apache-2.0 */
/* feature_query_join_arrow(): labels in, the same labels with features out. */
#include "join.h"

/* --- labels ------------------------------------------------------------------- */

#define KEYS(...)                                              \
    {                                                          \
        "k", "l", 4, PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }
#define TIMES(...)                                    \
    {                                                 \
        "event_timestamp", "tsu:UTC", 4,              \
            PIECES({0}, VALUES(int64_t, __VA_ARGS__)) \
    }

static const struct column keys = KEYS(2, 1, 9, 1);
static const struct column times = TIMES(200, 99, 5, 100);
static const struct column names = {
    "y", "u", 4, PIECES({0}, VALUES(int32_t, 0, 1, 2, 3, 4), TEXT("pqrs"))};
/* Types that no feature has. */
static const struct column words = {
    "", "u", 2, PIECES({0}, VALUES(int32_t, 0, 2, 5), TEXT("nosi!!"))};
static const struct column coded = {"said", "c", 4,
                                    PIECES({0}, VALUES(int8_t, 1, 0, 0, 1)),
                                    .dictionary = &words};
static const struct column inner = {
    "i", "l", 6, PIECES({0}, VALUES(int64_t, 9, 9, 40, 41, 42, 43)),
    .offset = 0};
static const struct column nested = {"s",
                                     "+s",
                                     4,
                                     PIECES(BITS(0x2c)),
                                     .offset = 2,
                                     .nulls = 1,
                                     .children = {&inner}};

static void
labels_come_back_in_order_with_what_was_known_then(void **state)
{
    struct producer p = {.batches = {RECORD(4, &names, &keys, &times)}};

    expect_join(*state, &p, "v(a, b)", NULL, "y k event_timestamp a b",
                "p 2 200 22 two\nq 1 99 null null\nr 9 5 1 null\n"
                "s 1 100 11 one\n--\n");
}

static void
any_type_is_carried_along(void **state)
{
    struct producer p = {
        .batches = {RECORD(4, &nested, &keys, &coded, &times)}};

    expect_join(*state, &p, "v(a)", NULL, "s k said event_timestamp a",
                "{40} 2 si! 200 22\n{41} 1 no 99 null\nnull 9 no 5 1\n"
                "{43} 1 si! 100 11\n--\n");
}

static void
batches_stay_what_they_were(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &times),
                                     RECORD(0, &keys, &times),
                                     RECORD(4, &keys, &times)}};

    expect_join(*state, &p, "v(a)", NULL, "k event_timestamp a",
                "2 200 22\n1 99 null\n9 5 1\n1 100 11\n--\n--\n"
                "2 200 22\n1 99 null\n9 5 1\n1 100 11\n--\n");
}

static void
a_large_batch_is_cut_into_chunks(void **state)
{
    const struct column head = {"h", "l", 5,
                                PIECES({0}, VALUES(int64_t, 0, 7, 2, 1, 9, 1)),
                                .offset = 1},
                        late = {"event_timestamp", "l", 5,
                                PIECES({0},
                                       VALUES(int64_t, 7, 200, 99, 5, 100))},
                        same = {"k", "l", 5,
                                PIECES({0}, VALUES(int64_t, 7, 2, 1, 9, 1))};
    struct column sliced = *RECORD(4, &head, &same, &late);
    struct producer p = {.batches = {&sliced, &sliced}};
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .chunk_rows = 3};

    sliced.offset = 1; /* of the record batch itself */
    expect_join(*state, &p, "v(a, b)", &options, "h k event_timestamp a b",
                "2 2 200 22 two\n1 1 99 null null\n9 9 5 1 null\n--\n"
                "1 1 100 11 one\n--\n2 2 200 22 two\n1 1 99 null null\n--\n"
                "9 9 5 1 null\n1 1 100 11 one\n--\n");
}

static void
times_of_any_unit_that_is_exact_are_taken(void **state)
{
    static const struct {
        const char *format;
        int64_t scale;
    } units[] = {
        {"l", 1}, {"tsu:", 1}, {"tsn:UTC", 1000}, {"tsn:+02:00", 1000}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t values[4] = {200 * units[i].scale, 99 * units[i].scale,
                             5 * units[i].scale, 100 * units[i].scale};
        struct column at = {"ts", units[i].format, 4,
                            PIECES({0}, {values, sizeof values})};
        struct producer p = {.batches = {RECORD(4, &keys, &at)}};
        struct feature_join_options options = {.struct_size = sizeof options,
                                               .timestamp = "ts"};
        char expected[200];

        sprintf(expected, "2 %lld 22\n1 %lld null\n9 %lld 1\n1 %lld 11\n--\n",
                (long long)values[0], (long long)values[1],
                (long long)values[2], (long long)values[3]);
        expect_join(*state, &p, "v(a)", &options, "k ts a", expected);
    }
}

static void
seconds_are_microseconds_of_them(void **state)
{
    const struct column one = {"k", "l", 2, PIECES({0}, VALUES(int64_t, 7, 7))};
    const struct column at = {"event_timestamp", "tss:UTC", 2,
                              PIECES({0}, VALUES(int64_t, 60, 59))};
    struct producer p = {.batches = {RECORD(2, &one, &at)}};

    upsert(*state, "v", NULL, "7 60000000 70 null");
    expect_join(*state, &p, "v(a)", NULL, "k event_timestamp a",
                "7 60 70\n7 59 null\n--\n");
}

static void
states_and_timestamps_follow_the_features(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &times)}};
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_EXPORT_STATES |
                                                    FEATURE_EXPORT_TIMESTAMPS};

    expect_join(*state, &p, "v(a)", &options,
                "k event_timestamp a v__state v__event_timestamp",
                "2 200 22 1 200\n1 99 null 5 null\n9 5 1 3 null\n"
                "1 100 11 1 100\n--\n");
}

static void
a_null_key_is_a_row_without_key(void **state)
{
    const struct column some = {"k", "l", 4,
                                PIECES(BITS(0x0d), VALUES(int64_t, 2, 1, 9, 1)),
                                .nulls = 1};
    const struct column cities = {
        "name", "u", 4,
        PIECES(BITS(0x07), VALUES(int32_t, 0, 4, 4, 8, 8), TEXT("osloxxxx")),
        .nulls = HIDDEN};
    struct producer p = {.batches = {RECORD(4, &some, &cities, &times)}};
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_EXPORT_STATES};

    expect_join(*state, &p, "v(a), n(x)", &options,
                "k name event_timestamp a x v__state n__state",
                "2 oslo 200 22 5 1 1\nnull  99 1 null 6 3\n"
                "9 xxxx 5 1 null 3 3\n1 null 100 11 null 1 6\n--\n");
}

static void
an_empty_stream_gives_its_schema(void **state)
{
    struct producer p = {.schema = RECORD(4, &keys, &times)};

    expect_join(*state, &p, "v(a)", NULL, "k event_timestamp a", "");
}

static void
the_consumer_may_stop_early_and_move_columns_out(void **state)
{
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .chunk_rows = 2};
    struct producer p = {.batches = {RECORD(4, &keys, &nested, &times)}};
    struct ArrowArray first, second, moved[3];
    struct join join;

    must(try_join(*state, &join, &p, "v(a)", &options));
    assert_int_equal(join.stream.get_next(&join.stream, &first), 0);
    assert_int_equal(join.stream.get_next(&join.stream, &second), 0);
    for (int i = 0; i < 3; i++) { /* of both, at the same places */
        moved[i] = *first.children[i];
        first.children[i]->release = NULL;
    }
    first.release(&first);
    join.stream.release(&join.stream);
    assert_int_equal(second.children[1]->children[0]->length, 6);
    second.release(&second);
    assert_int_equal(((const int64_t *)moved[0].buffers[1])[moved[0].offset],
                     2);
    for (int i = 0; i < 3; i++)
        moved[i].release(&moved[i]);
    assert_int_equal(p.live, 0);
    assert_int_equal(p.releases, 1);
}

static void
metadata_of_both_are_there(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &times)}};
    struct ArrowSchema schema;
    struct join join;
    int32_t pairs;

    must(try_join(*state, &join, &p, "v(a)", NULL));
    assert_int_equal(join.stream.get_schema(&join.stream, &schema), 0);
    assert_non_null(schema.metadata);
    memcpy(&pairs, schema.metadata, sizeof pairs);
    assert_int_equal(pairs, 1);
    assert_memory_equal(schema.metadata + 8, "libfeature.fingerprint", 22);
    schema.release(&schema);
    close_join(&join);
}

/* --- what is refused ---------------------------------------------------------- */

static void
names_have_to_be_there_once(void **state)
{
    const struct column a = {"a", "l", 4,
                             PIECES({0}, VALUES(int64_t, 1, 2, 3, 4))},
                        text = {"k", "u", 4,
                                PIECES({0}, VALUES(int32_t, 0, 0, 0, 0, 0),
                                       TEXT(""))};

    struct producer collides = {.batches = {RECORD(4, &keys, &times, &a)}};
    struct producer twice = {.batches = {RECORD(4, &keys, &keys, &times)}};
    struct producer no_time = {.batches = {RECORD(4, &keys)}};
    struct producer no_key = {.batches = {RECORD(4, &times, &a)}};
    struct producer wrong = {.batches = {RECORD(4, &text, &times)}};
    struct producer none = {.fail_schema = EPERM, .reason = "no schema today"};

    refuses(*state, &collides, "v(a)", FEATURE_CONFLICT, "name",
            "the labels have a column a already");
    refuses(*state, &twice, "v(a)", FEATURE_INVALID, "argument",
            "the labels have 2 columns \"k\"");
    refuses(*state, &no_time, "v(a)", FEATURE_NOT_FOUND, "name",
            "no column \"event_timestamp\"");
    refuses(*state, &no_key, "v(a)", FEATURE_NOT_FOUND, "name",
            "the labels have no column \"k\"");
    refuses(*state, &wrong, "v(a)", FEATURE_INVALID, "argument",
            "cannot take Arrow's string");
    refuses(*state, &none, "v(a)", FEATURE_IO, "stream", "no schema today");
    expect_join(*state, &collides, "v(a AS known)", NULL,
                "k event_timestamp a known",
                "2 200 1 22\n1 99 2 null\n9 5 3 1\n1 100 4 11\n--\n");
}

static void
arguments_are_checked(void **state)
{
    struct fixture *f = *state;
    struct producer p = {.batches = {RECORD(4, &keys, &times)}};
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .flags = 64};
    struct ArrowArrayStream labels, out = {0};

    refuses_at(f, &p, "v(a)", &options, FEATURE_INVALID, "argument",
               "unknown bits 0x40", __LINE__);
    options = (struct feature_join_options){.struct_size = sizeof options,
                                            .reserved = 1};
    refuses_at(f, &p, "v(a)", &options, FEATURE_INVALID, "argument", "reserved",
               __LINE__);
    produce(&p, &labels);
    must_fail(feature_query_join_arrow(NULL, &labels, NULL, &out, &problem),
              FEATURE_INVALID, "argument");
    expect_released(&p, &labels);
    must_fail(feature_query_join_arrow(NULL, &labels, NULL, &out, &problem),
              FEATURE_INVALID, "argument");
    assert_null(out.release);
}

static void
a_bad_label_is_named(void **state)
{
    const struct column
        odd = {"event_timestamp", "tsn:UTC", 4,
               PIECES({0}, VALUES(int64_t, 1000, 2000, 3001, 0))},
        least = {"event_timestamp", "l", 4,
                 PIECES({0}, VALUES(int64_t, 1, INT64_MIN, 3, 4))},
        none = {"event_timestamp", "l", 4,
                PIECES(BITS(0x07), VALUES(int64_t, 1, 1, 3, 4)), .nulls = 1},
        broken = {"name", "u", 4,
                  PIECES({0}, VALUES(int32_t, 0, 1, 2, 2, 3),
                         TEXT("a\xff"
                              "b"))},
        small = {"k", "l", 2, PIECES({0}, VALUES(int64_t, 1, 2))};
    struct column nulls = *RECORD(4, &keys, &times);
    struct producer p = {.batches = {RECORD(4, &keys, &odd)}};

    breaks(*state, &p, "v(a)", EINVAL,
           "argument: batch 0, row 2, column \"event_timestamp\": the time is "
           "not a whole number of microseconds");
    p.batches[0] = RECORD(4, &keys, &least);
    breaks(*state, &p, "v(a)", EINVAL,
           "argument: batch 0, row 1, column \"event_timestamp\": the time is "
           "INT64_MIN");
    p.batches[0] = RECORD(4, &keys, &none);
    breaks(*state, &p, "v(a)", EINVAL,
           "argument: batch 0, row 3, column \"event_timestamp\": the time is "
           "null");
    p.batches[0] = RECORD(4, &broken, &times);
    breaks(*state, &p, "n(x)", EINVAL,
           "argument: batch 0, row 1, column \"name\": the text is not UTF-8");
    p.batches[0] = RECORD(4, &small, &times);
    breaks(*state, &p, "v(a)", EINVAL,
           "arrow: batch 0, column \"k\" of the stream has 2 values where 4 "
           "are needed");
    nulls.pieces[0] = (struct piece)BITS(0x0b);
    nulls.nulls = 1;
    p.batches[0] = &nulls;
    breaks(*state, &p, "v(a)", EINVAL,
           "argument: batch 0, row 2: the row itself is null");
}

static void
a_producer_that_fails_is_quoted(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &times), NULL},
                         .fail_at = 2,
                         .fail_code = ENOSPC,
                         .reason = "the disk is full"};

    breaks(*state, &p, "v(a)", ENOSPC,
           "stream: batch 1, the producer failed: the disk is full");
}

static void
a_batch_of_another_shape_is_refused(void **state)
{
    const struct column childless = {"s", "+s", 4, PIECES({0})};
    struct producer p = {.batches = {RECORD(4, &keys, &times, &nested),
                                     RECORD(4, &keys, &times, &childless)}};

    breaks(*state, &p, "v(a)", EINVAL,
           "arrow: batch 1, column \"s\" of the stream is not of the shape "
           "that its type has");
}

static void
a_closed_store_ends_the_join(void **state)
{
    struct fixture *f = *state;
    struct feature_join_options options = {.struct_size = sizeof options,
                                           .chunk_rows = 2};
    struct producer p = {.batches = {RECORD(4, &keys, &times)}};
    struct ArrowArray array;
    struct join join;

    must(try_join(f, &join, &p, "v(a)", &options));
    assert_int_equal(join.stream.get_next(&join.stream, &array), 0);
    close_store(f);
    assert_int_equal(array.length, 2);
    array.release(&array);
    assert_int_equal(join.stream.get_next(&join.stream, &array), EINVAL);
    assert_non_null(
        strstr(join.stream.get_last_error(&join.stream), "closed:"));
    close_join(&join);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        JOIN(labels_come_back_in_order_with_what_was_known_then),
        JOIN(any_type_is_carried_along),
        JOIN(batches_stay_what_they_were),
        JOIN(a_large_batch_is_cut_into_chunks),
        JOIN(times_of_any_unit_that_is_exact_are_taken),
        JOIN(seconds_are_microseconds_of_them),
        JOIN(states_and_timestamps_follow_the_features),
        JOIN(a_null_key_is_a_row_without_key),
        JOIN(an_empty_stream_gives_its_schema),
        JOIN(the_consumer_may_stop_early_and_move_columns_out),
        JOIN(metadata_of_both_are_there),
        JOIN(names_have_to_be_there_once),
        JOIN(arguments_are_checked),
        JOIN(a_bad_label_is_named),
        JOIN(a_producer_that_fails_is_quoted),
        JOIN(a_batch_of_another_shape_is_refused),
        JOIN(a_closed_store_ends_the_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
