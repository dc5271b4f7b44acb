/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of one key's history: time, sequence, ordinal, size and value of each,
 * under a right checksum unless the input says otherwise.
 *
 * Property: a refusal is "checksum", where it is wrong, or "structure"; of an
 * entry that is accepted row and image fill its value, and they encode to just
 * these bytes; rows that fit the layout add up, each only once, to a row that
 * fits it too.
 */
#include "target.h"

#include "format/history.h"
#include "format/merge.h"

#define ENTRIES 20
#define VIEW    7

static const uint8_t join_key[8] = {0x80, 0, 0, 0, 0, 0, 0, 5};

struct layer {
    uint8_t *value;
    size_t size;
    struct lf_history_entry entry;
    bool is_open, fits;
};

/* Two features of fixed types, two of others. */
static void
make_layout(struct lf_arena *arena, struct lf_layout *layout,
            struct lf_migration *migration)
{
    static struct lf_schema_field fields[] = {
        {.feature = 1, .type = {FEATURE_TYPE_INT64, 1, false}},
        {.feature = 2, .type = {FEATURE_TYPE_STRING, 1, false}},
        {.feature = 3, .type = {FEATURE_TYPE_FLOAT32, 3, false}},
        {.feature = 4, .type = {FEATURE_TYPE_STRING, 1, true}}};
    const struct lf_schema schema = {
        .version = 1, .count = 4, .fields = fields};

    expect(lf_layout_init(layout, &schema, arena) &&
               lf_migration_init(migration, &schema, layout, arena),
           "a layout");
}

static void
check_form(const struct layer *layer, const uint8_t *key, size_t key_size)
{
    const struct lf_history_entry *entry = &layer->entry;
    const struct lf_buffer image = {
        .data = (uint8_t *)(uintptr_t)entry->image.bytes,
        .size = entry->image.size};
    const uint8_t *end = layer->value + layer->size;
    struct lf_buffer made = {0};

    expect(entry->operation >= LF_HISTORY_BASE &&
               entry->operation <= FEATURE_RETRACT,
           "the operation of an entry");
    expect(entry->has_image
               ? entry->row.bytes + entry->row.size == entry->image.bytes &&
                     entry->image.bytes + entry->image.size == end
               : entry->row.bytes + entry->row.size == end,
           "rows fill an entry");
    expect(lf_history_encode(entry, lf_history_seed(VIEW), key, key_size,
                             entry->row.bytes, entry->row.size,
                             entry->has_image ? &image : NULL, &made),
           "an entry encodes");
    expect(made.size == layer->size &&
               !memcmp(made.data, layer->value, made.size),
           "an entry comes back");
    lf_buffer_free(&made);
}

static void
take_layer(struct input *input, struct layer *layer,
           const struct lf_layout *layout)
{
    uint8_t key[sizeof join_key + LF_HISTORY_PLACE_SIZE];
    bool is_wrong = take_u8(input) & 0x80;
    struct lf_history_place place = {.time = (int64_t)take_u64(input)};
    struct lf_history_entry *entry = &layer->entry;
    const char *problem;
    uint32_t seed = lf_history_seed(VIEW);

    place.sequence = take_u8(input);
    place.ordinal = take_u8(input);
    layer->size = take_u16(input);
    layer->value = take_copy(input, &layer->size);
    memcpy(key, join_key, sizeof join_key);
    lf_history_put_place(key + sizeof join_key, &place);
    if (layer->size >= 4)
        lf_store_u32(layer->value, lf_row_checksum(seed, key, sizeof key,
                                                   layer->value, layer->size) ^
                                       is_wrong);
    problem = lf_history_open(entry, seed, key, sizeof key, layer->value,
                              layer->size);
    layer->is_open = !problem;
    expect(!problem || !strcmp(problem, "structure") ||
               (is_wrong && !strcmp(problem, "checksum")),
           "a refusal has a reason");
    expect(problem || !is_wrong, "a wrong checksum is seen");
    if (problem)
        return;
    check_form(layer, key, sizeof key);
    layer->fits = entry->operation <= FEATURE_DELETE &&
                  lf_row_check(&entry->row, layout) &&
                  (!entry->has_image || lf_row_check(&entry->image, layout));
}

/* The sum so far as a row. */
static void
encode(const struct lf_merge *under_way, struct lf_buffer *made)
{
    struct lf_row row;

    made->size = 0;
    expect(lf_merge_encode(under_way, made), "a sum encodes");
    expect(lf_row_open(&row, made->data, made->size) &&
               lf_row_check(&row, under_way->layout),
           "a sum is a row");
}

static void
merge(struct lf_merge *under_way, const struct lf_row *row,
      const struct lf_migration *migration)
{
    struct lf_buffer once = {0}, twice = {0};
    bool changed;

    expect(lf_merge_row(under_way, row, migration, &changed), "rows merge");
    if (under_way->exists) {
        encode(under_way, &once);
        expect(lf_merge_row(under_way, row, migration, &changed), "rows merge");
        encode(under_way, &twice);
        expect(once.size == twice.size &&
                   !memcmp(once.data, twice.data, once.size),
               "a row adds up only once");
    }
    lf_buffer_free(&once);
    lf_buffer_free(&twice);
}

/* From the oldest to the newest: the input has them newest first. */
static void
fold(const struct layer *layers, size_t count, const struct lf_layout *layout,
     const struct lf_migration *migration)
{
    struct lf_cell cells[4];
    struct lf_merge under_way;

    lf_merge_init(&under_way, layout, cells);
    lf_merge_clear(&under_way);
    while (count--) {
        const struct lf_history_entry *entry = &layers[count].entry;

        if (!layers[count].is_open || !layers[count].fits)
            continue;
        merge(&under_way, entry->has_image ? &entry->image : &entry->row,
              migration);
    }
    lf_merge_free(&under_way);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, bytes + size};
    struct lf_arena arena = {0};
    struct lf_migration migration;
    struct lf_layout layout;
    struct layer layers[ENTRIES] = {0};
    size_t count = 0;

    make_layout(&arena, &layout, &migration);
    while (count < ENTRIES && left_of(&input))
        take_layer(&input, &layers[count++], &layout);
    fold(layers, count, &layout, &migration);
    while (count)
        free(layers[--count].value);
    lf_arena_free(&arena);
    return 0;
}
