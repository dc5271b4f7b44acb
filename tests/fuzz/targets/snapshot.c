/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot files, whose checksums and totals are made right, unless the first
 * byte says otherwise.
 *
 * Property: a refusal is FEATURE_CORRUPT or FEATURE_VERSION and named; no wrong
 * totals are accepted; a file that passes --verify-only makes a store that opens, describes itself and can
 * be saved again.
 */
#include "target.h"

#include <fcntl.h>

#include "base/bytes.h"
#include "format/frame.h"

enum { RAW = 1, KEEP_TRAILER = 2 };

/* Whether the trailer of the input at hand tells the truth. */
static bool is_true;

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The end: how many frames, which bytes and their sum. */
static void
seal_end(uint8_t *bytes, size_t at, struct lf_frame *frame, uint64_t frames,
         uint64_t unpacked, bool keeps)
{
    uint8_t *content = bytes + at + LF_FRAME_HEAD_SIZE;
    struct lf_trailer trailer;
    struct lf_sha256 sum;

    lf_trailer_read(content, &trailer);
    is_true =
        !keeps || (trailer.frames == frames && trailer.bytes == unpacked &&
                   trailer.size == at + LF_FRAME_HEAD_SIZE + LF_TRAILER_SIZE);
    if (!keeps) {
        trailer.frames = frames;
        trailer.bytes = unpacked;
        trailer.size = at + LF_FRAME_HEAD_SIZE + LF_TRAILER_SIZE;
    }
    lf_sha256_begin(&sum);
    lf_sha256_add(&sum, bytes, at);
    lf_sha256_end(&sum, trailer.sum);
    lf_trailer_write(&trailer, content);
    lf_frame_write(frame, content, bytes + at);
}

/* Frames follow each other as far as their heads go. */
static void
seal(uint8_t *bytes, size_t size, bool keeps)
{
    size_t at = LF_SNAPSHOT_HEAD_SIZE;
    uint64_t unpacked = 0;
    uint32_t frames = 0;
    struct lf_frame frame;

    if (size >= LF_SNAPSHOT_HEAD_SIZE)
        lf_snapshot_head_write(bytes);
    while (size >= at + LF_FRAME_HEAD_SIZE &&
           !lf_frame_read(bytes + at, &frame)) {
        size_t room = size - at - LF_FRAME_HEAD_SIZE;

        if (frame.stored > room)
            return;
        frame.number = frames++;
        if (!strcmp(frame.name, LF_FRAME_END) &&
            frame.stored == LF_TRAILER_SIZE) {
            seal_end(bytes, at, &frame, frames - 1, unpacked, keeps);
            return;
        }
        lf_frame_write(&frame, bytes + at + LF_FRAME_HEAD_SIZE, bytes + at);
        unpacked += frame.size;
        at += LF_FRAME_HEAD_SIZE + least(frame.stored, room);
    }
}

static void
put_file(const char *path, const uint8_t *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        abort();
    close(file);
}

static void
remove_store(const char *path)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock"};
    char name[300];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "%s/%s", path, names[i]);
        unlink(name);
    }
    expect(!rmdir(path), "a store is its files");
}

static void
use(const char *file, const char *path)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .map_size = 1u << 26};
    struct feature_error error;
    feature_store *store;
    char *text;

    expect(!feature_store_restore(file, path, NULL, NULL, NULL, &error),
           "what is verified is restored");
    expect(!feature_store_open(path, &options, &store, &error),
           "what is restored opens");
    expect(!feature_store_describe(store, NULL, &text, &error),
           "a restored store is described");
    feature_free(text);
    expect(!feature_store_snapshot(store, file, NULL, NULL, NULL, &error),
           "a restored store is saved");
    feature_store_close(store);
    remove_store(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};
    struct input input = {bytes, bytes + size};
    uint8_t first = take_u8(&input);
    struct feature_error error = {0};
    char file[250], path[250];
    uint8_t *made;
    feature_status status;

    is_true = true;
    size = left_of(&input);
    made = exact_copy(input.at, size);
    if (!(first & RAW))
        seal(made, size, first & KEEP_TRAILER);
    snprintf(file, sizeof file, "%s/file", target_directory());
    snprintf(path, sizeof path, "%s/store", target_directory());
    put_file(file, made, size);
    free(made);
    status = feature_store_restore(file, NULL, &options, NULL, NULL, &error);
    if (status) {
        expect_named(status, &error);
        expect(status == FEATURE_CORRUPT || status == FEATURE_VERSION,
               "damage is damage");
        return 0;
    }
    expect(is_true, "totals are compared");
    use(file, path);
    return 0;
}
