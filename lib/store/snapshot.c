/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots.
 *
 * Owns the order of sections in a snapshot file, and cuts them into blocks.
 * Keeps one commit whole in it: a single reader, parked between two chunks.
 * Never leaves a file under the name that was asked for unless it is complete.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/copy.h"
#include "store/squeeze.h"

#define WORKERS 2

struct snapshot {
    struct lf_output output;
    struct lf_squeeze squeeze;
    char name[LF_FRAME_NAME_SIZE]; /* of the section at hand */
    uint32_t view;
    uint32_t flags;         /* of its frames */
    struct lf_block *block; /* being filled, or NULL */
    uint64_t rows;
};

static feature_status
flush(struct snapshot *snapshot, struct feature_error *error)
{
    if (!snapshot->block)
        return FEATURE_OK;
    snapshot->block = NULL;
    return lf_squeeze_give(&snapshot->squeeze, error);
}

static feature_status
open_block(struct snapshot *snapshot, struct feature_error *error)
{
    LF_TRY(lf_squeeze_next(&snapshot->squeeze, &snapshot->block, error));
    snapshot->block->frame =
        (struct lf_frame){.flags = snapshot->flags, .view = snapshot->view};
    memcpy(snapshot->block->frame.name, snapshot->name, LF_FRAME_NAME_SIZE);
    return FEATURE_OK;
}

/* A section is one stream of bytes; blocks end where they are full. */
static feature_status
add(struct snapshot *snapshot, const uint8_t *bytes, size_t size,
    struct feature_error *error)
{
    while (size) {
        struct lf_frame *frame;
        size_t take;

        if (!snapshot->block)
            LF_TRY(open_block(snapshot, error));
        frame = &snapshot->block->frame;
        take = LF_BLOCK_SIZE - frame->size;
        take = take < size ? take : size;
        memcpy(snapshot->block->raw + frame->size, bytes, take);
        frame->size += (uint32_t)take;
        bytes += take;
        size -= take;
        if (frame->size == LF_BLOCK_SIZE && size)
            LF_TRY(flush(snapshot, error));
    }
    return FEATURE_OK;
}

static feature_status
begin_section(struct snapshot *snapshot, const char *name, uint32_t view,
              struct feature_error *error)
{
    LF_TRY(flush(snapshot, error));
    memset(snapshot->name, 0, sizeof snapshot->name);
    memcpy(snapshot->name, name, strlen(name));
    snapshot->view = view;
    snapshot->flags = LF_FRAME_CRITICAL;
    return FEATURE_OK;
}

static feature_status
put_manifest(void *to, const struct lf_manifest *manifest,
             struct feature_error *error)
{
    struct snapshot *snapshot = to;
    struct lf_buffer bytes = {0};
    feature_status status = lf_manifest_encode(manifest, &bytes, error);

    if (!status)
        status = begin_section(snapshot, LF_FRAME_MANIFEST, 0, error);
    if (!status)
        status = add(snapshot, bytes.data, bytes.size, error);
    lf_buffer_free(&bytes);
    return status;
}

static feature_status
put_tree(void *to, const struct lf_view *view, bool is_history,
         struct feature_error *error)
{
    const char *name = is_history ? LF_FRAME_HISTORY : LF_FRAME_ROWS;

    return begin_section(to, view ? name : LF_FRAME_CATALOG,
                         view ? view->id : 0, error);
}

static feature_status
put_ids(void *to, const struct lf_event *event, struct feature_error *error)
{
    return begin_section(to, LF_FRAME_IDS, event->id, error);
}

/* Who does not know of them restores a whole store all the same. */
static feature_status
put_loads(void *to, struct feature_error *error)
{
    struct snapshot *snapshot = to;

    LF_TRY(begin_section(snapshot, LF_FRAME_LOADS, 0, error));
    snapshot->flags = 0;
    return FEATURE_OK;
}

static feature_status
put_record(void *to, const uint8_t *key, size_t key_size, const uint8_t *value,
           size_t size, struct feature_error *error)
{
    struct snapshot *snapshot = to;
    uint8_t sizes[6];

    lf_store_u16(sizes, (uint16_t)key_size);
    lf_store_u32(sizes + 2, (uint32_t)size);
    LF_TRY(add(snapshot, sizes, sizeof sizes, error));
    LF_TRY(add(snapshot, key, key_size, error));
    LF_TRY(add(snapshot, value, size, error));
    snapshot->block->frame.items++;
    return FEATURE_OK;
}

/* The last frame is not packed: its sum is over all bytes before it. */
static feature_status
put_trailer(struct snapshot *snapshot, uint64_t rows,
            struct feature_error *error)
{
    struct lf_frame frame = {.name = LF_FRAME_END,
                             .flags = LF_FRAME_CRITICAL,
                             .stored = LF_TRAILER_SIZE,
                             .size = LF_TRAILER_SIZE,
                             .items = 1};
    struct lf_output *output = &snapshot->output;
    uint8_t head[LF_FRAME_HEAD_SIZE], bytes[LF_TRAILER_SIZE];
    struct lf_trailer trailer = {.rows = rows};
    struct lf_sha256 sum;

