/* SPDX-License-Identifier: Apache-2.0 */
/* Scans from a key on, and readers that are parked between calls. */
#include "engine_fixture.h"

#include "draw.h"

#define KEY_SIZE 24

/* Keys of a tree, in order. */
struct keys {
    uint32_t count;
    uint32_t stop_at;
    char keys[4000][KEY_SIZE];
};

static feature_status
collect(void *context, const uint8_t *key, size_t key_size,
        const uint8_t *value, size_t size, struct feature_error *error)
{
    struct keys *keys = context;

    (void)value;
    (void)size;
    (void)error;
    assert_true(key_size < KEY_SIZE && keys->count < 4000);
    memcpy(keys->keys[keys->count], key, key_size);
    keys->keys[keys->count][key_size] = '\0';
    return ++keys->count == keys->stop_at ? LF_ENOUGH : FEATURE_OK;
}

static void
fill(struct fixture *f, const char *name, uint32_t count, uint32_t value_size)
{
    struct lf_writer *writer = begin_write(f);
    struct lf_tree *tree = tree_of(f, writer, name);
    char key[KEY_SIZE], value[4000] = "";

    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%x", draw_below(100000));
        must(f, lf_tree_put(tree, key, strlen(key), value,
                            draw_below(value_size), false, &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
}

static struct keys *
scan(struct fixture *f, struct lf_reader *reader, const char *name,
     const char *from, uint32_t stop_at)
{
    static struct keys keys[2];
    static int next;
    struct keys *at = &keys[next ^= 1];

    at->count = 0;
    at->stop_at = stop_at;
    must(f, lf_reader_scan_from(reader, name, from, strlen(from), collect, at,
                                &f->error));
    return at;
}

static void
a_scan_begins_at_the_first_key_that_is_not_below(void **state)
{
    static const uint32_t counts[] = {0, 1, 2, 40, 300, 3500};
    struct fixture *f = *state;
    struct lf_reader *reader;
    char name[16], from[KEY_SIZE];

    draw_state = draw_seed;
    create_store(f);
    for (int t = 0; t < 6; t++) {
        snprintf(name, sizeof name, "tree%d", t);
        fill(f, name, counts[t], t == 4 ? 4000 : 100);
    }
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    for (int t = 0; t < 6; t++) {
        struct keys *all, *some;

        snprintf(name, sizeof name, "tree%d", t);
        for (int i = 0; i < 200; i++) {
            uint32_t first = 0;

            all = scan(f, reader, name, "", 0);
            assert_true(all->count || !t);
            snprintf(from, sizeof from, "%x", draw_below(110000));
            if (i % 2 && all->count)
                strcpy(from, all->keys[draw_below(all->count)]);
            while (first < all->count && strcmp(all->keys[first], from) < 0)
                first++;
            some = scan(f, reader, name, from, 0);
            assert_int_equal(some->count, all->count - first);
            for (uint32_t k = 0; k < some->count; k++)
                assert_string_equal(some->keys[k], all->keys[first + k]);
            some = scan(f, reader, name, from, 2);
            assert_true(some->count <= 2);
        }
    }
    assert_int_equal(scan(f, reader, "missing", "a", 0)->count, 0);
    lf_reader_end(reader);
}

/* Makes every branch of the file one without nodes. */
static void
empty_branches(struct fixture *f)
{
    const uint16_t lower = 16;
    uint16_t flags;
    char name[256];
    int file, count = 0;

    name_of(f, "data.mdb", name);
    file = open(name, O_RDWR);
    for (off_t at = 2 * 4096; pread(file, &flags, 2, at + 10) == 2; at += 4096)
        if (flags == 1) {
            assert_int_equal(pwrite(file, &lower, 2, at + 12), 2);
            count++;
        }
    close(file);
    assert_true(count > 0);
}

static void
a_branch_without_nodes_is_damage(void **state)
{
    struct fixture *f = *state;
    struct keys keys = {0};
    struct lf_reader *reader;

    draw_state = draw_seed;
    create_store(f);
    fill(f, "tree", 3500, 100);
    close_store(f);
    empty_branches(f);
    must(f, open_flags(f, f->path, 0, &f->environment));
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    for (int i = 0; i < 2; i++)
        refused(f,
                lf_reader_scan_from(reader, "tree", "5", (size_t)i, collect,
                                    &keys, &f->error),
                FEATURE_CORRUPT, "structure");
    assert_int_equal(keys.count, 0);
    lf_reader_end(reader);
}

static void
a_parked_reader_lets_the_map_move(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info info;
    struct lf_reader *reader;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    lf_reader_park(reader);
    for (uint64_t size = 64 << 20; size < 128 << 20; size += 16 << 20) {
        must(f, lf_environment_limit(f->environment, size, &f->error));
        must(f, lf_environment_info(f->environment, &info, &f->error));
        assert_int_equal(info.map_size, size);
        must(f, put(f->environment, "rows", "b", "2", &f->error));
        must(f, drop(f->environment, "rows", &f->error));
        must(f, put(f->environment, "rows", "c", "3", &f->error));
        must(f, lf_reader_resume(reader, &f->error));
        assert_int_equal(scan(f, reader, "rows", "", 0)->count, 1);
        assert_string_equal(scan(f, reader, "rows", "", 0)->keys[0], "a");
        lf_reader_park(reader);
    }
    lf_reader_drop(reader);
    assert_reads(f, "rows", "c", "3");
    assert_reads(f, "rows", "a", "");
}

static void
a_dropped_reader_lets_its_pages_go(void **state)
{
    struct fixture *f = *state;
    struct lf_environment_info held, freed;
    struct lf_reader *reader;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    lf_reader_park(reader);
    for (int i = 0; i < 200; i++)
        must(f, put(f->environment, "rows", "a", "2", &f->error));
    must(f, lf_environment_info(f->environment, &held, &f->error));
    lf_reader_drop(reader);
    for (int i = 0; i < 200; i++)
        must(f, put(f->environment, "rows", "a", "3", &f->error));
    must(f, lf_environment_info(f->environment, &freed, &f->error));
    /* 200 commits of at least three pages each, which could not be reused */
    assert_true(held.used_size > 400 * 4096);
    assert_true(freed.used_size <= held.used_size + 16 * 4096);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_scan_begins_at_the_first_key_that_is_not_below),
        TEST(a_branch_without_nodes_is_damage),
        TEST(a_parked_reader_lets_the_map_move),
        TEST(a_dropped_reader_lets_its_pages_go),
    };

    return cmocka_run_group_tests_name("engine_scan", tests, NULL, NULL);
}
