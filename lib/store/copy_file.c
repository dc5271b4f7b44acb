/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot file as the beginning of a copy.
 *
 * Owns the order in which frames may come, and the sums over them.
 * Keeps every byte of the file under a checksum: each frame's, and that of the
 * trailer over all before it; behind the trailer there is nothing.
 * Never allocates by a size that was not checked against a limit first, nor
 * more than has arrived for a record that claims to be large.
 */
#include "store/copy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "format/libraries.h"
#include "format/load.h"

#define RECORD_HEAD 6 /* key size u16, value size u32 */

feature_status
lf_intake_open(struct lf_intake *intake, const char *file,
               struct feature_error *error)
{
    struct stat at;

    *intake = (struct lf_intake){.file = -1};
    LF_TRY(lf_libraries_check(error)); /* no store may ever be opened */
    lf_sha256_begin(&intake->sum);
    intake->file = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (intake->file < 0)
        return lf_file_fail(error, errno, "cannot open", file);
    if (fstat(intake->file, &at))
        return lf_file_fail(error, errno, "stat of", file);
    if (!S_ISREG(at.st_mode))
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "the snapshot is not a regular file");
    intake->size = (uint64_t)at.st_size;
    (void)posix_fadvise(intake->file, 0, 0, POSIX_FADV_SEQUENTIAL);
    intake->unpacker = lf_unpacker_create();
    intake->stored = lf_alloc(LF_FRAME_MAX);
    intake->block = lf_alloc(LF_FRAME_MAX);
    if (!intake->unpacker || !intake->stored || !intake->block)
        return lf_fail_memory(error);
    return FEATURE_OK;
}

void
lf_intake_close(struct lf_intake *intake)
{
    if (intake->file >= 0)
        close(intake->file);
    lf_unpacker_free(intake->unpacker);
    lf_free(intake->stored);
    lf_free(intake->block);
    lf_buffer_free(&intake->rest);
    *intake = (struct lf_intake){.file = -1};
}

static feature_status
damaged(const char *reason, const char *what, struct feature_error *error)
{
    return lf_fail(error, FEATURE_CORRUPT, reason, "%s", what);
}

/* Exactly size bytes, or fewer at the end of the file. */
static feature_status
read_some(struct lf_intake *intake, void *to, size_t size, size_t *got,
          struct feature_error *error)
{
    *got = 0;
    while (*got < size) {
        ssize_t more = read(intake->file, (uint8_t *)to + *got, size - *got);

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return lf_fail_os(error, FEATURE_IO, "io", errno,
                              "read of the snapshot");
        if (!more)
            break;
        *got += (size_t)more;
    }
    return FEATURE_OK;
}

static feature_status
read_all(struct lf_intake *intake, void *to, size_t size,
         struct feature_error *error)
{
    size_t got;

    LF_TRY(read_some(intake, to, size, &got, error));
    if (got < size)
        return lf_fail(error, FEATURE_CORRUPT, "truncated",
                       "the snapshot ends after %llu bytes, where %zu more "
                       "belong",
                       (unsigned long long)(intake->at + got), size - got);
    return FEATURE_OK;
}

static feature_status
read_head(struct lf_intake *intake, struct feature_error *error)
{
    uint8_t head[LF_SNAPSHOT_HEAD_SIZE];
    const char *problem;
    uint32_t version;

    LF_TRY(read_all(intake, head, sizeof head, error));
    problem = lf_snapshot_head_read(head, &version);
    if (problem)
        return damaged("structure", problem, error);
    if (version != LF_SNAPSHOT_VERSION)
        return lf_fail(error, FEATURE_VERSION, "format",
                       "the snapshot has format %u, this library reads %d",
                       version, LF_SNAPSHOT_VERSION);
    lf_sha256_add(&intake->sum, head, sizeof head);
    intake->next = sizeof head;
    return FEATURE_OK;
}

