/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rigs of several processes share: dice, memory, directories, children.
 *
 * A rig ends with status 0 when all was well, 1 after a violation, and 3 where it
 * could not do its work.
 */
#ifndef TESTS_CHILDREN_H
#define TESTS_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libfeature.h"

#define SCRATCH_SIZE 256

enum { RIG_GOOD = 0, RIG_VIOLATED = 1, RIG_NOT_RUN = 3 };

/* Random numbers that a run repeats (splitmix64). */
uint64_t scramble(uint64_t a, uint64_t b);
uint64_t roll(uint64_t *dice);
uint32_t roll_below(uint64_t *dice, uint32_t limit); /* limit > 0 */

/* Microseconds of a clock that only goes on. */
int64_t steady_us(void);
void sleep_us(int64_t us);

/* Zeroed memory that children share with their parent. */
void *share(size_t size);

/* A fresh directory below TMPDIR, or tmpfs. */
void make_scratch(char path[SCRATCH_SIZE]);
void remove_scratch(const char *path);

/* Ends this process with RIG_NOT_RUN. */
void give_up(const char *what, const char *why) __attribute__((noreturn));

/* Ends this process with RIG_VIOLATED. */
void violated(const char *what, const char *why) __attribute__((noreturn));

/* The same where a call failed. */
#define well(call)                         \
    do {                                   \
        struct feature_error error_ = {0}; \
        struct feature_error *E = &error_; \
        if (call)                          \
            fail_call(#call, E);           \
    } while (0)
void fail_call(const char *call, const struct feature_error *error)
    __attribute__((noreturn));

/* A child that runs work and exits with 0; it dies with its parent. */
pid_t start_child(void (*work)(void *context), void *context);

/* Waits for it; returns what waitpid says. */
int await_child(pid_t child);

/* Whether such a child came to its end, and well. Ends this process with RIG_NOT_RUN
 * where the child did. */
bool run_to_end(void (*work)(void *context), void *context);

/* SIGKILL, and waits. False where it had ended by itself, and not well. */
bool kill_child(pid_t child);

#endif
