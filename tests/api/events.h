/* SPDX-License-Identifier: Apache-2.0 */
/* Events as text, and what a view holds of them. */
#ifndef TESTS_API_EVENTS_H
#define TESTS_API_EVENTS_H

#include "common.h"

static inline feature_batch *
make_events(struct fixture *f, int32_t operation, const char *event,
            const char *columns, const char *rows)
{
    return make_batch(f, operation, event, columns, rows);
}

/* Writes events and compares their outcomes, a letter each. */
static inline void
expect_events(struct fixture *f, int32_t operation, const char *event,
              const char *columns, const char *rows, const char *outcomes)
{
    feature_batch *batch = make_events(f, operation, event, columns, rows);

    write_batch(f, batch);
    expect_outcomes(batch, outcomes);
    feature_batch_free(batch);
}

struct held {
    unsigned rows, tombstones, history, sequence;
    char hash[33]; /* of the rows */
    char kept[33]; /* of the history */
};

/* What a view holds. */
static inline struct held
held_of(struct fixture *f, const char *view)
{
    char *text = NULL, start[96];
    struct held held = {0};
    const char *line;

    must(feature_store_content(f->store, &text, &problem));
    snprintf(start, sizeof start, "\nview\t%s\t", view);
    line = strstr(text, start);
    if (!line)
        fail_msg("no line of %s in %s", view, text);
    assert_int_equal(sscanf(line + strlen(start), "%u\t%u\t%32s\t%u\t%32s\t%u",
                            &held.rows, &held.tombstones, held.hash,
                            &held.history, held.kept, &held.sequence),
                     6);
    feature_free(text);
    return held;
}

/* Nothing is wrong with the store's file. */
static inline void
expect_good_at(struct fixture *f, const char *file, int line)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *text = NULL;

    must(feature_store_verify(f->path, NULL, &report, &text, &problem));
    if (report.findings || *text) {
        print_error("%s", text);
        _fail(file, line);
    }
    feature_free(text);
}

#define expect_good(f) expect_good_at((f), __FILE__, __LINE__)

/* Two views hold the same rows. */
#define expect_equal_rows(a, b)                           \
    do {                                                  \
        assert_string_equal((a).hash, (b).hash);          \
        assert_int_equal((a).rows, (b).rows);             \
        assert_int_equal((a).tombstones, (b).tombstones); \
    } while (0)

/* Applies every record of the feed to a new store beside it, and compares what
 * both hold; returns the other one, which is open. */
static inline feature_store *
follow_all(struct fixture *f, char path[TEST_PATH_SIZE])
{
    struct feature_changes_options options = {.struct_size = sizeof options};
    struct feature_change_record record;
    struct feature_options how = f->options;
    feature_changes *changes = NULL;
    feature_store *other = NULL;
    char *ours = NULL, *theirs = NULL;

    test_directory(path);
    how.struct_size = sizeof how;
    how.flags |= FEATURE_OPEN_CREATE;
    how.fixed_now = 1; /* a follower does not ask the clock */
    must(feature_store_open(path, &how, &other, &problem));
    must(feature_changes_open(f->store, &options, &changes, &problem));
    for (;;) {
        must(feature_changes_next(changes, &record, &problem));
        if (!record.bytes)
            break;
        must(feature_store_follow(other, record.bytes, (size_t)record.size,
                                  NULL, &problem));
    }
    feature_changes_free(changes);
    must(feature_store_content(f->store, &ours, &problem));
    must(feature_store_content(other, &theirs, &problem));
    assert_string_equal(ours, theirs);
    feature_free(ours);
    feature_free(theirs);
    return other;
}

static inline void
expect_followed(struct fixture *f)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char path[TEST_PATH_SIZE], *text = NULL;

    feature_store_close(follow_all(f, path));
    must(feature_store_verify(path, NULL, &report, &text, &problem));
    assert_string_equal(text, "");
    feature_free(text);
    remove_directory(path);
}

#endif
