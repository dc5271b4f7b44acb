/* SPDX-License-Identifier: Apache-2.0 */
/* feature_store_write_arrow() as a call: its arguments, what its producer may do
 * meanwhile, memory that runs out, and texts of more than 2^31 bytes. */
#include <sys/mman.h>

#include "arrow_producer.h"

#define DEFINITIONS                                                           \
    "CREATE ENTITY e (k INT64);"                                              \
    "CREATE FEATURE VIEW v (a INT32, s STRING, w FLOAT32[2], l INT32[]) FOR " \
    "e;"

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define CALL(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static const struct column keys = {
    "k", "l", 2, PIECES({0}, {"\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0", 16})};
static const struct column numbers = {"a", "i", 2,
                                      PIECES({0}, {"\5\0\0\0\6\0\0", 8})};
static const struct column texts = {
    "s", "u", 2, PIECES({0}, {"\0\0\0\0\1\0\0\0\3\0\0", 12}, TEXT("xyz"))};
static const struct column record = {"", "+s", 2,
                                     .children = {&keys, &numbers, &texts}};

/* --- arguments -------------------------------------------------------------- */

static void
wrong_arguments_release_the_stream_all_the_same(void **state)
{
    struct producer p = {.batches = {&record}};
    struct feature_arrow_options options = {.struct_size = sizeof options};
    struct feature_commit commit = {.struct_size = sizeof commit,
                                    .sequence = 7};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;

    must_fail(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT, NULL,
                                        NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    produce(&p, &stream);
    must_fail(feature_store_write_arrow(NULL, "v", FEATURE_UPSERT, &stream,
                                        NULL, NULL, &problem),
              FEATURE_INVALID, "argument");
    assert_int_equal(p.releases, 1);
    must_fail(import(f, NULL, FEATURE_UPSERT, &p, NULL, NULL), FEATURE_INVALID,
              "argument");
    must_fail(import(f, "u", FEATURE_UPSERT, &p, NULL, NULL), FEATURE_NOT_FOUND,
              "name");
    expect_problem(0, -1, "no feature view \"u\"");
    must_fail(import(f, "v", -1, &p, NULL, NULL), FEATURE_INVALID, "argument");
    options.flags = 2;
    must_fail(import(f, "v", FEATURE_UPSERT, &p, &options, &commit),
              FEATURE_INVALID, "argument");
    assert_int_equal(commit.sequence, 0);
    options.flags = 0;
    options.source_count = 1;
    must_fail(import(f, "v", FEATURE_UPSERT, &p, &options, NULL),
              FEATURE_INVALID, "argument");
    options.source_count = 0;
    options.struct_size = 3;
    must_fail(import(f, "v", FEATURE_UPSERT, &p, &options, NULL),
              FEATURE_VERSION, "struct-size");
    commit.struct_size = 0;
    commit.sequence = 7;
    must_fail(import(f, "v", FEATURE_UPSERT, &p, NULL, &commit),
              FEATURE_VERSION, "struct-size");
    assert_int_equal(commit.sequence, 7);
    assert_int_equal(p.schemas, 0); /* nobody asked for it */
    /* Without an error to fill, too. */
    produce(&p, &stream);
    assert_int_equal(feature_store_write_arrow(f->store, "u", FEATURE_UPSERT,
                                               &stream, NULL, NULL, NULL),
                     FEATURE_NOT_FOUND);
    expect_released(&p, &stream);
    assert_int_equal(stats_of(f).sequence, 1);
}

static void
errors_need_not_be_asked_for(void **state)
{
    static const struct column bad = {"a", "l", 2,
                                      PIECES({0}, {"\0\0\0\0\1\0\0\0"
                                                   "\0\0\0\0\1\0\0",
                                                   16})};
    static const struct column row_bad = {"", "+s", 2,
                                          .children = {&keys, &bad}};
    struct producer p = {.batches = {&row_bad}};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;

    produce(&p, &stream);
    assert_int_equal(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT,
                                               &stream, NULL, NULL, NULL),
                     FEATURE_INVALID);
    expect_released(&p, &stream);
    p.fail_at = 1;
    produce(&p, &stream);
    assert_int_equal(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT,
                                               &stream, NULL, NULL, NULL),
                     FEATURE_IO);
    expect_released(&p, &stream);
}

static void
a_read_only_store_is_not_written(void **state)
{
    struct producer p = {.batches = {&record}};
    struct fixture *f = *state;

    close_store(f);
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    open_store(f);
    must_fail(import(f, "v", FEATURE_UPSERT, &p, NULL, NULL), FEATURE_INVALID,
              "argument");
    expect_problem(0, -1, "read-only");
}

