/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_load COUNT [SEED] [none|early|mix|lose] [history]: kills two processes COUNT
 * times with SIGKILL, of which one loads whole versions of a view and rolls back to
 * any that is kept while the other writes rows of it, and has a third one look: the
 * view is one whole version and all that was written since its cut, and nothing that
 * was acknowledged is gone.
 *
 * Owns what a load and a write hold: both follow from their number.
 * Keeps what was promised in memory that outlives every child.
 * Never depends on when a kill comes: only the figures do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kill_load.h"

#define SEED         20261123
#define SPREAD_US    9000
#define VERIFY_EVERY 20

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
    char text[400];

    snprintf(text, sizeof text,
             "CREATE ENTITY e (k INT64);"
             "CREATE FEATURE VIEW v (version INT64, streamed INT64) FOR e "
             "WITH (keep_versions = %d%s); STORE WITH (changes = '90 days');",
             KEPT, rig->has_history ? ", history = '9000 days'" : "");
    well(feature_store_apply(store, text, NULL, NULL, E));
    feature_store_close(store);
}

static uint32_t
load_version(const struct rig *rig, feature_store *store, uint64_t number)
{
    struct feature_load_options options = {.struct_size = sizeof options};
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_batch *batch;
    feature_load *load;
    char id[32];

    snprintf(id, sizeof id, "load-%" PRIu64, number);
    options.id = id;
    well(feature_load_begin(store, "v", &options, &load, E));
    well(feature_batch_create(store, "v",
                              "k, version, streamed, event_timestamp",
                              FEATURE_UPSERT, &batch, E));
    for (uint64_t from = 0; from < KEYS; from += PIECE) {
        fill_piece(batch, number, from);
        if (rig->plant == PLANT_MIX && from >= KEYS / 2)
            well(feature_store_write(store, &batch, 1, NULL, NULL, E));
        well(feature_load_append(load, batch, E));
    }
    feature_batch_free(batch);
    well(feature_load_commit(load, &report, E));
    feature_load_free(load);
    return report.flags;
}

/* --- children --------------------------------------------------------------------- */

/* What was acknowledged may be sent again; what was left may be removed by name. */
static void
begin_again(struct rig *rig, feature_store *store)
{
    struct board *board = rig->board;
    uint64_t last = atomic_load(&board->told);
    struct feature_error problem;
    char id[32];

    if (last && last % ROLLBACK && scramble(last, rig->dice) % 2) {
        if (!(load_version(rig, store, last) & FEATURE_LOADED_DUPLICATE))
            atomic_fetch_add(&board->unknown, 1);
        atomic_fetch_add(&board->again, 1);
    }
    snprintf(id, sizeof id, "load-%" PRIu64, last + 1);
    if (scramble(last, rig->dice) % 3 == 0 &&
        !feature_store_discard_load(store, "v", id, &problem))
        atomic_fetch_add(&board->discarded, 1);
}

/* To the version at a place of the order. */
static void
roll_back(const struct rig *rig, feature_store *store,
          const struct order *order, uint32_t at)
{
    struct feature_rollback_options options = {.struct_size = sizeof options};
    char id[32];

    snprintf(id, sizeof id, "load-%" PRIu64, order->loads[at]);
    if (at > 1 && order->loads[at])
        options.id = id;
    else if (at > 1)
        options.version = 1;
    if (rig->plant == PLANT_LOSE)
        options.flags = FEATURE_ROLLBACK_AS_IT_WAS;
    well(feature_store_rollback(store, "v", &options, NULL, E));
}

/* A change of the view's definition that says nothing of its rows. */
static void
define_again(feature_store *store, uint64_t call)
{
    char text[200];

    snprintf(text, sizeof text,
             "CREATE FEATURE VIEW v (version INT64, streamed INT64) FOR e "
             "WITH (check = 'rows >= %" PRIu64 "');",
             call % 7);
    well(feature_store_apply(store, text, NULL, NULL, E));
}

/* The call is on the board before it is made. */
static void
call_next(struct rig *rig, feature_store *store)
{
    struct board *board = rig->board;
    uint64_t call = atomic_load(&board->told) + 1;
    const struct order *before = &board->orders[(call - 1) % 2];
    bool is_load = call % ROLLBACK;
    uint32_t at =
        is_load
            ? 0
            : 1 + (uint32_t)(scramble(call, rig->dice) % (before->count - 1));

    board->orders[call % 2] =
        is_load ? after_load(before, call) : after_rollback(before, at);
    atomic_store(&board->call, call);
    if (is_load) {
        (void)load_version(rig, store, call);
        atomic_fetch_add(&board->loads, 1);
    } else {
        if (scramble(call, rig->dice) % 4 == 0)
            define_again(store, call);
        roll_back(rig, store, before, at);
        atomic_fetch_add(&board->rollbacks, 1);
        atomic_fetch_add(&board->older, at > 1);
    }
    atomic_store(&board->told, call);
}

