/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catalog records: a checksum and a protobuf message each.
 *
 * Owns the keys of records and their checksums.
 * Keeps decode(encode(catalog)) equal to catalog, and calls everything else
 * damaged.
 * Never trusts a size, an order or a reference that was stored.
 *
 * 0        4
 * | crc32c | message (format/catalog.proto) ...    under the key | kind | id |
 */
#include "format/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "format/budget.h"
#include "format/record_message.h"
#include "model/names.h"

#define RECORD_MAX (16u << 20)
#define SUM_SIZE   4

static uint32_t
record_sum(const uint8_t key[LF_RECORD_KEY_SIZE], const uint8_t *message,
           size_t size)
{
    return lf_crc32c(lf_crc32c(0, key, LF_RECORD_KEY_SIZE), message, size);
}

static feature_status
encode(uint8_t kind, uint32_t id, const ProtobufCMessage *message,
       struct lf_arena *arena, struct lf_record *record,
       struct feature_error *error)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes;

    if (size > RECORD_MAX - SUM_SIZE)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "a definition takes %zu bytes; %u is the most", size,
                       RECORD_MAX - SUM_SIZE);
    bytes = lf_arena_alloc(arena, SUM_SIZE + size);
    if (!bytes)
        return lf_fail_memory(error);
    record->key[0] = kind;
    lf_store_big_u32(record->key + 1, id);
    protobuf_c_message_pack(message, bytes + SUM_SIZE);
    lf_store_u32(bytes, record_sum(record->key, bytes + SUM_SIZE, size));
    record->bytes = bytes;
    record->size = SUM_SIZE + size;
    return FEATURE_OK;
}

static feature_status
encode_entities(const struct lf_catalog *catalog, struct lf_arena *arena,
                struct lf_arena *scratch, struct lf_record *records,
                struct feature_error *error)
{
    for (uint32_t i = 0; i < catalog->entity_count; i++) {
        const struct lf_entity *entity = &catalog->entities[i];
        Lf__EntityRecord message;

        if (!lf_message_of_entity(entity, scratch, &message))
            return lf_fail_memory(error);
        LF_TRY(encode(LF_RECORD_ENTITY, entity->id, &message.base, arena,
                      &records[i], error));
    }
    return FEATURE_OK;
}

static feature_status
encode_services(const struct lf_catalog *catalog, struct lf_arena *arena,
                struct lf_arena *scratch, struct lf_record *records,
                struct feature_error *error)
{
    for (uint32_t i = 0; i < catalog->service_count; i++) {
        const struct lf_service *service = &catalog->services[i];
        Lf__ServiceRecord message;

        if (!lf_message_of_service(service, scratch, &message))
            return lf_fail_memory(error);
        LF_TRY(encode(LF_RECORD_SERVICE, service->id, &message.base, arena,
                      &records[i], error));
    }
    return FEATURE_OK;
}

static feature_status
encode_views(const struct lf_catalog *catalog, struct lf_arena *arena,
             struct lf_arena *scratch, struct lf_record *records,
             struct feature_error *error)
{
    for (uint32_t i = 0; i < catalog->view_count; i++) {
        const struct lf_view *view = &catalog->views[i];
        const struct lf_entity *entity =
            lf_catalog_entity_by_id(catalog, view->entity);
        Lf__ViewRecord message;

        if (!lf_message_of_view(view, entity ? entity->key_count : 0, scratch,
                                &message))
            return lf_fail_memory(error);
        LF_TRY(encode(LF_RECORD_VIEW, view->id, &message.base, arena,
                      &records[i], error));
    }
    return FEATURE_OK;
}

static feature_status
encode_events(const struct lf_catalog *catalog, struct lf_arena *arena,
              struct lf_arena *scratch, struct lf_record *records,
              struct feature_error *error)
{
    for (uint32_t i = 0; i < catalog->event_count; i++) {
        const struct lf_event *event = &catalog->events[i];
        Lf__EventRecord message;

        if (!lf_message_of_event(event, scratch, &message))
            return lf_fail_memory(error);
        LF_TRY(encode(LF_RECORD_EVENT, event->id, &message.base, arena,
                      &records[i], error));
    }
    return FEATURE_OK;
}

