/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperLogLog: hashes, then registers, and their bytes.
 *
 * Owns the three forms and where one becomes the next.
 * Keeps equal sets equal bytes: the form follows from the set and p alone, and
 * folding to a smaller p gives what that p would have given.
 * Never keeps more than one copy of a hash.
 */
#include "format/hll.h"

#include <string.h>

#include "base/bytes.h"
#include "base/varint.h"

#define HASH  8 /* bytes of an entry of form 0 */
#define ENTRY 3 /* of form 1 */

enum form { LIST = 0, SPARSE = 1, DENSE = 2 };

static inline size_t
dense_size(uint32_t p)
{
    return (3u << p) / 4;
}

static inline uint32_t
index_of(uint32_t p, uint64_t hash)
{
    return (uint32_t)hash & ((1u << p) - 1);
}

/* 1 to 65 - p. */
static inline uint8_t
rank_of(uint32_t p, uint64_t hash)
{
    uint64_t rest = hash >> p | UINT64_C(1) << (64 - p);

    return (uint8_t)(__builtin_ctzll(rest) + 1);
}

void
lf_hll_init(struct lf_hll *hll, uint32_t p)
{
    *hll = (struct lf_hll){.p = (uint8_t)p};
}

void
lf_hll_clear(struct lf_hll *hll)
{
    hll->has_registers = false;
    hll->count = 0;
    hll->hashes.size = 0;
    hll->registers.size = 0;
}

void
lf_hll_free(struct lf_hll *hll)
{
    lf_buffer_free(&hll->hashes);
    lf_buffer_free(&hll->registers);
    lf_hll_clear(hll);
}

static inline void
raise_register(struct lf_hll *hll, uint32_t index, uint8_t rank)
{
    uint8_t *to = hll->registers.data + index;

    if (*to < rank)
        *to = rank;
}

