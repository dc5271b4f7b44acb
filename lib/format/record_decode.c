/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions from protobuf messages.
 *
 * Owns the checks that stand between stored messages and a catalog.
 * Keeps every promise of model/catalog.h: whatever a text cannot have made is
 * refused, each name, id, type, size and reference of it.
 * Never keeps a pointer into a message.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "format/record_message.h"
#include "model/evolve.h"
#include "model/literal.h"
#include "model/resolve.h"

const char LF_MESSAGE_NO_MEMORY[] = "no memory";

/* A checked name in the catalog's memory. */
const char *
lf_message_name(struct lf_catalog *catalog, const char *name, const char **copy)
{
    size_t size = strnlen(name, LF_NAME_MAX + 1);

    LF_CHECK(lf_name_is_valid(name, size), "a name is none");
    *copy = lf_arena_copy(&catalog->arena, name, size);
    LF_CHECK(*copy, LF_MESSAGE_NO_MEMORY);
    return NULL;
}

/* The same for what may stand beside the column of event timestamps. */
const char *
lf_message_column(struct lf_catalog *catalog, const char *name,
                  const char **copy)
{
    LF_CHECK(strcmp(name, "event_timestamp") != 0, "a name is reserved");
    return lf_message_name(catalog, name, copy);
}

const char *
lf_message_to_store(const Lf__StoreRecord *message, struct lf_catalog *catalog)
{
    LF_CHECK(message->next_id >= 1, "there is no next id");
    LF_CHECK(message->changes >= 0 && message->changes < INT64_MAX,
             "a duration is out of range");
    LF_CHECK(message->max_size <= INT64_MAX &&
                 message->changes_size <= INT64_MAX,
             "a size is out of range");
    catalog->version = message->version;
    catalog->next_id = message->next_id;
    catalog->changes = message->changes;
    catalog->changes_size = message->changes_size;
    catalog->max_size = message->max_size;
    return NULL;
}

static const char *
take_key(const Lf__JoinKey *message, struct lf_catalog *catalog,
         struct lf_entity *entity)
{
    struct lf_join_key *key = &entity->keys[entity->key_count];

    LF_CHECK_CALL(lf_message_column(catalog, message->name, &key->name));
    LF_CHECK(message->type == FEATURE_TYPE_INT64 ||
                 message->type == FEATURE_TYPE_STRING ||
                 message->type == FEATURE_TYPE_BYTES,
             "a join key has no such type");
    key->code = (int32_t)message->type;
    for (uint32_t i = 0; i < entity->key_count; i++)
        LF_CHECK(strcmp(entity->keys[i].name, key->name) != 0,
                 "a join key is there twice");
    entity->key_count++;
    return NULL;
}

const char *
lf_message_to_entity(const Lf__EntityRecord *message,
                     struct lf_catalog *catalog)
{
    struct lf_entity made = {.id = message->id};

    LF_CHECK(message->n_keys >= 1 && message->n_keys <= LF_KEYS_MAX,
             "an entity has 1 to 8 join keys");
    LF_CHECK_CALL(lf_message_name(catalog, message->name, &made.name));
    made.keys =
        lf_arena_array(&catalog->arena, message->n_keys, sizeof *made.keys);
    LF_CHECK(made.keys, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_keys; i++)
        LF_CHECK_CALL(take_key(message->keys[i], catalog, &made));
    catalog->entities[catalog->entity_count++] = made;
    return NULL;
}

static const char *
take_type(uint32_t code, uint32_t width, bool is_list, struct lf_type *type)
{
    bool is_numeric =
        code >= FEATURE_TYPE_INT32 && code <= FEATURE_TYPE_FLOAT64;

    LF_CHECK(code >= FEATURE_TYPE_BOOL && code <= FEATURE_TYPE_TIMESTAMP,
             "there is no such type");
    LF_CHECK(width == 0 || (width >= 2 && width <= LF_WIDTH_MAX && is_numeric &&
                            !is_list),
             "there is no such vector");
    LF_CHECK(!is_list || is_numeric || code == FEATURE_TYPE_STRING,
             "there is no such list");
    *type = (struct lf_type){
        .code = (int32_t)code, .width = width ? width : 1, .is_list = is_list};
    return NULL;
}

static const char *
take_default(const Lf__Value *message, struct lf_catalog *catalog,
             struct lf_feature *feature)
{
    struct lf_literal *fallback = &feature->fallback;

    if (!message)
        return NULL;
    fallback->is_set = true;
    fallback->size = (uint32_t)message->bytes.len;
    fallback->bytes = (const uint8_t *)lf_arena_copy(
        &catalog->arena, message->bytes.data, message->bytes.len);
    LF_CHECK(fallback->bytes, LF_MESSAGE_NO_MEMORY);
    LF_CHECK(lf_literal_is_valid(fallback, feature->type),
             "a DEFAULT is no value of its type");
    return NULL;
}

