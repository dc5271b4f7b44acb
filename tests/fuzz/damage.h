/* SPDX-License-Identifier: Apache-2.0 */
/* Damage to a store's file, as storage and accidents do it. */
#ifndef TESTS_FUZZ_DAMAGE_H
#define TESTS_FUZZ_DAMAGE_H

#include "rig.h"

struct image {
    uint8_t *bytes;
    size_t size; /* a multiple of the page size */
    uint32_t page_size;
};

/* Reads a store's data.mdb whole. */
struct image image_read(const char *store);

/* Room for a copy that begins and ends where its memory does: any access beyond
 * is a crash, with sanitizers and without. */
struct image image_fence(const struct image *image);

/* Does one to three things to pages behind the two meta pages: flips a bit,
 * overwrites a header, a node's offset or header, a sector or a page, swaps
 * two pages or puts one in another's place. */
void image_damage(struct image *image, struct dice *dice);

#endif
