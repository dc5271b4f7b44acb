/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_kept COUNT [SEED] [none|early|mix|late]: kills two processes COUNT times with
 * SIGKILL, of which one loads all events of a view that keeps them, and rolls back,
 * while the other writes more of them, and has a third one look: the view is one load
 * and what was written since its cut; as known by the cut it is the load alone, and
 * nothing is known of before.
 *
 * Owns what a load and a write hold: both follow from their number.
 * Keeps what was promised in memory that outlives every child.
 * Never depends on when a kill comes: only the figures do.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kill_kept_view.h"

#define SEED         20261125
#define SPREAD_US    30000
#define VERIFY_EVERY 20
#define ROLLBACK     5 /* every fifth call */

/* late: the writer's events count as known by a cut before them */
enum plant { PLANT_NONE, PLANT_EARLY, PLANT_MIX, PLANT_LATE };

struct board {
    _Atomic(uint64_t) call; /* of the loader, that was begun last */
    _Atomic(uint64_t) told; /* that was acknowledged */
    _Atomic(uint64_t) row;  /* of the writer */
    _Atomic(uint64_t) row_told;
    _Atomic(uint64_t) durable; /* row that the feed had in the last round */
    _Atomic(uint64_t) read;    /* sequence up to which the feed was looked at */
    _Atomic(uint64_t) serving; /* load that serves, after `told`; 0: none */
    _Atomic(uint64_t) kept;    /* the one before */
    _Atomic(uint64_t) loads, rollbacks;
    _Atomic(uint64_t) lost, torn, beyond, unknown, findings;
};

struct rig {
    struct board *board;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16];
    bool verifies;
    enum plant plant;
    uint64_t dice;
};

static feature_store *
open_store(const struct rig *rig, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};
    feature_store *store;

    well(feature_store_open(rig->path, &options, &store, E));
    return store;
}

static void
create(void *context)
{
    const struct rig *rig = context;
    feature_store *store = open_store(rig, FEATURE_OPEN_CREATE);

    well(feature_store_apply(store, KEPT_DEFINITIONS, NULL, NULL, E));
    feature_store_close(store);
}

static uint32_t
load_version(const struct rig *rig, feature_store *store, uint64_t number)
{
    struct feature_load_options options = {.struct_size = sizeof options};
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_batch *batch = kept_batch(store);
    feature_load *load;
    char id[32];

    snprintf(id, sizeof id, "load-%" PRIu64, number);
    options.id = id;
    well(feature_load_begin(store, "v", &options, &load, E));
    for (uint64_t from = 0; from < KEPT_KEYS; from += KEPT_PIECE) {
        kept_fill_piece(batch, number, from);
        if (rig->plant == PLANT_MIX && from >= KEPT_KEYS / 2)
            well(feature_store_write(store, &batch, 1, NULL, NULL, E));
        well(feature_load_append(load, batch, E));
    }
    feature_batch_free(batch);
    well(feature_load_commit(load, &report, E));
    feature_load_free(load);
    return report.flags;
}

/* --- children --------------------------------------------------------------------- */

/* What was acknowledged may be sent again. */
static void
load_on(void *context)
{
    struct rig *rig = context;
    struct board *board = rig->board;
    feature_store *store = open_store(rig, 0);
    uint64_t last = atomic_load(&board->told);

    if (last && last % ROLLBACK && scramble(last, rig->dice) % 2 &&
        !(load_version(rig, store, last) & FEATURE_LOADED_DUPLICATE))
        atomic_fetch_add(&board->unknown, 1);
    for (;;) {
        uint64_t call = atomic_load(&board->told) + 1;
        uint64_t serving = atomic_load(&board->serving);

        atomic_store(&board->call, call);
        if (call % ROLLBACK) {
            (void)load_version(rig, store, call);
            atomic_store(&board->kept, serving);
            atomic_store(&board->serving, call);
            atomic_fetch_add(&board->loads, 1);
        } else {
            well(feature_store_rollback(store, "v", NULL, NULL, E));
            atomic_store(&board->serving, atomic_load(&board->kept));
            atomic_store(&board->kept, serving);
            atomic_fetch_add(&board->rollbacks, 1);
        }
        atomic_store(&board->told, call);
    }
}

