/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-check of the descent, tree by tree.
 *
 * Owns the table of trees that passed, and the comparison that lets one in: on
 * a tree's first use some of its keys, and some that it lacks, are looked up by
 * the descent and by LMDB, and value and size have to be the same bytes of the
 * file.
 * Keeps a tree that differs with LMDB, and one that cannot be checked at the
 * moment with the plain walk, until it can.
 * Never runs at open, and never shows LMDB a page that was not inspected: a
 * damaged sample is left out, and is an error to whoever reads it.
 */
#include "engine/selfcheck.h"

#include "base/error.h"
#include "engine/descent.h"
#include "engine/witness.h"

#define SAMPLES 4                 /* the first, two in between, the last */
#define KINDS   4                 /* a key, and three near it */
#define JOBS    (SAMPLES * KINDS) /* a group of the descent */
#define WAYS    8                 /* places that a mark may be in */
#define TRIES   10                /* to copy roots between two commits */

struct check {
    struct lf_reader view; /* of the second transaction's snapshot */
    struct lf_root root;
    MDB_dbi handle;
    ptrdiff_t apart; /* LMDB's map from ours */
    struct lf_inspected inspected;
    uint32_t count;
    struct lf_job jobs[JOBS]; /* as LMDB answered */
    uint8_t keys[JOBS][LF_NODE_KEY_MAX];
};

static struct lf_root
find_tree(struct check *check, const char *name, const uint8_t **record)
{
    struct lf_root none = {.page = UINT64_MAX}, root;
    struct lf_node node;
    bool found;

    if (lf_tree_inspect(&check->view.pages, &check->view.main, name,
                        strlen(name), &check->inspected, &found, &node, NULL) ||
        !found || node.flags != LF_NODE_IS_DATABASE ||
        node.size != LF_RECORD_SIZE || lf_root_read(node.data, &root, NULL))
        return none;
    *record = node.data;
    return root.flags ? none : root;
}

/* The two maps are as far apart as the two addresses of the tree's record. */
static bool
measure(struct check *check, const char *name, const uint8_t *record)
{
    MDB_val key = {.mv_size = strlen(name), .mv_data = (void *)(uintptr_t)name};
    MDB_val data;

    if (mdb_get(check->view.second, check->view.environment->main, &key,
                &data) ||
        data.mv_size != LF_RECORD_SIZE)
        return false;
    check->apart = (ptrdiff_t)((uintptr_t)data.mv_data - (uintptr_t)record);
    return check->apart % check->view.pages.page_size == 0;
}

/* LMDB's answer, where the way to the key is sound. */
static bool
ask(struct check *check, struct lf_job *job)
{
    struct lf_pages *pages = &check->view.pages;
    MDB_val key = {.mv_size = job->key_size,
                   .mv_data = (void *)(uintptr_t)job->key};
    MDB_val data = {0};
    const uint8_t *value;
    struct lf_node node;
    bool found;
    int code;

    if (lf_tree_inspect(pages, &check->root, job->key, job->key_size,
                        &check->inspected, &found, &node, NULL) ||
        (found && lf_page_value(pages, &node, &value, NULL)))
        return false;
    code = mdb_get(check->view.second, check->handle, &key, &data);
    job->value = code ? NULL : (uint8_t *)data.mv_data - check->apart;
    job->size = code ? 0 : (uint32_t)data.mv_size;
    return !code || code == MDB_NOTFOUND;
}

/* The sampled key itself, its neighbour of the same size, and two that are just
 * after and just before it. */
static uint32_t
vary(const struct lf_node *node, uint32_t kind, uint8_t *key)
{
    uint32_t size = node->key_size;

    memcpy(key, node->key, size);
    if (kind == 1)
        key[size - 1] ^= 1;
    if (kind == 2 && size < LF_NODE_KEY_MAX)
        key[size++] = 0;
    if (kind == 3 && size > 1)
        size--;
    return size;
}

/* By kinds, so that keys of one size stand together: they have a descent of
 * their own. */
