/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environments of this process.
 *
 * Owns the list of environments, the order of opening and closing, and fork.
 * Keeps one environment per file: closing a second one would drop the process's
 * locks on lock.mdb and break the snapshots of everybody.
 * Never lets a child touch what its parent opened: it closes its copies of
 * open.lock and forgets the rest.
 */
#include "engine/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/claim.h"

/* opening may be held for as long as an open waits for another process; listing
 * only for a few instructions, because a fork waits for it. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t listing = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_result;
static struct lf_environment *environments;
static struct lf_claim *claims;
static atomic_uint generation;

static void
before_fork(void)
{
    pthread_mutex_lock(&listing);
}

static void
after_fork_in_parent(void)
{
    pthread_mutex_unlock(&listing);
}

/* Closing the copy leaves the parent's locks alone: they belong to the open
 * file, which the parent still has. */
static void
after_fork_in_child(void)
{
    struct lf_environment *each;
    struct lf_claim *claim;

    for (each = environments; each; each = each->next) {
        if (each->lock_file >= 0)
            close(each->lock_file);
        each->lock_file = -1;
    }
    environments = NULL;
    for (claim = claims; claim; claim = claim->next) {
        close(claim->file);
        claim->file = -1;
    }
    claims = NULL;
    atomic_fetch_add(&generation, 1);
    pthread_mutex_unlock(&listing);
    pthread_mutex_init(&opening, NULL); /* its holder may not exist here */
}

static void
register_handlers(void)
{
    once_result =
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

feature_status
lf_registry_enter(struct feature_error *error)
{
    pthread_once(&once, register_handlers);
    if (once_result)
        return lf_engine_fail(error, -1, once_result, "pthread_atfork");
    pthread_mutex_lock(&opening);
    return FEATURE_OK;
}

void
lf_registry_leave(void)
{
    pthread_mutex_unlock(&opening);
}

struct lf_environment *
lf_registry_find(dev_t device, ino_t inode)
{
    struct lf_environment *each;

    pthread_mutex_lock(&listing);
    for (each = environments; each; each = each->next) {
        if (each->device == device && each->inode == inode)
            break;
    }
    pthread_mutex_unlock(&listing);
    return each;
}

void
lf_registry_add(struct lf_environment *environment)
{
    pthread_mutex_lock(&listing);
    environment->next = environments;
    environments = environment;
    pthread_mutex_unlock(&listing);
}

void
lf_registry_remove(struct lf_environment *environment)
{
    struct lf_environment **at;

    pthread_mutex_lock(&listing);
    for (at = &environments; *at; at = &(*at)->next) {
        if (*at == environment) {
            *at = environment->next;
            break;
        }
    }
    pthread_mutex_unlock(&listing);
}

int
lf_registry_open_lock(struct lf_environment *environment, mode_t mode)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    int file, code;

    pthread_mutex_lock(&listing);
    do {
        code = 0;
        file = openat(environment->directory, "open.lock", flags);
        if (file < 0 && errno == ENOENT) {
            file = openat(environment->directory, "open.lock",
                          flags | O_CREAT | O_EXCL, mode);
            if (file >= 0)
                environment->made |= LF_MADE_LOCK;
        }
        if (file < 0)
            code = errno;
    } while (code == EEXIST); /* another one made it in between */
    environment->lock_file = file;
    pthread_mutex_unlock(&listing);
    return code;
}

void
lf_registry_close_lock(struct lf_environment *environment)
{
    pthread_mutex_lock(&listing);
    if (environment->lock_file >= 0)
        close(environment->lock_file);
    environment->lock_file = -1;
    pthread_mutex_unlock(&listing);
}

int
lf_registry_open_claim(struct lf_environment *environment,
                       struct lf_claim *claim)
{
    int code = 0;

    pthread_mutex_lock(&listing);
    claim->file = openat(environment->directory, "open.lock",
                         O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (claim->file < 0) {
        code = errno;
    } else {
        claim->next = claims;
        claims = claim;
    }
    pthread_mutex_unlock(&listing);
    return code;
}

void
lf_registry_close_claim(struct lf_claim *claim)
{
    struct lf_claim **at;

    pthread_mutex_lock(&listing);
    for (at = &claims; *at; at = &(*at)->next) {
        if (*at == claim) {
            *at = claim->next;
            break;
        }
    }
    if (claim->file >= 0)
        close(claim->file);
    claim->file = -1;
    pthread_mutex_unlock(&listing);
}

uint32_t
lf_registry_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}
