/* SPDX-License-Identifier: Apache-2.0 */
/* Handles past their time: after fork, after close. */
#include "peer.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, b INT64) FOR e;"

/* Everything that can be made from a store. */
struct children {
    feature_batch *batch;
    struct reader reader;
    struct reader matrix;
};

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    upsert(*state, "v", NULL, "1 100 5 6");
    return 0;
}

#define HANDLES(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static struct children
make_children(struct fixture *f)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};
    struct children made = {0};

    made.batch = make_batch(f, FEATURE_UPSERT, "v", NULL, "1 200 7 8");
    made.reader = open_reader(f, "v(*)", 0, "1");
    expect_read(&made.reader, "present 5 6");
    must(feature_query_create(f->store, "v(*)", &options, &made.matrix.query,
                              &problem));
    must(feature_request_create(made.matrix.query, &made.matrix.request,
                                &problem));
    set_keys(&made.matrix, "1");
    return made;
}

static void
free_children(struct children *children)
{
    feature_batch_free(children->batch);
    close_reader(&children->reader);
    close_reader(&children->matrix);
}

static void
expect_children_refuse(struct children *children, const char *reason)
{
    struct reader *reader = &children->reader;
    float row[2] = {-1, -1};

    must_fail(feature_request_read(reader->request, &problem), FEATURE_INVALID,
              reason);
    must_fail(
        feature_request_read_matrix(children->matrix.request, row, 2, &problem),
        FEATURE_INVALID, reason);
    assert_true(row[0] < 0 && row[1] < 0);
}

/* What has no handle of its own is refused by the store. */
static void
expect_store_refuses(feature_store *store, struct children *children,
                     const char *reason)
{
    struct feature_stats stats = {.struct_size = sizeof stats};
    feature_query *query = NULL;
    feature_batch *batch = NULL;
    char *text = NULL;

    must_fail(
        feature_store_write(store, &children->batch, 1, NULL, NULL, &problem),
        FEATURE_INVALID, reason);
    must_fail(feature_store_apply(store, DEFINITIONS, NULL, NULL, &problem),
              FEATURE_INVALID, reason);
    must_fail(feature_store_plan(store, DEFINITIONS, &text, &problem),
              FEATURE_INVALID, reason);
    must_fail(feature_store_describe(store, NULL, &text, &problem),
              FEATURE_INVALID, reason);
    must_fail(feature_store_metrics(store, &text, &problem), FEATURE_INVALID,
              reason);
    must_fail(feature_store_content(store, &text, &problem), FEATURE_INVALID,
              reason);
    must_fail(feature_store_stats(store, &stats, &problem), FEATURE_INVALID,
              reason);
    must_fail(feature_store_sync(store, &problem), FEATURE_INVALID, reason);
    must_fail(feature_query_create(store, "v(*)", NULL, &query, &problem),
              FEATURE_INVALID, reason);
    must_fail(feature_batch_create(store, "v", NULL, FEATURE_UPSERT, &batch,
                                   &problem),
              FEATURE_INVALID, reason);
    assert_null(text);
    assert_null(query);
    assert_null(batch);
    assert_int_equal(stats.sequence, 0);
}

/* --- fork ------------------------------------------------------------------- */

static void
use_what_was_inherited(struct fixture *f, struct peer *peer)
{
    struct children *children = f->context;

    expect_store_refuses(f->store, children, "forked");
    expect_children_refuse(children, "forked");
    must_fail(feature_store_sync(f->store, &problem), FEATURE_INVALID,
              "forked");
    close_store(f);
    expect_children_refuse(children, "closed");
    free_children(children);
    take_turn(peer);
    /* Opened again here, it is a store like any other. */
    open_store(f);
    expect_rows(f, "v(*)", "1\n2", "present 7 8\nnot_found null null");
    upsert(f, "v", NULL, "2 100 1 2");
    close_store(f);
    give_turn(peer);
}

static void
a_store_is_refused_after_fork_until_opened_again(void **state)
{
    struct fixture *f = *state;
    struct children children = make_children(f);
    struct peer peer;

    f->context = &children;
    peer = start_peer(f, use_what_was_inherited);
    write_batch(f, children.batch);
    expect_read(&children.reader, "present 7 8");
    pass_turn(&peer);
    end_peer(&peer);
    expect_rows(f, "v(*)", "2", "present 1 2");
    upsert(f, "v", NULL, "2 101 3 4");
    expect_rows(f, "v(*)", "2", "present 3 4");
    free_children(&children);
}

