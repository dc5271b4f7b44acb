/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change feed, the source offsets, and what `meta` says of them.
 *
 * Owns the checks of records, segments and the chain over them.
 * Keeps the trees of segments in their order, which is that of their names: the
 * chain goes from one to the next.
 * Never trusts a size or a number of a record before its checksum.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "verify/verify.h"

#define SEGMENT_TREE "changes/"

static const struct lf_place in_meta = {.tree = LF_META_TREE,
                                        .page = LF_NO_PAGE};

static bool
begins(const struct lf_place *place, const char *prefix)
{
    return place->key_size > strlen(prefix) &&
           memcmp(place->key, prefix, strlen(prefix)) == 0;
}

bool
lf_verify_is_feed(const struct lf_place *place)
{
    return begins(place, LF_SEGMENT_PREFIX) ||
           begins(place, LF_CONSUMER_PREFIX) ||
           (place->key_size == strlen(LF_FEED_KEY) &&
            memcmp(place->key, LF_FEED_KEY, place->key_size) == 0);
}

feature_status
lf_verify_feed_record(struct lf_verify *verify, const struct lf_place *place,
                      const uint8_t *bytes, size_t size,
                      struct feature_error *error)
{
    struct lf_consumer consumer;
    struct lf_segment segment;

    if (begins(place, LF_SEGMENT_PREFIX)) {
        if (!lf_segment_decode(&segment, place->key, place->key_size, bytes,
                               size))
            lf_found(verify, LF_FOUND_STORE, place,
                     "the record of a segment of the change feed is damaged");
        else if (!lf_buffer_append(&verify->segments, &segment, sizeof segment))
            return lf_fail_memory(error);
    } else if (begins(place, LF_CONSUMER_PREFIX)) {
        if (!lf_consumer_decode(&consumer, place->key, place->key_size, bytes,
                                size))
            lf_found(verify, LF_FOUND_STORE, place,
                     "the record of a consumer is damaged");
    } else {
        verify->has_feed = lf_meta_feed_decode(&verify->feed, bytes, size);
        if (!verify->has_feed)
            lf_found(verify, LF_FOUND_STORE, place,
                     "the record of the change feed is damaged");
    }
    return FEATURE_OK;
}

/* The segments follow each other, from the first record to the newest one. */
static void
check_segments(struct lf_verify *verify)
{
    size_t count = verify->segments.size / sizeof(struct lf_segment);
    const void *data = verify->segments.data;
    const struct lf_segment *segments = data;
    const struct lf_meta_feed *feed = &verify->feed;
    uint64_t next = feed->first;

    for (size_t i = 0; i < count; i++) {
        if (segments[i].first != next)
            lf_found(verify, LF_FOUND_STORE, &in_meta,
                     "a segment of the change feed begins at %llu instead of "
                     "%llu",
                     (unsigned long long)segments[i].first,
                     (unsigned long long)next);
        next = segments[i].last + 1;
    }
    if (feed->segment && feed->segment != next)
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the newest segment of the change feed begins at %llu instead "
                 "of %llu",
                 (unsigned long long)feed->segment, (unsigned long long)next);
    if (feed->oldest_last != (count ? segments[0].last : 0))
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the record of the change feed names another oldest segment");
}

static void
check_feed(struct lf_verify *verify, const struct lf_verify_chain *chain)
{
    const struct lf_meta_feed *feed = &verify->feed;

    if (!(feed->flags & LF_FEED_ON)) {
        if (verify->segments.size || chain->records)
            lf_found(verify, LF_FOUND_STORE, &in_meta,
                     "there are change records, and the feed is off");
        return;
    }
    check_segments(verify);
    if (verify->has_store && feed->head != verify->store.sequence)
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the change feed ends at %llu, the store is at %llu",
                 (unsigned long long)feed->head,
                 (unsigned long long)verify->store.sequence);
    if (chain->records != feed->head + 1 - feed->first)
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the change feed has %llu records, %llu to %llu are expected",
                 (unsigned long long)chain->records,
                 (unsigned long long)feed->first,
                 (unsigned long long)feed->head);
    else if (chain->records &&
             memcmp(chain->end, feed->chain, LF_CHAIN_SIZE) != 0)
        lf_found(
            verify, LF_FOUND_STORE, &in_meta,
            "the chain of the change feed does not end as its record says");
    if (chain->bytes != feed->bytes)
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "the change feed has %llu bytes, its record says %llu",
                 (unsigned long long)chain->bytes,
                 (unsigned long long)feed->bytes);
}