static void
write_on(void *context)
{
    struct rig *rig = context;
    struct board *board = rig->board;
    feature_store *store = open_store(rig, 0);
    feature_batch *batch = kept_batch(store);

    for (;;) {
        uint64_t number = atomic_fetch_add(&board->row, 1) + 1;

        if (rig->plant == PLANT_EARLY)
            atomic_store(&board->row_told, number);
        kept_fill_write(batch, number);
        well(feature_store_write(store, &batch, 1, NULL, NULL, E));
        atomic_store(&board->row_told, number);
    }
}

/* --- looking ---------------------------------------------------------------------- */

/* A load, and what was streamed to it. */
static void
judge_sums(struct rig *rig, const struct kept_view *view, uint64_t load,
           const struct kept_sums *streamed, const char *what)
{
    for (uint32_t key = 0; key < KEPT_KEYS; key++) {
        const struct kept_sums *got = &view->keys[key];
        uint32_t count = load ? kept_events(load, key) : 0;
        struct kept_sums sums = {.loaded = count,
                                 .versions = (int64_t)(load * count)};

        if (key < KEPT_STREAMED) {
            sums.streamed = streamed[key].streamed;
            sums.numbers = streamed[key].numbers;
        }
        if (!memcmp(got, &sums, sizeof sums) &&
            (view->states[key] == FEATURE_STATE_PRESENT) ==
                (sums.loaded || sums.streamed))
            continue;
        fprintf(stderr,
                "%s, load %" PRIu64 ", key %" PRIu32 ": state %d, %" PRIi64
                " loaded, %" PRIi64 " streamed, sum %" PRIi64 "\n",
                what, load, key, view->states[key], got->loaded, got->streamed,
                got->numbers);
        atomic_fetch_add(&rig->board->torn, 1);
        return;
    }
}

/* As known by the cut, and by the moment before it. */
static void
judge_past(struct rig *rig, feature_store *store, uint64_t load, int64_t time)
{
    static const struct kept_sums none[KEPT_STREAMED];
    struct kept_view view;

    if (!load)
        return;
    kept_read(store, rig->plant == PLANT_LATE ? INT64_MAX : time, &view);
    judge_sums(rig, &view, load, none, "known by the cut");
    kept_read(store, time - 1, &view);
    for (uint32_t key = 0; key < KEPT_KEYS; key++)
        if (view.states[key] != FEATURE_STATE_NO_HISTORY) {
            fprintf(stderr, "before the cut, key %" PRIu32 ": state %d\n", key,
                    view.states[key]);
            atomic_fetch_add(&rig->board->torn, 1);
            return;
        }
}

static void
judge_rows(struct rig *rig, feature_store *store, const struct kept_view *view,
           uint64_t load)
{
    struct board *board = rig->board;
    struct kept_sums since[KEPT_STREAMED];
    int64_t time;
    uint64_t cut = kept_cut(store, load, &time);
    uint64_t last = atomic_load(&board->read);
    uint64_t newest = kept_feed(store, last, since, &last);

    if (newest < atomic_load(&board->durable))
        newest = atomic_load(&board->durable); /* what earlier rounds saw */

    if (newest < atomic_load(&board->row_told))
        atomic_fetch_add(&board->lost, 1);
    if (newest > atomic_load(&board->row))
        atomic_fetch_add(&board->beyond, 1);
    atomic_store(&board->row, newest);
    atomic_store(&board->row_told, newest);
    atomic_store(&board->durable, newest);
    atomic_store(&board->read, last);
    (void)kept_feed(store, cut, since, &last);
    judge_sums(rig, view, load, since, "now");
    judge_past(rig, store, load, time);
}