/* The first of count hashes that is not below the hash. */
static uint32_t
place_of(const uint8_t *hashes, uint32_t count, uint64_t hash)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (lf_load_u64(hashes + HASH * (size_t)middle) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
lf_hll_registers(struct lf_hll *hll)
{
    size_t size = (size_t)1 << hll->p;

    if (hll->has_registers)
        return true;
    if (!lf_buffer_reserve(&hll->registers, size))
        return false;
    hll->registers.size = size;
    memset(hll->registers.data, 0, size);
    for (uint32_t i = 0; i < hll->count; i++) {
        uint64_t hash = lf_load_u64(hll->hashes.data + HASH * (size_t)i);

        raise_register(hll, index_of(hll->p, hash), rank_of(hll->p, hash));
    }
    hll->has_registers = true;
    hll->count = 0;
    hll->hashes.size = 0;
    return true;
}

static bool
add_to_list(struct lf_hll *hll, uint64_t hash)
{
    uint32_t at = place_of(hll->hashes.data, hll->count, hash);
    uint8_t *to;

    if (at < hll->count &&
        lf_load_u64(hll->hashes.data + HASH * (size_t)at) == hash)
        return true;
    if (hll->count == lf_hll_list(hll->p)) {
        if (!lf_hll_registers(hll))
            return false;
        raise_register(hll, index_of(hll->p, hash), rank_of(hll->p, hash));
        return true;
    }
    if (!lf_buffer_extend(&hll->hashes, HASH))
        return false;
    to = hll->hashes.data + HASH * (size_t)at;
    memmove(to + HASH, to, HASH * (size_t)(hll->count - at));
    lf_store_u64(to, hash);
    hll->count++;
    return true;
}

bool
lf_hll_reserve(struct lf_hll *hll)
{
    return lf_buffer_reserve(&hll->hashes,
                             HASH * (size_t)lf_hll_list(hll->p)) &&
           lf_buffer_reserve(&hll->registers, (size_t)1 << hll->p);
}

bool
lf_hll_add(struct lf_hll *hll, uint64_t hash)
{
    if (!hll->has_registers)
        return add_to_list(hll, hash);
    raise_register(hll, index_of(hll->p, hash), rank_of(hll->p, hash));
    return true;
}

/* A register of a larger p as one of hll's: the index bits that are too many
 * are the lowest of the rest that ranks are counted in. */
static inline void
raise_folded(struct lf_hll *hll, uint32_t from_p, uint32_t index, uint8_t rank)
{
    uint32_t more = from_p - hll->p, high = index >> hll->p;

    if (!rank)
        return;
    raise_register(hll, index & ((1u << hll->p) - 1),
                   high ? (uint8_t)(__builtin_ctz(high) + 1)
                        : (uint8_t)(rank + more));
}

static void
raise_all(struct lf_hll *hll, uint32_t from_p, const uint8_t *registers)
{
    uint8_t *own = hll->registers.data;
    uint32_t count = 1u << from_p;

    if (from_p == hll->p)
        for (uint32_t i = 0; i < count; i++)
            own[i] = own[i] > registers[i] ? own[i] : registers[i];
    else
        for (uint32_t i = 0; i < count; i++)
            raise_folded(hll, from_p, i, registers[i]);
}

static bool
add_list(struct lf_hll *hll, uint32_t count, const uint8_t *hashes)
{
    for (uint32_t i = 0; i < count; i++)
        if (!lf_hll_add(hll, lf_load_u64(hashes + HASH * (size_t)i)))
            return false;
    return true;
}

bool
lf_hll_merge(struct lf_hll *hll, const struct lf_hll *other)
{
    if (!other->has_registers)
        return add_list(hll, other->count, other->hashes.data);
    if (!lf_hll_registers(hll))
        return false;
    raise_all(hll, other->p, other->registers.data);
    return true;
}

bool
lf_hll_fold(struct lf_hll *hll, uint32_t p)
{
    struct lf_hll folded;

    lf_hll_init(&folded, p);
    if (!lf_hll_merge(&folded, hll)) {
        lf_hll_free(&folded);
        return false;
    }
    lf_hll_free(hll);
    *hll = folded;
    return true;
}

/* --- bytes --- */

static bool
put_list(const struct lf_hll *hll, struct lf_buffer *to)
{
    uint8_t head[LF_VARINT_MAX];
    uint8_t *end = lf_varint_put(head, (uint64_t)hll->count << 2 | LIST);

    return lf_buffer_append(to, head, (size_t)(end - head)) &&
           lf_buffer_append(to, hll->hashes.data, hll->hashes.size);
}

static bool
put_sparse(const struct lf_hll *hll, uint32_t count, struct lf_buffer *to)
{
    const uint8_t *registers = hll->registers.data;
    uint8_t head[LF_VARINT_MAX], *at;

    at = lf_varint_put(head, (uint64_t)count << 2 | SPARSE);
    if (!lf_buffer_append(to, head, (size_t)(at - head)))
        return false;
    at = lf_buffer_extend(to, ENTRY * (size_t)count);
    if (!at)
        return false;
    for (uint32_t i = 0; i < 1u << hll->p; i++) {
        uint32_t entry = i << 6 | registers[i];

        if (!registers[i])
            continue;
        memcpy(at, &entry, ENTRY);
        at += ENTRY;
    }
    return true;
}

void
lf_hll_pack(const uint8_t *registers, uint32_t count, uint8_t *to)
{
    for (uint32_t i = 0; i < count; i += 4, to += 3) {
        uint32_t four = registers[i] | (uint32_t)registers[i + 1] << 6 |
                        (uint32_t)registers[i + 2] << 12 |
                        (uint32_t)registers[i + 3] << 18;

        memcpy(to, &four, 3);
    }
}

static inline uint32_t
load_three(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
}

static bool
put_dense(const struct lf_hll *hll, struct lf_buffer *to)
{
    uint8_t *at = lf_buffer_extend(to, 1 + dense_size(hll->p));

    if (!at)
        return false;
    *at = DENSE;
    lf_hll_pack(hll->registers.data, 1u << hll->p, at + 1);
    return true;
}

static uint32_t
count_set(const struct lf_hll *hll)
{
    const uint8_t *registers = hll->registers.data;
    uint32_t count = 0;

    for (uint32_t i = 0; i < 1u << hll->p; i++)
        count += registers[i] != 0;
    return count;
}

bool
lf_hll_encode(const struct lf_hll *hll, struct lf_buffer *to)
{
    size_t was = to->size;
    uint32_t count;
    bool done;

    if (!hll->has_registers) {
        done = put_list(hll, to);
    } else {
        count = count_set(hll);
        done = count <= lf_hll_sparse(hll->p) ? put_sparse(hll, count, to)
                                              : put_dense(hll, to);
    }
    if (!done)
        to->size = was;
    return done;
}

/* Behind the head, or NULL: an end before *size bytes more is none either. */
static const uint8_t *
read_head(uint32_t p, const uint8_t *from, size_t room, uint32_t *form,
          uint32_t *count, size_t *size)
{
    const uint8_t *end = from + room, *at;
    uint64_t head;
    uint32_t most;

    at = lf_varint_get(from, end, &head);
    if (!at)
        return NULL;
    *form = head & 3;
    most = *form == LIST     ? lf_hll_list(p)
           : *form == SPARSE ? lf_hll_sparse(p)
                             : 0;
    if (*form > DENSE || head >> 2 > most)
        return NULL;
    *count = (uint32_t)(head >> 2);
    *size = *form == LIST     ? HASH * (size_t)*count
            : *form == SPARSE ? ENTRY * (size_t)*count
                              : dense_size(p);
    return *size > (size_t)(end - at) ? NULL : at;
}

size_t
lf_hll_measure(uint32_t p, const uint8_t *from, size_t size)
{
    uint32_t form, count;
    size_t taken;
    const uint8_t *at = read_head(p, from, size, &form, &count, &taken);

    return at ? (size_t)(at - from) + taken : 0;
}

/* More hashes than a list holds set some registers, and each rank is one. */
static bool
is_register_set(uint32_t p, uint32_t form, uint32_t count, const uint8_t *at)
{
    uint32_t last = 0, set = 0;

    if (form == SPARSE) {
        for (uint32_t i = 0; i < count; i++, at += ENTRY) {
            uint32_t entry = load_three(at), rank = entry & 63;

            if (!rank || rank > 65 - p || entry >> 6 >= 1u << p ||
                (i && entry >> 6 <= last >> 6))
                return false;
            last = entry;
        }
        return count > 0;
    }
    for (uint32_t i = 0; i < 1u << p; i += 4, at += 3) {
        uint32_t four = load_three(at);

        for (uint32_t shift = 0; shift < 24; shift += 6) {
            uint32_t rank = four >> shift & 63;

            if (rank > 65 - p)
                return false;
            set += rank != 0;
        }
    }
    return set > lf_hll_sparse(p);
}

size_t
lf_hll_check(uint32_t p, const uint8_t *from, size_t size)
{
    uint32_t form, count;
    size_t taken;
    const uint8_t *at = read_head(p, from, size, &form, &count, &taken);

    if (!at)
        return 0;
    if (form == LIST) {
        for (uint32_t i = 1; i < count; i++)
            if (lf_load_u64(at + HASH * (size_t)i) <=
                lf_load_u64(at + HASH * (size_t)(i - 1)))
                return 0;
    } else if (!is_register_set(p, form, count, at)) {
        return 0;
    }
    return (size_t)(at - from) + taken;
}

static void
raise_dense(struct lf_hll *hll, uint32_t from_p, const uint8_t *at)
{
    uint8_t *own = hll->registers.data;

    for (uint32_t i = 0; i < 1u << from_p; i += 4, at += 3) {
        uint32_t four = load_three(at);

        for (uint32_t j = 0; j < 4; j++, four >>= 6) {
            uint8_t rank = four & 63;

            if (from_p != hll->p)
                raise_folded(hll, from_p, i + j, rank);
            else
                own[i + j] = own[i + j] > rank ? own[i + j] : rank;
        }
    }
}

bool
lf_hll_merge_bytes(struct lf_hll *hll, uint32_t from_p, const uint8_t *from,
                   size_t size)
{
    uint32_t form = LIST, count = 0;
    size_t taken;
    const uint8_t *at = read_head(from_p, from, size, &form, &count, &taken);

    if (!at || form == LIST)
        return add_list(hll, at ? count : 0, at);
    if (!lf_hll_registers(hll))
        return false;
    if (form == DENSE)
        raise_dense(hll, from_p, at);
    else
        for (uint32_t i = 0; i < count; i++, at += ENTRY)
            raise_folded(hll, from_p, load_three(at) >> 6, *at & 63);
    return true;
}

bool
lf_hll_holds(uint32_t p, const uint8_t *from, size_t size, uint64_t hash)
{
    uint32_t form, count, index = index_of(p, hash), low = 0, high;
    size_t taken;
    const uint8_t *at = read_head(p, from, size, &form, &count, &taken);

    if (!at)
        return false;
    if (form == LIST) {
        low = place_of(at, count, hash);
        return low < count && lf_load_u64(at + HASH * (size_t)low) == hash;
    }
    if (form == DENSE) {
        uint32_t four = load_three(at + index / 4 * 3);

        return (four >> (index % 4 * 6) & 63) >= rank_of(p, hash);
    }
    for (high = count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t entry = load_three(at + ENTRY * (size_t)middle);

        if (entry >> 6 == index)
            return (entry & 63) >= rank_of(p, hash);
        if (entry >> 6 < index)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
