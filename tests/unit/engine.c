/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store: what is made, what is shared, what is refused. */
#include "engine_fixture.h"

#include <errno.h>
#include <lmdb.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void
a_missing_directory_is_no_store(void **state)
{
    struct fixture *f = *state;

    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    assert_int_equal(access(f->path, F_OK), -1);
}

static void
a_directory_without_data_is_no_store(void **state)
{
    struct fixture *f = *state;
    char name[256];

    assert_int_equal(mkdir(f->path, 0700), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    name_of(f, "open.lock", name);
    assert_int_equal(access(name, F_OK), -1);
}

static void
an_empty_data_file_is_no_store(void **state)
{
    struct fixture *f = *state;
    char name[256];

    assert_int_equal(mkdir(f->path, 0700), 0);
    name_of(f, "data.mdb", name);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    create_store(f);
    assert_reads(f, "rows", "a", "1");
}

static void
a_file_in_place_of_the_directory_is_invalid(void **state)
{
    struct fixture *f = *state;

    close(open(f->path, O_CREAT | O_WRONLY, 0600));
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_INVALID,
            "argument");
    refused(f, open_flags(f, f->path, FEATURE_OPEN_CREATE, &f->environment),
            FEATURE_INVALID, "argument");
}

static void
only_the_last_directory_is_made(void **state)
{
    struct fixture *f = *state;
    char deep[256];

    name_of(f, "deeper", deep);
    refused(f, open_flags(f, deep, FEATURE_OPEN_CREATE, &f->environment),
            FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(access(f->path, F_OK), -1);
}

static mode_t
mode_of(const struct fixture *f, const char *name)
{
    struct stat at = {0};
    char path[256];

    name_of(f, name, path);
    assert_int_equal(stat(path, &at), 0);
    return at.st_mode & 07777;
}

static void
files_are_private_whatever_the_umask(void **state)
{
    struct fixture *f = *state;
    mode_t before = umask(0);

    create_store(f);
    umask(before);
    assert_int_equal(mode_of(f, "."), 0700);
    assert_int_equal(mode_of(f, "data.mdb"), 0600);
    assert_int_equal(mode_of(f, "lock.mdb"), 0600);
    assert_int_equal(mode_of(f, "open.lock"), 0600);
}

static void
the_mode_option_shares_all_files(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE,
                                             .mode = 0660};
    mode_t before = umask(077);

    must(f, open_with(f, f->path, options, &f->environment, NULL));
    umask(before);
    assert_int_equal(mode_of(f, "."), 0770);
    assert_int_equal(mode_of(f, "data.mdb"), 0660);
    assert_int_equal(mode_of(f, "lock.mdb"), 0660);
    assert_int_equal(mode_of(f, "open.lock"), 0660);
}

static void
a_read_only_open_never_creates(void **state)
{
    struct fixture *f = *state;
    uint32_t flags = FEATURE_OPEN_CREATE | FEATURE_OPEN_READ_ONLY;

    refused(f, open_flags(f, f->path, flags, &f->environment),
            FEATURE_NOT_FOUND, "no-store");
    assert_int_equal(access(f->path, F_OK), -1);
}

static void
a_directory_with_other_files_becomes_a_store(void **state)
{
    struct fixture *f = *state;
    char name[256];

    assert_int_equal(mkdir(f->path, 0700), 0);
    name_of(f, "README", name);
    close(open(name, O_CREAT | O_WRONLY, 0600));
    create_store(f);
    assert_int_equal(access(name, F_OK), 0);
}

static void
immutable_is_not_there_yet(void **state)
{
    struct fixture *f = *state;

    refused(f, open_flags(f, f->path, FEATURE_OPEN_IMMUTABLE, &f->environment),
            FEATURE_UNSUPPORTED, "not-yet");
}

static void
a_directory_others_can_write_is_refused(void **state)
{
    struct fixture *f = *state;

    create_store(f);
    close_store(f);
    chmod(f->path, 0777);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "mode");
}

static void
files_others_can_write_are_refused(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "open.lock"};
    struct fixture *f = *state;
    char name[256];
    size_t i;

    create_store(f);
    close_store(f);
    for (i = 0; i < 3; i++) {
        name_of(f, names[i], name);
        chmod(name, 0620);
        refused(f, open_flags(f, f->path, 0, &f->environment),
                FEATURE_UNSUPPORTED, "mode");
        chmod(name, 0600);
    }
    must(f, open_flags(f, f->path, 0, &f->environment));
}

static void
files_of_another_user_are_refused(void **state)
{
    struct fixture *f = *state;
    char name[256];

    create_store(f);
    close_store(f);
    name_of(f, "data.mdb", name);
    if (chown(name, 12345, 12345)) {
        print_message("not root: nothing can be given to another user\n");
        skip();
    }
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "owner");
    assert_int_equal(chown(name, 0, 0), 0);
    assert_int_equal(chown(f->path, 12345, 12345), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_UNSUPPORTED,
            "owner");
}

static void
a_link_to_the_directory_is_followed_and_shares(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other;
    char link[256];

    create_store(f);
    snprintf(link, sizeof link, "%s/current", f->root);
    assert_int_equal(symlink("store", link), 0);
    must(f, open_flags(f, link, 0, &other));
    assert_ptr_equal(other, f->environment);
    lf_environment_close(other);
}

