/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions as protobuf messages.
 *
 * Owns the order of everything in a message.
 * Keeps equal definitions equal bytes, so that a record that did not change
 * need not be written.
 * Never copies a name or a value: messages point into the catalog.
 */
#include <string.h>

#include "format/record_message.h"

/* protobuf-c's structs are not const, and it does not write to them. */
char *
lf_message_borrow(const char *text)
{
    union {
        const char *borrowed;
        char *lent;
    } both = {.borrowed = text ? text : ""};

    return both.lent;
}

uint8_t *
lf_message_borrow_bytes(const uint8_t *bytes)
{
    union {
        const uint8_t *borrowed;
        uint8_t *lent;
    } both = {.borrowed = bytes};

    return both.lent;
}

/* Messages in a row, and pointers to each of them, as protobuf-c wants. */
void *
lf_message_array(struct lf_arena *arena, size_t count, size_t size,
                 void (*init)(void *), void *pointers)
{
    uint8_t *messages = lf_arena_array(arena, count, size);
    void **each = lf_arena_array(arena, count, sizeof *each);

    if (!messages || !each)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        each[i] = messages + i * size;
        init(each[i]);
    }
    memcpy(pointers, &each, sizeof each);
    return messages;
}

#define INIT(name, type, INITIAL)                            \
    static void name(void *message)                          \
    {                                                        \
        memcpy(message, &(const type)INITIAL, sizeof(type)); \
    }

INIT(init_key, Lf__JoinKey, LF__JOIN_KEY__INIT)
INIT(init_value, Lf__Value, LF__VALUE__INIT)
INIT(init_feature, Lf__Feature, LF__FEATURE__INIT)
INIT(init_field, Lf__SchemaField, LF__SCHEMA_FIELD__INIT)
INIT(init_schema, Lf__Schema, LF__SCHEMA__INIT)
INIT(init_selected, Lf__Selected, LF__SELECTED__INIT)
INIT(init_renamed, Lf__RenamedKey, LF__RENAMED_KEY__INIT)
INIT(init_item, Lf__ServiceItem, LF__SERVICE_ITEM__INIT)

#undef INIT

void
lf_message_of_store(const struct lf_catalog *catalog, Lf__StoreRecord *message)
{
    lf__store_record__init(message);
    message->version = catalog->version;
    message->next_id = catalog->next_id;
    message->changes = catalog->changes;
    message->changes_size = catalog->changes_size;
    message->max_size = catalog->max_size;
}

bool
lf_message_of_entity(const struct lf_entity *entity, struct lf_arena *arena,
                     Lf__EntityRecord *message)
{
    Lf__JoinKey *keys;

    lf__entity_record__init(message);
    message->id = entity->id;
    message->name = lf_message_borrow(entity->name);
    keys = lf_message_array(arena, entity->key_count, sizeof *keys, init_key,
                            &message->keys);
    if (!keys)
        return false;
    message->n_keys = entity->key_count;
    for (uint32_t i = 0; i < entity->key_count; i++) {
        keys[i].name = lf_message_borrow(entity->keys[i].name);
        keys[i].type = (uint32_t)entity->keys[i].code;
    }
    return true;
}

static uint32_t
width_of(struct lf_type type)
{
    return type.width > 1 ? type.width : 0;
}

static bool
fill_feature(const struct lf_feature *feature, struct lf_arena *arena,
             Lf__Feature *message)
{
    message->id = feature->id;
    message->name = lf_message_borrow(feature->name);
    message->type = (uint32_t)feature->type.code;
    message->width = width_of(feature->type);
    message->list = feature->type.is_list;
    message->not_null = feature->not_null;
    if (feature->aggregate &&
        !lf_message_of_aggregate(feature->aggregate, arena,
                                 &message->aggregate))
        return false;
    if (!feature->fallback.is_set)
        return true;
    message->default_value =
        lf_arena_alloc(arena, sizeof *message->default_value);
    if (!message->default_value)
        return false;
    init_value(message->default_value);
    message->default_value->bytes.len = feature->fallback.size;
    message->default_value->bytes.data =
        lf_message_borrow_bytes(feature->fallback.bytes);
    return true;
}

/* Features of before that are gone. */
static bool
fill_dropped(const struct lf_schema *before, const struct lf_schema *schema,
             struct lf_arena *arena, Lf__Schema *message)
{
    uint32_t at = 0;

    message->dropped =
        lf_arena_array(arena, before->count, sizeof *message->dropped);
    if (!message->dropped)
        return false;
    for (uint32_t i = 0; i < before->count; i++) {
        uint32_t feature = before->fields[i].feature;

        while (at < schema->count && schema->fields[at].feature < feature)
            at++;
        if (at == schema->count || schema->fields[at].feature != feature)
            message->dropped[message->n_dropped++] = feature;
    }
    return true;
}

static bool
is_unchanged(const struct lf_schema *before, uint32_t at,
             const struct lf_schema_field *field)
{
    return at < before->count && before->fields[at].feature == field->feature &&
           lf_type_equal(before->fields[at].type, field->type);
}

