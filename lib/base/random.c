/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from the system.
 *
 * Owns the source of store identities and writer tokens.
 * Keeps asking until all bytes are there or the system refuses.
 * Never falls back to something weaker.
 */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

bool
lf_random(void *bytes, size_t size)
{
    uint8_t *at = bytes;

    while (size) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}
