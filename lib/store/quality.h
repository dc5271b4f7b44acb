/* SPDX-License-Identifier: Apache-2.0 */
/* Quality rules of a view, judged: figures of its rows, against their bounds. */
#ifndef LF_STORE_QUALITY_H
#define LF_STORE_QUALITY_H

#include "engine/engine.h"
#include "format/meta.h"
#include "model/catalog.h"
#include "store/loads.h"
#include "store/store.h"

/* Figures of the rows of one version of a view, in memory that does not grow
 * with them. */
struct lf_quality;

/* Figures that its rules need; is_before: those alone that rules have of the
 * version before. The view outlives it. */
feature_status lf_quality_make(const struct lf_view *view,
                               const struct lf_entity *entity, bool is_before,
                               struct lf_quality **quality,
                               struct feature_error *error);
void lf_quality_free(struct lf_quality *quality); /* NULL is fine */

/* Whether there is any figure that rows have to be read for. */
bool lf_quality_needs_rows(const struct lf_quality *quality);

/* One row as it is stored, of any schema version; tombstones are passed over. */
feature_status lf_quality_add(struct lf_quality *quality, const uint8_t *key,
                              size_t key_size, const uint8_t *row, size_t size,
                              struct feature_error *error);

/* Adds the rows of a version, where they are needed: of one snapshot, or in
 * snapshots of their own of so many rows each, where nobody else changes the
 * version. */
feature_status lf_quality_scan(struct lf_quality *quality,
                               struct lf_reader *reader,
                               const struct lf_view *view, uint32_t version,
                               struct feature_error *error);
feature_status lf_quality_scan_slowly(struct lf_quality *quality,
                                      feature_store *store,
                                      const struct lf_view *view,
                                      uint32_t version,
                                      struct feature_error *error);

/* What there is to judge by. */
struct lf_evidence {
    const struct lf_meta_view *meta;   /* the version's record */
    const struct lf_quality *quality;  /* NULL: rows were not read */
    const struct lf_meta_view *before; /* NULL: there is no version before */
    const struct lf_quality *before_quality;
    int64_t now;
};

/* The version that served before the one that does, if it is kept, or NULL;
 * among those that lf_versions_read gave. */
const struct lf_version *lf_version_before(const struct lf_buffer *versions,
                                           uint32_t view);

enum lf_verdict_kind {
    LF_VERDICT_KNOWN,
    LF_VERDICT_NO_VALUE,  /* no row has one: the rule does not hold */
    LF_VERDICT_NO_BEFORE, /* nothing to compare with: it holds */
    LF_VERDICT_NOT_READ   /* rows would have to be read: who knows */
};

struct lf_verdict {
    enum lf_verdict_kind kind;
    bool holds;
    struct lf_amount figure; /* if it is known */
};

struct lf_verdict lf_quality_judge(const struct lf_rule *rule,
                                   const struct lf_entity *entity,
                                   const struct lf_evidence *evidence);

/* One rule's members of a JSON object: "rule":"rows >= 2","figure":1,
 * "holds":false. */
void lf_verdict_print(struct lf_text *text, const struct lf_rule *rule,
                      const struct lf_view *view,
                      const struct lf_entity *entity,
                      const struct lf_verdict *verdict);

/* All rules of a view: an array of those, how many there are and do not hold,
 * and of the first such, for a message, what it is and what was found. */
struct lf_judgement {
    struct lf_text figures;
    uint64_t rules;
    uint64_t failed;
    char first[160];
};
feature_status lf_quality_judge_all(const struct lf_view *view,
                                    const struct lf_entity *entity,
                                    const struct lf_evidence *evidence,
                                    struct lf_judgement *judgement,
                                    struct feature_error *error);

#endif
