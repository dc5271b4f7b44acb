/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write transaction.
 *
 * Owns its way in (queue of the process, gate of the machine, LMDB's mutex),
 * its end, and the search for dead readers.
 * Keeps every wait before LMDB's own mutex, which has no deadline.
 * Never lets the thread be cancelled in between: a thread that dies with a
 * write transaction puts the environment out of service, for reads too.
 */
#include "engine/writer.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/gate.h"
#include "engine/locks.h"
#include "engine/map.h"

/* In all about as long as those who yield hold the gate: many times what those
 * who wait at it sleep between two looks. */
#define YIELD_STEP_NS 100000
#define YIELD_STEPS   200

#define COMMITS_PER_CHECK 1000
#define MS_PER_CHECK      10000

/* LMDB's own transaction, once nobody else can be in its way. */
static feature_status
begin_lmdb(struct lf_writer *writer, struct feature_error *error)
{
    struct lf_environment *environment = writer->environment;
    feature_status status;
    int tries, code;

    for (tries = 0;; tries++) {
        uint32_t remaps = atomic_load(&environment->remaps);

        writer->slot = lf_gate_enter(&environment->gate);
        status = lf_environment_check(environment, error);
        if (status) {
            lf_gate_leave(&environment->gate, writer->slot);
            return status;
        }
        code = mdb_txn_begin(environment->lmdb, NULL, 0, &writer->txn);
        if (!code)
            return FEATURE_OK;
        lf_gate_leave(&environment->gate, writer->slot);
        if (code != MDB_MAP_RESIZED || tries == 3)
            break;
        LF_TRY(lf_map_adopt(environment, remaps, error));
    }
    return lf_engine_fail(error, environment->directory, code,
                          "cannot begin to write");
}

/* Counts what the way to the gate took. */
static void
note_wait(struct lf_waits *waits, bool waited, int64_t since_us,
          feature_status status)
{
    atomic_fetch_add(&waits->writers, 1);
    if (!waited)
        return;
    atomic_fetch_add(&waits->waited, 1);
    atomic_fetch_add(&waits->microseconds,
                     (uint64_t)(lf_clock_steady_us() - since_us));
    if (status)
        atomic_fetch_add(&waits->gave_up, 1);
}

/* The queue of this process, then the gate of the machine. */
static feature_status
take_gate(struct lf_environment *environment, int64_t deadline,
          struct feature_error *error)
{
    int64_t since = lf_clock_steady_us();
    bool waited = false;
    feature_status status =
        lf_queue_enter(&environment->queue, deadline, &waited, error);

    if (!status) {
        status = lf_writer_gate_enter(environment->lock_file, deadline, &waited,
                                      error);
        if (status)
            lf_queue_leave(&environment->queue);
    }
    note_wait(&environment->waits, waited, since, status);
    return status;
}

static feature_status
pass_gates(struct lf_writer *writer, int64_t deadline,
           struct feature_error *error)
{
    struct lf_environment *environment = writer->environment;
    feature_status status;

    LF_TRY(take_gate(environment, deadline, error));
    status = begin_lmdb(writer, error);
    if (!status)
        return FEATURE_OK;
    lf_writer_gate_leave(environment->lock_file);
    lf_queue_leave(&environment->queue);
    return status;
}

feature_status
lf_writer_begin(struct lf_environment *environment, uint32_t wait_ms,
                struct lf_writer **writer, struct feature_error *error)
{
    int64_t deadline = lf_clock_steady_ms() + wait_ms;
    struct lf_writer *made;
    feature_status status = lf_environment_check(environment, error);

    if (status && status != FEATURE_IO)
        return status;
    if (environment->read_only)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the store is open read-only");
    made = lf_alloc(sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    made->environment = environment;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &made->cancel_state);
    status = pass_gates(made, deadline, error);
    if (status == FEATURE_IO && atomic_load(&environment->has_failed)) {
        status = lf_environment_recover(environment, wait_ms, error);
        if (!status)
            status = pass_gates(made, deadline, error);
    }
    if (status) {
        pthread_setcancelstate(made->cancel_state, NULL);
        lf_free(made);
        return status;
    }
    *writer = made;
    return FEATURE_OK;
}

void
lf_writer_yield(const struct lf_environment *environment)
{
    const struct timespec pause = {.tv_nsec = YIELD_STEP_NS};

    for (int i = 0; i < YIELD_STEPS; i++) {
        if (!lf_writer_gate_is_wanted(environment->lock_file))
            return;
        nanosleep(&pause, NULL);
    }
}

void
lf_writer_take_over(struct lf_environment *environment)
{
    int64_t now = lf_clock_steady_ms();
    struct feature_error ignored;
    bool waited;
    MDB_txn *txn;
    int state;

    if (environment->read_only)
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (!lf_queue_enter(&environment->queue, now, &waited, &ignored)) {
        if (!lf_writer_gate_enter(environment->lock_file, now, &waited,
                                  &ignored)) {
            if (!mdb_txn_begin(environment->lmdb, NULL, 0, &txn))
                mdb_txn_abort(txn);
            lf_writer_gate_leave(environment->lock_file);
        }
        lf_queue_leave(&environment->queue);
    }
    pthread_setcancelstate(state, NULL);
}

/* A process that was killed keeps its snapshot, and the file grows until
 * somebody looks. */
static void
check_readers(struct lf_environment *environment)
{
    int64_t now = lf_clock_steady_ms();
    int dead;

    if (++environment->commits < COMMITS_PER_CHECK &&
        now - environment->checked_ms < MS_PER_CHECK)
        return;
    mdb_reader_check(environment->lmdb, &dead);
    environment->commits = 0;
    environment->checked_ms = now;
}

/* After the transaction has ended, one way or the other. */
static void
leave(struct lf_writer *writer)
{
    struct lf_environment *environment = writer->environment;
    int cancel_state = writer->cancel_state;

    lf_trees_trim(environment);
    check_readers(environment);
    lf_gate_leave(&environment->gate, writer->slot);
    lf_writer_gate_leave(environment->lock_file);
    if (atomic_exchange(&environment->is_fresh, false))
        lf_open_unlock(environment->lock_file);
    lf_queue_leave(&environment->queue);
    lf_free(writer);
    pthread_setcancelstate(cancel_state, NULL);
}

/* Once LMDB could not write its meta page, it begins no transaction. */
static bool
is_in_panic(struct lf_environment *environment)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(environment->lmdb, NULL, MDB_RDONLY, &txn);

    if (!code)
        mdb_txn_abort(txn);
    return code == MDB_PANIC;
}

