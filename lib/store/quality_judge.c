/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality rules against figures.
 *
 * Owns what a rule without a figure comes to: see docs/quality.md.
 * Keeps figures that the view's record has to that record, so that they are the
 * same with rows read and without.
 * Never reads a row or a clock.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "format/psi.h"
#include "store/quality_parts.h"

const struct lf_version *
lf_version_before(const struct lf_buffer *versions, uint32_t view)
{
    const struct lf_version *each = (const void *)versions->data;
    const struct lf_version *newest = NULL;

    for (size_t i = 0; i < versions->size / sizeof *each; i++)
        if (each[i].view == view && each[i].standing == LF_KEPT &&
            (!newest || each[i].meta.commit >= newest->meta.commit))
            newest = &each[i];
    return newest;
}

static uint64_t
rows_of(const struct lf_meta_view *meta)
{
    return meta ? meta->row_entries - meta->tombstones : 0;
}

static struct lf_verdict
known(struct lf_amount figure)
{
    return (struct lf_verdict){.kind = LF_VERDICT_KNOWN, .figure = figure};
}

static struct lf_verdict
without(enum lf_verdict_kind kind)
{
    return (struct lf_verdict){.kind = kind};
}

static struct lf_verdict
count_verdict(uint64_t count)
{
    return known(
        lf_amount_whole(count > INT64_MAX ? INT64_MAX : (int64_t)count));
}

static const struct lf_subject *
find_subject(const struct lf_quality *quality, const struct lf_rule *rule)
{
    for (uint32_t i = 0; quality && i < quality->subject_count; i++)
        if (quality->subjects[i].feature == rule->feature &&
            quality->subjects[i].key == rule->key)
            return &quality->subjects[i];
    return NULL;
}

static struct lf_verdict
age_verdict(const struct lf_evidence *evidence)
{
    int64_t age;

    if (!rows_of(evidence->meta) || evidence->meta->newest == INT64_MIN)
        return without(LF_VERDICT_NO_VALUE);
    if (__builtin_sub_overflow(evidence->now, evidence->meta->newest, &age))
        age = evidence->now < 0 ? INT64_MIN : INT64_MAX;
    return known(lf_amount_whole(age));
}

static struct lf_verdict
end_verdict(const struct lf_subject *subject, struct lf_element end)
{
    if (!subject->count)
        return without(LF_VERDICT_NO_VALUE);
    return known(subject->is_real ? lf_amount_real(end.real)
                                  : lf_amount_whole(end.whole));
}

static struct lf_verdict
psi_verdict(const struct lf_rule *rule, const struct lf_evidence *evidence,
            const struct lf_subject *subject)
{
    const struct lf_subject *other =
        find_subject(evidence->before_quality, rule);
    struct lf_distribution before, now = {subject->values, subject->nulls};

    if (!other || other->count + other->nulls == 0)
        return without(LF_VERDICT_NO_BEFORE);
    if (subject->count + subject->nulls == 0)
        return without(LF_VERDICT_NO_VALUE);
    before = (struct lf_distribution){other->values, other->nulls};
    return known(lf_amount_real(lf_psi(&before, &now)));
}

static struct lf_verdict
subject_verdict(const struct lf_rule *rule, const struct lf_evidence *evidence)
{
    const struct lf_quality *quality = evidence->quality;
    const struct lf_subject *subject = find_subject(quality, rule);

    if (!subject)
        return without(LF_VERDICT_NOT_READ);
    if (rule->figure == LF_NULLS)
        return quality->rows ? known(lf_amount_real((double)subject->nulls /
                                                    (double)quality->rows))
                             : without(LF_VERDICT_NO_VALUE);
    if (rule->figure == LF_LEAST)
        return end_verdict(subject, subject->least);
    if (rule->figure == LF_GREATEST)
        return end_verdict(subject, subject->greatest);
    if (rule->figure == LF_DISTINCT)
        return count_verdict(lf_hll_estimate(&subject->distinct));
    return psi_verdict(rule, evidence, subject);
}

static struct lf_verdict
verdict_of(const struct lf_rule *rule, const struct lf_evidence *evidence,
           bool is_one_key)
{
    uint64_t rows = rows_of(evidence->meta), before = rows_of(evidence->before);

    switch (rule->figure) {
    case LF_ROWS:
        return count_verdict(rows);
    case LF_ROW_RATIO:
        return before ? known(lf_amount_real((double)rows / (double)before))
                      : without(LF_VERDICT_NO_BEFORE);
    case LF_AGE:
        return age_verdict(evidence);
    case LF_DISTINCT:
        if (rule->key && is_one_key)
            return count_verdict(rows);
        return subject_verdict(rule, evidence);
    case LF_NULLS:
    case LF_LEAST:
    case LF_GREATEST:
    case LF_PSI:
        break;
    }
    return subject_verdict(rule, evidence);
}

