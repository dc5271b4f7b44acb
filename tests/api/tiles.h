/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles on their way from store to store. */
#ifndef TESTS_API_TILES_H
#define TESTS_API_TILES_H

#include "arrow_abi.h"
#include "events.h"
#include "windows.h"

/* Another store, with the test's clock. */
static inline struct fixture *
begin_store(const char *definitions)
{
    void *state = NULL;
    struct fixture *f;

    assert_int_equal(fixture_begin(&state), 0);
    f = state;
    if (definitions)
        define(f, definitions);
    return f;
}

static inline void
end_store(struct fixture *f)
{
    void *state = f;

    assert_int_equal(fixture_end(&state), 0);
}

static inline struct ArrowArrayStream
tiles_of(struct fixture *f, const char *view)
{
    struct ArrowArrayStream stream = {0};

    must(feature_store_tiles_arrow(f->store, view, NULL, &stream, &problem));
    return stream;
}

/* Merges what one store has into another. */
static inline struct feature_commit
ship(struct fixture *from, struct fixture *to, const char *view)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct ArrowArrayStream stream = tiles_of(from, view);

    must(feature_store_merge_tiles(to->store, view, &stream, NULL, &commit,
                                   &problem));
    assert_null(stream.release);
    return commit;
}

/* --- a stream made of others -------------------------------------------------- */

/* Gives the batches of one stream, then those of another, each after `change`
 * has seen it. */
struct joined {
    struct ArrowArrayStream first, second;
    void (*change)(struct joined *, struct ArrowArray *);
    int64_t row, at; /* for it */
    int seen;
};

static inline int
joined_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct joined *joined = self->private_data;

    return joined->first.get_schema(&joined->first, out);
}

static inline int
joined_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct joined *joined = self->private_data;
    int code = joined->first.get_next(&joined->first, out);

    if (!code && !out->release && joined->second.release)
        code = joined->second.get_next(&joined->second, out);
    if (!code && out->release && joined->change)
        joined->change(joined, out);
    return code;
}

static inline const char *
joined_error(struct ArrowArrayStream *self)
{
    (void)self;
    return NULL;
}

static inline void
joined_release(struct ArrowArrayStream *self)
{
    struct joined *joined = self->private_data;

    joined->first.release(&joined->first);
    if (joined->second.release)
        joined->second.release(&joined->second);
    self->release = NULL;
}

static inline struct ArrowArrayStream
join_streams(struct joined *joined)
{
    return (struct ArrowArrayStream){.get_schema = joined_schema,
                                     .get_next = joined_next,
                                     .get_last_error = joined_error,
                                     .release = joined_release,
                                     .private_data = joined};
}

/* The bytes of a state in a batch of tiles: its last column. */
static inline uint8_t *
tiles_at(const struct ArrowArray *array, int64_t row, int32_t *size)
{
    const struct ArrowArray *tiles = array->children[array->n_children - 1];
    const int32_t *ends = tiles->buffers[1];

    *size = ends[row + 1] - ends[row];
    return (uint8_t *)(uintptr_t)tiles->buffers[2] + ends[row];
}

/* --- a small view -------------------------------------------------------------- */

#define BEGIN                             \
    "CREATE ENTITY card (card_id INT64);" \
    "CREATE EVENT payment (card_id INT64, amount INT64, shop STRING);"
#define VIEW(features) \
    "CREATE FEATURE VIEW spend (" features ") FOR card FROM payment"
#define FEATURES                                                          \
    "n = COUNT(*) OVER '1 day', spent = SUM(amount) OVER '1 hour', last " \
    "= LAST(shop) OVER LIFETIME"
#define DEFINITIONS BEGIN VIEW(FEATURES) ";"

#define EVENTS "7 5 a @-60\n8 6 b @-50\n7 1 c @-40"

static inline struct fixture *
artefact(const char *definitions, const char *rows)
{
    struct fixture *f = begin_store(definitions);

    write_rows(f, FEATURE_EVENT, "payment", NULL, rows);
    return f;
}

static inline feature_status
merge(struct fixture *to, struct ArrowArrayStream *stream,
      const struct feature_write_options *options,
      struct feature_commit *commit)
{
    feature_status status = feature_store_merge_tiles(
        to->store, "spend", stream, options, commit, &problem);

    assert_null(stream->release);
    return status;
}

/* Whatever a view says of itself stays. */
static inline void
expect_refused_at(struct fixture *to, struct ArrowArrayStream stream,
                  feature_status status, const char *reason, const char *word,
                  const char *file, int line)
{
    char *before = NULL, *after = NULL;

    must(feature_store_content(to->store, &before, &problem));
    must_fail_at(merge(to, &stream, NULL, NULL), status, reason, "merge", file,
                 line);
    if (!strstr(problem.message, word)) {
        print_error("no \"%s\" in: %s\n", word, problem.message);
        _fail(file, line);
    }
    must(feature_store_content(to->store, &after, &problem));
    assert_string_equal(before, after);
    feature_free(before);
    feature_free(after);
}

#define expect_refused(to, stream, status, reason, word)                    \
    expect_refused_at((to), (stream), (status), (reason), (word), __FILE__, \
                      __LINE__)

#endif
