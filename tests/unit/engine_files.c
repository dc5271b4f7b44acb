/* SPDX-License-Identifier: Apache-2.0 */
/* Files, maps and mounts that an open meets. */
#include "engine_fixture.h"

#include <lmdb.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* Changes bytes of data.mdb, on both meta pages where asked. */
static void
damage(const struct fixture *f, off_t at, const void *bytes, size_t size)
{
    char name[256];
    int file;

    name_of(f, "data.mdb", name);
    file = open(name, O_WRONLY);
    assert_int_equal(pwrite(file, bytes, size, at), (ssize_t)size);
    close(file);
}

static void
a_file_that_is_not_lmdb_is_another_format(void **state)
{
    struct fixture *f = *state;
    char zeros[8192] = "SQLite format 3";

    create_store(f);
    close_store(f);
    damage(f, 0, zeros, sizeof zeros);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_VERSION,
            "format");
}

static void
another_data_version_is_refused(void **state)
{
    struct fixture *f = *state;
    uint32_t version = 2;

    create_store(f);
    close_store(f);
    damage(f, 20, &version, 4);
    damage(f, 4096 + 20, &version, 4);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_VERSION,
            "lmdb-version");
}

static void
a_file_of_lmdb_1_is_refused(void **state)
{
    struct fixture *f = *state;
    uint32_t head[4] = {0, 0, 0xbeefc0deu, 2};

    create_store(f);
    close_store(f);
    damage(f, 16, head, sizeof head);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_VERSION,
            "lmdb-version");
}

