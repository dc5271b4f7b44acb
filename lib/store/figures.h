/* SPDX-License-Identifier: Apache-2.0 */
/* What a store says of itself: the source of all its reports. */
#ifndef LF_STORE_FIGURES_H
#define LF_STORE_FIGURES_H

#include "format/feed.h"
#include "store/loads.h"

/* Of the change feed and the sources. */
struct lf_feed_figures {
    struct lf_meta_feed meta;
    struct lf_buffer consumers; /* lf_consumer_figures */
    uint64_t replays;           /* of this handle */
    uint64_t jumps;             /* ever */
    uint64_t sources;           /* partitions of sources */
};

struct lf_consumer_figures {
    char name[LF_CONSUMER_MAX + 1];
    struct lf_consumer consumer;
};

struct lf_event_figures {
    struct lf_event_counts counts; /* of this handle */
    uint64_t ids;                  /* remembered by its dedupe */
};

struct lf_figures {
    struct lf_environment_info environment;
    struct lf_meta_store meta;
    struct lf_catalog *catalog;
    struct lf_meta_view *views;      /* in the catalog's order */
    struct lf_event_figures *events; /* likewise */
    struct lf_buffer versions;       /* lf_version: those that are kept, too */
    struct lf_load_list loads;       /* of all views */
    const struct lf_environment *claims; /* who loads right now */
    struct lf_count_sums counts;
    struct lf_feed_figures feed;
    uint64_t free_pages;
    uint32_t page_size;
    uint32_t holds;      /* snapshots that scans hold */
    uint64_t passes_due; /* of upkeep */
    int64_t now;
};

/* Within lf_store_enter. Free them after a failure, too. */
feature_status lf_figures_take(feature_store *store, struct lf_figures *figures,
                               struct feature_error *error);
void lf_figures_free(struct lf_figures *figures);

/* Parts of lf_figures_take. */
feature_status lf_feed_figures_read(struct lf_reader *reader,
                                    struct lf_feed_figures *figures,
                                    struct feature_error *error);
/* After the catalog, the views, the feed and the clock. */
feature_status lf_upkeep_figures_read(struct lf_reader *reader,
                                      struct lf_figures *figures,
                                      struct feature_error *error);

#endif