/* The two meta pages as they are, once more: now the next sync is for them too. */
static int
renew_meta(struct lf_environment *environment)
{
    size_t size = 2 * (size_t)environment->page_size;
    uint8_t *pages = lf_alloc(size);
    int code = pages ? 0 : ENOMEM, file;
    ssize_t done;

    if (!code)
        code = mdb_env_get_fd(environment->lmdb, &file);
    if (!code) {
        done = pread(file, pages, size, 0);
        if (done == (ssize_t)size)
            done = pwrite(file, pages, size, 0);
        if (done != (ssize_t)size)
            code = done < 0 ? errno : EIO;
    }
    lf_free(pages);
    return code;
}

/*
 * After a failed sync the kernel may call pages clean that never reached the
 * disk; a second sync proves nothing then. With LAST_TXN that can be the newest
 * meta page, whose loss a commit later would be the loss of two commits. So it is
 * written again, and the next commit is synced to its end, its own meta page
 * included.
 */
static int
sync_whole(struct lf_environment *environment)
{
    if (!atomic_load(&environment->is_doubtful))
        return 0;
    mdb_env_set_flags(environment->lmdb, MDB_NOMETASYNC, 0);
    return environment->sync == FEATURE_SYNC_LAST_TXN ? renew_meta(environment)
                                                      : 0;
}

static void
note_commit(struct lf_environment *environment, int code)
{
    if (code) {
        atomic_store(&environment->is_doubtful, true);
        return;
    }
    if (atomic_exchange(&environment->is_doubtful, false) &&
        environment->sync == FEATURE_SYNC_LAST_TXN)
        mdb_env_set_flags(environment->lmdb, MDB_NOMETASYNC, 1);
}

bool
lf_environment_is_doubtful(const struct lf_environment *environment)
{
    return atomic_load(&environment->is_doubtful);
}

feature_status
lf_writer_commit(struct lf_writer *writer, struct feature_error *error)
{
    struct lf_environment *environment = writer->environment;
    feature_status status = lf_environment_check(environment, error);
    int code;

    if (status) {
        lf_writer_abort(writer);
        return status;
    }
    lf_trees_free(writer);
    code = sync_whole(environment);
    if (code)
        mdb_txn_abort(writer->txn);
    else
        code = mdb_txn_commit(writer->txn);
    note_commit(environment, code);
    if (code && is_in_panic(environment)) {
        lf_environment_failed(environment, LF_FAILURE_OUTCOME);
        status = lf_environment_check(environment, error);
        if (error)
            error->os_error = code > 0 ? code : 0;
    } else if (code) {
        status = lf_engine_fail(error, environment->directory, code,
                                "cannot commit");
    }
    leave(writer);
    return status;
}

void
lf_writer_abort(struct lf_writer *writer)
{
    if (!writer)
        return;
    if (lf_environment_check(writer->environment, NULL) == FEATURE_INVALID) {
        lf_free(writer); /* a child's copy: the transaction is its parent's */
        return;
    }
    lf_trees_free(writer);
    mdb_txn_abort(writer->txn);
    leave(writer);
}
