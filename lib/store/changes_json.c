/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change records as JSON.
 *
 * Owns the shape of a record there: docs/format.md.
 * Keeps a record readable after its view is gone: keys and rows are then
 * hexadecimal digits.
 * Never names what the store's present definitions do not name.
 */
#include <inttypes.h>
#include <string.h>

#include "format/load.h"
#include "store/changes.h"
#include "store/json.h"

static const char *
operation_name(int32_t operation)
{
    static const char *const names[] = {
        "NONE",   "UPSERT",  "PATCH",  "DELETE", "EVENT", "RETRACT",
        "DEFINE", "VERSION", "EXPIRE", "TRIM",   "MERGE"};

    return (uint32_t)operation < sizeof names / sizeof *names ? names[operation]
                                                              : "UNKNOWN";
}

static void
add_row(struct lf_text *text, const char *name, const struct lf_view *view,
        struct lf_slice row)
{
    if (!row.size)
        return;
    lf_text_add(text, ",\"%s\":", name);
    if (!view || !lf_json_row(text, view, row.bytes, row.size))
        lf_json_hex(text, row.bytes, row.size);
}

static void
add_definition(struct lf_text *text, const struct lf_change *change)
{
    const uint8_t *key = change->key.bytes;
    const char *kind = "unknown";

    if (change->key.size == 5)
        kind = *key == 'c'   ? "store"
               : *key == 'e' ? "entity"
               : *key == 's' ? "feature service"
               : *key == 'v' ? "feature view"
               : *key == 'w' ? "event"
                             : kind;
    lf_text_add(text, ",\"kind\":\"%s\",\"id\":%" PRIu32 ",\"removed\":%s",
                kind, change->key.size == 5 ? lf_load_big_u32(key + 1) : 0,
                change->after.size ? "false" : "true");
}

static void
add_written(struct lf_text *text, const struct lf_catalog *catalog,
            const struct lf_change *change)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, change->view);

    if (view)
        lf_text_add(text, ",\"view\":\"%s\"", view->name);
    else
        lf_text_add(text, ",\"view\":%" PRIu32, change->view);
    if (change->is_erased) {
        lf_text_add(text, ",\"erased\":true");
        return;
    }
    lf_text_add(text, ",\"key\":");
    if (!view ||
        !lf_json_key(text, lf_catalog_entity_by_id(catalog, view->entity),
                     change->key.bytes, change->key.size))
        lf_json_hex(text, change->key.bytes, change->key.size);
    if (change->operation != LF_CHANGE_EXPIRE)
        lf_text_add(text, ",\"event_timestamp\":%" PRId64, change->time);
    if (change->operation != FEATURE_DELETE)
        add_row(text, "after",
                change->operation == LF_CHANGE_MERGE ? NULL : view,
                change->after);
    add_row(text, "before", view, change->before);
}

/* The id of an event is a column of it, too. */
static void
add_event(struct lf_text *text, const struct lf_catalog *catalog,
          const struct lf_change *change)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(catalog, change->view);

    if (event)
        lf_text_add(text, ",\"event\":\"%s\"", event->name);
    else
        lf_text_add(text, ",\"event\":%" PRIu32, change->view);
    if (change->is_erased) {
        lf_text_add(text, ",\"erased\":true");
        return;
    }
    lf_text_add(text,
                ",\"event_timestamp\":%" PRId64 ",\"after\":", change->time);
    if (!event ||
        !lf_json_event(text, event, change->after.bytes, change->after.size))
        lf_json_hex(text, change->after.bytes, change->after.size);
}

/* Another version of the view serves: by which load. */
static void
add_version(struct lf_text *text, const struct lf_catalog *catalog,
            const struct lf_change *change)
{
    const struct lf_view *view = lf_catalog_view_by_id(catalog, change->view);
    struct lf_load_record record;
    struct lf_arena arena = {0};

    if (view)
        lf_text_add(text, ",\"view\":\"%s\"", view->name);
    else
        lf_text_add(text, ",\"view\":%" PRIu32, change->view);
    lf_text_add(text, ",\"id\":");
    lf_json_text(text, change->key.bytes, change->key.size);
    if (!lf_load_decode_message(&record, &arena, change->after.bytes,
                                change->after.size, NULL))
        lf_text_add(text,
                    ",\"version\":%" PRIu32 ",\"previous\":%" PRIu32
                    ",\"cut\":%" PRIu64 ",\"rows\":%" PRIu64
                    ",\"content\":\"%016" PRIx64 "%016" PRIx64
                    "\",\"rolled_back\":%s",
                    record.version, record.previous, record.cut, record.rows,
                    record.content.high, record.content.low,
                    record.is_rollback ? "true" : "false");
    lf_arena_free(&arena);
}

