/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on sketches, for the rig that lets them run out of memory. */
#include "memory.h"

#define VALUES 2000

static int64_t integers[VALUES];
static uint8_t stored[65536];
static size_t stored_size;

static void
fill(feature_sketch *sketch, struct memory_scene *scene)
{
    for (int i = 0; i < VALUES; i++)
        integers[i] = (int64_t)i * i * i - 5000;
    MUST(scene, feature_sketch_add(sketch, FEATURE_TYPE_INT64, integers, NULL,
                                   NULL, VALUES, &scene->error));
}

static void
make(struct memory_scene *scene, int32_t kind, uint32_t precision)
{
    const struct feature_sketch_options options = {
        .struct_size = sizeof options, .kind = kind, .precision = precision};

    memory_nothing(scene);
    MUST(scene, feature_sketch_create(&options, &scene->sketch, &scene->error));
    MUST(scene, feature_sketch_create(&options, &scene->other, &scene->error));
    fill(scene->other, scene);
}

static void
prepare_distinct(struct memory_scene *scene)
{
    make(scene, FEATURE_SKETCH_DISTINCT, 14);
}

static void
prepare_quantiles(struct memory_scene *scene)
{
    make(scene, FEATURE_SKETCH_QUANTILES, 0);
}

static void
prepare_filled(struct memory_scene *scene)
{
    prepare_quantiles(scene);
    fill(scene->sketch, scene);
}

static void
store(struct memory_scene *scene, int32_t format)
{
    struct feature_sketch_data data;

    MUST(scene,
         feature_sketch_bytes(scene->other, format, &data, &scene->error));
    stored_size = data.size;
    for (size_t i = 0; i < stored_size; i++)
        stored[i] = ((const uint8_t *)data.bytes)[i];
}

static void
prepare_hyll(struct memory_scene *scene)
{
    prepare_distinct(scene);
    store(scene, FEATURE_SKETCH_HYLL);
}

static void
prepare_message(struct memory_scene *scene)
{
    prepare_quantiles(scene);
    store(scene, FEATURE_SKETCH_DDSKETCH);
}

static void
prepare_native(struct memory_scene *scene)
{
    prepare_quantiles(scene);
    store(scene, FEATURE_SKETCH_NATIVE);
}

static void
prepare_native_distinct(struct memory_scene *scene)
{
    prepare_distinct(scene);
    store(scene, FEATURE_SKETCH_NATIVE);
}

static feature_status
call_create(struct memory_scene *scene)
{
    const struct feature_sketch_options options = {
        .struct_size = sizeof options, .kind = FEATURE_SKETCH_DISTINCT};

    return feature_sketch_create(&options, &scene->out.sketch, &scene->error);
}

static void
undo_sketch(struct memory_scene *scene)
{
    feature_sketch_free(scene->out.sketch);
}

static feature_status
from_bytes(struct memory_scene *scene, int32_t format)
{
    return feature_sketch_from_bytes(format, stored, stored_size,
                                     &scene->out.sketch, &scene->error);
}

static feature_status
call_from_native(struct memory_scene *scene)
{
    return from_bytes(scene, FEATURE_SKETCH_NATIVE);
}

static feature_status
call_from_hyll(struct memory_scene *scene)
{
    return from_bytes(scene, FEATURE_SKETCH_HYLL);
}

static feature_status
call_from_message(struct memory_scene *scene)
{
    return from_bytes(scene, FEATURE_SKETCH_DDSKETCH);
}

/* A call that failed has added nothing. */
static feature_status
expect(struct memory_scene *scene, feature_status status, uint64_t was)
{
    uint64_t count = 0;

    if (status &&
        (feature_sketch_estimate(scene->sketch, &count, NULL) || count != was))
        memory_broken("a failed call left %llu values in a sketch",
                      (unsigned long long)count);
    return status;
}

static feature_status
call_add(struct memory_scene *scene)
{
    return expect(scene,
                  feature_sketch_add(scene->sketch, FEATURE_TYPE_INT64,
                                     integers, NULL, NULL, VALUES,
                                     &scene->error),
                  0);
}

static feature_status
call_merge(struct memory_scene *scene)
{
    return expect(
        scene, feature_sketch_merge(scene->sketch, scene->other, &scene->error),
        0);
}

static feature_status
call_estimate(struct memory_scene *scene)
{
    return feature_sketch_estimate(scene->other, &scene->out.number,
                                   &scene->error);
}

static feature_status
call_quantile(struct memory_scene *scene)
{
    return feature_sketch_quantile(scene->other, 0.5, &scene->out.value,
                                   &scene->error);
}

static feature_status
call_bytes(struct memory_scene *scene)
{
    return feature_sketch_bytes(scene->other, FEATURE_SKETCH_NATIVE,
                                &scene->out.data, &scene->error);
}

static feature_status
call_hyll(struct memory_scene *scene)
{
    return feature_sketch_bytes(scene->other, FEATURE_SKETCH_HYLL,
                                &scene->out.data, &scene->error);
}

static feature_status
call_message(struct memory_scene *scene)
{
    return feature_sketch_bytes(scene->other, FEATURE_SKETCH_DDSKETCH,
                                &scene->out.data, &scene->error);
}

static feature_status
call_free(struct memory_scene *scene)
{
    feature_sketch_free(scene->sketch);
    scene->sketch = NULL;
    return FEATURE_OK;
}

const struct memory_case memory_sketch_cases[] = {
    {"feature_sketch_create", NULL, memory_nothing, call_create, undo_sketch,
     LEAVES_NOTHING},
    {"feature_sketch_from_bytes", "quantiles", prepare_native, call_from_native,
     undo_sketch, LEAVES_NOTHING},
    {"feature_sketch_from_bytes", "distinct values", prepare_native_distinct,
     call_from_native, undo_sketch, LEAVES_NOTHING},
    {"feature_sketch_from_bytes", "of Redis", prepare_hyll, call_from_hyll,
     undo_sketch, LEAVES_NOTHING},
    {"feature_sketch_from_bytes", "a message", prepare_message,
     call_from_message, undo_sketch, LEAVES_NOTHING},
    {"feature_sketch_add", "distinct values", prepare_distinct, call_add, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_add", "quantiles", prepare_quantiles, call_add, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_merge", "distinct values", prepare_distinct, call_merge,
     NULL, LEAVES_NOTHING},
    {"feature_sketch_merge", "quantiles", prepare_quantiles, call_merge, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_estimate", NULL, prepare_distinct, call_estimate, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_quantile", NULL, prepare_quantiles, call_quantile, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_bytes", "quantiles", prepare_quantiles, call_bytes, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_bytes", "distinct values", prepare_distinct, call_bytes,
     NULL, LEAVES_NOTHING},
    {"feature_sketch_bytes", "for Redis", prepare_distinct, call_hyll, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_bytes", "a message", prepare_quantiles, call_message, NULL,
     LEAVES_NOTHING},
    {"feature_sketch_free", NULL, prepare_filled, call_free, NULL,
     LEAVES_NOTHING},
    {0}};
