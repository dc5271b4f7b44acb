/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merges of writes under one schema version, against an oracle that looks at
 * all writes at once: a cell holds what the newest write that touches it says.
 * Writes under several versions: merge_migration.c.
 */
#include "sample.h"

#include "format/merge.h"

#define FIELDS_MAX 5
#define WRITES_MAX 7

/* Cells are in the order of the schema's fields. */
struct write {
    int32_t operation;
    int64_t time;
    struct lf_cell cells[FIELDS_MAX];
    bool own[FIELDS_MAX];
};

struct story {
    struct sample sample; /* its row is what the oracle expects */
    struct lf_migration same;
    uint32_t count;
    struct write writes[WRITES_MAX];
};

/* --- stories ----------------------------------------------------------------- */

static void
draw_write(const struct sample *sample, struct write *write)
{
    *write = (struct write){.operation = draw_one_in(4)   ? FEATURE_DELETE
                                         : draw_one_in(2) ? FEATURE_PATCH
                                                          : FEATURE_UPSERT};
    for (uint32_t i = 0; i < sample->schema.count; i++) {
        draw_cell(sample->schema.fields[i].type, &write->cells[i]);
        write->cells[i].is_null = draw_one_in(4);
        write->cells[i].time = 4711; /* nobody may look */
        write->own[i] = write->operation != FEATURE_PATCH || draw_one_in(2);
    }
}

/* Writes whose times lie so many steps apart at most; 0: all different. */
static void
draw_story(struct story *story, uint32_t count, uint32_t fields, uint32_t ties)
{
    sample_begin(&story->sample, 1, fields);
    assert_true(lf_migration_init(&story->same, &story->sample.schema,
                                  &story->sample.layout, &story->sample.arena));
    story->count = count;
    for (uint32_t i = 0; i < count; i++) {
        draw_write(&story->sample, &story->writes[i]);
        story->writes[i].time = NOON + (ties ? draw_below(ties) : i);
    }
}

static void
end_story(struct story *story)
{
    for (uint32_t i = 0; i < story->count; i++)
        for (uint32_t j = 0; j < story->sample.schema.count; j++)
            free((void *)story->writes[i].cells[j].bytes);
    /* The expected row borrowed its values from the writes. */
    memset(story->sample.fields, 0,
           story->sample.schema.count * sizeof *story->sample.fields);
    sample_end(&story->sample);
}

/* --- the oracle -------------------------------------------------------------- */

/* The place, among the first count of an order, of the newest write that
 * touches a field, the later one of two; or count. */
static uint32_t
winner(const struct story *story, const uint32_t *order, uint32_t count,
       uint32_t field)
{
    uint32_t best = count;

    for (uint32_t i = 0; i < count; i++) {
        const struct write *write = &story->writes[order[i]];

        if (write->own[field] &&
            (best == count || write->time >= story->writes[order[best]].time))
            best = i;
    }
    return best;
}

static bool
is_late(const struct story *story, const uint32_t *order, uint32_t at)
{
    for (uint32_t i = 0; i < story->sample.schema.count; i++)
        if (story->writes[order[at]].own[i] &&
            winner(story, order, at + 1, i) == at)
            return false;
    return true;
}

/* The expected bytes; empty where no write touched anything. */
static void
expected_row(struct story *story, const uint32_t *order, struct lf_buffer *row)
{
    const struct write *newest = NULL;

    row->size = 0;
    for (uint32_t i = 0; i < story->sample.schema.count; i++) {
        struct lf_cell *cell = &story->sample.fields[i];
        uint32_t best = winner(story, order, story->count, i);
        const struct write *write;

        *cell = (struct lf_cell){.is_null = true, .time = LF_TIME_UNSET};
        if (best == story->count)
            continue;
        write = &story->writes[order[best]];
        if (write->operation != FEATURE_DELETE)
            *cell = write->cells[i];
        else
            cell->is_null = true;
        cell->time = write->time;
        /* Of two newest at one time a DELETE was first: it touches all. */
        if (!newest || write->time > newest->time ||
            (write->time == newest->time && write->operation != FEATURE_DELETE))
            newest = write;
    }
    if (newest && newest->operation == FEATURE_DELETE)
        assert_true(lf_row_encode_tombstone(1, newest->time, row));
    else if (newest)
        slow_encode(&story->sample, row);
}

/* --- the library ------------------------------------------------------------- */

/* Puts the merged row away, as bytes, and takes it up again. */
static void
store_and_load(const struct story *story, struct lf_merge *merge,
               struct lf_buffer *stored)
{
    struct lf_buffer bytes = {0};
    struct lf_row row;

    assert_true(lf_merge_encode(merge, &bytes));
    lf_buffer_free(stored);
    *stored = bytes;
    assert_true(lf_row_open(&row, bytes.data, bytes.size));
    assert_true(lf_row_check(&row, &story->same.from));
    assert_true(lf_merge_load(merge, &row, &story->same));
}