/* What is to come next: the sequence and the part. */
struct walk {
    struct lf_verify_chain *chain;
    uint64_t sequence;
    uint32_t number;
    struct lf_chain sum;
    struct lf_buffer scratch;
};

static void
begin_record(struct lf_verify *verify, struct walk *walk,
             const struct lf_place *place, const struct lf_part *part)
{
    struct lf_verify_chain *chain = walk->chain;

    if (chain->records &&
        memcmp(part->head.previous, chain->end, LF_CHAIN_SIZE) != 0)
        lf_found(verify, LF_FOUND_STORE, place,
                 "the chain of the change feed breaks at record %llu",
                 (unsigned long long)part->head.sequence);
    if (verify->has_store && memcmp(part->head.store, verify->store.uuid,
                                    sizeof part->head.store) != 0)
        lf_found(verify, LF_FOUND_STORE, place,
                 "a change record is of another store");
    lf_chain_begin(&walk->sum, &part->head, part->sources, part->source_count);
}

static feature_status
walk_changes(struct lf_verify *verify, struct walk *walk,
             const struct lf_place *place, const struct lf_part *part,
             struct feature_error *error)
{
    for (uint32_t i = 0; i < part->change_count; i++) {
        struct feature_error problem;
        struct lf_change change;
        feature_status status =
            lf_part_change(part, i, &walk->scratch, &change, &problem);

        if (status == FEATURE_NO_MEMORY)
            return lf_fail_memory(error);
        if (status)
            lf_found(verify, LF_FOUND_STORE, place, "%s", problem.message);
        lf_chain_add(&walk->sum, change.hash);
    }
    return FEATURE_OK;
}

static feature_status
take_part(struct lf_verify *verify, struct walk *walk,
          const struct lf_place *place, const struct lf_part *part,
          struct feature_error *error)
{
    struct lf_verify_chain *chain = walk->chain;

    if (part->head.sequence != walk->sequence || part->number != walk->number)
        lf_found(verify, LF_FOUND_STORE, place,
                 "a change record says that it is another one");
    if (!part->number)
        begin_record(verify, walk, place, part);
    LF_TRY(walk_changes(verify, walk, place, part, error));
    walk->number++;
    if (part->has_more)
        return FEATURE_OK;
    lf_chain_end(&walk->sum, chain->end);
    chain->records++;
    walk->sequence++;
    walk->number = 0;
    return FEATURE_OK;
}

static feature_status
visit_part(struct lf_verify *verify, void *context,
           const struct lf_entry *entry, struct feature_error *error)
{
    const struct lf_place *place = &entry->place;
    struct feature_error problem;
    struct walk *walk = context;
    struct lf_part part;
    const uint8_t *bytes;
    feature_status status;

    walk->chain->bytes += place->key_size + entry->size;
    if (place->key_size != LF_CHANGE_KEY_SIZE ||
        lf_load_big_u64(place->key) != walk->sequence ||
        lf_load_big_u32(place->key + 8) != walk->number) {
        lf_found(verify, LF_FOUND_STORE, place,
                 "part %u of change record %llu is expected here", walk->number,
                 (unsigned long long)walk->sequence);
        if (place->key_size != LF_CHANGE_KEY_SIZE)
            return FEATURE_OK;
        walk->sequence = lf_load_big_u64(place->key);
        walk->number = lf_load_big_u32(place->key + 8);
    }
    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    if (!bytes)
        return FEATURE_OK;
    status = lf_part_open(&part, bytes, entry->size, &problem);
    if (status == FEATURE_NO_MEMORY)
        return lf_fail_memory(error);
    if (status) {
        lf_found(verify, LF_FOUND_STORE, place, "%s", problem.message);
        return FEATURE_OK;
    }
    status = take_part(verify, walk, place, &part, error);
    lf_part_free(&part);
    return status;
}

