/* SPDX-License-Identifier: Apache-2.0 */
/* What the two rigs share: the preloaded shim, directories, children. */
#ifndef TESTS_DISK_RIG_H
#define TESTS_DISK_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk/ledger.h"

#define RIG_PATH_SIZE 128

/* Starts the program again with tests/shim/shim.so, unless it is there. */
void rig_preload(char **arguments);

/* A fresh directory on tmpfs, or below TMPDIR; removed with all in it. */
void rig_directory(char path[RIG_PATH_SIZE]);
void rig_remove(const char *path);
void rig_path(char path[RIG_PATH_SIZE], const char *directory,
              const char *name);

/* Memory that a child shares with its parent; zeroed. */
void *rig_share(size_t size);

/* Runs work in a child, for twenty seconds at most. 0: it ended well; -1: it
 * was hung; else the signal that ended it, or 1000 + its exit status. */
int rig_child(void (*work)(void *context), void *context);

/* Whether the store is free of damage; why[200] says what is not. */
bool rig_verify(const char *path, char why[200]);

_Noreturn void rig_give_up(const char *what, const char *why);

#endif