static bool
apply(const struct story *story, const struct write *write,
      struct lf_merge *merge)
{
    const struct sample *sample = &story->sample;
    struct lf_cell cells[FIELDS_MAX];
    bool own[FIELDS_MAX];

    for (uint32_t i = 0; i < sample->schema.count; i++) {
        uint32_t slot =
            lf_layout_slot(&sample->layout, sample->schema.fields[i].feature);

        cells[slot] = write->cells[i];
        own[slot] = write->own[i];
    }
    if (write->operation == FEATURE_DELETE)
        return lf_merge_write(merge, FEATURE_DELETE, write->time, NULL, NULL);
    return lf_merge_write(merge, write->operation, write->time, cells,
                          write->operation == FEATURE_PATCH ? own : NULL);
}

/* Applies the writes in an order, one in so many times (0: never) with the row
 * stored in between. Checks which are late, and the row in the end. */
static void
tell(struct story *story, const uint32_t *order, uint32_t store)
{
    struct lf_buffer row = {0}, stored = {0}, expected = {0};
    struct lf_cell cells[FIELDS_MAX];
    struct lf_merge merge;

    lf_merge_init(&merge, &story->sample.layout, cells);
    for (uint32_t i = 0; i < story->count; i++) {
        bool written = apply(story, &story->writes[order[i]], &merge);

        assert_int_equal(written, !is_late(story, order, i));
        if (merge.exists && store && draw_one_in(store))
            store_and_load(story, &merge, &stored);
    }
    expected_row(story, order, &expected);
    assert_int_equal(merge.exists, expected.size != 0);
    if (merge.exists) {
        assert_true(lf_merge_encode(&merge, &row));
        assert_int_equal(row.size, expected.size);
        assert_memory_equal(row.data, expected.data, row.size);
        assert_int_equal(merge.is_tombstone, row.data[6] & LF_ROW_TOMBSTONE);
    }
    lf_merge_free(&merge);
    lf_buffer_free(&row);
    lf_buffer_free(&stored);
    lf_buffer_free(&expected);
}

/* All orders, by Heap's algorithm. */
static void
tell_in_every_order(struct story *story, uint32_t *order, uint32_t count,
                    uint32_t store)
{
    if (count <= 1) {
        tell(story, order, store);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t with = count % 2 ? 0 : i, held;

        tell_in_every_order(story, order, count - 1, store);
        held = order[with];
        order[with] = order[count - 1];
        order[count - 1] = held;
    }
}

/* --- tests ------------------------------------------------------------------- */

static void
any_order_of_writes_at_different_times_gives_the_same_bytes(void **state)
{
    static const uint32_t stories[WRITES_MAX + 1] = {0,   0,  300, 300,
                                                     200, 60, 12,  3};
    struct lf_buffer first = {0}, last = {0};

    (void)state;
    for (uint32_t count = 2; count <= WRITES_MAX; count++)
        for (uint32_t i = 0; i < stories[count]; i++) {
            uint32_t order[WRITES_MAX] = {0, 1, 2, 3, 4, 5, 6};
            struct story story;

            draw_story(&story, count, 1 + draw_below(4), 0);
            expected_row(&story, order, &first);
            tell_in_every_order(&story, order, count, draw_below(3));
            expected_row(&story, order, &last);
            assert_int_equal(first.size, last.size);
            if (first.size)
                assert_memory_equal(first.data, last.data, first.size);
            end_story(&story);
        }
    lf_buffer_free(&first);
    lf_buffer_free(&last);
}

static void
of_writes_at_one_time_the_later_one_wins(void **state)
{
    const uint32_t order[WRITES_MAX] = {0, 1, 2, 3, 4, 5, 6};

    (void)state;
    for (int i = 0; i < 30000; i++) {
        struct story story;

        draw_story(&story, 2 + draw_below(6), 1 + draw_below(FIELDS_MAX),
                   1 + draw_below(3));
        tell(&story, order, draw_below(3));
        end_story(&story);
    }
}

/* Two INT64 features a and b in a row under way. */
struct pair {
    struct lf_arena arena;
    struct lf_layout layout;
    struct lf_cell cells[2];
    struct lf_merge merge;
};

static void
begin_pair(struct pair *pair)
{
    struct lf_schema_field fields[] = {{1, {FEATURE_TYPE_INT64, 1, false}},
                                       {2, {FEATURE_TYPE_INT64, 1, false}}};
    struct lf_schema schema = {.version = 1, .count = 2, .fields = fields};

    pair->arena = (struct lf_arena){0};
    assert_true(lf_layout_init(&pair->layout, &schema, &pair->arena));
    lf_merge_init(&pair->merge, &pair->layout, pair->cells);
}

static void
end_pair(struct pair *pair)
{
    lf_merge_free(&pair->merge);
    lf_arena_free(&pair->arena);
}

