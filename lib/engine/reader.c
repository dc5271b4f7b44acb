/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read transactions.
 *
 * Owns the pool of idle ones: a renewed transaction costs 13 ns, a new one 800.
 * Keeps a reader and its roots of one snapshot: the roots are copied from the
 * meta page, and confirmed to be those of the transaction afterwards.
 * Never keeps a snapshot after lf_reader_end: idle transactions are reset.
 */
#include "engine/reader.h"

#include <errno.h>
#include <sched.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/gate.h"
#include "engine/known.h"
#include "engine/map.h"
#include "engine/readers.h"
#include "engine/witness.h"

#define TRIES      1000 /* to copy the roots between two commits */
#define LONGEST_MS 1500 /* wait for a commit that is being synced */

static struct lf_reader *
take_idle(struct lf_environment *environment, uint32_t slot)
{
    struct lf_slot *slots = environment->gate.slots;
    struct lf_reader *reader = atomic_exchange(&slots[slot].idle, NULL);

    for (uint32_t i = 0; !reader && i < LF_SLOTS; i++)
        if (atomic_load_explicit(&slots[i].idle, memory_order_relaxed))
            reader = atomic_exchange(&slots[i].idle, NULL);
    return reader;
}

static void
free_memory(struct lf_reader *reader)
{
    lf_known_forget(reader);
    lf_free(reader);
}

/* Within the gate: a transaction that lies outside it is lost when LMDB's
 * environment is opened again. */
static void
end_transaction(struct lf_reader *reader)
{
    if (reader->witness)
        lf_witness_end(reader, false);
    if (reader->txn)
        mdb_txn_abort(reader->txn);
    reader->txn = NULL;
}

void
lf_reader_free(struct lf_reader *reader)
{
    end_transaction(reader);
    free_memory(reader);
}

static void
put_idle(struct lf_environment *environment, struct lf_reader *reader)
{
    struct lf_slot *slots = environment->gate.slots;
    uint32_t i, at = reader->slot;

    for (i = 0; i < LF_SLOTS; i++, at = (at + 1) % LF_SLOTS) {
        struct lf_reader *none = NULL;

        if (atomic_compare_exchange_strong(&slots[at].idle, &none, reader))
            return;
    }
    lf_reader_free(reader);
}

void
lf_readers_abandon(struct lf_environment *environment)
{
    for (uint32_t i = 0; i < LF_SLOTS; i++) {
        struct lf_reader *reader =
            atomic_exchange(&environment->gate.slots[i].idle, NULL);

        if (reader)
            free_memory(reader);
    }
}

void
lf_readers_free(struct lf_environment *environment)
{
    uint32_t i;

    for (i = 0; i < LF_SLOTS; i++) {
        struct lf_reader *reader =
            atomic_exchange(&environment->gate.slots[i].idle, NULL);

        if (reader)
            lf_reader_free(reader);
    }
}

/* In a forked child the transaction is the parent's: only memory is freed. */
static bool
is_foreign(const struct lf_environment *environment)
{
    return lf_environment_check(environment, NULL) == FEATURE_INVALID;
}

/* A transaction that cannot be renewed is of no further use. */
static int
start(struct lf_reader *reader)
{
    int code = 0;

    if (reader->txn) {
        code = mdb_txn_renew(reader->txn);
        if (!code)
            return 0;
        mdb_txn_abort(reader->txn);
        reader->txn = NULL;
        if (code == MDB_MAP_RESIZED)
            return code;
    }
    return mdb_txn_begin(reader->environment->lmdb, NULL, MDB_RDONLY,
                         &reader->txn);
}

static uint64_t
load(const uint8_t *page, uint32_t offset)
{
    return __atomic_load_n((const uint64_t *)(const void *)(page + offset),
                           __ATOMIC_ACQUIRE);
}

/* Depth lies in the upper half of the record's first 8 bytes. */
static void
copy_root(const uint8_t *record, struct lf_root *root)
{
    *root = (struct lf_root){.page = load(record, LF_RECORD_ROOT),
                             .entries = load(record, LF_RECORD_ENTRIES),
                             .depth = (uint32_t)(load(record, 0) >> 48)};
    if (root->page == UINT64_MAX)
        root->depth = 0;
}

static bool
is_root(const struct lf_root *root)
{
    return root->depth <= LF_DEPTH_MAX &&
           (root->depth || root->page == UINT64_MAX);
}

enum copied {
    TORN,  /* or of another transaction */
    WHOLE, /* beyond doubt */
    LATEST /* whole if the transaction is the newest one still */
};

/*
 * Transaction N wrote its roots to meta page N mod 2, and N + 2 overwrites
 * them. It can begin to only after N + 1 has written the other page: as long as
 * that one is older than N after the copy, the copy is whole. Acquiring loads
 * keep this order.
 *
 * Where the other page is of N + 1, that commit may be syncing it for as long
 * as a disk takes. N + 2 waits until others are told of N + 1: whoever is told
 * that N is the newest, after the copy, has a whole one.
 */
