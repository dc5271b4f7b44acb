/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a sketch's elements.
 *
 * Owns MurmurHash64A with the seed of Redis' HyperLogLog.
 * Keeps each hash what PFADD makes of the same bytes.
 * Never reads beyond the bytes it was given.
 */
#include "format/element.h"

#define SEED  UINT64_C(0xadc83b19)
#define MIX   UINT64_C(0xc6a4a7935bd1e995)
#define SHIFT 47

static inline uint64_t
mix(uint64_t hash, uint64_t word)
{
    word *= MIX;
    word ^= word >> SHIFT;
    word *= MIX;
    return (hash ^ word) * MIX;
}

static inline uint64_t
finish(uint64_t hash)
{
    hash ^= hash >> SHIFT;
    hash *= MIX;
    return hash ^ hash >> SHIFT;
}

uint64_t
lf_element_hash(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = SEED ^ size * MIX;
    size_t rest = size % 8;

    for (; size >= 8; size -= 8, at += 8)
        hash = mix(hash, lf_load_u64(at));
    if (rest) {
        uint64_t tail = 0;

        memcpy(&tail, at, rest);
        hash = (hash ^ tail) * MIX;
    }
    return finish(hash);
}

uint64_t
lf_element_hash_word(uint64_t word)
{
    return finish(mix(SEED ^ 8 * MIX, word));
}