/* In order of keys: the store, entities, services, views, events. */
static feature_status
encode_all(const struct lf_catalog *catalog, struct lf_arena *arena,
           struct lf_arena *scratch, struct lf_record *records,
           struct feature_error *error)
{
    Lf__StoreRecord store;

    lf_message_of_store(catalog, &store);
    LF_TRY(encode(LF_RECORD_STORE, 0, &store.base, arena, records++, error));
    LF_TRY(encode_entities(catalog, arena, scratch, records, error));
    records += catalog->entity_count;
    LF_TRY(encode_services(catalog, arena, scratch, records, error));
    records += catalog->service_count;
    LF_TRY(encode_views(catalog, arena, scratch, records, error));
    records += catalog->view_count;
    return encode_events(catalog, arena, scratch, records, error);
}

feature_status
lf_records_encode(const struct lf_catalog *catalog, struct lf_arena *arena,
                  struct lf_record **records, size_t *count,
                  struct feature_error *error)
{
    size_t total = 1 + (size_t)catalog->entity_count + catalog->view_count +
                   catalog->service_count + catalog->event_count;
    struct lf_arena scratch = {0};
    struct lf_record *made;
    feature_status status;

    made = lf_arena_array(arena, total, sizeof *made);
    if (!made)
        return lf_fail_memory(error);
    status = encode_all(catalog, arena, &scratch, made, error);
    lf_arena_free(&scratch);
    if (status)
        return status;
    *records = made;
    *count = total;
    return FEATURE_OK;
}

static feature_status
refuse(const struct lf_record *record, const char *reason, const char *problem,
       struct feature_error *error)
{
    const char *kind = "unknown kind";

    switch ((enum lf_record_kind)record->key[0]) {
    case LF_RECORD_STORE:
        kind = "store";
        break;
    case LF_RECORD_ENTITY:
        kind = "entity";
        break;
    case LF_RECORD_VIEW:
        kind = "feature view";
        break;
    case LF_RECORD_SERVICE:
        kind = "feature service";
        break;
    case LF_RECORD_EVENT:
        kind = "event";
        break;
    }
    return lf_fail(error, FEATURE_CORRUPT, reason,
                   "the catalog record %u of a %s is damaged: %s",
                   lf_load_big_u32(record->key + 1), kind, problem);
}

static const ProtobufCMessageDescriptor *
descriptor_of(uint8_t kind)
{
    switch ((enum lf_record_kind)kind) {
    case LF_RECORD_STORE:
        return &lf__store_record__descriptor;
    case LF_RECORD_ENTITY:
        return &lf__entity_record__descriptor;
    case LF_RECORD_VIEW:
        return &lf__view_record__descriptor;
    case LF_RECORD_SERVICE:
        return &lf__service_record__descriptor;
    case LF_RECORD_EVENT:
        return &lf__event_record__descriptor;
    }
    return NULL;
}

/* The message's own id has to be that of the key. */
static const char *
take_message(const struct lf_record *record, const ProtobufCMessage *message,
             struct lf_catalog *catalog)
{
    uint32_t id = lf_load_big_u32(record->key + 1);
    const void *any = message;
    const Lf__EntityRecord *entity = any;
    const Lf__ViewRecord *view = any;
    const Lf__ServiceRecord *service = any;
    const Lf__EventRecord *event = any;
    bool is_same = true;

