/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_events COUNT [SEED] [none|early|twice]: kills a process COUNT times with
 * SIGKILL while it writes events, and has another one look at what is left: all
 * acknowledged events are there, none counts twice, and their ids are known.
 *
 * Owns a second store beside the first, to which nothing ever happens: what both
 * hold after the same commits has to be the same, byte for byte.
 * Keeps what was promised in memory that outlives every child.
 * Never depends on when a kill comes: only the figures do.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "children.h"

#define SEED         20261122
#define EVENTS       24 /* of a commit */
#define SPREAD_US    6000
#define VERIFY_EVERY 20
#define NOW          INT64_C(1767268800000000)
#define DAY          INT64_C(86400000000)

#define DEFINITIONS                                                        \
    "CREATE ENTITY card (card_id INT64);"                                  \
    "CREATE ENTITY shop (shop_id INT64);"                                  \
    "CREATE EVENT payment (payment_id STRING, card_id INT64, shop INT64, " \
    "amount FLOAT64) WITH (dedupe = payment_id, dedupe_for = '90 days');"  \
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 day', "        \
    "n = COUNT(*), last = LAST(amount, 5) OVER '7 days') "                 \
    "FOR card FROM payment;"                                               \
    "CREATE FEATURE VIEW traffic (cards = COUNT(DISTINCT card_id) OVER "   \
    "'1 day', most = MAX(amount) OVER '1 hour', "                          \
    "ids = LAST(payment_id, 60) OVER '7 days' HOP '1 day') "               \
    "FOR shop (shop_id = shop) FROM payment;"

enum plant { PLANT_NONE, PLANT_EARLY, PLANT_TWICE };

struct board {
    _Atomic(uint64_t) started;      /* commit that was begun last */
    _Atomic(uint64_t) acknowledged; /* commit that was told to be durable */
    _Atomic(uint64_t) durable;      /* commit that the verifier found */
    _Atomic(uint64_t) lost, beyond, differ, unknown, findings;
};

struct rig {
    struct board *board;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16];
    char other[SCRATCH_SIZE + 16];
    bool verifies;
    enum plant plant;
    uint64_t dice;
};

static feature_store *
open_store(const char *path, uint32_t flags)
{
    struct feature_options options = {
        .struct_size = sizeof options, .flags = flags, .fixed_now = NOW};
    feature_store *store;

    well(feature_store_open(path, &options, &store, E));
    return store;
}

/* Commits since the definitions. */
static uint64_t
newest(feature_store *store)
{
    struct feature_commit commit = {.struct_size = sizeof commit};

    well(feature_store_write(store, NULL, 0, NULL, &commit, E));
    return commit.sequence - 1;
}

/* The events of a commit follow from its number. */
static feature_batch *
make_events(feature_store *store, uint64_t number, bool has_ids)
{
    int64_t cards[EVENTS], shops[EVENTS], times[EVENTS];
    int32_t ends[EVENTS + 1] = {0};
    double amounts[EVENTS];
    char ids[EVENTS * 24];
    uint8_t none[(EVENTS + 7) / 8] = {0};
    feature_batch *batch;

    for (uint32_t i = 0; i < EVENTS; i++) {
        uint64_t dice = scramble(number, i);

        cards[i] = (int64_t)(dice % 40);
        shops[i] = (int64_t)(dice / 40 % 9);
        amounts[i] = (double)(dice % 100000) / 7;
        times[i] = NOW - (int64_t)(scramble(dice, 3) % (uint64_t)(3 * DAY));
        ends[i + 1] =
            ends[i] + sprintf(ids + ends[i], "%" PRIu64 "-%" PRIu32, number, i);
    }
    well(
        feature_batch_create(store, "payment", NULL, FEATURE_EVENT, &batch, E));
    well(feature_batch_set(batch, 0, FEATURE_TYPE_STRING, ids, ends,
                           has_ids ? NULL : none, EVENTS, E));
    well(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, cards, NULL, NULL,
                           EVENTS, E));
    well(feature_batch_set(batch, 2, FEATURE_TYPE_INT64, shops, NULL, NULL,
                           EVENTS, E));
    well(feature_batch_set(batch, 3, FEATURE_TYPE_FLOAT64, amounts, NULL, NULL,
                           EVENTS, E));
    well(feature_batch_set(batch, 4, FEATURE_TYPE_TIMESTAMP, times, NULL, NULL,
                           EVENTS, E));
    return batch;
}

static struct feature_commit
write_events(feature_store *store, uint64_t number, bool has_ids)
{
    struct feature_commit commit = {.struct_size = sizeof commit};
    feature_batch *batch = make_events(store, number, has_ids);

    well(feature_store_write(store, &batch, 1, NULL, &commit, E));
    feature_batch_free(batch);
    return commit;
}

/* --- children ------------------------------------------------------------------- */

