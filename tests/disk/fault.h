/* SPDX-License-Identifier: Apache-2.0 */
/* One call to the system that goes wrong. */
#ifndef TESTS_DISK_FAULT_H
#define TESTS_DISK_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_target {
    FAULT_WRITES, /* changes of a size too */
    FAULT_SYNCS,
    FAULT_NAMES, /* new files and directories, renames, removals */
    FAULT_TARGETS
};

enum fault_kind {
    FAULT_EIO,
    FAULT_ENOSPC,
    FAULT_SHORT, /* half of the bytes are written, and that is answered */
    FAULT_LATE,  /* the bytes are written, and EIO is answered */
    FAULT_LIE,   /* nothing is written, and success is answered: a control */
    FAULT_KINDS
};

extern const char *const fault_targets[FAULT_TARGETS];
extern const char *const fault_kinds[FAULT_KINDS];

struct fault {
    int target, kind;
    uint32_t number; /* of the call that goes wrong, from 1; 0: none does */
    uint32_t lasts;  /* for so many calls, or until fault_off() */
};

/* From here on, calls below root are counted. */
void fault_on(const struct fault *fault, const char *root);

/* From here on all is well. Returns how many calls there were of that target. */
uint32_t fault_off(void);

/* Whether it has come to pass. */
bool fault_struck(void);

#endif
