/* SPDX-License-Identifier: Apache-2.0 */
/* Where the tiles end and the stream goes on: sources, deletes, what the feed
 * tells, and tiles in pieces. */
#include "tiles.h"

/* --- the cut ------------------------------------------------------------------- */

static struct feature_write_options
cut_at(struct feature_source *source, uint64_t first, uint64_t next)
{
    *source = (struct feature_source){
        .name = "payments", .first_offset = first, .next_offset = next};
    return (struct feature_write_options){
        .struct_size = sizeof(struct feature_write_options),
        .sources = source,
        .source_count = 1};
}

static void
the_same_artefact_again_changes_nothing(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct ArrowArrayStream stream;
    struct feature_source source;
    struct feature_write_options options = cut_at(&source, 0, 3);
    struct held held;
    uint64_t next = 0;

    define(f, DEFINITIONS);
    for (int i = 0; i < 2; i++) {
        stream = tiles_of(batch, "spend");
        must(merge(f, &stream, &options, &commit));
        assert_int_equal(commit.applied, i ? 0 : 2);
        assert_int_equal(commit.duplicate, i ? 2 : 0);
        assert_int_equal(commit.sequence, 2);
    }
    held = held_of(f, "spend");
    expect_equal_rows(held, held_of(batch, "spend"));
    must(feature_store_offset(f->store, "payments", 0, &next, NULL, NULL,
                              &problem));
    assert_int_equal(next, 3);
    options = cut_at(&source, 2, 5); /* a part of it was seen */
    stream = tiles_of(batch, "spend");
    must_fail(merge(f, &stream, &options, &commit), FEATURE_CONFLICT,
              "overlap");
    expect_equal_rows(held, held_of(f, "spend"));
    stream = tiles_of(batch, "spend"); /* who gives no cut counts twice */
    must(merge(f, &stream, NULL, &commit));
    expect_rows(f, "spend(n)", "7\n8", "present 4\npresent 2");
    end_store(batch);
}

/* The stream goes on at the cut: what it brings again is a replay. */
static void
the_stream_goes_on_where_the_tiles_end(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct ArrowArrayStream stream = tiles_of(batch, "spend");
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_source source;
    struct feature_write_options options = cut_at(&source, 0, 3);
    feature_batch *rows;

    define(f, DEFINITIONS);
    must(merge(f, &stream, &options, NULL));
    rows = make_events(f, FEATURE_EVENT, "payment", NULL, EVENTS);
    options = cut_at(&source, 0, 3);
    must(feature_store_write(f->store, &rows, 1, &options, &commit, &problem));
    assert_int_equal(commit.duplicate, 3);
    feature_batch_free(rows);
    rows = make_events(f, FEATURE_EVENT, "payment", NULL, "7 9 d @-10");
    options = cut_at(&source, 3, 4);
    must(feature_store_write(f->store, &rows, 1, &options, &commit, &problem));
    assert_int_equal(commit.applied, 1);
    feature_batch_free(rows);
    expect_rows(f, "spend(*)", "7", "present 3 15 d");
    end_store(batch);
}

/* Once the stream is past the cut, its own name says that all is known: an artefact
 * has a name of its own then. */
static void
tiles_under_the_name_of_a_stream_past_the_cut_are_a_replay(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct ArrowArrayStream stream = tiles_of(batch, "spend");
    struct feature_source source;
    struct feature_write_options options = cut_at(&source, 3, 4);
    feature_batch *rows;

    define(f, DEFINITIONS);
    rows = make_events(f, FEATURE_EVENT, "payment", NULL, "7 9 d @-10");
    must(feature_store_write(f->store, &rows, 1, &options, NULL, &problem));
    feature_batch_free(rows);
    options = cut_at(&source, 0, 3);
    must(merge(f, &stream, &options, &commit));
    assert_int_equal(commit.duplicate, 2);
    source.name = "payments/batch";
    stream = tiles_of(batch, "spend");
    must(merge(f, &stream, &options, &commit));
    assert_int_equal(commit.applied, 2);
    expect_rows(f, "spend(*)", "7", "present 3 15 d");
    end_store(batch);
}

static void
an_empty_artefact_moves_the_cut_alone(void **state)
{
    struct fixture *f = *state, *batch = begin_store(DEFINITIONS);
    struct ArrowArrayStream stream = tiles_of(batch, "spend");
    struct feature_commit commit = {.struct_size = sizeof commit};
    struct feature_source source;
    struct feature_write_options options = cut_at(&source, 0, 9);

    define(f, DEFINITIONS);
    must(merge(f, &stream, &options, &commit));
    assert_int_equal(commit.sequence, 2);
    stream = tiles_of(batch, "spend");
    must(merge(f, &stream, NULL, &commit));
    assert_int_equal(commit.sequence, 2); /* nothing at all: no commit */
    expect_good(f);
    end_store(batch);
}

/* --- deletes --------------------------------------------------------------------- */

/* The batch, the cut, then what the stream does; against one store. */
static void
expect_same(struct fixture *f, const char *before,
            void (*stream)(struct fixture *))
{
    struct fixture *batch = artefact(DEFINITIONS, before);
    struct fixture *whole = artefact(DEFINITIONS, before);

    define(f, DEFINITIONS);
    stream(f);
    stream(whole);
    ship(batch, f, "spend");
    expect_equal_rows(held_of(f, "spend"), held_of(whole, "spend"));
    expect_good(f);
    end_store(batch);
    end_store(whole);
}

static void
delete_seven(struct fixture *f)
{
    erase(f, "spend", "card_id, event_timestamp", "7 @-55");
}

