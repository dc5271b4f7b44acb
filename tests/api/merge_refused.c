/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles that are refused: of other definitions or schema versions, damaged, too
 * large, into views and stores that cannot take them. */
#include "tiles.h"

/* --- definitions ---------------------------------------------------------------- */

static void
tiles_of_another_definition_are_refused(void **state)
{
    static const char *const others[] = {
        BEGIN VIEW(FEATURES) " WITH (slack = '11 minutes');",
        BEGIN VIEW(FEATURES) " WITH (zone = '+08:00');",
        BEGIN VIEW("n = COUNT(*) OVER '1 day', spent = SUM(amount) OVER '2 "
                   "hours', last = LAST(shop) OVER LIFETIME") ";",
        BEGIN VIEW("n = COUNT(*) OVER '1 day', spent = MAX(amount) OVER '1 "
                   "hour', last = LAST(shop) OVER LIFETIME") ";",
        BEGIN VIEW(
            "n = COUNT(*) WHERE amount > 1 OVER '1 day', spent = SUM"
            "(amount) OVER '1 hour', last = LAST(shop) OVER LIFETIME") ";",
        BEGIN VIEW("n = COUNT(*) OVER '1 day'") ";",
        "CREATE ENTITY card (card_id INT64);"
        "CREATE EVENT payment (card_id INT64, amount INT64, shop STRING) WITH "
        "(max_skew = '6 seconds');" VIEW(FEATURES) ";",
        "CREATE ENTITY card (card_id INT64);"
        "CREATE EVENT payment (card_id INT64, amount INT32, shop STRING);" VIEW(
            FEATURES) ";"};
    struct fixture *f = *state;

    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, "7 1 x @-3");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct fixture *batch = artefact(others[i], EVENTS);

        expect_refused(f, tiles_of(batch, "spend"), FEATURE_CONFLICT,
                       "definition", "batch 0, row 0: its tiles are of the");
        assert_non_null(strstr(problem.message, "view spend FROM payment is "));
        assert_int_equal(problem.row, 0);
        end_store(batch);
    }
}

/* Columns that no aggregate reads, ids and the order of definitions are each
 * store's own. */
static void
what_states_do_not_depend_on_may_differ(void **state)
{
    struct fixture *f = *state, *batch;

    define(f, "CREATE ENTITY other (k STRING);"
              "CREATE FEATURE VIEW rows (a INT64) FOR other;" DEFINITIONS);
    batch = artefact("CREATE ENTITY card (card_id INT64);"
                     "CREATE EVENT payment (x INT32, card_id INT64, amount "
                     "INT64, shop STRING);" VIEW(FEATURES) ";",
                     "1 7 5 a @-60\n2 8 6 b @-50\n3 7 1 c @-40");
    ship(batch, f, "spend");
    expect_rows(f, "spend(*)", "7\n8", "present 2 6 c\npresent 1 6 b");
    expect_good(f);
    end_store(batch);
}

static void
views_that_cannot_take_tiles_say_so(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct ArrowArrayStream stream;

    define(f, BEGIN "CREATE FEATURE VIEW rows (a INT64) FOR card;" VIEW(
                  FEATURES) " WITH (history = '3 days');");
    expect_refused(f, tiles_of(batch, "spend"), FEATURE_UNSUPPORTED, "history",
                   "spend keeps events");
    stream = tiles_of(batch, "spend");
    must_fail(feature_store_merge_tiles(f->store, "rows", &stream, NULL, NULL,
                                        &problem),
              FEATURE_INVALID, "argument");
    stream = tiles_of(batch, "spend");
    must_fail(feature_store_merge_tiles(f->store, "spent", &stream, NULL, NULL,
                                        &problem),
              FEATURE_NOT_FOUND, "name");
    assert_non_null(strstr(problem.message, "\"spend\""));
    must_fail(
        feature_store_tiles_arrow(f->store, "rows", NULL, &stream, &problem),
        FEATURE_INVALID, "argument");
    must_fail(
        feature_store_tiles_arrow(f->store, "no", NULL, &stream, &problem),
        FEATURE_NOT_FOUND, "name");
    must_fail(
        feature_store_tiles_arrow(f->store, NULL, NULL, &stream, &problem),
        FEATURE_INVALID, "argument");
    must_fail(feature_store_merge_tiles(f->store, "spend", NULL, NULL, NULL,
                                        &problem),
              FEATURE_INVALID, "argument");
    must(feature_store_apply(f->store,
                             VIEW(FEATURES) " WITH (history = "
                                            "'none');",
                             NULL, NULL, &problem));
    ship(batch, f, "spend");
    expect_good(f);
    end_store(batch);
}