static const char *
take_feature(const Lf__Feature *message, struct lf_catalog *catalog,
             const struct lf_entity *entity, const struct lf_view *view,
             struct lf_feature *feature)
{
    feature->id = message->id;
    feature->not_null = message->not_null;
    LF_CHECK_CALL(lf_message_column(catalog, message->name, &feature->name));
    for (uint32_t i = 0; i < entity->key_count; i++)
        LF_CHECK(strcmp(entity->keys[i].name, feature->name) != 0,
                 "a feature is named like a join key");
    LF_CHECK_CALL(take_type(message->type, message->width, message->list,
                            &feature->type));
    LF_CHECK_CALL(lf_message_to_aggregate(message, catalog, view, feature));
    return take_default(message->default_value, catalog, feature);
}

static const char *
take_features(const Lf__ViewRecord *message, struct lf_catalog *catalog,
              const struct lf_entity *entity, struct lf_arena *scratch,
              struct lf_view *view)
{
    struct lf_names seen = {0};

    LF_CHECK(message->n_features >= 1 && message->n_features <= LF_FEATURES_MAX,
             "a feature view has 1 to 4096 features");
    view->features = lf_arena_array(&catalog->arena, message->n_features,
                                    sizeof *view->features);
    LF_CHECK(view->features, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_features; i++) {
        struct lf_feature *feature = &view->features[view->feature_count++];

        LF_CHECK_CALL(
            take_feature(message->features[i], catalog, entity, view, feature));
        LF_CHECK(!lf_names_find(&seen, feature->name, NULL),
                 "a feature is there twice");
        LF_CHECK(lf_names_add(&seen, scratch, feature->name, 0),
                 LF_MESSAGE_NO_MEMORY);
    }
    return NULL;
}

/* Names of these may be those of others by now. */
static const char *
take_retired(const Lf__ViewRecord *message, struct lf_catalog *catalog,
             const struct lf_entity *entity, struct lf_view *view)
{
    LF_CHECK(view->event || !message->n_retired,
             "a view of rows keeps dropped features");
    view->retired = lf_arena_array(&catalog->arena, message->n_retired,
                                   sizeof *view->retired);
    LF_CHECK(view->retired, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_retired; i++)
        LF_CHECK_CALL(take_feature(message->retired[i], catalog, entity, view,
                                   &view->retired[view->retired_count++]));
    return NULL;
}

/* What is left of the version before: dropped features are in order too. */
static const char *
drop_fields(const Lf__Schema *message, const struct lf_schema *before,
            struct lf_schema *schema)
{
    size_t at = 0;

    for (uint32_t i = 0; i < before->count; i++) {
        if (at < message->n_dropped &&
            message->dropped[at] == before->fields[i].feature)
            at++;
        else
            schema->fields[schema->count++] = before->fields[i];
    }
    LF_CHECK(at == message->n_dropped, "a dropped feature was not there");
    return NULL;
}

/* A feature that is widened in place, or a new one at the end: newer features
 * have greater ids. */
static const char *
set_field(const Lf__SchemaField *message, struct lf_schema *schema,
          uint32_t *next_feature, uint32_t *at)
{
    struct lf_schema_field field = {.feature = message->feature};

    LF_CHECK_CALL(
        take_type(message->type, message->width, message->list, &field.type));
    if (field.feature >= *next_feature) {
        LF_CHECK(field.feature < UINT32_MAX, "a feature id is out of range");
        *next_feature = field.feature + 1;
        schema->fields[schema->count++] = field;
        return NULL;
    }
    while (*at < schema->count && schema->fields[*at].feature < field.feature)
        ++*at;
    LF_CHECK(*at < schema->count &&
                 schema->fields[*at].feature == field.feature,
             "a dropped feature came back");
    LF_CHECK(lf_type_widens(schema->fields[*at].type, field.type),
             "a feature changed its type");
    schema->fields[(*at)++] = field;
    return NULL;
}

static const char *
take_schema(const Lf__Schema *message, struct lf_catalog *catalog,
            struct lf_view *view, uint32_t *next_feature)
{
    static const struct lf_schema nothing;
    struct lf_schema *schema = &view->schemas[view->schema_count];
    const struct lf_schema *before = view->schema_count ? schema - 1 : &nothing;
    size_t room = before->count + message->n_set;
    uint32_t at = 0;