    LF_TRY(flush(snapshot, error));
    LF_TRY(lf_squeeze_drain(&snapshot->squeeze, error));
    trailer.frames = snapshot->squeeze.written;
    trailer.bytes = snapshot->squeeze.bytes;
    trailer.size = output->size + sizeof head + sizeof bytes;
    sum = output->sum;
    lf_sha256_end(&sum, trailer.sum);
    lf_trailer_write(&trailer, bytes);
    frame.number = (uint32_t)trailer.frames;
    lf_frame_write(&frame, bytes, head);
    LF_TRY(lf_output_write(output, head, sizeof head, error));
    return lf_output_write(output, bytes, sizeof bytes, error);
}

static const struct lf_sink to_file = {put_manifest, put_tree,   put_ids,
                                       put_loads,    put_record, NULL};

static feature_status
write_file(struct snapshot *snapshot, struct lf_copy *copy,
           struct lf_reader *reader, struct feature_error *error)
{
    uint8_t head[LF_SNAPSHOT_HEAD_SIZE];

    lf_snapshot_head_write(head);
    LF_TRY(lf_output_write(&snapshot->output, head, sizeof head, error));
    LF_TRY(lf_copy_store(copy, reader, error));
    LF_TRY(put_trailer(snapshot, copy->rows, error));
    LF_TRY(lf_copy_tell(copy, error));
    return lf_output_finish(&snapshot->output, error);
}

/* How far the store went on meanwhile; 0 where that cannot be told. */
static uint64_t
measure_lag(feature_store *store, uint64_t sequence)
{
    struct lf_meta_store meta = {0};
    struct lf_reader *reader;
    feature_status status;

    if (lf_reader_begin(store->environment, &reader, NULL))
        return 0;
    status = lf_store_read_meta(reader, &meta, NULL);
    lf_reader_end(reader);
    return status ? 0 : meta.sequence - sequence;
}

static feature_status
take(feature_store *store, struct snapshot *snapshot, struct lf_copy *copy,
     struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    lf_reader_park(reader);
    status = write_file(snapshot, copy, reader, error);
    lf_reader_drop(reader);
    return status;
}

static void
report_on(feature_store *store, const struct lf_copy *copy,
          const struct snapshot *snapshot,
          struct feature_snapshot_report *report)
{
    struct feature_snapshot_report ours = {0};
    struct lf_environment_info info = {0};

    if (!report)
        return;
    lf_copy_report(copy, &ours);
    ours.size = snapshot->output.size;
    ours.lag = measure_lag(store, ours.sequence);
    if (!lf_environment_info(store->environment, &info, NULL))
        ours.source_size = info.file_size;
    lf_report_write(report, &ours, sizeof ours);
}

static feature_status
check_options(const struct feature_snapshot_options *options,
              struct feature_error *error)
{
    if (options->flags)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "unknown bits 0x%x in the snapshot options' flags",
                       options->flags);
    if (options->level < 0 || options->level > LF_LEVEL_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "level %d is not from 1 to %d", options->level,
                       LF_LEVEL_MAX);
    if (options->workers > LF_WORKERS_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "%u workers; %d are the most", options->workers,
                       LF_WORKERS_MAX);
    if (options->mode & ~0777u)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "mode 0%o is not a file mode", options->mode);
    return FEATURE_OK;
}

static feature_status
snapshot_within(feature_store *store, const char *file,
                const struct feature_snapshot_options *options,
                struct feature_progress *progress,
                struct feature_snapshot_report *report,
                struct feature_error *error)
{
    struct snapshot *snapshot = lf_alloc(sizeof *snapshot);
    struct lf_copy copy = {
        .sink = &to_file, .to = snapshot, .progress = progress};
    feature_status status;

    if (!snapshot)
        return lf_fail_memory(error);
    status = lf_squeeze_begin(&snapshot->squeeze,
                              options->level ? options->level : 1,
                              options->workers ? options->workers : WORKERS,
                              &snapshot->output, error);
    if (!status) {
        status = lf_output_create(&snapshot->output, file,
                                  options->mode ? options->mode : 0600, error);
        if (!status)
            status = take(store, snapshot, &copy, error);
        if (!status)
            report_on(store, &copy, snapshot, report);
        lf_output_end(&snapshot->output);
    }
    lf_squeeze_end(&snapshot->squeeze);
    lf_copy_free(&copy);
    lf_free(snapshot);
    return status;
}

feature_status
feature_store_snapshot(feature_store *store, const char *file,
                       const struct feature_snapshot_options *options,
                       struct feature_progress *progress,
                       struct feature_snapshot_report *report,
                       struct feature_error *error)
{
    struct feature_snapshot_options asked;
    feature_status status;

    if (!store || !file || !*file)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and file are needed");
    LF_TRY(lf_options_read(&asked, sizeof asked, options,
                           "feature_snapshot_options", error));
    LF_TRY(check_options(&asked, error));
    if (report)
        LF_TRY(lf_report_check(report, "feature_snapshot_report", error));
    LF_TRY(lf_store_enter(store, error));
    status = snapshot_within(store, file, &asked, progress, report, error);
    lf_store_leave(store);
    return status;
}
