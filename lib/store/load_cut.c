/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a load joins the stream.
 *
 * Owns the way from an artefact's place in its sources to a commit of the store.
 * Keeps to commits that are known: what the feed has dropped is an error, never a
 * guess.
 * Never reads more of the feed than the records behind the cut.
 */
#include "store/load_cut.h"

#include <string.h>

#include "base/bytes.h"
#include "store/feed_view.h"
#include "store/offsets.h"

struct search {
    const struct lf_feed_view *feed;
    const struct feature_source *sources;
    uint32_t count;
    bool
        *is_passed; /* per source: the store was past it, when last looked at */
    bool has_part;
    uint64_t sequence; /* of the record at hand */
    int64_t time;
    uint64_t cut;
};

static void
compare_source(struct search *search, const struct feature_source *stored)
{
    for (uint32_t i = 0; i < search->count; i++) {
        const struct feature_source *wanted = &search->sources[i];

        if (stored->partition != wanted->partition ||
            strcmp(stored->name, wanted->name) != 0 ||
            stored->next_offset <= wanted->next_offset)
            continue;
        search->cut = search->sequence - 1;
        search->is_passed[i] = stored->first_offset > wanted->next_offset;
    }
}

/* The first part of a record has its sources and its time. */
static feature_status
take_head(void *context, const uint8_t *key, size_t key_size,
          const uint8_t *value, size_t size, struct feature_error *error)
{
    struct search *search = context;
    struct lf_part part;

    if (key_size != LF_CHANGE_KEY_SIZE ||
        lf_load_big_u64(key) != search->sequence)
        return LF_ENOUGH;
    LF_TRY(lf_part_open(&part, value, size, error));
    search->has_part = true;
    search->time = part.head.commit_time;
    for (uint32_t i = 0; i < part.source_count; i++)
        compare_source(search, &part.sources[i]);
    lf_part_free(&part);
    return LF_ENOUGH;
}

static feature_status
read_head(struct search *search, uint64_t sequence, struct feature_error *error)
{
    search->sequence = sequence;
    search->has_part = false;
    LF_TRY(
        lf_feed_view_scan(search->feed, sequence, 0, take_head, search, error));
    if (search->has_part)
        return FEATURE_OK;
    return lf_fail(error, FEATURE_CORRUPT, "structure",
                   "the change feed lacks record %llu",
                   (unsigned long long)sequence);
}

static bool
is_any_passed(const struct search *search)
{
    for (uint32_t i = 0; i < search->count; i++)
        if (search->is_passed[i])
            return true;
    return false;
}

/* Back from the newest commit, until no source is past its place any more. */
static feature_status
walk_back(struct search *search, uint64_t newest, struct feature_error *error)
{
    for (uint64_t each = newest; is_any_passed(search); each--) {
        LF_TRY(lf_feed_view_check(search->feed, each,
                                  "the sources of the load lie before that",
                                  error));
        LF_TRY(read_head(search, each, error));
    }
    return FEATURE_OK;
}

static feature_status
find_by_sources(struct lf_commit *commit, struct search *search,
                struct feature_error *error)
{
    struct lf_arena arena = {0};
    feature_status status = FEATURE_OK;

    search->is_passed = lf_arena_array(&arena, search->count, sizeof(bool));
    if (!search->is_passed)
        status = lf_fail_memory(error);
    for (uint32_t i = 0; !status && i < search->count; i++) {
        uint64_t stored;

        status = lf_source_stored(commit, &search->sources[i], &stored, error);
        search->is_passed[i] = stored > search->sources[i].next_offset;
    }
    if (!status)
        status = walk_back(search, commit->meta.sequence, error);
    lf_arena_free(&arena);
    return status;
}

/* The commit time of the cut: of the commit before the feed's first one, what is
 * known is that it was earlier. */
static feature_status
find_time(struct lf_commit *commit, struct search *search, int64_t *time,
          struct feature_error *error)
{
    uint64_t cut = search->cut;

    if (!cut) {
        *time = commit->now;
        return FEATURE_OK;
    }
    if (cut == commit->meta.sequence) {
        *time = commit->meta.commit_time;
        return FEATURE_OK;
    }
    if (search->feed->is_on && cut + 1 == search->feed->meta.first) {
        LF_TRY(read_head(search, cut + 1, error));
        *time = search->time - 1;
        return FEATURE_OK;
    }
    LF_TRY(lf_feed_view_check(search->feed, cut,
                              "the time of the cut is not known: say it in the "
                              "options",
                              error));
    LF_TRY(read_head(search, cut, error));
    *time = search->time;
    return FEATURE_OK;
}

feature_status
lf_cut_find(struct lf_commit *commit, uint64_t sequence, int64_t time,
            const struct feature_source *sources, uint32_t source_count,
            struct lf_cut *cut, struct feature_error *error)
{
    struct lf_feed_view feed = {.commit = commit};
    struct search search = {.feed = &feed,
                            .sources = sources,
                            .count = source_count,
                            .cut = commit->meta.sequence};

    if (sequence > commit->meta.sequence)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the cut is %llu, and the newest commit %llu",
                       (unsigned long long)sequence,
                       (unsigned long long)commit->meta.sequence);
    LF_TRY(lf_feed_view_open(&feed, error));
    if (sequence)
        search.cut = sequence;
    else if (source_count)
        LF_TRY(find_by_sources(commit, &search, error));
    cut->sequence = search.cut;
    cut->time = time;
    search.count = 0;
    return time ? FEATURE_OK : find_time(commit, &search, &cut->time, error);
}
