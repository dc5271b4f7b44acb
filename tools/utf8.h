/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, as RFC 3629 defines it, and how wide it looks on a terminal. */
#ifndef TOOL_UTF8_H
#define TOOL_UTF8_H

#include <stdint.h>
#include <stddef.h>

/* Bytes of the well-formed sequence that begins at text (1 to 4), or 0. */
size_t utf8_step(const char *text, size_t size);

/* Bytes from the start that are well-formed: size where all of them are. */
size_t utf8_check(const char *text, size_t size);

/* Writes code point (below 0x110000, no surrogate) and returns its bytes. */
size_t utf8_put(char to[4], uint32_t point);

/* Terminal cells of a well-formed text: two for East Asian wide characters and
 * emoji, none for combining marks. */
size_t utf8_width(const char *text, size_t size);

#endif
