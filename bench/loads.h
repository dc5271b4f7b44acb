/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the program behind bench/loads.py share. */
#ifndef BENCH_LOADS_H
#define BENCH_LOADS_H

#include <stdbool.h>

#include "arrow.h"
#include "times.h"

#define LOADS_FEATURES 20
#define LOADS_PATTERN  "ffdifffdiffffbffdiwf" /* f32 f64 i64 i32 bool */
#define LOADS_TIME     INT64_C(1700000000000000)

enum loads_order { LOADS_SORTED, LOADS_SHUFFLED };

/* --- the stream (loads_stream.c) ------------------------------------------------- */

/* Record batches of 64 Ki rows: item_id, event_timestamp, f0 to f19. Values are
 * made before; keys and times with each batch, seconds of which are added up. */
struct loads_stream;

struct loads_stream *loads_stream_make(uint64_t rows, enum loads_order order);
void loads_stream_open(struct loads_stream *made,
                       struct ArrowArrayStream *stream);
double loads_stream_seconds(const struct loads_stream *made);

/* CREATE statements of the view v that takes it. */
const char *loads_definitions(void);

/* --- LMDB alone (loads_raw.c) ----------------------------------------------------- */

/* For each line of the input, the seconds that LMDB alone takes to append the rows
 * that the store serves to a new environment, in commits of so many bytes. */
void loads_append(const char *store, const char *to, size_t commit);

/* --- beside a load (loads_beside.c) ------------------------------------------------ */

/* Until the input ends: what it times between a line "go" and a line "stop". */
void loads_write(feature_store *store, uint64_t rows);
void loads_read(feature_store *store, uint64_t rows);

/* --- the heap (loads_heap.c) -------------------------------------------------------- */

/* Bytes of malloc by the whole process, LMDB's pages in memory included. */
uint64_t loads_heap(void);
uint64_t loads_heap_peak(void); /* since the last loads_heap_begin */
void loads_heap_begin(void);

#endif
