/* SPDX-License-Identifier: Apache-2.0 */
/* What `meta` says of the change feed, and the records of `offsets`. */
#ifndef LF_FORMAT_FEED_H
#define LF_FORMAT_FEED_H

#include <stdbool.h>

#include "base/buffer.h"
#include "format/change.h"

#define LF_FEED_KEY        "feed"
#define LF_SEGMENT_PREFIX  "changes/"
#define LF_CONSUMER_PREFIX "consumer/"
#define LF_CONSUMER_MAX    64 /* bytes of a name */
#define LF_FEED_KEY_SIZE   (sizeof LF_CONSUMER_PREFIX + LF_CONSUMER_MAX)
#define LF_OFFSET_KEY_SIZE (LF_SOURCE_NAME_MAX + 5)
#define LF_OFFSETS_TREE    "offsets"

enum lf_feed_flag {
    LF_FEED_ON = 1,       /* commits are logged */
    LF_FEED_FOLLOWER = 2, /* only a leader's records are written */
    LF_FEED_KNOWN = LF_FEED_ON | LF_FEED_FOLLOWER
};

/* meta/feed. Segments are the trees changes/<first sequence>; all but the
 * newest are closed. */
struct lf_meta_feed {
    uint64_t flags;
    uint64_t first;  /* sequence of the first record that is kept */
    uint64_t head;   /* of the last one; first - 1: none yet */
    uint64_t served; /* the last one that a cut of power cannot take back */
    uint8_t chain[LF_CHAIN_SIZE]; /* after head, or after what was followed */
    uint64_t bytes;               /* of all segments */
    uint64_t segment;             /* first sequence of the newest one */
    uint64_t segment_bytes;
    int64_t segment_time; /* of its first commit */
    uint64_t oldest_last; /* last sequence of the oldest closed one; 0: none */
    int64_t oldest_time;  /* of that commit */
    int64_t head_time;    /* of the commit of head */
};

#define LF_META_FEED_SIZE (4 + 4 * 8 + LF_CHAIN_SIZE + 7 * 8)

/* meta/changes/<last sequence>: a closed segment. */
struct lf_segment {
    uint64_t first;
    uint64_t last;
    int64_t last_time;
    uint64_t bytes;
};

#define LF_SEGMENT_SIZE (4 + 4 * 8)

/* meta/consumer/<name>. */
struct lf_consumer {
    uint64_t acknowledged;
    int64_t expires; /* commit clock */
};

#define LF_CONSUMER_SIZE (4 + 3 * 8)

/* A record of the tree offsets: key is name, 0, partition u32 big-endian. */
struct lf_offset {
    uint64_t next_offset;
    uint64_t sequence; /* of the commit that stored it */
    uint64_t jumps;    /* forward, ever */
    struct lf_slice position;
};

#define LF_OFFSET_SIZE (4 + 4 * 8) /* and the position */

void lf_meta_feed_encode(const struct lf_meta_feed *feed,
                         uint8_t to[LF_META_FEED_SIZE]);
bool lf_meta_feed_decode(struct lf_meta_feed *feed, const uint8_t *bytes,
                         size_t size);

void lf_segment_key(uint64_t last, char key[LF_FEED_KEY_SIZE]);
void lf_segment_encode(const struct lf_segment *segment,
                       uint8_t to[LF_SEGMENT_SIZE]);
bool lf_segment_decode(struct lf_segment *segment, const uint8_t *key,
                       size_t key_size, const uint8_t *bytes, size_t size);

/* False: no name for a consumer. */
bool lf_consumer_key(const char *name, char key[LF_FEED_KEY_SIZE]);
void lf_consumer_encode(const struct lf_consumer *consumer, const char *key,
                        uint8_t to[LF_CONSUMER_SIZE]);
bool lf_consumer_decode(struct lf_consumer *consumer, const uint8_t *key,
                        size_t key_size, const uint8_t *bytes, size_t size);

size_t lf_offset_key(const char *name, uint32_t partition,
                     uint8_t key[LF_OFFSET_KEY_SIZE]);
/* False: no memory. */
bool lf_offset_encode(const struct lf_offset *offset, const uint8_t *key,
                      size_t key_size, struct lf_buffer *to);
/* The position is borrowed from the bytes. */
bool lf_offset_decode(struct lf_offset *offset, const uint8_t *key,
                      size_t key_size, const uint8_t *bytes, size_t size);

#endif