    LF_CHECK(message->version == view->schema_count + 1,
             "schema versions have a gap");
    LF_CHECK(room <= 2 * (size_t)LF_FEATURES_MAX,
             "a schema has too many fields");
    schema->version = (uint16_t)message->version;
    schema->fields =
        lf_arena_array(&catalog->arena, room, sizeof *schema->fields);
    LF_CHECK(schema->fields, LF_MESSAGE_NO_MEMORY);
    LF_CHECK_CALL(drop_fields(message, before, schema));
    for (size_t i = 0; i < message->n_set; i++)
        LF_CHECK_CALL(set_field(message->set[i], schema, next_feature, &at));
    LF_CHECK(schema->count >= 1 && schema->count <= LF_FEATURES_MAX,
             "a schema has 1 to 4096 fields");
    view->schema_count++;
    return NULL;
}

static const char *
take_schemas(const Lf__ViewRecord *message, struct lf_catalog *catalog,
             struct lf_view *view)
{
    uint32_t next_feature = 1;
    uint64_t fields = 0;

    LF_CHECK(message->n_schemas >= 1 && message->n_schemas <= LF_SCHEMAS_MAX,
             "a feature view has 1 to 65535 schema versions");
    view->schemas = lf_arena_array(&catalog->arena, message->n_schemas,
                                   sizeof *view->schemas);
    LF_CHECK(view->schemas, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_schemas; i++) {
        LF_CHECK_CALL(
            take_schema(message->schemas[i], catalog, view, &next_feature));
        fields += view->schemas[i].count;
        LF_CHECK(fields <= LF_SCHEMA_FIELDS_MAX,
                 "the schema versions are too large");
    }
    LF_CHECK(next_feature <= message->next_feature,
             "a feature id is out of range");
    return NULL;
}

/* The newest schema version and the features say the same: as many, and each
 * feature is a field. Ids that come twice leave a field without its feature. */
static const char *
match_schema(const struct lf_view *view, struct lf_arena *scratch)
{
    const struct lf_schema *schema = lf_view_current_schema(view);
    bool *is_met = lf_arena_array(scratch, schema->count, sizeof *is_met);

    LF_CHECK(is_met, LF_MESSAGE_NO_MEMORY);
    LF_CHECK(schema->count == view->feature_count,
             "features and schema differ in number");
    for (uint32_t i = 0; i < view->feature_count; i++) {
        const struct lf_feature *feature = &view->features[i];
        uint32_t low = 0, high = schema->count;

        while (low < high) {
            uint32_t middle = low + (high - low) / 2;

            if (schema->fields[middle].feature < feature->id)
                low = middle + 1;
            else
                high = middle;
        }
        LF_CHECK(low < schema->count && !is_met[low] &&
                     schema->fields[low].feature == feature->id &&
                     lf_type_equal(schema->fields[low].type, feature->type),
                 "a feature is not in the schema");
        is_met[low] = true;
    }
    return NULL;
}

static const char *
take_view(const Lf__ViewRecord *message, struct lf_catalog *catalog,
          struct lf_arena *scratch)
{
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(catalog, message->entity);
    struct lf_view made = {.id = message->id,
                           .entity = message->entity,
                           .version = message->version,
                           .next_feature = message->next_feature,
                           .ttl = message->ttl,
                           .history = message->history,
                           .max_skew = message->max_skew,
                           .changes = message->changes,
                           .keep_versions = LF_KEEP_DEFAULT};

    LF_CHECK(entity, "its entity is not there");
    LF_CHECK(made.version >= 1, "it has no store version");
    LF_CHECK(made.ttl >= 0 && made.ttl < INT64_MAX && made.history >= 0 &&
                 made.history < INT64_MAX && made.max_skew > 0 &&
                 made.changes <= 1,
             "a duration is out of range");
    LF_CHECK(message->keep_versions <= LF_KEEP_MAX + 1 &&
                 message->keep_versions != LF_KEEP_DEFAULT + 1,
             "keep_versions is out of range");
    if (message->keep_versions)
        made.keep_versions = (int64_t)message->keep_versions - 1;
    LF_CHECK_CALL(lf_message_name(catalog, message->name, &made.name));
    LF_CHECK_CALL(lf_message_to_origin(message, catalog, entity, &made));
    LF_CHECK_CALL(take_features(message, catalog, entity, scratch, &made));
    LF_CHECK_CALL(take_retired(message, catalog, entity, &made));
    LF_CHECK_CALL(take_schemas(message, catalog, &made));
    LF_CHECK_CALL(match_schema(&made, scratch));
    LF_CHECK_CALL(lf_message_to_rules(message, catalog, entity, &made));
    if (made.event)
        LF_CHECK_CALL(lf_message_check_windows(&made, scratch));
    catalog->views[catalog->view_count++] = made;
    return NULL;
}

const char *
lf_message_to_view(const Lf__ViewRecord *message, struct lf_catalog *catalog)
{
    struct lf_arena scratch = {0};
    const char *problem = take_view(message, catalog, &scratch);

    lf_arena_free(&scratch);
    return problem;
}

