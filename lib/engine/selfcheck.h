/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a tree's keys are looked up. */
#ifndef LF_ENGINE_SELFCHECK_H
#define LF_ENGINE_SELFCHECK_H

#include "base/bytes.h"
#include "engine/reader.h"

enum lf_route {
    LF_ROUTE_DESCENT,
    LF_ROUTE_WALK, /* key by key: the tree could not be checked just now */
    LF_ROUTE_LMDB
};

/* A tree's mark in the environment's table. Bit 0: the check was passed. A
 * tree that grew a level is another one: what was too small to show anything
 * is checked again. */
static inline uint64_t
lf_selfcheck_mark(const char *name, uint32_t depth)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    size_t size = strlen(name), at;
    uint64_t mark = depth ^ size << 8;

    for (at = 0; at + 8 <= size; at += 8)
        mark = (mark ^ lf_load_u64(name + at)) * factor;
    if (at < size && size >= 8)
        mark = (mark ^ lf_load_u64(name + size - 8)) * factor;
    for (; at < size && size < 8; at++)
        mark = (mark ^ (uint8_t)name[at]) * factor;
    return (mark ^ mark >> 32) | 1;
}

static inline uint32_t
lf_selfcheck_home(uint64_t mark)
{
    return (uint32_t)(mark >> 1) % LF_CHECKED;
}

/* The route of a tree that is not empty, where it is not the descent. */
enum lf_route lf_selfcheck(struct lf_reader *reader, const char *name,
                           const struct lf_root *root, uint64_t mark);

static inline enum lf_route
lf_selfcheck_route(struct lf_reader *reader, const char *name,
                   const struct lf_root *root)
{
    uint64_t mark = lf_selfcheck_mark(name, root->depth);
    const _Atomic(uint64_t) *at =
        &reader->environment->fallback.checked[lf_selfcheck_home(mark)];

    if (__builtin_expect(atomic_load_explicit(at, memory_order_relaxed) == mark,
                         1))
        return LF_ROUTE_DESCENT;
    return lf_selfcheck(reader, name, root, mark);
}

/* After a change of the map, while no transaction runs. */
void lf_selfcheck_forget(struct lf_environment *environment);

#endif