    switch ((enum lf_record_kind)record->key[0]) {
    case LF_RECORD_STORE:
        return id ? "its id is not 0" : lf_message_to_store(any, catalog);
    case LF_RECORD_ENTITY:
        is_same = id && entity->id == id && id < catalog->next_id;
        return is_same ? lf_message_to_entity(entity, catalog) : "a wrong id";
    case LF_RECORD_VIEW:
        is_same = id && view->id == id && id < catalog->next_id;
        return is_same ? lf_message_to_view(view, catalog) : "a wrong id";
    case LF_RECORD_SERVICE:
        is_same = id && service->id == id && id < catalog->next_id;
        return is_same ? lf_message_to_service(service, catalog) : "a wrong id";
    case LF_RECORD_EVENT:
        is_same = id && event->id == id && id < catalog->next_id;
        return is_same ? lf_message_to_event(event, catalog) : "a wrong id";
    }
    return "an unknown kind";
}

/* The message of a record, to be freed with the budget's allocator. */
static feature_status
unpack(const struct lf_record *record, struct lf_budget *budget,
       ProtobufCMessage **message, struct feature_error *error)
{
    if (record->size < SUM_SIZE || record->size > RECORD_MAX)
        return refuse(record, "structure", "its size is wrong", error);
    if (lf_load_u32(record->bytes) != record_sum(record->key,
                                                 record->bytes + SUM_SIZE,
                                                 record->size - SUM_SIZE))
        return refuse(record, "checksum", "its checksum is wrong", error);
    lf_budget_init(budget, record->size);
    *message = protobuf_c_message_unpack(
        descriptor_of(record->key[0]), &budget->allocator,
        record->size - SUM_SIZE, record->bytes + SUM_SIZE);
    if (*message)
        return FEATURE_OK;
    return budget->no_memory
               ? lf_fail_memory(error)
               : refuse(record, "structure", "it is no message", error);
}

static feature_status
decode(const struct lf_record *record, struct lf_catalog *catalog,
       struct feature_error *error)
{
    struct lf_budget budget;
    ProtobufCMessage *message;
    const char *problem;

    LF_TRY(unpack(record, &budget, &message, error));
    problem = take_message(record, message, catalog);
    protobuf_c_message_free_unpacked(message, &budget.allocator);
    if (problem == LF_MESSAGE_NO_MEMORY)
        return lf_fail_memory(error);
    return problem ? refuse(record, "structure", problem, error) : FEATURE_OK;
}

static int
compare_keys(const void *left, const void *right)
{
    const struct lf_record *a = left, *b = right;

    return memcmp(a->key, b->key, LF_RECORD_KEY_SIZE);
}

/* Makes the arrays, and finds kinds and keys that cannot be. */
static feature_status
make_room(const struct lf_record *records, size_t count,
          struct lf_catalog *catalog, struct feature_error *error)
{
    struct lf_arena *arena = &catalog->arena;

    if (records[0].key[0] != LF_RECORD_STORE)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the catalog record of the store is not there");
    for (size_t i = 0; i < count; i++) {
        if (!descriptor_of(records[i].key[0]))
            return refuse(&records[i], "structure", "an unknown kind", error);
        if (i && !compare_keys(&records[i - 1], &records[i]))
            return refuse(&records[i], "structure", "it is there twice", error);
    }
    catalog->entities = lf_arena_array(arena, count, sizeof *catalog->entities);
    catalog->views = lf_arena_array(arena, count, sizeof *catalog->views);
    catalog->services = lf_arena_array(arena, count, sizeof *catalog->services);
    catalog->events = lf_arena_array(arena, count, sizeof *catalog->events);
    if (!catalog->entities || !catalog->views || !catalog->services ||
        !catalog->events)
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
decode_kind(const struct lf_record *records, size_t count,
            enum lf_record_kind kind, struct lf_catalog *catalog,
            struct feature_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (records[i].key[0] == kind)
            LF_TRY(decode(&records[i], catalog, error));
    return FEATURE_OK;
}

static int
compare_ids(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* Kinds share their ids. The store's is 0, and no other's. */
static feature_status
check_ids(const struct lf_record *records, size_t count,
          struct lf_arena *scratch, struct feature_error *error)
{
    uint32_t *ids = lf_arena_array(scratch, count, sizeof *ids);

    if (!ids)
        return lf_fail_memory(error);
    for (size_t i = 0; i < count; i++)
        ids[i] = lf_load_big_u32(records[i].key + 1);
    qsort(ids, count, sizeof *ids, compare_ids);
    for (size_t i = 1; i < count; i++)
        if (ids[i] == ids[i - 1])
            return lf_fail(error, FEATURE_CORRUPT, "structure",
                           "two catalog records have the id %u", ids[i]);
    return FEATURE_OK;
}

/* Kinds share their names. */
static feature_status
check_name(struct lf_names *names, struct lf_arena *scratch, const char *name,
           struct feature_error *error)
{
    if (lf_names_find(names, name, NULL))
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "two catalog records have the name %s", name);
    if (!lf_names_add(names, scratch, name, 0))
        return lf_fail_memory(error);
    return FEATURE_OK;
}

static feature_status
check_names(const struct lf_catalog *catalog, struct lf_arena *scratch,
            struct feature_error *error)
{
    struct lf_names names = {0};

