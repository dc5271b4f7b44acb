/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls that run out of memory begin with. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "support.h"

#define DEFINITIONS                                                       \
    "CREATE ENTITY e (k INT64, p STRING);"                                \
    "CREATE FEATURE VIEW v (a INT64 DEFAULT 1, s STRING DEFAULT 'x',"     \
    " t STRING[], f FLOAT32[2]) FOR e;"                                   \
    "CREATE FEATURE VIEW n (a INT64, b FLOAT32[2] DEFAULT [1, 2]) FOR e;" \
    "CREATE EVENT pay (k INT64, p STRING, x INT64, s STRING);"            \
    "CREATE FEATURE VIEW w (n = COUNT(*) OVER '1 hour',"                  \
    " total = SUM(x) OVER '1 hour', some = LAST(s, 40) OVER '1 hour')"    \
    " FOR e FROM pay WITH (history = '30 days');"                         \
    "CREATE FEATURE SERVICE s1 AS v(*), n(a AS b) AS m (k AS other);"

char *memory_text;

void
memory_broken(const char *format, ...)
{
    va_list arguments;

    allocation_fail(-1);
    va_start(arguments, format);
    if (memory_text)
        vsnprintf(memory_text, MEMORY_TEXT, format, arguments);
    else
        vfprintf(stderr, format, arguments);
    va_end(arguments);
    _exit(1);
}

void
memory_must(struct memory_scene *scene, feature_status status, const char *call)
{
    if (status)
        memory_broken("before the fault, %s: %.24s: %.200s", call,
                      scene->error.reason, scene->error.message);
}

void
memory_nothing(struct memory_scene *scene)
{
    (void)scene;
}

static void
open_with(struct memory_scene *scene, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags,
                                      .fixed_now =
                                          INT64_C(1767268800) * 1000000};

    MUST(scene, feature_store_open(scene->path, &options, &scene->store,
                                   &scene->error));
}

void
memory_open(struct memory_scene *scene)
{
    open_with(scene, 0);
}

feature_status
memory_set(struct memory_scene *scene, feature_batch *batch, uint32_t column)
{
    static int64_t numbers[MEMORY_ROWS];
    static int32_t offsets[MEMORY_ROWS + 1];
    static char bytes[MEMORY_ROWS];
    static uint8_t validity[MEMORY_ROWS / 8 + 1];
    uint32_t rows = scene->rows ? scene->rows : MEMORY_ROWS;

    memset(bytes, 'y', sizeof bytes);
    memset(validity, 0xb7, sizeof validity);
    for (int32_t i = 0; i <= MEMORY_ROWS; i++)
        offsets[i] = i;
    for (int64_t i = 0; i < MEMORY_ROWS; i++)
        numbers[i] = (i * 7919) % 1000 + column;
    if (column == 1 || column == 4)
        return feature_batch_set(batch, column, FEATURE_TYPE_STRING, bytes,
                                 offsets, column == 4 ? validity : NULL, rows,
                                 &scene->error);
    if (column == 5)
        return feature_batch_set_list(batch, column, FEATURE_TYPE_STRING, bytes,
                                      offsets, offsets, validity, rows,
                                      &scene->error);
    return feature_batch_set(batch, column, FEATURE_TYPE_INT64, numbers, NULL,
                             NULL, rows, &scene->error);
}

static void
fill(struct memory_scene *scene)
{
    MUST(scene, feature_batch_create(
                    scene->store, "v", "k, p, event_timestamp, a, s, t",
                    FEATURE_PATCH, &scene->batch, &scene->error));
    for (uint32_t i = 0; i < 6; i++)
        MUST(scene, memory_set(scene, scene->batch, i));
}

void
memory_batch(struct memory_scene *scene)
{
    memory_open(scene);
    fill(scene);
}

void
memory_query(struct memory_scene *scene)
{
    struct feature_query_options options = {.struct_size = sizeof options,
                                            .flags = FEATURE_QUERY_MATRIX};

    memory_open(scene);
    MUST(scene, feature_query_create(scene->store, "v(a, f), n(a AS b) AS m",
                                     &options, &scene->query, &scene->error));
}

void
memory_request(struct memory_scene *scene)
{
    static const int64_t numbers[] = {0, 919, 838};
    static const int32_t offsets[] = {0, 1, 2, 3};

    memory_query(scene);
    MUST(scene,
         feature_request_create(scene->query, &scene->request, &scene->error));
    MUST(scene, feature_request_set_key(scene->request, 0, FEATURE_TYPE_INT64,
                                        numbers, NULL, NULL, 3, &scene->error));
    MUST(scene,
         feature_request_set_key(scene->request, 1, FEATURE_TYPE_STRING, "yyy",
                                 offsets, NULL, 3, &scene->error));
}

void
memory_answer(struct memory_scene *scene)
{
    memory_request(scene);
    MUST(scene, feature_request_read(scene->request, &scene->error));
}

void
memory_close(struct memory_scene *scene)
{
    feature_free(scene->text);
    feature_batch_free(scene->batch);
    feature_sketch_free(scene->sketch);
    feature_sketch_free(scene->other);
    feature_changes_free(scene->changes);
    feature_request_free(scene->request);
    feature_query_free(scene->query);
    feature_store_close(scene->beside);
    feature_store_close(scene->store);
    scene->text = NULL;
    scene->batch = NULL;
    scene->changes = NULL;
    scene->sketch = scene->other = NULL;
    scene->request = NULL;
    scene->query = NULL;
    scene->store = scene->beside = NULL;
}

void
memory_make(struct memory_scene *scene)
{
    /* As many threads as any case starts: the C library keeps their stacks. */
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = 3};

    open_with(scene, FEATURE_OPEN_CREATE);
    MUST(scene, feature_store_apply(scene->store, DEFINITIONS, NULL, NULL,
                                    &scene->error));
    fill(scene);
    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                    &scene->error));
    MUST(scene, feature_store_snapshot(scene->store, scene->snapshot, &options,
                                       NULL, NULL, &scene->error));
    memory_close(scene);
}
