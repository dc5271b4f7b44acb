/* SPDX-License-Identifier: Apache-2.0 */
/* Producers that fail, lie or break Arrow's rules: a named error each, the
 * stream released once, and nothing written. */
#include "arrow_producer.h"

#define DEFINITIONS                                                   \
    "CREATE ENTITY e (k INT64);"                                      \
    "CREATE FEATURE VIEW v (a INT64, b BOOL, s STRING, w FLOAT64[2]," \
    " l FLOAT64[], ls STRING[], t TIMESTAMP) FOR e;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define HOSTILE(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static const struct column keys = {
    "k", "l", 4,
    PIECES({0}, {"\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                 "\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0",
                 32})};

/* Honest ones, to be spoilt. Each has four rows. */
static const struct column number = {
    "a", "l", 4,
    PIECES({0}, {"\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                 "\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0",
                 32})};
static const struct column text = {
    "s", "u", 4,
    PIECES({0}, {"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0", 20}, TEXT("wxyz"))};
static const struct column items = {
    "item", "g", 8,
    PIECES({0}, {"12345678123456781234567812345678"
                 "1234567812345678123456781234567",
                 64})};
static const struct column list = {
    "l", "+l", 4, PIECES({0}, {"\0\0\0\0\2\0\0\0\4\0\0\0\6\0\0\0\10\0\0", 20}),
    .children = {&items}};
static const struct column vector = {"w", "+w:2", 4, .children = {&items}};
static const struct column words = {"s", "c", 4, PIECES({0}, {"\0\1\2\3", 4}),
                                    .dictionary = &text};
static const struct column views = {"s", "vu", 4,
                                    PIECES({0},
                                           {"\3\0\0\0abc\0\0\0\0\0\0\0\0\0"
                                            "\15\0\0\0here\0\0\0\0\1\0\0\0"
                                            "\3\0\0\0abc\0\0\0\0\0\0\0\0\0"
                                            "\3\0\0\0abc\0\0\0\0\0\0\0\0",
                                            64},
                                           TEXT(".here13bytes.."),
                                           {"\16\0\0\0\0\0\0", 8}),
                                    .blocks = 1};

static feature_status
import_all(struct fixture *f, struct producer *producer)
{
    struct feature_commit commit = {.struct_size = sizeof commit,
                                    .applied = 99};
    feature_status status =
        import(f, "v", FEATURE_UPSERT, producer, NULL, &commit);

    assert_int_equal(commit.applied, status ? 0 : 4);
    return status;
}

static void
expect_spoilt_at(struct fixture *f, const struct column *column,
                 const char *part, int line)
{
    static const struct column empty = {"k", "l", 0, PIECES({0}, {0})};
    struct column none = *column;
    struct producer p = {.schema = RECORD(0, &empty, column),
                         .batches = {RECORD(4, &keys, column)}};

    none.length = none.nulls = 0;
    must_fail_at(import_all(f, &p), FEATURE_INVALID, "arrow", part, __FILE__,
                 line);
    if (!strstr(problem.message, part) || problem.batch != 0 ||
        strncmp(problem.message, "batch 0, ", 9) != 0) {
        print_error("%s\nexpected: %s\n", problem.message, part);
        _fail(__FILE__, line);
    }
    assert_int_equal(stats_of(f).rows, 0);
}

/* A column that is like an honest one but for these fields. */
#define SPOILT(f, honest, part, ...)                     \
    do {                                                 \
        struct column spoilt_ = (honest), *c = &spoilt_; \
                                                         \
        __VA_ARGS__;                                     \
        expect_spoilt_at((f), c, (part), __LINE__);      \
    } while (0)

static void
honest_columns_are_taken(void **state)
{
    const struct column *const honest[] = {&number, &text,  &list,
                                           &vector, &words, &views};
    struct fixture *f = *state;

    for (int i = 0; i < 6; i++) {
        struct producer p = {.batches = {RECORD(4, &keys, honest[i])}};

        must(import_all(f, &p));
        assert_int_equal(p.nexts, 2);
    }
}

/* --- the stream ------------------------------------------------------------- */

