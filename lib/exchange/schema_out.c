/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas that we export.
 *
 * Owns which Arrow format stands for which of our types.
 * Keeps a whole tree of schemas in one block, which goes with the last of them:
 * whoever moves a child out may keep it for as long as he likes.
 * Never frees a struct that a consumer owns, only what it points to.
 */
#include "exchange/out.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"

#define FORMAT_SIZE     24
#define FINGERPRINT_KEY "libfeature.fingerprint"
#define HEX_SIZE        16
#define METADATA_SIZE   (12 + sizeof FINGERPRINT_KEY - 1 + HEX_SIZE)

/* One field and, for a vector or a list, its items. */
struct node {
    struct ArrowSchema schema;
    struct ArrowSchema item;
    struct ArrowSchema *items[1];
    char format[FORMAT_SIZE];
};

/* The nodes, the pointers to them and the names lie behind it. */
struct block {
    atomic_uint holders; /* schemas that were not released yet */
    char metadata[METADATA_SIZE];
};

static void
release(struct ArrowSchema *schema)
{
    struct block *block = schema->private_data;

    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    schema->release = NULL;
    if (atomic_fetch_sub(&block->holders, 1) == 1)
        lf_free(block);
}

static const char *
element_format(int32_t code)
{
    switch ((enum feature_type)code) {
    case FEATURE_TYPE_BOOL:
        return "b";
    case FEATURE_TYPE_INT32:
        return "i";
    case FEATURE_TYPE_INT64:
        return "l";
    case FEATURE_TYPE_FLOAT32:
        return "f";
    case FEATURE_TYPE_FLOAT64:
        return "g";
    case FEATURE_TYPE_STRING:
        return "u";
    case FEATURE_TYPE_BYTES:
        return "z";
    case FEATURE_TYPE_TIMESTAMP:
        return "tsu:UTC";
    }
    return "n";
}

static void
init(struct ArrowSchema *schema, struct block *block, const char *format,
     const char *name, bool is_nullable)
{
    *schema =
        (struct ArrowSchema){.format = format,
                             .name = name,
                             .flags = is_nullable ? ARROW_FLAG_NULLABLE : 0,
                             .release = release,
                             .private_data = block};
    atomic_fetch_add_explicit(&block->holders, 1, memory_order_relaxed);
}

/* Elements are never null. */
static void
fill_node(struct node *node, struct block *block,
          const struct lf_out_field *field, const char *name)
{
    const char *format = element_format(field->type.code);

    if (!field->type.is_list && field->type.width == 1) {
        init(&node->schema, block, format, name, field->is_nullable);
        return;
    }
    if (field->type.is_list)
        memcpy(node->format, "+l", 3);
    else
        snprintf(node->format, sizeof node->format, "+w:%" PRIu32,
                 field->type.width);
    init(&node->schema, block, node->format, name, field->is_nullable);
    init(&node->item, block, format, "item", false);
    node->items[0] = &node->item;
    node->schema.children = node->items;
    node->schema.n_children = 1;
}

static char *
put_text(char *to, const char *text, size_t size)
{
    lf_store_i32(to, (int32_t)size);
    memcpy(to + 4, text, size);
    return to + 4 + size;
}

/* One pair: i32 count, then key and value with their i32 sizes before them. */
static void
put_metadata(struct block *block, uint64_t fingerprint)
{
    char *to = block->metadata, hex[HEX_SIZE + 1];

    snprintf(hex, sizeof hex, "%016" PRIx64, fingerprint);
    lf_store_i32(to, 1);
    to = put_text(to + 4, FINGERPRINT_KEY, sizeof FINGERPRINT_KEY - 1);
    put_text(to, hex, HEX_SIZE);
}

static struct block *
make_block(const struct lf_out_field *fields, uint32_t count,
           struct node **nodes, struct ArrowSchema ***children, char **names)
{
    size_t head = (sizeof(struct block) + 15) / 16 * 16, size = head;
    char *memory;

    size += count * (sizeof **nodes + sizeof **children);
    for (uint32_t i = 0; i < count; i++)
        size += strlen(fields[i].name) + 1;
    memory = lf_alloc(size);
    if (!memory)
        return NULL;
    *nodes = (struct node *)(void *)(memory + head);
    *children = (struct ArrowSchema **)(void *)(*nodes + count);
    *names = (char *)(*children + count);
    return (struct block *)(void *)memory;
}

bool
lf_schema_export(const struct lf_out_field *fields, uint32_t count,
                 uint64_t fingerprint, struct ArrowSchema *schema)
{
    struct ArrowSchema **children;
    struct node *nodes;
    char *names;
    struct block *block = make_block(fields, count, &nodes, &children, &names);

    if (!block)
        return false;
    atomic_init(&block->holders, 0);
    put_metadata(block, fingerprint);
    for (uint32_t i = 0; i < count; i++) {
        size_t size = strlen(fields[i].name) + 1;

        memcpy(names, fields[i].name, size);
        fill_node(&nodes[i], block, &fields[i], names);
        children[i] = &nodes[i].schema;
        names += size;
    }
    init(schema, block, "+s", "", false);
    schema->metadata = block->metadata;
    schema->children = children;
    schema->n_children = count;
    return true;
}