static void
a_link_in_place_of_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char name[256], other[256];

    create_store(f);
    close_store(f);
    name_of(f, "data.mdb", name);
    snprintf(other, sizeof other, "%s/elsewhere", f->root);
    assert_int_equal(rename(name, other), 0);
    assert_int_equal(symlink(other, name), 0);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_INVALID,
            "argument");
}

static void
every_path_to_one_file_is_one_environment(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *relative, *linked;
    char here[256], twin[256], data[256], other[256];

    create_store(f);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(f->root), 0);
    must(f, open_flags(f, "./store/../store", 0, &relative));
    assert_int_equal(chdir(here), 0);
    assert_ptr_equal(relative, f->environment);

    snprintf(twin, sizeof twin, "%s/twin", f->root);
    snprintf(other, sizeof other, "%s/twin/data.mdb", f->root);
    name_of(f, "data.mdb", data);
    assert_int_equal(mkdir(twin, 0700), 0);
    assert_int_equal(link(data, other), 0);
    must(f, open_flags(f, twin, 0, &linked));
    assert_ptr_equal(linked, f->environment);

    lf_environment_close(linked);
    lf_environment_close(relative);
    assert_reads(f, "rows", "a", "1");
}

static void
writing_beside_a_read_only_environment_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct lf_environment *other;
    struct lf_writer *writer;

    create_store(f);
    close_store(f);
    must(f, open_flags(f, f->path, FEATURE_OPEN_READ_ONLY, &f->environment));
    refused(f, open_flags(f, f->path, 0, &other), FEATURE_CONFLICT, "in-use");
    refused(f, lf_writer_begin(f->environment, 0, &writer, &f->error),
            FEATURE_INVALID, "argument");
    refused(f, lf_environment_sync(f->environment, &f->error), FEATURE_INVALID,
            "argument");
    assert_reads(f, "rows", "a", "1");
}

static void
a_weaker_sync_level_is_not_shared(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options weak = {.sync = FEATURE_SYNC_LAST_TXN};
    struct lf_environment *other;

    create_store(f);
    must(f, open_with(f, f->path, weak, &other, NULL)); /* gets the stronger */
    lf_environment_close(other);
    close_store(f);
    must(f, open_with(f, f->path, weak, &f->environment, NULL));
    refused(f, open_flags(f, f->path, 0, &other), FEATURE_CONFLICT, "in-use");
    must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, lf_environment_sync(f->environment, &f->error));
}

static void
a_mode_that_makes_no_sense_is_refused(void **state)
{
    static const uint32_t modes[] = {0400, 0700, 0755, 066, 04600, 0xffffffff};
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE};
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        options.mode = modes[i];
        refused(f, open_with(f, f->path, options, &f->environment, NULL),
                FEATURE_INVALID, "argument");
    }
}

static void
a_store_nobody_wrote_to_is_created_again(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_options options = {.flags = FEATURE_OPEN_CREATE};
    bool created = false;

    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_true(created);
    close_store(f);
    refused(f, open_flags(f, f->path, 0, &f->environment), FEATURE_NOT_FOUND,
            "no-store");
    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_true(created);
    must(f, put(f->environment, "rows", "a", "1", &f->error));
    close_store(f);
    must(f, open_with(f, f->path, options, &f->environment, &created));
    assert_false(created);
}

static void
what_a_cut_creation_left_is_no_hindrance(void **state)
{
    struct fixture *f = *state;
    char name[256];
    int file;

    assert_int_equal(mkdir(f->path, 0700), 0);
    name_of(f, "new.mdb", name);
    file = open(name, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(file, "torn", 4), 4);
    close(file);
    create_store(f);
    assert_int_equal(access(name, F_OK), -1);
}

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

    create_store(f);
    put_many(f, "rows", 0, 5000, 100);
    close_store(f);
    name_of(f, "data.mdb", name);
    assert_int_equal(stat(name, &at), 0);
    assert_int_equal(truncate(name, at.st_size - 4096), 0);
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
    assert_int_equal(umount(name), 0);
    assert_int_equal(umount(f->path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_directory_is_no_store),
        TEST(a_directory_without_data_is_no_store),
        TEST(an_empty_data_file_is_no_store),
        TEST(a_file_in_place_of_the_directory_is_invalid),
        TEST(only_the_last_directory_is_made),
        TEST(files_are_private_whatever_the_umask),
        TEST(the_mode_option_shares_all_files),
        TEST(a_read_only_open_never_creates),
        TEST(a_directory_with_other_files_becomes_a_store),
        TEST(immutable_is_not_there_yet),
        TEST(a_directory_others_can_write_is_refused),
        TEST(files_others_can_write_are_refused),
        TEST(files_of_another_user_are_refused),
        TEST(a_link_to_the_directory_is_followed_and_shares),
        TEST(a_link_in_place_of_a_file_is_refused),
        TEST(every_path_to_one_file_is_one_environment),
        TEST(writing_beside_a_read_only_environment_is_a_conflict),
        TEST(a_weaker_sync_level_is_not_shared),
        TEST(a_mode_that_makes_no_sense_is_refused),
        TEST(a_store_nobody_wrote_to_is_created_again),
        TEST(what_a_cut_creation_left_is_no_hindrance),
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

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
