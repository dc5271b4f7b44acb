/* SPDX-License-Identifier: Apache-2.0 */
/* A line on the terminal that says how far a load is. */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_shown;
    uint64_t total; /* bytes of the file; 0: unknown */
    int64_t begun;
    int64_t shown; /* when, last */
};

/* Shows nothing unless standard error is a terminal. */
void progress_begin(struct progress *progress, uint64_t total);

void progress_show(struct progress *progress, uint64_t rows, uint64_t bytes);

/* Takes the line away. */
void progress_end(struct progress *progress);

/* "[#####.....]  50 %  1,234,567 rows  456,789 rows/s  0:12 left". For tests.
 */
#define PROGRESS_SIZE 120
void progress_print(char line[PROGRESS_SIZE], uint64_t total, uint64_t rows,
                    uint64_t bytes, int64_t microseconds);

#endif
