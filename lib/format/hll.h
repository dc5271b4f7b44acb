/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperLogLog: how many distinct values there are, about. No group.
 *
 * Takes hashes (format/element.h): index = the low p bits, rank = trailing zeros
 * of the rest + 1, as Redis has it. In memory a sorted list of hashes, then a
 * byte a register. Encoded it is varint of (count << 2 | form), then
 *   form 0  count hashes, 8 bytes each, ascending (the estimate is exact)
 *   form 1  count registers that are not zero, 3 bytes each: index << 6 | rank
 *   form 2  (count 0) all registers, 6 bits each, lowest bits first
 * and which of them is a function of the set and p alone: up to lf_hll_list(p)
 * distinct hashes form 0, then up to lf_hll_sparse(p) registers form 1.
 */
#ifndef LF_FORMAT_HLL_H
#define LF_FORMAT_HLL_H

#include "base/buffer.h"

#define LF_HLL_P_MIN     4
#define LF_HLL_P_MAX     18
#define LF_HLL_P_DEFAULT 12
#define LF_HLL_REDIS_P   14

/* Most hashes of form 0: 64, or fewer where registers are smaller. */
static inline uint32_t
lf_hll_list(uint32_t p)
{
    uint32_t dense = (3u << p) / 4;

    return dense / 8 < 64 ? dense / 8 : 64;
}

/* Most registers of form 1: 1,024, or fewer where form 2 is smaller. */
static inline uint32_t
lf_hll_sparse(uint32_t p)
{
    return p < 12 ? 1u << (p - 2) : 1024;
}

/* An encoded size never exceeds this. */
static inline size_t
lf_hll_size_max(uint32_t p)
{
    size_t dense = 1 + (3u << p) / 4;

    return dense > 3 + 3 * 1024 ? dense : 3 + 3 * 1024;
}

struct lf_hll {
    uint8_t p;
    bool has_registers;
    uint32_t count;             /* hashes, while it is a list */
    struct lf_buffer hashes;    /* uint64_t, ascending */
    struct lf_buffer registers; /* uint8_t, 1 << p of them */
};

void lf_hll_init(struct lf_hll *hll, uint32_t p);
void lf_hll_clear(struct lf_hll *hll); /* keeps p and the memory */
void lf_hll_free(struct lf_hll *hll);

/* Room for all that it can become: neither adding nor merging fails then.
 * False: no memory. */
bool lf_hll_reserve(struct lf_hll *hll);

/* False: no memory, and nothing was added. */
bool lf_hll_add(struct lf_hll *hll, uint64_t hash);

/* Unites with another one of the same or a larger p, which is folded. False: no
 * memory; the sketch may hold a part of the other one then. */
bool lf_hll_merge(struct lf_hll *hll, const struct lf_hll *other);

/* Lowers p: the result equals a sketch of that p from the begin. False: no
 * memory, and it is as it was. */
bool lf_hll_fold(struct lf_hll *hll, uint32_t p);

/* Registers in place of the list, which the sketch goes on with for good: only
 * for registers that come from elsewhere. False: no memory. */
bool lf_hll_registers(struct lf_hll *hll);

/* 6 bits each, lowest first: four registers are three bytes. */
void lf_hll_pack(const uint8_t *registers, uint32_t count, uint8_t *to);

/* Ertl's improved estimator of raw registers, without tables of corrections:
 * O. Ertl, New cardinality estimation algorithms for HyperLogLog sketches, 2017
 * (arXiv:1702.01284), algorithm 6. */
uint64_t lf_hll_estimate(const struct lf_hll *hll);

/* Appends the encoded sketch. False: no memory. */
bool lf_hll_encode(const struct lf_hll *hll, struct lf_buffer *to);

/* How many bytes an encoded sketch of this p takes at the begin of from, or 0
 * where there is none. _check reads all of it, _measure only the head. */
size_t lf_hll_check(uint32_t p, const uint8_t *from, size_t size);
size_t lf_hll_measure(uint32_t p, const uint8_t *from, size_t size);

/* Unites with an encoded sketch of p from_p >= hll->p that was checked. False:
 * no memory; the sketch may hold a part of it then. */
bool lf_hll_merge_bytes(struct lf_hll *hll, uint32_t from_p,
                        const uint8_t *from, size_t size);

/* Whether adding the hash to an encoded, checked sketch would change nothing:
 * a writer then needs to decode nothing. */
bool lf_hll_holds(uint32_t p, const uint8_t *from, size_t size, uint64_t hash);

/* Appends the string that Redis has for it; p is 14. False: no memory. */
bool lf_hll_to_redis(const struct lf_hll *hll, struct lf_buffer *to);

/* What a string of Redis holds, of either encoding; hll has p 14 and is empty.
 * NULL, or what is wrong with the string; LF_HLL_NO_MEMORY is one of the
 * answers. */
extern const char LF_HLL_NO_MEMORY[];
const char *lf_hll_from_redis(struct lf_hll *hll, const uint8_t *from,
                              size_t size);

#endif
