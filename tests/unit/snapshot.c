/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot files that are wrong under right checksums: sections nobody knows,
 * bombs, frames out of order, totals; and the vectors of SHA-256. */
#include <stdbool.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "engine/engine.h"
#include "format/history.h"
#include "fuzz/reseal.h"
#include "support.h"

struct scene {
    char file[TEST_PATH_SIZE + 16];
    char bad[TEST_PATH_SIZE + 16];
    struct parts parts;
};

static void
fill(feature_store *store)
{
    int64_t keys[300], values[300];
    feature_batch *batch;

    for (int i = 0; i < 300; i++) {
        keys[i] = i;
        values[i] = i * 7;
    }
    must(feature_store_apply(
        store,
        "CREATE ENTITY e (k INT64);"
        "CREATE FEATURE VIEW v (a INT64) FOR e;"
        "CREATE FEATURE VIEW w (a INT64) FOR e WITH (history = "
        "'30 days');",
        NULL, NULL, &problem));
    for (int view = 0; view < 2; view++) {
        must(feature_batch_create(store, view ? "w" : "v", "k, a",
                                  FEATURE_UPSERT, &batch, &problem));
        must(feature_batch_set(batch, 0, FEATURE_TYPE_INT64, keys, NULL, NULL,
                               300, &problem));
        must(feature_batch_set(batch, 1, FEATURE_TYPE_INT64, values, NULL, NULL,
                               300, &problem));
        must(feature_store_write(store, &batch, 1, NULL, NULL, &problem));
        feature_batch_free(batch);
    }
}

static int
begin(void **state)
{
    static struct scene scene;
    struct fixture *f;

    if (fixture_begin(state))
        return -1;
    f = *state;
    fill(f->store);
    snprintf(scene.file, sizeof scene.file, "%s/a.snap", f->directory);
    snprintf(scene.bad, sizeof scene.bad, "%s/bad.snap", f->directory);
    must(feature_store_snapshot(f->store, scene.file, NULL, NULL, NULL,
                                &problem));
    parts_read(&scene.parts, scene.file);
    /* manifest, catalog, rows, rows, history */
    assert_int_equal(scene.parts.count, 5);
    f->context = &scene;
    return 0;
}

static int
end(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;

    parts_free(&scene->parts);
    return fixture_end(state);
}

#define SNAPSHOT(name) cmocka_unit_test_setup_teardown(name, begin, end)

static feature_status
check(struct scene *scene)
{
    struct feature_restore_options options = {
        .struct_size = sizeof options, .flags = FEATURE_RESTORE_VERIFY_ONLY};

    problem = (struct feature_error){.row = -1};
    return feature_store_restore(scene->bad, NULL, &options, NULL, NULL,
                                 &problem);
}

/* Writes the parts and expects that they are refused with these words. */
static void
expect(struct scene *scene, feature_status status, const char *words)
{
    feature_status got;

    parts_write(&scene->parts, scene->bad, false);
    got = check(scene);
    if (got != status || (status && !strstr(problem.message, words)))
        fail_msg("status %d (%s), not %d (%s)", got, problem.message, status,
                 words);
    parts_free(&scene->parts);
    parts_read(&scene->parts, scene->file);
}

static void
unknown_sections_are_skipped_unless_critical(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;

    for (uint32_t i = 1; i <= 4; i++) {
        struct lf_frame *frame = parts_insert(&scene->parts, i, "sketches");

        frame->stored = frame->size = 100 * i;
        frame->view = i;
        expect(scene, FEATURE_OK, "");
        frame = parts_insert(&scene->parts, i, "sketches");
        frame->flags = LF_FRAME_CRITICAL;
        expect(scene, FEATURE_VERSION, "\"sketches\"");
        assert_non_null(strstr(problem.message, "byte "));
    }
    parts_insert(&scene->parts, 0, "history");
    expect(scene, FEATURE_CORRUPT, "begins with its manifest");
    /* An unknown section may be packed by whatever; it is not unpacked. */
    *parts_insert(&scene->parts, 2, "other") =
        (struct lf_frame){.name = "other",
                          .flags = LF_FRAME_PACKED,
                          .stored = 10,
                          .size = LF_FRAME_MAX};
    expect(scene, FEATURE_OK, "");
}