/* Its barrier is at the newest event of both sides. */
static void
a_delete_since_the_cut_erases_the_tiles(void **state)
{
    expect_same(*state, EVENTS, delete_seven);
}

static void
write_and_delete(struct fixture *f)
{
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 3 x @-30\n8 3 x @-30");
    delete_seven(f);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 4 x @-20\n7 5 x @-31");
}

static void
events_after_a_delete_stay(void **state)
{
    expect_same(*state, EVENTS, write_and_delete);
}

static void
delete_early(struct fixture *f)
{
    erase(f, "spend", "card_id, event_timestamp", "7 @-55");
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 4 x @-50\n7 1 x @-20");
}

/* An event between the barrier and the newest of the tiles: in one store it would
 * be late. */
static void
a_delete_before_the_newest_of_the_tiles_takes_more(void **state)
{
    expect_same(*state, EVENTS, delete_early);
}

/* The same where such an event shares a tile with one that counts. Nobody
 * guesses. */
static void
a_delete_that_cannot_be_told_is_refused(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, "7 5 a @-595");

    define(f, DEFINITIONS);
    erase(f, "spend", "card_id, event_timestamp", "7 @-598");
    write_rows(f, FEATURE_EVENT, "payment", NULL,
               "7 4 x @-597\n7 1 x @-593\n7 1 x @-20");
    expect_refused(f, tiles_of(batch, "spend"), FEATURE_CONFLICT, "deleted",
                   "batch 0, row 0: its row was deleted");
    end_store(batch);
}

static void
deletes_of_the_batch_are_shipped(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct fixture *whole = artefact(DEFINITIONS, EVENTS);

    define(f, DEFINITIONS);
    delete_seven(batch);
    delete_seven(whole);
    assert_int_equal(held_of(batch, "spend").tombstones, 1);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 2 l @-45\n8 2 l @-45");
    write_rows(whole, FEATURE_EVENT, "payment", NULL, "7 2 l @-45\n8 2 l @-45");
    ship(batch, f, "spend");
    expect_equal_rows(held_of(f, "spend"), held_of(whole, "spend"));
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 2 l @-5");
    write_rows(whole, FEATURE_EVENT, "payment", NULL, "7 2 l @-5");
    expect_equal_rows(held_of(f, "spend"), held_of(whole, "spend"));
    expect_good(f);
    end_store(batch);
    end_store(whole);
}

/* --- what is told ---------------------------------------------------------------- */

static void
the_feed_tells_of_merges(void **state)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = 1};
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct feature_change_record record;
    feature_changes *changes;
    char *text = NULL;

    define(f, "STORE WITH (changes = '3 days');" DEFINITIONS);
    ship(batch, f, "spend");
    must(feature_changes_open(f->store, &options, &changes, &problem));
    must(feature_changes_next(changes, &record, &problem));
    must(feature_changes_json(changes, record.bytes, (size_t)record.size, &text,
                              &problem));
    if (!strstr(text, "{\"operation\":\"MERGE\",\"view\":\"spend\",\"key\":"
                      "{\"card_id\":7},\"event_timestamp\":") ||
        !strstr(text, ",\"after\":\""))
        fail_msg("%s", text);
    feature_free(text);
    feature_changes_free(changes);
    expect_followed(f);
    end_store(batch);
}

/* Of a view FROM an event the feed has no rows of features. */
static void
changes_of_the_view_are_no_rows(void **state)
{
    struct fixture *f = *state;
    struct ArrowArrayStream stream;

    define(f, "STORE WITH (changes = '3 days');" DEFINITIONS);
    must_fail(feature_store_changes_arrow(f->store, "spend(*)", NULL, NULL,
                                          &stream, &problem),
              FEATURE_INVALID, "event");
}

static void
tiles_come_in_chunks_and_ranges(void **state)
{
    struct feature_scan_options options = {
        .struct_size = sizeof options, .chunk_rows = 1, .to = "8"};
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct held whole = held_of(batch, "spend");
    struct ArrowArrayStream stream;
    struct ArrowArray array;

    define(f, DEFINITIONS);
    must(feature_store_tiles_arrow(batch->store, "spend", &options, &stream,
                                   &problem));
    must(merge(f, &stream, NULL, NULL));
    expect_rows(f, "spend(n)", "7\n8", "present 2\nnot_found 0");
    options.to = NULL;
    options.from = "8";
    must(feature_store_tiles_arrow(batch->store, "spend", &options, &stream,
                                   &problem));
    write_rows(batch, FEATURE_EVENT, "payment", NULL, "8 1 x @-1\n9 1 x @-1");
    must(merge(f, &stream, NULL, NULL)); /* of the snapshot, not of now */
    expect_equal_rows(held_of(f, "spend"), whole);
    stream = tiles_of(batch, "spend");
    close_store(batch);
    assert_int_not_equal(stream.get_next(&stream, &array), 0);
    assert_non_null(strstr(stream.get_last_error(&stream), "closed"));
    stream.release(&stream);
    end_store(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_artefact_again_changes_nothing),
        TEST(the_stream_goes_on_where_the_tiles_end),
        TEST(tiles_under_the_name_of_a_stream_past_the_cut_are_a_replay),
        TEST(an_empty_artefact_moves_the_cut_alone),
        TEST(a_delete_since_the_cut_erases_the_tiles),
        TEST(events_after_a_delete_stay),
        TEST(a_delete_before_the_newest_of_the_tiles_takes_more),
        TEST(a_delete_that_cannot_be_told_is_refused),
        TEST(deletes_of_the_batch_are_shipped),
        TEST(the_feed_tells_of_merges),
        TEST(changes_of_the_view_are_no_rows),
        TEST(tiles_come_in_chunks_and_ranges)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