static void
a_failure_of_the_producer_is_told_in_its_words(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &number)}};
    struct fixture *f = *state;
    char long_reason[400];

    p.fail_schema = ENOSYS;
    must_fail(import_all(f, &p), FEATURE_IO, "stream");
    expect_problem(0, -1, "the producer failed: it gives no reason");
    assert_int_equal(problem.os_error, ENOSYS);
    assert_int_equal(p.nexts, 0);
    p.reason = "no \"schema\" today";
    must_fail(import_all(f, &p), FEATURE_IO, "stream");
    expect_problem(0, -1, "the producer failed: no \"schema\" today");
    memset(long_reason, 'x', sizeof long_reason - 1);
    long_reason[sizeof long_reason - 1] = '\0';
    p.fail_schema = 0;
    p.reason = long_reason;
    for (p.fail_at = 1; p.fail_at <= 2; p.fail_at++) {
        p.fail_code = p.fail_at == 1 ? -7 : ENOMEM;
        must_fail(import_all(f, &p), FEATURE_IO, "stream");
        expect_problem((uint32_t)p.fail_at - 1, -1, "xxxx...");
        assert_int_equal(problem.os_error, p.fail_code);
        assert_int_equal(p.nexts, p.fail_at); /* and not asked again */
    }
}

static void
a_stream_that_stays_unreleased_is_marked_released(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &number)},
                         .keeps_release = 1};

    must(import_all(*state, &p));
    p.fail_at = 1;
    must_fail(import_all(*state, &p), FEATURE_IO, "stream");
}

static void
streams_without_functions_are_refused(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &number)}};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        produce(&p, &stream);
        if (i == 0)
            stream.get_schema = NULL;
        if (i == 1)
            stream.get_next = NULL;
        if (i == 2) {
            stream.get_last_error = NULL;
            p.fail_schema = EIO;
        }
        must_fail(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT,
                                            &stream, NULL, NULL, &problem),
                  i == 2 ? FEATURE_IO : FEATURE_INVALID,
                  i == 2 ? "stream" : "arrow");
        expect_released(&p, &stream);
    }
    must_fail(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT, &stream,
                                        NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(p.releases, 1);
}

static int
next_is_nothing(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    (void)out;
    fail_msg("get_next after a schema that was no use");
    return EIO;
}

static int schema_kind;

static int
odd_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    int code = stream_schema(stream, out);

    if (schema_kind == 0)
        out->release(out);
    else if (schema_kind == 1)
        out->format = (free((void *)(uintptr_t)out->format), strdup("l"));
    else if (schema_kind == 2)
        out->format = (free((void *)(uintptr_t)out->format), NULL);
    return code;
}

static void
schemas_that_are_no_records_are_refused(void **state)
{
    struct producer p = {.batches = {RECORD(4, &keys, &number)}};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;

    for (schema_kind = 0; schema_kind < 3; schema_kind++) {
        produce(&p, &stream);
        stream.get_schema = odd_schema;
        stream.get_next = next_is_nothing;
        must_fail(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT,
                                            &stream, NULL, NULL, &problem),
                  FEATURE_INVALID, "arrow");
        expect_problem(0, -1,
                       schema_kind ? "not one of record batches"
                                   : "released schema");
        expect_released(&p, &stream);
    }
}

/* --- record batches --------------------------------------------------------- */

static void
a_batch_unlike_the_schema_is_refused(void **state)
{
    const struct column *good = RECORD(4, &keys, &number);
    struct column narrow = *RECORD(4, &keys), nulls = *good, wide = *good;
    const struct column *const bad[] = {&narrow, RECORD(4, &keys, &text),
                                        RECORD(4, &keys, &vector), &nulls,
                                        &wide};
    static const char *const parts[] = {
        "batch 1, the record batch has 1 children, its type 2",
        "batch 1, column \"a\" of the stream has 3 buffers, its type 2",
        "batch 1, column \"a\" of the stream has 1 buffers, its type 2",
        "batch 1, the record batch has nulls and no validity",
        "batch 1, the record batch has 0 buffers, its type 1"};
    struct fixture *f = *state;

    nulls.nulls = 1;
    wide.more_buffers = -1;
    for (int i = 0; i < 5; i++) {
        struct producer p = {.batches = {good, bad[i]}};

        must_fail(import_all(f, &p), FEATURE_INVALID, "arrow");
        expect_problem(1, -1, parts[i]);
        assert_int_equal(stats_of(f).sequence, 1);
    }
}

