/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: of readers over checked pages, and of the writer. */
#include "engine_fixture.h"

#include "draw.h"

#define KEY_SIZE 24
#define MOST     4000

/* The keys of a tree in order, from a scan. */
struct keys {
    uint32_t count;
    char keys[MOST][KEY_SIZE];
};

static feature_status
collect(void *context, const uint8_t *key, size_t key_size,
        const uint8_t *value, size_t size, struct feature_error *error)
{
    struct keys *keys = context;

    (void)error;
    assert_true(keys->count < MOST && key_size < KEY_SIZE);
    assert_true(size >= key_size && !memcmp(value, key, key_size));
    memcpy(keys->keys[keys->count], key, key_size);
    keys->keys[keys->count++][key_size] = '\0';
    return FEATURE_OK;
}

/* Values begin with their keys; some fill pages of their own. */
static void
fill(struct fixture *f, uint32_t count)
{
    struct lf_writer *writer = begin_write(f);
    struct lf_tree *tree = tree_of(f, writer, "tree");
    char key[KEY_SIZE], value[9000] = "";

    for (uint32_t i = 0; i < count; i++) {
        size_t size =
            (size_t)snprintf(key, sizeof key, "%x", draw_below(100000));

        memcpy(value, key, size);
        must(f, lf_tree_put(tree, key, size, value,
                            draw_one_in(50) ? sizeof value : size + 40, false,
                            &f->error));
    }
    must(f, lf_writer_commit(writer, &f->error));
}

static uint32_t
first_from(const struct keys *keys, const char *from)
{
    uint32_t first = 0;

    while (first < keys->count && strcmp(keys->keys[first], from) < 0)
        first++;
    return first;
}

static void
expect_at(const struct keys *keys, uint32_t index,
          const struct lf_cursor_entry *entry)
{
    if (index >= keys->count) {
        assert_null(entry->key);
        return;
    }
    assert_int_equal(entry->key_size, strlen(keys->keys[index]));
    assert_memory_equal(entry->key, keys->keys[index], entry->key_size);
    assert_memory_equal(entry->value, keys->keys[index], entry->key_size);
}

static void
a_cursor_seeks_and_steps(void **state)
{
    static const uint32_t counts[] = {0, 1, 40, 3500};
    static struct keys keys;
    struct fixture *f = *state;

    draw_state = draw_seed;
    create_store(f);
    for (int t = 0; t < 4; t++) {
        struct lf_cursor_entry entry;
        struct lf_reader *reader;
        struct lf_cursor *cursor;

        fill(f, counts[t]);
        keys.count = 0;
        must(f, lf_reader_begin(f->environment, &reader, &f->error));
        must(f, lf_reader_scan(reader, "tree", collect, &keys, &f->error));
        must(f, lf_cursor_open(reader, "tree", &cursor, &f->error));
        must(f, lf_cursor_next(cursor, &entry, &f->error));
        assert_null(entry.key); /* it is nowhere yet */
        for (int i = 0; i < 3000; i++) {
            char from[KEY_SIZE];
            uint32_t at;

            snprintf(from, sizeof from, "%x", draw_below(110000));
            if (keys.count && draw_one_in(2))
                strcpy(from, keys.keys[draw_below(keys.count)]);
            at = first_from(&keys, from);
            must(f,
                 lf_cursor_seek(cursor, from, strlen(from), &entry, &f->error));
            expect_at(&keys, at, &entry);
            for (uint32_t n = draw_below(6); n && at < keys.count; n--) {
                must(f, lf_cursor_next(cursor, &entry, &f->error));
                expect_at(&keys, ++at, &entry);
            }
        }
        lf_cursor_close(cursor);
        lf_reader_end(reader);
    }
}

static void
a_missing_tree_is_empty(void **state)
{
    struct fixture *f = *state;
    struct lf_cursor_entry entry;
    struct lf_reader *reader;
    struct lf_cursor *cursor;

    create_store(f);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_cursor_open(reader, "missing", &cursor, &f->error));
    must(f, lf_cursor_seek(cursor, "a", 1, &entry, &f->error));
    assert_null(entry.key);
    must(f, lf_cursor_next(cursor, &entry, &f->error));
    assert_null(entry.key);
    lf_cursor_close(cursor);
    lf_cursor_close(NULL);
    lf_reader_end(reader);
}

