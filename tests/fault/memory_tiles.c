/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles on their way out and in, for the rig that lets calls run out of memory. */
#include <string.h>

#include "memory.h"

#define ROWS      2
#define BYTES_MAX 8192

static const char definitions[] =
    "STORE WITH (changes = '3 days');"
    "CREATE ENTITY card (card_id INT64);"
    "CREATE EVENT payment (card_id INT64, amount FLOAT64, shop STRING);"
    "CREATE FEATURE VIEW spend (spent = SUM(amount) OVER '1 hour', "
    "low = MIN(amount) OVER '1 day', some = LAST(shop, 3) OVER '1 day', "
    "shops = APPROX_COUNT_DISTINCT(shop) OVER LIFETIME) "
    "FOR card FROM payment;";

/* What a store gave, in static memory: nothing of the producer's may fail. */
static struct {
    int64_t keys[ROWS], times[ROWS];
    int32_t ends[ROWS + 1];
    uint8_t bytes[BYTES_MAX];
    int given;
} tiles;

static void
write_events(struct memory_scene *scene)
{
    static const int64_t cards[] = {7, 8, 7}, times[] = {500, 600, 700};
    static const double amounts[] = {2.5, 1, 4};
    static const int32_t ends[] = {0, 1, 2, 3};
    feature_batch *batch;

    MUST(scene, feature_batch_create(scene->store, "payment",
                                     "card_id, amount, shop, event_timestamp",
                                     FEATURE_EVENT, &batch, &scene->error));
    MUST(scene, feature_batch_set(batch, 0, FEATURE_TYPE_INT64, cards, NULL,
                                  NULL, 3, &scene->error));
    MUST(scene, feature_batch_set(batch, 1, FEATURE_TYPE_FLOAT64, amounts, NULL,
                                  NULL, 3, &scene->error));
    MUST(scene, feature_batch_set(batch, 2, FEATURE_TYPE_STRING, "abc", ends,
                                  NULL, 3, &scene->error));
    MUST(scene, feature_batch_set(batch, 3, FEATURE_TYPE_TIMESTAMP, times, NULL,
                                  NULL, 3, &scene->error));
    MUST(scene, feature_store_write(scene->store, &batch, 1, NULL, NULL,
                                    &scene->error));
    feature_batch_free(batch);
}

static void
prepare_out(struct memory_scene *scene)
{
    memory_open(scene);
    MUST(scene, feature_store_apply(scene->store, definitions, NULL, NULL,
                                    &scene->error));
    write_events(scene);
}

static feature_status
call_out(struct memory_scene *scene)
{
    struct feature_scan_options options = {.struct_size = sizeof options,
                                           .chunk_rows = 1};
    feature_status status = feature_store_tiles_arrow(
        scene->store, "spend", &options, &scene->out.stream, &scene->error);

    return status ? status : memory_drain(scene, ROWS);
}

/* --- a stream of them ---------------------------------------------------------- */

static void
release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int
give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    static struct ArrowSchema columns[3];
    static struct ArrowSchema *pointers[] = {&columns[0], &columns[1],
                                             &columns[2]};
    static const char *const names[] = {"card_id", "event_timestamp", "_tiles"};
    static const char *const formats[] = {"l", "tsu:UTC", "z"};

    (void)stream;
    for (int i = 0; i < 3; i++)
        columns[i] = (struct ArrowSchema){
            .name = names[i], .format = formats[i], .release = release_schema};
    *schema = (struct ArrowSchema){.format = "+s",
                                   .name = "",
                                   .n_children = 3,
                                   .children = pointers,
                                   .release = release_schema};
    return 0;
}

