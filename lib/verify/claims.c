/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses which page.
 *
 * Owns two bits for each page of the file, and the free list.
 * Keeps every page claimed once: by one tree, or by the free list.
 * Never holds a list of pages in memory: the free list is read in parts.
 */
#include <string.h>

#include "base/bytes.h"
#include "verify/verify.h"

#define PART 512 /* page numbers read at a time */

static bool
has(const uint64_t *bits, uint64_t page)
{
    return bits[page / 64] >> (page & 63) & 1;
}

static void
put(uint64_t *bits, uint64_t page)
{
    bits[page / 64] |= UINT64_C(1) << (page & 63);
}

bool
lf_verify_claim(struct lf_verify *verify, const struct lf_place *place,
                uint64_t page)
{
    if (page < 2 || page > verify->last) {
        lf_found(verify, LF_FOUND_PAGE, place,
                 "page %llu is referred to but out of bounds",
                 (unsigned long long)page);
        return false;
    }
    if (page >= verify->covered) {
        lf_found(verify, LF_FOUND_FILE, place,
                 "page %llu is in use and past the end of the file",
                 (unsigned long long)page);
        return false;
    }
    if (has(verify->used, page)) {
        lf_found(verify, LF_FOUND_PAGE, place, "page %llu is used twice",
                 (unsigned long long)page);
        return false;
    }
    if (has(verify->unused, page))
        lf_found(verify, LF_FOUND_PAGE, place,
                 "page %llu is in use and in the free list",
                 (unsigned long long)page);
    put(verify->used, page);
    verify->used_count++;
    return true;
}

/* One number of the free list. */
static void
release(struct lf_verify *verify, const struct lf_place *place, uint64_t page)
{
    if (page < 2 || page > verify->last) {
        lf_found(verify, LF_FOUND_PAGE, place,
                 "the free list has page %llu, which is out of bounds",
                 (unsigned long long)page);
        return;
    }
    if (page >= verify->covered) {
        verify->unused_beyond++;
        return;
    }
    if (has(verify->unused, page)) {
        lf_found(verify, LF_FOUND_PAGE, place,
                 "page %llu is in the free list twice",
                 (unsigned long long)page);
        return;
    }
    if (has(verify->used, page))
        lf_found(verify, LF_FOUND_PAGE, place,
                 "page %llu is in use and in the free list",
                 (unsigned long long)page);
    put(verify->unused, page);
    verify->unused_count++;
}

/* Bytes of an entry from an offset on. */
static bool
read_part(struct lf_verify *verify, const struct lf_entry *entry,
          uint64_t offset, void *to, size_t size)
{
    if (entry->bytes) {
        memcpy(to, entry->bytes + offset, size);
        return true;
    }
    return lf_verify_read(
        verify, &entry->place,
        entry->run * verify->page_size + LF_PAGE_HEADER + offset, to, size);
}

/* What the newest commit gave up. */
static void
note_former(struct lf_verify *verify, uint64_t page)
{
    for (uint32_t i = 0; i < 2; i++)
        if (verify->former[i].page == page)
            verify->former[i].is_freed = true;
}

/* A count, and that many page numbers, which fall. */
static feature_status
visit_free(struct lf_verify *verify, void *context,
           const struct lf_entry *entry, struct feature_error *error)
{
    uint64_t part[PART], count, before = UINT64_MAX;

    (void)context;
    (void)error;
    if (entry->place.key_size != 8 || entry->size < 8 ||
        !lf_load_u64(entry->place.key) ||
        lf_load_u64(entry->place.key) > verify->transaction) {
        lf_found(verify, LF_FOUND_PAGE, &entry->place,
                 "the free list has an impossible entry");
        return FEATURE_OK;
    }
    if (!read_part(verify, entry, 0, &count, sizeof count))
        return FEATURE_OK;
    if (count > entry->size / 8 - 1) {
        lf_found(verify, LF_FOUND_PAGE, &entry->place,
                 "an entry of the free list claims %llu pages and has room for "
                 "%u",
                 (unsigned long long)count, entry->size / 8 - 1);
        return FEATURE_OK;
    }
    for (uint64_t done = 0; done < count; done += PART) {
        uint64_t some = count - done < PART ? count - done : PART;

        if (!read_part(verify, entry, 8 + 8 * done, part, 8 * some))
            return FEATURE_OK;
        for (uint64_t i = 0; i < some; i++) {
            if (part[i] >= before)
                lf_found(verify, LF_FOUND_ORDER, &entry->place,
                         "an entry of the free list is out of order");
            before = part[i];
            release(verify, &entry->place, part[i]);
            if (lf_load_u64(entry->place.key) == verify->transaction)
                note_former(verify, part[i]);
        }
    }
    return FEATURE_OK;
}

feature_status
lf_verify_free_list(struct lf_verify *verify, struct feature_error *error)
{
    return lf_verify_tree(verify, "free list", NULL,
                          verify->meta->bytes + LF_META_FREE, visit_free, NULL,
                          error);
}

/* The roots of the commit before are in use still, or the newest commit gave them
 * up. Roots that were taken from the free list are of a later commit, whose meta
 * page was damaged so that an older one seems to be the newest. */
static void
check_former(struct lf_verify *verify)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct lf_former_root *root = &verify->former[i];

        if (root->page == LF_NO_PAGE || root->is_freed ||
            (root->page < verify->covered && has(verify->used, root->page)))
            continue;
        lf_found(verify, LF_FOUND_FILE, NULL,
                 "the meta page of the commit before has root %llu, which that "
                 "commit did not have: a newer commit is lost",
                 (unsigned long long)root->page);
    }
}

/* Pages past the end of the file were taken and given back at once: LMDB never
 * wrote them, and the free list has each. */
uint64_t
lf_verify_claims_end(struct lf_verify *verify)
{
    uint64_t beyond = verify->last + 1 - verify->covered;
    uint64_t known = 2 + verify->used_count + verify->unused_count;

    check_former(verify);
    if (verify->unused_beyond != beyond)
        lf_found(
            verify, LF_FOUND_FILE, NULL,
            "the file has %llu of %llu pages, and the free list accounts "
            "for %llu of the others: it was cut, or the last page is wrong",
            (unsigned long long)verify->covered,
            (unsigned long long)verify->last + 1,
            (unsigned long long)verify->unused_beyond);
    return known < verify->covered ? verify->covered - known : 0;
}
