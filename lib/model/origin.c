/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the text of a view FROM an event means, once its event is known.
 *
 * Owns the look-up of columns and the types of values in conditions.
 * Keeps conditions in canonical order, so that equal ones are equal values.
 * Never knows what the view was before.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "model/aggregate.h"
#include "model/evolve.h"
#include "model/literal.h"
#include "model/suggest.h"

static feature_status
find_event(const struct lf_change *change, const struct lf_name *name,
           const struct lf_event **event)
{
    struct lf_suggestion near;

    *event = lf_catalog_event(change->after, name->text);
    if (*event)
        return FEATURE_OK;
    lf_suggestion_begin(&near, name->text);
    lf_suggestion_offer_events(&near, change->after);
    return lf_suggestion_fail(&near, name->at, change->error,
                              "there is no event %s", name->text);
}

static feature_status
find_column(const struct lf_change *change, const struct lf_event *event,
            const struct lf_name *name, uint32_t *column)
{
    struct lf_suggestion near;

    *column = lf_event_column(event, name->text);
    if (*column != LF_NO_COLUMN)
        return FEATURE_OK;
    lf_suggestion_begin(&near, name->text);
    lf_suggestion_offer_columns(&near, event);
    return lf_suggestion_fail(&near, name->at, change->error,
                              "%s has no column %s", event->name, name->text);
}

/* The column that a join key comes from: as written, or of its own name. */
static feature_status
find_source(const struct lf_change *change, const struct lf_event *event,
            const struct lf_statement *statement, const struct lf_join_key *key,
            uint32_t *column)
{
    struct lf_name name = {.text = key->name, .at = statement->event.at};
    int32_t code;

    for (uint32_t i = 0; i < statement->source_count; i++)
        if (!strcmp(statement->sources[i].key.text, key->name))
            name = statement->sources[i].column;
    *column = lf_event_column(event, name.text);
    if (*column == LF_NO_COLUMN && name.text == key->name)
        return lf_change_invalid(change, name.at,
                                 "%s has no column %s: say which is the join "
                                 "key, FOR entity (%s = column)",
                                 event->name, name.text, name.text);
    LF_TRY(find_column(change, event, &name, column));
    code = lf_event_column_code(event, *column);
    if (*column != LF_TIME_COLUMN && code == key->code)
        return FEATURE_OK;
    return lf_change_invalid(change, name.at,
                             "the join key %s is %s and the column %s is %s",
                             key->name, lf_type_code_name(key->code), name.text,
                             lf_type_code_name(code));
}

static feature_status
find_sources(const struct lf_change *change, const struct lf_entity *entity,
             const struct lf_statement *statement, struct lf_origin *origin)
{
    for (uint32_t i = 0; i < statement->source_count; i++) {
        const struct lf_name *name = &statement->sources[i].key;
        bool is_key = false;

        for (uint32_t j = 0; j < entity->key_count; j++)
            is_key |= !strcmp(entity->keys[j].name, name->text);
        if (!is_key)
            return lf_change_invalid(change, name->at,
                                     "%s is no join key of %s", name->text,
                                     entity->name);
    }
    origin->key_columns = lf_arena_array(change->scratch, entity->key_count,
                                         sizeof *origin->key_columns);
    if (!origin->key_columns)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < entity->key_count; i++)
        LF_TRY(find_source(change, origin->event, statement, &entity->keys[i],
                           &origin->key_columns[i]));
    return FEATURE_OK;
}

/* No event holds NaN, infinities or -0.0. */
static feature_status
settle_float(const struct lf_lexer *at, int32_t code,
             struct lf_literal *literal)
{
    static const uint8_t zeros[8];
    double value = code == FEATURE_TYPE_FLOAT32
                       ? (double)lf_load_f32(literal->bytes)
                       : lf_load_f64(literal->bytes);

    if (!isfinite(value))
        return lf_lexer_fail(at, "no event holds NaN or an infinity");
    if (value == 0)
        literal->bytes = zeros;
    return FEATURE_OK;
}

static int
compare_literals(const void *a, const void *b)
{
    return lf_literal_compare(a, b);
}

static int
compare_terms(const void *a, const void *b)
{
    return lf_term_compare(a, b);
}

static feature_status
resolve_literals(const struct lf_change *change,
                 const struct lf_term_clause *clause, int32_t code,
                 struct lf_term *term)
{
    struct lf_type type = {.code = code, .width = 1};
    struct lf_literal *made =
        lf_arena_array(change->scratch, clause->count, sizeof *made);
    uint32_t kept = 0;

