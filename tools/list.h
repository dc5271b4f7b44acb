/* SPDX-License-Identifier: Apache-2.0 */
/* Cells that hold several values: "[1, 2, 3]" and "[\"a\", \"b\"]". */
#ifndef TOOL_LIST_H
#define TOOL_LIST_H

#include "cell.h"

cell_reader list_read_vector;  /* T[n] */
cell_reader list_read_numbers; /* T[] */
cell_reader list_read_strings; /* STRING[] */

/* What infer learns of a cell. */
enum list_kind { LIST_NONE, LIST_WHOLE, LIST_NUMBERS, LIST_STRINGS };

/* The least kind that takes the cell, and its number of elements. An empty list
 * is LIST_WHOLE. */
enum list_kind list_look(const char *text, size_t size, uint32_t *count);

#endif