static void
a_feature_that_the_tiles_lack_is_partial(void **state)
{
    struct fixture *f = *state, *old, *fresh;
    static const char more[] =
        VIEW(FEATURES ", least = MIN(amount) OVER '1 hour'") ";";

    define(f, DEFINITIONS);
    define(f, more);
    old = artefact(DEFINITIONS, EVENTS);
    fresh = begin_store(BEGIN);
    define(fresh, more); /* at once: its version 1 is our 2 */
    write_rows(fresh, FEATURE_EVENT, "payment", NULL, "9 4 x @-20");
    ship(old, f, "spend");
    ship(fresh, f, "spend");
    write_rows(f, FEATURE_EVENT, "payment", NULL, "8 2 y @-10");
    expect_rows(f, "spend(*)", "7\n8\n9",
                "partial 2 6 c null\npartial 2 8 y null\npresent 1 4 x 4");
    expect_good(f);
    end_store(old);
    end_store(fresh);
}

/* What a state lacks is said by numbers of versions, which are a store's own. */
static void
marks_of_other_schema_versions_are_refused(void **state)
{
    static const char more[] =
        VIEW(FEATURES ", least = MIN(amount) OVER '1 hour'") ";";
    struct fixture *f = *state, *same = artefact(DEFINITIONS, EVENTS);
    struct fixture *other = artefact(DEFINITIONS, EVENTS);

    define(f, DEFINITIONS);
    define(f, more);
    define(same, more);
    define(other, VIEW(FEATURES ", most = MAX(amount) OVER '1 hour'") ";");
    define(other, "DROP FEATURE spend:most;");
    define(other, more);
    write_rows(same, FEATURE_EVENT, "payment", NULL, "7 1 x @-5");
    write_rows(other, FEATURE_EVENT, "payment", NULL, "7 1 x @-5");
    expect_refused(f, tiles_of(other, "spend"), FEATURE_CONFLICT, "definition",
                   "batch 0, row 0: its tiles lack events");
    ship(same, f, "spend");
    expect_rows(f, "spend(*)", "7\n8",
                "partial 3 7 x null\n"
                "partial 1 6 b null");
    expect_good(f);
    end_store(same);
    end_store(other);
}

/* --- bytes ----------------------------------------------------------------------- */

static void
flip(struct joined *joined, struct ArrowArray *array)
{
    int32_t size;
    uint8_t *bytes = tiles_at(array, joined->row, &size);

    joined->seen = size;
    if (joined->at < size)
        bytes[joined->at] ^= 0x10;
}

static void
a_damaged_state_is_named_and_nothing_is_merged(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct joined joined = {.change = flip, .row = 1};

    define(f, DEFINITIONS);
    do {
        joined.first = tiles_of(batch, "spend");
        expect_refused(f, join_streams(&joined), FEATURE_INVALID, "tiles",
                       "batch 0, row 1: its state does not match");
        assert_int_equal(problem.row, 1);
    } while (++joined.at < joined.seen);
    assert_true(joined.seen > 40);
    joined.first = tiles_of(batch, "spend"); /* not damaged any more */
    {
        struct ArrowArrayStream stream = join_streams(&joined);

        must(merge(f, &stream, NULL, NULL));
    }
    expect_equal_rows(held_of(f, "spend"), held_of(batch, "spend"));
    end_store(batch);
}

