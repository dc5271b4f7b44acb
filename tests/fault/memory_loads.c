/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and rollbacks, for the rig that lets calls run out of memory. A load that
 * fails is over, so that a try is all of one. */
#include <string.h>

#include "memory.h"

/* --- preparations --------------------------------------------------------------- */

static void
make_batch(struct memory_scene *scene)
{
    MUST(scene, feature_batch_create(
                    scene->store, "v", "k, p, event_timestamp, a, s, t",
                    FEATURE_UPSERT, &scene->batch, &scene->error));
    for (uint32_t i = 0; i < 6; i++)
        MUST(scene, memory_set(scene, scene->batch, i));
}

static void
prepare(struct memory_scene *scene)
{
    memory_open(scene);
    make_batch(scene);
}

static void
prepare_fed(struct memory_scene *scene)
{
    memory_open(scene);
    MUST(scene,
         feature_store_apply(scene->store, "STORE WITH (changes = '3 days')",
                             NULL, NULL, &scene->error));
    scene->rows = 20;
    make_batch(scene);
}

static feature_status
load_batch(struct memory_scene *scene, const char *id)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .id = id};
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "v", &options, &load, &scene->error);

    if (!status)
        status = feature_load_append(load, scene->batch, &scene->error);
    if (!status)
        status = feature_load_commit(load, NULL, &scene->error);
    feature_load_free(load);
    return status;
}

static void
prepare_loaded(struct memory_scene *scene)
{
    prepare_fed(scene);
    MUST(scene, load_batch(scene, "first"));
    MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                    &scene->error));
}

/* Rules of each kind, that hold. */
static void
prepare_ruled(struct memory_scene *scene)
{
    prepare_loaded(scene);
    MUST(scene,
         feature_store_apply(
             scene->store,
             "CREATE FEATURE VIEW v (a INT64 DEFAULT 1) FOR e WITH (check = "
             "'rows > 0; row_ratio > 0; age < 36500 days; nulls(s) <= 1; "
             "distinct(k) > 0; distinct(s) > 0; psi(a) < 99')",
             NULL, NULL, &scene->error));
}

/* Two loads, and writes under three definitions. */
static void
prepare_evolved(struct memory_scene *scene)
{
    static const char *const definitions[] = {
        "CREATE FEATURE VIEW v (added INT64) FOR e WITH (keep_versions = 2)",
        "DROP FEATURE v:added; CREATE FEATURE VIEW v (later STRING) FOR e "
        "WITH (check = 'rows > 0')"};

    prepare_loaded(scene);
    for (int i = 0; i < 2; i++) {
        MUST(scene, feature_store_apply(scene->store, definitions[i], NULL,
                                        NULL, &scene->error));
        feature_batch_free(scene->batch);
        make_batch(scene);
        MUST(scene, feature_store_write(scene->store, &scene->batch, 1, NULL,
                                        NULL, &scene->error));
        if (!i)
            MUST(scene, load_batch(scene, "second"));
    }
}

/* What a load whose handle is gone has left. */
static void
prepare_left(struct memory_scene *scene)
{
    feature_load *load;

    prepare(scene);
    MUST(scene,
         feature_load_begin(scene->store, "v", NULL, &load, &scene->error));
    MUST(scene, feature_load_append(load, scene->batch, &scene->error));
    feature_batch_free(scene->batch);
    scene->batch = NULL;
    feature_store_close(scene->store);
    feature_load_free(load);
    memory_open(scene);
}

/* --- calls ------------------------------------------------------------------------ */

static feature_status
call_begin(struct memory_scene *scene)
{
    struct feature_source source = {.name = "s", .next_offset = 1};
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .id = "id",
                                           .fingerprint = "f",
                                           .check = "rows > 0; nulls(s) <= 1",
                                           .sources = &source,
                                           .source_count = 1};
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "v", &options, &load, &scene->error);

    feature_load_free(load);
    return status;
}

static feature_status
call_known(struct memory_scene *scene)
{
    return load_batch(scene, "first");
}

static feature_status
call_load(struct memory_scene *scene)
{
    return load_batch(scene, NULL);
}

/* With something to catch up with. */
static feature_status
call_caught_up(struct memory_scene *scene)
{
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "v", NULL, &load, &scene->error);

    if (!status)
        status = feature_load_append(load, scene->batch, &scene->error);
    if (!status)
        status = feature_store_write(scene->store, &scene->batch, 1, NULL, NULL,
                                     &scene->error);
    if (!status)
        status = feature_load_commit(load, NULL, &scene->error);
    feature_load_free(load);
    return status;
}

