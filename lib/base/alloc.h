/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: the one place where the library allocates. */
#ifndef LF_BASE_ALLOC_H
#define LF_BASE_ALLOC_H

#include <stddef.h>

/* Zeroed memory, or NULL. A size of 0 gives a valid pointer. */
void *lf_alloc(size_t size);

/* Zeroed memory for count items, or NULL, also where the product overflows. */
void *lf_alloc_array(size_t count, size_t size);

/* Like realloc for count items; the old block stays on failure. New bytes are
 * not zeroed. */
void *lf_realloc_array(void *memory, size_t count, size_t size);

void lf_free(void *memory);

/* A copy of size bytes and a closing NUL, or NULL. */
char *lf_copy_text(const char *text, size_t size);

#endif