/* Features that before has not, or with another type. */
static bool
fill_set(const struct lf_schema *before, const struct lf_schema *schema,
         struct lf_arena *arena, Lf__Schema *message)
{
    Lf__SchemaField *fields = lf_message_array(
        arena, schema->count, sizeof *fields, init_field, &message->set);
    uint32_t at = 0;

    if (!fields)
        return false;
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct lf_schema_field *field = &schema->fields[i];

        while (at < before->count &&
               before->fields[at].feature < field->feature)
            at++;
        if (is_unchanged(before, at, field))
            continue;
        fields[message->n_set].feature = field->feature;
        fields[message->n_set].type = (uint32_t)field->type.code;
        fields[message->n_set].width = width_of(field->type);
        fields[message->n_set].list = field->type.is_list;
        message->n_set++;
    }
    return true;
}

static bool
fill_schemas(const struct lf_view *view, struct lf_arena *arena,
             Lf__ViewRecord *message)
{
    static const struct lf_schema nothing;
    Lf__Schema *schemas =
        lf_message_array(arena, view->schema_count, sizeof *schemas,
                         init_schema, &message->schemas);

    if (!schemas)
        return false;
    message->n_schemas = view->schema_count;
    for (uint32_t i = 0; i < view->schema_count; i++) {
        const struct lf_schema *schema = &view->schemas[i];
        const struct lf_schema *before = i ? schema - 1 : &nothing;

        schemas[i].version = schema->version;
        if (!fill_dropped(before, schema, arena, &schemas[i]) ||
            !fill_set(before, schema, arena, &schemas[i]))
            return false;
    }
    return true;
}

static bool
fill_features(const struct lf_feature *features, uint32_t count,
              struct lf_arena *arena, Lf__Feature ***messages)
{
    Lf__Feature *made =
        lf_message_array(arena, count, sizeof *made, init_feature, messages);

    if (!made)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!fill_feature(&features[i], arena, &made[i]))
            return false;
    return true;
}

/* The key columns are as many as the entity's join keys. */
static bool
fill_origin(const struct lf_view *view, uint32_t keys, struct lf_arena *arena,
            Lf__ViewRecord *message)
{
    if (!view->event)
        return true;
    message->event = view->event;
    message->slack = view->slack;
    message->zone = view->zone;
    message->n_key_columns = keys;
    message->key_columns =
        lf_arena_array(arena, keys, sizeof *message->key_columns);
    if (!message->key_columns)
        return false;
    for (uint32_t i = 0; i < keys; i++)
        message->key_columns[i] = view->key_columns[i] + 2;
    message->n_retired = view->retired_count;
    return fill_features(view->retired, view->retired_count, arena,
                         &message->retired);
}

bool
lf_message_of_view(const struct lf_view *view, uint32_t keys,
                   struct lf_arena *arena, Lf__ViewRecord *message)
{
    lf__view_record__init(message);
    message->id = view->id;
    message->name = lf_message_borrow(view->name);
    message->entity = view->entity;
    message->version = view->version;
    message->next_feature = view->next_feature;
    message->ttl = view->ttl;
    message->history = view->history;
    message->max_skew = view->max_skew;
    message->changes = (uint32_t)view->changes;
    if (view->keep_versions != LF_KEEP_DEFAULT)
        message->keep_versions = (uint32_t)view->keep_versions + 1;
    message->n_features = view->feature_count;
    return fill_features(view->features, view->feature_count, arena,
                         &message->features) &&
           fill_origin(view, keys, arena, message) &&
           lf_message_of_rules(view, arena, message) &&
           fill_schemas(view, arena, message);
}

static bool
fill_item(const struct lf_service_item *item, struct lf_arena *arena,
          Lf__ServiceItem *message)
{
    Lf__Selected *selected =
        lf_message_array(arena, item->selected_count, sizeof *selected,
                         init_selected, &message->selected);
    Lf__RenamedKey *renamed =
        lf_message_array(arena, item->renamed_count, sizeof *renamed,
                         init_renamed, &message->renamed);

    if (!selected || !renamed)
        return false;
    message->view = item->view;
    message->alias = lf_message_borrow(item->alias);
    message->n_selected = item->selected_count;
    for (uint32_t i = 0; i < item->selected_count; i++) {
        selected[i].feature = item->selected[i].feature;
        selected[i].as = lf_message_borrow(item->selected[i].as);
    }
    message->n_renamed = item->renamed_count;
    for (uint32_t i = 0; i < item->renamed_count; i++) {
        renamed[i].key = lf_message_borrow(item->renamed[i].key);
        renamed[i].as = lf_message_borrow(item->renamed[i].as);
    }
    return true;
}

bool
lf_message_of_service(const struct lf_service *service, struct lf_arena *arena,
                      Lf__ServiceRecord *message)
{
    Lf__ServiceItem *items;

    lf__service_record__init(message);
    message->id = service->id;
    message->name = lf_message_borrow(service->name);
    message->written = lf_message_borrow(service->written);
    items = lf_message_array(arena, service->item_count, sizeof *items,
                             init_item, &message->items);
    if (!items)
        return false;
    message->n_items = service->item_count;
    for (uint32_t i = 0; i < service->item_count; i++)
        if (!fill_item(&service->items[i], arena, &items[i]))
            return false;
    return true;
}
