/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the store, of a view, of a kept version and of the last number of a
 * load, and the manifest of a snapshot.
 *
 * Property: what a decoder accepts, the encoder writes: the same bytes for the
 * records, the same manifest for a manifest, with its views in order.
 */
#include "target.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/load.h"
#include "format/manifest.h"
#include "format/meta.h"

enum { STORE, VIEW, MANIFEST, KEPT, NUMBER, KINDS };

/* A right checksum, over the key and what follows. */
static void
seal(const char *key, uint8_t *bytes, size_t size)
{
    if (size > 4)
        lf_store_u32(bytes, lf_crc32c(lf_crc32c(0, key, strlen(key)), bytes + 4,
                                      size - 4));
}

static void
try_store(uint8_t *bytes, size_t size, bool is_sealed)
{
    struct lf_meta_store meta;
    uint8_t again[LF_META_STORE_SIZE];

    if (is_sealed)
        seal(LF_META_STORE_KEY, bytes, size);
    if (!lf_meta_store_decode(&meta, bytes, size))
        return;
    lf_meta_store_encode(&meta, again);
    expect(size == sizeof again && !memcmp(again, bytes, size),
           "the store's record comes back");
}

static void
try_view(uint8_t *bytes, size_t size, uint32_t view, bool is_sealed)
{
    struct lf_meta_view meta;
    uint8_t again[LF_META_VIEW_SIZE];
    char key[LF_META_KEY_SIZE];

    lf_meta_view_key(view, key);
    if (is_sealed)
        seal(key, bytes, size);
    if (!lf_meta_view_decode(&meta, view, bytes, size))
        return;
    lf_meta_view_encode(&meta, view, again);
    /* Eight bytes are reserved: zeros today. */
    expect(size == sizeof again &&
               !memcmp(again + 4, bytes + 4, sizeof again - 12),
           "a view's record comes back");
}

static void
try_kept(uint8_t *bytes, size_t size, uint32_t view, bool is_sealed)
{
    struct lf_meta_view meta;
    uint8_t again[LF_META_VERSION_SIZE];
    char key[LF_META_KEY_SIZE];

    lf_meta_version_key(LF_KEPT, view, 3, key);
    if (is_sealed)
        seal(key, bytes, size);
    if (!lf_meta_version_decode(&meta, key, bytes, size))
        return;
    expect(lf_meta_version_encode(&meta, key, again) == size &&
               !memcmp(again, bytes, size),
           "a kept version's record comes back");
}

static void
try_number(uint8_t *bytes, size_t size, bool is_sealed)
{
    uint8_t again[LF_LOADS_NUMBER_SIZE];
    uint64_t number;

    if (is_sealed)
        seal(LF_LOADS_KEY, bytes, size);
    if (!lf_loads_number_decode(&number, bytes, size))
        return;
    lf_loads_number_encode(number, again);
    expect(size == sizeof again && !memcmp(again, bytes, size),
           "the last number comes back");
}

static void
check_manifest(const struct lf_manifest *manifest)
{
    struct lf_buffer made = {0}, again = {0};
    struct lf_manifest other;
    struct lf_arena arena = {0};
    struct feature_error error;
    uint8_t *exact;

    for (uint32_t i = 1; i < manifest->view_count; i++)
        expect(manifest->views[i - 1].id < manifest->views[i].id,
               "views are in order");
    expect(!lf_manifest_encode(manifest, &made, &error), "a manifest encodes");
    exact = exact_copy(made.data, made.size);
    expect(!lf_manifest_decode(exact, made.size, &arena, &other, &error),
           "what was encoded decodes");
    expect(!lf_manifest_encode(&other, &again, &error) &&
               again.size == made.size &&
               !memcmp(again.data, made.data, made.size),
           "a manifest comes back");
    free(exact);
    lf_arena_free(&arena);
    lf_buffer_free(&made);
    lf_buffer_free(&again);
}

static void
try_manifest(const uint8_t *bytes, size_t size)
{
    struct lf_manifest manifest = {0};
    struct lf_arena arena = {0};
    struct feature_error error = {0};
    feature_status status =
        lf_manifest_decode(bytes, size, &arena, &manifest, &error);

    if (status)
        expect_named(status, &error);
    else
        check_manifest(&manifest);
    lf_arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    uint8_t first = take_u8(&input);
    uint8_t *exact = exact_copy(input.at, left_of(&input));

    size = left_of(&input);
    if ((first & 0xf) % KINDS == STORE)
        try_store(exact, size, first & 0x80);
    else if ((first & 0xf) % KINDS == VIEW)
        try_view(exact, size, 1 + (first >> 4 & 7), first & 0x80);
    else if ((first & 0xf) % KINDS == KEPT)
        try_kept(exact, size, 1 + (first >> 4 & 7), first & 0x80);
    else if ((first & 0xf) % KINDS == NUMBER)
        try_number(exact, size, first & 0x80);
    else
        try_manifest(exact, size);
    free(exact);
    return 0;
}
