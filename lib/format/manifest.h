/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's manifest (format/snapshot.proto). */
#ifndef LF_FORMAT_MANIFEST_H
#define LF_FORMAT_MANIFEST_H

#include "base/buffer.h"
#include "format/feed.h"
#include "format/meta.h"
#include "libfeature.h"

#define LF_MANIFEST_MAX (256u << 10)

struct lf_manifest_view {
    uint32_t id;
    struct lf_meta_view meta;
};

/* The feed's position, a consumer, or the offset of a source; checked. */
struct lf_manifest_record {
    bool is_offset;
    struct lf_slice key;
    struct lf_slice value;
};

/* What is copied, and what has to come out. The commit tokens of meta are those
 * of writers that are gone: they are not part of it. */
struct lf_manifest {
    struct lf_meta_store meta;
    uint32_t view_count;
    struct lf_manifest_view *views; /* in order of id */
    uint32_t record_count;
    struct lf_manifest_record *records;
};

/* Appends the message. */
feature_status lf_manifest_encode(const struct lf_manifest *manifest,
                                  struct lf_buffer *to,
                                  struct feature_error *error);

/* Any bytes are safe. The views lie in arena. */
feature_status lf_manifest_decode(const uint8_t *bytes, size_t size,
                                  struct lf_arena *arena,
                                  struct lf_manifest *manifest,
                                  struct feature_error *error);

#endif
