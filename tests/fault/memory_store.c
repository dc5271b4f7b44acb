/* SPDX-License-Identifier: Apache-2.0 */
/* Calls about a whole store, for the rig that lets them run out of memory. */
#include <errno.h>
#include <string.h>

#include "memory.h"

static feature_status
call_version(struct memory_scene *scene)
{
    (void)scene;
    return feature_version() ? FEATURE_OK : FEATURE_INVALID;
}

static feature_status
call_status_name(struct memory_scene *scene)
{
    (void)scene;
    return *feature_status_name(FEATURE_BUSY) ? FEATURE_OK : FEATURE_INVALID;
}

static void
prepare_text(struct memory_scene *scene)
{
    memory_open(scene);
    MUST(scene, feature_store_describe(scene->store, NULL, &scene->text,
                                       &scene->error));
}

static feature_status
call_free(struct memory_scene *scene)
{
    feature_free(scene->text);
    scene->text = NULL;
    return FEATURE_OK;
}

/* --- open and close ---------------------------------------------------------- */

static feature_status
open_at(struct memory_scene *scene, const char *path, uint32_t flags)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .flags = flags};

    return feature_store_open(path, &options, &scene->out.store, &scene->error);
}

static feature_status
call_open(struct memory_scene *scene)
{
    return open_at(scene, scene->path, 0);
}

static feature_status
call_open_immutable(struct memory_scene *scene)
{
    return open_at(scene, scene->path, FEATURE_OPEN_IMMUTABLE);
}

static feature_status
call_create(struct memory_scene *scene)
{
    return open_at(scene, scene->copy, FEATURE_OPEN_CREATE);
}

static void
undo_open(struct memory_scene *scene)
{
    feature_store_close(scene->out.store);
}

static feature_status
call_close(struct memory_scene *scene)
{
    feature_store_close(scene->store);
    scene->store = NULL;
    return FEATURE_OK;
}

/* --- definitions ------------------------------------------------------------- */

static feature_status
call_apply(struct memory_scene *scene)
{
    return feature_store_apply(
        scene->store,
        "CREATE FEATURE VIEW v (b FLOAT64[3] DEFAULT [1, 2, 3], a INT64 DEFAULT"
        " 2) FOR e; CREATE FEATURE SERVICE s2 AS v(b AS w, s), n(*)",
        NULL, &scene->out.commit, &scene->error);
}

static feature_status
call_plan(struct memory_scene *scene)
{
    return feature_store_plan(
        scene->store,
        "CREATE FEATURE VIEW v (c STRING[] DEFAULT ['a']) FOR e WITH (ttl = "
        "'1 d')",
        &scene->out.text, &scene->error);
}

static feature_status
call_describe(struct memory_scene *scene)
{
    return feature_store_describe(scene->store, NULL, &scene->out.text,
                                  &scene->error);
}

static feature_status
call_metrics(struct memory_scene *scene)
{
    return feature_store_metrics(scene->store, &scene->out.text, &scene->error);
}

static feature_status
call_content(struct memory_scene *scene)
{
    return feature_store_content(scene->store, &scene->out.text, &scene->error);
}

static void
undo_text(struct memory_scene *scene)
{
    feature_free(scene->out.text);
}

/* --- reports ----------------------------------------------------------------- */

static feature_status
call_sync(struct memory_scene *scene)
{
    return feature_store_sync(scene->store, &scene->error);
}

static feature_status
call_stats(struct memory_scene *scene)
{
    return feature_store_stats(scene->store, &scene->out.stats, &scene->error);
}

static feature_status
call_verify(struct memory_scene *scene)
{
    return feature_store_verify(scene->path, NULL, &scene->out.verified,
                                &scene->out.text, &scene->error);
}

/* --- copies ------------------------------------------------------------------ */

static feature_status
snapshot_by(struct memory_scene *scene, uint32_t workers)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = workers};

    return feature_store_snapshot(scene->store, scene->file, &options, NULL,
                                  &scene->out.copied, &scene->error);
}

static feature_status
call_snapshot(struct memory_scene *scene)
{
    return snapshot_by(scene, 1);
}

static feature_status
call_snapshot_by_three(struct memory_scene *scene)
{
    return snapshot_by(scene, 3);
}

static feature_status
call_restore(struct memory_scene *scene)
{
    return feature_store_restore(scene->snapshot, scene->copy, NULL, NULL,
                                 &scene->out.copied, &scene->error);
}

static feature_status
call_check_snapshot(struct memory_scene *scene)
{
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};

    return feature_store_restore(scene->snapshot, NULL, &options, NULL,
                                 &scene->out.copied, &scene->error);
}

static feature_status
call_compact(struct memory_scene *scene)
{
    return feature_store_compact(scene->path, NULL, NULL, &scene->out.copied,
                                 &scene->error);
}

const struct memory_case memory_store_cases[] = {
    {"feature_version", NULL, memory_nothing, call_version, NULL,
     LEAVES_NOTHING},
    {"feature_status_name", NULL, memory_nothing, call_status_name, NULL,
     LEAVES_NOTHING},
    {"feature_free", NULL, prepare_text, call_free, NULL, LEAVES_NOTHING},
    {"feature_store_open", NULL, memory_nothing, call_open, undo_open,
     LEAVES_NOTHING},
    {"feature_store_open", "beside another", memory_open, call_open, undo_open,
     LEAVES_NOTHING},
    {"feature_store_open", "immutable", memory_nothing, call_open_immutable,
     undo_open, LEAVES_NOTHING},
    {"feature_store_open", "new", memory_nothing, call_create, undo_open,
     LEAVES_STORE},
    {"feature_store_close", NULL, memory_open, call_close, NULL,
     LEAVES_NOTHING},
    {"feature_store_apply", NULL, memory_open, call_apply, NULL,
     LEAVES_NOTHING},
    {"feature_store_plan", NULL, memory_open, call_plan, undo_text,
     LEAVES_NOTHING},
    {"feature_store_describe", NULL, memory_open, call_describe, undo_text,
     LEAVES_NOTHING},
    {"feature_store_metrics", NULL, memory_open, call_metrics, undo_text,
     LEAVES_NOTHING},
    {"feature_store_content", NULL, memory_open, call_content, undo_text,
     LEAVES_NOTHING},
    {"feature_store_sync", NULL, memory_open, call_sync, NULL, LEAVES_NOTHING},
    {"feature_store_stats", NULL, memory_open, call_stats, NULL,
     LEAVES_NOTHING},
    {"feature_store_verify", NULL, memory_nothing, call_verify, undo_text,
     LEAVES_LOCKS},
    {"feature_store_snapshot", "one worker", memory_open, call_snapshot, NULL,
     LEAVES_NOTHING},
    {"feature_store_snapshot", "three workers", memory_open,
     call_snapshot_by_three, NULL, LEAVES_NOTHING},
    {"feature_store_restore", NULL, memory_nothing, call_restore, NULL,
     LEAVES_NOTHING},
    {"feature_store_restore", "check alone", memory_nothing,
     call_check_snapshot, NULL, LEAVES_NOTHING},
    {"feature_store_compact", NULL, memory_nothing, call_compact, NULL,
     LEAVES_LOCKS},
    {0}};
