/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that live through schema versions: features are added, dropped and
 * widened between writes. The oracle keeps values as they were written and
 * widens them at the end, by number.
 */
#include "sample.h"

#include "format/merge.h"

#define VERSIONS     4
#define FEATURES_MAX 16 /* ids count from 1 */
#define WRITES_MAX   10

/* What the oracle knows of one feature. */
struct known {
    struct lf_type type; /* of the value, as it was written */
    struct lf_cell cell;
};

struct life {
    struct sample versions[VERSIONS];
    uint32_t features; /* ids given so far */
    struct known known[FEATURES_MAX + 1];
    bool exists;
    int64_t deleted; /* LF_TIME_UNSET: the row is no tombstone */
    struct lf_buffer row;
    uint16_t row_version; /* index */
    uint32_t garbage_count;
    void *garbage[WRITES_MAX * FEATURES_MAX + 2 * FEATURES_MAX];
};

/* --- schemas ----------------------------------------------------------------- */

static struct lf_type
widened(struct lf_type type)
{
    if (type.code == FEATURE_TYPE_INT32)
        type.code = draw_one_in(2) ? FEATURE_TYPE_INT64 : FEATURE_TYPE_FLOAT64;
    else if (type.code == FEATURE_TYPE_FLOAT32)
        type.code = FEATURE_TYPE_FLOAT64;
    return type;
}

static void
add_field(struct life *life, struct lf_schema *schema, uint32_t feature,
          struct lf_type type)
{
    if (life->features < feature)
        life->features = feature;
    schema->fields[schema->count++] =
        (struct lf_schema_field){.feature = feature, .type = type};
}

/* The next version: some features dropped, some widened, some new. */
static void
draw_version(struct life *life, uint32_t index)
{
    struct sample *sample = &life->versions[index];
    const struct lf_schema *before = index ? &sample[-1].schema : NULL;
    uint32_t more = draw_below(index ? 3 : 5),
             left = before ? before->count : 0;

    sample_begin(sample, (uint16_t)(10 + index), FEATURES_MAX);
    sample->schema.count = 0;
    for (uint32_t i = 0; before && i < before->count; i++) {
        struct lf_type type = before->fields[i].type;

        if (left > 1 && draw_one_in(5))
            left--;
        else
            add_field(life, &sample->schema, before->fields[i].feature,
                      draw_one_in(2) ? widened(type) : type);
    }
    if (!sample->schema.count && !more)
        more = 1;
    while (more--)
        add_field(life, &sample->schema, life->features + 1, draw_type());
    sample_lay_out(sample);
}

static void
begin_life(struct life *life)
{
    memset(life, 0, sizeof *life);
    life->deleted = LF_TIME_UNSET;
    for (uint32_t i = 0; i < VERSIONS; i++)
        draw_version(life, i);
    for (uint32_t i = 1; i <= FEATURES_MAX; i++)
        life->known[i].cell =
            (struct lf_cell){.is_null = true, .time = LF_TIME_UNSET};
}

static void
end_life(struct life *life)
{
    for (uint32_t i = 0; i < life->garbage_count; i++)
        free(life->garbage[i]);
    for (uint32_t i = 0; i < VERSIONS; i++)
        lf_arena_free(&life->versions[i].arena);
    lf_buffer_free(&life->row);
}

/* --- the oracle -------------------------------------------------------------- */

/* A cell of a write, or null; true: it was written. */
static bool
know(struct life *life, uint32_t feature, struct lf_type type,
     const struct lf_cell *cell, int64_t time)
{
    struct known *known = &life->known[feature];

    if (known->cell.time > time)
        return false;
    known->type = type;
    known->cell = (struct lf_cell){.is_null = true};
    if (cell && !cell->is_null)
        known->cell = *cell;
    known->cell.time = time;
    return true;
}

/* A write under a version; false: late. */
static bool
know_write(struct life *life, const struct lf_schema *schema, int32_t operation,
           int64_t time, const struct lf_cell *cells, const bool *own)
{
    bool written = false, all = true;

    /* A tombstone's time holds for what was added since. */
    for (uint32_t i = 0; i < schema->count; i++)
        if (life->known[schema->fields[i].feature].cell.time < life->deleted)
            life->known[schema->fields[i].feature].cell.time = life->deleted;
    for (uint32_t i = 0; i < schema->count; i++) {
        bool done =
            own[i] &&
            know(life, schema->fields[i].feature, schema->fields[i].type,
                 operation == FEATURE_DELETE ? NULL : &cells[i], time);

        written |= done;
        all &= done;
    }
    if (operation == FEATURE_DELETE && all)
        life->deleted = time;
    else if (operation != FEATURE_DELETE && written)
        life->deleted = LF_TIME_UNSET;
    life->exists |= written;
    return written;
}

