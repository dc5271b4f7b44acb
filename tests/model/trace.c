/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces: the operations of one episode.
 *
 * Owns making them again from a seed, and replaying a part of them.
 * Keeps a replay free of everything but the kept operations: a new store, a
 * new model.
 * Never stores a trace in a file: seed and list are all it takes.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

void
trace_make(struct trace *trace, uint64_t seed, uint32_t count, enum plant plant)
{
    struct maker maker;

    *trace = (struct trace){.seed = seed, .plant = plant, .count = count};
    world_begin(&trace->world, false, plant);
    maker_begin(&maker, seed, &trace->arena, &trace->world);
    trace->operations =
        arena_array(&trace->arena, count, sizeof *trace->operations);
    trace->parts = arena_array(&trace->arena, count, sizeof *trace->parts);
    trace->kept = arena_array(&trace->arena, count, sizeof *trace->kept);
    trace->dropped = arena_array(&trace->arena, count, sizeof *trace->dropped);
    for (uint32_t i = 0; i < count; i++) {
        trace->operations[i] = maker_next(&maker);
        (void)world_run(&trace->world, &trace->operations[i]);
        trace->parts[i] = operation_parts(&trace->operations[i]);
        trace->kept[i] = true;
        trace->dropped[i] = arena_array(&trace->arena, trace->parts[i],
                                        sizeof *trace->dropped[i]);
    }
}

void
trace_free(struct trace *trace)
{
    world_end(&trace->world);
    arena_free(&trace->arena);
}

static void
replay(void *context, struct findings *findings)
{
    const struct trace *trace = context;
    struct arena arena = {0};
    struct world world;

    world_begin(&world, true, trace->plant);
    for (uint32_t i = 0; i < trace->count; i++) {
        struct operation operation;

        if (!trace->kept[i])
            continue;
        operation =
            operation_without(&arena, &trace->operations[i], trace->dropped[i]);
        if (!findings_step(findings, &world, &operation, i))
            break;
    }
    findings_finish(findings, &world, trace->count);
    arena_free(&arena);
}

void
trace_replay(struct trace *trace, struct findings *findings)
{
    isolate(replay, trace, findings);
}

uint32_t
trace_kept(const struct trace *trace)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < trace->count; i++)
        kept += trace->kept[i];
    return kept;
}

void
trace_print(const struct trace *trace, struct text *text)
{
    struct arena arena = {0};

    for (uint32_t i = 0; i < trace->count; i++) {
        struct operation operation;

        if (!trace->kept[i])
            continue;
        operation =
            operation_without(&arena, &trace->operations[i], trace->dropped[i]);
        text_add(text, "#%u ", i);
        operation_print(text, &operation);
    }
    arena_free(&arena);
}

void
trace_print_kept(const struct trace *trace, struct text *text)
{
    const char *before = "";

    for (uint32_t i = 0; i < trace->count; i++) {
        if (!trace->kept[i])
            continue;
        text_add(text, "%s%u", before, i);
        for (uint32_t j = 0; j < trace->parts[i]; j++)
            if (trace->dropped[i][j])
                text_add(text, "-%u", j);
        before = ",";
    }
}

static bool
read_number(const char **list, uint32_t limit, uint32_t *number)
{
    char *end;
    unsigned long value = strtoul(*list, &end, 10);

    if (end == *list || value >= limit)
        return false;
    *list = end;
    *number = (uint32_t)value;
    return true;
}

bool
trace_read_kept(struct trace *trace, const char *list)
{
    uint32_t operation, part;

    memset(trace->kept, 0, trace->count * sizeof *trace->kept);
    for (;; list++) {
        if (!read_number(&list, trace->count, &operation))
            return false;
        trace->kept[operation] = true;
        while (*list == '-') {
            list++;
            if (!read_number(&list, trace->parts[operation], &part))
                return false;
            trace->dropped[operation][part] = true;
        }
        if (*list != ',')
            return *list == '\0';
    }
}