static void
impossible_lengths_are_refused(void **state)
{
    struct fixture *f = *state;
    static const int64_t lengths[] = {-1, INT64_MIN, INT64_MAX,
                                      INT64_C(1) << 31};

    for (int i = 0; i < 4; i++) {
        struct column record = *RECORD(lengths[i], &keys, &number);
        struct producer p = {.batches = {&record}};

        must_fail(import_all(f, &p), FEATURE_INVALID, "arrow");
        expect_problem(0, -1,
                       i == 3 ? "2147483648 rows, more than 2147483647"
                              : "impossible length");
        record.length = 4;
        record.offset = lengths[i];
        must_fail(import_all(f, &p), FEATURE_INVALID, "arrow");
        expect_problem(0, -1,
                       i == 3 ? "4 values where 2147483652 are needed"
                              : "impossible length");
    }
    SPOILT(f, number, "impossible length", c->length = -4);
    SPOILT(f, number, "impossible length", c->offset = -1);
    SPOILT(f, number, "impossible length", c->offset = INT64_MAX);
    SPOILT(f, number, "has 3 values where 4", c->length = 3);
    SPOILT(f, number, "5 nulls in 4 values", c->nulls = 5);
    SPOILT(f, number, "-2 nulls in 4 values", c->nulls = -2);
}

static void
wrong_numbers_of_buffers_and_children_are_refused(void **state)
{
    const struct column *const honest[] = {&number, &text,  &list,
                                           &vector, &words, &views};
    struct fixture *f = *state;

    for (int i = 0; i < 6; i++)
        for (int more = -5; more <= 2; more++) {
            if (!more || (honest[i] == &views && more > 0))
                continue; /* a view has any number */
            if (honest[i] == &views && more == -1)
                SPOILT(f, *honest[i], "out of range", c->more_buffers = more);
            else
                SPOILT(f, *honest[i], "buffers", c->more_buffers = more);
        }
    SPOILT(f, list, "0 children", c->more_children = -1);
    SPOILT(f, list, "2 children", c->more_children = 1);
    SPOILT(f, list, "-1 children", c->more_children = -2);
    SPOILT(f, vector, "0 children", c->more_children = -1);
}

static void
missing_buffers_are_refused(void **state)
{
    struct column b = {"b", "b", 4, PIECES({0})};
    struct column t = {"t", "tsn:", 4, PIECES({0})};
    struct fixture *f = *state;

    SPOILT(f, number, "lacks its values", c->pieces[1].bytes = NULL);
    SPOILT(f, b, "lacks its values", (void)c);
    SPOILT(f, t, "lacks its values", (void)c);
    SPOILT(f, number, "nulls and no validity", c->nulls = 1);
    SPOILT(f, text, "lacks its values", c->pieces[1].bytes = NULL);
    SPOILT(f, text, "lacks its bytes", c->pieces[2].bytes = NULL);
    SPOILT(f, list, "lacks its values", c->pieces[1].bytes = NULL);
    SPOILT(f, words, "lacks its values", c->pieces[1].bytes = NULL);
    SPOILT(f, views, "lacks its values", c->pieces[1].bytes = NULL);
    SPOILT(f, views, "out of range", c->pieces[2].bytes = NULL);
    SPOILT(f, views, "lacks the sizes", c->pieces[3].bytes = NULL);
}

/* A child that was moved out, a dictionary that is not there. */
static int array_kind;

static int
odd_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    int code = stream_next(stream, out);
    struct ArrowArray *child = out->children[1];

    if (array_kind == 0) {
        child->dictionary->release(child->dictionary);
        free(child->dictionary);
        child->dictionary = NULL;
    } else if (array_kind == 1) {
        child->dictionary->release(child->dictionary);
        ((struct producer *)stream->private_data)->live++;
    } else if (array_kind == 2) {
        child->release(child);
        ((struct producer *)stream->private_data)->live++;
    }
    return code;
}

static void
missing_and_released_arrays_are_refused(void **state)
{
    static const char *const parts[] = {
        "lacks its dictionary", "was released already", "was released already"};
    struct producer p = {.batches = {RECORD(4, &keys, &words)}};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;

    for (array_kind = 0; array_kind < 3; array_kind++) {
        produce(&p, &stream);
        stream.get_next = odd_next;
        must_fail(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT,
                                            &stream, NULL, NULL, &problem),
                  FEATURE_INVALID, "arrow");
        expect_problem(0, -1, parts[array_kind]);
        expect_released(&p, &stream);
    }
}

static void
a_dictionary_out_of_nowhere_is_refused(void **state)
{
    struct column plain = words;
    struct producer p = {.batches = {RECORD(4, &keys, &words)}};

    plain.name = "a";
    plain.dictionary = NULL;
    p.schema = RECORD(0, &keys, &plain);
    must_fail(import_all(*state, &p), FEATURE_INVALID, "arrow");
    expect_problem(0, -1, "has a dictionary that its schema lacks");
}

/* --- values ----------------------------------------------------------------- */

