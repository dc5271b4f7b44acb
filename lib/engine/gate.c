/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate between transactions and a change of the map.
 *
 * Owns the counts of running transactions, one per slot.
 * Keeps the map from moving under a transaction: a remap begins at zero.
 * Never makes threads share a line of cache while they read, and never waits
 * for a transaction longer than LONGEST_MS.
 *
 * An arriving transaction counts itself first and looks at is_closed second; a
 * remap sets is_closed first and sums the counts second. All of it is
 * sequentially consistent, so at least one of the two sees the other.
 */
#include "engine/gate.h"

#include <time.h>

#include "base/clock.h"
#include "base/error.h"

#define LONGEST_MS 2000

static void
nap(void)
{
    struct timespec pause = {.tv_nsec = 50000};

    nanosleep(&pause, NULL);
}

bool
lf_gate_init(struct lf_gate *gate)
{
    return !pthread_mutex_init(&gate->mutex, NULL);
}

void
lf_gate_destroy(struct lf_gate *gate)
{
    pthread_mutex_destroy(&gate->mutex);
}

/* Threads differ in their stacks, so most find a slot of their own. */
static uint32_t
own_slot(void)
{
    uint64_t stack = (uint64_t)(uintptr_t)__builtin_frame_address(0) >> 14;

    return (uint32_t)(stack * 0x9e3779b97f4a7c15u >> 58);
}

uint32_t
lf_gate_enter(struct lf_gate *gate)
{
    uint32_t slot = own_slot();

    for (;;) {
        atomic_fetch_add(&gate->slots[slot].running, 1);
        if (!atomic_load(&gate->is_closed))
            return slot;
        atomic_fetch_sub(&gate->slots[slot].running, 1);
        while (atomic_load(&gate->is_closed))
            nap();
    }
}

void
lf_gate_leave(struct lf_gate *gate, uint32_t slot)
{
    atomic_fetch_sub(&gate->slots[slot].running, 1);
}

static bool
is_empty(struct lf_gate *gate)
{
    size_t i;

    for (i = 0; i < LF_SLOTS; i++) {
        if (atomic_load(&gate->slots[i].running))
            return false;
    }
    return true;
}

feature_status
lf_gate_close(struct lf_gate *gate, struct feature_error *error)
{
    int64_t deadline = lf_clock_steady_ms() + LONGEST_MS;

    pthread_mutex_lock(&gate->mutex);
    atomic_store(&gate->is_closed, true);
    while (!is_empty(gate)) {
        if (lf_clock_steady_ms() > deadline) {
            lf_gate_open(gate);
            return lf_fail(error, FEATURE_BUSY, "scan-open",
                           "a running read keeps the map from growing");
        }
        nap();
    }
    return FEATURE_OK;
}

void
lf_gate_open(struct lf_gate *gate)
{
    atomic_store(&gate->is_closed, false);
    pthread_mutex_unlock(&gate->mutex);
}
