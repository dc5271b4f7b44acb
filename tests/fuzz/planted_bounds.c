/* SPDX-License-Identifier: Apache-2.0 */
/* A descent without checks: they are what it calls unlikely. */
#include "planted.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

static feature_status
take_page(struct lf_pages *pages, uint64_t number, uint32_t kind,
          const uint8_t **page, struct feature_error *error)
{
    (void)kind;
    (void)error;
    *page = pages->base + number * pages->page_size;
    return FEATURE_OK;
}

#define __builtin_expect(condition, value) ((value) && (condition))
#define lf_page_get                        take_page
#define lf_descend                         descend_unchecked
#include "../../lib/engine/descent.c"
