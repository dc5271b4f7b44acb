/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads on one environment. */
#include "engine_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define READERS  4
#define READS    30 /* of each reader, at least */
#define ACCOUNTS 8
#define COMMITS  400

struct shared {
    struct fixture *f;
    atomic_bool is_done;
    atomic_int problems;
    atomic_int snapshots;
};

static uint32_t
amount_of(const struct lf_job *job)
{
    uint32_t amount = 0;

    if (job->value && job->size >= 4)
        memcpy(&amount, job->value, 4);
    return amount;
}

static bool
adds_up(struct lf_reader *reader)
{
    static const char *const names[] = {"accounts", "unknown"};
    struct lf_job jobs[ACCOUNTS + 1] = {{0}};
    uint8_t keys[ACCOUNTS + 1];
    uint32_t i, sum = 0;
    feature_status status;

    for (i = 0; i <= ACCOUNTS; i++) {
        keys[i] = (uint8_t)i;
        jobs[i].key = &keys[i];
        jobs[i].key_size = 1;
        jobs[i].tree = i == ACCOUNTS;
    }
    status = lf_reader_lookup(reader, names, 2, jobs, ACCOUNTS + 1, NULL);
    if (status)
        return status == LF_AGAIN; /* a snapshot that mdb_get cannot have */
    for (i = 0; i < ACCOUNTS; i++)
        sum += amount_of(&jobs[i]);
    return sum == ACCOUNTS * 1000 && !jobs[ACCOUNTS].value;
}

/* Each commit replaces tree v/N by v/N+1 and says so in "current". */
static bool
is_current(struct lf_reader *reader)
{
    const uint8_t *value;
    char name[LF_TREE_NAME_SIZE];
    uint32_t version, other;
    size_t size;
    bool found;

    if (lf_reader_get(reader, "current", "v", 1, &found, &value, &size, NULL) ||
        !found)
        return false;
    memcpy(&version, value, 4);
    for (other = version - 1; other <= version + 1; other++) {
        snprintf(name, sizeof name, "v/%u", other);
        if (lf_reader_get(reader, name, "k", 1, &found, &value, &size, NULL) ||
            found != (other == version) ||
            (found && memcmp(value, &version, 4)))
            return false;
    }
    return true;
}

static void *
read_on(void *context)
{
    struct shared *shared = context;
    uint64_t last = 0;
    int reads;

    for (reads = 0; reads < READS || !atomic_load(&shared->is_done); reads++) {
        struct lf_reader *reader;

        if (lf_reader_begin(shared->f->environment, &reader, NULL)) {
            atomic_fetch_add(&shared->problems, 1);
            continue;
        }
        if (lf_reader_transaction(reader) < last || !adds_up(reader) ||
            !is_current(reader))
            atomic_fetch_add(&shared->problems, 1);
        last = lf_reader_transaction(reader);
        atomic_fetch_add(&shared->snapshots, 1);
        lf_reader_end(reader);
    }
    return NULL;
}

/* Changes the map while all others work. */
static void *
remap(void *context)
{
    struct shared *shared = context;
    uint64_t size = 64 << 20;

    while (!atomic_load(&shared->is_done)) {
        if (lf_environment_limit(shared->f->environment, size, NULL))
            atomic_fetch_add(&shared->problems, 1);
        size = size == 64 << 20 ? 96 << 20 : 64 << 20;
        usleep(2000);
    }
    return NULL;
}

static feature_status
move_money(struct lf_writer *writer, uint32_t round,
           struct feature_error *error)
{
    struct lf_tree *tree;
    uint8_t key, filler[1500] = {0};
    feature_status status;
    uint32_t i;

    status = lf_writer_tree(writer, "accounts", true, &tree, error);
    for (i = 0; i < ACCOUNTS && !status; i++) {
        uint32_t amount = 1000;

        if (i == 2 * (round % (ACCOUNTS / 2)))
            amount -= round % 1000;
        if (i == 2 * (round % (ACCOUNTS / 2)) + 1)
            amount += round % 1000;
        key = (uint8_t)i;
        memcpy(filler, &amount, 4);
        status =
            lf_tree_put(tree, &key, 1, filler, sizeof filler, false, error);
    }
    return status;
}

static feature_status
swap_version(struct lf_writer *writer, uint32_t round,
             struct feature_error *error)
{
    char name[LF_TREE_NAME_SIZE];
    struct lf_tree *tree;
    feature_status status;

    snprintf(name, sizeof name, "v/%u", round);
    status = lf_writer_tree(writer, name, true, &tree, error);
    if (!status)
        status = lf_tree_put(tree, "k", 1, &round, 4, false, error);
    snprintf(name, sizeof name, "v/%u", round - 1);
    if (!status)
        status = lf_writer_drop(writer, name, error);
    if (!status)
        status = lf_writer_tree(writer, "current", true, &tree, error);
    if (!status)
        status = lf_tree_put(tree, "v", 1, &round, 4, false, error);
    return status;
}

static feature_status
commit_round(struct lf_environment *environment, uint32_t round,
             struct feature_error *error)
{
    struct lf_writer *writer;
    feature_status status = lf_writer_begin(environment, 60000, &writer, error);

