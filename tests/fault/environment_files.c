/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are others', damaged, linked, moved or gone. */
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment.h"

static void
put_bytes(const char *path, off_t at, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (pwrite(file, bytes, size, at) != (ssize_t)size)
        place_broken("cannot write %s", path);
    close(file);
}

static void
wrong_modes(struct place *place)
{
    place_leave(place->store);
    chmod(place->store, 0770);
    NAMED(place_use(place->store, 0), FEATURE_UNSUPPORTED, "mode");
    chmod(place->store, 0700);
    chmod(place_path(place, "store/data.mdb"), 0606);
    NAMED(place_use(place->store, 0), FEATURE_UNSUPPORTED, "mode");
    chmod(place_path(place, "store/data.mdb"), 0600);
    chmod(place_path(place, "store/open.lock"), 0666);
    NAMED(place_use(place->store, 0), FEATURE_UNSUPPORTED, "mode");
    chmod(place_path(place, "store/open.lock"), 0600);
    WORKS(place_use(place->store, 0));
}

static void
linked_directory(struct place *place)
{
    const char *link = place_path(place, "link");
    feature_store *store = place_make(place->store);

    if (symlink("store", link))
        place_broken("no link");
    WORKS(place_use(link, 0)); /* shares what is open */
    WORKS(place_read(store));
    feature_store_close(store);
    WORKS(place_use(link, 0));
}

static void
linked_files(struct place *place)
{
    place_leave(place->store);
    mkdir(place_path(place, "other"), 0700);
    if (symlink("../store/data.mdb", place_path(place, "other/data.mdb")))
        place_broken("no link");
    NAMED(place_use(place_path(place, "other"), 0), FEATURE_INVALID,
          "argument");
    unlink(place_path(place, "store/open.lock"));
    mkdir(place_path(place, "store/open.lock"), 0700);
    NAMED(place_use(place->store, 0), FEATURE_INVALID, "argument");
}

/* The same file by another name is the same store, in this process. */
static void
hard_link(struct place *place)
{
    feature_store *store = place_make(place->store), *other = NULL;

    mkdir(place_path(place, "other"), 0700);
    if (link(place_path(place, "store/data.mdb"),
             place_path(place, "other/data.mdb")))
        place_broken("no link");
    WORKS(place_open(place_path(place, "other"), 0, &other));
    WORKS(place_write(other, 0, 10, 20));
    WORKS(place_read(store));
    feature_store_close(store);
    WORKS(place_write(other, 0, 10, 30));
    WORKS(place_read(other));
    feature_store_close(other);
    place_sound(place->store);
}

static void
no_store(struct place *place)
{
    static char name[5000];

    mkdir(place_path(place, "empty"), 0700);
    put_bytes(place_path(place, "file"), 0, "x", 1);
    memset(name, 'n', sizeof name - 1);
    NAMED(place_use(place_path(place, "empty"), 0), FEATURE_NOT_FOUND,
          "no-store");
    NAMED(place_use(place->store, 0), FEATURE_NOT_FOUND, "no-store");
    NAMED(place_use(place_path(place, "no/store"), FEATURE_OPEN_CREATE),
          FEATURE_NOT_FOUND, "no-store");
    NAMED(place_use(place_path(place, "file"), FEATURE_OPEN_CREATE),
          FEATURE_INVALID, "argument");
    EITHER(place_use(name, FEATURE_OPEN_CREATE));
    EITHER(place_use("/dev/null", FEATURE_OPEN_CREATE));
    EITHER(place_use("/proc/self", FEATURE_OPEN_CREATE));
}

/* A file of plain LMDB, by the LMDB that the library brings. */
static void
make_foreign(const char *path)
{
    int (*create)(void **), (*begin)(void *, void *, unsigned, void **);
    int (*open_at)(void *, const char *, unsigned, unsigned), (*commit)(void *);
    int (*open_tree)(void *, const char *, unsigned, unsigned *);
    int (*put)(void *, unsigned, void *, void *, unsigned);
    void (*close_it)(void *), *env, *txn;
    struct {
        size_t size;
        const void *data;
    } text = {1, "k"};
    unsigned tree;

    *(void **)&create = dlsym(RTLD_DEFAULT, "mdb_env_create");
    *(void **)&open_at = dlsym(RTLD_DEFAULT, "mdb_env_open");
    *(void **)&begin = dlsym(RTLD_DEFAULT, "mdb_txn_begin");
    *(void **)&open_tree = dlsym(RTLD_DEFAULT, "mdb_dbi_open");
    *(void **)&put = dlsym(RTLD_DEFAULT, "mdb_put");
    *(void **)&commit = dlsym(RTLD_DEFAULT, "mdb_txn_commit");
    *(void **)&close_it = dlsym(RTLD_DEFAULT, "mdb_env_close");
    mkdir(path, 0700);
    if (create(&env) || open_at(env, path, 0, 0600) ||
        begin(env, NULL, 0, &txn) || open_tree(txn, NULL, 0, &tree) ||
        put(txn, tree, &text, &text, 0) || commit(txn))
        place_broken("plain LMDB failed");
    close_it(env);
}

static void
foreign_lmdb(struct place *place)
{
    make_foreign(place->store);
    NAMED(place_use(place->store, 0), FEATURE_VERSION, "format");
    NAMED(place_use(place->store, FEATURE_OPEN_CREATE), FEATURE_VERSION,
          "format");
    NAMED(place_use(place->store, FEATURE_OPEN_IMMUTABLE), FEATURE_VERSION,
          "format");
    if (!access(place_path(place, "store/open.lock"), F_OK))
        place_broken("a refused open left open.lock");
}