    if (!made)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < clause->count; i++) {
        struct lf_lexer lexer = clause->literals[i];

        LF_TRY(lf_literal_parse(&lexer, type, change->scratch, &made[i]));
        if (code == FEATURE_TYPE_FLOAT32 || code == FEATURE_TYPE_FLOAT64)
            LF_TRY(settle_float(&clause->literals[i], code, &made[i]));
    }
    if (clause->count)
        qsort(made, clause->count, sizeof *made, compare_literals);
    for (uint32_t i = 0; i < clause->count; i++)
        if (!i || lf_literal_compare(&made[kept - 1], &made[i]) != 0)
            made[kept++] = made[i];
    term->literals = made;
    term->literal_count = kept;
    return FEATURE_OK;
}

static feature_status
resolve_term(const struct lf_change *change, const struct lf_event *event,
             const struct lf_term_clause *clause, struct lf_term *term)
{
    int32_t code;

    term->op = clause->op;
    LF_TRY(find_column(change, event, &clause->column, &term->column));
    code = lf_event_column_code(event, term->column);
    if (code == FEATURE_TYPE_BOOL && term->op >= LF_LESS &&
        term->op <= LF_GREATER_EQUAL)
        return lf_change_invalid(change, clause->op_at,
                                 "%s is BOOL: compare it by = or <>",
                                 clause->column.text);
    return resolve_literals(change, clause, code, term);
}

/* Sorted, each once. */
static feature_status
resolve_terms(const struct lf_change *change, const struct lf_event *event,
              const struct lf_aggregate_clause *clause,
              struct lf_aggregate *made)
{
    struct lf_term *terms =
        lf_arena_array(change->scratch, clause->term_count, sizeof *terms);
    uint32_t kept = 0;

    if (!terms)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < clause->term_count; i++)
        LF_TRY(resolve_term(change, event, &clause->terms[i], &terms[i]));
    if (clause->term_count)
        qsort(terms, clause->term_count, sizeof *terms, compare_terms);
    for (uint32_t i = 0; i < clause->term_count; i++)
        if (!i || lf_term_compare(&terms[kept - 1], &terms[i]) != 0)
            terms[kept++] = terms[i];
    made->terms = terms;
    made->term_count = kept;
    return FEATURE_OK;
}

static feature_status
refuse_misfit(const struct lf_change *change, const struct lf_event *event,
              const struct lf_aggregate_clause *clause,
              const struct lf_aggregate *made, const struct lf_misfit *misfit)
{
    const struct lf_name *name = misfit->is_by ? &clause->by : &clause->column;
    uint32_t column = misfit->is_by ? made->by : made->column;
    int32_t code = lf_event_column_code(event, column);
    bool is_truth = !misfit->is_by && code == FEATURE_TYPE_BOOL &&
                    (made->kind == LF_SUM || made->kind == LF_AVG);

    return lf_change_invalid(
        change, name->at, "%s %s, and %s is %s%s%s%s",
        misfit->is_by ? "BY" : lf_aggregate_name(made->kind), misfit->rule,
        name->text, lf_type_code_name(code),
        is_truth ? ": write COUNT(*) WHERE " : "", is_truth ? name->text : "",
        is_truth ? " = TRUE" : "");
}

static feature_status
resolve_feature(const struct lf_change *change, const struct lf_event *event,
                struct lf_feature_clause *feature)
{
    const struct lf_aggregate_clause *clause = feature->written;
    struct lf_aggregate *made = lf_arena_alloc(change->scratch, sizeof *made);
    struct lf_misfit misfit;
    struct lf_lexer lexer;

    if (!made)
        return lf_fail_memory(change->error);
    *made = clause->made;
    if (clause->column.text)
        LF_TRY(find_column(change, event, &clause->column, &made->column));
    if (clause->by.text)
        LF_TRY(find_column(change, event, &clause->by, &made->by));
    if (!lf_aggregate_type(event, made, &feature->type, &misfit))
        return refuse_misfit(change, event, clause, made, &misfit);
    LF_TRY(resolve_terms(change, event, clause, made));
    feature->aggregate = made;
    if (!clause->has_fallback)
        return FEATURE_OK;
    lexer = clause->fallback;
    return lf_literal_parse(&lexer, feature->type, change->scratch,
                            &feature->fallback);
}

feature_status
lf_resolve_origin(struct lf_change *change, const struct lf_entity *entity,
                  const struct lf_statement **statement,
                  struct lf_origin *origin)
{
    struct lf_statement *made;

    LF_TRY(find_event(change, &(*statement)->event, &origin->event));
    LF_TRY(find_sources(change, entity, *statement, origin));
    made = lf_list_extend(change->scratch, *statement, 1, 0, sizeof *made);
    if (!made)
        return lf_fail_memory(change->error);
    made->features = lf_list_extend(change->scratch, made->features,
                                    made->count, 0, sizeof *made->features);
    if (!made->features)
        return lf_fail_memory(change->error);
    for (uint32_t i = 0; i < made->count; i++)
        LF_TRY(resolve_feature(change, origin->event, &made->features[i]));
    *statement = made;
    return FEATURE_OK;
}
