/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory, at every allocation of a snapshot, a restore and a compaction:
 * FEATURE_NO_MEMORY, nothing left behind, and the next try works. */
#include "snapshot.h"

#define ALLOCATIONS_MAX 5000

struct scene {
    struct fixture *f;
    char file[PATH_SIZE];
    char path[PATH_SIZE];
    uint32_t workers;
};

typedef feature_status (*scene_call)(struct scene *);

static int
begin(void **state)
{
    static struct scene scene;
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    define(f, "CREATE ENTITY n (k INT64);");
    define_numbered(f, 0);
    define_numbered(f, 1);
    fill_numbered(f, 0, 0, 300, 5);
    fill_numbered(f, 1, 0, 40, 6);
    scene = (struct scene){.f = f, .workers = 1};
    path_of(f, "a.snap", scene.file);
    path_of(f, "copy", scene.path);
    f->context = &scene;
    return 0;
}

#define MEMORY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Makes a call with its first, second, third ... allocation failing, until it
 * needs no more than that. */
static void
fail_each(struct scene *scene, scene_call call,
          void (*after)(struct scene *, feature_status))
{
    int64_t failures = 0;

    for (int64_t n = 0; n < ALLOCATIONS_MAX; n++) {
        uint64_t before = allocation_count();
        feature_status status;

        if (!allocation_fail(n))
            skip();
        problem = (struct feature_error){0};
        status = call(scene);
        allocation_fail(-1);
        assert_int_equal(count_names(scene->f, ".tmp-"), 0);
        after(scene, status);
        if (status) {
            if (status != FEATURE_NO_MEMORY || strcmp(problem.reason, "memory"))
                fail_msg("allocation %d: status %d, %s: %s", (int)n, status,
                         problem.reason, problem.message);
            failures++;
        } else if (allocation_count() - before <= (uint64_t)n) {
            assert_true(failures > 5);
            return;
        }
    }
    fail_msg("no end of allocations");
}

static feature_status
call_snapshot(struct scene *scene)
{
    struct feature_snapshot_options options = {.struct_size = sizeof options,
                                               .workers = scene->workers};

    return feature_store_snapshot(scene->f->store, scene->file, &options, NULL,
                                  NULL, &problem);
}

static void
after_snapshot(struct scene *scene, feature_status status)
{
    assert_true(!status || !count_names(scene->f, "a.snap"));
    if (status)
        return;
    assert_int_equal(remove(scene->file), 0);
}

static feature_status
call_restore(struct scene *scene)
{
    return feature_store_restore(scene->file, scene->path, NULL, NULL, NULL,
                                 &problem);
}

static void
after_restore(struct scene *scene, feature_status status)
{
    assert_int_equal(count_names(scene->f, "copy"), !status);
    remove_directory(scene->path);
}

static feature_status
call_compact(struct scene *scene)
{
    return feature_store_compact(scene->f->path, NULL, NULL, NULL, &problem);
}

static void
after_compact(struct scene *scene, feature_status status)
{
    char left[PATH_SIZE];
    FILE *file;

    (void)status;
    snprintf(left, sizeof left, "%s/compact.tmp/data.mdb", scene->f->path);
    file = fopen(left, "rb");
    assert_null(file);
}

static void
snapshots_run_out_of_memory(void **state)
{
    struct fixture *f = *state;
    struct scene *scene = f->context;

    fail_each(scene, call_snapshot, after_snapshot);
    scene->workers = 3;
    fail_each(scene, call_snapshot, after_snapshot);
    must(call_snapshot(scene));
    fail_each(scene, call_restore, after_restore);
}

static void
compactions_run_out_of_memory(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    fail_each(f->context, call_compact, after_compact);
    open_store(f);
    expect_numbered(f, 0, 300, 5);
    expect_numbered(f, 1, 40, 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY(snapshots_run_out_of_memory),
        MEMORY(compactions_run_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
