/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hook that fails a call.
 *
 * Owns the count of the calls since the fault was set.
 * Keeps a call that is failed without any effect, save for the bytes of a short
 * write.
 * Never fails a read.
 */
#include "disk/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/rig.h"
#include "disk/tape.h"

const char *const fault_targets[FAULT_TARGETS] = {"write", "sync", "name"};
const char *const fault_kinds[FAULT_KINDS] = {"EIO", "ENOSPC", "short",
                                              "late EIO", "lie"};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct fault fault;
static uint32_t calls;
static bool has_struck;

static int
target_of(const struct shim_call *call)
{
    switch (call->kind) {
    case SHIM_WRITE:
    case SHIM_SIZE:
        return FAULT_WRITES;
    case SHIM_SYNC:
        return FAULT_SYNCS;
    case SHIM_CREATE:
    case SHIM_MKDIR:
    case SHIM_RENAME:
    case SHIM_UNLINK:
        return FAULT_NAMES;
    case SHIM_REMARK:
        break;
    }
    return -1;
}

static long
write_half(const struct shim_call *call)
{
    size_t left = call->size / 2;
    off_t at = call->offset;

    for (int i = 0; i < call->count && left; i++) {
        size_t part = call->parts[i].iov_len;

        part = part < left ? part : left;
        if (pwrite(call->handle, call->parts[i].iov_base, part, at) !=
            (ssize_t)part)
            rig_give_up("io_faults", "the disk is full");
        at += (off_t)part;
        left -= part;
    }
    if (call->moves)
        lseek(call->handle, at, SEEK_SET);
    return at - call->offset;
}

static long
strike(struct shim_call *call)
{
    /* Late: what comes after the first fails as EIO does. */
    if (fault.kind == FAULT_LATE && !has_struck && tape_shim()->pass(call) < 0)
        rig_give_up("io_faults", "the disk is full");
    has_struck = true;
    if (call->kind == SHIM_WRITE && fault.kind == FAULT_SHORT)
        return write_half(call);
    if (fault.kind == FAULT_LIE) {
        if (call->kind == SHIM_WRITE && call->moves)
            lseek(call->handle, call->offset + (off_t)call->size, SEEK_SET);
        return call->kind == SHIM_WRITE ? (long)call->size : 0;
    }
    errno = fault.kind == FAULT_ENOSPC ? ENOSPC : EIO;
    return -1;
}

static long
hook(struct shim_call *call)
{
    bool strikes = false;

    pthread_mutex_lock(&mutex);
    if (target_of(call) == fault.target) {
        calls++;
        strikes = fault.number && calls >= fault.number &&
                  calls - fault.number < fault.lasts;
    }
    pthread_mutex_unlock(&mutex);
    return strikes ? strike(call) : tape_shim()->pass(call);
}

void
fault_on(const struct fault *wanted, const char *root)
{
    struct shim *shim = tape_shim();
    char path[PATH_MAX];

    if (!realpath(root, path) || strlen(path) >= sizeof shim->root)
        rig_give_up(root, "no such directory");
    memcpy(shim->root, path, strlen(path) + 1);
    fault = *wanted;
    calls = 0;
    has_struck = false;
    shim->hook = hook;
}

uint32_t
fault_off(void)
{
    tape_shim()->hook = NULL;
    return calls;
}

bool
fault_struck(void)
{
    return has_struck;
}
