/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: the operations of one episode, and how to do without most of them. */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include "isolate.h"
#include "make.h"

/* An episode as its seed makes it; borrowed by everything made from it. */
struct trace {
    struct arena arena;
    struct world world; /* the model alone, at the end of the trace */
    uint64_t seed;
    enum plant plant;
    uint32_t count;
    struct operation *operations;
    uint32_t *parts; /* of each operation */
    bool *kept;      /* which operations are done */
    bool **dropped;  /* which of their parts are not */
};

void trace_make(struct trace *trace, uint64_t seed, uint32_t count,
                enum plant plant);
void trace_free(struct trace *trace);

/* Does the kept part in a new store. */
void trace_replay(struct trace *trace, struct findings *findings);

/* Drops what the difference does not need, as far as it goes; at is where it
 * was seen. */
void trace_shrink(struct trace *trace, uint32_t at);

uint32_t trace_kept(const struct trace *trace);
void trace_print(const struct trace *trace, struct text *text);

/* "3,17-2-5,20": operations, each without some of its parts. False: bad. */
void trace_print_kept(const struct trace *trace, struct text *text);
bool trace_read_kept(struct trace *trace, const char *list);

#endif
