/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature_store_check(): the quality rules of views, of what serves now.
 *
 * Owns the lines of it, which the public header describes.
 * Keeps all lines of one call to one commit.
 * Never fails for a rule that does not hold: it counts it.
 */
#include <string.h>

#include "store/figures.h"
#include "store/quality.h"

struct check {
    feature_store *store;
    struct lf_reader *reader;
    struct lf_catalog *catalog;
    struct lf_text text;
    struct feature_check_report report;
};

static void
add_line(struct check *check, const struct lf_view *view,
         const struct lf_entity *entity, const struct lf_rule *rule,
         const struct lf_evidence *evidence)
{
    struct lf_verdict verdict = lf_quality_judge(rule, entity, evidence);

    check->report.rules++;
    check->report.failed += !verdict.holds;
    lf_text_add(&check->text, "{\"view\":\"%s\",", view->name);
    lf_verdict_print(&check->text, rule, view, entity, &verdict);
    lf_text_add(&check->text, "}\n");
}

/* Of the version that served before this one, if it is kept. */
struct before {
    struct lf_buffer versions;
    const struct lf_version *version;
    struct lf_quality *quality;
};

static feature_status
read_before(struct check *check, const struct lf_view *view,
            const struct lf_entity *entity, struct before *before,
            struct feature_error *error)
{
    LF_TRY(lf_versions_read(check->reader, view->id, &before->versions, error));
    before->version = lf_version_before(&before->versions, view->id);
    if (!before->version)
        return FEATURE_OK;
    LF_TRY(lf_quality_make(view, entity, true, &before->quality, error));
    return lf_quality_scan(before->quality, check->reader, view,
                           before->version->version, error);
}

static feature_status
check_view(struct check *check, const struct lf_view *view,
           struct feature_error *error)
{
    const struct lf_entity *entity =
        lf_catalog_entity_by_id(check->catalog, view->entity);
    struct lf_evidence evidence = {.now = lf_store_now(check->store)};
    struct lf_quality *quality = NULL;
    struct before before = {0};
    struct lf_meta_view meta;
    feature_status status;

    if (!view->rule_count)
        return FEATURE_OK;
    LF_TRY(lf_store_read_view(check->reader, view->id, &meta, error));
    LF_TRY(lf_quality_make(view, entity, false, &quality, error));
    status =
        lf_quality_scan(quality, check->reader, view, view->version, error);
    if (!status)
        status = read_before(check, view, entity, &before, error);
    evidence.before = before.version ? &before.version->meta : NULL;
    evidence.before_quality = before.quality;
    evidence.meta = &meta;
    evidence.quality = quality;
    for (uint32_t i = 0; !status && i < view->rule_count; i++)
        add_line(check, view, entity, &view->rules[i], &evidence);
    lf_quality_free(before.quality);
    lf_buffer_free(&before.versions);
    lf_quality_free(quality);
    return status;
}

static feature_status
check_views(struct check *check, const char *name, struct feature_error *error)
{
    struct lf_meta_store meta;
    bool found = !name;

    LF_TRY(lf_store_read_meta(check->reader, &meta, error));
    LF_TRY(lf_store_read_catalog(check->store, check->reader, &meta,
                                 &check->catalog, error));
    for (uint32_t i = 0; i < check->catalog->view_count; i++) {
        const struct lf_view *view = &check->catalog->views[i];

        if (name && strcmp(view->name, name) != 0)
            continue;
        found = true;
        LF_TRY(check_view(check, view, error));
    }
    if (!found) {
        char quoted[LF_QUOTE_SIZE];

        return lf_fail(error, FEATURE_NOT_FOUND, "name",
                       "there is no feature view \"%s\"",
                       lf_quote(quoted, name, strnlen(name, LF_QUOTE_SIZE)));
    }
    return check->text.failed ? lf_fail_memory(error) : FEATURE_OK;
}

static feature_status
run(struct check *check, const char *view, struct feature_error *error)
{
    feature_status status;

    LF_TRY(lf_store_enter(check->store, error));
    status = lf_reader_begin(check->store->environment, &check->reader, error);
    if (!status) {
        status = check_views(check, view, error);
        lf_reader_end(check->reader);
    }
    lf_catalog_release(check->catalog);
    lf_store_leave(check->store);
    return status;
}

feature_status
feature_store_check(feature_store *store, const char *view,
                    struct feature_check_report *report, char **text,
                    struct feature_error *error)
{
    struct check check = {.store = store};
    feature_status status;
    char *taken;

    if (!store || !report)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and report are needed");
    LF_TRY(lf_report_check(report, "feature_check_report", error));
    status = run(&check, view, error);
    taken = status ? NULL : lf_text_take(&check.text);
    lf_text_free(&check.text);
    if (status)
        return status;
    if (!taken)
        return lf_fail_memory(error);
    lf_report_write(report, &check.report, sizeof check.report);
    if (text)
        *text = taken;
    else
        feature_free(taken);
    return FEATURE_OK;
}