/* The next frame, its checksum right, its bytes in intake->stored. */
static feature_status
read_frame(struct lf_intake *intake, struct feature_error *error)
{
    struct lf_frame *frame = &intake->frame;
    uint8_t head[LF_FRAME_HEAD_SIZE];
    const char *problem;

    intake->at = intake->next;
    LF_TRY(read_all(intake, head, sizeof head, error));
    problem = lf_frame_read(head, frame);
    if (problem)
        return damaged("structure", problem, error);
    LF_TRY(read_all(intake, intake->stored, frame->stored, error));
    if (!lf_frame_matches(head, intake->stored, frame->stored))
        return damaged("checksum", "a block does not match its checksum",
                       error);
    if (frame->number != (uint32_t)intake->frames)
        return damaged("structure", "a block is missing, or is there twice",
                       error);
    intake->is_end = !strcmp(frame->name, LF_FRAME_END);
    intake->next = intake->at + sizeof head + frame->stored;
    if (intake->is_end)
        return FEATURE_OK;
    intake->frames++;
    intake->bytes += frame->size;
    lf_sha256_add(&intake->sum, head, sizeof head);
    lf_sha256_add(&intake->sum, intake->stored, frame->stored);
    return FEATURE_OK;
}

/* Of a frame with a name we know, in intake->block. */
static feature_status
unpack(struct lf_intake *intake, struct feature_error *error)
{
    const char *problem = lf_unpacker_unpack(intake->unpacker, &intake->frame,
                                             intake->stored, intake->block);

    if (problem == LF_FRAME_NO_MEMORY)
        return lf_fail_memory(error);
    return problem ? damaged("structure", problem, error) : FEATURE_OK;
}

/* What the records of a section can be. */
struct section {
    size_t key_max, value_max;
    lf_copy_entry take;
};

static const struct section catalog_section = {LF_KEY_MAX, LF_ROW_SIZE_LIMIT,
                                               lf_copy_record};
static const struct section rows_section = {LF_KEY_MAX, LF_ROW_SIZE_LIMIT,
                                            lf_copy_row};
static const struct section history_section = {
    LF_HISTORY_KEY_MAX, LF_HISTORY_SIZE_LIMIT, lf_copy_version};

static const struct section ids_section = {LF_DEDUPE_KEY_MAX,
                                           LF_DEDUPE_VALUE_MAX, lf_copy_id};

static const struct section loads_section = {
    LF_LOAD_KEY_SIZE, 4 + LF_LOAD_SIZE_LIMIT, lf_copy_load};

/* Takes the whole records at *at. */
static feature_status
take_records(struct lf_copy *copy, const struct section *section,
             const uint8_t **at, const uint8_t *end, uint32_t *count,
             struct feature_error *error)
{
    while (end - *at >= RECORD_HEAD) {
        size_t key_size = lf_load_u16(*at), size = lf_load_u32(*at + 2);
        const uint8_t *key = *at + RECORD_HEAD;

        if (key_size > section->key_max || size > section->value_max)
            return damaged("structure", "a record is larger than can be",
                           error);
        if ((size_t)(end - key) < key_size + size)
            break;
        LF_TRY(section->take(copy, key, key_size, key + key_size, size, error));
        *at = key + key_size + size;
        ++*count;
    }
    return FEATURE_OK;
}

/* A record may go on in the next block: what is left of it waits in rest. */
static feature_status
take_block(struct lf_intake *intake, struct lf_copy *copy,
           const struct section *section, struct feature_error *error)
{
    const uint8_t *at = intake->block, *end = at + intake->frame.size;
    struct lf_buffer *rest = &intake->rest;
    uint32_t count = 0;
    size_t left;

    if (rest->size) {
        if (!lf_buffer_append(rest, at, intake->frame.size))
            return lf_fail_memory(error);
        at = rest->data;
        end = at + rest->size;
    }
    LF_TRY(take_records(copy, section, &at, end, &count, error));
    left = (size_t)(end - at);
    if (rest->size) {
        memmove(rest->data, at, left);
        rest->size = left;
    } else if (left && !lf_buffer_append(rest, at, left)) {
        return lf_fail_memory(error);
    }
    if (count != intake->frame.items)
        return damaged("structure",
                       "a block has another number of records "
                       "than it says",
                       error);
    return lf_copy_tell(copy, error);
}

