/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page, all of it.
 *
 * Owns the check of a page's header, and of the space its nodes take.
 * Keeps to what LMDB writes: nodes without gaps from the end of the page on, so
 * that one that vanished, or lies over another, shows.
 * Never reads past the page.
 */
#include "verify/verify.h"

#include "base/bytes.h"

static bool
damaged(struct lf_verify *verify, const struct lf_place *place,
        const char *what)
{
    lf_found(verify, LF_FOUND_PAGE, place, "the page %s", what);
    return false;
}

/* The size of a node in the page, even as all are; 0: it leaves the page. */
static uint32_t
node_size(const struct lf_verify *verify, const uint8_t *page, uint32_t index)
{
    uint32_t at = lf_load_u16(page + LF_PAGE_HEADER + 2 * index);
    uint32_t left, size, flags;

    if (at < lf_load_u16(page + LF_PAGE_UPPER) || (at & 1) ||
        at + LF_NODE_HEADER > verify->page_size)
        return 0;
    left = verify->page_size - at - LF_NODE_HEADER;
    flags = lf_load_u16(page + at + 4);
    size = lf_load_u16(page + at + 6);
    if (size > left || size > LF_NODE_KEY_MAX)
        return 0;
    if (lf_load_u16(page + LF_PAGE_FLAGS) == LF_PAGE_IS_LEAF) {
        uint32_t data = flags & LF_NODE_IS_BIG ? 8 : lf_load_u32(page + at);

        if (data > left - size)
            return 0;
        size += data;
    }
    return (LF_NODE_HEADER + size + 1) & ~1u;
}

bool
lf_verify_node(struct lf_verify *verify, const struct lf_place *place,
               const uint8_t *page, uint32_t index, struct lf_verify_node *node)
{
    uint32_t at = lf_load_u16(page + LF_PAGE_HEADER + 2 * index);
    uint64_t low;

    if (!node_size(verify, page, index)) {
        lf_found(verify, LF_FOUND_PAGE, place, "node %u leaves the page",
                 index);
        return false;
    }
    low = lf_load_u32(page + at);
    node->flags = lf_load_u16(page + at + 4);
    node->key_size = lf_load_u16(page + at + 6);
    node->key = page + at + LF_NODE_HEADER;
    node->data = node->key + node->key_size;
    node->size = (uint32_t)low;
    node->child = low | (uint64_t)node->flags << 32;
    return true;
}

static bool
check_header(struct lf_verify *verify, const struct lf_place *place,
             const uint8_t *page, uint32_t kind)
{
    uint32_t lower = lf_load_u16(page + LF_PAGE_LOWER);
    uint32_t upper = lf_load_u16(page + LF_PAGE_UPPER);

    if (lf_load_u64(page + LF_PAGE_NUMBER) != place->page)
        return damaged(verify, place, "carries another number");
    if (lf_load_u16(page + LF_PAGE_FLAGS) != kind)
        return damaged(verify, place,
                       kind == LF_PAGE_IS_LEAF     ? "is no leaf"
                       : kind == LF_PAGE_IS_BRANCH ? "is no branch"
                                                   : "begins no overflow run");
    if (kind == LF_PAGE_IS_OVERFLOW)
        return true;
    if (lower < LF_PAGE_HEADER || (lower & 1) || lower > upper ||
        upper > verify->page_size)
        return damaged(verify, place, "has impossible bounds");
    return true;
}

bool
lf_verify_page(struct lf_verify *verify, const struct lf_place *place,
               const uint8_t *page, uint32_t kind, uint32_t *count)
{
    uint64_t total = 0;

    if (!check_header(verify, place, page, kind))
        return false;
    if (kind == LF_PAGE_IS_OVERFLOW)
        return true;
    *count = (lf_load_u16(page + LF_PAGE_LOWER) - LF_PAGE_HEADER) / 2u;
    if (*count < (kind == LF_PAGE_IS_BRANCH ? 2u : 1u))
        damaged(verify, place, "has too few nodes");
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t size = node_size(verify, page, i);

        if (!size)
            return true; /* its reader will find it */
        total += size;
    }
    if (total != verify->page_size - lf_load_u16(page + LF_PAGE_UPPER))
        damaged(verify, place,
                "has gaps between its nodes, or nodes on top of "
                "each other");
    return true;
}