    if (status)
        return status;
    status = move_money(writer, round, error);
    if (!status)
        status = swap_version(writer, round, error);
    if (!status && round % 7)
        return lf_writer_commit(writer, error);
    lf_writer_abort(writer);
    return status;
}

static void
work(struct fixture *f, void *(*beside)(void *))
{
    struct shared shared = {.f = f};
    pthread_t threads[READERS + 1];
    uint32_t round;
    int i, count = READERS + (beside != NULL);

    must(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment));
    must(f, commit_round(f->environment, 1, &f->error));
    for (i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL,
                                        i < READERS ? read_on : beside,
                                        &shared),
                         0);
    for (round = 2; round < COMMITS; round++) {
        /* An aborted round leaves its predecessor's version to the next. */
        must(f, commit_round(f->environment, round, &f->error));
        if (round % 7 == 0) {
            char name[LF_TREE_NAME_SIZE];
            struct lf_writer *writer;

            snprintf(name, sizeof name, "v/%u", round - 1);
            must(f, lf_writer_begin(f->environment, 60000, &writer, &f->error));
            must(f, lf_writer_drop(writer, name, &f->error));
            must(f, swap_version(writer, round, &f->error));
            must(f, lf_writer_commit(writer, &f->error));
        }
    }
    atomic_store(&shared.is_done, true);
    for (i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.problems), 0);
    assert_true(atomic_load(&shared.snapshots) >= READERS * READS);
}

static void
readers_see_whole_commits_while_trees_come_and_go(void **state)
{
    work(*state, NULL);
}

static void
a_map_that_moves_disturbs_nobody(void **state)
{
    work(*state, remap);
}

static void *
open_and_close(void *context)
{
    struct shared *shared = context;
    int i;

    for (i = 0; i < 50; i++) {
        struct fixture own = *shared->f;
        char text[256];

        if (open_flags(&own, own.path, FEATURE_OPEN_CREATE, &own.environment)) {
            atomic_fetch_add(&shared->problems, 1);
            continue;
        }
        if (put(own.environment, "rows", "a", "1", &own.error) ||
            get(own.environment, "rows", "a", text, &own.error) ||
            strcmp(text, "1"))
            atomic_fetch_add(&shared->problems, 1);
        lf_environment_close(own.environment);
    }
    return NULL;
}

static void
threads_open_and_close_one_store(void **state)
{
    struct shared shared = {.f = *state};
    pthread_t threads[READERS];
    int i;

    for (i = 0; i < READERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, open_and_close, &shared), 0);
    for (i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.problems), 0);
}

static void *
count_up(void *context)
{
    struct shared *shared = context;
    struct lf_environment *environment = shared->f->environment;
    int i;

    for (i = 0; i < 100; i++) {
        struct lf_writer *writer;
        struct lf_tree *tree;
        const uint8_t *value;
        uint32_t number = 0;
        size_t size;
        bool found;

        if (lf_writer_begin(environment, 60000, &writer, NULL)) {
            atomic_fetch_add(&shared->problems, 1);
            continue;
        }
        if (lf_writer_tree(writer, "count", true, &tree, NULL) ||
            lf_tree_get(tree, "n", 1, &found, &value, &size, NULL)) {
            atomic_fetch_add(&shared->problems, 1);
            lf_writer_abort(writer);
            continue;
        }
        if (found)
            memcpy(&number, value, 4);
        number++;
        if (lf_tree_put(tree, "n", 1, &number, 4, false, NULL) ||
            lf_writer_commit(writer, NULL))
            atomic_fetch_add(&shared->problems, 1);
    }
    return NULL;
}

static void
writers_of_one_process_take_turns(void **state)
{
    struct fixture *f = *state;
    struct shared shared = {.f = f};
    pthread_t threads[READERS];
    struct lf_reader *reader;
    const uint8_t *value;
    uint32_t number = 0;
    size_t size;
    bool found;
    int i;

    create_store(f);
    for (i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &shared),
                         0);
    for (i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.problems), 0);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_reader_get(reader, "count", "n", 1, &found, &value, &size,
                          &f->error));
    assert_true(found);
    memcpy(&number, value, 4);
    assert_int_equal(number, READERS * 100);
    lf_reader_end(reader);
}

static void
a_writer_of_this_process_is_waited_for_no_longer_than_asked(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer, *other;

    create_store(f);
    must(f, lf_writer_begin(f->environment, 0, &writer, &f->error));
    refused(f, lf_writer_begin(f->environment, 20, &other, &f->error),
            FEATURE_BUSY, "writer-gate");
    lf_writer_abort(writer);
    must(f, lf_writer_begin(f->environment, 0, &writer, &f->error));
    lf_writer_abort(writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_see_whole_commits_while_trees_come_and_go),
        TEST(a_map_that_moves_disturbs_nobody),
        TEST(threads_open_and_close_one_store),
        TEST(writers_of_one_process_take_turns),
        TEST(a_writer_of_this_process_is_waited_for_no_longer_than_asked),
    };

    return cmocka_run_group_tests_name("engine_threads", tests, NULL, NULL);
}
