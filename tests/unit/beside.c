/* SPDX-License-Identifier: Apache-2.0 */
/* Slim bodies and full ones: what lies beside a row, and the way back. */
#include "draw.h"

#include "format/state.h"
#include "format/state_parts.h"

#define MINUTE INT64_C(60000000)
#define NOON   (INT64_C(1767268800) * 1000000)

/* MAX(text) over an hour and over all time. */
struct scene {
    struct lf_event_column column;
    struct lf_event event;
    struct lf_feature features[2];
    struct lf_aggregate aggregates[2];
    struct lf_schema schema;
    struct lf_schema_field fields[2];
    struct lf_view view;
    struct lf_tile_plan *plan;
    struct lf_state *full, *slim;
    struct lf_beside beside;
    struct lf_buffer in_full, in_slim, again;
};

static enum lf_tile_status
nothing(void *context, const struct lf_beside_ref *ref, const uint8_t **bytes)
{
    (void)context;
    (void)ref;
    (void)bytes;
    return LF_TILE_CORRUPT;
}

static void
begin(struct scene *s)
{
    memset(s, 0, sizeof *s);
    s->column = (struct lf_event_column){"text", FEATURE_TYPE_STRING};
    s->event.columns = &s->column;
    s->event.column_count = 1;
    s->event.max_skew = 1;
    for (uint32_t i = 0; i < 2; i++) {
        s->aggregates[i] = (struct lf_aggregate){
            .kind = LF_MAX,
            .by = LF_NO_COLUMN,
            .window = {i ? LF_LIFETIME : LF_SLIDING, i ? 0 : 60 * MINUTE,
                       i ? 1 : MINUTE}};
        s->features[i].id = i + 1;
        s->features[i].aggregate = &s->aggregates[i];
        s->features[i].type.code = FEATURE_TYPE_STRING;
        s->features[i].type.width = 1;
        s->fields[i] = (struct lf_schema_field){i + 1, s->features[i].type};
    }
    s->schema =
        (struct lf_schema){.version = 1, .count = 2, .fields = s->fields};
    s->view.features = s->features;
    s->view.feature_count = 2;
    s->view.schemas = &s->schema;
    s->view.schema_count = 1;
    s->view.slack = 1;
    assert_int_equal(lf_tile_plan_make(&s->plan, &s->event, &s->view, 1),
                     LF_TILE_OK);
    s->full = lf_state_make(s->plan);
    s->slim = lf_state_make(s->plan);
    assert_non_null(s->full);
    assert_non_null(s->slim);
    s->beside.fetch = nothing;
    lf_state_use_beside(s->slim, &s->beside);
    lf_beside_begin(&s->beside);
}

static void
end(struct scene *s)
{
    lf_state_free(s->full);
    lf_state_free(s->slim);
    lf_tile_plan_free(s->plan);
    lf_beside_free(&s->beside);
    lf_buffer_free(&s->in_full);
    lf_buffer_free(&s->in_slim);
    lf_buffer_free(&s->again);
}

static void
happen(struct scene *s, int64_t ts, const char *text, size_t size)
{
    struct lf_cell cell = {(const uint8_t *)text, (uint32_t)size, false, 0};
    struct lf_tile_event event = {ts, 1, &cell};
    uint8_t outcome;

    assert_int_equal(lf_state_apply(s->full, &event, 1, &outcome), LF_TILE_OK);
    assert_int_equal(lf_state_apply(s->slim, &event, 1, &outcome), LF_TILE_OK);
}

static void
encode(struct scene *s)
{
    s->in_full.size = s->in_slim.size = 0;
    assert_int_equal(lf_state_encode(s->full, &s->in_full), LF_TILE_OK);
    assert_int_equal(lf_state_encode(s->slim, &s->in_slim), LF_TILE_OK);
}

static size_t
count_refs(const struct scene *s)
{
    size_t count;

    (void)lf_beside_set_items(&s->beside.refs, &count);
    return count;
}

/* A tile of two texts, whose larger one has as many bytes. */
static void
make_tile(struct scene *s, size_t size)
{
    char text[2048];

    memset(text, 'x', sizeof text);
    happen(s, NOON - 10 * MINUTE, text, size);
    happen(s, NOON - 10 * MINUTE + 1, text, 3);
    happen(s, NOON, "a", 1);
    encode(s);
}

