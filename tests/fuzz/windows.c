/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel of windows against plain arrays: random views, random events in
 * random orders and chunks, reads at random times.
 *
 *     windows [READS [SEED]]
 *     windows --give NUMBER > tests/fuzz/corpus/state/NUMBER
 *
 * First READS answers (100,000) are compared; then each planted fault has to be
 * found. Ends with 1 where an answer or a byte is wrong, or a fault stays hidden.
 */
#include "windows_rig.h"

static void
play_world(uint64_t seed, bool is_lone)
{
    struct lf_tile_plan *plan;
    struct lf_state *state;
    struct lf_buffer row = {0};
    bool groups = seed % 4 == 0 && !is_lone;

    tally.seed = seed;
    random_seed(seed * 0x9e3779b97f4a7c15u);
    if (is_lone)
        world_make_lone(&world);
    else
        world_make(&world, groups);
    if (lf_tile_plan_make(&plan, &world.event, &world.view, 1)) {
        wrong("no plan");
        return;
    }
    draw_events();
    state = must(lf_state_make(plan));
    ingest(state, committed, world.event_count, &row);
    tally.rows++;
    expect_levels(&row, plan, lf_state_wm(state));
    read_all(plan, &row, lf_state_wm(state), 1, 8);
    read_extra(plan, &row, lf_state_wm(state));
    try_order(plan, &row);
    try_cut(plan, &row);
    try_damage(plan, &row, lf_state_wm(state));
    try_replan(plan);
    try_deletes(plan);
    try_purge();
    if (seed % 16 == 1)
        try_memory(plan, &row, lf_state_wm(state));
    if (groups)
        try_retract(plan, &row);
    lf_buffer_free(&row);
    lf_state_free(state);
    lf_tile_plan_free(plan);
}

static void
play(uint64_t seed)
{
    play_world(seed, false);
    if (seed % 4 == 1)
        play_world(seed, true);
}

/* A seed of tests/fuzz/targets/state.c: number, wm, body. */
static int
give(uint16_t number)
{
    struct lf_tile_plan *plan;
    struct lf_state *state;
    struct lf_buffer row = {0};
    uint8_t head[10];
    bool is_written;

    random_seed(number);
    world_make(&world, false);
    if (lf_tile_plan_make(&plan, &world.event, &world.view, 1))
        return 1;
    draw_events();
    if (world.event_count > 12)
        world.event_count = 12;
    state = must(lf_state_make(plan));
    apply(state, committed, world.event_count);
    lf_store_u16(head, number);
    lf_store_i64(head + 2, lf_state_wm(state));
    is_written = !lf_state_encode(state, &row) &&
                 fwrite(head, sizeof head, 1, stdout) == 1 &&
                 fwrite(row.data, row.size, 1, stdout) == 1;
    lf_buffer_free(&row);
    lf_state_free(state);
    lf_tile_plan_free(plan);
    return !is_written;
}

static bool
find_plants(uint64_t seed)
{
    static const char *const names[PLANTS] = {
        [PLANT_LEVEL] = "<= for < in the rule of levels",
        [PLANT_TAIL] = "< for <= at the tail",
        [PLANT_TIES] = "ties reversed",
        [PLANT_CUT] = "an event on both sides of a cut",
        [PLANT_PARTIAL] = "nothing is PARTIAL",
        [PLANT_BARRIER] = "an event at the time of a delete stays",
        [PLANT_RUNNING] = "a tile that runs takes what is of level 0",
        [PLANT_END] = "a read holds a tile that runs for whole",
        [PLANT_ANCHOR] = "too few entries are taken up",
        [PLANT_EDGE] = "tiles of an older plan leave no edges"};
    bool all = true;

    for (int i = 1; i < PLANTS; i++) {
        uint64_t rounds = 0;

        windows_planted = (enum windows_plant)i;
        tally.wrong = 0;
        while (!tally.wrong && rounds < 10000)
            play(seed + rounds++);
        printf("planted: %s: %s after %llu rounds\n", names[i],
               tally.wrong ? "found" : "NOT FOUND", (unsigned long long)rounds);
        all &= tally.wrong > 0;
    }
    return all;
}

int
main(int argc, char **argv)
{
    bool gives = argc > 2 && strcmp(argv[1], "--give") == 0;
    uint64_t reads = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

    if (gives)
        return give((uint16_t)seed);
    for (uint64_t i = seed; tally.reads < reads && !tally.wrong; i++)
        play(i);
    printf("reads=%llu told=%llu wrong=%llu rows=%llu permutations=%llu "
           "cuts=%llu replans=%llu retracts=%llu damaged=%llu deletes=%llu "
           "merged=%llu refused=%llu partials=%llu failures=%llu seed=%llu\n",
           (unsigned long long)tally.reads, (unsigned long long)tally.told,
           (unsigned long long)tally.wrong, (unsigned long long)tally.rows,
           (unsigned long long)tally.permutations,
           (unsigned long long)tally.cuts, (unsigned long long)tally.replans,
           (unsigned long long)tally.retracts,
           (unsigned long long)tally.damaged, (unsigned long long)tally.deletes,
           (unsigned long long)tally.merged, (unsigned long long)tally.refused,
           (unsigned long long)tally.partials,
           (unsigned long long)tally.failures, (unsigned long long)seed);
    return tally.wrong || !find_plants(seed);
}
