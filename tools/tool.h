/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: exit codes, complaints, files and stores. */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "libfeature.h"
#include "text.h"

enum tool_exit {
    TOOL_DONE = 0,
    TOOL_REFUSED = 1, /* by the library, the system or the data */
    TOOL_USAGE = 2    /* a wrong command line */
};

/* The commands; each gets its own name as argv[0] and returns an exit code. */
int apply_run(int argc, char **argv);
int plan_run(int argc, char **argv);
int describe_run(int argc, char **argv);
int infer_run(int argc, char **argv);
int load_run(int argc, char **argv);
int loads_run(int argc, char **argv);
int rollback_run(int argc, char **argv);
int get_run(int argc, char **argv);
int history_run(int argc, char **argv);
int join_run(int argc, char **argv);
int stats_run(int argc, char **argv);
int metrics_run(int argc, char **argv);
int doctor_run(int argc, char **argv);
int verify_run(int argc, char **argv);
int check_run(int argc, char **argv);
int maintain_run(int argc, char **argv);
int snapshot_run(int argc, char **argv);
int restore_run(int argc, char **argv);
int compact_run(int argc, char **argv);
int changes_run(int argc, char **argv);
int follow_run(int argc, char **argv);
int compare_run(int argc, char **argv);
int export_run(int argc, char **argv);
int tiles_run(int argc, char **argv);

/* Values of long options that have no letter. */
enum tool_option {
    TOOL_OPTION = 256, /* the commands count up from here */
    TOOL_OPTION_CLOCK = 512,
    TOOL_OPTION_JSON
};

/* Prints "feature: <sentence>" and returns TOOL_REFUSED. */
int tool_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the sentence and where help is, and returns TOOL_USAGE. */
int tool_misuse(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Explains the '?' or ':' that getopt_long() returned. */
int tool_misuse_option(char **argv, int code);

/* Prints the message of a failed call and returns TOOL_REFUSED. */
int tool_fail(const struct feature_error *error);

int tool_no_memory(void);

/* Prints a help text and returns TOOL_DONE. */
int tool_help(const char *text);

/* Flushes standard output: TOOL_DONE, or TOOL_REFUSED where it is full. */
int tool_finish(void);

/* Opens a store, or explains why not. clock: a fixed time, or 0. */
feature_store *tool_open_store(const char *path, uint32_t flags, int64_t clock);

/* Opens a file to read, "-" being standard input, or explains; -1 then. */
int tool_open_file(const char *path);

/* Closes what tool_open_file() opened; standard input stays. */
void tool_close_file(int file);

/* Appends the contents of a file, or explains why not. */
bool tool_read_file(const char *path, struct text *text);

/* The path, or "standard input" for "-". */
const char *tool_file_name(const char *path);

/* Reads a time argument of RFC 3339; 0, or TOOL_USAGE after explaining. */
int tool_read_time(const char *command, const char *option, const char *text,
                   int64_t *time);

/* Reads a delimiter: one character, or "tab"; 0, or TOOL_USAGE. */
int tool_read_delimiter(const char *command, const char *text, char *delimiter);

/* Reads a feature_fill by its name; 0, or TOOL_USAGE. */
int tool_read_fill(const char *command, const char *text, int32_t *fill);

/* Whether a stream is a terminal that may show colours. */
bool tool_has_colours(FILE *stream);

/* Microseconds that never go back, to measure with. */
int64_t tool_steady_clock(void);

#endif
