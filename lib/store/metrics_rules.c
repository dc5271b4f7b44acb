/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules among the metrics.
 *
 * Owns which of them a scrape can afford: those that the views' records answer.
 * Keeps their figures what feature_store_check() says of the same commit.
 * Never reads a row: a rule that needs one is left out.
 */
#include "store/metrics_rules.h"

#include "store/quality.h"

typedef void (*add_sample)(struct lf_text *text, const char *name,
                           const struct lf_rule *rule,
                           const struct lf_verdict *verdict);

static void
add_holds(struct lf_text *text, const char *labels, const struct lf_rule *rule,
          const struct lf_verdict *verdict)
{
    (void)rule;
    lf_text_add(text, "feature_check_holds%s %d\n", labels, verdict->holds);
}

/* An age is in seconds. */
static void
add_figure(struct lf_text *text, const char *labels, const struct lf_rule *rule,
           const struct lf_verdict *verdict)
{
    struct lf_amount figure = verdict->figure;

    if (verdict->kind != LF_VERDICT_KNOWN)
        return;
    if (rule->figure == LF_AGE)
        figure = lf_amount_real((double)figure.whole / 1e6);
    lf_text_add(text, "feature_check_figure%s ", labels);
    lf_amount_print(text, LF_ROWS, figure);
    lf_text_add(text, "\n");
}

static void
add_rule(struct lf_text *text, const struct lf_view *view,
         const struct lf_entity *entity, const struct lf_rule *rule,
         const struct lf_evidence *evidence, add_sample add)
{
    struct lf_verdict verdict = lf_quality_judge(rule, entity, evidence);
    struct lf_text labels = {0};
    char *taken;

    if (verdict.kind == LF_VERDICT_NOT_READ)
        return;
    lf_text_add(&labels, "{view=\"%s\",rule=\"", view->name);
    lf_rule_print(&labels, rule, view, entity);
    lf_text_add(&labels, "\"}");
    taken = lf_text_take(&labels);
    if (taken)
        add(text, taken, rule, &verdict);
    else
        text->failed = true;
    feature_free(taken);
}

static void
add_samples(struct lf_text *text, const struct lf_figures *figures,
            add_sample add)
{
    for (uint32_t i = 0; i < figures->catalog->view_count; i++) {
        const struct lf_view *view = &figures->catalog->views[i];
        const struct lf_version *before =
            lf_version_before(&figures->versions, view->id);
        struct lf_evidence evidence = {.meta = &figures->views[i],
                                       .before = before ? &before->meta : NULL,
                                       .now = figures->now};

        for (uint32_t j = 0; j < view->rule_count; j++)
            add_rule(text, view,
                     lf_catalog_entity_by_id(figures->catalog, view->entity),
                     &view->rules[j], &evidence, add);
    }
}

static bool
has_rules(const struct lf_catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->view_count; i++)
        if (catalog->views[i].rule_count)
            return true;
    return false;
}

void
lf_metrics_rules(struct lf_text *text, const struct lf_figures *figures)
{
    if (!has_rules(figures->catalog))
        return;
    lf_text_add(text,
                "# TYPE feature_check_holds gauge\n"
                "# HELP feature_check_holds 1 where a quality rule holds, by "
                "view and rule; those that need rows read are left out.\n");
    add_samples(text, figures, add_holds);
    lf_text_add(text, "# TYPE feature_check_figure gauge\n"
                      "# HELP feature_check_figure What it is about, by view "
                      "and rule; an age is in seconds.\n");
    add_samples(text, figures, add_figure);
}