/* Which of the calls took effect: the one that was under way may have. */
static void
judge_call(struct rig *rig, uint64_t load)
{
    struct board *board = rig->board;
    uint64_t call = atomic_load(&board->call);
    uint64_t serving = atomic_load(&board->serving);
    uint64_t kept = atomic_load(&board->kept);
    uint64_t next = call % ROLLBACK ? call : kept;

    if (load == serving)
        return;
    if (call > atomic_load(&board->told) && load == next) {
        atomic_store(&board->serving, next);
        atomic_store(&board->kept, serving);
        atomic_store(&board->told, call);
        return;
    }
    fprintf(stderr,
            "call %" PRIu64 ": load %" PRIu64 " serves instead of %" PRIu64
            "\n",
            call, load, serving);
    atomic_fetch_add(&board->lost, 1);
}

static void
look(void *context)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct rig *rig = context;
    struct board *board = rig->board;
    feature_store *store = open_store(rig, 0);
    struct kept_view view;
    uint64_t load;

    /* A commit that was in flight comes to light when another one is begun. */
    well(feature_store_write(store, NULL, 0, NULL, NULL, E));
    kept_read(store, 0, &view);
    load = kept_load_of(&view);
    if (load == UINT64_MAX) {
        atomic_fetch_add(&board->torn, 1);
        return;
    }
    judge_call(rig, load);
    judge_rows(rig, store, &view, load);
    if (!rig->verifies)
        return;
    well(feature_store_verify(rig->path, NULL, &report, NULL, E));
    atomic_fetch_add(&board->findings, report.findings);
}

/* --- rounds ----------------------------------------------------------------------- */

static bool
is_violated(const struct board *board)
{
    return board->lost || board->torn || board->beyond || board->unknown ||
           board->findings;
}

static int
run(struct rig *rig, uint64_t count, uint64_t seed)
{
    struct board *board = rig->board;
    uint64_t kills = 0, crashes = 0;

    if (!run_to_end(create, rig))
        give_up(rig->path, "cannot be created");
    while (kills < count && !crashes && !is_violated(board)) {
        pid_t loader = start_child(load_on, rig);
        pid_t writer = start_child(write_on, rig);

        sleep_us(1500 + roll_below(&rig->dice, SPREAD_US));
        crashes += !kill_child(loader);
        crashes += !kill_child(writer);
        rig->verifies = kills++ % VERIFY_EVERY == 0;
        crashes += !run_to_end(look, rig);
    }
    printf("kills=%" PRIu64 " loads=%" PRIu64 " rollbacks=%" PRIu64
           " events=%" PRIu64 " acknowledged_lost=%" PRIu64 " mixed=%" PRIu64
           " beyond_started=%" PRIu64 " ids_unknown=%" PRIu64
           " verify_findings=%" PRIu64 " crashes=%" PRIu64 " seed=%" PRIu64
           "\n",
           kills, board->loads, board->rollbacks, board->row, board->lost,
           board->torn, board->beyond, board->unknown, board->findings, crashes,
           seed);
    if (crashes || is_violated(board))
        return RIG_VIOLATED;
    return board->loads >= count / 20 && board->row >= count ? RIG_GOOD
                                                             : RIG_NOT_RUN;
}

static enum plant
plant_of(const char *name)
{
    static const char *const names[] = {"none", "early", "mix", "late"};

    for (int i = 0; i < 4; i++)
        if (!strcmp(name, names[i]))
            return (enum plant)i;
    give_up(name, "is nothing to plant");
}

int
main(int count, char **arguments)
{
    struct rig rig = {.board = share(sizeof *rig.board)};
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : SEED;
    int status;

    if (count < 2)
        give_up("usage", "kill_kept COUNT [SEED] [none|early|mix|late]");
    if (count > 3)
        rig.plant = plant_of(arguments[3]);
    rig.dice = seed;
    make_scratch(rig.directory);
    snprintf(rig.path, sizeof rig.path, "%s/store", rig.directory);
    status = run(&rig, strtoull(arguments[1], NULL, 10), seed);
    remove_scratch(rig.directory);
    return status;
}