struct lf_verdict
lf_quality_judge(const struct lf_rule *rule, const struct lf_entity *entity,
                 const struct lf_evidence *evidence)
{
    struct lf_verdict verdict =
        verdict_of(rule, evidence, entity->key_count == 1);

    verdict.holds = verdict.kind == LF_VERDICT_KNOWN
                        ? lf_rule_holds(rule, verdict.figure)
                        : verdict.kind == LF_VERDICT_NO_BEFORE;
    return verdict;
}

static const char *const words[] = {[LF_VERDICT_KNOWN] = "",
                                    [LF_VERDICT_NO_VALUE] = "no value",
                                    [LF_VERDICT_NO_BEFORE] =
                                        "no version before",
                                    [LF_VERDICT_NOT_READ] = "not read"};

/* Names and numbers: nothing that JSON would escape. An age is in seconds. */
void
lf_verdict_print(struct lf_text *text, const struct lf_rule *rule,
                 const struct lf_view *view, const struct lf_entity *entity,
                 const struct lf_verdict *verdict)
{
    bool quoted = verdict->figure.is_real &&
                  verdict->figure.real - verdict->figure.real != 0;

    lf_text_add(text, "\"rule\":\"");
    lf_rule_print(text, rule, view, entity);
    lf_text_add(text, "\",\"figure\":%s", quoted ? "\"" : "");
    if (verdict->kind != LF_VERDICT_KNOWN)
        lf_text_add(text, "null,\"why\":\"%s\"", words[verdict->kind]);
    else if (rule->figure == LF_AGE)
        lf_amount_print(text, LF_ROWS,
                        lf_amount_real((double)verdict->figure.whole / 1e6));
    else
        lf_amount_print(text, LF_ROWS, verdict->figure);
    lf_text_add(text, "%s,\"holds\":%s", quoted ? "\"" : "",
                verdict->kind == LF_VERDICT_NOT_READ ? "null"
                : verdict->holds                     ? "true"
                                                     : "false");
}

/* "nulls(a) <= 0.05: it is 0.5". */
static bool
describe_failure(struct lf_judgement *judgement, const struct lf_rule *rule,
                 const struct lf_view *view, const struct lf_entity *entity,
                 const struct lf_verdict *verdict)
{
    struct lf_text text = {0};
    struct lf_amount figure = verdict->figure;

    lf_rule_print(&text, rule, view, entity);
    if (verdict->kind != LF_VERDICT_KNOWN) {
        lf_text_add(&text, ": there is %s", words[verdict->kind]);
    } else {
        lf_text_add(&text, ": it is ");
        if (rule->figure == LF_AGE && figure.whole > 1000000)
            figure.whole -= figure.whole % 1000000;
        lf_amount_print(&text, rule->figure, figure);
    }
    if (!text.failed)
        snprintf(judgement->first, sizeof judgement->first, "%.*s",
                 (int)text.bytes.size, (const char *)text.bytes.data);
    lf_text_free(&text);
    return judgement->first[0];
}

feature_status
lf_quality_judge_all(const struct lf_view *view, const struct lf_entity *entity,
                     const struct lf_evidence *evidence,
                     struct lf_judgement *judgement,
                     struct feature_error *error)
{
    lf_text_add(&judgement->figures, "[");
    for (uint32_t i = 0; i < view->rule_count; i++) {
        const struct lf_rule *rule = &view->rules[i];
        struct lf_verdict verdict = lf_quality_judge(rule, entity, evidence);

        lf_text_add(&judgement->figures, "%s", i ? ",{" : "{");
        lf_verdict_print(&judgement->figures, rule, view, entity, &verdict);
        lf_text_add(&judgement->figures, "}");
        judgement->rules++;
        if (verdict.holds)
            continue;
        if (!judgement->failed++ &&
            !describe_failure(judgement, rule, view, entity, &verdict))
            return lf_fail_memory(error);
    }
    lf_text_add(&judgement->figures, "]");
    return judgement->figures.failed ? lf_fail_memory(error) : FEATURE_OK;
}
