/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and aggregates, to protobuf messages and back.
 *
 * Owns what holds between an event, the views FROM it and their schemas.
 * Keeps every promise of model/window.h: columns, windows, conditions, chains
 * and pairs that no text can have made are refused.
 * Never keeps a pointer into a message.
 */
#include <stdlib.h>
#include <string.h>

#include "format/record_message.h"
#include "model/aggregate.h"
#include "model/evolve.h"

static void
init_column(void *message)
{
    lf__event_column__init(message);
}

static void
init_term(void *message)
{
    lf__term__init(message);
}

/* Columns as messages name them: see format/catalog.proto. */
static uint32_t
column_to_message(uint32_t column)
{
    if (column == LF_NO_COLUMN)
        return 0;
    return column == LF_TIME_COLUMN ? 1 : column + 2;
}

static uint32_t
column_of_message(uint32_t column)
{
    if (column == 0)
        return LF_NO_COLUMN;
    return column == 1 ? LF_TIME_COLUMN : column - 2;
}

bool
lf_message_of_event(const struct lf_event *event, struct lf_arena *arena,
                    Lf__EventRecord *message)
{
    Lf__EventColumn *columns;

    lf__event_record__init(message);
    message->id = event->id;
    message->name = lf_message_borrow(event->name);
    message->max_skew = event->max_skew;
    message->dedupe = column_to_message(event->dedupe);
    message->dedupe_for = event->dedupe_for;
    columns = lf_message_array(arena, event->column_count, sizeof *columns,
                               init_column, &message->columns);
    if (!columns)
        return false;
    message->n_columns = event->column_count;
    for (uint32_t i = 0; i < event->column_count; i++) {
        columns[i].name = lf_message_borrow(event->columns[i].name);
        columns[i].type = (uint32_t)event->columns[i].code;
    }
    return true;
}

static bool
fill_term(const struct lf_term *term, struct lf_arena *arena, Lf__Term *message)
{
    message->column = column_to_message(term->column);
    message->op = term->op;
    message->literals =
        lf_arena_array(arena, term->literal_count, sizeof *message->literals);
    if (!message->literals)
        return false;
    message->n_literals = term->literal_count;
    for (uint32_t i = 0; i < term->literal_count; i++) {
        message->literals[i].len = term->literals[i].size;
        message->literals[i].data =
            lf_message_borrow_bytes(term->literals[i].bytes);
    }
    return true;
}

bool
lf_message_of_aggregate(const struct lf_aggregate *aggregate,
                        struct lf_arena *arena, Lf__Aggregate **message)
{
    Lf__Aggregate *made = lf_arena_alloc(arena, sizeof *made);
    Lf__Term *terms;

    if (!made)
        return false;
    lf__aggregate__init(made);
    made->kind = aggregate->kind;
    made->column = column_to_message(aggregate->column);
    made->k = aggregate->k;
    made->quantile = aggregate->quantile;
    made->error = aggregate->error;
    made->by = column_to_message(aggregate->by);
    made->by_cap = aggregate->by_cap;
    made->is_keys = aggregate->is_keys;
    made->window = aggregate->window.kind;
    made->size = aggregate->window.size;
    made->hop = aggregate->window.hop;
    terms = lf_message_array(arena, aggregate->term_count, sizeof *terms,
                             init_term, &made->terms);
    if (!terms)
        return false;
    made->n_terms = aggregate->term_count;
    for (uint32_t i = 0; i < aggregate->term_count; i++)
        if (!fill_term(&aggregate->terms[i], arena, &terms[i]))
            return false;
    *message = made;
    return true;
}

static const char *
check_dedupe(const struct lf_event *event)
{
    if (event->dedupe == LF_NO_COLUMN) {
        LF_CHECK(!event->dedupe_for, "it remembers ids of no column");
        return NULL;
    }
    LF_CHECK(event->dedupe < event->column_count,
             "the column of dedupe is not there");
    LF_CHECK(event->dedupe_for > 0 && event->dedupe_for < INT64_MAX,
             "a duration is out of range");
    return NULL;
}

