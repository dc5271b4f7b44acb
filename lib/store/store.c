/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open store.
 *
 * Owns a handle's life: open, close, the references of its children, and the
 * calls under way in it.
 * Keeps the environment open until the last call has left it, and children
 * harmless after that.
 * Never touches the environment in a forked child.
 */
#include "store/hold.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "format/row.h"

#define KNOWN_OPEN_FLAGS                                                     \
    (FEATURE_OPEN_CREATE | FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE | \
     FEATURE_OPEN_ALLOW_REMOTE | FEATURE_OPEN_WARM | FEATURE_OPEN_NO_UPKEEP)
#define WRITE_WAIT_MS 10000

static feature_status
check_options(const struct feature_options *options,
              struct feature_error *error)
{
    if (options->flags & ~(uint32_t)KNOWN_OPEN_FLAGS)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the options' flags",
                       options->flags & ~(uint32_t)KNOWN_OPEN_FLAGS);
    if (options->flags & FEATURE_OPEN_CREATE &&
        options->flags & (FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "FEATURE_OPEN_CREATE excludes FEATURE_OPEN_READ_ONLY "
                       "and FEATURE_OPEN_IMMUTABLE");
    if (options->sync != FEATURE_SYNC_FULL &&
        options->sync != FEATURE_SYNC_LAST_TXN)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%d is not a sync level", options->sync);
    if (options->mode & ~0777u)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "mode 0%o is not a file mode", options->mode);
    if (options->max_row_size > LF_ROW_SIZE_LIMIT)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "max_row_size is over the format's limit of 64 MiB");
    return FEATURE_OK;
}

/* The first commit of a new store: its record, without a sequence number. */
static feature_status
write_identity(feature_store *store, struct feature_error *error)
{
    struct lf_meta_store meta = {.format = LF_FORMAT_VERSION,
                                 .shard_count = 1,
                                 .epoch = 1,
                                 .incarnation = 1};
    uint8_t bytes[LF_META_STORE_SIZE];
    struct lf_writer *writer = NULL;
    struct lf_tree *tree;
    feature_status status;

    if (!lf_random(meta.uuid, sizeof meta.uuid))
        return lf_fail_os(error, FEATURE_IO, "io", errno,
                          "cannot make an identity for the store");
    lf_meta_store_encode(&meta, bytes);
    status = lf_writer_begin(store->environment, store->write_wait_ms, &writer,
                             error);
    if (!status)
        status = lf_writer_tree(writer, LF_META_TREE, true, &tree, error);
    if (!status)
        status = lf_tree_put(tree, LF_META_STORE_KEY, strlen(LF_META_STORE_KEY),
                             bytes, sizeof bytes, false, error);
    if (status) {
        lf_writer_abort(writer);
        return status;
    }
    return lf_writer_commit(writer, error);
}

feature_status
lf_store_read_meta(struct lf_reader *reader, struct lf_meta_store *meta,
                   struct feature_error *error)
{
    const uint8_t *value;
    bool found;
    size_t size;

    LF_TRY(lf_reader_get(reader, LF_META_TREE, LF_META_STORE_KEY,
                         strlen(LF_META_STORE_KEY), &found, &value, &size,
                         error));
    if (!found)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "this LMDB file is not a libfeature store");
    if (!lf_meta_store_decode(meta, value, size))
        return lf_fail(error, FEATURE_CORRUPT, "checksum",
                       "the store's record is damaged");
    if (meta->format != LF_FORMAT_VERSION)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "the store has format %u, this library serves %d",
                       meta->format, LF_FORMAT_VERSION);
    if (meta->incompatible & ~(uint64_t)LF_KNOWN_INCOMPATIBLE)
        return lf_fail(error, FEATURE_VERSION, "feature-bits",
                       "the store uses features of a newer libfeature "
                       "(incompatible bits 0x%llx)",
                       (unsigned long long)meta->incompatible);
    return FEATURE_OK;
}

/* A fresh file gets its identity before anything else: until then the engine
 * keeps others from opening it. */
static feature_status
begin_store(feature_store *store, bool created, struct feature_error *error)
{
    if (created)
        LF_TRY(write_identity(store, error));
    return lf_store_check(store, error);
}

static void
apply_options(feature_store *store, const struct feature_options *options)
{
    store->read_only = options->flags & FEATURE_OPEN_READ_ONLY;
    store->leaves_upkeep = options->flags & FEATURE_OPEN_NO_UPKEEP;
    store->write_wait_ms =
        options->write_wait_ms ? options->write_wait_ms : WRITE_WAIT_MS;
    store->max_row_size =
        options->max_row_size ? options->max_row_size : LF_ROW_SIZE_DEFAULT;
    store->fixed_now = options->fixed_now;
}