    for (uint32_t i = 0; i < catalog->entity_count; i++)
        LF_TRY(check_name(&names, scratch, catalog->entities[i].name, error));
    for (uint32_t i = 0; i < catalog->view_count; i++)
        LF_TRY(check_name(&names, scratch, catalog->views[i].name, error));
    for (uint32_t i = 0; i < catalog->service_count; i++)
        LF_TRY(check_name(&names, scratch, catalog->services[i].name, error));
    for (uint32_t i = 0; i < catalog->event_count; i++)
        LF_TRY(check_name(&names, scratch, catalog->events[i].name, error));
    return FEATURE_OK;
}

/* What is referred to comes first. */
static feature_status
decode_all(const struct lf_record *records, size_t count,
           struct lf_catalog *catalog, struct lf_arena *scratch,
           struct feature_error *error)
{
    static const enum lf_record_kind order[] = {
        LF_RECORD_STORE, LF_RECORD_ENTITY, LF_RECORD_EVENT, LF_RECORD_VIEW,
        LF_RECORD_SERVICE};

    LF_TRY(make_room(records, count, catalog, error));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        LF_TRY(decode_kind(records, count, order[i], catalog, error));
    LF_TRY(check_ids(records, count, scratch, error));
    if (catalog->view_count > LF_VIEWS_MAX)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the catalog holds %u feature views; %d is the most",
                       catalog->view_count, LF_VIEWS_MAX);
    return check_names(catalog, scratch, error);
}

feature_status
lf_records_decode(const struct lf_record *records, size_t count,
                  struct lf_catalog **catalog, struct feature_error *error)
{
    struct lf_catalog *made = lf_catalog_empty();
    struct lf_arena scratch = {0};
    struct lf_record *sorted;
    feature_status status = FEATURE_OK;

    sorted = lf_arena_array(&scratch, count, sizeof *sorted);
    if (!made || !sorted) {
        status = lf_fail_memory(error);
        goto out;
    }
    if (count) {
        memcpy(sorted, records, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare_keys);
        status = decode_all(sorted, count, made, &scratch, error);
        if (status)
            goto out;
    }
    *catalog = made;
    made = NULL;
out:
    lf_catalog_release(made);
    lf_arena_free(&scratch);
    return status;
}

feature_status
lf_record_schema_count(const struct lf_record *record, uint32_t *count,
                       struct feature_error *error)
{
    struct lf_budget budget;
    ProtobufCMessage *message;
    const void *any;
    const Lf__ViewRecord *view;
    size_t found;

    if (record->key[0] != LF_RECORD_VIEW)
        return refuse(record, "structure", "it is of no feature view", error);
    LF_TRY(unpack(record, &budget, &message, error));
    any = message;
    view = any;
    found = view->n_schemas;
    protobuf_c_message_free_unpacked(message, &budget.allocator);
    if (!found || found > LF_SCHEMAS_MAX)
        return refuse(record, "structure", "its schema versions", error);
    *count = (uint32_t)found;
    return FEATURE_OK;
}