static enum copied
copy_roots(struct lf_reader *reader, const uint8_t *base)
{
    uint32_t size = reader->environment->page_size;
    uint64_t number = reader->transaction;
    const uint8_t *own = base + (number & 1) * size;
    const uint8_t *other = base + (~number & 1) * size;
    uint64_t found = load(own, LF_META_TRANSACTION), next;

    copy_root(own + LF_META_MAIN, &reader->main);
    copy_root(own + LF_META_FREE, &reader->free);
    reader->pages.last = load(own, LF_META_LAST_PAGE);
    reader->pages.base = base;
    next = load(other, LF_META_TRANSACTION);
    if (found != number || next > number + 1)
        return TORN;
    return next <= number ? WHOLE : LATEST;
}

/* Asks by a transaction of its own; without a slot for one, no. */
static bool
is_newest(const struct lf_environment *environment, uint64_t number)
{
    MDB_txn *txn;
    bool newest;

    if (mdb_txn_begin(environment->lmdb, NULL, MDB_RDONLY, &txn))
        return false;
    newest = mdb_txn_id(txn) == number;
    mdb_txn_abort(txn);
    return newest;
}

bool
lf_reader_view(const struct lf_reader *reader, uint64_t transaction,
               struct lf_reader *view)
{
    const struct lf_environment *environment = reader->environment;
    enum copied copied;

    *view = *reader;
    view->transaction = transaction;
    copied = copy_roots(view, reader->pages.base);
    return copied != TORN &&
           (copied == WHOLE || is_newest(environment, transaction)) &&
           is_root(&view->main) &&
           view->pages.last < environment->map_size / environment->page_size;
}

/* An empty store has no page by which the map could be found, and needs none.
 */
static bool
is_empty(struct lf_reader *reader)
{
    MDB_stat main;

    if (mdb_stat(reader->txn, reader->environment->main, &main) ||
        main.ms_entries)
        return false;
    reader->main = (struct lf_root){.page = UINT64_MAX};
    reader->free = reader->main;
    reader->pages.base = NULL;
    reader->pages.last = 1;
    return true;
}

/* Where the page is older than the transaction that the lock table names, the
 * mapped file is not the one that others write. */
static feature_status
give_up(const struct lf_reader *reader, const uint8_t *base,
        struct feature_error *error)
{
    const uint8_t *own =
        base + (reader->transaction & 1) * reader->environment->page_size;

    if (load(own, LF_META_TRANSACTION) < reader->transaction)
        return lf_fail(error, FEATURE_UNSUPPORTED, "overlay-stale",
                       "the mapped file stays behind what others write, as on "
                       "an overlay file system: keep the store on a volume");
    return lf_fail(error, FEATURE_IO, "internal",
                   "no snapshot stayed for long enough to be read");
}

/* Begins again; same: on the snapshot it was on before. */
static feature_status
renew(struct lf_reader *reader, bool *same, int *code,
      struct feature_error *error)
{
    mdb_txn_reset(reader->txn);
    *code = mdb_txn_renew(reader->txn);
    if (*code)
        return lf_engine_fail(error, -1, *code, "mdb_txn_renew");
    *same = mdb_txn_id(reader->txn) == reader->transaction;
    return FEATURE_OK;
}

static feature_status
find_base(struct lf_reader *reader, const uint8_t **base,
          struct feature_error *error)
{
    struct lf_environment *environment = reader->environment;

    *base = atomic_load(&environment->base);
    if (*base || is_empty(reader))
        return FEATURE_OK;
    LF_TRY(lf_map_locate(environment, reader->txn, error));
    *base = atomic_load(&environment->base);
    return FEATURE_OK;
}

static feature_status
find_roots(struct lf_reader *reader, int *code, struct feature_error *error)
{
    const uint8_t *base;
    int tries;

    for (tries = 1;; tries++) {
        enum copied copied;
        bool same = false;

        reader->transaction = mdb_txn_id(reader->txn);
        LF_TRY(find_base(reader, &base, error));
        if (!base)
            return FEATURE_OK;
        copied = copy_roots(reader, base);
        if (copied == WHOLE)
            break;
        if (tries == TRIES)
            return give_up(reader, base, error);
        if (tries > 10)
            sched_yield();
        LF_TRY(renew(reader, &same, code, error));
        if (same && copied == LATEST)
            break;
    }
    if (is_root(&reader->main) && is_root(&reader->free))
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the meta page has an impossible root");
}

/* Both transactions of the reader on one snapshot, before anything of it was
 * used. The second one sees a commit as soon as its meta page is written, the
 * first one once that is synced: between the two is a wait for the disk. */
static feature_status
join(struct lf_reader *reader, int *code, struct feature_error *error)
{
    int64_t deadline = lf_clock_steady_ms() + LONGEST_MS;
    int tries;

    for (tries = 0; tries < TRIES || lf_clock_steady_ms() < deadline; tries++) {
        feature_status status = lf_witness_join(reader, error);
        bool same;

        if (status != LF_AGAIN)
            return status;
        lf_witness_wait(reader->environment, tries);
        LF_TRY(renew(reader, &same, code, error));
        LF_TRY(find_roots(reader, code, error));
    }
    return lf_fail(error, FEATURE_IO, "internal",
                   "no snapshot stayed for long enough to be read");
}