/* Writes a, b or both, at a time; 0 is null. */
static bool
write_pair(struct pair *pair, int32_t operation, int64_t time, int64_t a,
           int64_t b)
{
    static int64_t values[64];
    static uint32_t next;
    int64_t *at = &values[next++ % 32 * 2];
    struct lf_cell cells[] = {{(uint8_t *)&at[0], 8, !a, 0},
                              {(uint8_t *)&at[1], 8, !b, 0}};
    bool own[] = {a != 0, b != 0};

    at[0] = a;
    at[1] = b;
    return lf_merge_write(&pair->merge, operation, time, cells,
                          operation == FEATURE_PATCH ? own : NULL);
}

static int64_t
value(const struct pair *pair, uint32_t slot)
{
    const struct lf_cell *cell = &pair->cells[slot];

    return cell->is_null ? 0 : lf_load_i64(cell->bytes);
}

static void
a_late_patch_still_fills_cells_that_are_older(void **state)
{
    struct pair pair;

    (void)state;
    begin_pair(&pair);
    assert_true(write_pair(&pair, FEATURE_PATCH, 20, 1, 0));
    assert_true(write_pair(&pair, FEATURE_UPSERT, 10, 2, 2));
    assert_int_equal(value(&pair, 0), 1);
    assert_int_equal(value(&pair, 1), 2);
    assert_false(write_pair(&pair, FEATURE_UPSERT, 9, 3, 3));
    assert_false(write_pair(&pair, FEATURE_PATCH, 19, 4, 0));
    assert_int_equal(value(&pair, 0), 1);
    end_pair(&pair);
}

static void
a_correction_at_the_same_time_replaces_the_value(void **state)
{
    struct pair pair;

    (void)state;
    begin_pair(&pair);
    assert_true(write_pair(&pair, FEATURE_UPSERT, 10, 1, 1));
    assert_true(write_pair(&pair, FEATURE_UPSERT, 10, 2, 0));
    assert_int_equal(value(&pair, 0), 2);
    assert_true(pair.cells[1].is_null);
    end_pair(&pair);
}

static void
nothing_older_passes_a_tombstone(void **state)
{
    struct pair pair;

    (void)state;
    begin_pair(&pair);
    assert_true(write_pair(&pair, FEATURE_DELETE, 10, 0, 0));
    assert_true(pair.merge.exists && pair.merge.is_tombstone);
    assert_false(write_pair(&pair, FEATURE_UPSERT, 9, 1, 1));
    assert_false(write_pair(&pair, FEATURE_DELETE, 9, 0, 0));
    assert_true(pair.merge.is_tombstone);
    assert_true(write_pair(&pair, FEATURE_PATCH, 11, 1, 0));
    assert_false(pair.merge.is_tombstone);
    assert_false(write_pair(&pair, FEATURE_PATCH, 9, 0, 1));
    assert_int_equal(value(&pair, 1), 0);
    end_pair(&pair);
}

static void
a_delete_leaves_the_cells_that_are_newer(void **state)
{
    struct pair pair;

    (void)state;
    begin_pair(&pair);
    write_pair(&pair, FEATURE_UPSERT, 10, 1, 1);
    write_pair(&pair, FEATURE_PATCH, 30, 0, 2);
    assert_true(write_pair(&pair, FEATURE_DELETE, 20, 0, 0));
    assert_false(pair.merge.is_tombstone);
    assert_true(pair.cells[0].is_null);
    assert_int_equal(pair.cells[0].time, 20);
    assert_int_equal(value(&pair, 1), 2);
    assert_false(write_pair(&pair, FEATURE_DELETE, 19, 0, 0));
    end_pair(&pair);
}

static void
a_cleared_merge_begins_with_no_row(void **state)
{
    struct pair pair;

    (void)state;
    begin_pair(&pair);
    write_pair(&pair, FEATURE_DELETE, 10, 0, 0);
    lf_merge_clear(&pair.merge);
    assert_false(pair.merge.exists || pair.merge.is_tombstone);
    for (int i = 0; i < 2; i++) {
        assert_true(pair.cells[i].is_null);
        assert_true(pair.cells[i].time == LF_TIME_UNSET);
    }
    assert_true(write_pair(&pair, FEATURE_UPSERT, INT64_MIN + 1, 1, 1));
    end_pair(&pair);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(any_order_of_writes_at_different_times_gives_the_same_bytes),
        DRAWN(of_writes_at_one_time_the_later_one_wins),
        cmocka_unit_test(a_late_patch_still_fills_cells_that_are_older),
        cmocka_unit_test(a_correction_at_the_same_time_replaces_the_value),
        cmocka_unit_test(nothing_older_passes_a_tombstone),
        cmocka_unit_test(a_delete_leaves_the_cells_that_are_newer),
        cmocka_unit_test(a_cleared_merge_begins_with_no_row),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
