/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes, for identities only. */
#ifndef LF_BASE_RANDOM_H
#define LF_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills bytes from the system; errno is set on failure. */
bool lf_random(void *bytes, size_t size);

#endif
