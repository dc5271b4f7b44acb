/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids of events that were seen.
 *
 * Owns the check that each id has its entry by time, and no more.
 * Keeps no list of ids in memory: both kinds of entries add up to one sum.
 * Never trusts an entry before its checksum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/dedupe.h"
#include "verify/verify.h"

struct ids {
    uint32_t event; /* id */
    struct lf_hash128 by_id, by_time;
};

static feature_status
visit_id(struct lf_verify *verify, void *context, const struct lf_entry *at,
         struct feature_error *error)
{
    struct ids *ids = context;
    struct lf_dedupe_entry entry;
    struct lf_hash128 term;
    const uint8_t *bytes;

    LF_TRY(lf_verify_value(verify, at, &bytes, error));
    if (!bytes)
        return FEATURE_OK;
    if (lf_dedupe_open(&entry, ids->event, at->place.key, at->place.key_size,
                       bytes, at->size)) {
        lf_found(verify, LF_FOUND_ROW, &at->place,
                 "an id of an event is damaged");
        return FEATURE_OK;
    }
    if (verify->has_store && entry.commit_time > verify->store.commit_time)
        lf_found(verify, LF_FOUND_ROW, &at->place,
                 "an id of an event is of a commit that cannot be");
    term = lf_hash128((uint64_t)entry.commit_time, entry.id - 1,
                      entry.id_size + 1);
    lf_hash128_add(entry.is_time ? &ids->by_time : &ids->by_id, term);
    return FEATURE_OK;
}

static feature_status
walk(struct lf_verify *verify, const struct lf_verify_name *tree, uint32_t id,
     struct feature_error *error)
{
    struct lf_place place = {.tree = tree->name, .page = LF_NO_PAGE};
    const struct lf_event *event =
        verify->catalog ? lf_catalog_event_by_id(verify->catalog, id) : NULL;
    struct ids ids = {.event = id};

    if (verify->catalog && (!event || !lf_dedupe_applies(event)))
        lf_found(verify, LF_FOUND_STORE, &place,
                 "the catalog has no event with such ids");
    LF_TRY(lf_verify_tree(verify, tree->name, NULL, tree->record, visit_id,
                          &ids, error));
    if (ids.by_id.low != ids.by_time.low || ids.by_id.high != ids.by_time.high)
        lf_found(verify, LF_FOUND_STORE, &place,
                 "the ids of an event are not those in the order of time");
    return FEATURE_OK;
}

feature_status
lf_verify_events_tree(struct lf_verify *verify,
                      const struct lf_verify_name *tree, bool *is_taken,
                      struct feature_error *error)
{
    size_t prefix = strlen(LF_DEDUPE_PREFIX);
    struct lf_event named = {0};
    char again[LF_TREE_NAME_SIZE];
    unsigned long long id;

    *is_taken = false;
    if (strncmp(tree->name, LF_DEDUPE_PREFIX, prefix) != 0)
        return FEATURE_OK;
    id = strtoull(tree->name + prefix, NULL, 16);
    named.id = (uint32_t)id;
    lf_dedupe_tree(&named, again);
    *is_taken = id <= UINT32_MAX && !strcmp(again, tree->name);
    return *is_taken ? walk(verify, tree, named.id, error) : FEATURE_OK;
}