/* Whether a record of meta speaks of the segment. */
static bool
is_known(const struct lf_verify *verify, uint64_t first)
{
    size_t count = verify->segments.size / sizeof(struct lf_segment);
    const void *data = verify->segments.data;
    const struct lf_segment *segments = data;

    for (size_t i = 0; i < count; i++)
        if (segments[i].first == first)
            return true;
    return verify->has_feed && verify->feed.segment == first;
}

/* The first sequence in the name of a segment's tree, or 0. */
static uint64_t
read_name(const char *name)
{
    size_t head = strlen(SEGMENT_TREE);
    uint64_t first = 0;

    if (strncmp(name, SEGMENT_TREE, head) != 0 || strlen(name) != head + 16)
        return 0;
    for (const char *at = name + head; *at; at++) {
        bool is_digit = *at >= '0' && *at <= '9';

        if (!is_digit && (*at < 'a' || *at > 'f'))
            return 0;
        first = first * 16 + (uint64_t)(is_digit ? *at - '0' : *at - 'a' + 10);
    }
    return first;
}

static feature_status
walk_segment(struct lf_verify *verify, const struct lf_verify_name *tree,
             uint64_t first, struct feature_error *error)
{
    struct walk walk = {.chain = &verify->chain, .sequence = first};
    struct lf_place place = {.tree = tree->name, .page = LF_NO_PAGE};
    feature_status status;

    if (!is_known(verify, first))
        lf_found(verify, LF_FOUND_STORE, &place,
                 "no record speaks of this segment of the change feed");
    status = lf_verify_tree(verify, tree->name, NULL, tree->record, visit_part,
                            &walk, error);
    lf_buffer_free(&walk.scratch);
    return status;
}

static feature_status
visit_offset(struct lf_verify *verify, void *context,
             const struct lf_entry *entry, struct feature_error *error)
{
    const struct lf_place *place = &entry->place;
    struct lf_offset offset;
    const uint8_t *bytes;

    (void)context;
    LF_TRY(lf_verify_value(verify, entry, &bytes, error));
    if (!bytes)
        return FEATURE_OK;
    if (!lf_offset_decode(&offset, place->key, place->key_size, bytes,
                          entry->size))
        lf_found(verify, LF_FOUND_STORE, place,
                 "the offset of a source is damaged");
    else if (verify->has_store && offset.sequence > verify->store.sequence)
        lf_found(verify, LF_FOUND_STORE, place,
                 "the offset of a source is of commit %llu, the store is at "
                 "%llu",
                 (unsigned long long)offset.sequence,
                 (unsigned long long)verify->store.sequence);
    return FEATURE_OK;
}

feature_status
lf_verify_feed_tree(struct lf_verify *verify, const struct lf_verify_name *tree,
                    bool *is_taken, struct feature_error *error)
{
    uint64_t first = read_name(tree->name);

    *is_taken = true;
    if (first)
        return walk_segment(verify, tree, first, error);
    if (!strcmp(tree->name, LF_OFFSETS_TREE))
        return lf_verify_tree(verify, tree->name, NULL, tree->record,
                              visit_offset, NULL, error);
    *is_taken = false;
    return FEATURE_OK;
}

void
lf_verify_feed_end(struct lf_verify *verify)
{
    if (verify->has_feed)
        check_feed(verify, &verify->chain);
    else if (verify->segments.size || verify->chain.records)
        lf_found(verify, LF_FOUND_STORE, &in_meta,
                 "there are change records, and no record of the feed");
}
