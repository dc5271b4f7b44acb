/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill VARIANT COUNT [SEED] [PLANT]: kills a process COUNT times with SIGKILL
 * while it writes, and has another one look at what is left. No acknowledged
 * commit may be missing, none may be there in part, none that nobody began.
 *
 * Owns the children of each round; the parent itself opens no store.
 * Keeps what was promised in memory that outlives every child.
 * Never depends on when a kill comes: only the figures do.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kill_variants.h"

#define SEED         20261121
#define VERIFY_EVERY 25
#define LEAST_US     500
#define SPREAD_US    6000
#define LEAST_WORK   2 /* commits of a round, on average */

struct figures {
    uint64_t kills;
    uint64_t commits;   /* acknowledged */
    uint64_t in_flight; /* durable, but not acknowledged */
    uint64_t cut;       /* kills within a long call */
    uint64_t crashes;   /* children that ended in another way */
    int64_t spread_us;  /* of the moment of the kill */
};

static const char *const plants[] = {"none", "early", "torn", "copy"};

static void
create(void *context)
{
    kill_create(context);
}

/* Reads for as long as it lives. A read is of a commit that was begun, and of none
 * before what was acknowledged when it began. */
static void
read_on(void *context)
{
    struct rig *rig = context;
    struct kill_reader reader;

    kill_reader_open(&reader, rig->path);
    for (;;) {
        uint64_t least = atomic_load(&rig->board->acknowledged), number;
        bool is_good = kill_reader_check(rig, &reader, &number);

        /* An acknowledgement that comes too early is for the verifier to find. */
        if (rig->plant == PLANT_NONE &&
            (number < least || number > atomic_load(&rig->board->started))) {
            fprintf(stderr,
                    "read commit %" PRIu64 ", acknowledged was %" PRIu64 "\n",
                    number, least);
            is_good = false;
        }
        if (!is_good)
            atomic_fetch_add(&rig->board->bad_reads, 1);
        atomic_fetch_add(&rig->board->reads, 1);
        sleep_us(200);
    }
}

static bool
is_violated(const struct board *board, const struct figures *figures)
{
    return board->lost || board->torn || board->beyond || board->bad_reads ||
           board->findings || board->broken || figures->crashes;
}

/* Later where a round has no time to do its work, sooner where it has too much. */
static void
tune(const struct variant *variant, struct figures *figures, uint64_t worked)
{
    bool is_late = variant->is_long
                       ? worked != 0
                       : figures->commits > 3 * LEAST_WORK * figures->kills;

    if (variant->is_long)
        figures->spread_us +=
            figures->spread_us / (is_late ? -30 : 50) + (is_late ? 0 : 1);
    else if (figures->commits < LEAST_WORK * figures->kills)
        figures->spread_us += figures->spread_us / 20;
    else if (is_late && figures->spread_us > SPREAD_US)
        figures->spread_us -= figures->spread_us / 50;
}

/* Starts the round's children, waits, and kills them in one order or the other. */
static void
kill_all(const struct variant *variant, struct rig *rig,
         struct figures *figures)
{
    pid_t children[3];
    uint32_t count = 0;
    int64_t least = variant->is_long ? 100 : LEAST_US;

    if (variant->has_writer) {
        struct rig writer = *rig;

        children[count++] = start_child(kill_variants[0].victim, &writer);
    }
    children[count++] = start_child(variant->victim, rig);
    if (variant->has_reader)
        children[count++] = start_child(read_on, rig);
    sleep_us(least + roll_below(&rig->dice, (uint32_t)figures->spread_us));
    if (roll_below(&rig->dice, 2))
        for (uint32_t i = 0; i < count; i++)
            kill(children[i], SIGKILL);
    for (uint32_t i = count; i--;)
        if (!kill_child(children[i]))
            figures->crashes++;
    figures->kills++;
}

static void
one_round(const struct variant *variant, struct rig *rig,
          struct figures *figures)
{
    struct board *board = rig->board;
    uint64_t before, told, done = atomic_load(&board->done);

    if (!variant->has_writer)
        atomic_store(&board->done, done = 0);
    if (variant->prepare && !run_to_end(variant->prepare, rig))
        figures->crashes++;
    atomic_store(&board->within, 0);
    before = atomic_load(&board->acknowledged);
    kill_all(variant, rig, figures);
    told = atomic_load(&board->acknowledged);
    figures->commits += told - before;
    rig->verifies = figures->kills % VERIFY_EVERY == 1;
    if (!run_to_end(kill_verify, rig))
        figures->crashes++;
    else if (atomic_load(&board->durable) > told)
        figures->in_flight++;
    if (variant->verify && !run_to_end(variant->verify, rig))
        figures->crashes++;
    figures->cut += atomic_load(&board->within);
    tune(variant, figures, atomic_load(&board->done) - done);
    atomic_store(&board->started, atomic_load(&board->durable));
    atomic_store(&board->acknowledged, atomic_load(&board->durable));
    (void)kill_sweep(rig->directory, "snapshot.tmp-");
    (void)kill_sweep(rig->directory, "copy");
    (void)kill_sweep(rig->directory, "hidden");
}