static void
frames_out_of_order_are_refused(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;
    struct parts *parts = &scene->parts;
    struct lf_frame head;
    uint8_t *stored;

    parts_remove(parts, 0);
    expect(scene, FEATURE_CORRUPT, "begins with its manifest");
    parts_remove(parts, 1);
    expect(scene, FEATURE_CORRUPT, "catalog has another version");
    parts_remove(parts, 3);
    expect(scene, FEATURE_CORRUPT, "view w has 0 rows");
    parts_remove(parts, 2);
    expect(scene, FEATURE_CORRUPT, "view v has 0 rows");
    while (parts->count)
        parts_remove(parts, 0);
    expect(scene, FEATURE_CORRUPT, "begins with its manifest");
    head = parts->heads[2]; /* the rows of w before those of v */
    stored = parts->stored[2];
    parts->heads[2] = parts->heads[3];
    parts->stored[2] = parts->stored[3];
    parts->heads[3] = head;
    parts->stored[3] = stored;
    expect(scene, FEATURE_CORRUPT, "view v has 0 rows");
    head = parts->heads[0];
    stored = parts->stored[0];
    *parts_insert(parts, 3, "manifest") = head;
    memcpy(parts->stored[3], stored, head.size);
    expect(scene, FEATURE_CORRUPT, "second manifest");
    head = parts->heads[3];
    stored = parts->stored[3];
    *parts_insert(parts, 3, "rows") = head;
    memcpy(parts->stored[3], stored, head.size);
    expect(scene, FEATURE_CORRUPT, "key is out of order");
    parts->heads[3].view = 77;
    expect(scene, FEATURE_CORRUPT, "view w has 0 rows");
    parts->heads[3].view = 0;
    expect(scene, FEATURE_CORRUPT, "out of place");
    parts->heads[2].items++;
    expect(scene, FEATURE_CORRUPT, "number of records");
}

static void
rows_under_right_checksums_of_the_file_are_checked_again(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;
    struct parts *parts = &scene->parts;
    uint32_t row = 6 + 8 + 16 + 8 + 8; /* sizes, key, header, nulls, a */

    for (uint32_t at = 6; at < row; at++) {
        parts->stored[2][at + row] ^= 1;
        expect(scene, FEATURE_CORRUPT, "row 1 of view v");
    }
    parts->stored[2][0] = 7; /* a key of another size */
    expect(scene, FEATURE_CORRUPT, "");
    lf_store_u32(parts->stored[2] + 2, UINT32_MAX);
    expect(scene, FEATURE_CORRUPT, "larger than can be");
    lf_store_u16(parts->stored[2], 481);
    expect(scene, FEATURE_CORRUPT, "larger than can be");
    lf_store_u32(parts->stored[2] + 2, 60u << 20); /* that never comes */
    expect(scene, FEATURE_CORRUPT, "");
    /* A row less, and everything else says so too. */
    parts->heads[2].size -= row;
    parts->heads[2].stored -= row;
    parts->heads[2].items--;
    parts->trailer.rows--;
    expect(scene, FEATURE_CORRUPT, "view v has 299 rows");
}

/* How a part is refused whose first record claims these sizes. */
static void
expect_sizes(struct scene *scene, uint32_t part, uint16_t key_size,
             uint32_t size, const char *words)
{
    lf_store_u16(scene->parts.stored[part], key_size);
    lf_store_u32(scene->parts.stored[part] + 2, size);
    expect(scene, FEATURE_CORRUPT, words);
}

static void
records_have_the_limits_of_their_section(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;
    static const char over[] = "larger than can be", within[] = "number of";

    for (uint32_t part = 1; part <= 4; part++) {
        uint16_t key_max = part == 4 ? LF_HISTORY_KEY_MAX : LF_KEY_MAX;
        uint32_t max = part == 4 ? LF_HISTORY_SIZE_LIMIT : LF_ROW_SIZE_LIMIT;

        expect_sizes(scene, part, 8, max + 1, over);
        expect_sizes(scene, part, 8, max, within);
        expect_sizes(scene, part, key_max + 1, max, over);
        expect_sizes(scene, part, key_max, max, within);
    }
}

