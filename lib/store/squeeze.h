/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks into frames: packed by threads, written in order. */
#ifndef LF_STORE_SQUEEZE_H
#define LF_STORE_SQUEEZE_H

#include <pthread.h>
#include <stdbool.h>

#include "format/frame.h"
#include "store/output.h"

#define LF_BLOCK_SIZE  (1u << 20) /* of a block, before it is packed */
#define LF_WORKERS_MAX 16

struct lf_block {
    struct lf_frame frame; /* the caller fills name, flags, view, items, size */
    uint8_t head[LF_FRAME_HEAD_SIZE];
    uint8_t *raw;    /* LF_BLOCK_SIZE of room, for the caller to fill */
    uint8_t *packed; /* as much, for the packer */
    bool is_ready;   /* to be written */
};

struct lf_squeeze {
    struct lf_output *output;
    struct lf_block blocks[LF_WORKERS_MAX + 2];
    struct lf_packer *packers[LF_WORKERS_MAX];
    pthread_t threads[LF_WORKERS_MAX];
    pthread_mutex_t mutex; /* of what follows, once there are threads */
    pthread_cond_t work;   /* a block was given, or it is over */
    pthread_cond_t done;   /* a block was packed */
    uint32_t thread_count; /* 0: the caller packs */
    uint32_t packer_count;
    uint32_t block_count;
    uint64_t given;   /* blocks handed in */
    uint64_t taken;   /* by a thread */
    uint64_t written; /* to the file */
    uint64_t bytes;   /* of frames, unpacked */
    bool is_over;
    bool no_memory;
};

/* workers: threads beside the caller; 1: none, the caller packs. Fewer where
 * the system gives no more. */
feature_status lf_squeeze_begin(struct lf_squeeze *squeeze, int level,
                                uint32_t workers, struct lf_output *output,
                                struct feature_error *error);

/* A block to fill. It stays the same until it is given. */
feature_status lf_squeeze_next(struct lf_squeeze *squeeze,
                               struct lf_block **block,
                               struct feature_error *error);
feature_status lf_squeeze_give(struct lf_squeeze *squeeze,
                               struct feature_error *error);

/* Writes all that was given. */
feature_status lf_squeeze_drain(struct lf_squeeze *squeeze,
                                struct feature_error *error);

/* Ends the threads and frees, after a failed begin too. */
void lf_squeeze_end(struct lf_squeeze *squeeze);

#endif
