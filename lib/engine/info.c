/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an environment says of itself.
 *
 * Owns the reading of LMDB's reader table, which only mdb_reader_list shows: as
 * lines of text, one a slot that is taken.
 * Keeps a figure 0 where LMDB does not know it.
 * Never changes anything, nor waits for anybody but a change of the map.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "engine/gate.h"
#include "engine/readers.h"

/* "pid thread transaction", and "-" for a transaction that is idle. Other lines
 * are a title or say that there is nobody. */
static int
read_line(const char *line, void *context)
{
    struct lf_slots *slots = context;
    char transaction[24];
    uint64_t number;
    int pid;

    if (sscanf(line, "%d %*s %23s", &pid, transaction) != 2 || pid <= 0)
        return 0;
    slots->taken++;
    lf_slots_note(slots, pid);
    if (sscanf(transaction, "%" SCNu64, &number) != 1)
        return 0;
    slots->active++;
    if (!slots->oldest_pid || number < slots->oldest) {
        slots->oldest = number;
        slots->oldest_pid = pid;
    }
    return 0;
}

void
lf_slots_note(struct lf_slots *slots, int pid)
{
    for (uint32_t i = 0; i < slots->owner_count; i++)
        if (slots->owners[i].pid == pid) {
            slots->owners[i].slots++;
            return;
        }
    if (slots->owner_count < LF_SLOT_OWNERS)
        slots->owners[slots->owner_count++] =
            (struct lf_slot_owner){.pid = pid, .slots = 1};
}

void
lf_slots_read(const struct lf_environment *environment, struct lf_slots *slots)
{
    memset(slots, 0, sizeof *slots);
    mdb_reader_list(environment->lmdb, read_line, slots);
}

void
lf_slots_sweep(struct lf_environment *environment)
{
    uint32_t slot = lf_gate_enter(&environment->gate);
    int dead;

    if (!lf_environment_check(environment, NULL))
        mdb_reader_check(environment->lmdb, &dead);
    lf_gate_leave(&environment->gate, slot);
}

feature_status
lf_slots_full(const struct lf_environment *environment,
              struct feature_error *error)
{
    struct lf_slots slots;
    char owners[80] = "";
    int end = 0;

    lf_slots_read(environment, &slots);
    for (uint32_t i = 0; i < slots.owner_count && end < 50; i++)
        end +=
            snprintf(owners + end, sizeof owners - (size_t)end, "%s%d (%u)",
                     i ? ", " : "", slots.owners[i].pid, slots.owners[i].slots);
    return lf_fail(error, FEATURE_FULL, "readers-full",
                   "all %u reader slots are taken, by processes %s%s; whoever "
                   "opens the store first sets max_readers",
                   slots.taken, owners,
                   slots.owner_count > 4 && end >= 50 ? " ..." : "");
}

feature_status
lf_slots_refuse(struct lf_environment *environment, struct feature_error *error)
{
    uint32_t slot = lf_gate_enter(&environment->gate);
    feature_status status = lf_environment_check(environment, error);

    if (!status)
        status = lf_slots_full(environment, error);
    lf_gate_leave(&environment->gate, slot);
    return status;
}

static int
ask_lmdb(const struct lf_environment *environment, MDB_envinfo *lmdb,
         struct stat *at, struct lf_slots *slots)
{
    int file, code = mdb_env_info(environment->lmdb, lmdb);

    if (!code)
        code = mdb_env_get_fd(environment->lmdb, &file);
    if (!code && fstat(file, at))
        code = errno;
    if (!code)
        lf_slots_read(environment, slots);
    return code;
}

static void
fill(const struct lf_environment *environment, const MDB_envinfo *lmdb,
     const struct stat *at, const struct lf_slots *slots,
     struct lf_environment_info *info)
{
    const struct lf_waits *waits = &environment->waits;
    int major, minor, patch;

    mdb_version(&major, &minor, &patch);
    *info = (struct lf_environment_info){
        .file_size = (uint64_t)at->st_size,
        .map_size = lmdb->me_mapsize,
        .used_size = (lmdb->me_last_pgno + 1) * environment->page_size,
        .transaction = lmdb->me_last_txnid,
        .readers = slots->taken,
        .max_readers = environment->is_immutable ? 0 : lmdb->me_maxreaders,
        .active_readers = slots->active,
        .oldest_pid = slots->oldest_pid,
        .oldest_lag = slots->active && lmdb->me_last_txnid > slots->oldest
                          ? lmdb->me_last_txnid - slots->oldest
                          : 0,
        .writers = atomic_load(&waits->writers),
        .writers_waited = atomic_load(&waits->waited),
        .writers_gave_up = atomic_load(&waits->gave_up),
        .writers_us = atomic_load(&waits->microseconds),
        .lmdb_version = (uint32_t)(major * 10000 + minor * 100 + patch),
        .is_durable = environment->is_durable,
        .is_immutable = environment->is_immutable,
        .map_fallback = environment->map_fallback,
        .fallback_reads = atomic_load(&environment->fallback.reads),
    };
}

/* Within the gate: mdb_env_info reads the map. */
feature_status
lf_environment_info(struct lf_environment *environment,
                    struct lf_environment_info *info,
                    struct feature_error *error)
{
    MDB_envinfo lmdb = {0};
    struct stat at = {0};
    struct lf_slots slots;
    feature_status status;
    uint32_t slot;
    int code = 0;

    LF_TRY(lf_environment_check(environment, error));
    slot = lf_gate_enter(&environment->gate);
    status = lf_environment_check(environment, error);
    if (!status)
        code = ask_lmdb(environment, &lmdb, &at, &slots);
    lf_gate_leave(&environment->gate, slot);
    if (status)
        return status;
    if (code)
        return lf_engine_fail(error, -1, code, "cannot inspect the store");
    fill(environment, &lmdb, &at, &slots, info);
    return FEATURE_OK;
}