static uint32_t
crc32c(uint32_t sum, const uint8_t *bytes, size_t size)
{
    sum = ~sum;
    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78 : 0);
    }
    return ~sum;
}

/* The checksum anew, as somebody who knows the form. */
static void
seal(uint8_t *bytes, int32_t size)
{
    static const uint8_t key[] = {0x80, 0, 0, 0, 0, 0, 0, 7};
    uint32_t sum = crc32c(crc32c(0x73656c74, key, sizeof key), bytes + 4,
                          (size_t)size - 4);

    memcpy(bytes, &sum, sizeof sum);
}

/* Changes a byte. */
static void
forge(struct joined *joined, struct ArrowArray *array)
{
    int32_t size;
    uint8_t *bytes = tiles_at(array, 0, &size);

    joined->seen = size;
    bytes[joined->at] ^= (uint8_t)joined->row;
    seal(bytes, size);
}

/* Each text "a" behind the head becomes a byte that no text has. */
static void
replace_text(struct joined *joined, struct ArrowArray *array)
{
    int32_t size;
    uint8_t *bytes = tiles_at(array, 0, &size);

    for (int32_t i = 41; i < size; i++)
        if (bytes[i] == 'a' && bytes[i - 1] == 1) {
            bytes[i] = 0xff;
            joined->seen++;
        }
    seal(bytes, size);
}

/* The text of an event by itself, of a tile, and of one that left the windows
 * is each the last byte of a state. */
static void
a_state_whose_text_is_none_is_refused(void **state)
{
    static const char *const rows[] = {
        "7 5 a @-60", "7 5 a @-86370\n7 5 a @-86369",
        "7 5 a @-864000\n7 5 a @-864001\n7 5 a @-60", NULL};
    static const char *const shapes[] = {
        "last = LAST(shop) OVER '1 day'", "most = MAX(shop) OVER '1 day'",
        "n = COUNT(*) BY shop OVER '1 day'",
        "n = MIN(shop) BY shop OVER '1 day'", "some = TOP(shop, 3)"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t j = 0; rows[j]; j++) {
            char text[512];
            struct fixture *batch;
            struct joined joined = {.change = replace_text};

            snprintf(text, sizeof text, BEGIN VIEW("%s") ";", shapes[i]);
            batch = artefact(text, rows[j]);
            start_again(f);
            define(f, text);
            joined.first = tiles_of(batch, "spend");
            expect_refused(f, join_streams(&joined), FEATURE_INVALID, "tiles",
                           "its state is none");
            assert_true(joined.seen > 0);
            end_store(batch);
        }
}

/* What is accepted all the same is some state, and the store is whole. */
static void
a_forged_state_is_refused_or_a_state(void **state)
{
    static const uint8_t masks[] = {0, 1, 0x10, 0x80, 0xff};
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    unsigned accepted = 0, refused = 0;

    define(f, DEFINITIONS);
    for (size_t i = 0; i < sizeof masks; i++) {
        struct joined joined = {.change = forge, .row = masks[i], .at = 4};

        do {
            struct ArrowArrayStream stream;
            feature_status status;

            joined.first = tiles_of(batch, "spend");
            stream = join_streams(&joined);
            status = merge(f, &stream, NULL, NULL);
            if (status != FEATURE_OK && status != FEATURE_INVALID &&
                status != FEATURE_CONFLICT)
                fail_msg("byte %d: %s", (int)joined.at, problem.message);
            accepted += status == FEATURE_OK;
            refused += status != FEATURE_OK;
        } while (++joined.at < (masks[i] ? joined.seen : 5));
        expect_good(f);
        expect_rows(f, "spend(n)", "9", "not_found 0");
    }
    assert_true(accepted && refused > accepted);
    end_store(batch);
}

static void
exchange(struct joined *joined, struct ArrowArray *array)
{
    int64_t *numbers =
        (int64_t *)(uintptr_t)array->children[joined->at]->buffers[1];
    int64_t first = numbers[0];

    numbers[0] = numbers[1];
    numbers[1] = first;
}

