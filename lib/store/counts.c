/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of reads, and of events.
 *
 * Owns the list of what the requests of a store have counted.
 * Keeps a read free of shared lines of cache: it adds to its request's own
 * counts, with plain loads and stores.
 * Never loses a count: that of a request which is freed is added to the store's.
 */
#include "store/counts.h"

#include <string.h>

#include "base/bytes.h"
#include "store/store.h"

#define ALL_PRESENT (0x0101010101010101u * FEATURE_STATE_PRESENT)

/* Nobody else writes, so this needs no locked instruction. */
static void
add(_Atomic(uint64_t) *count, uint64_t more)
{
    uint64_t now = atomic_load_explicit(count, memory_order_relaxed);

    atomic_store_explicit(count, now + more, memory_order_relaxed);
}

/* Most rows are present: eight at a time. */
static void
count_states(const uint8_t *states, size_t count, uint64_t sums[LF_STATES])
{
    size_t i = 0;

    while (i < count) {
        if (i + 8 <= count && lf_load_u64(states + i) == ALL_PRESENT) {
            sums[FEATURE_STATE_PRESENT] += 8;
            i += 8;
        } else {
            sums[states[i++] % LF_STATES]++;
        }
    }
}

void
lf_counts_note(struct lf_counts *counts, uint32_t rows, const uint8_t *states,
               size_t state_count)
{
    uint64_t sums[LF_STATES] = {0};

    count_states(states, state_count, sums);
    add(&counts->reads, 1);
    add(&counts->rows, rows);
    for (int i = 1; i < LF_STATES; i++)
        if (sums[i])
            add(&counts->states[i], sums[i]);
}

void
lf_counts_overflow(struct lf_counts *counts, uint64_t count)
{
    if (count)
        add(&counts->overflows, count);
}

static void
fold(struct lf_count_sums *sums, const struct lf_counts *counts)
{
    sums->reads += atomic_load_explicit(&counts->reads, memory_order_relaxed);
    sums->rows += atomic_load_explicit(&counts->rows, memory_order_relaxed);
    sums->overflows +=
        atomic_load_explicit(&counts->overflows, memory_order_relaxed);
    for (int i = 0; i < LF_STATES; i++)
        sums->states[i] +=
            atomic_load_explicit(&counts->states[i], memory_order_relaxed);
}

void
lf_counts_join(feature_store *store, struct lf_counts *counts)
{
    counts->is_joined = true;
    pthread_mutex_lock(&store->count_lock);
    counts->next = store->counts;
    counts->link = &store->counts;
    if (counts->next)
        counts->next->link = &counts->next;
    store->counts = counts;
    pthread_mutex_unlock(&store->count_lock);
}

/* In a forked child the lock's owner may not be there; the list is nobody's. */
void
lf_counts_leave(feature_store *store, struct lf_counts *counts)
{
    if (!counts->is_joined || store->generation != lf_process_generation())
        return;
    pthread_mutex_lock(&store->count_lock);
    *counts->link = counts->next;
    if (counts->next)
        counts->next->link = counts->link;
    fold(&store->counted, counts);
    pthread_mutex_unlock(&store->count_lock);
}

void
lf_counts_sum(feature_store *store, struct lf_count_sums *sums)
{
    pthread_mutex_lock(&store->count_lock);
    *sums = store->counted;
    for (const struct lf_counts *each = store->counts; each; each = each->next)
        fold(sums, each);
    pthread_mutex_unlock(&store->count_lock);
}

/* --- events -------------------------------------------------------------------- */

/* Under the lock. NULL: nothing was counted of it. */
static struct lf_event_counts *
find_event(const feature_store *store, uint32_t event)
{
    const struct lf_buffer *all = &store->event_counts;
    struct lf_event_counts *each = (struct lf_event_counts *)(void *)all->data;

    for (size_t i = 0; i < all->size / sizeof *each; i++)
        if (each[i].event == event)
            return &each[i];
    return NULL;
}

bool
lf_event_counts_reserve(feature_store *store, uint32_t event)
{
    struct lf_event_counts made = {.event = event};
    bool is_there;

    pthread_mutex_lock(&store->count_lock);
    is_there = find_event(store, event) ||
               lf_buffer_append(&store->event_counts, &made, sizeof made);
    pthread_mutex_unlock(&store->count_lock);
    return is_there;
}

void
lf_event_counts_note(feature_store *store, uint32_t event,
                     const uint8_t *outcomes, uint32_t rows)
{
    struct lf_event_counts *counts;

    pthread_mutex_lock(&store->count_lock);
    counts = find_event(store, event);
    for (uint32_t i = 0; counts && i < rows; i++)
        counts->outcomes[outcomes[i] % LF_OUTCOMES]++;
    pthread_mutex_unlock(&store->count_lock);
}

void
lf_event_counts_read(feature_store *store, uint32_t event,
                     struct lf_event_counts *counts)
{
    const struct lf_event_counts *found;

    *counts = (struct lf_event_counts){.event = event};
    pthread_mutex_lock(&store->count_lock);
    found = find_event(store, event);
    if (found)
        *counts = *found;
    pthread_mutex_unlock(&store->count_lock);
}