static void
offsets_may_not_fall_or_leave_their_child(void **state)
{
    struct fixture *f = *state;
    struct column wide = text, few = items;

    SPOILT(f, text, "fall from 2147483647 to 2 at value 2",
           c->pieces[1] = (struct piece)VALUES(int32_t, 0, 1, INT32_MAX, 2, 3));
    SPOILT(f, text, "fall from 4 to 3 at value 3",
           c->pieces[1] = (struct piece)VALUES(int32_t, 0, 1, 2, 4, 3));
    SPOILT(f, text, "begin at -1",
           c->pieces[1] = (struct piece)VALUES(int32_t, -1, 1, 2, 3, 4));
    wide.format = "U";
    SPOILT(f, wide, "fall from 4611686018427387904 to 2",
           c->pieces[1] =
               (struct piece)VALUES(int64_t, 0, 1, INT64_C(1) << 62, 2, 3));
    SPOILT(f, list, "fall from 8 to 6",
           c->pieces[1] = (struct piece)VALUES(int32_t, 0, 2, 4, 8, 6));
    SPOILT(f, list, "has 8 values where 9 are needed",
           c->pieces[1] = (struct piece)VALUES(int32_t, 0, 2, 4, 6, 9));
    SPOILT(f, list, "begin at -2147483648",
           c->pieces[1] = (struct piece)VALUES(int32_t, INT32_MIN, 2, 4, 6, 8));
    few.length = 7;
    SPOILT(f, list, "has 7 values where 8", c->children[0] = &few);
    SPOILT(f, vector, "has 7 values where 8", c->children[0] = &few);
    SPOILT(f, vector, "has 8 values where 10", c->offset = 1);
}

static void
a_vector_of_too_many_elements_is_refused(void **state)
{
    struct column huge = vector;
    struct producer p = {.batches = {RECORD(4, &keys, &huge)}};

    huge.name = "l";
    huge.format = "+w:2147483647";
    must_fail(import_all(*state, &p), FEATURE_INVALID, "arrow");
    expect_problem(0, -1, "has 8 values where 8589934588 are needed");
    huge.length = (INT64_C(1) << 59) - 8;
    huge.offset = INT64_C(1) << 58;
    must_fail(import_all(*state, &p), FEATURE_INVALID, "arrow");
    expect_problem(0, -1, "impossible length");
}

static void
indexes_and_views_may_not_leave_their_buffers(void **state)
{
    static const struct {
        int at;
        uint8_t byte;
    } cases[] = {{16 + 3, 0x80},                /* a negative length */
                 {16 + 0, 14},                  /* past the end */
                 {16 + 8, 1},                   /* no such block */
                 {16 + 11, 0xff}, {16 + 12, 2}, /* past the end by its offset */
                 {16 + 15, 0x80}};
    struct column more = text;
    struct fixture *f = *state;

    SPOILT(f, words, "batch 0, row 3, column \"s\": a view or dictionary index",
           c->pieces[1] = (struct piece)BITS(0, 1, 2, 4));
    SPOILT(f, words, "row 0, ",
           c->pieces[1] = (struct piece)BITS(0xff, 1, 2, 3));
    SPOILT(f, words, "row 2, ", c->format = "L";
           c->pieces[1] = (struct piece)VALUES(uint64_t, 0, 1, UINT64_MAX, 3));
    more.length = 2;
    SPOILT(f, words, "row 2, ", c->dictionary = &more);
    more.offset = 2;
    SPOILT(f, words, "row 2, ", c->dictionary = &more);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[64];

        memcpy(bytes, views.pieces[1].bytes, 64);
        bytes[cases[i].at] = cases[i].byte;
        SPOILT(f, views, "batch 0, row 1, column \"s\": a view or dictionary",
               c->pieces[1].bytes = bytes);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTILE(honest_columns_are_taken),
        HOSTILE(a_failure_of_the_producer_is_told_in_its_words),
        HOSTILE(a_stream_that_stays_unreleased_is_marked_released),
        HOSTILE(streams_without_functions_are_refused),
        HOSTILE(schemas_that_are_no_records_are_refused),
        HOSTILE(a_batch_unlike_the_schema_is_refused),
        HOSTILE(impossible_lengths_are_refused),
        HOSTILE(wrong_numbers_of_buffers_and_children_are_refused),
        HOSTILE(missing_buffers_are_refused),
        HOSTILE(missing_and_released_arrays_are_refused),
        HOSTILE(a_dictionary_out_of_nowhere_is_refused),
        HOSTILE(offsets_may_not_fall_or_leave_their_child),
        HOSTILE(a_vector_of_too_many_elements_is_refused),
        HOSTILE(indexes_and_views_may_not_leave_their_buffers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