/* A value in a wider type, number by number; counted as garbage. */
static void
widen_slowly(struct life *life, struct lf_type from, struct lf_type to,
             struct lf_cell *cell)
{
    size_t count;
    uint8_t *wide;

    if (cell->is_null || from.code == to.code)
        return;
    count = cell->size / lf_type_element_size(from.code);
    wide = malloc(count * 8);
    life->garbage[life->garbage_count++] = wide;
    for (size_t i = 0; i < count; i++) {
        double number = from.code == FEATURE_TYPE_INT32
                            ? lf_load_i32(cell->bytes + 4 * i)
                            : (double)lf_load_f32(cell->bytes + 4 * i);

        if (to.code == FEATURE_TYPE_FLOAT64)
            lf_store_f64(wide + 8 * i, number);
        else
            lf_store_i64(wide + 8 * i, (int64_t)number);
    }
    cell->bytes = wide;
    cell->size = (uint32_t)(8 * count);
}

/* The bytes of the row under a version. */
static void
expect_row(struct life *life, struct sample *sample,
           const struct lf_buffer *row)
{
    struct lf_buffer expected = {0};

    if (life->deleted != LF_TIME_UNSET)
        assert_true(lf_row_encode_tombstone(sample->schema.version,
                                            life->deleted, &expected));
    for (uint32_t i = 0; i < sample->schema.count; i++) {
        struct lf_schema_field *field = &sample->schema.fields[i];

        sample->fields[i] = life->known[field->feature].cell;
        widen_slowly(life, life->known[field->feature].type, field->type,
                     &sample->fields[i]);
    }
    if (!expected.size)
        slow_encode(sample, &expected);
    assert_int_equal(row->size, expected.size);
    assert_memory_equal(row->data, expected.data, expected.size);
    lf_buffer_free(&expected);
}

/* --- the library ------------------------------------------------------------- */

/* Takes up the stored row under a version, out of exactly its bytes. */
static uint8_t *
load(struct life *life, struct sample *sample, struct lf_merge *merge)
{
    struct lf_migration migration;
    uint8_t *exact;
    struct lf_row row;

    if (!life->row.size)
        return NULL;
    exact = malloc(life->row.size);
    memcpy(exact, life->row.data, life->row.size);
    assert_true(lf_migration_init(&migration,
                                  &life->versions[life->row_version].schema,
                                  &sample->layout, &sample->arena));
    assert_true(lf_row_open(&row, exact, life->row.size));
    assert_true(lf_row_check(&row, &migration.from));
    assert_true(lf_merge_load(merge, &row, &migration));
    return exact;
}

/* One write under a version, from stored row to stored row. */
static void
live(struct life *life, uint16_t version, int64_t time)
{
    struct sample *sample = &life->versions[version];
    struct lf_cell cells[FEATURES_MAX], slots[FEATURES_MAX];
    struct lf_cell merged[FEATURES_MAX];
    bool own[FEATURES_MAX], own_slots[FEATURES_MAX], written;
    int32_t operation = (int32_t)(1 + draw_below(3));
    struct lf_merge merge;
    uint8_t *stored;

    for (uint32_t i = 0; i < sample->schema.count; i++) {
        uint32_t slot =
            lf_layout_slot(&sample->layout, sample->schema.fields[i].feature);

        draw_cell(sample->schema.fields[i].type, &cells[i]);
        life->garbage[life->garbage_count++] = (void *)cells[i].bytes;
        cells[i].is_null = draw_one_in(5);
        own[i] = operation != FEATURE_PATCH || draw_one_in(2);
        slots[slot] = cells[i];
        own_slots[slot] = own[i];
    }
    lf_merge_init(&merge, &sample->layout, merged);
    stored = load(life, sample, &merge);
    written = lf_merge_write(&merge, operation, time, slots,
                             operation == FEATURE_PATCH ? own_slots : NULL);
    assert_int_equal(written, know_write(life, &sample->schema, operation, time,
                                         cells, own));
    assert_int_equal(merge.exists, life->exists);
    /* Storing a row again that a late write left alone changes nothing. */
    if (written || (merge.exists && draw_one_in(2))) {
        assert_true(lf_merge_encode(&merge, &life->row));
        life->row_version = version;
    }
    lf_merge_free(&merge);
    free(stored);
}

