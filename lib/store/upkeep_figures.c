/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much upkeep waits.
 *
 * Owns the way from the records of upkeep to a figure.
 * Keeps to one snapshot, that of all other figures.
 * Never looks at rows: what a pass would find is not known before it.
 */
#include <string.h>

#include "store/figures.h"
#include "store/upkeep.h"

static feature_status
read_upkeep(struct lf_reader *reader, uint32_t view, struct lf_upkeep *upkeep,
            struct feature_error *error)
{
    char key[LF_UPKEEP_KEY_SIZE];
    const uint8_t *value;
    size_t size;
    bool found;

    lf_upkeep_key(view, key);
    LF_TRY(lf_reader_get(reader, LF_META_TREE, key, strlen(key), &found, &value,
                         &size, error));
    if (!found || !lf_upkeep_decode(upkeep, view, value, size))
        lf_upkeep_clear(upkeep);
    return FEATURE_OK;
}

/* A view that nobody has begun to look after is young. */
static bool
waits(const struct lf_figures *figures, uint32_t view,
      const struct lf_upkeep *upkeep, int kind)
{
    const struct lf_view *definition = &figures->catalog->views[view];
    const struct lf_pass *pass = &upkeep->passes[kind];

    if (pass->begun == INT64_MIN && pass->done == INT64_MIN)
        return false;
    if (kind == LF_PASS_ROWS && !definition->ttl &&
        !figures->views[view].tombstones)
        return false;
    return lf_upkeep_is_due(definition, upkeep, (enum lf_pass_kind)kind,
                            figures->now);
}

feature_status
lf_upkeep_figures_read(struct lf_reader *reader, struct lf_figures *figures,
                       struct feature_error *error)
{
    struct lf_upkeep upkeep;

    figures->passes_due = 0;
    if (figures->feed.meta.flags & LF_FEED_FOLLOWER)
        return FEATURE_OK; /* its leader's */
    for (uint32_t i = 0; i < figures->catalog->view_count; i++) {
        LF_TRY(
            read_upkeep(reader, figures->catalog->views[i].id, &upkeep, error));
        for (int kind = 0; kind < LF_PASSES; kind++)
            figures->passes_due += waits(figures, i, &upkeep, kind);
    }
    return FEATURE_OK;
}
