/* SPDX-License-Identifier: Apache-2.0 */
/* A descent that compares no more than twelve bytes of a key. */
#include "planted.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

static int
compare_twelve(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size < 12 ? size : 12);
}

#define memcmp     compare_twelve
#define lf_descend descend_by_twelve_bytes
#include "../../lib/engine/descent.c"