static void
load_on(void *context)
{
    struct rig *rig = context;
    feature_store *store = open_store(rig, 0);

    begin_again(rig, store);
    for (;;)
        call_next(rig, store);
}

/* A row at its commit's time. */
static void
write_on(void *context)
{
    struct rig *rig = context;
    struct board *board = rig->board;
    feature_store *store = open_store(rig, 0);
    feature_batch *batch;

    well(feature_batch_create(store, "v", "k, version, streamed",
                              FEATURE_UPSERT, &batch, E));
    for (;;) {
        int64_t number = (int64_t)atomic_fetch_add(&board->row, 1) + 1;
        int64_t key = number % STREAMED, zero = 0;

        if (rig->plant == PLANT_EARLY)
            atomic_store(&board->row_told, (uint64_t)number);
        set_rows(batch, &key, &zero, &number, NULL, 1);
        well(feature_store_write(store, &batch, 1, NULL, NULL, E));
        atomic_store(&board->row_told, (uint64_t)number);
    }
}

/* --- looking ---------------------------------------------------------------------- */

struct seen {
    const uint8_t *states;
    const int64_t *versions;
    const int64_t *streamed;
};

static void
read_view(feature_store *store, struct seen *seen)
{
    struct feature_column columns[2];
    feature_request *request;
    feature_query *query;
    int64_t keys[KEYS];

    for (int64_t i = 0; i < KEYS; i++)
        keys[i] = i;
    well(feature_query_create(store, "v(version, streamed)", NULL, &query, E));
    well(feature_request_create(query, &request, E));
    well(feature_request_set_key(request, 0, FEATURE_TYPE_INT64, keys, NULL,
                                 NULL, KEYS, E));
    well(feature_request_read(request, E));
    well(feature_request_columns(request, columns, 2, E));
    seen->states = feature_request_states(request, 0);
    seen->versions = columns[0].values;
    seen->streamed = columns[1].values;
}

/* The load that all keys which are not streamed are of; 0: none is there.
 * UINT64_MAX: they are of two. */
static uint64_t
serving_load(const struct seen *seen)
{
    uint64_t load = 0;

    for (uint32_t key = STREAMED; key < KEYS; key++) {
        if (seen->states[key] != FEATURE_STATE_PRESENT)
            continue;
        if (load && (uint64_t)seen->versions[key] != load)
            return UINT64_MAX;
        load = (uint64_t)seen->versions[key];
    }
    return load;
}

/* The sequence that a load says it is the truth at. */
static uint64_t
cut_of(feature_store *store, uint64_t load)
{
    char *text, *line, *at, id[48];
    uint64_t cut = 0;

    if (!load)
        return 0;
    snprintf(id, sizeof id, "\"id\":\"load-%" PRIu64 "\"", load);
    well(feature_store_loads(store, "v", &text, E));
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strstr(line, id) && strstr(line, "\"committed\"")) {
            at = strstr(line, "\"cut\":");
            if (!at)
                violated("feature_store_loads", "has no cut");
            cut = strtoull(at + strlen("\"cut\":"), NULL, 10);
            break;
        }
    if (!line)
        violated(id, "serves, and is not in the list of loads");
    feature_free(text);
    return cut;
}

/* What the feed says was written after a cut: the newest number of each key. */
static uint64_t
read_feed(feature_store *store, uint64_t cut, int64_t numbers[STREAMED],
          uint64_t *last)
{
    struct feature_changes_options options = {.struct_size = sizeof options,
                                              .since = cut};
    struct feature_change_record record;
    feature_changes *changes;
    uint64_t newest = 0;

    well(feature_changes_open(store, &options, &changes, E));
    for (;;) {
        char *text, *at;
        uint64_t number;

        well(feature_changes_next(changes, &record, E));
        if (!record.bytes)
            break;
        *last = record.sequence;
        well(
            feature_changes_json(changes, record.bytes, record.size, &text, E));
        at = strstr(text, "\"version\":0,\"streamed\":");
        if (at) {
            number =
                strtoull(strchr(at, ',') + strlen(",\"streamed\":"), NULL, 10);
            numbers[number % STREAMED] = (int64_t)number;
            newest = number;
        }
        feature_free(text);
    }
    feature_changes_free(changes);
    return newest;
}

static bool
is_row(const struct seen *seen, uint32_t key, uint64_t load, int64_t streamed)
{
    bool is_there = seen->states[key] == FEATURE_STATE_PRESENT;

    if (streamed)
        return is_there && !seen->versions[key] &&
               seen->streamed[key] == streamed;
    if (!load || !is_in_load(load, key))
        return !is_there;
    return is_there && (uint64_t)seen->versions[key] == load &&
           !seen->streamed[key];
}

