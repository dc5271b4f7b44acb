/* SPDX-License-Identifier: Apache-2.0 */
/* Events as text, and what a view holds of them. */
#ifndef TESTS_API_EVENTS_H
#define TESTS_API_EVENTS_H

#include "common.h"

static inline feature_batch *
make_events(struct fixture *f, int32_t operation, const char *event,
            const char *columns, const char *rows)
{
    return make_batch(f, operation, event, columns, rows);
}

/* Writes events and compares their outcomes, a letter each. */
static inline void
expect_events(struct fixture *f, int32_t operation, const char *event,
              const char *columns, const char *rows, const char *outcomes)
{
    feature_batch *batch = make_events(f, operation, event, columns, rows);

    write_batch(f, batch);
    expect_outcomes(batch, outcomes);
    feature_batch_free(batch);
}

struct held {
    unsigned rows, tombstones, history, sequence;
    char hash[33]; /* of the rows */
    char kept[33]; /* of the history */
};

/* What a view holds. */
static inline struct held
held_of(struct fixture *f, const char *view)
{
    char *text = NULL, start[96];
    struct held held = {0};
    const char *line;

    must(feature_store_content(f->store, &text, &problem));
    snprintf(start, sizeof start, "\nview\t%s\t", view);
    line = strstr(text, start);
    if (!line)
        fail_msg("no line of %s in %s", view, text);
    assert_int_equal(sscanf(line + strlen(start), "%u\t%u\t%32s\t%u\t%32s\t%u",
                            &held.rows, &held.tombstones, held.hash,
                            &held.history, held.kept, &held.sequence),
                     6);
    feature_free(text);
    return held;
}

#endif
