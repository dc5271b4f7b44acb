/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden vectors against the C API: run FILE...
 *
 * Owns which step runs what.
 * Keeps cases apart: each has a fresh store.
 * Never runs a file of which it does not know every line.
 */
#include "steps.h"

#include <stdlib.h>
#include <string.h>

static void
step_clock(struct fixture *f, struct reader *reader)
{
    const struct line *line = reader->block->lines;

    if (line->count != 2)
        fail_at(line, "clock TIME");
    close_store(f);
    f->options.flags = 0;
    f->options.fixed_now = cell_time(line, line->words[1]);
    open_store(f);
}

static const struct {
    const char *name;
    void (*run)(struct fixture *f, struct reader *reader);
} steps[] = {
    {"apply", step_apply}, {"plan", step_plan},   {"describe", step_describe},
    {"stats", step_stats}, {"write", step_write}, {"read", step_read},
    {"matrix", step_read}, {"clock", step_clock},
};

static void
run_step(struct fixture *f, const struct block *block)
{
    struct reader reader = {.block = block, .next = 1};
    const struct line *line = block->lines;

    step_error = (struct feature_error){.row = -1};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!strcmp(steps[i].name, line->words[0])) {
            steps[i].run(f, &reader);
            if (reader.next < block->count)
                fail_at(block->lines + reader.next, "this line says nothing");
            return;
        }
    fail_at(line, "there is no step %s", line->words[0]);
}

static void
run_case(void **state)
{
    struct fixture *f = *state;
    const struct golden_case *test = f->context;

    for (size_t i = 0; i < test->count; i++)
        run_step(f, &test->blocks[i]);
}

static int
begin_case(void **state)
{
    void *test = *state;

    if (fixture_begin(state))
        return -1;
    ((struct fixture *)*state)->context = test;
    return 0;
}

int
main(int argc, char **argv)
{
    struct vectors vectors = {0};
    struct CMUnitTest *tests;

    for (int i = 1; i < argc; i++)
        if (vectors_load(&vectors, argv[i]))
            return 2;
    if (!vectors.count) {
        print_error("usage: run FILE...\n");
        return 2;
    }
    tests = vectors_claim(vectors.count * sizeof *tests);
    for (size_t i = 0; i < vectors.count; i++)
        tests[i] = (struct CMUnitTest){.name = vectors.cases[i].name,
                                       .test_func = run_case,
                                       .setup_func = begin_case,
                                       .teardown_func = fixture_end,
                                       .initial_state = &vectors.cases[i]};
    return _cmocka_run_group_tests("golden", tests, vectors.count, NULL, NULL);
}
