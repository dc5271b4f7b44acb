/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that write, and scans, for the rig that lets them run out of memory. */
#include <errno.h>
#include <string.h>

#include "memory.h"

/* --- batches ----------------------------------------------------------------- */

static feature_status
call_create(struct memory_scene *scene)
{
    return feature_batch_create(scene->store, "v",
                                "p, k, event_timestamp, s, t, f", FEATURE_PATCH,
                                &scene->out.batch, &scene->error);
}

static void
undo_create(struct memory_scene *scene)
{
    feature_batch_free(scene->out.batch);
}

/* A batch whose columns have no memory yet. */
static void
prepare_empty(struct memory_scene *scene)
{
    memory_open(scene);
    MUST(scene, feature_batch_create(
                    scene->store, "v", "k, p, event_timestamp, a, s, t",
                    FEATURE_PATCH, &scene->batch, &scene->error));
}

static feature_status
call_set(struct memory_scene *scene)
{
    return memory_set(scene, scene->batch, 1);
}

static feature_status
call_set_list(struct memory_scene *scene)
{
    return memory_set(scene, scene->batch, 5);
}

static feature_status
call_column(struct memory_scene *scene)
{
    return feature_batch_column(scene->batch, 3, &scene->out.field,
                                &scene->error);
}

static void
prepare_written(struct memory_scene *scene)
{
    memory_batch(scene);
    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                    &scene->error));
}

static feature_status
call_outcomes(struct memory_scene *scene)
{
    return feature_batch_outcomes(scene->batch) ? FEATURE_OK : FEATURE_INVALID;
}

static feature_status
call_problem(struct memory_scene *scene)
{
    return feature_batch_problem(scene->batch, 7, &scene->error);
}

static feature_status
call_clear(struct memory_scene *scene)
{
    feature_batch_clear(scene->batch);
    return FEATURE_OK;
}

static feature_status
call_free(struct memory_scene *scene)
{
    feature_batch_free(scene->batch);
    scene->batch = NULL;
    return FEATURE_OK;
}

/* --- writes ------------------------------------------------------------------ */

static feature_status
call_write(struct memory_scene *scene)
{
    feature_status status =
        feature_store_write(scene->store, &scene->batch, 1, NULL,
                            &scene->out.commit, &scene->error);

    if (status && feature_batch_outcomes(scene->batch))
        memory_broken("a failed write left outcomes");
    return status;
}

/* A view that was given a feature since has its rows taken apart. */
static void
prepare_migration(struct memory_scene *scene)
{
    memory_batch(scene);
    MUST(scene,
         feature_store_apply(scene->store,
                             "CREATE FEATURE VIEW v (z INT64 DEFAULT 4) FOR e",
                             NULL, NULL, &scene->error));
}

/* --- Arrow ------------------------------------------------------------------- */

/* A producer in static memory: the allocations are the library's alone. */
static struct ArrowSchema schemas[4], *schema_list[4];
static struct ArrowArray arrays[4], *array_list[4];
static const void *buffers[4][3];
static int64_t numbers[MEMORY_ROWS];
static int32_t offsets[MEMORY_ROWS + 1];
static char bytes[MEMORY_ROWS];
static int produced;

static void
release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void
release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static int
give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    static const char *const names[] = {"k", "p", "event_timestamp", "a"};
    static const char *const formats[] = {"l", "u", "tsu:UTC", "l"};

    (void)stream;
    for (int i = 0; i < 4; i++) {
        schemas[i] = (struct ArrowSchema){.format = formats[i],
                                          .name = names[i],
                                          .flags = ARROW_FLAG_NULLABLE,
                                          .release = release_schema};
        schema_list[i] = &schemas[i];
    }
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = 4,
                                .children = schema_list,
                                .release = release_schema};
    return 0;
}

static void
give_array(int i)
{
    buffers[i][1] = i == 1 ? (const void *)offsets : numbers;
    buffers[i][2] = bytes;
    arrays[i] = (struct ArrowArray){.length = MEMORY_ROWS,
                                    .n_buffers = i == 1 ? 3 : 2,
                                    .buffers = buffers[i],
                                    .release = release_array};
    array_list[i] = &arrays[i];
}

static int
give_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    static const void *none[1];

    (void)stream;
    *out = (struct ArrowArray){0};
    if (produced++ >= 2)
        return 0;
    for (int i = 0; i < 4; i++)
        give_array(i);
    *out = (struct ArrowArray){.length = MEMORY_ROWS,
                               .n_buffers = 1,
                               .n_children = 4,
                               .buffers = none,
                               .children = array_list,
                               .release = release_array};
    return 0;
}

