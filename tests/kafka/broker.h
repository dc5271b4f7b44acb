/* SPDX-License-Identifier: Apache-2.0 */
/* The process of the cluster. */
#ifndef TESTS_KAFKA_BROKER_H
#define TESTS_KAFKA_BROKER_H

#include "cluster.h"

/* The work of that process; context is the struct shared. Never returns. */
void be_broker(void *shared) __attribute__((noreturn));

int64_t amount_of(uint64_t part, uint64_t number);

#endif
