/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of a snapshot file, and zstd. See docs/format.md. */
#ifndef LF_FORMAT_FRAME_H
#define LF_FORMAT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

#define LF_SNAPSHOT_VERSION   1
#define LF_SNAPSHOT_HEAD_SIZE 16
#define LF_FRAME_HEAD_SIZE    40
#define LF_FRAME_MAX          (4u << 20) /* bytes of a frame, packed or not */
#define LF_FRAME_NAME_SIZE    9          /* with its NUL */
#define LF_LEVEL_MAX          19

#define LF_FRAME_MANIFEST "manifest"
#define LF_FRAME_CATALOG  "catalog"
#define LF_FRAME_ROWS     "rows"
#define LF_FRAME_HISTORY  "history"
#define LF_FRAME_IDS      "ids"
#define LF_FRAME_LOADS    "loads"
#define LF_FRAME_END      "end"

enum lf_frame_flag {
    LF_FRAME_CRITICAL = 1, /* who does not know its name must not go on */
    LF_FRAME_PACKED = 2,   /* by zstd */
    LF_FRAME_KNOWN_FLAGS = LF_FRAME_CRITICAL | LF_FRAME_PACKED
};

struct lf_frame {
    char name[LF_FRAME_NAME_SIZE];
    uint32_t flags;
    uint32_t stored; /* bytes that follow */
    uint32_t size;   /* of them, unpacked */
    uint32_t view;   /* id, of ids that of the event; 0: of neither */
    uint32_t number; /* frames before it */
    uint32_t items;  /* records that end in it */
};

/* The last frame's content. */
struct lf_trailer {
    uint64_t frames; /* before it */
    uint64_t rows;
    uint64_t bytes;              /* of all frames before it, unpacked */
    uint64_t size;               /* of the file */
    uint8_t sum[LF_SHA256_SIZE]; /* of all bytes before its frame */
};

#define LF_TRAILER_SIZE (4 * 8 + LF_SHA256_SIZE)

void lf_snapshot_head_write(uint8_t to[LF_SNAPSHOT_HEAD_SIZE]);

/* NULL, or what is wrong; *version is set where the rest is right. */
const char *lf_snapshot_head_read(const uint8_t from[LF_SNAPSHOT_HEAD_SIZE],
                                  uint32_t *version);

/* The head of a frame, with the checksum over it and the bytes that follow. */
void lf_frame_write(const struct lf_frame *frame, const void *stored,
                    uint8_t to[LF_FRAME_HEAD_SIZE]);

/* Reads a head and checks all in it but its checksum: afterwards the sizes are
 * safe to go by. NULL, or what is wrong. */
const char *lf_frame_read(const uint8_t from[LF_FRAME_HEAD_SIZE],
                          struct lf_frame *frame);
bool lf_frame_matches(const uint8_t head[LF_FRAME_HEAD_SIZE],
                      const void *stored, size_t size);

void lf_trailer_write(const struct lf_trailer *trailer,
                      uint8_t to[LF_TRAILER_SIZE]);
void lf_trailer_read(const uint8_t from[LF_TRAILER_SIZE],
                     struct lf_trailer *trailer);

/* One end of zstd; for one thread at a time. NULL: no memory. */
struct lf_packer;
struct lf_packer *lf_packer_create(int level);
void lf_packer_free(struct lf_packer *packer); /* NULL is fine */

/* Packs into size bytes of room. *packed is 0 where it would not get smaller.
 * False: no memory. */
bool lf_packer_pack(struct lf_packer *packer, const void *from, size_t size,
                    void *to, size_t *packed);

struct lf_unpacker;
struct lf_unpacker *lf_unpacker_create(void);
void lf_unpacker_free(struct lf_unpacker *unpacker); /* NULL is fine */

/* Unpacks a frame into exactly frame->size bytes. NULL, or what is wrong;
 * LF_FRAME_NO_MEMORY is one of the answers. */
extern const char LF_FRAME_NO_MEMORY[];
const char *lf_unpacker_unpack(struct lf_unpacker *unpacker,
                               const struct lf_frame *frame, const void *from,
                               void *to);

#endif
