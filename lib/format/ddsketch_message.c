/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DDSketch as the published protobuf message.
 *
 * Owns which messages are sketches of ours: cubic interpolation, no offset,
 * counts that are whole numbers.
 * Keeps counts exact, or refuses them; buckets out of our range are clamped to
 * it, as their values would have been.
 * Never lets a message allocate more than its size accounts for.
 */
#include <string.h>

#include "format/budget.h"
#include "format/ddsketch.h"
#include "format/ddsketch.pb-c.h"

#define CUBIC     3
#define WHOLE_MAX (UINT64_C(1) << 53) /* of a double's whole numbers */

const char LF_DD_NO_MEMORY[] = "no memory for a sketch";
const char LF_DD_MAPPING[] = "its mapping is none of an error from 0.0001 to "
                             "0.5 with cubic interpolation and no offset";

static const char NO_COUNT[] = "a count is no whole number up to 2^53";

/* Counts as doubles; *counts is the memory of them. */
static bool
fill_store(const struct lf_dd_store *store, Lf__DDStore *message,
           struct lf_buffer *counts)
{
    uint32_t buckets = lf_dd_buckets(store);
    double *to;

    lf__ddstore__init(message);
    if (!lf_buffer_extend(counts, buckets * sizeof(double)))
        return !buckets;
    to = (double *)(void *)counts->data;
    for (uint32_t i = 0; i < buckets; i++)
        to[i] = (double)*lf_dd_bucket(store, store->first + (int32_t)i);
    message->first = store->first;
    message->n_counts = buckets;
    message->counts = to;
    return true;
}

bool
lf_dd_to_message(const struct lf_dd *sketch, struct lf_buffer *to)
{
    Lf__DDSketch message = LF__DDSKETCH__INIT;
    Lf__DDMapping mapping = LF__DDMAPPING__INIT;
    Lf__DDStore positive, negative;
    struct lf_buffer counts[2] = {{0}};
    bool done = fill_store(&sketch->positive, &positive, &counts[0]) &&
                fill_store(&sketch->negative, &negative, &counts[1]);
    uint8_t *at;

    if (done) {
        mapping.gamma = sketch->mapping.gamma;
        mapping.interpolation = CUBIC;
        message.mapping = &mapping;
        message.positive = &positive;
        message.negative = &negative;
        message.zeros = (double)sketch->zeros;
        at = lf_buffer_extend(to, lf__ddsketch__get_packed_size(&message));
        done = at != NULL;
        if (at)
            lf__ddsketch__pack(&message, at);
    }
    lf_buffer_free(&counts[0]);
    lf_buffer_free(&counts[1]);
    return done;
}

static bool
is_count(double count)
{
    return count >= 0 && count <= (double)WHOLE_MAX &&
           (double)(uint64_t)count == count;
}

static const char *
add_count(struct lf_dd *sketch, struct lf_dd_store *store, int64_t index,
          double count)
{
    const struct lf_dd_mapping *mapping = &sketch->mapping;
    int32_t at = index < mapping->lowest    ? mapping->lowest
                 : index > mapping->highest ? mapping->highest
                                            : (int32_t)index;

    if (!is_count(count))
        return NO_COUNT;
    if (count == 0)
        return NULL;
    if (!lf_dd_reserve(store, at, at))
        return LF_DD_NO_MEMORY;
    *lf_dd_bucket(store, at) += (uint64_t)count;
    sketch->count += (uint64_t)count;
    return sketch->count > WHOLE_MAX ? NO_COUNT : NULL;
}

static const char *
take_store(struct lf_dd *sketch, struct lf_dd_store *store,
           const Lf__DDStore *message)
{
    const char *problem = NULL;

    if (!message)
        return NULL;
    for (size_t i = 0; !problem && i < message->n_buckets; i++)
        problem = add_count(sketch, store, message->buckets[i]->index,
                            message->buckets[i]->count);
    for (size_t i = 0; !problem && i < message->n_counts; i++)
        problem = add_count(sketch, store, message->first + (int64_t)i,
                            message->counts[i]);
    return problem;
}

static const char *
take(struct lf_dd *sketch, const Lf__DDSketch *message)
{
    const Lf__DDMapping *mapping = message->mapping;
    const char *problem;

    if (!mapping || mapping->interpolation != CUBIC || mapping->offset != 0 ||
        !lf_dd_map_gamma(&sketch->mapping, mapping->gamma))
        return LF_DD_MAPPING;
    if (!is_count(message->zeros))
        return NO_COUNT;
    sketch->zeros = sketch->count = (uint64_t)message->zeros;
    problem = take_store(sketch, &sketch->positive, message->positive);
    return problem ? problem
                   : take_store(sketch, &sketch->negative, message->negative);
}

const char *
lf_dd_from_message(struct lf_dd *sketch, const uint8_t *from, size_t size)
{
    struct lf_budget budget;
    Lf__DDSketch *message;
    const char *problem;

    lf_budget_init(&budget, size);
    message = lf__ddsketch__unpack(&budget.allocator, size, from);
    if (!message)
        return budget.no_memory ? LF_DD_NO_MEMORY : "it is no message";
    problem = take(sketch, message);
    lf__ddsketch__free_unpacked(message, &budget.allocator);
    if (problem)
        lf_dd_free(sketch);
    return problem;
}