static feature_status
end_section(const struct lf_intake *intake, struct feature_error *error)
{
    if (intake->rest.size)
        return damaged("structure", "the section before ends within a record",
                       error);
    return FEATURE_OK;
}

static feature_status
take_manifest(struct lf_intake *intake, struct lf_copy *copy,
              struct feature_error *error)
{
    if (intake->stage != LF_STAGE_MANIFEST)
        return damaged("structure", "a second manifest", error);
    if (intake->frame.view)
        return damaged("structure", "the manifest is of a view", error);
    LF_TRY(unpack(intake, error));
    LF_TRY(lf_manifest_decode(intake->block, intake->frame.size, &copy->arena,
                              &copy->manifest, error));
    intake->stage = LF_STAGE_CATALOG;
    return lf_copy_begin(copy, error);
}

static feature_status
take_catalog(struct lf_intake *intake, struct lf_copy *copy,
             struct feature_error *error)
{
    if (intake->stage != LF_STAGE_CATALOG || intake->frame.view)
        return damaged("structure", "the catalog is out of place", error);
    LF_TRY(unpack(intake, error));
    return take_block(intake, copy, &catalog_section, error);
}

/* Ends what is open and begins views of the manifest, up to that with the id;
 * 0: all of them. */
static feature_status
move_to_view(struct lf_intake *intake, struct lf_copy *copy, uint32_t id,
             struct feature_error *error)
{
    const struct lf_manifest *manifest = &copy->manifest;

    if (intake->stage == LF_STAGE_CATALOG) {
        LF_TRY(end_section(intake, error));
        LF_TRY(lf_copy_catalog(copy, error));
        intake->stage = LF_STAGE_ROWS;
    }
    while (!id || !copy->definition || copy->definition->id != id) {
        if (copy->definition) {
            LF_TRY(end_section(intake, error));
            LF_TRY(lf_copy_view_end(copy, error));
        }
        if (copy->view == manifest->view_count)
            break;
        LF_TRY(lf_copy_view(copy, error));
    }
    if (id && !copy->definition)
        return damaged("structure", "rows of a view that is out of place",
                       error);
    return FEATURE_OK;
}

static bool
may_be_view(const struct lf_intake *intake)
{
    return (intake->stage == LF_STAGE_CATALOG ||
            intake->stage == LF_STAGE_ROWS) &&
           intake->frame.view;
}

static feature_status
take_rows(struct lf_intake *intake, struct lf_copy *copy,
          struct feature_error *error)
{
    if (!may_be_view(intake))
        return damaged("structure", "rows are out of place", error);
    LF_TRY(move_to_view(intake, copy, intake->frame.view, error));
    if (copy->is_history)
        return damaged("structure", "rows come after history", error);
    LF_TRY(unpack(intake, error));
    return take_block(intake, copy, &rows_section, error);
}

static feature_status
take_history(struct lf_intake *intake, struct lf_copy *copy,
             struct feature_error *error)
{
    if (!may_be_view(intake))
        return damaged("structure", "history is out of place", error);
    LF_TRY(move_to_view(intake, copy, intake->frame.view, error));
    if (!copy->is_history) {
        LF_TRY(end_section(intake, error));
        LF_TRY(lf_copy_history(copy, error));
    }
    LF_TRY(unpack(intake, error));
    return take_block(intake, copy, &history_section, error);
}

/* The views are all there by then. */
static feature_status
take_ids(struct lf_intake *intake, struct lf_copy *copy,
         struct feature_error *error)
{
    uint32_t event = intake->frame.view;

    if (intake->stage == LF_STAGE_MANIFEST || intake->stage == LF_STAGE_LOADS ||
        !event)
        return damaged("structure", "ids of an event are out of place", error);
    if (intake->stage != LF_STAGE_IDS) {
        LF_TRY(move_to_view(intake, copy, 0, error));
        intake->stage = LF_STAGE_IDS;
    }
    if (!copy->event || copy->event->id != event) {
        LF_TRY(end_section(intake, error));
        LF_TRY(lf_copy_ids(copy, event, error));
    }
    LF_TRY(unpack(intake, error));
    return take_block(intake, copy, &ids_section, error);
}

