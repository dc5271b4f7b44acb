/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes SECONDS [SEED] [split]: eleven processes on one store. Two write, three
 * read, two are readers that are stopped and continued, or killed, two open and
 * close, one fills the map until it has to grow, one changes the definitions. Every
 * snapshot that anybody reads is checked (ledger.h). `split` plants a reader that
 * takes two requests for one snapshot.
 *
 * Owns the processes; the parent itself opens no store.
 * Keeps a store for two seconds at most, so that maps begin small again.
 * Never judges how fast anything was, only that each thing did happen.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "roles.h"

#define SEED     20261121
#define READERS  3
#define OPENERS  2
#define ROUND_US INT64_C(2000000)
#define WAIT_US  INT64_C(10000000) /* for a commit, or for a process to end */

struct play {
    struct stage *stage;
    char directory[SCRATCH_SIZE];
    char path[SCRATCH_SIZE + 16];
    uint64_t dice;
    bool is_split;
    pid_t cast[LEDGER_WRITERS + READERS + OPENERS + 2];
    uint32_t size;
    pid_t sleeper; /* stopped and continued */
    pid_t victim;  /* killed and started again */
    uint64_t stops, kills, held_commits, ended_badly;
};

static pid_t
enter(struct play *play, void (*role)(void *), uint32_t half)
{
    struct actor actor = {.stage = play->stage,
                          .path = play->path,
                          .dice = roll(&play->dice),
                          .half = half,
                          .is_split = play->is_split};

    return start_child(role, &actor);
}

static void
create(void *path)
{
    ledger_create(path);
}