static void
older_and_newer_options_are_read(void **state)
{
    struct producer p = {.batches = {&record}};
    struct {
        struct feature_arrow_options options;
        uint64_t more;
    } newer = {.options = {.struct_size = sizeof newer, .commit_rows = 1}};
    struct feature_arrow_options older = {.struct_size = 8, .commit_rows = 1};
    struct fixture *f = *state;

    must(import(f, "v", FEATURE_UPSERT, &p, &older, NULL));
    assert_int_equal(stats_of(f).sequence, 2);
    must(import(f, "v", FEATURE_UPSERT, &p, &newer.options, NULL));
    assert_int_equal(stats_of(f).sequence, 4);
    newer.more = 1;
    must_fail(import(f, "v", FEATURE_UPSERT, &p, &newer.options, NULL),
              FEATURE_VERSION, "struct-size");
}

/* --- the producer's own calls ----------------------------------------------- */

static int
read_and_write(struct producer *producer, int batch)
{
    struct fixture *f = producer->context;

    if (batch == 1)
        expect_rows(f, "v(a, s)", "1", "present 5 x");
    if (batch == 2)
        upsert(f, "v", "k, a", "3 33");
    return 0;
}

static void
a_producer_may_read_and_write_this_very_store(void **state)
{
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .commit_rows = 2};
    struct producer p = {.batches = {&record, &record, &record},
                         .before = read_and_write,
                         .context = *state};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct fixture *f = *state;

    must(import(f, "v", FEATURE_UPSERT, &p, &options, &commit));
    assert_int_equal(commit.sequence, 5);
    assert_int_equal(commit.applied, 6);
    expect_rows(f, "v(a)", "3", "present 33");
}

static int
widen_then_drop(struct producer *producer, int batch)
{
    if (batch == 1)
        define(producer->context,
               "CREATE FEATURE VIEW v (a INT64, w FLOAT64[2], l INT64[])"
               " FOR e");
    if (batch == 3)
        define(producer->context, "DROP FEATURE v:s");
    return 0;
}

static void
a_changed_schema_is_followed_or_a_conflict(void **state)
{
    static const struct column floats = {
        "item", "f", 4, PIECES({0}, {"\0\0\200?\0\0\0@\0\0@@\0\0\200@", 16})};
    static const struct column w = {"w", "+w:2", 2, .children = {&floats}};
    static const struct column shorts = {"item", "s", 2,
                                         PIECES({0}, {"\7\0\10", 4})};
    static const struct column l = {"l", "+l", 2,
                                    PIECES({0}, {"\0\0\0\0\1\0\0\0\2\0\0", 12}),
                                    .children = {&shorts}};
    static const struct column all = {
        "", "+s", 2, .children = {&keys, &numbers, &texts, &w, &l}};
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .commit_rows = 2};
    struct producer p = {.batches = {&all, &all, &all, &all},
                         .before = widen_then_drop,
                         .context = *state};
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct fixture *f = *state;

    must_fail(import(f, "v", FEATURE_UPSERT, &p, &options, &commit),
              FEATURE_CONFLICT, "schema-changed");
    expect_problem(0, -1, "feature view v:s was dropped");
    assert_ptr_equal(strstr(problem.message, "feature view"), problem.message);
    assert_int_equal(commit.applied, 6);
    expect_rows(f, "v(a, w, l)", "1\n2",
                "present 5 [1,2] [7]\npresent 6 [3,4] [8]");
}

/* --- memory ----------------------------------------------------------------- */

#define ALLOCATIONS_MAX 3000

/* What the producer needs is made before: it would fail too. */
struct ready {
    struct producer producer;
    struct ArrowSchema schema;
    struct ArrowArray array;
    int gave;
};

static int
ready_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct ready *ready = stream->private_data;

    *out = ready->schema;
    ready->schema.release = NULL;
    return 0;
}

static int
ready_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct ready *ready = stream->private_data;

    memset(out, 0, sizeof *out);
    if (ready->gave++)
        return 0;
    *out = ready->array;
    ready->array.release = NULL;
    return 0;
}