const char *
lf_message_to_event(const Lf__EventRecord *message, struct lf_catalog *catalog)
{
    struct lf_event made = {.id = message->id,
                            .max_skew = message->max_skew,
                            .dedupe = column_of_message(message->dedupe),
                            .dedupe_for = message->dedupe_for};

    LF_CHECK(message->n_columns >= 1 &&
                 message->n_columns <= LF_EVENT_COLUMNS_MAX,
             "an event has 1 to 256 columns");
    LF_CHECK(made.max_skew > 0, "a duration is out of range");
    LF_CHECK_CALL(lf_message_name(catalog, message->name, &made.name));
    made.columns = lf_arena_array(&catalog->arena, message->n_columns,
                                  sizeof *made.columns);
    LF_CHECK(made.columns, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_columns; i++) {
        struct lf_event_column *column = &made.columns[i];
        uint32_t code = message->columns[i]->type;

        LF_CHECK_CALL(lf_message_column(catalog, message->columns[i]->name,
                                        &column->name));
        LF_CHECK(lf_event_column(&made, column->name) == LF_NO_COLUMN,
                 "a column is there twice");
        LF_CHECK(code >= FEATURE_TYPE_BOOL && code <= FEATURE_TYPE_TIMESTAMP,
                 "there is no such type");
        column->code = (int32_t)code;
        made.column_count++;
    }
    LF_CHECK_CALL(check_dedupe(&made));
    catalog->events[catalog->event_count++] = made;
    return NULL;
}

const char *
lf_message_to_origin(const Lf__ViewRecord *message, struct lf_catalog *catalog,
                     const struct lf_entity *entity, struct lf_view *view)
{
    const struct lf_event *event =
        lf_catalog_event_by_id(catalog, message->event);

    if (!message->event) {
        LF_CHECK(!message->n_key_columns && !message->slack && !message->zone,
                 "a view of rows has key columns, slack or zone");
        return NULL;
    }
    LF_CHECK(event, "its event is not there");
    LF_CHECK(!view->ttl && view->max_skew == LF_SKEW_VIEW,
             "a view FROM an event has ttl or max_skew");
    LF_CHECK(message->slack >= 0 && message->slack <= LF_WINDOW_MAX &&
                 message->zone >= -LF_ZONE_MAX &&
                 message->zone <= LF_ZONE_MAX && message->zone % 60000000 == 0,
             "slack or zone is out of range");
    LF_CHECK(message->n_key_columns == entity->key_count,
             "join keys and key columns differ in number");
    view->event = message->event;
    view->slack = message->slack;
    view->zone = message->zone;
    view->key_columns = lf_arena_array(&catalog->arena, entity->key_count,
                                       sizeof *view->key_columns);
    LF_CHECK(view->key_columns, LF_MESSAGE_NO_MEMORY);
    for (uint32_t i = 0; i < entity->key_count; i++) {
        uint32_t column = column_of_message(message->key_columns[i]);

        LF_CHECK(column < event->column_count &&
                     event->columns[column].code == entity->keys[i].code,
                 "a key column is not there or has another type");
        view->key_columns[i] = column;
    }
    return NULL;
}

static const char *
take_term(const Lf__Term *message, struct lf_catalog *catalog,
          struct lf_term *term)
{
    LF_CHECK(message->op >= LF_EQUAL && message->op <= LF_IS_NOT_NULL,
             "there is no such operator");
    term->column = column_of_message(message->column);
    term->op = (enum lf_operator)message->op;
    term->literals = lf_arena_array(&catalog->arena, message->n_literals,
                                    sizeof *term->literals);
    LF_CHECK(term->literals, LF_MESSAGE_NO_MEMORY);
    term->literal_count = (uint32_t)message->n_literals;
    for (uint32_t i = 0; i < term->literal_count; i++) {
        struct lf_literal *literal = &term->literals[i];

        literal->is_set = true;
        literal->size = (uint32_t)message->literals[i].len;
        literal->bytes = (const uint8_t *)lf_arena_copy(
            &catalog->arena, message->literals[i].data, literal->size);
        LF_CHECK(literal->bytes, LF_MESSAGE_NO_MEMORY);
    }
    return NULL;
}

static const char *
take_terms(const Lf__Aggregate *message, struct lf_catalog *catalog,
           struct lf_aggregate *made)
{
    LF_CHECK(message->n_terms <= LF_TERMS_MAX, "a condition is too long");
    made->terms =
        lf_arena_array(&catalog->arena, message->n_terms, sizeof *made->terms);
    LF_CHECK(made->terms, LF_MESSAGE_NO_MEMORY);
    for (size_t i = 0; i < message->n_terms; i++)
        LF_CHECK_CALL(take_term(message->terms[i], catalog,
                                &made->terms[made->term_count++]));
    return NULL;
}