/* Writes over the header of every leaf of the file. */
static void
break_leaves(struct fixture *f)
{
    const uint16_t upper = 0xfff0;
    uint16_t flags;
    char name[256];
    int file;

    name_of(f, "data.mdb", name);
    file = open(name, O_RDWR);
    for (off_t at = 2 * 4096; pread(file, &flags, 2, at + 10) == 2; at += 4096)
        if (flags == 2)
            assert_int_equal(pwrite(file, &upper, 2, at + 14), 2);
    close(file);
}

static void
a_damaged_page_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct lf_cursor_entry entry;
    struct lf_reader *reader;
    struct lf_cursor *cursor;

    draw_state = draw_seed;
    create_store(f);
    fill(f, 3500);
    must(f, lf_reader_begin(f->environment, &reader, &f->error));
    must(f, lf_cursor_open(reader, "tree", &cursor, &f->error));
    break_leaves(f);
    for (int i = 0; i < 2; i++)
        refused(f, lf_cursor_seek(cursor, "5", 1, &entry, &f->error),
                FEATURE_CORRUPT, "structure");
    must(f, lf_cursor_next(cursor, &entry, &f->error));
    assert_null(entry.key); /* a failed seek leaves it nowhere */
    lf_cursor_close(cursor);
    lf_reader_end(reader);
}

static void
expect_moved(struct fixture *f, struct lf_tree *tree, enum lf_step step,
             const char *from, const char *expected)
{
    struct lf_tree_entry entry;

    must(f, lf_tree_move(tree, step, from, from ? strlen(from) : 0, &entry,
                         &f->error));
    if (!expected) {
        assert_null(entry.key);
        return;
    }
    assert_int_equal(entry.key_size, strlen(expected));
    assert_memory_equal(entry.key, expected, entry.key_size);
    assert_memory_equal(entry.value, expected, entry.size);
}

static void
a_writer_moves_both_ways(void **state)
{
    struct fixture *f = *state;
    struct lf_writer *writer;
    struct lf_tree *tree;

    create_store(f);
    writer = begin_write(f);
    tree = tree_of(f, writer, "tree");
    expect_moved(f, tree, LF_STEP_SEEK, "a", NULL);
    expect_moved(f, tree, LF_STEP_BACK, NULL, NULL);
    for (const char *each = "bdf"; *each; each++)
        must(f, lf_tree_put(tree, each, 1, each, 1, false, &f->error));
    expect_moved(f, tree, LF_STEP_SEEK, "c", "d");
    expect_moved(f, tree, LF_STEP_BACK, NULL, "b");
    expect_moved(f, tree, LF_STEP_BACK, NULL, NULL);
    expect_moved(f, tree, LF_STEP_SEEK, "d", "d");
    expect_moved(f, tree, LF_STEP_NEXT, NULL, "f");
    expect_moved(f, tree, LF_STEP_NEXT, NULL, NULL);
    expect_moved(f, tree, LF_STEP_BACK, NULL, "f");
    expect_moved(f, tree, LF_STEP_SEEK, "g", NULL);
    expect_moved(f, tree, LF_STEP_BACK, NULL, "f");
    expect_moved(f, tree, LF_STEP_BACK, NULL, "d");
    must(f, lf_tree_put(tree, "d", 1, "d", 1, false, &f->error));
    expect_moved(f, tree, LF_STEP_BACK, NULL, "b");
    lf_writer_abort(writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cursor_seeks_and_steps),
        TEST(a_missing_tree_is_empty),
        TEST(a_damaged_page_is_an_error),
        TEST(a_writer_moves_both_ways),
    };

    draw_begin();
    return cmocka_run_group_tests_name("engine_cursor", tests, NULL, NULL);
}
