/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, as RFC 3629 defines it. */
#ifndef LF_BASE_UTF8_H
#define LF_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed sequence that begins at text (1 to 4), or 0. */
size_t lf_utf8_step(const void *text, size_t size);

bool lf_utf8_valid(const void *text, size_t size);

#endif