static const char *
take_selected(const Lf__ServiceItem *message, struct lf_catalog *catalog,
              const struct lf_view *view, struct lf_service_item *item)
{
    item->selected = lf_arena_array(&catalog->arena, message->n_selected,
                                    sizeof *item->selected);
    LF_CHECK(item->selected, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_selected; i++) {
        struct lf_selected *selected = &item->selected[i];

        selected->feature = message->selected[i]->feature;
        LF_CHECK(lf_view_feature_by_id(view, selected->feature),
                 "a feature of it is not there");
        LF_CHECK_CALL(lf_message_column(catalog, message->selected[i]->as,
                                        &selected->as));
    }
    item->selected_count = (uint32_t)message->n_selected;
    return NULL;
}

static const char *
take_renamed(const Lf__RenamedKey *message, struct lf_catalog *catalog,
             const struct lf_entity *entity, struct lf_service_item *item)
{
    struct lf_renamed_key *renamed = &item->renamed[item->renamed_count];
    bool is_key = false;

    LF_CHECK_CALL(lf_message_name(catalog, message->key, &renamed->key));
    LF_CHECK_CALL(lf_message_column(catalog, message->as, &renamed->as));
    for (uint32_t i = 0; i < entity->key_count; i++)
        is_key |= !strcmp(entity->keys[i].name, renamed->key);
    LF_CHECK(is_key, "a join key of it is not there");
    for (uint32_t i = 0; i < item->renamed_count; i++)
        LF_CHECK(strcmp(item->renamed[i].key, renamed->key) != 0,
                 "a join key is renamed twice");
    item->renamed_count++;
    return NULL;
}

static const char *
take_item(const Lf__ServiceItem *message, struct lf_catalog *catalog,
          struct lf_service_item *item)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, message->view);
    const struct lf_entity *entity;

    LF_CHECK(view, "a feature view of it is not there");
    LF_CHECK(message->n_selected >= 1, "an item selects nothing");
    LF_CHECK(message->n_renamed <= LF_KEYS_MAX, "too many keys are renamed");
    entity = lf_catalog_entity_by_id(catalog, view->entity);
    item->view = view->id;
    if (*message->alias)
        LF_CHECK_CALL(lf_message_column(catalog, message->alias, &item->alias));
    LF_CHECK_CALL(take_selected(message, catalog, view, item));
    item->renamed = lf_arena_array(&catalog->arena, message->n_renamed,
                                   sizeof *item->renamed);
    LF_CHECK(item->renamed, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_renamed; i++)
        LF_CHECK_CALL(take_renamed(message->renamed[i], catalog, entity, item));
    return NULL;
}

/* Whether a query of the service would have keys and columns of one meaning. */
static const char *
check_columns(const struct lf_catalog *catalog,
              const struct lf_service *service)
{
    struct lf_selector selector = {.catalog = catalog};
    feature_status status = FEATURE_OK;

    selector.selection = lf_alloc(sizeof *selector.selection);
    LF_CHECK(selector.selection, LF_MESSAGE_NO_MEMORY);
    for (uint32_t i = 0; !status && i < service->item_count; i++)
        status = lf_selector_add(&selector, &service->items[i],
                                 (struct lf_place){0}, NULL);
    lf_selection_free(selector.selection);
    LF_CHECK(status != FEATURE_NO_MEMORY, LF_MESSAGE_NO_MEMORY);
    return status ? "its keys or columns clash" : NULL;
}

const char *
lf_message_to_service(const Lf__ServiceRecord *message,
                      struct lf_catalog *catalog)
{
    struct lf_service made = {.id = message->id};
    size_t written = strlen(message->written);
    uint64_t columns = 0;

    LF_CHECK_CALL(lf_message_name(catalog, message->name, &made.name));
    LF_CHECK(message->n_items >= 1 && message->n_items <= LF_ITEMS_MAX,
             "a feature service has 1 to 4096 items");
    for (size_t i = 0; i < message->n_items; i++)
        columns += message->items[i]->n_selected;
    LF_CHECK(columns <= LF_COLUMNS_MAX, "it has too many columns");
    LF_CHECK(lf_utf8_valid(message->written, written), "its text is not UTF-8");
    made.written = lf_arena_copy(&catalog->arena, message->written, written);
    made.items =
        lf_arena_array(&catalog->arena, message->n_items, sizeof *made.items);
    LF_CHECK(made.written && made.items, LF_MESSAGE_NO_MEMORY);
    made.item_count = (uint32_t)message->n_items;
    for (size_t i = 0; i < message->n_items; i++)
        LF_CHECK_CALL(take_item(message->items[i], catalog, &made.items[i]));
    LF_CHECK_CALL(check_columns(catalog, &made));
    catalog->services[catalog->service_count++] = made;
    return NULL;
}
