/* SPDX-License-Identifier: Apache-2.0 */
/* Maps that are too small and grow, in several processes at once, and a disk
 * that fills up and is emptied. */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "peer.h"

#define DEFINITIONS              \
    "CREATE ENTITY e (k INT64);" \
    "CREATE FEATURE VIEW v (a INT64, b INT64, s STRING) FOR e;"

#define WRITERS 2
#define READERS 2
#define ROUNDS  24
#define BYTES   300000

static int
begin(void **state)
{
    if (fixture_begin(state))
        return -1;
    define(*state, DEFINITIONS);
    return 0;
}

#define GROWTH(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

static char *
large_row(int key, int value)
{
    static char text[BYTES + 64];
    int size =
        snprintf(text, sizeof text, "%d %d %d %d ", key, value, value, -value);

    memset(text + size, 'x', BYTES);
    text[size + BYTES] = '\0';
    return text;
}

static void
a_map_that_is_too_small_doubles(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    f->options.map_size = 1 << 20;
    open_store(f);
    assert_int_equal(stats_of(f).map_size, 1 << 20);
    for (int i = 0; i < 20; i++)
        upsert(f, "v", NULL, large_row(i, i));
    assert_in_range(stats_of(f).map_size, 6 << 20, 64 << 20);
    assert_int_equal(stats_of(f).sequence, 21);
    expect_rows(f, "v(a, b)", "0\n19", "present 0 0\npresent 19 -19");
}

static void
write_large_rows(struct fixture *f, struct peer *peer)
{
    int key = 1000 + (int)getpid();

    f->options.map_size = 1 << 20;
    open_store(f);
    take_turn(peer);
    for (int i = 1; i <= ROUNDS; i++) {
        upsert(f, "v", NULL, large_row(1, i));
        upsert(f, "v", NULL, large_row(key + i * 100000, i));
    }
    give_turn(peer);
    close_store(f);
}

/* Both numbers of a row are of one commit, whatever the map does. */
static void
read_on(struct fixture *f, struct peer *peer)
{
    const int64_t key = 1;
    struct feature_column a, b;
    struct reader reader;
    int64_t last;

    f->options.map_size = 1 << 20;
    f->options.flags = FEATURE_OPEN_READ_ONLY;
    open_store(f);
    reader = open_reader(f, "v(a, b)", 0, NULL);
    take_turn(peer);
    do {
        must(feature_request_set_key(reader.request, 0, FEATURE_TYPE_INT64,
                                     &key, NULL, NULL, 1, &problem));
        must(feature_request_read(reader.request, &problem));
        must(feature_request_column(reader.request, 0, &a, &problem));
        must(feature_request_column(reader.request, 1, &b, &problem));
        last = *(const int64_t *)a.values;
        assert_true(*(const int64_t *)b.values == -last);
    } while (last != ROUNDS);
    close_reader(&reader);
    give_turn(peer);
    close_store(f);
}

static void
processes_with_small_maps_follow_each_other(void **state)
{
    struct fixture *f = *state;
    struct peer peers[WRITERS + READERS];

    close_store(f);
    for (int i = 0; i < WRITERS + READERS; i++)
        peers[i] = start_peer(f, i < WRITERS ? write_large_rows : read_on);
    for (int i = 0; i < WRITERS + READERS; i++)
        give_turn(&peers[i]);
    for (int i = 0; i < WRITERS + READERS; i++) {
        take_turn(&peers[i]);
        end_peer(&peers[i]);
    }
    f->options.map_size = 0;
    open_store(f);
    assert_int_equal(stats_of(f).sequence, 1 + WRITERS * ROUNDS * 2);
    assert_int_equal(stats_of(f).rows, 1 + WRITERS * ROUNDS);
    expect_rows(f, "v(a, b)", "1", "present 24 -24");
}

/* The library calls it between opening the file and its first transaction: there
 * somebody else has a turn. */
static struct peer *between;

int mdb_reader_check(void *lmdb, int *dead);

int
mdb_reader_check(void *lmdb, int *dead)
{
    int (*check)(void *, int *);
    void *found = dlsym(RTLD_NEXT, "mdb_reader_check");
    struct peer *peer = between;

    assert_non_null(found);
    memcpy(&check, &found, sizeof check);
    between = NULL;
    if (peer)
        pass_turn(peer);
    return check(lmdb, dead);
}

static void
write_more(struct fixture *f, struct peer *peer)
{
    open_store(f);
    pass_turn(peer);
    for (int i = 0; i < 20; i++)
        upsert(f, "v", NULL, large_row(i, i));
    pass_turn(peer);
    close_store(f);
}

static void
a_store_can_outgrow_the_map_while_it_is_opened(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    close_store(f);
    peer = start_peer(f, write_more);
    take_turn(&peer);
    f->options.map_size = 1 << 20;
    between = &peer;
    open_store(f);
    assert_null(between);
    expect_rows(f, "v(a, b)", "0\n19", "present 0 0\npresent 19 -19");
    upsert(f, "v", NULL, large_row(20, 20));
    give_turn(&peer);
    end_peer(&peer);
}

/* --- a full disk ------------------------------------------------------------ */

static void
fill(const char *path)
{
    static char block[4096];
    int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

    assert_true(file >= 0);
    while (write(file, block, sizeof block) == (ssize_t)sizeof block)
        continue;
    close(file);
}

static void
fill_and_free_the_disk(struct fixture *f)
{
    char filler[TEST_PATH_SIZE + 16];
    feature_batch *batch;
    feature_status status = FEATURE_OK;
    uint64_t rows;
    int i;

    snprintf(filler, sizeof filler, "%s/filler", f->path);
    upsert(f, "v", NULL, "1 100 1 -1 x");
    fill(filler);
    for (i = 0; i < 5 && !status; i++) {
        batch = make_batch(f, FEATURE_UPSERT, "v", NULL, large_row(10 + i, 7));
        rows = stats_of(f).rows;
        problem = (struct feature_error){0};
        status = feature_store_write(f->store, &batch, 1, NULL, NULL, &problem);
        feature_batch_free(batch);
    }
    assert_int_equal(status, FEATURE_FULL);
    assert_string_equal(problem.reason, "disk-full");
    assert_int_equal(stats_of(f).rows, rows);
    expect_rows(f, "v(a, b)", "1", "present 1 -1");
    assert_int_equal(unlink(filler), 0);
    upsert(f, "v", NULL, large_row(50, 7));
    expect_rows(f, "v(a, b)", "1\n50", "present 1 -1\npresent 7 -7");
}

static void
a_full_disk_is_an_error_until_space_is_freed(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    remove_directory(f->path);
    assert_int_equal(mkdir(f->path, 0700), 0);
    if (mount("none", f->path, "tmpfs", 0, "size=4m,mode=0700")) {
        print_message("not root: no file system can be mounted\n");
        skip();
    }
    for (int sync = FEATURE_SYNC_FULL; sync <= FEATURE_SYNC_LAST_TXN; sync++) {
        f->options.sync = sync;
        open_store(f);
        if (sync == FEATURE_SYNC_FULL)
            define(f, DEFINITIONS);
        fill_and_free_the_disk(f);
        must(feature_store_sync(f->store, &problem));
        close_store(f);
    }
    assert_int_equal(umount(f->path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        GROWTH(a_map_that_is_too_small_doubles),
        GROWTH(processes_with_small_maps_follow_each_other),
        GROWTH(a_store_can_outgrow_the_map_while_it_is_opened),
        GROWTH(a_full_disk_is_an_error_until_space_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