static feature_status
try_begin(struct lf_reader *reader, int *code, struct feature_error *error)
{
    struct lf_environment *environment = reader->environment;
    feature_status status;

    /* Once more, within the gate: what failed, failed behind a closed one. */
    *code = 0;
    LF_TRY(lf_environment_check(environment, error));
    *code = start(reader);
    if (*code == MDB_PANIC) /* its writer is about to say so */
        lf_environment_failed(environment, LF_FAILURE_OUTCOME);
    if (*code)
        return lf_engine_fail(error, environment->directory, *code,
                              "cannot begin to read");
    reader->pages.environment = environment;
    reader->pages.page_size = environment->page_size;
    reader->pages.limit =
        atomic_load_explicit(&environment->file_pages, memory_order_relaxed);
    status = find_roots(reader, code, error);
    if (!status && environment->is_immutable &&
        reader->transaction != environment->seal)
        status = lf_fail(error, FEATURE_UNSUPPORTED, "immutable-changed",
                         "data.mdb was written to since it was opened as "
                         "immutable; close it and open it again");
    if (!status && atomic_load_explicit(&environment->fallback.joins,
                                        memory_order_relaxed))
        status = join(reader, code, error);
    if (!status)
        lf_known_follow(reader);
    return status;
}

/* Does what may help a beginning that failed. helped: it is worth another try.
 */
static feature_status
help(struct lf_environment *environment, int code, int tries, uint32_t remaps,
     bool *helped, struct feature_error *error)
{
    *helped = (code == MDB_READERS_FULL && tries == 0) ||
              (code == MDB_MAP_RESIZED && tries < 3);
    if (*helped && code == MDB_READERS_FULL)
        lf_slots_sweep(environment);
    if (*helped && code == MDB_MAP_RESIZED)
        return lf_map_adopt(environment, remaps, error);
    return FEATURE_OK;
}

static feature_status
begin_slowly(struct lf_environment *environment, struct lf_reader *reader,
             struct feature_error *error)
{
    feature_status status;
    bool helped;
    int tries;

    for (tries = 0;; tries++) {
        uint32_t remaps = atomic_load(&environment->remaps);
        int code = 0;

        reader->slot = lf_gate_enter(&environment->gate);
        status = try_begin(reader, &code, error);
        if (!status)
            return FEATURE_OK;
        end_transaction(reader);
        lf_gate_leave(&environment->gate, reader->slot);
        LF_TRY(help(environment, code, tries, remaps, &helped, error));
        if (!helped && code == MDB_READERS_FULL)
            return lf_slots_refuse(environment, error);
        if (!helped)
            return status;
    }
}

/* The pool had none, or its transaction could not be renewed. */
static feature_status
begin_anew(struct lf_environment *environment, struct lf_reader *reader,
           struct lf_reader **made, struct feature_error *error)
{
    struct feature_error problem;
    feature_status status;

    if (!reader)
        reader = lf_alloc(sizeof *reader);
    if (!reader)
        return lf_fail_memory(error);
    reader->environment = environment;
    status = begin_slowly(environment, reader, &problem);
    if (!status) {
        *made = reader;
        return FEATURE_OK;
    }
    lf_reader_free(reader);
    if (error)
        *error = problem; /* of the last try; the others were not the end */
    return status;
}

static feature_status
begin(struct lf_environment *environment, struct lf_reader **reader,
      struct feature_error *error)
{
    struct lf_reader *made;
    uint32_t slot;
    int code;

    LF_TRY(lf_environment_check(environment, error));
    slot = lf_gate_enter(&environment->gate);
    made = take_idle(environment, slot);
    if (made) {
        made->slot = slot;
        if (!try_begin(made, &code, NULL)) {
            *reader = made;
            return FEATURE_OK;
        }
        end_transaction(made);
    }
    lf_gate_leave(&environment->gate, slot);
    return begin_anew(environment, made, reader, error);
}

/* Another thread's commit may fail at any moment: then the environment is opened
 * again, by whoever comes first. */
feature_status
lf_reader_begin(struct lf_environment *environment, struct lf_reader **reader,
                struct feature_error *error)
{
    int tries;

    for (tries = 0;; tries++) {
        feature_status status = begin(environment, reader, error);

        if (status != FEATURE_IO || tries == TRIES ||
            !atomic_load(&environment->has_failed))
            return status;
        LF_TRY(lf_environment_recover(environment, environment->options.wait_ms,
                                      error));
    }
}

void
lf_reader_end(struct lf_reader *reader)
{
    struct lf_environment *environment;
    uint32_t slot;

    if (!reader)
        return;
    environment = reader->environment;
    if (is_foreign(environment)) {
        free_memory(reader);
        return;
    }
    slot = reader->slot;
    if (reader->witness)
        lf_witness_end(reader, atomic_load(&environment->fallback.joins));
    mdb_txn_reset(reader->txn);
    put_idle(environment, reader);
    lf_gate_leave(&environment->gate, slot);
}