/* Reads the row under the last version, which need not have seen a write. */
static void
expect_end(struct life *life)
{
    struct sample *last = &life->versions[VERSIONS - 1];
    struct lf_cell merged[FEATURES_MAX];
    struct lf_buffer row = {0};
    struct lf_merge merge;
    uint8_t *stored;

    lf_merge_init(&merge, &last->layout, merged);
    stored = load(life, last, &merge);
    assert_int_equal(merge.exists, life->exists);
    if (life->exists) {
        assert_true(lf_merge_encode(&merge, &row));
        expect_row(life, last, &row);
    }
    lf_merge_free(&merge);
    lf_buffer_free(&row);
    free(stored);
}

static void
a_row_carries_its_cells_through_every_schema_version(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint32_t version = 0;
        struct life life;

        begin_life(&life);
        for (uint32_t j = 1 + draw_below(WRITES_MAX); j > 0; j--) {
            if (draw_one_in(3))
                version += draw_below(VERSIONS - version);
            live(&life, (uint16_t)version, NOON + draw_below(12));
        }
        expect_end(&life);
        end_life(&life);
    }
}

/* --- widening alone ---------------------------------------------------------- */

static void
a_value_widens_element_by_element_at_any_shape(void **state)
{
    struct lf_buffer wide = {0};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct life life = {.deleted = LF_TIME_UNSET};
        struct lf_type from = draw_type(), to = widened(from);
        struct lf_cell cell = {0}, slow;

        draw_cell(from, &cell);
        slow = cell;
        widen_slowly(&life, from, to, &slow);
        assert_true(lf_widen(from, to, cell.bytes, cell.size, &wide));
        assert_int_equal(wide.size, slow.size);
        if (slow.size)
            assert_memory_equal(wide.data, slow.bytes, slow.size);
        free((void *)cell.bytes);
        for (uint32_t j = 0; j < life.garbage_count; j++)
            free(life.garbage[j]);
    }
    lf_buffer_free(&wide);
}

static void
the_limits_of_numbers_widen_to_themselves(void **state)
{
    static const int32_t ints[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    static const float floats[] = {-0.0f, 1e-45f, 3.40282347e38f};
    const struct lf_type int32 = {FEATURE_TYPE_INT32, 1, false};
    const struct lf_type int64 = {FEATURE_TYPE_INT64, 1, false};
    const struct lf_type float32 = {FEATURE_TYPE_FLOAT32, 1, false};
    const struct lf_type float64 = {FEATURE_TYPE_FLOAT64, 1, false};
    struct lf_buffer wide = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_true(
            lf_widen(int32, int64, (const uint8_t *)&ints[i], 4, &wide));
        assert_true(lf_load_i64(wide.data) == ints[i]);
        assert_true(
            lf_widen(int32, float64, (const uint8_t *)&ints[i], 4, &wide));
        assert_true(lf_load_f64(wide.data) == ints[i]);
    }
    for (int i = 0; i < 3; i++) {
        double value = (double)floats[i];

        assert_true(
            lf_widen(float32, float64, (const uint8_t *)&floats[i], 4, &wide));
        assert_memory_equal(wide.data, &value, 8);
    }
    lf_buffer_free(&wide);
}

static void
types_that_do_not_widen_are_refused(void **state)
{
    struct lf_buffer wide = {0};
    uint8_t bytes[8] = {0};
    uint32_t widens = 0;

    (void)state;
    for (int32_t from = 1; from <= 8; from++)
        for (int32_t to = 1; to <= 8; to++) {
            bool can =
                from == to ||
                (from == FEATURE_TYPE_INT32 && to == FEATURE_TYPE_INT64) ||
                (from == FEATURE_TYPE_INT32 && to == FEATURE_TYPE_FLOAT64) ||
                (from == FEATURE_TYPE_FLOAT32 && to == FEATURE_TYPE_FLOAT64);

            assert_int_equal(lf_widen((struct lf_type){from, 1, false},
                                      (struct lf_type){to, 1, false}, bytes, 8,
                                      &wide),
                             can);
            assert_false(lf_widen((struct lf_type){from, 1, false},
                                  (struct lf_type){to, 2, false}, bytes, 8,
                                  &wide));
            assert_false(lf_widen((struct lf_type){from, 1, true},
                                  (struct lf_type){to, 1, false}, bytes, 8,
                                  &wide));
            widens += can;
        }
    assert_int_equal(widens, 8 + 3);
    lf_buffer_free(&wide);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DRAWN(a_row_carries_its_cells_through_every_schema_version),
        DRAWN(a_value_widens_element_by_element_at_any_shape),
        cmocka_unit_test(the_limits_of_numbers_widen_to_themselves),
        cmocka_unit_test(types_that_do_not_widen_are_refused),
    };

    draw_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