static void
put_many(struct fixture *f, const char *tree, uint32_t from, uint32_t count,
         size_t size)
{
    uint8_t *value = calloc(1, size);
    struct lf_writer *writer;
    struct lf_tree *at;
    uint32_t i;

    must(f, lf_writer_begin(f->environment, 5000, &writer, &f->error));
    must(f, lf_writer_tree(writer, tree, true, &at, &f->error));
    for (i = from; i < from + count; i++) {
        uint32_t key = __builtin_bswap32(i);

        memcpy(value, &i, sizeof i);
        must(f,
             lf_tree_put(at, &key, sizeof key, value, size, false, &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
    free(value);
}

static void
a_cut_file_is_truncated(void **state)
{
    struct fixture *f = *state;
    char name[256];
    struct stat at;
    int i;

    create_store(f);
    put_many(f, "old", 0, 5000, 100);
    put_many(f, "rows", 0, 5000, 100);
    must(f, drop(f->environment, "old", &f->error));
    /* What every commit writes moves down to pages that are free now, so that
     * the last ones are of rows, which nothing reads at open. */
    for (i = 0; i < 5; i++)
        must(f, put(f->environment, "rows", "a", "2", &f->error));
    close_store(f);
    name_of(f, "data.mdb", name);
    assert_int_equal(stat(name, &at), 0);
    assert_int_equal(truncate(name, at.st_size - 20 * 4096), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_CORRUPT,
            "truncated");
    assert_int_equal(truncate(name, at.st_size / 2), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_CORRUPT,
            "truncated");
    assert_int_equal(truncate(name, 4096), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_CORRUPT,
            "truncated");
}

/* Takes pages and gives some back in one transaction. Of those at the end of
 * the file LMDB counts more than it writes. */
static void
take_and_give_back(struct fixture *f, int round, unsigned *seed)
{
    int i, count = rand_r(seed) % 300;
    uint8_t value[6000] = {0};
    struct lf_writer *writer;
    struct lf_tree *tree;
    uint32_t key;

    must(f, lf_writer_begin(f->environment, 5000, &writer, &f->error));
    must(f, lf_writer_tree(writer, "rows", true, &tree, &f->error));
    for (i = 0; i < count; i++) {
        key = __builtin_bswap32((uint32_t)rand_r(seed) % 5000);
        must(f, lf_tree_put(tree, &key, 4, value,
                            (size_t)(rand_r(seed) % (round % 7 ? 300 : 6000)),
                            false, &f->error));
    }
    for (i = 0; i < (round % 3 ? count / 2 : 5000); i++) {
        key = (uint32_t)(round % 3 ? rand_r(seed) % 5000 : i);
        key = __builtin_bswap32(key);
        must(f, lf_tree_delete(tree, &key, 4, &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
}

static void
a_short_file_whose_missing_pages_are_free_is_sound(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info info;
    unsigned seed = 3;
    int rounds = 0;

    create_store(f);
    do {
        take_and_give_back(f, rounds, &seed);
        must(f, lf_environment_info(f->environment, &info, &f->error));
    } while (info.file_size >= info.used_size && ++rounds < 1000);
    assert_true(info.file_size < info.used_size);
    close_store(f);
    must(f, open_flags(f, f->path, 0, &f->environment));
    assert_reads(f, "rows", "a", "1");
    put_many(f, "rows", 0, 5000, 100);
    assert_reads(f, "rows", "a", "1");
}

static void
a_store_of_plain_lmdb_opens(void **state)
{
    struct fixture *f = *state;
    MDB_env *lmdb;
    MDB_txn *txn;
    MDB_dbi handle;
    MDB_val key = {1, (void *)(uintptr_t) "k"};

    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(mdb_env_create(&lmdb), 0);
    mdb_env_set_maxdbs(lmdb, 2);
    assert_int_equal(mdb_env_open(lmdb, f->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(lmdb, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "other", MDB_CREATE, &handle), 0);
    assert_int_equal(mdb_put(txn, handle, &key, &key, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(lmdb);
    must(f, open_flags(f, f->path, 0, &f->environment));
    assert_reads(f, "other", "k", "k");
}

static void
the_map_has_the_size_asked_for(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .map_size = 10 << 20};
    struct lf_environment_info info;

    must(f, open_with(f, f->path, options, &f->environment, NULL));
    must(f, lf_environment_info(f->environment, &info, &f->error));
    assert_int_equal(info.map_size, 10 << 20);
    assert_false(info.map_fallback);
    assert_int_equal(info.max_readers, 1024);
    assert_true(info.lmdb_version >= 924);
}

static void
the_variable_bounds_the_map(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
    } cases[] = {{"32M", 32 << 20},
                 {"1048576", 1 << 20},
                 {"2g", UINT64_C(2) << 30},
                 {"nonsense", UINT64_C(1) << 40},
                 {"12Q", UINT64_C(1) << 40},
                 {"0", UINT64_C(1) << 40},
                 {"99999999T", UINT64_C(1) << 40}};
    struct fixture *f = *state;
    struct lf_environment_info info;
    size_t i;

    create_store(f);
    close_store(f);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("FEATURE_MAP_SIZE", cases[i].text, 1);
        must(f, open_flags(f, f->path, 0, &f->environment));
        must(f, lf_environment_info(f->environment, &info, &f->error));
        /* A sanitizer may leave less room than the default asks for. */
        assert_true(info.map_size == cases[i].size || info.map_fallback);
        assert_true(info.map_size <= cases[i].size);
        close_store(f);
    }
    unsetenv("FEATURE_MAP_SIZE");
}

static int
open_in_little_room(struct fixture *f)
{
    struct rlimit limit = {UINT64_C(4) << 30, UINT64_C(4) << 30};
    struct lf_environment_info info;
    char text[256];

    if (setrlimit(RLIMIT_AS, &limit))
        return 2;
    child_must(f, open_flags(f, f->path, 0, &f->environment));
    child_must(f, lf_environment_info(f->environment, &info, &f->error));
    child_must(f, get(f->environment, "rows", "a", text, &f->error));
    if (strcmp(text, "1"))
        return 3;
    return info.map_fallback && info.map_size < UINT64_C(4) << 30 ? 0 : 4;
}

/* AddressSanitizer needs more address space than that to begin with. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ROOM 0
#else
#define HAS_ROOM 1
#endif

static void
the_map_is_halved_until_it_fits(void **state)
{
    struct fixture *f = *state;

    if (!HAS_ROOM)
        skip();
    create_store(f);
    close_store(f);
    assert_int_equal(wait_child(fork_child(open_in_little_room, f)), 0);
}

static void
warming_is_a_hint(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    close_store(f);
    must(f, open_flags(f, f->path, FEATURE_OPEN_WARM, &f->environment));
    assert_reads(f, "rows", "a", "1");
}

/* A file system of that many bytes at f->path, or the test is skipped. */
static void
mount_small(struct fixture *f, const char *size)
{
    assert_int_equal(mkdir(f->path, 0700), 0);
    if (mount("none", f->path, "tmpfs", 0, size)) {
        print_message("not root: no file system can be mounted\n");
        skip();
    }
}

static off_t
fill_disk(const struct fixture *f)
{
    static char block[4096];
    char name[256];
    off_t size = 0;
    int file;

    name_of(f, "filler", name);
    file = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    while (write(file, block, sizeof block) == (ssize_t)sizeof block)
        size += (off_t)sizeof block;
    close(file);
    return size;
}

static void
a_full_disk_is_an_error_at_open(void **state)
{
    struct fixture *f = *state;
    char filler[256], lock[256];
    off_t size;

    mount_small(f, "size=1m,mode=0700");
    create_store(f);
    close_store(f);
    name_of(f, "filler", filler);
    name_of(f, "lock.mdb", lock);
    assert_int_equal(unlink(lock), 0);
    for (size = fill_disk(f); size > 0; size -= 4096) {
        assert_int_equal(truncate(filler, size), 0);
        memset(&f->error, 0, sizeof f->error);
        if (!open_flags(f, f->path, FEATURE_OPEN_READ_ONLY, &f->environment))
            break;
        assert_int_equal(f->error.status, FEATURE_FULL);
        assert_string_equal(f->error.reason, "disk-full");
    }
    assert_non_null(f->environment);
    assert_reads(f, "rows", "a", "1");
    close_store(f);
    assert_int_equal(umount(f->path), 0);
}

static void
a_full_disk_is_an_error_at_commit_and_passes(void **state)
{
    struct fixture *f = *state;
    char value[4000], filler[256];
    feature_status status = FEATURE_OK;
    int i;

    mount_small(f, "size=1m,mode=0700");
    create_store(f);
    fill_disk(f);
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = '\0';
    for (i = 0; i < 300 && !status; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", i);
        status = put(f->environment, "rows", key, value, &f->error);
    }
    assert_int_equal(status, FEATURE_FULL);
    assert_string_equal(f->error.reason, "disk-full");
    assert_reads(f, "rows", "a", "1");
    name_of(f, "filler", filler);
    unlink(filler);
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    assert_reads(f, "rows", "a", "2");
    close_store(f);
    assert_int_equal(umount(f->path), 0);
}

static void
a_read_only_mount_is_refused(void **state)
{
    struct fixture *f = *state;

    mount_small(f, "size=2m,mode=0700");
    create_store(f);
    close_store(f);
    assert_int_equal(
        mount("none", f->path, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=2m"), 0);
    refused(f, open_flags(f, f->path, FEATURE_OPEN_READ_ONLY, &f->environment),
            FEATURE_UNSUPPORTED, "read-only-mount");
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_IO,
            "permission");
    assert_non_null(strstr(f->error.message, f->path));
    must(f,
         open_flags(f, f->path, FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE,
                    &f->environment));
    assert_reads(f, "rows", "a", "1");
    close_store(f);
    assert_int_equal(umount(f->path), 0);
}

static void
an_overlay_is_refused_for_readers(void **state)
{
    struct fixture *f = *state;
    char options[640], name[256];
    int i;

    mount_small(f, "size=4m,mode=0700");
    for (i = 0; i < 4; i++) {
        static const char *const names[] = {"lower", "upper", "work", "merged"};

        name_of(f, names[i], name);
        assert_int_equal(mkdir(name, 0700), 0);
    }
    snprintf(options, sizeof options,
             "lowerdir=%s/lower,upperdir=%s/upper,"
             "workdir=%s/work",
             f->path, f->path, f->path);
    if (mount("none", name, "overlay", 0, options)) {
        umount(f->path);
        print_message("no overlay file system here\n");
        skip();
    }
    must(f, open_flags(f, name, FEATURE_OPEN_CREATE, &f->environment));
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    close_store(f);
    refused(f, open_flags(f, name, FEATURE_OPEN_READ_ONLY, &f->environment),
            FEATURE_UNSUPPORTED, "overlay-stale");
    must(f, open_flags(f, name, FEATURE_OPEN_READ_ONLY | FEATURE_OPEN_IMMUTABLE,
                       &f->environment));
    assert_reads(f, "rows", "a", "1");
    close_store(f);
    assert_int_equal(umount(name), 0);
    assert_int_equal(umount(f->path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_not_lmdb_is_another_format),
        TEST(another_data_version_is_refused),
        TEST(a_file_of_lmdb_1_is_refused),
        TEST(a_cut_file_is_truncated),
        TEST(a_short_file_whose_missing_pages_are_free_is_sound),
        TEST(a_store_of_plain_lmdb_opens),
        TEST(the_map_has_the_size_asked_for),
        TEST(the_variable_bounds_the_map),
        TEST(the_map_is_halved_until_it_fits),
        TEST(warming_is_a_hint),
        TEST(a_full_disk_is_an_error_at_open),
        TEST(a_full_disk_is_an_error_at_commit_and_passes),
        TEST(a_read_only_mount_is_refused),
        TEST(an_overlay_is_refused_for_readers),
    };

    return cmocka_run_group_tests_name("engine_files", tests, NULL, NULL);
}
