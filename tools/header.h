/* SPDX-License-Identifier: Apache-2.0 */
/* The first record of a CSV file: what its columns are called. */
#ifndef TOOL_HEADER_H
#define TOOL_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "csv.h"

#define HEADER_NAME_SIZE 65 /* of a name of the language, with its NUL */
#define HEADER_NONE      UINT32_MAX

struct header {
    uint32_t count;
    char **titles; /* as in the file, without blanks around them */
    char **names;  /* made of them: names of the language, all different */
};

/* Takes the titles from the first record. False: *problem says why. */
bool header_read(struct header *header, struct csv_reader *reader,
                 struct csv_problem *problem);

/* Explains a problem of the file at path, with its place if it has one, and
 * returns the exit code. */
int header_refuse(const char *path, const struct csv_problem *problem);

void header_free(struct header *header);

/* The column with that title, else the one whose name it is; HEADER_NONE. */
uint32_t header_find(const struct header *header, const char *name);

/* The column with that very title; HEADER_NONE. */
uint32_t header_find_title(const struct header *header, const char *title);

/* Makes a name of any title: other characters than letters, digits and "_"
 * become one "_"; a leading digit gets an "n", nothing left is "column". */
void header_make_name(char name[HEADER_NAME_SIZE], const char *title);

#endif
