/* SPDX-License-Identifier: Apache-2.0 */
/* Joins of labels as text: what the tests of feature_query_join_arrow() share. */
#ifndef TESTS_API_JOIN_H
#define TESTS_API_JOIN_H

#include "arrow_producer.h"

#define DEFINITIONS                                              \
    "CREATE ENTITY e (k INT64);"                                 \
    "CREATE ENTITY c (name STRING);"                             \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, b STRING) FOR e;" \
    "CREATE FEATURE VIEW n (x INT64) FOR c;"

#define TEXT_SIZE 8192

static inline int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    upsert(*state, "v", NULL, "1 100 11 one\n2 200 22 two\n3 300 33 null");
    upsert(*state, "n", NULL, "oslo 100 5");
    return 0;
}

#define JOIN(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* --- a join and its producer -------------------------------------------------- */

struct join {
    struct producer *producer;
    struct ArrowArrayStream labels, stream;
    feature_query *query;
};

static inline feature_status
try_join(struct fixture *f, struct join *join, struct producer *producer,
         const char *features, const struct feature_join_options *options)
{
    feature_status status;

    *join = (struct join){.producer = producer};
    produce(producer, &join->labels);
    must(
        feature_query_create(f->store, features, NULL, &join->query, &problem));
    status = feature_query_join_arrow(join->query, &join->labels, options,
                                      &join->stream, &problem);
    assert_null(join->labels.release); /* it was moved, whatever the answer */
    feature_query_free(join->query);   /* the stream holds on to it */
    if (status) {
        assert_null(join->stream.release);
        assert_int_equal(producer->releases, 1);
        assert_int_equal(producer->live, 0);
    }
    return status;
}

static inline void
close_join(struct join *join)
{
    join->stream.release(&join->stream);
    assert_null(join->stream.release);
    assert_int_equal(join->producer->releases, 1);
    assert_int_equal(join->producer->live, 0);
}

/* --- record batches as text --------------------------------------------------- */

static inline int
is_there(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *bits = array->n_buffers ? array->buffers[0] : NULL;

    return !bits || bits[at / 8] >> (at & 7) & 1;
}

static inline void
print_item(const struct ArrowSchema *schema, const struct ArrowArray *array,
           int64_t row, char *text)
{
    const char *format = schema->format;
    int64_t at = array->offset + row;

    text += strlen(text);
    if (!is_there(array, at)) {
        strcpy(text, "null");
    } else if (schema->dictionary) {
        print_item(schema->dictionary, array->dictionary,
                   ((const int8_t *)array->buffers[1])[at], text);
    } else if (!strcmp(format, "u")) {
        const int32_t *ends = array->buffers[1];

        sprintf(text, "%.*s", ends[at + 1] - ends[at],
                (const char *)array->buffers[2] + ends[at]);
    } else if (!strcmp(format, "+s")) {
        strcpy(text, "{");
        for (int64_t i = 0; i < array->n_children; i++) {
            strcat(text, i ? " " : "");
            print_item(schema->children[i], array->children[i], at, text);
        }
        strcat(text, "}");
    } else if (!strcmp(format, "i")) {
        sprintf(text, "%d", ((const int32_t *)array->buffers[1])[at]);
    } else {
        sprintf(text, "%lld",
                (long long)((const int64_t *)array->buffers[1])[at]);
    }
}

/* Rows a line; "--" ends a batch. */
static inline void
print_batch(const struct ArrowSchema *schema, const struct ArrowArray *array,
            char *text)
{
    assert_int_equal(array->n_children, schema->n_children);
    assert_int_equal(array->null_count, 0);
    for (int64_t row = 0; row < array->length; row++) {
        for (int64_t i = 0; i < array->n_children; i++) {
            assert_int_equal(array->children[i]->length, array->length);
            strcat(text, i ? " " : "");
            print_item(schema->children[i], array->children[i], row, text);
        }
        strcat(text, "\n");
    }
    strcat(text, "--\n");
}

/* All of it; arrays are released after their stream. */
static inline void
expect_stream_at(struct join *join, const char *names, const char *expected,
                 int line)
{
    struct ArrowArray arrays[BATCHES_MAX + 8] = {{0}};
    static char text[TEXT_SIZE];
    struct ArrowSchema schema;
    int count = 0;

    text[0] = '\0';
    assert_int_equal(join->stream.get_schema(&join->stream, &schema), 0);
    for (int64_t i = 0; i < schema.n_children; i++) {
        strcat(text, i ? " " : "");
        strcat(text, schema.children[i]->name);
    }
    assert_string_equal(text, names);
    text[0] = '\0';
    do {
        int code = join->stream.get_next(&join->stream, &arrays[count]);

        if (code)
            fail_msg("line %d: %s", line,
                     join->stream.get_last_error(&join->stream));
    } while (arrays[count++].release);
    join->stream.release(&join->stream);
    for (int i = 0; i < count - 1; i++)
        print_batch(&schema, &arrays[i], text);
    if (strcmp(text, expected) != 0) {
        print_error("joined:\n%s\nexpected:\n%s\n", text, expected);
        _fail(__FILE__, line);
    }
    for (int i = 0; i < count - 1; i++)
        arrays[i].release(&arrays[i]);
    schema.release(&schema);
    assert_int_equal(join->producer->releases, 1);
    assert_int_equal(join->producer->live, 0);
}

static inline void
expect_join_at(struct fixture *f, struct producer *producer,
               const char *features, const struct feature_join_options *options,
               const char *names, const char *expected, int line)
{
    struct join join;

    must_at(try_join(f, &join, producer, features, options), features, __FILE__,
            line);
    expect_stream_at(&join, names, expected, line);
}

#define expect_join(f, producer, features, options, names, expected) \
    expect_join_at((f), (producer), (features), (options), (names),  \
                   (expected), __LINE__)

/* Refused by the call. */
static inline void
refuses_at(struct fixture *f, struct producer *producer, const char *features,
           const struct feature_join_options *options, feature_status status,
           const char *reason, const char *part, int line)
{
    struct join join;

    must_fail_at(try_join(f, &join, producer, features, options), status,
                 reason, features, __FILE__, line);
    if (!strstr(problem.message, part)) {
        print_error("%s\nexpected: %s\n", problem.message, part);
        _fail(__FILE__, line);
    }
}

#define refuses(f, producer, features, status, reason, part)                  \
    refuses_at((f), (producer), (features), NULL, (status), (reason), (part), \
               __LINE__)

/* Fails at a batch, for good. */
static inline void
breaks_at(struct fixture *f, struct producer *producer, const char *features,
          int code, const char *text, int line)
{
    struct ArrowArray array = {0};
    struct join join;

    must_at(try_join(f, &join, producer, features, NULL), features, __FILE__,
            line);
    for (int i = 0; i < 2; i++) {
        int got = join.stream.get_next(&join.stream, &array);
        const char *said = join.stream.get_last_error(&join.stream);

        if (got != code || array.release || !said || strcmp(said, text)) {
            print_error("get_next: %d %s\nexpected: %d %s\n", got,
                        said ? said : "(nothing)", code, text);
            _fail(__FILE__, line);
        }
    }
    close_join(&join);
}

#define breaks(f, producer, features, code, text) \
    breaks_at((f), (producer), (features), (code), (text), __LINE__)

#endif