static void
a_state_of_another_key_or_time_is_refused(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct joined joined = {.change = exchange};

    define(f, DEFINITIONS);
    joined.first = tiles_of(batch, "spend");
    expect_refused(f, join_streams(&joined), FEATURE_INVALID, "tiles",
                   "of another key");
    joined.at = 1;
    joined.first = tiles_of(batch, "spend");
    expect_refused(f, join_streams(&joined), FEATURE_INVALID, "tiles",
                   "its event_timestamp is not");
    end_store(batch);
}

static void
a_stream_without_the_columns_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ArrowArrayStream stream;

    define(f, DEFINITIONS);
    write_rows(f, FEATURE_EVENT, "payment", NULL, EVENTS);
    must(feature_store_scan_arrow(f->store, "spend(*)", NULL, &stream,
                                  &problem));
    expect_refused(f, stream, FEATURE_NOT_FOUND, "name",
                   "no column \"_tiles\"");
}

/* The batch's clock is ahead: what it let pass, this one does not. */
static void
a_state_ahead_of_the_clock_is_refused(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);

    define(f, DEFINITIONS);
    move_clock(batch, NOON + DAY);
    write_rows(batch, FEATURE_EVENT, "payment", NULL, "8 1 z @7");
    expect_refused(f, tiles_of(batch, "spend"), FEATURE_INVALID, "future",
                   "batch 0, row 1: its newest event");
    end_store(batch);
}

static void
a_row_over_the_limit_is_named(void **state)
{
    static const char text[] =
        BEGIN VIEW("all = LAST(amount, 1000) OVER '1 day' HOP '1 minute'") ";";
    struct fixture *f = *state, *batch = begin_store(text);
    static char rows[32768];
    size_t size = 0;

    for (int i = 0; i < 900; i++)
        size += (size_t)snprintf(rows + size, sizeof rows - size,
                                 "%s7 %d000000000 x @-%d", i ? "\n" : "",
                                 i % 100, 3 * i + 1);
    write_rows(batch, FEATURE_EVENT, "payment", NULL, rows);
    close_store(f);
    f->options.max_row_size = 4096;
    open_store(f);
    define(f, text);
    expect_refused(f, tiles_of(batch, "spend"), FEATURE_INVALID, "row-size",
                   "batch 0, row 0: merged, its row has");
    end_store(batch);
}

static void
a_follower_and_a_closed_door_take_none(void **state)
{
    struct fixture *f = *state, *batch = artefact(DEFINITIONS, EVENTS);
    struct ArrowArrayStream stream;
    char path[TEST_PATH_SIZE];
    feature_store *other;

    define(f, "STORE WITH (changes = '3 days');" DEFINITIONS);
    ship(batch, f, "spend");
    other = follow_all(f, path);
    stream = tiles_of(batch, "spend");
    must_fail(feature_store_merge_tiles(other, "spend", &stream, NULL, NULL,
                                        &problem),
              FEATURE_CONFLICT, "follower");
    feature_store_close(other);
    remove_directory(path);
    close_store(f);
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    open_store(f);
    expect_refused(f, tiles_of(batch, "spend"), FEATURE_INVALID, "argument",
                   "read-only");
    end_store(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tiles_of_another_definition_are_refused),
        TEST(what_states_do_not_depend_on_may_differ),
        TEST(views_that_cannot_take_tiles_say_so),
        TEST(a_feature_that_the_tiles_lack_is_partial),
        TEST(marks_of_other_schema_versions_are_refused),
        TEST(a_damaged_state_is_named_and_nothing_is_merged),
        TEST(a_state_whose_text_is_none_is_refused),
        TEST(a_forged_state_is_refused_or_a_state),
        TEST(a_state_of_another_key_or_time_is_refused),
        TEST(a_stream_without_the_columns_is_refused),
        TEST(a_state_ahead_of_the_clock_is_refused),
        TEST(a_row_over_the_limit_is_named),
        TEST(a_follower_and_a_closed_door_take_none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
