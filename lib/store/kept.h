/* SPDX-License-Identifier: Apache-2.0 */
/* The kept events of the keys of a view FROM an event, from a snapshot. */
#ifndef LF_STORE_KEPT_H
#define LF_STORE_KEPT_H

#include "format/event.h"
#include "format/history.h"
#include "format/state.h"
#include "store/store.h"

/* Zero is unused; kept from read to read. */
struct lf_kept {
    struct lf_catalog *catalog; /* a reference */
    const struct lf_view *view;
    const struct lf_event *event;
    struct lf_event_layouts layouts;
    uint32_t seed;
    struct lf_meta_view meta;
    struct lf_cursor *cursor;
    bool is_now;        /* t is the clock: deletes at or after it count */
    bool is_restricted; /* to commits that were known by then: */
    int64_t known_by;
    struct lf_buffer key;
    struct lf_buffer events;    /* struct lf_tile_event, oldest first */
    struct lf_buffer cells;     /* of them */
    struct lf_buffer other;     /* of the event that is only looked at */
    struct lf_buffer retracts;  /* met at the ts under way */
    struct lf_buffer retracted; /* their cells */
    struct lf_buffer barriers;  /* i64: times of DELETE, newest first */
};

/* Begins to read a view that the catalog has, whose record is meta. known_by is
 * 0 where all commits count. */
feature_status lf_kept_begin(struct lf_kept *kept, struct lf_reader *reader,
                             struct lf_catalog *catalog,
                             const struct lf_view *view,
                             const struct lf_meta_view *meta, int64_t known_by,
                             struct feature_error *error);
void lf_kept_end(struct lf_kept *kept); /* before the reader ends */
void lf_kept_free(struct lf_kept *kept);

/* Whether every event with from <= ts that counts is among those kept. */
bool lf_kept_covers(const struct lf_kept *kept, int64_t from);

/* Gathers the events of a key with from <= ts < to, those alone that were not
 * retracted, and when the key was deleted before to, or ever if is_now. */
feature_status lf_kept_gather(struct lf_kept *kept, const uint8_t *key,
                              size_t key_size, int64_t from, int64_t to,
                              struct feature_error *error);

/* What was gathered. */
static inline const struct lf_tile_event *
lf_kept_all(const struct lf_kept *kept, size_t *count)
{
    *count = kept->events.size / sizeof(struct lf_tile_event);
    return (const struct lf_tile_event *)(const void *)kept->events.data;
}

/* Of what was gathered, the events that count at t: those before t, and after
 * the last time before t at which the key was deleted. */
const struct lf_tile_event *lf_kept_events(const struct lf_kept *kept,
                                           int64_t t, size_t *count);

/* The first ts that counts at t: INT64_MIN where the key was not deleted since
 * what was gathered begins. */
int64_t lf_kept_floor(const struct lf_kept *kept, int64_t t);

/* Whether the key has an event with from <= ts < to, as far as they are kept:
 * of none that was deleted. */
feature_status lf_kept_any(struct lf_kept *kept, const uint8_t *key,
                           size_t key_size, int64_t from, int64_t to, bool *any,
                           struct feature_error *error);

#endif