static const char *
give_reason(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void
release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

void
memory_produce(struct ArrowArrayStream *stream)
{
    *stream = (struct ArrowArrayStream){.get_schema = give_schema,
                                        .get_next = give_next,
                                        .get_last_error = give_reason,
                                        .release = release_stream};
    memset(bytes, 'z', sizeof bytes);
    for (int32_t i = 0; i <= MEMORY_ROWS; i++)
        offsets[i] = i;
    for (int64_t i = 0; i < MEMORY_ROWS; i++)
        numbers[i] = 5000 + i;
    produced = 0;
}

/* On failure the commit tells what was kept: here nothing (libfeature.h). */
static feature_status
call_write_arrow(struct memory_scene *scene)
{
    struct ArrowArrayStream stream;
    feature_status status;

    memory_produce(&stream);
    status =
        feature_store_write_arrow(scene->store, "v", FEATURE_PATCH, &stream,
                                  NULL, &scene->out.commit, &scene->error);
    if (stream.release)
        memory_broken("the stream was not released");
    if (status && (scene->out.commit.sequence || scene->out.commit.applied))
        memory_broken("a failed write tells of commit %d",
                      (int)scene->out.commit.sequence);
    if (status)
        scene->out.commit = scene->before.commit;
    return status;
}

/* An answer of ENOMEM becomes the status it stands for. */
static feature_status
read_all(struct memory_scene *scene, struct ArrowArrayStream *stream,
         int64_t expected)
{
    struct ArrowArray batch;
    int64_t rows = 0;
    int code;

    while (!(code = stream->get_next(stream, &batch)) && batch.release) {
        rows += batch.length;
        batch.release(&batch);
    }
    if (!code)
        return rows == expected ? FEATURE_OK : FEATURE_GAP;
    strncpy(scene->error.reason, stream->get_last_error(stream), 6);
    strncpy(scene->error.message, stream->get_last_error(stream), 150);
    return code == ENOMEM ? FEATURE_NO_MEMORY : FEATURE_IO;
}

feature_status
memory_drain(struct memory_scene *scene, int64_t rows)
{
    struct ArrowArrayStream *stream = &scene->out.stream;
    struct ArrowSchema schema;
    feature_status status;
    int code = stream->get_schema(stream, &schema);

    if (!code)
        schema.release(&schema);
    status = code ? FEATURE_NO_MEMORY : read_all(scene, stream, rows);
    if (code)
        strcpy(scene->error.reason, code == ENOMEM ? "memory" : "schema");
    stream->release(stream);
    *stream = scene->before.stream;
    return status;
}

static feature_status
call_scan(struct memory_scene *scene)
{
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .chunk_rows = 100};
    feature_status status =
        feature_store_scan_arrow(scene->store, "v(*)", &options,
                                 &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, MEMORY_ROWS);
}

const struct memory_case memory_row_cases[] = {
    {"feature_batch_create", NULL, memory_open, call_create, undo_create,
     LEAVES_NOTHING},
    {"feature_batch_set", NULL, prepare_empty, call_set, NULL, LEAVES_NOTHING},
    {"feature_batch_set_list", NULL, prepare_empty, call_set_list, NULL,
     LEAVES_NOTHING},
    {"feature_batch_column", NULL, memory_batch, call_column, NULL,
     LEAVES_NOTHING},
    {"feature_batch_outcomes", NULL, prepare_written, call_outcomes, NULL,
     LEAVES_NOTHING},
    {"feature_batch_problem", NULL, prepare_written, call_problem, NULL,
     LEAVES_NOTHING},
    {"feature_batch_clear", NULL, memory_batch, call_clear, NULL,
     LEAVES_NOTHING},
    {"feature_batch_free", NULL, memory_batch, call_free, NULL, LEAVES_NOTHING},
    {"feature_store_write", NULL, memory_batch, call_write, NULL,
     LEAVES_NOTHING},
    {"feature_store_write", "to rows of an older schema", prepare_migration,
     call_write, NULL, LEAVES_NOTHING},
    {"feature_store_write_arrow", NULL, memory_open, call_write_arrow, NULL,
     LEAVES_NOTHING},
    {"feature_store_scan_arrow", NULL, memory_open, call_scan, NULL,
     LEAVES_NOTHING},
    {0}};
