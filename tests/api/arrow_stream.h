/* SPDX-License-Identifier: Apache-2.0 */
/* Scans as text: what the tests of feature_store_scan_arrow() share. */
#ifndef TESTS_API_ARROW_STREAM_H
#define TESTS_API_ARROW_STREAM_H

#include <errno.h>

#include "arrow_check.h"
#include "common.h"

#ifndef TEXT_SIZE
#define TEXT_SIZE 65536
#endif

/* A stream and its schema. */
struct scan {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
};

static inline struct scan
open_scan(struct fixture *f, const char *features,
          const struct feature_scan_options *options)
{
    struct scan scan = {0};

    must(feature_store_scan_arrow(f->store, features, options, &scan.stream,
                                  &problem));
    assert_int_equal(scan.stream.get_schema(&scan.stream, &scan.schema), 0);
    check_schema(&scan.schema);
    return scan;
}

static inline void
close_scan(struct scan *scan)
{
    if (scan->stream.release)
        scan->stream.release(&scan->stream);
    if (scan->schema.release)
        scan->schema.release(&scan->schema);
    assert_null(scan->stream.release);
    assert_null(scan->schema.release);
}

/* The next batch, checked; released at the end. */
static inline struct ArrowArray
next_batch(struct scan *scan)
{
    struct ArrowArray batch = {.length = 99, .release = NULL};
    int code = scan->stream.get_next(&scan->stream, &batch);

    if (code)
        fail_msg("get_next: %s: %s", strerror(code),
                 scan->stream.get_last_error(&scan->stream));
    assert_null(scan->stream.get_last_error(&scan->stream));
    if (!batch.release)
        return batch;
    check_array(&scan->schema, &batch);
    assert_true(batch.length > 0);
    return batch;
}

/* The rest of a scan as text, a row a line; a line "--" ends a batch. */
static inline const char *
rest_of(struct scan *scan, int with_ends)
{
    static char text[TEXT_SIZE];
    struct ArrowArray batch;

    text[0] = '\0';
    while ((batch = next_batch(scan)).release) {
        print_rows(&scan->schema, &batch, text, sizeof text);
        if (with_ends)
            strcat(text, "\n--");
        batch.release(&batch);
    }
    return text;
}

static inline void
expect_rest_at(struct scan *scan, const char *expected, const char *file,
               int line)
{
    const char *text = rest_of(scan, strstr(expected, "\n--") != NULL);

    if (!strcmp(text, expected))
        return;
    print_error("scanned:\n%s\nexpected:\n%s\n", text, expected);
    _fail(file, line);
}

#define expect_rest(scan, expected) \
    expect_rest_at((scan), (expected), __FILE__, __LINE__)

/* All of a scan, for once. */
static inline void
expect_scan_at(struct fixture *f, const char *features,
               const struct feature_scan_options *options, const char *expected,
               const char *file, int line)
{
    struct scan scan = open_scan(f, features, options);

    expect_rest_at(&scan, expected, file, line);
    close_scan(&scan);
}

#define expect_scan(f, features, options, expected) \
    expect_scan_at((f), (features), (options), (expected), __FILE__, __LINE__)

/* The next batch fails, with the word in what the stream has to say. */
static inline void
expect_error_at(struct scan *scan, int code, const char *word, const char *file,
                int line)
{
    struct ArrowArray batch = {0};
    int got = scan->stream.get_next(&scan->stream, &batch);
    const char *text = scan->stream.get_last_error(&scan->stream);

    if (got == code && text && !strncmp(text, word, strlen(word)) &&
        text[strlen(word)] == ':' && !batch.release)
        return;
    print_error("get_next: %d, \"%s\"; expected %d, \"%s: ...\"\n", got,
                text ? text : "(none)", code, word);
    _fail(file, line);
}

#define expect_error(scan, code, word) \
    expect_error_at((scan), (code), (word), __FILE__, __LINE__)

#endif
