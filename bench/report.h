/* SPDX-License-Identifier: Apache-2.0 */
/* The results: tables on the terminal and results.json. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "harness.h"

/* Prints a contest's table and keeps a copy of it. */
void report_contest(const struct contest *contest);

/* Keeps one of the named ratios of the table. */
void report_ratio(const char *name, double value);

/* Prints and keeps a figure that is no contest: a count, a size, a
 * percentile. */
void report_fact(const char *name, double value, const char *unit);

/* Prints and keeps a line about the machine, a library, or what was
 * skipped. */
void report_text(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The file system's name of a path: "ext4", "tmpfs", or its number. */
const char *report_place(const char *path);

/* Prints machine, kernel, compiler and versions. */
void report_machine(void);

/* Prints the ratios against their goals and writes results.json. */
void report_finish(void);

#endif