/* A text has its size before it: two bytes. */
static void
a_state_is_wide_from_a_size_on(void **state)
{
    struct scene s;

    (void)state;
    begin(&s);
    make_tile(&s, LF_BESIDE_FROM - 3);
    assert_int_equal(count_refs(&s), 0);
    assert_int_equal(s.in_slim.size, s.in_full.size);
    assert_memory_equal(s.in_slim.data, s.in_full.data, s.in_full.size);
    assert_false(lf_beside_is_slim(s.in_slim.data, s.in_slim.size));
    end(&s);
    begin(&s);
    make_tile(&s, LF_BESIDE_FROM - 2);
    assert_int_equal(count_refs(&s), 1);
    assert_true(lf_beside_is_slim(s.in_slim.data, s.in_slim.size));
    assert_int_equal(s.in_slim.size,
                     s.in_full.size - LF_BESIDE_FROM + LF_BESIDE_HASH_SIZE);
    assert_int_equal(s.beside.full_size, s.in_full.size);
    end(&s);
}

static void
expect_both_ways(struct scene *s)
{
    int64_t wm = lf_state_wm(s->full);
    struct lf_beside other = {.fetch = nothing};
    uint64_t full_size;

    encode(s);
    lf_beside_begin(&other);
    s->again.size = 0;
    assert_int_equal(lf_beside_deflate(s->plan, &other, s->in_full.data,
                                       s->in_full.size, wm, &s->again),
                     LF_TILE_OK);
    assert_int_equal(s->again.size, s->in_slim.size);
    assert_memory_equal(s->again.data, s->in_slim.data, s->again.size);
    s->again.size = 0;
    assert_int_equal(lf_beside_inflate(s->plan, &other, s->in_slim.data,
                                       s->in_slim.size, wm, &s->again),
                     LF_TILE_OK);
    assert_int_equal(s->again.size, s->in_full.size);
    assert_memory_equal(s->again.data, s->in_full.data, s->again.size);
    lf_beside_set_clear(&other.refs);
    assert_int_equal(lf_beside_list(s->plan, s->in_slim.data, s->in_slim.size,
                                    wm, &other.refs, &full_size),
                     LF_TILE_OK);
    assert_int_equal(full_size, s->in_full.size);
    lf_beside_free(&other);
}

/* Also where a tile leaves the windows, and for all time. */
static void
both_forms_say_the_same(void **state)
{
    struct scene s;
    char text[2048];

    (void)state;
    begin(&s);
    for (uint32_t i = 0; i < 400; i++) {
        for (size_t j = 0; j < sizeof text; j++)
            text[j] = (char)('a' + draw_below(26));
        happen(&s, NOON + (int64_t)i * MINUTE / 2 + draw_below(1000), text,
               draw_below(900));
        if (i % 7 == 0)
            expect_both_ways(&s);
    }
    assert_true(count_refs(&s) > 10);
    assert_true(s.in_slim.size < s.in_full.size);
    end(&s);
}

/* Equal states lie there once. */
static void
equal_states_are_one(void **state)
{
    struct scene s;
    char text[1024];

    (void)state;
    begin(&s);
    memset(text, 'y', sizeof text);
    for (int64_t i = 0; i < 20; i++) {
        happen(&s, NOON + i * MINUTE, text, sizeof text);
        happen(&s, NOON + i * MINUTE + 1, text, sizeof text);
    }
    expect_both_ways(&s);
    assert_int_equal(count_refs(&s), 1);
    end(&s);
}

/* Whatever is changed or missing, no byte outside is read, and what is said to be
 * a state is what it would be written as. */
static void
no_damage_is_followed(void **state)
{
    struct scene s;
    int64_t wm;

    (void)state;
    begin(&s);
    make_tile(&s, 700);
    happen(&s, NOON + 100 * MINUTE, "b", 1);
    happen(&s, NOON + 100 * MINUTE, "c", 1);
    encode(&s);
    wm = lf_state_wm(s.full);
    for (size_t bit = 0; bit < 9 * s.in_slim.size; bit++) {
        size_t size = bit < 8 * s.in_slim.size ? s.in_slim.size
                                               : bit - 8 * s.in_slim.size;
        uint8_t *copy = malloc(size ? size : 1);
        uint64_t full_size;

        assert_non_null(copy);
        memcpy(copy, s.in_slim.data, size);
        if (size == s.in_slim.size)
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        s.again.size = 0;
        (void)lf_beside_inflate(s.plan, &s.beside, copy, size, wm, &s.again);
        lf_beside_set_clear(&s.beside.refs);
        (void)lf_beside_list(s.plan, copy, size, wm, &s.beside.refs,
                             &full_size);
        if (!lf_state_check(s.slim, copy, size, wm)) {
            s.again.size = 0;
            assert_int_equal(lf_state_encode(s.slim, &s.again), LF_TILE_OK);
            assert_int_equal(s.again.size, size);
            assert_memory_equal(s.again.data, copy, size);
        }
        free(copy);
    }
    end(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_is_wide_from_a_size_on),
        cmocka_unit_test_setup(both_forms_say_the_same, draw_again),
        cmocka_unit_test(equal_states_are_one),
        cmocka_unit_test(no_damage_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