static void
reopen_beside_what_was_inherited(struct fixture *f, struct peer *peer)
{
    feature_store *inherited = f->store;
    struct children *children = f->context;

    take_turn(peer);
    f->store = NULL;
    open_store(f);
    upsert(f, "v", NULL, "3 100 1 2");
    expect_store_refuses(inherited, children, "forked");
    feature_store_close(inherited);
    upsert(f, "v", NULL, "3 100 3 4");
    close_store(f);
    free_children(children);
    give_turn(peer);
}

static void
a_child_that_reopens_does_not_end_its_parents_locks(void **state)
{
    struct fixture *f = *state;
    struct children children = make_children(f);
    struct peer peer;

    f->context = &children;
    for (int i = 0; i < 3; i++) {
        peer = start_peer(f, reopen_beside_what_was_inherited);
        pass_turn(&peer);
        end_peer(&peer);
        write_batch(f, children.batch);
        expect_read(&children.reader, "present 7 8");
        expect_rows(f, "v(*)", "3", "present 3 4");
    }
    free_children(&children);
}

/* --- close ------------------------------------------------------------------ */

static void
children_of_a_closed_store_say_so_and_are_freed(void **state)
{
    struct fixture *f = *state;
    struct children children = make_children(f);
    feature_request *request = NULL;
    struct feature_field field;

    close_store(f);
    expect_children_refuse(&children, "closed");
    must_fail(feature_request_create(children.reader.query, &request, &problem),
              FEATURE_INVALID, "closed");
    assert_null(request);
    must_fail(feature_request_set_key(children.reader.request, 0,
                                      FEATURE_TYPE_INT64, &(int64_t){1}, NULL,
                                      NULL, 1, &problem),
              FEATURE_INVALID, "closed");
    must_fail(feature_request_set_as_of(children.reader.request,
                                        &(int64_t){100}, 1, &problem),
              FEATURE_INVALID, "closed");
    must_fail(feature_batch_set(children.batch, 0, FEATURE_TYPE_INT64,
                                &(int64_t){1}, NULL, NULL, 1, &problem),
              FEATURE_INVALID, "closed");
    must_fail(feature_batch_set_list(children.batch, 0, FEATURE_TYPE_INT64,
                                     &(int64_t){1}, (const int32_t[]){0, 1},
                                     NULL, NULL, 1, &problem),
              FEATURE_INVALID, "closed");
    /* What they are stays known. */
    must(feature_query_column(children.reader.query, 1, &field, &problem));
    assert_string_equal(field.name, "b");
    must(feature_batch_column(children.batch, 0, &field, &problem));
    assert_string_equal(field.name, "k");
    free_children(&children);
}

static void
children_may_go_before_and_after_their_store_in_any_order(void **state)
{
    struct fixture *f = *state;
    struct children children = make_children(f);

    feature_request_free(children.reader.request);
    close_store(f);
    feature_query_free(children.reader.query);
    feature_batch_clear(children.batch);
    feature_batch_free(children.batch);
    feature_request_clear(children.matrix.request);
    close_reader(&children.matrix);
    feature_store_close(NULL);
    feature_batch_free(NULL);
    feature_batch_clear(NULL);
    feature_query_free(NULL);
    feature_request_free(NULL);
    feature_request_clear(NULL);
    feature_free(NULL);
}

static void
a_closed_handle_does_not_close_its_sisters(void **state)
{
    struct fixture *f = *state;
    struct children children;
    struct fixture other = *f;

    must(feature_store_open(f->path, &f->options, &other.store, &problem));
    children = make_children(&other);
    close_store(&other);
    expect_children_refuse(&children, "closed");
    must_fail(
        feature_store_write(f->store, &children.batch, 1, NULL, NULL, &problem),
        FEATURE_INVALID, NULL);
    free_children(&children);
    expect_rows(f, "v(*)", "1", "present 5 6");
    upsert(f, "v", NULL, "1 200 7 8");
}

static void
a_store_opens_and_closes_many_times(void **state)
{
    struct fixture *f = *state;
    char row[64];

    for (int i = 0; i < 50; i++) {
        close_store(f);
        open_store(f);
        snprintf(row, sizeof row, "%d 100 %d 0", i, i);
        upsert(f, "v", NULL, row);
    }
    assert_int_equal(stats_of(f).rows, 50);
    assert_int_equal(stats_of(f).sequence, 52);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HANDLES(a_store_is_refused_after_fork_until_opened_again),
        HANDLES(a_child_that_reopens_does_not_end_its_parents_locks),
        HANDLES(children_of_a_closed_store_say_so_and_are_freed),
        HANDLES(children_may_go_before_and_after_their_store_in_any_order),
        HANDLES(a_closed_handle_does_not_close_its_sisters),
        HANDLES(a_store_opens_and_closes_many_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
