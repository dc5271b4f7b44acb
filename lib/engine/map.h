/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map: its size, its base, its growth. */
#ifndef LF_ENGINE_MAP_H
#define LF_ENGINE_MAP_H

#include "engine/environment.h"

/* Bytes to ask for: the option, or 1 TiB; never above FEATURE_MAP_SIZE. */
uint64_t lf_map_wanted(uint64_t option);

/* The smallest map worth opening a file of that size with. */
uint64_t lf_map_floor(uint64_t file_size);

/* Finds where LMDB put the map, within a read transaction that is not of an
 * empty store. */
feature_status lf_map_locate(struct lf_environment *environment, MDB_txn *txn,
                             struct feature_error *error);

/* Another process made the store larger than our map: makes ours as large.
 * remaps is the count from before the failure; when it has moved on, somebody
 * else has done it. */
feature_status lf_map_adopt(struct lf_environment *environment, uint32_t remaps,
                            struct feature_error *error);

/* The same, where nobody else can use the environment. */
feature_status lf_map_follow(struct lf_environment *environment,
                             struct feature_error *error);

#endif