/* After all else. */
static feature_status
take_loads(struct lf_intake *intake, struct lf_copy *copy,
           struct feature_error *error)
{
    if (intake->stage == LF_STAGE_MANIFEST || intake->frame.view)
        return damaged("structure", "records of loads are out of place", error);
    if (intake->stage != LF_STAGE_LOADS) {
        LF_TRY(intake->stage == LF_STAGE_IDS
                   ? end_section(intake, error)
                   : move_to_view(intake, copy, 0, error));
        intake->stage = LF_STAGE_LOADS;
        LF_TRY(lf_copy_loads(copy, error));
    }
    LF_TRY(unpack(intake, error));
    return take_block(intake, copy, &loads_section, error);
}

static feature_status
take_frame(struct lf_intake *intake, struct lf_copy *copy,
           struct feature_error *error)
{
    const struct lf_frame *frame = &intake->frame;
    bool is_manifest = !strcmp(frame->name, LF_FRAME_MANIFEST);

    if (intake->stage == LF_STAGE_MANIFEST && !is_manifest)
        return damaged("structure", "a snapshot begins with its manifest",
                       error);
    if (is_manifest)
        return take_manifest(intake, copy, error);
    if (!strcmp(frame->name, LF_FRAME_CATALOG))
        return take_catalog(intake, copy, error);
    if (!strcmp(frame->name, LF_FRAME_ROWS))
        return take_rows(intake, copy, error);
    if (!strcmp(frame->name, LF_FRAME_HISTORY))
        return take_history(intake, copy, error);
    if (!strcmp(frame->name, LF_FRAME_IDS))
        return take_ids(intake, copy, error);
    if (!strcmp(frame->name, LF_FRAME_LOADS))
        return take_loads(intake, copy, error);
    if (frame->flags & LF_FRAME_CRITICAL)
        return lf_fail(error, FEATURE_VERSION, "feature-bits",
                       "the section \"%s\" is of a newer libfeature, and the "
                       "snapshot is not whole without it",
                       frame->name);
    return FEATURE_OK;
}

static feature_status
check_trailer(struct lf_intake *intake, const struct lf_copy *copy,
              struct feature_error *error)
{
    struct lf_trailer trailer;
    uint8_t sum[LF_SHA256_SIZE], more;
    size_t got;

    if (intake->frame.size != LF_TRAILER_SIZE ||
        intake->frame.flags & LF_FRAME_PACKED)
        return damaged("structure", "the trailer has a wrong size", error);
    lf_trailer_read(intake->stored, &trailer);
    lf_sha256_end(&intake->sum, sum);
    if (memcmp(sum, trailer.sum, sizeof sum) != 0)
        return damaged("checksum", "the file does not match its checksum",
                       error);
    if (trailer.frames != intake->frames || trailer.rows != copy->rows ||
        trailer.bytes != intake->bytes || trailer.size != intake->next)
        return damaged("structure", "the totals do not match", error);
    intake->at = intake->next;
    LF_TRY(read_some(intake, &more, 1, &got, error));
    if (got)
        return damaged("structure", "bytes follow the trailer", error);
    return FEATURE_OK;
}

static feature_status
take_all(struct lf_intake *intake, struct lf_copy *copy,
         struct feature_error *error)
{
    LF_TRY(read_head(intake, error));
    for (;;) {
        LF_TRY(read_frame(intake, error));
        if (intake->is_end)
            break;
        LF_TRY(take_frame(intake, copy, error));
    }
    if (intake->stage == LF_STAGE_MANIFEST)
        return damaged("structure", "a snapshot begins with its manifest",
                       error);
    LF_TRY(intake->stage >= LF_STAGE_IDS
               ? end_section(intake, error)
               : move_to_view(intake, copy, 0, error));
    return check_trailer(intake, copy, error);
}

feature_status
lf_copy_file(struct lf_copy *copy, struct lf_intake *intake,
             struct feature_error *error)
{
    feature_status status = take_all(intake, copy, error);

    if (status == FEATURE_CORRUPT || status == FEATURE_VERSION)
        lf_error_prefix(error, "byte %llu: ", (unsigned long long)intake->at);
    return status;
}