static void
must_end_well(struct play *play, pid_t child, const char *who)
{
    int64_t end = steady_us() + WAIT_US;
    int status = 0;

    while (!waitpid(child, &status, WNOHANG)) {
        if (steady_us() > end) {
            fprintf(stderr, "%s hangs\n", who);
            (void)kill_child(child);
            play->ended_badly++;
            return;
        }
        sleep_us(500);
    }
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return;
    fprintf(stderr, "%s: %s %d\n", who, WIFEXITED(status) ? "exit" : "signal",
            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    play->ended_badly++;
}

static void
begin_round(struct play *play)
{
    struct stage *stage = play->stage;

    atomic_store(&stage->must_stop, 0);
    atomic_store(&stage->hold, 0);
    atomic_store(&stage->let_go, 0);
    must_end_well(play, start_child(create, play->path), "the first process");
    play->size = 0;
    for (uint32_t i = 0; i < LEDGER_WRITERS; i++)
        play->cast[play->size++] = enter(play, play_writer, i);
    for (uint32_t i = 0; i < READERS; i++)
        play->cast[play->size++] = enter(play, play_reader, 0);
    for (uint32_t i = 0; i < OPENERS; i++)
        play->cast[play->size++] = enter(play, play_opener, 0);
    play->cast[play->size++] = enter(play, play_grower, 0);
    play->cast[play->size++] = enter(play, play_definer, 0);
    play->sleeper = enter(play, play_victim, 0);
    play->victim = enter(play, play_victim, 0);
}

static void
end_round(struct play *play)
{
    atomic_store(&play->stage->must_stop, 1);
    for (uint32_t i = 0; i < play->size; i++)
        must_end_well(play, play->cast[i], "a process");
    must_end_well(play, play->sleeper, "the reader that was stopped");
    must_end_well(play, play->victim, "the reader that was not yet killed");
    must_end_well(play, enter(play, play_judge, 0), "the judge");
    remove_scratch(play->path);
}

static void
stop_and_continue(struct play *play)
{
    kill(play->sleeper, SIGSTOP);
    sleep_us(roll_below(&play->dice, 20000));
    kill(play->sleeper, SIGCONT);
    play->stops++;
}

static void
kill_and_start(struct play *play)
{
    if (!kill_child(play->victim))
        play->ended_badly++;
    play->kills++;
    play->victim = enter(play, play_victim, 0);
}

static bool
is_violated(const struct play *play)
{
    return play->ended_badly || play->stage->violations;
}

/* Waits until `number` is reached, or for too long. */
static bool
comes_to(struct play *play, const char *what,
         uint64_t (*measure)(const struct play *), uint64_t number)
{
    int64_t end = steady_us() + WAIT_US;

    while (measure(play) < number) {
        if (is_violated(play))
            return false;
        if (steady_us() > end) {
            fprintf(stderr, "%s did not come to pass\n", what);
            play->ended_badly++;
            return false;
        }
        sleep_us(100);
    }
    return true;
}

static uint64_t
holding(const struct play *play)
{
    return atomic_load(&play->stage->holding);
}

static uint64_t
commits(const struct play *play)
{
    return atomic_load(&play->stage->commits[0]);
}

/* Every reader holds a snapshot; a commit that begins then has to end. */
static void
hold_all(struct play *play, uint32_t scene)
{
    struct stage *stage = play->stage;
    uint64_t before;

    atomic_store(&stage->holding, 0);
    atomic_store(&stage->hold, scene);
    if (comes_to(play, "a snapshot of every reader", holding, READERS)) {
        before = commits(play);
        /* The first one may have been under way. */
        if (comes_to(play, "a commit beside held snapshots", commits,
                     before + 2))
            play->held_commits += commits(play) - before - 1;
    }
    atomic_store(&stage->let_go, scene);
}

static void
one_round(struct play *play, int64_t until)
{
    uint32_t scene = 0;

    begin_round(play);
    while (steady_us() < until && !is_violated(play)) {
        sleep_us(roll_below(&play->dice, 10000));
        switch (roll_below(&play->dice, 4)) {
        case 0:
            stop_and_continue(play);
            break;
        case 1:
            kill_and_start(play);
            break;
        case 2:
            hold_all(play, ++scene);
            break;
        default:
            break;
        }
    }
    end_round(play);
}

static void
print_figures(const struct play *play, uint64_t seed)
{
    const struct stage *stage = play->stage;

    printf("snapshots=%" PRIu64 " violations=%" PRIu64 " commits=%" PRIu64
           " commits_while_all_readers_held=%" PRIu64 " maps_doubled=%" PRIu64
           " maps_adopted=%" PRIu64 " applies=%" PRIu64 " opens=%" PRIu64
           " scans=%" PRIu64 " readers_stopped=%" PRIu64
           " readers_killed=%" PRIu64 " ended_badly=%" PRIu64 " seed=%" PRIu64
           "\n",
           stage->snapshots, stage->violations,
           stage->commits[0] + stage->commits[1], play->held_commits,
           stage->doubled, stage->adopted, stage->applies, stage->opens,
           stage->scans, play->stops, play->kills, play->ended_badly, seed);
}

/* A stress that did not reach all it is for has shown nothing. */
static bool
is_thorough(const struct play *play)
{
    const struct stage *stage = play->stage;

    return stage->snapshots && stage->commits[0] && stage->commits[1] &&
           play->held_commits && stage->doubled && stage->adopted &&
           stage->applies && stage->opens && stage->scans && play->stops &&
           play->kills;
}

int
main(int count, char **arguments)
{
    struct play play = {.stage = share(sizeof *play.stage)};
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : SEED;
    int64_t end, now;

    if (count < 2)
        give_up("usage", "processes SECONDS [SEED] [split]");
    play.is_split = count > 3 && !strcmp(arguments[3], "split");
    play.dice = seed;
    make_scratch(play.directory);
    snprintf(play.path, sizeof play.path, "%s/store", play.directory);
    end = steady_us() + strtoll(arguments[1], NULL, 10) * 1000000;
    while ((now = steady_us()) < end && !is_violated(&play))
        one_round(&play, now + ROUND_US < end ? now + ROUND_US : end);
    remove_scratch(play.directory);
    print_figures(&play, seed);
    if (is_violated(&play))
        return RIG_VIOLATED;
    if (!is_thorough(&play))
        give_up("the stress", "too short to have tried everything");
    return RIG_GOOD;
}