static struct lf_aggregate *
copy_numbers(const Lf__Aggregate *message, struct lf_arena *arena)
{
    struct lf_aggregate *made = lf_arena_alloc(arena, sizeof *made);

    if (!made || message->kind > LF_APPROX_PERCENTILE ||
        message->window > LF_CUMULATE)
        return made;
    *made = (struct lf_aggregate){
        .kind = (enum lf_aggregate_kind)message->kind,
        .column = column_of_message(message->column),
        .k = message->k,
        .quantile = message->quantile,
        .error = message->error,
        .by = column_of_message(message->by),
        .by_cap = message->by_cap,
        .is_keys = message->is_keys,
        .window = {.kind = (enum lf_window_kind)message->window,
                   .size = message->size,
                   .hop = message->hop}};
    return made;
}

const char *
lf_message_to_aggregate(const Lf__Feature *message, struct lf_catalog *catalog,
                        const struct lf_view *view, struct lf_feature *feature)
{
    const struct lf_event *event = lf_catalog_event_by_id(catalog, view->event);
    struct lf_aggregate *made;
    struct lf_misfit misfit;
    struct lf_type type;

    if (!event) {
        LF_CHECK(!message->aggregate, "a feature of rows is an aggregate");
        return NULL;
    }
    LF_CHECK(message->aggregate, "a feature FROM an event is no aggregate");
    LF_CHECK(!message->not_null, "an aggregate is NOT NULL");
    made = copy_numbers(message->aggregate, &catalog->arena);
    LF_CHECK(made, LF_MESSAGE_NO_MEMORY);
    LF_CHECK_CALL(take_terms(message->aggregate, catalog, made));
    LF_CHECK(lf_aggregate_is_valid(event, made), "an aggregate is none");
    LF_CHECK(lf_aggregate_type(event, made, &type, &misfit) &&
                 lf_type_equal(type, feature->type),
             "a feature has not the type of its aggregate");
    LF_CHECK(!made->is_keys || !message->default_value,
             "a column of keys has a DEFAULT");
    feature->aggregate = made;
    return NULL;
}

/* BY: values and keys come in pairs that differ in nothing else. */
static const char *
check_pairs(const struct lf_view *view)
{
    for (uint32_t i = 0; i < view->feature_count; i++) {
        const struct lf_feature *feature = &view->features[i], *pair;
        struct lf_aggregate other;

        if (feature->aggregate->by == LF_NO_COLUMN)
            continue;
        pair = lf_feature_pair(view, feature);
        LF_CHECK(pair, "a feature with BY has no neighbour");
        other = *pair->aggregate;
        other.is_keys = feature->aggregate->is_keys;
        LF_CHECK(lf_aggregate_equal(feature->aggregate, &other),
                 "a feature with BY differs from its neighbour");
    }
    return NULL;
}

static int
compare_ids(const void *left, const void *right)
{
    const struct lf_feature *const *a = left, *const *b = right;

    return ((*a)->id > (*b)->id) - ((*a)->id < (*b)->id);
}

/* Each field of each schema has the one definition there is of its id. */
static const char *
check_fields(const struct lf_view *view, const struct lf_feature **sorted,
             uint32_t count, uint32_t *met)
{
    for (uint32_t i = 0; i < view->schema_count; i++) {
        const struct lf_schema *schema = &view->schemas[i];
        uint32_t at = 0;

        for (uint32_t j = 0; j < schema->count; j++) {
            while (at < count && sorted[at]->id < schema->fields[j].feature)
                at++;
            LF_CHECK(at < count && sorted[at]->id == schema->fields[j].feature,
                     "a schema names a feature that has no definition");
            LF_CHECK(lf_type_equal(sorted[at]->type, schema->fields[j].type),
                     "a windowed feature changed its type");
            met[at] = 1;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        LF_CHECK(met[i], "no schema names a dropped feature");
    return NULL;
}

const char *
lf_message_check_windows(const struct lf_view *view, struct lf_arena *scratch)
{
    uint32_t count = view->feature_count + view->retired_count;
    const struct lf_feature **sorted =
        lf_arena_array(scratch, count, sizeof *sorted);
    uint32_t *met = lf_arena_array(scratch, count, sizeof *met);
    const struct lf_feature *one, *other;

    LF_CHECK(sorted && met, LF_MESSAGE_NO_MEMORY);
    LF_CHECK(
        lf_features_chain(view->features, view->feature_count, &one, &other),
        "its hops form no chain");
    LF_CHECK_CALL(check_pairs(view));
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = i < view->feature_count
                        ? &view->features[i]
                        : &view->retired[i - view->feature_count];
    qsort(sorted, count, sizeof *sorted, compare_ids);
    for (uint32_t i = 1; i < count; i++)
        LF_CHECK(sorted[i - 1]->id != sorted[i]->id,
                 "a feature is defined twice");
    return check_fields(view, sorted, count, met);
}