static void
totals_are_checked(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;
    struct lf_trailer *trailer = &scene->parts.trailer;

    for (int i = 0; i < 4; i++) {
        parts_write(&scene->parts, scene->bad, false);
        parts_free(&scene->parts);
        parts_read(&scene->parts, scene->bad);
        trailer->frames += i == 0;
        trailer->rows += i == 1;
        trailer->bytes += i == 2;
        trailer->size += i == 3;
        parts_write(&scene->parts, scene->bad, true);
        assert_int_equal(check(scene), FEATURE_CORRUPT);
        assert_non_null(strstr(problem.message, "totals"));
    }
}

/* --- bombs ---------------------------------------------------------------------- */

/* Packs size zeros into the rows of v, and says that they are `told`. */
static void
pack_zeros(struct parts *parts, size_t size, uint32_t told)
{
    uint8_t *zeros = calloc(1, size);
    size_t packed;

    assert_non_null(zeros);
    packed = ZSTD_compress(parts->stored[2], LF_FRAME_MAX, zeros, size, 1);
    assert_false(ZSTD_isError(packed));
    free(zeros);
    parts->heads[2].flags |= LF_FRAME_PACKED;
    parts->heads[2].stored = (uint32_t)packed;
    parts->heads[2].size = told;
}

static void
bombs_do_not_go_off(void **state)
{
    struct scene *scene = ((struct fixture *)*state)->context;
    struct parts *parts = &scene->parts;

    pack_zeros(parts, 256u << 20, LF_FRAME_MAX);
    expect(scene, FEATURE_CORRUPT, "another size than it says");
    pack_zeros(parts, 256u << 20, 256u << 20);
    expect(scene, FEATURE_CORRUPT, "over 4 MiB");
    pack_zeros(parts, 1000, 1001);
    expect(scene, FEATURE_CORRUPT, "another size than it says");
    pack_zeros(parts, 1000, 1000); /* a second frame behind it */
    memcpy(parts->stored[2] + parts->heads[2].stored, parts->stored[2],
           parts->heads[2].stored);
    parts->heads[2].stored *= 2;
    expect(scene, FEATURE_CORRUPT, "another size than it says");
    pack_zeros(parts, 100000, 100000); /* damaged inside */
    memset(parts->stored[2] + 8, 0xff, 4);
    expect(scene, FEATURE_CORRUPT, "");
    parts->heads[2].stored = LF_FRAME_MAX + 1u;
    parts->heads[2].size = LF_FRAME_MAX + 1u;
    parts->stored[2] = realloc(parts->stored[2], LF_FRAME_MAX + 1u);
    parts->stored[2][LF_FRAME_MAX] = 0;
    expect(scene, FEATURE_CORRUPT, "over 4 MiB");
}

/* --- sha-256 ---------------------------------------------------------------------- */

static void
expect_sum(const char *text, size_t times, const char *hexadecimal)
{
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        struct lf_sha256 sum;
        uint8_t digest[LF_SHA256_SIZE];
        char printed[2 * LF_SHA256_SIZE + 1];

        if (is_plain)
            lf_sha256_begin_plain(&sum);
        else
            lf_sha256_begin(&sum);
        for (size_t i = 0; i < times; i++)
            lf_sha256_add(&sum, text, strlen(text));
        lf_sha256_end(&sum, digest);
        for (int i = 0; i < LF_SHA256_SIZE; i++)
            snprintf(printed + 2 * i, 3, "%02x", digest[i]);
        assert_string_equal(printed, hexadecimal);
    }
}

static void
sha256_gives_the_numbers_of_fips_180(void **state)
{
    (void)state;
    expect_sum("", 1,
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8"
               "55");
    expect_sum("abc", 1,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
               "ad");
    expect_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06"
               "c1");
    expect_sum("aaaaaaaaaa", 100000,
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112c"
               "d0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SNAPSHOT(unknown_sections_are_skipped_unless_critical),
        SNAPSHOT(frames_out_of_order_are_refused),
        SNAPSHOT(rows_under_right_checksums_of_the_file_are_checked_again),
        SNAPSHOT(records_have_the_limits_of_their_section),
        SNAPSHOT(totals_are_checked),
        SNAPSHOT(bombs_do_not_go_off),
        cmocka_unit_test(sha256_gives_the_numbers_of_fips_180),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
