/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_faults WHAT [--once] [--lie]: fails every write
 * and every sync of the errands, one by one. WHAT is `all`, or names of errands
 * with commas between.
 *
 * Owns the enumeration: how many calls an errand makes is counted first.
 * Keeps every injection in a directory and two processes of its own.
 * Never counts a fault that did not strike.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/errand.h"
#include "disk/rig.h"

#define WHYS        12
#define DESCRIPTORS 256

struct totals {
    uint32_t injections, crashed, hung, lost, bad, absorbed, in_place, reopened,
        unknown;
    uint32_t whys;
};

struct plan {
    const char *what;
    bool is_once; /* most faults that last are left out */
    bool is_lie;  /* the control */
};

struct job {
    const struct errand_kind *kind;
    struct errand *errand; /* shared */
};

static int
count_descriptors(void)
{
    int count = 0;

    for (int i = 0; i < DESCRIPTORS; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

/* An errand that ended well has closed all it opened, as has the library. */
static void
run(void *context)
{
    struct job *job = context;
    struct errand *errand = job->errand;
    int before = count_descriptors(), after;

    job->kind->run(errand);
    after = count_descriptors();
    if (errand->is_bad || after == before)
        return;
    errand->is_bad = true;
    snprintf(errand->why, sizeof errand->why, "%d descriptors are left open",
             after - before);
}

static void
judge(void *context)
{
    struct job *job = context;

    errand_judge(job->errand);
}

static bool
ended_well(struct errand *errand, int ended, struct totals *totals)
{
    if (!ended)
        return true;
    if (ended == 1002)
        rig_give_up("io_faults", "an errand cannot be run");
    totals->hung += ended < 0;
    totals->crashed += ended > 0;
    errand->is_bad = true;
    snprintf(errand->why, sizeof errand->why, "signal or exit %d", ended);
    return false;
}

static void
tell(const struct job *job, struct totals *totals)
{
    const struct errand *errand = job->errand;

    if (totals->whys++ < WHYS)
        fprintf(stderr, "%s, %s %u, %s%s: %s\n", job->kind->name,
                fault_targets[errand->fault.target], errand->fault.number,
                fault_kinds[errand->fault.kind],
                errand->fault.lasts == 1   ? ""
                : errand->fault.lasts == 2 ? " twice"
                                           : " for good",
                errand->why);
}

/* What a failed sync was for may be lost, though every read still finds it: no
 * judge can tell, so somebody has to be told. */
static void
check_told(struct errand *errand)
{
    if (errand->is_bad || errand->is_told ||
        errand->fault.target != FAULT_SYNCS)
        return;
    errand->is_bad = true;
    snprintf(errand->why, sizeof errand->why, "nobody was told of it");
}

static void
count(struct job *job, bool crashed, struct totals *totals)
{
    struct errand *errand = job->errand;

    totals->injections++;
    check_told(errand);
    if (errand->is_bad) {
        totals->lost += errand->is_lost;
        totals->bad += !errand->is_lost && !crashed;
        tell(job, totals);
        return;
    }
    totals->unknown += errand->is_unknown;
    if (!errand->is_told)
        totals->absorbed++;
    else if (errand->needed_reopen)
        totals->reopened++;
    else
        totals->in_place++;
}

/* Returns how many calls of the target there were. */
static uint32_t
inject(struct job *job, const struct fault *fault, struct totals *totals)
{
    struct errand *errand = job->errand;
    char root[RIG_PATH_SIZE];
    bool well;

    rig_directory(root);
    *errand = (struct errand){.fault = *fault, .root = root};
    well = ended_well(errand, rig_child(run, job), totals);
    if (well && !errand->is_bad)
        well = ended_well(errand, rig_child(judge, job), totals);
    rig_remove(root);
    if (fault->number && (errand->has_struck || !well))
        count(job, !well, totals);
    if (!fault->number && (errand->is_bad || errand->is_told))
        rig_give_up(job->kind->name,
                    errand->is_bad ? errand->why : "fails without a fault");
    return errand->calls;
}

static void
inject_all(struct job *job, struct fault fault, struct totals *totals)
{
    struct fault none = {.target = fault.target};
    uint32_t calls = inject(job, &none, totals);

    for (fault.number = 1; fault.number <= calls; fault.number++)
        inject(job, &fault, totals);
}

static bool
makes_sense(const struct plan *plan, const struct fault *fault)
{
    bool of_writes = fault->target == FAULT_WRITES;

    switch ((enum fault_kind)fault->kind) {
    case FAULT_LIE:
        return plan->is_lie && of_writes && fault->lasts == 1;
    case FAULT_SHORT: /* a disk that halves every write for good is none */
        return !plan->is_lie && of_writes && fault->lasts == 1;
    case FAULT_LATE: /* the call after it is what would undo it */
        return !plan->is_lie && of_writes && fault->lasts > 1 &&
               (fault->lasts == 2 || !plan->is_once);
    case FAULT_ENOSPC:
        if (fault->target == FAULT_SYNCS)
            return false;
        break;
    case FAULT_EIO:
    case FAULT_KINDS:
        break;
    }
    return !plan->is_lie && (fault->lasts == 1 || !plan->is_once);
}

static void
run_errand(const struct plan *plan, struct job *job, struct totals *totals)
{
    static const uint32_t lasts[] = {1, 2, UINT32_MAX};
    struct fault fault = {0};

    for (int i = 0; i < 3; i++)
        for (fault.target = 0; fault.target < FAULT_TARGETS; fault.target++)
            for (fault.kind = 0; fault.kind < FAULT_KINDS; fault.kind++) {
                fault.lasts = lasts[i];
                if (makes_sense(plan, &fault))
                    inject_all(job, fault, totals);
            }
}

static bool
is_named(const char *list, const char *name)
{
    size_t size = strlen(name);

    if (!strcmp(list, "all"))
        return true;
    for (const char *at = list; (at = strstr(at, name)); at += size)
        if ((at == list || at[-1] == ',') && (!at[size] || at[size] == ','))
            return true;
    return false;
}

static void
print(const struct totals *totals)
{
    printf("injections=%u crashed=%u hung=%u acknowledged_lost=%u bad_rows=%u "
           "recovered_in_place=%u needed_reopen=%u not_noticed=%u "
           "outcome_unknown=%u\n",
           totals->injections, totals->crashed, totals->hung, totals->lost,
           totals->bad, totals->in_place, totals->reopened, totals->absorbed,
           totals->unknown);
}

int
main(int argc, char **argv)
{
    struct job job = {.errand = rig_share(sizeof *job.errand)};
    struct plan plan = {0};
    struct totals totals = {0};

    rig_preload(argv);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--once"))
            plan.is_once = true;
        else if (!strcmp(argv[i], "--lie"))
            plan.is_lie = true;
        else
            plan.what = argv[i];
    }
    if (!plan.what)
        rig_give_up("io_faults", "ERRANDS [--once] [--lie]");
    for (unsigned i = 0; i < errand_count; i++) {
        job.kind = &errands[i];
        if (is_named(plan.what, job.kind->name))
            run_errand(&plan, &job, &totals);
    }
    print(&totals);
    return totals.crashed + totals.hung + totals.lost + totals.bad > 0;
}