static void
ready_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* Returns the status with allocation number n failing. */
static feature_status
import_failing(struct fixture *f, const struct column *column,
               const char *columns, int64_t n)
{
    struct feature_arrow_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_WRITE_SKIP_INVALID,
                                            .columns = columns};
    struct ready ready = {.gave = 0};
    struct ArrowArrayStream stream = {.get_schema = ready_schema,
                                      .get_next = ready_next,
                                      .release = ready_release,
                                      .private_data = &ready};
    feature_status status;

    make_schema(&ready.producer, column, &ready.schema);
    make_array(&ready.producer, column, &ready.array);
    allocation_fail(n);
    status = feature_store_write_arrow(f->store, "v", FEATURE_UPSERT, &stream,
                                       &options, NULL, &problem);
    allocation_fail(-1);
    assert_null(stream.release);
    if (ready.schema.release)
        ready.schema.release(&ready.schema);
    if (ready.array.release)
        ready.array.release(&ready.array);
    assert_int_equal(ready.producer.live, 0);
    return status;
}

static void
fail_each(struct fixture *f, const struct column *column, const char *columns)
{
    uint64_t sequence = stats_of(f).sequence;
    int64_t n = 0, failures = 0;

    for (; n < ALLOCATIONS_MAX; n++) {
        uint64_t before = allocation_count();
        feature_status status = import_failing(f, column, columns, n);

        if (status) {
            assert_int_equal(status, FEATURE_NO_MEMORY);
            assert_string_equal(problem.reason, "memory");
            assert_int_equal(stats_of(f).sequence, sequence);
            failures++;
        } else {
            assert_true(stats_of(f).sequence == ++sequence);
            if (allocation_count() - before <= (uint64_t)n)
                break;
        }
    }
    assert_true(failures > 20);
    assert_true(n < ALLOCATIONS_MAX);
}

static void
memory_may_run_out_anywhere(void **state)
{
    static const struct column words = {"s", "c", 2, PIECES({0}, {"\1", 2}),
                                        .dictionary = &texts};
    static const struct column shorts = {"item", "s", 4,
                                         PIECES({0}, {"\7\0\10\0\11\0\12", 8})};
    static const struct column l = {"l", "+l", 2,
                                    PIECES({0}, {"\0\0\0\0\1\0\0\0\2\0\0", 12}),
                                    .children = {&shorts}};
    static const struct column w = {"w", "+w:2", 2, .children = {&shorts}};
    const struct column all = {"", "+s", 2,
                               .children = {&keys, &numbers, &words, &l, &w}};
    struct fixture *f = *state;

    if (!allocation_fail(-1))
        skip();
    fail_each(f, &all, NULL);
    expect_rows(f, "v(*)", "1\n2",
                "present 5 yz [7,8] [7]\npresent 6 x [9,10] [8]");
    fail_each(f, &all, "k, w, s = 's', a = a, l");
}

/* --- more than 2^31 bytes of text ------------------------------------------- */

#define FAR (INT64_C(3) << 30)

/* The producer's buffer of text is there without being there: pages that nobody
 * touched. Two rows lie behind 3 GiB that belong to a null. */
static int
far_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    int code = stream_next(stream, out);

    if (out->release)
        out->children[1]->buffers[2] =
            ((struct producer *)stream->private_data)->context;
    return code;
}

static void
texts_may_lie_behind_two_gigabytes_of_others(void **state)
{
    const struct column k = {"k", "l", 3,
                             PIECES({0}, VALUES(int64_t, 1, 2, 3))};
    const struct column s = {
        "s", "U", 3,
        PIECES(BITS(0x06), VALUES(int64_t, 0, FAR, FAR + 3, FAR + 9)),
        .nulls = 1};
    struct producer p = {.batches = {RECORD(3, &k, &s)}};
    struct ArrowArrayStream stream;
    struct fixture *f = *state;
    char *bytes = mmap(NULL, FAR + 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    assert_true(bytes != MAP_FAILED);
    memcpy(bytes + FAR, "onesecond", 9);
    p.context = bytes;
    produce(&p, &stream);
    stream.get_next = far_next;
    must(feature_store_write_arrow(f->store, "v", FEATURE_UPSERT, &stream, NULL,
                                   NULL, &problem));
    expect_released(&p, &stream);
    expect_rows(f, "v(s)", "1\n2\n3", "null null\npresent one\npresent second");
    munmap(bytes, FAR + 4096);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CALL(wrong_arguments_release_the_stream_all_the_same),
        CALL(errors_need_not_be_asked_for),
        CALL(a_read_only_store_is_not_written),
        CALL(older_and_newer_options_are_read),
        CALL(a_producer_may_read_and_write_this_very_store),
        CALL(a_changed_schema_is_followed_or_a_conflict),
        CALL(memory_may_run_out_anywhere),
        CALL(texts_may_lie_behind_two_gigabytes_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