static void
add_samples(struct check *check, uint64_t seed)
{
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (uint32_t part = 0; part < SAMPLES; part++) {
            struct lf_job *job = &check->jobs[check->count];
            uint8_t *key = check->keys[check->count];
            struct lf_node node;

            if (lf_tree_sample(&check->view.pages, &check->root, part, SAMPLES,
                               seed, &check->inspected, &node, NULL) ||
                !node.key_size)
                continue;
            *job =
                (struct lf_job){.key = key, .key_size = vary(&node, kind, key)};
            check->count += ask(check, job);
        }
}

/* The descent's answers are LMDB's. */
static bool
agrees(struct check *check, uint32_t first, uint32_t count)
{
    struct lf_job jobs[JOBS];

    memcpy(jobs, check->jobs + first, count * sizeof *jobs);
    if (lf_descend(&check->view.pages, &check->root, 0, 1, jobs, count, NULL))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (jobs[i].value != check->jobs[first + i].value ||
            jobs[i].size != check->jobs[first + i].size)
            return false;
    return true;
}

/* All together, those of the first kinds, and each alone. */
static bool
is_right(struct check *check)
{
    if (!agrees(check, 0, check->count) || !agrees(check, 0, check->count / 2))
        return false;
    for (uint32_t i = 0; i < check->count; i++)
        if (!agrees(check, i, 1))
            return false;
    return true;
}

static bool
begin(struct lf_reader *reader, const char *name, struct check *check)
{
    for (int tries = 0; tries < TRIES; tries++) {
        if (lf_witness_handle(reader, name, &check->handle, NULL))
            return false;
        if (lf_reader_view(reader, mdb_txn_id(reader->second), &check->view))
            return true;
    }
    return false;
}

/* False: not now. */
static bool
run(struct lf_reader *reader, const char *name, bool *passed, uint32_t *depth)
{
    const uint8_t *record;
    struct check check;

    if (!begin(reader, name, &check))
        return false;
    check.count = check.inspected.count = 0;
    check.root = find_tree(&check, name, &record);
    if (!check.root.depth)
        return false;
    *depth = check.root.depth;
    *passed = measure(&check, name, record);
    if (!*passed)
        return true;
    add_samples(&check, check.view.transaction);
    *passed = is_right(&check);
    return check.count > 0;
}

static void
remember(struct lf_fallback *fallback, uint64_t mark)
{
    uint32_t home = lf_selfcheck_home(mark), i;

    for (i = 0; i < WAYS; i++) {
        _Atomic(uint64_t) *at = &fallback->checked[(home + i) % LF_CHECKED];
        uint64_t none = 0;

        if (atomic_compare_exchange_strong(at, &none, mark) || none == mark)
            return;
    }
    atomic_store(&fallback->checked[home], mark);
}

static uint64_t
recall(const struct lf_fallback *fallback, uint64_t mark)
{
    uint32_t home = lf_selfcheck_home(mark), i;

    for (i = 0; i < WAYS; i++) {
        uint64_t found = atomic_load_explicit(
            &fallback->checked[(home + i) % LF_CHECKED], memory_order_relaxed);

        if ((found | 1) == mark)
            return found;
    }
    return 0;
}

enum lf_route
lf_selfcheck(struct lf_reader *reader, const char *name,
             const struct lf_root *root, uint64_t mark)
{
    struct lf_fallback *fallback = &reader->environment->fallback;
    uint64_t found;
    uint32_t depth;
    bool passed;

    if (fallback->is_forced || root->flags)
        return LF_ROUTE_LMDB;
    found = recall(fallback, mark);
    if (!found) {
        if (!run(reader, name, &passed, &depth))
            return LF_ROUTE_WALK;
        found = lf_selfcheck_mark(name, depth);
        if (!passed)
            found &= ~UINT64_C(1);
        remember(fallback, found);
    }
    return found & 1 ? LF_ROUTE_DESCENT : LF_ROUTE_LMDB;
}

void
lf_selfcheck_forget(struct lf_environment *environment)
{
    for (uint32_t i = 0; i < LF_CHECKED; i++)
        atomic_store_explicit(&environment->fallback.checked[i], 0,
                              memory_order_relaxed);
    atomic_fetch_add(&environment->fallback.forgotten, 1);
}
