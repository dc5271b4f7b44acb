/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two functions of LMDB, which the program stands in front of, so that a test
 * can stop a writer in the middle of its commit, or let the commit fail. One
 * file of a program includes this.
 */
#ifndef TESTS_API_STAND_IN_H
#define TESTS_API_STAND_IN_H

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define LMDB_READ_ONLY 0x20000u /* MDB_RDONLY */

int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn);
int mdb_txn_commit(void *txn);

/* Called by the writing thread, when all is done but the commit itself. Answers
 * 0, or the errno value that the commit fails with. */
static int before_commit(void);

static _Thread_local void *written_txn;

static inline void *
find_original(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    return found;
}

int
mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn)
{
    int (*begin)(void *, void *, unsigned, void **);
    void *found = find_original("mdb_txn_begin");
    int code;

    memcpy(&begin, &found, sizeof begin);
    code = begin(env, parent, flags, txn);
    if (!code && !(flags & LMDB_READ_ONLY))
        written_txn = *txn;
    return code;
}

int
mdb_txn_commit(void *txn)
{
    int (*commit)(void *);
    void (*undo)(void *);
    void *found = find_original("mdb_txn_commit");
    int code = 0;

    if (txn == written_txn) {
        written_txn = NULL;
        code = before_commit();
    }
    if (code) {
        found = find_original("mdb_txn_abort");
        memcpy(&undo, &found, sizeof undo);
        undo(txn);
        return code;
    }
    memcpy(&commit, &found, sizeof commit);
    return commit(txn);
}

#endif
