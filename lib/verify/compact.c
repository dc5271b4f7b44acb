/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction.
 *
 * Owns the store for as long as it runs: nobody else has it open, and whoever
 * wants to waits.
 * Keeps the old file in place until the new one is complete, on the disk and
 * verified; then one rename puts it there.
 * Never changes what the store says of itself.
 */
#include <stdio.h>
#include <string.h>

#include "format/feed.h"
#include "store/feed.h"
#include "store/rebuild.h"
#include "verify/made.h"

#define TEMPORARY "compact.tmp" /* in the store; one is enough */

/* What is kept of the change feed is kept as it is. */
static feature_status
put_part(struct lf_copy *copy, const uint8_t *key, size_t key_size,
         const uint8_t *value, size_t size, struct feature_error *error)
{
    struct lf_rebuild *rebuild = copy->to;

    if (key_size != LF_CHANGE_KEY_SIZE || !lf_frame_size(value, size))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "a record of the change feed is damaged");
    return lf_rebuild_put(rebuild, rebuild->segment, key, key_size, value, size,
                          error);
}

static feature_status
copy_segment(struct lf_copy *copy, struct lf_reader *reader, uint64_t first,
             struct feature_error *error)
{
    struct lf_rebuild *rebuild = copy->to;

    lf_segment_tree(first, rebuild->segment);
    return lf_copy_raw(copy, reader, rebuild->segment, put_part, error);
}

static feature_status
copy_feed(struct lf_copy *copy, struct lf_reader *reader,
          struct feature_error *error)
{
    for (uint32_t i = 0; i < copy->manifest.record_count; i++) {
        const struct lf_manifest_record *each = &copy->manifest.records[i];
        struct lf_segment segment;
        struct lf_meta_feed feed;

        if (each->is_offset)
            continue;
        if (lf_segment_decode(&segment, each->key.bytes, each->key.size,
                              each->value.bytes, each->value.size))
            LF_TRY(copy_segment(copy, reader, segment.first, error));
        else if (lf_meta_feed_decode(&feed, each->value.bytes,
                                     each->value.size) &&
                 feed.segment)
            LF_TRY(copy_segment(copy, reader, feed.segment, error));
    }
    return FEATURE_OK;
}

static feature_status
copy_all(feature_store *store, struct lf_copy *copy, struct lf_rebuild *rebuild,
         uint64_t *size, struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    lf_reader_park(reader);
    status = lf_copy_store(copy, reader, error);
    if (!status)
        status = copy_feed(copy, reader, error);
    lf_reader_drop(reader);
    LF_TRY(status);
    LF_TRY(lf_rebuild_finish(rebuild, &copy->manifest.meta, size, error));
    LF_TRY(lf_verify_made(rebuild->path, error));
    return lf_copy_tell(copy, error);
}

/* The environment ends with the swap, also with one that failed. */
static feature_status
swap(feature_store *store, struct lf_rebuild *rebuild,
     struct feature_error *error)
{
    struct lf_environment *environment = store->environment;

    store->environment = NULL;
    return lf_environment_replace(environment, rebuild->path, error);
}

static feature_status
compact_within(feature_store *store, const char *path,
               const struct feature_options *options,
               struct feature_progress *progress,
               struct feature_snapshot_report *ours,
               struct feature_error *error)
{
    struct lf_copy copy = {.sink = &lf_to_store,
                           .progress = progress,
                           .keeps_feed = true,
                           .keeps_blocks = true};
    struct lf_environment_info info;
    struct feature_options asked = *options;
    struct lf_rebuild rebuild = {0};
    char temporary[PATH_MAX];
    feature_status status;

    LF_TRY(lf_environment_exclude(store->environment, &asked.mode, error));
    LF_TRY(lf_environment_info(store->environment, &info, error));
    if (snprintf(temporary, sizeof temporary, "%s/%s", path, TEMPORARY) >=
        (int)sizeof temporary)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the path of the store is too long");
    lf_rebuild_remove(temporary); /* what an earlier cut left */
    status = lf_rebuild_begin(&rebuild, temporary, &asked, error);
    copy.to = &rebuild;
    if (!status)
        status = copy_all(store, &copy, &rebuild, &ours->size, error);
    if (!status)
        status = swap(store, &rebuild, error);
    ours->source_size = info.file_size;
    lf_copy_report(&copy, ours);
    lf_rebuild_end(&rebuild);
    lf_copy_free(&copy);
    return status;
}

feature_status
feature_store_compact(const char *path, const struct feature_options *options,
                      struct feature_progress *progress,
                      struct feature_snapshot_report *report,
                      struct feature_error *error)
{
    struct feature_snapshot_report ours = {0};
    struct feature_options asked;
    feature_store *store = NULL;
    feature_status status;

    LF_TRY(lf_options_read(&asked, sizeof asked, options, "feature_options",
                           error));
    asked.struct_size = sizeof asked;
    if (asked.flags & ~(uint32_t)FEATURE_OPEN_ALLOW_REMOTE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "of the open flags, compaction takes "
                       "FEATURE_OPEN_ALLOW_REMOTE alone");
    if (report)
        LF_TRY(lf_report_check(report, "feature_snapshot_report", error));
    LF_TRY(feature_store_open(path, &asked, &store, error));
    status = compact_within(store, path, &asked, progress, &ours, error);
    feature_store_close(store);
    if (!status && report)
        lf_report_write(report, &ours, sizeof ours);
    return status;
}
