/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that a restore or a compaction makes and the disk spoils: what was
 * built is verified before it gets its name. The linker puts the end of the
 * build here (see the Makefile), which then damages the file. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/snapshot.h"
#include "base/bytes.h"
#include "engine/layout.h"
#include "store/rebuild.h"

enum damage { NO_DAMAGE, OF_A_ROW, OF_A_META_PAGE, OF_THE_SIZE };

static enum damage damage;

feature_status __real_lf_rebuild_finish(struct lf_rebuild *rebuild,
                                        const struct lf_meta_store *meta,
                                        uint64_t *size,
                                        struct feature_error *error);
feature_status __wrap_lf_rebuild_finish(struct lf_rebuild *rebuild,
                                        const struct lf_meta_store *meta,
                                        uint64_t *size,
                                        struct feature_error *error);

static uint8_t *
find(uint8_t *bytes, size_t size, const char *text)
{
    uint8_t *found = memmem(bytes, size, text, strlen(text));

    assert_non_null(found);
    return found;
}

/* Through a descriptor of its own, as a bad disk would. */
static void
spoil(const char *path)
{
    char name[PATH_MAX + 16];
    uint8_t *bytes;
    struct stat at;
    int file;

    snprintf(name, sizeof name, "%s/data.mdb", path);
    file = open(name, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(fstat(file, &at), 0);
    bytes = malloc((size_t)at.st_size);
    assert_non_null(bytes);
    assert_int_equal(pread(file, bytes, (size_t)at.st_size, 0), at.st_size);
    if (damage == OF_A_ROW)
        find(bytes, (size_t)at.st_size, "needle")[0] ^= 1;
    if (damage == OF_A_META_PAGE)
        lf_store_u32(bytes + LF_META_VERSION, 77);
    if (damage == OF_THE_SIZE)
        assert_int_equal(
            ftruncate(file,
                      at.st_size - (off_t)lf_load_u32(bytes + LF_META_FREE)),
            0);
    else
        assert_int_equal(pwrite(file, bytes, (size_t)at.st_size, 0),
                         at.st_size);
    free(bytes);
    close(file);
}

feature_status
__wrap_lf_rebuild_finish(struct lf_rebuild *rebuild,
                         const struct lf_meta_store *meta, uint64_t *size,
                         struct feature_error *error)
{
    feature_status status =
        __real_lf_rebuild_finish(rebuild, meta, size, error);

    if (!status && damage != NO_DAMAGE)
        spoil(rebuild->path);
    return status;
}

static int
begin(void **state)
{
    damage = NO_DAMAGE;
    if (fixture_begin(state))
        return -1;
    define(*state, "CREATE ENTITY e (k INT64);"
                   "CREATE FEATURE VIEW v (s STRING) FOR e;");
    upsert(*state, "v", NULL, "1 100 a\n2 100 needle\n3 100 c");
    return 0;
}

static void
a_restored_store_is_verified_before_it_has_its_name(void **state)
{
    struct fixture *f = *state, copy;
    char file[PATH_SIZE], path[PATH_SIZE];

    take_snapshot(f, "a.snap", NULL);
    path_of(f, "a.snap", file);
    path_of(f, "copy", path);
    for (damage = OF_A_ROW; damage <= OF_THE_SIZE; damage++) {
        must_fail(feature_store_restore(file, path, NULL, NULL, NULL, &problem),
                  FEATURE_CORRUPT, "structure");
        assert_non_null(strstr(problem.message, "not written as it should"));
        assert_int_equal(count_names(f, "copy"), 0);
    }
    damage = NO_DAMAGE;
    copy = restore_copy(f, "a.snap", "copy");
    close_store(&copy);
}

static void
expect_good(struct fixture *f)
{
    struct feature_verify_report report = {.struct_size = sizeof report};
    char *findings = NULL;

    must(feature_store_verify(f->path, NULL, &report, &findings, &problem));
    assert_string_equal(findings, "");
    feature_free(findings);
}

/* Its record has no tokens of the commits before. */
static void
a_copy_is_good_at_once_and_after_it_was_written_to(void **state)
{
    struct fixture *f = *state, copy;

    take_snapshot(f, "a.snap", NULL);
    copy = restore_copy(f, "a.snap", "copy");
    expect_good(&copy);
    for (int i = 0; i < 70; i++) {
        upsert(&copy, "v", NULL, "4 100 d");
        expect_good(&copy);
    }
    close_store(&copy);
    must(feature_store_compact(copy.path, NULL, NULL, NULL, &problem));
    expect_good(&copy);
}

static void
a_compacted_store_stays_the_old_one_when_the_new_one_is_damaged(void **state)
{
    static char before[ANSWER_SIZE], after[ANSWER_SIZE];
    struct fixture *f = *state;

    answer_of(f, "v(*)", "1\n2\n3", before);
    close_store(f);
    for (damage = OF_A_ROW; damage <= OF_THE_SIZE; damage++) {
        must_fail(feature_store_compact(f->path, NULL, NULL, NULL, &problem),
                  FEATURE_CORRUPT, "structure");
        open_store(f);
        answer_of(f, "v(*)", "1\n2\n3", after);
        assert_string_equal(before, after);
        close_store(f);
    }
    damage = NO_DAMAGE;
    must(feature_store_compact(f->path, NULL, NULL, NULL, &problem));
    open_store(f);
    answer_of(f, "v(*)", "1\n2\n3", after);
    assert_string_equal(before, after);
}

#define MADE(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        MADE(a_restored_store_is_verified_before_it_has_its_name),
        MADE(a_copy_is_good_at_once_and_after_it_was_written_to),
        MADE(a_compacted_store_stays_the_old_one_when_the_new_one_is_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
