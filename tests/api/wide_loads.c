/* SPDX-License-Identifier: Apache-2.0 */
/* Loads of views whose states lie beside their rows: versions come and go with
 * all that lies beside them. */
#include "wide.h"

static struct payments all;

static feature_load *
begin_load(struct fixture *f, uint32_t flags)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .flags = flags};
    feature_load *load = NULL;

    must(feature_load_begin(f->store, "spend", &options, &load, &problem));
    return load;
}

static void
append_states(feature_load *load, struct fixture *from)
{
    struct ArrowArrayStream stream = tiles_of(from, "spend");

    must(feature_load_append_arrow(load, &stream, NULL, &problem));
}

static struct fixture *
begin(void **state)
{
    struct fixture *f = *state;

    draw_state = draw_seed;
    draw_payments(&all);
    define(f, WIDE_VIEW());
    return f;
}

static void
a_version_is_the_same_bytes_however_it_came(void **state)
{
    struct fixture *f = begin(state);
    struct held held;
    uint64_t trees;

    pay_all(f, &all, 4000);
    held = held_of(f, "spend");
    trees = count_trees(f);
    for (int i = 0; i < 3; i++) {
        feature_load *load = begin_load(f, FEATURE_LOAD_LAST_WINS);

        append_states(load, f);
        if (i == 1) /* the last one of a key comes from the sorter */
            append_states(load, f);
        expect_good(f);
        must(feature_load_commit(load, NULL, &problem));
        feature_load_free(load);
        expect_equal_rows(held, held_of(f, "spend"));
        expect_payments(f, &all, NOON);
        expect_good(f);
    }
    /* Rows and states of the version that is kept, and the records of loads. */
    assert_int_equal(count_trees(f), trees + 3);
    must(feature_store_rollback(f->store, "spend", NULL, NULL, &problem));
    expect_equal_rows(held, held_of(f, "spend"));
    expect_payments(f, &all, NOON);
    expect_good(f);
}

static void
what_is_discarded_leaves_no_states(void **state)
{
    struct fixture *f = begin(state);
    feature_load *load;
    uint64_t trees;

    pay_all(f, &all, 4000);
    must(feature_load_begin(f->store, "spend", NULL, &load, &problem));
    must(feature_load_abort(load, &problem));
    feature_load_free(load);
    trees = count_trees(f);
    load = begin_load(f, 0);
    append_states(load, f);
    must(feature_load_abort(load, &problem));
    feature_load_free(load);
    assert_int_equal(count_trees(f), trees);
    expect_good(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_version_is_the_same_bytes_however_it_came),
        TEST(what_is_discarded_leaves_no_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