/* Both record batches have the same keys. */
static feature_status
call_arrow(struct memory_scene *scene)
{
    struct feature_load_options options = {.struct_size = sizeof options,
                                           .flags = FEATURE_LOAD_LAST_WINS,
                                           .memory = 1};
    struct ArrowArrayStream stream;
    feature_load *load = NULL;
    feature_status status;

    memory_produce(&stream);
    status =
        feature_load_begin(scene->store, "v", &options, &load, &scene->error);
    if (status)
        stream.release(&stream);
    else
        status = feature_load_append_arrow(load, &stream, NULL, &scene->error);
    if (!status)
        status = feature_load_commit(load, NULL, &scene->error);
    feature_load_free(load);
    return status;
}

static feature_status
call_abort(struct memory_scene *scene)
{
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "v", NULL, &load, &scene->error);

    if (!status)
        status = feature_load_append(load, scene->batch, &scene->error);
    if (!status)
        status = feature_load_abort(load, &scene->error);
    feature_load_free(load);
    return status;
}

static feature_status
call_status(struct memory_scene *scene)
{
    struct feature_load_report report = {.struct_size = sizeof report};
    feature_load *load = NULL;
    feature_status status =
        feature_load_begin(scene->store, "v", NULL, &load, &scene->error);

    if (!status)
        status = feature_load_status(load, &report, &scene->error);
    feature_load_free(load);
    return status;
}

static feature_status
call_check(struct memory_scene *scene)
{
    struct feature_check_report report = {.struct_size = sizeof report};

    return feature_store_check(scene->store, NULL, &report, &scene->out.text,
                               &scene->error);
}

static feature_status
call_metrics(struct memory_scene *scene)
{
    return feature_store_metrics(scene->store, &scene->out.text, &scene->error);
}

static feature_status
call_loads(struct memory_scene *scene)
{
    return feature_store_loads(scene->store, "v", &scene->out.text,
                               &scene->error);
}

static void
undo_loads(struct memory_scene *scene)
{
    feature_free(scene->out.text);
}

/* A try that failed may have taken away what was left. */
static feature_status
call_discard(struct memory_scene *scene)
{
    feature_status status =
        feature_store_discard_load(scene->store, "v", NULL, &scene->error);

    return status == FEATURE_NOT_FOUND ? FEATURE_OK : status;
}

static feature_status
call_maintain(struct memory_scene *scene)
{
    return feature_store_maintain(scene->store, NULL, NULL, &scene->error);
}

static feature_status
call_rollback(struct memory_scene *scene)
{
    return feature_store_rollback(scene->store, "v", NULL, NULL, &scene->error);
}

static feature_status
call_rollback_to(struct memory_scene *scene)
{
    struct feature_rollback_options options = {.struct_size = sizeof options,
                                               .version = 1};

    return feature_store_rollback(scene->store, "v", &options, NULL,
                                  &scene->error);
}

const struct memory_case memory_load_cases[] = {
    {"feature_load_begin", NULL, prepare, call_begin, NULL, LEAVES_STEPS},
    {"feature_load_begin", "of an id that is known", prepare_loaded, call_known,
     NULL, LEAVES_NOTHING},
    {"feature_load_begin", "over what was left", prepare_left, call_begin, NULL,
     LEAVES_STEPS},
    {"feature_load_append", NULL, prepare, call_load, NULL, LEAVES_STEPS},
    {"feature_load_append_arrow", NULL, prepare, call_arrow, NULL,
     LEAVES_STEPS},
    {"feature_load_status", NULL, prepare, call_status, NULL, LEAVES_STEPS},
    {"feature_load_commit", NULL, prepare_fed, call_caught_up, NULL,
     LEAVES_STEPS},
    {"feature_load_commit", "through gates", prepare_ruled, call_load, NULL,
     LEAVES_STEPS},
    {"feature_store_check", NULL, prepare_ruled, call_check, undo_loads,
     LEAVES_NOTHING},
    {"feature_store_metrics", "with rules", prepare_ruled, call_metrics,
     undo_loads, LEAVES_NOTHING},
    {"feature_load_abort", NULL, prepare, call_abort, NULL, LEAVES_STEPS},
    {"feature_load_free", NULL, prepare, call_abort, NULL, LEAVES_STEPS},
    {"feature_store_loads", NULL, prepare_loaded, call_loads, undo_loads,
     LEAVES_NOTHING},
    {"feature_store_discard_load", NULL, prepare_left, call_discard, NULL,
     LEAVES_STEPS},
    {"feature_store_maintain", "what a load has left", prepare_left,
     call_maintain, NULL, LEAVES_STEPS},
    {"feature_store_rollback", NULL, prepare_loaded, call_rollback, NULL,
     LEAVES_STEPS},
    {"feature_store_rollback", "over definitions", prepare_evolved,
     call_rollback_to, NULL, LEAVES_STEPS},
    {0}};