static void
create(void *context)
{
    struct rig *rig = context;
    const char *paths[] = {rig->path, rig->other};

    for (int i = 0; i < 2; i++) {
        feature_store *store = open_store(paths[i], FEATURE_OPEN_CREATE);

        well(feature_store_apply(store, DEFINITIONS, NULL, NULL, E));
        feature_store_close(store);
    }
}

/* A planted "twice" sends every tenth commit's events again, without their ids, in
 * place of those of the next. */
static void
write_on(void *context)
{
    struct rig *rig = context;
    struct board *board = rig->board;
    feature_store *store = open_store(rig->path, 0);

    for (;;) {
        uint64_t number = newest(store) + 1;
        bool again = rig->plant == PLANT_TWICE && number % 10 == 0;

        atomic_store(&board->started, number);
        if (rig->plant == PLANT_EARLY)
            atomic_store(&board->acknowledged, number);
        (void)write_events(store, again ? number - 1 : number, !again);
        atomic_store(&board->acknowledged, number);
    }
}

/* The lines of the views, without what tells of the store itself. */
static char *
views_of(feature_store *store)
{
    char *text, *line;

    well(feature_store_content(store, &text, E));
    line = strchr(text, '\n');
    memmove(text, line, strlen(line) + 1);
    return text;
}

static void
compare(struct rig *rig, feature_store *store, uint64_t number)
{
    feature_store *other = open_store(rig->other, 0);
    char *ours, *theirs;

    for (uint64_t next = newest(other) + 1; next <= number; next++)
        (void)write_events(other, next, true);
    ours = views_of(store);
    theirs = views_of(other);
    if (strcmp(ours, theirs)) {
        fprintf(stderr, "after commit %" PRIu64 ":%sinstead of:%s", number,
                ours, theirs);
        atomic_fetch_add(&rig->board->differ, 1);
    }
    feature_free(ours);
    feature_free(theirs);
    feature_store_close(other);
}

static void
look(void *context)
{
    struct rig *rig = context;
    struct board *board = rig->board;
    struct feature_verify_report report = {.struct_size = sizeof report};
    feature_store *store = open_store(rig->path, 0);
    uint64_t number = newest(store);

    atomic_store(&board->durable, number);
    if (number < atomic_load(&board->acknowledged))
        atomic_fetch_add(&board->lost, 1);
    if (number > atomic_load(&board->started))
        atomic_fetch_add(&board->beyond, 1);
    compare(rig, store, number);
    /* Whoever sends again what was acknowledged sends nothing new. */
    if (number && write_events(store, number, true).duplicate != EVENTS)
        atomic_fetch_add(&board->unknown, 1);
    feature_store_close(store);
    if (!rig->verifies)
        return;
    well(feature_store_verify(rig->path, NULL, &report, NULL, E));
    atomic_fetch_add(&board->findings, report.findings);
}

/* --- rounds --------------------------------------------------------------------- */

static bool
is_violated(const struct board *board)
{
    return board->lost || board->beyond || board->differ || board->unknown ||
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
        pid_t writer = start_child(write_on, rig);

        sleep_us(1000 + roll_below(&rig->dice, SPREAD_US));
        crashes += !kill_child(writer);
        rig->verifies = kills++ % VERIFY_EVERY == 0;
        crashes += !run_to_end(look, rig);
        atomic_store(&board->started, atomic_load(&board->durable));
        atomic_store(&board->acknowledged, atomic_load(&board->durable));
    }
    printf("kills=%" PRIu64 " commits=%" PRIu64 " events=%" PRIu64
           " acknowledged_lost=%" PRIu64 " beyond_started=%" PRIu64
           " differ=%" PRIu64 " ids_unknown=%" PRIu64
           " verify_findings=%" PRIu64 " crashes=%" PRIu64 " seed=%" PRIu64
           "\n",
           kills, board->durable, board->durable * EVENTS, board->lost,
           board->beyond, board->differ, board->unknown, board->findings,
           crashes, seed);
    if (crashes || is_violated(board))
        return RIG_VIOLATED;
    return board->durable >= count ? RIG_GOOD : RIG_NOT_RUN;
}

int
main(int count, char **arguments)
{
    struct rig rig = {.board = share(sizeof *rig.board)};
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : SEED;
    int status;

    if (count < 2)
        give_up("usage", "kill_events COUNT [SEED] [none|early|twice]");
    if (count > 3)
        rig.plant = !strcmp(arguments[3], "early")   ? PLANT_EARLY
                    : !strcmp(arguments[3], "twice") ? PLANT_TWICE
                                                     : PLANT_NONE;
    rig.dice = seed;
    make_scratch(rig.directory);
    snprintf(rig.path, sizeof rig.path, "%s/store", rig.directory);
    snprintf(rig.other, sizeof rig.other, "%s/other", rig.directory);
    status = run(&rig, strtoull(arguments[1], NULL, 10), seed);
    remove_scratch(rig.directory);
    return status;
}