static void
print_figures(const struct variant *variant, const struct rig *rig,
              const struct figures *figures, uint64_t seed)
{
    const struct board *board = rig->board;

    printf("kills=%" PRIu64, figures->kills);
    if (variant->is_long)
        printf(" within_the_call=%" PRIu64, figures->cut);
    if (!variant->is_long || variant->has_writer)
        printf(" commits=%" PRIu64 " in_flight_durable=%" PRIu64
               " of_these_seen_at_next_write=%" PRIu64,
               figures->commits, figures->in_flight, board->surfaced);
    printf(" acknowledged_lost=%" PRIu64 " torn=%" PRIu64
           " beyond_started=%" PRIu64,
           board->lost, board->torn, board->beyond);
    if (variant->has_reader || variant->has_keeper)
        printf(" snapshots=%" PRIu64 " snapshots_bad=%" PRIu64, board->reads,
               board->bad_reads);
    if (variant->verify)
        printf(" restored=%" PRIu64 " broken=%" PRIu64, board->restored,
               board->broken);
    printf(" verify_findings=%" PRIu64 " crashes=%" PRIu64 " seed=%" PRIu64
           "\n",
           board->findings, figures->crashes, seed);
}

/* Kills of a process that did nothing yet have shown nothing. */
static bool
is_thorough(const struct variant *variant, const struct rig *rig,
            const struct figures *figures)
{
    const struct board *board = rig->board;
    bool reads = variant->has_reader || variant->has_keeper;

    if (variant->is_long && figures->cut < figures->kills / 10)
        return false;
    if (variant->verify && !board->restored)
        return false;
    if (reads && !board->reads)
        return false;
    return (variant->is_long && !variant->has_writer) ||
           figures->commits >= figures->kills;
}

static int
run(const struct variant *variant, struct rig *rig, uint64_t count,
    uint64_t seed)
{
    struct figures figures = {.spread_us = SPREAD_US};
    pid_t keeper = 0;

    if (!run_to_end(create, rig))
        give_up(rig->path, "cannot be created");
    if (variant->has_keeper)
        keeper = start_child(read_on, rig);
    for (uint64_t i = 0; i < count; i++) {
        one_round(variant, rig, &figures);
        if (is_violated(rig->board, &figures))
            break;
    }
    if (keeper && !kill_child(keeper))
        figures.crashes++;
    print_figures(variant, rig, &figures, seed);
    if (is_violated(rig->board, &figures))
        return RIG_VIOLATED;
    if (is_thorough(variant, rig, &figures))
        return RIG_GOOD;
    fprintf(stderr, "too few of the kills came at work\n");
    return RIG_NOT_RUN;
}

static enum plant
plant_named(const char *name)
{
    for (int plant = 0; plant <= PLANT_COPY; plant++)
        if (!strcmp(plants[plant], name))
            return (enum plant)plant;
    give_up(name, "no such plant");
}

int
main(int count, char **arguments)
{
    struct rig rig = {.board = share(sizeof *rig.board)};
    const struct variant *variant = kill_variants;
    uint64_t seed = count > 3 ? strtoull(arguments[3], NULL, 10) : SEED;
    int status;

    if (count < 3)
        give_up("usage", "kill VARIANT COUNT [SEED] [none|early|torn|copy]");
    while (variant->name && strcmp(variant->name, arguments[1]))
        variant++;
    if (!variant->name)
        give_up(arguments[1], "no such variant");
    if (count > 4)
        rig.plant = plant_named(arguments[4]);
    make_scratch(rig.directory);
    snprintf(rig.path, sizeof rig.path, "%s/store", rig.directory);
    snprintf(rig.file, sizeof rig.file, "%s/snapshot", rig.directory);
    snprintf(rig.copy, sizeof rig.copy, "%s/copy", rig.directory);
    rig.has_definitions = variant->has_definitions;
    rig.ballast = variant->ballast;
    rig.dice = seed ? seed : SEED;
    status = run(variant, &rig, strtoull(arguments[2], NULL, 10), seed);
    remove_scratch(rig.directory);
    return status;
}
