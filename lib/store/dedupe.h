/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of events that were seen, within a write transaction. */
#ifndef LF_STORE_DEDUPE_H
#define LF_STORE_DEDUPE_H

#include "format/row.h"
#include "store/commit.h"

#define LF_DEDUPE_PREFIX    "events/"
#define LF_DEDUPE_KEY_MAX   (10 + LF_KEY_MAX)
#define LF_DEDUPE_VALUE_MAX 24

struct lf_dedupe {
    const struct lf_event *event;
    struct lf_commit *commit;
    struct lf_tree *tree; /* NULL: no id was seen yet, or none is kept */
    int64_t now;          /* of this commit, or of one that came now */
    uint64_t seen;        /* by this transaction */
};

/* events/<event id> */
void lf_dedupe_tree(const struct lf_event *event, char name[LF_TREE_NAME_SIZE]);

static inline bool
lf_dedupe_applies(const struct lf_event *event)
{
    return event->dedupe != LF_NO_COLUMN && event->dedupe_for > 0;
}

feature_status lf_dedupe_begin(struct lf_dedupe *dedupe,
                               struct lf_commit *commit,
                               const struct lf_event *event,
                               struct feature_error *error);

/* Whether the id of an EVENT or a RETRACT was seen less than dedupe_for ago;
 * from now on it was. is_certain: it was not seen, somebody else has asked. */
feature_status lf_dedupe_see(struct lf_dedupe *dedupe, int32_t operation,
                             const struct lf_cell *id, int64_t time,
                             bool is_certain, bool *is_known,
                             struct feature_error *error);

/* Whether a write of an EVENT at `now` would find its id, as far as a cursor in
 * the event's tree can see. since: when it was committed. */
feature_status lf_dedupe_find(const struct lf_event *event,
                              struct lf_cursor *cursor,
                              const struct lf_cell *id, int64_t now,
                              bool *is_known, int64_t *since,
                              struct feature_error *error);

/* Forgets ids of which dedupe_for is over, `most` of them at most. Neither rows
 * nor sequence numbers depend on it. */
feature_status lf_dedupe_forget(struct lf_dedupe *dedupe, uint64_t most,
                                uint64_t *forgotten,
                                struct feature_error *error);

/* The same for one event of the catalog, or all; also of a follower. */
feature_status lf_dedupe_ride(struct lf_commit *commit,
                              const struct lf_catalog *catalog, uint64_t most,
                              struct feature_error *error);
feature_status lf_dedupe_upkeep(struct lf_commit *commit,
                                const struct lf_catalog *catalog, uint64_t most,
                                uint64_t *forgotten,
                                struct feature_error *error);

/* An entry of such a tree, opened. */
struct lf_dedupe_entry {
    bool is_time;      /* of the list by time; else of that by id */
    int32_t operation; /* EVENT or RETRACT */
    const uint8_t *id;
    size_t id_size;
    int64_t commit_time;
    int64_t time; /* of the event; of an entry by id alone */
};

/* NULL, or the reason word of what is wrong. */
const char *lf_dedupe_open(struct lf_dedupe_entry *entry, uint32_t event,
                           const uint8_t *key, size_t key_size,
                           const uint8_t *value, size_t size);

#endif
