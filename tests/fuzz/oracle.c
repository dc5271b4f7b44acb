/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: LMDB itself.
 *
 * Owns an environment of its own, apart from all that the library opens.
 * Keeps its transaction and the reader's on one snapshot; the reader's slot
 * protects both.
 * Never calls the library's look-up.
 */
#include "oracle.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define MAP_SIZE (UINT64_C(16) << 30)

static void
must(int code, const char *what)
{
    if (code)
        rig_give_up(what, mdb_strerror(code));
}

void
oracle_open(struct oracle *oracle, struct lf_environment *environment,
            const char *path)
{
    char name[RIG_PATH_SIZE + 16];
    MDB_txn *txn;

    *oracle = (struct oracle){.environment = environment};
    snprintf(name, sizeof name, "%s/data.mdb", path);
    must(mdb_env_create(&oracle->lmdb), "mdb_env_create");
    must(mdb_env_set_mapsize(oracle->lmdb, MAP_SIZE), "mdb_env_set_mapsize");
    must(mdb_env_set_maxdbs(oracle->lmdb, FOREST_TREES), "mdb_env_set_maxdbs");
    must(mdb_env_open(oracle->lmdb, name,
                      MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NOSUBDIR, 0),
         "mdb_env_open");
    must(mdb_txn_begin(oracle->lmdb, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    must(mdb_dbi_open(txn, NULL, 0, &oracle->main), "mdb_dbi_open");
    must(mdb_txn_commit(txn), "mdb_txn_commit");
}

void
oracle_close(struct oracle *oracle)
{
    mdb_txn_abort(oracle->txn);
    mdb_env_close(oracle->lmdb);
}

static bool
has_tree(const struct oracle *oracle, MDB_txn *txn, uint32_t tree)
{
    const char *name = forest_name(tree);
    MDB_val key = {.mv_size = strlen(name), .mv_data = (void *)(uintptr_t)name};
    MDB_val data;

    return !mdb_get(txn, oracle->main, &key, &data);
}

static void
learn(struct oracle *oracle, uint32_t tree)
{
    MDB_txn *txn;
    int code;

    must(mdb_txn_begin(oracle->lmdb, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    code = mdb_dbi_open(txn, forest_name(tree), 0, &oracle->handles[tree]);
    oracle->has_handle[tree] = !code;
    if (code != MDB_NOTFOUND)
        must(code, "mdb_dbi_open");
    must(mdb_txn_commit(txn), "mdb_txn_commit");
}

/* Opens what handles are missing; true where none was. */
static bool
is_complete(struct oracle *oracle)
{
    bool complete = true;

    for (uint32_t tree = 0; tree < FOREST_TREES; tree++) {
        if (oracle->has_handle[tree] || !has_tree(oracle, oracle->txn, tree))
            continue;
        learn(oracle, tree);
        complete = false;
    }
    return complete;
}

void
oracle_join(struct oracle *oracle, struct lf_reader **reader)
{
    struct feature_error error;
    struct lf_reader view;

    for (;;) {
        if (lf_reader_begin(oracle->environment, reader, &error))
            rig_give_up("lf_reader_begin", error.message);
        if (oracle->txn) {
            mdb_txn_reset(oracle->txn);
            must(mdb_txn_renew(oracle->txn), "mdb_txn_renew");
        } else {
            must(mdb_txn_begin(oracle->lmdb, NULL, MDB_RDONLY, &oracle->txn),
                 "mdb_txn_begin");
        }
        if (mdb_txn_id(oracle->txn) == lf_reader_transaction(*reader) &&
            lf_reader_view(*reader, lf_reader_transaction(*reader), &view) &&
            is_complete(oracle))
            return;
        lf_reader_end(*reader);
        sched_yield();
    }
}

uint32_t
oracle_depth(const struct oracle *oracle, uint32_t tree)
{
    MDB_stat stat;

    if (!oracle->has_handle[tree] || !has_tree(oracle, oracle->txn, tree) ||
        mdb_stat(oracle->txn, oracle->handles[tree], &stat))
        return 0;
    return stat.ms_depth;
}

/* Pages carry their numbers, and so does the first one of a long value. What is
 * before a value is in its page; an empty one may begin where that ends. */
static bool
is_same_place(const struct oracle *oracle, const uint8_t *a, const uint8_t *b)
{
    uintptr_t in_page = oracle->environment->page_size - 1;

    return ((uintptr_t)a & in_page) == ((uintptr_t)b & in_page) &&
           lf_load_u64((uint8_t *)((uintptr_t)a & ~in_page)) ==
               lf_load_u64((uint8_t *)((uintptr_t)b & ~in_page));
}

bool
oracle_agrees(const struct oracle *oracle, uint32_t tree,
              const struct lf_job *job, bool *found)
{
    MDB_val key = {.mv_size = job->key_size,
                   .mv_data = (void *)(uintptr_t)job->key};
    MDB_val data = {0};
    int code = MDB_NOTFOUND;

    if (tree < FOREST_TREES && oracle->has_handle[tree] && job->key_size)
        code = mdb_get(oracle->txn, oracle->handles[tree], &key, &data);
    *found = !code;
    if (code == MDB_NOTFOUND)
        return !job->value;
    must(code, "mdb_get");
    return job->value && job->size == data.mv_size &&
           is_same_place(oracle, job->value - 1,
                         (const uint8_t *)data.mv_data - 1) &&
           !memcmp(job->value, data.mv_data, job->size);
}
