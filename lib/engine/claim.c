/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims.
 *
 * Owns the locks of bytes of open.lock that stand for numbers of the store.
 * Keeps each claim on an open file of its own: locks of one open file do not meet
 * each other, and two threads of a process may want the same number.
 * Never waits for anybody.
 */
#include "engine/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/registry.h"

#define FIRST ((off_t)1 << 31) /* past the pids and the writer gate */

static int
lock_byte(int file, int command, uint32_t number)
{
    struct flock lock = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = FIRST + number,
                         .l_len = 1};

    if (fcntl(file, command, &lock))
        return errno;
    return command == F_OFD_GETLK && lock.l_type != F_UNLCK ? EAGAIN : 0;
}

feature_status
lf_claim_take(struct lf_environment *environment, uint32_t number,
              struct lf_claim *claim, struct feature_error *error)
{
    int code = lf_registry_open_claim(environment, claim);

    if (code)
        return lf_engine_fail(error, -1, code, "open of open.lock");
    code = lock_byte(claim->file, F_OFD_SETLK, number);
    if (!code) {
        claim->is_held = true;
        return FEATURE_OK;
    }
    lf_registry_close_claim(claim);
    if (code == EAGAIN || code == EACCES)
        return LF_AGAIN;
    return lf_engine_fail(error, -1, code, "lock of open.lock");
}

void
lf_claim_drop(struct lf_claim *claim)
{
    if (!claim->is_held)
        return;
    claim->is_held = false;
    lf_registry_close_claim(claim);
}

bool
lf_claim_is_taken(const struct lf_environment *environment, uint32_t number)
{
    return environment->lock_file >= 0 &&
           lock_byte(environment->lock_file, F_OFD_GETLK, number) != 0;
}
