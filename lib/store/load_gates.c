/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates of a load.
 *
 * Owns the comparison of the version that was built with the one that serves.
 * Keeps the figures in the load's record, whatever they came to.
 * Never holds a snapshot for longer than some rows take.
 */
#include "store/load_gates.h"

#include "model/names.h"
#include "model/rule_text.h"
#include "store/quality.h"

/* --- rules of the load alone --------------------------------------------------- */

static feature_status
join_rules(struct feature_load *load, const struct lf_option_clause *clause,
           struct feature_error *error)
{
    struct lf_view *view = load->view;
    uint32_t old = view->rule_count;
    struct lf_rule *rules;

    if (old + clause->rule_count > LF_RULES_MAX)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "feature view %s has %u rules and the load %u more: "
                       "%d at most",
                       view->name, old, clause->rule_count, LF_RULES_MAX);
    rules = lf_list_extend(&load->catalog->arena, view->rules, old,
                           clause->rule_count, sizeof *rules);
    if (!rules)
        return lf_fail_memory(error);
    LF_TRY(lf_resolve_rules(
        clause, view, lf_catalog_entity_by_id(load->catalog, view->entity),
        rules + old, error));
    view->rules = rules;
    view->rule_count = old + clause->rule_count;
    return FEATURE_OK;
}

feature_status
lf_load_add_rules(struct feature_load *load, const char *text,
                  struct feature_error *error)
{
    struct lf_option_clause clause = {0};
    struct lf_arena arena = {0};
    feature_status status;

    if (!text)
        return FEATURE_OK;
    status = lf_parse_rule_text(text, &arena, &clause, error);
    if (!status)
        status = join_rules(load, &clause, error);
    lf_arena_free(&arena);
    return status;
}

/* --- judging -------------------------------------------------------------------- */

struct gates {
    struct feature_load *load;
    const struct lf_entity *entity;
    struct lf_meta_view before; /* of the version that serves */
    uint32_t serving;
    struct lf_quality *old;
    struct lf_quality *new;
    struct lf_judgement judgement;
};

static feature_status
read_serving(struct gates *gates, struct lf_reader *reader,
             struct feature_error *error)
{
    feature_store *store = gates->load->store;
    uint32_t id = gates->load->record.view;
    struct lf_catalog *catalog = NULL;
    const struct lf_view *view;
    struct lf_meta_store meta;

    LF_TRY(lf_store_read_meta(reader, &meta, error));
    LF_TRY(lf_store_read_catalog(store, reader, &meta, &catalog, error));
    view = lf_catalog_view_by_id(catalog, id);
    gates->serving = view ? view->version : 0;
    lf_catalog_release(catalog);
    return lf_store_read_view(reader, id, &gates->before, error);
}

static feature_status
find_serving(struct gates *gates, struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(lf_reader_begin(gates->load->store->environment, &reader, error));
    status = read_serving(gates, reader, error);
    lf_reader_end(reader);
    return status;
}

static feature_status
collect(struct gates *gates, struct feature_error *error)
{
    struct feature_load *load = gates->load;
    const struct lf_view *view = load->view;

    LF_TRY(find_serving(gates, error));
    LF_TRY(lf_quality_make(view, gates->entity, true, &gates->old, error));
    LF_TRY(lf_quality_make(view, gates->entity, false, &gates->new, error));
    LF_TRY(lf_quality_scan_slowly(gates->old, load->store, view, gates->serving,
                                  error));
    return lf_quality_scan_slowly(gates->new, load->store, view, view->version,
                                  error);
}

static feature_status
judge(struct gates *gates, struct feature_error *error)
{
    struct feature_load *load = gates->load;
    struct lf_judgement *judgement = &gates->judgement;
    struct lf_evidence evidence = {.meta = &load->build.meta,
                                   .before = &gates->before,
                                   .now = lf_store_now(load->store)};
    const void *figures;

    LF_TRY(collect(gates, error));
    evidence.quality = gates->new;
    evidence.before_quality = gates->old;
    LF_TRY(lf_quality_judge_all(load->view, gates->entity, &evidence, judgement,
                                error));
    figures = lf_arena_copy(&load->arena, judgement->figures.bytes.data,
                            judgement->figures.bytes.size);
    if (!figures)
        return lf_fail_memory(error);
    load->record.gates = judgement->rules;
    load->record.gates_failed = judgement->failed;
    load->record.figures =
        (struct lf_slice){figures, judgement->figures.bytes.size};
    return FEATURE_OK;
}

/* The record keeps the figures of a load that ends here, too. */
static feature_status
refuse(const struct gates *gates, struct feature_error *error)
{
    struct feature_load *load = gates->load;

    LF_TRY(lf_loads_note(load->store, load->wait_ms, &load->record, error));
    return lf_fail(error, FEATURE_CONFLICT, "gate", "%s does not hold %s%s",
                   load->view->name, gates->judgement.first,
                   gates->judgement.failed > 1 ? ", nor others" : "");
}

feature_status
lf_load_judge(struct feature_load *load, struct feature_error *error)
{
    struct gates gates = {
        .load = load,
        .entity = lf_catalog_entity_by_id(load->catalog, load->view->entity)};
    feature_status status;

    if (!load->view->rule_count)
        return FEATURE_OK;
    status = judge(&gates, error);
    if (!status && gates.judgement.failed) {
        load->record.is_forced = load->flags & FEATURE_LOAD_FORCE;
        if (!load->record.is_forced)
            status = refuse(&gates, error);
    }
    lf_text_free(&gates.judgement.figures);
    lf_quality_free(gates.old);
    lf_quality_free(gates.new);
    return status;
}
