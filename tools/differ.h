/* SPDX-License-Identifier: Apache-2.0 */
/* The rows in which two stores differ. */
#ifndef TOOL_DIFFER_H
#define TOOL_DIFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "libfeature.h"
#include "text.h"

enum { DIFFER_MISMATCH, DIFFER_MISSING, DIFFER_EXTRA, DIFFER_KINDS };

extern const char *const differ_names[DIFFER_KINDS];

struct differ {
    uint64_t counts[DIFFER_KINDS];
    uint64_t equal;       /* rows */
    uint64_t example_max; /* to tell one by one */
    uint64_t examples;    /* told */
    bool is_json;
    bool has_other_columns; /* rows were not compared */
    struct text told;       /* lines, or JSON objects and commas */
};

/* Merges two scans of a view in order of key, in the memory of two batches.
 * False after explaining; free told in any case. */
bool differ_rows(feature_store *left, feature_store *right, const char *view,
                 struct differ *differ);

#endif