static void
release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static int
give_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    static const void *buffers[3][3], *none[1];
    static struct ArrowArray columns[3];
    static struct ArrowArray *pointers[] = {&columns[0], &columns[1],
                                            &columns[2]};

    (void)stream;
    memset(array, 0, sizeof *array);
    if (tiles.given++)
        return 0;
    buffers[0][1] = tiles.keys;
    buffers[1][1] = tiles.times;
    buffers[2][1] = tiles.ends;
    buffers[2][2] = tiles.bytes;
    for (int i = 0; i < 3; i++)
        columns[i] = (struct ArrowArray){.length = ROWS,
                                         .n_buffers = i == 2 ? 3 : 2,
                                         .buffers = buffers[i],
                                         .release = release_array};
    *array = (struct ArrowArray){.length = ROWS,
                                 .n_buffers = 1,
                                 .buffers = none,
                                 .n_children = 3,
                                 .children = pointers,
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

static void
keep_tiles(struct memory_scene *scene)
{
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    const struct ArrowArray *states;

    MUST(scene, feature_store_tiles_arrow(scene->store, "spend", NULL, &stream,
                                          &scene->error));
    if (stream.get_next(&stream, &array) || array.length != ROWS)
        memory_broken("before the fault: no tiles");
    states = array.children[2];
    memcpy(tiles.keys, array.children[0]->buffers[1], sizeof tiles.keys);
    memcpy(tiles.times, array.children[1]->buffers[1], sizeof tiles.times);
    memcpy(tiles.ends, states->buffers[1], sizeof tiles.ends);
    if (tiles.ends[ROWS] > BYTES_MAX)
        memory_broken("before the fault: large tiles");
    memcpy(tiles.bytes, states->buffers[2], (size_t)tiles.ends[ROWS]);
    array.release(&array);
    stream.release(&stream);
}

static void
prepare_in(struct memory_scene *scene)
{
    prepare_out(scene);
    keep_tiles(scene);
}

/* The states are of the version before. */
static void
prepare_older(struct memory_scene *scene)
{
    prepare_in(scene);
    MUST(scene, feature_store_apply(scene->store,
                                    "CREATE FEATURE VIEW spend (n = COUNT(*) "
                                    "OVER '1 hour') FOR card FROM payment;",
                                    NULL, NULL, &scene->error));
}

static feature_status
call_in(struct memory_scene *scene)
{
    static const struct feature_source source = {.name = "payments",
                                                 .next_offset = 3};
    struct feature_write_options options = {
        .struct_size = sizeof options, .sources = &source, .source_count = 1};
    struct ArrowArrayStream stream = {.get_schema = give_schema,
                                      .get_next = give_next,
                                      .get_last_error = give_reason,
                                      .release = release_stream};
    feature_status status;

    tiles.given = 0;
    status = feature_store_merge_tiles(scene->store, "spend", &stream, &options,
                                       &scene->out.commit, &scene->error);
    if (stream.release)
        memory_broken("the stream was not released");
    return status;
}

/* A load that fails is over, so that a try is all of one. */
static feature_status
call_load(struct memory_scene *scene)
{
    struct ArrowArrayStream stream = {.get_schema = give_schema,
                                      .get_next = give_next,
                                      .get_last_error = give_reason,
                                      .release = release_stream};
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "spend", NULL, &load, &scene->error);

    tiles.given = 0;
    if (!status)
        status = feature_load_append_arrow(load, &stream, NULL, &scene->error);
    if (!status && stream.release)
        memory_broken("the stream was not released");
    if (!status)
        status = feature_load_commit(load, NULL, &scene->error);
    feature_load_free(load);
    return status;
}

const struct memory_case memory_tile_cases[] = {
    {"feature_load_append_arrow", "states", prepare_in, call_load, NULL,
     LEAVES_STEPS},
    {"feature_store_tiles_arrow", NULL, prepare_out, call_out, NULL,
     LEAVES_NOTHING},
    {"feature_store_merge_tiles", NULL, prepare_in, call_in, NULL,
     LEAVES_NOTHING},
    {"feature_store_merge_tiles", "of an older schema", prepare_older, call_in,
     NULL, LEAVES_NOTHING},
    {0}};