static void
add_change(struct lf_text *text, const struct lf_catalog *catalog,
           const struct lf_change *change)
{
    lf_text_add(text, "{\"operation\":\"%s\"",
                operation_name(change->operation));
    if (change->operation == LF_CHANGE_DEFINE)
        add_definition(text, change);
    else if (change->operation == LF_CHANGE_VERSION)
        add_version(text, catalog, change);
    else if (change->operation == FEATURE_EVENT ||
             change->operation == FEATURE_RETRACT)
        add_event(text, catalog, change);
    else
        add_written(text, catalog, change);
    lf_text_add(text, "}");
}

static void
add_sources(struct lf_text *text, const struct lf_part *part)
{
    for (uint32_t i = 0; i < part->source_count; i++) {
        const struct feature_source *source = &part->sources[i];

        lf_text_add(text, "%s{\"name\":", i ? "," : ",\"sources\":[");
        lf_json_text(text, source->name, strlen(source->name));
        lf_text_add(text,
                    ",\"partition\":%" PRIu32 ",\"first_offset\":%" PRIu64
                    ",\"next_offset\":%" PRIu64 ",\"position\":",
                    source->partition, source->first_offset,
                    source->next_offset);
        lf_json_hex(text, source->position, source->position_size);
        lf_text_add(text, "}");
    }
    lf_text_add(text, part->source_count ? "]" : "");
}

static void
add_head(struct lf_text *text, const struct lf_part *part)
{
    const struct lf_change_head *head = &part->head;

    lf_text_add(
        text,
        "{\"sequence\":%" PRIu64 ",\"commit_time\":%" PRId64
        ",\"epoch\":%" PRIu64 ",\"catalog_version\":%" PRIu64 ",\"store\":",
        head->sequence, head->commit_time, head->epoch, head->catalog_version);
    lf_json_hex(text, head->store, sizeof head->store);
    lf_text_add(text, ",\"previous_chain\":");
    lf_json_hex(text, head->previous, LF_CHAIN_SIZE);
    add_sources(text, part);
    lf_text_add(text, ",\"changes\":[");
}

struct printing {
    struct lf_text text;
    struct lf_buffer scratch;
    const struct lf_catalog *catalog;
    const char *between;
};

static feature_status
print_part(struct printing *printing, const struct lf_part *part,
           struct feature_error *error)
{
    if (!part->number)
        add_head(&printing->text, part);
    for (uint32_t i = 0; i < part->change_count; i++) {
        struct lf_change change;

        LF_TRY(lf_part_change(part, i, &printing->scratch, &change, error));
        lf_text_add(&printing->text, "%s", printing->between);
        add_change(&printing->text, printing->catalog, &change);
        printing->between = ",";
    }
    return FEATURE_OK;
}

static feature_status
print_parts(struct printing *printing, const uint8_t *at, size_t size,
            struct feature_error *error)
{
    bool more = true;
    uint64_t sequence = 0;

    for (uint32_t number = 0; more; number++) {
        size_t frame = lf_frame_size(at, size);
        feature_status status;
        struct lf_part part;

        LF_TRY(lf_part_open(&part, at, frame, error));
        more = part.has_more;
        sequence = number ? sequence : part.head.sequence;
        status = part.number == number && part.head.sequence == sequence
                     ? print_part(printing, &part, error)
                     : lf_fail(error, FEATURE_CORRUPT, "structure",
                               "the change record is damaged: its parts are "
                               "out of order");
        lf_part_free(&part);
        LF_TRY(status);
        at += frame;
        size -= frame;
    }
    if (size)
        return lf_fail(error, FEATURE_CORRUPT, "structure",
                       "the change record is damaged: bytes follow its end");
    lf_text_add(&printing->text, "]}");
    return FEATURE_OK;
}

feature_status
feature_changes_json(feature_changes *changes, const void *record, size_t size,
                     char **text, struct feature_error *error)
{
    struct printing printing = {.between = ""};
    struct lf_catalog *catalog = NULL;
    feature_status status;
    char *taken;

    if (!changes || !record || !text)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "changes, record and text are needed");
    LF_TRY(lf_store_enter(changes->store, error));
    status = lf_store_catalog(changes->store, &catalog, error);
    printing.catalog = catalog;
    if (!status)
        status = print_parts(&printing, record, size, error);
    lf_catalog_release(catalog);
    lf_store_leave(changes->store);
    lf_buffer_free(&printing.scratch);
    if (status) {
        lf_text_free(&printing.text);
        return status;
    }
    taken = lf_text_take(&printing.text);
    if (!taken)
        return lf_fail_memory(error);
    *text = taken;
    return FEATURE_OK;
}