/* Deadlines are of the steady clock. */
static bool
init_written(pthread_cond_t *written)
{
    pthread_condattr_t steady;
    bool done;

    if (pthread_condattr_init(&steady))
        return false;
    done = !pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) &&
           !pthread_cond_init(written, &steady);
    pthread_condattr_destroy(&steady);
    return done;
}

static feature_store *
make_store(const struct feature_options *options)
{
    feature_store *store = lf_alloc(sizeof *store);

    if (!store || !init_written(&store->written)) {
        lf_free(store);
        return NULL;
    }
    atomic_init(&store->references, 1);
    atomic_init(&store->hold_due, LF_HOLDS_NONE);
    pthread_mutex_init(&store->lock, NULL);
    pthread_mutex_init(&store->write_lock, NULL);
    pthread_mutex_init(&store->hold_lock, NULL);
    pthread_mutex_init(&store->count_lock, NULL);
    store->generation = lf_process_generation();
    apply_options(store, options);
    return store;
}

feature_status
feature_store_open(const char *path, const struct feature_options *options,
                   feature_store **store, struct feature_error *error)
{
    struct feature_options asked;
    struct lf_environment_options environment;
    feature_store *made = NULL;
    feature_status status;
    bool created;

    if (!path || !*path || !store)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "path and store are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options, "feature_options",
                           error));
    LF_TRY(check_options(&asked, error));
    if (asked.flags & FEATURE_OPEN_IMMUTABLE)
        asked.flags |= FEATURE_OPEN_READ_ONLY;
    environment = (struct lf_environment_options){
        .flags = asked.flags,
        .sync = asked.sync,
        .mode = asked.mode,
        .map_size = asked.map_size,
        .max_readers = asked.max_readers,
        .wait_ms = asked.write_wait_ms ? asked.write_wait_ms : WRITE_WAIT_MS};
    made = make_store(&asked);
    if (!made)
        return lf_fail_memory(error);
    if (!lf_random(&made->token, sizeof made->token))
        status = lf_fail_os(error, FEATURE_IO, "io", errno,
                            "cannot make a writer token");
    else
        status = lf_environment_open(path, &environment, &made->environment,
                                     &created, error);
    if (!status)
        status = begin_store(made, created, error);
    if (status) {
        lf_environment_withdraw(made->environment);
        made->environment = NULL;
        feature_store_close(made);
        return status;
    }
    *store = made;
    return FEATURE_OK;
}

void
feature_store_close(feature_store *store)
{
    if (!store || atomic_exchange(&store->closed, true))
        return;
    /* A forked child waits for nobody: the threads in those calls are not
     * there. */
    if (store->environment)
        store->is_inherited =
            lf_environment_check(store->environment, NULL) == FEATURE_INVALID;
    while (store->environment && !store->is_inherited &&
           atomic_load(&store->users))
        sched_yield();
    if (store->environment && !store->is_inherited)
        lf_holds_close(store);
    lf_environment_close(store->environment);
    store->environment = NULL;
    lf_store_release(store);
}

feature_status
lf_store_hold(feature_store *store, feature_store **held,
              struct feature_error *error)
{
    if (atomic_load(&store->closed))
        return lf_fail(error, FEATURE_INVALID, "closed",
                       "the store was closed");
    atomic_fetch_add(&store->references, 1);
    *held = store;
    return FEATURE_OK;
}

void
lf_store_release(feature_store *store)
{
    if (!store || atomic_fetch_sub(&store->references, 1) != 1)
        return;
    lf_catalog_release(store->catalog);
    lf_buffer_free(&store->event_counts);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->write_lock);
    pthread_mutex_destroy(&store->hold_lock);
    pthread_mutex_destroy(&store->count_lock);
    /* It would wait for threads that the child does not have. */
    if (!store->is_inherited)
        pthread_cond_destroy(&store->written);
    lf_free(store);
}

feature_status
lf_store_enter(feature_store *store, struct feature_error *error)
{
    feature_status status;

    atomic_fetch_add(&store->users, 1);
    if (atomic_load(&store->closed))
        status =
            lf_fail(error, FEATURE_INVALID, "closed", "the store was closed");
    else
        status = lf_environment_check(store->environment, error);
    if (status == FEATURE_IO)
        status = lf_environment_recover(store->environment,
                                        store->write_wait_ms, error);
    if (status)
        lf_store_leave(store);
    else
        lf_holds_sweep(store);
    return status;
}

void
lf_store_leave(feature_store *store)
{
    atomic_fetch_sub(&store->users, 1);
}

int64_t
lf_store_now(const feature_store *store)
{
    return store->fixed_now ? store->fixed_now : lf_clock_now();
}
