/* SPDX-License-Identifier: Apache-2.0 */
/* Work during which a call to the system fails, and how it ends. */
#ifndef TESTS_DISK_ERRAND_H
#define TESTS_DISK_ERRAND_H

#include "disk/fault.h"
#include "disk/ledger.h"

/* Shared with the child that does the errand. */
struct errand {
    struct fault fault;
    const char *root;
    uint32_t calls;     /* that could have been failed */
    bool has_struck;    /* the fault */
    bool is_told;       /* a call answered with an error */
    bool needed_reopen; /* the handle did not work any more, a new one did */
    bool is_unknown;    /* `outcome-unknown` was answered */
    bool is_bad;        /* a promise was broken: why[] */
    bool is_lost;       /* an acknowledged commit is not there */
    bool has_snapshot, has_copy;
    uint32_t snapshot_least, snapshot_most; /* commits it may be of */
    struct ledger ledger;
    char why[256];
};

struct errand_kind {
    const char *name;
    void (*run)(struct errand *errand); /* in a child */
};

extern const struct errand_kind errands[];
extern const unsigned errand_count;

/* In another child, afterwards: judges what is below the root. */
void errand_judge(struct errand *errand);

#endif
