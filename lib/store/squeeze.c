/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks into frames.
 *
 * Owns the threads that pack, for as long as one call runs.
 * Keeps the frames in the order in which the blocks were given: the caller
 * alone writes, when it wants the oldest block's room again.
 * Never lets a signal of the host arrive on one of its threads.
 */
#include "store/squeeze.h"

#include <signal.h>

#include "base/alloc.h"
#include "base/error.h"

static struct lf_block *
block_at(struct lf_squeeze *squeeze, uint64_t number)
{
    return &squeeze->blocks[number % squeeze->block_count];
}

/* False: no memory. */
static bool
pack(struct lf_packer *packer, struct lf_block *block)
{
    struct lf_frame *frame = &block->frame;
    const uint8_t *stored = block->raw;
    size_t packed;

    if (!lf_packer_pack(packer, block->raw, frame->size, block->packed,
                        &packed))
        return false;
    frame->stored = frame->size;
    if (packed) {
        frame->stored = (uint32_t)packed;
        frame->flags |= LF_FRAME_PACKED;
        stored = block->packed;
    }
    lf_frame_write(frame, stored, block->head);
    return true;
}

/* With the mutex held; NULL: it is over. */
static struct lf_block *
take(struct lf_squeeze *squeeze)
{
    while (squeeze->taken == squeeze->given && !squeeze->is_over)
        pthread_cond_wait(&squeeze->work, &squeeze->mutex);
    if (squeeze->is_over)
        return NULL;
    return block_at(squeeze, squeeze->taken++);
}

/* A thread finds its packer by its number. */
static void *
work(void *context)
{
    struct lf_squeeze *squeeze = context;
    struct lf_packer *packer;
    struct lf_block *block;

    pthread_mutex_lock(&squeeze->mutex);
    packer = squeeze->packers[squeeze->packer_count++];
    while ((block = take(squeeze))) {
        bool is_packed;

        pthread_mutex_unlock(&squeeze->mutex);
        is_packed = pack(packer, block);
        pthread_mutex_lock(&squeeze->mutex);
        block->is_ready = true;
        squeeze->no_memory |= !is_packed;
        pthread_cond_signal(&squeeze->done);
    }
    pthread_mutex_unlock(&squeeze->mutex);
    return NULL;
}

/* Signals stay with the threads of the host. */
static void
start_threads(struct lf_squeeze *squeeze, uint32_t workers)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (squeeze->thread_count < workers &&
           !pthread_create(&squeeze->threads[squeeze->thread_count], NULL, work,
                           squeeze))
        squeeze->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

feature_status
lf_squeeze_begin(struct lf_squeeze *squeeze, int level, uint32_t workers,
                 struct lf_output *output, struct feature_error *error)
{
    *squeeze = (struct lf_squeeze){.output = output};
    pthread_mutex_init(&squeeze->mutex, NULL);
    pthread_cond_init(&squeeze->work, NULL);
    pthread_cond_init(&squeeze->done, NULL);
    squeeze->block_count = workers > 1 ? workers + 2 : 1;
    for (uint32_t i = 0; i < squeeze->block_count; i++) {
        struct lf_block *block = &squeeze->blocks[i];

        block->raw = lf_alloc(LF_BLOCK_SIZE);
        block->packed = lf_alloc(LF_BLOCK_SIZE);
        if (!block->raw || !block->packed)
            return lf_fail_memory(error);
    }
    for (uint32_t i = 0; i < workers; i++) {
        squeeze->packers[i] = lf_packer_create(level);
        if (!squeeze->packers[i])
            return lf_fail_memory(error);
    }
    if (workers > 1)
        start_threads(squeeze, workers);
    return FEATURE_OK;
}

/* The oldest block that was given, to the file. */
static feature_status
write_oldest(struct lf_squeeze *squeeze, struct feature_error *error)
{
    struct lf_block *block = block_at(squeeze, squeeze->written);
    const struct lf_frame *frame = &block->frame;
    bool no_memory;

    if (squeeze->thread_count) {
        pthread_mutex_lock(&squeeze->mutex);
        while (!block->is_ready)
            pthread_cond_wait(&squeeze->done, &squeeze->mutex);
        no_memory = squeeze->no_memory;
        pthread_mutex_unlock(&squeeze->mutex);
    } else {
        no_memory = !pack(squeeze->packers[0], block);
    }
    if (no_memory)
        return lf_fail_memory(error);
    squeeze->written++;
    squeeze->bytes += frame->size;
    LF_TRY(lf_output_write(squeeze->output, block->head, sizeof block->head,
                           error));
    return lf_output_write(squeeze->output,
                           frame->flags & LF_FRAME_PACKED ? block->packed
                                                          : block->raw,
                           frame->stored, error);
}

feature_status
lf_squeeze_next(struct lf_squeeze *squeeze, struct lf_block **block,
                struct feature_error *error)
{
    if (squeeze->given - squeeze->written == squeeze->block_count)
        LF_TRY(write_oldest(squeeze, error));
    *block = block_at(squeeze, squeeze->given);
    return FEATURE_OK;
}

feature_status
lf_squeeze_give(struct lf_squeeze *squeeze, struct feature_error *error)
{
    struct lf_block *block = block_at(squeeze, squeeze->given);

    if (squeeze->given > UINT32_MAX)
        return lf_fail(error, FEATURE_FULL, "output-size",
                       "a snapshot has at most 2^32 blocks");
    block->frame.number = (uint32_t)squeeze->given;
    pthread_mutex_lock(&squeeze->mutex);
    block->is_ready = false;
    squeeze->given++;
    pthread_cond_signal(&squeeze->work);
    pthread_mutex_unlock(&squeeze->mutex);
    return FEATURE_OK;
}

feature_status
lf_squeeze_drain(struct lf_squeeze *squeeze, struct feature_error *error)
{
    while (squeeze->written < squeeze->given)
        LF_TRY(write_oldest(squeeze, error));
    return FEATURE_OK;
}

void
lf_squeeze_end(struct lf_squeeze *squeeze)
{
    pthread_mutex_lock(&squeeze->mutex);
    squeeze->is_over = true;
    pthread_cond_broadcast(&squeeze->work);
    pthread_mutex_unlock(&squeeze->mutex);
    while (squeeze->thread_count)
        pthread_join(squeeze->threads[--squeeze->thread_count], NULL);
    for (uint32_t i = 0; i < LF_WORKERS_MAX; i++)
        lf_packer_free(squeeze->packers[i]);
    for (uint32_t i = 0; i < LF_WORKERS_MAX + 2; i++) {
        lf_free(squeeze->blocks[i].raw);
        lf_free(squeeze->blocks[i].packed);
    }
    pthread_cond_destroy(&squeeze->work);
    pthread_cond_destroy(&squeeze->done);
    pthread_mutex_destroy(&squeeze->mutex);
}