static void
other_bytes(struct place *place)
{
    static char bytes[20000];
    uint32_t version = 2;

    memset(bytes, 0x5a, sizeof bytes);
    mkdir(place_path(place, "other"), 0700);
    put_bytes(place_path(place, "other/data.mdb"), 0, bytes, sizeof bytes);
    NAMED(place_use(place_path(place, "other"), 0), FEATURE_VERSION, "format");
    place_leave(place->store);
    put_bytes(place_path(place, "store/data.mdb"), 20, &version, 4);
    put_bytes(place_path(place, "store/data.mdb"), 4096 + 20, &version, 4);
    NAMED(place_use(place->store, 0), FEATURE_VERSION, "lmdb-version");
}

static void
lmdb_1(struct place *place)
{
    uint32_t head[4] = {0, 0, 0xbeefc0deu, 2};

    place_leave(place->store);
    put_bytes(place_path(place, "store/data.mdb"), 16, head, sizeof head);
    NAMED(place_use(place->store, 0), FEATURE_VERSION, "lmdb-version");
}

static void
truncated(struct place *place)
{
    const char *data = place_path(place, "store/data.mdb");
    struct stat at;

    place_leave(place->store);
    if (stat(data, &at))
        place_broken("no file");
    place_cut(data, at.st_size - 4096);
    NAMED(place_use(place->store, 0), FEATURE_CORRUPT, "truncated");
    NAMED(place_use(place->store, FEATURE_OPEN_IMMUTABLE), FEATURE_CORRUPT,
          "truncated");
    place_cut(data, 4096);
    NAMED(place_use(place->store, 0), FEATURE_CORRUPT, "truncated");
    place_cut(data, 0);
    NAMED(place_use(place->store, 0), FEATURE_NOT_FOUND, "no-store");
}

static void
swap_elsewhere(struct place *place)
{
    feature_store *store = NULL;

    WORKS(place_open(place->store, 0, &store));
    WORKS(feature_store_apply(store, "DROP FEATURE VIEW v", NULL, NULL,
                              &place_error));
    WORKS(feature_store_apply(store,
                              "CREATE FEATURE VIEW v (a INT64, s STRING) FOR e",
                              NULL, NULL, &place_error));
    WORKS(place_write(store, 0, 10, 20));
    feature_store_close(store);
}

/* A batch and a handle of before meet the view's successor of the same name. */
static void
stale_handle(struct place *place)
{
    feature_store *store = NULL;
    feature_batch *batch = NULL;
    int64_t key = 3, value = 99;

    place_leave(place->store);
    place_child(swap_elsewhere, place); /* opens its own */
    WORKS(place_open(place->store, 0, &store));
    WORKS(feature_batch_create(store, "v", "k, a", FEATURE_PATCH, &batch,
                               &place_error));
    WORKS(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, &key, NULL, NULL, 1,
                            &place_error));
    WORKS(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, &value, NULL, NULL, 1,
                            &place_error));
    place_child(swap_elsewhere, place);
    NAMED(feature_store_write(store, &batch, 1, NULL, NULL, &place_error),
          FEATURE_CONFLICT, "schema-changed");
    feature_batch_free(batch);
    WORKS(place_read(store));
    WORKS(place_write(store, 0, 10, 20));
    feature_store_close(store);
    place_sound(place->store);
}

static void
compact_here(struct place *place)
{
    NAMED(feature_store_compact(place->store, NULL, NULL, NULL, &place_error),
          FEATURE_BUSY, "in-use");
}

static void
compacted_elsewhere(struct place *place)
{
    feature_store *store = place_make(place->store);

    compact_here(place);
    place_child(compact_here, place);
    WORKS(place_read(store));
    feature_store_close(store);
}

static int
remove_entry(const char *path, const struct stat *at, int kind,
             struct FTW *walk)
{
    (void)at;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void
removed(struct place *place)
{
    feature_store *store = place_make(place->store);

    nftw(place->store, remove_entry, 8, FTW_PHYS | FTW_DEPTH);
    WORKS(place_read(store));
    EITHER(place_write(store, 0, 10, 20));
    NAMED(place_use(place->store, 0), FEATURE_NOT_FOUND, "no-store");
    feature_store_close(store);
    place_leave(place->store);
    WORKS(place_use(place->store, 0));
    place_sound(place->store);
}

static void
clock_goes_back(struct place *place)
{
    struct feature_options options = {.struct_size = sizeof options,
                                      .fixed_now = INT64_C(1000000)};
    struct feature_stats before = {.struct_size = sizeof before};
    struct feature_stats after = {.struct_size = sizeof after};
    feature_store *store = place_make(place->store);

    WORKS(feature_store_stats(store, &before, &place_error));
    feature_store_close(store);
    WORKS(feature_store_open(place->store, &options, &store, &place_error));
    WORKS(place_write(store, 20, 30, 20));
    WORKS(feature_store_stats(store, &after, &place_error));
    if (after.commit_time <= before.commit_time)
        place_broken("the time of a commit went back");
    feature_store_close(store);
    place_sound(place->store);
}

const struct place_case place_file_cases[] = {
    {"wrong modes", wrong_modes, 0},
    {"directory by a symbolic link", linked_directory, 0},
    {"files that are links or directories", linked_files, 0},
    {"data.mdb by a hard link", hard_link, 0},
    {"no store there", no_store, 0},
    {"file of plain LMDB", foreign_lmdb, 0},
    {"other bytes, other data version", other_bytes, 0},
    {"file of LMDB 1.0", lmdb_1, 0},
    {"file cut short", truncated, 0},
    {"view made again elsewhere", stale_handle, 0},
    {"compaction of an open store", compacted_elsewhere, 0},
    {"directory removed while open", removed, 0},
    {"clock that goes back", clock_goes_back, 0},
    {0}};