static void
judge_rows(struct rig *rig, feature_store *store, const struct seen *seen,
           uint64_t load)
{
    struct board *board = rig->board;
    int64_t since[STREAMED] = {0}, ever[STREAMED] = {0};
    uint64_t last = atomic_load(&board->read);
    uint64_t newest = read_feed(store, atomic_load(&board->read), ever, &last);

    if (newest < atomic_load(&board->durable))
        newest = atomic_load(&board->durable); /* what earlier rounds saw */
    (void)read_feed(store, cut_of(store, load), since, &(uint64_t){0});
    for (uint32_t key = 0; key < KEYS; key++)
        if (!is_row(seen, key, load, key < STREAMED ? since[key] : 0)) {
            fprintf(stderr,
                    "load %" PRIu64 ", key %" PRIu32 ": state %d, version "
                    "%" PRIi64 ", streamed %" PRIi64 "\n",
                    load, key, seen->states[key], seen->versions[key],
                    seen->streamed[key]);
            atomic_fetch_add(&board->torn, 1);
            break;
        }
    if (newest < atomic_load(&board->row_told))
        atomic_fetch_add(&board->lost, 1);
    if (newest > atomic_load(&board->row))
        atomic_fetch_add(&board->beyond, 1);
    atomic_store(&board->row, newest);
    atomic_store(&board->row_told, newest);
    atomic_store(&board->durable, newest);
    atomic_store(&board->read, last);
}

/* Which of the calls took effect: the one that was under way may have. */
static void
judge_call(struct rig *rig, uint64_t load)
{
    struct board *board = rig->board;
    uint64_t call = atomic_load(&board->call), told = atomic_load(&board->told);
    uint64_t serving = board->orders[told % 2].loads[0];

    if (call > told && load == board->orders[call % 2].loads[0]) {
        atomic_store(&board->told, call);
    } else if (load != serving) {
        fprintf(stderr,
                "call %" PRIu64 ": load %" PRIu64 " serves instead of %" PRIu64
                "\n",
                call, load, serving);
        atomic_fetch_add(&board->lost, 1);
    }
}

static void
look(void *context)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    struct rig *rig = context;
    struct board *board = rig->board;
    feature_store *store = open_store(rig, 0);
    struct seen seen;
    uint64_t load;

    /* A commit that was in flight comes to light when another one is begun. */
    well(feature_store_write(store, NULL, 0, NULL, NULL, E));
    read_view(store, &seen);
    load = serving_load(&seen);
    if (load == UINT64_MAX) {
        atomic_fetch_add(&board->torn, 1);
        return;
    }
    judge_call(rig, load);
    judge_rows(rig, store, &seen, load);
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

        sleep_us(1500 + roll_below(&rig->dice, rig->spread));
        crashes += !kill_child(loader);
        crashes += !kill_child(writer);
        rig->verifies = kills++ % VERIFY_EVERY == 0;
        crashes += !run_to_end(look, rig);
    }
    printf("kills=%" PRIu64 " loads=%" PRIu64 " rollbacks=%" PRIu64
           " to_older=%" PRIu64 " sent_again=%" PRIu64 " discarded=%" PRIu64
           " rows=%" PRIu64 " acknowledged_lost=%" PRIu64 " mixed=%" PRIu64
           " beyond_started=%" PRIu64 " ids_unknown=%" PRIu64
           " verify_findings=%" PRIu64 " crashes=%" PRIu64 " seed=%" PRIu64
           "\n",
           kills, board->loads, board->rollbacks, board->older, board->again,
           board->discarded, board->row, board->lost, board->torn,
           board->beyond, board->unknown, board->findings, crashes, seed);
    if (crashes || is_violated(board))
        return RIG_VIOLATED;
    return board->loads >= count / 20 && board->row >= count && board->older
               ? RIG_GOOD
               : RIG_NOT_RUN;
}

int
main(int count, char **arguments)
{
    struct rig rig = {.board = share(sizeof *rig.board)};
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : SEED;
    int status;

    if (count < 2)
        give_up("usage", "kill_load COUNT [SEED] [none|early|mix|lose] "
                         "[history]");
    if (count > 3)
        rig.plant = !strcmp(arguments[3], "early")  ? PLANT_EARLY
                    : !strcmp(arguments[3], "mix")  ? PLANT_MIX
                    : !strcmp(arguments[3], "lose") ? PLANT_LOSE
                                                    : PLANT_NONE;
    rig.has_history = count > 4 && !strcmp(arguments[4], "history");
    rig.spread =
        rig.has_history ? 4 * SPREAD_US : SPREAD_US; /* a longer call */
    rig.dice = seed;
    rig.board->orders[0].count = 1;
    make_scratch(rig.directory);
    snprintf(rig.path, sizeof rig.path, "%s/store", rig.directory);
    status = run(&rig, strtoull(arguments[1], NULL, 10), seed);
    remove_scratch(rig.directory);
    return status;
}
