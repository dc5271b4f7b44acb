/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures, and feature_store_stats().
 *
 * Owns what the store tells of itself, and the struct of it.
 * Keeps all figures of one call to one snapshot, save for those of the process
 * and the file.
 * Never scans rows: the views' records have the counts.
 */
#include "store/figures.h"

#include <string.h>

#include "base/alloc.h"
#include "store/dedupe.h"
#include "store/loads.h"

/* An id that is remembered has two entries, that by id and that by time. */
static feature_status
read_events(feature_store *store, struct lf_reader *reader,
            struct lf_figures *figures, struct feature_error *error)
{
    const struct lf_catalog *catalog = figures->catalog;

    figures->events =
        lf_alloc_array(catalog->event_count, sizeof *figures->events);
    if (!figures->events)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < catalog->event_count; i++) {
        char tree[LF_TREE_NAME_SIZE];

        lf_dedupe_tree(&catalog->events[i], tree);
        LF_TRY(lf_reader_entries(reader, tree, &figures->events[i].ids, error));
        figures->events[i].ids /= 2;
        lf_event_counts_read(store, catalog->events[i].id,
                             &figures->events[i].counts);
    }
    return FEATURE_OK;
}

static feature_status
read_snapshot(feature_store *store, struct lf_reader *reader,
              struct lf_figures *figures, struct feature_error *error)
{
    LF_TRY(lf_reader_free_pages(reader, &figures->free_pages, error));
    figures->page_size = lf_reader_page_size(reader);
    LF_TRY(lf_store_read_meta(reader, &figures->meta, error));
    LF_TRY(lf_store_read_catalog(store, reader, &figures->meta,
                                 &figures->catalog, error));
    figures->views =
        lf_alloc_array(figures->catalog->view_count, sizeof *figures->views);
    if (!figures->views)
        return lf_fail_memory(error);
    for (uint32_t i = 0; i < figures->catalog->view_count; i++)
        LF_TRY(lf_store_read_view(reader, figures->catalog->views[i].id,
                                  &figures->views[i], error));
    LF_TRY(read_events(store, reader, figures, error));
    LF_TRY(lf_versions_read(reader, 0, &figures->versions, error));
    LF_TRY(lf_loads_read(reader, 0, &figures->loads, error));
    return lf_feed_figures_read(reader, &figures->feed, error);
}

void
lf_figures_free(struct lf_figures *figures)
{
    lf_catalog_release(figures->catalog);
    lf_free(figures->views);
    lf_free(figures->events);
    lf_buffer_free(&figures->versions);
    lf_loads_free(&figures->loads);
    lf_buffer_free(&figures->feed.consumers);
}

feature_status
lf_figures_take(feature_store *store, struct lf_figures *figures,
                struct feature_error *error)
{
    struct lf_reader *reader;
    feature_status status;

    LF_TRY(
        lf_environment_info(store->environment, &figures->environment, error));
    LF_TRY(lf_reader_begin(store->environment, &reader, error));
    figures->environment.transaction = lf_reader_transaction(reader);
    figures->now = lf_store_now(store);
    figures->claims = store->environment;
    status = read_snapshot(store, reader, figures, error);
    if (!status)
        status = lf_upkeep_figures_read(reader, figures, error);
    lf_reader_end(reader);
    lf_counts_sum(store, &figures->counts);
    figures->holds = atomic_load(&store->hold_count);
    figures->feed.replays = atomic_load(&store->replays);
    return status;
}

static void
fill_stats(const struct lf_figures *figures, struct feature_stats *stats)
{
    const struct lf_environment_info *info = &figures->environment;

    *stats = (struct feature_stats){
        .flags = (info->is_durable ? FEATURE_STATS_DURABLE : 0u) |
                 (info->map_fallback ? FEATURE_STATS_MAP_FALLBACK : 0u) |
                 (info->is_immutable ? FEATURE_STATS_IMMUTABLE : 0u),
        .sequence = figures->meta.sequence,
        .commit_time = figures->meta.commit_time,
        .catalog_version = figures->meta.catalog_version,
        .file_size = info->file_size,
        .map_size = info->map_size,
        .used_size = info->used_size,
        .transaction = info->transaction,
        .entities = figures->catalog->entity_count,
        .views = figures->catalog->view_count,
        .services = figures->catalog->service_count,
        .readers = info->readers,
        .max_readers = info->max_readers,
        .lmdb_version = info->lmdb_version,
        .reads = figures->counts.reads,
        .read_rows = figures->counts.rows,
        .fallback_reads = info->fallback_reads,
        .free_pages = figures->free_pages,
        .page_size = figures->page_size,
        .active_readers = info->active_readers,
        .oldest_reader_lag = info->oldest_lag,
        .oldest_reader_pid = info->oldest_pid,
        .held_snapshots = figures->holds,
        .max_size = figures->catalog->max_size,
        .write_waits = info->writers_waited,
        .write_wait_us = info->writers_us,
        .write_timeouts = info->writers_gave_up,
        .read_overflows = figures->counts.overflows};
    for (uint32_t i = 0; i < figures->catalog->view_count; i++) {
        const struct lf_meta_view *view = &figures->views[i];

        stats->rows += view->row_entries - view->tombstones;
        stats->tombstones += view->tombstones;
        stats->applied += view->applied;
        stats->late += view->late;
    }
}

feature_status
feature_store_stats(feature_store *store, struct feature_stats *stats,
                    struct feature_error *error)
{
    struct lf_figures figures = {0};
    struct feature_stats ours;
    feature_status status;

    if (!store || !stats)
        return lf_fail(error, FEATURE_INVALID, "argument",
                       "store and stats are needed");
    LF_TRY(lf_report_check(stats, "feature_stats", error));
    LF_TRY(lf_store_enter(store, error));
    status = lf_figures_take(store, &figures, error);
    if (!status)
        fill_stats(&figures, &ours);
    lf_store_leave(store);
    lf_figures_free(&figures);
    if (!status)
        lf_report_write(stats, &ours, sizeof ours);
    return status;
}
