/* SPDX-License-Identifier: Apache-2.0 */
/* open.lock: who opens, who has the store open, who writes. */
#ifndef LF_ENGINE_LOCKS_H
#define LF_ENGINE_LOCKS_H

#include "engine/environment.h"

/* Held around every open and close of LMDB's environment. BUSY `open-lock`
 * after wait_ms. */
feature_status lf_open_lock(int lock_file, uint32_t wait_ms,
                            struct feature_error *error);
void lf_open_unlock(int lock_file);

/* Marks the store as open in this process, until the file is closed. Compares
 * this process with those that have it open. */
feature_status lf_owner_claim(int lock_file, int directory,
                              struct feature_error *error);

/* Nobody else has the store open. */
bool lf_owner_is_alone(int lock_file);

/* The gate before LMDB's own writer mutex, which has no deadline. waited is set
 * where somebody else is in it. */
feature_status lf_writer_gate_enter(int lock_file, int64_t deadline_ms,
                                    bool *waited, struct feature_error *error);
void lf_writer_gate_leave(int lock_file);

/* Whether another process waits for the gate now. */
bool lf_writer_gate_is_wanted(int lock_file);

/* The writers of this process, before they meet those of others: first come, first
 * served. */
bool lf_queue_init(struct lf_queue *queue);
void lf_queue_destroy(struct lf_queue *queue);
feature_status lf_queue_enter(struct lf_queue *queue, int64_t deadline_ms,
                              bool *waited, struct feature_error *error);
void lf_queue_leave(struct lf_queue *queue);

/* How many wait. */
uint32_t lf_queue_length(struct lf_queue *queue);

#endif
